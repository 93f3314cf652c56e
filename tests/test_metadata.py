import io
import struct
from pathlib import Path

import numpy as np
import piexif
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.Image import Exif
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from argan_hf import ArganForImageRestoration, JpegRestorer
from argan_hf.containers import look_into
from argan_hf.containers.opening import open_image
from argan_hf.containers.photoshop import Resource
from argan_hf.metadata import kept_info, make_upright, tiff_tags
from tests.conftest import jpeg_bytes
from tests.containers.files import exif, extended_xmp, with_segments, xmp

_ORIENTATION = 0x0112


def _exif(order: str, orientation: int, of_thumbnail: int = 6, *, has_thumbnail: bool = True) -> bytes:
    """Exif with tags, a thumbnail in the second directory and a maker note that nobody can parse."""
    entries = struct.pack(order + "HHL4s", 0x010F, 2, 4, b"Ada\0")
    entries += struct.pack(order + "HHLHH", _ORIENTATION, 3, 1, orientation, 0)
    first = struct.pack(order + "H", 2) + entries + struct.pack(order + "L", 38 if has_thumbnail else 0)
    second = struct.pack(order + "H", 1) + struct.pack(order + "HHLHH", _ORIENTATION, 3, 1, of_thumbnail, 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return b"Exif\0\0" + mark + struct.pack(order + "L", 8) + first + second + bytes(4) + b"maker note, offset 1234"


def _xmp(orientation: int) -> bytes:
    """All the ways in which XMP may state an orientation, and something that looks like one."""
    text = f"""<x tiff:Orientation="{orientation}" a="6"/><x tiff:Orientation='{orientation}'/>"""
    return f"{text}<tiff:Orientation>{orientation}</tiff:Orientation>".encode()


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("orientation", range(2, 9))
def test_turning_a_picture_changes_nothing_of_its_exif_but_the_orientation(order: str, orientation: int) -> None:
    image = Image.frombytes("L", (5, 3), bytes(range(15)))
    image.info |= {"exif": _exif(order, orientation), "xmp": _xmp(orientation), "dpi": (300, 100)}
    samples = np.array(image)[:, :, None].astype(np.uint16)
    upright, turned, _ = make_upright(image, samples)
    assert turned is not None
    assert np.array_equal(turned[:, :, 0], np.array(upright))
    assert upright.tobytes() == ImageOps.exif_transpose(image).tobytes()
    assert upright.info["exif"] == _exif(order, 1, has_thumbnail=False)
    assert upright.getexif()[_ORIENTATION] == 1
    assert upright.info["xmp"] == _xmp(1)
    # Some formats hand Exif over without its first six bytes.
    image.info["exif"] = _exif(order, orientation)[6:]
    assert make_upright(image)[0].info["exif"] == _exif(order, 1, has_thumbnail=False)[6:]
    assert upright.size == ((3, 5) if orientation >= 5 else (5, 3))
    assert upright.info["dpi"] == ((100, 300) if orientation >= 5 else (300, 100))


def test_what_stands_behind_the_first_directory_turns_nothing() -> None:
    image = Image.new("L", (5, 3))
    exif = bytearray(_exif("<", 6))
    exif[14] = 1
    image.info["exif"] = bytes(exif)
    assert make_upright(image)[0] is image


@given(st.binary(max_size=60), st.integers(0, 45), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_exif_data_stop_a_picture(noise: bytes, position: int, value: int) -> None:
    damaged = bytearray(_exif("<", 6))
    damaged[position] = value
    for data in (noise, b"Exif\0\0II*\0" + noise, bytes(damaged), bytes(damaged[:position])):
        image = Image.new("L", (5, 3))
        image.info["exif"] = data
        assert make_upright(image)[0].size in ((5, 3), (3, 5))


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


def test_a_tiff_that_says_nothing_about_the_picture_gives_no_exif() -> None:
    assert "exif" not in kept_info(_reopened(Image.new("L", (5, 3)), "TIFF"))[0]


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("options", [{"imagej": True}, {"ome": True}, {}], ids=["ImageJ", "OME", "tifffile"])
def test_a_description_of_several_pages_is_not_one_of_a_single_picture(
    model: ArganForImageRestoration, tmp_path: Path, dtype: str, options: dict[str, bool]
) -> None:
    pages = np.arange(3 * 24 * 32).reshape(3, 24, 32).astype(dtype)
    source, target = tmp_path / "stack.tif", tmp_path / "result.tiff"
    tifffile.imwrite(source, pages, photometric="minisblack", **options)
    restored = JpegRestorer(model, device="cpu")(source, strength=0)
    restored.save(target)
    # Another program sees one picture, as it was.
    assert np.array_equal(tifffile.imread(target), pages[0])
    assert any("pages and channels" in note for note in restored.report.notes)


def test_interoperability_tags_are_written_with_the_others() -> None:
    data = piexif.dump({"0th": {0x010F: b"Ada"}, "Exif": {0x829A: (1, 50)}, "Interop": {1: b"R98"}}) + bytes(4)
    written = io.BytesIO()
    Image.new("L", (5, 3)).save(written, "TIFF", exif=tiff_tags(data))
    found = piexif.load(b"Exif\0\0" + written.getvalue())
    assert found["Interop"] == {1: b"R98"}
    assert found["Exif"][0x829A] == (1, 50)
    # In many files the place leads nowhere, and then none is written.
    place = data.index(b"\xa0\x05\0\4\0\0\0\1") + 8
    for nowhere in (len(data) - 6, 1 << 30):
        tags = tiff_tags(data[:place] + struct.pack(">L", nowhere) + data[place + 4 :])
        assert tags is not None
        assert 0xA005 not in tags.get_ifd(0x8769)
        assert tags.get_ifd(0x8769)[0x829A] == 0.02


def test_exif_of_a_picture_in_memory_can_be_anything() -> None:
    image = Image.new("L", (5, 3))
    image.info["exif"] = "text"
    info, notes = kept_info(image)
    assert "exif" not in info
    assert notes == ("The Exif data are no bytes and were left out.",)


def test_how_a_camera_stored_its_picture_is_not_taken_over_into_a_tiff() -> None:
    exif = Exif()
    # Width, compression, photometry; XMP and profile travel on their own; 0x9C9B is a title, as Windows writes it.
    stored = {0x0100: 4000, 0x0103: 6, 0x0106: 6, 0x0211: [1, 2, 3], 0x02BC: b"<x/>", 0x8773: b"a profile"}
    described = {0x010E: "a view", 0x8298: "Ada", _ORIENTATION: 6, 0x9C9B: b"a title"}
    for tag, value in {**stored, **described}.items():
        exif[tag] = value
    exif[0x8769], exif[0x8825] = {0x9003: "2020:01:01 00:00:00"}, {1: "N"}
    kept = tiff_tags(exif.tobytes())
    assert kept is not None
    assert set(kept) == {*described, 0x8769, 0x8825}
    assert all(kept[tag] == value for tag, value in described.items())
    assert (kept.get_ifd(0x8769), kept.get_ifd(0x8825)) == ({0x9003: "2020:01:01 00:00:00"}, {1: "N"})


def test_exif_that_an_old_png_holds_as_a_text_is_found() -> None:
    exif = Exif()
    exif[0x010E] = "a view"
    data, chunks = exif.tobytes(), PngInfo()
    chunks.add_text("Raw profile type exif", f"\nexif\n{len(data):8}\n{data.hex()}\n")
    found = Exif()
    found.load(kept_info(_reopened(Image.new("L", (5, 3)), "PNG", pnginfo=chunks))[0]["exif"])
    assert dict(found) == {0x010E: "a view"}


def test_the_comment_of_a_file_is_kept() -> None:
    assert kept_info(_reopened(Image.new("L", (8, 8)), "JPEG", comment="a view"))[0]["comment"] == b"a view"


def test_texts_and_colors_of_a_png_are_kept() -> None:
    chunks = PngInfo()
    chunks.add_text("Title", "a view")
    chunks.add_itxt("XML:com.adobe.xmp", "<x/>")
    chunks.add(b"gAMA", struct.pack(">L", 100_000))
    chunks.add(b"cHRM", struct.pack(">8L", *range(100_000, 900_000, 100_000)))
    chunks.add(b"sRGB", b"\2")
    info, _ = kept_info(_reopened(Image.new("L", (5, 3)), "PNG", pnginfo=chunks))
    colors = {"gamma": 1.0, "chromaticity": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0), "srgb": 2}
    assert info == {"text": {"Title": "a view"}, "xmp": b"<x/>", **colors}


def test_a_profile_of_which_a_part_is_missing_is_named(photo: Image.Image) -> None:
    whole = jpeg_bytes(photo, icc_profile=bytes(128) * 600)
    second = whole.rindex(b"ICC_PROFILE\0") - 4
    missing = whole[:second] + whole[second + 2 + int.from_bytes(whole[second + 2 : second + 4], "big") :]
    info, notes = kept_info(open_image(missing))
    assert "icc_profile" not in info
    assert any("color profile is damaged" in note for note in notes)
    assert "icc_profile" in kept_info(open_image(whole))[0]


@pytest.mark.parametrize("orientation", [1, 6])
def test_what_is_not_turned_with_the_picture_is_left_out_and_named(orientation: int) -> None:
    image = Image.new("L", (5, 3))
    depth = xmp('xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Data="QUJD"')
    thumbnail = jpeg_bytes(Image.new("L", (16, 8)))
    kept = {
        "exif": exif(orientation, thumbnail=thumbnail),
        "xmp": depth,
        "photoshop": {0x07D0: Resource(b"", b"a path")},
    }
    image.info |= kept
    upright, _, notes = make_upright(image)
    if orientation == 1:
        assert (upright.info, notes) == (kept, ())
    else:
        # Nothing is left of this XMP and of these resources.
        assert set(upright.info) == {"exif"}
        assert [note.split(" was ")[0] for note in notes] == [
            "The thumbnail in the Exif data",
            "What the XMP says on places in the picture (depth map, faces)",
            "The clipping path",
        ]


def test_extended_xmp_without_a_main_packet_is_kept(photo: Image.Image) -> None:
    data = with_segments(jpeg_bytes(photo), *extended_xmp(1000)[1])
    info, notes = kept_info(open_image(data), look_into(data))
    assert b"QUJD" * 250 in info["xmp"]
    assert notes == ()
    damaged = with_segments(jpeg_bytes(photo), *extended_xmp(150_000)[1][1:])
    info, notes = kept_info(open_image(damaged), look_into(damaged))
    assert "xmp" not in info
    assert notes == ("Not carried over: part of the XMP that is damaged or does not belong to it.",)


@pytest.mark.parametrize(("kind", "bits"), [("AVIF", 10), ("JPEG2000", 16), ("SGI", 16)])
def test_bits_that_pillow_does_not_read_are_named(photo: Image.Image, kind: str, bits: int) -> None:
    Image.init()
    buffer = io.BytesIO()
    photo.save(buffer, kind, **({"no_jp2": False} if kind == "JPEG2000" else {}))
    data = bytearray(buffer.getvalue())
    assert kept_info(open_image(bytes(data)), look_into(bytes(data)))[1] == ()
    if kind == "AVIF":
        place = data.index(b"pixi") + 8
        data[place + 1 : place + 1 + data[place]] = bytes([bits]) * data[place]
    elif kind == "JPEG2000":
        data[data.index(b"ihdr") + 14] = bits - 1
    else:
        data[3] = 2
    notes = kept_info(photo, look_into(bytes(data)))[1]
    assert notes == (f"The file has {bits} bits per channel, of which 8 were read.",)


def test_a_resolution_that_no_file_states_is_not_invented(photo: Image.Image) -> None:
    tags = Exif()
    tags[0x013B] = "Ada"
    data = jpeg_bytes(photo, exif=tags)
    assert open_image(data).info["dpi"] == (72, 72)
    assert "dpi" not in kept_info(open_image(data))[0]
    tags[0x011A], tags[0x011B], tags[0x0128] = 300, 300, 2
    assert kept_info(open_image(jpeg_bytes(photo, exif=tags)))[0]["dpi"] == (300, 300)
    assert kept_info(open_image(jpeg_bytes(photo, dpi=(72, 72))))[0]["dpi"] == (72, 72)


def test_captions_and_paths_are_kept_and_what_photoshop_stores_besides_is_not() -> None:
    image = Image.new("L", (5, 3))
    given = {0x07D0: b"a path", 0x040A: b"\1"}
    kept = {number: Resource(b"", value) for number, value in given.items()}
    image.info["photoshop"] = given | {0x0404: b"caption", 0x040C: b"a thumbnail", 0x03ED: {"XResolution": 1}}
    info, _ = kept_info(image)
    assert (info["photoshop"], info["iptc"]) == (kept, b"caption")


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp", ".avif", ".jpg"])
def test_exif_decide_that_a_picture_is_upright_in_every_format(model: ArganForImageRestoration, suffix: str) -> None:
    picture = Image.new("L", (48, 32))
    source = jpeg_bytes(picture, exif=_exif(">", 1), xmp=_xmp(6))
    assert ImageOps.exif_transpose(Image.open(io.BytesIO(source))).size == (48, 32)
    data, _ = JpegRestorer(model, device="cpu")(source, strength=0).encode(suffix)
    with Image.open(io.BytesIO(data)) as written:
        assert ImageOps.exif_transpose(written).size == (48, 32)


@pytest.mark.parametrize("compressed", [True, False])
def test_xmp_in_any_kind_of_png_text_is_found(compressed: bool) -> None:
    chunks = PngInfo()
    chunks.add_text("XML:com.adobe.xmp", _xmp(1).decode(), zip=compressed)
    assert kept_info(_reopened(Image.new("L", (5, 3)), "PNG", pnginfo=chunks))[0] == {"xmp": _xmp(1)}
