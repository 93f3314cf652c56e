import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import pipeline

from argan_hf import ArganForImageRestoration, ArganImageProcessor, JpegRestorationPipeline
from tests.conftest import jpeg_bytes


@pytest.fixture
def piped(model: ArganForImageRestoration) -> JpegRestorationPipeline:
    processor = ArganImageProcessor(num_channels=model.config.num_channels)
    return pipeline("jpeg-restoration", model=model, image_processor=processor)


def test_path_bytes_and_picture_give_the_same(
    piped: JpegRestorationPipeline, photo: Image.Image, tmp_path: Path
) -> None:
    data = jpeg_bytes(photo, quality=30)
    (tmp_path / "a.jpg").write_bytes(data)
    results = [piped(source) for source in (str(tmp_path / "a.jpg"), data, Image.open(io.BytesIO(data)))]
    assert results[0].size == photo.size
    assert results[0].mode == "RGB"
    for other in results[1:]:
        assert np.array_equal(np.array(results[0]), np.array(other))


def test_gray_stays_gray(piped: JpegRestorationPipeline, photo: Image.Image) -> None:
    assert piped(jpeg_bytes(photo.convert("L"))).mode == "L"


def test_unknown_parameters_are_refused(piped: JpegRestorationPipeline, photo: Image.Image) -> None:
    with pytest.raises(ValueError, match="takes no parameters, found sharpness"):
        piped(photo, sharpness=2)
