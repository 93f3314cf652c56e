"""Compares sizes of the residual network: `python benchmarks/network_search.py DATA --output_dir runs/search`.

Every candidate is trained for the same number of seconds on the crops of the default recipe. It is then measured on
held-out pictures in blind restoration (without quantization tables); seconds per megapixel are those of `JpegRestorer`
on this machine. Writes a Markdown table and a chart of quality against time. DATA is a folder of pictures or parquet
files.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from matplotlib.figure import Figure

from argan_hf import JpegRestorer
from argan_hf.evaluation.methods import load_method
from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.trainer import ArganTrainer

ROOT = Path(__file__).parents[1]
QUALITIES = (10, 20, 30, 40)
# Differences from the default network: size of the patches folded into channels, widths, depths, conditioning.
_PATCHES_OF_2: dict[str, Any] = {"hidden_sizes": [48, 96, 192], "depths": [1, 2, 4], "patch_size": 2}
CANDIDATES: dict[str, dict[str, Any]] = {
    "default": {},
    "patches of 2": _PATCHES_OF_2,
    "patches of 2, blind": _PATCHES_OF_2 | {"condition_on_quantization": False},
    "patches of 2, narrow": _PATCHES_OF_2 | {"hidden_sizes": [32, 64, 128]},
    "patches of 2, wide": _PATCHES_OF_2 | {"hidden_sizes": [64, 128, 192], "depths": [2, 2, 4]},
    "patches of 4": {"hidden_sizes": [96, 192], "depths": [3, 4], "patch_size": 4},
}
_TRIAL_STEPS = 8


def _arguments(options: argparse.Namespace, name: str, steps: int, folder: Path) -> ArganTrainingArguments:
    recipe = yaml.safe_load((ROOT / "recipes" / "argan-jpeg-color.yaml").read_text(encoding="utf-8"))
    parquet = sorted(str(path) for path in options.data.glob("*.parquet"))
    changes = {
        "model": json.dumps(recipe["model"] | CANDIDATES[name]),
        "dataset_name": "parquet" if parquet else str(options.data),
        "data_files": parquet or None,
        "output_dir": str(folder),
        "max_train_steps": steps,
        "adversarial_start_step": steps,
        # Charbonnier loss in all steps: such runs are too short for the second phase of the recipe.
        "l2_start_step": steps,
        "validation_steps": steps,
        "checkpointing_steps": 10 * steps,
        "validation_pictures": options.validation_pictures,
        "reservoir_mib": options.reservoir_mib,
    }
    return ArganTrainingArguments(**(recipe | changes))


def _seconds_per_step(options: argparse.Namespace, name: str) -> float:
    trainer = ArganTrainer(_arguments(options, name, _TRIAL_STEPS, options.output_dir / "trial"))
    for step in range(_TRIAL_STEPS):
        if step == _TRIAL_STEPS // 2:
            start = time.perf_counter()
        trainer.update([trainer.draw_batch()], step)
    seconds = (time.perf_counter() - start) / (_TRIAL_STEPS - _TRIAL_STEPS // 2)
    trainer.close()
    return seconds


def _seconds_per_megapixel(folder: Path) -> float:
    restorer = JpegRestorer.from_pretrained(folder, device="cpu")
    planes = torch.rand(3, 1000, 1000) * 255.0
    seconds = []
    for _ in range(4):
        start = time.perf_counter()
        restorer.restore_planes(planes)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _run(options: argparse.Namespace, name: str) -> dict[str, float]:
    folder = options.output_dir / name.replace(",", "").replace(" ", "-")
    measured = folder / "search.json"
    if not measured.is_file():
        steps = max(1, round(options.seconds / _seconds_per_step(options, name)))
        ArganTrainer(_arguments(options, name, steps, folder)).train()
        scores = json.loads((folder / "validation.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        cost = {"seconds": _seconds_per_megapixel(folder)}
        cost["macs"] = load_method(str(folder), list(QUALITIES), "cpu").macs_per_pixel or 0.0
        measured.write_text(json.dumps(scores | cost), encoding="utf-8")
    found: dict[str, float] = json.loads(measured.read_text(encoding="utf-8"))
    return found


def main() -> None:
    """Train, measure, write the table and the chart, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=180.0, help="training time of every candidate")
    parser.add_argument("--candidates", nargs="+", choices=list(CANDIDATES), default=list(CANDIDATES))
    parser.add_argument("--validation_pictures", type=int, default=16)
    parser.add_argument("--reservoir_mib", type=int, default=768)
    options = parser.parse_args()
    found = {name: _run(options, name) for name in options.candidates}

    gains = [f"gain, {kind} {quality}" for kind in ("luma", "RGB") for quality in (10, 40)]
    lines = [f"| network | steps | kMAC / pixel | s / MP | {' | '.join(gains)} |", "| --- |" + " ---: |" * 7]
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    panel = figure.subplots()
    for name, row in found.items():
        values = [row[f"{prefix}gain_q{quality}"] for prefix in ("", "rgb_") for quality in (10, 40)]
        cells = [f"{row['step']}", f"{row['macs'] / 1e3:.1f}", f"{row['seconds']:.2f}", *(f"{v:.3f}" for v in values)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
        gain = sum(row[f"gain_q{quality}"] for quality in QUALITIES) / len(QUALITIES)
        panel.plot(row["seconds"], gain, "o")
        panel.annotate(name, (row["seconds"], gain), xytext=(5, 5), textcoords="offset points")
    panel.set(xlabel="seconds per megapixel", ylabel="mean gain on luma, quality 10 to 40, dB")
    panel.margins(0.2)
    panel.grid(alpha=0.3)
    figure.savefig(options.output_dir / "search.png", dpi=100)
    table = "\n".join(lines) + "\n"
    (options.output_dir / "search.md").write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
