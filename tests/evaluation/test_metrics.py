from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from argan_hf.evaluation.metrics import high_frequency_ratio, psnr, psnr_b, ssim_gaussian, ssim_uniform
from argan_hf.evaluation.protocol import as_picture, degrade_planes, find_pictures, read_luma, read_rgb
from argan_hf.jpeg import compress
from tests.conftest import TEST_DATA

SETS = TEST_DATA / "test"
METRICS = (psnr, psnr_b, ssim_gaussian, ssim_uniform)
ALL = (*METRICS, high_frequency_ratio)

# PSNR, PSNR-B, SSIM (Gaussian), SSIM (uniform) of the JPEG itself, as the literature prints them.
PUBLISHED = {
    ("live1", 10): (27.770, 25.333, 0.7730, 0.7905),
    ("live1", 20): (30.072, 27.566, 0.8512, 0.8683),
    ("live1", 30): (31.407, 28.923, 0.8851, 0.9000),
    ("live1", 40): (32.355, 29.957, 0.9041, 0.9173),
    ("classic5", 10): (27.821, 25.209, 0.7595, 0.7800),
    ("classic5", 20): (30.123, 27.501, 0.8344, 0.8541),
    ("classic5", 30): (31.484, 28.939, 0.8666, 0.8844),
    ("classic5", 40): (32.428, 29.921, 0.8849, 0.9011),
}
# PSNR, SSIM (Gaussian), SSIM (uniform) over RGB, 4:2:0 chroma.
PUBLISHED_RGB = {
    10: (25.693, 0.7433, 0.7593),
    20: (28.061, 0.8256, 0.8409),
    30: (29.366, 0.8615, 0.8750),
    40: (30.280, 0.8821, 0.8942),
}


def test_psnr_of_a_known_error() -> None:
    original = torch.full((2, 1, 8, 8), 100, dtype=torch.uint8)
    restored = original.clone()
    restored[0] += 5
    restored[1] -= 1
    expected = 20 * torch.log10(torch.tensor([255 / 5, 255.0], dtype=torch.float64))
    assert torch.allclose(psnr(restored, original), expected)


def test_equal_pictures_are_perfect() -> None:
    picture = torch.randint(0, 256, (1, 3, 24, 24), dtype=torch.uint8)
    assert psnr(picture, picture).isinf()
    assert ssim_gaussian(picture, picture) == 1.0
    assert ssim_uniform(picture, picture) == 1.0


def test_only_steps_across_block_borders_lower_psnr_b() -> None:
    original = torch.full((1, 1, 32, 32), 100, dtype=torch.uint8)
    on_grid, off_grid = original.clone(), original.clone()
    on_grid[..., 8:16] += 10
    off_grid[..., 4:12] += 10
    assert psnr(on_grid, original) == psnr(off_grid, original)
    assert psnr_b(off_grid, original) == psnr(off_grid, original)
    assert psnr_b(on_grid, original) < psnr(on_grid, original) - 1.0


def test_ssim_falls_with_noise() -> None:
    original = torch.randint(0, 256, (1, 1, 40, 40), dtype=torch.uint8)
    scores = []
    for sigma in (5, 20, 60):
        noisy = (original + sigma * torch.randn(original.shape)).clamp(0, 255).to(torch.uint8)
        scores.append((float(ssim_gaussian(noisy, original)), float(ssim_uniform(noisy, original))))
    assert scores == sorted(scores, reverse=True)
    assert scores[0][0] < 1.0


def test_texture_is_measured_against_the_original() -> None:
    original = torch.randint(60, 180, (1, 2, 40, 50), dtype=torch.uint8)
    assert high_frequency_ratio(original, original) == 1.0
    brighter = original + 20
    assert high_frequency_ratio(brighter, original) == pytest.approx(1.0)
    doubled = ((original.double() - 120) * 0.5 + 120).round().to(torch.uint8)
    assert high_frequency_ratio(doubled, original) == pytest.approx(0.25, abs=0.01)
    flat = torch.full_like(original, 120)
    assert high_frequency_ratio(flat, original) == 0.0
    assert high_frequency_ratio(flat, flat) == 1.0


def test_texture_counts_fine_stripes_in_every_direction_and_not_coarse_ones() -> None:
    steps = torch.arange(64)
    noise = torch.randint(118, 122, (1, 1, 64, 64), dtype=torch.uint8)
    fine, coarse = 100 + 40 * (steps % 2), 100 + (20 * torch.sin(steps * torch.pi / 8)).round()
    for turn in (lambda stripes: stripes, lambda stripes: stripes.mT):
        pictures = [turn(stripes.expand(64, 64).to(torch.uint8)[None, None]) for stripes in (fine, coarse)]
        assert high_frequency_ratio(pictures[0], noise) > 100
        assert high_frequency_ratio(pictures[1], noise) < 1


def _pair(*shape: int) -> tuple[Tensor, Tensor]:
    original = torch.randint(40, 200, shape, dtype=torch.uint8)
    return (original + torch.randint(-9, 10, shape)).to(torch.uint8), original


