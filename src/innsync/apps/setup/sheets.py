"""Reading a table that somebody made with a spreadsheet: rows by the names of their columns, and what is wrong by line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

from innsync.domain.amounts import read_amount
from innsync.domain.errors import InvalidField
from innsync.domain.wording import told

LARGEST_SHEET = 5_000_000
MOST_LINES = 20_000
MOST_PROBLEMS = 200
"""Found before reading stops: more help nobody."""
_YES, _NO = {"1", "yes", "y", "true", "x"}, {"0", "no", "n", "false"}
CLEAR = "-"
"""In a cell: take away what is there."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong where. line: as a spreadsheet counts, from 1; column: empty for the whole line. words: English."""

    line: int
    column: str
    words: str


@dataclass(slots=True)
class Problems:
    """Gathers what is wrong with a file."""

    found: list[Problem] = field(default_factory=list)

    def add(self, line: int, column: str, words: str) -> None:
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(Problem(line, column, words))


@dataclass(slots=True)
class Row:
    """One line, its cells by column and without white space around them; every reading says what is wrong with it."""

    line: int
    cells: dict[str, str]
    problems: Problems

    def text(self, column: str, *, most: int = 200) -> str:
        value = self.cells.get(column, "")
        if len(value) > most:
            self._wrong(column, told(f"has more than {most} letters"))
            return ""
        return value

    def needed(self, column: str, *, most: int = 200) -> str:
        value = self.text(column, most=most)
        if not value and not self.cells.get(column):
            self._wrong(column, told("is empty"))
        return value

    def number(self, column: str, *, least: int, most: int) -> int | None:
        """None where the cell is empty, and where it is wrong."""
        value = self.cells.get(column, "")
        if not value:
            return None
        if not value.isdecimal() or len(value) > 9 or not least <= int(value) <= most:
            self._wrong(column, told(f"must be a number from {least} to {most}"))
            return None
        return int(value)

    def price(self, column: str, currency: str) -> int | None:
        """Minor units, more than 0. A file tells no language: what could be two amounts is wrong. None as above."""
        value = self.cells.get(column, "")
        if not value:
            return None
        try:
            minor = read_amount(value, currency).minor
        except InvalidField as refusal:
            self._wrong(column, refusal.problem)
            return None
        if not 0 < minor <= 2_000_000_000:
            self._wrong(column, told(f"is no amount in {currency}"))
            return None
        return minor

    def night(self, column: str) -> date | None:
        """`2026-12-24` or `24.12.2026`. None as above, but for an empty cell that is wrong, too."""
        value = self.needed(column, most=10)
        found = _read_night(value)
        if value and found is None:
            self._wrong(column, told("must be a date such as 2026-12-24"))
        return found

    def flag(self, column: str) -> int | None:
        """1 or 0. None as above."""
        value = self.cells.get(column, "").lower()
        if value in _YES or value in _NO:
            return int(value in _YES)
        if value:
            self._wrong(column, told("must be yes or no"))
        return None

    def _wrong(self, column: str, words: str) -> None:
        self.problems.add(self.line, column, words)


@lru_cache(maxsize=4096)  # a file names each night once a rate
def _read_night(text: str) -> date | None:
    for form in ("%Y-%m-%d", "%d.%m.%Y"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007  # a calendar date, no moment
        except ValueError:
            continue
    return None


def read_sheet(content: bytes, *, needed: Sequence[str], known: Sequence[str], problems: Problems) -> list[Row]:
    """The lines below the heads; empty ones are left out. What is wrong with the table as a whole goes to `problems`."""
    if len(content) > LARGEST_SHEET:
        problems.add(1, "", told("is larger than 5 MB"))
        return []
    lines = lines_of(decoded(content), problems)
    heads = [name.strip().lower().replace(" ", "_") for name in next(lines, (0, []))[1]]
    for missing in (name for name in needed if name not in heads):
        problems.add(1, missing, told("is missing: the first line names the columns"))
    for strange in dict.fromkeys(name for name in heads if name and name not in known):
        problems.add(1, strange[:40], told("is no column of this table"))
    if len(set(heads)) < len(heads):
        problems.add(1, "", told("names a column twice"))
    if problems.found:
        return []
    rows: list[Row] = []
    for number, values in lines:
        if not any(value.strip() for value in values):
            continue
        if len(rows) >= MOST_LINES:
            problems.add(number, "", told(f"is one too many: at most {MOST_LINES} lines"))
            break
        if any(value.strip() for value in values[len(heads) :]):
            problems.add(number, "", told("has more cells than there are columns"))
        rows.append(Row(number, {name: v.strip() for name, v in zip(heads, values, strict=False)}, problems))
    if not rows and not problems.found:
        problems.add(1, "", told("has no lines below the first"))
    return rows


def decoded(content: bytes) -> str:
    """As spreadsheets write: UTF-8, UTF-16 where it says so, else Western European."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def lines_of(text: str, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of a table, also of its head; line: the last of those that it takes."""
    head = text.split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=head.count)
    if "\0" in text:
        problems.add(1, "", told("is no table of text: save it as CSV"))
        return
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error:
            problems.add(reader.line_num, "", told("can’t be read: is a quotation mark left open?"))
            return
        yield reader.line_num, values
