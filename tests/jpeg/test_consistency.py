"""Planes held to a file, against what the codec that equals Pillow's makes of the picture that is written."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from argan_hf.jpeg import quantization_tables, rgb_to_ycbcr
from argan_hf.jpeg.coded_units import cut_units, groups
from argan_hf.jpeg.color import as_pixels
from argan_hf.jpeg.consistency import count_equal, hold_to_file
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.file_blocks import FileBlocks
from argan_hf.jpeg.unit_intervals import UnitIntervals
from tests.conftest import EXAMPLES
from tests.jpeg.samples import blocks_of, coefficients_of, counted, luma, seen_in

FACTORS = [(1, 1), (1, 2), (2, 2), (2, 1), (1, 4), (2, 4)]


def _colors(index: int, height: int = 75, width: int = 101) -> Tensor:
    """Y, Cb, Cr of a part of an example, uint8."""
    with Image.open(EXAMPLES[index]) as image:
        return rgb_to_ycbcr(image_to_tensor(image.convert("RGB"))[:, 60 : 60 + height, 80 : 80 + width])


def _tables(quality: int, planes: int = 3) -> Tensor:
    return quantization_tables(quality)[[0, 1, 1][:planes]]


def _noise(planes: Tensor, levels: float) -> Tensor:
    return planes + levels * torch.randn(planes.shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("quality", [10, 50, 75, 90, 95])
@pytest.mark.parametrize("factors", [None, *FACTORS])
def test_the_picture_that_is_written_encodes_to_the_file(factors: tuple[int, int] | None, quality: int) -> None:
    original = _colors(1)[: 1 if factors is None else 3]
    blocks = blocks_of(original, _tables(quality, len(original)), factors or (1, 1))
    invented = _noise(original, 6.0)
    held, *counts = hold_to_file(invented, blocks)
    again = blocks_of(seen_in(held), blocks.tables, blocks.factors)
    assert tuple(counts) == counted(again, blocks)
    least = 0.999 if quality <= 75 else 0.99 if quality == 90 else 0.9
    assert min(count.equal_blocks - least * count.blocks for count in counts) >= 0
    free = counted(blocks_of(seen_in(invented), blocks.tables, blocks.factors), blocks)
    assert free[0].equal_blocks < counts[0].equal_blocks


@settings(max_examples=25, deadline=None)
@given(
    factors=st.sampled_from([None, *FACTORS]),
    size=st.tuples(st.integers(1, 40), st.integers(1, 70)),
    step=st.sampled_from([1, 2, 7, 60, 900]),
    levels=st.sampled_from([0.0, 1.0, 9.0, 90.0]),
    seed=st.integers(0, 2**31 - 1),
)
def test_what_is_counted_is_what_an_encoder_gives(
    factors: tuple[int, int] | None, size: tuple[int, int], step: int, levels: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    planes = 1 if factors is None else 3
    # Blocks of one noise, planes of another: most cannot be held at all.
    tables = torch.randint(1, step + 1, (planes, 8, 8), generator=generator)
    original = torch.randint(0, 256, (planes, *size), generator=generator, dtype=torch.uint8)
    blocks = blocks_of(original, tables, factors or (1, 1))
    wanted = original + levels * torch.randn(original.shape, generator=generator)
    held, *counts = hold_to_file(wanted, blocks)
    expected = counted(blocks_of(seen_in(held), tables, blocks.factors), blocks)
    assert tuple(counts) == expected
    assert count_equal(held, blocks) == expected
    assert count_equal(wanted, blocks) == counted(blocks_of(seen_in(wanted), tables, blocks.factors), blocks)


@pytest.mark.parametrize("factors", FACTORS)
def test_parts_become_what_they_become_in_the_whole(factors: tuple[int, int]) -> None:
    original = _colors(2)
    blocks, wanted = blocks_of(original, _tables(60), factors), _noise(original, 9.0)
    whole, *counts = hold_to_file(wanted, blocks)
    result, totals = torch.empty_like(whole), None
    for rows in (slice(0, 32), slice(32, 75)):
        for columns in (slice(0, 32), slice(32, 64), slice(64, 101)):
            part, *found = hold_to_file(wanted[:, rows, columns], blocks.at(rows, columns))
            result[:, rows, columns] = part
            totals = found if totals is None else [one + other for one, other in zip(totals, found, strict=True)]
    # Sums in another order can round a sample the other way.
    assert ((result - whole).abs() > 1e-3).float().mean() < 1e-3
    assert totals is not None
    assert abs(totals[0].equal_blocks - counts[0].equal_blocks) <= 1
    assert [total.blocks for total in totals] == [count.blocks for count in counts]


@settings(max_examples=30, deadline=None)
@given(
    quality=st.integers(1, 100), factors=st.sampled_from(FACTORS), levels=st.floats(0.1, 60.0), seed=st.integers(0, 999)
)
def test_the_projection_never_moves_away_from_the_original(
    quality: int, factors: tuple[int, int], levels: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    original = torch.randint(0, 256, (3, 32, 64), generator=generator).float()
    blocks = blocks_of(original.to(torch.uint8), _tables(quality), factors)
    (group,) = groups(original, factors, together=99)
    truth = cut_units(original, group)
    units = truth + levels * torch.randn(truth.shape, generator=generator)
    before, intervals = (units - truth).norm(), UnitIntervals.of(blocks, group)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("argan_hf.jpeg.unit_intervals.MARGIN", 0.0)
        intervals.project(units)
    # An encoder rounds the means of chroma, and its integer DCT differs a little from the exact one.
    assert (units - truth).norm() <= before + 0.6 * truth.numel() ** 0.5 * (factors != (1, 1)) + 1.0
    assert (units - truth).norm() < before or levels < 8.0
    again = units.clone()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("argan_hf.jpeg.unit_intervals.MARGIN", 0.0)
        intervals.project(again)
    assert torch.allclose(again, units, atol=2e-2)


def test_what_is_well_inside_stays_as_it_is() -> None:
    original = _colors(0, 64, 96)
    blocks = blocks_of(original, _tables(10), (2, 2))
    quiet = original.float()
    held, *_ = hold_to_file(quiet, blocks)
    again, *counts = hold_to_file(held, blocks)
    assert torch.allclose(again, held, atol=1e-2)
    assert counts[0].equal_blocks == counts[0].blocks


@pytest.mark.parametrize("quality", [40, 100])
@pytest.mark.parametrize("size", [(64, 80), (43, 37)])
def test_what_has_no_color_gets_none(size: tuple[int, int], quality: int) -> None:
    gray = torch.full((3, *size), 128.0)
    gray[0] = torch.rand(size, generator=torch.Generator().manual_seed(1)) * 300 - 20
    blocks = blocks_of(gray.clamp(0, 255).to(torch.uint8), _tables(quality), (2, 2))
    # The file has chroma that is too small to be seen.
    chroma = torch.zeros_like(_of(blocks.chroma))
    chroma[:, ::2, :, 1, 0] = 1
    held, _, counts = hold_to_file(gray, FileBlocks(blocks.luma, chroma, torch.ones(3, 8, 8), (2, 2)))
    assert (held[1:] == 128.0).all()
    pixels = as_pixels(held)
    assert torch.equal(pixels[0], pixels[1])
    assert torch.equal(pixels[0], pixels[2])
    assert counts.equal_blocks == int((chroma == 0).flatten(3).all(3).sum())


def _of(chroma: Tensor | None) -> Tensor:
    assert chroma is not None
    return chroma


def test_blocks_that_are_not_held_stay_as_they_are() -> None:
    plane, table = luma(1), quantization_tables(20)[0]
    wanted = _noise(plane[None].float(), 9.0)
    held = (torch.arange(25)[:, None] + torch.arange(37)) % 3 == 0
    blocks = FileBlocks.of_luma(coefficients_of(plane, table), table)
    result, counts, _ = hold_to_file(wanted, blocks, held)
    inside = held.repeat_interleave(8, 0).repeat_interleave(8, 1)
    cut = (0, slice(25 * 8), slice(37 * 8))
    assert torch.equal(result[cut][~inside], wanted[cut][~inside])
    assert torch.equal(result[:, 200:], wanted[:, 200:])
    assert torch.equal(result[:, :, 296:], wanted[:, :, 296:])
    equal = (coefficients_of(seen_in(result)[0], table) == coefficients_of(plane, table)).flatten(2).all(2)
    assert (counts.blocks, counts.equal_blocks) == (int(held.sum()), int(equal[held].sum()))
    assert counts.equal_blocks == counts.blocks
    nothing, counts, _ = hold_to_file(wanted, blocks, torch.zeros_like(held))
    assert torch.equal(nothing, wanted)
    assert counts.blocks == 0


def test_luma_alone_is_held_in_a_color_picture() -> None:
    original = _colors(2)
    blocks = FileBlocks.of_luma(coefficients_of(original[0], _tables(75)[0]), _tables(75)[0])
    wanted = _noise(original, 5.0)
    held, counts, chroma = hold_to_file(wanted, blocks)
    again = coefficients_of(seen_in(held)[0], _tables(75)[0])
    assert counts.blocks == 9 * 12
    assert counts.equal_blocks == int((again == blocks.luma).flatten(2).all(2).sum()) >= 9 * 12 - 1
    assert chroma.blocks == 0


def test_colors_that_cannot_be_written_are_held_too() -> None:
    # Saturated, so that clipping moves luma and chroma: alternating projections find what can be written.
    original = _colors(4).float()
    strong = rgb_to_ycbcr(as_pixels(torch.cat((original[:1], 128 + 3 * (original[1:] - 128)))))
    blocks = blocks_of(strong, _tables(50), (2, 2))
    _, *counts = hold_to_file(_noise(strong, 4.0), blocks)
    assert min(count.equal_blocks / count.blocks for count in counts) > 0.98


def test_what_is_given_is_not_changed() -> None:
    original = _colors(0, 40, 44)
    blocks = blocks_of(original, _tables(90), (2, 2))
    floats = FileBlocks(blocks.luma.float(), _of(blocks.chroma).float(), blocks.tables, blocks.factors)
    wanted = _noise(original, 20.0)
    before = [tensor.clone() for tensor in (wanted, floats.luma, _of(floats.chroma), floats.tables)]
    held, *_ = hold_to_file(wanted, floats)
    count_equal(wanted, floats)
    after = (wanted, floats.luma, _of(floats.chroma), floats.tables)
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    assert not torch.equal(held, wanted)
