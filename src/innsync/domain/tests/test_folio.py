"""The folio of a booking: what is charged, what was paid elsewhere, and what is left."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from innsync.domain.folio import LineKind, open_folio
from innsync.domain.money import Money

AMOUNTS = st.integers(0, 10**9).map(lambda minor: Money(minor, "EUR"))
SERVICES = st.lists(st.tuples(st.text(min_size=1, max_size=5), AMOUNTS), max_size=5)


@given(AMOUNTS, SERVICES)
def test_a_guest_who_pays_here_owes_all_of_it(total, services):
    folio = open_folio(total=total, owed_instead=None, holds=True, services=services, paid_there=False)
    assert folio.balance == folio.charged
    assert folio.balance.minor == total.minor + sum(amount.minor for _, amount in services)


@given(AMOUNTS, SERVICES)
def test_who_paid_the_channel_owes_only_the_services(total, services):
    folio = open_folio(total=total, owed_instead=None, holds=True, services=services, paid_there=True)
    assert folio.balance.minor == sum(amount.minor for _, amount in services)
    assert folio.charged.minor == folio.balance.minor + total.minor


@given(AMOUNTS, AMOUNTS)
def test_a_fee_stands_in_place_of_the_stay(total, fee):
    folio = open_folio(total=total, owed_instead=fee, holds=False, services=[], paid_there=False)
    assert [line.kind for line in folio.lines] == [LineKind.FEE]
    assert folio.balance == fee


def test_who_cancelled_at_the_channel_owes_nothing_that_is_known_here():
    folio = open_folio(total=Money(100, "EUR"), owed_instead=None, holds=False, services=[], paid_there=True)
    assert (folio.lines, folio.balance) == ((), Money(0, "EUR"))
