import threading
from dataclasses import replace

import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf.training.crop_draws import draw_crops
from argan_hf.training.dataset import PictureDecoder, load_stream
from argan_hf.training.reservoir import RefreshedReservoir, Reservoir
from argan_hf.training.stopping import DataSetError
from argan_hf.training.stream import PictureStream

CPU = torch.device("cpu")


def _sample(reservoir: Reservoir, count: int, size: int) -> Tensor:
    return reservoir.cut(draw_crops(1, count, torch.Generator().manual_seed(0))[0], size)


def _source(pattern: str, size_mib: int = 1) -> RefreshedReservoir:
    stream = PictureStream(load_stream("parquet", data_files=[pattern]), PictureDecoder("image", 256, 64))
    reservoir = Reservoir(size_mib, 256, CPU)
    return RefreshedReservoir(stream, reservoir, canvas_size=64, refresh_interval=2)


def test_crops_are_parts_of_the_pictures() -> None:
    reservoir = Reservoir(1, 128, CPU)
    picture = torch.arange(100 * 90).view(1, 100, 90).expand(3, -1, -1) % 251
    reservoir.insert(picture.to(torch.uint8))
    crops = _sample(reservoir, 50, 32)
    assert crops.shape == (50, 3, 32, 32)
    windows = picture[0].to(torch.uint8).unfold(0, 32, 1).unfold(1, 32, 1).reshape(-1, 32, 32)
    turned = 0
    for crop in crops[:, 0]:
        variants = [v for t in (crop, crop.T) for v in (t, t.flip(0), t.flip(1), t.flip(0, 1))]
        matches = [bool((windows == variant).all(dim=(1, 2)).any()) for variant in variants]
        assert any(matches)
        turned += not matches[0]
    assert 30 < turned < 50


def test_every_window_and_every_turn_is_as_likely_as_the_others() -> None:
    reservoir = Reservoir(1, 128, CPU)
    picture = torch.arange(33 * 33).view(33, 33) % 251
    reservoir.insert(picture.to(torch.uint8).expand(3, -1, -1))
    crops = _sample(reservoir, 3200, 32)[:, 0]
    windows = picture.to(torch.uint8).unfold(0, 32, 1).unfold(1, 32, 1).reshape(-1, 32, 32)
    counts = []
    for window in windows:
        for straight in (window, window.T):
            for turned in (straight, straight.flip(0), straight.flip(1), straight.flip(0, 1)):
                counts.append(int((crops == turned).flatten(1).all(1).sum()))
    assert sum(counts) == 3200
    assert min(counts) > 60
    assert max(counts) < 145


def test_memory_is_counted_in_mib() -> None:
    assert Reservoir(3, 256, CPU).capacity == 16


def test_pictures_are_drawn_by_their_area() -> None:
    reservoir = Reservoir(1, 128, CPU)
    reservoir.insert(torch.zeros(3, 32, 32, dtype=torch.uint8))
    reservoir.insert(torch.ones(3, 96, 96, dtype=torch.uint8))
    crops = _sample(reservoir, 2000, 32)
    assert crops[:, 0, 0, 0].float().mean() == pytest.approx(0.9, abs=0.03)


