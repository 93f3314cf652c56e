from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from torch import Tensor

from argan_hf.containers.opening import open_image
from argan_hf.evaluation.methods import Method, load_method
from argan_hf.evaluation.protocol import read_luma
from argan_hf.evaluation.report import markdown_table, terminal_table, write_chart, write_contact_sheet
from argan_hf.evaluation.scores import MeanScore
from argan_hf.jpeg import quantization_tables
from argan_hf.jpeg.file_blocks import FileBlocks
from tests.conftest import jpeg_bytes

METHODS = [
    load_method("jpeg", [10]),
    Method("better", lambda planes, tables, quality, blocks: planes.float(), 66_000.0),
]
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


LIVES = [replace(mean, quality=None, life="20@3,5>90" if mean.quality == 10 else "20>png") for mean in MEANS]


def test_lives_take_the_place_of_qualities() -> None:
    lines = markdown_table(LIVES, METHODS).splitlines()
    assert lines[0].startswith("| life | method | PSNR |")
    assert lines[2].startswith("| 20@3,5>90 | jpeg | 27.770 | 0.7730 |")
    assert lines[3].startswith("| 20@3,5>90 | better | **28.900** |")
    table = terminal_table(LIVES, METHODS, "a title")
    assert list(table.columns[0].cells) == ["20@3,5>90", "20@3,5>90", "20>png", "20>png"]
    assert [row.end_section for row in table.rows] == [False, True, False, False]


def test_the_best_of_every_quality_and_measure_is_bold() -> None:
    lines = markdown_table(MEANS, METHODS).splitlines()
    assert len(lines) == 6
    assert lines[2] == "| 10 | jpeg | 27.770 | 0.7730 | 0.7905 | **25.333** | 1.400 | 0.00 | 0.0 |"
    assert lines[3] == "| 10 | better | **28.900** | **0.8000** | **0.8100** | 25.100 | **0.700** | 0.50 | 66.0 |"


def test_numbers_are_aligned_to_the_right_and_a_method_without_a_network_has_no_cost() -> None:
    lines = markdown_table(MEANS, [METHODS[0], replace(METHODS[1], macs_per_pixel=None)]).splitlines()
    assert lines[1] == "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    assert lines[3].endswith("| 0.50 | - |")


def test_the_terminal_parts_qualities_and_shows_the_best_bold() -> None:
    table = terminal_table(MEANS, METHODS, "a title")
    assert [row.end_section for row in table.rows] == [False, True, False, False]
    assert list(table.columns[2].cells) == ["27.770", "[bold]28.900[/bold]", "32.355", "[bold]33.600[/bold]"]


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


