"""Reading what somebody uploads as a photo: what it is, is told by its content, and only the picture itself is kept."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from innsync.domain.errors import DomainError

KINDS = ("JPEG", "PNG", "WEBP")
WIDTHS = (320, 960, 2048)
"""Of the sizes made, in pixels. A photo is never made larger than it is."""
LARGEST_FILE = 20_000_000
MOST_PIXELS = 60_000_000
"""Of a JPEG that can be unpacked at a fraction of its size."""
MOST_PIXELS_WHOLE = 25_000_000
"""Of one that has to be unpacked whole: PNG, WebP, and JPEG of the progressive kind."""
LEAST_PIXELS = 200
MOST_ELONGATED = 6
QUALITY = 84

# The size is asked of the header below, for every file, before a pixel is unpacked.
Image.MAX_IMAGE_PIXELS = None
# Unpacked, a large picture takes some two hundred megabytes.
_AT_A_TIME = threading.BoundedSemaphore(2)
WAITS_S = 5.0
"""For how long one picture waits for others; it holds a thread that answers everybody."""
_ORIENTATION = 0x0112  # Exif 2.32, 4.6.4
_LYING = (5, 6, 7, 8)


@dataclass(eq=False)
class NotAPhoto(DomainError):
    """The file can't be taken. reason: `kind`, `broken`, `large_file`, `large`, `small` or `long`."""

    reason: str


@dataclass(eq=False)
class TooBusy(DomainError):
    """Others are being read, and none was finished in time. Later there will be room again."""


@dataclass(frozen=True, slots=True)
class Picture:
    """JPEG files by their width in pixels, smallest first; width and height of the largest."""

    sizes: dict[int, bytes]
    width: int
    height: int


def read_picture(content: bytes) -> Picture:
    """The photo in its sizes, without anything that a camera wrote into it: place, time, device.

    It takes its time and much memory: not for within a transaction. Raises NotAPhoto, TooBusy.
    """
    if len(content) > LARGEST_FILE:
        raise NotAPhoto(reason="large_file")
    try:
        with Image.open(io.BytesIO(content), formats=KINDS) as image:
            _check(image)
            if not _AT_A_TIME.acquire(timeout=WAITS_S):
                raise TooBusy
            try:
                return _sizes(image)
            finally:
                _AT_A_TIME.release()
    except UnidentifiedImageError:
        raise NotAPhoto(reason="kind") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError):
        raise NotAPhoto(reason="broken") from None


def _check(image: Image.Image) -> None:
    width, height = image.size
    in_parts = image.format == "JPEG" and not image.info.get("progressive")
    if width * height > (MOST_PIXELS if in_parts else MOST_PIXELS_WHOLE):
        raise NotAPhoto(reason="large")
    if min(width, height) < LEAST_PIXELS:
        raise NotAPhoto(reason="small")
    if max(width, height) > MOST_ELONGATED * min(width, height):
        raise NotAPhoto(reason="long")


def _sizes(image: Image.Image) -> Picture:
    whole = _flat(ImageOps.exif_transpose(_fitted(image)))
    widths = [width for width in WIDTHS if width < whole.width] or [whole.width]
    if widths[-1] < min(whole.width, WIDTHS[-1]):
        widths.append(whole.width)
    sizes: dict[int, bytes] = {}
    height = whole.height
    for width in widths:
        height = max(1, round(whole.height * width / whole.width))
        kept = whole.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        kept.info.clear()
        file = io.BytesIO()
        kept.save(file, "JPEG", quality=QUALITY, optimize=True, progressive=True)
        sizes[width] = file.getvalue()
    return Picture(sizes, widths[-1], height)


def _fitted(image: Image.Image) -> Image.Image:
    """Not larger than the largest size kept: all that is done to it then takes little memory."""
    across = image.height if image.getexif().get(_ORIENTATION) in _LYING else image.width
    if across <= WIDTHS[-1]:
        return image
    width, height = (max(1, round(side * WIDTHS[-1] / across)) for side in image.size)
    if image.format == "JPEG":
        image.draft(None, (width, height))  # unpacks it smaller at once
    if image.mode not in ("L", "RGB", "CMYK", "LA", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA" if _see_through(image) else "RGB")
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _see_through(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA", "P") or "transparency" in image.info


def _flat(image: Image.Image) -> Image.Image:
    """In the colours of the web, on white where it was see-through."""
    profile = image.info.get("icc_profile")
    if _see_through(image):
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        image = ground.convert("RGB")
    if profile and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None  # a profile that can't be read: the colours are taken as they stand
        image = converted or image
    return image if image.mode == "RGB" else image.convert("RGB")