def test_a_place_belongs_to_the_picture_on_whose_area_it_falls() -> None:
    reservoir = Reservoir(1, 128, CPU)
    for level in range(4):
        reservoir.insert(torch.full((3, 64, 64), level, dtype=torch.uint8))
    places = torch.zeros(8, 3, dtype=torch.int64)
    quarter = 1 << 24
    places[:, 0] = torch.tensor([edge + step for edge in range(0, 4 * quarter, quarter) for step in (0, quarter - 1)])
    crops = reservoir.cut(
        replace(draw_crops(1, 8, torch.Generator())[0], places=places, flips=torch.zeros(8, 3, dtype=torch.bool)), 32
    )
    assert crops[:, 0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("gib", [1, 80, 300])
def test_large_reservoirs_are_drawn_from_evenly(gib: int) -> None:
    """The arithmetic alone: so much memory is not at hand."""
    capacity = gib * 2**30 // (3 * 512**2)
    reservoir = Reservoir(1, 64, CPU)
    reservoir._sizes = torch.full((capacity, 2), 512)
    reservoir._ends = torch.cumsum(reservoir._sizes.prod(1), 0)
    slots = reservoir.slots(draw_crops(1, 20_000, torch.Generator().manual_seed(0))[0].places)
    quarters = torch.bincount(slots * 4 // capacity, minlength=4)
    assert quarters.tolist() == pytest.approx([5000] * 4, rel=0.06)


def test_a_full_reservoir_replaces_the_oldest() -> None:
    reservoir = Reservoir(1, 256, CPU)
    assert reservoir.capacity == 5
    for level in range(7):
        reservoir.insert(torch.full((3, 64, 64), level, dtype=torch.uint8))
    assert reservoir.full
    assert len(reservoir) == 5
    seen = _sample(reservoir, 500, 64).unique().tolist()
    assert seen == [2, 3, 4, 5, 6]


def test_what_cannot_work_is_refused() -> None:
    with pytest.raises(ValueError, match="holds no picture of 4096x4096"):
        Reservoir(1, 4096, CPU)


def test_a_full_reservoir_is_refreshed_at_set_draws(picture_parquet: str) -> None:
    source = _source(picture_parquet)
    ticks: list[int] = []
    source.fill(lambda: ticks.append(1))
    assert len(ticks) == source.reservoir.inserted == source.reservoir.capacity == 5
    for draws, inserted in ((1, 6), (2, 6), (3, 7), (4, 7), (5, 8)):
        assert _sample(source.next(), 4, 64).shape == (4, 3, 64, 64)
        assert source.reservoir.inserted == inserted, draws
    assert source.waited > 0
    source.waited = 100.0
    source.next()
    source.next()
    assert source.waited > 100
    source.stream.close()


def test_a_reservoir_that_holds_everything_stops_reading(picture_parquet: str) -> None:
    before = set(threading.enumerate())
    source = _source(picture_parquet, size_mib=20)
    source.fill()
    held = source.reservoir.inserted
    assert 20 <= held < source.reservoir.capacity
    for _ in range(5):
        source.next()
    assert source.reservoir.inserted == held
    resumed = _source(picture_parquet, size_mib=20)
    resumed.load_state_dict(source.state_dict())
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "reader"]


@pytest.mark.parametrize("size_mib", [1, 20])
@pytest.mark.parametrize("draws", [1, 8, 61])
def test_draws_go_on_exactly_after_a_restart(picture_parquet: str, size_mib: int, draws: int) -> None:
    whole = _source(picture_parquet, size_mib)
    whole.fill()
    for _ in range(draws):
        whole.next()
    state = whole.state_dict()
    expected = [_sample(whole.next(), 4, 64) for _ in range(20)]
    whole.stream.close()

    resumed = _source(picture_parquet, size_mib)
    ticks: list[int] = []
    resumed.load_state_dict(state, lambda: ticks.append(1))
    assert len(ticks) == len(whole.reservoir)
    assert all(torch.equal(_sample(resumed.next(), 4, 64), batch) for batch in expected)
    resumed.stream.close()


def test_more_room_after_a_restart_is_filled_and_refreshed(picture_parquet: str) -> None:
    small = _source(picture_parquet, size_mib=1)
    small.fill()
    for _ in range(9):
        small.next()
    state = small.state_dict()
    small.stream.close()
    large = _source(picture_parquet, size_mib=3)
    large.load_state_dict(state)
    assert large.reservoir.full
    assert large.reservoir.inserted == large.stream.count
    before = large.reservoir.inserted
    for _ in range(8):
        large.next()
    assert large.reservoir.inserted == before + 4
    large.stream.close()


def test_pictures_that_are_all_too_small_are_named(tmp_path, photo: Image.Image) -> None:  # type: ignore[no-untyped-def]
    photo.crop((0, 0, 40, 40)).save(tmp_path / "small.png")
    stream = PictureStream(load_stream(str(tmp_path)), PictureDecoder("image", 256, 64))
    source = RefreshedReservoir(stream, Reservoir(1, 256, CPU), canvas_size=64, refresh_interval=1)
    with pytest.raises(DataSetError, match="at least 64 pixels"):
        source.fill()
    # A run that is resumed can have another data set.
    state = {"draws": 3, "inserted": 2, "full": False, "stream": {"epoch": 0, "position": None, "count": 0}}
    with pytest.raises(DataSetError, match="at least 64 pixels"):
        source.load_state_dict(state)
