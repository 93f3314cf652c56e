import importlib
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf.evaluation.metrics import psnr
from argan_hf.evaluation.protocol import read_luma
from argan_hf.jpeg import compress, quantization_tables
from argan_hf.jpeg.color import to_uint8
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import TEST_DATA

sa_dct = pytest.importorskip("argan_hf.baselines.sa_dct", reason="needs numba", exc_type=ImportError)
LIVE1 = TEST_DATA / "test" / "live1"
TABLE_10 = quantization_tables(10)[:1]


def picks_of(plane: np.ndarray, sigma: float) -> np.ndarray:
    norms = [np.linalg.norm(sa_dct._kernel(index)) for index in range(6)]
    margins = sa_dct._confidence(sigma) * sigma * np.array(norms)
    picks = np.full((*plane.shape, 8), 99, np.uint8)
    sa_dct._pick_scales(picks, 0, plane.shape[0], plane.astype(np.float32), margins)
    return picks


def region_of(picks: tuple[int, ...]) -> np.ndarray:
    """The region of a pixel as a mask, True inside."""
    inside, rows, counts, *_ = sa_dct._workspace()
    size = sa_dct._outline(np.array(picks, np.uint8), sa_dct._SCALES, inside, rows, counts)
    assert size == inside.sum() == counts.sum()
    return inside.T.copy()


def spectrum_and_back(columns: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray], list[int]]:
    """SA-DCT of samples given column by column: the coefficients, what its inverse makes of them, the rows' widths."""
    _, _, counts, widths, samples, spectrum, line = sa_dct._workspace()
    for index, column in enumerate(columns):
        counts[index] = len(column)
        samples[index, : len(column)] = column
    tall = sa_dct._forward(samples, counts, spectrum, widths, line)
    forward = spectrum[:tall].copy()
    samples[:] = np.nan
    sa_dct._inverse(spectrum, counts, samples, widths, line)
    return forward, [samples[i, : len(column)].copy() for i, column in enumerate(columns)], list(widths[:tall])


@pytest.mark.parametrize(
    ("quality", "sigma", "confidence"),
    [(5, 19.80, 1.385), (10, 12.62, 1.741), (20, 8.06, 2.257), (30, 6.19, 2.672), (40, 5.16, 3.020)],
)
def test_noise_and_confidence_are_those_of_the_description(quality: int, sigma: float, confidence: float) -> None:
    found = sa_dct.noise_sigma(quantization_tables(quality)[0])
    assert found == pytest.approx(sigma, abs=0.006)
    assert sa_dct._confidence(found) == pytest.approx(confidence, abs=0.0006)


@pytest.mark.parametrize("index", range(7))
def test_kernels_reproduce_constants(index: int) -> None:
    assert sa_dct._kernel(index).sum() == pytest.approx(1)


def test_a_flat_picture_gets_the_largest_scale_that_stays_inside() -> None:
    noise = np.random.default_rng(0).normal(128, 3, (40, 40))
    picks = picks_of(noise, 12.0)
    assert (picks[8:-8, 8:-8] == 5).mean() > 0.99
    assert (picks[0, :, 1:4] == 0).all()
    assert (picks[:, -1, 0] == 0).all()
    assert picks[2, 20, 2] == 2


def test_scales_stop_at_an_edge() -> None:
    plane = np.full((40, 40), 50.0)
    plane[:, 20:] = 200
    picks = picks_of(plane, 12.0)[20]
    assert list(picks[15:20, 0]) == [3, 2, 2, 1, 0]
    assert list(picks[20:25, 4]) == [0, 1, 2, 2, 3]
    assert (picks[20, [0, 2, 6]] == 5).all()


def test_regions_are_polygons_through_the_picked_points() -> None:
    assert region_of((0,) * 8).sum() == 1
    square = region_of((5,) * 8)
    assert square.sum() == 17 * 17
    assert square[3:20, 3:20].all()
    diamond = np.abs(np.mgrid[-11:12, -11:12]).sum(0) <= 4
    # A diagonal of (2, 2) lies on the straight line between (4, 0) and (0, 4).
    assert (region_of((3, 2, 3, 2, 3, 2, 3, 2)) == diamond).all()
    cross = region_of((3, 0, 3, 0, 3, 0, 3, 0))
    assert cross.sum() == 17
    right_only = region_of((3, 0, 0, 0, 0, 0, 0, 0))
    assert [tuple(point) for point in np.argwhere(right_only)] == [(11, column) for column in range(11, 16)]
    up_right = region_of((0, 2, 0, 0, 0, 0, 0, 0))
    assert [tuple(point) for point in np.argwhere(up_right)] == [(9, 13), (10, 12), (11, 11)]


