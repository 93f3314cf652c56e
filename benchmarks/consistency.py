"""Measures how far results encode to their file again: `python benchmarks/consistency.py --data DIR`, or `--files DIR`.

With `--data`, original pictures are compressed by Pillow, as gray and as color files (`--sampling`). With `--files`,
JPEG files of any encoder are taken as they are. Every file is restored twice: "free" is the network alone, "faithful"
is also held to the file. The result goes through a PNG file and is encoded again with the tables and the sampling of
its JPEG file. Then the quantized coefficients of the two JPEG files are compared, in all blocks, also in those that the
border cuts.

Shares are those of all blocks of all pictures together. PSNR is averaged over pictures; "lower" is the number of
pictures whose PSNR is lower when they are held to their file. The last column says for how many pictures the report
states exactly what is measured here.
"""

import argparse
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from PIL import Image
from reencoding import count_equal, encode_again, shares
from torch import Tensor
from tqdm.auto import tqdm

from argan_hf import JpegRestorer
from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.evaluation.metrics import psnr
from argan_hf.evaluation.protocol import find_pictures, read_luma, read_rgb
from argan_hf.jpeg import rgb_to_ycbcr
from argan_hf.jpeg.coefficients import read_coefficients
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.header import JpegHeader, read_header


@dataclass(frozen=True)
class Measured:
    """What is measured on one file, or on several together. Free results come first, faithful ones second.

    Attributes:
        counts: two of [`count_equal`].
        luma, color: PSNR in dB, of luma and of RGB, for every file. Both are empty without originals, `color` also for
            gray files.
        reported: whether the report on the faithful result states its counts, for every file.
    """

    counts: tuple[np.ndarray, np.ndarray]
    luma: tuple[tuple[float, float], ...]
    color: tuple[tuple[float, float], ...]
    reported: tuple[bool, ...]

    def __add__(self, other: "Measured") -> "Measured":
        free, faithful = (mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True))
        return Measured(
            (free, faithful), self.luma + other.luma, self.color + other.color, self.reported + other.reported
        )


def measure(
    restorer: JpegRestorer, data: bytes, header: JpegHeader, original: Tensor | None, realism: float
) -> Measured:
    """Restore a JPEG file twice and encode the results again.

    Args:
        restorer: what restores.
        data, header: of the file.
        original: uint8 (1, C, H, W) as the file has channels, or `None`.
        realism: 0..1.

    Raises:
        ValueError: if the coefficients of the file cannot be read, or it has a sampling that cannot be encoded.
    """
    expected = read_coefficients(data)
    if expected is None:
        raise ValueError("its coefficients cannot be read")
    # History is left out: this is about one save. The network runs once for both results.
    planes = restorer.reconstruct(data, realism=realism, history=False)
    counts, luma, color = [], [], []
    for faithful in (False, True):
        restored = restorer(
            data, realism=realism, faithful=faithful, keep_orientation=True, reconstruction=planes, history=False
        )
        with Image.open(io.BytesIO(restored.encode(".png")[0])) as written:
            counts.append(count_equal(encode_again(written, header), expected))
            pixels = written.convert("L" if header.sampling == "gray" else "RGB")
        if original is None:
            continue
        result = image_to_tensor(pixels)[None]
        if header.sampling == "gray":
            luma.append(float(psnr(result, original)))
        else:
            luma.append(float(psnr(rgb_to_ycbcr(result[0])[None, :1], rgb_to_ycbcr(original[0])[None, :1])))
            color.append(float(psnr(result, original)))
    free, held = counts
    # The last result is the faithful one.
    reported = restored.report.consistency == shares(held)
    return Measured((free, held), _pairs(luma), _pairs(color), (reported,))


def _pairs(values: list[float]) -> tuple[tuple[float, float], ...]:
    return ((values[0], values[1]),) if values else ()


def _percent(equal: int, of: int) -> str:
    """A share, rounded down, so that only a whole one is written as 100 %."""
    return f"{100_000 * equal // of / 1000:.3f} %" if of else "–"


def _titles(color: bool, against_original: bool) -> list[str]:
    scores = [["PSNR Y"], ["PSNR Y", "PSNR RGB"]][color] if against_original else []
    titles = [title for score in scores for title in (f"{score}, free", "faithful", "lower")]
    for plane in ["luma", "chroma"][: 1 + color]:
        titles += [f"{plane} blocks, free", "faithful", f"{plane} coefficients, free", "faithful"]
    return [*titles, "report equals measurement"]


