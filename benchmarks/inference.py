"""What a file costs, from the command to its result: `python benchmarks/inference.py`.

Four tables:

1. Commands, each as a process of its own: CPU seconds per megapixel, start-up included, and peak memory; beside them
   AR-CNN by the same command, and jpegqs and jpeg2png where they are installed.
2. Where the CPU seconds of `argan restore` go, with one thread.
3. A folder of pictures of one megapixel, and how busy it keeps the processors.
4. A picture beside a program that keeps a processor busy, with threads that wait in a loop and with threads that sleep.

`--isa AVX2` makes oneDNN, which computes the convolutions, do without the instructions of newer processors.
"""

import argparse
import io
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm.auto import tqdm

EXAMPLES = Path(__file__).parents[1] / "space" / "examples"
RESTORE = [sys.executable, "-c", "import sys; from argan_hf.cli import main; sys.exit(main())", "restore"]
OTHERS = {"jpegqs": ["jpegqs", "--quality", "6"], "jpeg2png": ["jpeg2png", "-f"]}
PHASES = (
    *("start-up", "decode", "earlier saves", "network", "margins", "what is left", "read blocks"),
    *("hold", "color", "encode", "write", "rest"),
)


@dataclass(frozen=True)
class Cost:
    """Of a process: CPU and wall-clock seconds, and peak resident memory in MiB."""

    cpu: float
    wall: float
    mib: float


def draw_file(megapixels: float) -> bytes:
    """A color JPEG file of that many megapixels, 4:3, quality 30, tiled with the examples."""
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


def cost_of(command: list[str], **environment: str) -> Cost:
    """Run a command in a process of its own.

    Raises:
        RuntimeError: if it fails.
    """
    start = time.perf_counter()
    with subprocess.Popen(command, env=os.environ | environment, stdout=subprocess.DEVNULL) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - start, used.ru_maxrss / 1024)


def budget(path: Path) -> dict[str, float]:
    """CPU seconds of the parts of `argan restore`, in this process and with one thread."""
    from argan_hf.process_settings import share_the_processor

    share_the_processor()
    import torch

    torch.set_num_threads(1)
    from argan_hf import holding, plane_restorer, prepared_picture, restoration, restored_image
    from argan_hf.saving import write_whole

    restorer = restoration.JpegRestorer.from_pretrained(device="cpu")
    spent: defaultdict[str, float] = defaultdict(float, {"start-up": time.process_time()})
    inner: list[float] = []
    area = [0, 0]

    def timed(phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any, **options: Any) -> Any:
            inner.append(0.0)
            start = time.process_time()
            result = function(*arguments, **options)
            whole = time.process_time() - start
            spent[phase] += whole - inner.pop()
            if inner:
                inner[-1] += whole
            return result

        return run

    def forward(self: Any, model: Any, pixel_values: Any, quantization: Any) -> Any:
        area[0] += pixel_values.shape[2] * pixel_values.shape[3]
        return plain(self, model, pixel_values, quantization)

    plain = plane_restorer.PlaneRestorer._forward
    plane_restorer.PlaneRestorer._forward = timed("network", forward)
    for phase, place, names in (
        ("decode", restoration, ["take_apart"]),
        ("earlier saves", restoration, ["look_back", "prepare"]),
        ("what is left", restoration, ["left_neutral", "left_untouched", "with_flat_chroma"]),
        ("read blocks", holding.FileBlocks, ["of_file"]),
        ("what is left", prepared_picture.PreparedPicture, ["neutral_blocks", "untouched_blocks", "flat_chroma"]),
        ("hold", holding.Holding, ["hold"]),
        ("color", restoration.PictureParts, ["pixels_of", "planes_at"]),
        ("encode", restored_image.RestoredImage, ["encode"]),
    ):
        for name in names:
            setattr(place, name, timed(phase, getattr(place, name)))
    start = time.process_time()
    restored = restorer(path)
    data, _ = restored.encode(".png")
    timed("write", write_whole)(data, path.with_suffix(".budget.png"))
    area[1] = restored.report.width * restored.report.height
    network = spent["network"]
    spent["network"] = network * min(area[1] / area[0], 1.0)
    spent["margins"] = network - spent["network"]
    spent["rest"] = time.process_time() - start - sum(spent[phase] for phase in PHASES[1:-1])
    return {phase: spent[phase] for phase in PHASES}


