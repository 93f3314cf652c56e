"""The smallest networks of every kind, exported once: what an export costs grows with the operations."""

from pathlib import Path

import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file

from argan_hf import ArganConfig, ArganForImageRestoration
from argan_hf.export import export_onnx
from tests.conftest import scramble


def tiny_checkpoint(folder: Path, *, is_plain: bool = False) -> Path:
    """A luma network that is blind, or one of three planes that is conditioned, with random weights."""
    config = (
        ArganConfig(hidden_sizes=(4, 4))
        if is_plain
        else ArganConfig(
            num_channels=3,
            block_type="residual",
            hidden_sizes=(4, 6),
            depths=(0, 1),
            patch_size=2,
            condition_on_quantization=True,
            conditioning_size=4,
        )
    )
    model = scramble(ArganForImageRestoration(config))
    with torch.no_grad():
        # Results like those of pictures: of larger numbers, 16 bits keep too little.
        model.unet.head.weight.mul_(0.05)
        model.unet.head.bias.fill_(0.5 if is_plain else 0.01)
    model.save_pretrained(folder)
    return folder


def with_realism(folder: Path) -> Path:
    """A checkpoint, which gets another variant: all weights of it are a little different."""
    generator = torch.Generator().manual_seed(1)
    weights = {
        name: tensor + 0.1 * torch.randn(tensor.shape, generator=generator) * tensor.abs().mean()
        for name, tensor in load_file(folder / "model.safetensors").items()
    }
    save_file(weights, folder / "model.realism.safetensors", {"format": "pt"})
    return folder


@pytest.fixture(scope="session")
def told_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of the kind "told", in the folder of its checkpoint, for tests that change neither."""
    folder = tiny_checkpoint(tmp_path_factory.mktemp("told") / "net")
    export_onnx(folder, folder / "model.onnx", kind="told")
    return folder / "model.onnx"


@pytest.fixture
def exported_before(told_file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The checkpoint of `told_file`; its next export of that kind takes no time, only the file is written again."""
    monkeypatch.setattr("argan_hf.export.onnx_export.build_graph", lambda *_: onnx.load(told_file))
    return told_file.parent
