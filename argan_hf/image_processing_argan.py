"""From pictures to Y'CbCr planes for the model, and from restored planes to samples of 8 bits.

This file is published on the Hub as remote code. It may import only NumPy, Pillow, torch, transformers,
huggingface_hub and the other published files (`*_argan.py`).
"""

import base64
import binascii
import io
import os
from typing import Any, ClassVar

import numpy as np
import torch
from huggingface_hub.utils import httpx
from PIL import Image, UnidentifiedImageError
from torch import Tensor
from transformers.image_processing_backends import PilBackend
from transformers.image_processing_utils import BatchFeature
from transformers.image_utils import ImageInput, is_scaled_image, is_valid_image
from transformers.processing_utils import ImagesKwargs, Unpack
from transformers.utils import TensorType, logging

logger = logging.get_logger(__name__)

_TIFF_BITS_PER_SAMPLE = 258
_GRAY_MODES = ("1", "L", "LA")
_RESTORES_16_BITS = "JpegRestorer and `argan restore` of the package argan_hf restore files with 16 bits per channel"


class ArganImageProcessorKwargs(ImagesKwargs, total=False):  # type: ignore[call-arg]
    """
    num_channels (`int`, *optional*, defaults to `self.num_channels`):
        Planes that the model restores: 1 (Y) or 3 (Y, Cb, Cr).
    """

    num_channels: int


class ArganImageProcessor(PilBackend):
    """Converts pictures to the planes that [`ArganForImageRestoration`] takes.

    Pillow pictures, and what [`~ArganImageProcessor.fetch_images`] opens, are converted to full-swing Y'CbCr (gray ones
    stay one plane, alpha is dropped). Arrays and tensors must already be planes (1 or 3, H, W), uint8 or floating
    point, 0..255. If one picture of several is gray, only the luma of the others is kept. Pictures of different sizes
    are padded to the largest one by repeating their border; pass their sizes to
    [`~ArganImageProcessor.post_process_image_restoration`] to remove the padding.

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

        Raises:
            ValueError: if there is no picture, or one is refused by [`~ArganImageProcessor.process_image`].
            TypeError: if something cannot be a picture.
        """
        pictures = self._prepare_images_structure(images)
        if len(pictures) == 0:
            raise ValueError("expected at least one picture, found none")
        features = super().preprocess(pictures, **kwargs)
        planes = features["pixel_values"][0].shape[0]
        tables = [_tables_of(picture, planes) for picture in pictures]
        if any(table.any() for table in tables):
            features["quantization"] = tables
            features.convert_to_tensors(kwargs.get("return_tensors"))
        return features

    def fetch_images(self, image_url_or_urls: Any, timeout: float | None = None) -> Any:
        """Open pictures as they are stored, without decoding them.

        The base class decodes to RGB of 8 bits and turns pictures upright. Tables, gray and 16 bits would not be seen.

        Args:
            image_url_or_urls: a path, URL (http, https), base64 text, bytes, or file opened in binary mode; or a list
                of them. Pillow pictures, arrays and tensors are returned as they are.
            timeout: seconds to wait for a server; `None` waits without end.

        Raises:
            ValueError: if a text is neither a file, a URL nor base64, or an array has no three or four axes.
            TypeError: if something cannot be a picture.
            OSError: if a file cannot be read, or (`PIL.UnidentifiedImageError`) is no picture.
            httpx.HTTPError: if a download fails or takes too long.
        """
        if isinstance(image_url_or_urls, (list, tuple)):
            return [self.fetch_images(source, timeout) for source in image_url_or_urls]
        if not is_valid_image(image_url_or_urls):
            return _open_picture(image_url_or_urls, timeout)
        if not isinstance(image_url_or_urls, Image.Image) and image_url_or_urls.ndim not in (3, 4):
            shape = tuple(image_url_or_urls.shape)
            raise ValueError(f"planes must have shape (C, H, W), or (B, C, H, W) for several pictures, found {shape}")
        return image_url_or_urls

    def process_image(self, image: Any, **kwargs: Any) -> np.ndarray:
        """Planes of one picture, (1, H, W) or (3, H, W): uint8, or the floating-point dtype of an array.

        Raises:
            ValueError: if a Pillow picture has more than 8 bits per channel, or an array is not what the class expects.
        """
        if isinstance(image, Image.Image):
            _check_depth(image)
            if 0 in image.size:
                raise ValueError(f"a picture needs at least one pixel, found {image.width}x{image.height}")
            image = image.convert("L" if image.mode in _GRAY_MODES else "YCbCr")
        else:
            if isinstance(image, Tensor):
                image = image.detach().cpu()
                image = image.float() if image.dtype == torch.bfloat16 else image  # NumPy has no such dtype
            _check_planes(image)
        planes: np.ndarray = super().process_image(image, **{**kwargs, "do_convert_rgb": False})
        if planes.shape[0] not in (1, 3):
            raise ValueError(f"a picture has 1 plane (gray) or 3 (Y, Cb, Cr), found {planes.shape[0]}")
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
            _check_range(images, rescale_factor)
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


