import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from argan_hf.containers.opening import UnreadableImageError, _reason, load_pixels, open_image
from argan_hf.jpeg import read_jpeg
from tests.conftest import jpeg_bytes
from tests.containers.files import png, xmp


def giant_jpeg() -> bytes:
    """A valid gray JPEG of 8x8 pixels whose header claims 65535x65535."""
    data = bytearray(jpeg_bytes(Image.new("L", (8, 8), 77), quality=50))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", 65535, 65535)
    return bytes(data)


def test_the_limit_in_megapixels_is_our_own(photo: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    data = jpeg_bytes(photo)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert open_image(data).size == photo.size
    assert open_image(data, 0.04).size == open_image(data, photo.width * photo.height / 1e6).size == photo.size
    with pytest.raises(UnreadableImageError, match=r"more than the limit of 0\.03; raise it with max_megapixels"):
        open_image(data, 0.03)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_file_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argan_hf.containers.opening._MAX_FILE_BYTES", 2**20)
    with Path("/dev/zero").open("rb") as zeros, pytest.raises(UnreadableImageError, match="larger than 1 MiB"):
        open_image(zeros)


def test_what_a_shell_hands_over_as_a_descriptor_is_read(photo: Image.Image) -> None:
    """`argan restore <(COMMAND)` names the descriptor of a pipe."""
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(jpeg_bytes(photo, quality=5))
    assert open_image(f"/dev/fd/{reader}").size == photo.size
    os.close(reader)


def test_a_picture_of_endless_scans_is_refused(photo: Image.Image) -> None:
    data = jpeg_bytes(photo.convert("L"), progressive=True)
    last = data.rindex(b"\xff\xda")
    open_image(data)
    with pytest.raises(UnreadableImageError, match="scans"):
        open_image(data[:last] + data[last:-2] * 600 + data[-2:])


def test_sampling_factors_of_0_are_refused(photo: Image.Image) -> None:
    data = bytearray(jpeg_bytes(photo, subsampling=0))
    frame = data.index(b"\xff\xc0")
    for component in range(3):
        data[frame + 11 + 3 * component] = 0x01
    with pytest.raises(UnreadableImageError):
        read_jpeg(bytes(data))


def test_a_file_that_cannot_hold_what_it_claims_costs_no_memory(photo: Image.Image) -> None:
    data = bytearray(jpeg_bytes(photo.resize((64, 64)), quality=50))
    frame = data.index(b"\xff\xc0") + 5
    data[frame : frame + 4] = struct.pack(">HH", 14_000, 14_000)
    tracemalloc.start()
    with pytest.raises(UnreadableImageError, match=r"ends early \([\d,]+ bytes cannot hold the 196.0 megapixels"):
        read_jpeg(bytes(data))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_a_png_that_cannot_hold_what_it_claims_is_refused_before_it_is_decoded() -> None:
    data = bytearray(png(Image.new("RGB", (64, 64))))
    data[16:24] = struct.pack(">LL", 14_000, 14_000)
    data[29:33] = struct.pack(">L", zlib.crc32(data[12:29]))
    with pytest.raises(UnreadableImageError, match=r"bytes cannot hold the 196\.0 megapixels"):
        open_image(bytes(data))
    for mode in ("1", "L", "P", "RGB", "RGBA", "I;16"):
        assert open_image(png(Image.new(mode, (3000, 2000)), compress_level=9)).size == (3000, 2000)


def test_a_flat_picture_needs_few_bytes_and_is_read() -> None:
    flat = jpeg_bytes(Image.new("RGB", (3000, 2000), (90, 90, 90)), quality=5, optimize=True)
    assert len(flat) < 36_000
    assert read_jpeg(flat).planes.shape == (3, 2000, 3000)
    assert read_jpeg(jpeg_bytes(Image.new("L", (3000, 2000)), progressive=True)).planes.shape == (1, 2000, 3000)


def test_scans_are_counted_where_a_decoder_reads_them(photo: Image.Image) -> None:
    data = jpeg_bytes(photo.convert("L"), progressive=True)
    comment = b"\xff\xda" * 600
    with_comment = data[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + data[2:]
    for harmless in (with_comment, data + b"\0\2" + b"\xff\xda\0\2" * 600):
        assert open_image(harmless).size == photo.size


def test_large_pictures_may_have_fewer_scans(monkeypatch: pytest.MonkeyPatch, photo: Image.Image) -> None:
    data = jpeg_bytes(photo.convert("L"), progressive=True)
    last = data.rindex(b"\xff\xda")
    data = data[:last] + data[last:-2] * 60 + data[-2:]
    open_image(data)
    monkeypatch.setattr("argan_hf.containers.opening._MAX_SCANNED_MEGAPIXELS", 0.1)
    with pytest.raises(UnreadableImageError, match="more than the 30 that are read at this size"):
        open_image(data)


def test_no_python_object_is_printed_in_a_message() -> None:
    error = OSError("cannot identify image file <_io.BytesIO object at 0x7f0a1b2c3d4e>")
    assert _reason(error) == "cannot identify image file the data"


def test_arithmetic_coding_is_no_excuse_for_too_few_bytes() -> None:
    frame = struct.pack(">BBHBHHBBBB", 0xFF, 0xC9, 11, 8, 14_000, 14_000, 1, 1, 0x11, 0)
    table = b"\xff\xdb\0\x43\0" + bytes([8] * 64)
    scan = b"\xff\xda\0\x08\1\1\0\0\x3f\0" + bytes(50)
    with pytest.raises(UnreadableImageError, match="cannot hold the"):
        open_image(b"\xff\xd8" + table + frame + scan + b"\xff\xd9")


def test_xmp_of_a_tiff_may_be_text() -> None:
    packet = xmp('dc:format="image/tiff"') + b"\0"
    buffer = io.BytesIO()
    tags = [(700, "s", len(packet), packet.decode(), True)]
    tifffile.imwrite(buffer, np.zeros((8, 8, 3), np.uint8), photometric="rgb", extratags=tags, metadata=None)
    image = open_image(buffer)
    load_pixels(image)
    assert image.info["xmp"].rstrip(b"\0") == packet[:-1]
