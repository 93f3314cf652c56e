"""Measures compression and restoration of a picture: pictures and scores at one quality, a curve over all qualities.

Only the middle of the picture is measured, so that it takes seconds for a picture of any size.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
from PIL import Image

from argan_hf.evaluation.methods import load_method
from argan_hf.evaluation.protocol import (
    Protocol,
    as_picture,
    degrade_planes,
    evaluate,
    mean_scores,
    read_luma,
    read_rgb,
)
from argan_hf.variants import DEFAULT_CHECKPOINT

SIDE = 512
CURVE = (5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)


def measure(
    image: Image.Image, quality: int, folder: Path, progress: Callable[[float], object]
) -> tuple[list[tuple[str, str]], list[list[str]], pd.DataFrame]:
    """Compress the middle of a picture at every quality and restore it.

    Args:
        image: upright, mode "L" or "RGB"; it is the original, even if it was compressed before.
        quality: 1..100, at which pictures and scores are returned.
        folder: where pictures are written.
        progress: called with the share that is done, 0..1.

    Returns:
        Paths and captions of the original, the JPEG and the restored picture; rows of scores; points of the curve.
    """
    protocol: Protocol = "luma" if image.mode == "L" else "rgb"
    left, top = (max(0, side - SIDE) // 2 for side in image.size)
    original = image.crop((left, top, min(left + SIDE, image.width), min(top + SIDE, image.height)))
    methods = [load_method("jpeg", [quality]), replace(load_method(DEFAULT_CHECKPOINT, [quality]), name="restored")]
    path = folder / "original.png"
    original.save(path)
    qualities = sorted({*CURVE, quality})
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        progress(done / (2 * len(qualities)))

    means = mean_scores(evaluate(methods, [path], qualities, protocol=protocol, progress=tick))
    pictures = [(str(path), "original")]
    degraded, tables = degrade_planes(read_luma(path) if protocol == "luma" else read_rgb(path), quality, protocol)
    for method, caption in zip(methods, (f"JPEG, quality {quality}", "restored"), strict=True):
        samples = as_picture(method.restore(degraded, tables, quality))[0].permute(1, 2, 0).squeeze(2).numpy()
        target = folder / f"{method.name}.png"
        Image.fromarray(samples).save(target)
        pictures.append((str(target), caption))
    rows = [
        [mean.method, f"{mean.psnr:.2f}", f"{mean.psnr_b:.2f}", f"{mean.ssim_gaussian:.4f}"]
        for mean in means
        if mean.quality == quality
    ]
    curve = pd.DataFrame([{"quality": mean.quality, "PSNR, dB": mean.psnr, "picture": mean.method} for mean in means])
    return pictures, rows, curve


def new_folder() -> Path:
    """Create a folder for the pictures of one visitor, below the folder from which Gradio may serve files."""
    cache = Path(tempfile.gettempdir()) / "gradio"
    cache.mkdir(exist_ok=True)
    return Path(tempfile.mkdtemp(dir=cache))
