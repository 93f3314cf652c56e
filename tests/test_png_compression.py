"""PNG files compressed anew: the same pixels and chunks, hardly larger than zlib's."""

import io

import imagecodecs
import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from argan_hf import png_compression
from argan_hf.containers.png_chunks import chunks
from argan_hf.drawn_picture import draw_picture
from argan_hf.graphics import KINDS, draw_graphic
from argan_hf.png_compression import compress_png


def _compressed(image: Image.Image) -> bytes:
    return compress_png(io.BytesIO(_png(image, compress_level=0)))


def _png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
@pytest.mark.parametrize("size", [(1, 1), (3, 500), (700, 401)])
def test_pixels_are_the_same(mode: str, size: tuple[int, int]) -> None:
    image = draw_picture(3).resize(size).convert(mode)
    with Image.open(io.BytesIO(_compressed(image))) as written:
        written.load()
        assert written.mode == mode
        assert written.tobytes() == image.tobytes()


def test_16_bits_are_the_same() -> None:
    samples = np.random.default_rng(0).integers(0, 65536, (61, 83, 4), dtype=np.uint16)
    data = compress_png(io.BytesIO(imagecodecs.png_encode(samples, level=0)))
    assert np.array_equal(imagecodecs.png_decode(data), samples)


def test_all_other_chunks_stay_where_they_are() -> None:
    info = PngInfo()
    info.add_text("before", "x")
    info.add(b"prVt", b"after the pixels", after_idat=True)
    plain = _png(draw_picture(1), compress_level=0, pnginfo=info, icc_profile=b"profile", dpi=(300, 300))
    packed = compress_png(io.BytesIO(plain))

    def others(data: bytes) -> list[tuple[bytes, bytes]]:
        found = [(chunk.kind, data[chunk.start : chunk.end + 4]) for chunk in chunks(data)]
        first = [kind for kind, _ in found].index(b"IDAT")
        left = [entry for entry in found if entry[0] != b"IDAT"]
        return [*left[:first], (b"IDAT", b""), *left[first:]]

    assert others(packed) == others(plain)
    assert len(packed) < 0.6 * len(plain)


def test_data_that_fill_more_than_one_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(png_compression, "_LARGEST_CHUNK", 1000)
    image = draw_picture(2)
    data = _compressed(image)
    sizes = [chunk.end - chunk.start for chunk in chunks(data) if chunk.kind == b"IDAT"]
    assert len(sizes) > 2
    assert set(sizes[:-1]) == {1000}
    assert Image.open(io.BytesIO(data)).tobytes() == image.tobytes()


def test_files_are_no_larger_than_those_of_zlib() -> None:
    pictures = [draw_picture(0), *(draw_graphic(kind, 1, 256) for kind in KINDS)]
    sizes = [(len(_compressed(picture)), len(_png(picture))) for picture in pictures]
    assert sum(ours for ours, _ in sizes) < sum(zlibs for _, zlibs in sizes)
