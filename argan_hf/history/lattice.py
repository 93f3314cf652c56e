"""Finds the table and the grid of an earlier save by the steps at which DCT coefficients cluster.

A picture that was once saved as JPEG shows, on the grid of that save, coefficients near multiples of the steps of its
table. A later save and the rounding to 8 bits only widen these clusters. Every grid and every table is scored by its
log-likelihood ratio: how much better its clusters explain the coefficients than a smooth density does (Fan and de
Queiroz, 2003; Bianchi and Piva, 2012, for grids that do not coincide).

The other 63 grids of the same picture are the null model. Texture, flat areas and graphics make clusters on all of
them, an earlier save only on its own.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from ..jpeg.block_dct import dct_basis
from ..jpeg.tables import quantization_tables

ROUNDING = 0.6
"""Standard deviation of a coefficient by the rounding to 8 bits and the conversion of color; orthonormal DCT."""

_BLOCKS = 4096
# Frequencies (vertical, horizontal) that quantization leaves populated.
_SIDE = 5
_FREQUENCIES = tuple((v, u) for v in range(_SIDE) for u in range(_SIDE) if v + u <= 5 and (v, u) != (0, 5))
_BIN = 0.5
_BINS = 1536
# Share of coefficients that follow no cluster: clipped samples, borders of pictures in pictures.
_STRAY = 0.15
# Nearer to the later table, steps cannot be told from those of the later table.
_LEAST_RATIO = 1.15
_LARGEST_STEP = 255
# Steps found one by one fit chance better than a table of libjpeg does, so they need this much more evidence, in nats.
_CUSTOM_EVIDENCE = 1000.0


@dataclass(frozen=True)
class Lattice:
    """A table and a grid at which coefficients cluster.

    Attributes:
        rows, columns: number of the first row and column, 0..7, at which a block of the grid starts.
        table: int32 (8, 8), steps of luma.
        quality: libjpeg's quality with that table; `None` if the steps were found one by one.
        evidence: log-likelihood ratio over a sample of the blocks, in nats.
        null: the largest such ratio on any other grid, at least 0.
    """

    rows: int
    columns: int
    table: Tensor
    quality: int | None
    evidence: float
    null: float


def find_lattices(
    windows: Sequence[Tensor], clipped: Sequence[Tensor], table: Tensor | None, count: int = 3
) -> list[Lattice]:
    """The grids and tables at which coefficients of luma cluster best.

    Args:
        windows: uint8 (H, W), luma of parts of a picture, straight from the decoder for JPEG files. Each starts at a
            multiple of 8 rows and columns.
        clipped: bool (H, W), where samples of each were cut off at the ends of their range.
        table: integers (8, 8), the luma table of the JPEG file that the picture comes from, whose grid starts at the
            corner; `None` for pictures that are no JPEG files.
        count: how many candidates to return at most, each on another grid.

    Returns:
        Candidates with positive evidence, best first; none for parts smaller than 15 pixels.
    """
    parts = [pair for pair in zip(windows, clipped, strict=True) if min(pair[0].shape) >= 15]
    if not parts:
        return []
    # 1. Coefficients of a sample of blocks on each of the 64 grids, and their histograms.
    coefficients = _sample(parts)  # (64, N, K)
    histograms = _histograms(coefficients)  # (64, K, bins)
    # 2. The evidence for each step, on each grid, for each frequency.
    evidence = torch.empty(64, len(_FREQUENCIES), _LARGEST_STEP, device=coefficients.device)
    for k, (v, u) in enumerate(_FREQUENCIES):
        later = 0.0 if table is None else float(table[v, u])
        noise = math.sqrt(ROUNDING**2 + later**2 / 12)
        evidence[:, k] = histograms[:, k] @ _likelihood(noise).to(histograms.device)
        if later:
            evidence[0, k] = _evidence_on_grid(coefficients[0, :, k], later)
    # 3. Whole tables: libjpeg's at each quality, or the best step at each frequency.
    tables = quantization_tables(torch.arange(1, 101))[:, 0].to(coefficients.device)  # (100, 8, 8)
    at = torch.stack([tables[:, v, u] for v, u in _FREQUENCIES]).long() - 1  # (K, 100)
    standard = evidence.gather(2, at.expand(64, -1, -1)).sum(1)  # (64, 100)
    best, quality = standard.max(1)  # (64,)
    own, own_steps = evidence.max(2)  # (64, K)
    # Choosing a step among 255 costs as much evidence as chance alone would give.
    own_total = (own - math.log(_LARGEST_STEP)).clamp(min=0.0).sum(1)  # (64,)
    custom = own_total > 1.25 * best + _CUSTOM_EVIDENCE
    score = torch.where(custom, own_total, best)
    found = []
    for grid in score.argsort(descending=True)[:count].tolist():
        if score[grid] <= 0:
            break
        others = torch.cat((score[:grid], score[grid + 1 :]))
        number = int(quality[grid]) + 1
        whole = tables[number - 1]
        if custom[grid]:
            whole = _completed(own[grid], own_steps[grid] + 1, tables)
        found.append(
            Lattice(
                rows=grid // 8,
                columns=grid % 8,
                table=whole.cpu(),
                quality=None if custom[grid] else number,
                evidence=float(score[grid]),
                null=max(0.0, float(others.max())),
            )
        )
    return found


def _sample(parts: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Coefficients of a sample of blocks on all 64 grids, (64, N, K), NaN for blocks with clipped samples.

    Equal pieces of the picture are taken once: what tiles and flat areas repeat is no evidence.
    """
    device, generator = parts[0][0].device, torch.Generator().manual_seed(0)
    # 1. Pieces of 15 x 15 samples, which hold one block of every grid, and which of these blocks hold clipped samples.
    reach, pieces, cuts = torch.arange(15, device=device), [], []
    for window, clipped in parts:
        rows, columns = (window.shape[0] - 15) // 8 + 1, (window.shape[1] - 15) // 8 + 1
        is_cut = _any_within_blocks(clipped)  # (H - 7, W - 7), by the block's corner
        corners = is_cut[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8)
        whole = corners.all(3).all(1).flatten()  # pieces without a block for us
        chosen = torch.randperm(rows * columns, generator=generator).to(device)
        chosen = chosen[~whole[chosen]][: -(-_BLOCKS // len(parts))]
        top, left = chosen[:, None, None] // columns * 8, chosen[:, None, None] % columns * 8
        pieces.append(window[top + reach[:, None], left + reach])  # (n, 15, 15)
        cuts.append(is_cut[top + reach[:8, None], left + reach[:8]])  # (n, 8, 8)
    together, cut = torch.cat(pieces).double() - 128.0, torch.cat(cuts)  # (N, 15, 15), (N, 8, 8)
    # 2. The first of each kind, on every processor.
    weights = torch.rand(225, generator=generator, dtype=torch.float64).to(device)
    order = (together.flatten(1) @ weights).sort(stable=True)
    fresh = torch.ones(len(together), dtype=torch.bool, device=device)
    fresh[1:] = order.values[1:] != order.values[:-1]
    kept = order.indices[fresh]
    together, cut = together[kept].float(), cut[kept]
    # 3. Their low frequencies on every grid.
    low = dct_basis(together)[:_SIDE]  # (5, 8)
    along = torch.stack([low @ together[:, start : start + 8] for start in range(8)])  # (8, N, 5, 15)
    both = torch.stack([along[..., start : start + 8] @ low.T for start in range(8)], 1)  # (8, 8, N, 5, 5)
    v, u = (torch.tensor(index, device=device) for index in zip(*_FREQUENCIES, strict=True))
    result = both.flatten(0, 1)[:, :, v, u]
    result[cut.permute(1, 2, 0).flatten(0, 1)] = torch.nan
    return result


def _any_within_blocks(clipped: Tensor) -> Tensor:
    """Whether any sample of the block of 8x8 at every place is clipped, bool (H - 7, W - 7), of bool (H, W)."""
    found = clipped
    # Of 2, 4 and 8 samples, down and across: faster than a pool of 8 x 8.
    for step in (1, 2, 4):
        found = found[:-step] | found[step:]
        found = found[:, :-step] | found[:, step:]
    return found


def _histograms(coefficients: Tensor) -> Tensor:
    """How many magnitudes fall into each bin, float32 (64, K, bins); those beyond the last bin are left out."""
    grids, _, frequencies = coefficients.shape
    bins = coefficients.abs().div_(_BIN).nan_to_num_(_BINS).clamp_(max=_BINS - 1).int()  # (64, N, K)
    start = torch.arange(grids * frequencies, device=bins.device, dtype=torch.int32) * _BINS
    bins += start.view(grids, 1, frequencies)
    counts = torch.bincount(bins.flatten(), minlength=grids * frequencies * _BINS)
    result = counts.view(grids, frequencies, _BINS).float()
    result[..., -1] = 0.0
    return result


@lru_cache(maxsize=64)
def _likelihood(noise: float) -> Tensor:
    """Log-likelihood ratio of magnitudes, (bins, steps): clusters at multiples of a step against a smooth density.

    Magnitudes below three quarters of a step say nothing: coefficients near zero are common in any picture. Steps below
    four standard deviations of the noise cannot be told.
    """
    steps = torch.arange(1, _LARGEST_STEP + 1, dtype=torch.float32)
    magnitude = (torch.arange(_BINS) + 0.5)[:, None] * _BIN  # (bins, 1)
    away = magnitude / steps
    away = (away - away.round()).mul_(steps)  # (bins, steps), to the nearest multiple
    density = away.square_().mul_(-0.5 / noise**2).exp_().mul_((1 - _STRAY) * steps / (noise * math.sqrt(2 * math.pi)))
    ratio = density.add_(_STRAY).log_()
    ratio.masked_fill_(magnitude < 0.75 * steps, 0.0)
    ratio[:, steps < 4 * noise] = 0.0
    return ratio


def _evidence_on_grid(coefficients: Tensor, later: float) -> Tensor:
    """Log-likelihood ratio of every step on the grid of the later save, (steps,).

    There the later save leaves multiples of its own step. An earlier step shows by which of them are too frequent and
    which are missing. Both hypotheses take magnitudes to fall off exponentially, as those of photographs do.

    Args:
        coefficients: (N,), of one frequency.
        later: step of the later save.
    """
    steps = torch.arange(1, _LARGEST_STEP + 1, device=coefficients.device, dtype=torch.float32)
    coefficients = coefficients[~coefficients.isnan()]
    numbers = (coefficients.abs() / later).round().long()  # (N,)
    counts = torch.bincount(numbers).float()  # (M,)
    if len(counts) < 2:
        return torch.zeros(_LARGEST_STEP, device=coefficients.device)
    scale = float((coefficients.abs()[numbers > 0]).mean())
    seen = torch.arange(len(counts), device=steps.device)[:, None] * later  # (M, 1), magnitudes that are seen
    # 1. What each multiple of an earlier step becomes: normal noise, cut into intervals of the later step. It reaches
    #    the nearest interval and its neighbors.
    steps = steps[steps >= _LEAST_RATIO * later]  # (S,)
    skipped = _LARGEST_STEP - len(steps)
    if not len(steps):
        return torch.zeros(skipped, device=coefficients.device)
    number = torch.arange(int(float(seen[-1] + later) / float(steps[0])) + 1, device=steps.device)
    point = number[:, None] * steps  # (P, S)
    weight = (-point / scale).exp()
    middle = (point / later).round().long()
    earlier = torch.zeros(len(counts) + 2, len(steps), device=steps.device)  # (M + 2, S)
    for neighbor in (-1, 0, 1):
        index = middle + neighbor  # (P, S)
        upper, lower = ((((index + side) * later) - point) / (ROUNDING * math.sqrt(2)) for side in (0.5, -0.5))
        mass = (torch.erf(upper) - torch.erf(lower)) / 2 * weight
        earlier.scatter_add_(0, index.abs().clamp(max=len(counts) + 1), mass)
    earlier = earlier[: len(counts)]
    smooth = (-seen / scale).exp().expand_as(earlier)
    # 2. Both as distributions over the magnitudes that say something.
    telling = seen >= 0.75 * steps
    earlier, smooth = (density * telling / (density * telling).sum(0).clamp(min=1e-20) for density in (earlier, smooth))
    ratio = (_STRAY + (1 - _STRAY) * earlier / smooth.clamp(min=1e-30)).log()
    evidence = counts @ torch.where(telling, ratio, 0.0)
    return torch.cat((torch.zeros(skipped, device=evidence.device), evidence))


def _completed(evidence: Tensor, steps: Tensor, tables: Tensor) -> Tensor:
    """A whole table from the steps found at some frequencies: the others from the libjpeg table that lies nearest."""
    sure = [k for k in range(len(_FREQUENCIES)) if float(evidence[k]) > 2 * math.log(_LARGEST_STEP)]
    if not sure:
        return tables[49]
    known = torch.stack([tables[:, v, u] for v, u in (_FREQUENCIES[k] for k in sure)], 1).float()  # (100, sure)
    nearest = tables[int((known.log() - steps[sure].float().log()).abs().sum(1).argmin())].clone()
    for k in sure:
        nearest[_FREQUENCIES[k]] = steps[k].to(nearest.dtype)
    return nearest
