"""Whole files restored in JavaScript and in Python, sample by sample: how many samples differ, and by how much.

    python benchmarks/web_exactness.py            # the examples of the page
    python benchmarks/web_exactness.py PICTURE …  # pictures that were never compressed

It needs Node.js and `npm ci --prefix web --ignore-scripts`. Each picture is cropped to 512x384 and saved at every
quality; `JpegRestorer` runs in float32, in one thread of the processor.
"""

import argparse
import io
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from argan_hf import JpegRestorer
from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.export import export_web

_ROOT = Path(__file__).parents[1]
_QUALITIES = (10, 40, 80, 95)
_BOX = (0, 0, 512, 384)
_BOTH: dict[str, dict[str, Any]] = {"faithful": {}, "not faithful": {"faithful": False}}
# The words of JavaScript and of Python are the same for these.
_SETTINGS: dict[str, dict[str, Any]] = {
    "color": {},
    "color, realism 0.25": {"realism": 0.25},
    "color, realism 1": {"realism": 1},
    "color, told quality 10": {"quality": 10},
    "gray": {},
    "saved twice": {},
    "resized PNG (blind)": {},
}


def _file(image: Image.Image, setting: str, quality: int) -> bytes:
    buffer = io.BytesIO()
    if setting == "saved twice":
        image.save(buffer, "JPEG", quality=quality)
        image, quality, buffer = Image.open(buffer).crop((3, 5, *image.size)), 92, io.BytesIO()
    if "PNG" in setting:
        image.save(buffer, "JPEG", quality=quality)
        image, buffer = Image.open(buffer), io.BytesIO()
        image.resize((image.width * 3 // 4, image.height * 3 // 4)).save(buffer, "PNG")
    else:
        (image.convert("L") if setting == "gray" else image).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _cases(paths: list[Path], folder: Path) -> list[dict[str, Any]]:
    cases = []
    for number, path in enumerate(paths):
        with Image.open(path) as opened:
            image = opened.convert("RGB").crop(_BOX)
        for setting, options in _SETTINGS.items():
            quality = _QUALITIES[number % len(_QUALITIES)]
            name = f"{len(cases)}"
            (folder / name).write_bytes(_file(image, setting, quality))
            finishes = [{"name": f"{name}-{way}", **finish} for way, finish in _BOTH.items()]
            cases.append({"file": name, "tileSize": 512, "options": options, "finishes": finishes, "setting": setting})
    return cases


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*", type=Path, metavar="PICTURE")
    paths = parser.parse_args().pictures or sorted((_ROOT / "space" / "examples").glob("*.png"))
    torch.set_num_threads(1)
    restorer = JpegRestorer.from_pretrained(DEFAULT_CHECKPOINT, device="cpu", dtype=torch.float32)
    counts: dict[tuple[str, str], list[int]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        weights = export_web(DEFAULT_CHECKPOINT, folder / "weights").folder
        cases = _cases(paths, folder)
        (folder / "cases.json").write_text(json.dumps({"weights": str(weights), "cases": cases}))
        subprocess.run(["node", _ROOT / "web" / "tests" / "restore_files.js", folder], check=True)
        for case in tqdm(cases):
            for way, finish in _BOTH.items():
                expected = np.array(restorer((folder / case["file"]).read_bytes(), **case["options"], **finish).image)
                with Image.open(folder / f"{case['file']}-{way}.png") as image:
                    difference = np.abs(np.array(image).astype(int) - expected)
                count = counts.setdefault((case["setting"], way), [0, 0, 0])
                count[0] += difference.size
                count[1] += int((difference > 0).sum())
                count[2] = max(count[2], int(difference.max()))
    print(f"{len(paths)} pictures, qualities {', '.join(map(str, _QUALITIES))} in turn\n")
    print("| setting | result | samples | differ | of 100,000 | by at most |\n|---|---|---|---|---|---|")
    total = [sum(count[at] for count in counts.values()) for at in (0, 1)]
    for (setting, way), (samples, differing, largest) in counts.items():
        share = 1e5 * differing / samples
        print(f"| {setting} | {way} | {samples:,} | {differing:,} | {share:.2f} | {largest} |")
    print(f"| all | | {total[0]:,} | {total[1]:,} | {1e5 * total[1] / total[0]:.2f} | |")


if __name__ == "__main__":
    main()
