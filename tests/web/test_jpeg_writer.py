"""JPEG files written in JavaScript are those that the package writes, byte by byte."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile

from argan_hf.containers.photoshop import Resource
from argan_hf.encoding import encode_picture
from tests.conftest import EXAMPLES
from tests.containers.files import PROFILE, exif, xmp
from tests.web.encoded import encode_in_node
from tests.web.node import needs_node

pytestmark = needs_node

_SIZES = ((1, 1), (7, 9), (8, 8), (17, 33), (640, 3), (3, 640))
_GRAY_PROFILE = PROFILE[:16] + b"GRAY" + PROFILE[20:]


def _photo(number: int) -> Image.Image:
    with Image.open(EXAMPLES[number]) as image:
        return image.convert("RGB")


def _images() -> list[Image.Image]:
    random = np.random.default_rng(0)
    photos = [_photo(number) for number in range(len(EXAMPLES))]
    noise = Image.fromarray(random.integers(0, 256, (101, 93, 3), dtype=np.uint8))
    saturated = Image.fromarray(random.integers(0, 2, (60, 70, 3), dtype=np.uint8) * 255)
    blocks = Image.fromarray(np.kron(random.integers(0, 2, (9, 9, 3)), np.ones((8, 8, 1))).astype(np.uint8) * 255)
    rare = random.standard_t(2, (256, 256)) * 6 + 128  # Symbols of all frequencies: codes that have to be cut.
    flat = [Image.new("RGB", (40, 30), color) for color in ("black", "white", "red", "#0f0", "#00f", "#123456")]
    pictures = [
        *photos,
        *(photos[2].resize(size) for size in _SIZES),
        *(noise.crop((0, 0, *size)) for size in _SIZES),
        *(noise, saturated, blocks, *flat),
    ]
    grays = [image.convert("L") for image in (*photos[:2], *pictures[len(photos) :])]
    return [*pictures, *grays, Image.fromarray(rare.clip(0, 255).astype(np.uint8))]


def _metadata() -> list[tuple[Image.Image, dict[str, Any]]]:
    photo = _photo(5).crop((30, 40, 91, 77))
    gray = photo.convert("L")
    camera = exif()
    packet = xmp('xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Make="ä€"')
    resources = {0x040A: Resource(b"", b"\1"), 0x07D0: Resource(b"path", b"abc"), 0x07D1: Resource(b"odd", b"even")}
    everything = {
        "icc_profile": PROFILE,
        "exif": camera,
        "xmp": packet,
        "dpi": (300.0, 72.5),
        "comment": "Grüße".encode("latin-1"),
        "iptc": b"\x1c\x02x\x00\x05title" * 9,
        "photoshop": resources,
    }
    each: list[dict[str, Any]] = [{key: value} for key, value in everything.items()]
    return [
        *((photo, info) for info in each),
        (photo, everything),
        (gray, everything | {"icc_profile": _GRAY_PROFILE}),
        (gray, {"icc_profile": PROFILE}),
        (photo, {"icc_profile": _GRAY_PROFILE}),
        (photo, {"icc_profile": PROFILE + bytes(range(256)) * 600}),
        (photo, {"exif": camera.removeprefix(b"Exif\0\0"), "xmp": b"", "comment": b""}),
        (photo, {"exif": b"Exif\0\0" + bytes(65_527)}),
        (photo, {"exif": b"Exif\0\0" + bytes(65_528), "comment": bytes(65_534)}),
        (photo, {"iptc": bytes(range(256)) * 600}),
        *((photo, {"dpi": dpi}) for dpi in ((73.5, 1.0), (0.4, 0.9), (300.0, 0.0), (65535.0, 65534.5), (65536.0, 1.0))),
        (photo, {"text": {"Author": "me"}, "gamma": 0.45455}),
    ]


def test_files_and_notes_are_those_that_python_writes(tmp_path: Path) -> None:
    cases = [*((image, {}) for image in _images()), *_metadata()]
    for number, ((image, info), (data, notes)) in enumerate(
        zip(cases, encode_in_node(tmp_path, cases, "jpeg"), strict=True)
    ):
        source = image.copy()
        source.info = dict(info)
        expected, expected_notes = encode_picture(source, ".jpg")
        assert data == expected, (number, image.size, image.mode)
        assert notes == [note.replace(".png", "PNG") for note in expected_notes], number
        assert (tmp_path / f"{number}.planes").read_bytes() == _planes(expected), number


def _planes(data: bytes) -> bytes:
    """The samples that Pillow's decoder gives, plane by plane."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("YCbCr", image.size)
        return b"".join(plane.tobytes() for plane in image.split())


def test_noise_that_pillow_has_no_room_for_is_as_short_as_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (200, 220, 3), dtype=np.uint8))
    ((data, _),) = encode_in_node(tmp_path, [(noise, {})], "jpeg")
    assert len(data) < len(encode_picture(noise, ".jpg")[0])
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 1 << 20)
    assert data == encode_picture(noise, ".jpg")[0]
