"""Planes of real pictures, and the coefficients that an encoder writes for them."""

from PIL import Image
from torch import Tensor

from argan_hf.jpeg.codec import encode_planes
from argan_hf.jpeg.file import image_to_tensor
from tests.conftest import EXAMPLES


def luma(index: int) -> Tensor:
    """Luma of an example, whose sides are no multiples of 8, uint8 (203, 301)."""
    with Image.open(EXAMPLES[index]) as image:
        return image_to_tensor(image.convert("L"))[0, :203, :301]


def coefficients_of(plane: Tensor, table: Tensor) -> Tensor:
    """Coefficients that an encoder writes, of whole blocks."""
    blocks = encode_planes(plane[None], table)[:, :, 0].permute(2, 3, 0, 1)
    return blocks[: plane.shape[0] // 8, : plane.shape[1] // 8].float()
