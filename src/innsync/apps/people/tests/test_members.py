"""Who may change whose place in an organization."""

from __future__ import annotations

import threading
from uuid import uuid4

import pytest
from django.db import connection

from innsync.apps.accounts.models import Membership
from innsync.apps.accounts.tenancy import tenant
from innsync.apps.events.models import Event
from innsync.apps.people import members
from innsync.apps.people.rules import BeyondReach, LastAdministrator, NotYourself, UnknownMember
from innsync.apps.people.tests.conftest import NOW, make_firm
from innsync.domain.errors import InvalidField


def change(firm, manager, membership, role="manager", properties=()):
    with tenant(firm.organization.id):
        return members.change_member(
            manager=manager, membership_id=membership.id, role=role, property_ids=properties, now=NOW
        )


def remove(firm, manager, membership):
    with tenant(firm.organization.id):
        return members.remove_member(manager=manager, membership_id=membership.id, now=NOW)


def test_a_role_and_a_scope_are_changed_and_told(firm, boss, told):
    one = firm.person("staff")
    change(firm, boss, one, "revenue", firm.property_ids[:1])
    one.refresh_from_db()
    assert (one.role, one.property_ids) == ("revenue", firm.property_ids[:1])
    assert told() == ["person.changed"]
    with tenant(firm.organization.id):
        data = Event.objects.get().data
    assert data["before"] == {"role": "staff", "property_ids": []}
    assert data["after"] == {"role": "revenue", "property_ids": [str(firm.property_ids[0])]}
    assert data["actor"] == "Ada"
    change(firm, boss, one, "revenue", firm.property_ids[:1])
    assert told() == ["person.changed"]


def test_somebody_removed_belongs_there_no_more(firm, boss, told):
    one = firm.person()
    remove(firm, boss, one)
    assert not Membership.objects.filter(id=one.id).exists()
    assert told() == ["person.removed"]
    with pytest.raises(UnknownMember):
        remove(firm, boss, one)


def test_nobody_changes_or_removes_themselves(firm, boss):
    mine = Membership.objects.get(user_id=boss.user_id)
    firm.person("administrator")
    with pytest.raises(NotYourself):
        change(firm, boss, mine, "staff")
    with pytest.raises(NotYourself):
        remove(firm, boss, mine)


def test_who_manages_one_property_manages_nobody_beyond_it(firm):
    here, there = firm.property_ids
    local = firm.manager(firm.person("administrator", [here]))
    below = firm.person("staff", [here])
    change(firm, local, below, "front_desk", [here])
    for properties in ([], [there], [here, there]):
        with pytest.raises(BeyondReach):
            change(firm, local, below, "front_desk", properties)
    for other in (firm.person("staff"), firm.person("staff", [there]), firm.person("administrator")):
        with pytest.raises(BeyondReach):
            change(firm, local, other, "staff", [here])
        with pytest.raises(BeyondReach):
            remove(firm, local, other)
    with tenant(firm.organization.id):
        assert {one.id for one in members.list_members(local)} == {
            below.id,
            Membership.objects.get(user_id=local.user_id).id,
        }
        with pytest.raises(BeyondReach):
            members.require_second_step(manager=local, required=True, now=NOW)


def test_the_last_administrator_stays(firm):
    boss = firm.person("administrator")
    closed = firm.person("administrator", is_active=False)
    local = firm.person("administrator", firm.property_ids[:1])
    # As seen by a manager whose own place was taken away a moment ago.
    late = firm.manager(firm.person("administrator"))
    Membership.objects.filter(user_id=late.user_id).update(role="staff")
    for role, properties in (("manager", []), ("administrator", firm.property_ids[:1])):
        with pytest.raises(LastAdministrator):
            change(firm, late, boss, role, properties)
    with pytest.raises(LastAdministrator):
        remove(firm, late, boss)
    boss.refresh_from_db()
    assert (boss.role, boss.property_ids) == ("administrator", [])
    remove(firm, late, closed)
    remove(firm, late, local)


def test_two_administrators_who_remove_each_other_do_not_both_succeed(firm):
    places = [firm.person("administrator") for _ in range(2)]
    managers = [firm.manager(one) for one in places]
    outcomes, start = [], threading.Barrier(2)

    def strike(manager, other):
        try:
            start.wait(10)
            remove(firm, manager, other)
            outcomes.append("removed")
        except LastAdministrator:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=strike, args=(managers[n], places[1 - n])) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(outcomes) == ["refused", "removed"]
    assert Membership.objects.filter(organization=firm.organization, role="administrator").count() == 1


def test_roles_and_properties_that_are_not_there_are_refused(firm, boss):
    one, other = firm.person(), make_firm()
    for role, properties in (("king", []), ("staff", [uuid4()]), ("staff", other.property_ids)):
        with pytest.raises(InvalidField):
            change(firm, boss, one, role, properties)


def test_another_organizations_people_are_out_of_reach(firm, boss):
    other = make_firm()
    theirs = other.person()
    with pytest.raises(UnknownMember):
        change(firm, boss, theirs)
    with pytest.raises(UnknownMember):
        remove(firm, boss, theirs)
    with tenant(firm.organization.id):
        assert members.get_member(boss, theirs.id) is None


def test_the_list_costs_the_same_however_many_there_are(firm, boss):
    from django.test.utils import CaptureQueriesContext

    def cost():
        with tenant(firm.organization.id), CaptureQueriesContext(connection) as queries:
            members.list_members(boss)
        return len(queries)

    few = cost()
    for _ in range(5):
        firm.person()
    assert cost() == few
