"""All ways to give a picture: files of any kind, arrays, and JPEG files without their end."""

import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from argan_hf import ArganForImageRestoration, JpegRestorer, UnreadableImageError
from tests.conftest import jpeg_bytes


@pytest.fixture
def restorer(model: ArganForImageRestoration) -> JpegRestorer:
    return JpegRestorer(model, device="cpu")


def _pixels(image: Image.Image) -> np.ndarray:
    return np.array(image).astype(int)


def test_a_file_can_be_given_in_any_way_python_has(restorer: JpegRestorer, photo: Image.Image, tmp_path: Path) -> None:
    data = jpeg_bytes(photo, quality=40)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    expected = restorer(path)
    written = io.BytesIO()
    written.write(data)  # not rewound
    with path.open("rb") as opened:
        for source in (str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), written, opened):
            restored = restorer(source)
            assert restored.image.tobytes() == expected.image.tobytes()
            assert restored.report.quality == 40
    with pytest.raises(UnreadableImageError, match="cannot be read"):
        restorer(opened)  # closed
    with pytest.raises(UnreadableImageError, match="cannot be read: embedded null byte"):
        restorer("a\0b.jpg")
    with pytest.raises(TypeError, match="found int"):
        restorer(7)  # type: ignore[arg-type]
    with pytest.raises(UnreadableImageError, match=r"https:/\S+ is a web address; download the picture"):
        restorer("https://example.org/a.jpg")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_read_once(restorer: JpegRestorer, photo: Image.Image, tmp_path: Path) -> None:
    pipe, data = tmp_path / "pipe.jpg", jpeg_bytes(photo, quality=40)
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(data,))
    writer.start()
    assert restorer(pipe).image.tobytes() == restorer(data).image.tobytes()
    writer.join()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_an_array_is_restored_as_the_picture_is(restorer: JpegRestorer, photo: Image.Image, mode: str) -> None:
    picture = photo.convert(mode)
    if mode.endswith("A"):
        picture.putalpha(photo.getchannel("G"))
    array = np.array(picture)
    expected = _pixels(restorer(picture).image)
    # A view that is turned, as slices of arrays are, is no other picture.
    turned = np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]
    turned.setflags(write=False)
    for given in (array, turned, *([array[:, :, None]] if mode == "L" else [])):
        assert np.array_equal(_pixels(restorer(given).image), expected)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((4, 4, 5), np.uint8), "shape \\(4, 4, 5\\), expected"),
        (np.zeros((2, 4, 4, 3), np.uint8), "shape \\(2, 4, 4, 3\\)"),
        (np.zeros((4, 4, 3), np.float32), "dtype float32, expected uint8"),
        (np.zeros((4, 4), np.int64), "dtype int64"),
        (np.zeros((4, 4), bool), "dtype bool"),
        (np.zeros((4, 0, 3), np.uint8), "no pixels: it is 0x4"),
    ],
)
def test_other_arrays_are_refused_in_words(restorer: JpegRestorer, array: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        restorer(array)


def test_a_complete_file_without_its_end_is_restored_with_a_note(restorer: JpegRestorer, photo: Image.Image) -> None:
    data = jpeg_bytes(photo, quality=40)
    expected = restorer(data)
    for odd in (data[:-2], data[:-1], data[:-2] + b"\0\0 a camera that lost power"):
        restored = restorer(odd)
        if odd in data:
            assert restored.image.tobytes() == expected.image.tobytes()
            assert restored.report.consistency == expected.report.consistency
        else:
            # There is doubt about the coefficients, so it is held to the luma that is seen.
            assert restored.report.consistency is not None
            assert restored.report.consistency.chroma_blocks is None
        assert any("lacks its end marker. Its data reach" in note for note in restored.report.notes)
    assert not any("end marker" in note for note in expected.report.notes)
    for cut in (data[:-4], data[: len(data) // 2]):
        with pytest.raises(UnreadableImageError, match="ends early"):
            restorer(cut)


def test_a_cmyk_file_without_its_end_gets_the_note_too(restorer: JpegRestorer, photo: Image.Image) -> None:
    data = jpeg_bytes(photo.convert("CMYK"), quality=40)[:-2]
    assert any("lacks its end marker" in note for note in restorer(data).report.notes)


def test_a_pipe_that_is_not_buffered_is_read_to_its_end(restorer: JpegRestorer, photo: Image.Image) -> None:
    data = jpeg_bytes(photo.resize((800, 600)), quality=95)
    reading, writing = os.pipe()
    writer = threading.Thread(target=lambda: os.fdopen(writing, "wb").write(data))
    writer.start()
    with os.fdopen(reading, "rb", 0) as unbuffered:
        restored = restorer(unbuffered, strength=0.0)
    writer.join()
    assert restored.image.size == (800, 600)
