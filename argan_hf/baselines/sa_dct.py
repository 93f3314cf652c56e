"""Pointwise shape-adaptive DCT (SA-DCT), a baseline: the strongest JPEG deblocking before neural networks.

Foi, Katkovnik and Egiazarian, "Pointwise Shape-Adaptive DCT for High-Quality Denoising and Deblocking of Grayscale and
Color Images" (IEEE Transactions on Image Processing, 2007). The quantization error is modeled as white noise. Around
every pixel, local polynomial approximations (LPA) at several scales and the intersection of their confidence intervals
(ICI) find how far the picture is smooth in eight directions. The polygon through these eight points is transformed
(SA-DCT), thresholded, and transformed back. Overlapping estimates are averaged with weights. A second pass uses a
Wiener filter instead of thresholds, with the result of the first pass as its estimate of the signal.

This is an independent implementation of the paper. The numbers of `noise_sigma`, `_confidence`, `_SCALES`,
`_WIENER_SCALES`, `_ZERO_ORDER` and `_THRESHOLD` are stated by the documentation of the authors' deblocking
demonstration 1.40. Where paper and documentation are ambiguous, these choices were made:

- Coefficients are aligned as by Sikora and Makai: the k-th coefficients of all columns form row k, whatever the lengths
  of the columns. Gaps inside a column or row are closed before it is transformed.
- Only the mean is removed, without a further correction of the DC term. Coefficient (0, 0) is then treated like all
  others.
- The weights of estimates are 1 / ((1 + coefficients kept) size) after thresholding, and 1 / ((1 + sum of squared
  gains) size) after the Wiener filter. The number of estimates per pixel is not limited.
- The Wiener filter keeps the mean of the noisy region. The paper's gain for the mean m of the first result,
  m^2 / (m^2 + sigma^2 / size), is nearly 1 except near black. There it would pull regions to 0 and make their weights
  very large.
- A polygon includes the pixels on its edges. Nothing is padded: scales that reach beyond the picture are not used.
- Chroma uses the regions of luma, and the first pass only. Its noise level is that of planes without subsampling.
"""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

try:
    from numba import njit
except ImportError as error:
    raise ImportError(
        'SA-DCT needs numba: install it with `pip install numba`, or with `pip install -e ".[baselines]"` in a '
        "checkout of the repository"
    ) from error

_Floats = NDArray[np.float32]
_Integers = NDArray[np.int64]
_Picks = NDArray[np.uint8]
_Mask = NDArray[np.bool_]
_Doubles = NDArray[np.float64]
_Function = TypeVar("_Function", bound=Callable[..., Any])

_SCALES = np.array((1, 2, 3, 5, 7, 9, 12))
_WIENER_SCALES = np.array((1, 2, 3, 5, 6, 8, 8))
_ZERO_ORDER = np.array((0.75, 0.70, 0.85, 0.90, 0.97, 1.0, 1.0))
_THRESHOLD = 0.925
# The last scale is used only for noise with a larger standard deviation than this.
_STRONG = 40.0

# (row, column) steps, counterclockwise from the right; even directions run along an axis, odd ones along a diagonal.
_DIRECTIONS = np.array(((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1)))
_REACH = int(_SCALES[-1]) - 1
_SIDE = 2 * _REACH + 1
_STRIP = 16


def noise_sigma(table: Tensor) -> float:
    """Standard deviation of the white noise that models the quantization error, in gray levels 0..255.

    Args:
        table: integers (8, 8), natural order.
    """
    return 255 / 1150 * math.pow(7.65 * float(table[:3, :3].double().mean()), 0.65)


