"""Photos: sent, ordered, described, removed, put back; served to everybody who knows the address, and to nobody else."""

from __future__ import annotations

import io
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from PIL import Image

from innsync.apps.accounts.models import Scope
from innsync.apps.accounts.services import create_api_key
from innsync.apps.accounts.tenancy import sql, tenant
from innsync.apps.properties import photos as service
from innsync.apps.properties.models import Photo
from innsync.apps.properties.photos import MOST_FILES, MOST_PHOTOS
from innsync.apps.properties.pictures import TooBusy, read_picture
from innsync.portals.admin.setup import photos as pages
from innsync.portals.admin.setup.photos import MOST_AT_ONCE, MOST_MEGABYTES_AT_ONCE
from innsync.portals.tests.conftest import signed_in
from innsync.portals.tests.counting import count
from innsync.portals.tests.kept_files import files
from innsync.portals.tests.test_setup import told

__all__ = ["files"]


def photo(name: str = "front.jpg", kind: str = "JPEG", size: tuple[int, int] = (500, 400)) -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", size, tuple(random.randbytes(3))).save(file, kind)
    return SimpleUploadedFile(name, file.getvalue(), content_type="text/html")


@pytest.fixture
def path(house):
    return f"/properties/{house.property.id}/photos"


def kept(house, room: str = "") -> list[Photo]:
    with tenant(house.organization.id):
        kind = house.types[room].id if room else None
        return list(Photo.objects.filter(property=house.property, room_type_id=kind, removed_at=None))


def sent(client, path, *, room="", house=None, **how) -> str:
    answer = client.post(f"{path}/send", {"photo": photo(**how), "type": str(house.types[room].id) if room else ""})
    assert answer.status_code == 200
    return answer.json()["id"]


def test_photos_are_sent_and_shown_and_served_safely(enter, house, path, stranger):
    client = enter()
    sent(client, path)
    sent(client, path, room="double", house=house, kind="PNG", size=(1200, 900))
    text = client.get(path).content.decode()
    made = kept(house)[0]
    assert f"/photos/{made.key}/320.jpg" in text
    assert kept(house, "double")[0].widths == [320, 960, 1200]
    answer = stranger.get(f"/photos/{made.key}/320.jpg")
    assert answer.status_code == 200
    assert Image.open(io.BytesIO(answer.content)).size == (320, 256)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in answer.headers
    again = stranger.get(f"/photos/{made.key}/320.jpg", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_address_that_is_guessed_leads_nowhere(enter, house, path, stranger, files):
    sent(enter(), path)
    key = kept(house)[0].key
    assert len(key) == 32
    (files / "files" / "secret.jpg").write_bytes(b"x")
    for address in (
        f"/photos/{'0' * 32}/320.jpg",
        f"/photos/{key}/321.jpg",
        f"/photos/{key.upper()}/320.jpg",
        f"/photos/{key}/99999999999999.jpg",
        "/photos/%2e%2e/320.jpg",
        "/photos/..%2f..%2fsecret/320.jpg",
    ):
        assert stranger.get(address).status_code == 404, address
    assert stranger.post(f"/photos/{key}/320.jpg").status_code == 405


def test_several_come_with_the_form_alone_and_what_is_none_is_named(enter, house, path):
    answer = enter().post(
        f"{path}/add",
        {"photo": [photo("a.jpg"), SimpleUploadedFile("b.jpg", b"<script>"), photo("c.webp", "WEBP")], "type": ""},
        follow=True,
    )
    assert "2 photos added. b.jpg is no JPEG, PNG or WebP picture" in told(answer)
    assert len(kept(house)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"GIF89a", "is no JPEG, PNG or WebP picture"), (None, "no file came")],
)
def test_a_file_that_is_no_photo_is_refused_in_words(enter, house, path, content, words):
    sending = {"photo": SimpleUploadedFile("x.jpg", content)} if content else {}
    answer = enter().post(f"{path}/send", sending)
    assert (answer.status_code, answer.json()["words"]) == (422, words)
    assert kept(house) == []


def test_the_page_tells_how_much_one_form_takes(enter, path):
    text = enter().get(path).content.decode()
    assert f"{MOST_MEGABYTES_AT_ONCE} MB together" in text
    assert f"up to {MOST_AT_ONCE} photos" in text


