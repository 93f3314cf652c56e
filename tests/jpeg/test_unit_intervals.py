"""Intervals of coefficients: what lies in them encodes to the file, and the way into them is the shortest."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from argan_hf.jpeg import quantization_tables, unit_intervals
from argan_hf.jpeg.block_dct import dct_basis
from argan_hf.jpeg.coded_units import Factors, Group, cut_units, groups
from argan_hf.jpeg.file_blocks import FileBlocks
from argan_hf.jpeg.unit_intervals import MARGIN, UnitIntervals
from tests.jpeg.samples import blocks_of, counted, luma

ALL_FACTORS = [(1, 1), (1, 2), (2, 2), (2, 1), (1, 4), (2, 4)]

each_sampling = pytest.mark.parametrize("factors", ALL_FACTORS)


@pytest.fixture
def _whole_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a margin, an original lies in its intervals."""
    monkeypatch.setattr(unit_intervals, "MARGIN", 0.0)
    monkeypatch.setattr(unit_intervals, "_LEAST_SHARE", 1.0)


def _original(factors: Factors, size: tuple[int, int] = (43, 75)) -> Tensor:
    """Luma of an example, and noise as chroma, of which all pixels of a stored sample are equal: no mean is rounded."""
    v, h = factors
    small = torch.randint(60, 200, (2, -(-size[0] // v), -(-size[1] // h)))
    chroma = small.repeat_interleave(v, 1).repeat_interleave(h, 2)[:, : size[0], : size[1]]
    return torch.cat((luma(1)[None, : size[0], : size[1]], chroma.to(torch.uint8)))


def _each_group(planes: Tensor, blocks: FileBlocks) -> list[tuple[Group, UnitIntervals]]:
    return [(group, UnitIntervals.of(blocks, group)) for group in groups(planes, blocks.factors, together=99)]


@pytest.mark.usefixtures("_whole_intervals")
@pytest.mark.parametrize("quality", [5, 40, 90])
@each_sampling
def test_the_way_into_the_intervals_never_leads_away_from_the_original(factors: Factors, quality: int) -> None:
    original = _original(factors)
    tables = quantization_tables(quality)[[0, 1, 1]]
    for group, intervals in _each_group(original, blocks_of(original, tables, factors)):
        for strength in (0.5, 10.0, 100.0):
            true = cut_units(original, group)
            free = true + strength * torch.randn(true.shape)
            held = free.clone()
            intervals.project(held)
            assert strength < 100.0 or not torch.equal(held, free)
            # Seen from the nearest point, all points of a convex set lie behind what leads to it: for every unit and
            # plane. The integer DCT of the encoder puts an original beyond its exact interval by a sixteenth.
            ahead, way = ((free - held) * (true - held)).flatten(2).sum(2), (free - held).flatten(2).norm(dim=2)
            assert (ahead <= 0.4 * way + 0.01).all()
            before, after = (((units - true) ** 2).flatten(2).sum(2) for units in (free, held))
            assert (after <= before + 0.1).all()


@pytest.mark.usefixtures("_whole_intervals")
@each_sampling
def test_what_is_inside_is_left_alone(factors: Factors) -> None:
    original = _original(factors)
    for group, intervals in _each_group(original, blocks_of(original, quantization_tables(10)[[0, 1, 1]], factors)):
        units = cut_units(original, group)
        intervals.project(units)
        assert torch.allclose(units, cut_units(original, group), atol=0.05)


@pytest.mark.parametrize("quality", [10, 50, 95])
@each_sampling
def test_what_is_projected_is_inside_by_the_margin_and_stays(factors: Factors, quality: int) -> None:
    original, tables = _original(factors), quantization_tables(quality)[[0, 1, 1]]
    basis = dct_basis(torch.zeros(1))
    steps = tables.float()
    # Where steps are short, the margin leaves three tenths of them.
    half = torch.maximum(steps / 2 - MARGIN, 0.15 * steps) + 0.01
    for group, intervals in _each_group(original, blocks_of(original, tables, factors)):
        units = cut_units(original, group) + 20 * torch.randn(3, 1, 1, 64)
        intervals.project(units)
        again = units.clone()
        intervals.project(again)
        assert torch.allclose(again, units, atol=2e-3)
        if group.kind.border is not None:
            continue
        found = basis @ units[0].view(-1, 8, 8) @ basis.T - intervals.luma.view(-1, 8, 8)
        assert (found.abs() <= half[0]).all()
        assert intervals.chroma is not None
        for plane, middles, reach in zip(units[1:], intervals.chroma, half[1:], strict=True):
            means = (plane.flatten(1) @ group.kind.sums / (factors[0] * factors[1])).view(-1, 8, 8)
            assert ((basis @ means @ basis.T - middles.view(-1, 8, 8)).abs() <= reach).all()


def test_luma_that_no_file_holds_is_left_alone() -> None:
    planes = torch.rand(3, 8, 24) * 255
    blocks = blocks_of(planes.to(torch.uint8), torch.full((3, 8, 8), 99), (2, 2))
    _, (group, intervals) = (_each_group(planes, blocks) * 2)[:2]
    units = cut_units(planes, group) + 50 * torch.randn(3, 1, 4, 64)
    before = units.clone()
    intervals.project(units)
    assert torch.equal(units[0, :, 2:], before[0, :, 2:])
    assert not torch.equal(units[0, :, :2], before[0, :, :2])


@settings(max_examples=30, deadline=None)
@given(step=st.integers(1, 12), spread=st.integers(1, 255), seed=st.integers(0, 2**31 - 1))
def test_what_is_wrong_is_what_the_codec_encodes_to_other_integers(step: int, spread: int, seed: int) -> None:
    # Small steps and flat blocks: many coefficients lie exactly between two multiples of their step.
    random = torch.Generator().manual_seed(seed)
    flat = torch.randint(0, 256, (1, 6, 9), generator=random, dtype=torch.uint8)
    plane = flat.repeat_interleave(8, 1).repeat_interleave(8, 2)
    plane[:, 24:] = torch.randint(0, spread + 1, (24, 72), generator=random, dtype=torch.uint8)
    table = torch.full((1, 8, 8), step)
    truth = blocks_of(plane, table)
    moved = torch.randint(-9, 10, truth.luma.shape, generator=random).div(9, rounding_mode="trunc")
    moved[:, ::2] = 0
    for goal in (truth, FileBlocks(truth.luma + moved.int(), None, table)):
        ((group, intervals),) = _each_group(plane, goal)
        seen = cut_units(plane, group)
        wrong = intervals.wrong(seen)
        assert torch.equal(wrong[0].flatten(), (truth.luma != goal.luma).flatten(2).any(2).flatten())
        assert intervals.count(seen, wrong) == counted(truth, goal)


def test_units_without_color_are_held_to_none() -> None:
    planes = torch.rand(3, 32, 64) * 255
    blocks = blocks_of(planes.to(torch.uint8), torch.full((3, 8, 8), 9), (2, 2))
    assert blocks.chroma is not None
    blocks.chroma[1, 1, 0] = 0
    planes[1:, :, :32] = 128.0
    ((group, intervals),) = _each_group(planes, blocks)
    units = cut_units(planes, group)
    found, other = intervals.without_color(units)
    assert other.tolist() == [[True, True, False, False] * 2, [True, True, False, False, False, True, False, False]]
    found.project(units)
    colorless = torch.tensor([True, True, False, False] * 2)
    assert (units[1:, colorless] == 128.0).all()
    assert (units[1:, ~colorless] != cut_units(planes, group)[1:, ~colorless]).any()
    assert found.chroma is not None
    assert intervals.chroma is not None
    assert torch.equal(found.chroma[:, ~colorless], intervals.chroma[:, ~colorless])
    assert torch.equal(found.luma, intervals.luma)
    # Color of any kind: the file decides.
    units[1:] = 128.0
    units[2, :, 0, 0] = 128.5
    kept, none = intervals.without_color(units)
    assert kept.chroma is not None
    assert torch.equal(kept.chroma, intervals.chroma)
    assert not none.any()


def test_some_of_the_units_have_their_own_intervals() -> None:
    planes = torch.rand(3, 16, 96) * 255
    blocks = blocks_of(planes.to(torch.uint8), torch.full((3, 8, 8), 20), (2, 2))
    ((group, intervals),) = _each_group(planes, blocks)
    noisy, some = cut_units(planes, group) + 20 * torch.randn(3, 6, 4, 64), torch.tensor([4, 0, 2])
    part, whole = noisy[:, some], noisy.clone()
    intervals.at(some).project(part)
    intervals.project(whole)
    assert torch.allclose(part, whole[:, some], atol=1e-3)
