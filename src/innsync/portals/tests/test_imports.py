"""Bookings from a file of another system: looked at, mapped, imported, imported again, taken back."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from innsync.apps.accounts.tenancy import tenant
from innsync.apps.distribution.models import Conflict
from innsync.apps.guests.models import Guest
from innsync.apps.imports import bookings as bookings_of
from innsync.apps.imports import planning, reading, services, taking, undoing
from innsync.apps.imports.columns import FIELDS
from innsync.apps.imports.models import BookingImport, ImportedLine
from innsync.apps.inventory.models import StockDay
from innsync.apps.reservations import services as reservations
from innsync.apps.reservations.models import Booking, Revision, RoomStay
from innsync.apps.setup.sheets import Problems
from innsync.domain.booking_state import BookingAction

HEAD = "Reservation Number;Status;Check-in;Check-out;Room Type;Rate Plan;Adults;Children;Guest Name;Email;Phone;Country;Grand Total;Source;Notes"


def night(house, offset: int) -> str:
    return (house.today + timedelta(days=offset)).strftime("%d/%m/%Y")


def line(house, number: str, first: int, nights: int = 2, **other: Any) -> str:
    said = {
        "status": "Confirmed",
        "room": "Double",
        "plan": "Best available rate",
        "adults": 2,
        "children": 0,
        "name": f"Guest {number}",
        "email": f"guest-{number}@example.org",
        "phone": "+351 912 345 678",
        "country": "PT",
        "total": "1.234,50",
        "source": "Some site",
        "notes": "",
    } | other
    return ";".join(
        str(one)
        for one in (number, said.pop("status"), night(house, first), night(house, first + nights), *said.values())
    )


def sheet(house, *lines: str) -> bytes:
    return "\n".join([HEAD, *lines]).encode()


def send(house, content: bytes, **said: str) -> BookingImport:
    with tenant(house.organization.id):
        found = services.send(
            prop=house.property, content=content, file_name="old.csv", now=datetime.now(UTC), actor="Pat"
        )
        if said:
            services.correct(found=found, said=said, here=planning.look_around(house.property))
        return found


def take(house, content: bytes, **said: str) -> BookingImport:
    """Send, start, and do what the job does."""
    found = send(house, content, **said)
    with tenant(house.organization.id):
        services.start(import_id=found.id, now=datetime.now(UTC), actor="Pat")
    taking.take_all(organization_id=house.organization.id, import_id=found.id)
    return again(house, found)


def again(house, found: BookingImport) -> BookingImport:
    with tenant(house.organization.id):
        return BookingImport.objects.get(id=found.id)


def undo(house, found: BookingImport) -> None:
    with tenant(house.organization.id):
        services.undo(import_id=found.id, now=datetime.now(UTC), actor="Kim")
    undoing.undo_all(organization_id=house.organization.id, import_id=found.id)
    assert again(house, found).state == "undone"


def outcomes(house, found: BookingImport) -> list[str]:
    with tenant(house.organization.id):
        return list(ImportedLine.objects.filter(within=found).order_by("line").values_list("outcome", flat=True))


def words(house, found: BookingImport) -> list[str]:
    with tenant(house.organization.id):
        return list(ImportedLine.objects.filter(within=found).order_by("line").values_list("words", flat=True))


def booking(house, number: str) -> Booking:
    with tenant(house.organization.id):
        return Booking.objects.get(property=house.property, external_id=number)


def stay(house, number: str) -> RoomStay:
    with tenant(house.organization.id):
        return RoomStay.objects.get(booking__external_id=number)


def sold(house, offset: int, room: str = "double") -> int:
    with tenant(house.organization.id):
        found = StockDay.objects.filter(
            property_id=house.property.id, room_type=house.types[room], day=house.today + timedelta(days=offset)
        ).first()
        return found.sold if found else 0


def test_a_file_becomes_bookings_with_guests_and_takes_their_rooms(house):
    found = take(house, sheet(house, line(house, "A1", 20), line(house, "A2", 30, room="suite", children=1)))
    assert (found.state, found.bookings, found.done, found.content) == ("done", 2, 2, None)
    assert outcomes(house, found) == ["created", "created"]
    one = booking(house, "A1")
    assert (one.status, one.channel, one.source, one.total_minor, one.currency) == (
        "confirmed",
        "direct",
        "Some site",
        123_450,
        "EUR",
    )
    assert (one.check_in, one.guest_name, one.guest_email) == (
        house.today + timedelta(days=20),
        "Guest A1",
        "guest-A1@example.org",
    )
    with tenant(house.organization.id):
        assert Guest.objects.get(id=one.guest_id).country == "PT"
        assert Revision.objects.get(booking=one).action == "imported"
    assert stay(house, "A1").nightly_minor == [61_725, 61_725]
    assert (stay(house, "A2").room_type_id, stay(house, "A2").child_ages) == (house.types["suite"].id, [17])
    assert [sold(house, offset) for offset in (19, 20, 21, 22)] == [0, 1, 1, 0]


def test_the_same_file_again_changes_nothing_and_a_later_one_what_it_says_otherwise(house):
    first = [line(house, "A1", 20), line(house, "A2", 30), line(house, "A3", 40)]
    take(house, sheet(house, *first))
    before = [booking(house, number).version for number in ("A1", "A2", "A3")]
    assert outcomes(house, take(house, sheet(house, *first))) == ["unchanged"] * 3
    assert [booking(house, number).version for number in ("A1", "A2", "A3")] == before
    later = take(
        house, sheet(house, line(house, "A1", 21), line(house, "A2", 30, status="Cancelled"), line(house, "A4", 50))
    )
    assert outcomes(house, later) == ["changed", "cancelled", "created"]
    assert booking(house, "A1").check_in == house.today + timedelta(days=21)
    assert booking(house, "A2").status == "cancelled"
    assert booking(house, "A3").status == "confirmed", "what a file leaves out is left alone"
    assert [sold(house, offset) for offset in (20, 21, 22, 30, 50)] == [0, 1, 1, 0, 1]


def test_what_the_desk_changed_stands_against_a_file_that_repeats_itself(house):
    take(house, sheet(house, line(house, "A1", 20)))
    with tenant(house.organization.id):
        found = Booking.objects.get(external_id="A1")
        reservations.change_state(
            organization_id=house.organization.id,
            booking_id=found.id,
            action=BookingAction.CANCEL,
            now=datetime.now(UTC),
            actor="desk",
        )
    assert outcomes(house, take(house, sheet(house, line(house, "A1", 20)))) == ["unchanged"]
    assert booking(house, "A1").status == "cancelled"
    assert outcomes(house, take(house, sheet(house, line(house, "A1", 20, email="other@example.org")))) == ["changed"]
    assert (booking(house, "A1").status, booking(house, "A1").guest_email) == ("cancelled", "other@example.org")


def test_past_stays_are_past_and_owe_nothing_and_who_is_here_is_here(house):
    take(
        house,
        sheet(
            house,
            line(house, "P", -400),
            line(house, "H", -1, 3),
            line(house, "N", -30, status="No show"),
            line(house, "C", -20, status="canceled", total=""),
        ),
    )
    assert [booking(house, one).status for one in "PHNC"] == ["checked_out", "checked_in", "no_show", "cancelled"]
    assert booking(house, "P").payment == {"collect": "channel", "to": "File"}
    assert booking(house, "N").cancellation_fee_minor == 0
    house.relay()
    with tenant(house.organization.id):
        assert not Conflict.objects.exists()


def test_an_oversale_is_a_conflict_and_no_loss(house):
    found = take(house, sheet(house, line(house, "A1", 20), line(house, "A2", 20)))
    assert outcomes(house, found) == ["created", "created"]
    house.relay()
    with tenant(house.organization.id):
        assert Conflict.objects.get().state == "open"


def test_lines_of_one_reference_are_rooms_of_one_booking(house):
    found = take(house, sheet(house, line(house, "A1", 20), line(house, "A1", 20, room="Suite", total="100,00")))
    assert outcomes(house, found) == ["created"]
    assert booking(house, "A1").total_minor == 133_450
    with tenant(house.organization.id):
        assert RoomStay.objects.filter(booking__external_id="A1").count() == 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"nights": 0}, "check_out must be after the arrival"),
        ({"room": "Igloo"}, "room_type Igloo is no room type here"),
        ({"status": "perhaps"}, "status perhaps is no state of a booking"),
        ({"total": "much"}, "total is no amount in EUR"),
        ({"total": "12.50"}, "total 12.50 has another decimal sign"),
        ({"total": ""}, "total is empty"),
        ({"name": ""}, "guest_name is empty"),
        ({"email": "nobody"}, "email is no address"),
        ({"adults": "many"}, "adults must be a number"),
    ],
)
def test_a_wrong_line_is_refused_with_its_reason_and_the_others_are_imported(house, changes, told):
    found = take(
        house,
        sheet(house, line(house, "B", 20, **changes), line(house, "G", 30), line(house, "D", 35, 20, room="attic")),
    )
    assert outcomes(house, found) == ["refused", "created", "created"]
    assert told in words(house, found)[0]


def test_an_import_is_taken_back_as_far_as_nothing_was_changed_since(house):
    take(house, sheet(house, line(house, "A1", 20), line(house, "A2", 30)))
    second = take(
        house, sheet(house, line(house, "A1", 25), line(house, "A3", 40), line(house, "A4", 45), line(house, "P", -9))
    )
    with tenant(house.organization.id):
        found = Booking.objects.get(external_id="A4")
        reservations.change_state(
            organization_id=house.organization.id,
            booking_id=found.id,
            action=BookingAction.MARK_NO_SHOW,
            now=datetime.now(UTC),
            actor="desk",
        )
        assert undoing.count_undoable(second) == (3, 1)
    undo(house, second)
    assert booking(house, "A1").check_in == house.today + timedelta(days=20)
    assert [booking(house, one).status for one in ("A2", "A3", "A4", "P")] == [
        "confirmed",
        "cancelled",
        "no_show",
        "cancelled",
    ]
    assert [sold(house, offset) for offset in (20, 25, 30, 40, 45, -9)] == [1, 0, 1, 0, 1, 0]
    with tenant(house.organization.id):
        kept = ImportedLine.objects.get(within=second, undone="kept")
        assert (kept.reference, kept.undo_words) == ("A4", "was changed since the import")
    third = take(house, sheet(house, line(house, "A1", 20), line(house, "A3", 40)))
    assert outcomes(house, third) == ["unchanged", "created"]
    assert booking(house, "A3").status == "confirmed"
    assert sold(house, 40) == 1


def test_a_worker_that_died_goes_on_where_it_was(house, monkeypatch):
    lines = [line(house, f"A{number}", number, room="attic") for number in range(1, 55)]
    found = send(house, sheet(house, *lines))
    with tenant(house.organization.id):
        services.start(import_id=found.id, now=datetime.now(UTC), actor="Pat")
    real, calls = taking._take_batch, []

    def dies(*args: Any) -> bool:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(taking, "_take_batch", dies)
    with pytest.raises(KeyboardInterrupt):
        taking.take_all(organization_id=house.organization.id, import_id=found.id)
    assert (again(house, found).state, again(house, found).done) == ("running", 25)
    for _ in range(2):
        taking.take_all(organization_id=house.organization.id, import_id=found.id)
    assert (again(house, found).state, again(house, found).done) == ("done", 54)
    with tenant(house.organization.id):
        assert Booking.objects.filter(property=house.property, source="Some site").count() == 54


def test_card_data_is_kept_nowhere(house):
    content = (
        b"reference,check_in,check_out,room_type,guest_name,total,notes,Credit card,CVV\n"
        b"A1,2027-03-01,2027-03-03,double,Ada,100.00,card 4111 1111 1111 1111,4111111111111111,123\n"
    )
    found = send(house, content)
    kept = bytes(again(house, found).content)
    assert b"4111 1111" not in kept
    assert b"4111111111111111" not in kept
    assert b",123" not in kept


def test_a_booking_that_its_channel_told_is_not_imported_once_more(house):
    reference = house.channel_sells(20)
    content = f"reference,check_in,check_out,room_type,guest_name,total,channel,channel reference\nX,{house.stay(20, 2).check_in},{house.stay(20, 2).check_out},double,Zoë,200.00,Channex,{reference}\n".encode()
    found = take(house, content)
    assert outcomes(house, found) == ["left"]
    assert words(house, found) == ["is here already: Channex told it"]


def test_a_booking_of_a_connected_channel_is_gone_on_with_by_that_channel(house):
    content = f"reference,check_in,check_out,room_type,guest_name,total,channel,channel reference\nX,{house.stay(20, 2).check_in},{house.stay(20, 2).check_out},double,Zoë,200.00,Channex,ref-9\n".encode()
    assert outcomes(house, take(house, content)) == ["created"]
    house.channel_sells(25, booking_id="ref-9")
    with tenant(house.organization.id):
        mine = Booking.objects.filter(property=house.property)
        assert [(one.channel, one.check_in) for one in mine] == [("channex", house.today + timedelta(days=25))]
    assert words(house, take(house, content.replace(b"200.00", b"210.00"))) == [
        "Channex tells this booking itself by now"
    ]


@pytest.fixture
def path(house) -> str:
    return f"/properties/{house.property.id}/bookings"


def upload(client, path: str, content: bytes):
    return client.post(f"{path}/send", {"file": SimpleUploadedFile("old.csv", content)}, follow=True)


def do_jobs(house) -> None:
    for job in house.jobs("import_bookings"):
        taking.take_all(organization_id=house.organization.id, import_id=job["import_id"])
    for job in house.jobs("undo_import"):
        undoing.undo_all(organization_id=house.organization.id, import_id=job["import_id"])


def test_a_person_maps_looks_imports_reads_the_report_and_takes_it_back(enter, house, path):
    client = enter()
    assert "No bookings were imported" in client.get(path).content.decode()
    content = sheet(
        house, line(house, "A1", 20, room="DBL"), line(house, "A2", 30, room="DBL"), line(house, "=1+2", 40, room="?")
    )
    looked = upload(client, path, content)
    address = looked.redirect_chain[-1][0]
    assert "Dbl is no room type here" not in looked.content.decode()
    assert [one[2] for one in looked.context["problems"]] == [
        "DBL is no room type here: choose what it stands for"
    ] * 2 + ["? is no room type here: choose what it stands for"]
    assert looked.context["writes"] == 0
    mapped = client.post(address, {"do": "read", "room_type-0": str(house.types["double"].id)}, follow=True)
    assert mapped.context["counts"] == [("new", "good", 2), ("refused", "bad", 1)]
    page = mapped.content.decode()
    assert "Guest A1" in page
    assert "Import 2 bookings" in page
    with tenant(house.organization.id):
        assert not Booking.objects.filter(property=house.property).exists()
    stale = client.post(address, {"do": "import", "seen": "other"}, follow=True)
    assert "read otherwise" in " ".join(str(one) for one in stale.context["messages"])
    begun = client.post(address, {"do": "import", "seen": mapped.context["seen"]}, follow=True)
    assert "are being imported" in " ".join(str(one) for one in begun.context["messages"])
    assert "0 of 0 bookings" in begun.content.decode()
    do_jobs(house)
    report = client.get(address).content.decode()
    assert "Room type: ? is no room type here" in report
    assert "2 new, 1 refused" in client.get(path).content.decode()
    rows = list(csv.DictReader(io.StringIO(client.get(f"{address}/report.csv").content.decode("utf-8-sig"))))
    assert [(one["line"], one["reference"], one["outcome"]) for one in rows] == [
        ("2", "A1", "created"),
        ("3", "A2", "created"),
        ("4", "'=1+2", "refused"),
    ]
    assert "2 bookings are put back" in client.get(f"{address}/undo").content.decode()
    client.post(f"{address}/undo", follow=True)
    do_jobs(house)
    assert "taken back" in client.get(f"{address}/live").content.decode()
    assert booking(house, "A1").status == "cancelled"
    assert client.get(f"{address}/undo").status_code == 302


def test_the_next_file_with_the_same_headings_is_read_as_the_last(enter, house, path):
    client = enter()
    address = upload(client, path, sheet(house, line(house, "A1", 20, room="DBL"))).redirect_chain[-1][0]
    mapped = client.post(
        address, {"do": "read", "room_type-0": str(house.types["suite"].id), "system": "Old inn"}, follow=True
    )
    client.post(address, {"do": "import", "seen": mapped.context["seen"]})
    do_jobs(house)
    again_ = upload(client, path, sheet(house, line(house, "A1", 20, room="DBL"), line(house, "A2", 30, room="DBL")))
    assert again_.context["counts"] == [("new", "good", 1), ("unchanged", "plain", 1)]
    assert again_.context["read"].system == "Old inn"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "has no lines"),
        (b"a,b\n", "has no lines below"),
        (b'a,b\n"x', "quotation mark"),
        (b"a,b\n\x00,1", "no table of text"),
        (b"<?xml version='1.0'?><x/>", "holds no HotelReservation"),
        (b"<!DOCTYPE x [<!ENTITY e 'x'>]><x>&e;</x>", "document type"),
        (b"<x>", "XML is broken"),
    ],
)
def test_what_is_no_such_file_is_told_and_not_kept(enter, house, path, content, words):
    answer = upload(enter(), path, content)
    assert words in " ".join(str(one) for one in answer.context["messages"])
    with tenant(house.organization.id):
        assert not BookingImport.objects.exists()


def test_columns_order_and_sign_are_chosen_where_the_guess_is_wrong(enter, house, path):
    client = enter()
    content = b"x,y,z,room type,who,price\nA1,04/03/2027,05/04/2027,double,Ada,1.250\n"
    looked = upload(client, path, content)
    address = looked.redirect_chain[-1][0]
    assert [one[2] for one in looked.context["problems"]] == ["no column of the file is this"] * 3
    columns = {"column-reference": "0", "column-check_in": "1", "column-check_out": "2", "column-guest_name": "4"}
    answer = client.post(address, {"do": "read", **columns, "order": "mdy", "sign": ","}, follow=True)
    [one] = answer.context["first"]
    assert (one["first"], one["last"], one["guest"]) == (date(2027, 4, 3), date(2027, 5, 4), "Ada")
    assert str(one["total"]) == "1250.00"


def test_what_is_given_out_is_imported_again_without_any_mapping(enter, house, other):
    house.book(20, guest="Ada O'Example, Jr.")
    house.channel_sells(24)
    house.book(28, room="suite", guest="=cmd()")
    client = enter()
    given = client.get(f"/properties/{house.property.id}/bookings.csv")
    assert b"'=cmd()" in given.content
    same = send(house, given.content)
    with tenant(house.organization.id):
        services.start(import_id=same.id, now=datetime.now(UTC), actor="Pat")
    taking.take_all(organization_id=house.organization.id, import_id=same.id)
    assert outcomes(house, same) == ["left"] * 3
    taken = take(other, given.content)
    assert outcomes(other, taken) == ["created"] * 3

    def content(of) -> list[tuple[Any, ...]]:
        with tenant(of.organization.id):
            found = Booking.objects.filter(property=of.property).order_by("check_in")
            return [
                (
                    one.check_in,
                    one.check_out,
                    one.status,
                    one.guest_name,
                    one.guest_email,
                    one.guest_phone,
                    one.total_minor,
                    one.special_requests,
                    one.room_stays.get().room_type.code,
                )
                for one in found
            ]

    assert content(other) == content(house)


def test_somebody_elses_import_is_not_there(enter, house, other):
    found = take(other, sheet(other, line(other, "A1", 20)))
    client = enter()
    for where in ("", "/live", "/report.csv", "/undo"):
        assert client.get(f"/properties/{house.property.id}/bookings/{found.id}{where}").status_code == 404
        assert client.get(f"/properties/{other.property.id}/bookings/{found.id}{where}").status_code == 404


def test_what_was_imported_before_its_channel_was_connected_is_handed_over_by_the_same_file(house):
    from innsync.apps.distribution.models import Connection

    stay_ = house.stay(20, 2)
    content = (
        "reference,check_in,check_out,room_type,guest_name,total,channel,channel reference\n"
        f"X,{stay_.check_in},{stay_.check_out},double,Zoë,200.00,Channex,ref-9\n"
    ).encode()

    def connect(state: str) -> None:
        with tenant(house.organization.id):
            Connection.objects.filter(id=house.connections["channex"].id).update(state=state)

    connect("left")
    assert outcomes(house, take(house, content)) == ["created"]
    assert booking(house, "X").channel == "direct"
    assert outcomes(house, take(house, content)) == ["unchanged"]
    connect("active")
    second = take(house, content)
    assert outcomes(house, second) == ["changed"]
    assert (booking(house, "X").channel, booking(house, "X").channel_ref) == ("channex", "ref-9")
    assert outcomes(house, take(house, content)) == ["unchanged"]
    house.channel_sells(25, booking_id="ref-9")
    with tenant(house.organization.id):
        assert [one.check_in for one in Booking.objects.filter(property=house.property)] == [house.stay(25, 1).check_in]
    undo(house, second)
    with tenant(house.organization.id):
        assert ImportedLine.objects.get(within=second).undone == "kept"


def test_an_extranets_own_export_has_the_channels_references(house):
    first = house.stay(20, 2)
    content = (
        "Book Number,Booked by,Guest Name(s),Check-in,Check-out,Booked on,Status,Rooms,Persons,Adults,Price,Unit type\n"
        f'4400123456,"Müller, Zoë",Zoë Müller,{first.check_in},{first.check_out},2026-01-05 10:00:00,ok,1,2,2,200.5 EUR,Double\n'
    ).encode()
    found = take(house, content)
    assert found.system == "Booking.com"
    assert (outcomes(house, found), words(house, found)) == (["created"], [""])
    one = booking(house, "4400123456")
    assert (one.channel, one.channel_ref, one.total_minor) == ("booking_com", "4400123456", 20_050)
    assert one.created_at.date() == date(2026, 1, 5)


def test_a_cancellation_needs_no_more_than_the_reference_of_a_booking_that_is_known(house):
    take(house, sheet(house, line(house, "A1", 20)), system="Old inn")
    content = b"Reservation Number,Status,Check-in,Check-out,Guest Name\nA1,Cancelled,,,\nA9,Cancelled,,,\n"
    later = take(house, content, system="old INN")
    assert outcomes(house, later) == ["cancelled", "refused"]
    assert "check_in is empty" in words(house, later)[1]
    one = booking(house, "A1")
    assert (one.status, one.guest_name, one.check_in) == ("cancelled", "Guest A1", house.today + timedelta(days=20))
    assert sold(house, 20) == 0
    assert outcomes(house, take(house, content, system="Old inn"))[0] == "unchanged"
    undo(house, later)
    assert booking(house, "A1").status == "confirmed"
    assert sold(house, 20) == 1


CELLS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12) | st.sampled_from(
    ["2027-03-01", "01/13/0001", "31.12.9999", "1,5", "-0", "٣", "9" * 30, "EUR", "a@b", "double", "cancelled", "no"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(CELLS, min_size=1, max_size=len(FIELDS)), max_size=5), st.permutations(FIELDS))
def test_whatever_a_file_holds_it_is_read_or_told_what_is_wrong(house, rows, columns):
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    with tenant(house.organization.id):
        here = planning.look_around(house.property)
    problems = Problems()
    table = reading.read_table(text.getvalue().encode(), problems)
    read = reading.guess(table, here)
    found = bookings_of.read_bookings(table, read, here, datetime.now(UTC))
    assert problems.found or found
    for one in found:
        assert (one.said is None) == bool(one.problems)
        if one.said is not None:
            kept = bookings_of.to_json(one.said)
            again_ = bookings_of.from_json(kept, reference=one.reference, system=read.system)
            assert bookings_of.to_json(again_) == kept


def test_an_opentravel_message_is_a_file_like_any_other(enter, house, path):
    from innsync.apps.imports.tests.test_ota import MESSAGE

    client = enter()
    looked = upload(client, path, MESSAGE)
    address = looked.redirect_chain[-1][0]
    assert looked.context["read"].system == "OpenTravel"
    mapping = {"room_type-0": str(house.types["double"].id), "room_type-1": str(house.types["suite"].id)}
    mapped = client.post(address, {"do": "read", **mapping}, follow=True)
    assert mapped.context["counts"] == [("new", "good", 1), ("refused", "bad", 1)]
    client.post(address, {"do": "import", "seen": mapped.context["seen"]})
    do_jobs(house)
    one = booking(house, "PMS-1")
    assert (one.channel, one.channel_ref, one.total_minor) == ("booking_com", "4400123", 29_950)
    assert (one.guest_name, one.special_requests) == ("Ada Example", "Late arrival")
    with tenant(house.organization.id):
        stays = RoomStay.objects.filter(booking=one)
        assert [(one.room_type_id, one.adults, one.child_ages) for one in stays] == [
            (house.types["double"].id, 2, [17]),
            (house.types["suite"].id, 1, []),
        ]
