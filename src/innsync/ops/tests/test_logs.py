"""Logs carry the ids of what they belong to, and nothing secret, whatever was logged and by whom."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from procrastinate.jobs import Job

from innsync.domain.redaction import CARD, CUT, clean, clean_text, is_card_number
from innsync.ops import logs
from innsync.ops.jobs import Jobs

VISA = "4111111111111111"
CARDS = (VISA, "5555555555554444", "378282246310005", "30569309025904", "6011111111111117", "4000056655665556")


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All logs of the test; the logging of the test run is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    logs.configure(stream=stream, as_json=True)
    yield stream
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


class TestLines:
    def test_each_event_is_one_line_of_json_with_time_and_level(self, written: io.StringIO) -> None:
        structlog.get_logger("innsync.x").info("pushed", cells=31)
        (line,) = lines(written)
        assert line["event"] == "pushed"
        assert line["cells"] == 31
        assert line["level"] == "info"
        assert line["timestamp"].endswith("Z")

    def test_a_plain_line_is_as_any_other_and_as_clean(self, written: io.StringIO) -> None:
        fields = {"method": "GET", "path": f"/hotels/{VISA}", "status": 200, "duration_ms": 0.4, "caller": "isk_abcdef"}
        with logs.bound(request_id="r-12345678"):
            structlog.get_logger("innsync.x").info("request", **fields)
        write = logs.plain_lines("innsync.x")
        assert write is not None
        write("request", "r-12345678", fields)
        usual, plain = lines(written)
        assert list(plain) == list(usual)
        assert {**plain, "timestamp": ""} == {**usual, "timestamp": ""}
        assert len(plain["timestamp"]) == len(usual["timestamp"])
        assert VISA not in written.getvalue()

    def test_nobody_writes_plain_lines_that_are_not_wanted(self, written: io.StringIO) -> None:
        logging.getLogger().setLevel(logging.WARNING)
        assert logs.plain_lines("innsync.x") is None

    def test_standard_logging_ends_in_the_same_place(self, written: io.StringIO) -> None:
        logging.getLogger("some.library").warning("retry %d of %s", 2, "POST")
        (line,) = lines(written)
        assert (line["event"], line["logger"], line["level"]) == ("retry 2 of POST", "some.library", "warning")

    def test_bound_ids_are_on_every_line_inside_and_on_none_after(self, written: io.StringIO) -> None:
        with logs.bound(request_id="r-1", job_id=7, connection_id=None):
            structlog.get_logger().info("ours")
            logging.getLogger("library").warning("theirs")
        structlog.get_logger().info("after")
        ours, theirs, after = lines(written)
        for line in (ours, theirs):
            assert (line["request_id"], line["job_id"]) == ("r-1", "7")
            assert "connection_id" not in line
        assert "request_id" not in after

    def test_what_a_job_logs_says_which_job_it_is_and_what_it_is_about(self, written: io.StringIO) -> None:
        about = {"organization_id": "o-1", "connection_id": "c-1", "full": True}
        job = Job(id=7, queue="q", lock=None, queueing_lock=None, task_name="push", task_kwargs=about)
        Jobs().run(lambda: logging.getLogger("library").warning("theirs"), SimpleNamespace(job=job), None)
        structlog.get_logger().info("after")
        theirs, after = lines(written)
        wanted = {"job_id": "7", "task": "push", "organization_id": "o-1", "connection_id": "c-1"}
        assert wanted.items() <= theirs.items()
        assert not {"account_id", "full"} & theirs.keys()
        assert not wanted.keys() & after.keys()

    def test_an_exception_is_told_without_its_secrets(self, written: io.StringIO) -> None:
        try:
            raise ValueError(f"card {VISA} of sarah.johnson@example.com")
        except ValueError:
            structlog.get_logger().exception("failed")
        (line,) = lines(written)
        assert "ValueError" in line["exception"]
        assert VISA not in written.getvalue()
        assert "sarah" not in written.getvalue()

    def test_below_the_level_nothing_is_written(self, written: io.StringIO) -> None:
        structlog.get_logger().debug("chatter")
        logging.getLogger("httpx").info("HTTP Request: GET")
        assert written.getvalue() == ""

    def test_a_person_reads_key_and_value(self, written: io.StringIO) -> None:
        stream = io.StringIO()
        logs.configure(stream=stream, as_json=False)
        structlog.get_logger().info("pushed", api_key="isk_abcdefgh")
        assert "event='pushed'" in stream.getvalue()
        assert "isk_abc" not in stream.getvalue()

    @pytest.mark.parametrize("number", CARDS)
    def test_a_card_number_logged_in_any_way_is_not_written(self, written: io.StringIO, number: str) -> None:
        log = structlog.get_logger()
        log.info(
            f"paid with {number}", text=number, number=int(number), nested={"a": [{"b": number}]}, raw=number.encode()
        )
        log.bind(card=number).info("bound")
        logging.getLogger("x").warning("their %s", number)
        logging.getLogger("x").warning("their %(n)s", {"n": number})
        assert len(lines(written)) == 4
        assert number not in written.getvalue()


class TestCards:
    @pytest.mark.parametrize("number", CARDS)
    @pytest.mark.parametrize("gap", ["", " ", "-", ".", "  ", "\u00a0"])
    def test_they_are_cut_however_they_are_grouped(self, number: str, gap: str) -> None:
        for size in (4, 3, 5):
            grouped = gap.join(number[at : at + size] for at in range(0, len(number), size))
            for text in (grouped, f"<CardNumber>{grouped}</CardNumber>", f'{{"n":"{grouped}"}}', f"pan={grouped}&x=1"):
                assert grouped not in clean_text(text), text

    @given(st.integers(min_value=10**12, max_value=10**19 - 1))
    def test_exactly_numbers_that_pass_the_check_are_cut(self, number: int) -> None:
        kept = clean_text(f"see {number} there") == f"see {number} there"
        assert kept is not is_card_number(str(number))

    @given(st.text(alphabet="0123456789", min_size=12, max_size=18))
    def test_every_number_with_its_check_digit_is_recognised(self, digits: str) -> None:
        completed = [digits + check for check in "0123456789"]
        assert sum(map(is_card_number, completed)) == (0 if completed[0] == "0" * len(completed[0]) else 1)

    @pytest.mark.parametrize(
        "text",
        [
            "2026-06-15T14:00:00Z",
            "booking 4111111111111112",
            "018f3f5e-7c1a-7cc2-b1d4-0123456789ab",
            "+1 850 555 0100",
            "1111111111111111111111111111111111111111",
        ],
    )
    def test_dates_ids_and_telephones_are_left_alone(self, text: str) -> None:
        assert clean_text(text) == text


class TestSecrets:
    @pytest.mark.parametrize(
        ("text", "secret"),
        [
            ("Authorization: Bearer abcdef.ghi-jkl", "abcdef"),
            ("authorization=Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
            ("key isk_4f8sK2-Jxq_9 was used", "4f8sK2"),
            ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "C2FVsBQI"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig-part", "eyJzdWIi"),
            ("postgresql://innsync:s3cr3t@db:5432/x", "s3cr3t"),
            ("GET /x?api_key=s3cr3t&from=2026-01-01", "s3cr3t"),
            ('{"password": "s3cr3t", "user": "u"}', "s3cr3t"),
            ("{'client_secret': 's3cr3t'}", "s3cr3t"),
            ("X-API-Key: s3cr3t", "s3cr3t"),
            ("<Password>s3cr3t</Password>", "s3cr3t"),
            ('<ns:CVV type="x">737</ns:CVV>', "737"),
            ("cvv=737", "737"),
        ],
    )
    def test_their_shapes_are_cut_out_of_text(self, text: str, secret: str) -> None:
        assert secret not in clean_text(text)
        assert CUT in clean_text(text)

    @pytest.mark.parametrize(
        "name", ["Authorization", "api_key", "X-Api-Key", "password", "refresh_token", "Cookie", "cvv"]
    )
    def test_fields_with_their_names_are_cut_whole(self, name: str) -> None:
        assert clean({name: "anything"}) == {name: CUT}
        assert clean({"headers": {name: ["a", "b"]}}) == {"headers": {name: CUT}}

    def test_what_is_around_them_stays_readable(self) -> None:
        assert clean_text("GET /x?api_key=s3cr3t&from=2026-01-01") == f"GET /x?api_key={CUT}&from=2026-01-01"
        assert clean_text("postgresql://u:p@db/x") == f"postgresql://u:{CUT}@db/x"

    def test_an_email_keeps_its_first_letter_and_its_domain(self) -> None:
        assert clean_text("from sarah.johnson+x@mail.example.com,") == "from s***@mail.example.com,"

    def test_numbers_flags_and_nothing_stay_what_they_are(self) -> None:
        assert clean({"cells": 31, "seconds": 0.5, "urgent": True, "by": None}) == {
            "cells": 31,
            "seconds": 0.5,
            "urgent": True,
            "by": None,
        }

    def test_a_thing_that_holds_itself_ends_somewhere(self) -> None:
        endless: list[Any] = []
        endless.append(endless)
        assert "too deep" in str(clean(endless))

    @given(st.text())
    def test_cleaning_twice_changes_no_more(self, text: str) -> None:
        assert clean_text(clean_text(text)) == clean_text(text)

    def test_the_number_is_replaced_by_a_word_about_it(self) -> None:
        assert clean(int(VISA)) == CARD
