"""Graphics beside photographs in training."""

import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor

from argan_hf.loading import load_model
from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.batches import BatchSource
from argan_hf.training.crop_draws import draw_crops
from argan_hf.training.dataset import PictureDecoder, load_stream
from argan_hf.training.degradation_settings import DegradationSettings
from argan_hf.training.graphics_stream import GraphicsStream
from argan_hf.training.reservoir import RefreshedReservoir, Reservoir
from argan_hf.training.starting import start_from
from argan_hf.training.stream import PictureStream

CPU = torch.device("cpu")


def _take(stream: GraphicsStream, count: int) -> list[Tensor]:
    return [next(stream) for _ in range(count)]


def test_the_stream_goes_on_where_it_was() -> None:
    stream = GraphicsStream(64, seed=3)
    pictures = _take(stream, 6)
    assert all(picture.shape == (3, 64, 64) and picture.dtype == torch.uint8 for picture in pictures)
    stream.seek(stream.position_before(2))
    assert all(torch.equal(one, other) for one, other in zip(pictures[2:], _take(stream, 4), strict=True))
    assert stream.count == 6
    stream.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("draw")]


def test_processes_draw_different_graphics_and_together_the_same_as_one() -> None:
    whole = _take(GraphicsStream(64, seed=0), 4)
    parts = [_take(GraphicsStream(64, seed=0, rank=rank, world_size=2), 2) for rank in (0, 1)]
    assert all(torch.equal(whole[2 * number + rank], parts[rank][number]) for rank in (0, 1) for number in (0, 1))


def test_crops_on_the_grid_start_there_however_they_are_turned() -> None:
    side, crop, margin = 256, 96, 24
    reservoir = Reservoir(1, side, CPU)
    # A picture whose samples say where they lie on the grid of 16x16.
    rows, columns = torch.arange(side)[:, None] % 16, torch.arange(side) % 16
    place = torch.stack((rows.expand(side, side), columns.expand(side, side), rows * 16 + columns))
    reservoir.insert(place.to(torch.uint8))
    draws = draw_crops(1, 200, torch.Generator().manual_seed(0), graphics_share=1.0, graphics_grid_share=0.5)[0]
    crops = reservoir.cut_graphics(draws, crop, margin)
    inside = crops[:, :2, margin:-margin, margin:-margin]
    corners = torch.stack([inside[:, :, 0, 0], inside[:, :, -1, -1]])  # (2, 200, 2)
    # At the edge of a block are its first or its last samples, by the way the crop is turned.
    at_edge = ((corners == 0) | (corners == 15)).all(2).all(0)
    assert bool(at_edge[draws.on_grid].all())
    assert float(at_edge[~draws.on_grid].float().mean()) < 0.1
    assert 60 < int(draws.on_grid.sum()) < 140


@pytest.mark.parametrize("crop_size", [48, 64, 96, 100, 128])
@pytest.mark.parametrize("min_scale", [0.5, 0.75, 0.9])
def test_a_canvas_has_as_much_before_as_behind(crop_size: int, min_scale: float) -> None:
    settings = DegradationSettings(earlier_share=0.5, resize_share=0.5, min_scale=min_scale)
    canvas_size, covered = settings.canvas_size(crop_size), crop_size + 16
    assert canvas_size >= covered / min_scale
    assert canvas_size - covered == 2 * settings.margin(crop_size)


def test_a_graphic_hardly_larger_than_the_crop_is_not_read_beyond_its_border() -> None:
    reservoir = Reservoir(1, 194, CPU)
    reservoir.insert(torch.full((3, 194, 194), 7, dtype=torch.uint8))
    draws = draw_crops(1, 60, torch.Generator().manual_seed(0), graphics_share=1.0, graphics_grid_share=1.0)[0]
    assert bool((reservoir.cut_graphics(draws, 192, 24) == 7).all())


@pytest.fixture
def source(picture_parquet: str) -> BatchSource:
    return _source(picture_parquet)


