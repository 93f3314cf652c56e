"""Measures restorers by the protocols of the literature: compress original pictures, restore them, compare.

Protocol "luma": the original is a gray file, or the studio-swing luma of a color file, rounded to 8 bits. It is
compressed as gray JPEG and scored on that plane. Protocol "rgb": the original is compressed as color JPEG with 4:2:0
chroma. Every method restores the planes that it is made for, and scores are computed on RGB. Results are rounded to 8
bits before they are scored, and scores are averaged over pictures.

Under a life (see `lives.py`) the original goes through its steps, and every method gets the file at the end of it.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from PIL import Image
from torch import Tensor

from ..containers.opening import UnreadableImageError, check_depth, load_pixels, open_image
from ..jpeg.codec import compress_plane, compress_ycbcr
from ..jpeg.color import as_pixels, rgb_to_studio_luma, rgb_to_ycbcr
from ..jpeg.file import image_to_tensor
from ..jpeg.file_blocks import FileBlocks
from ..jpeg.tables import quantization_tables
from .lives import Life
from .methods import Method
from .metrics import high_frequency_ratio, psnr, psnr_b, ssim_gaussian, ssim_uniform
from .scores import PERCEPTUAL_MEASURES, PictureScore

Protocol = Literal["luma", "rgb"]
_Result = TypeVar("_Result")


def find_pictures(folder: Path) -> list[Path]:
    """Picture files of a folder, sorted by name.

    Raises:
        ValueError: if the folder does not exist or holds no picture.
    """
    suffixes = Image.registered_extensions()
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in suffixes)
    if not paths:
        raise ValueError(f"{folder} is no folder with pictures")
    return paths


def read_luma(path: Path) -> Tensor:
    """The original of the luma protocol, uint8 (1, 1, H, W).

    Raises:
        UnreadableImageError: if the picture cannot be read, or has more than 8 bits per channel.
    """
    image = _open(path)
    if image.mode == "L":
        return image_to_tensor(image)[None]
    return rgb_to_studio_luma(image_to_tensor(image.convert("RGB")))[None]


def read_rgb(path: Path) -> Tensor:
    """The original of the RGB protocol, uint8 (1, 3, H, W).

    Raises:
        ValueError: if the picture is gray.
        UnreadableImageError: if it cannot be read, or has more than 8 bits per channel.
    """
    image = _open(path)
    if image.mode in ("1", "L", "LA"):
        raise ValueError(f"{path.name} is gray; the rgb protocol needs color pictures, measure it with luma")
    return image_to_tensor(image.convert("RGB"))[None]


def _open(path: Path) -> Image.Image:
    image = open_image(path)
    try:
        check_depth(image)
    except UnreadableImageError as error:
        raise UnreadableImageError(f"{path.name}: {error}") from error
    load_pixels(image)
    return image


def degrade_planes(original: Tensor, quality: int, protocol: Protocol) -> tuple[Tensor, Tensor]:
    """Compress an original.

    Args:
        original: uint8 (1, C, H, W): luma, or RGB under the protocol "rgb".
        quality: libjpeg's 1..100.
        protocol: "luma" or "rgb".

    Returns:
        Planes as decoded, uint8 (C, H, W): Y, or Y, Cb, Cr; and their quantization tables, int32 (C, 8, 8).
    """
    tables = quantization_tables(quality)
    if protocol == "luma":
        return compress_plane(original[:, 0], tables[0]), tables[:1]
    return compress_ycbcr(rgb_to_ycbcr(original), tables, "4:2:0")[0], tables[[0, 1, 1]]


def blocks_of(original: Tensor, quality: int, protocol: Protocol) -> FileBlocks:
    """What a restoration of the planes that [`degrade_planes`] gives can be held to."""
    tables = quantization_tables(quality)
    if protocol == "luma":
        return FileBlocks.of_planes(original[0], tables[:1], "4:4:4")
    return FileBlocks.of_planes(rgb_to_ycbcr(original)[0], tables[[0, 1, 1]], "4:2:0")


def as_picture(planes: Tensor) -> Tensor:
    """The picture that is scored, uint8 (1, C, H, W) gray or RGB, for planes (C, H, W), 0..255."""
    return as_pixels(planes)[None]


@dataclass(frozen=True)
class Degraded:
    """An original after a degradation, ready to be restored.

    Attributes:
        original: uint8 (1, C, H, W), what restorations are compared with.
        restore: maps a method to the picture that it restores, uint8 (1, C, H, W), and the seconds that it takes.
    """

    original: Tensor
    restore: Callable[[Method], tuple[Tensor, float]]


def degrade(original: Tensor, degradation: int | Life, protocol: Protocol) -> Degraded:
    """Compress an original, or take it through a life.

    Args:
        original: uint8 (1, C, H, W): luma, or RGB under the protocol "rgb".
        degradation: libjpeg's quality 1..100, or a life.
        protocol: "luma" or "rgb".
    """
    if isinstance(degradation, Life):
        lived = degradation.live(original)

        def restore_file(method: Method) -> tuple[Tensor, float]:
            image, seconds = _timed(lambda: method.restore_file(lived.file))
            # The file of a gray original may be in color: WebP has no gray pictures.
            return image_to_tensor(image.convert("L" if protocol == "luma" else "RGB"))[None], seconds

        return Degraded(lived.original, restore_file)
    quality = degradation
    planes, tables = degrade_planes(original, quality, protocol)
    blocks = blocks_of(original, quality, protocol)

    def restore_planes(method: Method) -> tuple[Tensor, float]:
        restored, seconds = _timed(lambda: method.restore(planes, tables, quality, blocks))
        return as_picture(restored), seconds

    return Degraded(original, restore_planes)


def _timed(work: Callable[[], _Result]) -> tuple[_Result, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def evaluate(
    methods: Sequence[Method],
    pictures: Sequence[Path],
    degradations: Sequence[int | Life],
    *,
    protocol: Protocol = "luma",
    perceptual: Collection[str] = (),
    progress: Callable[[], object] | None = None,
) -> list[PictureScore]:
    """Score every method on every picture under every degradation.

    Args:
        methods: from `load_method`.
        pictures: files of originals.
        degradations: libjpeg's qualities 1..100, or lives.
        protocol: "luma" or "rgb".
        perceptual: which of `PERCEPTUAL_MEASURES` to compute, too. They take seconds per megapixel and need the extra
            `perceptual`.
        progress: called after the scores of each method, picture and degradation.

    Raises:
        ValueError: if a quality is out of range, a picture is gray under "rgb" or smaller than 16 pixels (as it is, or
            at the end of a life), or a method does not restore the file of a life.
        UnreadableImageError: if a picture cannot be read.
        ImportError: if a library for `perceptual` is missing.
    """
    wrong = [quality for quality in degradations if isinstance(quality, int) and not 1 <= quality <= 100]
    if wrong:
        raise ValueError(f"qualities must lie in 1..100, found {wrong}")
    scores = []
    for path in pictures:
        picture = read_luma(path) if protocol == "luma" else read_rgb(path)
        for degradation in degradations:
            degraded = degrade(picture, degradation, protocol)
            original = degraded.original
            for method in methods:
                restored, seconds = degraded.restore(method)
                scores.append(
                    PictureScore(
                        method=method.name,
                        picture=path.name,
                        quality=None if isinstance(degradation, Life) else degradation,
                        life=degradation.text if isinstance(degradation, Life) else None,
                        psnr=float(psnr(restored, original)),
                        psnr_b=float(psnr_b(restored, original)),
                        ssim_gaussian=float(ssim_gaussian(restored, original)),
                        ssim_uniform=float(ssim_uniform(restored, original)),
                        high_frequency=float(high_frequency_ratio(restored, original)),
                        seconds_per_megapixel=seconds / (original.shape[-2] * original.shape[-1] / 1e6),
                        **{name: PERCEPTUAL_MEASURES[name](restored, original) for name in perceptual},
                    )
                )
                if progress is not None:
                    progress()
    return scores
