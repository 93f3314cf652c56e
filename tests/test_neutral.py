"""Parts of a picture that hold no color are left without."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.jpeg import read_jpeg
from argan_hf.neutral import colored_blocks, left_neutral, neutral_blocks
from argan_hf.picture import PictureParts, take_apart
from argan_hf.prepared_picture import PreparedPicture, prepare
from tests.conftest import jpeg_bytes, png_bytes, scramble
from tests.history.conftest import example

# Where the mark is, and how far from it no color is allowed: the chroma blocks that it touches, the enlarged chroma of
# the next ones, and the neighbors of those, on any grid.
MARK, AWAY = (48, 64, 90, 100), 64


@pytest.fixture
def color_model(residual_config: ArganConfig) -> ArganForImageRestoration:
    return scramble(ArganForImageRestoration(residual_config))


@pytest.fixture
def marked() -> Image.Image:
    """A black-and-white photograph with a red ring."""
    image = example(1, "L").convert("RGB")
    ImageDraw.Draw(image).ellipse(MARK, outline=(220, 20, 30), width=6)
    return image


def _saved_again(image: Image.Image, crop: tuple[int, int]) -> bytes:
    with Image.open(io.BytesIO(jpeg_bytes(image, quality=20))) as first:
        return jpeg_bytes(first.crop((*crop, *first.size)), quality=90)


def _pixels(image: Image.Image) -> np.ndarray:
    return np.array(image).astype(int)


def _has_color(pixels: np.ndarray) -> np.ndarray:
    return pixels.max(2) != pixels.min(2)


def _is_away(pixels: np.ndarray) -> np.ndarray:
    away = np.ones(pixels.shape[:2], dtype=bool)
    left, top, right, bottom = MARK
    away[max(top - AWAY, 0) : bottom + AWAY, max(left - AWAY, 0) : right + AWAY] = False
    return away


_SOURCES = {
    "4:4:4": lambda image: jpeg_bytes(image, quality=20, subsampling="4:4:4"),
    "4:2:2": lambda image: jpeg_bytes(image, quality=20, subsampling="4:2:2"),
    "4:2:0": lambda image: jpeg_bytes(image, quality=20, subsampling="4:2:0"),
    "PNG": png_bytes,
    "saved again": lambda image: _saved_again(image, (0, 0)),
    "cropped and saved again": lambda image: _saved_again(image, (3, 5)),
}


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("source", _SOURCES)
def test_a_colored_mark_leaves_the_rest_neutral(
    color_model: ArganForImageRestoration,
    marked: Image.Image,
    source: str,
    strength: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = _SOURCES[source](marked)
    restorer = JpegRestorer(color_model, "cpu")
    restored = restorer(data, strength=strength)
    assert bool(restored.report.history.saves) == ("again" in source)
    assert restored.report.restored_planes == "Y, Cb, Cr"
    pixels = _pixels(restored.image)
    away = _is_away(pixels)
    assert not _has_color(pixels)[away].any()
    assert (pixels[away] != _pixels(Image.open(io.BytesIO(data)))[away]).any()
    # What is not neutral is restored as it is without the rule, and without it the rest is not neutral.
    parts = take_apart(data)
    prepared = prepare(parts, restored.report.history, None, looks_back=True)
    blocks = prepared.neutral_blocks()
    assert blocks is not None
    inside = blocks.repeat_interleave(16, 0).repeat_interleave(16, 1)[prepared.top :, prepared.left :].numpy()
    inside = inside[: pixels.shape[0], : pixels.shape[1]]
    monkeypatch.setattr(PreparedPicture, "neutral_blocks", lambda prepared: None)
    without = _pixels(restorer(data, strength=strength).image)
    assert np.array_equal(pixels[~inside], without[~inside])
    assert _has_color(without)[away].mean() > 0.1


@pytest.mark.parametrize("source", ["4:2:0", "PNG", "cropped and saved again"])
def test_tiles_leave_neutral_what_the_whole_does(
    color_model: ArganForImageRestoration, marked: Image.Image, source: str
) -> None:
    data = _SOURCES[source](marked)
    whole, *tiled = (
        _pixels(JpegRestorer(color_model, "cpu", tile_size=size, dtype=torch.float32)(data).image)
        for size in (1280, 32, 100)
    )
    for pixels in tiled:
        assert not _has_color(pixels)[_is_away(pixels)].any()
        # Sums in another order round another way.
        assert np.abs(pixels - whole).max() <= 1
        assert (pixels != whole).mean() < 1e-3


def test_a_reconstruction_is_made_neutral_and_not_changed(
    color_model: ArganForImageRestoration, marked: Image.Image
) -> None:
    data, restorer = jpeg_bytes(marked, quality=20), JpegRestorer(color_model, "cpu", tile_size=128)
    planes = restorer.reconstruct(data)
    before = planes.clone()
    assert restorer(data, reconstruction=planes).image.tobytes() == restorer(data).image.tobytes()
    assert torch.equal(planes, before)


def test_realism_adds_no_color(
    color_model: ArganForImageRestoration, residual_config: ArganConfig, marked: Image.Image
) -> None:
    other = scramble(ArganForImageRestoration(residual_config))
    with torch.no_grad():
        for weight in other.parameters():
            weight.mul_(0.9)
    restorer = JpegRestorer(color_model, "cpu", realism_model=other)
    pixels = _pixels(restorer(jpeg_bytes(marked, quality=20), realism=0.5).image)
    assert not _has_color(pixels)[_is_away(pixels)].any()


@pytest.mark.parametrize("kind", ["luma network", "CMYK"])
def test_what_has_no_restored_chroma_is_not_asked(
    kind: str,
    color_model: ArganForImageRestoration,
    plain_config: ArganConfig,
    marked: Image.Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = color_model if kind == "CMYK" else scramble(ArganForImageRestoration(plain_config))
    restorer = JpegRestorer(model, "cpu")
    monkeypatch.setattr(PreparedPicture, "neutral_blocks", None)
    restorer(jpeg_bytes(marked.convert("CMYK") if kind == "CMYK" else marked, quality=20))


def test_what_was_drawn_after_an_earlier_save_counts_as_color() -> None:
    planes = torch.full((3, 160, 128), 128, dtype=torch.uint8)
    seen = planes.clone()
    seen[2, 60, 70] = 129
    foreign = torch.zeros(20, 16, dtype=torch.bool)
    foreign[7, 8] = True
    prepared = PreparedPicture(PictureParts(seen, None, {}, None), planes, ~foreign, foreign)
    blocks = prepared.neutral_blocks()
    assert blocks is not None
    assert (~blocks).nonzero().tolist() == [[row, column] for row in (2, 3, 4) for column in (3, 4, 5)]
    # Without such parts the earlier save alone decides: what a later save added is undone.
    undone = replace(prepared, foreign=None).neutral_blocks()
    assert undone is not None
    assert undone.all()


@pytest.mark.parametrize("rgb", [False, True])
@pytest.mark.parametrize("size", [(16, 16), (300, 75), (523, 40), (1, 1)])
def test_one_colored_sample_counts_for_its_block_and_the_eight_around(rgb: bool, size: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    gray = torch.randint(0, 256, size, dtype=torch.uint8, generator=generator).expand(3, *size).clone()
    if not rgb:
        gray[1:] = 128
    everything = neutral_blocks(colored_blocks(gray, rgb=rgb))
    assert everything is not None
    assert everything.shape == (-(-size[0] // 16), -(-size[1] // 16))
    assert everything.all()
    for channel in range(0 if rgb else 1, 3):
        row, column = (int(torch.randint(0, limit, (1,), generator=generator)) for limit in size)
        samples = gray.clone()
        samples[channel, row, column] ^= 1
        expected = everything.clone()
        expected[max(row // 16 - 1, 0) : row // 16 + 2, max(column // 16 - 1, 0) : column // 16 + 2] = False
        found = neutral_blocks(colored_blocks(samples, rgb=rgb))
        assert torch.equal(torch.zeros_like(expected) if found is None else found, expected)


def test_a_faint_pixel_of_a_file_with_halved_chroma_is_left_to_the_network(marked: Image.Image) -> None:
    gray = marked.convert("L").convert("RGB")
    gray.putpixel((200, 150), (128, 104, 104))
    planes = read_jpeg(jpeg_bytes(gray, quality=100)).planes
    colored = (planes[1:] != 128).any(0)
    assert 0 < colored.sum() < 400
    blocks = neutral_blocks(colored_blocks(planes))
    assert blocks is not None
    inside = blocks.repeat_interleave(16, 0).repeat_interleave(16, 1)[: planes.shape[1], : planes.shape[2]]
    assert not (colored & inside).any()
    assert not blocks[150 // 16, 200 // 16]


def test_parts_are_cut_from_the_blocks_of_the_whole() -> None:
    neutral = torch.rand(5, 4, generator=torch.Generator().manual_seed(0)) < 0.5
    planes = torch.rand(3, 75, 60, generator=torch.Generator().manual_seed(1)) * 100
    whole = left_neutral(planes, neutral, slice(0, 75), slice(0, 60))
    inside = neutral.repeat_interleave(16, 0).repeat_interleave(16, 1)[:75, :60]
    assert torch.equal(whole[0], planes[0])
    assert torch.equal(whole[1:] == 128, inside.expand(2, -1, -1))
    assert torch.equal(whole[:, ~inside], planes[:, ~inside])
    for rows, columns in ((slice(0, 40), slice(24, 60)), (slice(40, 75), slice(5, 24)), (slice(74, 75), slice(59, 60))):
        part = left_neutral(planes[:, rows, columns], neutral, rows, columns)
        assert torch.equal(part, whole[:, rows, columns])
