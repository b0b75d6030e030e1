"""Who may open and do what: every address of the portal against every role."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.urls import URLPattern, URLResolver, reverse
from django.urls.converters import SlugConverter

from innsync.apps.accounts.models import Role
from innsync.apps.accounts.roles import ABILITIES, Ability
from innsync.portals.admin import urls as admin_urls
from innsync.portals.admin.navigation import SECTIONS

# What each address needs to be looked at, and to be acted on; None: no such method. EVERYBODY: any member.
EVERYBODY = "everybody"
SEE, ACT = Ability.SEE_CHANNELS, Ability.MANAGE_CHANNELS
CLOSE = Ability.CLOSE_NIGHTS
DESK, BOOKINGS, MANAGE = Ability.SEE_DESK, Ability.SEE_BOOKINGS, Ability.MANAGE_BOOKINGS
PEOPLE = Ability.MANAGE_PEOPLE
NEEDS: dict[str, tuple[str | None, str | None]] = {
    "home": (EVERYBODY, None),
    "today": (DESK, None),
    "today-live": (DESK, None),
    "properties-offered": (EVERYBODY, None),
    "first-steps": (Ability.MANAGE_PROPERTIES, None),
    "properties": (Ability.MANAGE_PROPERTIES, None),
    "property-new": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property": (Ability.MANAGE_PROPERTIES, None),
    "property-details": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-photos": (Ability.MANAGE_PROPERTIES, None),
    "property-photo-groups": (Ability.MANAGE_PROPERTIES, None),
    "property-photo-add": (None, Ability.MANAGE_PROPERTIES),
    "property-photo-send": (None, Ability.MANAGE_PROPERTIES),
    "property-photo-order": (None, Ability.MANAGE_PROPERTIES),
    "property-photo-captions": (None, Ability.MANAGE_PROPERTIES),
    "property-photo-move": (None, Ability.MANAGE_PROPERTIES),
    "property-photo-remove": (None, Ability.MANAGE_PROPERTIES),
    "property-photo-restore": (None, Ability.MANAGE_PROPERTIES),
    "property-type": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-type-move": (None, Ability.MANAGE_PROPERTIES),
    "property-type-retire": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-type-revive": (None, Ability.MANAGE_PROPERTIES),
    "property-room-rename": (None, Ability.MANAGE_PROPERTIES),
    "property-room-move": (None, Ability.MANAGE_PROPERTIES),
    "property-room-retire": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-room-again": (None, Ability.MANAGE_PROPERTIES),
    "property-plan-move": (None, Ability.MANAGE_PROPERTIES),
    "property-plan-retire": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-plan-revive": (None, Ability.MANAGE_PROPERTIES),
    "property-import": (Ability.MANAGE_PROPERTIES, None),
    "property-import-send": (None, Ability.MANAGE_PROPERTIES),
    "property-import-look": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-import-template": (Ability.MANAGE_PROPERTIES, None),
    "property-bookings": (Ability.MANAGE_PROPERTIES, None),
    "property-bookings-send": (None, Ability.MANAGE_PROPERTIES),
    "property-bookings-export": (Ability.MANAGE_PROPERTIES, None),
    "property-bookings-import": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-bookings-live": (Ability.MANAGE_PROPERTIES, None),
    "property-bookings-report": (Ability.MANAGE_PROPERTIES, None),
    "property-bookings-undo": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-charges": (Ability.MANAGE_PROPERTIES, None),
    "property-charge-new": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-charge-example": (Ability.MANAGE_PROPERTIES, None),
    "property-charge": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-charge-remove": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-plan": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "property-plan-example": (Ability.MANAGE_PROPERTIES, None),
    "property-types": (None, Ability.MANAGE_PROPERTIES),
    "property-rooms": (None, Ability.MANAGE_PROPERTIES),
    "property-plans": (None, Ability.MANAGE_PROPERTIES),
    "property-mail": (Ability.MANAGE_PROPERTIES, Ability.MANAGE_PROPERTIES),
    "reports": (Ability.SEE_REPORTS, None),
    "reports-csv": (Ability.SEE_REPORTS, None),
    "reports-channels-csv": (Ability.SEE_REPORTS, None),
    "reports-pace-csv": (Ability.SEE_REPORTS, None),
    "calendar": (DESK, None),
    "calendar-rooms": (DESK, None),
    "calendar-stay": (MANAGE, None),
    "calendar-place": (None, MANAGE),
    "calendar-dates": (MANAGE, MANAGE),
    "calendar-split": (MANAGE, MANAGE),
    "calendar-pin": (None, MANAGE),
    "calendar-undo": (None, MANAGE),
    "calendar-live": (DESK, None),
    "calendar-assign": (None, MANAGE),
    "calendar-new": (MANAGE, MANAGE),
    "calendar-put-out": (None, MANAGE),
    "calendar-block": (MANAGE, MANAGE),
    "rates": (Ability.SEE_RATES, None),
    "rates-bulk": (CLOSE, CLOSE),
    "rates-history": (Ability.SEE_RATES, None),
    "rates-save": (None, CLOSE),
    "rates-undo": (None, Ability.SET_RATES),
    "rates-extras": (Ability.SEE_RATES, None),
    "rates-extra-new": (Ability.SET_RATES, Ability.SET_RATES),
    "rates-extra": (Ability.SET_RATES, Ability.SET_RATES),
    "rates-extra-end": (None, Ability.SET_RATES),
    "rates-extra-resume": (None, Ability.SET_RATES),
    "rates-offer-all": (None, CLOSE),
    "rates-withheld-undo": (None, CLOSE),
    "rates-promotions": (Ability.SEE_RATES, None),
    "rates-promotion-new": (Ability.SET_RATES, Ability.SET_RATES),
    "rates-promotion": (Ability.SET_RATES, Ability.SET_RATES),
    "rates-promotion-end": (None, Ability.SET_RATES),
    "rates-promotion-resume": (None, Ability.SET_RATES),
    "rates-seasons": (Ability.SEE_RATES, None),
    "rates-season-new": (Ability.SET_RATES, Ability.SET_RATES),
    "rates-season": (Ability.SET_RATES, Ability.SET_RATES),
    "rates-season-repeat": (None, Ability.SET_RATES),
    "rates-season-remove": (Ability.SET_RATES, Ability.SET_RATES),
    "connect": (ACT, None),
    "connect-access": (ACT, ACT),
    "connect-map": (ACT, ACT),
    "connect-check": (ACT, ACT),
    "integrations": (SEE, None),
    "integrations-live": (SEE, None),
    "integrations-history": (SEE, None),
    "synchronize": (ACT, ACT),
    "synchronize-live": (ACT, None),
    "connections": (SEE, None),
    "connections-live": (SEE, None),
    "connection": (SEE, None),
    "night": (SEE, None),
    "mapping-fetch": (None, ACT),
    "mapping": (ACT, ACT),
    "mapping-check": (ACT, ACT),
    "access": (ACT, ACT),
    "booking-rule": (None, ACT),
    "schedules": (ACT, ACT),
    "disconnect": (ACT, ACT),
    "differences": (SEE, None),
    "pushes": (SEE, None),
    "push": (SEE, None),
    "webhook": (ACT, ACT),
    "webhook-live": (ACT, None),
    "pause": (None, ACT),
    "resume": (None, ACT),
    "audit": (None, ACT),
    "full-sync": (ACT, ACT),
    "inbox": (SEE, None),
    "message": (SEE, None),
    "replay": (None, ACT),
    "replay-all": (None, ACT),
    "replaying": (ACT, ACT),
    "conflicts": (BOOKINGS, None),
    "move": (None, MANAGE),
    "release": (None, MANAGE),
    "walk": (MANAGE, MANAGE),
    "ask": (None, MANAGE),
    "bookings": (BOOKINGS, None),
    "booking": (BOOKINGS, None),
    "booking-details": (MANAGE, MANAGE),
    "booking-change": (MANAGE, MANAGE),
    "booking-orders": (None, MANAGE),
    "booking-confirmation": (BOOKINGS, None),
    "confirmation-send": (MANAGE, MANAGE),
    "booking-cancel": (MANAGE, MANAGE),
    "booking-state": (None, MANAGE),
    "booking-both-ways": (None, MANAGE),
    "booking-talk": (None, MANAGE),
    "booking-talk-live": (BOOKINGS, None),
    "messages": (BOOKINGS, None),
    "messages-live": (BOOKINGS, None),
    "conversation": (BOOKINGS, None),
    "conversation-live": (BOOKINGS, None),
    "conversation-reply": (None, MANAGE),
    "conversation-settle": (None, MANAGE),
    "said-again": (None, MANAGE),
    "tasks": (DESK, None),
    "order-done": (None, Ability.DO_TASKS),
    "order-reopen": (None, Ability.DO_TASKS),
    "order-withdraw": (None, MANAGE),
    "order-assign": (None, MANAGE),
    "people": (PEOPLE, None),
    "person-invite": (None, PEOPLE),
    "require-second-step": (None, PEOPLE),
    "invitation-renew": (None, PEOPLE),
    "invitation-withdraw": (None, PEOPLE),
    "person": (PEOPLE, PEOPLE),
    "person-remove": (PEOPLE, PEOPLE),
    "website": (PEOPLE, None),
    "website-create": (None, PEOPLE),
    "website-key": (PEOPLE, None),
    "api-keys": (PEOPLE, None),
    "api-key-create": (None, PEOPLE),
    "api-key-rotate": (PEOPLE, PEOPLE),
    "api-key-revoke": (PEOPLE, PEOPLE),
    "endpoints": (PEOPLE, None),
    "endpoint-new": (PEOPLE, PEOPLE),
    "endpoint": (PEOPLE, None),
    "endpoint-live": (PEOPLE, None),
    "endpoint-change": (PEOPLE, PEOPLE),
    "endpoint-test": (None, PEOPLE),
    "endpoint-disable": (None, PEOPLE),
    "endpoint-enable": (PEOPLE, PEOPLE),
    "endpoint-rotate": (PEOPLE, PEOPLE),
    "endpoint-replay": (PEOPLE, PEOPLE),
    "endpoint-remove": (PEOPLE, PEOPLE),
    "endpoint-delivery": (PEOPLE, None),
    "endpoint-delivery-again": (None, PEOPLE),
    "issuers": (PEOPLE, None),
    "issuer-trust": (None, PEOPLE),
    "issuer-try": (None, PEOPLE),
    "issuer-withdraw": (PEOPLE, PEOPLE),
    "api-calls": (PEOPLE, None),
    "api-calls-lines": (PEOPLE, None),
    "api-calls-usage": (PEOPLE, None),
    "api-calls-known": (None, PEOPLE),
    "api-calls-keep": (None, PEOPLE),
    "api-calls-check": (None, PEOPLE),
    "api-call": (PEOPLE, None),
}


def _patterns() -> list[URLPattern]:
    return [one for one in admin_urls.urlpatterns if isinstance(one, URLPattern)]


def _address(pattern: URLPattern) -> str:
    """An address of that pattern, of things that are not there."""
    values = {
        name: "some" if isinstance(one, SlugConverter) else uuid4() for name, one in pattern.pattern.converters.items()
    }
    return reverse(pattern.name or "", kwargs=values)


def test_every_address_is_in_the_table():
    assert {one.name for one in _patterns()} == set(NEEDS)
    assert not [one for one in admin_urls.urlpatterns if isinstance(one, URLResolver)]


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_a_role_opens_and_does_what_the_table_allows_and_nothing_else(enter, role):
    client = enter(role)
    found = {}
    for pattern in _patterns():
        path = _address(pattern)
        found[pattern.name] = tuple(
            None if status == 405 else status != 403
            for status in (client.get(path).status_code, client.post(path).status_code)
        )
    allowed = {*ABILITIES[role], EVERYBODY}
    assert found == {
        name: tuple(None if need is None else need in allowed for need in needs) for name, needs in NEEDS.items()
    }


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_the_menu_shows_what_the_role_may_open_and_one_lands_on_its_first_entry(enter, role):
    answer = enter(role).get("/", follow=True)
    shown = [one.key for one in answer.context["menu"]]
    assert shown == [one.key for one in SECTIONS if one.needs in ABILITIES[role]]
    assert answer.context["section"] == shown[0]