def test_the_chart_shows_psnr_over_time_for_every_quality(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    matplotlib = pytest.importorskip("matplotlib.figure")
    drawn, save = [], matplotlib.Figure.savefig
    monkeypatch.setattr(matplotlib.Figure, "savefig", lambda self, *a, **k: drawn.append(self) or save(self, *a, **k))
    write_chart(tmp_path / "chart.png", MEANS[::-1])
    with Image.open(tmp_path / "chart.png") as chart:
        assert chart.width > 600
    (figure,) = drawn
    assert [panel.get_title() for panel in figure.axes] == ["quality 10", "quality 40"]
    for panel, baseline, point in zip(figure.axes, (27.77, 32.355), ((0.5, 28.9), (0.6, 33.6)), strict=True):
        assert (panel.get_xlabel(), panel.get_ylabel()) == ("seconds per megapixel", "PSNR, dB")
        assert (panel.get_xscale(), panel.get_yscale()) == ("log", "linear")
        lines = {line.get_label(): line for line in panel.lines}
        assert lines["better"].get_xydata().tolist() == [list(point)]
        # What nothing was done to has no time: a line across the panel, not a point.
        (across,) = (line for line in panel.lines if line.get_label() != "better")
        assert set(across.get_ydata()) == {baseline}
        assert panel.texts[0].get_text() == "jpeg"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["better"]


def _cell(sheet: Image.Image, row: int, column: int) -> np.ndarray:
    """One crop of a contact sheet, as it was enlarged."""
    return np.array(sheet)[24 + 192 * row : 24 + 192 * (row + 1), 192 * column : 192 * (column + 1)]


def _enlarged(crop: np.ndarray) -> np.ndarray:
    return crop.repeat(2, 0).repeat(2, 1)


def test_a_contact_sheet_shows_the_middle_of_the_original_and_of_every_result(
    tmp_path: Path, photo: Image.Image
) -> None:
    pictures = []
    for number, turned in enumerate((photo, photo.transpose(Image.Transpose.ROTATE_90))):
        pictures.append(tmp_path / f"{number}.png")
        turned.save(pictures[-1])
    dark = Method("half as bright", lambda planes, tables, quality, blocks: (planes.float() - 128) / 2 + 128)
    write_contact_sheet(tmp_path / "sheet.png", [METHODS[0], dark], pictures, 10, "rgb")
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (3 * 192, 2 * 192 + 24)
        for row, path in enumerate(pictures):
            with Image.open(path) as picture:
                left, top = (picture.width - 96) // 2, (picture.height - 96) // 2
                box = (left, top, left + 96, top + 96)
                assert np.array_equal(_cell(sheet, row, 0), _enlarged(np.array(picture.crop(box))))
                compressed = open_image(jpeg_bytes(picture, quality=10)).convert("RGB").crop(box)
            assert np.array_equal(_cell(sheet, row, 1), _enlarged(np.array(compressed)))
            contrast = [_cell(sheet, row, column).mean(2).std() for column in (1, 2)]
            assert contrast[1] == pytest.approx(contrast[0] / 2, rel=0.05)
        # Every column has its name above it, and they are different names.
        names = [np.array(sheet)[:24, 192 * column : 192 * (column + 1)] for column in range(3)]
        assert all((name < 64).any() for name in names)
        assert not np.array_equal(names[1], names[2])


def test_a_contact_sheet_of_luma_is_gray_and_holds_the_first_four_pictures(tmp_path: Path, photo: Image.Image) -> None:
    pictures = []
    for number in range(5):
        pictures.append(tmp_path / f"{number}.png")
        photo.rotate(30 * number).save(pictures[-1])
    told: list[tuple[float, int]] = []

    def note(planes: Tensor, tables: Tensor, quality: int, blocks: FileBlocks | None) -> Tensor:
        told.append((float(tables.float().mean()), quality))
        return planes.float()

    write_contact_sheet(tmp_path / "sheet.png", [Method("note", note)], pictures, 30, "luma")
    assert told == [(float(quantization_tables(30)[0].float().mean()), 30)] * 4
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (2 * 192, 4 * 192 + 24)
        for row, path in enumerate(pictures[:4]):
            luma = read_luma(path)[0, 0, 28:124, 55:151].numpy()
            assert np.array_equal(_cell(sheet, row, 0), _enlarged(luma)[..., None].repeat(3, 2))


def test_a_picture_smaller_than_a_crop_is_shown_whole(tmp_path: Path, photo: Image.Image) -> None:
    narrow, flat = photo.crop((0, 0, 40, 120)), photo.crop((0, 0, 120, 40))
    paths = [tmp_path / "narrow.png", tmp_path / "flat.png"]
    narrow.save(paths[0])
    flat.save(paths[1])
    write_contact_sheet(tmp_path / "sheet.png", METHODS, paths, 10, "rgb")
    with Image.open(tmp_path / "sheet.png") as sheet:
        first, second = (_cell(sheet, row, 0) for row in range(2))
    assert np.array_equal(first[:, :80], _enlarged(np.array(narrow)[12:108]))
    assert (first[:, 80:] == 255).all()
    assert np.array_equal(second[:80], _enlarged(np.array(flat)[:, 12:108]))
    assert (second[80:] == 255).all()
