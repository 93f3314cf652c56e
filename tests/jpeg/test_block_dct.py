import pytest
import torch

from argan_hf.jpeg.block_dct import IntegerDct, cut, dct_basis, paste, strips
from argan_hf.jpeg.dct import forward_dct, forward_matrix, inverse_dct, inverse_matrix

CPU = torch.device("cpu")


def _as_in_dct(blocks: torch.Tensor) -> torch.Tensor:
    """(N, 8, 8) in the layout of `dct.py`, int32 (8, 8, N)."""
    return blocks.permute(1, 2, 0).contiguous().to(torch.int32)


def _extreme_blocks() -> torch.Tensor:
    """Blocks of black and white that make each coefficient as large, and as small, as it can be: (128, 8, 8)."""
    basis = dct_basis(torch.zeros(1, dtype=torch.float64))
    signs = torch.einsum("ui,vj->uvij", basis, basis).flatten(0, 1) > 0  # (64, 8, 8)
    return torch.cat((signs, ~signs)) * 255


def test_matrix_products_are_the_integer_dct_in_every_bit() -> None:
    samples = torch.cat((torch.randint(0, 256, (3000, 8, 8)), _extreme_blocks()))
    expected = forward_dct(_as_in_dct(samples) - 128)
    assert torch.equal(IntegerDct(CPU).encode(samples), expected.flatten(0, 1).T.double())


@pytest.mark.parametrize("largest", [3, 300, 2000])
def test_decoding_is_the_integer_dct_in_every_bit(largest: int) -> None:
    coefficients = torch.randint(-largest, largest + 1, (3000, 8, 8)) * (torch.rand(3000, 8, 8) < 0.3)
    expected = inverse_dct(_as_in_dct(coefficients))
    assert torch.equal(IntegerDct(CPU).decode(coefficients), expected.flatten(0, 1).T.double())


@pytest.mark.parametrize(("matrix", "largest"), [(forward_matrix(), 255), (inverse_matrix(), 65535 * 1024)])
def test_double_precision_holds_every_sum(matrix: torch.Tensor, largest: int) -> None:
    # Two passes over the largest inputs, in integers: no sum, however it is ordered, needs more than 53 bits.
    growth = int(matrix.abs().sum(1).max())
    once = growth * largest
    twice = growth * ((once >> 11) + 1)
    assert max(once, twice) + (1 << 18) < 1 << 53


def test_blocks_are_cut_in_order_and_copied() -> None:
    for size in ((8, 8), (8, 24), (29, 31)):
        plane = torch.rand(2, *size)
        before, blocks = plane.clone(), cut(plane)
        rows, columns = size[0] // 8, size[1] // 8
        assert blocks.shape == (2, rows * columns, 8, 8)
        assert torch.equal(blocks[1, columns - 1], plane[1, :8, columns * 8 - 8 : columns * 8])
        assert torch.equal(blocks[1, -columns], plane[1, rows * 8 - 8 : rows * 8, :8])
        blocks += 1
        assert torch.equal(plane, before)


def test_pasting_undoes_cutting_and_leaves_the_border() -> None:
    plane = torch.rand(29, 31)
    other = torch.zeros(29, 31)
    paste(cut(plane), other)
    assert torch.equal(other[:24, :24], plane[:24, :24])
    assert not other[24:].any()
    assert not other[:, 24:].any()


@pytest.mark.parametrize(("rows", "columns"), [(0, 5), (5, 0), (1, 1), (7, 100_000), (1000, 160)])
def test_strips_are_all_rows_one_after_the_other(rows: int, columns: int) -> None:
    found = [row for strip in strips(rows, columns, CPU) for row in range(strip.start, strip.stop)]
    assert found == (list(range(rows)) if columns else [])
    # Elsewhere than on a processor it is one strip.
    assert len(list(strips(rows, columns, torch.device("meta")))) == (rows * columns > 0)
