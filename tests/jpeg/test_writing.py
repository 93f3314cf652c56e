import pytest
import torch

from argan_hf.jpeg import rgb_to_ycbcr
from argan_hf.jpeg.block_dct import cut
from argan_hf.jpeg.color import as_pixels
from argan_hf.jpeg.writing import Writing


@pytest.mark.parametrize("strength", [0.0, 0.3, 0.8, 1.0])
@pytest.mark.parametrize(("known", "planes"), [(1, 1), (1, 3), (3, 3)])
def test_blocks_are_written_as_the_whole_picture_is(known: int, planes: int, strength: float) -> None:
    decoded = torch.randint(0, 256, (planes, 29, 47), dtype=torch.uint8)
    restored = decoded[:known] + 40 * torch.randn(known, 29, 47)
    blended = decoded.float()
    blended[:known] = blended[:known].lerp(restored, strength)
    pixels = as_pixels(blended)
    expected = cut(pixels[0] if planes == 1 else rgb_to_ycbcr(pixels)[0])
    writing, blocks = Writing.of(restored, decoded, strength), cut(restored[0])
    assert torch.equal(writing.luma(blocks).float(), expected)
    some = torch.tensor([7, 0, 3])
    assert torch.equal(writing.at(some).luma(blocks[some]).float(), expected[some])
