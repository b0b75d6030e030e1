from __future__ import annotations

import httpx
import pytest

from innsync.integrations.conformance.server import serve
from innsync.integrations.simulation.tests.conftest import AUTH, HOUSE
from innsync.integrations.simulation.tests.driving import calendar, left, open_rooms, wish, write

V = "/_control/toyland"


def pointers(answer: httpx.Response) -> set[str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    return {error["pointer"] for error in answer.json()["errors"]}


def test_a_created_property_is_listed_with_its_products(client, house):
    assert house["id"] == "hotel-harbour-house"
    assert house["accounts"] == [{"key": AUTH["authorization"].removeprefix("Bearer ")}]
    [vendor] = client.get("/_control/vendors").json()["items"]
    [found] = vendor["properties"]
    assert found["property"] == "harbour-house"
    assert {(product["room"], product["rate"]) for product in found["products"]} == {
        ("double", "flex"),
        ("suite", "flex"),
        ("suite", "saver"),
    }


def test_creating_the_same_property_again_answers_the_same_ids(client, house):
    assert client.post(f"{V}/properties", json=HOUSE).json() == house


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"currency": "euro"}, "/currency"),
        ({"rooms": []}, "/rooms"),
        ({"rooms": [{**HOUSE["rooms"][0], "count": "3"}]}, "/rooms/0/count"),
        ({"code": None}, "/code"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_bad_property_is_refused_by_the_name_of_its_field(client, change, pointer):
    answer = client.post(f"{V}/properties", json={**HOUSE, **change})
    assert answer.status_code == 422
    assert pointer in pointers(answer)


def test_a_booking_takes_a_room_and_stands_in_the_list(client, house):
    open_rooms(client)
    answer = client.post(f"{V}/bookings", json=wish())
    assert answer.status_code == 201
    reference = answer.json()["reference"]
    assert left(client, "2027-03-02") == 1
    [booking] = client.get(f"{V}/bookings", params={"property": "harbour-house"}).json()["items"]
    assert booking["reference"] == reference
    assert booking["check_in"] == "2027-03-02"
    assert booking["acknowledged"] is False


def test_a_stay_that_is_not_sold_is_refused_unless_forced(client, house):
    refused = client.post(f"{V}/bookings", json=wish())
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/not-sold"
    assert client.post(f"{V}/bookings", json=wish(force=True)).status_code == 201


def test_a_booking_without_notice_exists_but_is_not_told(client, house):
    open_rooms(client)
    assert client.post(f"{V}/bookings", json=wish(notify=False)).status_code == 201
    assert client.get("/toyland/bookings", headers=AUTH).json() == []


@pytest.mark.parametrize("change", [{"property": "nowhere"}, {"room": "attic"}, {"rate": "gold"}])
def test_booking_what_the_vendor_does_not_have_is_not_found(client, house, change):
    answer = client.post(f"{V}/bookings", json=wish(**change))
    assert answer.status_code == 404
    assert pointers(answer) == {f"/{name}" for name in change}


@pytest.mark.parametrize("change", [{"room": "attic"}, {"rate": "gold"}])
def test_changing_to_what_the_vendor_does_not_have_is_not_found(client, house, change):
    reference = client.post(f"{V}/bookings", json=wish(force=True)).json()["reference"]
    answer = client.patch(f"{V}/bookings/{reference}", json=change)
    assert answer.status_code == 404
    assert pointers(answer) == {f"/{name}" for name in change}
    assert client.patch(f"{V}/bookings/{reference}", json={"room": "suite", "rate": "saver"}).status_code == 200


@pytest.mark.parametrize("path", ["calendar?from=2027-03-01&to=2027-03-02&", "bookings?"])
def test_a_list_of_a_property_that_the_vendor_does_not_have_is_not_found(client, path):
    answer = client.get(f"{V}/{path}property=nowhere")
    assert answer.status_code == 404
    assert pointers(answer) == {"/property"}


@pytest.mark.parametrize("query", [{"after": "x"}, {"limit": "0"}, {"body": "perhaps"}])
def test_a_bad_question_to_the_log_names_its_parameter(client, query):
    answer = client.get(f"{V}/requests", params=query)
    assert answer.status_code == 422
    assert pointers(answer) == {f"/{name}" for name in query}


def test_a_refusal_names_the_request_by_the_callers_own_id(client):
    given = {"x-request-id": "tests-0001"}
    for refused in (client.get("/_control/nobody/faults", headers=given), client.get(f"{V}/calendar", headers=given)):
        assert refused.json()["instance"] == refused.headers["x-request-id"] == "tests-0001"
    unfit = client.get("/_control/nobody/faults", headers={"x-request-id": "no id"}).json()
    assert unfit["instance"] not in ("", "no id")
    assert "errors" not in unfit


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"check_out": "2027-03-02"}, "/check_out"),
        ({"check_in": "soon"}, "/check_in"),
        ({"adults": 0}, "/adults"),
        ({"guest": "Zoë"}, "/guest"),
        ({"nights": 3}, "/nights"),
        ({"notify": "yes"}, "/notify"),
    ],
)
def test_a_bad_booking_is_refused_by_the_name_of_its_field(client, house, change, pointer):
    answer = client.post(f"{V}/bookings", json=wish(**change))
    assert answer.status_code == 422
    assert pointers(answer) == {pointer}


