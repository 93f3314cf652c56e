import io
import struct
import time

import pytest
from PIL import Image

from argan_hf.containers.file_kinds import name_kind
from argan_hf.containers.opening import UnreadableImageError, open_image


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "an HEIC picture, as phones take them; export it as JPEG"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1", "a camera raw file (CR3); develop it first"),
        (b"\0\0\0\x18ftypmp42", "a video; save the frame"),
        (b"\xff\x0a\xfa\x7f", "a JPEG XL picture; if it was made from a JPEG"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"FUJIFILMCCD-RAW 0201", "a camera raw file (RAF); develop it first"),
        (b"%PDF-1.7\n", "a PDF document; save the pictures in it"),
        (b"\n<!DOCTYPE html>\n<html>", "a web page (HTML); the picture itself was not saved"),
        (b"<!-- saved -->\n<HTML lang='de'>", "a web page (HTML)"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
        (b"PK\x03\x04\x14\0", "a ZIP archive or an office document; unpack it first"),
        (b'{"error": "not found"}', "a text in JSON"),
    ],
)
def test_files_called_jpg_that_are_none_are_named(start: bytes, words: str) -> None:
    for data in (start, start + bytes(9000)):
        with pytest.raises(UnreadableImageError, match="the picture is ") as refused:
            open_image(data)
        assert words in str(refused.value)


@pytest.mark.parametrize("start", [b"<!---->" * 500, b"<!--" * 900, b"<?xml " * 600, b" " * 4096, b"[ " * 2000])
def test_no_text_keeps_the_reader_busy(start: bytes) -> None:
    began = time.perf_counter()
    name_kind(start + b"x")
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "GIF", "BMP", "PPM", "JPEG2000", "ICO"])
def test_pictures_are_not_taken_for_something_else(kind: str, photo: Image.Image) -> None:
    buffer = io.BytesIO()
    photo.save(buffer, kind)
    assert name_kind(buffer.getvalue()) is None
    assert open_image(buffer.getvalue()).format == kind


def _tiff(*entries: tuple[int, int, int]) -> bytes:
    """A TIFF file of one gray pixel with further tags (tag, type, value)."""
    fixed = [(256, 3, 1), (257, 3, 1), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 300), (278, 3, 1), (279, 4, 1)]
    tags = sorted([*fixed, *entries])
    data = b"II*\0" + struct.pack("<LH", 8, len(tags))
    for tag, kind, value in tags:
        data += struct.pack("<HHLL", tag, kind, 1, value)
    return (data + bytes(4)).ljust(301, b"\x80")


def test_a_raw_file_in_the_shape_of_tiff_is_not_taken_for_its_thumbnail() -> None:
    assert open_image(_tiff()).size == open_image(_tiff((254, 4, 1))).size == (1, 1)
    for raw in (_tiff((254, 4, 1), (330, 4, 200)), _tiff((50706, 1, 0x0401))):
        with pytest.raises(UnreadableImageError, match="a camera raw file; develop it first"):
            open_image(raw)
