"""Which samples of a block are moved, against the codec."""

import torch
from torch import Tensor

from argan_hf.jpeg import quantization_tables
from argan_hf.jpeg.coded_units import UnitKind, unit_kind
from argan_hf.jpeg.rounding import choose_moves
from tests.jpeg.samples import coefficients_of, luma

TABLE = quantization_tables(85)[0]
STEPS = TABLE.float().flatten()[None]


def _kind(height: int = 8, width: int = 8) -> UnitKind:
    return unit_kind((1, 1), height, width, torch.device("cpu"))


def _blocks(plane: Tensor) -> Tensor:
    """Whole blocks of a plane, (N, 64)."""
    rows, columns = plane.shape[0] // 8, plane.shape[1] // 8
    whole = plane[: rows * 8, : columns * 8].view(rows, 8, columns, 8)
    return whole.transpose(1, 2).reshape(-1, 64).float()


def _plane(blocks: Tensor, columns: int) -> Tensor:
    whole = blocks.view(-1, columns, 8, 8).transpose(1, 2)
    return whole.reshape(-1, columns * 8).to(torch.uint8)


def _middles(quantized: Tensor) -> Tensor:
    middles = quantized.flatten(0, 1).flatten(1) * STEPS
    middles[:, 0] += 1024.0
    return middles


def _moved() -> tuple[Tensor, Tensor, Tensor]:
    """Blocks of a plane, the plane with noise of one level, and the middles of the intervals of the first."""
    plane = luma(0).clamp(1, 254)
    noise = torch.randint(-1, 2, plane.shape, generator=torch.Generator().manual_seed(3))
    return _blocks(plane), _blocks((plane + noise).to(torch.uint8)), _middles(coefficients_of(plane, TABLE))


def test_moved_blocks_encode_to_what_is_wanted() -> None:
    original, samples, middles = _moved()
    columns = luma(0).shape[1] // 8
    moves = choose_moves(samples, middles, STEPS, torch.ones(2, *samples.shape), _kind())
    assert set(moves.unique().tolist()) <= {-1.0, 0.0, 1.0}
    wanted = coefficients_of(_plane(original, columns), TABLE)
    before, after = (
        (coefficients_of(_plane(blocks, columns), TABLE) == wanted).flatten(2).all(2).float().mean()
        for blocks in (samples, samples + moves)
    )
    assert before < 0.5
    assert after > 0.6
    # Few samples suffice.
    assert (moves != 0).float().sum(1).mean() < 10


def test_blocks_that_are_right_stay() -> None:
    original, _, middles = _moved()
    # Of an encoder that rounds to these, far enough inside.
    inside = ((original @ _kind().to_luma - middles).abs() < STEPS / 2 - 0.2).all(1)
    moves = choose_moves(original[inside], middles[inside], STEPS, torch.ones(2, *original[inside].shape), _kind())
    assert inside.sum() > 50
    assert not moves.any()


def test_what_cannot_be_moved_is_not_and_what_is_cheap_is_preferred() -> None:
    _, samples, middles = _moved()
    costs = torch.ones(2, *samples.shape)
    costs[:, :, ::2] = torch.inf
    costs[0, :, 1::4] = torch.inf
    given = costs.clone()
    moves = choose_moves(samples, middles, STEPS, costs, _kind())
    assert not (moves[:, ::2] != 0).any()
    assert not (moves[:, 1::4] > 0).any()
    assert (moves != 0).any()
    cheap = torch.full(given.shape, 9.0)
    cheap[:, :, :32] = 1.0
    half = choose_moves(samples, middles, STEPS, cheap, _kind())
    assert (half[:, :32] != 0).sum() > 2 * (half[:, 32:] != 0).sum()


def test_samples_that_repeat_others_are_moved_with_them() -> None:
    border = _kind(8, 5).border
    assert border is not None
    repeats = border.luma_of_block[0]
    plane = luma(1).clamp(1, 254)
    original = _blocks(plane)[:, repeats]
    wanted = coefficients_of(_plane(original, plane.shape[1] // 8), TABLE)
    noise = torch.randint(-1, 2, original.shape, generator=torch.Generator().manual_seed(4))
    samples = (original + noise)[:, repeats]
    moves = choose_moves(samples, _middles(wanted), STEPS, torch.ones(2, *samples.shape), _kind(8, 5), repeats)
    # Only pixels of the picture are moved.
    assert not moves[:, repeats != torch.arange(64)].any()
    after = coefficients_of(_plane(samples + moves[:, repeats], plane.shape[1] // 8), TABLE)
    assert (after == wanted).flatten(2).all(2).float().mean() > 0.4
