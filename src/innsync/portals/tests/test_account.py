"""One's own account: how one signs in, and where one is signed in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from django.core import signing
from django.test import Client
from django.urls import reverse

from innsync.apps.accounts.models import Organization
from innsync.apps.accounts.tenancy import sql
from innsync.apps.distribution.vault import unseal
from innsync.portals.tests.codes import code_now
from innsync.portals.tests.house import PASSWORD

HERE = {"REMOTE_ADDR": "127.0.0.21"}
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sign_in(user, password=PASSWORD, **more):
    client = Client(headers={"User-Agent": FIREFOX})
    answer = client.post("/sign-in", {"email": user.email, "password": password, **more}, **HERE)
    assert answer.status_code == 302, answer.status_code
    return client


def confirm(client, path):
    """Opens a page that asks for the password once more."""
    answer = client.get(path)
    assert answer.status_code == 302, path
    assert answer["Location"].startswith("/account/confirm")
    assert client.post(answer["Location"], {"password": PASSWORD, "next": path}).status_code == 302
    return client.get(path)


def with_app(user):
    """(browser, secret, recovery codes) of somebody who has just set up an authenticator app."""
    client = sign_in(user)
    page = confirm(client, "/account/app").content.decode()
    secret = re.search(r'id="secret">([A-Z2-7]+)<', page).group(1)
    answer = client.post("/account/app", {"code": code_now(secret)})
    assert answer["Location"] == "/account/codes"
    codes = re.findall(r"<code>(\d{8})</code>", client.get("/account/codes").content.decode())
    return client, secret, codes


def posted(to):
    """What waits to be mailed to that address, oldest first."""
    with sql() as cursor:
        rows = cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = 'deliver_mail' ORDER BY id"
        ).fetchall()
    letters = [unseal(args["sealed"].encode()) for (args,) in rows]
    return [letter for letter in letters if letter["to"] == to]


def test_the_pages_about_oneself_are_for_whoever_is_signed_in(house):
    from innsync.portals.account import urls

    client, user = Client(), house.person("staff")
    for one in urls.urlpatterns:
        if str(one.pattern).startswith("account") and "<" not in str(one.pattern):
            assert client.get(f"/{one.pattern}")["Location"].startswith("/sign-in?next="), one
    client = sign_in(user)
    for path in ("/account", "/account/secure", "/account/password"):
        assert client.get(path).status_code == 200


def test_name_language_and_time_zone_are_ones_own_to_set(house):
    user = house.person()
    client = sign_in(user)
    answer = client.post("/account", {"name": "Pat Porter", "language": "en", "time_zone": "Asia/Tokyo"})
    assert answer["Location"] == "/account"
    user.refresh_from_db()
    assert (user.name, user.language, user.time_zone) == ("Pat Porter", "en", "Asia/Tokyo")
    page = client.get("/account").content.decode()
    assert "Pat Porter" in page
    assert "JST" in page
    assert client.post("/account", {"name": "P", "language": "tlh", "time_zone": "Asia/Tokyo"}).status_code == 200
    user.refresh_from_db()
    assert user.name == "Pat Porter"


def test_a_browser_in_a_language_that_is_not_there_reads_english_alone(house):
    answer = Client(headers={"Accept-Language": "ja,es;q=0.5"}).get("/sign-in/forgotten")
    assert answer["Content-Language"] in {"en", "ja"}
    if answer["Content-Language"] == "en":
        assert 'lang="en"' in answer.content.decode()
        assert "パスワード" not in answer.content.decode()


def test_with_an_app_the_password_alone_is_not_enough_and_a_code_works_once(house):
    user = house.person()
    _, secret, _ = with_app(user)
    with sql() as cursor:
        stored = cursor.execute("SELECT data::text FROM mfa_authenticator WHERE user_id = %s", (user.id,)).fetchall()
    assert secret not in str(stored)
    client = sign_in(user, next="/today")
    assert client.get("/connections")["Location"].startswith("/sign-in")
    assert client.post("/sign-in/code", {"code": "000000"}).status_code == 200
    code = code_now(secret, steps=1)  # that of now was used to set the app up
    assert client.post("/sign-in/code", {"code": code})["Location"] == "/today"
    assert client.get("/connections").status_code == 200
    again = sign_in(user)
    assert again.post("/sign-in/code", {"code": code}).status_code == 200
    assert again.get("/connections").status_code == 302


def test_codes_can_not_be_tried_for_ever_from_wherever(house):
    user = house.person()
    _, secret, _ = with_app(user)
    client = sign_in(user)
    for attempt in range(11):
        page = client.post("/sign-in/code", {"code": "123456"}, REMOTE_ADDR=f"127.0.1.{attempt}").content.decode()
    assert "Too many" in page
    assert client.post("/sign-in/code", {"code": code_now(secret, steps=1)}).status_code == 200
    assert client.get("/connections").status_code == 302


def test_a_recovery_code_lets_in_once_and_is_shown_once(house):
    user = house.person()
    first, _, codes = with_app(user)
    assert len(set(codes)) == 10
    assert not re.findall(r"<code>\d{8}</code>", first.get("/account/codes").content.decode())
    client = sign_in(user)
    assert client.post("/sign-in/code", {"code": codes[0]})["Location"] == "/"
    assert "9 left" in client.get("/account").content.decode()
    again = sign_in(user)
    assert again.post("/sign-in/code", {"code": codes[0]}).status_code == 200
    assert confirm(client, "/account/codes/new").status_code == 200
    client.post("/account/codes/new")
    fresh = re.findall(r"<code>(\d{8})</code>", client.get("/account/codes").content.decode())
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    assert again.post("/sign-in/code", {"code": codes[1]}).status_code == 200
    assert again.post("/sign-in/code", {"code": fresh[1]})["Location"] == "/"


def test_how_one_signs_in_is_changed_only_with_the_password_once_more(house):
    user = house.person()
    client = sign_in(user)
    for path in ("/account/app", "/account/passkeys/add"):
        answer = client.get(path)
        assert answer["Location"].startswith("/account/confirm"), path
    wrong = client.post("/account/confirm", {"password": "not it", "next": "/account/app"})
    assert wrong.status_code == 200
    assert client.get("/account/app").status_code == 302


def test_the_confirmation_can_not_be_guessed_at(house):
    user = house.person()
    client = sign_in(user)
    statuses = [client.post("/account/confirm", {"password": f"guess {n}"}).status_code for n in range(12)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


def test_removing_the_app_takes_the_codes_with_it(house):
    user = house.person()
    client, _, _ = with_app(user)
    assert client.get("/account/app/remove").status_code == 200
    assert client.post("/account/app/remove")["Location"] == reverse("mfa_index")
    assert sign_in(user).get("/connections").status_code == 200
    assert [letter["subject"] for letter in posted(user.email)][-1] == "Authenticator App Deactivated"


def test_the_list_of_sessions_ends_one_or_all_others(house):
    user = house.person()
    here, there, elsewhere = sign_in(user), sign_in(user), sign_in(user)
    places = here.get("/account").context["places"]
    assert [one.present for one in places] == [True, False, False]
    assert {one.device for one in places} == {"Firefox on Windows"}
    assert {one.address for one in places} == {HERE["REMOTE_ADDR"]}
    theirs = there.get("/account").context["places"][0].id
    here.post("/account/sessions/end", {"session": str(theirs)})
    assert there.get("/connections").status_code == 302
    assert elsewhere.get("/connections").status_code == 200
    here.post("/account/sessions/end", {"session": "others"})
    assert elsewhere.get("/connections").status_code == 302
    assert here.get("/connections").status_code == 200


def test_nobody_ends_somebody_elses_session(house):
    stranger, user = sign_in(house.person()), house.person()
    client = sign_in(user)
    mine = client.get("/account").context["places"][0].id
    assert stranger.post("/account/sessions/end", {"session": str(mine)}).status_code == 404
    assert client.get("/connections").status_code == 200


def test_a_session_tells_when_it_was_seen_last(house, monkeypatch):
    from innsync.portals.account import habits

    user = house.person()
    client = sign_in(user)
    with sql() as cursor:
        cursor.execute(
            "UPDATE usersessions_usersession SET last_seen_at = %s WHERE user_id = %s",
            (datetime.now(UTC) - timedelta(days=1), user.id),
        )
    habits._seen.clear()
    client.get("/connections", REMOTE_ADDR="127.0.0.99")
    place = client.get("/account").context["places"][0]
    assert datetime.now(UTC) - place.last_seen < timedelta(minutes=1)
    assert place.address == "127.0.0.99"


def test_changing_the_password_signs_out_all_other_browsers(house):
    user = house.person()
    here, there = sign_in(user), sign_in(user)
    fresh = "another long password"
    form = {"oldpassword": PASSWORD, "password1": fresh, "password2": fresh}
    assert here.post("/account/password", {**form, "oldpassword": "wrong"}).status_code == 200
    assert here.post("/account/password", {**form, "password1": "short", "password2": "short"}).status_code == 200
    assert here.post("/account/password", form).status_code == 302
    assert here.get("/connections").status_code == 200
    assert there.get("/connections").status_code == 302
    sign_in(user, fresh)
    assert "password" in posted(user.email)[-1]["text"].lower()


def reset_link(user):
    answer = Client().post("/sign-in/forgotten", {"email": user.email}, **HERE)
    assert answer["Location"] == "/sign-in/forgotten/sent"
    return re.search(r"http://\S+?(/sign-in/reset/\S+)", posted(user.email)[-1]["text"]).group(1)


def test_a_mailed_link_sets_a_new_password_once(house):
    user = house.person()
    there, link = sign_in(user), reset_link(user)
    client, fresh = Client(), "a brand new password"
    form = client.get(link)["Location"]
    assert link.rpartition("-")[2] not in form
    assert client.post(form, {"password1": fresh, "password2": fresh})["Location"] == "/sign-in/reset"
    assert there.get("/connections").status_code == 302
    sign_in(user, fresh)
    second = Client().get(link)
    assert "This link has ended" in second.content.decode()


def test_a_mailed_link_ends_after_an_hour(house, monkeypatch):
    from django.contrib.auth.tokens import PasswordResetTokenGenerator

    user = house.person()
    link = reset_link(user)
    later = datetime.now() + timedelta(minutes=61)  # noqa: DTZ005  # as Django counts here
    monkeypatch.setattr(PasswordResetTokenGenerator, "_now", lambda self: later)
    assert "This link has ended" in Client().get(link).content.decode()


def test_asking_for_a_link_tells_nobody_whether_there_is_an_account(house):
    user = house.person()
    answers = [
        Client().post("/sign-in/forgotten", {"email": email}, follow=True, **HERE)
        for email in (user.email, "nobody@people.example")
    ]
    assert answers[0].content == answers[1].content
    assert answers[0].redirect_chain == answers[1].redirect_chain
    assert len(posted(user.email)) == 1
    assert posted("nobody@people.example") == []


def test_links_are_not_sent_without_end(house):
    user = house.person()
    statuses = [Client().post("/sign-in/forgotten", {"email": user.email}, **HERE).status_code for _ in range(4)]
    assert statuses == [302, 302, 302, 429]
    assert len(posted(user.email)) == 3


def test_a_reset_does_not_get_past_the_second_step(house):
    user = house.person()
    with_app(user)
    client, fresh = Client(), "a brand new password"
    client.post(client.get(reset_link(user))["Location"], {"password1": fresh, "password2": fresh})
    assert client.get("/connections").status_code == 302
    assert sign_in(user, fresh).get("/connections").status_code == 302


def test_nobody_signs_up_by_themselves(database):
    for path in ("/sign-up", "/signup", "/accounts/signup/", "/account/signup"):
        assert Client().get(path).status_code == 404


def test_an_organization_may_ask_for_a_second_step(house):
    Organization.objects.filter(id=house.organization.id).update(requires_second_step=True)
    user = house.person()
    client = sign_in(user)
    for path in ("/", "/connections", "/today"):
        assert client.get(path)["Location"] == "/account/secure", path
    assert client.get("/connections/live").status_code == 401
    assert client.post("/inbox/replay").status_code == 302
    assert "A second step is needed" in client.get("/account/secure").content.decode()
    safe, _, _ = with_app(house.person())
    assert safe.get("/connections").status_code == 200


def test_a_forged_invitation_opens_nothing(database):
    token = signing.Signer(key="x" * 50, salt="innsync.invitation").sign_object(["0" * 32, "0" * 32, "n"])
    for one in (token, "nonsense"):
        answer = Client().get(f"/invitation/{one}")
        assert answer.status_code == 410
        assert "This invitation has ended" in answer.content.decode()
