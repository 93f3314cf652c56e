"""Pictures with a past, restored from the earliest save that is certain."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from argan_hf import JpegRestorer
from argan_hf.evaluation.metrics import psnr
from argan_hf.history import History
from argan_hf.jpeg import read_jpeg, rgb_to_ycbcr
from argan_hf.jpeg.codec import encode_planes
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import jpeg_bytes, png_bytes
from tests.history.conftest import example


@pytest.fixture(scope="module")
def restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained(device="cpu")


def _first(quality: int, crop: tuple[int, int] = (0, 0), mode: str = "RGB") -> tuple[Image.Image, Image.Image]:
    """A photograph that was saved and cropped, and the original cropped alike."""
    original = example(1, mode)
    with Image.open(io.BytesIO(jpeg_bytes(original, quality=quality))) as image:
        box = (crop[1], crop[0], image.width, image.height)
        return image.crop(box), original.crop(box)


def _score(image: Image.Image, original: Image.Image) -> float:
    return float(psnr(image_to_tensor(image)[None], image_to_tensor(original)[None]))


@pytest.mark.parametrize("crop", [(0, 0), (3, 5)])
@pytest.mark.parametrize("as_jpeg", [True, False])
def test_a_picture_with_a_past_is_restored_nearly_as_its_first_file(
    restorer: JpegRestorer, crop: tuple[int, int], as_jpeg: bool
) -> None:
    image, original = _first(20, crop)
    source = jpeg_bytes(image, quality=90) if as_jpeg else png_bytes(image)
    now, before = restorer(source), restorer(source, history=False)
    first = restorer(jpeg_bytes(example(1), quality=20)).image.crop((crop[1], crop[0], 384, 320))
    assert now.image.size == original.size
    assert _score(now.image, original) > _score(first, original) - 0.1
    if as_jpeg:
        assert _score(now.image, original) > _score(before.image, original) + 0.4
    assert before.report.history == History()
    assert "quality 20" in now.report.notes[0]
    assert now.report.notes[0].endswith(
        f"of the blocks){', then cropped' if crop != (0, 0) else ''}{', then saved at quality 90' if as_jpeg else ''}."
    )


def test_the_result_is_held_to_the_first_save(restorer: JpegRestorer) -> None:
    image, _ = _first(20, (3, 5))
    restored = restorer(jpeg_bytes(image, quality=90))
    save = restored.report.history.first
    assert save is not None
    # The written picture, encoded on the grid of the first save, gives the numbers that the first file holds.
    table = save.tables[0]
    stored = encode_planes(read_jpeg(jpeg_bytes(example(1), quality=20)).planes[:1], table)[:, :, 0]
    luma = rgb_to_ycbcr(image_to_tensor(restored.image))[:1, 5:, 3:]
    again = encode_planes(luma[:, : 39 * 8, : 47 * 8], table)[:, :, 0]
    assert (save.top, save.left) == (3, 5)
    same = (again == stored[:, :, 1:40, 1:48]).flatten(0, 1).all(0)
    assert same.float().mean() > 0.9
    assert restored.report.consistency is not None
    assert restored.report.consistency.luma_blocks > 0.99
    assert restored.report.consistency.chroma_blocks is None
    free = restorer(jpeg_bytes(image, quality=90), faithful=False)
    assert free.report.consistency is None
    loose = encode_planes(rgb_to_ycbcr(image_to_tensor(free.image))[:1, 5 : 5 + 39 * 8, 3 : 3 + 47 * 8], table)[:, :, 0]
    assert (loose == stored[:, :, 1:40, 1:48]).flatten(0, 1).all(0).float().mean() < same.float().mean()


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_tiles_give_what_the_whole_gives(restorer: JpegRestorer, mode: str) -> None:
    image, _ = _first(20, (11, 5), mode)
    source = jpeg_bytes(image, quality=90)
    # Sums of bfloat16 depend on the size of a tile.
    sizes = [JpegRestorer(restorer.model, "cpu", tile_size=size, dtype=torch.float32) for size in (1280, 128)]
    whole, tiled = (np.array(one(source).image, dtype=int) for one in sizes)
    assert np.abs(whole - tiled).max() <= 1  # sums of another order
    assert (whole == tiled).mean() > 0.999


def test_strength_blends_with_what_is_seen(restorer: JpegRestorer) -> None:
    image, _ = _first(20, (3, 5))
    none, half, full = (
        image_to_tensor(restorer(png_bytes(image), strength=strength, faithful=False).image).float()
        for strength in (0.0, 0.5, 1.0)
    )
    assert torch.equal(none, image_to_tensor(image).float())
    assert (half - (none + full) / 2).abs().mean() < 0.6


@pytest.mark.parametrize("enlarged", [1, 3])
def test_a_kept_reconstruction_gives_the_same_result(restorer: JpegRestorer, enlarged: int) -> None:
    image, _ = _first(20, (3, 5))
    big = image.resize((image.width * enlarged, image.height * enlarged), Image.Resampling.NEAREST)
    source = png_bytes(big) if enlarged > 1 else jpeg_bytes(big, quality=90)
    history = restorer.find_history(source)
    assert history.enlargement == enlarged
    assert history.first is not None
    planes = restorer.reconstruct(source, history=history)
    assert planes.shape == (3, big.height, big.width)
    again = restorer(source, reconstruction=planes, history=history, strength=0.8)
    assert again.image.tobytes() == restorer(source, strength=0.8).image.tobytes()


def test_an_enlargement_is_undone_and_done_again(restorer: JpegRestorer) -> None:
    image, _ = _first(20, (3, 5))
    big = image.resize((image.width * 2, image.height * 2), Image.Resampling.NEAREST)
    small = restorer(png_bytes(image)).image
    restored = restorer(png_bytes(big))
    expected = small.resize(big.size, Image.Resampling.NEAREST)
    assert restored.image.tobytes() == expected.tobytes()
    assert "enlarged 2 times" in restored.report.notes[0]


def test_the_users_quality_counts_where_the_pixels_show_none(restorer: JpegRestorer) -> None:
    image, _ = _first(20)
    source = jpeg_bytes(image, quality=90)
    found, other = restorer(source), restorer(source, 40)
    assert other.image.tobytes() == found.image.tobytes()
    assert "The given quality 40 was not used: the pixels show a save at 20." in other.report.notes
    assert restorer(source, 20).report.notes == found.report.notes
    # Where none is found, a file of higher quality is a later save, to which the result is not held.
    once = jpeg_bytes(example(1), quality=60)
    assert restorer(once, 30).report.consistency is None
    assert restorer(once, 30, history=False).report.consistency is not None
    # A higher quality than the file's own says nothing about a save before it.
    assert restorer(once, 75).report.consistency is not None


@pytest.mark.parametrize("quality", [None, 92])
def test_what_was_drawn_after_the_first_save_is_restored_as_the_file_says(
    restorer: JpegRestorer, quality: int | None
) -> None:
    image, original = _first(25)
    for picture in (image, original):
        draw = ImageDraw.Draw(picture)
        for line in range(2):
            words = "WHEN YOU SAVE IT AGAIN"[line:]
            draw.text((20, 30 + 36 * line), words, (250, 250, 240), ImageFont.load_default(26), stroke_width=2)
    source = png_bytes(image) if quality is None else jpeg_bytes(image, quality=quality)
    now, before = restorer(source), restorer(source, history=False)
    assert now.report.history.first is not None
    drawn = (slice(None), slice(24, 104), slice(20, 360))
    truth = image_to_tensor(original).float()[drawn]
    errors = [float((image_to_tensor(one.image).float()[drawn] - truth).square().mean()) for one in (now, before)]
    assert errors[0] < errors[1] * 1.02
    assert _score(now.image, original) > _score(before.image, original) - 0.02
    # Small tiles, in which it is restored by parts, give the same.
    sizes = [JpegRestorer(restorer.model, "cpu", tile_size=size, dtype=torch.float32) for size in (1280, 64)]
    whole, tiled = (np.array(one(source).image, dtype=int) for one in sizes)
    assert np.abs(whole - tiled).max() <= 1


def test_a_history_of_another_picture_is_refused(restorer: JpegRestorer) -> None:
    image, _ = _first(20, (3, 5))
    big = image.resize((image.width * 2, image.height * 2), Image.Resampling.NEAREST)
    history = restorer.find_history(png_bytes(big))
    assert history == restorer.find_history(png_bytes(big))
    for other in (png_bytes(example(1).crop((0, 0, 251, 247))), png_bytes(example(1, "L")), jpeg_bytes(example(1))):
        with pytest.raises(ValueError, match="history is of another picture"):
            restorer(other, history=history)
        assert restorer(other, history=history, strength=0).image.size == Image.open(io.BytesIO(other)).size


def test_alpha_and_metadata_stay(restorer: JpegRestorer) -> None:
    image, _ = _first(20, (3, 5))
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    restored = restorer(png_bytes(image))
    assert restored.report.history.first is not None
    assert restored.image.mode == "RGBA"
    assert restored.image.getchannel("A").tobytes() == image.getchannel("A").tobytes()


def test_gray_stays_gray(restorer: JpegRestorer) -> None:
    image, _ = _first(20, (3, 5), "L")
    for source in (jpeg_bytes(image.convert("RGB"), quality=90), png_bytes(image.convert("RGB")), png_bytes(image)):
        restored = restorer(source)
        assert restored.report.history.first is not None
        bands = restored.image.convert("RGB").split()
        assert bands[0].tobytes() == bands[1].tobytes() == bands[2].tobytes()


def test_a_picture_without_a_past_is_restored_as_before(restorer: JpegRestorer) -> None:
    for source in (jpeg_bytes(example(1), quality=40), png_bytes(example(1))):
        now, before = restorer(source), restorer(source, history=False)
        assert now.image.tobytes() == before.image.tobytes()
        assert now.report.notes == ()


def test_the_report_can_be_written_as_json(restorer: JpegRestorer, tmp_path: Path) -> None:
    image, _ = _first(20, (3, 5))
    path = tmp_path / "a.png"
    image.save(path)
    report = json.loads(json.dumps(restorer(path).report.to_dict()))
    (save,) = report["history"]["saves"]
    assert (save["quality"], save["grid"], save["sampling"]) == (20, [3, 5], "4:2:0")
    assert len(save["tables"]) == 3
