"""Bulk edits, and closing nights: looked at first, then made as one change."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.properties.models import Property, RoomType
from innsync.portals.formats import nights
from innsync.portals.tests.answers import text_of
from innsync.portals.tests.rates_house import cells, changes, derive, make_season, marks, night, set_cells, sold


@pytest.fixture
def client(enter, house):
    derive(house)
    return enter()


@pytest.fixture
def in_yen(house):
    with tenant(house.organization.id):
        Property.objects.filter(id=house.property.id).update(currency="JPY")


def ask(house, **changes):
    fields = {
        "property": house.property.code,
        "look": "1",
        "type": ["double", "suite"],
        "plan": ["bar", "nr"],
        "first": night(house, 2).isoformat(),
        "last": night(house, 5).isoformat(),
        "price": "raise_percent",
        "price_value": "10",
        **changes,
    }
    return "/rates/bulk?" + urlencode({name: value for name, value in fields.items() if value}, doseq=True)


def confirm(client, path):
    fingerprint = client.get(path).context["plan"].fingerprint
    return client.post(path, {"fingerprint": fingerprint}, follow=True)


def test_the_preview_tells_what_changes_here_and_at_each_channel_and_saves_nothing(client, house):
    marks(house, clear=True)
    answer = client.get(ask(house))
    text = text_of(answer)
    assert "8 cells would change" in text
    assert "on 4 nights" in text
    assert "follow the rate they are derived from</dt><dd>8</dd>" in text
    samples = answer.context["samples"]
    assert [(one.where, one.before, one.after) for one in samples] == [
        ("Double, Best available rate", "100 EUR", "110 EUR"),
        ("Suite, Best available rate", "100 EUR", "110 EUR"),
    ]
    # Prices for one and for two guests, on four nights, of the rates mapped there.
    assert [(one["name"], one["rates"]) for one in answer.context["channels"]] == [
        (name, [("Double, Best available rate", 8), ("Suite, Best available rate", 8)])
        for name in ("Booking.com", "Channex", "Expedia")
    ]
    assert cells(house, "double", "price", 2) == [10_000]
    assert marks(house) == []


def test_what_was_previewed_is_made_as_one_change(client, house):
    marks(house, clear=True)
    answer = confirm(client, ask(house))
    assert [str(one) for one in answer.context["messages"]] == ["8 cells changed."]
    assert answer.context["window"].first == night(house, 2)
    assert cells(house, "double", "price", 1, 2, 5, 6) == [10_000, 11_000, 11_000, 10_000]
    assert cells(house, "attic", "price", 2) == [10_000]
    assert len(marks(house)) == 1
    assert (changes(house)[0].kind, changes(house)[0].cells) == ("bulk", 8)


def test_nights_are_closed_on_all_channels_from_a_short_form(client, house):
    path = ask(house, do="close", sale="closed", plan="", price="", price_value="", type=["double"])
    text = text_of(client.get(path))
    assert "Close these nights" in text
    assert "Minimum stay" not in text
    assert text.count("Double, Non-refundable") == 0, "no cell of a derived rate needs to be set"
    assert [str(one) for one in confirm(client, path).context["messages"]] == [
        "These nights are closed; all channels are being told."
    ]
    assert [sold(house, one, n)[1] for one in ("double", "double-nr") for n in (1, 2, 5, 6)] == [
        False,
        True,
        True,
        False,
    ] * 2
    opened = confirm(client, path.replace("sale=closed", "sale=open"))
    assert "These nights are open again" in text_of(opened)
    assert not sold(house, "double-nr", 2)[1]


def test_where_there_is_no_choice_of_room_type_it_is_ticked_to_begin_with(client, house):
    def ticked(query: str) -> list[bool]:
        return [
            one.on for one in client.get(f"/rates/bulk?property={house.property.code}&{query}").context["form"].types
        ]

    assert not any(ticked("do=close"))
    with tenant(house.organization.id):
        kept, *others = RoomType.objects.filter(property_id=house.property.id)
        RoomType.objects.filter(id__in=[one.id for one in others]).update(retired_at=datetime.now(UTC))
    assert ticked("do=close") == [True]
    assert ticked(f"do=close&look=1&type={kept.code}") == [True]
    assert ticked("do=close&look=1") == [False]


def test_somebody_who_was_faster_makes_it_to_be_looked_at_again(client, house):
    path = ask(house)
    fingerprint = client.get(path).context["plan"].fingerprint
    set_cells(house, "double", 3, 3, price=50_000)
    answer = client.post(path, {"fingerprint": fingerprint}, follow=True)
    assert "Somebody changed these rates" in str(next(iter(answer.context["messages"])))
    assert "550 EUR" in text_of(answer)
    assert cells(house, "double", "price", 2) == [10_000]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": ""}, "Choose a room type."),
        ({"plan": ""}, "Choose a rate."),
        ({"price": "", "price_value": ""}, "Choose what to change"),
        ({"price_value": "much"}, "a number above 0"),
        ({"price_value": "-5"}, "a number above 0"),
        ({"price": "set", "price_value": "1e999999999"}, "is no amount in EUR"),
        ({"price_value": "1e-999999999"}, "a number above 0"),
        ({"price": "set", "price_value": "1.005"}, "could mean 1005 or 1.005"),
        ({"price": "set", "price_value": "99.9999"}, "is no amount in EUR"),
        ({"price": "raise_amount", "price_value": "-5"}, "a number above 0"),
        ({"price": "set", "price_value": ""}, "a number above 0"),
        ({"price": "lower_percent", "price_value": "100"}, "by all of themselves"),
        ({"last": "2026-01-01"}, "must not be before the first"),
        ({"first": "tomorrow"}, "a first and a last night"),
        ({"last": "2199-01-01"}, "days later"),
        ({"max_stay": "set", "max_stay_value": "1000"}, "from 0 to 999"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_the_form_keeps_what_was_chosen(client, house, changes, words):
    answer = client.get(ask(house, **changes))
    assert words in text_of(answer)
    assert "Change all this" not in text_of(answer)
    assert client.post(ask(house, **changes)).status_code == 303


@pytest.mark.parametrize(
    ("typed", "minor"), [("1,250", 125_000), ("1,250.00", 125_000), ("1.250,50", 125_050), ("99,5", 9_950)]
)
def test_a_price_is_read_as_everywhere_else(client, house, typed, minor):
    confirm(client, ask(house, price="set", price_value=typed))
    assert cells(house, "double", "price", 2) == [minor]


def test_a_price_in_a_currency_without_decimals_has_groups_of_thousands(client, house, in_yen):
    confirm(client, ask(house, price="set", price_value="12,000"))
    assert cells(house, "double", "price", 2) == [12_000]


def test_a_price_that_would_be_nothing_can_not_be_confirmed(client, house):
    text = text_of(client.get(ask(house, price="lower_amount", price_value="100")))
    assert "the new price would be nothing" in text
    assert "Change all this" not in text


def test_another_organizations_rates_are_not_there(client, house, other):
    path = ask(other)
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404


def test_a_ticked_season_stands_for_its_nights_beside_ranges(client, house):
    season = make_season(house, "Fair", (4, 5), (9, 9), (-9, -8), colour="rose")
    path = ask(house, season=season.id, first=night(house, 12), last=night(house, 12), type=["double"], plan=["bar"])
    answer = client.get(path)
    assert 'class="season rose">Fair</b>' in text_of(answer)
    assert answer.context["plan"].nights == tuple(night(house, n) for n in (4, 5, 9, 12))
    confirm(client, path)
    assert cells(house, "double", "price", 3, 4, 5, 6, 9, 12) == [10_000, 11_000, 11_000, 10_000, 11_000, 11_000]
    assert len(changes(house)) == 2, "the one that the house began with, and this one"


def test_seasons_alone_will_do_and_no_dates_stand_there_that_nobody_asked_for(client, house):
    empty = client.get("/rates/bulk")
    assert empty.context["form"].nights.spans == [(house.today.isoformat(), night(house, 6).isoformat())]
    season = make_season(house, "Fair", (4, 5))
    assert client.get("/rates/bulk").context["form"].nights.spans == [("", "")]
    path = ask(house, season=season.id, first="", last="", day=str(night(house, 5).weekday()))
    assert client.get(path).context["plan"].nights == (night(house, 5),)
    assert client.get(path).context["plan"].changes


def test_nights_of_a_season_are_closed_and_the_grid_opens_where_they_begin(client, house):
    season = make_season(house, "Works", (8, 9))
    answer = confirm(
        client, ask(house, do="close", sale="closed", season=season.id, first="", last="", type=["double"])
    )
    assert answer.context["window"].first == night(house, 8)
    assert [sold(house, "double", n)[1] for n in (7, 8, 9, 10)] == [False, True, True, False]


def test_a_season_that_is_over_or_of_another_house_is_not_offered(client, house, other):
    make_season(house, "Past", (-9, -3))
    theirs = make_season(other, "Theirs", (2, 3))
    answer = client.get(ask(house, season=theirs.id, first="", last=""))
    assert answer.context["form"].nights.seasons == []
    assert "a first and a last night" in text_of(answer)


def test_a_selection_of_the_grid_fills_the_form_without_a_word_of_what_is_missing(client, house):
    make_season(house)
    asked = f"first={night(house, 3)}&last={night(house, 9)}&type=double&plan=bar"
    form = client.get(f"/rates/bulk?{asked}").context["form"]
    assert form.nights.spans == [(night(house, 3).isoformat(), night(house, 9).isoformat())]
    assert [one.value for one in form.types + form.plans if one.on] == ["double", "bar"]
    assert form.problems == []


def copied(house, **more):
    fields = {
        "price": "",
        "price_value": "",
        "copy_from": night(house, 2).isoformat(),
        "copy_by": "date",
        "copy": ["price"],
        "first": night(house, 20).isoformat(),
        "last": night(house, 22).isoformat(),
        "type": ["double"],
        "plan": ["bar"],
        **more,
    }
    return ask(house, **fields)


def test_other_nights_are_copied_after_a_preview_that_names_them(client, house):
    set_cells(house, "double", 3, 3, price=20_000, min_stay_arrival=3)
    answer = client.get(copied(house, copy_percent="-10", copy_rounding="unit"))
    assert f"Copied from {nights(night(house, 2), night(house, 4))}." in text_of(answer)
    assert [(one.before, one.after) for one in answer.context["samples"]] == [
        ("100 EUR", "90 EUR"),
        ("100 EUR", "180 EUR"),
        ("100 EUR", "90 EUR"),
    ]
    assert {one["name"] for one in answer.context["channels"] if one["rates"]} == {"Booking.com", "Channex", "Expedia"}
    marks(house, clear=True)
    confirm(client, copied(house, copy_percent="-10", copy=["price", "rules"]))
    assert cells(house, "double", "price", 19, 20, 21, 22, 23) == [10_000, 9_000, 18_000, 9_000, 10_000]
    assert cells(house, "double", "min_stay_arrival", 20, 21) == [None, 3]
    assert len(marks(house)) == 1
    assert client.post(f"/rates/{changes(house)[0].id}/undo").status_code == 303
    assert cells(house, "double", "price", 20, 21, 22) == [10_000] * 3


def test_whole_seasons_are_copied_by_weekday(client, house):
    season = make_season(house, "Fair", (15, 16), (18, 18))
    set_cells(house, "double", 8, 9, price=20_000)
    path = copied(house, season=season.id, first="", last="", copy_from=night(house, 6), copy_by="weekday")
    confirm(client, path)
    assert cells(house, "double", "price", 14, 15, 16, 17, 18) == [10_000, 20_000, 20_000, 10_000, 10_000]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"copy_from": "yesterday"}, "from which night on"),
        ({"copy": ""}, "Choose what to copy"),
        ({"copy_percent": "lots"}, "by how many per cent"),
        ({"copy_percent": "-100"}, "by how many per cent"),
        ({"copy_percent": "--5"}, "by how many per cent"),
        ({"copy_percent": "1001"}, "by how many per cent"),
        ({"price": "set", "price_value": "80"}, "either copied or changed"),
    ],
)
def test_what_can_not_be_copied_is_said(client, house, changes, words):
    answer = client.get(copied(house, **changes))
    assert words in text_of(answer)
    assert "Change all this" not in text_of(answer)


def test_nights_are_not_copied_from_themselves(client, house):
    assert "copied from themselves" in text_of(client.get(copied(house, copy_from=night(house, 20))))
    near = copied(house, copy_from=night(house, 22), copy_by="weekday")
    assert "copied from themselves" in text_of(client.get(near))
