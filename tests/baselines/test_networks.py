"""The compared networks obey the same contract as ours."""

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageToImage, PreTrainedModel

from argan_hf.baselines.ar_cnn import ArCnnConfig, ArCnnForImageRestoration
from argan_hf.baselines.d3 import D3Config, D3ForImageRestoration


@pytest.fixture(params=["ar_cnn", "d3"])
def network(request: pytest.FixtureRequest) -> PreTrainedModel:
    if request.param == "ar_cnn":
        return ArCnnForImageRestoration(ArCnnConfig(hidden_sizes=(6, 5, 4))).eval()
    return D3ForImageRestoration(D3Config(dictionary_size=80)).eval()


def test_the_published_sizes() -> None:
    ar_cnn = ArCnnForImageRestoration(ArCnnConfig())
    assert sum(p.numel() for p in ar_cnn.parameters() if p.ndim > 1) == 106_448
    d3 = D3ForImageRestoration(D3Config())
    assert sum(p.numel() for p in d3.parameters() if p.ndim == 4) == 4 * 64 * 256
    assert sum(p.numel() for p in d3.parameters() if p.ndim == 3) == 512


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 9), (16, 24)])
def test_any_size_is_restored_at_its_size(network: PreTrainedModel, height: int, width: int) -> None:
    planes, tables = torch.rand(2, 1, height, width), torch.full((2, 1, 8, 8), 16)
    assert network(planes, quantization=tables).reconstruction.shape == planes.shape


def test_save_and_load_give_equal_weights(network: PreTrainedModel, tmp_path: Path) -> None:
    network.save_pretrained(tmp_path)
    loaded = AutoModelForImageToImage.from_pretrained(tmp_path)
    assert type(loaded) is type(network)
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)


def test_every_parameter_gets_a_gradient(network: PreTrainedModel) -> None:
    planes, tables = torch.rand(2, 1, 16, 16), torch.full((2, 1, 8, 8), 200)
    network(planes, quantization=tables, labels=torch.rand_like(planes)).loss.backward()
    assert not [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]


def test_d3_without_thresholds_is_the_identity() -> None:
    network = D3ForImageRestoration(D3Config(initial_threshold=0.0))
    planes = torch.rand(1, 1, 19, 26)
    assert torch.allclose(network(planes).reconstruction, planes, atol=1e-5)


def test_d3_keeps_grid_patches_inside_the_interval() -> None:
    # Only patches on the grid are bound (slack 0 elsewhere), so a network that wants 0 stays half a step away at most.
    network = D3ForImageRestoration(D3Config(shifted_slack=0.0))
    with torch.no_grad():
        network.dct_stage.synthesis.weight.zero_()
        network.pixel_stage.threshold.zero_()
    planes = torch.rand(1, 1, 16, 16)
    tables = torch.full((1, 1, 8, 8), 10)
    bound = network(planes, quantization=tables).reconstruction
    free = network(planes).reconstruction
    assert torch.allclose(free, torch.full_like(planes, 0.5), atol=1e-5)
    assert (bound - planes).abs().max() < 8 * 0.5 * 10 / 255
    assert not torch.allclose(bound, planes, atol=1e-4)


def test_an_untrained_ar_cnn_is_the_identity() -> None:
    planes = torch.rand(1, 1, 21, 30)
    assert torch.allclose(ArCnnForImageRestoration(ArCnnConfig())(planes).reconstruction, planes, atol=1e-6)


def test_ar_cnn_repeats_the_border() -> None:
    network = ArCnnForImageRestoration(ArCnnConfig(hidden_sizes=(6, 5, 4)))
    flat = network(torch.full((1, 1, 12, 12), 0.3)).reconstruction
    assert torch.allclose(flat, flat[..., :1, :1].expand_as(flat), atol=1e-6)
