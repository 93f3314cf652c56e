"""The effect of lambda in Eq. 3: `python benchmarks/lambda_study.py DATA --output_dir runs/lambda`.

From the same weights, the same number of adversarial steps is taken with every lambda, and once without a
discriminator. After each run, held-out pictures are measured: PSNR, SSIM, PSNR-B, and texture (energy of high
frequencies over the original's). Writes a Markdown table and a chart. DATA is a folder of pictures or parquet files.
"""

import argparse
from pathlib import Path

from matplotlib.figure import Figure

from argan_hf.evaluation.protocol import MeanScore, mean_scores
from argan_hf.evaluation.results import Results
from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.trainer import ArganTrainer
from argan_hf.variants import CHECKPOINTS

LAMBDAS = (1e2, 1e3, 1e4, 1e5, float("inf"))
MEASURES = (
    ("psnr", "PSNR, dB", ".3f"),
    ("ssim_gaussian", "SSIM", ".4f"),
    ("psnr_b", "PSNR-B, dB", ".3f"),
    ("high_frequency", "texture", ".3f"),
)


def _label(value: float) -> str:
    return "no discriminator" if value == float("inf") else f"{value:.0e}".replace("e+0", "e")


def _run(options: argparse.Namespace, weight: float) -> list[MeanScore]:
    folder = options.output_dir / _label(weight).replace(" ", "-")
    if not (folder / "results.json").is_file():
        parquet = sorted(str(path) for path in options.data.glob("*.parquet"))
        arguments = ArganTrainingArguments(
            dataset_name="parquet" if parquet else str(options.data),
            data_files=parquet or None,
            output_dir=str(folder),
            model_name_or_path=str(options.model_name_or_path),
            max_train_steps=options.steps,
            adversarial_start_step=options.steps if weight == float("inf") else 0,
            lambda_l2=1e4 if weight == float("inf") else weight,
            train_batch_size=options.train_batch_size,
            lr_scheduler="linear",
            mixed_precision="bf16",
            min_quality=5,
            max_quality=95,
            quality_skew=1.8,
            validation_steps=options.steps,
            validation_pictures=options.validation_pictures,
            checkpointing_steps=options.steps,
            checkpoints_total_limit=1,
        )
        ArganTrainer(arguments).train()
    return [mean for mean in mean_scores(Results.read(folder / "results.json").scores) if mean.method != "jpeg"]


def main() -> None:
    """Train, measure, write the table and the chart, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--model_name_or_path", type=Path, default=CHECKPOINTS / "argan-jpeg-luma")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--train_batch_size", type=int, default=16)
    parser.add_argument("--validation_pictures", type=int, default=16)
    options = parser.parse_args()
    found = {weight: _run(options, weight) for weight in LAMBDAS}
    qualities = [mean.quality for mean in found[LAMBDAS[0]]]

    lines = [f"| quality | measure | {' | '.join(_label(weight) for weight in LAMBDAS)} |"]
    lines.append("| ---: | --- |" + " ---: |" * len(LAMBDAS))
    figure = Figure(figsize=(4 * len(MEASURES), 4), layout="constrained")
    panels = figure.subplots(1, len(MEASURES))
    for index, quality in enumerate(qualities):
        for (attribute, title, style), panel in zip(MEASURES, panels, strict=True):
            values = [getattr(found[weight][index], attribute) for weight in LAMBDAS]
            lines.append(f"| {quality} | {title} | {' | '.join(format(value, style) for value in values)} |")
            panel.plot(range(len(LAMBDAS)), values, "o-", label=f"quality {quality}")
            panel.set(title=title, xlabel="lambda")
            panel.set_xticks(range(len(LAMBDAS)), [_label(weight).replace(" ", "\n") for weight in LAMBDAS])
    panels[-1].axhline(1.0, color="gray", linestyle=":")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=len(qualities))
    figure.savefig(options.output_dir / "lambda.png", dpi=100)
    table = "\n".join(lines) + "\n"
    (options.output_dir / "lambda.md").write_text(table, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
