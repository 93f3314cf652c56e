import base64
import io
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor
from transformers.utils import logging as transformers_logging

from argan_hf import ArganConfig, ArganForImageRestoration, ArganImageProcessor
from argan_hf.jpeg import quantization_tables
from tests.conftest import deep_files, jpeg_bytes

_DEEP = deep_files()


def test_a_picture_becomes_planes_in_0_to_1(photo: Image.Image) -> None:
    inputs = ArganImageProcessor(num_channels=3)(photo, return_tensors="pt")
    expected = torch.from_numpy(np.array(photo.convert("YCbCr"))).permute(2, 0, 1)[None] / 255
    assert torch.allclose(inputs["pixel_values"], expected)
    assert "quantization" not in inputs


def test_a_luma_network_gets_luma_alone(photo: Image.Image) -> None:
    inputs = ArganImageProcessor()(photo, return_tensors="pt")
    assert inputs["pixel_values"].shape == (1, 1, *photo.size[::-1])


def test_the_tables_of_a_jpeg_come_along(photo: Image.Image) -> None:
    color = Image.open(io.BytesIO(jpeg_bytes(photo, quality=30)))
    inputs = ArganImageProcessor(num_channels=3)([color, photo], return_tensors="pt")
    assert torch.equal(inputs["quantization"][0], quantization_tables(30)[[0, 1, 1]].long())
    assert not inputs["quantization"][1].any()


def test_pictures_of_different_sizes_are_padded_and_cropped_back(photo: Image.Image) -> None:
    small = photo.crop((0, 0, 31, 50))
    processor = ArganImageProcessor()
    inputs = processor([photo, small], return_tensors="pt")
    assert inputs["pixel_values"].shape == (2, 1, *photo.size[::-1])

    class Identity:
        reconstruction = inputs["pixel_values"]

    sizes = [photo.size[::-1], small.size[::-1]]
    whole, part = processor.post_process_image_restoration(Identity, target_sizes=sizes)
    assert torch.equal(part[0], torch.from_numpy(np.array(small.convert("YCbCr"))[..., 0]))
    assert whole.shape[1:] == sizes[0]
    with pytest.raises(ValueError, match="1 sizes for 2 pictures"):
        processor.post_process_image_restoration(Identity, target_sizes=sizes[:1])


def test_a_model_takes_what_the_processor_gives(model: ArganForImageRestoration, photo: Image.Image) -> None:
    processor = ArganImageProcessor(num_channels=model.config.num_channels)
    picture = Image.open(io.BytesIO(jpeg_bytes(photo, quality=30)))
    outputs = model(**processor(picture, return_tensors="pt"))
    (planes,) = processor.post_process_image_restoration(outputs)
    assert planes.dtype == torch.uint8
    assert planes.shape == (model.config.num_channels, *photo.size[::-1])


def test_saved_and_loaded_by_the_auto_class(tmp_path: Path) -> None:
    ArganImageProcessor(num_channels=3).save_pretrained(tmp_path)
    ArganConfig().save_pretrained(tmp_path)
    loaded = AutoImageProcessor.from_pretrained(tmp_path)
    assert isinstance(loaded, ArganImageProcessor)
    expected = ArganImageProcessor(num_channels=3).to_dict()
    assert {name: loaded.to_dict()[name] for name in expected} == expected


@pytest.mark.parametrize("name", _DEEP)
def test_sixteen_bits_are_refused_and_not_clipped_to_white(name: str) -> None:
    for source in (Image.open(io.BytesIO(_DEEP[name])), _DEEP[name], base64.b64encode(_DEEP[name]).decode()):
        with pytest.raises(ValueError, match=r"8 bits per channel.*JpegRestorer and `argan restore`"):
            ArganImageProcessor()(source)


@pytest.mark.parametrize("name", [name for name in _DEEP if name.endswith("tif")])
def test_sixteen_bits_of_a_tiff_are_seen_once_it_is_decoded(name: str) -> None:
    picture = Image.open(io.BytesIO(_DEEP[name]))
    picture.load()
    with pytest.raises(ValueError, match="8 bits per channel"):
        ArganImageProcessor()(picture)


