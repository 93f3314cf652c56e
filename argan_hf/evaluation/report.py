"""Shows scores as a table (terminal or Markdown) and as a chart; shows results as a contact sheet of crops."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont
from rich.table import Table

from .lives import Life
from .methods import Method
from .protocol import Protocol, degrade, read_luma, read_rgb
from .scores import MeanScore


class _Column(NamedTuple):
    """A column of scores; the best score is the one with the largest merit."""

    attribute: str
    title: str
    style: str
    merit: Callable[[float], float] = float


_COLUMNS = (
    _Column("psnr", "PSNR", "{:.3f}"),
    _Column("ssim_gaussian", "SSIM (Gaussian)", "{:.4f}"),
    _Column("ssim_uniform", "SSIM (uniform)", "{:.4f}"),
    _Column("psnr_b", "PSNR-B", "{:.3f}"),
    _Column("high_frequency", "texture", "{:.3f}", lambda ratio: -abs(ratio - 1.0)),
    _Column("ssimulacra2", "SSIMULACRA2", "{:.2f}"),
    _Column("vif", "VIF", "{:.4f}"),
)


def _rows(means: Sequence[MeanScore], methods: Sequence[Method] | None, bold: tuple[str, str]) -> list[list[str]]:
    """Cells of the table; the best score of every quality or life and measure is put between the two marks."""
    costs = {method.name: method.macs_per_pixel for method in methods or ()}
    rows = []
    for mean in means:
        cells = [mean.degradation, mean.method]
        for attribute, _, style, merit in _columns(means):
            value = getattr(mean, attribute)
            best = max(merit(getattr(other, attribute)) for other in means if other.degradation == mean.degradation)
            text = style.format(value)
            cells.append(f"{bold[0]}{text}{bold[1]}" if merit(value) == best else text)
        if methods is not None:
            cost = costs[mean.method]
            cells += [f"{mean.seconds_per_megapixel:.2f}", "-" if cost is None else f"{cost / 1e3:.1f}"]
        rows.append(cells)
    return rows


def _columns(means: Sequence[MeanScore]) -> list[_Column]:
    return [column for column in _COLUMNS if getattr(means[0], column.attribute) is not None]


def _header(means: Sequence[MeanScore], methods: Sequence[Method] | None) -> list[str]:
    costs = [] if methods is None else ["s / MP", "kMAC / pixel"]
    first = "quality" if means[0].life is None else "life"
    return [first, "method", *(column.title for column in _columns(means)), *costs]


def terminal_table(means: Sequence[MeanScore], methods: Sequence[Method], title: str) -> Table:
    """A table for rich's console; the best values are bold."""
    table = Table(title=title)
    for index, name in enumerate(_header(means, methods)):
        table.add_column(name, justify="left" if index == 1 else "right", no_wrap=True)
    previous = None
    for mean, cells in zip(means, _rows(means, methods, ("[bold]", "[/bold]")), strict=True):
        if previous not in (None, mean.degradation):
            table.add_section()
        previous = mean.degradation
        table.add_row(*cells)
    return table


def markdown_table(means: Sequence[MeanScore], methods: Sequence[Method] | None = None) -> str:
    """The same table in Markdown; without `methods` it has no columns for time and cost."""
    header = _header(means, methods)
    lines = [header, ["---:" if index != 1 else "---" for index in range(len(header))]]
    lines += _rows(means, methods, ("**", "**"))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def write_chart(path: Path, means: Sequence[MeanScore]) -> None:
    """Quality against cost: PSNR over seconds per megapixel, one panel per quality or life (PNG; needs matplotlib).

    Raises:
        ImportError: if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(
            "the chart needs matplotlib: install it with `pip install matplotlib`, or with "
            '`pip install -e ".[baselines]"` in a checkout of the repository'
        ) from error
    rising = sorted(means, key=lambda mean: mean.quality or 0)  # lives keep their order
    titles = {mean.degradation: mean.life or f"quality {mean.quality}" for mean in rising}
    figure = Figure(figsize=(4 * len(titles), 4), layout="constrained")
    for panel, degradation in zip(figure.subplots(1, len(titles), squeeze=False)[0], titles, strict=True):
        for mean in (mean for mean in means if mean.degradation == degradation):
            if mean.method == "jpeg":
                panel.axhline(mean.psnr, color="gray", linestyle=":")
                panel.annotate("jpeg", (0.02, mean.psnr), xycoords=("axes fraction", "data"), va="bottom", color="gray")
                continue
            panel.plot(mean.seconds_per_megapixel, mean.psnr, "o", label=mean.method)
        panel.set(title=titles[degradation], xlabel="seconds per megapixel", ylabel="PSNR, dB", xscale="log")
        panel.margins(0.25)
    handles, labels = panel.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.savefig(path, dpi=120)


def write_contact_sheet(
    path: Path, methods: Sequence[Method], pictures: Sequence[Path], degradation: int | Life, protocol: Protocol
) -> None:
    """Crops of the first pictures side by side: the original, then every method (PNG).

    Args:
        path: of the sheet.
        methods, pictures, protocol: as for `evaluate`.
        degradation: one of those of `evaluate`.
    """
    side, zoom = 96, 2
    names = ["original", *(method.name for method in methods)]
    rows = pictures[:4]
    sheet = Image.new("RGB", (len(names) * side * zoom, len(rows) * side * zoom + 24), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for column, name in enumerate(names):
        draw.text((column * side * zoom + 4, 4), name, fill="black", font=font)
    for row, picture in enumerate(rows):
        degraded = degrade(read_luma(picture) if protocol == "luma" else read_rgb(picture), degradation, protocol)
        results = [degraded.original, *(degraded.restore(method)[0] for method in methods)]
        top, left = ((size - side) // 2 for size in degraded.original.shape[-2:])
        for column, result in enumerate(results):
            crop = result[0, :, max(top, 0) : top + side, max(left, 0) : left + side].to(torch.uint8)
            image = Image.fromarray(crop.permute(1, 2, 0).squeeze(2).numpy()).convert("RGB")
            enlarged = image.resize((image.width * zoom, image.height * zoom), Image.Resampling.NEAREST)
            sheet.paste(enlarged, (column * side * zoom, row * side * zoom + 24))
    sheet.save(path)
