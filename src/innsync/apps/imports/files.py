"""The files themselves: kept without card data, for as long as somebody may want to import them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from innsync.apps.imports.columns import normal
from innsync.apps.imports.models import BookingImport
from innsync.apps.imports.reading import Table
from innsync.domain.card_data import scrub_text
from innsync.domain.errors import DomainError

KEPT = timedelta(days=1)
"""How long a file waits for somebody to import it."""
_OF_CARDS = ("cardnumber", "creditcard", "cardno", "ccnumber", "cvv", "cvc", "securitycode", "cardcode", "cardexpiry")


@dataclass(eq=False)
class NotImportable(DomainError):
    """The import is in another state by now, or its file is not there any more."""

    state: str


def without_cards(table: Table) -> Table:
    """Without whatever columns of cards hold, and without card numbers in any other."""
    of_cards = {place for place, name in enumerate(table.headings) if any(one in normal(name) for one in _OF_CARDS)}

    def clean(cells: list[str]) -> list[str]:
        return ["" if place in of_cards else scrub_text(text) for place, text in enumerate(cells)]

    return replace(table, rows=[(line, clean(cells)) for line, cells in table.rows])


def written(table: Table) -> bytes:
    """As it is kept: each line behind its number in the file that was sent."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["", *table.headings])
    writer.writerows([line, *cells] for line, cells in table.rows)
    return text.getvalue().encode()


def table_of(found: BookingImport) -> Table:
    """Raises NotImportable when the file is not kept any more."""
    if found.content is None:
        raise NotImportable(state=found.state)
    lines = csv.reader(io.StringIO(bytes(found.content).decode(), newline=""))
    headings = next(lines)[1:]
    return Table(headings, [(int(line), cells) for line, *cells in lines])


def drop_drafts(*, now: datetime) -> int:
    """Forget files that nobody imported. Answers how many. In a tenant transaction."""
    gone, _each = BookingImport.objects.filter(state="draft", created_at__lt=now - KEPT).delete()
    return gone
