"""Measures restorers by the protocols of the literature: compress original pictures, restore them, compare.

Protocol "luma": the original is a gray file, or the studio-swing luma of a color file, rounded to 8 bits. It is
compressed as gray JPEG and scored on that plane. Protocol "rgb": the original is compressed as color JPEG with 4:2:0
chroma. Every method restores the planes that it is made for, and scores are computed on RGB. Results are rounded to 8
bits before they are scored, and scores are averaged over pictures.
"""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image
from torch import Tensor

from ..jpeg.codec import compress, compress_plane, compress_ycbcr
from ..jpeg.color import as_pixels, rgb_to_studio_luma, rgb_to_ycbcr
from ..jpeg.file import UnreadableImageError, check_depth, image_to_tensor, load_pixels, open_image
from ..jpeg.tables import quantization_tables
from .methods import Method
from .metrics import high_frequency_ratio, psnr, psnr_b, ssim_gaussian, ssim_uniform
from .perceptual import ssimulacra2, visual_information_fidelity

Protocol = Literal["luma", "rgb"]

PERCEPTUAL_MEASURES = {"ssimulacra2": ssimulacra2, "vif": visual_information_fidelity}
MEASURES = ("psnr", "psnr_b", "ssim_gaussian", "ssim_uniform", "high_frequency", "seconds_per_megapixel")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The scores of one method at one quality.

    Attributes:
        method: its name, see `methods.py`.
        quality: libjpeg's 1..100.
        psnr, psnr_b: in dB.
        ssim_gaussian, ssim_uniform: with the 11x11 Gaussian and the uniform 8x8 window.
        high_frequency: energy of fine texture over the original's, see `high_frequency_ratio`.
        seconds_per_megapixel: wall-clock time of the restoration alone.
        ssimulacra2, vif: see `perceptual.py`; `None` if they were not computed.
    """

    method: str
    quality: int
    psnr: float
    psnr_b: float
    ssim_gaussian: float
    ssim_uniform: float
    high_frequency: float
    seconds_per_megapixel: float
    ssimulacra2: float | None = None
    vif: float | None = None


@dataclass(frozen=True, kw_only=True)
class PictureScore(Measures):
    """The scores of one method at one quality on one picture.

    Attributes:
        picture: the name of its file.
    """

    picture: str


@dataclass(frozen=True, kw_only=True)
class MeanScore(Measures):
    """The scores of one method at one quality, averaged over pictures."""


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


def degrade_planes(
    original: Tensor, quality: int, protocol: Protocol, earlier_quality: int | None = None
) -> tuple[Tensor, Tensor]:
    """Compress an original.

    Args:
        original: uint8 (1, C, H, W): luma, or RGB under the protocol "rgb".
        quality: libjpeg's 1..100.
        protocol: "luma" or "rgb".
        earlier_quality: if given, the picture is first compressed at this quality, with its grid shifted by half a
            block.

    Returns:
        Planes as decoded, uint8 (C, H, W): Y, or Y, Cb, Cr; and their quantization tables, int32 (C, 8, 8).
    """
    if earlier_quality is not None:
        original = compress(original, earlier_quality, offset=(4, 4))
    tables = quantization_tables(quality)
    if protocol == "luma":
        return compress_plane(original[:, 0], tables[0]), tables[:1]
    return compress_ycbcr(rgb_to_ycbcr(original), tables, "4:2:0")[0], tables[[0, 1, 1]]


def as_picture(planes: Tensor) -> Tensor:
    """The picture that is scored, uint8 (1, C, H, W) gray or RGB, for planes (C, H, W), 0..255."""
    return as_pixels(planes)[None]


def evaluate(
    methods: Sequence[Method],
    pictures: Sequence[Path],
    qualities: Sequence[int],
    *,
    protocol: Protocol = "luma",
    perceptual: Collection[str] = (),
    earlier_quality: int | None = None,
    progress: Callable[[], object] | None = None,
) -> list[PictureScore]:
    """Score every method on every picture at every quality.

    Args:
        methods: from `load_method`.
        pictures: files of originals.
        qualities: libjpeg's 1..100.
        protocol: "luma" or "rgb".
        perceptual: which of `PERCEPTUAL_MEASURES` to compute, too. They take seconds per megapixel and need the extra
            `perceptual`.
        earlier_quality: of a first compression with a shifted grid, see [`degrade_planes`]; methods do not get its
            tables.
        progress: called after the scores of each method, picture and quality.

    Raises:
        ValueError: if a quality is out of range, a picture is smaller than 16 pixels, or gray under "rgb".
        UnreadableImageError: if a picture cannot be read.
        ImportError: if a library for `perceptual` is missing.
    """
    asked = [*qualities, *([] if earlier_quality is None else [earlier_quality])]
    wrong = [quality for quality in asked if not 1 <= quality <= 100]
    if wrong:
        raise ValueError(f"qualities must lie in 1..100, found {wrong}")
    scores = []
    for path in pictures:
        original = read_luma(path) if protocol == "luma" else read_rgb(path)
        megapixels = original.shape[-2] * original.shape[-1] / 1e6
        for quality in qualities:
            degraded, tables = degrade_planes(original, quality, protocol, earlier_quality)
            for method in methods:
                start = time.perf_counter()
                planes = method.restore(degraded, tables, quality)
                seconds = time.perf_counter() - start
                restored = as_picture(planes)
                scores.append(
                    PictureScore(
                        method=method.name,
                        picture=path.name,
                        quality=quality,
                        psnr=float(psnr(restored, original)),
                        psnr_b=float(psnr_b(restored, original)),
                        ssim_gaussian=float(ssim_gaussian(restored, original)),
                        ssim_uniform=float(ssim_uniform(restored, original)),
                        high_frequency=float(high_frequency_ratio(restored, original)),
                        seconds_per_megapixel=seconds / megapixels,
                        **{name: PERCEPTUAL_MEASURES[name](restored, original) for name in perceptual},
                    )
                )
                if progress is not None:
                    progress()
    return scores


def mean_scores(scores: Sequence[PictureScore]) -> list[MeanScore]:
    """Average scores over pictures: one row per quality and method, in rising quality and in the order of methods."""
    means = []
    for quality in sorted({score.quality for score in scores}):
        for method in dict.fromkeys(score.method for score in scores):
            group = [score for score in scores if (score.method, score.quality) == (method, quality)]
            values = {
                name: sum(getattr(score, name) for score in group) / len(group)
                for name in (*MEASURES, *PERCEPTUAL_MEASURES)
                if getattr(group[0], name) is not None
            }
            means.append(MeanScore(method=method, quality=quality, **values))
    return means
