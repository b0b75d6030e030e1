"""Who gets in, and what they learn at the door."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from innsync.portals.tests.house import PASSWORD

HERE = {"REMOTE_ADDR": "127.0.0.9"}


def try_in(client, email, password, **more):
    return client.post("/sign-in", {"email": email, "password": password, **more}, **HERE)


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(house):
    client, user = Client(), house.person()
    answer = client.get("/inbox")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=/inbox")
    answer = try_in(client, user.email.upper(), PASSWORD, next="/inbox")
    assert (answer.status_code, answer["Location"]) == (302, "/inbox")
    assert client.get("/inbox").status_code == 200


def test_a_foreign_address_is_never_where_one_lands(house):
    answer = try_in(Client(), house.person().email, PASSWORD, next="https://evil.example/")
    assert answer["Location"] == "/"


def test_an_unknown_account_and_a_wrong_password_read_the_same(house):
    wrong = try_in(Client(), house.person().email, "not the password")
    unknown = try_in(Client(), "nobody@people.example", "not the password")
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert "E-mail or password is wrong." in wrong.content.decode()
    assert "E-mail or password is wrong." in unknown.content.decode()


def test_after_ten_wrong_passwords_even_the_right_one_waits(house):
    user = house.person()
    answers = [try_in(Client(), user.email, "not the password").status_code for _ in range(10)]
    assert answers == [401] * 10
    answer = try_in(Client(), user.email, PASSWORD)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 15 * 60
    assert "Try again in 15 minutes." in answer.content.decode()


def test_another_address_or_account_is_not_kept_waiting(house):
    user, colleague = house.person(), house.person()
    for _ in range(11):
        try_in(Client(), user.email, "not the password")
    assert try_in(Client(), colleague.email, PASSWORD).status_code == 302
    elsewhere = Client().post("/sign-in", {"email": user.email, "password": PASSWORD}, REMOTE_ADDR="127.0.0.10")
    assert elsewhere.status_code == 302


def test_a_good_password_begins_the_count_anew(house):
    user = house.person()
    for _ in range(2):
        for _ in range(9):
            assert try_in(Client(), user.email, "not the password").status_code == 401
        assert try_in(Client(), user.email, PASSWORD).status_code == 302


def test_the_count_forgets_after_a_quarter_of_an_hour(house):
    from innsync.apps.accounts.sign_in import take_attempt

    begin = datetime(2027, 1, 1, tzinfo=UTC)
    about = {"address": "127.0.0.11", "email": "someone@people.example"}
    assert [take_attempt(**about, now=begin + timedelta(minutes=minute)) for minute in range(10)] == [0] * 10
    assert take_attempt(**about, now=begin + timedelta(minutes=14)) == 60
    assert take_attempt(**about, now=begin + timedelta(minutes=15, seconds=1)) == 0
    assert take_attempt(**about, now=begin + timedelta(minutes=15, seconds=2)) > 0


def test_a_person_whose_account_was_closed_does_not_get_in(house):
    user = house.person()
    user.is_active = False
    user.save()
    assert try_in(Client(), user.email, PASSWORD).status_code == 401


def test_signing_out_takes_a_post_and_ends_the_session(enter):
    client = enter()
    assert client.get("/sign-out").status_code == 405
    assert client.get("/connections").status_code == 200
    assert client.post("/sign-out").status_code == 302
    assert client.get("/connections").status_code == 302


def test_a_person_without_an_organization_is_told_whom_to_ask(house):
    from innsync.apps.accounts.models import User

    client = Client()
    client.force_login(User.objects.create_user(email="lonely@people.example", password=PASSWORD))
    answer = client.get("/connections")
    assert answer.status_code == 403
    assert "Ask an administrator" in answer.content.decode()


def test_a_person_with_two_organizations_switches_between_them(house, other):
    user = house.person()
    other.admit(user, "read_only")
    client = Client()
    client.force_login(user)
    for chosen, hidden in ((other, house), (house, other)):
        client.post("/organization", {"organization": str(chosen.organization.id)})
        text = client.get("/connections").content.decode()
        assert str(chosen.connections["channex"].id) in text
        assert str(hidden.connections["channex"].id) not in text


def test_nobody_switches_to_an_organization_that_is_not_theirs(enter, house, other):
    client = enter()
    client.post("/organization", {"organization": str(other.organization.id)})
    assert str(other.connections["channex"].id) not in client.get("/connections").content.decode()


def test_forms_without_their_token_are_refused_with_advice(house):
    client = Client(enforce_csrf_checks=True)
    client.force_login(house.person())
    answer = client.post(f"/connections/{house.connections['channex'].id}/pause")
    assert answer.status_code == 403
    assert "reload the page" in answer.content.decode()
    assert house.link("channex").state == "active"
    assert try_in(client, "a@people.example", "x").status_code == 403


@pytest.mark.parametrize("path", ["/", "/sign-in", "/nowhere"])
def test_pages_run_nothing_but_our_own_files_and_are_kept_by_nobody(enter, path):
    answer = enter().get(path, follow=True)
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "no-store" in answer["Cache-Control"]
    text = answer.content.decode()
    assert " style=" not in text
    assert "<script>" not in text
    assert " onclick=" not in text


def test_a_missing_page_says_what_to_do(enter):
    answer = enter().get("/nowhere")
    assert answer.status_code == 404
    assert "To the start" in answer.content.decode()


def test_a_fault_shows_its_number_and_nothing_of_its_inside(house, monkeypatch):
    from innsync.portals.admin import overview

    def broken(**_):
        raise RuntimeError("secret inside")

    monkeypatch.setattr(overview, "list_health", broken)
    client = Client(raise_request_exception=False)
    client.force_login(house.person())
    answer = client.get("/connections", headers={"X-Request-Id": "number-12345678"})
    assert answer.status_code == 500
    text = answer.content.decode()
    assert "number-12345678" in text
    assert "secret inside" not in text


def test_static_files_are_served_by_the_application(database):
    from innsync.portals.static_files import address

    where = address("portals/portal.css")
    answer = Client().get(where)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer["Cache-Control"]
    assert "immutable" not in Client().get("/static/portals/portal.css")["Cache-Control"]
    assert Client().get(where, headers={"If-None-Match": answer["ETag"]}).status_code == 304


@pytest.mark.parametrize(
    "path", ["portals/none.css", "../settings.py", "portals/..%2f..%2fapps.py", "/etc/passwd", "portals/"]
)
def test_nothing_but_static_files_is_served(database, path):
    assert Client().get(f"/static/{path}").status_code == 404
