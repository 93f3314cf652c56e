"""A JPEG file for the tests of the command line."""

from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import jpeg_bytes


@pytest.fixture
def jpeg(tmp_path: Path, photo: Image.Image) -> Path:
    """`photo` at quality 23, as photo.jpg."""
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg_bytes(photo, quality=23))
    return path


@pytest.fixture
def folder(jpeg: Path, tmp_path: Path) -> Path:
    """A folder with a good picture: in/b.jpg."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.jpg").write_bytes(jpeg.read_bytes())
    return tmp_path / "in"
