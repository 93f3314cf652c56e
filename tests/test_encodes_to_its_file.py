"""A result, saved as JPEG with the tables and the sampling of its file, gives the coefficients of that file.

Everything is seen from outside: real files go in, a real PNG file comes out, Pillow encodes it again, and the quantized
coefficients that the two JPEG files store are compared: those of all blocks, also of those that the border cuts.
"""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from argan_hf import JpegRestorer
from argan_hf.jpeg.coefficients import read_coefficients
from argan_hf.jpeg.file_blocks import Consistency

from .conftest import EXAMPLES, jpeg_bytes


@pytest.fixture(scope="module")
def restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained()


def crop(name: str) -> Image.Image:
    """203x141 pixels of an example."""
    with Image.open(EXAMPLES[0].parent / name) as image:
        return image.convert("RGB").crop((100, 100, 303, 241))


def coefficients(data: bytes) -> tuple[np.ndarray, ...]:
    found = read_coefficients(data)
    assert found is not None
    return found


def share(equal: list[np.ndarray]) -> float | None:
    """The share of what is true in all arrays together; `None` without any."""
    return sum(int(part.sum()) for part in equal) / sum(part.size for part in equal) if equal else None


@pytest.mark.parametrize(
    ("name", "quality", "least"), [("reflect.png", 30, 0.999), ("girl.png", 75, 0.999), ("flowers.png", 90, 0.99)]
)
@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "4:4:4", "gray"])
def test_the_written_result_encodes_to_its_file(
    restorer: JpegRestorer, tmp_path: Path, sampling: str, name: str, quality: int, least: float
) -> None:
    # 1. A file whose last blocks are cut by the border.
    original = crop(name).convert("L" if sampling == "gray" else "RGB")
    options = {} if sampling == "gray" else {"subsampling": sampling}
    file = jpeg_bytes(original, quality=quality, **options)
    # 2. Restored, written, opened and encoded by others.
    restored = restorer(file)
    restored.save(tmp_path / "restored.png")
    with Image.open(io.BytesIO(file)) as image, Image.open(tmp_path / "restored.png") as written:
        assert isinstance(image, JpegImageFile)
        assert written.mode == original.mode
        again = jpeg_bytes(written, qtables=image.quantization, **options)
    # 3. What the two files store.
    equal = [one == other for one, other in zip(coefficients(again), coefficients(file), strict=True)]
    blocks = [component.all(axis=(2, 3)) for component in equal]
    measured = Consistency(
        luma_coefficients=share(equal[:1]),
        luma_blocks=share(blocks[:1]),
        chroma_coefficients=share(equal[1:]),
        chroma_blocks=share(blocks[1:]),
    )
    assert measured.luma_blocks >= least, measured
    assert measured.chroma_blocks is None or measured.chroma_blocks >= least, measured
    assert restored.report.consistency == measured


def test_a_free_result_does_not(restorer: JpegRestorer) -> None:
    file = jpeg_bytes(crop("flowers.png"), quality=90)
    free = restorer(file, faithful=False)
    with Image.open(io.BytesIO(file)) as image:
        assert isinstance(image, JpegImageFile)
        again = jpeg_bytes(free.image, qtables=image.quantization, subsampling="4:2:0")
    for one, other in zip(coefficients(again), coefficients(file), strict=True):
        assert share([(one == other).all(axis=(2, 3))]) < 0.9
    assert free.report.consistency is None
