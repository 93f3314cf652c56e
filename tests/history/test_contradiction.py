"""Files that preserve the artifacts of earlier saves are told from files that can be trusted."""

from collections.abc import Callable
from functools import cache

import pytest
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from argan_hf.evaluation.lives import Life
from argan_hf.history.blocks import to_coefficients, to_samples
from argan_hf.history.contradiction import TOLD_QUALITY, contradicted_quality
from argan_hf.jpeg.color import as_pixels
from argan_hf.jpeg.consistency import hold_to_file
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.file_blocks import FileBlocks
from argan_hf.jpeg.tables import quantization_tables
from argan_hf.picture import take_apart
from argan_hf.restoration import JpegRestorer
from tests.conftest import EXAMPLES, jpeg_bytes


@cache
def _restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained(device="cpu")


def _photo(index: int = 1) -> Image.Image:
    with Image.open(EXAMPLES[index]) as image:
        return image.convert("RGB").crop((96, 96, 480, 480))


def _planes(data: bytes) -> tuple[Tensor, Tensor]:
    parts = take_apart(data)
    assert parts.tables is not None
    return parts.samples, parts.tables


def _asked(restore: Callable[[Tensor, Tensor], Tensor], planes: Tensor, tables: Tensor, **options: bool) -> int | None:
    """Asks with a function that restores planes, given their tables."""
    return contradicted_quality(
        lambda rows, columns: restore(planes[:, rows, columns].float(), tables), planes, tables, **options
    )


def _found(data: bytes) -> int | None:
    return _asked(_restorer().restore_planes, *_planes(data))


def _psnr(planes: Tensor, original: Tensor) -> float:
    error = (as_pixels(planes).float() - original.float()).square().mean()
    return float(10 * torch.log10(255**2 / error))


@pytest.mark.parametrize("life", ["20>x0.75>85", "30>x1.5>90"])
@pytest.mark.parametrize("index", [1, 3])
def test_what_is_told_of_a_resaved_photograph_is_better_than_what_its_file_says(life: str, index: int) -> None:
    result = Life.parse(life).live(image_to_tensor(_photo(index))[None])
    quality = _found(result.file)
    assert quality is not None
    planes, tables = _planes(result.file)
    blocks = FileBlocks.of_file(result.file, tables, "4:2:0")
    assert blocks is not None
    trusted, _, _ = hold_to_file(_restorer().restore_planes(planes, tables), blocks)
    told = _restorer().restore_planes(planes, quantization_tables(quality)[[0, 1, 1]])
    assert _psnr(told, result.original[0]) > _psnr(trusted, result.original[0]) + 0.1


