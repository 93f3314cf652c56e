"""What a page draws of a restored picture, in a real browser."""

import base64
import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps, PngImagePlugin

from tests.conftest import EXAMPLES, jpeg_bytes, png_bytes
from tests.web.node import needs_runtime
from tests.web.tabs import Tab

pytestmark = [needs_runtime, pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def engine(module_tabs: Any, plain_url: str) -> Tab:
    tab: Tab = module_tabs(plain_url)
    tab.call("openEngine", tileSize=64)
    return tab


def _photo() -> Image.Image:
    with Image.open(EXAMPLES[0]) as image:
        return image.convert("RGB").crop((200, 100, 359, 221))


def _other_profile() -> bytes:
    """sRGB with the colors of red and green exchanged, and another curve: to ignore it shows."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"#").replace(b"gXYZ", b"rXYZ").replace(b"#", b"gXYZ")
    exponent = struct.pack(">I", round(2.4 * 65536) & ~15)
    start = profile.index(b"para") + 12
    assert profile[start : start + 2] == exponent[:2]
    return profile[:start] + struct.pack(">I", round(1.8 * 65536)) + profile[start + 4 :]


def _gray_profile() -> bytes:
    """Gamma 1.2: to ignore it shows."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3I", 63190, 65536, 54061)
    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(1.2 * 256), 0)
    tags = struct.pack(">I4sII4sII", 2, b"wtpt", 156, len(white), b"kTRC", 156 + len(white), len(curve))
    body = b"\x04\0\0\0mntrGRAYXYZ " + bytes(12) + b"acsp" + bytes(28) + struct.pack(">3I", 63190, 65536, 54061)
    return struct.pack(">I4x", 156 + len(white) + len(curve)) + body.ljust(120, b"\0") + tags + white + curve


def _faded() -> Image.Image:
    image = _photo()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


def _with_gamma() -> bytes:
    data = png_bytes(_faded())
    chunk = BytesIO()
    PngImagePlugin.putchunk(chunk, b"gAMA", struct.pack(">I", 100_000))
    return data[:33] + chunk.getvalue() + data[33:]


def _turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg_bytes(_photo(), quality=60, exif=exif)


def test_pictures_are_shown_as_the_browser_shows_their_files(engine: Tab) -> None:
    gray = _photo().convert("L")
    for name, data, conversion in (
        ("plain", jpeg_bytes(_photo(), quality=60), 0),
        ("turned", _turned(), 0),
        ("gray", jpeg_bytes(gray, quality=60), 0),
        ("transparent", png_bytes(_faded()), 0),
        ("profile", jpeg_bytes(_photo(), quality=60, icc_profile=_other_profile()), 10),
        ("profile of colors in gray", jpeg_bytes(gray, quality=60, icc_profile=_other_profile()), 10),
        ("gray profile", jpeg_bytes(gray, quality=60, icc_profile=_gray_profile()), 10),
        ("gamma and transparency", _with_gamma(), 10),
    ):
        shown = engine.call("show", file=base64.b64encode(data).decode(), options={"strength": 0})
        size = (shown["height"], shown["width"], 4)
        picture, own = (np.frombuffer(base64.b64decode(shown[key]), np.uint8).reshape(size) for key in ("shown", "own"))
        assert np.abs(picture.astype(int) - own).max() <= 2, name
        # What says which colors they are was not ignored by both.
        with Image.open(BytesIO(data)) as image:
            stored = np.array(ImageOps.exif_transpose(image).convert("RGBA"))
        changed = np.abs(picture.astype(int) - stored)[picture[..., 3] > 64].mean()
        assert changed > conversion if conversion else changed < 1, name


def test_what_is_shown_is_restored(engine: Tab) -> None:
    file = base64.b64encode(jpeg_bytes(_photo(), quality=30)).decode()
    for options in ({}, {"strength": 0.5}, {"faithful": False}):
        shown = engine.call("show", file=file, options=options)
        (expected,) = engine.call("restore", file=file, wishes=[{"format": "png", "options": options}])["results"]
        with Image.open(BytesIO(base64.b64decode(expected["file"]))) as image:
            assert base64.b64decode(shown["shown"]) == image.convert("RGBA").tobytes()
        assert shown["shown"] != shown["own"]


def test_tiles_are_previewed_if_somebody_looks(engine: Tab) -> None:
    file = base64.b64encode(jpeg_bytes(_photo(), quality=30)).decode()
    heard = engine.call("preview", file=file, isPreviewed=True)
    assert heard["tiles"] == heard["messages"] == heard["steps"] > 4
    assert heard["samples"] == _photo().width * _photo().height
    heard = engine.call("preview", file=file, isPreviewed=False)
    assert heard["steps"] > 4
    assert heard["messages"] == 0
