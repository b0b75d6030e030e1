"""What stands below the calendar: bookings, faults, and what was asked of the vendor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from innsync.integrations.simulation.markup import Markup, tag
from innsync.integrations.simulation.page_parts import View, labelled
from innsync.integrations.simulation.requests import Seen

LOOKED_THROUGH, SHOWN = 600, 12

PASSED_FAULTS = {
    "duplicate": "Deliver messages twice",
    "reorder": "Shuffle the order of messages",
    "drop_webhooks": "Lose calls to the partner",
    "bad_schema": "Answer in a broken format",
    "timeout_after_apply": "Apply, but never answer",
}


NUMBER_FAULTS = {
    "latency_ms": ("Latency", "ms", "any"),
    "error_rate": ("Error share", "0 to 1", "any"),
    "status": ("Error status", "400 to 599", "1"),
    "rate_limit_per_min": ("Calls a minute", "at most", "1"),
    "down_for_s": ("Down for", "seconds", "any"),
}


def bookings(view: View) -> Markup:
    found = list(view.chosen.world.bookings(view.code))[::-1][:100]
    heads = ("Booking", "Status", "Room and rate", "Acknowledged", "Check-in", "Check-out", "")
    names = [tag("th", head, scope="col") if head else tag("td") for head in heads]
    table = tag(
        "table",
        tag("caption", "Bookings, latest first", class_="unseen"),
        tag("thead", tag("tr", names)),
        tag("tbody", [booking_row(view, booking) for booking in found]),
        class_="list stack",
    )
    return tag(
        "section",
        tag("h2", "Bookings", id="bookings-title"),
        tag(
            "div", table if found else tag("p", "Nobody has booked here yet.", class_="soft"),
            class_="scroll", role="region", aria_labelledby="bookings-title", tabindex="0", data_live="bookings",
        ),
        class_="card",
    )  # fmt: skip


def booking_row(view: View, booking: Mapping[str, Any]) -> Markup:
    reference, gone = str(booking["reference"]), "cancel" in str(booking["status"])
    taken = booking["acknowledged"]
    return tag(
        "tr",
        tag("th", reference, scope="row"),
        tag("td", tag("span", booking["status"], class_="chip gone" if gone else "chip good")),
        tag("td", f"{booking['room']}/{booking['rate']}", data_label="Room and rate"),
        tag(
            "td",
            tag("span", "yes" if taken else "not yet", class_="chip good" if taken else "chip wait"),
            data_label="Acknowledged",
        ),
        tag("td", str(booking["check_in"]), data_label="Check-in"),
        tag("td", str(booking["check_out"]), data_label="Check-out"),
        tag("td", None if gone else booking_actions(view, booking, reference)),
    )


def booking_actions(view: View, booking: Mapping[str, Any], reference: str) -> Markup:
    change = tag(
        "details",
        tag("summary", "Change", tag("span", f" {reference}", class_="unseen")),
        tag(
            "form",
            view.hidden(),
            tag("input", type="hidden", name="reference", value=reference),
            labelled("Check-in", tag("input", type="date", name="check_in", value=str(booking["check_in"]))),
            labelled("Check-out", tag("input", type="date", name="check_out", value=str(booking["check_out"]))),
            tag("button", "Save", class_="main"),
            method="post",
            action="/_page/change",
        ),
    )
    cancel = tag(
        "form",
        view.hidden(),
        tag("input", type="hidden", name="reference", value=reference),
        tag("button", "Cancel", tag("span", f" {reference}", class_="unseen"), class_="quiet"),
        method="post",
        action="/_page/cancel",
    )
    return tag("div", change, cancel, class_="actions")


def faults(view: View) -> Markup:
    now = view.chosen.trouble.describe()
    numbers = [
        labelled(
            label,
            tag("input", type="number", name=name, min="0", step=step, inputmode="decimal",
                value=f"{now[name]:.10g}" if name in now else None),
            hint=unit,
        )
        for name, (label, unit, step) in NUMBER_FAULTS.items()
    ]  # fmt: skip
    switches = [
        tag("label", tag("input", type="checkbox", name=name, checked=bool(now.get(name))), words, class_="check")
        for name, words in PASSED_FAULTS.items()
        if name != "drop_webhooks" or view.chosen.world.calls_out
    ]
    chip = tag("span", "in force" if now else "none", class_="chip wait" if now else "chip good")
    return tag(
        "section",
        tag("h2", "Faults ", tag("span", chip, data_live="faults")),
        tag(
            "form",
            view.hidden(),
            tag("div", numbers, class_="numbers"),
            tag("div", switches, class_="checks"),
            tag(
                "div",
                tag("button", "Put in force", class_="main"),
                tag("button", "Clear", name="clear", value="1", class_="quiet"),
                class_="row",
            ),
            method="post",
            action="/_page/faults",
        ),
        class_="card",
    )


def requests(view: View) -> Markup:
    log = view.chosen.requests
    latest = fold(log.after(max(0, log.last_id - LOOKED_THROUGH), LOOKED_THROUGH)[::-1])[:SHOWN]
    table = tag(
        "table",
        tag("caption", "Requests the channel saw, latest first", class_="unseen"),
        tag("thead", tag("tr", [tag("th", head, scope="col") for head in ("Time", "Request", "Answer", "Verdict")])),
        tag("tbody", [request_row(seen, times) for seen, times in latest]),
        class_="list",
    )
    return tag(
        "section",
        tag("h2", "Requests", id="requests-title"),
        tag(
            "div", table if latest else tag("p", "Nothing was asked yet.", class_="soft"),
            class_="scroll", role="region", aria_labelledby="requests-title", tabindex="0", data_live="requests",
        ),
        class_="card",
    )  # fmt: skip


def fold(latest: Sequence[Seen]) -> list[tuple[Seen, int]]:
    """Each request with how often it came in a row, so that polling does not push everything else off the page.

    A poll may ask two questions in turn: a request counts as repeated when it is like one of the last two.
    """
    rows: list[tuple[Seen, int]] = []
    for seen in latest:
        for index in range(len(rows) - 1, max(-1, len(rows) - 3), -1):
            other, times = rows[index]
            if _kind(other) == _kind(seen):
                rows[index] = (other, times + 1)
                break
        else:
            rows.append((seen, 1))
    return rows


def _kind(seen: Seen) -> tuple[object, ...]:
    return seen.method, seen.operation or seen.path, seen.status, seen.verdict


def request_row(seen: Seen, times: int) -> Markup:
    fine = seen.verdict == "ok"
    return tag(
        "tr",
        tag("td", f"{seen.time:%H:%M:%S}"),
        tag(
            "td",
            tag("b", seen.method),
            " ",
            (seen.operation or seen.path).removeprefix(f"{seen.method} "),
            tag("small", f" {times} times") if times > 1 else None,
            class_="path",
        ),
        tag("td", seen.status if seen.status is not None else "none", tag("small", f" {seen.duration_ms:.0f} ms")),
        tag("td", tag("span", seen.verdict, class_="chip good" if fine else "chip wait")),
    )
