"""Pictures cut into coded units (MCUs), the smallest parts whose pixels alone decide some blocks of a file.

A unit holds one block of each chroma plane and the luma blocks of the same pixels: at 4:2:0 these are 16x16 pixels and
f = 4 luma blocks. Its pixels are kept in the order of its luma blocks. So whatever is linear (the DCT, downsampling,
what an encoder repeats beyond the border) is one product of matrices for all units.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from .block_dct import dct_basis

Factors = tuple[int, int]
"""Rows and columns of pixels per sample of chroma, (v, h); a unit has f = v * h luma blocks."""


@dataclass(frozen=True)
class UnitKind:
    """What units of one kind have in common: those inside of a picture, or those that its border cuts alike.

    Attributes:
        factors: (v, h).
        to_luma: float32 (64, 64), samples of a luma block -> its orthonormal DCT; its transpose is the inverse.
        to_chroma: float32 (64 * f, 64), pixels -> the orthonormal DCT of the chroma that is stored, without rounding.
        from_chroma: float32 (64, 64 * f), its pseudo-inverse: a change of the DCT -> the smallest change of pixels.
        sums: float32 (64 * f, 64), pixels -> the sums of which an encoder rounds the means.
        bias: float32 (64,), what it adds to them.
        border: what it repeats; `None` inside of the picture.
    """

    factors: Factors
    to_luma: Tensor
    to_chroma: Tensor
    from_chroma: Tensor
    sums: Tensor
    bias: Tensor
    border: "Border | None"


@dataclass(frozen=True)
class Border:
    """What an encoder repeats in units that the border of a picture cuts.

    It repeats the last pixel of a row (`expand_right_edge`), and the last row: of luma, and of chroma after it was
    downsampled (`expand_bottom_edge`, as `pre_process_data` uses it).

    Attributes:
        luma, chroma: int64 (64 * f,), for every pixel of a unit the one of the picture that it repeats.
        luma_counts, chroma_counts: float32 (64 * f,), how many places of a unit repeat each pixel; at least 1.
        stored: int64 (64,), for every stored sample of chroma the one that it repeats, nearly.
        luma_of_block: int64 (f, 64), `luma` within each block: what a block of its own repeats.
        exists: bool (f,), which luma blocks hold pixels of the picture. A file has no others.
    """

    luma: Tensor
    chroma: Tensor
    luma_counts: Tensor
    chroma_counts: Tensor
    stored: Tensor
    luma_of_block: Tensor
    exists: Tensor


@dataclass(frozen=True)
class Group:
    """Units of one kind in a picture: `rows` and `columns` of units."""

    rows: slice
    columns: slice
    kind: UnitKind

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start


def groups(planes: Tensor, factors: Factors, *, together: int) -> Iterator[Group]:
    """The units of a picture: those inside, in strips, and then those that its right and lower borders cut.

    Args:
        planes: (C, H, W).
        factors: (v, h).
        together: about so many units make a strip.
    """
    (height, width), device, unit = planes.shape[1:], planes.device, (8 * factors[0], 8 * factors[1])
    whole = height // unit[0], width // unit[1]
    rest = height % unit[0], width % unit[1]
    inside = unit_kind(factors, *unit, device)
    step = max(together // max(whole[1], 1), 1)
    for top in range(0, whole[0] if whole[1] else 0, step):
        yield Group(slice(top, min(top + step, whole[0])), slice(0, whole[1]), inside)
    below, beside = slice(whole[0], whole[0] + 1), slice(whole[1], whole[1] + 1)
    if rest[1] and whole[0]:
        yield Group(slice(0, whole[0]), beside, unit_kind(factors, unit[0], rest[1], device))
    if rest[0] and whole[1]:
        yield Group(below, slice(0, whole[1]), unit_kind(factors, rest[0], unit[1], device))
    if rest[0] and rest[1]:
        yield Group(below, beside, unit_kind(factors, *rest, device))


def unit_kind(factors: Factors, height: int, width: int, device: torch.device) -> UnitKind:
    """Units of which a picture has `height` x `width` pixels; the encoder repeats the rest."""
    # Tensors of the inference mode could not be used outside of it, and these are kept.
    with torch.inference_mode(False):
        is_whole = (height, width) == (8 * factors[0], 8 * factors[1])
        return UnitKind(
            factors, *_matrices(factors, device), None if is_whole else _border(factors, height, width, device)
        )


def _numbers(factors: Factors) -> Tensor:
    """Where the pixels of a unit, row by row, lie in the order of blocks: int64 (8v, 8h)."""
    v, h = factors
    return torch.arange(64 * v * h).view(v, h, 8, 8).transpose(1, 2).reshape(8 * v, 8 * h)


@lru_cache(16)
def _matrices(factors: Factors, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """`to_luma`, `to_chroma`, `from_chroma`, `sums` and `bias` of a [`UnitKind`]."""
    (v, h), numbers = factors, _numbers(factors)
    f = v * h
    # 1. Which pixels make a stored sample, and the DCT of these.
    samples = torch.arange(8 * v)[:, None] // v * 8 + torch.arange(8 * h) // h  # (8v, 8h): pixel -> stored sample
    sums = torch.zeros(64 * f, 64, dtype=torch.float64)
    sums[numbers.flatten(), samples.flatten()] = 1.0
    basis = dct_basis(torch.zeros(1, dtype=torch.float64))
    dct = torch.kron(basis, basis).T  # (64, 64): sample, coefficient
    # 2. Halves are rounded up as often as down, where columns are halved (`h2v1_downsample`, `h2v2_downsample`).
    parity = torch.arange(64, dtype=torch.float64) % 2
    bias = parity + (f - 1) // 2 if h == 2 else torch.full((64,), float(f // 2), dtype=torch.float64)
    matrices = [m.float().contiguous().to(device) for m in (dct, sums @ dct / f, dct.T @ sums.T, sums, bias)]
    to_luma, to_chroma, from_chroma, sums, bias = matrices
    return to_luma, to_chroma, from_chroma, sums, bias


@lru_cache(64)
def _border(factors: Factors, height: int, width: int, device: torch.device) -> Border:
    (v, h), numbers = factors, _numbers(factors)
    f = v * h
    rows, columns = torch.arange(8 * v), torch.arange(8 * h).clamp(max=width - 1)
    # Chroma repeats its last row until the samples are whole; then the row of samples is repeated.
    stored_rows, stored_columns = -(-height // v), -(-width // h)
    last = (stored_rows - 1) * v
    below = torch.where(rows < last + v, rows, last + rows % v).clamp(max=height - 1)
    sources = [torch.empty(64 * f, dtype=torch.int64) for _ in range(2)]
    for source, repeated in zip(sources, (rows.clamp(max=height - 1), below), strict=True):
        source[numbers.flatten()] = numbers[repeated][:, columns].flatten()
    counts = [torch.bincount(source, minlength=64 * f).clamp_(min=1).float() for source in sources]
    eight = torch.arange(8)
    stored = eight.clamp(max=stored_rows - 1)[:, None] * 8 + eight.clamp(max=stored_columns - 1)
    exists = (torch.arange(v)[:, None] * 8 < height) & (torch.arange(h) * 8 < width)
    of_block = sources[0].view(f, 64) % 64
    tensors = (*sources, *counts, stored.flatten(), of_block, exists.flatten())
    return Border(*(tensor.to(device) for tensor in tensors))


def cut_units(planes: Tensor, group: Group) -> Tensor:
    """A copy of the units of a group; what the encoder repeats is filled in.

    Args:
        planes: (C, H, W), of any dtype.

    Returns:
        float32 (C, N, f, 64).
    """
    (v, h), (rows, columns) = group.kind.factors, group.shape
    part = _pixels(planes, group)
    if group.kind.border is not None:
        whole = planes.new_zeros((len(part), rows * 8 * v, columns * 8 * h), dtype=torch.float32)
        whole[:, : part.shape[1], : part.shape[2]] = part
        part = whole
    view = _as_blocks(part, group)  # (C, rows, columns, v, h, 8, 8)
    units = (
        torch.empty(view.shape, dtype=torch.float32, device=planes.device)
        .copy_(view)
        .view(len(part), rows * columns, v * h, 64)
    )
    return units if group.kind.border is None else repeat(units, group.kind.border)


def paste_units(units: Tensor, planes: Tensor, group: Group) -> None:
    """Write units (C, N, f, 64) into planes (C, H, W), in place; the inverse of [`cut_units`]."""
    (v, h), (rows, columns) = group.kind.factors, group.shape
    part = _pixels(planes, group)
    blocks = units.view(len(units), rows, columns, v, h, 8, 8)
    if group.kind.border is None:
        _as_blocks(part, group).copy_(blocks)
    else:
        whole = units.new_empty((len(units), rows * 8 * v, columns * 8 * h))
        _as_blocks(whole, group).copy_(blocks)
        part.copy_(whole[:, : part.shape[1], : part.shape[2]])


def _pixels(planes: Tensor, group: Group) -> Tensor:
    """A view of the pixels of a group, as far as the picture has them."""
    v, h = group.kind.factors
    rows = slice(group.rows.start * 8 * v, group.rows.stop * 8 * v)
    return planes[:, rows, group.columns.start * 8 * h : group.columns.stop * 8 * h]


def _as_blocks(part: Tensor, group: Group) -> Tensor:
    """A view of whole units (C, rows * 8v, columns * 8h) as (C, rows, columns, v, h, 8, 8)."""
    (v, h), (rows, columns) = group.kind.factors, group.shape
    whole: Tensor = part.unflatten(2, (columns, h, 8)).unflatten(1, (rows, v, 8))  # (C, rows, v, 8, columns, h, 8)
    return whole.permute(0, 1, 4, 2, 5, 3, 6)


def repeat(units: Tensor, border: Border) -> Tensor:
    """Units (C, N, f, 64) in which pixels beyond the border repeat those of the picture."""
    flat = units.flatten(2)
    parts = (flat[:1, :, border.luma], flat[1:, :, border.chroma])
    return torch.cat(parts).view_as(units)


def fold(units: Tensor, border: Border) -> Tensor:
    """The nearest units (C, N, f, 64) in which pixels beyond the border repeat those of the picture."""
    flat = units.flatten(2)
    luma = _means(flat[:1], border.luma, border.luma_counts)
    return torch.cat((luma, _means(flat[1:], border.chroma, border.chroma_counts))).view_as(units)


def _means(pixels: Tensor, sources: Tensor, counts: Tensor) -> Tensor:
    """Pixels (P, N, 64 * f), each replaced by the mean of all that repeat the same one."""
    # Around 128: means of what has no color have none, exactly.
    sums = torch.zeros_like(pixels).index_add_(2, sources, pixels - 128.0)
    return sums.div_(counts).add_(128.0)[..., sources]
