"""PNG files written in JavaScript hold what those of the package hold."""

import functools
import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from argan_hf.encoding import encode_picture
from tests.conftest import EXAMPLES
from tests.web.encoded import encode_in_node
from tests.web.node import needs_node

pytestmark = needs_node


def _exif() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 1
    return exif.tobytes()


@functools.cache  # Profiles hold the time at which they were made.
def _cases() -> list[tuple[Image.Image, dict[str, Any]]]:
    with Image.open(EXAMPLES[2]) as image:
        photo = image.convert("RGB").crop((30, 60, 431, 363))
    faded = photo.copy()
    faded.putalpha(Image.linear_gradient("L").resize(photo.size))
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 33, 3), dtype=np.uint8))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    gray_profile = profile[:16] + b"GRAY" + profile[20:]
    everything = {
        "icc_profile": profile,
        "exif": _exif(),
        "xmp": "<x:xmpmeta xmlns:x='adobe:ns:meta/'>ä€</x:xmpmeta>".encode(),
        "dpi": (300.0, 72.5),
        "comment": "Grüße".encode("latin-1"),
        "iptc": b"\x1c\x02x\x00\x05title" * 9,
        "text": {"Author": "Müller", "Title": "標題"},
    }
    colors = {
        "gamma": 0.45455,
        "chromaticity": (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06),
        "srgb": 0,
        "cicp": bytes((1, 13, 0, 1)),
        "mdcv": bytes(range(24)),
        "clli": bytes(8),
    }
    return [
        (photo, everything),
        (photo.convert("L"), everything | {"icc_profile": gray_profile}),
        (photo.convert("L"), {"icc_profile": profile}),
        (photo, {"icc_profile": gray_profile, "comment": "smile \U0001f600".encode()}),
        (faded, colors),
        (faded.convert("LA"), colors | {"icc_profile": gray_profile}),
        (noise, {"dpi": (1e9, 1e9)}),
        (photo.resize((1, 1)), {}),
        (photo.resize((3, 700)), {"exif": b"Exif\0\0damaged"}),
    ]


def _opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def test_pixels_and_metadata_are_those_that_python_writes(tmp_path: Path) -> None:
    sizes = []
    written = encode_in_node(tmp_path, _cases(), "png")
    for number, ((image, info), (data, notes)) in enumerate(zip(_cases(), written, strict=True)):
        source = image.copy()
        source.info = dict(info)
        expected, expected_notes = encode_picture(source, ".png")
        found, other = _opened(data), _opened(expected)
        assert (found.mode, found.tobytes()) == (image.mode, image.tobytes()), number
        assert found.info == other.info, number
        assert found.text == other.text, number  # type: ignore[attr-defined]
        assert _chunks(data) == _chunks(expected), number
        assert tuple(notes) == expected_notes, number
        sizes.append((len(data), len(expected)))
    assert sum(size for size, _ in sizes) < 1.03 * sum(size for _, size in sizes)


def _chunks(data: bytes) -> set[bytes]:
    """The kinds of chunks, of which the order may differ, without those of pixels."""
    kinds, position = set(), 8
    while position < len(data):
        kinds.add(data[position + 4 : position + 8])
        position += 12 + int.from_bytes(data[position : position + 4], "big")
    return kinds
