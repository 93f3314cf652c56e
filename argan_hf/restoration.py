"""Restores a file or a picture.

Every tile goes through the same steps: planes, network, blending by strength, holding to the file, pixels.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .containers.opening import MAX_MEGAPIXELS
from .defaults import DEFAULT_CHECKPOINT, REALISM_VARIANT
from .flat_chroma import with_flat_chroma
from .history import History, describe_history
from .holding import Holding
from .jpeg.file_blocks import Consistency
from .networks import load_network
from .neutral import left_neutral
from .picture import ImageSource, PictureParts, put_together, take_apart
from .picture_history import history_of, look_back
from .plane_restorer import PlaneRestorer
from .prepared_picture import PreparedPicture, prepare
from .restored_image import RestorationReport, RestoredImage
from .spandrel_weights import load_spandrel_network
from .tiling import Tile
from .untouched import describe_untouched, left_untouched


class JpegRestorer(PlaneRestorer):
    """Removes JPEG artifacts from pictures.

    Args:
        model, device, tile_size, dtype, realism_model, exact_tiles: as for [`PlaneRestorer`].
        max_megapixels: larger files are refused.

    A restorer can be pickled and sent to another process, if `realism_model` can.

    Raises:
        ValueError: as [`PlaneRestorer`], or if `max_megapixels` is not positive.
    """

    def __init__(
        self,
        model: nn.Module,
        device: str | torch.device | None = None,
        *,
        tile_size: int | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
        dtype: torch.dtype | None = None,
        realism_model: nn.Module | Callable[[], nn.Module] | None = None,
        exact_tiles: bool = False,
    ) -> None:
        if max_megapixels <= 0:
            raise ValueError(f"max_megapixels must be positive, found {max_megapixels}")
        super().__init__(
            model, device, tile_size=tile_size, dtype=dtype, realism_model=realism_model, exact_tiles=exact_tiles
        )
        self.max_megapixels = max_megapixels

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | Path = DEFAULT_CHECKPOINT,
        *,
        device: str | torch.device | None = None,
        tile_size: int | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
        dtype: torch.dtype | None = None,
        exact_tiles: bool = False,
        **kwargs: Any,
    ) -> "JpegRestorer":
        """Load a checkpoint; its variant `realism`, if it has one, is loaded when it is first used.

        Args:
            name_or_path: a checkpoint of this package ("argan-jpeg-color"), a local folder, a Hub id, or a file of
                weights of others, see [`from_spandrel`].
            device: where it runs.
            tile_size, max_megapixels, dtype, exact_tiles: as for the class.
            kwargs: passed to `AutoModelForImageToImage.from_pretrained` (`revision`, `token`, …); `variant` chooses
                other weights of the checkpoint.

        The network is a plain module, where it can be loaded without transformers; `load_model` of `argan_hf.loading`,
        or `AutoModelForImageToImage`, load it as a model of transformers.

        Raises:
            OSError: if there is no such checkpoint.
            DamagedCheckpointError: if there is one, and it does not hold a whole network; a variant for realism is read
                when it is first used, see [`model_at`].
            UnsupportedNetworkError, ImportError: as [`from_spandrel`].
        """
        return cls(
            load_network(name_or_path, **kwargs),
            device,
            tile_size=tile_size,
            max_megapixels=max_megapixels,
            dtype=dtype,
            realism_model=None
            if "variant" in kwargs
            else partial(load_network, name_or_path, variant=REALISM_VARIANT, **kwargs),
            exact_tiles=exact_tiles,
        )

    @classmethod
    def from_spandrel(
        cls,
        path: str | Path,
        *,
        device: str | torch.device | None = None,
        tile_size: int | None = None,
        max_megapixels: float = MAX_MEGAPIXELS,
        dtype: torch.dtype | None = None,
    ) -> "JpegRestorer":
        """Load a network of others (FBCNN, SwinIR, SCUNet, DRUNet, …) that gives pictures of the size that it gets.

        It gets the planes of the file from the decoder. All the rest works as with networks of this package, but for
        realism: such a network has one set of weights.

        Args:
            path: of a file of weights, safetensors or a pickle of PyTorch, of which only weights are read.
            device: where it runs.
            tile_size: as for the class, 512 by default. How much the network needs around a tile is measured when the
                first large picture comes. Pictures for networks that look at the whole picture may have 4 megapixels,
                or the area of a tile if that is larger.
            max_megapixels, dtype: as for the class; the default dtype is float32.

        Raises:
            FileNotFoundError: if there is no such file.
            UnsupportedNetworkError: if it does not hold a whole network that spandrel knows and that can be used here.
            ImportError: if spandrel is missing.
        """
        network = load_spandrel_network(path)
        return cls(network, device, tile_size=tile_size, max_megapixels=max_megapixels, dtype=dtype)

    def __call__(
        self,
        source: ImageSource,
        quality: int | None = None,
        strength: float = 1.0,
        *,
        realism: float = 0.0,
        faithful: bool = True,
        keep_orientation: bool = False,
        progress: Callable[[int, int], None] | None = None,
        reconstruction: Tensor | None = None,
        history: bool | History = True,
    ) -> RestoredImage:
        """Restore one picture.

        Args:
            source: a path, the bytes of a file, a file object that is open for reading bytes, a Pillow picture, or an
                array (H, W) or (H, W, 1..4), uint8 or uint16. Pass JPEG files as files, so that their planes
                come straight from the decoder.
            quality: libjpeg's 1..100, at which the picture was once saved, as far as you know. It is used where the
                pixels show no earlier save. The network is conditioned on the standard tables of this quality instead
                of those of the file. If it is lower than the quality of the file, the file is a later save, and the
                result is not held to it. Networks that are not conditioned on tables ignore it. The report says where
                it was not used.
            strength: 0 (the picture as it is) to 1 (fully restored).
            realism: 0 (least squared error; smooth where detail is lost) to 1 (texture as real pictures have it, which
                can be false where detail is lost). Values above 0 need a checkpoint with the variant `realism`.
            faithful: whether to hold the result to its file: encoded again with the same tables and sampling, it
                gives the same coefficients, nearly always up to quality 98. The file is the given one, if it is JPEG
                and given as path, bytes or file object. Where an earlier save is certain, it is the file of that one,
                of which luma is held.
            keep_orientation: leave pixels and Exif orientation as stored; by default the result is upright. (Pillow
                always makes TIFF files upright.)
            progress: called with (tiles done, tiles in all).
            reconstruction: what [`reconstruct`] gave for this source, quality and realism. The network is not run
                again, so another strength takes a fraction of the time.
            history: whether to look for earlier saves of the picture and to undo the later ones; or what
                [`find_history`] gave for this source and quality.

        Raises:
            UnreadableImageError: if the file is no picture, is damaged, too large, or of a kind that is not restored.
            PictureTooLargeError: if the network looks at the whole picture, and it is too large for that.
            UnusableResultError: if the network gives NaN or infinity.
            ValueError: if `quality`, `strength` or `realism` is out of range, the checkpoint has no realism, an array
                has another shape or dtype than those above, the reconstruction has another one than that of the source,
                or the history does not fit it.
        """
        if not 0.0 <= strength <= 1.0:
            raise ValueError(f"strength must lie in 0..1, found {strength}")
        model = self.model_at(realism)
        start = time.perf_counter()
        parts = self._take_apart(source, quality)
        # At strength 0 the picture stays as it is, whatever it went through.
        found, kept = self._history(parts, quality, history if strength > 0 else False)
        prepared = prepare(parts, found, quality, looks_back=history is not False)
        known = self._restored_planes(prepared.parts)
        expected = (known, *parts.samples.shape[1:])
        if reconstruction is not None and (reconstruction.shape, reconstruction.dtype) != (expected, torch.float32):
            wrong = f"{tuple(reconstruction.shape)} and dtype {reconstruction.dtype}"
            raise ValueError(f"reconstruction has shape {wrong}, expected {expected} and torch.float32")
        if reconstruction is None and realism == 0:
            reconstruction = kept
        conditioned = self.model.config.condition_on_quantization
        notes = parts.notes
        if quality is not None and not conditioned:
            notes += ("This network is blind (it uses no quantization tables), so the given quality was not used.",)
        elif quality is not None and found.first is not None and found.first.quality != quality:
            notes += (f"The given quality {quality} was not used: the pixels show a save at {found.first.quality}.",)
        is_cmyk = parts.samples.shape[0] == 4
        untouched = prepared.untouched_blocks() if strength > 0 else None
        notes += describe_untouched(untouched, luma_alone=prepared.leaves_luma_alone)
        pixels, consistency = self._restore_pixels(
            model, prepared, known, strength, faithful, progress, reconstruction, untouched
        )
        assembled = put_together(parts, pixels, upright=not keep_orientation)
        image, notes = assembled.image, notes + assembled.notes
        report = RestorationReport(
            width=image.width,
            height=image.height,
            bits=8 if parts.deep_samples is None else 16,
            format=parts.format,
            quality=parts.quality if quality is None or found.saves else quality,
            sampling=parts.sampling,
            consistency=consistency,
            conditioned=conditioned and prepared.parts.tables is not None,
            restored_planes=", ".join(("C", "M", "Y", "K") if is_cmyk else ("Y", "Cb", "Cr")[:known]),
            untouched=0.0 if untouched is None else float(untouched.mean()),
            strength=strength,
            realism=realism,
            seconds=time.perf_counter() - start,
            history=found,
            notes=(*describe_history(found, parts.quality), *notes),
        )
        return RestoredImage(image, report, assembled.samples)

    def find_history(self, source: ImageSource, quality: int | None = None) -> History:
        """What a picture went through before it became this file, as far as its pixels and the network show it.

        Args:
            source, quality: as for a call.

        Raises:
            UnreadableImageError, ValueError: as a call.
        """
        return self._history(self._take_apart(source, quality), quality, True)[0]

    def reconstruct(
        self,
        source: ImageSource,
        quality: int | None = None,
        *,
        realism: float = 0.0,
        progress: Callable[[int, int], None] | None = None,
        history: bool | History = True,
    ) -> Tensor:
        """Run the network over a picture and keep what it gives, so that strength and faithful can be tried quickly.

        Args:
            source, quality, realism, progress, history: as for a call.

        Returns:
            float32 (planes, H, W), 0..255, not rounded: the planes that the network restores, as the file stores them
            (not rotated). Pass it to a call as `reconstruction`. It takes 12 bytes per pixel of a color picture.

        Raises:
            UnreadableImageError, ValueError: as a call.
        """
        model = self.model_at(realism)
        parts = self._take_apart(source, quality)
        found, _ = self._history(parts, quality, history)
        prepared = prepare(parts, found, quality, looks_back=history is not False)
        height, width = prepared.parts.samples.shape[1:]
        planes = torch.empty(self._restored_planes(prepared.parts), height, width)
        plan = self.network_tiles(height, width)
        for done, tile in enumerate(plan, start=1):
            planes[:, tile.rows, tile.columns] = self._restored_at(model, prepared, tile, len(planes))
            if progress is not None:
                progress(done, len(plan))
        return prepared.onto_picture(planes).contiguous()

    def _take_apart(self, source: ImageSource, quality: int | None) -> PictureParts:
        if quality is not None and not 1 <= quality <= 100:
            raise ValueError(f"quality must lie in 1..100, found {quality}")
        return take_apart(source, self.max_megapixels)

    def _history(
        self, parts: PictureParts, quality: int | None, history: bool | History
    ) -> tuple[History, Tensor | None]:
        """The history of a picture, and the restored planes, if the network had to see all of it for that."""
        if not isinstance(history, bool) or not history:
            return history or History(), None
        if quality is not None or not self.model.config.condition_on_quantization:
            return history_of(parts), None
        return look_back(parts, self._restored_planes(parts), self.restore_planes, self._whole_tile)

    def _restored_planes(self, parts: PictureParts) -> int:
        """How many of the planes of a picture are restored."""
        planes = parts.samples.shape[0]
        if planes == 4:
            return planes
        # If a file with three planes is gray, only luma is restored, so that the result is gray, too.
        return 1 if parts.is_neutral else min(int(self.model.config.num_channels), planes)

    def _restore_pixels(
        self,
        model: nn.Module,
        prepared: PreparedPicture,
        known: int,
        strength: float,
        faithful: bool,
        progress: Callable[[int, int], None] | None,
        reconstruction: Tensor | None,
        untouched: Tensor | None,
    ) -> tuple[Tensor, Consistency | None]:
        """Restore tile by tile from samples to pixels, so that only one tile at a time is in floating point.

        Returns:
            (H, W, C) as [`PictureParts.pixels_of`] gives them, and how much of the file they give again, `None` if
            they are not held to one.
        """
        parts = prepared.parts
        channels, height, width = parts.samples.shape
        # Channels last, as Pillow needs them: another copy of a picture of 100 megapixels would take too much memory.
        pixels = torch.empty(height, width, channels, dtype=torch.uint8 if parts.deep_samples is None else torch.int32)
        is_held = faithful and strength > 0 and parts.grid_table is not None
        if reconstruction is not None:
            reconstruction = prepared.onto_frame(reconstruction)
        if untouched is not None and not prepared.leaves_luma_alone and bool((untouched == 1).all()):
            strength = 0.0  # All of it is left as it is, so the network need not see it.
        runs_network = strength > 0 and reconstruction is None
        plan = self.network_tiles(height, width) if runs_network else self.plain_tiles(height, width)
        neutral = prepared.neutral_blocks() if known == 3 and strength > 0 else None
        colors = prepared.flat_chroma(untouched) if untouched is not None and known == 3 else None
        holding = Holding(prepared, colors) if is_held else None
        for done, tile in enumerate(plan, start=1):
            seen = parts.planes_at(tile.rows, tile.columns)
            if strength > 0:
                if reconstruction is None:
                    restored = self._restored_at(model, prepared, tile, known)
                else:
                    restored = reconstruction[:, tile.rows, tile.columns]
                if neutral is not None:
                    restored = left_neutral(restored, neutral, tile.rows, tile.columns)
                if untouched is not None:
                    left = restored[:1] if prepared.leaves_luma_alone else restored
                    left = left_untouched(left, seen, untouched, tile.rows, tile.columns)
                    restored = torch.cat((left, restored[len(left) :]))
                if colors is not None:
                    restored = with_flat_chroma(restored, colors, tile.rows, tile.columns)
                seen[:known] = seen[:known].lerp(restored, strength)
                if holding is not None:
                    seen = holding.hold(seen, tile)
            elif holding is not None:
                holding.count(seen, tile)
            pixels[tile.rows, tile.columns] = parts.pixels_of(seen).permute(1, 2, 0)
            if progress is not None:
                progress(done, len(plan))
        whole = prepared.onto_picture(pixels.permute(2, 0, 1)).permute(1, 2, 0)
        return whole.contiguous(), None if holding is None else holding.consistency

    def _restored_at(self, model: nn.Module, prepared: PreparedPicture, tile: Tile, known: int) -> Tensor:
        """A tile as the network restores it, float32 (known, h, w)."""
        outer = prepared.planes_at(tile.outer_rows, tile.outer_columns)[:known]
        restored = self._restore_tile(model, outer, prepared.parts.tables)[:, *tile.inside]
        foreign = prepared.foreign_at(tile.rows, tile.columns)
        if foreign is None:
            return restored
        # What was drawn after the earlier save is restored as the file says.
        rows, columns = self.around(foreign, tile)
        seen = prepared.parts.planes_at(rows, columns)[:known]
        own, (top, left) = torch.zeros_like(outer), (tile.outer_rows.start, tile.outer_columns.start)
        part = self._restore_tile(model, seen, prepared.own_tables)
        own[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = part
        return torch.where(foreign, own[:, *tile.inside], restored)
