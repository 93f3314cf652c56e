"""Coded units against what an encoder pads and downsamples, with the codec that equals Pillow's."""

import pytest
import torch
from torch import Tensor

from argan_hf.jpeg.coded_units import Factors, cut_units, fold, groups, paste_units, repeat, unit_kind
from argan_hf.jpeg.resampling import repeat_border
from argan_hf.jpeg.unit_intervals import UnitIntervals
from argan_hf.jpeg.writing import seen_by_encoder
from tests.jpeg.samples import blocks_of, seen_in, small_chroma

FACTORS = [(1, 1), (1, 2), (2, 2), (2, 1), (1, 4), (2, 4)]
SIZES = [(1, 1), (8, 24), (40, 8), (7, 30), (16, 32), (17, 33), (48, 20), (34, 64), (43, 99), (60, 71)]
CPU = torch.device("cpu")

each_sampling = pytest.mark.parametrize("factors", FACTORS)
each_size = pytest.mark.parametrize("size", SIZES)


def _pixels_of(units: Tensor, factors: Factors, rows: int, columns: int) -> Tensor:
    """Units (C, N, f, 64) put together plainly, (C, rows * 8v, columns * 8h)."""
    v, h = factors
    result = torch.zeros(len(units), rows * 8 * v, columns * 8 * h)
    for number in range(rows * columns):
        top, left = number // columns * 8 * v, number % columns * 8 * h
        for block in range(v * h):
            down, right = top + block // h * 8, left + block % h * 8
            result[:, down : down + 8, right : right + 8] = units[:, number, block].view(-1, 8, 8)
    return result


@each_size
@each_sampling
def test_every_pixel_is_cut_once_and_pasted_where_it_was(factors: Factors, size: tuple[int, int]) -> None:
    planes = torch.rand(3, *size)
    pasted, visits = torch.zeros_like(planes), torch.zeros_like(planes)
    for group in groups(planes, factors, together=2):
        units = cut_units(planes, group)
        paste_units(units, pasted, group)
        before = visits.clone()
        paste_units(cut_units(visits, group) + 1, visits, group)
        assert (visits > before).any()
        # What is cut is a copy.
        units.zero_()
    assert torch.equal(pasted, planes)
    assert (visits == 1).all()


