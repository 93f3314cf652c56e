"""The fused form of the residual U-Net gives what its modules give, and is never out of date."""

import copy
import gc

import pytest
import torch
from PIL import Image
from torch import nn

from argan_hf import ArganConfig, ArganForImageRestoration, fused_network
from argan_hf.cpu_features import computes_bfloat16, fuses_convolutions, has_avx512
from argan_hf.fused_network import fused
from argan_hf.jpeg.file import read_jpeg
from argan_hf.plain_network import load_plain_network
from tests.conftest import jpeg_bytes

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(not fuses_convolutions(), reason="needs an x86 CPU")


def _config(**changes: object) -> ArganConfig:
    entries = {"block_type": "residual", "hidden_sizes": [8, 16], "depths": [1, 2], "condition_on_quantization": True}
    return ArganConfig(**{"num_channels": 3, "conditioning_size": 8} | entries | changes)


def _network(config: ArganConfig) -> nn.Module:
    """A network of which every weight matters."""
    torch.manual_seed(0)
    unet = ArganForImageRestoration(config).unet
    for parameter in unet.parameters():
        nn.init.normal_(parameter, std=0.05)
    return unet.requires_grad_(False).eval()


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"num_channels": 1},
        {"patch_size": 2},
        {"condition_on_quantization": False},
        {"hidden_sizes": [8], "depths": [2]},
        {"hidden_sizes": [8, 24, 40], "depths": [0, 1, 1]},
    ],
)
@pytest.mark.parametrize("size", [(8, 8), (40, 24)])
@torch.inference_mode()
def test_in_float32_it_gives_what_the_modules_give(changes: dict[str, object], size: tuple[int, int]) -> None:
    unet = _network(_config(**changes))
    planes = torch.rand(1, unet.num_channels, *size)
    tables = torch.randint(0, 60, (1, unet.num_channels, 8, 8))
    form = fused(unet, CPU, torch.float32)
    assert form is not None
    for quantization in (tables, None):
        before = planes.clone()
        expected = unet(planes, quantization)
        assert (expected - planes).abs().max() > 0.01
        assert torch.allclose(form(planes, quantization), expected, atol=1e-5)
        assert torch.equal(planes, before)


@pytest.mark.skipif(not computes_bfloat16(), reason="this CPU computes no bfloat16")
@torch.inference_mode()
def test_in_bfloat16_it_rounds_less_than_the_modules(photo: Image.Image) -> None:
    network = load_plain_network("argan-jpeg-color")
    assert network is not None
    file = read_jpeg(jpeg_bytes(photo, quality=20))
    planes, tables = file.planes[None, :, :144, :200] / 255.0, file.tables[None]
    exact = network.unet(planes, tables)
    with torch.autocast("cpu", torch.bfloat16):
        modules = network.unet(planes, tables)
    form = fused_network.FusedUNet(network.unet, torch.bfloat16)
    error, other = (255 * (found - exact).square().mean().sqrt() for found in (form(planes, tables), modules))
    assert 0.001 < error <= other


@torch.inference_mode()
def test_convolutions_of_winograd_give_the_same(monkeypatch: pytest.MonkeyPatch, photo: Image.Image) -> None:
    if not torch._nnpack_available():
        pytest.skip("this PyTorch has no NNPACK")
    network = load_plain_network("argan-jpeg-color")
    assert network is not None
    file = read_jpeg(jpeg_bytes(photo, quality=20))
    planes, tables = file.planes[None, :, :144, :200] / 255.0, file.tables[None]
    monkeypatch.setattr(fused_network, "has_avx512", lambda: False)
    form = fused_network.FusedUNet(network.unet, torch.float32)
    used = [stage for stage in (*form.encoder, *form.decoder) if stage.winograd]
    assert len(used) == 3  # two of 64 channels, one of 128
    expected = network.unet(planes, tables)
    assert torch.allclose(form(planes, tables), expected, atol=1e-3 / 255)
    # The smallest feature maps are left to the other convolutions.
    assert torch.allclose(form(planes[..., :8, :16], tables), network.unet(planes[..., :8, :16], tables), atol=1e-5)


@pytest.mark.parametrize("leaves_a_trace", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_weights_that_change_are_seen(dtype: torch.dtype, leaves_a_trace: bool) -> None:
    if dtype == torch.bfloat16 and not computes_bfloat16():
        pytest.skip("this CPU computes no bfloat16")
    unet = _network(_config())
    planes = torch.rand(1, 3, 16, 16)
    first = fused(unet, CPU, dtype)
    assert first is not None
    assert first is fused(unet, CPU, dtype)
    weight = unet.head.weight if leaves_a_trace else unet.head.weight.data
    weight.mul_(-3)
    second = fused(unet, CPU, dtype)
    assert second is not None
    with torch.inference_mode():
        assert torch.allclose(second(planes), unet(planes), atol=1e-5 if dtype == torch.float32 else 0.05)
    other = copy.deepcopy(unet)
    assert fused(other, CPU, torch.float32) is not second


def test_it_goes_with_its_network() -> None:
    gc.collect()
    before = len(fused_network._known)
    unet = _network(_config())
    fused(unet, CPU, torch.float32)
    assert len(fused_network._known) == before + 1
    del unet
    gc.collect()
    assert len(fused_network._known) == before


def test_other_networks_and_devices_have_no_such_form(plain_config: ArganConfig) -> None:
    assert fused(ArganForImageRestoration(plain_config).unet, CPU, torch.float32) is None
    assert fused(None, CPU, torch.float32) is None
    assert fused(_network(_config()), torch.device("cuda"), torch.float32) is None
    assert fused(_network(_config()), CPU, torch.float16) is None
    assert fused(_network(_config()).double(), CPU, torch.float32) is None
    assert fused(_network(_config(hidden_sizes=[1, 4])), CPU, torch.float32) is None


def test_bfloat16_without_instructions_for_it_is_left_to_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_network, "computes_bfloat16", lambda: False)
    assert fused(_network(_config()), CPU, torch.bfloat16) is None


@pytest.mark.parametrize("name", ["ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"])
def test_a_newer_cpu_can_stand_for_an_older_one(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    for other in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(other, raising=False)
    assert (computes_bfloat16(), has_avx512()) == (True, True)
    for limit, expected in (
        ("AVX2", (False, False)),
        ("avx512_core", (False, True)),
        ("AVX512_CORE_BF16", (True, True)),
        ("AVX512_CORE_AMX", (True, True)),
        ("ALL", (True, True)),
    ):
        monkeypatch.setenv(name, limit)
        assert (computes_bfloat16(), has_avx512()) == expected
