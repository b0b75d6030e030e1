"""An organization without anything: what leads it to its first property, rooms, prices and channel."""

from __future__ import annotations

from uuid import uuid4

import pytest

from innsync.apps.accounts.models import Membership, Organization, Role, User
from innsync.apps.accounts.roles import ABILITIES, Ability
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property, RoomType
from innsync.apps.rates.models import RatePlan
from innsync.portals.admin.navigation import SECTIONS
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.test_setup import NEW, TYPE


@pytest.fixture
def empty(database):
    """Makes people of an organization that has nothing yet."""
    organization = Organization.objects.create(name=f"New Hotels {uuid4().hex[:8]}")

    def person(role: str = "administrator"):
        user = User.objects.create_user(email=f"{uuid4().hex[:10]}@people.example", password=None, name="Pat")
        Membership.objects.create(organization=organization, user=user, role=role)
        return signed_in(user)

    person.organization = organization
    return person


def test_an_administrator_lands_at_the_first_steps_until_there_is_a_property(empty):
    client = empty()
    answer = client.get("/", follow=True)
    text = answer.content.decode()
    assert answer.redirect_chain == [("/first-steps", 302)]
    assert "Four steps to your first booking" in text
    assert "0 of 4 done" in text
    assert 'href="/properties/new">Add the property' in text
    assert "Set prices" not in text
    client.post("/properties/new", NEW)
    assert client.get("/").headers["Location"] == "/today"
    text = client.get("/today").content.decode()
    assert "1 of 4 steps are done." in text


def test_each_step_is_ticked_off_when_it_is_done(empty, house):
    client = empty()
    client.post("/properties/new", NEW)
    with tenant(empty.organization.id):
        prop = Property.objects.get()
    assert f'href="/properties/{prop.id}#types">Add room types' in client.get("/first-steps").content.decode()
    client.post(f"/properties/{prop.id}/types", TYPE | {"price": ""})
    text = client.get("/first-steps").content.decode()
    assert "2 of 4 done" in text
    assert 'href="/rates?property=harbour-inn">Set prices' in text
    client.post(f"/properties/{prop.id}/types", TYPE | {"name": "Suite", "rooms": "S1"})
    text = client.get("/first-steps").content.decode()
    assert "3 of 4 done" in text
    assert 'href="/connect?property=harbour-inn">Connect a channel' in text
    with tenant(empty.organization.id):
        assert RoomType.objects.count() == 2
        assert RatePlan.objects.count() == 1


def test_who_has_a_channel_sees_no_first_steps(enter, house):
    client = enter()
    assert client.get("/").headers["Location"] == "/today"
    assert "first steps" not in client.get("/today").content.decode()
    assert "All set" in client.get("/first-steps").content.decode()


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_no_page_is_broken_without_properties(empty, role):
    client = empty(role)
    for section in SECTIONS:
        if section.needs in ABILITIES[role]:
            answer = client.get(f"/{section.key}", follow=True)
            assert answer.status_code == 200, section.key
            text = answer.content.decode()
            assert "<h1" in text, section.key
            assert "None" not in text.replace("None yet", ""), section.key
    more = {
        "/rates/bulk": Ability.CLOSE_NIGHTS,
        "/rates?show=rules": Ability.SEE_RATES,
        "/reports/nights.csv": Ability.SEE_REPORTS,
        "/reports/channels.csv": Ability.SEE_REPORTS,
        "/reports/pace.csv": Ability.SEE_REPORTS,
        "/connect": Ability.MANAGE_CHANNELS,
        "/connect/channex": Ability.MANAGE_CHANNELS,
        "/properties/offered?property=x": Ability.SEE_DESK,
        "/today/live": Ability.SEE_DESK,
    }
    for path, needs in more.items():
        if needs in ABILITIES[role]:
            assert client.get(path, follow=True).status_code in (200, 404), path


def test_the_desk_is_told_who_adds_the_first_property(empty):
    text = empty("front_desk").get("/today").content.decode()
    assert "There is no property yet. Whoever manages properties adds the first" in text
