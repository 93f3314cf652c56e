"""The perception-distortion trade-off of realism: `python benchmarks/realism.py --data LIVE1 --output_dir DIR`.

Measures several positions between the two variants, with and without projection onto the intervals of the file, and
other systems. Distortion is PSNR and SSIM, perception is SSIMULACRA 2, VIF and texture, by the luma protocol. Writes
`realism.md` (the table), `realism.png` (perception over distortion) and `realism-crops.png` (grass, hair, brick, text,
sky, skin, foliage and a chart, in color).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor
from tqdm.auto import tqdm

from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.evaluation.methods import FAITHFUL_OPTION, REALISM_OPTION, load_method
from argan_hf.evaluation.protocol import (
    as_picture,
    blocks_of,
    degrade_planes,
    evaluate,
    find_pictures,
    read_rgb,
)
from argan_hf.evaluation.report import markdown_table
from argan_hf.evaluation.scores import MeanScore, mean_scores
from argan_hf.jpeg.file import image_to_tensor

POSITIONS = (0.0, 0.25, 0.5, 0.75, 1.0)
SIDE, ZOOM = 112, 2
# Pictures of LIVE1, and left and top of the crop that is shown.
CROPS = {
    "grass": ("plane", 20, 390),
    "hair": ("womanhat", 112, 180),
    "brick": ("cemetry", 70, 190),
    "text": ("cemetry", 270, 275),
    "sky": ("ocean", 440, 60),
    "skin": ("womanhat", 205, 270),
    "foliage": ("stream", 60, 210),
}


def _chart() -> Tensor:
    """Lines, text and flat color, drawn by a program: uint8 (1, 3, SIDE, SIDE)."""
    side = 4 * SIDE
    image = Image.new("RGB", (side, side), "white")
    draw = ImageDraw.Draw(image)
    for step in range(1, 5):
        draw.line((0, step * side // 5, side, step * side // 5), fill="#ccd", width=4)
    heights = (0.2, 0.55, 0.35, 0.7, 0.5, 0.85)
    for index, height in enumerate(heights):
        left = 20 + index * 70
        draw.rectangle((left, side * (1 - height), left + 40, side), fill=("#4477aa", "#cc6644")[index % 2])
    points = [(40 + index * 70, side * (0.9 - height)) for index, height in enumerate(heights)]
    draw.line(points, fill="black", width=6)
    draw.text((16, 8), "Quality 10", fill="black", font=ImageFont.load_default(56))
    return image_to_tensor(image.resize((SIDE, SIDE), Image.Resampling.LANCZOS))[None]


def _write_crops(path: Path, folder: Path, quality: int, methods: Sequence[str], model: str) -> None:
    loaded = [load_method(name, [quality]) for name in methods]
    files = {file.stem: file for file in find_pictures(folder)}
    edge, head = SIDE * ZOOM, 20
    sheet = Image.new("RGB", ((len(methods) + 1) * edge, (len(CROPS) + 1) * edge + head), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, name in enumerate(("original", *methods)):
        draw.text((column * edge + 4, 3), name.removeprefix(model), fill="black", font=font)
    for row, name in enumerate((*CROPS, "chart")):
        stem, left, top = CROPS.get(name, ("", 0, 0))
        original = read_rgb(files[stem]) if stem else _chart()
        degraded, tables = degrade_planes(original, quality, "rgb")
        blocks = blocks_of(original, quality, "rgb")
        results = [original, *(as_picture(method.restore(degraded, tables, quality, blocks)) for method in loaded)]
        for column, result in enumerate(results):
            crop = result[0, :, top : top + SIDE, left : left + SIDE].to(torch.uint8).permute(1, 2, 0)
            enlarged = Image.fromarray(crop.numpy()).resize((edge, edge), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (column * edge, row * edge + head))
    sheet.save(path)


def _draw(path: Path, means: Sequence[MeanScore], compared: Sequence[str], model: str) -> None:
    qualities = sorted({mean.quality for mean in means})
    figure = Figure(figsize=(4.5 * len(qualities), 8), layout="constrained")
    panels = figure.subplots(2, len(qualities), squeeze=False)
    for column, quality in enumerate(qualities):
        rows = {mean.method: mean for mean in means if mean.quality == quality}
        for panel, measure in zip(panels[:, column], ("ssimulacra2", "high_frequency"), strict=True):
            for suffix, label in (("", "free"), (FAITHFUL_OPTION, "projected onto the file")):
                line = [rows[f"{model}{REALISM_OPTION}{position}{suffix}"] for position in POSITIONS]
                values = [getattr(mean, measure) for mean in line]
                panel.plot([mean.psnr for mean in line], values, "o-", label=f"realism 0 to 1, {label}")
            for name in compared:
                panel.plot(rows[name].psnr, getattr(rows[name], measure), "s")
                panel.annotate(
                    name, (rows[name].psnr, getattr(rows[name], measure)), xytext=(4, 4), textcoords="offset points"
                )
            panel.set(xlabel="PSNR, dB", ylabel={"high_frequency": "texture"}.get(measure, "SSIMULACRA2"))
            panel.margins(0.15)
            panel.grid(alpha=0.3)
        panels[0, column].set_title(f"quality {quality}")
        panels[1, column].axhline(1.0, color="gray", linestyle=":")
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Measure, write the files, print the table and the mean SSIMULACRA 2 of every method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="LIVE1: a folder of its originals")
    parser.add_argument("--output_dir", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_CHECKPOINT, help="a checkpoint with the variant realism")
    parser.add_argument("--stride", type=int, default=1, help="measure only every n-th picture")
    parser.add_argument("--qualities", type=int, nargs="+", default=[10, 20, 40])
    parser.add_argument("--compared", nargs="*", default=["jpeg", "sa-dct", "ar-cnn", "d3", "argan-jpeg-luma"])
    args = parser.parse_args()
    args.output_dir.mkdir(parents=True, exist_ok=True)
    slider = [f"{args.model}{REALISM_OPTION}{position}" for position in POSITIONS]
    names = [*args.compared, *slider, *(f"{name}{FAITHFUL_OPTION}" for name in slider)]
    _write_crops(
        args.output_dir / "realism-crops.png",
        args.data,
        args.qualities[0],
        ["jpeg", *slider[::2], f"{slider[-1]}{FAITHFUL_OPTION}"],
        args.model,
    )

    pictures = find_pictures(args.data)[:: args.stride]
    methods = [load_method(name, args.qualities) for name in names]
    with tqdm(total=len(pictures) * len(args.qualities) * len(methods), unit="picture") as bar:
        scores = evaluate(methods, pictures, args.qualities, perceptual=["ssimulacra2", "vif"], progress=bar.update)
    means = mean_scores(scores)
    table = markdown_table(means)
    (args.output_dir / "realism.md").write_text(table, encoding="utf-8")
    _draw(args.output_dir / "realism.png", means, args.compared, args.model)
    print(table)
    for name in names:
        values = [mean.ssimulacra2 or 0.0 for mean in means if mean.method == name]
        print(f"{name}: SSIMULACRA2 {sum(values) / len(values):.2f}, mean over qualities")


if __name__ == "__main__":
    main()
