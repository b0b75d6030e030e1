"""People and API keys on their pages."""

from __future__ import annotations

import re
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings

from innsync.apps.accounts.models import ApiKey, Invitation, Membership, Organization, User
from innsync.apps.accounts.selectors import authenticate, forget_callers
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.people import invitations
from innsync.apps.properties.services import create_property
from innsync.portals.admin import managing
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.test_account import posted, with_app


@pytest.fixture
def boss(enter):
    return enter("administrator")


def invite(client, email, role="front_desk", **more):
    return client.post("/people/invite", {"email": email, "role": role, "reach": "all", **more}, follow=True)


def open_link(client, email):
    """The path of the newest link that was mailed there."""
    return re.search(r"http://\S+?(/invitation/\S+)", posted(email)[-1]["text"]).group(1)


@pytest.fixture
def email():
    return f"{uuid4().hex[:8]}@people.example"


def test_somebody_is_invited_makes_an_account_and_sees_what_the_role_sees(house, boss, email):
    assert f"{email} is invited" in invite(boss, email).content.decode()
    link = open_link(boss, email)
    client = Client()
    shown = client.get(link).content.decode()
    assert house.organization.name in shown
    assert "Front desk" in shown
    for name, password in (("", "a long new password"), ("New", "short"), ("New", "password123")):
        assert client.post(link, {"name": name, "password": password}).status_code == 422
    assert client.post(link, {"name": "New Person", "password": "a long new password"})["Location"] == "/"
    assert client.get("/today").status_code == 200
    assert client.get("/people").status_code == 403
    assert Client().get(link).status_code == 410
    assert "New Person" in boss.get("/people").content.decode()


def test_who_has_an_account_elsewhere_signs_in_and_joins(house, other, boss):
    user = other.person()
    invite(boss, user.email)
    link = open_link(boss, user.email)
    assert "sign in with it" in Client().get(link).content.decode()
    assert (
        Client().post(link, {"name": "X", "password": "a long new password"})["Location"].startswith("/sign-in?next=")
    )
    stranger = signed_in(other.person())
    assert "You are signed in as" in stranger.get(link).content.decode()
    stranger.post(link)
    assert not Membership.objects.filter(user=user, organization=house.organization).exists()
    client = signed_in(user)
    assert client.get(link).status_code == 200
    assert client.post(link)["Location"] == "/"
    assert house.organization.name in client.get("/today").content.decode()


def test_the_link_goes_to_the_address_alone_and_nothing_tells_who_has_an_account(house, other, boss, email):
    known = other.person().email
    said = {}
    for one in (email, known):
        page = invite(boss, one).content.decode()
        token = open_link(boss, one).rpartition("/")[2]
        assert token not in page + boss.get("/people").content.decode()
        assert "/invitation/" not in page
        with tenant(house.organization.id):
            Invitation.objects.get(email=one).delete()
        said[one] = re.sub(r"<[^>]+>|\d", "", page.replace(one, "X"))  # without marks and times
    assert said[email] == said[known]


def test_without_a_mail_server_the_page_says_where_the_mail_is(boss, email):
    with override_settings(EMAIL_FILE_PATH="/data/mail"):
        assert "no mail server" in invite(boss, email).content.decode()
    with override_settings(EMAIL_FILE_PATH=None):
        assert "no mail server" not in boss.get("/people").content.decode()


def test_a_withdrawn_invitation_opens_nothing(house, boss, email):
    invite(boss, email)
    with tenant(house.organization.id):
        found = Invitation.objects.get(email=email)
    boss.post(f"/people/invitations/{found.id}/withdraw")
    assert Client().get(open_link(boss, email)).status_code == 410


def test_sending_another_link_ends_the_first(house, boss, email):
    invite(boss, email)
    old = open_link(boss, email)
    with tenant(house.organization.id):
        found = Invitation.objects.get(email=email)
    boss.post(f"/people/invitations/{found.id}/renew")
    new = open_link(boss, email)
    assert Client().get(old).status_code == 410
    assert Client().get(new).status_code == 200


def test_no_more_invitations_go_out_than_an_hour_allows(house, boss, email, monkeypatch):
    monkeypatch.setattr(invitations, "MOST_INVITATIONS", 1)
    invite(boss, email)
    second = f"second-{email}"
    assert "try again in 60 min" in invite(boss, second).content.decode()
    assert posted(second) == []


def test_a_crafted_name_adds_no_lines_to_the_mail(house, email):
    user = house.person("administrator")
    User.objects.filter(id=user.id).update(name="Ada\r\nBcc: x@people.example")
    invite(signed_in(user), email)
    (letter,) = posted(email)
    assert letter["subject"] == f"Ada Bcc: x@people.example invites you to {house.organization.name}"
    assert letter["text"].startswith("Ada Bcc: x@people.example invites you")


