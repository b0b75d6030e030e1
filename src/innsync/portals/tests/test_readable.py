"""Zero bytes, which PostgreSQL keeps in no text, in whatever a page is sent."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client, RequestFactory

from innsync.apps.accounts.models import User
from innsync.portals.tests.conftest import signed_in


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/properties?q=%00", 200),
        ("/bookings?q=%00", 200),
        ("/calendar?q=a%00b", 200),
        ("/today?%00=%00", 200),
        ("/today?property=%00", 404),
        ("/rates?property=h%00", 404),
        ("/calendar?property=%00", 404),
        ("/reports?property=%00", 404),
        ("/invitation/%00", 410),
        ("/connect/%00", 404),
        ("/static/%00.css", 404),
    ],
)
def test_an_address_with_a_zero_byte_finds_nothing(enter, address, status):
    assert enter("administrator").get(address).status_code == status


def test_a_sign_in_with_a_zero_byte_is_refused_as_any_other(database):
    for form in ({"email": "a\x00b", "password": "x"}, {"email": "a@people.example", "password": "x\x00"}):
        answer = Client().post("/sign-in", form)
        assert answer.status_code < 500
        assert "_auth_user_id" not in answer.client.session
    assert Client().post("/sign-in/forgotten", {"email": "a\x00b@people.example"}).status_code < 500


def test_a_form_with_a_zero_byte_keeps_the_rest_of_what_was_typed(house):
    user = house.person()
    form = {"name": "Pat\x00 Person", "language": "en", "time_zone": "Europe/Lisbon"}
    assert signed_in(user).post("/account", form).status_code < 400
    assert User.objects.get(id=user.id).name == "Pat\ufffd Person"


def test_a_cookie_with_a_zero_byte_is_nobodys(database):
    answer = Client(headers={"Cookie": rf'{settings.SESSION_COOKIE_NAME}="\000aaaaaaaaaaaa"'}).get("/today")
    assert answer["Location"].startswith("/sign-in")


def test_every_value_of_a_field_and_its_order_stay():
    from innsync.portals.readable import ReadableText

    seen = []
    ReadableText(seen.append)(RequestFactory().post("/x?a=1&a=%00&a=3", {"b": ["1", "\x00", "3"]}))
    (request,) = seen
    assert request.GET.getlist("a") == request.POST.getlist("b") == ["1", "\ufffd", "3"]
    with pytest.raises(AttributeError):
        request.POST["b"] = "2"
