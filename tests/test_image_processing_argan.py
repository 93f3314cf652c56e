import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoImageProcessor

from argan_hf import ArganConfig, ArganForImageRestoration, ArganImageProcessor
from argan_hf.jpeg import quantization_tables
from tests.conftest import jpeg_bytes, png16


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


@pytest.mark.parametrize(("color", "channels"), [(0, 1), (2, 3)], ids=["gray", "RGB"])
def test_sixteen_bits_are_refused_and_not_clipped_to_white(color: int, channels: int) -> None:
    with pytest.raises(ValueError, match="8 bits per channel"):
        ArganImageProcessor()(Image.open(io.BytesIO(png16(color, channels))))
