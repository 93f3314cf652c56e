"""Measures compression and restoration of a picture: pictures and scores at one quality, a curve over all qualities.

Only the middle of the picture is measured, so that it takes seconds for a picture of any size. It is restored as the
page does, with the strength, realism and faithful that the visitor chose.
"""

import io
from collections.abc import Callable
from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import Any

from PIL import Image

from argan_hf import JpegRestorer, UnreadableImageError
from argan_hf.evaluation.metrics import psnr, psnr_b, ssim_gaussian
from argan_hf.jpeg.file import image_to_tensor
from pictures import Settings, upright_pixels

SIDE = 512
CURVE = (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)


def measure(
    restorer: JpegRestorer,
    path: Path,
    quality: int,
    settings: Settings,
    folder: Path,
    report: Callable[[float, str], None],
) -> dict[str, Any]:
    """Compress the middle of a picture at many qualities and restore it.

    Args:
        restorer: restores.
        path: the picture; it is taken as the original, even if it was compressed before.
        quality: 1..100, at which pictures and scores are returned.
        settings: strength, realism and faithful.
        folder: where pictures are written.
        report: called with the share that is done, 0..1, and what is being done; may raise to end the work.

    Returns:
        `quality`; `pictures`: captions and paths of the original, the JPEG and the restored picture; `rows`: the name
        and the PSNR, PSNR-B (both in dB) and SSIM of the last two; `curve`: quality, PSNR of the JPEG and of the
        restored picture; `words`: what the differences mean.

    Raises:
        UnreadableImageError: if the picture cannot be read, or has fewer than 16 pixels on a side.
    """
    original = _middle(path)
    reference = image_to_tensor(original)[None]
    qualities = sorted({*CURVE, quality})
    curve, rows, pictures = [], [], [("Original", original)]
    for done, at in enumerate(qualities):
        report(done / len(qualities), f"Measuring quality {at}")
        buffer = io.BytesIO()
        original.save(buffer, "JPEG", quality=at)
        before = restorer(buffer.getvalue(), strength=0.0).image
        # No look at earlier saves: the picture is the original here, whatever it went through before.
        after = restorer(
            buffer.getvalue(),
            None,
            settings.strength,
            realism=settings.realism,
            faithful=settings.faithful,
            history=False,
        ).image
        named = {f"JPEG, quality {at}": before, "Restored": after}
        samples = [image_to_tensor(image)[None] for image in named.values()]
        curve.append((at, *(float(psnr(picture, reference)) for picture in samples)))
        if at == quality:
            scores = [
                [float(score(picture, reference)) for score in (psnr, psnr_b, ssim_gaussian)] for picture in samples
            ]
            rows = [(name, *values) for name, values in zip(named, scores, strict=True)]
            pictures += named.items()
    paths = []
    for number, (caption, image) in enumerate(pictures):
        paths.append((caption, folder / f"{number}.png"))
        image.save(paths[-1][1])
    return {"quality": quality, "pictures": paths, "rows": rows, "curve": curve, "words": explain(curve, quality)}


def explain(curve: list[tuple[int, float, float]], quality: int) -> str:
    """Say what 1 dB is worth in this picture, and what the restoration is worth.

    Args:
        curve: quality, PSNR of the JPEG and PSNR of the restored picture, in rising quality.
        quality: one of the qualities.
    """
    level, restored = next((jpeg, after) for at, jpeg, after in curve if at == quality)
    if not (isfinite(level) and isfinite(restored)):
        return "The picture and its copy are equal, so there is no error to measure."
    words = ["1 dB more means that the squared error is a fifth smaller."]
    if (other := _quality_of(curve, level + 1)) is not None:
        words.append(f"In this picture, it is what JPEG quality {other:.0f} gains over quality {quality}.")
    gain = restored - level
    if gain > 0 and (equal := _quality_of(curve, restored)) is not None:
        words.append(
            f"Restored ({gain:+.2f} dB), quality {quality} comes as near to the original as quality {equal:.0f}."
        )
    elif gain <= 0:
        words.append(f"Here the restored picture is not nearer to the original than the JPEG ({gain:+.2f} dB).")
    return " ".join(words)


def _quality_of(curve: list[tuple[int, float, float]], level: float) -> float | None:
    """Quality at which a JPEG reaches a PSNR, between the measured ones; `None` beyond them."""
    for (low, below, _), (high, above, _) in pairwise(curve):
        if below <= level <= above and above > below:
            return low + (high - low) * (level - below) / (above - below)
    return None


def _middle(path: Path) -> Image.Image:
    upright = upright_pixels(path)
    if min(upright.size) < 16:
        size = f"{upright.width}x{upright.height}"
        raise UnreadableImageError(f"the picture has {size} pixels; scores need 16 on both sides")
    left, top = (max(0, side - SIDE) // 2 for side in upright.size)
    middle = upright.crop((left, top, min(left + SIDE, upright.width), min(top + SIDE, upright.height)))
    middle.info = {}
    return middle