def test_the_list_shows_role_properties_and_second_step(house, boss):
    safe = house.person("revenue", [house.property.id])
    with_app(safe)
    house.person("staff")
    lines = {one.member.user_id: one for one in boss.get("/people").context["lines"]}
    assert (lines[safe.id].role, lines[safe.id].properties) == ("Revenue", "Harbour Hotel")
    assert [one.member.second_step for one in lines.values()].count(True) == 1
    assert lines[safe.id].member.second_step
    assert lines[safe.id].member.last_sign_in is not None


def test_a_role_is_changed_and_a_person_removed_after_a_question(house, boss):
    user = house.person("staff")
    place = Membership.objects.get(user=user)
    client = signed_in(user)
    form = {"role": "revenue", "reach": "some", "property": str(house.property.id)}
    assert boss.post(f"/people/{place.id}", form).status_code == 303
    place.refresh_from_db()
    assert (place.role, place.property_ids) == ("revenue", [house.property.id])
    assert client.get("/rates").status_code == 200
    assert "Remove Pat Person" in boss.get(f"/people/{place.id}/remove").content.decode()
    boss.post(f"/people/{place.id}/remove")
    assert client.get("/rates").status_code == 403


def test_no_property_ticked_is_not_every_property(house, boss):
    place = Membership.objects.get(user=house.person("staff", [house.property.id]))
    answer = boss.post(f"/people/{place.id}", {"role": "staff", "reach": "some"}, follow=True)
    assert "tick at least one" in answer.content.decode()
    place.refresh_from_db()
    assert place.property_ids == [house.property.id]


def add_properties(house, *names):
    with tenant(house.organization.id):
        return [
            create_property(
                organization_id=house.organization.id,
                code=f"h-{uuid4().hex[:8]}",
                name=name,
                time_zone="Europe/Lisbon",
                currency="EUR",
            ).id
            for name in names
        ]


def test_saving_a_person_keeps_properties_beyond_those_that_a_form_lists(house, boss, monkeypatch):
    monkeypatch.setattr(managing, "MOST_PROPERTIES", 1)
    _, last, unticked = add_properties(house, "Another House", "Zebra House", "Zulu House")
    place = Membership.objects.get(user=house.person("staff", [last]))
    page = boss.get(f"/people/{place.id}").content.decode()
    drawn = re.findall(r'name="property" value="([^"]+)"( checked)?', page)
    ticked = [UUID(one) for one, checked in drawn if checked]
    assert ticked == [last]
    assert str(unticked) not in page
    assert "more properties than can be listed" in page
    boss.post(f"/people/{place.id}", {"role": "staff", "reach": "some", "property": ticked})
    place.refresh_from_db()
    assert place.property_ids == [last]
    lines = boss.get("/people").context["lines"]
    assert [one.properties for one in lines if one.member.id == place.id] == ["Zebra House"]


def test_a_form_may_tick_thousands_of_properties(house, boss):
    place = Membership.objects.get(user=house.person("staff", [house.property.id]))
    form = {"role": "revenue", "reach": "some", "property": [str(house.property.id)] * 5000}
    boss.post(f"/people/{place.id}", form)
    place.refresh_from_db()
    assert place.role == "revenue"


def test_one_can_not_raise_or_remove_oneself(house):
    user = house.person("administrator", [house.property.id])
    place, client = Membership.objects.get(user=user), signed_in(user)
    assert client.get(f"/people/{place.id}").status_code == 404
    client.post(f"/people/{place.id}", {"role": "administrator", "reach": "all"})
    client.post(f"/people/{place.id}/remove")
    place.refresh_from_db()
    assert place.property_ids == [house.property.id]


def test_another_organizations_people_and_keys_are_not_there(house, other, boss):
    place = Membership.objects.get(user=other.person("staff"))
    theirs = enter_boss(other)
    theirs.post("/api-keys/create", {"name": "Theirs", "scope": "content:read", "reach": "all"})
    key = ApiKey.objects.get(organization=other.organization)
    for path in (
        f"/people/{place.id}",
        f"/people/{place.id}/remove",
        f"/api-keys/{key.id}/rotate",
        f"/api-keys/{key.id}/revoke",
    ):
        assert boss.get(path).status_code == 404, path
        boss.post(path, {"role": "owner", "reach": "all", "overlap": "0"})
    place.refresh_from_db()
    key.refresh_from_db()
    assert place.role == "staff"
    assert key.revoked_at is None
    assert key.replaced_by is None
    assert "Theirs" not in boss.get("/api-keys").content.decode()