def test_sixteen_bits_per_pixel_are_not_sixteen_per_channel() -> None:
    header = np.array([40, 0, 1, 0, 1, 0, 1, 16, 3, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0], "<u2").tobytes()
    masks = np.array([0xF800, 0x07E0, 0x001F], "<u4").tobytes()
    bitmap = b"BM" + np.array([70, 0, 66], "<u4").tobytes() + header + masks + b"\xff\xff\0\0"
    assert ArganImageProcessor()(bitmap, return_tensors="pt")["pixel_values"].item() == 1


def test_a_small_range_of_values_is_no_greater_depth() -> None:
    inputs = ArganImageProcessor()(b"P5 1 1 15 \x0f", return_tensors="pt")
    assert inputs["pixel_values"].item() == 1


def test_files_are_opened_as_they_are_stored(photo: Image.Image, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = jpeg_bytes(photo.convert("L"), quality=30, exif=exif)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    processor = ArganImageProcessor(num_channels=3)
    expected = processor(Image.open(io.BytesIO(data)), return_tensors="pt")
    assert expected["pixel_values"].shape == (1, 1, *photo.size[::-1])
    assert expected["quantization"].any()
    for source in (str(path), path, data, io.BytesIO(data)):
        for given in (source, [source]):
            if isinstance(source, io.BytesIO):
                source.seek(0)
            found = processor(given, return_tensors="pt")
            assert torch.equal(found["pixel_values"], expected["pixel_values"])
            assert torch.equal(found["quantization"], expected["quantization"])


def _u8(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.uint8)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (_u8(4, 20, 3), r"1 plane \(gray\) or 3 \(Y, Cb, Cr\), found 4"),
        (_u8(2, 20, 30), r"shape \(1, H, W\) or \(3, H, W\), found \(2, 20, 30\)"),
        (_u8(20, 30), r"shape \(C, H, W\), or .* found \(20, 30\)"),
        ([_u8(20, 30)], r"found \(20, 30\)"),
        (_u8(1, 0, 30), r"at least one pixel, found planes of shape \(1, 0, 30\)"),
        (torch.zeros(3, 5, 0, dtype=torch.uint8), r"at least one pixel, found planes of shape \(3, 5, 0\)"),
        (Image.new("L", (3, 0)), "at least one pixel, found 3x0"),
        (_u8(1, 20, 30).astype(bool), "uint8 or floating point, 0..255, found bool"),
        (torch.zeros(1, 20, 30, dtype=torch.int64), "uint8 or floating point, 0..255, found int64"),
        (np.zeros((1, 20, 30), np.uint16), "found uint16; JpegRestorer and `argan restore`"),
        (np.full((1, 20, 30), 4660.0), r"must lie in 0\.\.255, found 4660\.\.4660"),
        (np.full((1, 20, 30), -1.0), r"must lie in 0\.\.255, found -1"),
        (np.full((1, 20, 30), np.nan), r"must lie in 0\.\.255, found nan"),
        ([], "at least one picture, found none"),
    ],
)
def test_planes_that_cannot_be_are_refused_in_words(images: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ArganImageProcessor(num_channels=3)(images)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_planes_in_floating_point_are_those_in_integers(dtype: torch.dtype) -> None:
    planes = torch.arange(256).view(1, 16, 16)  # every dtype here holds these integers
    expected = ArganImageProcessor()(planes.to(torch.uint8), return_tensors="pt")["pixel_values"]
    found = ArganImageProcessor()(planes.to(dtype).requires_grad_(), return_tensors="pt")["pixel_values"]
    assert torch.equal(found, expected)


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    transformers_logging.warning_once.cache_clear()
    caplog.set_level(logging.WARNING, "argan_hf.image_processing_argan")
    return caplog


def test_planes_that_are_scaled_already_are_warned_of(warnings: pytest.LogCaptureFixture) -> None:
    planes = np.linspace(0, 1, 600, dtype=np.float32).reshape(1, 20, 30)
    ArganImageProcessor()(planes)
    assert "you are trying to rescale already rescaled images" in warnings.text


def test_planes_that_are_to_be_scaled_are_not_warned_of(warnings: pytest.LogCaptureFixture) -> None:
    planes = np.linspace(0, 1, 600, dtype=np.float32).reshape(1, 20, 30)
    inputs = ArganImageProcessor()(planes, do_rescale=False, return_tensors="pt")
    assert torch.equal(inputs["pixel_values"][0], torch.from_numpy(planes))
    ArganImageProcessor()([planes * 255, planes.round().astype(np.uint8)])
    assert warnings.text == ""
