"""Full-reference metrics of 8-bit pictures, as the literature on JPEG artifacts computes them.

Every function takes uint8 (B, C, H, W) pictures, rounded as they would be written, and returns float64 (B,). The
literature uses two kinds of SSIM; both are here, under different names. Both are implemented here, because no metrics
library offers SSIM with a window of even size (8x8).
"""

import torch
from torch import Tensor

_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


def psnr(restored: Tensor, original: Tensor) -> Tensor:
    """Peak signal-to-noise ratio over all samples of a picture, in dB; infinite where pictures are equal.

    Raises:
        TypeError: if a picture is not uint8.
        ValueError: if the shapes differ.
    """
    return _decibels(_squared_error(*_checked(restored, original)))


def psnr_b(restored: Tensor, original: Tensor) -> Tensor:
    """PSNR-B, in dB: the blocking effect of the restored picture is added to the squared error (Yim and Bovik, 2011).

    The blocking effect compares mean squared differences between neighboring pixels, averaged over channels: those
    across the borders of 8x8 blocks minus the others, weighted by log2(8) / log2(shorter side), and at least 0.

    Raises:
        TypeError: if a picture is not uint8.
        ValueError: if the shapes differ, or a side is shorter than 16 pixels.
    """
    restored, original = _checked(restored, original)
    height, width = restored.shape[-2:]
    if min(height, width) < 16:
        raise ValueError(f"PSNR-B needs two blocks along each side (16 pixels), found {height}x{width}")
    # 1. Squared differences between neighboring rows and columns.
    rows = (restored[..., 1:, :] - restored[..., :-1, :]).square().mean(dim=1)  # (B, H - 1, W)
    columns = (restored[..., 1:] - restored[..., :-1]).square().mean(dim=1)  # (B, H, W - 1)
    # 2. Sums across block borders and within blocks. A difference at index i lies between i and i + 1; borders lie
    #    between 7 and 8, 15 and 16, …
    across = rows[..., 7::8, :].sum((-2, -1)) + columns[..., 7::8].sum((-2, -1))  # (B,)
    within = rows.sum((-2, -1)) + columns.sum((-2, -1)) - across  # (B,)
    # 3. Their means, with the numbers of pairs that the paper states.
    pairs_across = width * (height / 8 - 1) + height * (width / 8 - 1)
    pairs_within = width * (height - 1) + height * (width - 1) - pairs_across
    excess = (across / pairs_across - within / pairs_within).clamp(min=0.0)  # (B,)
    # 4. The blocking effect, log2(8) / log2(shorter side) times the excess, is added to the mean squared error.
    weight = 3.0 / torch.tensor(float(min(height, width)), dtype=torch.float64).log2()
    return _decibels(_squared_error(restored, original) + weight.to(excess.device) * excess)


def ssim_gaussian(restored: Tensor, original: Tensor) -> Tensor:
    """SSIM with an 11x11 Gaussian window of sigma 1.5, without padding (Wang et al., 2004); averaged over channels.

    Raises:
        TypeError: if a picture is not uint8.
        ValueError: if the shapes differ, or a side is shorter than 11 pixels.
    """
    steps = torch.arange(11, dtype=torch.float64) - 5.0
    weights = (-steps.square() / (2 * 1.5**2)).exp()
    return _ssim(restored, original, weights / weights.sum())


def ssim_uniform(restored: Tensor, original: Tensor) -> Tensor:
    """SSIM with a uniform 8x8 window, without padding, which other tables report; averaged over channels.

    Raises:
        TypeError: if a picture is not uint8.
        ValueError: if the shapes differ, or a side is shorter than 8 pixels.
    """
    return _ssim(restored, original, torch.full((8,), 1 / 8, dtype=torch.float64))


