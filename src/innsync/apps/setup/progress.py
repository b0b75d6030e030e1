"""How far an organization has come from nothing to its first channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from innsync.apps.accounts.tenancy import sql


@dataclass(frozen=True, slots=True)
class Progress:
    """property_id, code: the property that is furthest; None where there is none. The rest: whether it has that."""

    property_id: UUID | None
    code: str
    name: str
    rooms: bool
    prices: bool
    channel: bool

    @property
    def done(self) -> int:
        """Of four steps."""
        return sum((self.property_id is not None, self.rooms, self.prices, self.channel))

    @property
    def complete(self) -> bool:
        return self.done == 4


_NOTHING = Progress(None, "", "", False, False, False)
# One that could sell already counts for the whole organization: who has a channel needs no first steps.
_FURTHEST = """
SELECT p.id, p.code, p.name, f.rooms, f.prices, f.channel
FROM properties_property p CROSS JOIN LATERAL (SELECT
  EXISTS (SELECT 1 FROM properties_room r WHERE r.property_id = p.id) AS rooms,
  EXISTS (SELECT 1 FROM rates_rateday d WHERE d.property_id = p.id AND d.day >= %(today)s
    AND array_length(array_remove(d.prices, NULL), 1) > 0) AS prices,
  EXISTS (SELECT 1 FROM distribution_connection c WHERE c.property_id = p.id) AS channel) f
ORDER BY f.channel DESC, f.prices DESC, f.rooms DESC, p.created_at LIMIT 1
"""


def get_progress(*, today: date) -> Progress:
    """Of the present organization. today: prices of nights before it do not count."""
    with sql() as cursor:
        row = cursor.execute(_FURTHEST, {"today": today}).fetchone()
    return Progress(*row) if row else _NOTHING