@each_size
@each_sampling
def test_units_hold_what_an_encoder_pads(factors: Factors, size: tuple[int, int]) -> None:
    # Noise: an encoder repeats whatever there is.
    planes = seen_in(torch.rand(3, *size) * 255)
    v, h = factors
    height, width = -(-size[0] // (8 * v)) * 8 * v, -(-size[1] // (8 * h)) * 8 * h
    luma = repeat_border(planes[:1], height, width)[0].float()
    small = small_chroma(planes[1:], factors)
    chroma = repeat_border(small, height // v, width // h).float()
    blocks = blocks_of(planes, torch.ones(3, 8, 8, dtype=torch.int64), factors)
    for group in groups(planes, factors, together=2):
        units, (rows, columns) = cut_units(planes, group), group.shape
        top, left = group.rows.start, group.columns.start
        part = luma[top * 8 * v : group.rows.stop * 8 * v, left * 8 * h : group.columns.stop * 8 * h]
        assert torch.equal(_pixels_of(units, factors, rows, columns)[0], part)
        stored = UnitIntervals.of(blocks, group).stored(units)
        part = chroma[:, top * 8 : group.rows.stop * 8, left * 8 : group.columns.stop * 8]
        assert torch.equal(_pixels_of(stored[:, :, None], (1, 1), rows, columns), part)


@each_sampling
def test_what_is_seen_of_padded_units_is_padded_again(factors: Factors) -> None:
    # At even heights chroma repeats two rows and luma one: colors beyond the border are those of no pixel.
    planes = torch.rand(3, 22, 43) * 400 - 70
    for group in groups(planes, factors, together=99):
        border, units = group.kind.border, cut_units(planes, group)
        expected = cut_units(seen_in(planes), group)
        seen = seen_by_encoder(units)
        assert torch.equal(seen if border is None else repeat(seen, border), expected)


@each_size
@each_sampling
def test_blocks_without_pixels_are_those_that_no_file_has(factors: Factors, size: tuple[int, int]) -> None:
    planes = torch.zeros(1, *size)
    count = 0
    for group in groups(planes, factors, together=4):
        blocks, border = group.shape[0] * group.shape[1], group.kind.border
        count += blocks * (factors[0] * factors[1] if border is None else int(border.exists.sum()))
    assert count == -(-size[0] // 8) * -(-size[1] // 8)


@each_sampling
def test_matrices_are_the_dct_and_its_inverses(factors: Factors) -> None:
    v, h = factors
    kind = unit_kind(factors, 8 * v, 8 * h, CPU)
    assert kind.border is None
    assert torch.allclose(kind.to_luma @ kind.to_luma.T, torch.eye(64), atol=1e-5)
    assert torch.allclose(kind.from_chroma, torch.linalg.pinv(kind.to_chroma.double()).float(), atol=1e-5)
    # The DCT of the means: of one that is a single cosine wave, one coefficient is left.
    frequency = torch.cos((2 * torch.arange(8) + 1) * 3 * torch.pi / 16) / 2
    wave = torch.outer(frequency, torch.full((8,), 8**-0.5)).repeat_interleave(v, 0).repeat_interleave(h, 1)
    units = cut_units(wave[None], next(groups(wave[None], factors, together=1)))
    expected = torch.zeros(64)
    expected[3 * 8] = 1.0
    assert torch.allclose(units.flatten() @ kind.to_chroma, expected, atol=1e-5)


@pytest.mark.parametrize("cut_off", [(8, 5), (3, 16), (13, 9), (1, 1), (10, 16)])
@each_sampling
def test_folding_is_the_orthogonal_projection_onto_what_is_repeated(factors: Factors, cut_off: tuple[int, int]) -> None:
    height, width = min(cut_off[0], 8 * factors[0]), min(cut_off[1], 8 * factors[1] - 1)
    border = unit_kind(factors, height, width, CPU).border
    assert border is not None
    units = torch.rand(3, 5, factors[0] * factors[1], 64) * 255
    folded = fold(units, border)
    # What is repeated already stays, folding gives such units, and what it takes away is orthogonal to all of them.
    repeated = repeat(torch.rand_like(units) * 255, border)
    assert torch.allclose(fold(repeated, border), repeated, atol=1e-3)
    assert torch.equal(repeat(repeated, border), repeated)
    assert torch.allclose(repeat(folded, border), folded, atol=1e-3)
    products = ((units - folded).double() * (repeated - folded).double()).flatten(2).sum(2)
    assert torch.allclose(products, torch.zeros_like(products), atol=2.0)  # of numbers of about 1e5


def test_folding_leaves_gray_without_color_exactly() -> None:
    for height in range(1, 16):
        border = unit_kind((2, 2), height, 11, CPU).border
        assert border is not None
        units = torch.full((3, 4, 4, 64), 128.0)
        units[0] = torch.rand(4, 4, 64) * 255
        assert (fold(units, border)[1:] == 128.0).all()


def test_strips_are_about_as_large_as_asked_for() -> None:
    planes = torch.zeros(1, 16 * 9 + 3, 16 * 7)
    shapes = [group.shape for group in groups(planes, (2, 2), together=21)]
    assert shapes == [(3, 7), (3, 7), (3, 7), (1, 7)]
    assert [group.shape for group in groups(planes, (2, 2), together=1)][:9] == [(1, 7)] * 9


def test_nothing_is_cut_of_a_picture_smaller_than_a_unit_but_its_border() -> None:
    (group,) = groups(torch.zeros(3, 5, 6), (2, 2), together=10)
    assert group.kind.border is not None
    assert group.shape == (1, 1)
