"""What is taken as a photo, and what is kept of it."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from innsync.apps.properties import pictures
from innsync.apps.properties.pictures import LARGEST_FILE, MOST_PIXELS_WHOLE, NotAPhoto, TooBusy, read_picture


def made(
    width: int = 800, height: int = 600, kind: str = "JPEG", mode: str = "RGB", color=(200, 30, 30), **how
) -> bytes:
    file = io.BytesIO()
    Image.new(mode, (width, height), color).save(file, kind, **how)
    return file.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photo_comes_in_several_sizes_and_is_never_made_larger(kind):
    picture = read_picture(made(1000, 500, kind))
    assert list(picture.sizes) == [320, 960, 1000]
    assert (picture.width, picture.height) == (1000, 500)
    for width, content in picture.sizes.items():
        assert opened(content).format == "JPEG"
        assert opened(content).size == (width, width // 2)


def test_a_large_one_ends_at_the_largest_size_and_a_small_one_has_one():
    assert list(read_picture(made(4000, 3000)).sizes) == [320, 960, 2048]
    assert list(read_picture(made(300, 240)).sizes) == [300]


def test_where_and_when_it_was_taken_is_not_kept_and_it_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "Camera of Ada"
    exif.get_ifd(0x8825)[1] = "N"
    content = made(600, 400, exif=exif.tobytes(), comment=b"a secret place")
    assert b"Camera of Ada" in content
    picture = read_picture(content)
    assert (picture.width, picture.height) == (400, 600)
    for kept in picture.sizes.values():
        assert b"Camera" not in kept
        assert b"secret" not in kept
        assert not opened(kept).getexif()
        assert "icc_profile" not in opened(kept).info


@pytest.mark.parametrize(
    ("mode", "kind", "color"),
    [
        ("RGBA", "PNG", (0, 0, 0, 0)),
        ("LA", "PNG", (0, 0)),
        ("RGBA", "WEBP", (0, 0, 0, 0)),
        ("CMYK", "JPEG", (0, 0, 0, 0)),
        ("L", "JPEG", 255),
        ("I;16", "PNG", 65535),
        ("1", "PNG", 1),
    ],
)
def test_every_kind_of_colour_becomes_one_for_the_web_with_white_behind_it(mode, kind, color):
    picture = read_picture(made(400, 300, kind, mode, color))
    shown = opened(picture.sizes[320])
    assert shown.mode == "RGB"
    assert min(shown.getpixel((100, 100))) > 240


def bomb(width: int, height: int) -> bytes:
    """A small PNG that says that it is huge."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "kind"),
        (b"<!doctype html><script>alert(1)</script>", "kind"),
        (b"%PDF-1.7", "kind"),
        (made(400, 300, "GIF", "P", 0), "kind"),
        (made(400, 300, "BMP"), "kind"),
        (made(400, 300, "TIFF"), "kind"),
        (made(400, 300, "PNG")[:200], "broken"),
        (b"\xff\xd8\xff" + bytes(500), "kind"),
        (bomb(50_000, 50_000), "large"),
        (bomb(2_000_000_000, 2_000_000_000), "large"),
        (made(199, 600), "small"),
        (made(2000, 210), "long"),
        (bytes(LARGEST_FILE + 1), "large_file"),
    ],
)
def test_what_is_no_photo_is_refused_with_its_reason(content, reason):
    with pytest.raises(NotAPhoto) as refused:
        read_picture(content)
    assert refused.value.reason == reason


PHOTO = made(260, 220)


@given(st.integers(0, len(PHOTO) - 1), st.binary(min_size=1, max_size=40))
def test_a_file_with_anything_in_it_is_read_or_refused(at, junk):
    try:
        picture = read_picture(PHOTO[:at] + junk + PHOTO[at + len(junk) :])
    except NotAPhoto:
        return
    assert b"script" not in picture.sizes[picture.width]


def test_what_has_to_be_unpacked_whole_may_have_fewer_pixels():
    width, height = 6000, 5000
    assert width * height > MOST_PIXELS_WHOLE
    assert read_picture(made(width, height, "JPEG")).width == 2048
    for content in (made(width, height, "PNG", "L", 200), made(width, height, "JPEG", progressive=True)):
        with pytest.raises(NotAPhoto) as refused:
            read_picture(content)
        assert refused.value.reason == "large"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_see_through_picture_is_made_smaller_before_white_is_laid_behind_it(kind, monkeypatch):
    laid = []
    new = Image.new

    def noted(mode, size, *color):
        laid.append(size)
        return new(mode, size, *color)

    content = made(4000, 3000, kind, "RGBA", (0, 0, 0, 0))
    monkeypatch.setattr(Image, "new", noted)
    shown = opened(read_picture(content).sizes[320])
    assert min(shown.getpixel((100, 100))) > 240
    assert laid
    assert max(laid) == (2048, 1536)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_large_one_that_lies_on_its_side_stands_upright_at_full_width(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = read_picture(made(4000, 3000, kind, exif=exif.tobytes()))
    assert (picture.width, picture.height) == (2048, 2731)


def test_where_too_many_are_read_one_is_refused_for_the_moment(monkeypatch):
    monkeypatch.setattr(pictures, "WAITS_S", 0.01)
    content = made()
    with pictures._AT_A_TIME, pictures._AT_A_TIME, pytest.raises(TooBusy):
        read_picture(content)
    assert read_picture(content).sizes, "it gives its place back"
    for _ in range(3):
        with pytest.raises(NotAPhoto):
            read_picture(content[:400])
    assert read_picture(content).sizes, "after a refusal too"