@pytest.mark.parametrize("sampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("quality", [50, 85, 95])
def test_a_photograph_saved_once_is_trusted(quality: int, sampling: str) -> None:
    assert _found(jpeg_bytes(_photo(), quality=quality, subsampling=sampling)) is None


@pytest.mark.parametrize("quality", [75, 90])
@pytest.mark.parametrize("life", ["85>x0.6>{}", "92>x0.5>{}>{}"])
def test_a_photograph_that_was_always_saved_well_is_trusted(life: str, quality: int) -> None:
    text = life.replace("{}", str(quality))
    assert _found(Life.parse(text).live(image_to_tensor(_photo())[None]).file) is None


def _pixel_art() -> Image.Image:
    colors = torch.randint(40, 216, (12, 3), generator=torch.Generator().manual_seed(2), dtype=torch.uint8)
    drawn = torch.randint(0, 12, (64, 64), generator=torch.Generator().manual_seed(3))
    return Image.fromarray(colors[drawn].numpy()).resize((320, 320), Image.Resampling.NEAREST)


def _enlarged() -> Image.Image:
    return _photo(0).resize((64, 64)).resize((320, 320), Image.Resampling.NEAREST)


def _tiles() -> Image.Image:
    image = Image.new("RGB", (320, 320), (90, 90, 100))
    draw = ImageDraw.Draw(image)
    edges = torch.randint(0, 280, (60, 2), generator=torch.Generator().manual_seed(4)).tolist()
    for number, (left, top) in enumerate(edges):
        shade = 60 + 2 * number
        draw.rectangle((left, top, left + 37, top + 26), fill=(shade, 240 - shade, 110))
    return image


@pytest.mark.parametrize("quality", [60, 80, 90])
@pytest.mark.parametrize("picture", [_pixel_art, _enlarged, _tiles], ids=["pixel art", "enlarged", "tiles"])
def test_graphics_saved_once_are_trusted(picture: object, quality: int) -> None:
    assert callable(picture)
    assert _found(jpeg_bytes(picture(), quality=quality)) is None


# From here on without a network: what it would have moved is given.

TABLES = quantization_tables(85)[[0, 1, 1]]


def _textured(height: int, width: int) -> Tensor:
    """Planes of soft texture of moderate activity, (3, H, W)."""
    noise = torch.randn(1, 1, 260, 260, generator=torch.Generator().manual_seed(1)) * 30
    luma = (torch.nn.functional.avg_pool2d(noise, 5, 1)[0] + 128).round().repeat(1, height // 256 + 1, width // 256 + 1)
    return torch.cat((luma[:, :height, :width], torch.full((2, height, width), 128.0)))


class _Mover:
    """Moves luma coefficients by a number of steps, and counts the samples that it was given."""

    def __init__(self, steps: float, frequencies: Tensor) -> None:
        self.move = steps * TABLES[0].float().flatten().clamp(min=3) * frequencies.flatten()
        self.windows: list[tuple[int, int]] = []

    def __call__(self, planes: Tensor, tables: Tensor) -> Tensor:
        self.windows.append((planes.shape[1], planes.shape[2]))
        result = planes.clone()
        result[0] += to_samples(torch.zeros_like(to_coefficients(planes[0])) + self.move)
        return result


ALL = torch.ones(8, 8)
LOWEST = torch.zeros(8, 8)
LOWEST[:2, :2] = 1


@pytest.mark.parametrize(
    ("steps", "frequencies", "expected"),
    [(0.7, LOWEST, TOLD_QUALITY), (0.5, LOWEST, None), (0.7, ALL, None), (0.7, LOWEST.flip(0, 1), None)],
    ids=["low frequencies", "inside the intervals", "all frequencies", "high frequencies"],
)
def test_low_frequencies_moved_out_of_their_intervals_contradict(
    steps: float, frequencies: Tensor, expected: int | None
) -> None:
    planes = _textured(256, 256)
    assert _asked(_Mover(steps, frequencies), planes, TABLES) == expected
    assert _asked(_Mover(steps, frequencies), planes[:1], TABLES[:1]) == expected


def test_less_is_enough_where_the_grid_of_a_resized_save_was_found() -> None:
    planes = _textured(256, 256)
    mover = _Mover(0.7, LOWEST)

    def move_a_few(window: Tensor, tables: Tensor) -> Tensor:
        rows, columns = window.shape[1] // 8, window.shape[2] // 8
        few = (torch.arange(rows * columns) % 97 == 0).view(rows, columns)
        return torch.where(few.repeat_interleave(8, 0).repeat_interleave(8, 1), mover(window, tables), window)

    assert _asked(move_a_few, planes, TABLES) is None
    assert _asked(move_a_few, planes, TABLES, is_resized=True) == TOLD_QUALITY
    assert _asked(lambda window, tables: window, planes, TABLES, is_resized=True) is None


def test_blocks_with_clipped_colors_are_not_counted() -> None:
    planes = _textured(256, 256)
    planes[1] = 250.0  # more blue than there is
    assert _asked(_Mover(0.7, LOWEST), planes, TABLES) is None


@pytest.mark.parametrize(("flat", "expected"), [(1, TOLD_QUALITY), (3, None)])
def test_pictures_with_much_flat_ground_are_trusted(flat: int, expected: int | None) -> None:
    planes = _textured(256, 256)
    planes[0, torch.arange(256) // 8 % 5 < flat] = 128.0  # so many of five rows of blocks
    assert _asked(_Mover(0.7, LOWEST), planes, TABLES) == expected


def test_pictures_with_sharp_edges_are_trusted() -> None:
    planes = _textured(256, 256)
    planes[0, :, 4::16] += 20.0
    assert _asked(_Mover(0.7, LOWEST), planes, TABLES) == TOLD_QUALITY
    planes[0, :, 4::16] -= 20.0
    enlarged = planes[:, ::3, ::3].repeat_interleave(3, 1).repeat_interleave(3, 2)[:, :256, :256]
    enlarged[0] = (enlarged[0] - 128) * 1.5 + 128
    assert _asked(_Mover(0.7, LOWEST), enlarged, TABLES) is None


def test_hard_edges_and_flat_blocks_are_not_counted() -> None:
    planes = _textured(256, 256)
    for factor in (0.1, 6.0):
        other = planes.clone()
        other[0] = ((planes[0] - 128) * factor + 128).clamp(8, 247)
        assert _asked(_Mover(0.7, LOWEST), other, TABLES) is None


@pytest.mark.parametrize(("height", "width"), [(3000, 4000), (300, 2500), (512, 384), (200, 200), (150, 900)])
def test_the_network_looks_at_a_small_part_of_the_picture(height: int, width: int) -> None:
    mover = _Mover(0.7, LOWEST)
    assert _asked(mover, _textured(height, width), TABLES) == TOLD_QUALITY
    seen = sum(rows * columns for rows, columns in mover.windows)
    assert 0 < seen <= min(height * width // 2, 4 * 256 * 256)


def test_it_looks_where_there_is_something_to_see() -> None:
    planes = torch.full((3, 1500, 1500), 128.0)
    planes[:, 800:1000, 1100:1300] = _textured(200, 200)
    assert _asked(_Mover(0.7, LOWEST), planes, TABLES) == TOLD_QUALITY


@pytest.mark.parametrize(("planes", "quality"), [((3, 100, 100), 85), ((3, 256, 256), 40), ((4, 256, 256), 85)])
def test_it_does_not_ask_where_it_cannot_tell(planes: tuple[int, int, int], quality: int) -> None:
    mover = _Mover(0.7, LOWEST)
    picture = _textured(*planes[1:])[:1].expand(planes)
    tables = quantization_tables(quality)[[0, 1, 1, 1][: planes[0]]]
    assert _asked(mover, picture, tables) is None
    assert not mover.windows
