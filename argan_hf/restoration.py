"""A file or a picture in, the restored picture out.

The only room that knows about alpha, color profiles and Exif. A picture passes once, in one direction: planes, tiles,
network, strength, picture.
"""

import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor
from transformers import AutoModelForImageToImage, PreTrainedModel

from .jpeg.color import rgb_to_ycbcr, rgb_to_ycbcr_unrounded, to_uint8, ycbcr_to_rgb
from .jpeg.consistency import make_consistent, recover_coefficients
from .jpeg.file import UnreadableImageError, image_to_tensor, load_pixels, open_image, read_header, read_jpeg
from .jpeg.tables import quantization_tables
from .tiling import receptive_margin, run_tiled

logger = logging.getLogger(__name__)

CHECKPOINTS = Path(__file__).parent / "checkpoints"
DEFAULT_CHECKPOINT = "argan-jpeg-luma"

_TILE_SIZE = 1024
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
_KEPT_INFO = ("icc_profile", "exif", "dpi", "xmp", "comment")


@dataclass(frozen=True)
class RestorationReport:
    """What was found and what was done.

    Attributes:
        width, height: of the restored picture, in pixels.
        format: of the file ("JPEG", "PNG", …), `None` for a picture that came without one.
        quality: the file's own quality or the one given, `None` where neither is known.
        sampling: chroma sampling of a JPEG file.
        consistency: share of luma coefficients of the result, as written, that equal the file's own; `None` where
            nothing was held to a file.
        told: whether the network was told the quantization tables; otherwise it worked blind.
        restored_planes: planes that went through the network, "Y" or "Y, Cb, Cr".
        strength: as given.
        seconds: wall-clock time of the restoration.
        notes: sentences on anything that a user would not expect.
    """

    width: int
    height: int
    format: str | None
    quality: int | None
    sampling: str | None
    consistency: float | None
    told: bool
    restored_planes: str
    strength: float
    seconds: float
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return asdict(self) | {"notes": list(self.notes)}


@dataclass(frozen=True)
class RestoredImage:
    """A restored picture and the report on it.

    Attributes:
        image: mode "L", "LA", "RGB" or "RGBA", upright, with the source's color profile and Exif in `image.info`.
        report: what was found and done.
    """

    image: Image.Image
    report: RestorationReport

    def save(self, path: str | Path) -> None:
        """Write the picture whole or not at all; the format is that of the suffix, PNG loses nothing.

        Raises:
            ValueError: if the suffix names no format that can be written.
            OSError: if the file cannot be written.
        """
        path = Path(path)
        extension = path.suffix.lower()
        image_format = Image.registered_extensions().get(extension)
        if image_format not in Image.SAVE:
            raise ValueError(f"{path.name}: {extension or 'no suffix'} is no picture format; use .png, .webp or .tiff")
        info = {key: self.image.info[key] for key in _KEPT_INFO if key in self.image.info and key != "comment"}
        handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=extension)
        os.close(handle)
        try:
            self.image.save(partial, format=image_format, **info)
            umask = os.umask(0)
            os.umask(umask)
            Path(partial).chmod(0o666 & ~umask)
            Path(partial).replace(path)
        finally:
            Path(partial).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Source:
    """A picture taken apart: float planes 0..255, what the file says of them, and what is put back afterwards."""

    planes: Tensor
    alpha: Image.Image | None
    info: dict[str, Any]
    format: str | None
    tables: Tensor | None = None
    quality: int | None = None
    sampling: str | None = None
    grid_table: Tensor | None = None
    notes: tuple[str, ...] = ()