def test_the_transform_of_a_square_is_the_ordinary_dct() -> None:
    block = np.random.default_rng(1).normal(0, 50, (8, 8))
    k, n = np.mgrid[:8, :8]
    basis = np.cos(np.pi / 8 * k * (n + 0.5)) / 2
    basis[0] = np.sqrt(1 / 8)
    forward, back, widths = spectrum_and_back(list(block.T))
    assert widths == [8] * 8
    assert np.allclose(forward[:, :8], basis @ block @ basis.T, atol=1e-3)
    assert np.allclose(np.array(back).T, block, atol=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_the_transform_of_any_shape_is_orthonormal(seed: int) -> None:
    generator = np.random.default_rng(seed)
    columns = [generator.normal(0, 50, length) for length in generator.integers(0, 18, generator.integers(1, 18))]
    forward, back, widths = spectrum_and_back(columns)
    assert sum(widths) == sum(map(len, columns))
    energy = sum(float((column**2).sum()) for column in columns)
    kept = sum(float((row[:width] ** 2).sum()) for row, width in zip(forward, widths, strict=True))
    assert kept == pytest.approx(energy, rel=1e-5)
    assert all(np.allclose(a, b, atol=1e-3) for a, b in zip(columns, back, strict=True))


@pytest.mark.parametrize("level", [0, 77, 255])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (1, 20), (33, 18)])
def test_a_constant_plane_stays(level: int, size: tuple[int, int]) -> None:
    plane = torch.full((1, *size), level, dtype=torch.uint8)
    restored = sa_dct.restore(plane, TABLE_10)
    assert restored.dtype == torch.float32
    assert restored.shape == plane.shape
    assert torch.allclose(restored, plane.float(), atol=1e-3)


def test_a_photograph_comes_nearer_to_its_original_and_twice_the_same(photo: Image.Image) -> None:
    original = image_to_tensor(photo.convert("L"))[None]
    degraded = compress(original, 10)
    restored = sa_dct.restore(degraded[0], TABLE_10)
    assert psnr(to_uint8(restored)[None], original) > psnr(degraded, original) + 0.5
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if threads > 1 else 3)
    try:
        again = sa_dct.restore(degraded[0].float(), TABLE_10)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(again, restored)
    assert restored.min() >= 0
    assert restored.max() <= 255


def test_coarser_tables_smooth_more(photo: Image.Image) -> None:
    plane = image_to_tensor(photo.convert("L").crop((40, 40, 90, 80)))
    change = [
        float((sa_dct.restore(plane, quantization_tables(quality)[:1]) - plane).abs().mean()) for quality in (5, 30, 90)
    ]
    assert change[0] > change[1] > change[2]


def test_every_coarse_table_is_served() -> None:
    noise = torch.rand(1, 30, 30) * 255
    restored = sa_dct.restore(noise, torch.full((1, 8, 8), 65535))
    assert restored.std() < noise.std() / 4
    assert (sa_dct.restore(noise, torch.ones(1, 8, 8, dtype=torch.int32)) - noise).abs().max() < 10


def test_luma_does_not_hear_of_chroma(photo: Image.Image) -> None:
    planes = image_to_tensor(photo.convert("YCbCr").crop((40, 40, 90, 80)))
    luma, chroma = quantization_tables(10)
    tables = torch.stack((luma, chroma, chroma))
    seen: list[tuple[int, int]] = []
    restored = sa_dct.restore(planes, tables, progress=lambda *counts: seen.append(counts))
    assert torch.equal(restored[:1], sa_dct.restore(planes[:1], tables[:1]))
    assert not torch.equal(restored[1:], planes[1:].float())
    strips = -(-planes.shape[1] // 16)
    assert seen == [(done, 4 * strips) for done in range(1, 4 * strips + 1)]


@pytest.mark.parametrize(
    ("planes", "tables", "message"),
    [
        (torch.zeros(8, 8), TABLE_10, r"planes must have shape \(C, H, W\).*found \(8, 8\)"),
        (torch.zeros(1, 0, 8), TABLE_10, r"without a zero, found \(1, 0, 8\)"),
        (torch.zeros(1, 8, 8, dtype=torch.int32), TABLE_10, "found torch.int32"),
        (torch.zeros(3, 8, 8), TABLE_10, r"tables must have shape \(3, 8, 8\), found \(1, 8, 8\)"),
        (torch.zeros(1, 8, 8), torch.zeros(1, 8, 8, dtype=torch.int32), "integers from 1"),
        (torch.zeros(1, 8, 8), TABLE_10.float(), "torch.float32"),
    ],
)
def test_what_cannot_be_restored_is_refused(planes: Tensor, tables: Tensor, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sa_dct.restore(planes, tables)


def test_missing_numba_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, sa_dct.__name__)
    with pytest.raises(ImportError, match=r'needs numba: .*pip install -e "\.\[baselines\]"'):
        importlib.import_module(sa_dct.__name__)


@pytest.mark.skipif(not LIVE1.is_dir(), reason="LIVE1 is not at hand")
def test_a_picture_of_live1_gains_what_is_expected() -> None:
    original = read_luma(LIVE1 / "caps.png")[..., 100:228, 200:328].contiguous()
    degraded = compress(original, 10)
    restored = to_uint8(sa_dct.restore(degraded[0], TABLE_10))[None]
    assert psnr(restored, original) > psnr(degraded, original) + 0.9