def _cells(measured: Measured, color: bool) -> list[str]:
    """The cells under [`_titles`]."""
    cells = []
    for pairs in (measured.luma, measured.color):
        if pairs:
            cells += [f"{sum(values) / len(pairs):.3f}" for values in zip(*pairs, strict=True)]
            cells.append(str(sum(faithful < free for free, faithful in pairs)))
    for plane in range(1 + color):
        for unit in (1, 0):
            cells += [_percent(*map(int, counts[plane, unit])) for counts in measured.counts]
    right, files = sum(measured.reported), len(measured.reported)
    return [*cells, f"{'yes' if right == files else 'no'}, {right} of {files}"]


def _print_row(cells: Sequence[str]) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def _print_titles(first: Sequence[str], titles: Sequence[str]) -> None:
    _print_row([*first, *titles])
    _print_row([*("---" for _ in first), *("---:" for _ in titles)])


def _header(data: bytes) -> JpegHeader:
    with Image.open(io.BytesIO(data)) as image:
        return read_header(image)


def measure_originals(restorer: JpegRestorer, args: argparse.Namespace) -> None:
    """Print a table for each sampling of the files that Pillow makes of original pictures, a row for each quality."""
    pictures = find_pictures(args.data)
    for sampling in args.sampling:
        color = sampling != "gray"
        print(f"\n{f'Color, {sampling}' if color else 'Gray'}, {len(pictures)} pictures:\n")
        _print_titles(["quality"], _titles(color, True))
        for quality in args.qualities:
            rows = []
            for path in tqdm(pictures, desc=f"quality {quality}", leave=False):
                original = read_rgb(path) if color else read_luma(path)
                data = _compressed(original, quality, {"subsampling": sampling} if color else {})
                rows.append(measure(restorer, data, _header(data), original, args.realism))
            _print_row([str(quality), *_cells(reduce(add, rows), color)])


def _compressed(original: Tensor, quality: int, options: dict[str, str]) -> bytes:
    """A picture, uint8 (1, C, H, W), as the bytes of a JPEG file."""
    buffer, planes = io.BytesIO(), original[0]
    picture = Image.fromarray((planes[0] if len(planes) == 1 else planes.permute(1, 2, 0)).numpy())
    picture.save(buffer, "JPEG", quality=quality, **options)
    return buffer.getvalue()


def measure_files(restorer: JpegRestorer, args: argparse.Namespace) -> None:
    """Print a table of JPEG files, a row for each, and one for all of them."""
    rows, left_out = [], []
    print()
    _print_titles(["file", "quality", "sampling"], _titles(True, False))
    for path in sorted(path for path in args.files.glob("*") if path.suffix.lower() in (".jpg", ".jpeg")):
        try:
            data = path.read_bytes()
            header = _header(data)
            rows.append(measure(restorer, data, header, None, args.realism))
        except (OSError, ValueError) as error:
            left_out.append(f"{path.name}: {error}")
            continue
        _print_row([path.name, str(header.quality), header.sampling, *_cells(rows[-1], True)])
    if rows:
        _print_row(["all", "", "", *_cells(reduce(add, rows), True)])
    for reason in left_out:
        print(f"\nLeft out: {reason}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    sources = parser.add_mutually_exclusive_group(required=True)
    sources.add_argument("--data", type=Path, help="folder of original pictures")
    sources.add_argument("--files", type=Path, help="folder of JPEG files")
    parser.add_argument("--qualities", type=int, nargs="+", default=[10, 20, 30, 40, 50, 75, 90, 95])
    kinds = ("gray", "4:2:0", "4:2:2", "4:4:4")
    parser.add_argument("--sampling", nargs="+", choices=kinds, default=kinds[:2], help="files that Pillow makes")
    parser.add_argument("--model", default=DEFAULT_CHECKPOINT, help="checkpoint name, local folder or Hub id")
    parser.add_argument("--realism", type=float, default=0.0, help="position between the two variants, 0..1")
    args = parser.parse_args()
    restorer = JpegRestorer.from_pretrained(args.model)
    if args.data is not None:
        measure_originals(restorer, args)
    else:
        measure_files(restorer, args)


if __name__ == "__main__":
    main()
