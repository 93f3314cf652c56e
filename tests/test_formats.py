"""docs/formats.md against the files: each entry of its table is made, restored to every format, and looked for."""

import io
import re
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import piexif
import pytest
import tifffile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.containers import look_into
from argan_hf.containers.photoshop import Resource, encode_text, read_resources
from argan_hf.containers.png_chunks import with_chunks
from tests.conftest import deep_files
from tests.containers.files import (
    PROFILE,
    exif,
    extended_xmp,
    gain_map_jpeg,
    jpeg,
    motion_photo,
    picture,
    png,
    resource,
    segment,
    texts,
    with_segments,
    xmp,
)

ROOT = Path(__file__).parents[1]
_DOCS = (ROOT / "docs/formats.md").read_text("utf-8")
TABLE = re.findall(r"^\| ((?!what|---)[^|]+) \| ([^|]+) \| (.+) \|$", _DOCS, re.MULTILINE)
SUFFIXES = (".png", ".tiff", ".webp", ".avif", ".jpg")
_C2PA = b"JP\0\1" + bytes(4) + b"jumbc2pa" + bytes(90)
_CAPTION, _PATH = resource(0x0404, b"\x1c\x02x\0\x04view"), resource(0x07D0, b"a path " * 4)
_COLORS = ((b"cICP", b"\x0c\x0d\0\1"), (b"mDCV", bytes(range(24))), (b"cLLI", bytes(range(8))))
_XMP = xmp('dc:format="image/jpeg"')


def _save(kind: str, image: Image.Image | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, kind, **options)
    return buffer.getvalue()


def _tiff(code: int, value: bytes) -> bytes:
    buffer = io.BytesIO()
    tags = [(code, "B", len(value), value, True)]
    tifffile.imwrite(buffer, np.array(picture()), photometric="rgb", extratags=tags, metadata=None)
    return buffer.getvalue()


def _webp(kind: bytes, payload: bytes) -> bytes:
    data = _save("WEBP")
    chunk = kind + struct.pack("<L", len(payload)) + payload + b"\0" * (len(payload) & 1)
    return data[:4] + struct.pack("<L", len(data) - 8 + len(chunk)) + data[8:] + chunk


def _avif_of_other_colors() -> bytes:
    data = _save("AVIF")
    place = data.index(b"colrnclx") + 8
    return data[:place] + struct.pack(">HH", 9, 16) + data[place + 4 :]


def _of_all_formats(**options: object) -> dict[str, bytes]:
    return {kind: _save(kind.upper(), **options) for kind in ("JPEG", "PNG", "WebP", "AVIF")}


def _animated(kind: str) -> bytes:
    return _save(kind, save_all=True, append_images=[picture().transpose(Image.Transpose.ROTATE_180)])


def _gamma() -> PngInfo:
    chunks = PngInfo()
    chunks.add(b"gAMA", struct.pack(">L", 100_000))
    chunks.add(b"cHRM", struct.pack(">8L", *range(100_000, 900_000, 100_000)))
    return chunks


def _packet() -> PngInfo:
    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", _XMP.decode())
    return chunks


def _with_a_fourth_channel() -> bytes:
    buffer = io.BytesIO()
    channels = np.dstack((np.array(picture()), np.array(picture().convert("L"))))
    tifffile.imwrite(buffer, channels, photometric="rgb", extrasamples=["unspecified"], metadata=None)
    return buffer.getvalue()


