import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.Image import Exif
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from argan_hf.jpeg.file import open_image
from argan_hf.metadata import kept_info, make_upright

_ORIENTATION = 0x0112


def _exif(order: str, orientation: int, of_thumbnail: int = 6) -> bytes:
    """Exif with tags, a thumbnail in the second directory and a maker note that nobody can parse."""
    entries = struct.pack(order + "HHL4s", 0x010F, 2, 4, b"Ada\0")
    entries += struct.pack(order + "HHLHH", _ORIENTATION, 3, 1, orientation, 0)
    first = struct.pack(order + "H", 2) + entries + struct.pack(order + "L", 8 + 2 + 24 + 4)
    second = struct.pack(order + "H", 1) + struct.pack(order + "HHLHH", _ORIENTATION, 3, 1, of_thumbnail, 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + mark + struct.pack(order + "L", 8) + first + second + bytes(4) + b"maker note, offset 1234"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", range(2, 9))
def test_turning_a_picture_changes_nothing_of_its_exif_but_the_orientation(order: str, orientation: int) -> None:
    image = Image.new("L", (5, 3))
    image.info |= {"exif": _exif(order, orientation), "xmp": b'<x tiff:Orientation="6" a="6"/>', "dpi": (300, 100)}
    upright = make_upright(image)
    assert upright.info["exif"] == _exif(order, 1)
    assert upright.getexif()[_ORIENTATION] == 1
    assert upright.info["xmp"] == b'<x tiff:Orientation="1" a="6"/>'
    assert upright.size == ((3, 5) if orientation >= 5 else (5, 3))
    assert upright.info["dpi"] == ((100, 300) if orientation >= 5 else (300, 100))


@given(st.binary(max_size=60), st.integers(0, 45), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_exif_data_stop_a_picture(noise: bytes, position: int, value: int) -> None:
    damaged = bytearray(_exif("<", 6))
    damaged[position] = value
    for exif in (noise, b"Exif\0\0II*\0" + noise, bytes(damaged), bytes(damaged[:position])):
        image = Image.new("L", (5, 3))
        image.info["exif"] = exif
        assert make_upright(image).size in ((5, 3), (3, 5))


def _reopened(image: Image.Image, kind: str, **options: object) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    opened = open_image(buffer.getvalue())
    opened.load()
    return opened


def test_what_a_tiff_says_about_the_picture_becomes_exif() -> None:
    tags = ImageFileDirectory_v2()
    tags[0x010E], tags[0x8298] = "a view", "Ada"
    tags[0x8769], tags[0x8825] = {0x9003: "2020:01:01 00:00:00"}, {1: "N"}
    info, notes = kept_info(_reopened(Image.new("L", (5, 3)), "TIFF", tiffinfo=tags, dpi=(72, 72)))
    exif = Exif()
    exif.load(info["exif"])
    assert (exif.pop(0x010E), exif.pop(0x8298)) == ("a view", "Ada")
    assert (exif.get_ifd(0x8769), exif.get_ifd(0x8825)) == ({0x9003: "2020:01:01 00:00:00"}, {1: "N"})
    assert set(exif) == {0x8769, 0x8825}
    assert info["dpi"] == (72, 72)
    assert notes == ()


def test_texts_and_colors_of_a_png_are_kept() -> None:
    chunks = PngInfo()
    chunks.add_text("Title", "a view")
    chunks.add_itxt("XML:com.adobe.xmp", "<x/>")
    chunks.add(b"gAMA", struct.pack(">L", 100_000))
    info, _ = kept_info(_reopened(Image.new("L", (5, 3)), "PNG", pnginfo=chunks))
    assert info == {"text": {"Title": "a view"}, "xmp": b"<x/>", "gamma": 1.0}


def test_iptc_data_are_not_dropped_without_a_word() -> None:
    image = Image.new("L", (5, 3))
    image.info["photoshop"] = {0x0404: b"caption"}
    assert "IPTC" in kept_info(image)[1][0]
