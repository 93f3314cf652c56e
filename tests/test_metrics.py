import pytest
import torch

from argan_hf.metrics import psnr


def test_psnr_of_a_known_error() -> None:
    original = torch.full((2, 1, 8, 8), 100, dtype=torch.uint8)
    restored = original.clone()
    restored[0] += 5
    restored[1] -= 1
    expected = 20 * torch.log10(torch.tensor([255 / 5, 255.0], dtype=torch.float64))
    assert torch.allclose(psnr(restored, original), expected)


def test_psnr_of_equal_pictures_is_infinite() -> None:
    assert psnr(torch.zeros(1, 3, 2, 2, dtype=torch.uint8), torch.zeros(1, 3, 2, 2, dtype=torch.uint8)).isinf()


def test_unrounded_and_unlike_pictures_are_refused() -> None:
    with pytest.raises(TypeError, match="round them first"):
        psnr(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    with pytest.raises(ValueError, match="differ in shape"):
        psnr(torch.zeros(1, 1, 2, 2, dtype=torch.uint8), torch.zeros(1, 1, 2, 3, dtype=torch.uint8))
