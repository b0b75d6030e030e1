"""Offering a place, and taking it."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from innsync.apps.accounts.models import Invitation, Membership, User
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.people import invitations
from innsync.apps.people.invitations import (
    GOOD_FOR,
    MOST_INVITATIONS,
    WINDOW,
    AlreadyMember,
    ForSomebodyElse,
    InvitationOver,
    TooManyInvitations,
)
from innsync.apps.people.rules import BeyondReach
from innsync.apps.people.tests.conftest import NOW, make_firm
from innsync.domain.errors import InvalidField


@pytest.fixture
def email():
    return f"{uuid4().hex[:8]}@people.example"


def invite(firm, manager, email, role="staff", properties=(), now=NOW):
    with tenant(firm.organization.id):
        return invitations.invite(manager=manager, email=email, role=role, property_ids=properties, now=now)


def take(token, now=NOW):
    return invitations.accept_as_new(token=token, name="New Person", password="a long password", now=now)


def test_an_invitation_becomes_a_place_with_its_role_and_properties(firm, boss, email, told):
    _, token = invite(firm, boss, email.upper(), "revenue", firm.property_ids[:1])
    assert invitations.get_offer(token=token, now=NOW).email == email
    user = take(token)
    place = Membership.objects.get(user=user)
    assert (place.organization_id, place.role, place.property_ids) == (
        firm.organization.id,
        "revenue",
        firm.property_ids[:1],
    )
    assert user.check_password("a long password")
    assert told() == ["person.invited", "person.joined"]


def test_a_link_works_once(firm, boss, email):
    _, token = invite(firm, boss, email)
    user = take(token)
    for use in (
        lambda: take(token),
        lambda: invitations.get_offer(token=token, now=NOW),
        lambda: invitations.accept(token=token, user=user, now=NOW),
    ):
        with pytest.raises(InvitationOver):
            use()


def test_a_link_ends_after_a_week(firm, boss, email):
    _, token = invite(firm, boss, email)
    with pytest.raises(InvitationOver):
        take(token, NOW + GOOD_FOR)
    assert take(token, NOW + GOOD_FOR - timedelta(seconds=1)).email == email


def test_a_withdrawn_or_replaced_link_is_dead(firm, boss, email):
    first, old = invite(firm, boss, email)
    with tenant(firm.organization.id):
        second, new = invitations.renew(manager=boss, invitation_id=first.id, now=NOW)
    with pytest.raises(InvitationOver):
        take(old)
    with tenant(firm.organization.id):
        assert [one.id for one in invitations.list_invitations(boss)] == [second.id]
        invitations.withdraw(manager=boss, invitation_id=second.id, now=NOW)
    with pytest.raises(InvitationOver):
        take(new)
    assert not User.objects.filter(email=email).exists()


@pytest.mark.parametrize("spoil", [lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), lambda text: "x" + text])
def test_a_changed_link_is_nothing(firm, boss, email, spoil):
    _, token = invite(firm, boss, email)
    with pytest.raises(InvitationOver):
        take(spoil(token))


def test_who_has_an_account_takes_the_place_with_it_and_nobody_else_does(firm, boss):
    there, stranger = make_firm().person().user, make_firm().person().user
    _, token = invite(firm, boss, there.email)
    assert invitations.get_offer(token=token, now=NOW).account
    with pytest.raises(ForSomebodyElse):
        invitations.accept(token=token, user=stranger, now=NOW)
    with pytest.raises(InvitationOver):
        take(token)
    invitations.accept(token=token, user=there, now=NOW)
    assert Membership.objects.filter(user=there, organization=firm.organization).exists()


def test_a_member_is_not_invited_again_and_gains_nothing_by_an_old_link(firm, boss, email):
    _, token = invite(firm, boss, email, "administrator")
    user = User.objects.create_user(email=email, password=None)
    place = Membership.objects.create(organization=firm.organization, user=user, role="staff")
    with pytest.raises(AlreadyMember):
        invite(firm, boss, email)
    invitations.accept(token=token, user=user, now=NOW)
    place.refresh_from_db()
    assert place.role == "staff"


def test_nobody_offers_more_than_they_reach(firm, email):
    here, there = firm.property_ids
    local = firm.manager(firm.person("administrator", [here]))
    for properties in ([], [there], [here, there]):
        with pytest.raises(BeyondReach):
            invite(firm, local, email, properties=properties)
    invite(firm, local, email, properties=[here])


def test_an_open_offer_beyond_reach_is_not_replaced(firm, boss, email):
    kept, _ = invite(firm, boss, email, "manager")
    local = firm.manager(firm.person("administrator", firm.property_ids[:1]))
    with pytest.raises(BeyondReach):
        invite(firm, local, email, properties=firm.property_ids[:1])
    with tenant(firm.organization.id):
        assert Invitation.objects.get(email=email).id == kept.id
        assert invitations.list_invitations(local) == []


def test_an_organization_sends_only_so_many_invitations_an_hour_renewed_ones_counted(firm, boss, email):
    for number in range(MOST_INVITATIONS - 1):
        first, _ = invite(firm, boss, f"{number}-{email}")
    with tenant(firm.organization.id):
        last, token = invitations.renew(manager=boss, invitation_id=first.id, now=NOW)
    with pytest.raises(TooManyInvitations) as refused:
        invite(firm, boss, email, now=NOW + timedelta(minutes=20))
    assert refused.value.wait_s == 40 * 60
    with tenant(firm.organization.id), pytest.raises(TooManyInvitations):
        invitations.renew(manager=boss, invitation_id=last.id, now=NOW)
    assert invitations.get_offer(token=token, now=NOW).email == last.email
    other = make_firm()
    invite(other, other.manager(other.person("administrator")), email)
    invite(firm, boss, email, now=NOW + WINDOW)


def test_a_name_is_one_line(firm, boss, email):
    _, token = invite(firm, boss, email)
    user = invitations.accept_as_new(token=token, name=" New\r\nBcc: x \u2028 Y", password="a long password", now=NOW)
    assert user.name == "New Bcc: x Y"


@pytest.mark.parametrize(("address", "role"), [("nobody", "staff"), ("", "staff"), ("a@people.example", "king")])
def test_what_is_no_address_or_no_role_is_refused(firm, boss, address, role):
    with pytest.raises(InvalidField):
        invite(firm, boss, address, role)


def test_another_organizations_invitations_are_out_of_reach(firm, boss, email):
    other = make_firm()
    theirs, _ = invite(other, other.manager(other.person("administrator")), email)
    with tenant(firm.organization.id):
        assert invitations.list_invitations(boss) == []
        with pytest.raises(InvitationOver):
            invitations.withdraw(manager=boss, invitation_id=theirs.id, now=NOW)
