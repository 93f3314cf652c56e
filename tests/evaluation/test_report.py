from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from rich.console import Console

from argan_hf.evaluation.methods import Method, load_method
from argan_hf.evaluation.protocol import MeanScore
from argan_hf.evaluation.report import markdown_table, terminal_table, write_chart, write_contact_sheet

METHODS = [load_method("jpeg", [10]), Method("better", lambda planes, tables, quality: planes.float(), 66_000.0)]
_FIELDS = (
    "method",
    "quality",
    "psnr",
    "psnr_b",
    "ssim_gaussian",
    "ssim_uniform",
    "high_frequency",
    "seconds_per_megapixel",
)
MEANS = [
    MeanScore(**dict(zip(_FIELDS, row, strict=True)))  # type: ignore[arg-type]
    for row in (
        ("jpeg", 10, 27.77, 25.333, 0.773, 0.7905, 1.4, 0.0),
        ("better", 10, 28.9, 25.1, 0.8, 0.81, 0.7, 0.5),
        ("jpeg", 40, 32.355, 29.957, 0.9041, 0.9173, 0.9, 0.0),
        ("better", 40, 33.6, 33.1, 0.91, 0.93, 1.05, 0.6),
    )
]


def test_the_best_of_every_quality_and_measure_is_bold() -> None:
    lines = markdown_table(MEANS, METHODS).splitlines()
    assert len(lines) == 6
    assert lines[2] == "| 10 | jpeg | 27.770 | 0.7730 | 0.7905 | **25.333** | 1.400 | 0.00 | 0.0 |"
    assert lines[3] == "| 10 | better | **28.900** | **0.8000** | **0.8100** | 25.100 | **0.700** | 0.50 | 66.0 |"


def test_without_methods_the_scores_stand_alone() -> None:
    lines = markdown_table(MEANS).splitlines()
    assert lines[0] == "| quality | method | PSNR | SSIM (Gaussian) | SSIM (uniform) | PSNR-B | texture |"
    assert lines[2] == "| 10 | jpeg | 27.770 | 0.7730 | 0.7905 | **25.333** | 1.400 |"


def test_perceptual_scores_have_columns_if_they_were_asked_for() -> None:
    assert "VIF" not in markdown_table(MEANS, METHODS)
    with_scores = [replace(mean, ssimulacra2=61.234, vif=0.4567) for mean in MEANS]
    lines = markdown_table(with_scores, METHODS).splitlines()
    assert "| SSIMULACRA2 | VIF |" in lines[0]
    assert "| **61.23** | **0.4567** |" in lines[2]


def test_the_terminal_shows_the_same_numbers() -> None:
    console = Console(width=110, record=True, quiet=False, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(terminal_table(MEANS, METHODS, "a title"))
    text = console.export_text()
    assert "a title" in text
    assert "29.957" in text
    assert "66.0" in text


def test_chart_and_contact_sheet_are_pictures(tmp_path: Path, photo: Image.Image) -> None:
    pytest.importorskip("matplotlib")
    write_chart(tmp_path / "chart.png", MEANS)
    photo.save(tmp_path / "photo.png")
    write_contact_sheet(tmp_path / "sheet.png", METHODS, [tmp_path / "photo.png"], 10, "rgb")
    with Image.open(tmp_path / "chart.png") as chart, Image.open(tmp_path / "sheet.png") as sheet:
        assert chart.width > 600
        assert sheet.size == (3 * 192, 192 + 24)
