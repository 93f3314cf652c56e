"""The codec's one promise: not a single sample differs from Pillow."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from argan_hf.jpeg import compress, compress_planes, quantization_tables
from tests.conftest import jpeg_bytes


def _pillow(plane: Tensor, **options: object) -> Tensor:
    with Image.open(io.BytesIO(jpeg_bytes(Image.fromarray(plane.numpy()), **options))) as image:
        return torch.from_numpy(np.array(image))


def _planes(height: int, width: int) -> dict[str, Tensor]:
    rows, columns = torch.arange(height)[:, None], torch.arange(width)[None]
    return {
        "random": torch.randint(0, 256, (height, width), dtype=torch.uint8),
        "smooth": ((rows * 7 + columns * 5) % 256).to(torch.uint8),
        "binary": (torch.rand(height, width) < 0.5).to(torch.uint8) * 255,
    }


@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 16, 17, 31, 32, 33])
def test_every_quality_equals_pillow(size: int) -> None:
    width = 34 - size
    for kind, plane in _planes(size, width).items():
        batch = plane.expand(100, 1, size, width)
        ours = compress(batch, torch.arange(1, 101))
        for quality in range(1, 101):
            different = int((ours[quality - 1, 0] != _pillow(plane, quality=quality)).sum())
            assert different == 0, f"{kind} {size}x{width} at quality {quality}: {different} samples differ"


@pytest.mark.parametrize("quality", [1, 10, 25, 50, 75, 90, 95, 100])
def test_a_large_picture_equals_pillow(quality: int) -> None:
    for plane in _planes(512, 768).values():
        assert torch.equal(compress(plane[None, None], quality)[0, 0], _pillow(plane, quality=quality))


@settings(max_examples=60, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    quality=st.integers(1, 100),
    low=st.integers(0, 255),
    high=st.integers(0, 255),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_plane_equals_pillow(height: int, width: int, quality: int, low: int, high: int, seed: int) -> None:
    low, high = min(low, high), max(low, high)
    generator = torch.Generator().manual_seed(seed)
    plane = torch.randint(low, high + 1, (height, width), dtype=torch.uint8, generator=generator)
    assert torch.equal(compress(plane[None, None], quality)[0, 0], _pillow(plane, quality=quality))


def test_custom_tables_equal_pillow() -> None:
    plane = _planes(40, 56)["random"]
    table = torch.randint(1, 256, (8, 8), dtype=torch.int32)
    ours = compress_planes(plane[None], table)[0]
    assert torch.equal(ours, _pillow(plane, qtables=[table.flatten().tolist()]))


def test_a_batch_of_mixed_qualities_equals_its_members() -> None:
    batch = torch.randint(0, 256, (7, 1, 20, 12), dtype=torch.uint8)
    qualities = torch.tensor([1, 5, 33, 50, 75, 99, 100])
    together = compress(batch, qualities)
    for index, quality in enumerate(qualities.tolist()):
        assert torch.equal(together[index : index + 1], compress(batch[index : index + 1], quality))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same_integers() -> None:
    batch = torch.randint(0, 256, (100, 1, 33, 47), dtype=torch.uint8)
    qualities = torch.arange(1, 101)
    assert torch.equal(compress(batch.cuda(), qualities.cuda()).cpu(), compress(batch, qualities))


def test_wrong_pictures_are_refused_in_words() -> None:
    with pytest.raises(TypeError, match="uint8"):
        compress(torch.zeros(1, 1, 8, 8), 50)
    with pytest.raises(ValueError, match=r"\(B, 1, H, W\)"):
        compress(torch.zeros(1, 8, 8, dtype=torch.uint8), 50)
    with pytest.raises(ValueError, match="H, W >= 1"):
        compress(torch.zeros(1, 1, 0, 8, dtype=torch.uint8), 50)
    with pytest.raises(ValueError, match="tables"):
        compress_planes(torch.zeros(2, 8, 8, dtype=torch.uint8), quantization_tables(torch.tensor([1, 2, 3]))[:, 0])