def _row(*cells: object) -> None:
    tqdm.write("| " + " | ".join(f"{cell:.2f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |")


def _head(*cells: str, words: int = 1) -> None:
    tqdm.write("")
    _row(*cells)
    _row(*["---"] * words, *["---:"] * (len(cells) - words))


def compare_commands(folder: Path, sizes: list[float], isas: list[str]) -> None:
    """Table 1."""
    _head("megapixels", "command", "CPU s", "CPU s / MP", "wall s", "peak MiB", words=2)
    cases: list[tuple[float, str, list[str], dict[str, str]]] = []
    for size in sizes:
        source, target = str(folder / f"{size:g}.jpg"), str(folder / f"{size:g}.png")
        for isa in isas:
            limit = {"ONEDNN_MAX_CPU_ISA": isa} if isa else {}
            name = f"argan restore{f', {isa}' if isa else ''}"
            cases.append((size, name, [*RESTORE, source, "-o", target, "--overwrite"], limit))
        if size <= 12:
            ar_cnn = [*RESTORE, source, "-o", target, "--overwrite", "--model", "ar-cnn-q30"]
            cases.append((size, "AR-CNN, by argan restore", ar_cnn, {}))
            cases += [
                (size, name, [*start, source, "-o", target] if name == "jpeg2png" else [*start, source, target], {})
                for name, start in OTHERS.items()
                if shutil.which(name)
            ]
    for size, name, command, limit in tqdm(cases, leave=False):
        cost = cost_of(command, **limit)
        _row(f"{size:g}", name, cost.cpu, cost.cpu / size, cost.wall, f"{cost.mib:.0f}")


def show_budget(folder: Path, sizes: list[float], isas: list[str]) -> None:
    """Table 2."""
    _head("CPU s / MP, one thread", *PHASES, "all")
    for size in tqdm(sizes, leave=False):
        for isa in isas:
            limit = {"ONEDNN_MAX_CPU_ISA": isa} if isa else {}
            command = [sys.executable, __file__, "--budget", str(folder / f"{size:g}.jpg")]
            answer = subprocess.run(command, env=os.environ | limit, capture_output=True, text=True, check=True)
            spent: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
            cells = [f"{seconds / size:.3f}" for seconds in (*spent.values(), sum(spent.values()))]
            _row(f"{size:g} MP{f', {isa}' if isa else ''}", *cells)


def measure_folder(folder: Path, count: int, isas: list[str]) -> None:
    """Table 3."""
    pictures = folder / "pictures"
    pictures.mkdir()
    with Image.open(folder / "12.jpg") as sheet:
        for number in range(count):
            left, top = number * 37 % (sheet.width - 1155), number * 53 % (sheet.height - 866)
            part = sheet.crop((left, top, left + 1155, top + 866))
            part.save(pictures / f"{number:03}.jpg", quality=30)
    _head(f"{count} files of 1 MP", "CPU s / MP", "wall s / MP", "wall / (CPU / 2)", "peak MiB")
    for isa in isas:
        limit = {"ONEDNN_MAX_CPU_ISA": isa} if isa else {}
        cost = cost_of([*RESTORE, str(pictures), "-o", str(folder / "results"), "--overwrite"], **limit)
        name = f"argan restore{f', {isa}' if isa else ''}"
        _row(name, cost.cpu / count, cost.wall / count, cost.wall / (cost.cpu / 2), f"{cost.mib:.0f}")


def measure_beside_others(folder: Path) -> None:
    """Table 4."""
    _head("a picture of 12 MP", "alone, wall s", "beside a busy program, wall s", "times as long")
    command = [*RESTORE, str(folder / "12.jpg"), "-o", str(folder / "12.png"), "--overwrite"]
    for name, policy in (("threads that sleep (as used)", "PASSIVE"), ("threads that wait in a loop", "ACTIVE")):
        alone = cost_of(command, OMP_WAIT_POLICY=policy)
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as load:
            beside = cost_of(command, OMP_WAIT_POLICY=policy)
            load.kill()
        _row(name, alone.wall, beside.wall, beside.wall / alone.wall)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[0.3, 1, 12, 100])
    parser.add_argument("--isa", nargs="+", default=["", "AVX2"], help="limits of oneDNN; '' is none")
    parser.add_argument("--folder", type=int, default=100, help="files of table 3")
    parser.add_argument("--tables", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--budget", type=Path, metavar="FILE", help="print the budget of one file as JSON")
    options = parser.parse_args()
    if options.budget:
        print(json.dumps(budget(options.budget)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in {*options.megapixels, 12.0}:
            (folder / f"{size:g}.jpg").write_bytes(draw_file(size))
        if 1 in options.tables:
            compare_commands(folder, options.megapixels, options.isa)
        if 2 in options.tables:
            show_budget(folder, options.megapixels, options.isa)
        if 3 in options.tables:
            measure_folder(folder, options.folder, options.isa)
        if 4 in options.tables:
            measure_beside_others(folder)


if __name__ == "__main__":
    main()