def test_psnr_b_is_its_formula() -> None:
    original = _pair(1, 2, 24, 40)[1]
    restored = torch.cat([compress(plane, 3) for plane in original.split(1, 1)], 1)
    picture = restored[0].double().numpy()
    sums, counts = {True: 0.0, False: 0.0}, {True: 0, False: 0}
    height, width = picture.shape[1:]
    for row in range(height):
        for column in range(width):
            for other_row, other_column in ((row + 1, column), (row, column + 1)):
                if other_row < height and other_column < width:
                    across = (other_row, other_column)[other_row == row] % 8 == 0
                    step = picture[:, row, column] - picture[:, other_row, other_column]
                    sums[across] += float(np.square(step).mean())
                    counts[across] += 1
    effect = (sums[True] / counts[True] - sums[False] / counts[False]) * 3 / np.log2(24)
    assert effect > 1
    error = float((restored.double() - original.double()).square().mean())
    assert float(psnr_b(restored, original)) == pytest.approx(10 * np.log10(255**2 / (error + effect)))


@pytest.mark.parametrize(("metric", "size"), [(ssim_gaussian, 11), (ssim_uniform, 8)])
def test_ssim_is_its_formula(metric: Callable[[Tensor, Tensor], Tensor], size: int) -> None:
    restored, original = _pair(1, 2, 20, 30)
    # A darker half, where the constants matter.
    restored[..., 15:], original[..., 15:] = restored[..., 15:] // 30, original[..., 15:] // 30
    steps = np.arange(size) - 5
    line = np.exp(-(steps**2) / 4.5) if size == 11 else np.ones(size)
    window = np.outer(line, line) / line.sum() ** 2
    scores = []
    for pair in zip(restored[0].double().numpy(), original[0].double().numpy(), strict=True):
        x, y = (np.lib.stride_tricks.sliding_window_view(plane, (size, size)) for plane in pair)
        mean_x, mean_y, xx, yy, xy = ((value * window).sum((2, 3)) for value in (x, y, x * x, y * y, x * y))
        luminance = (2 * mean_x * mean_y + 6.5025) / (mean_x**2 + mean_y**2 + 6.5025)
        structure = (2 * (xy - mean_x * mean_y) + 58.5225) / (xx - mean_x**2 + yy - mean_y**2 + 58.5225)
        scores.append((luminance * structure).mean())
    assert float(metric(restored, original)) == pytest.approx(np.mean(scores))


@pytest.mark.parametrize("width", [32, 31])
def test_texture_is_the_energy_above_a_quarter_cycle(width: int) -> None:
    restored, original = _pair(1, 2, 40, width)
    restored[:, 1] = restored[:, 1] // 2
    rows, columns = np.fft.fftfreq(40)[:, None], np.fft.fftfreq(width)[None]
    fine = np.hypot(rows, columns) > 0.25
    energies = [np.square(np.abs(np.fft.fft2(x[0].double().numpy())) * fine).sum((1, 2)) for x in (restored, original)]
    assert float(high_frequency_ratio(restored, original)) == pytest.approx((energies[0] / energies[1]).mean())


@pytest.mark.parametrize("metric", ALL)
def test_a_batch_is_scored_picture_by_picture(metric: Callable[[Tensor, Tensor], Tensor]) -> None:
    restored, original = torch.randint(0, 256, (2, 3, 2, 20, 28), dtype=torch.uint8)
    together = metric(restored, original)
    assert together.dtype == torch.float64
    for index in range(3):
        assert torch.allclose(together[index], metric(restored[index : index + 1], original[index : index + 1])[0])


@pytest.mark.parametrize("metric", ALL)
def test_unrounded_unlike_and_tiny_pictures_are_refused(metric: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(TypeError, match="round them first"):
        metric(torch.zeros(1, 1, 16, 16), torch.zeros(1, 1, 16, 16))
    with pytest.raises(ValueError, match="differ in shape"):
        metric(torch.zeros(1, 1, 16, 16, dtype=torch.uint8), torch.zeros(1, 1, 16, 17, dtype=torch.uint8))
    tiny = torch.zeros(1, 1, 7, 40, dtype=torch.uint8)
    if metric not in (psnr, high_frequency_ratio):
        with pytest.raises(ValueError, match="needs"):
            metric(tiny, tiny)


@pytest.mark.skipif(not SETS.is_dir(), reason="needs the pictures of LIVE1 and Classic5")
@pytest.mark.parametrize(("name", "quality"), [("live1", 10), ("live1", 40), ("classic5", 20), ("classic5", 30)])
def test_jpeg_scores_what_the_literature_prints(name: str, quality: int) -> None:
    rows = []
    for path in find_pictures(SETS / name):
        original = read_luma(path)
        degraded = compress(original, quality)
        rows.append([float(metric(degraded, original)) for metric in METRICS])
    mean = torch.tensor(rows, dtype=torch.float64).mean(dim=0)
    tolerance = torch.tensor((0.005, 0.005, 0.0005, 0.0005), dtype=torch.float64)
    assert ((mean - torch.tensor(PUBLISHED[name, quality])).abs() <= tolerance).all(), mean


@pytest.mark.skipif(not SETS.is_dir(), reason="needs the pictures of LIVE1 and Classic5")
@pytest.mark.parametrize("quality", [20])
def test_color_jpeg_scores_what_the_literature_prints(quality: int) -> None:
    rows = []
    for path in find_pictures(SETS / "live1"):
        original = read_rgb(path)
        degraded = as_picture(degrade_planes(original, quality, "rgb")[0])
        rows.append([float(metric(degraded, original)) for metric in (psnr, ssim_gaussian, ssim_uniform)])
    mean = torch.tensor(rows, dtype=torch.float64).mean(dim=0)
    tolerance = torch.tensor((0.005, 0.0005, 0.0005), dtype=torch.float64)
    assert ((mean - torch.tensor(PUBLISHED_RGB[quality])).abs() <= tolerance).all(), mean
