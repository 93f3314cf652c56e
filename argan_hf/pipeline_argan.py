"""The transformers pipeline `jpeg-restoration`: `pipeline("jpeg-restoration", model=…)("photo.jpg")`.

This file is published on the Hub as remote code. It may import only NumPy, Pillow, torch, transformers,
huggingface_hub and the other published files (`*_argan.py`).
"""

from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from transformers import Pipeline

_ORIENTATION = 0x0112
_GRAY_MODES = ("1", "L", "LA")  # of pictures that the image processor makes one plane of


class JpegRestorationPipeline(Pipeline):
    """Restores pictures, given one by one, or as a list, a generator or a data set.

    A picture is a path, a URL, base64 text, the bytes of a file, a file opened in binary mode, a Pillow picture, or
    samples of 8 bits: an array (H, W), (H, W, 3) or (H, W, 4), or a tensor (H, W) or (1, 3 or 4, H, W); gray, RGB or
    RGBA. `timeout` is how many seconds to wait for the server of a URL; without it, the call may wait forever.

    Returns a Pillow picture of mode "L" for a gray one, else "RGB", turned upright as its Exif says. Planes that the
    model does not restore are not changed, alpha is dropped. With `batch_size`, pictures of equal size and number of
    planes go through the network together, and all get the results that they get alone, up to rounding. Pictures with
    more than 8 bits per channel are refused. `JpegRestorer` of the package `argan_hf` takes them, and keeps metadata
    and alpha.
    """

    _load_image_processor = True
    _load_tokenizer = False
    _load_feature_extractor = False
    _load_processor = False

    def _sanitize_parameters(
        self, timeout: float | None = None, **kwargs: Any
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        if kwargs:
            raise ValueError(f"jpeg-restoration takes one parameter, timeout; found {', '.join(sorted(kwargs))}")
        return {} if timeout is None else {"timeout": timeout}, {}, {}

    def preprocess(self, image: Any, timeout: float | None = None) -> dict[str, Any]:
        """Planes and tables of a picture.

        All is below one key, and no tensor lies directly there: the collation of transformers then makes a list of it,
        whatever the sizes of the pictures.

        Raises:
            ValueError: if the picture is refused; the message says why.
            TypeError: if it is nothing that could be a picture.
            OSError: if it cannot be read, is damaged, or (`PIL.UnidentifiedImageError`) is no picture.
            httpx.HTTPError: if a download fails or takes longer than `timeout`, in seconds.
        """
        if isinstance(image, (np.ndarray, Tensor)):
            picture = _picture_of(image)
        elif isinstance(image, (list, tuple)):
            raise TypeError(f"expected one picture, found a {type(image).__name__}; several are given as a flat list")
        else:
            picture = self.image_processor.fetch_images(image, timeout=timeout)
        inputs = self.image_processor(images=picture, return_tensors="pt")
        pixel_values = inputs["pixel_values"]
        planes = pixel_values.shape[1]
        tables = inputs.get("quantization")
        kept = () if picture.mode in _GRAY_MODES else picture.convert("YCbCr").split()[planes:]
        return {
            "picture": {
                "pixel_values": pixel_values,
                "quantization": torch.zeros(1, planes, 8, 8, dtype=torch.int64) if tables is None else tables,
                "kept": kept,
                "orientation": _orientation(picture),
            }
        }

    def _forward(self, model_inputs: dict[str, Any]) -> dict[str, Any]:
        given = model_inputs["picture"]
        pictures = given if isinstance(given, list) else [given]
        # Padding to one size would move the border at which the network sees a picture end, and a gray picture among
        # others would cost these their chroma. So only equal shapes go together.
        groups: dict[torch.Size, list[int]] = {}
        for index, picture in enumerate(pictures):
            groups.setdefault(picture["pixel_values"].shape, []).append(index)
        restored: dict[int, Tensor] = {}
        for indices in groups.values():
            pixel_values = torch.cat([pictures[index]["pixel_values"] for index in indices])
            quantization = torch.cat([pictures[index]["quantization"] for index in indices])
            restored.update(zip(indices, self._restore(pixel_values, quantization), strict=True))
        results = [
            {"planes": restored[index], "kept": picture["kept"], "orientation": picture["orientation"]}
            for index, picture in enumerate(pictures)
        ]
        return {"picture": results if isinstance(given, list) else results[0]}

    def _restore(self, pixel_values: Tensor, quantization: Tensor) -> list[Tensor]:
        """Restored planes, uint8 (C, H, W) each, of planes (B, C, H, W) and tables (B, C, 8, 8).

        Raises:
            ValueError: if the network computes in halves and leaves their range.
        """
        dtype = self.model.dtype
        is_half = dtype in (torch.float16, torch.bfloat16)
        # The planes stay float32: in bfloat16, bright samples would be rounded to steps of a whole gray level.
        with torch.inference_mode(), torch.autocast(self.device.type, dtype if is_half else None, enabled=is_half):
            outputs = self.model(pixel_values if is_half else pixel_values.to(dtype), quantization=quantization)
        if is_half and not outputs.reconstruction.isfinite().all():
            found = str(dtype).removeprefix("torch.")
            raise ValueError(f"samples of this network do not fit into {found}; load it with another dtype, as float32")
        planes: list[Tensor] = self.image_processor.post_process_image_restoration(outputs)
        return planes

    def postprocess(self, model_outputs: dict[str, Any]) -> Image.Image:
        result = model_outputs["picture"]
        planes = [*(Image.fromarray(plane.numpy()) for plane in result["planes"]), *result["kept"]]
        picture = planes[0] if len(planes) == 1 else Image.merge("YCbCr", planes).convert("RGB")
        if result["orientation"] == 1:
            return picture
        picture.getexif()[_ORIENTATION] = result["orientation"]
        ImageOps.exif_transpose(picture, in_place=True)
        return picture


def _picture_of(samples: np.ndarray | Tensor) -> Image.Image:
    """A gray, RGB or RGBA picture of an array (channels last) or a tensor (channels first).

    Raises:
        ValueError: if dtype or shape are not those of a picture of 8 bits.
    """
    dtype = str(samples.dtype).removeprefix("torch.")
    if dtype == "uint16":
        raise ValueError(
            "pictures need 8 bits per channel, found uint16: JpegRestorer and `argan restore` of the package argan_hf "
            "restore files with 16 bits per channel"
        )
    if dtype != "uint8":
        raise ValueError(f"pictures must be uint8, 0..255, found {dtype}")
    shape = tuple(samples.shape)
    channels = 1 if len(shape) == 2 else shape[0 if isinstance(samples, Tensor) else -1] if len(shape) == 3 else 0
    if channels not in (1, 3, 4):
        expected = "a tensor (H, W) or (1, 3 or 4, H, W)"
        if not isinstance(samples, Tensor):
            expected = "an array (H, W), (H, W, 3) or (H, W, 4)"
        raise ValueError(f"expected {expected}, found shape {shape}")
    if 0 in shape:
        raise ValueError(f"a picture needs at least one pixel, found shape {shape}")
    if isinstance(samples, Tensor):
        samples = (samples if samples.ndim == 2 else samples.permute(1, 2, 0)).cpu().numpy()
    return Image.fromarray(np.ascontiguousarray(samples[..., 0] if channels == 1 and samples.ndim == 3 else samples))


def _orientation(picture: Image.Image) -> int:
    """How the picture is to be turned, 1..8 as in Exif."""
    try:
        orientation = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # Malformed Exif raises any kind of exception. It is no reason to refuse a picture.
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


__all__ = ["JpegRestorationPipeline"]
