"""Measures restorers the way the literature does: originals in a folder, compressed here, restored, compared.

Protocol "luma": gray files as they are, color files as studio-swing luma rounded to 8 bits; gray JPEG (libjpeg) at
each quality; the restored plane rounded to 8 bits; PSNR over all samples, then the mean over pictures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from .jpeg.codec import compress
from .jpeg.color import rgb_to_studio_luma, to_uint8
from .jpeg.consistency import make_consistent, recover_coefficients
from .jpeg.file import image_to_tensor, load_pixels, open_image
from .jpeg.tables import quantization_tables
from .metrics import psnr
from .restoration import JpegRestorer


@dataclass(frozen=True)
class Score:
    """PSNR of one picture at one quality, in dB: of the JPEG itself and of what was restored from it."""

    picture: str
    quality: int
    jpeg_psnr: float
    restored_psnr: float


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
    """The original of the luma protocol, uint8 (1, 1, H, W)."""
    image = open_image(path)
    load_pixels(image)
    if image.mode == "L":
        return image_to_tensor(image)[None]
    return rgb_to_studio_luma(image_to_tensor(image.convert("RGB")))[None]


def evaluate_luma(
    restorer: JpegRestorer,
    pictures: Sequence[Path],
    qualities: Sequence[int],
    *,
    faithful: bool = False,
    progress: Callable[[], object] | None = None,
) -> list[Score]:
    """Score every picture at every quality.

    Args:
        restorer: what is measured; told the tables if its network takes them.
        pictures: files of originals.
        qualities: libjpeg's 1..100.
        faithful: hold what the network returns to the compressed picture's coefficients.
        progress: called after each score.

    Raises:
        UnreadableImageError: if a picture cannot be read.
    """
    scores = []
    for path in pictures:
        original = read_luma(path)
        for quality in qualities:
            degraded = compress(original, quality)
            tables = quantization_tables(quality)[:1]
            plane = restorer.restore_planes(degraded[0].float(), tables)[0]
            if faithful:
                quantized = recover_coefficients(degraded[0, 0], tables[0])
                plane, _ = make_consistent(plane, quantized, tables[0], to_uint8)
            restored = to_uint8(plane)[None, None]
            scores.append(Score(path.name, quality, float(psnr(degraded, original)), float(psnr(restored, original))))
            if progress is not None:
                progress()
    return scores


def mean_rows(scores: Sequence[Score]) -> list[tuple[int, float, float]]:
    """`(quality, JPEG, restored)`, each the mean PSNR over pictures, by rising quality."""
    rows = []
    for quality in sorted({score.quality for score in scores}):
        pairs = torch.tensor([(s.jpeg_psnr, s.restored_psnr) for s in scores if s.quality == quality])
        jpeg, restored = pairs.double().mean(dim=0).tolist()
        rows.append((quality, jpeg, restored))
    return rows
