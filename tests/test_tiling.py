import pytest
import torch
from torch.nn import functional as F

from argan_hf import ArganForImageRestoration
from argan_hf.tiling import receptive_margin, run_tiled, tiles


def test_the_margin_of_a_convolution_is_its_radius() -> None:
    weight = torch.ones(1, 1, 7, 7)
    assert receptive_margin(lambda x: F.conv2d(x, weight, padding=3), 1, 1) == 3
    assert receptive_margin(lambda x: F.conv2d(x, weight, padding=3), 1, 2) == 4


def test_the_margin_counts_the_longer_side_of_a_lopsided_network() -> None:
    weight = torch.ones(1, 1, 1, 1)
    assert receptive_margin(lambda x: F.conv2d(F.pad(x, (0, 0, 5, 0)), weight)[:, :, :-5], 1, 1) == 5
    assert receptive_margin(lambda x: F.conv2d(F.pad(x, (0, 0, 0, 5)), weight)[:, :, 5:], 1, 1) == 5


def test_the_margin_is_that_of_the_channel_that_sees_farthest() -> None:
    weight = torch.ones(1, 1, 9, 9)
    assert receptive_margin(lambda x: torch.cat((x[:, :1], F.conv2d(x[:, 1:], weight, padding=4)), 1), 2, 1) == 4


def test_a_network_that_sees_everything_is_refused() -> None:
    with pytest.raises(ValueError, match="whole picture"):
        receptive_margin(lambda x: x - x.mean(), 1, 16)


def test_tiles_cover_every_pixel_once() -> None:
    covered = torch.zeros(50, 33, dtype=torch.int32)
    for tile in tiles(50, 33, 16, 8, 8):
        covered[tile.rows, tile.columns] += 1
        assert tile.outer_rows.start <= tile.rows.start
        assert tile.outer_columns.stop >= tile.columns.stop
        outer = torch.arange(50 * 33).view(50, 33)[tile.outer_rows, tile.outer_columns]
        assert torch.equal(outer[tile.inside], torch.arange(50 * 33).view(50, 33)[tile.rows, tile.columns])
    assert (covered == 1).all()


@pytest.mark.parametrize("tile_size", [16, 32, 64])
def test_tiles_equal_the_whole(model: ArganForImageRestoration, tile_size: int) -> None:
    def network(planes: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return model(planes).reconstruction

    planes = torch.rand(model.config.num_channels, 93, 121)
    margin = receptive_margin(network, model.config.num_channels, model.config.size_divisor)
    tiled = run_tiled(network, planes, tile_size=tile_size, margin=margin, step=model.config.size_divisor)
    scale = tiled.abs().max()
    assert torch.allclose(tiled, network(planes[None])[0], atol=1e-5 * float(scale), rtol=0)


def test_less_margin_shows_seams(model: ArganForImageRestoration) -> None:
    def network(planes: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return model(planes).reconstruction

    planes = torch.rand(model.config.num_channels, 64, 64)
    tiled = run_tiled(network, planes, tile_size=32, margin=0, step=16)
    assert not torch.allclose(tiled, network(planes[None])[0], atol=1e-3)
