"""What phones, cameras and editors write, made here, is found in every format."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from argan_hf.containers import extras as words
from argan_hf.containers import look_into, not_kept
from argan_hf.containers.directories import is_camera_raw
from argan_hf.containers.opening import open_image
from argan_hf.containers.photoshop import Resource, encode_resources, encode_text, read_resources, read_text
from argan_hf.containers.png_chunks import encode_chunk, with_chunks
from tests.containers.files import (
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
)

_C2PA = b"jumbc2pa" + bytes(100)
_COLORS = (
    ("color description", "cICP"),
    ("data on the display for which it was made", "mDCV"),
    ("data on its light levels", "cLLI"),
)
_PATH, _CAPTION = resource(0x07D0, b"a path " * 4), resource(0x0404, b"\x1c\x02x\0\x04view")


def _mpo() -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "MPO", save_all=True, append_images=[picture().rotate(180)])
    return buffer.getvalue()


def _webp(*chunks: tuple[bytes, bytes]) -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "WEBP", exif=exif(thumbnail=jpeg(Image.new("L", (8, 8)))))
    data = buffer.getvalue()
    more = b"".join(kind + struct.pack("<L", len(load)) + load + b"\0" * (len(load) & 1) for kind, load in chunks)
    return data[:4] + struct.pack("<L", len(data) - 8 + len(more)) + data[8:] + more


def _tiff(*tags: tuple[int, object, int, object, bool], **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.array(picture()), photometric="rgb", extratags=tags, metadata=None, **options)
    return buffer.getvalue()


def _avif(nclx: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "AVIF")
    data = buffer.getvalue()
    if nclx is not None:
        place = data.index(b"colrnclx") + 8
        data = data[:place] + struct.pack(">HH", *nclx) + data[place + 4 :]
    return data


def _nested_avif(levels: int) -> bytes:
    boxes = b""
    for _ in range(levels):
        boxes = struct.pack(">L4s", len(boxes) + 8, b"ipco") + boxes
    return _avif() + boxes


@pytest.mark.parametrize(
    ("data", "kinds", "keys"),
    [
        (jpeg(), [], []),
        (gain_map_jpeg(), [words.GAIN_MAP], [None]),
        (motion_photo(), [words.VIDEO], [None]),
        (jpeg() + b"\0" * 100 + motion_photo()[-1020:], [words.VIDEO], [None]),
        (_mpo(), [words.PICTURE], [None]),
        (jpeg() + b"hello there", ["unknown data behind the picture"], [None]),
        (jpeg() + bytes(40) + b"\r\n", [], []),
        (with_segments(jpeg(), segment(0xEB, b"JP\0\1" + bytes(4) + _C2PA)), [words.PROVENANCE], [None]),
        (with_segments(jpeg(), segment(0xFE, b"one"), segment(0xFE, b"two")), [words.COMMENT] * 2, ["comment"] * 2),
        (
            with_segments(jpeg(), segment(0xED, b"Photoshop 3.0\0" + _CAPTION + _PATH)),
            [words.CAPTIONS, words.CLIPPING_PATH],
            ["iptc", "photoshop"],
        ),
        (with_segments(jpeg(), segment(0xE4, b"maker" * 9)), ["unknown data of a program or camera"], [None]),
        (jpeg(exif=exif(thumbnail=jpeg())), [words.EXIF_THUMBNAIL], ["exif"]),
        (with_segments(jpeg(), segment(0xE0, b"JFXX\0\x10" + jpeg())), [words.THUMBNAIL], [None]),
        (with_segments(jpeg(), *extended_xmp(100_000)[1]), [words.EXTENDED_XMP], ["xmp"]),
        (with_segments(jpeg(), *extended_xmp(150_000)[1][1:]), [words.DAMAGED_EXTENDED_XMP], [None]),
        (png(), [], []),
        (
            png(
                pnginfo=texts(**{"Raw profile type iptc": encode_text({0x0404: Resource(b"", b"\x1c\x02x\0\x04view")})})
            ),
            [words.CAPTIONS],
            ["iptc"],
        ),
        (
            with_chunks(png(), [(b"cICP", b"\x0c\x0d\0\1"), (b"mDCV", bytes(24)), (b"cLLI", bytes(8))]),
            [f"{words} ({kind})" for words, kind in _COLORS],
            ["cicp", "mdcv", "clli"],
        ),
        (with_chunks(png(), [(b"caBX", _C2PA)]), [words.PROVENANCE], [None]),
        (with_chunks(png(), [(b"prVt", b"hello")]), ["unknown data of a program"], [None]),
        (png() + motion_photo()[-1020:], [words.VIDEO], [None]),
        (_webp(), [words.EXIF_THUMBNAIL], ["exif"]),
        (_webp((b"C2PA", _C2PA)), [words.EXIF_THUMBNAIL, words.PROVENANCE], ["exif", None]),
        (_avif(), [], []),
        (_avif((9, 16)), ["color description (nclx)"], ["cicp"]),
        (_tiff(), [], []),
        (
            _tiff((34377, "B", len(_PATH + _CAPTION), _PATH + _CAPTION, True)),
            [words.CAPTIONS, words.CLIPPING_PATH],
            ["iptc", "photoshop"],
        ),
        (
            _tiff((34377, "I", len(_PATH) // 4, struct.unpack(f"<{len(_PATH) // 4}I", _PATH), True)),
            [words.CLIPPING_PATH],
            ["photoshop"],
        ),
        (
            _tiff((34377, "I", len(_PATH) // 4, struct.unpack(f">{len(_PATH) // 4}I", _PATH), True), byteorder=">"),
            [words.CLIPPING_PATH],
            ["photoshop"],
        ),
        (_tiff((37724, "B", 50, bytes(50), True)), [words.LAYERS], [None]),
        (_tiff((33550, "d", 3, (1.0, 1.0, 0.0), True)), [words.PLACE], [None]),
    ],
)
def test_what_else_is_in_a_file_is_found(data: bytes, kinds: list[str], keys: list[str | None]) -> None:
    extras = look_into(data).extras
    assert [extra.kind for extra in extras] == kinds
    assert [extra.key for extra in extras] == keys
    assert all(extra.size > 0 for extra in extras if extra.kind != words.DAMAGED_EXTENDED_XMP)
    lost = [extra.kind for extra in extras if extra.key is None]
    assert all(kind in not_kept(extras)[0] for kind in lost)
    assert bool(not_kept(extras)) is bool(lost)


def test_many_of_a_kind_are_named_once() -> None:
    extras = look_into(jpeg() + 3 * jpeg() + 400 * b"\xff\xd8\xff\xdb\0\2\xff\xd9").extras
    assert not_kept(extras)[0].startswith("Not carried over: another picture, ")
    assert " in 20 parts; unknown data behind the picture, " in not_kept(extras)[0]
    assert len(not_kept(extras)[0]) < 200


def test_the_parts_of_extended_xmp_are_put_in_order() -> None:
    _, parts = extended_xmp(150_000)
    assert len(parts) == 3
    whole = look_into(with_segments(jpeg(), *parts)).extended_xmp
    assert whole.count(b"QUJD") == 150_000 // 4
    assert look_into(with_segments(jpeg(), *reversed(parts))).extended_xmp == whole
    # A part that is missing makes the whole useless.
    assert look_into(with_segments(jpeg(), *parts[1:])).extended_xmp == b""


def test_resources_of_photoshop_are_written_as_they_were_read() -> None:
    resources = {
        0x0404: Resource(b"", b"\x1ccaption"),
        0x07D0: Resource(b"Outline", b"odd"),
        0x07D1: Resource(b"even", b"even"),
        0x0BB7: Resource(b"", b"\x07Outline"),
    }
    assert read_resources(encode_resources(resources)) == resources
    assert read_text(encode_text(resources).encode()) == resources
    assert read_text(b"\niptc\n 4\nno digits") == {}
    # Other programs write captions alone, or the payload of a JPEG segment.
    caption = resources[0x0404].value
    payload = b"Photoshop 3.0\0" + encode_resources(resources)
    assert read_text(b"\niptc\n 8\n" + caption.hex().encode()) == {0x0404: resources[0x0404]}
    assert read_text(b"\n8bim\n 8\n" + payload.hex().encode()) == resources
    other = b"MeSa" + struct.pack(">HHL", 0x1000, 0, 2) + b"xx"
    assert read_resources(other + encode_resources(resources)) == {0x1000: Resource(b"", b"xx")} | resources
    with Image.open(io.BytesIO(with_segments(jpeg(), segment(0xED, b"Photoshop 3.0\0" + _PATH + _CAPTION)))) as image:
        assert image.info["photoshop"] == {
            number: each.value for number, each in read_resources(_PATH + _CAPTION).items()
        }


def _raw(kind: str) -> bytes:
    """A TIFF whose first directory is a thumbnail, as cameras write their raw files."""
    buffer = io.BytesIO()
    thumbnail, sensor = np.zeros((12, 16, 3), np.uint8), np.zeros((48, 64), np.uint16)
    below = kind in ("NEF", "ARW")
    with tifffile.TiffWriter(buffer) as file:
        tags = [(50706, "B", 4, b"\1\4\0\0", True)] if kind == "DNG" else []
        first = 1 if kind == "NEF" else 0
        options = {"photometric": "rgb", "metadata": None, "extratags": tags, "subfiletype": first}
        file.write(thumbnail, subifds=1 if below else 0, **options)
        cfa = {"photometric": 32803} if kind in ("ARW", "PEF") else {"photometric": "minisblack"}
        tags = [(0xC640, "H", 3, (1, 2, 3), True)] if kind == "CR2 by its slices" else []
        file.write(sensor, metadata=None, extratags=tags, **cfa)
    data = buffer.getvalue()
    return data[:8] + b"CR\2\0" + data[12:] if kind == "CR2" else data


@pytest.mark.parametrize("kind", ["DNG", "NEF", "ARW", "PEF", "CR2", "CR2 by its slices"])
def test_camera_raw_files_are_told_by_their_structure(kind: str) -> None:
    assert is_camera_raw(_raw(kind))


def test_other_files_of_several_pages_are_no_camera_raw_files() -> None:
    buffer = io.BytesIO()
    picture().save(buffer, "TIFF", save_all=True, append_images=[picture()])
    assert not is_camera_raw(buffer.getvalue())
    assert not is_camera_raw(_tiff())
    assert not is_camera_raw(b"II*\0" + bytes(20))


_SEEDS = [
    gain_map_jpeg(),
    with_segments(jpeg(), segment(0xED, b"Photoshop 3.0\0" + _CAPTION + _PATH), *extended_xmp(8)[1]),
    with_chunks(png(), [(b"cICP", b"\x0c\x0d\0\1"), (b"caBX", _C2PA)]),
    _webp((b"C2PA", _C2PA)),
    _avif((9, 16)),
    _tiff((34377, "B", len(_PATH), _PATH, True)),
    png()[:40] + encode_chunk(b"iCCP", b"x\0\0garbage"),
]


@pytest.mark.parametrize("seed", range(len(_SEEDS)))
@given(data=st.data())
@settings(max_examples=150, derandomize=True, deadline=None)
def test_no_damage_stops_the_search(seed: int, data: st.DataObject) -> None:
    damaged = bytearray(_SEEDS[seed])
    for position in data.draw(st.lists(st.integers(0, len(damaged) - 1), max_size=6)):
        damaged[position] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(damaged)))
    for part in (bytes(damaged), bytes(damaged[:end])):
        assert all(extra.size >= 0 for extra in look_into(part).extras)


@pytest.mark.parametrize(
    "data",
    [
        jpeg() + b"\xff\xd8\xff\xdb\0\2\xff\xd9" * 100_000,
        png()[:33] + encode_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 20))) * 10_000 + png()[33:],
        jpeg(exif=exif()) + bytes(5_000_000) + b"x",
        _nested_avif(3000),
    ],
    ids=["pictures behind", "texts that unpack to much", "empty space", "boxes inside of boxes"],
)
def test_no_file_keeps_the_search_busy(data: bytes) -> None:
    began = time.perf_counter()
    look_into(data)
    open_image(data)
    assert time.perf_counter() - began < 3


def test_the_main_packet_names_the_extended_one_that_counts() -> None:
    main, parts = extended_xmp(400)
    _, former = extended_xmp(80)
    data = with_segments(jpeg(), *former, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main), *parts)
    assert look_into(data).extended_xmp.count(b"QUJD") == 100