def restore(planes: Tensor, tables: Tensor, *, progress: Callable[[int, int], None] | None = None) -> Tensor:
    """Restore decoded planes. The result does not depend on the number of threads.

    Args:
        planes: uint8 or floating point (C, H, W), 0..255: luma, then planes that use its regions (Cb, Cr at full size).
        tables: integers (C, 8, 8), natural order: the quantization table of each plane.
        progress: called with (strips done, strips in all).

    Returns:
        float32 (C, H, W), 0..255, not rounded, on the device of `planes`. The work is done on the CPU, by as many
        threads as torch uses.

    Raises:
        ValueError: if a shape or type is not as above, or a table entry is below 1.
    """
    _check(planes, tables)
    stack = np.ascontiguousarray(planes.detach().cpu().float().numpy())
    count, height, width = stack.shape
    tops = range(0, height, _STRIP)
    done, total = 0, (count + 1) * len(tops)

    def aggregate(strip_pass: Callable[..., None], *arguments: Any) -> _Floats:
        """Run a pass on all strips; divide the sums of weighted estimates by the sums of weights."""
        nonlocal done
        sums = np.zeros((2, height + 2 * _REACH, width))

        def one_strip(top: int) -> _Floats:
            bottom = min(top + _STRIP, height)
            strip = np.zeros((2, bottom - top + 2 * _REACH, width), np.float32)
            strip_pass(strip, top, bottom, *arguments)
            return strip

        # Strips overlap. Each has its own sums, which are added here in a fixed order, so that rounding does not depend
        # on threads.
        for top, strip in zip(tops, pool.map(one_strip, tops), strict=True):
            sums[:, top : top + strip.shape[1]] += strip
            done += 1
            if progress is not None:
                progress(done, total)
        inner = sums[:, _REACH : _REACH + height]
        estimates: _Doubles = inner[0] / inner[1]
        return estimates.astype(np.float32)

    luma, sigma = stack[0], noise_sigma(tables[0])
    scales = _SCALES if sigma > _STRONG else _SCALES[:-1]
    wiener_scales = _WIENER_SCALES if sigma > _STRONG else _WIENER_SCALES[:-1].clip(max=6)
    margins = _confidence(sigma) * sigma * np.array([np.linalg.norm(_kernel(i)) for i in range(len(scales))])
    picks = np.zeros((height, width, 8), np.uint8)
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        list(pool.map(lambda top: _pick_scales(picks, top, min(top + _STRIP, height), luma, margins), tops))
        pilot = aggregate(_threshold_strip, luma, picks, scales, sigma)
        restored = [aggregate(_wiener_strip, luma, picks, wiener_scales, sigma, pilot)]
        for plane, table in zip(stack[1:], tables[1:], strict=True):
            restored.append(aggregate(_threshold_strip, plane, picks, scales, noise_sigma(table)))
    return torch.from_numpy(np.stack(restored).clip(0, 255)).to(planes.device)


def _check(planes: Tensor, tables: Tensor) -> None:
    if planes.ndim != 3 or planes.numel() == 0:
        raise ValueError(f"planes must have shape (C, H, W) without a zero, found {tuple(planes.shape)}")
    if planes.dtype != torch.uint8 and not planes.is_floating_point():
        raise ValueError(f"planes must be uint8 or floating point, found {planes.dtype}")
    if tables.shape != (planes.shape[0], 8, 8):
        raise ValueError(f"tables must have shape ({planes.shape[0]}, 8, 8), found {tuple(tables.shape)}")
    if tables.is_floating_point() or int(tables.min()) < 1:
        raise ValueError(f"tables must hold integers from 1, found {tables.dtype} from {tables.min().item()}")


def _confidence(sigma: float) -> float:
    """Half the width of a confidence interval of the ICI rule, in standard deviations."""
    return max(0.8, 2.4 / math.log(1 + 60 * sigma / 255))


def _kernel(index: int) -> _Doubles:
    """One-sided LPA kernel of a scale, the pixel itself first: a weighted sum of mean and least-squares line."""
    size, share = int(_SCALES[index]), float(_ZERO_ORDER[index])
    line = (4 * size - 2 - 6 * np.arange(size)) / (size * (size + 1))
    return share / size + (1 - share) * line


def _cosines() -> _Floats:
    """Orthonormal DCT bases as [length, coefficient, sample], zero beyond the length."""
    bases = np.zeros((_SIDE + 1, _SIDE, _SIDE))
    for length in range(1, _SIDE + 1):
        frequency, sample = np.arange(length)[:, None], np.arange(length)
        bases[length, :length, :length] = np.cos(np.pi / length * frequency * (sample + 0.5)) * np.sqrt(2 / length)
        bases[length, 0, :length] = np.sqrt(1 / length)
    return bases.astype(np.float32)


