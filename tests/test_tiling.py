import pytest
import torch
from torch.nn import functional as F

from argan_hf import ArganForImageRestoration, JpegRestorer
from argan_hf.graphics import draw_graphic
from argan_hf.jpeg.file import read_jpeg
from argan_hf.plain_network import load_plain_network
from argan_hf.tiling import INFLUENCE, influence_margin, receptive_margin, run_tiled, tiles
from tests.conftest import jpeg_bytes


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
    tiled = run_tiled(network, planes, tiles(*planes.shape[1:], tile_size, margin, model.config.size_divisor))
    scale = tiled.abs().max()
    assert torch.allclose(tiled, network(planes[None])[0], atol=1e-5 * float(scale), rtol=0)


def test_less_margin_shows_seams(model: ArganForImageRestoration) -> None:
    def network(planes: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return model(planes).reconstruction

    planes = torch.rand(model.config.num_channels, 64, 64)
    tiled = run_tiled(network, planes, tiles(*planes.shape[1:], 32, 0, 16))
    assert not torch.allclose(tiled, network(planes[None])[0], atol=1e-3)


def test_tiles_are_few_and_as_large_as_each_other() -> None:
    cases = ((3000, 4000, 8), (1280, 1281, 2), (17, 5, 1), (100, 16000, 2), (300, 16000, 3), (16000, 300, 3))
    for height, width, count in cases:
        plan = tiles(height, width, 1280, 72, 16)
        assert len(plan) == count
        largest = plan[0]
        assert largest.rows.stop * largest.columns.stop <= 1280**2
        for sides in ([t.rows.stop - t.rows.start for t in plan], [t.columns.stop - t.columns.start for t in plan]):
            assert len(set(sides)) <= 2
        assert all(tile.rows.start % 16 == tile.columns.start % 16 == 0 for tile in plan)


def _fading(reach: int) -> torch.Tensor:
    """A kernel of 41 x 41 whose weights are too small to be seen beyond some samples from its middle."""
    away = (torch.arange(41) - 20).abs()
    far = torch.maximum(away[:, None], away)
    return torch.where(far <= reach, 0.01, 1e-12)[None, None]


@pytest.mark.parametrize("reach", [3, 8, 13])
def test_what_hardly_changes_a_result_needs_no_margin(reach: int) -> None:
    def network(planes: torch.Tensor) -> torch.Tensor:
        return F.conv2d(planes, _fading(reach), padding=20)

    limit = receptive_margin(network, 1, 4)
    assert limit == 20
    pictures = [torch.full((1, 48, 48), 0.5), torch.rand(1, 64, 40)]
    assert influence_margin(network, pictures, 4, limit) == -(-reach // 4) * 4


def test_influence_is_not_measured_on_pictures_that_are_too_small() -> None:
    assert influence_margin(lambda planes: planes, [torch.rand(1, 39, 90)], 4, 20) is None
    assert influence_margin(lambda planes: planes, [torch.rand(1, 40, 90)], 4, 20) == 0


@pytest.mark.parametrize("kind", ["text", "comic", "map", "gradient"])
@pytest.mark.parametrize("quality", [10, 75])
def test_the_margin_of_the_default_network_is_enough(kind: str, quality: int) -> None:
    file = read_jpeg(jpeg_bytes(draw_graphic(kind, 3, 320), quality=quality))
    network = load_plain_network("argan-jpeg-color")
    assert network is not None
    tiled, exact = (
        JpegRestorer(network, "cpu", tile_size=160, dtype=torch.float32, exact_tiles=is_exact)
        for is_exact in (False, True)
    )
    assert tiled.margin < exact.margin
    planes = [restorer.restore_planes(file.planes, file.tables) for restorer in (tiled, exact)]
    change = (planes[0] - planes[1]).abs()
    assert change.max() <= INFLUENCE
    # A sample that is rounded differently lies between two gray levels.
    moved = planes[0].round() != planes[1].round()
    assert moved.float().mean() < 1e-4
    assert bool(((planes[1][moved] % 1 - 0.5).abs() <= INFLUENCE).all())
