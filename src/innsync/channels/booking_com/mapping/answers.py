"""The vendor's answers to availability and rate requests: what was refused, and of which cells (NOTES.md 3.6)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from innsync.channels.booking_com.mapping.ari import Line, lines
from innsync.channels.booking_com.mapping.xml import VENDOR, attribute, broken, deep, name, one, read_xml, ruid, text
from innsync.integrations.errors import OutcomeUnknown, Rejected
from innsync.integrations.ports import Push, PushResult, Refusal

_ID = re.compile(r"\d{3,}")


@dataclass(frozen=True, slots=True)
class Problem:
    """An Error or Warning of an answer. locator: the message it speaks of, if it says so."""

    code: str
    words: str
    locator: str


@dataclass(frozen=True, slots=True)
class NotifAnswer:
    success: bool
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    ruid: str


def read_answer(body: bytes, *, operation: str) -> NotifAnswer:
    """Raises ContractBroken unless the answer says Success or at least one Error."""
    root = read_xml(body, operation=operation)
    success = one(root, "Success") is not None
    errors = tuple(_problem(found) for found in [*deep(root, "Error"), *_faults(root)])
    if not success and not errors:
        raise broken(f"an answer {name(root)} without Success or Errors", operation)
    return NotifAnswer(success, errors, tuple(_problem(found) for found in deep(root, "Warning")), ruid(body))


def _faults(root: etree._Element) -> list[etree._Element]:
    return [root] if name(root) == "fault" else deep(root, "fault")


def _problem(element: etree._Element) -> Problem:
    words = attribute(element, "ShortText", "string") or text(element, "string") or text(element)
    code = attribute(element, "Code", "code")
    return Problem(code, words or code, attribute(element, "RecordID", "LocatorID", "Tag"))


def push_result(push: Push, status: int, body: bytes) -> PushResult:
    """What became of a push: status 200 says that something was applied, 400 that nothing was.

    Raises Rejected when all was refused for a reason that belongs to no cell, OutcomeUnknown when an error belongs to
    some cells that can't be told.
    """
    answer = read_answer(body, operation=push.operation)
    sent = lines(push.updates)
    refused: dict[int, Problem] = {}
    for error in answer.errors:
        places = _places(error, sent)
        if not places:
            raise _unattributed(push, status, error, answer.ruid)
        for place in places:
            refused.setdefault(place, error)
    if status >= 400 and len(refused) < len(sent):
        raise _unattributed(push, status, answer.errors[0] if answer.errors else None, answer.ruid)
    return PushResult(
        tuple(_refusal(sent[place], problem) for place, problem in sorted(refused.items())),
        answer.ruid,
        tuple(f"{warning.code}: {warning.words}" for warning in answer.warnings),
    )


def _unattributed(push: Push, status: int, error: Problem | None, request_id: str) -> Rejected | OutcomeUnknown:
    family = Rejected if status >= 400 else OutcomeUnknown
    return family(
        error.words if error else "refused without a reason",
        vendor=VENDOR,
        operation=push.operation,
        vendor_code=error.code if error else str(status),
        request_id=request_id,
    )


def _places(problem: Problem, sent: Sequence[Line]) -> list[int]:
    """The messages that a problem speaks of: by its locator, else by the room or rate ids in its words."""
    if problem.locator.isdigit() and 1 <= int(problem.locator) <= len(sent):
        return [int(problem.locator) - 1]
    named = set(_ID.findall(problem.words))
    rooms = [place for place, line in enumerate(sent) if line.target.room in named]
    rates = [place for place, line in enumerate(sent) if line.target.rate in named]
    both = [place for place in rooms if place in set(rates)]
    return both or rooms or rates


def _refusal(line: Line, problem: Problem) -> Refusal:
    return Refusal(line.target, line.first, line.last, problem.words, problem.code, tuple(line.values))
