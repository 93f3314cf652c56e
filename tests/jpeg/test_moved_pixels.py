"""Pixels of coded units that are moved: which, by how much, and that it helps."""

import pytest
import torch
from torch import Tensor

from argan_hf.jpeg import quantization_tables
from argan_hf.jpeg.coded_units import Factors, cut_units, groups, repeat
from argan_hf.jpeg.moved_pixels import move_chroma, move_luma
from argan_hf.jpeg.unit_intervals import UnitIntervals
from argan_hf.jpeg.writing import seen_by_encoder
from tests.jpeg.samples import blocks_of, luma, seen_in

FACTORS = [(1, 1), (1, 2), (2, 2), (2, 1), (1, 4), (2, 4)]


def _planes() -> Tensor:
    """Real luma, and chroma that all colors of it can be written with, floats that are no integers."""
    planes = torch.stack((luma(1) // 2 + 64, luma(0) // 8 + 112, luma(2) // 8 + 112))
    return planes[:, :123, :171] + 0.8 * (torch.rand(3, 123, 171) - 0.5)


def _perturbed(units: Tensor, intervals: UnitIntervals, plane: slice) -> Tensor:
    """Units with some samples a level off."""
    some = (torch.rand_like(units[plane]) < 0.08) * (torch.randint(0, 2, units[plane].shape) * 2.0 - 1)
    units[plane] += some
    return units if intervals.kind.border is None else repeat(units, intervals.kind.border)


@pytest.mark.parametrize("factors", FACTORS)
def test_luma_is_moved_in_blocks_that_are_wrong_and_nothing_else(factors: Factors) -> None:
    planes = _planes()
    blocks = blocks_of(seen_in(planes), quantization_tables(80)[[0, 1, 1]], factors)
    before = after = 0
    for group in groups(planes, factors, together=999):
        intervals = UnitIntervals.of(blocks, group)
        units = _perturbed(cut_units(planes, group), intervals, slice(0, 1))
        seen, given = seen_by_encoder(units), units.clone()
        wrong, chroma = intervals.wrong(seen)
        move_luma(units, intervals, seen, wrong)
        # Blocks that no file has repeat what is moved.
        right = ~wrong if group.kind.border is None else ~wrong & group.kind.border.exists
        assert torch.equal(units[:, right], given[:, right])
        changed = (units != given).any(0)
        # They are at whole numbers, a level from where they were seen.
        assert torch.equal(units[1:, changed], seen[1:, changed])
        assert torch.equal((units - seen)[0, changed].abs(), torch.ones(int(changed.sum())))
        now, colors = intervals.wrong(seen_by_encoder(units))
        assert torch.equal(colors, chroma)
        before, after = before + int(wrong.sum()), after + int(now.sum())
    assert before > 60
    assert after <= 0.08 * before


@pytest.mark.parametrize("factors", FACTORS)
def test_chroma_is_moved_in_units_that_are_wrong_and_nothing_else(factors: Factors) -> None:
    planes = _planes()
    blocks = blocks_of(seen_in(planes), quantization_tables(92)[[0, 1, 1]], factors)
    before = after = 0
    for group in groups(planes, factors, together=999):
        intervals = UnitIntervals.of(blocks, group)
        assert intervals.chroma is not None
        units = _perturbed(cut_units(planes, group), intervals, slice(1, 3))
        # Means are off where whole groups of pixels are.
        units[1:, ::2] += (torch.rand(2, *units[0, ::2].shape[:1], 1, 1) - 0.5) * 0.6
        seen, given = seen_by_encoder(units), units.clone()
        _, wrong = intervals.wrong(seen)
        index = wrong.any(0).nonzero()[:, 0]
        if not len(index):
            continue
        part = units[:, index]
        move_chroma(part, intervals.at(index), seen[:, index], wrong[:, index])
        units[:, index] = part
        changed = (units != given).any(0)
        # Luma is where it was seen. A level more or less in chroma, and not of planes that are right.
        assert torch.equal(units[0, changed], seen[0, changed])
        assert (units - seen)[1:, changed].abs().max() <= 1.0
        for plane in (1, 2):
            alone = changed & ~wrong[plane - 1, :, None, None]
            assert torch.equal(units[plane, alone], seen[plane, alone])
        _, now = intervals.wrong(seen_by_encoder(units))
        if group.kind.border is None:
            before, after = before + int(wrong.sum()), after + int(now.sum())
    assert before > 10
    assert after <= 0.3 * before  # Once; what holds pictures does it again.


def test_colors_that_cannot_be_written_are_not_made() -> None:
    # Saturated colors: a level of one plane leads out of what RGB holds, or changes another plane.
    planes = torch.rand(3, 64, 64) * 255
    blocks = blocks_of(seen_in(planes), torch.full((3, 8, 8), 6), (2, 2))
    (group,) = groups(planes, (2, 2), together=99)
    intervals, units = UnitIntervals.of(blocks, group), cut_units(planes, group)
    units[0] += torch.randint(-1, 2, units[0].shape)
    seen, given = seen_by_encoder(units), units.clone()
    wrong, _ = intervals.wrong(seen)
    move_luma(units, intervals, seen, wrong)
    changed = (units != given).any(0)
    assert changed.any()
    assert torch.equal(seen_by_encoder(units)[0, changed], units[0, changed])