def high_frequency_ratio(restored: Tensor, original: Tensor) -> Tensor:
    """Energy of fine texture, that is, of frequencies above a quarter cycle per pixel, divided by the original's.

    Below 1 a picture is smoother than the original, above 1 it is rougher. The value does not say whether the texture
    is the true one. Averaged over channels; infinite if the original has no such energy and the restored picture has.

    Raises:
        TypeError: if a picture is not uint8.
        ValueError: if the shapes differ.
    """
    restored, original = _checked(restored, original)
    height, width = restored.shape[-2:]
    rows, columns = torch.fft.fftfreq(height, dtype=torch.float64), torch.fft.rfftfreq(width, dtype=torch.float64)
    # The half spectrum lacks the conjugates of the columns between 0 and the Nyquist frequency, so these count twice.
    weight = torch.where((columns == 0) | (columns == 0.5), 1.0, 2.0)  # (W // 2 + 1,)
    mask = ((rows[:, None].square() + columns.square()).sqrt() > 0.25) * weight  # (H, W // 2 + 1)
    # The mean is subtracted, so that rounding errors give flat pictures no energy.
    centered = [x - x.mean(dim=(-2, -1), keepdim=True) for x in (restored, original)]
    energies = [(torch.fft.rfft2(x).abs().square() * mask.to(x.device)).sum((-2, -1)) for x in centered]  # (B, C) each
    ratio = torch.where(energies[0] == energies[1], 1.0, energies[0] / energies[1])
    return ratio.mean(dim=1)


def _ssim(restored: Tensor, original: Tensor, weights: Tensor) -> Tensor:
    """SSIM of (B, C, H, W) pictures, float64 (B,), with a separable window; `weights` (N,) is its factor per axis."""
    x, y = _checked(restored, original)
    size, (height, width) = len(weights), x.shape[-2:]
    if min(height, width) < size:
        raise ValueError(f"SSIM needs at least {size}x{size} pixels, found {height}x{width}")
    totals = [_ssim_of_plane(a, b, weights.tolist()) for a, b in zip(x.flatten(0, 1), y.flatten(0, 1), strict=True)]
    return torch.stack(totals).view(x.shape[:2]).mean(dim=1)


def _ssim_of_plane(x: Tensor, y: Tensor, weights: list[float]) -> Tensor:
    """Mean SSIM of two planes, float64 (H, W), as a scalar.

    The window is applied as a sum of shifted copies, one plane at a time. This stays in the cache and is faster than a
    convolution in float64.
    """

    def blur_rows(plane: Tensor) -> Tensor:
        height = plane.shape[0] - len(weights) + 1
        total = plane[:height] * weights[0]
        for offset, weight in enumerate(weights[1:], start=1):
            total.add_(plane[offset : offset + height], alpha=weight)
        return total

    def blur(plane: Tensor) -> Tensor:
        return blur_rows(blur_rows(plane).T.contiguous())

    # 1. Local moments, (W - N + 1, H - N + 1) each for a window of side N; transposed, which does not matter here.
    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    # 2. The two factors of SSIM, and the mean over positions.
    luminance = (2 * mean_x * mean_y + _C1) / (mean_x**2 + mean_y**2 + _C1)
    structure = (2 * covariance + _C2) / (variance_x + variance_y + _C2)
    return (luminance * structure).mean()


def _checked(restored: Tensor, original: Tensor) -> tuple[Tensor, Tensor]:
    if restored.dtype != torch.uint8 or original.dtype != torch.uint8:
        raise TypeError(f"pictures must be uint8, found {restored.dtype} and {original.dtype}; round them first")
    if restored.shape != original.shape:
        raise ValueError(f"pictures differ in shape: {tuple(restored.shape)} and {tuple(original.shape)}")
    return restored.double(), original.double()


def _squared_error(restored: Tensor, original: Tensor) -> Tensor:
    """Mean squared error of every picture, (B,)."""
    return (restored - original).square().flatten(1).mean(dim=1)


def _decibels(squared_error: Tensor) -> Tensor:
    return 10.0 * torch.log10(255.0**2 / squared_error)