def _source(pattern: str, share: float = 0.3) -> BatchSource:
    settings = DegradationSettings(offset_share=0.2, earlier_share=0.2, resize_share=0.5)
    size = settings.canvas_size(48)
    stream = PictureStream(load_stream("parquet", data_files=[pattern]), PictureDecoder("image", 256, size))
    photographs = RefreshedReservoir(stream, Reservoir(1, 256, CPU), canvas_size=size, refresh_interval=1)
    graphics = RefreshedReservoir(
        GraphicsStream(128, seed=0), Reservoir(1, 256, CPU), canvas_size=size, refresh_interval=2
    )
    for pictures in (photographs, graphics):
        pictures.fill()
    return BatchSource(
        photographs,
        settings,
        crop_size=48,
        num_channels=3,
        seed=(0, 0),
        graphics=graphics,
        graphics_share=share,
        graphics_grid_share=0.5,
    )


def test_as_many_crops_are_graphics_as_asked() -> None:
    draws = draw_crops(400, 9, torch.Generator().manual_seed(0), graphics_share=0.15)
    assert draws.graphics.shape == (400, 2)
    assert float(draws.is_graphic.sum(1).float().mean()) == pytest.approx(1.35, abs=0.07)
    # Every place in a batch gets them: what else depends on the place (subsampling) falls on all contents.
    chosen = draws.graphics[draws.is_graphic].bincount(minlength=9)
    assert int(chosen.min()) > 30


def test_a_run_without_graphics_draws_the_same_numbers_as_before() -> None:
    plain, mixed = (draw_crops(2, 4, torch.Generator().manual_seed(0), graphics_share=share) for share in (0.0, 0.5))
    assert torch.equal(plain.places, mixed.places)
    assert plain.graphics.shape == (2, 0)


def test_batches_with_graphics_go_on_exactly_after_a_restart(picture_parquet: str, source: BatchSource) -> None:
    for _ in range(3):
        source.next(6)
    state = source.state_dict()
    expected = source.next(6)
    again = _source(picture_parquet)
    again.load_state_dict(state)
    assert all(torch.equal(a, b) for a, b in zip(expected.tensors, again.next(6).tensors, strict=True))


def test_a_run_that_had_no_graphics_goes_on_with_them(picture_parquet: str, source: BatchSource) -> None:
    source.next(6)
    state = {name: value for name, value in source.state_dict().items() if name != "graphics"}
    later = _source(picture_parquet)
    later.load_state_dict(state)
    assert later.next(6).degraded.shape == (6, 3, 48, 48)


def test_captions_are_the_same_in_every_pass(picture_parquet: str) -> None:
    record = next(iter(load_stream("parquet", data_files=[picture_parquet])))
    plain, first, again = (
        PictureDecoder("image", 256, 48, caption_share=share)(record).windows for share in (0.0, 1.0, 1.0)
    )
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert all(not torch.equal(one, other) for one, other in zip(first, plain, strict=True))


def test_a_grown_network_starts_as_the_one_it_comes_from() -> None:
    args = ArganTrainingArguments(model_name_or_path="argan-jpeg-color", model='{"depths": [3, 4, 5, 6]}')
    grown = start_from("argan-jpeg-color", args.model_config).eval()
    known = load_model("argan-jpeg-color").eval()
    planes = torch.rand(1, 3, 32, 48)
    assert torch.equal(grown(planes).reconstruction, known(planes).reconstruction)
    assert sum(p.numel() for p in grown.parameters()) > sum(p.numel() for p in known.parameters())


@pytest.mark.parametrize("fields", ['{"hidden_sizes": [8, 32, 64, 128]}', '{"depths": [1, 2, 2, 4]}'])
def test_a_network_that_cannot_hold_the_weights_is_refused(fields: str, tmp_path: Path) -> None:
    args = ArganTrainingArguments(model_name_or_path="argan-jpeg-color", model=fields, output_dir=str(tmp_path))
    with pytest.raises(ValueError, match="cannot start from argan-jpeg-color: its unet"):
        start_from("argan-jpeg-color", args.model_config)


@pytest.mark.parametrize("name", ["graphics_share", "graphics_grid_share", "caption_share"])
def test_shares_beyond_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must lie in 0\.\.1, found 1\.5"):
        ArganTrainingArguments(**{name: 1.5})