@cache
def _sources() -> dict[str, dict[str, bytes]]:
    """Every entry of the table in every format that may hold it."""
    with_thumbnail = exif(thumbnail=jpeg(Image.new("RGB", (16, 12))))
    alpha = picture().convert("RGBA")
    alpha.putalpha(Image.linear_gradient("L").resize(alpha.size))
    main, parts = extended_xmp(100_000)
    tags = Image.Exif()
    tags[0x013B] = "Ada Lovelace"
    deep = deep_files()
    return {
        "color profile": _of_all_formats(icc_profile=PROFILE) | {"TIFF": _save("TIFF", icc_profile=PROFILE)},
        "Exif data": _of_all_formats(exif=exif()) | {"TIFF": _save("TIFF", exif=tags)},
        "thumbnail in the Exif data": {k: _save(k.upper(), exif=with_thumbnail) for k in ("JPEG", "PNG", "WebP")},
        "XMP": _of_all_formats(xmp=_XMP) | {"PNG": png(pnginfo=_packet()), "TIFF": _tiff(700, _XMP)},
        "extended XMP": {"JPEG": with_segments(jpeg(xmp=main), *parts)},
        "resolution": {kind: _save(kind, dpi=(300, 300)) for kind in ("JPEG", "PNG", "TIFF")},
        "comments": {"JPEG": with_segments(jpeg(), segment(0xFE, b"a view"), segment(0xFE, b"a lake"))},
        "texts": {"PNG": png(pnginfo=texts(Title="a view"))},
        "gamma, chromaticity": {"PNG": png(pnginfo=_gamma())},
        "color description (cICP, nclx)": {"PNG": with_chunks(png(), [_COLORS[0]]), "AVIF": _avif_of_other_colors()},
        "display and light levels (mDCV, cLLI)": {"PNG": with_chunks(png(), [*_COLORS[1:]])},
        "captions and credits (IPTC)": {
            "JPEG": with_segments(jpeg(), segment(0xED, b"Photoshop 3.0\0" + _CAPTION)),
            "TIFF": _tiff(33723, b"\x1c\x02x\0\x04view"),
            "PNG": png(pnginfo=texts(**{"Raw profile type iptc": encode_text(read_resources(_CAPTION))})),
        },
        "clipping paths": {
            "JPEG": with_segments(jpeg(), segment(0xED, b"Photoshop 3.0\0" + _PATH)),
            "TIFF": _tiff(34377, _PATH),
        },
        "transparency": {kind: _save(kind.upper(), alpha) for kind in ("PNG", "WebP", "TIFF", "AVIF")},
        "CMYK": {kind: _save(kind, picture().convert("CMYK")) for kind in ("JPEG", "TIFF")},
        "16 bits per channel": {
            "PNG": deep["rgb.png"],
            "TIFF": deep["rgb-deflate.tif"],
            "PGM": deep["p5.pgm"],
            "PPM": deep["p6.ppm"],
        },
        "gain map": {"JPEG": gain_map_jpeg()},
        "video behind the picture": {"JPEG": motion_photo(), "PNG": png() + motion_photo()[-1020:]},
        "further pictures, pages, frames": {"JPEG": _animated("MPO")}
        | {kind: _animated(kind.upper()) for kind in ("PNG", "WebP", "TIFF", "AVIF", "GIF")},
        "proof of origin (C2PA)": {
            "JPEG": with_segments(jpeg(), segment(0xEB, _C2PA)),
            "PNG": with_chunks(png(), [(b"caBX", _C2PA)]),
            "WebP": _webp(b"C2PA", _C2PA),
            "TIFF": _tiff(0xCD41, _C2PA),
        },
        "thumbnail outside of the Exif data": {"JPEG": with_segments(jpeg(), segment(0xE0, b"JFXX\0\x10" + jpeg()))},
        "layers of Photoshop": {"TIFF": _tiff(37724, bytes(50))},
        "further channels (saved selections, spot colors)": {"TIFF": _with_a_fourth_channel()},
        "place on a map (GeoTIFF)": {"TIFF": _tiff(34735, bytes(8))},
        "other data of programs and cameras": {
            "JPEG": with_segments(jpeg(), segment(0xE4, b"maker" * 9)),
            "PNG": with_chunks(png(), [(b"prVt", b"hello")]),
            "WebP": _webp(b"prVt", b"hello"),
        },
    }  # fmt: skip


def _opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def _tags(data: bytes) -> dict[int, object]:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return {tag.code: tag.value for tag in file.pages.first.tags}


def _resources(data: bytes) -> dict[int, object]:
    if data[:2] == b"II":
        return read_resources(_tags(data).get(34377, b""))
    return _opened(data).info.get("photoshop", {})


def _read_exif(data: bytes) -> dict[str, object]:
    exif_data = _opened(data).info.get("exif")
    return piexif.load(exif_data) if exif_data else {}


def _has_caption(data: bytes) -> bool:
    exiv2 = pytest.importorskip("pyexiv2")
    with exiv2.ImageData(data) as image:
        return image.read_iptc() == {"Iptc.Application2.Caption": "view"}


def _depth(data: bytes) -> int:
    if data[:2] == b"II":
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            return int(file.pages.first.bitspersample)
    return data[24] if data[1:4] == b"PNG" else 8


def _has_comments(data: bytes) -> bool:
    image = _opened(data)
    found = image.info.get("comment", b"") or getattr(image, "text", {}).get("Comment", "") or _tags_or_none(data)
    return found in (b"a view\na lake", "a view\na lake")


def _tags_or_none(data: bytes) -> object:
    return _tags(data).get(270) if data[:2] == b"II" else None


