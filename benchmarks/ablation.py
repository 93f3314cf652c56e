"""What a setting does to the result: the same run with some values of it, measured on held-out pictures.

    python benchmarks/ablation.py --output_dir runs/borders --variant lambda_borders=0 --variant lambda_borders=0.3
        -- --recipe recipes/argan-jpeg-color.yaml --dataset_name DATA --max_train_minutes 10

Every variant is a few flags of `train.py`, `NAME=VALUE`, separated by spaces. What follows `--` is common to all. The
held-out pictures of the run are then compressed at quality 10 to 40 and restored: PSNR, SSIM, PSNR-B and texture
(energy of high frequencies over the original's), on luma. Writes and prints a Markdown table, and draws a chart. A
variant that was measured before with the same flags is not trained again.
"""

import argparse
import json
import os
import shutil
import sys
from pathlib import Path

import torch
from accelerate.state import AcceleratorState
from matplotlib.figure import Figure

sys.path.insert(0, str(Path(__file__).parents[1]))

import train
from argan_hf.evaluation.methods import load_method
from argan_hf.evaluation.protocol import evaluate
from argan_hf.evaluation.results import Results
from argan_hf.evaluation.scores import MeanScore, mean_scores
from argan_hf.training.export import as_files
from argan_hf.training.trainer import ArganTrainer
from argan_hf.training.validation import QUALITIES

MEASURES = (
    ("psnr", "PSNR, dB", ".3f"),
    ("ssim_gaussian", "SSIM", ".4f"),
    ("psnr_b", "PSNR-B, dB", ".3f"),
    ("high_frequency", "texture", ".3f"),
)


def _run(folder: Path, variant: str, common: list[str]) -> tuple[int, list[MeanScore]]:
    """Steps taken, and the scores at every quality; read again where the same run was measured before."""
    flags = [*common, *(f"--{setting}" for setting in variant.split())]
    measured, steps, known = folder / "luma.json", folder / "steps.txt", folder / "flags.json"
    if not (measured.is_file() and known.is_file() and json.loads(known.read_text(encoding="utf-8")) == flags):
        args = train.parse([*flags, f"--output_dir={folder}"])
        shutil.rmtree(folder, ignore_errors=True)  # another run, or one that was cut short
        # Every variant begins as a process of its own would.
        AcceleratorState._reset_state()
        torch._dynamo.reset()
        trainer = ArganTrainer(args)
        trainer.train()
        qualities = list(QUALITIES)
        with as_files(trainer.validation) as paths:
            scores = evaluate([load_method(str(folder), qualities)], paths, qualities, protocol="luma")
        steps.write_text(str(trainer.progress.step), encoding="utf-8")
        known.write_text(json.dumps(flags), encoding="utf-8")
        Results(f"held-out pictures of {args.dataset_name}", "luma", tuple(scores)).write(measured)
    return int(steps.read_text(encoding="utf-8")), mean_scores(Results.read(measured).scores)


def _draw(found: dict[str, list[MeanScore]], path: Path) -> None:
    figure = Figure(figsize=(4 * len(MEASURES), 5), layout="constrained")
    panels = figure.subplots(1, len(MEASURES))
    for index, quality in enumerate(QUALITIES):
        for (attribute, title, _), panel in zip(MEASURES, panels, strict=True):
            values = [getattr(scores[index], attribute) for scores in found.values()]
            panel.plot(range(len(found)), values, "o-", label=f"quality {quality}")
            panel.set(title=title)
            labels = [variant.replace(" ", "\n") for variant in found]
            panel.set_xticks(range(len(found)), labels, rotation=30, horizontalalignment="right", fontsize="small")
    panels[-1].axhline(1.0, color="gray", linestyle=":")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(QUALITIES))
    figure.savefig(path, dpi=100)


def main() -> None:
    """Train, measure, write the table and the chart, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--variant", action="append", required=True, metavar="'NAME=VALUE …'")
    parser.add_argument("common", nargs="*", metavar="-- FLAG …", help="flags of train.py that all variants share")
    options = parser.parse_args()
    runs = {
        variant: _run(options.output_dir / variant.replace(" ", ",").replace(os.sep, "_"), variant, options.common)
        for variant in options.variant
    }
    found = {variant: scores for variant, (_, scores) in runs.items()}

    lines = [f"| quality | measure | {' | '.join(runs)} |", "| ---: | --- |" + " ---: |" * len(runs)]
    lines.append(f"| | steps | {' | '.join(f'{steps:,}' for steps, _ in runs.values())} |")
    for index, quality in enumerate(QUALITIES):
        for attribute, title, style in MEASURES:
            values = [format(getattr(scores[index], attribute), style) for scores in found.values()]
            lines.append(f"| {quality} | {title} | {' | '.join(values)} |")
    table = "\n".join(lines) + "\n"
    (options.output_dir / "ablation.md").write_text(table, encoding="utf-8")
    _draw(found, options.output_dir / "ablation.png")
    print(table)


if __name__ == "__main__":
    main()