def test_a_body_that_is_no_json_is_told_so(client, house):
    answer = client.post(f"{V}/bookings", content=b"{")
    assert answer.status_code == 400
    assert answer.json()["type"] == "/problems/malformed"


def test_a_guest_changes_dates(client, house):
    open_rooms(client)
    reference = client.post(f"{V}/bookings", json=wish()).json()["reference"]
    answer = client.patch(f"{V}/bookings/{reference}", json={"check_in": "2027-03-05", "check_out": "2027-03-06"})
    assert answer.status_code == 200
    assert [left(client, day) for day in ("2027-03-02", "2027-03-05")] == [2, 1]


def test_an_order_of_telling_needs_two_messages(client, house):
    reference = client.post(f"{V}/bookings", json=wish(force=True)).json()["reference"]
    answer = client.patch(f"{V}/bookings/{reference}", json={"adults": 1, "new_first": True})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/new_first"


def test_a_change_of_nothing_is_refused(client, house):
    open_rooms(client)
    reference = client.post(f"{V}/bookings", json=wish()).json()["reference"]
    assert client.patch(f"{V}/bookings/{reference}", json={}).status_code == 422


def test_a_guest_cancels_and_the_vendor_hears_of_it_only_when_told(client, house):
    open_rooms(client)
    one, two = (client.post(f"{V}/bookings", json=wish()).json()["reference"] for _ in range(2))
    client.delete(f"{V}/bookings/{one}", params={"notify": "false"}).raise_for_status()
    client.delete(f"{V}/bookings/{two}").raise_for_status()
    messages = client.get("/toyland/bookings", headers=AUTH).json()
    assert [message["id"] for message in messages] == [f"{one}-1", f"{two}-1", f"{two}-2"]
    assert left(client, "2027-03-02") == 2


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
def test_an_unknown_booking_is_not_found(client, house, method):
    assert (
        client.request(method, f"{V}/bookings/T99", json={"adults": 1} if method == "PATCH" else None).status_code
        == 404
    )


@pytest.mark.parametrize("path", ["calendar", "bookings", "requests", "accounts", "faults"])
def test_an_unknown_vendor_is_not_found(client, path):
    answer = client.get(f"/_control/nobody/{path}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "/problems/not-found"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [({"from": "x"}, "/from"), ({"to": "2027-02-01"}, "/to"), ({"to": "2040-01-01"}, "/to")],
)
def test_a_calendar_needs_sensible_days(client, house, query, pointer):
    params = {"property": "harbour-house", "from": "2027-03-01", "to": "2027-03-02", **query}
    answer = client.get(f"{V}/calendar", params=params)
    assert answer.status_code == 422
    assert pointers(answer) == {pointer}


def test_the_calendar_has_a_line_for_each_product_and_day(client, house):
    open_rooms(client)
    lines = calendar(client)
    assert len(lines) == 3 * 3
    assert lines[0] == {
        "date": "2027-03-01",
        "room": "double",
        "rate": "flex",
        "available": 2,
        "amount": "95.00",
        "min_stay": 1,
        "closed": False,
        "cta": False,
        "ctd": False,
    }


def test_what_a_vendor_has_no_use_for_is_not_found_there(client):
    assert client.post(f"{V}/reviews", json={}).status_code == 404
    assert client.post(f"{V}/messages", json={"text": "hi"}).json() == {"heard": "hi"}
    assert client.post(f"{V}/messages", json=[]).status_code == 422


def test_the_clock_can_be_shifted_and_comes_back_with_a_reset(client, house):
    before = client.get("/_control/clock").json()
    after = client.post("/_control/clock", json={"shift_s": 86_400.0}).json()
    assert after["shift_s"] == 86_400
    assert after["now"][:10] > before["now"][:10]
    assert client.post("/_control/clock", json={"shift_s": "later"}).status_code == 422
    client.post("/_control/reset").raise_for_status()
    assert client.get("/_control/clock").json()["shift_s"] == 0


def test_a_reset_makes_the_world_new(client, house, world):
    client.post(f"{V}/faults", json={"rate_limit_per_min": 5}).raise_for_status()
    client.post("/_control/reset").raise_for_status()
    assert client.get("/_control/vendors").json()["items"][0]["properties"] == []
    assert client.get(f"{V}/requests").json()["items"] == []
    assert client.get(V).json()["limits_per_min"] == {"ari": 600}
    assert client.post(f"{V}/bookings", json=wish()).status_code == 404


def test_the_pace_of_a_vendor_can_be_changed(client, house):
    answer = client.patch(f"{V}/pace", json={"limits_per_min": {"ari": 1}})
    assert answer.json() == {"limits_per_min": {"ari": 1}, "pace": {}}
    assert [write(client, available=1).status_code for _ in range(2)] == [200, 429]
    unknown = client.patch(f"{V}/pace", json={"limits_per_min": {"x": 1}, "pace": {"poll_min_s": 1.0}})
    assert pointers(unknown) == {"/limits_per_min/x", "/pace/poll_min_s"}


def test_other_sites_may_not_drive_the_sandbox_through_a_visitors_browser(client):
    answer = client.post("/_control/reset", headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    own = str(client.base_url).rstrip("/")
    assert client.post("/_control/reset", headers={"origin": own}).status_code == 200


def test_without_control_a_world_is_served_alone(world):
    with serve(world) as url:
        assert httpx.get(f"{url}/_control/vendors").status_code == 404
        assert httpx.get(f"{url}/toyland/bookings").status_code == 401
