import torch
from torch import nn

from argan_hf import ArganConfig, ArganForImageRestoration
from argan_hf.tiling import receptive_margin
from argan_hf.training.tile_margin import tile_margin


def _model() -> ArganForImageRestoration:
    torch.manual_seed(0)
    config = ArganConfig(num_channels=3, block_type="residual", hidden_sizes=[4, 8], depths=[1, 2])
    model = ArganForImageRestoration(config).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.05)
    return model


def test_it_is_what_held_out_pictures_need() -> None:
    model = _model()
    limit = receptive_margin(lambda planes: model(planes).reconstruction, 3, 2)
    picture = torch.randint(0, 256, (3, 2 * limit, 2 * limit + 5), dtype=torch.uint8)
    margin = tile_margin(model, [picture[:, :10], picture])
    assert margin is not None
    assert 0 < margin < limit
    assert margin % 2 == 0
    # With larger weights, what is farther away counts.
    for parameter in model.parameters():
        parameter.data *= 4
    larger = tile_margin(model, [picture])
    assert larger is not None
    assert margin < larger <= limit


def test_it_is_unknown_without_a_picture_that_is_large_enough() -> None:
    assert tile_margin(_model(), [torch.zeros(3, 20, 300, dtype=torch.uint8)]) is None
    assert tile_margin(_model(), []) is None
