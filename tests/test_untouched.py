"""What JPEG did not damage is left as it is."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf import JpegRestorer, untouched
from argan_hf.evaluation.metrics import psnr
from argan_hf.flat_chroma import flat_chroma
from argan_hf.graphics import draw_graphic
from argan_hf.jpeg import read_jpeg
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.resampling import Subsampling
from argan_hf.picture import take_apart
from argan_hf.prepared_picture import prepare
from argan_hf.untouched import left_untouched, untouched_blocks
from tests.conftest import EXAMPLES, jpeg_bytes, png_bytes

FLAT = ("text-bilevel", "desktop-old", "comic", "pixel-art", "mosaic")


@pytest.fixture(scope="module")
def restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained(device="cpu")


def _pixels(image: Image.Image) -> torch.Tensor:
    return image_to_tensor(image.convert("RGB"))[None]


def _squares(side: int = 8, *, gray: bool = True) -> Image.Image:
    colors = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    cells = colors[..., :1].repeat(3, 2) // 128 * 255 if gray else colors
    return Image.fromarray(cells.repeat(side, 0).repeat(side, 1))


def _luma(data: bytes) -> tuple[torch.Tensor, torch.Tensor]:
    file = read_jpeg(data)
    return file.planes[:1], file.tables[0]


@pytest.mark.parametrize("kind", FLAT)
def test_graphics_that_were_never_compressed_are_left_pixel_by_pixel(restorer: JpegRestorer, kind: str) -> None:
    image = draw_graphic(kind, 5, 160)
    restored = restorer(png_bytes(image))
    assert torch.equal(_pixels(restored.image), _pixels(image))
    assert restored.report.untouched == 1
    assert any("no trace of JPEG was found" in note for note in restored.report.notes)


@pytest.mark.parametrize("kind", FLAT[:4])
@pytest.mark.parametrize("quality", [20, 95])
def test_graphics_that_were_jpeg_files_are_not_taken_for_clean_ones(kind: str, quality: int) -> None:
    with Image.open(io.BytesIO(jpeg_bytes(draw_graphic(kind, 5, 160), quality=quality))) as image:
        weights = untouched_blocks(image_to_tensor(image.convert("RGB")))
    assert weights is None or float(weights.mean()) < 0.15


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_squares_on_the_grid_are_never_worse_than_their_file(restorer: JpegRestorer, quality: int) -> None:
    image = _squares()
    data = jpeg_bytes(image, quality=quality)
    with Image.open(io.BytesIO(data)) as file:
        before = float(psnr(_pixels(file), _pixels(image)))
    restored = restorer(data)
    assert float(psnr(_pixels(restored.image), _pixels(image))) >= before - 0.1
    assert restored.report.untouched > 0.9
    assert any("nothing to repair" in note for note in restored.report.notes)


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("side", [8, 16])
def test_squares_of_color_get_their_own_color_back(restorer: JpegRestorer, side: int, subsampling: str) -> None:
    image = _squares(side, gray=False)
    for quality in (20, 75):
        data = jpeg_bytes(image, quality=quality, subsampling=subsampling)
        with Image.open(io.BytesIO(data)) as file:
            before = float(psnr(_pixels(file), _pixels(image)))
        gain = float(psnr(_pixels(restorer(data).image), _pixels(image))) - before
        assert gain >= (-0.1 if subsampling == "4:4:4" else 3.0), (quality, gain)


def test_colors_that_would_not_become_the_file_are_not_believed() -> None:
    """Luma of squares on the grid, with stripes of color alone across them."""
    luma = np.array(_squares().convert("L")) // 2 + 60
    stripes = np.full_like(luma, 128)
    stripes[:, ::20] = stripes[:, 1::20] = stripes[:, 2::20] = 160
    planes = [Image.fromarray(plane) for plane in (luma, stripes, np.full_like(luma, 128))]
    file = read_jpeg(jpeg_bytes(Image.merge("YCbCr", planes), quality=90))
    weights = untouched_blocks(file.planes[:1], file.tables[0])
    assert weights is not None
    assert float(weights.mean()) > 0.9
    found = flat_chroma(file.planes, file.tables, "4:2:0", weights)
    assert found is None or float(found.known.float().mean()) < 0.3


@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2"])
def test_colors_of_single_blocks_are_those_found_in_the_whole_picture(sampling: Subsampling) -> None:
    # Squares of 16, whose colors are proven, on half of the picture; on the other half a photograph, whose are not.
    picture = _squares(16, gray=False)
    with Image.open(EXAMPLES[0]) as photo:
        picture.paste(photo.convert("RGB").crop((0, 0, 200, 333)), (120, 0))
    file = read_jpeg(jpeg_bytes(picture, quality=70, subsampling=sampling))
    everywhere = torch.ones(40, 48)
    whole = flat_chroma(file.planes, file.tables, sampling, everywhere)
    assert whole is not None
    assert 100 < whole.known.sum() < 1200
    for block in torch.randint(0, 40, (12, 2)).tolist():
        weights = torch.zeros(40, 48)
        weights[*block] = 1.0
        alone = flat_chroma(file.planes, file.tables, sampling, weights)
        assert (alone is not None) == bool(whole.known[*block])
        if alone is not None:
            assert alone.known.nonzero().tolist() == [block]
            assert torch.equal(alone.chroma[:, *block], whole.chroma[:, *block])


def test_squares_beside_the_grid_are_restored() -> None:
    moved = _squares().crop((3, 3, 160, 150))
    assert untouched_blocks(*_luma(jpeg_bytes(moved, quality=50))) is None


@pytest.mark.parametrize("quality", [10, 50, 90])
def test_photographs_are_restored_everywhere(quality: int) -> None:
    for path in EXAMPLES:
        with Image.open(path) as image:
            rgb = image.convert("RGB").crop((64, 64, 448, 448))
        data = jpeg_bytes(rgb, quality=quality)
        with Image.open(io.BytesIO(data)) as shown:
            as_png = untouched_blocks(image_to_tensor(shown.convert("RGB")))
        for weights, most in ((untouched_blocks(*_luma(data)), 0.005), (as_png, 0.02)):
            assert weights is None or float(weights.mean()) < most, path.name


@pytest.fixture
def window() -> Image.Image:
    """Clean text around a photograph that was saved at quality 20, at column 117 and row 109."""
    window = draw_graphic("text-bilevel", 3, 320)
    with Image.open(EXAMPLES[1]) as image:
        photo = image.convert("RGB").crop((101, 103, 293, 295))
    with Image.open(io.BytesIO(jpeg_bytes(photo, quality=20))) as damaged:
        window.paste(damaged, (117, 109))
    return window


def test_blocks_of_an_earlier_save_are_not_left(restorer: JpegRestorer, window: Image.Image) -> None:
    prepared = prepare(take_apart(png_bytes(window)), restorer.find_history(png_bytes(window)), None, looks_back=True)
    weights = prepared.untouched_blocks()
    assert weights is not None
    assert prepared.held is not None
    rows, columns = prepared.held.shape
    assert float(weights[:rows, :columns][prepared.held].max()) == 0
    assert float(weights.mean()) > 0.3


def test_a_photograph_within_a_clean_window_is_restored_and_the_window_is_left(
    restorer: JpegRestorer, window: Image.Image
) -> None:
    result = np.asarray(restorer(png_bytes(window)).image).astype(int)
    changed = np.abs(result - np.asarray(window).astype(int)).max(2)
    assert (changed[140:270, 150:280] > 0).mean() > 0.5
    outside = np.ones(changed.shape, dtype=bool)
    outside[109 - 40 : 301 + 40, 117 - 40 : 309 + 40] = False
    assert changed[outside].max() <= 1


def test_a_picture_of_which_the_user_knows_a_quality_is_restored(restorer: JpegRestorer) -> None:
    image = draw_graphic("comic", 5, 160)
    assert restorer(png_bytes(image), quality=30).report.untouched == 0


def test_a_quality_that_the_file_has_changes_nothing(restorer: JpegRestorer) -> None:
    data = jpeg_bytes(_squares(), quality=50)
    assert torch.equal(_pixels(restorer(data, quality=50).image), _pixels(restorer(data).image))


@pytest.mark.parametrize("quality", [5, 10])
def test_steps_between_blocks_of_the_lowest_qualities_are_no_edges(quality: int) -> None:
    for seed in (100, 101, 105, 201):
        with Image.open(io.BytesIO(jpeg_bytes(draw_graphic("gradient", seed, 192), quality=quality))) as image:
            weights = untouched_blocks(image_to_tensor(image.convert("RGB")))
        assert weights is None or float(weights.mean()) < 0.05, seed


def test_a_small_photograph_in_a_long_page_is_not_outvoted() -> None:
    page = draw_graphic("text-bilevel", 11, 640)
    with Image.open(EXAMPLES[3]) as image:
        photo = image.convert("RGB").crop((100, 100, 484, 484)).resize((240, 240))
    with Image.open(io.BytesIO(jpeg_bytes(photo, quality=15))) as damaged:
        page.paste(damaged.resize((176, 176), Image.Resampling.BICUBIC), (233, 341))
    weights = untouched_blocks(image_to_tensor(page))
    assert weights is not None
    assert 0.5 < float(weights.mean()) < 1
    assert float(weights[46:60, 33:48].mean()) < 0.1


def test_tiles_and_a_kept_reconstruction_give_the_same(restorer: JpegRestorer) -> None:
    window = draw_graphic("desktop-old", 3, 200)
    with Image.open(EXAMPLES[1]) as image:
        window.paste(image.convert("RGB").crop((0, 0, 120, 200)), (0, 0))
    data = png_bytes(window)
    whole = restorer(data)
    assert 0 < whole.report.untouched < 1
    small = JpegRestorer(restorer.model, "cpu", tile_size=64)
    assert torch.equal(_pixels(small(data).image), _pixels(whole.image))
    again = restorer(data, reconstruction=restorer.reconstruct(data))
    assert torch.equal(_pixels(again.image), _pixels(whole.image))


def test_strips_give_the_same_as_the_whole_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = image_to_tensor(draw_graphic("map", 2, 200))[:, :197, :189]
    whole = untouched_blocks(samples)
    monkeypatch.setattr(untouched, "_STRIP", 16)
    assert torch.equal(untouched_blocks(samples), whole)


@pytest.mark.parametrize("shape", [(1, 64, 45), (3, 33, 70), (1, 9, 5), (3, 4, 80)])
def test_neighbors_of_edges_are_counted_as_one_by_one(shape: tuple[int, int, int]) -> None:
    levels = torch.tensor([0, 1, 12, 13, 37, 255])  # differences that are none, faint, neither, edges
    samples = levels[torch.randint(0, 6, shape)].to(torch.uint8)
    samples[torch.rand(shape) < 0.7] = 12
    equal, faint = torch.zeros(2, -(-shape[1] // 8), -(-shape[2] // 8))
    picture = samples.int()
    for lines, turned in ((picture, False), (picture.transpose(1, 2), True)):
        steps = lines.diff(dim=2).abs().amax(0)
        for row, column in torch.cartesian_prod(*(torch.arange(size) for size in steps.shape)).tolist():
            near = steps[row, max(column - 6, 0) : column + 7]
            place = (column // 8, row // 8) if turned else (row // 8, column // 8)
            if near.max() >= 24.5:
                equal[place] += steps[row, column] == 0
                faint[place] += 0 < steps[row, column] <= 12
    found = untouched._count(samples, 24.5)
    assert torch.equal(found[0], equal)
    assert torch.equal(found[1], faint)


def test_parts_of_a_picture_are_left_as_in_the_whole() -> None:
    torch.manual_seed(0)
    restored, seen, weights = torch.rand(3, 61, 77), torch.rand(3, 61, 77), torch.rand(8, 10).round()
    whole = left_untouched(restored, seen, weights, slice(0, 61), slice(0, 77))
    for rows, columns in ((slice(16, 48), slice(0, 32)), (slice(48, 61), slice(64, 77))):
        part = left_untouched(restored[:, rows, columns], seen[:, rows, columns], weights, rows, columns)
        assert torch.allclose(part, whole[:, rows, columns], atol=1e-6)
    assert torch.equal(left_untouched(restored, seen, torch.zeros(8, 10), slice(0, 61), slice(0, 77)), restored)
    assert torch.equal(left_untouched(restored, seen, torch.ones(8, 10), slice(0, 61), slice(0, 77)), seen)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 40), (3, 40, 1), (1, 7, 9)])
def test_tiny_pictures(shape: tuple[int, int, int]) -> None:
    assert untouched_blocks(torch.zeros(shape, dtype=torch.uint8)) is None
