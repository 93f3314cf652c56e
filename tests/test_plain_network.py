"""Networks loaded without transformers: the same as with it, or none."""

import json
import pickle
from pathlib import Path

import pytest
import torch

from argan_hf import ArganForImageRestoration, JpegRestorer
from argan_hf.checkpoint_files import CHECKPOINTS
from argan_hf.defaults import REALISM_VARIANT
from argan_hf.loading import load_model
from argan_hf.plain_network import PlainNetwork, load_plain_network
from tests.test_loading import _DAMAGES


@pytest.mark.parametrize(
    ("name", "variant"),
    [("argan-jpeg-color", None), ("argan-jpeg-color", REALISM_VARIANT), ("argan-jpeg-luma", None)],
)
def test_shipped_networks_give_what_the_models_of_transformers_give(name: str, variant: str | None) -> None:
    plain, model = load_plain_network(name, variant), load_model(name, variant=variant).eval()
    assert plain is not None
    assert not plain.training
    assert plain.state_dict().keys() == model.state_dict().keys()
    planes = torch.rand(1, model.config.num_channels, 40, 57)
    tables = torch.randint(1, 90, (1, model.config.num_channels, 8, 8))
    with torch.inference_mode():
        for quantization in (tables, None):
            given = plain(planes, quantization=quantization).reconstruction
            assert torch.equal(given, model(planes, quantization=quantization).reconstruction)
    assert all(
        getattr(plain.config, entry) == getattr(model.config, entry)
        for entry in ("num_channels", "size_divisor", "condition_on_quantization", "block_type", "tile_margin")
    )


def test_saved_models_are_loaded_plain(model: ArganForImageRestoration, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    plain = load_plain_network(tmp_path)
    assert plain is not None
    planes = torch.rand(1, model.config.num_channels, 17, 23)
    with torch.inference_mode():
        assert torch.equal(plain(planes).reconstruction, model.eval()(planes).reconstruction)


@pytest.mark.parametrize("damage", _DAMAGES)
def test_what_is_damaged_is_left_to_those_who_say_so(damage: str, checkpoint: Path) -> None:
    assert load_plain_network(checkpoint) is not None
    _DAMAGES[damage][0](checkpoint)
    assert load_plain_network(checkpoint) is None
    assert not (checkpoint / "it ran").exists()


@pytest.mark.parametrize(
    "entry",
    [{"attention": True}, {"num_channels": True}, {"tile_margin": -8}, {"tile_margin": 10**9}, {"patch_size": 1.5}],
)
def test_unknown_entries_are_left_to_transformers(entry: dict[str, object], checkpoint: Path) -> None:
    path = checkpoint / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | entry))
    assert load_plain_network(checkpoint) is None


def test_other_networks_are_left_to_transformers() -> None:
    assert all(load_plain_network(name) is None for name in ("ar-cnn-q10", "d3-q10", "someone/on-the-hub", ""))


def test_planes_that_do_not_fit_are_refused() -> None:
    plain = load_plain_network(CHECKPOINTS / "argan-jpeg-color")
    assert isinstance(plain, PlainNetwork)
    with pytest.raises(ValueError, match="restores 3 plane"):
        plain(torch.rand(1, 2, 8, 8))


def test_restorers_have_it_and_can_be_sent_to_other_processes() -> None:
    restorer = JpegRestorer.from_pretrained(device="cpu")
    assert isinstance(restorer.model, PlainNetwork)
    again = pickle.loads(pickle.dumps(restorer))
    planes = torch.rand(3, 24, 24) * 255
    assert torch.equal(again.restore_planes(planes), restorer.restore_planes(planes))
    assert isinstance(again.model_at(0.5), PlainNetwork)
