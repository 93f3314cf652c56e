import copy

import pytest
import torch
from PIL import Image

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.defaults import DEFAULT_CHECKPOINT, REALISM_VARIANT
from argan_hf.evaluation.metrics import psnr
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.loading import load_model
from argan_hf.precision import preferred_dtype
from tests.conftest import jpeg_bytes

CPU = torch.device("cpu")


@pytest.mark.parametrize("fast", [True, False])
def test_only_residual_networks_where_it_is_fast(
    residual_config: ArganConfig, plain_config: ArganConfig, monkeypatch: pytest.MonkeyPatch, fast: bool
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    expected = torch.bfloat16 if fast else torch.float32
    assert preferred_dtype(ArganForImageRestoration(residual_config), CPU) == expected
    assert preferred_dtype(ArganForImageRestoration(plain_config), CPU) == torch.float32


@pytest.mark.parametrize("variant", [None, REALISM_VARIANT])
def test_sixteen_bits_move_less_than_a_tenth_of_a_residual_networks_samples_by_one_gray_level(
    variant: str | None, photo: Image.Image
) -> None:
    """Fewer than one in ten thousand by more, on any CPU; it costs less than a hundredth of a dB."""
    model = load_model(DEFAULT_CHECKPOINT, variant=variant)
    assert model.config.block_type == "residual"
    data = jpeg_bytes(photo, quality=20)
    exact, short = (
        image_to_tensor(JpegRestorer(copy.deepcopy(model), "cpu", dtype=dtype)(data, faithful=False).image)
        for dtype in (torch.float32, torch.bfloat16)
    )
    difference = (exact.int() - short.int()).abs()
    assert 0 < (difference > 0).float().mean() < 0.1
    assert (difference > 1).float().mean() < 1e-4
    assert difference.max() <= 3
    original = image_to_tensor(photo)
    assert abs(psnr(exact[None], original[None]) - psnr(short[None], original[None])) < 0.01


def test_a_network_that_puts_out_the_whole_picture_is_used_in_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    restorer = JpegRestorer.from_pretrained("argan-jpeg-luma", device="cpu")
    assert restorer.model.config.block_type != "residual"
    assert restorer.dtype == torch.float32
