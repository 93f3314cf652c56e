"""Samples moved by one level, against the integers that the codec encodes blocks to."""

import pytest
import torch
from torch import Tensor

from argan_hf.jpeg import quantization_tables
from argan_hf.jpeg.block_dct import dct_basis
from argan_hf.jpeg.codec import encode_planes
from argan_hf.jpeg.coded_units import unit_kind
from argan_hf.jpeg.rounding import choose_moves
from tests.jpeg.samples import luma

KIND = unit_kind((1, 1), 8, 8, torch.device("cpu"))


def _blocks() -> Tensor:
    """Blocks of an example, float32 (N, 64), far enough from black and white."""
    plane = luma(1)[:200, :296] // 2 + 64
    return plane.unflatten(1, (37, 8)).unflatten(0, (25, 8)).transpose(1, 2).reshape(-1, 64).float()


def _encoded(samples: Tensor, table: Tensor) -> Tensor:
    """Integers that blocks (N, 64) encode to, int32 (N, 64)."""
    planes = samples.view(-1, 8, 8).to(torch.uint8)
    return encode_planes(planes, table)[..., 0, 0].permute(2, 0, 1).flatten(1)


def _middles(integers: Tensor, table: Tensor) -> Tensor:
    middles = integers * table.flatten().float()
    middles[:, 0] += 1024.0
    return middles


def _moves(
    samples: Tensor, goal: Tensor, table: Tensor, costs: Tensor | None = None, repeats: Tensor | None = None
) -> Tensor:
    costs = torch.ones(2, *samples.shape) if costs is None else costs.clone()
    steps = table.float().flatten()[None]
    return choose_moves(samples, _middles(goal, table), steps, costs, KIND, repeats)


def _wrong(samples: Tensor, goal: Tensor, table: Tensor) -> Tensor:
    return (_encoded(samples, table) != goal).any(1)


# Once, with a few steps; what holds pictures does it again.
@pytest.mark.parametrize(("quality", "most"), [(30, 0.02), (75, 0.02), (90, 0.15)])
def test_blocks_that_a_few_levels_threw_out_come_back(quality: int, most: float) -> None:
    table, original = quantization_tables(quality)[0], _blocks()
    goal = _encoded(original, table)
    samples = original + (torch.rand(original.shape) < 0.1) * (torch.randint(0, 2, original.shape) * 2 - 1)
    before = samples.clone()
    moves = _moves(samples, goal, table)
    wrong, still = _wrong(samples, goal, table), _wrong(samples + moves, goal, table)
    assert wrong.sum() > 50
    assert still.sum() <= most * wrong.sum()
    assert set(moves.unique().tolist()) == {-1.0, 0.0, 1.0}
    assert torch.equal(samples, before)
    # Few samples are needed. Of blocks that are far enough inside, none.
    assert (moves != 0.0).sum(1).max() <= 16
    inside = (samples @ KIND.to_luma - _middles(goal, table)).abs() < table.flatten() / 2 - 0.2
    assert not moves[inside.all(1)].any()


def test_samples_that_cannot_be_moved_stay() -> None:
    table, original = quantization_tables(60)[0], _blocks()
    goal = _encoded(original, table)
    samples = original + torch.randint(-1, 2, original.shape)
    costs = torch.where(torch.rand(2, *samples.shape) < 0.5, torch.inf, 1.0)
    moves = _moves(samples, goal, table, costs)
    assert ((moves == 1.0) & (costs[0] == 1.0)).any()
    assert not ((moves == 1.0) & (costs[0] == torch.inf)).any()
    assert not ((moves == -1.0) & (costs[1] == torch.inf)).any()
    assert not _moves(samples, goal, table, torch.full_like(costs, torch.inf)).any()
    # Goals that cannot be reached.
    impossible = _moves(samples, goal + 900, table)
    assert set(impossible.unique().tolist()) <= {-1.0, 0.0, 1.0}


def test_samples_that_cost_less_are_moved_more() -> None:
    table, original = quantization_tables(60)[0], _blocks()
    goal = _encoded(original, table)
    samples = original + torch.randint(-1, 2, original.shape)
    cheap = torch.rand(samples.shape) < 0.5
    costs = torch.where(cheap, 0.0, 20.0).expand(2, -1, -1)
    moved = _moves(samples, goal, table, costs) != 0.0
    assert (moved & cheap).sum() > 3 * (moved & ~cheap).sum()
    # Up is one cost, down another.
    up_only = torch.stack((torch.zeros_like(samples), torch.full_like(samples, 100.0)))
    moves = _moves(samples, goal, table, up_only)
    assert (moves == 1.0).sum() > 5 * (moves == -1.0).sum()


def test_what_becomes_of_a_block_does_not_depend_on_the_others() -> None:
    table, original = quantization_tables(70)[0], _blocks()
    goal = _encoded(original, table)
    samples = original + torch.randint(-1, 2, original.shape)
    together = _moves(samples, goal, table)
    some = torch.randperm(len(samples))[:200]
    assert torch.equal(_moves(samples[some], goal[some], table), together[some])
    assert _moves(samples[:0], goal[:0], table).shape == (0, 64)


def test_one_coefficient_is_led_back_by_the_sample_that_it_moves_with_most() -> None:
    # The wave (3, 5) is a little too large; its largest sample is moved against it.
    wave = torch.outer(dct_basis(torch.zeros(1))[3], dct_basis(torch.zeros(1))[5]).flatten()
    samples = (128.0 + 90.0 * wave).round()[None]
    offset = (samples @ KIND.to_luma)[0, 29]
    steps = torch.full((1, 64), 2000.0)
    steps[0, 29] = 2 * float(offset)
    middles = torch.zeros(1, 64)
    middles[0, 0] = 1024.0
    moves = choose_moves(samples, middles, steps, torch.ones(2, 1, 64), KIND)
    (moved,) = moves[0].nonzero()[:, 0].tolist()
    assert wave[moved].abs() == pytest.approx(float(wave.abs().max()))
    assert moves[0, moved] == -wave[moved].sign()


# A sample that is repeated dozens of times is moved once, in one direction: some blocks of four samples stay wrong.
@pytest.mark.parametrize(("height", "width", "most"), [(3, 8, 0.25), (8, 5, 0.25), (6, 7, 0.25), (2, 2, 0.7)])
def test_where_the_border_repeats_samples_all_of_them_are_moved(height: int, width: int, most: float) -> None:
    rows, columns = torch.arange(8).clamp(max=height - 1), torch.arange(8).clamp(max=width - 1)
    repeats = (rows[:, None] * 8 + columns).flatten()
    table, original = quantization_tables(75)[0], _blocks()[:, repeats]
    goal = _encoded(original, table)
    shift = (torch.rand(original.shape) < 0.1) * (torch.randint(0, 2, original.shape) * 2 - 1)
    samples = original + shift[:, repeats]
    moves = _moves(samples, goal, table, repeats=repeats)
    sources = torch.zeros(64, dtype=torch.bool)
    sources[repeats] = True
    assert not moves[:, ~sources].any()
    wrong, still = _wrong(samples, goal, table), _wrong(samples + moves[:, repeats], goal, table)
    assert wrong.sum() > 50
    assert still.sum() <= most * wrong.sum()
