"""Every address and every id of somebody else: nothing of theirs is shown, and nothing of theirs changes.

Two kinds of somebody else: another organization, and another property of one's own for people who see only some. Ids are
put into addresses (of every pattern there is), and into the queries and forms of every page that can be reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, reverse
from lxml import html

from innsync.apps.accounts.models import Invitation, Membership, User
from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.automation import services as automation
from innsync.apps.calls.models import Call
from innsync.apps.calls.recorder import Recorder
from innsync.apps.calls.tests.test_recorder import answered
from innsync.apps.distribution.models import Conflict, PushLog
from innsync.apps.imports import services as imports
from innsync.apps.inbox.models import Message
from innsync.apps.inventory.models import Withholding
from innsync.apps.inventory.withholding import offer
from innsync.apps.properties.models import Photo, Room
from innsync.apps.rates.models import Extra, Promotion, RateChange, Season
from innsync.apps.reservations.models import RoomStay
from innsync.apps.tokens.models import Issuer
from innsync.portals.admin import urls as admin_urls
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.endpoints import delivered, told_of
from innsync.portals.tests.house import House, _build, make_house

THEIRS = "Quillfeather"
"""In every name of what is another's."""
# What a slug in an address may be; what stands here nowhere is an id of THINGS.
SLUGS = {"vendor": "expedia", "group": "fees", "code": "city_tax", "kind": "audit", "action": "check_in"}


def _file_of(mark: str) -> bytes:
    return f"reference,check_in,check_out,room_type,guest_name\n1,2030-01-01,2030-01-03,{mark},{mark} Late\n".encode()


def furnish(house: House, mark: str) -> dict[str, UUID]:
    """One of everything that an address can name, by the name that addresses give it."""
    booking = house.book(9, room="attic", guest=f"{mark} Guest")
    house.channel_sells(20, room="attic", guest=f"{mark} Noroom")
    house.book(5, guest=f"{mark} Double")
    twice = house.channel_sells(5, guest=f"{mark} Twice")
    house.relay()
    block = house.take_out_of_order(30)
    house.show_trouble()
    now = datetime.now(UTC)
    said = house.guest_writes(f"{mark} question", twice)
    recorder = Recorder(own_thread=False)
    recorder.add(answered(house.organization.id, path=f"/{mark}"))
    recorder.flush()
    with tenant(house.organization.id):
        order = automation.order(booking_id=booking.id, what=f"{mark} flowers", now=now, actor="test")
        suites, some_day = house.types["suite"].id, house.today + timedelta(days=41)
        offer(
            organization_id=house.organization.id,
            property_id=house.property.id,
            available={(suites, some_day): 0},
            now=now,
            actor=f"{mark} system",
        )
        photo = Photo.objects.create(
            organization=house.organization,
            property=house.property,
            key=uuid4().hex,
            caption=f"{mark} view",
            widths=[400],
            width=400,
            height=300,
            created_at=now,
        )
        day = house.today + timedelta(days=40)
        season = Season.objects.create(
            organization=house.organization, property=house.property, name=f"{mark} days", firsts=[day], lasts=[day]
        )
        promotion = Promotion.objects.create(
            organization=house.organization,
            property=house.property,
            name=f"{mark} off",
            rule={"kind": "percent", "value": "10", "stay_from": day.isoformat(), "stay_to": day.isoformat()},
        )
        extra = Extra.objects.create(
            organization=house.organization,
            property=house.property,
            code=mark.lower(),
            name=f"{mark} breakfast",
            per="stay",
            price_minor=1_500,
        )
        key, _ = create_api_key(
            organization_id=house.organization.id,
            name=f"{mark} key",
            scopes=["content:read"],
            property_ids=[house.property.id],
            origins=[f"https://{mark.lower()}.example"],
        )
        endpoint = told_of(house.organization.id, [house.property.id], url=f"https://{mark.lower()}.example/hook")
        invitation = Invitation.objects.create(
            organization=house.organization,
            email=f"{mark.lower()}@invited.example",
            role="manager",
            nonce=uuid4().hex,
            created_at=now,
            expires_at=now + timedelta(days=7),
        )
        member = house.person()
        member.name = f"{mark} Member"
        member.save()
        return {
            "property_id": house.property.id,
            "connection_id": house.connections["channex"].id,
            "booking_id": booking.id,
            "room_type_id": house.types["double"].id,
            "stay_id": RoomStay.objects.get(booking_id=booking.id).id,
            "plan_id": house.plan_id,
            "room_id": Room.objects.filter(room_type=house.types["suite"]).values_list("id", flat=True)[0],
            "order_id": order.id,
            "conflict_id": Conflict.objects.get(property=house.property, state="open").id,
            "photo_id": photo.id,
            "message_id": Message.objects.filter(account=house.account).latest("id").id,
            "membership_id": Membership.objects.get(user=member).id,
            "key_id": key.id,
            "invitation_id": invitation.id,
            "endpoint_id": endpoint.id,
            "issuer_id": Issuer.objects.create(
                organization=house.organization,
                url=f"https://{mark.lower()}-{uuid4().hex[:6]}.example",
                audience=mark,
                keys_read_at=now,
                asked_at=now,
                created_at=now,
            ).id,
            "delivery_id": delivered(endpoint, house.property.id, status=200).id,
            "push_id": PushLog.objects.filter(connection=house.connections["channex"]).latest("id").id,
            "change_id": RateChange.objects.filter(property=house.property).latest("id").id,
            "withholding_id": Withholding.objects.filter(property=house.property).latest("id").id,
            "block_id": block.id,
            "season_id": season.id,
            "promotion_id": promotion.id,
            "import_id": imports.send(
                prop=house.property, content=_file_of(mark), file_name=f"{mark}.csv", now=now, actor="test"
            ).id,
            "extra_id": extra.id,
            "conversation_id": said.conversation_id,
            "said_id": said.id,
            "call_id": Call.objects.filter(organization_id=house.organization.id).latest("id").id,
        }


