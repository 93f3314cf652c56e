"""Gain by kind of content: `python benchmarks/content.py --data FOLDER --markdown docs/tables/content.md`.

Drawn graphics of every kind, those of the folders in `--data`, and on-grid and off-grid pixels are saved as JPEG at
several qualities, with 4:2:0 chroma, restored as files are, and compared with what was saved: gain over the JPEG in dB
over all RGB samples. "Clean" is the picture itself, never compressed, restored as a PNG file and compared with itself
(dB; the mean and the least). "Least" is the smallest gain of a single picture at any quality, on luma or RGB. Scores
above 60 dB count as 60, so that files which are nearly lossless do not decide a mean; clean scores count up to 99.

The numbers that make the pictures are no numbers of a training run: its seeds lie above 2 ** 32.
"""

import argparse
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from PIL import Image
from tqdm.auto import tqdm

from argan_hf import JpegRestorer
from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.evaluation.metrics import psnr
from argan_hf.evaluation.protocol import find_pictures
from argan_hf.graphics import KINDS, draw_graphic, font_files
from argan_hf.jpeg.color import rgb_to_ycbcr
from argan_hf.jpeg.file import image_to_tensor

QUALITIES = (10, 20, 50, 75, 90)
_MOST, _MOST_CLEAN = 60.0, 99.0


@dataclass
class Scores:
    """What was measured of one kind: gains by quality, and the scores of clean pictures to themselves, in dB."""

    gains: dict[int, list[float]] = field(default_factory=dict)
    clean: list[float] = field(default_factory=list)
    least: float = float("inf")


def squares(seed: int, side: int, factor: int, offset: int) -> Image.Image:
    """Squares of a few colors, `factor` pixels wide, moved by `offset` pixels from the grid of blocks."""
    draws = np.random.default_rng(seed)
    palette = draws.integers(0, 256, (8, 3), dtype=np.uint8)
    cells = side // factor + 2
    small = palette[draws.integers(0, 8, (cells, cells))]
    large = small.repeat(factor, 0).repeat(factor, 1)[offset : offset + side, offset : offset + side]
    return Image.fromarray(np.ascontiguousarray(large))


def modules(seed: int, side: int, factor: int, offset: int) -> Image.Image:
    """Black and white squares, as of a QR code."""
    return Image.fromarray(np.asarray(squares(seed, side, factor, offset).convert("L")) // 128 * 255).convert("RGB")


def drawn(count: int, side: int) -> Iterator[tuple[str, Image.Image]]:
    """Names of kinds, and `count` pictures of each."""
    for kind in KINDS:
        for seed in range(count):
            yield kind, draw_graphic(kind, seed, side)
    for seed in range(count):
        for offset, words in ((0, "on"), (3, "off")):
            for factor in (4, 8, 16):
                yield f"squares of {factor}, {words} the grid", squares(seed, side, factor, offset)
            yield f"black and white 8, {words} the grid", modules(seed, side, 8, offset)


def found(folder: Path, side: int) -> Iterator[tuple[str, Image.Image]]:
    """The middle of every picture of a folder, at most side x side pixels, on the grid of its blocks."""
    for path in find_pictures(folder):
        with Image.open(path) as image:
            picture = image.convert("RGB")
        left, top = (max(length - side, 0) // 32 * 16 for length in picture.size)
        yield folder.name, picture.crop((left, top, min(left + side, picture.width), min(top + side, picture.height)))


def _file_of(picture: Image.Image, kind: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _pixels(image: Image.Image) -> torch.Tensor:
    return image_to_tensor(image.convert("RGB"))[None]


def _score(shown: torch.Tensor, original: torch.Tensor, most: float) -> float:
    return min(float(psnr(shown, original)), most)


def measure(restorer: JpegRestorer, picture: Image.Image, scores: Scores, qualities: list[int]) -> None:
    """Add the scores of one picture."""
    original = _pixels(picture)
    for quality in qualities:
        data = _file_of(picture, "JPEG", quality=quality)
        with Image.open(io.BytesIO(data)) as file:
            before = _pixels(file)
        after = _pixels(restorer(data).image)
        gain = _score(after, original, _MOST) - _score(before, original, _MOST)
        luma = [rgb_to_ycbcr(pixels)[:, :1] for pixels in (after, before, original)]
        gain_of_luma = _score(luma[0], luma[2], _MOST) - _score(luma[1], luma[2], _MOST)
        scores.gains.setdefault(quality, []).append(gain)
        scores.least = min(scores.least, gain, gain_of_luma)
    clean = _pixels(restorer(_file_of(picture, "PNG")).image)
    scores.clean.append(_score(clean, original, _MOST_CLEAN))


def table(kinds: dict[str, Scores], qualities: list[int]) -> str:
    """The scores as Markdown."""
    lines = [
        f"| content | pictures | {' | '.join(f'quality {quality}' for quality in qualities)} | least | clean | least |",
        f"| --- | ---: | {'---: | ' * len(qualities)}---: | ---: | ---: |",
    ]
    for name, scores in kinds.items():
        gains = " | ".join(f"{mean(scores.gains[quality]):+.2f}" for quality in qualities)
        clean = f"{mean(scores.clean):.1f} | {min(scores.clean):.1f}"
        lines.append(f"| {name} | {len(scores.clean)} | {gains} | {scores.least:+.2f} | {clean} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--checkpoint", default=DEFAULT_CHECKPOINT)
    parser.add_argument(
        "--data", type=Path, nargs="*", default=[], help="folders of pictures, measured beside the drawn"
    )
    parser.add_argument("--count", type=int, default=4, help="drawn pictures of each kind")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--kinds", nargs="*", help="only kinds whose names begin so")
    parser.add_argument("--qualities", type=int, nargs="+", default=list(QUALITIES))
    parser.add_argument("--markdown", type=Path)
    args = parser.parse_args()
    restorer = JpegRestorer.from_pretrained(args.checkpoint)
    pictures = [picture for folder in args.data for picture in found(folder, args.side)]
    pictures += drawn(args.count, args.side)
    kinds: dict[str, Scores] = {}
    for name, picture in tqdm(pictures, unit="picture"):
        if not args.kinds or name.startswith(tuple(args.kinds)):
            measure(restorer, picture, kinds.setdefault(name, Scores()), args.qualities)
    written = table(kinds, args.qualities)
    print(written)
    print(f"{len(font_files())} fonts", file=sys.stderr)
    if args.markdown:
        args.markdown.write_text(written + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
