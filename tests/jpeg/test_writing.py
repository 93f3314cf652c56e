import pytest
import torch

from argan_hf.jpeg import rgb_to_ycbcr_unrounded
from argan_hf.jpeg.color import added_by_chroma, ycbcr_to_rgb_unclipped
from argan_hf.jpeg.writing import beyond_colors, nearest_colors, seen_by_encoder
from tests.jpeg.samples import seen_in


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", ["anything", "beyond colors", "near halves", "halves in green", "integers"])
def test_what_an_encoder_sees_is_what_writing_and_converting_give(kind: str, channels: int) -> None:
    planes = torch.rand(channels, 300, 301) * 255
    if kind == "beyond colors":
        planes = planes * 3 - 200
    elif kind == "near halves":
        # Without color, so that rounding decides between two levels of all three colors.
        planes = planes.floor() + 0.5 + (torch.randint(-2, 3, planes.shape) * 1e-5)
        planes[1:, :150] = 128.0
    elif kind == "halves in green" and channels == 3:
        # In floating point, the order of the sums decides.
        planes[0] = planes[0].floor() + 0.5 - added_by_chroma(planes[1], planes[2])[1]
    elif kind == "integers":
        planes = planes.round()
    before = planes.clone()
    assert torch.equal(seen_by_encoder(planes), seen_in(planes).float())
    assert torch.equal(planes, before)


def test_the_order_of_pixels_does_not_matter() -> None:
    planes = torch.rand(3, 5, 4, 64) * 400 - 70
    assert torch.equal(seen_by_encoder(planes), seen_in(planes.flatten(2)).float().view_as(planes))


def test_whole_numbers_that_rgb_holds_come_back() -> None:
    planes = (torch.rand(3, 1, 200_000) * 255).round()
    colors = ycbcr_to_rgb_unclipped(planes)
    inside = ((colors >= 0.0) & (colors <= 255.0)).all(0)
    assert inside.sum() > 10_000
    assert torch.equal(seen_by_encoder(planes)[:, inside], planes[:, inside])


def test_how_far_colors_lie_beyond_those_that_can_be_written() -> None:
    assert beyond_colors(torch.tensor([[[-3.0, 9.0], [9.0, 255.5], [0.0, 255.0]]])).tolist() == [3.0, 0.5, 0.0]
    planes = torch.rand(3, 50, 2, 64) * 400 - 70
    colors = ycbcr_to_rgb_unclipped(planes.flatten(2)).transpose(0, 1).flatten(1)
    expected = (colors - colors.clamp(0.0, 255.0)).abs().amax(1)
    assert torch.allclose(beyond_colors(planes), expected, atol=1e-3)
    assert len(beyond_colors(torch.zeros(3, 0, 2, 64))) == 0


@pytest.mark.parametrize("channels", [1, 3])
def test_nearest_colors_can_be_written_and_all_others_stay(channels: int) -> None:
    planes = torch.rand(channels, 300, 2, 64) * 500 - 120
    planes[1:] = (planes[1:] - 128) / 4 + 128
    before, found = planes.clone(), nearest_colors(planes)
    assert beyond_colors(found).max() < 0.05
    fine = beyond_colors(planes.flatten(1)[..., None]) == 0.0
    assert 0.2 < fine.float().mean() < 0.8
    assert torch.equal(found.flatten(1)[:, fine], planes.flatten(1)[:, fine])
    assert torch.equal(planes, before)
    if channels == 3:
        clipped = ycbcr_to_rgb_unclipped(planes.flatten(2)).clamp(0.0, 255.0)
        assert torch.allclose(found.flatten(2), rgb_to_ycbcr_unrounded(clipped), atol=0.01)


def test_gray_that_is_clipped_stays_gray() -> None:
    planes = torch.full((3, 2, 1, 64), 128.0)
    planes[0] = torch.linspace(-60.0, 300.0, 128).view(2, 1, 64)
    found = nearest_colors(planes)
    assert (found[1:] == 128.0).all()
    assert torch.equal(found[0], planes[0].clamp(0.0, 255.0))
