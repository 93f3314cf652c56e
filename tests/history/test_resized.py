"""Old blocks are found with their size; whatever else is periodic is not taken for them."""

import io

import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf.history.resized import find_enlargement, find_resized_grid
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import EXAMPLES, jpeg_bytes


def _photo(index: int = 1) -> Image.Image:
    with Image.open(EXAMPLES[index]) as image:
        return image.convert("L")


def _saved(image: Image.Image, quality: int) -> Image.Image:
    with Image.open(io.BytesIO(jpeg_bytes(image, quality=quality))) as saved:
        return saved.convert("L")


def _resized(
    image: Image.Image, vertical: float, horizontal: float, how: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    return image.resize((round(image.width * horizontal), round(image.height * vertical)), how)


def _luma(image: Image.Image) -> Tensor:
    return image_to_tensor(image)[0]


@pytest.mark.parametrize("how", [Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BILINEAR])
@pytest.mark.parametrize("scale", [0.9, 1.3, 1.6])
def test_blocks_of_a_resized_jpeg_are_found(scale: float, how: Image.Resampling) -> None:
    found = find_resized_grid(_luma(_resized(_saved(_photo(3), 30), scale, scale, how)), None)
    assert found is not None
    assert found.vertical_scale == pytest.approx(scale, rel=0.01)
    assert found.horizontal_scale == pytest.approx(scale, rel=0.01)
    assert 0.5 <= found.certainty <= 1


@pytest.mark.parametrize("second", [75, 90])
def test_blocks_are_found_below_those_of_a_second_save(second: int) -> None:
    found = find_resized_grid(_luma(_saved(_resized(_saved(_photo(3), 30), 1.4, 1.4), second)), 8)
    assert found is not None
    assert found.vertical_scale == pytest.approx(1.4, rel=0.01)


def test_a_part_of_the_picture_is_enough() -> None:
    picture = _resized(_saved(_photo(), 20), 1.5, 1.5)
    found = find_resized_grid(_luma(picture.crop((5, 11, picture.width - 7, picture.height))), None)
    assert found is not None
    assert found.horizontal_scale == pytest.approx(1.5, rel=0.01)


def test_the_first_scale_is_the_vertical_one() -> None:
    found = find_resized_grid(_luma(_resized(_saved(_photo(), 20), 1.5, 1.51)), None)
    assert found is not None
    assert found.vertical_scale < found.horizontal_scale
    transposed = find_resized_grid(_luma(_resized(_saved(_photo(), 20), 1.5, 1.51)).T, None)
    assert transposed is not None
    assert transposed.vertical_scale == found.horizontal_scale


def test_axes_that_disagree_are_no_grid() -> None:
    saved = _saved(_photo(3), 20)
    assert find_resized_grid(_luma(_resized(saved, 1.5, 1.5)), None) is not None
    assert find_resized_grid(_luma(_resized(saved, 1.5, 1.34)), None) is None


@pytest.mark.parametrize("index", range(len(EXAMPLES)))
def test_photographs_without_resized_blocks_are_silent(index: int) -> None:
    photo = _photo(index)
    assert find_resized_grid(_luma(photo), None) is None, "never saved"
    assert find_resized_grid(_luma(_saved(photo, 90)), 8) is None, "saved once"
    assert find_resized_grid(_luma(_saved(photo, 30)), None) is None, "decoded, the grid of 8 not announced"
    shifted = _saved(photo, 20).crop((3, 5, photo.width, photo.height))
    assert find_resized_grid(_luma(_saved(shifted, 85)), 8) is None, "two grids of 8"


@pytest.mark.parametrize("scale", [0.75, 7 / 6, 5 / 4, 1.75])
def test_resizing_alone_leaves_no_blocks(scale: float) -> None:
    picture = _resized(_photo(), scale, scale, Image.Resampling.BILINEAR)
    assert find_resized_grid(_luma(picture), None) is None
    assert find_resized_grid(_luma(_saved(picture, 90)), 8) is None


def _graphics() -> dict[str, Tensor]:
    y, x = torch.arange(480)[:, None], torch.arange(600)
    noise = torch.randn(480, 600)
    return {
        "pixel art": torch.randint(0, 256, (48, 60)).repeat_interleave(10, 0).repeat_interleave(10, 1),
        "glyphs": (torch.rand(12, 12) < 0.4).repeat(40, 50) * 200 + 20,
        "checkers": (y // 6 + x // 6) % 2 * 30 + 80,
        "faint checkers": (y // 11 + x // 11) % 2 * 4 + 120,
        "table": torch.where((y % 12 == 0) | (x % 12 == 0), 0, 255),
        "bricks": torch.where((y % 10 < 1) | ((x + y // 10 * 5) % 10 < 1), 170, 120) + 4 * noise,
        "waves": 128 + 20 * torch.sin(x / 10.5 * 2 * torch.pi) + 20 * torch.sin(y / 10.5 * 2 * torch.pi) + noise,
        "dither": ((torch.randperm(36).reshape(6, 6).repeat(80, 100) / 36) < (x + y) / 1080) * 255,
        "one color": torch.full((480, 600), 90),
    }


@pytest.mark.parametrize("name", _graphics())
def test_graphics_are_silent(name: str) -> None:
    graphic = _graphics()[name].clamp(0, 255).to(torch.uint8)
    assert find_resized_grid(graphic, None) is None
    assert find_resized_grid(_luma(_saved(Image.fromarray(graphic.numpy()), 66)), 8) is None


def test_a_grid_on_one_axis_only_is_none() -> None:
    luma = _luma(_resized(_saved(_photo(), 20), 1.5, 1.5))
    luma = luma[torch.randperm(len(luma))]  # columns are as they were, rows have no order
    assert find_resized_grid(luma, None) is None


@pytest.mark.parametrize("shape", [(1, 1), (8, 900), (159, 300)])
def test_small_pictures_are_silent(shape: tuple[int, int]) -> None:
    assert find_resized_grid(torch.randint(0, 256, shape, dtype=torch.uint8), None) is None


def test_what_cannot_be_luma_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(H, W\)"):
        find_resized_grid(torch.zeros(3, 200, 200), None)
    with pytest.raises(ValueError, match="own_period"):
        find_resized_grid(torch.zeros(200, 200), 16)
    with pytest.raises(ValueError, match=r"\(C, H, W\)"):
        find_enlargement(torch.zeros(200, 200, dtype=torch.uint8))


def _enlarged(factor: int, height: int = 21, width: int = 26) -> Tensor:
    picture = torch.randint(0, 256, (3, height, width), dtype=torch.uint8)
    return picture.repeat_interleave(factor, 1).repeat_interleave(factor, 2)


@pytest.mark.parametrize("factor", range(1, 17))
def test_the_factor_of_an_enlargement_is_found(factor: int) -> None:
    assert find_enlargement(_enlarged(factor)) == factor


def test_one_sample_that_differs_is_no_enlargement() -> None:
    picture = _enlarged(4)
    picture[1, 17, 30] ^= 1
    assert find_enlargement(picture) == 1


def test_cells_begin_at_the_corner_and_fill_the_picture() -> None:
    picture = _enlarged(4)
    assert find_enlargement(picture[:, 1:-3]) == 1
    assert find_enlargement(picture[:, :-2]) == 2
    assert find_enlargement(picture[:, :-1]) == 1


def test_cells_need_not_all_differ() -> None:
    picture = torch.zeros(1, 48, 48, dtype=torch.uint8)
    assert find_enlargement(picture) == 1, "one color"
    picture[:, 12:24, 24:] = 200
    assert find_enlargement(picture) == 12
    picture = torch.zeros(1, 80, 80, dtype=torch.uint8)
    picture[:, 40:] = 200
    assert find_enlargement(picture) == 10, "40 is more than 16, and 10 the largest that divides it and 80"


def test_factors_of_the_axes_have_to_agree() -> None:
    assert find_enlargement(torch.randint(0, 256, (1, 20, 20)).to(torch.uint8).repeat_interleave(3, 1)) == 1
