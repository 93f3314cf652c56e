"""Measures how often earlier saves of a picture are found: `python benchmarks/history.py --data DIR`.

Every picture is saved at a first quality, shifted by a random number of rows and columns (every fourth time not at
all), and saved again at a second quality. A save counts as found if its quality is told within 2 and its grid exactly.
The next table counts pictures that were saved once, or never, and for which a save is found all the same. The last one
is the time that the history takes, beside the same restoration without it: `--megapixels 12 --first --second` prints
that table alone.
"""

import argparse
import io
import random
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from argan_hf import JpegRestorer
from argan_hf.evaluation.protocol import find_pictures, read_rgb
from argan_hf.jpeg import compress
from argan_hf.picture import take_apart
from argan_hf.picture_history import history_of

ONCE = (30, 40, 50, 60, 70, 75, 80, 85, 90, 95, 98)


def _file(original: Tensor, quality: int | None) -> bytes:
    """A picture (1, 3, H, W) as the bytes of a JPEG file, or, without a quality, of a PNG file."""
    buffer = io.BytesIO()
    image = Image.fromarray(original[0].permute(1, 2, 0).numpy())
    if quality is None:
        image.save(buffer, "PNG", compress_level=1)
    else:
        image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _is_found(original: Tensor, first: int, second: int | None, shift: tuple[int, int]) -> bool:
    history = history_of(take_apart(_file(compress(original, first, offset=shift), second)))
    return any(abs(save.quality - first) <= 2 and (save.top % 8, save.left % 8) == shift for save in history.saves[:1])


def _print_seconds(pictures: Sequence[Tensor], megapixels: float) -> None:
    """CPU seconds of restoring one large picture, tiled with the given ones, without and with its history."""
    width = round((megapixels * 4e6 / 3) ** 0.5) // 16 * 16
    height = width * 3 // 4 // 16 * 16
    sheet = torch.zeros(1, 3, height, width, dtype=torch.uint8)
    side = min(min(picture.shape[-2:]) for picture in pictures) // 16 * 16
    places = [(top, left) for top in range(0, height, side) for left in range(0, width, side)]
    for number, (top, left) in enumerate(places):
        part = sheet[..., top : top + side, left : left + side]
        part.copy_(pictures[number % len(pictures)][..., : part.shape[-2], : part.shape[-1]])
    files = {
        "saved at 75": _file(sheet, 75),
        "saved at 20, cropped, at 90": _file(compress(sheet, 20, offset=(3, 5)), 90),
        "saved at 20, as PNG": _file(compress(sheet, 20), None),
    }
    restorer = JpegRestorer.from_pretrained(device="cpu")
    print(f"\n{megapixels:g} megapixels, CPU seconds\n{'':30s}without     with   ratio")
    for name, data in files.items():
        seconds = []
        for history in (False, True):
            start = time.process_time()
            restorer(data, history=history)
            seconds.append(time.process_time() - start)
        print(f"{name:30s}{seconds[0]:7.1f}  {seconds[1]:7.1f}  {seconds[1] / seconds[0]:6.2f}", flush=True)


def _write_chart(path: Path, firsts: Sequence[int], shares: dict[str, list[float]]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, values in shares.items():
        axes.plot(firsts, [100 * value for value in values], "o-", label=name)
    axes.set(xlabel="quality of the first save", ylabel="found, % of the pictures", ylim=(0, 103))
    axes.grid(alpha=0.3)
    axes.legend(title="then saved")
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the tables; write the chart if it is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of original color pictures")
    parser.add_argument("--first", type=int, nargs="*", default=[10, 20, 30, 40, 50, 60, 70, 80, 90])
    parser.add_argument("--second", type=int, nargs="*", default=[75, 85, 90, 95])
    parser.add_argument("--chart", type=Path, metavar="PNG", help="draw the share that is found")
    parser.add_argument("--megapixels", type=float, metavar="MP", help="measure the time on a picture of this size")
    args = parser.parse_args()
    pictures = [read_rgb(path) for path in tqdm(find_pictures(args.data), desc="reading", leave=False)]
    if args.first:
        _print_shares(pictures, args.first, args.second, args.chart)
    if args.megapixels:
        _print_seconds(pictures, args.megapixels)


def _print_shares(
    pictures: Sequence[Tensor], firsts: Sequence[int], seconds: Sequence[int], chart: Path | None
) -> None:
    generator = random.Random(0)
    shares: dict[str, list[float]] = {}
    print(f"found, of {len(pictures)} pictures\nfirst    " + "".join(f"{first:>7d}" for first in firsts))
    for second in (*seconds, None):
        name = "as PNG" if second is None else f"at {second}"
        row = []
        for first in firsts:
            hits = 0
            for number, original in enumerate(tqdm(pictures, leave=False)):
                shift = (generator.randrange(8), generator.randrange(8)) if number % 4 else (0, 0)
                hits += _is_found(original, first, second, shift)
            row.append(hits / len(pictures))
        shares[name] = row
        print(f"{name:9s}" + "".join(f"{share:7.1%}" for share in row), flush=True)
    print("\nsaved once or never: found all the same\nquality    pictures")
    for quality in (*ONCE, None):
        alarms = sum(
            bool(history_of(take_apart(_file(original, quality))).saves) for original in tqdm(pictures, leave=False)
        )
        print(f"{quality or 'never':<9}  {alarms} of {len(pictures)}", flush=True)
    if chart:
        _write_chart(chart, firsts, shares)


if __name__ == "__main__":
    torch.set_grad_enabled(False)
    main()