@dataclass
class Walk:
    """A visitor, what is theirs, and what is another's that they must not reach."""

    client: Client
    own: dict[str, UUID]
    foreign: dict[str, UUID]
    others: House
    within: bool
    """Whether the other is a property of the same organization, instead of another organization."""

    def substitutes(self) -> dict[str, str]:
        return {str(self.own[name]): str(self.foreign[name]) for name in self.own if name in self.foreign}

    def look(self, response: HttpResponse, told: str) -> None:
        """Nothing of the other's is in an answer, wherever it leads."""
        hops = 0
        while response.status_code in (301, 302, 303) and hops < 5:
            response, hops = self.client.get(response["Location"]), hops + 1
        body = b"".join(response) if response.streaming else response.content
        assert THEIRS.encode() not in body, f"{told} shows what is another's"

    def state(self) -> dict[str, str]:
        """What stands in the other's rows."""
        found = {}
        with tenant(self.others.organization.id), sql() as cursor:
            for model in _tenant_models():
                fields = {one.name for one in model._meta.fields}
                whose = "organization_id = %s", self.others.organization.id
                if self.within:
                    if "property" not in fields and model._meta.label != "properties.Property":
                        continue
                    whose = f"{'property_id' if 'property' in fields else 'id'} = %s", self.others.property.id
                table = model._meta.db_table
                row = cursor.execute(
                    f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM {table} t WHERE {whose[0]}",
                    (whose[1],),
                ).fetchone()
                assert row is not None
                found[table] = row[0]
        return found


def _tenant_models() -> list[type[Model]]:
    """Those whose rows a person can change; not what the workers keep for themselves."""
    skipped = {"events.FreshEvent", "events.StreamEntry", "events.Outbox"}
    return [
        model
        for model in apps.get_models()
        if any(one.name == "organization" for one in model._meta.fields) and model._meta.label not in skipped
    ]


@pytest.fixture(scope="module")
def _own(database: str) -> tuple[House, dict[str, UUID]]:
    house = make_house()
    return house, furnish(house, "Own")


@pytest.fixture(scope="module", params=["another organization", "another property"])
def walk(request: pytest.FixtureRequest, _own: tuple[House, dict[str, UUID]]) -> Walk:
    house, own = _own
    if request.param == "another organization":
        others = make_house(name=f"{THEIRS} Hotel")
        return Walk(signed_in(house.person("administrator")), own, furnish(others, THEIRS), others, within=False)
    with tenant(house.organization.id):
        others = _build(house.organization, f"{THEIRS} Hotel", ("booking_com", "channex", "expedia"), datetime.now(UTC))
    foreign = furnish(others, THEIRS)
    # Who sees all properties is everybody's colleague.
    User.objects.filter(id=Membership.objects.get(id=foreign["membership_id"]).user_id).update(name="Pat Colleague")
    for name in ("membership_id", "key_id", "invitation_id", "call_id"):  # of the whole organization
        del foreign[name]
    client = signed_in(house.person("manager", (house.property.id,)))
    return Walk(client, own, foreign, others, within=True)


