"""Our weights, opened by spandrel as by any program that imports it."""

from pathlib import Path

import pytest
import torch

from argan_hf import ArganConfig, ArganForImageRestoration
from argan_hf.checkpoint_files import CHECKPOINTS, weights_name
from argan_hf.plain_network import load_plain_network
from argan_hf.rgb_network import RgbNetwork
from tests.conftest import scramble

_CONFIGS = {
    "plain": {"hidden_sizes": (4, 8)},
    "residual": {"block_type": "residual", "hidden_sizes": (6, 8, 10), "depths": (1, 0, 2)},
    "patches": {
        **{"num_channels": 3, "block_type": "residual", "hidden_sizes": (8, 12), "depths": (2, 1), "patch_size": 2},
        **{"condition_on_quantization": True, "conditioning_size": 8},
    },
    "luma patches": {"block_type": "residual", "hidden_sizes": (8,), "depths": (1,), "patch_size": 4},
}


@pytest.mark.parametrize("name", _CONFIGS)
@torch.inference_mode()
def test_every_network_is_built_from_the_names_and_shapes_of_its_weights(name: str, tmp_path: Path) -> None:
    import spandrel

    import argan_hf.spandrel

    model = scramble(ArganForImageRestoration(ArganConfig(**_CONFIGS[name])))
    model.save_pretrained(tmp_path)
    opened = spandrel.ModelLoader().load_from_file(tmp_path / "model.safetensors")
    assert isinstance(opened.architecture, argan_hf.spandrel.ArganArch)
    assert (opened.scale, opened.input_channels, opened.output_channels) == (1, 3, 3)
    assert opened.size_requirements.multiple_of == model.config.size_divisor
    found, config = opened.model.config, model.config
    assert (*found.hidden_sizes, *found.depths) == (*config.hidden_sizes, *config.depths)
    for attribute in ("num_channels", "block_type", "patch_size", "condition_on_quantization"):
        assert getattr(found, attribute) == getattr(config, attribute), attribute
    ours = RgbNetwork(opened.model.config)
    ours.load_state_dict(model.state_dict())
    picture = torch.rand(1, 3, 48, 64)
    assert (opened(picture) - ours.eval()(picture)).abs().max() <= 1e-6
    # Sizes that are no multiples are padded, and cut.
    assert opened(torch.rand(1, 3, 37, 21)).shape == (1, 3, 37, 21)


@pytest.mark.parametrize(
    ("name", "variant"), [("argan-jpeg-color", None), ("argan-jpeg-color", "realism"), ("argan-jpeg-luma", None)]
)
@torch.inference_mode()
def test_the_weights_of_this_package(name: str, variant: str | None) -> None:
    import spandrel

    import argan_hf.spandrel  # noqa: F401

    opened = spandrel.ModelLoader().load_from_file(CHECKPOINTS / name / weights_name(variant))
    plain = load_plain_network(name, variant)
    assert plain is not None
    ours = RgbNetwork(plain.config)
    ours.load_state_dict(plain.state_dict())
    picture = torch.rand(1, 3, 64, 48)
    expected = ours.eval()(picture)
    assert (opened(picture) - expected).abs().max() < 1e-5
    halves = opened.half()(picture.half())
    assert halves.dtype == torch.float16
    assert (halves - expected).abs().max() * 255 < 0.5
    gray = torch.rand(1, 1, 16, 16).half().expand(1, 3, 16, 16)
    assert torch.equal(*opened(gray)[0, :2])


def test_no_other_architecture_is_taken_for_ours() -> None:
    import spandrel

    import argan_hf.spandrel

    plain = load_plain_network("argan-jpeg-color")
    assert plain is not None
    detected = [s.architecture.id for s in spandrel.MAIN_REGISTRY if s.detect(plain.state_dict())]
    assert detected == ["ARGAN"]
    assert not argan_hf.spandrel.ArganArch().detect({"unet.head.weight": torch.zeros(1)})
