"""A person has a channel announce its bookings: by a click or by hand, and sees when the first call has come in."""

from __future__ import annotations

import re
import time

import pytest
from django.conf import settings
from django.test import Client

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution import webhooks
from innsync.apps.distribution.models import Account
from innsync.portals.tests.conftest import seen_through  # noqa: F401  # answers tell what their pages were given
from tests.flows.screens import person_of, said
from tests.flows.stack import Stack


@pytest.fixture
def hotel(make_stack, address, monkeypatch) -> Stack:
    """At Channex, which knows nothing of us; we are served at a real address."""
    monkeypatch.setattr(settings, "PUBLIC_URL", address)
    made = make_stack(vendors=["channex", "expedia"])
    made.settle()
    with tenant(made.organization_id):
        Account.objects.filter(vendor="channex").update(webhook_secrets=b"")
    return made


@pytest.fixture
def person(hotel) -> Client:
    return person_of(hotel)


def where(hotel: Stack, vendor: str = "channex") -> str:
    return f"/connections/{hotel.connections[vendor]}/webhook"


def account(hotel: Stack) -> Account:
    with tenant(hotel.organization_id):
        return Account.objects.get(vendor="channex")


def wait_for_call(hotel: Stack) -> None:
    until = time.monotonic() + 20
    while account(hotel).webhook_called_at is None:
        assert time.monotonic() < until, "no call came in"
        time.sleep(0.1)


def test_by_a_click_the_channel_is_told_and_its_call_is_seen(hotel, person):
    assert "Not set up" in person.get(where(hotel)).content.decode()
    page = person.post(where(hotel), {"step": "register"}, follow=True)
    assert "knows now where to announce bookings" in said(page)
    assert "No call has come in yet" in page.content.decode()
    assert 'hx-trigger="every 3s"' in person.get(f"{where(hotel)}/live").content.decode()
    page = person.post(where(hotel), {"step": "try"}, follow=True)
    assert "was asked for a call" in said(page)
    wait_for_call(hotel)
    live = person.get(f"{where(hotel)}/live").content.decode()
    assert "It calls" in live
    assert "hx-trigger" not in live, "it is not asked for again"
    secret = webhooks.secret_of(account(hotel))
    assert secret
    assert secret not in person.get(where(hotel)).content.decode(), "a secret that is in use is not shown"


def test_a_booking_that_is_announced_is_here_without_anybody_asking(hotel, person):
    person.post(where(hotel), {"step": "register"})
    hotel.guest_books("channex", 5)
    wait_for_call(hotel)
    hotel.advance(seconds=1)
    assert [channel for channel, *_ in hotel.bookings()] == ["channex"]


def test_by_hand_address_and_secret_are_shown_to_be_copied(hotel, person, address):
    page = person.post(where(hotel), {"step": "secret"}, follow=True)
    text = page.content.decode()
    path = f"/api/webhooks/channex/{account(hotel).id}"
    secret = webhooks.secret_of(account(hotel))
    assert f"{address}{path}" in text
    assert secret in text
    assert "X-Channex-Webhook-Secret" in text
    assert Client().post(path, data={}, content_type="application/json").status_code == 401
    assert "wrong secret or none" in person.get(f"{where(hotel)}/live").content.decode()
    headers = {"X-Channex-Webhook-Secret": secret}
    assert (
        Client().post(path, data={"event": "ari"}, content_type="application/json", headers=headers).status_code == 200
    )
    assert "It calls" in person.get(f"{where(hotel)}/live").content.decode()


def test_a_new_secret_is_taken_beside_the_one_before(hotel, person):
    person.post(where(hotel), {"step": "secret"})
    first = webhooks.secret_of(account(hotel))
    person.post(where(hotel), {"step": "secret"})
    second = webhooks.secret_of(account(hotel))
    assert first != second
    path = f"/api/webhooks/channex/{account(hotel).id}"
    for secret in (first, second):
        headers = {"X-Channex-Webhook-Secret": secret}
        answer = Client().post(path, data={"event": "ari"}, content_type="application/json", headers=headers)
        assert answer.status_code == 200


def call_with(hotel: Stack, secret: str) -> int:
    path, headers = f"/api/webhooks/channex/{account(hotel).id}", {"X-Channex-Webhook-Secret": secret}
    return Client().post(path, data={"event": "ari"}, content_type="application/json", headers=headers).status_code


def test_a_new_secret_is_shown_until_the_channel_calls_with_that_one(hotel, person):
    person.post(where(hotel), {"step": "secret"})
    old = webhooks.secret_of(account(hotel))
    assert call_with(hotel, old) == 200
    assert old not in person.get(where(hotel)).content.decode()
    person.post(where(hotel), {"step": "secret"})
    new = webhooks.secret_of(account(hotel))
    assert call_with(hotel, old) == 200
    page = person.get(where(hotel)).content.decode()
    assert new in page
    assert "still calls with the secret before this one" in page
    assert 'hx-trigger="every 3s"' in person.get(f"{where(hotel)}/live").content.decode()
    assert call_with(hotel, new) == 200
    assert call_with(hotel, old) == 200, "of another property there, say"
    page = person.get(where(hotel)).content.decode()
    assert new not in page
    assert "It calls" in page


def test_however_often_one_is_made_the_secret_in_use_goes_on_working(hotel, person):
    person.post(where(hotel), {"step": "secret"})
    used = webhooks.secret_of(account(hotel))
    assert call_with(hotel, used) == 200
    made = []
    for _ in range(4):
        person.post(where(hotel), {"step": "secret"})
        made.append(webhooks.secret_of(account(hotel)))
        assert call_with(hotel, used) == 200
    assert call_with(hotel, made[-2]) == 200
    assert call_with(hotel, made[-1]) == 200
    assert call_with(hotel, made[0]) == 401, "nobody ever called with it, and newer ones were made"
    person.post(where(hotel), {"step": "secret"})
    assert call_with(hotel, used) == 401, "the channel has called with a newer one since"
    assert call_with(hotel, made[-1]) == 200


def test_a_form_that_is_sent_twice_makes_one_secret_and_tells_the_channel_once(hotel, person, monkeypatch):
    token = re.search(r'name="once" value="([^"]+)"', person.get(where(hotel)).content.decode())
    assert token
    sent = {"step": "secret", "once": token[1]}
    person.post(where(hotel), sent)
    first = webhooks.secret_of(account(hotel))
    person.post(where(hotel), sent)
    assert webhooks.secret_of(account(hotel)) == first
    asked = []
    monkeypatch.setattr(webhooks, "register", asked.append)
    sent["step"] = "register"
    assert "knows now where" in said(person.post(where(hotel), sent, follow=True))
    assert "sent already" in said(person.post(where(hotel), sent, follow=True))
    assert len(asked) == 1


def test_a_channel_that_is_down_says_so_and_leaves_the_way_by_hand(hotel, person):
    hotel.faults("channex", status=500)
    page = person.post(where(hotel), {"step": "register"}, follow=True)
    assert "could not be told" in said(page)
    assert webhooks.secret_of(account(hotel)) in page.content.decode()


def test_a_channel_that_announces_nothing_has_no_such_page(hotel, person):
    assert person.get(where(hotel, "expedia")).status_code == 404
    assert person.post(where(hotel, "expedia"), {"step": "secret"}).status_code == 404
