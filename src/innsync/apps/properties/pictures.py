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
LEAST_PIXELS = 200
MOST_ELONGATED = 6
QUALITY = 84

# The size is asked of the header below, for every file, before a pixel is unpacked.
Image.MAX_IMAGE_PIXELS = None
# Unpacked, a large picture takes some hundred megabytes.
_AT_A_TIME = threading.BoundedSemaphore(2)


@dataclass(eq=False)
class NotAPhoto(DomainError):
    """The file can't be taken. reason: `kind`, `broken`, `large_file`, `large`, `small` or `long`."""

    reason: str


@dataclass(frozen=True, slots=True)
class Picture:
    """JPEG files by their width in pixels, smallest first; width and height of the largest."""

    sizes: dict[int, bytes]
    width: int
    height: int


def read_picture(content: bytes) -> Picture:
    """The photo in its sizes, without anything that a camera wrote into it: place, time, device. Raises NotAPhoto."""
    if len(content) > LARGEST_FILE:
        raise NotAPhoto(reason="large_file")
    try:
        with Image.open(io.BytesIO(content), formats=KINDS) as image:
            _check(*image.size)
            with _AT_A_TIME:
                return _sizes(image)
    except UnidentifiedImageError:
        raise NotAPhoto(reason="kind") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError):
        raise NotAPhoto(reason="broken") from None


def _check(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise NotAPhoto(reason="large")
    if min(width, height) < LEAST_PIXELS:
        raise NotAPhoto(reason="small")
    if max(width, height) > MOST_ELONGATED * min(width, height):
        raise NotAPhoto(reason="long")


def _sizes(image: Image.Image) -> Picture:
    if image.format == "JPEG":
        image.draft(None, (WIDTHS[-1], WIDTHS[-1]))  # unpacks a large one smaller at once
    whole = _flat(ImageOps.exif_transpose(image))
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


def _flat(image: Image.Image) -> Image.Image:
    """In the colours of the web, on white where it was see-through."""
    profile = image.info.get("icc_profile")
    if image.mode in ("RGBA", "LA", "PA", "P") or "transparency" in image.info:
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