# Both as [length, input, output]: the innermost loop runs over outputs, so the compiler can vectorize it.
_INVERSE = _cosines()
_FORWARD = np.ascontiguousarray(_INVERSE.transpose(0, 2, 1))


def _compiled(function: _Function) -> _Function:
    return cast(_Function, njit(cache=True, nogil=True)(function))


@_compiled
def _pick_scales(picks: _Picks, top: int, bottom: int, plane: _Floats, margins: _Doubles) -> None:
    """Write the index of the scale that the ICI rule chooses, for every pixel and direction, into `picks` (H, W, 8)."""
    height, width = plane.shape
    for y in range(top, bottom):
        for x in range(width):
            for direction in range(8):
                down, right = _DIRECTIONS[direction]
                low, high = -np.inf, np.inf
                total = moment = 0.0
                step = pick = 0
                for index in range(len(margins)):
                    size = _SCALES[index]
                    end_y, end_x = y + down * (size - 1), x + right * (size - 1)
                    if end_y < 0 or end_y >= height or end_x < 0 or end_x >= width:
                        break
                    # `_kernel` is linear in the step, so two running sums give the estimate of every scale.
                    while step < size:
                        value = plane[y + down * step, x + right * step]
                        total += value
                        moment += step * value
                        step += 1
                    line = ((4 * size - 2) * total - 6 * moment) / (size * (size + 1))
                    estimate = _ZERO_ORDER[index] * total / size + (1 - _ZERO_ORDER[index]) * line
                    low = max(low, estimate - margins[index])
                    high = min(high, estimate + margins[index])
                    if low > high:
                        break
                    pick = index
                picks[y, x, direction] = pick


@_compiled
def _outline(picks: _Picks, scales: _Integers, inside: _Mask, rows: _Integers, counts: _Integers) -> int:
    """Write the region of a pixel as row numbers of its samples, column by column; return the number of samples."""
    inside[:] = False
    for axis in range(0, 8, 2):
        across, along = _DIRECTIONS[axis]
        straight = scales[picks[axis]] - 1
        for diagonal in ((axis + 1) % 8, (axis + 7) % 8):
            slant = scales[picks[diagonal]] - 1
            down, right = _DIRECTIONS[diagonal, 0] - across, _DIRECTIONS[diagonal, 1] - along
            for v in range(slant + 1):
                # The triangle's far edge runs from (straight, 0) to (slant, slant).
                far = straight + (slant - straight) * v // slant if slant > 0 else straight
                for u in range(v, far + 1):
                    inside[_REACH + along * u + right * v, _REACH + across * u + down * v] = True
    size = 0
    for column in range(_SIDE):
        count = 0
        for row in range(_SIDE):
            if inside[column, row]:
                rows[column, count] = row - _REACH
                count += 1
        counts[column] = count
        size += count
    return size


@_compiled
def _transform(values: _Floats, length: int, bases: _Floats, result: _Floats) -> None:
    for j in range(length):
        result[j] = 0
    for i in range(length):
        value = values[i]
        # After thresholding most coefficients are zero.
        if value != 0:
            basis = bases[length, i]
            for j in range(length):
                result[j] += value * basis[j]


@_compiled
def _forward(samples: _Floats, counts: _Integers, spectrum: _Floats, widths: _Integers, line: _Floats) -> int:
    """SA-DCT of `samples` [column, index], which are overwritten; return the number of rows of `spectrum` [row, index].

    `widths` receives the number of coefficients in each of these rows.
    """
    for column in range(_SIDE):
        _transform(samples[column], counts[column], _FORWARD, line)
        for index in range(counts[column]):
            samples[column, index] = line[index]
    tall = counts.max()
    for row in range(tall):
        width = 0
        for column in range(_SIDE):
            if counts[column] > row:
                line[width] = samples[column, row]
                width += 1
        _transform(line, width, _FORWARD, spectrum[row])
        widths[row] = width
    return int(tall)


@_compiled
def _inverse(spectrum: _Floats, counts: _Integers, samples: _Floats, widths: _Integers, line: _Floats) -> None:
    for row in range(counts.max()):
        _transform(spectrum[row], widths[row], _INVERSE, line)
        width = 0
        for column in range(_SIDE):
            if counts[column] > row:
                samples[column, row] = line[width]
                width += 1
    for column in range(_SIDE):
        _transform(samples[column], counts[column], _INVERSE, line)
        for index in range(counts[column]):
            samples[column, index] = line[index]