class JpegRestorer:
    """Takes JPEG artifacts out of pictures.

    Args:
        model: a trained network: one of ours, or one that takes and returns the same (`pixel_values`, `quantization`,
            `reconstruction`) and whose configuration has `num_channels`, `size_divisor` and
            `condition_on_quantization`.
        device: where it runs; the first accelerator, else the CPU, if not given.
    """

    def __init__(self, model: PreTrainedModel, device: str | torch.device | None = None) -> None:
        self.device = torch.device(device) if device else _default_device()
        self.model = model.eval().to(self.device, memory_format=torch.channels_last)
        self._margin = receptive_margin(
            lambda probe: self._forward(probe, None).cpu(), model.config.num_channels, model.config.size_divisor
        )

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = DEFAULT_CHECKPOINT,
        *,
        device: str | torch.device | None = None,
        **kwargs: Any,
    ) -> "JpegRestorer":
        """Load a checkpoint.

        Args:
            name_or_path: a checkpoint of this package ("argan-jpeg-luma"), a local folder, or a Hub id.
            device: where it runs.
            kwargs: passed to `AutoModelForImageToImage.from_pretrained` (`revision`, `token`, `cache_dir`, …).

        Raises:
            OSError: if there is no such checkpoint.
        """
        shipped = CHECKPOINTS / str(name_or_path)
        location = shipped if shipped.is_dir() else name_or_path
        return cls(AutoModelForImageToImage.from_pretrained(location, trust_remote_code=False, **kwargs), device)

    def __call__(
        self,
        source: str | Path | bytes | Image.Image,
        quality: int | None = None,
        strength: float = 1.0,
        *,
        faithful: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> RestoredImage:
        """Restore one picture.

        Args:
            source: a path, the bytes of a file, or a Pillow picture. JPEG files are best given as path or bytes: their
                planes then come straight from the decoder.
            quality: libjpeg's 1..100, told to the network in place of the file's own tables. Networks that are not
                conditioned on tables ignore it (the report says so).
            strength: 0 (the picture as it is) to 1 (fully restored).
            faithful: hold the luma of JPEG files to what they state, so that the result, encoded again with the same
                tables, is the file again. Without effect on anything but JPEG files given as path or bytes.
            progress: called with (tiles done, tiles in all).

        Raises:
            UnreadableImageError: if the file is no picture, is damaged, or is of a kind that is not restored.
            ValueError: if `quality` or `strength` is out of range.
        """
        if quality is not None and not 1 <= quality <= 100:
            raise ValueError(f"quality must lie in 1..100, found {quality}")
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"strength must lie in 0..1, found {strength}")
        start = time.perf_counter()
        parts = _take_apart(source)
        if quality is not None:
            parts = replace(parts, tables=_tables_at(quality, parts.planes.shape[0]), quality=quality)
        conditioned = self.model.config.condition_on_quantization
        notes = parts.notes
        if quality is not None and not conditioned:
            notes += ("This network works blind: the quality given was not used.",)
        known = min(self.model.config.num_channels, parts.planes.shape[0])
        consistency = None
        if strength > 0:
            restored = self.restore_planes(parts.planes[:known], parts.tables, progress)
            if faithful and parts.grid_table is not None:
                restored[0], consistency = _hold_to_file(parts, parts.grid_table, restored, strength)
            parts.planes[:known].lerp_(restored, strength)
        image = _put_together(parts)
        report = RestorationReport(
            width=image.width,
            height=image.height,
            format=parts.format,
            quality=parts.quality,
            sampling=parts.sampling,
            consistency=consistency,
            told=conditioned and parts.tables is not None,
            restored_planes=", ".join(("Y", "Cb", "Cr")[:known]),
            strength=strength,
            seconds=time.perf_counter() - start,
            notes=notes,
        )
        return RestoredImage(image, report)

    def restore_planes(
        self, planes: Tensor, tables: Tensor | None = None, progress: Callable[[int, int], None] | None = None
    ) -> Tensor:
        """Run the network over planes, in tiles.

        Args:
            planes: float (C, H, W), 0..255, at most as many planes as the network restores.
            tables: integers (C, 8, 8), their quantization tables, or `None` for unknown.
            progress: called with (tiles done, tiles in all).

        Returns:
            float32 (C, H, W), 0..255, not rounded.
        """
        quantization = None if tables is None else tables[None, : planes.shape[0]].to(self.device)
        divisor = self.model.config.size_divisor
        return run_tiled(
            lambda tile: self._forward(tile / 255.0, quantization).float().cpu() * 255.0,
            planes.float(),
            tile_size=-(-_TILE_SIZE // divisor) * divisor,
            margin=self._margin,
            progress=progress,
        )

    @torch.inference_mode()
    def _forward(self, pixel_values: Tensor, quantization: Tensor | None) -> Tensor:
        pixel_values = pixel_values.to(self.device, self.model.dtype, memory_format=torch.channels_last)
        reconstruction = self.model(pixel_values, quantization=quantization).reconstruction
        restored: Tensor = reconstruction.clamp_(0.0, 1.0)
        return restored


def restore(
    source: str | Path | bytes | Image.Image,
    quality: int | None = None,
    strength: float = 1.0,
    *,
    faithful: bool = True,
) -> RestoredImage:
    """Restore one picture with the network that comes with the package; see [`JpegRestorer.__call__`]."""
    return _default_restorer()(source, quality, strength, faithful=faithful)


@cache
def _default_restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained()


def _default_device() -> torch.device:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator or torch.device("cpu")


def _tables_at(quality: int, planes: int) -> Tensor:
    return quantization_tables(quality)[[0, 1, 1][:planes]]


def _take_apart(source: str | Path | bytes | Image.Image) -> _Source:
    image = source if isinstance(source, Image.Image) else open_image(source)
    if isinstance(image, JpegImageFile) and image is not source and image.mode in ("L", "RGB"):
        info = _kept_info(image)
        if not _stores_rgb(image):
            file = read_jpeg(image)
            planes = file.planes.float()
            return _Source(planes, None, info, "JPEG", file.tables, file.quality, file.sampling, file.tables[0])
    return _take_pixels_apart(image)


def _stores_rgb(image: JpegImageFile) -> bool:
    identifiers = bytes(layer[0] for layer in image.layer)
    return identifiers == b"RGB" or (image.info.get("adobe_transform") == 0 and len(identifiers) == 3)


def _take_pixels_apart(image: Image.Image) -> _Source:
    if image.mode not in _MODES:
        kind = f"{image.format or 'picture'} with pixels of kind {image.mode!r}"
        raise UnreadableImageError(f"a {kind} is not restored; convert it to 8 bits per channel, gray or RGB")
    load_pixels(image)
    info = _kept_info(image)
    notes: tuple[str, ...] = ()
    if image.mode == "CMYK":
        # A profile of inks says nothing about RGB.
        info.pop("icc_profile", None)
        notes = ("The picture was converted from CMYK to RGB.",)
    quality = sampling = None
    if isinstance(image, JpegImageFile) and image.quantization:
        header = read_header(image)
        quality, sampling = header.quality, header.sampling
    pixels = image.convert(_working_mode(image))
    alpha = pixels.getchannel("A") if pixels.mode in ("LA", "RGBA") else None
    samples = image_to_tensor(pixels.convert("L" if pixels.mode in ("L", "LA") else "RGB"))
    planes = samples.float() if samples.shape[0] == 1 else rgb_to_ycbcr_unrounded(samples)
    return _Source(planes, alpha, info, image.format, quality=quality, sampling=sampling, notes=notes)


def _working_mode(image: Image.Image) -> str:
    transparent = image.has_transparency_data
    if image.mode in ("1", "L", "LA"):
        return "LA" if transparent else "L"
    return "RGBA" if transparent else "RGB"


def _kept_info(image: Image.Image) -> dict[str, Any]:
    return {key: image.info[key] for key in _KEPT_INFO if key in image.info}


def _hold_to_file(parts: _Source, table: Tensor, restored: Tensor, strength: float) -> tuple[Tensor, float]:
    def as_written(luma: Tensor) -> Tensor:
        planes = parts.planes.clone()
        planes[: restored.shape[0]].lerp_(torch.cat((luma[None], restored[1:])), strength)
        return to_uint8(planes[0]) if planes.shape[0] == 1 else rgb_to_ycbcr(ycbcr_to_rgb(planes))[0]

    quantized = recover_coefficients(parts.planes[0].to(torch.uint8), table)
    return make_consistent(restored[0], quantized, table, as_written)


def _put_together(parts: _Source) -> Image.Image:
    samples = to_uint8(parts.planes) if parts.planes.shape[0] == 1 else ycbcr_to_rgb(parts.planes)
    interleaved = samples.permute(1, 2, 0).squeeze(2).contiguous().numpy()
    image = Image.fromarray(interleaved)
    if parts.alpha is not None:
        image.putalpha(parts.alpha)
    image.info.update(parts.info)
    return ImageOps.exif_transpose(image)
