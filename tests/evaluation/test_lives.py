import io

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf.evaluation.lives import JpegSave, Life, Resizing, Step, WebpSave
from argan_hf.jpeg import read_jpeg
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import jpeg_bytes

LANCZOS, NEAREST = Image.Resampling.LANCZOS, Image.Resampling.NEAREST


@pytest.fixture(params=["L", "RGB"])
def picture(request: pytest.FixtureRequest, photo: Image.Image) -> Image.Image:
    """The photograph, gray as under the protocol "luma" and in color."""
    return photo.convert(request.param)


def _tensor(image: Image.Image) -> Tensor:
    return image_to_tensor(image)[None]


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def _saved(image: Image.Image, quality: int, **options: object) -> Image.Image:
    with _opened(jpeg_bytes(image, quality=quality, **options)) as saved:
        return saved.convert(image.mode)


def _cropped_after_save(image: Image.Image, quality: int, rows: int, columns: int) -> Image.Image:
    """The picture as the middle of a larger one that was saved and cropped; borders are repeated around it."""
    padding = [(rows, 15 - rows), (columns, 15 - columns)] + [(0, 0)] * (np.array(image).ndim - 2)
    larger = _saved(Image.fromarray(np.pad(np.array(image), padding, mode="edge")), quality)
    return larger.crop((columns, rows, columns + image.width, rows + image.height))


def test_a_life_is_read_step_by_step() -> None:
    assert Life.parse("20:444@3,5 > x0.75>n2>png> webp80>90").steps == (
        JpegSave("20:444@3,5", 20, "4:4:4", (3, 5)),
        Resizing("x0.75", 0.75, LANCZOS),
        Resizing("n2", 2, NEAREST),
        Step("png"),
        WebpSave("webp80", 80),
        JpegSave("90", 90, "4:2:0", (0, 0)),
    )
    assert Life.parse("20:422@3,5 > png").text == "20:422@3,5>png"


@pytest.mark.parametrize(("text", "quality"), [("20>90:444", 90), ("20", 20), ("20>png", None), ("90>x.5", None)])
def test_the_quality_is_that_of_the_last_file(text: str, quality: int | None) -> None:
    assert Life.parse(text).quality == quality


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a step is empty, expected a quality such as 20, 20:444 or 20@3,5"),
        ("20>>90", "life '20>>90': a step is empty"),
        ("0>90", r"the number in '0' must lie in 1\.\.100, found 0"),
        ("20>101", r"the number in '101' must lie in 1\.\.100, found 101"),
        ("q20", "a step must be a quality such as .*; found 'q20'"),
        ("-5", "found '-5'"),
        ("20:411>90", "chroma of '20:411' must be one of 444, 422, 420, found '411'"),
        ("20:>90", "must be one of 444, 422, 420, found ''"),
        ("20@3>90", "after @ come rows and columns, such as @3,5; found '20@3'"),
        ("20@16,0>90", r"must lie in 0\.\.15, found 16"),
        ("20@3,-1>90", "after @ come rows and columns"),
        ("90>20@3,5", r"the last step can have no @, found '20@3,5'; .* as in 20@3,5>png"),
        ("x0>90", r"the factor of 'x0' must lie in 0\.05\.\.8"),
        ("x9>90", r"the factor of 'x9' must lie in 0\.05\.\.8"),
        ("x>90", "found 'x'"),
        ("n1>90", r"the number in 'n1' must lie in 2\.\.8"),
        ("n1.5>90", "found 'n1.5'"),
        ("webp>90", "found 'webp'"),
        ("webp101", r"must lie in 0\.\.100"),
    ],
)
def test_other_steps_are_refused_with_what_was_found_and_what_is_expected(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        Life.parse(text)
    assert str(caught.value).startswith(f"life {text!r}: ")


@pytest.mark.parametrize("sampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_saved_twice_is_saved_twice_with_pillow(picture: Image.Image, sampling: str) -> None:
    lived = Life.parse(f"20:{sampling.replace(':', '')}>90").live(_tensor(picture))
    assert lived.file == jpeg_bytes(_saved(picture, 20, subsampling=sampling), quality=90)
    assert torch.equal(lived.original, _tensor(picture))
    last = Life.parse(f"90>20:{sampling.replace(':', '')}").live(_tensor(picture))
    assert read_jpeg(last.file).sampling == ("gray" if picture.mode == "L" else sampling)


@pytest.mark.parametrize(("rows", "columns"), [(3, 5), (0, 15), (4, 4)])
def test_a_shifted_grid_is_that_of_a_larger_picture_that_was_cropped(
    picture: Image.Image, rows: int, columns: int
) -> None:
    cropped = _cropped_after_save(picture, 20, rows, columns)
    as_png = Life.parse(f"20@{rows},{columns}>png").live(_tensor(picture))
    with _opened(as_png.file) as image:
        assert (image.format, image.size) == ("PNG", picture.size)
        assert torch.equal(_tensor(image), _tensor(cropped))
    assert Life.parse(f"20@{rows},{columns}>90").live(_tensor(picture)).file == jpeg_bytes(cropped, quality=90)
    assert torch.equal(as_png.original, _tensor(picture))


def test_the_original_is_resized_along_and_nothing_else(picture: Image.Image) -> None:
    lived = Life.parse("20>x0.75>85>n2>50").live(_tensor(picture))
    sizes = (155, 115), (310, 230)
    small = _saved(_saved(picture, 20).resize(sizes[0], LANCZOS), 85)
    assert lived.file == jpeg_bytes(small.resize(sizes[1], NEAREST), quality=50)
    assert torch.equal(lived.original, _tensor(picture.resize(sizes[0], LANCZOS).resize(sizes[1], NEAREST)))


def test_a_life_that_ends_with_a_resizing_leaves_a_png(picture: Image.Image) -> None:
    lived = Life.parse("20>n3").live(_tensor(picture))
    with _opened(lived.file) as image:
        assert image.format == "PNG"
        assert np.array_equal(np.array(image), np.array(_saved(picture, 20)).repeat(3, 0).repeat(3, 1))
    assert lived.original.shape[-2:] == (3 * picture.height, 3 * picture.width)


def test_png_changes_nothing(picture: Image.Image) -> None:
    assert Life.parse("20>png>90").live(_tensor(picture)).file == Life.parse("20>90").live(_tensor(picture)).file
    with _opened(Life.parse("png").live(_tensor(picture)).file) as image:
        assert torch.equal(_tensor(image), _tensor(picture))


def test_webp_is_that_of_pillow(picture: Image.Image) -> None:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=80)
    assert Life.parse("webp80").live(_tensor(picture)).file == buffer.getvalue()
    with Image.open(buffer) as image:
        saved = jpeg_bytes(image.convert(picture.mode), quality=90)
    assert Life.parse("webp80>90").live(_tensor(picture)).file == saved


def test_nothing_gets_smaller_than_a_pixel() -> None:
    lived = Life.parse("x0.05").live(torch.zeros(1, 3, 8, 40, dtype=torch.uint8))
    assert lived.original.shape == (1, 3, 1, 2)