def _patterns() -> list[URLPattern]:
    return [one for one in admin_urls.urlpatterns if isinstance(one, URLPattern)]


def _names(pattern: URLPattern) -> list[str]:
    return list(pattern.pattern.converters)


def test_every_name_in_an_address_is_known():
    assert {name for one in _patterns() for name in _names(one)} <= {*SLUGS, *_THINGS}


_THINGS = (
    *("property_id", "connection_id", "booking_id", "room_type_id", "stay_id", "plan_id", "room_id", "order_id"),
    *("conflict_id", "photo_id", "message_id", "membership_id", "key_id", "invitation_id", "push_id", "change_id"),
    *(
        "block_id",
        "season_id",
        "conversation_id",
        "said_id",
        "call_id",
        "endpoint_id",
        "delivery_id",
        "import_id",
        "promotion_id",
    ),
    *("issuer_id", "extra_id", "withholding_id"),
)


def test_no_address_with_anothers_id_shows_or_changes_anything(walk: Walk):
    before = walk.state()
    for pattern in _patterns():
        names = _names(pattern)
        ids = [name for name in names if name in walk.foreign]
        for strangers in [ids] if len(ids) < 2 else [ids, *([one] for one in ids)]:
            if not strangers:
                continue
            values = {
                name: SLUGS.get(name) or (walk.foreign if name in strangers else walk.own)[name] for name in names
            }
            path = reverse(pattern.name or "", kwargs=values)
            shown = walk.client.get(path)
            assert shown.status_code in (403, 404, 405), f"GET {path} of {pattern.name}: {shown.status_code}"
            walk.look(shown, f"GET {path}")
            walk.look(walk.client.post(path), f"POST {path}")
    assert walk.state() == before


def test_no_query_and_no_form_takes_anothers_id(walk: Walk):
    """Each id on each page that can be reached is replaced, one at a time, by the other's of its kind."""
    before = walk.state()
    tried: set[Kind] = set()
    reached: set[str] = set()
    for page, tree in _pages(walk):
        reached.add(page)
        for address in {urljoin(page, one) for one in tree.xpath("//@href | //@src | //@hx-get | //@data-live")}:
            for kind, swapped in _swapped_queries(address, walk):
                if kind not in tried:
                    tried.add(kind)
                    walk.look(walk.client.get(swapped), f"GET {swapped}")
        for form in tree.xpath("//form"):
            for kind, method, action, data in _swapped_forms(page, form, walk):
                if kind not in tried:
                    tried.add(kind)
                    send = walk.client.get if method == "GET" else walk.client.post
                    walk.look(send(action, data), f"{method} {action} with {data}")
    assert len(reached) > 30, "the walk got nowhere"
    assert len(tried) > 30
    assert walk.state() == before


def test_what_scripts_send_takes_no_id_of_anothers_either(walk: Walk):
    """No form on any page holds these. Each would be done with an id of one's own."""
    before, room = walk.state(), walk.foreign["room_id"]
    day = datetime.now(UTC).date() + timedelta(days=9)
    nights = {"check_in": day, "check_out": day + timedelta(days=2), "first": day, "last": day}
    sent = {
        "calendar-place": {"room": room},
        "calendar-dates": {"room": room, "version": 1, **nights},
        "calendar-split": {"on": day + timedelta(days=1), "first": room, "second": room},
        "calendar-put-out": {"place": room, **nights},
        "calendar-new": {"place": walk.foreign["room_type_id"], "guest": "Own Guest", "adults": 1, **nights},
        "property-photo-order": {"photo": walk.foreign["photo_id"]},
        "order-assign": {"assignee": walk.foreign.get("membership_id", walk.foreign["booking_id"])},
    }
    for name, data in sent.items():
        pattern = next(one for one in _patterns() if one.name == name)
        path = reverse(name, kwargs={one: walk.own[one] for one in _names(pattern)})
        answer = walk.client.post(path, data)
        # A photo that is not there any more is passed over.
        passed_over = {200} if name == "property-photo-order" else set()
        assert answer.status_code in {302, 303, 400, 404, 409, 422} | passed_over, f"{name}: {answer.status_code}"
        walk.look(answer, f"POST {path} with {data}")
    closing = {"room_type": str(walk.foreign["room_type_id"]), "day": str(day), "closed": True, "seen": "open"}
    answer = walk.client.post(reverse("rates-save"), {"cells": [], "sales": [closing]}, "application/json")
    assert answer.status_code in (404, 422)
    assert walk.state() == before