def enter_boss(house):
    return signed_in(house.person("administrator"))


def test_a_second_step_is_required_of_everybody_and_let_go_again(house, boss):
    user = house.person()
    client = signed_in(user)
    boss.post("/people/second-step", {"required": "1"})
    assert client.get("/connections")["Location"] == "/account/secure"
    assert boss.get("/people")["Location"] == "/account/secure"
    Organization.objects.filter(id=house.organization.id).update(requires_second_step=False)
    assert client.get("/connections").status_code == 200


def test_a_key_is_made_shown_once_and_works(house, boss):
    form = {"name": "Website", "scope": ["content:read", "bookings:read"], "reach": "all", "ends_in_days": "30"}
    assert boss.post("/api-keys/create", form).status_code == 303
    page = boss.get("/api-keys").content.decode()
    secret = re.search(r"isk_\w{32}", page).group(0)
    assert secret not in boss.get("/api-keys").content.decode()
    caller = authenticate(secret=secret)
    assert caller.organization_id == house.organization.id
    assert caller.scopes == {"content:read", "bookings:read"}
    assert caller.expires_at is not None
    line = boss.get("/api-keys").context["lines"][0]
    assert (line.key.calls, line.properties) == (1, "Every property")


def test_a_secret_shows_only_in_the_organization_that_it_is_for(house, other):
    user = house.person("administrator")
    other.admit(user, "administrator")
    client = signed_in(user)
    client.post("/organization", {"organization": str(house.organization.id)})
    client.post("/api-keys/create", {"name": "Website", "scope": "content:read", "reach": "all"})
    client.post("/organization", {"organization": str(other.organization.id)})
    assert "isk_" not in client.get("/api-keys").content.decode()
    client.post("/organization", {"organization": str(house.organization.id)})
    assert re.search(r"isk_\w{32}", client.get("/api-keys").content.decode())


def test_a_key_is_replaced_with_an_overlap_and_withdrawn_after_a_question(house, boss):
    boss.post("/api-keys/create", {"name": "Website", "scope": "content:read", "reach": "all"})
    old = re.search(r"isk_\w{32}", boss.get("/api-keys").content.decode()).group(0)
    key = ApiKey.objects.get(organization=house.organization)
    assert "Replace the key Website?" in boss.get(f"/api-keys/{key.id}/rotate").content.decode()
    boss.post(f"/api-keys/{key.id}/rotate", {"overlap": "24"})
    new = re.search(r"isk_\w{32}", boss.get("/api-keys").content.decode()).group(0)
    assert authenticate(secret=old) is not None
    assert authenticate(secret=new) is not None
    newer = ApiKey.objects.get(organization=house.organization, replaced_by=None)
    assert "Withdraw the key Website?" in boss.get(f"/api-keys/{newer.id}/revoke").content.decode()
    boss.post(f"/api-keys/{newer.id}/revoke")
    forget_callers()
    assert authenticate(secret=new) is None
    assert "withdrawn already" in boss.post(f"/api-keys/{newer.id}/revoke", follow=True).content.decode()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"scope": []}, "at least one scope"),
        ({"addresses": "everywhere"}, "CIDR"),
        ({"ends_in_days": "soon"}, "number of days"),
        ({"calls_per_minute": "0"}, "number from 1"),
        ({"name": " "}, "what the key is for"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_in_words(boss, wrong, words):
    form = {"name": "Website", "scope": ["content:read"], "reach": "all", **wrong}
    assert words in boss.post("/api-keys/create", form, follow=True).content.decode()
    assert boss.get("/api-keys").context["lines"] == []


def test_both_pages_ask_the_database_as_often_for_many_as_for_few(house, boss, email):
    def cost(path):
        boss.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(path).status_code == 200
        return len(queries)

    boss.post("/api-keys/create", {"name": "One", "scope": "content:read", "reach": "all"})
    invite(boss, email)
    few = [cost(path) for path in ("/people", "/api-keys")]
    for number in range(4):
        house.person()
        invite(boss, f"{number}{email}")
        boss.post("/api-keys/create", {"name": f"More {number}", "scope": "content:read", "reach": "all"})
    assert [cost(path) for path in ("/people", "/api-keys")] == few


def test_an_invited_person_meets_the_second_step_where_it_is_required(house, boss, email):
    invite(boss, email)
    Organization.objects.filter(id=house.organization.id).update(requires_second_step=True)
    client, link = Client(), open_link(boss, email)
    client.post(link, {"name": "New Person", "password": "a long new password"})
    assert client.get("/today")["Location"] == "/account/secure"
    assert User.objects.get(email=email).check_password("a long new password")
