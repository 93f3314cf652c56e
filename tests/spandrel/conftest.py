"""spandrel, and random networks of its architectures; all tests here are skipped without it."""

import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

# spandrel takes three functions from torchvision, for architectures that are not tested here. Where torchvision is
# missing, these stand in for it while spandrel is imported.
_STAND_INS = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")
_FUNCTIONS = ("InterpolationMode", "normalize", "rotate")


def _import_spandrel() -> None:
    if "spandrel" in sys.modules:
        return
    if find_spec("spandrel") is None:
        pytest.skip('needs spandrel: pip install "argan-hf[spandrel]"', allow_module_level=True)
    stand_ins = [] if find_spec("torchvision") else list(_STAND_INS)
    for name in stand_ins:
        sys.modules[name] = ModuleType(name)
    if stand_ins:
        vars(sys.modules[_STAND_INS[-1]]).update(dict.fromkeys(_FUNCTIONS))
    try:
        import spandrel  # noqa: F401
    finally:
        for name in stand_ins:
            del sys.modules[name]


@pytest.fixture(autouse=True)
def _spandrel(monkeypatch: pytest.MonkeyPatch) -> None:
    _import_spandrel()
    # Measured on shorter strips, which is enough for networks as small as these.
    monkeypatch.setattr("argan_hf.measured_margin.LARGEST_MARGIN", 64)


def _fbcnn(channels: int) -> nn.Module:
    from spandrel.architectures.FBCNN import FBCNN

    return FBCNN(in_nc=channels, out_nc=channels, nc=[8, 12, 16, 512], nb=2)


def _swinir(channels: int) -> nn.Module:
    from spandrel.architectures.SwinIR import SwinIR

    # As the published networks for JPEG: windows of 7x7.
    return SwinIR(
        **{"img_size": 126, "in_chans": channels, "embed_dim": 12, "depths": [2, 2], "num_heads": [2, 2]},
        **{"window_size": 7, "mlp_ratio": 2, "upsampler": "", "upscale": 1, "img_range": 255.0},
    )


def _scunet(channels: int) -> nn.Module:
    from spandrel.architectures.SCUNet import SCUNet

    return SCUNet(in_nc=channels, config=[1] * 7, dim=64)


def _drunet(channels: int) -> nn.Module:
    from spandrel.architectures.DRUNet import DRUNet

    return DRUNet(in_nc=channels + 1, out_nc=channels, nc=[8, 12, 16, 24], nb=2)


_NETWORKS = {"FBCNN": _fbcnn, "SwinIR": _swinir, "SCUNet": _scunet, "DRUNet": _drunet}


@pytest.fixture
def weights(tmp_path: Path) -> Callable[..., Path]:
    """Writes the weights of a random network of an architecture, gray or color, as a file."""

    def write(architecture: str, channels: int = 3, suffix: str = ".pth", **kwargs: Any) -> Path:
        import warnings

        torch.manual_seed(3)
        with warnings.catch_warnings(action="ignore"):
            network = _NETWORKS[architecture](channels, **kwargs)
        with torch.no_grad():
            for weight in network.parameters():
                # Random weights look hardly farther than a pixel; those of trained networks do.
                weight.mul_(1.5 if weight.ndim == 4 and architecture in ("FBCNN", "DRUNet") else 1.0)
        path = tmp_path / f"{architecture}-{channels}{suffix}"
        if suffix == ".safetensors":
            from safetensors.torch import save_file

            save_file({name: weight.contiguous() for name, weight in network.state_dict().items()}, path)
        else:
            torch.save({"params": network.state_dict()}, path)
        return path

    return write