@_compiled
def _cut(plane: _Floats, y: int, x: int, rows: _Integers, counts: _Integers, size: int, samples: _Floats) -> float:
    """Write the samples of a region minus their mean; return the mean."""
    total = 0.0
    for column in range(_SIDE):
        for index in range(counts[column]):
            samples[column, index] = plane[y + rows[column, index], x + column - _REACH]
            total += samples[column, index]
    mean = total / size
    for column in range(_SIDE):
        for index in range(counts[column]):
            samples[column, index] -= np.float32(mean)
    return mean


@_compiled
def _paste(
    samples: _Floats, mean: float, weight: float, y: int, x: int, rows: _Integers, counts: _Integers, sums: _Floats
) -> None:
    """Add the estimate of a region to `sums` (2, _REACH + rows + _REACH, W); `y` counts from the top of the strip."""
    for column in range(_SIDE):
        for index in range(counts[column]):
            row = y + _REACH + rows[column, index]
            sums[0, row, x + column - _REACH] += weight * (samples[column, index] + mean)
            sums[1, row, x + column - _REACH] += weight


@_compiled
def _workspace() -> tuple[_Mask, _Integers, _Integers, _Integers, _Floats, _Floats, _Floats]:
    """The arrays `inside`, `rows`, `counts`, `widths`, `samples`, `spectrum` and `line`, for one thread."""
    inside = np.zeros((_SIDE, _SIDE), np.bool_)
    rows, counts, widths = np.zeros((_SIDE, _SIDE), np.int64), np.zeros(_SIDE, np.int64), np.zeros(_SIDE, np.int64)
    samples, spectrum = np.zeros((_SIDE, _SIDE), np.float32), np.zeros((_SIDE, _SIDE), np.float32)
    return inside, rows, counts, widths, samples, spectrum, np.zeros(_SIDE, np.float32)


@_compiled
def _threshold_strip(
    sums: _Floats, top: int, bottom: int, plane: _Floats, picks: _Picks, scales: _Integers, sigma: float
) -> None:
    inside, rows, counts, widths, samples, spectrum, line = _workspace()
    for y in range(top, bottom):
        for x in range(plane.shape[1]):
            size = _outline(picks[y, x], scales, inside, rows, counts)
            mean = _cut(plane, y, x, rows, counts, size, samples)
            tall = _forward(samples, counts, spectrum, widths, line)
            threshold = _THRESHOLD * sigma * math.sqrt(2 * math.log(size) + 1)
            kept = 0
            for row in range(tall):
                for index in range(widths[row]):
                    if abs(spectrum[row, index]) > threshold:
                        kept += 1
                    else:
                        spectrum[row, index] = 0
            _inverse(spectrum, counts, samples, widths, line)
            _paste(samples, mean, 1 / ((1 + kept) * size), y - top, x, rows, counts, sums)


@_compiled
def _wiener_strip(
    sums: _Floats, top: int, bottom: int, plane: _Floats, picks: _Picks, scales: _Integers, sigma: float, pilot: _Floats
) -> None:
    inside, rows, counts, widths, samples, spectrum, line = _workspace()
    expected = np.zeros_like(spectrum)
    variance = sigma * sigma
    for y in range(top, bottom):
        for x in range(plane.shape[1]):
            size = _outline(picks[y, x], scales, inside, rows, counts)
            _cut(pilot, y, x, rows, counts, size, samples)
            _forward(samples, counts, expected, widths, line)
            mean = _cut(plane, y, x, rows, counts, size, samples)
            tall = _forward(samples, counts, spectrum, widths, line)
            energy = 1.0
            for row in range(tall):
                for index in range(widths[row]):
                    power = expected[row, index] ** 2
                    gain = power / (power + variance)
                    spectrum[row, index] *= gain
                    energy += gain * gain
            _inverse(spectrum, counts, samples, widths, line)
            _paste(samples, mean, 1 / (energy * size), y - top, x, rows, counts, sums)
