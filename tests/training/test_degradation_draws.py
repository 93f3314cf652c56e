import dataclasses
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from argan_hf.training.degradation_draws import DegradationDraws, draw_degradations, subsampling_groups
from argan_hf.training.degradation_settings import DegradationSettings

SETTINGS = DegradationSettings(
    share_420=0.5,
    share_422=0.2,
    gray_share=0.2,
    studio_swing_share=0.7,
    offset_share=0.1,
    earlier_share=0.15,
    resize_share=0.4,
    custom_table_share=0.3,
    unknown_table_share=0.3,
    clean_share=0.1,
)
BATCHES, SIZE = 4000, 9


def _draw(
    settings: DegradationSettings = SETTINGS, *, batches: int = BATCHES, size: int = SIZE, seed: int = 0
) -> DegradationDraws:
    generator = torch.Generator().manual_seed(seed)
    return draw_degradations(settings, generator, batches=batches, batch_size=size, num_channels=3)


def _taken(draws: DegradationDraws) -> dict[str, Tensor]:
    """Flags (N, B) of what crops go through."""
    compressed = torch.zeros_like(draws.gray).scatter_(1, draws.earlier, draws.compressed)
    resized = torch.zeros_like(draws.gray).scatter_(1, draws.earlier.gather(1, draws.resized), draws.zoomed)
    return {
        "earlier": compressed,
        "resized": resized,
        "moved": draws.offset.any(2),
        "gray": draws.gray,
        "clean": draws.clean,
        "4:2:0": draws.subsampling == 0,
        "4:2:2": draws.subsampling == 1,
    }


@pytest.mark.parametrize("size", [1, 3, 9, 64])
def test_shares_are_met_whatever_the_size_of_the_batch(size: int) -> None:
    taken = _taken(_draw(size=size, batches=36000 // size))
    # One offset in 256 is 0.
    expected = {"earlier": 0.15, "resized": 0.06, "moved": 0.0996, "gray": 0.2, "clean": 0.1}
    expected |= {"4:2:0": 0.5, "4:2:2": 0.2}
    found = {name: float(flags.float().mean()) for name, flags in taken.items()}
    assert found == pytest.approx(expected, abs=0.012)


def test_what_happens_to_a_crop_says_nothing_about_what_else_does() -> None:
    taken = _taken(_draw())
    shares = {name: float(flags.float().mean()) for name, flags in taken.items()}
    for one, other in (("earlier", "4:2:0"), ("resized", "4:2:2"), ("moved", "earlier"), ("moved", "4:2:0")):
        together = float((taken[one] & taken[other]).float().mean())
        assert together == pytest.approx(shares[one] * shares[other], abs=0.006)


def test_the_earlier_subsampling_does_not_depend_on_the_resizing() -> None:
    draws = _draw()
    taken = draws.compressed
    resized = torch.zeros_like(taken).scatter_(1, draws.resized, draws.zoomed)
    for index, share in ((0, 0.5), (1, 0.2), (2, 0.3)):
        for flags in (taken & resized, taken & ~resized):
            found = float((draws.earlier_subsampling == index)[flags].float().mean())
            assert found == pytest.approx(share, abs=0.04)


def test_only_what_was_compressed_before_is_resized() -> None:
    taken = _taken(_draw())
    assert taken["resized"].any()
    assert not (taken["resized"] & ~taken["earlier"]).any()


def test_every_crop_is_as_likely_as_the_others_to_be_compressed_before_or_moved() -> None:
    taken = _taken(_draw(batches=8000))
    for name, share in (("earlier", 0.15), ("moved", 0.0996)):
        assert taken[name].float().mean(0).tolist() == pytest.approx([share] * SIZE, abs=0.015)


def test_shapes_depend_on_nothing_that_is_drawn() -> None:
    def shapes(draws: DegradationDraws) -> list[torch.Size]:
        return [getattr(draws, field.name).shape for field in dataclasses.fields(draws)]

    batches = [_draw(seed=seed, batches=2)[index] for seed in range(3) for index in range(2)]
    assert all(shapes(batch) == shapes(batches[0]) for batch in batches)
    assert [len(batches[0].earlier), len(batches[0].resized), len(batches[0].moved)] == [2, 1, 1]
    spans = {subsampling_groups(batch.subsampling, SETTINGS).spans for batch in batches}
    assert spans == {((0, 5), (4, 7), (6, 9))}


@pytest.mark.parametrize("shares", [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.6, 0.1), (0.35, 0.3), (0.5, 0.5)])
@pytest.mark.parametrize("size", [1, 2, 7, 10, 30])
def test_every_crop_lies_in_the_span_of_its_subsampling(shares: tuple[float, float], size: int) -> None:
    settings = DegradationSettings(share_420=shares[0], share_422=shares[1])
    for index in range(20):
        subsampling = _draw(settings, batches=20, size=size)[index].subsampling
        groups = subsampling_groups(subsampling, settings)
        for crop, number in enumerate(subsampling.tolist()):
            start, stop = groups.spans[number]
            assert start <= crop < stop


@pytest.mark.parametrize("change", [lambda draws: draws[0], lambda draws: draws[0].to(torch.device("cpu"))])
def test_a_batch_is_a_row_of_the_block(change: Callable[[DegradationDraws], DegradationDraws]) -> None:
    block = _draw(batches=2)
    assert all(
        torch.equal(getattr(change(block), field.name), getattr(block, field.name)[0])
        for field in dataclasses.fields(block)
    )
