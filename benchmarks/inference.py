"""Speed and memory of the restoration of whole files: `python benchmarks/inference.py`.

Every figure is measured in its own process. A JPEG file of that size is restored as by `argan restore`. For "naive",
all its planes go through the default network in one call, in float32 and in the default memory layout. Speeds are
relative to the naive call of the same run, or to AR-CNN where the picture is too large for the naive call.
"""

import argparse
import io
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

import torch
from PIL import Image
from tqdm.auto import tqdm
from transformers import AutoModelForImageToImage

from argan_hf import JpegRestorer
from argan_hf.checkpoint_files import CHECKPOINTS
from argan_hf.jpeg.file import read_jpeg
from argan_hf.variants import DEFAULT_CHECKPOINT

NAIVE = "naive"
NAIVE_LIMIT = 12
EXAMPLES = Path(__file__).parents[1] / "space" / "examples"


def _jpeg(megapixels: float) -> bytes:
    """A color JPEG of that many megapixels, 4:3, tiled with the examples."""
    width = round(math.sqrt(megapixels * 1e6 * 4 / 3))
    height = round(width * 3 / 4)
    sheet = Image.new("RGB", (width, height))
    tiles = [Image.open(path).convert("RGB") for path in sorted(EXAMPLES.glob("*.png"))]
    side = tiles[0].width
    for index, top in enumerate(range(0, height, side)):
        for left in range(0, width, side):
            sheet.paste(tiles[(index + left // side) % len(tiles)], (left, top))
    buffer = io.BytesIO()
    sheet.save(buffer, "JPEG", quality=30)
    return buffer.getvalue()


def _measure(method: str, megapixels: float) -> dict[str, float]:
    data = _jpeg(megapixels)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if method == NAIVE:
        model = AutoModelForImageToImage.from_pretrained(CHECKPOINTS / DEFAULT_CHECKPOINT).eval()
        file = read_jpeg(data)
        planes = file.planes[None, : model.config.num_channels] / 255.0

        def run() -> None:
            with torch.inference_mode():
                model(planes)
    else:
        restorer = JpegRestorer.from_pretrained(method, device="cpu")

        def run() -> None:
            restorer(data)

    seconds = []
    for _ in range(3 if megapixels <= 1 else 1):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": min(seconds), "peak_mib": max(before, after) / 1024}


def _measure_tile(method: str) -> dict[str, float]:
    """Memory that one full tile with its margins takes beyond the loaded network."""
    restorer = JpegRestorer.from_pretrained(method, device="cpu")
    side = restorer.tile_size + 2 * restorer.margin
    restorer = JpegRestorer(restorer.model, "cpu", tile_size=side)
    planes = torch.rand(restorer.model.config.num_channels, side, side) * 255.0
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    restorer.restore_planes(planes)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"side": side, "margin": restorer.margin, "mib": (after - before) / 1024}


def _in_a_process_of_its_own(*arguments: str) -> dict[str, float]:
    answer = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print two tables: peak memory of a tile; seconds per megapixel, peak resident memory, ratio."""
    checkpoints = sorted(path.name for path in CHECKPOINTS.glob("argan-*"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.3, 1, 12, 100])
    parser.add_argument("--methods", nargs="+", default=[NAIVE, "ar-cnn-q30", "d3-q30", *checkpoints])
    parser.add_argument("--one", nargs=2, metavar=("METHOD", "MP"), help="measure one case in this process")
    parser.add_argument("--tile", metavar="METHOD", help="measure one tile in this process")
    options = parser.parse_args()
    if options.tile:
        print(json.dumps(_measure_tile(options.tile)))
        return
    if options.one:
        print(json.dumps(_measure(options.one[0], float(options.one[1]))))
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}")
    print("| method | margin, pixels | tile with margins | MiB for the tile |\n| --- | ---: | ---: | ---: |")
    for method in options.methods:
        if method != NAIVE:
            found = _in_a_process_of_its_own("--tile", method)
            side = f"{found['side']:.0f}"
            print(f"| {method} | {found['margin']:.0f} | {side}x{side} | {found['mib']:.0f} |")
    print(
        "\n| megapixels | method | s / MP | peak MiB | times as fast as the first |"
        "\n| ---: | --- | ---: | ---: | ---: |"
    )
    cases = [
        (megapixels, method)
        for megapixels in options.megapixels
        for method in options.methods
        if method != NAIVE or megapixels <= NAIVE_LIMIT
    ]
    reference: dict[float, float] = {}
    for megapixels, method in tqdm(cases, leave=False):
        found = _in_a_process_of_its_own("--one", method, str(megapixels))
        speed = found["seconds"] / megapixels
        first = reference.setdefault(megapixels, speed)
        tqdm.write(f"| {megapixels:g} | {method} | {speed:.2f} | {found['peak_mib']:.0f} | {first / speed:.2f} |")


if __name__ == "__main__":
    main()
