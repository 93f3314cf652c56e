from collections.abc import Callable

import pytest
import torch

from argan_hf.training.batch import Batch
from argan_hf.training.batches import BatchSource
from argan_hf.training.dataset import PictureDecoder, load_stream
from argan_hf.training.degradation_settings import DegradationSettings
from argan_hf.training.reservoir import RefreshedReservoir, Reservoir
from argan_hf.training.stream import PictureStream

SETTINGS = DegradationSettings(
    max_quality=90,
    gray_share=0.2,
    offset_share=0.3,
    earlier_share=0.3,
    resize_share=0.5,
    custom_table_share=0.3,
    unknown_table_share=0.2,
    clean_share=0.1,
)
CROP = 48


@pytest.fixture
def pictures(picture_parquet: str) -> RefreshedReservoir:
    return _pictures(picture_parquet)


def _pictures(pattern: str) -> RefreshedReservoir:
    size = SETTINGS.canvas_size(CROP)
    stream = PictureStream(load_stream("parquet", data_files=[pattern]), PictureDecoder("image", 256, size))
    reservoir = Reservoir(1, 256, torch.device("cpu"))
    return RefreshedReservoir(stream, reservoir, canvas_size=size, refresh_interval=1)


def _source(
    pictures: RefreshedReservoir, seed: tuple[int, int] = (0, 0), *, torch_compile: bool = False
) -> BatchSource:
    return BatchSource(pictures, SETTINGS, crop_size=CROP, num_channels=3, seed=seed, torch_compile=torch_compile)


def _equal(one: Batch, other: Batch) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.tensors, other.tensors, strict=True))


def test_a_batch_is_what_a_step_needs(pictures: RefreshedReservoir) -> None:
    pictures.fill()
    batch = _source(pictures).next(5)
    assert batch.degraded.shape == batch.original.shape == (5, 3, CROP, CROP)
    assert batch.degraded.dtype == batch.original.dtype == torch.float32
    assert 0.0 <= float(batch.degraded.min()) <= float(batch.degraded.max()) <= 1.0
    assert batch.quantization.shape == (5, 3, 8, 8)
    assert batch.offset.shape == (5, 2)
    pictures.stream.close()


@pytest.mark.parametrize("taken", [0, 3, 31, 40])
def test_batches_go_on_exactly_after_a_restart(picture_parquet: str, taken: int) -> None:
    first = _source(_pictures(picture_parquet))
    first._pictures.fill()
    for _ in range(taken):
        first.next(4)
    state = first.state_dict()
    expected = [first.next(4) for _ in range(5)]
    second = _source(_pictures(picture_parquet))
    second.load_state_dict(state)
    assert all(_equal(second.next(4), batch) for batch in expected)
    for source in (first, second):
        source._pictures.stream.close()


class _Ahead:
    """In place of the CUDA stream: makes a batch at once, ahead all the same."""

    def make(self, draw: Callable[[], Batch]) -> Batch:
        return draw()

    def hand_over(self, batch: Batch) -> None:
        pass


@pytest.mark.parametrize("taken", [0, 1, 5, 33])
def test_batches_that_are_made_ahead_are_the_same_and_resume_exactly(picture_parquet: str, taken: int) -> None:
    def source(*, ahead: bool) -> BatchSource:
        made = _source(_pictures(picture_parquet))
        made._aside = _Ahead() if ahead else None  # type: ignore[assignment]
        return made

    plain, first, second = source(ahead=False), source(ahead=True), source(ahead=True)
    for one in (plain, first):
        one._pictures.fill()
    assert all(_equal(plain.next(3), first.next(3)) for _ in range(taken))
    assert first.state_dict() == plain.state_dict()
    # A batch that was already made is forgotten.
    second._pictures.fill()
    second.next(3)
    second.load_state_dict(first.state_dict())
    assert all(_equal(plain.next(3), second.next(3)) for _ in range(4))
    for one in (plain, first, second):
        one._pictures.stream.close()


def test_no_two_batches_and_no_two_processes_are_alike(picture_parquet: str) -> None:
    found = []
    for seed in ((0, 0), (0, 1), (1, 0)):
        source = _source(_pictures(picture_parquet), seed)
        source._pictures.fill()
        # Two blocks of random numbers.
        found += [source.next(2) for _ in range(34)]
        source._pictures.stream.close()
    places = {tuple(batch.original.flatten()[:64].tolist()) + tuple(batch.offset.flatten().tolist()) for batch in found}
    assert len(places) == len(found)


def test_blocks_of_random_numbers_differ(pictures: RefreshedReservoir) -> None:
    source = _source(pictures)
    places = [source._random_numbers(number, 3)[0].places for number in (0, 31, 32, 64)]
    assert len({tuple(place.flatten().tolist()) for place in places}) == 4
    assert torch.equal(source._random_numbers(31, 3)[0].places, places[1])


def test_another_size_of_the_batch_can_be_asked_for_at_any_time(pictures: RefreshedReservoir) -> None:
    pictures.fill()
    source = _source(pictures)
    assert [len(source.next(size).original) for size in (2, 5, 5, 1)] == [2, 5, 5, 1]
    pictures.stream.close()
