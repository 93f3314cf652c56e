"""How far a network looks is found by trying: exact for convolutions, none for averages over the whole picture."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from argan_hf.measured_margin import measured_margin


def _looks(planes: Tensor, distance: int, axis: int, *, weight: float = 0.5) -> Tensor:
    """Adds what lies `distance` pixels away along an axis, and nothing else."""
    shifted = planes.roll(-distance, axis)
    size = planes.shape[axis]
    beyond = torch.arange(size) + distance
    inside = ((beyond >= 0) & (beyond < size)).view(-1, *[1] * (3 - axis))
    return planes * 0.5 + shifted * weight * inside


@pytest.mark.parametrize(("radius", "margin"), [(5, 16), (16, 16), (17, 32), (120, 128), (256, 256), (257, None)])
def test_the_margin_covers_every_direction(radius: int, margin: int | None) -> None:
    for axis in (2, 3):
        for distance in (radius, -radius):
            found = measured_margin(lambda planes, d=distance, a=axis: _looks(planes, d, a), 1, 1)
            assert found == margin


def test_an_average_over_the_picture_has_no_margin() -> None:
    assert measured_margin(lambda planes: planes * 0.9 + planes.mean((2, 3), keepdim=True) * 0.1, 3, 8) is None


def test_windows_need_tiles_that_start_where_they_do() -> None:
    def windows(planes: Tensor) -> Tensor:
        padded = F.pad(planes, (0, -planes.shape[3] % 64, 0, -planes.shape[2] % 64), mode="replicate")
        means = F.interpolate(F.avg_pool2d(padded, 64), scale_factor=64)
        return means[..., : planes.shape[2], : planes.shape[3]]

    assert measured_margin(windows, 1, 8) is None
    assert measured_margin(windows, 1, 64) == 64


def test_what_is_below_a_visible_difference_does_not_count() -> None:
    assert measured_margin(lambda planes: _looks(planes, 100, 2, weight=1e-6), 1, 1) == 16
    assert measured_margin(lambda planes: _looks(planes, 100, 2, weight=1e-2), 1, 1) == 128