def test_more_than_can_be_kept_are_refused(enter, house, path):
    client = enter()
    sent(client, path)
    with tenant(house.organization.id):
        first = Photo.objects.get()
        for index in range(MOST_PHOTOS - 1):
            first.pk, first.key, first.position = uuid4(), uuid4().hex, index + 1
            first.save(force_insert=True)
    answer = client.post(f"{path}/send", {"photo": photo()})
    assert answer.status_code == 422
    assert "one too many" in answer.json()["words"]


def filled(house, client, path, many: int, *, removed: bool = False) -> None:
    """With `many` rows as of one photo."""
    sent(client, path)
    with tenant(house.organization.id):
        first = Photo.objects.get()
        first.removed_at = datetime.now(UTC) if removed else None
        first.save()
        for index in range(many - 1):
            first.pk, first.key, first.position = uuid4(), uuid4().hex, index + 1
            first.save(force_insert=True)


def test_more_than_can_be_kept_are_not_put_back_either(enter, house, path):
    client = enter()
    filled(house, client, path, MOST_PHOTOS, removed=True)
    with tenant(house.organization.id):
        one, *others = Photo.objects.values_list("id", flat=True)
    for other in others:
        client.post(f"{path}/{other}/restore")
    sent(client, path)
    assert "60 are kept" in told(client.post(f"{path}/{one}/restore", follow=True))
    assert len(kept(house)) == MOST_PHOTOS
    before = kept(house)
    assert "is back" in told(client.post(f"{path}/{others[0]}/restore", follow=True))
    assert kept(house) == before, "one that is shown stays as it is"


def test_removed_photos_fill_no_disk(enter, house, path):
    client = enter()
    filled(house, client, path, MOST_FILES, removed=True)
    answer = client.post(f"{path}/send", {"photo": photo()})
    assert answer.status_code == 422
    assert "removed lately" in answer.json()["words"]
    with tenant(house.organization.id):
        service.clear_removed(now=datetime.now(UTC) + timedelta(hours=25))
    sent(client, path)


def test_one_that_was_removed_meanwhile_is_not_moved(enter, house, path):
    client = enter()
    first, second = sent(client, path), sent(client, path)
    with tenant(house.organization.id):
        stale = Photo.objects.get(id=first)
    client.post(f"{path}/{first}/remove")
    with tenant(house.organization.id):
        service.move_photo(photo=stale, by=1, now=datetime.now(UTC), actor="x")
    assert [str(one.id) for one in kept(house)] == [second]


def test_a_photo_is_read_in_no_transaction_and_with_no_connection(enter, house, path, monkeypatch):
    held = []

    def reading(content):
        held.append((connection.in_atomic_block, connection.connection))
        return read_picture(content)

    monkeypatch.setattr(pages, "read_picture", reading)
    client = enter()
    sent(client, path)
    client.post(f"{path}/add", {"photo": [photo(), photo()], "type": ""})
    assert held == [(False, None)] * 3
    assert len(kept(house)) == 3


def test_while_many_are_read_one_is_asked_to_wait(enter, house, path, monkeypatch):
    def busy(content):
        raise TooBusy

    monkeypatch.setattr(pages, "read_picture", busy)
    client = enter()
    answer = client.post(f"{path}/send", {"photo": photo()})
    assert answer.status_code == 503
    assert "Try again in a minute" in answer.json()["words"]
    page = client.post(f"{path}/add", {"photo": [photo("a.jpg")], "type": ""}, follow=True)
    assert "a.jpg must wait" in told(page)
    assert kept(house) == []


def test_what_is_too_much_for_one_form_is_told(enter, house, path):
    answer = enter().post(
        f"{path}/add", {"photo": [SimpleUploadedFile("x", b"x")] * (MOST_AT_ONCE + 2), "type": ""}, follow=True
    )
    assert "2 were left out" in told(answer)


def test_whoever_listens_is_told_that_the_photos_changed(enter, house, path):
    client = enter()
    one = sent(client, path)
    client.post(f"{path}/{one}/remove")
    with tenant(house.organization.id), sql() as cursor:
        told_of = cursor.execute(
            "SELECT data FROM events_event WHERE organization_id = %s AND type = 'content.changed'",
            (house.organization.id,),
        ).fetchall()
    assert told_of == [({"what": "photos", "actor": "Pat Person"},)] * 2