_LOOK: dict[str, Callable[[bytes], bool]] = {
    "color profile": lambda data: _opened(data).info.get("icc_profile") == PROFILE,
    "Exif data": lambda data: _opened(data).getexif().get(0x013B) == "Ada Lovelace",
    "thumbnail in the Exif data": lambda data: bool(_read_exif(data).get("thumbnail")),
    "XMP": lambda data: _opened(data).info.get("xmp") == _XMP,
    "extended XMP": lambda data: b"QUJD" * 25_000 in _opened(data).info["xmp"] + look_into(data).extended_xmp,
    "resolution": lambda data: abs(float(_opened(data).info.get("dpi", (0,))[0]) - 300) < 0.1,
    "comments": _has_comments,
    "texts": lambda data: getattr(_opened(data), "text", {}).get("Title") == "a view",
    "gamma, chromaticity": lambda data: (
        (_opened(data).info.get("gamma"), "chromaticity" in _opened(data).info) == (1.0, True)
    ),
    "color description (cICP, nclx)": lambda data: b"\0\0\0\4cICP" in data,
    "display and light levels (mDCV, cLLI)": lambda data: (
        b"mDCV" + _COLORS[1][1] in data and b"cLLI" + _COLORS[2][1] in data
    ),
    "captions and credits (IPTC)": _has_caption,
    "clipping paths": lambda data: _resources(data).get(0x07D0) in (b"a path " * 4, Resource(b"", b"a path " * 4)),
    "transparency": lambda data: _opened(data).mode == "RGBA",
    "CMYK": lambda data: _opened(data).mode == "CMYK",
    "16 bits per channel": lambda data: _depth(data) == 16,
}
# Words of the notes, where they are not those of the table.
_NOTES = {
    "comments": "comment",
    "gamma, chromaticity": "gamma, chromaticity",
    "color description (cICP, nclx)": "color description",
    "display and light levels (mDCV, cLLI)": "light levels",
    "clipping paths": "clipping path",
    "16 bits per channel": "has 16 bits per channel",
    "video behind the picture": "video",
    "further pictures, pages, frames": "several pictures|another picture",
    "proof of origin (C2PA)": "proof of origin",
    "thumbnail in the Exif data": "thumbnail",
    "thumbnail outside of the Exif data": "thumbnail",
    "other data of programs and cameras": "unknown data",
    "further channels (saved selections, spot colors)": "further channels",
}


def test_opacity_that_an_old_tiff_does_not_name_is_no_further_channel(restorer: JpegRestorer) -> None:
    buffer, (width, height) = io.BytesIO(), picture().size
    channels = np.arange(width * height * 4, dtype=np.uint8).reshape(height, width, 4)
    tifffile.imwrite(buffer, channels, photometric="rgb", extrasamples=["unassalpha"], metadata=None)
    # Pillow reads four channels without the tag as RGB with alpha.
    for data in (buffer.getvalue(), buffer.getvalue().replace(struct.pack("<HH", 338, 3), struct.pack("<HH", 337, 3))):
        assert look_into(data).extras == ()
        assert np.array_equal(np.array(restorer(data, strength=0.0).image)[:, :, 3], channels[:, :, 3])


@pytest.fixture(scope="module")
def restorer() -> JpegRestorer:
    return JpegRestorer(ArganForImageRestoration(ArganConfig(hidden_sizes=(4,))), device="cpu")


def test_the_table_names_every_kind_of_file_that_is_tried() -> None:
    assert {what: set(kinds.split()) for what, kinds, _ in TABLE} == {w: set(k) for w, k in _sources().items()}


@pytest.mark.parametrize(("what", "kinds", "cells"), TABLE, ids=[row[0] for row in TABLE])
def test_what_becomes_of_it_is_what_the_table_says(restorer: JpegRestorer, what: str, kinds: str, cells: str) -> None:
    for kind, data in _sources()[what].items():
        restored = restorer(data, strength=0.0)
        for suffix, cell in zip(SUFFIXES, cells.split(" | "), strict=True):
            place = f"{what}, {kind} to {suffix}"
            if cell == "refused":
                with pytest.raises(ValueError, match="transparency"):
                    restored.encode(suffix)
                continue
            written, more = restored.encode(suffix)
            notes = " ".join((*restored.report.notes, *more))
            assert cell in ("kept", "named"), place
            if what in _LOOK:
                assert _LOOK[what](written) is (cell == "kept"), place
            if cell == "named":
                assert re.search(_NOTES.get(what, re.escape(what)), notes, re.IGNORECASE), f"{place}: {notes}"
            if what not in _LOOK:
                assert look_into(written).extras == (), place


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".webp", ".jpg"])
def test_exiv2_reads_what_was_kept(restorer: JpegRestorer, tmp_path: Path, suffix: str) -> None:
    exiv2 = pytest.importorskip("pyexiv2")
    source = jpeg(exif=exif(6), icc_profile=PROFILE, xmp=_XMP, comment=b"a view")
    source = with_segments(source, segment(0xED, b"Photoshop 3.0\0" + _CAPTION + _PATH))
    target = tmp_path / f"a{suffix}"
    restorer(source, strength=0.0).save(target)
    with exiv2.Image(str(target)) as found:
        tags, properties, captions = found.read_exif(), found.read_xmp(), found.read_iptc()
        assert found.read_icc() == PROFILE
    assert tags["Exif.Image.Artist"] == "Ada Lovelace"
    assert tags["Exif.Photo.ExifVersion"] == "48 50 51 50"
    # It was turned: 48x32 pixels are now 32x48.
    assert tags["Exif.Image.Orientation"] == "1"
    assert (tags["Exif.Photo.PixelXDimension"], tags["Exif.Photo.PixelYDimension"]) == ("32", "48")
    assert properties["Xmp.dc.format"] == "image/jpeg"
    assert captions.get("Iptc.Application2.Caption") == (None if suffix == ".webp" else "view")
