"""Mail: what a job shows of it, and what becomes of one that does not go out."""

from __future__ import annotations

import smtplib
from uuid import uuid4

import pytest
from django.core import mail
from django.test import override_settings

from innsync.apps.accounts.tenancy import sql
from innsync.apps.mail import tasks


@pytest.fixture
def to():
    return f"{uuid4().hex[:8]}@people.example"


@pytest.fixture
def outbox():
    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend", EMAIL_FILE_PATH=None):
        mail.outbox = []
        yield mail.outbox


def jobs():
    with sql() as cursor:
        return cursor.execute(
            "SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = 'deliver_mail' AND status = 'todo'"
            " UNION ALL SELECT arguments, due_at FROM events_laterjob WHERE task = 'deliver_mail'"
        ).fetchall()


def newest(known):
    (found,) = [one for one in jobs() if one not in known]
    return found


def test_a_mail_waits_unreadable_and_goes_out_as_it_was_written(database, to, outbox):
    known = jobs()
    tasks.post(to=to, subject="A link", text="https://there/secret-part")
    args, _ = newest(known)
    assert "secret-part" not in str(args)
    assert to not in str(args)
    tasks.deliver(**args)
    (sent,) = outbox
    assert (sent.to, sent.subject, sent.body) == ([to], "A link", "https://there/secret-part")


def test_line_breaks_in_a_subject_neither_stop_the_mail_nor_add_a_header(database, to, outbox):
    tasks.send(to=to, subject="Ada\r\nBcc: x@people.example\n invites you", text="text")
    (sent,) = outbox
    assert sent.subject == "Ada Bcc: x@people.example invites you"
    assert sent.message()["Bcc"] is None


def test_a_mail_that_is_refused_is_tried_again_later_and_given_up_at_last(database, to, outbox, monkeypatch):
    def refuse(**_):
        raise smtplib.SMTPServerDisconnected("gone")

    monkeypatch.setattr(tasks, "send", refuse)
    known = jobs()
    tasks.post(to=to, subject="Hello", text="text")
    args, _ = newest(known)
    for failures in range(len(tasks.WAITS_S)):
        known = jobs()
        tasks.deliver(**args)
        args, at = newest(known)
        assert args["failures"] == failures + 1
        assert at is not None
    known = jobs()
    tasks.deliver(**args)
    assert sorted(jobs(), key=str) == sorted(known, key=str)
    assert outbox == []


def test_without_a_server_mail_becomes_files_that_nobody_else_reads(database, to, tmp_path):
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend", EMAIL_FILE_PATH=str(tmp_path / "mail")
    ):
        tasks.send(to=to, subject="Hello", text="the text")
    folder = tmp_path / "mail"
    assert folder.stat().st_mode & 0o077 == 0
    (file,) = folder.iterdir()
    assert "the text" in file.read_text()
