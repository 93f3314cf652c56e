"""What lies around a tile and changes its result: `python benchmarks/margins.py --data FOLDER`.

For every margin: how far the result for a tile is from that for the whole picture, in gray levels, and how many of a
million samples are rounded differently. The tile is the lower right quarter of a picture, so that its upper and left
borders lie inside. The last line is what `tile_margin` in the configuration of the checkpoint should say.
"""

import argparse
import io
import random
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.evaluation.protocol import find_pictures
from argan_hf.graphics import KINDS, draw_graphic
from argan_hf.jpeg.file import read_jpeg
from argan_hf.networks import load_network
from argan_hf.plane_restorer import PlaneRestorer
from argan_hf.tiling import influence_margin

QUALITIES = (5, 10, 20, 40, 60, 80, 95)
SIDE = 480


def _files(folder: Path | None, count: int) -> list[bytes]:
    """JPEG files of photographs of a folder and of drawn graphics: smooth ground shows most at low qualities."""
    rng = random.Random(0)
    pictures = [draw_graphic(kind, seed, SIDE) for seed in (3, 4) for kind in KINDS]
    qualities = [quality for quality in (5, 10) for _ in KINDS]
    for path in sorted(find_pictures(folder))[:count] if folder else ():
        with Image.open(path) as opened:
            whole = opened.convert("RGB")
        if min(whole.size) < SIDE:
            continue
        pictures.append(whole.crop((0, 0, SIDE, SIDE)))
    qualities += [rng.choice(QUALITIES) for _ in pictures[len(qualities) :]]
    files = []
    for picture, quality in zip(pictures, qualities, strict=True):
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=quality)
        files.append(buffer.getvalue())
    return files


def main() -> None:
    """Print a table, and the margin."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder of photographs; default: drawn graphics alone")
    parser.add_argument("--limit", type=int, default=60, help="photographs at most (default: %(default)s)")
    parser.add_argument("--model", default=DEFAULT_CHECKPOINT)
    parser.add_argument("--variant")
    parser.add_argument("--margins", type=int, nargs="+", default=[32, 48, 56, 64, 72, 80, 96])
    options = parser.parse_args()
    model = load_network(options.model, options.variant)
    exact, short = (PlaneRestorer(model, "cpu", dtype=dtype, exact_tiles=True) for dtype in (torch.float32, None))
    planes = exact.model.config.num_channels
    files = [read_jpeg(data) for data in _files(options.data, options.limit)]
    middle = SIDE // 2
    changes = dict.fromkeys(options.margins, 0.0)
    moved: dict[tuple[int, str], list[int]] = {(margin, name): [] for margin in changes for name in ("float32", "used")}
    for file in tqdm(files, leave=False):
        for name, restorer in (("float32", exact), ("used", short)):
            seen = file.planes[:planes].float()
            whole = restorer.restore_planes(seen, file.tables)[:, middle:, middle:]
            for margin in changes:
                start = middle - margin
                part = restorer.restore_planes(seen[:, start:, start:], file.tables)[:, margin:, margin:]
                if name == "float32":
                    changes[margin] = max(changes[margin], float((part - whole).abs().max()))
                moved[margin, name].append(int((part.round() != whole.round()).sum()))
    samples = len(files) * planes * (SIDE - middle) ** 2
    print(f"{options.model}, {options.variant or 'default'} weights, {len(files)} files; used here: {short.dtype}")
    print("| margin | largest change | rounded differently, float32 | … in the dtype used here |")
    print("| ---: | ---: | ---: | ---: |")
    for margin, change in changes.items():
        counts = [sum(moved[margin, name]) / samples * 1e6 for name in ("float32", "used")]
        print(f"| {margin} | {change:.5f} | {counts[0]:.2f} per million | {counts[1]:.0f} per million |")
    margin = 0
    for file in tqdm(files, leave=False):

        def network(picture: Tensor, tables: Tensor = file.tables) -> Tensor:
            return exact.restore_planes(picture[0] * 255.0, tables)[None] / 255.0

        found = influence_margin(network, [file.planes[:planes] / 255.0], exact.model.config.size_divisor, exact.margin)
        margin = max(margin, found or 0)
    print(f"tile_margin: {margin} (the network can see {exact.margin})")


if __name__ == "__main__":
    main()
