"""Pictures with a past, made with Pillow alone, so that what is found is compared with an independent truth."""

import io
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf.history import LaterFile
from argan_hf.jpeg import read_jpeg, rgb_to_ycbcr
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import EXAMPLES, jpeg_bytes


@dataclass(frozen=True)
class Past:
    """A picture that was saved before, cropped, and saved again.

    Attributes:
        image: the file that is seen: the bytes of a JPEG file, or the pixels of another.
        planes: uint8 (C, H, W), what it shows.
        later: its tables and sampling, `None` if it is no JPEG file.
        first: uint8 (C, H + rows, W + columns), what the first file showed.
        file: the bytes of the first file.
    """

    image: bytes | Image.Image
    planes: Tensor
    later: LaterFile | None
    first: Tensor
    file: bytes


def example(index: int, mode: str = "RGB") -> Image.Image:
    """One of the photographs of the page, 384x320 pixels from its middle."""
    with Image.open(EXAMPLES[index]) as image:
        left, top = (image.width - 384) // 2, (image.height - 320) // 2
        return image.convert(mode).crop((left, top, left + 384, top + 320))


def seen(source: bytes | Image.Image) -> tuple[Tensor, LaterFile | None]:
    """Planes of a file, and what it states about them."""
    if isinstance(source, bytes):
        file = read_jpeg(source)
        return file.planes, LaterFile(
            file.tables, file.sampling if file.sampling in ("4:2:0", "4:2:2", "4:4:4") else None
        )
    samples = image_to_tensor(source)
    return rgb_to_ycbcr(samples) if len(samples) == 3 else samples, None


@pytest.fixture
def past() -> Callable[..., Past]:
    """Makes a picture that was saved, cropped by some rows and columns, and saved again."""

    def make(
        first: int,
        crop: tuple[int, int],
        second: int | None,
        index: int = 1,
        mode: str = "RGB",
        sampling: str = "4:2:0",
        later_sampling: str = "4:2:0",
        **options: object,
    ) -> Past:
        chosen = {} if mode == "L" else {"subsampling": sampling}
        quality = {} if options else {"quality": first}
        file = jpeg_bytes(example(index, mode), **quality, **chosen, **options)
        with Image.open(io.BytesIO(file)) as image:
            rows, columns = crop
            cropped = image.crop((columns, rows, image.width, image.height))
        again = {} if mode == "L" else {"subsampling": later_sampling}
        source = cropped if second is None else jpeg_bytes(cropped, quality=second, **again)
        planes, later = seen(source)
        return Past(source, planes, later, read_jpeg(file).planes, file)

    return make


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