def _open_picture(source: Any, timeout: float | None) -> Image.Image:
    file: Any = source
    if isinstance(source, (bytes, bytearray, memoryview)):
        name, file = f"the data ({memoryview(source).nbytes} bytes)", io.BytesIO(source)
    elif isinstance(source, str) and source.startswith(("http://", "https://")):
        # The client of transformers' own pipelines, which knows the proxies and certificates of the user.
        response = httpx.get(source, timeout=timeout, follow_redirects=True).raise_for_status()
        name, file = source, io.BytesIO(response.content)
    # Unlike that of a Path, this question may be asked about a text that is too long for a path.
    elif isinstance(source, str) and not os.path.isfile(source):  # noqa: PTH113
        return _open_base64(source)
    elif isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
    elif isinstance(source, io.TextIOBase):
        raise TypeError("the file is open for reading text; open it in binary mode, 'rb'")
    elif hasattr(source, "read"):
        name = "the file"
    else:
        raise TypeError(
            "a picture must be a path, a URL, base64 text, bytes, a file opened in binary mode, a Pillow picture, an "
            f"array or a tensor, found {type(source).__name__}"
        )
    try:
        return Image.open(file)
    except UnidentifiedImageError as error:
        raise UnidentifiedImageError(f"{name} is no picture that Pillow can open") from error


def _open_base64(text: str) -> Image.Image:
    encoded = text.partition(",")[2] if text.startswith("data:image/") else text
    try:
        # What is not in the alphabet is skipped, so a mistyped path can be decoded, too; but not to a picture.
        return Image.open(io.BytesIO(base64.decodebytes(encoded.encode())))
    except (binascii.Error, UnidentifiedImageError) as error:
        name = text if len(text) <= 80 else f"{text[:60]}… ({len(text)} characters)"
        raise ValueError(
            f"{name!r} is neither a file that exists, nor a URL (http, https), nor a picture in base64"
        ) from error


def _check_depth(image: Image.Image) -> None:
    # Pillow clips such samples to 255 or cuts them to 8 bits, without a word.
    if image.mode.startswith(("I", "F")) or _is_cut_to_8_bits(image):
        raise ValueError(
            f"pictures need 8 bits per channel, found more ({image.format or 'picture'}, mode {image.mode}): convert "
            f"it first; {_RESTORES_16_BITS}"
        )


def _is_cut_to_8_bits(image: Image.Image) -> bool:
    """Whether the file holds more bits per channel than the opened picture will. TIFF apart, unknown once decoded."""
    if max(getattr(image, "tag_v2", {}).get(_TIFF_BITS_PER_SAMPLE, (8,))) > 8:
        return True
    for decoder, _, _, layout in getattr(image, "tile", ()):
        for part in layout if isinstance(layout, tuple) else (layout,):
            # "BGR;16" are 16 bits per pixel, 5 or 6 per channel.
            if isinstance(part, str) and ";16" in part and part != "BGR;16":
                return True
            if decoder.startswith("ppm") and isinstance(part, int) and part > 255:
                return True
    return False


def _check_planes(planes: np.ndarray | Tensor) -> None:
    dtype, shape = str(planes.dtype).removeprefix("torch."), tuple(planes.shape)
    if dtype == "uint16":
        raise ValueError(f"planes need 8 bits per sample, found uint16; {_RESTORES_16_BITS}")
    if dtype != "uint8" and not dtype.startswith("float"):
        raise ValueError(f"planes must be uint8 or floating point, 0..255, found {dtype}")
    if 0 in shape:
        raise ValueError(f"a picture needs at least one pixel, found planes of shape {shape}")
    if not {shape[0], shape[-1]} & {1, 3}:
        raise ValueError(f"planes must have shape (1, H, W) or (3, H, W), found {shape}")


def _check_range(images: list[np.ndarray], rescale_factor: float) -> None:
    for image in images:
        if image.dtype == np.uint8:
            continue
        lowest, highest = float(image.min()), float(image.max())
        # Written so that NaN is out of range, too.
        if not (lowest >= 0 and highest * rescale_factor <= 1 + 1e-6):
            raise ValueError(f"planes must lie in 0..{1 / rescale_factor:g}, found {lowest:g}..{highest:g}")
        if is_scaled_image(image):
            logger.warning_once(
                "It looks like you are trying to rescale already rescaled images. If the input images have pixel "
                "values between 0 and 1, set `do_rescale=False` to avoid rescaling them again."
            )


def _tables_of(picture: Any, planes: int) -> np.ndarray:
    """Quantization tables of the first planes of a picture, int64 (planes, 8, 8); zeros if they are not known.

    They are known for JPEG files, but for those few that store R, G and B, whose tables are not those of Y, Cb and Cr.
    """
    tables = np.zeros((planes, 8, 8), dtype=np.int64)
    stored = getattr(picture, "quantization", None)
    components = getattr(picture, "layer", [])
    identifiers = bytes(component[0] for component in components)
    if identifiers == b"RGB" or (len(identifiers) == 3 and picture.info.get("adobe_transform") == 0):
        return tables
    if stored and len(components) >= planes and getattr(picture, "mode", "") in ("L", "RGB", "YCbCr"):
        for plane in range(planes):
            tables[plane] = np.reshape(stored.get(components[plane][3], np.zeros(64)), (8, 8))
    return tables


__all__ = ["ArganImageProcessor"]