def _pages(walk: Walk) -> Iterator[tuple[str, html.HtmlElement]]:
    """Every page that opens at an own address, and those that they link to, one for each pattern and set of queries."""
    waiting = ["/"]
    for pattern in _patterns():
        if all(name in SLUGS or name in walk.own for name in _names(pattern)):
            values = {name: SLUGS.get(name) or walk.own[name] for name in _names(pattern)}
            waiting.append(reverse(pattern.name or "", kwargs=values))
    seen: set[tuple[str, tuple[str, ...]]] = set()
    while waiting:
        page = waiting.pop()
        parts = urlsplit(page)
        asked = tuple(sorted({name for name, _ in parse_qsl(parts.query)}))
        path = _plain(parts.path, walk)
        if (path, asked) in seen or parts.netloc or not parts.path.startswith("/") or parts.path == "/sign-out":
            continue
        seen.add((path, asked))
        answer = walk.client.get(page, follow=True)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html") or not answer.content:
            continue
        tree = html.fromstring(answer.content.decode())
        yield page, tree
        waiting += [
            urljoin(page, one)
            for one in tree.xpath("//a/@href | //@hx-get")
            if not one.startswith(("#", "mailto:", "tel:"))
        ]


Kind = tuple[str, str, str, str]
"""What is tried once: method, address without ids, the field that an id is replaced in, and the id."""


def _plain(path: str, walk: Walk) -> str:
    for value in walk.own.values():
        path = path.replace(str(value), "*")
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "?", path)


def _swapped_queries(address: str, walk: Walk) -> Iterator[tuple[Kind, str]]:
    parts = urlsplit(address)
    if parts.netloc:
        return
    pairs = parse_qsl(parts.query)
    swaps = _swaps(walk)
    for index, (name, value) in enumerate(pairs):
        for own, foreign in swaps.items():
            if own in value:
                swapped = [*pairs[:index], (name, value.replace(own, foreign)), *pairs[index + 1 :]]
                yield ("GET", _plain(parts.path, walk), name, own), f"{parts.path}?{urlencode(swapped)}"


def _swapped_forms(page: str, form: html.HtmlElement, walk: Walk) -> Iterator[tuple[Kind, str, str, dict[str, str]]]:
    method = (form.get("method") or "get").upper()
    action = urljoin(page, form.get("action") or "")
    plain = _plain(urlsplit(action).path, walk)
    data: dict[str, str] = {}
    choices: dict[str, set[str]] = {}
    for field in form.xpath(".//input[@name] | .//select[@name] | .//textarea[@name] | .//button[@name]"):
        name = field.get("name")
        values = [one.get("value", "") for one in field.iter("option")] or [field.get("value") or ""]
        choices.setdefault(name, set()).update(values)
        if name not in data or field.get("checked") is not None or field.get("selected") is not None:
            data[name] = next((one for one in values if one), "")
    swaps = _swaps(walk)
    for name, values in choices.items():
        for own, foreign in swaps.items():
            hit = next((one for one in values if one and own in one), None)
            if hit is not None:
                yield (method, plain, name, own), method, action, {**data, name: hit.replace(own, foreign)}
    for own, foreign in swaps.items():
        if own in urlsplit(action).query:
            yield (method, plain, "?", own), method, action.replace(own, foreign), data


def _swaps(walk: Walk) -> Mapping[str, str]:
    return walk.substitutes() | {walk_code(walk, own=True): walk_code(walk, own=False)}


def walk_code(walk: Walk, *, own: bool) -> str:
    """The property's code, which stands for it in queries."""
    from innsync.apps.properties.models import Property

    if not own:
        return walk.others.property.code
    organization_id = Membership.objects.get(user_id=walk.client.session["_auth_user_id"]).organization_id
    with tenant(organization_id):
        return Property.objects.get(id=walk.own["property_id"]).code
