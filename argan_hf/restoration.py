"""A file or a picture in, the restored picture out.

A picture passes once, in one direction, tile by tile: planes, network, the file's own coefficients, strength, pixels.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from transformers import PreTrainedModel

from .jpeg.color import as_pixels
from .jpeg.consistency import project_onto_file
from .jpeg.file import MAX_MEGAPIXELS
from .jpeg.tables import quantization_tables
from .picture import PictureParts, put_together, take_apart
from .precision import preferred_dtype
from .restored_image import RestorationReport, RestoredImage
from .tiling import receptive_margin, run_tiled, tiles
from .variants import DEFAULT_CHECKPOINT, REALISM_VARIANT, WeightInterpolation, load_model

TILE_SIZE = 1280


class JpegRestorer:
    """Takes JPEG artifacts out of pictures.

    Args:
        model: a trained network: one of ours, or one that takes and returns the same (`pixel_values`, `quantization`,
            `reconstruction`) and whose configuration has `num_channels`, `size_divisor` and
            `condition_on_quantization`.
        device: where it runs; the first accelerator, else the CPU, if not given.
        tile_size: side of the tiles of large pictures, in pixels, rounded up to the network's divisor. Smaller ones
            need less memory and more time.
        max_megapixels: files that claim to hold more are refused.
        dtype: arithmetic of the convolutions, float32 or bfloat16; [`preferred_dtype`] if not given.
        realism_model: the network at realism 1, of the same shape as `model`, or a function that loads it.

    Attributes:
        margin: how far the network sees, in pixels; tiles carry as much around what they give.

    Raises:
        ValueError: if `tile_size` or `max_megapixels` is not positive.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        device: str | torch.device | None = None,
        *,
        tile_size: int = TILE_SIZE,
        max_megapixels: float = MAX_MEGAPIXELS,
        dtype: torch.dtype | None = None,
        realism_model: PreTrainedModel | Callable[[], PreTrainedModel] | None = None,
    ) -> None:
        if tile_size < 1 or max_megapixels <= 0:
            raise ValueError(f"tile_size and max_megapixels must be positive, found {tile_size} and {max_megapixels}")
        self.tile_size = tile_size
        self.max_megapixels = max_megapixels
        self.device = torch.device(device) if device else _default_device()
        self.model = model.eval().to(self.device, memory_format=torch.channels_last)
        self.dtype = dtype or preferred_dtype(model, self.device)
        self._scale: WeightInterpolation | None = None
        if realism_model is not None:
            load = (lambda: realism_model) if isinstance(realism_model, PreTrainedModel) else realism_model
            self._scale = WeightInterpolation(self.model, load)
        self.margin = receptive_margin(
            lambda probe: self._forward(self.model, probe, None).cpu(),
            model.config.num_channels,
            model.config.size_divisor,
        )

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = DEFAULT_CHECKPOINT,
        *,
        device: str | torch.device | None = None,
        tile_size: int = TILE_SIZE,
        max_megapixels: float = MAX_MEGAPIXELS,
        dtype: torch.dtype | None = None,
        **kwargs: Any,
    ) -> "JpegRestorer":
        """Load a checkpoint; its variant `realism`, if it has one, is loaded when it is first asked for.

        Args:
            name_or_path: a checkpoint of this package ("argan-jpeg-color"), a local folder, or a Hub id.
            device: where it runs.
            tile_size, max_megapixels, dtype: as for the class.
            kwargs: passed to `AutoModelForImageToImage.from_pretrained` (`revision`, `token`, `variant`, …).

        Raises:
            OSError: if there is no such checkpoint.
        """
        return cls(
            load_model(name_or_path, **kwargs),
            device,
            tile_size=tile_size,
            max_megapixels=max_megapixels,
            dtype=dtype,
            realism_model=None
            if "variant" in kwargs
            else partial(load_model, name_or_path, variant=REALISM_VARIANT, **kwargs),
        )

    def __call__(
        self,
        source: str | Path | bytes | Image.Image,
        quality: int | None = None,
        strength: float = 1.0,
        *,
        realism: float = 0.0,
        faithful: bool = True,
        keep_orientation: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> RestoredImage:
        """Restore one picture.

        Args:
            source: a path, the bytes of a file, or a Pillow picture. JPEG files are best given as path or bytes: their
                planes then come straight from the decoder.
            quality: libjpeg's 1..100, told to the network in place of the file's own tables. Networks that are not
                conditioned on tables ignore it (the report says so).
            strength: 0 (the picture as it is) to 1 (fully restored).
            realism: 0 (nearest to the original on average, smooth where it is unknown) to 1 (texture as real pictures
                have it, invented where it is unknown). More than 0 needs a checkpoint with the variant `realism`.
            faithful: hold the luma of JPEG files to what they state, so that the result, encoded again with the same
                tables, is the file again. Without effect on anything but JPEG files given as path or bytes.
            keep_orientation: leave pixels and Exif orientation as they are stored; by default the picture comes out
                upright. (Pillow turns TIFF files itself, whatever is asked here.)
            progress: called with (tiles done, tiles in all).

        Raises:
            UnreadableImageError: if the file is no picture, is damaged, too large, or of a kind that is not restored.
            ValueError: if `quality`, `strength` or `realism` is out of range, or the checkpoint has no realism.
        """
        if quality is not None and not 1 <= quality <= 100:
            raise ValueError(f"quality must lie in 1..100, found {quality}")
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"strength must lie in 0..1, found {strength}")
        model = self.model_at(realism)
        start = time.perf_counter()
        parts = take_apart(source, self.max_megapixels)
        if quality is not None:
            parts = replace(parts, tables=_tables_at(quality, parts.samples.shape[0]), quality=quality)
        conditioned = self.model.config.condition_on_quantization
        notes = parts.notes
        if quality is not None and not conditioned:
            notes += ("This network works blind: the quality given was not used.",)
        inks = parts.samples.shape[0] == 4
        # Gray stays gray, in files of three planes, too.
        planes = 1 if parts.is_neutral else parts.samples.shape[0]
        known = 4 if inks else min(self.model.config.num_channels, planes)
        pixels, consistency = self._restore_pixels(model, parts, known, strength, faithful, progress)
        image = put_together(parts, pixels, upright=not keep_orientation)
        report = RestorationReport(
            width=image.width,
            height=image.height,
            format=parts.format,
            quality=parts.quality,
            sampling=parts.sampling,
            consistency=consistency,
            conditioned=conditioned and parts.tables is not None,
            restored_planes=", ".join(("C", "M", "Y", "K") if inks else ("Y", "Cb", "Cr")[:known]),
            strength=strength,
            realism=realism,
            seconds=time.perf_counter() - start,
            notes=notes,
        )
        return RestoredImage(image, report)

    def model_at(self, realism: float) -> PreTrainedModel:
        """The network at a position of the slider; made once and kept while it is among the last few asked for.

        Args:
            realism: 0..1.

        Raises:
            ValueError: if it is out of range, or the checkpoint has no such variant.
        """
        if not 0.0 <= realism <= 1.0:
            raise ValueError(f"realism must lie in 0..1, found {realism}")
        if realism == 0:
            return self.model
        if self._scale is None:
            raise ValueError("this network was loaded without a variant for realism: leave realism at 0")
        try:
            return self._scale.at(realism)
        except OSError as error:
            raise ValueError(f"this checkpoint has no variant for realism: leave realism at 0 ({error})") from error

    def _restore_pixels(
        self,
        model: PreTrainedModel,
        parts: PictureParts,
        known: int,
        strength: float,
        faithful: bool,
        progress: Callable[[int, int], None] | None,
    ) -> tuple[Tensor, float | None]:
        """Every tile from samples to pixels before the next one, so that floats never cover more than a tile."""
        # Interleaved, as Pillow wants them: a picture of 100 megapixels has no room for another copy.
        pixels = torch.empty(*parts.samples.shape[1:], parts.samples.shape[0], dtype=torch.uint8)
        table = parts.grid_table if faithful and strength > 0 else None
        height, width = parts.samples.shape[1:]
        plan = tiles(height, width, self._whole_tile, self.margin if strength > 0 else 0)
        kept, blocks = 0.0, 0
        for done, tile in enumerate(plan, start=1):
            outer = parts.planes_at(tile.outer_rows, tile.outer_columns)
            planes = outer[:, *tile.inside].clone()
            if strength > 0:
                restored = self._restore_tile(model, outer[:known], parts.tables)[:, *tile.inside]
                if table is not None:
                    restored, share = project_onto_file(restored, planes, table, strength)
                    whole = (planes.shape[1] // 8) * (planes.shape[2] // 8)
                    kept, blocks = kept + share * whole, blocks + whole
                planes[:known].lerp_(restored, strength)
            pixels[tile.rows, tile.columns] = as_pixels(planes).permute(1, 2, 0)
            if progress is not None:
                progress(done, len(plan))
        return pixels, None if table is None else kept / blocks if blocks else 1.0

    def _restore_tile(self, model: PreTrainedModel, planes: Tensor, tables: Tensor | None) -> Tensor:
        # Files store inks apart, and so each has artifacts of its own, like a gray picture.
        parts = planes.split(1) if planes.shape[0] == 4 else [planes]
        return torch.cat([self._run(model, part[None], tables)[0] for part in parts])

    def restore_planes(self, planes: Tensor, tables: Tensor | None = None, *, realism: float = 0.0) -> Tensor:
        """Run the network over planes, in tiles.

        Args:
            planes: float (C, H, W), 0..255, at most as many planes as the network restores.
            tables: integers (C, 8, 8), their quantization tables, or `None` for unknown.
            realism: 0..1.

        Returns:
            float32 (C, H, W), 0..255, not rounded.

        Raises:
            ValueError: as [`model_at`].
        """
        model = self.model_at(realism)
        return run_tiled(
            lambda tile: self._run(model, tile, tables), planes.float(), tile_size=self._whole_tile, margin=self.margin
        )

    @property
    def _whole_tile(self) -> int:
        # A multiple of the network's divisor, and of the blocks that results are held to.
        step = max(int(self.model.config.size_divisor), 16)
        return -(-self.tile_size // step) * step

    def _run(self, model: PreTrainedModel, planes: Tensor, tables: Tensor | None) -> Tensor:
        quantization = None if tables is None else tables[None, : planes.shape[1]].to(self.device)
        return self._forward(model, planes / 255.0, quantization).cpu() * 255.0

    @torch.inference_mode()
    def _forward(self, model: PreTrainedModel, pixel_values: Tensor, quantization: Tensor | None) -> Tensor:
        pixel_values = pixel_values.to(self.device, memory_format=torch.channels_last)
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32):
            reconstruction = model(pixel_values, quantization=quantization).reconstruction
        restored: Tensor = reconstruction.float().clamp_(0.0, 1.0)
        return restored


def restore(
    source: str | Path | bytes | Image.Image,
    quality: int | None = None,
    strength: float = 1.0,
    *,
    realism: float = 0.0,
    faithful: bool = True,
) -> RestoredImage:
    """Restore one picture with the network that comes with the package; see [`JpegRestorer.__call__`]."""
    return _default_restorer()(source, quality, strength, realism=realism, faithful=faithful)


@cache
def _default_restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained()


def _default_device() -> torch.device:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator or torch.device("cpu")


def _tables_at(quality: int, planes: int) -> Tensor:
    return quantization_tables(quality)[[0, 1, 1][:planes]]
