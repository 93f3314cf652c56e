import copy
import math

import pytest
import torch
from PIL import Image

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.precision import preferred_dtype
from argan_hf.variants import CHECKPOINTS
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


@pytest.mark.parametrize("name", sorted(path.name for path in CHECKPOINTS.glob("argan-*")))
def test_sixteen_bits_move_a_picture_by_a_gray_level_at_most(name: str, photo: Image.Image) -> None:
    restorer = JpegRestorer.from_pretrained(name, device="cpu")
    if restorer.model.config.block_type != "residual":
        assert restorer.dtype == torch.float32
        return
    data = jpeg_bytes(photo, quality=20)
    results = [
        JpegRestorer(copy.deepcopy(restorer.model), "cpu", dtype=dtype)(data, faithful=False).image
        for dtype in (torch.float32, torch.bfloat16)
    ]
    first, second = (torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).int() for image in results)
    difference = (first - second).abs()
    assert difference.max() <= 2
    assert difference.float().mean() < 0.1
    assert not torch.equal(first, second)
    original = torch.frombuffer(bytearray(photo.convert("RGB").tobytes()), dtype=torch.uint8).int()
    errors = [(pixels - original).square().float().mean() for pixels in (first, second)]
    assert abs(10 * math.log10(errors[0] / errors[1])) < 0.01
