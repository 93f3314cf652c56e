"""From pictures to Y'CbCr planes for the model, and from restored planes to samples of 8 bits.

This file is published on the Hub as remote code. It may import only Pillow, torch, transformers and the other published
files (`*_argan.py`).
"""

from typing import Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from transformers.image_processing_backends import PilBackend
from transformers.image_processing_utils import BatchFeature
from transformers.image_utils import ImageInput
from transformers.processing_utils import ImagesKwargs, Unpack
from transformers.utils import TensorType


class ArganImageProcessorKwargs(ImagesKwargs, total=False):  # type: ignore[call-arg]
    """
    num_channels (`int`, *optional*, defaults to `self.num_channels`):
        Planes that the model restores: 1 (Y) or 3 (Y, Cb, Cr).
    """

    num_channels: int


class ArganImageProcessor(PilBackend):
    """Converts pictures to the planes that [`ArganForImageRestoration`] takes.

    Pillow pictures are converted to full-swing Y'CbCr (gray ones stay one plane). Arrays and tensors must already be
    planes: uint8, channels first. Pictures of different sizes are padded to the largest one by repeating their border;
    pass their sizes to [`~ArganImageProcessor.post_process_image_restoration`] to remove the padding.

    Args:
        num_channels: planes that the model restores. Other planes of a picture are dropped.
        do_rescale, rescale_factor: whether to multiply samples, and by what; the default maps 0..255 to 0..1.
        do_pad: whether to pad pictures of different sizes.
    """

    valid_kwargs = ArganImageProcessorKwargs
    model_input_names: ClassVar[list[str]] = ["pixel_values", "quantization"]

    do_rescale = True
    rescale_factor = 1 / 255
    do_pad = True
    num_channels = 1

    def preprocess(self, images: ImageInput, **kwargs: Unpack[ArganImageProcessorKwargs]) -> BatchFeature:
        """Prepare pictures for the model.

        Returns:
            `pixel_values`, float32 (B, C, H, W) in 0..1, and, if any picture is a JPEG file opened by Pillow,
            `quantization`, int64 (B, C, 8, 8): its tables in natural order, zeros where they are unknown.
        """
        features = super().preprocess(images, **kwargs)
        pictures = list(images) if isinstance(images, (list, tuple)) else [images]
        planes = features["pixel_values"][0].shape[0]
        tables = [_tables_of(picture, planes) for picture in pictures]
        if any(table.any() for table in tables):
            features["quantization"] = tables
            features.convert_to_tensors(kwargs.get("return_tensors"))
        return features

    def process_image(self, image: Any, **kwargs: Any) -> np.ndarray:
        """Planes of one picture, uint8 (1, H, W) or (3, H, W).

        Raises:
            ValueError: if a Pillow picture has 16 or 32 bits per channel.
        """
        if isinstance(image, Image.Image):
            _check_depth(image)
            image = image if image.mode in ("L", "YCbCr") else image.convert("YCbCr")
        planes: np.ndarray = super().process_image(image, **{**kwargs, "do_convert_rgb": False})
        return planes

    def _preprocess(
        self,
        images: list[np.ndarray],
        num_channels: int,
        do_rescale: bool,
        rescale_factor: float,
        do_pad: bool,
        return_tensors: str | TensorType | None,
        **kwargs: Any,  # noqa: ARG002  (options that the base class passes to every image processor)
    ) -> BatchFeature:
        # All pictures of a tensor have the same number of planes: if one is gray, only luma is kept of the others.
        planes = min(num_channels, *(image.shape[0] for image in images))
        images = [image[:planes] for image in images]
        if do_rescale:
            images = [self.rescale(image, rescale_factor) for image in images]
        if do_pad:
            images = self.pad(images, padding_mode="edge")
        return BatchFeature(data={"pixel_values": images}, tensor_type=return_tensors)

    def post_process_image_restoration(
        self, outputs: Any, target_sizes: list[tuple[int, int]] | None = None
    ) -> list[Tensor]:
        """Convert the output of the model to planes of 8 bits, and remove the padding.

        Args:
            outputs: what the model returned; its `reconstruction` is (B, C, H, W).
            target_sizes: `(height, width)` of every picture before padding; default: nothing is removed.

        Returns:
            One uint8 tensor (C, height, width) per picture, 0..255: Y, or Y, Cb, Cr.

        Raises:
            ValueError: if the number of sizes is not that of the pictures.
        """
        planes = (outputs.reconstruction.float() * 255.0 + 0.5).floor().clamp(0, 255).to(torch.uint8)
        sizes = target_sizes or [tuple(planes.shape[-2:])] * len(planes)
        if len(sizes) != len(planes):
            raise ValueError(f"target_sizes names {len(sizes)} sizes for {len(planes)} pictures")
        return [picture[:, :height, :width] for picture, (height, width) in zip(planes, sizes, strict=True)]


def _check_depth(image: Image.Image) -> None:
    # Pillow clips such samples to 255 or cuts them to 8 bits, without a word. The raw mode is known until the pixels
    # are decoded.
    layouts = [tile[3] if isinstance(tile[3], tuple) else (tile[3],) for tile in getattr(image, "tile", ())]
    is_cut = any(isinstance(part, str) and ";16" in part for layout in layouts for part in layout)
    if image.mode.startswith(("I", "F")) or is_cut:
        raise ValueError(f"pictures need 8 bits per channel, found mode {image.mode} with more: convert it first")


def _tables_of(picture: Any, planes: int) -> np.ndarray:
    """Quantization tables of the first planes of a picture, int64 (planes, 8, 8); zeros if it is no JPEG file."""
    tables = np.zeros((planes, 8, 8), dtype=np.int64)
    stored = getattr(picture, "quantization", None)
    components = getattr(picture, "layer", [])
    if stored and len(components) >= planes and getattr(picture, "mode", "") in ("L", "RGB", "YCbCr"):
        for plane in range(planes):
            tables[plane] = np.reshape(stored.get(components[plane][3], np.zeros(64)), (8, 8))
    return tables


__all__ = ["ArganImageProcessor"]