def test_they_are_put_in_order_by_dragging_and_by_buttons(enter, house, path):
    client = enter()
    first, second, third = (sent(client, path) for _ in range(3))
    assert client.post(f"{path}/order", {"photo": [third, first, second], "type": ""}).status_code == 200
    assert [str(one.id) for one in kept(house)] == [third, first, second]
    client.post(f"{path}/{second}/move", {"to": "front"})
    assert [str(one.id) for one in kept(house)] == [third, second, first]
    client.post(f"{path}/{third}/move", {"to": "back"})
    client.post(f"{path}/{first}/move", {"to": "back"})  # it is last already
    assert [str(one.id) for one in kept(house)] == [second, third, first]


def test_what_somebody_added_meanwhile_stays_behind(enter, house, path):
    client = enter()
    first, second, third = (sent(client, path) for _ in range(3))
    client.post(f"{path}/order", {"photo": [second, first, str(uuid4())], "type": ""})
    assert [str(one.id) for one in kept(house)] == [second, first, third]


def test_captions_are_what_is_read_aloud(enter, house, path):
    client = enter()
    one = sent(client, path)
    client.post(f"{path}/captions", {f"caption-{one}": " The <b>entrance</b> ", "type": ""})
    assert kept(house)[0].caption == "The <b>entrance</b>"
    assert 'alt="The &lt;b&gt;entrance&lt;/b&gt;"' in client.get(path).content.decode()


def test_a_removed_photo_can_be_put_back_for_a_day_and_is_then_gone(enter, house, path, files, stranger):
    client = enter()
    one, other = sent(client, path), sent(client, path)
    key = kept(house)[0].key
    assert "can be put back" in told(client.post(f"{path}/{one}/remove", follow=True))
    assert [str(found.id) for found in kept(house)] == [other]
    client.post(f"{path}/{one}/restore")
    assert [str(found.id) for found in kept(house)] == [one, other]
    client.post(f"{path}/{one}/remove")
    with tenant(house.organization.id):
        assert service.clear_removed(now=datetime.now(UTC) + timedelta(hours=23)) == 0
        assert service.clear_removed(now=datetime.now(UTC) + timedelta(hours=25)) == 1
    assert stranger.get(f"/photos/{key}/320.jpg").status_code == 404
    assert not [one for one in Path(files).rglob("*.jpg") if key in str(one)]
    assert client.post(f"{path}/{one}/restore").status_code == 404


def test_nobody_touches_another_organizations_photos(enter, house, other, path):
    sent(enter(), path)
    mine = kept(house)[0]
    client = signed_in(other.person())
    theirs = f"/properties/{other.property.id}/photos"
    assert client.get(path).status_code == 404
    assert client.post(f"{path}/send", {"photo": photo()}).status_code == 404
    assert client.post(f"{theirs}/send", {"photo": photo(), "type": str(house.types["double"].id)}).status_code == 404
    for act in ("move", "remove", "restore"):
        assert client.post(f"{theirs}/{mine.id}/{act}").status_code == 404
    client.post(f"{theirs}/captions", {f"caption-{mine.id}": "mine now", "type": ""})
    client.post(f"{theirs}/order", {"photo": [str(mine.id)], "type": ""})
    assert kept(house)[0].caption == ""
    assert client.post(f"{theirs}/order", {"photo": ["x"], "type": ""}).status_code == 404


def test_the_booking_engine_is_told_where_the_photos_are(enter, house, path):
    client = enter()
    sent(client, path, room="suite", house=house)
    sent(client, path)
    with tenant(house.organization.id):
        _, secret = create_api_key(organization_id=house.organization.id, name="x", scopes=[Scope.CONTENT_READ])
    answer = Client().get(f"/api/booking-engine/hotels/{house.property.code}/images", headers={"X-API-Key": secret})
    assert answer.status_code == 200
    mine, suite = answer.json()["items"]
    assert (mine["room_type_code"], suite["room_type_code"]) == (None, "suite")
    assert [(one["width"], one["height"]) for one in mine["sizes"]] == [(320, 256), (500, 400)]
    address = mine["sizes"][-1]["url"].removeprefix(settings.PUBLIC_URL)
    assert Client().get(address).status_code == 200


def test_the_page_asks_the_database_as_often_with_many_photos_as_with_one(enter, path):
    client = enter()
    sent(client, path)
    before = count(client, path)
    for _ in range(4):
        sent(client, path)
    assert count(client, path) == before
