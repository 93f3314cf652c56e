"""What a restoration does to planes besides the network, in the browser as in the package."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf.flat_chroma import flat_chroma, with_flat_chroma
from argan_hf.graphics import draw_graphic
from argan_hf.jpeg.file import image_to_tensor, read_jpeg
from argan_hf.jpeg.recovery import recover_coefficients
from argan_hf.neutral import colored_blocks, left_neutral, neutral_blocks
from argan_hf.tiling import tiles
from argan_hf.untouched import describe_untouched, left_untouched, untouched_blocks
from tests.conftest import EXAMPLES, jpeg_bytes
from tests.web.node import needs_node, run_node

pytestmark = needs_node

_GRAPHICS = ("desktop-old", "text", "text-colored", "chart", "pixel-art", "codes", "comic", "map")
_SIDE = 200


def _pictures() -> list[tuple[Image.Image, dict[str, Any] | None]]:
    """Pictures, and how they are saved; `None`: they are no JPEG files."""
    with Image.open(EXAMPLES[0]) as image:
        photo = image.convert("RGB").crop((40, 60, 301, 257))
    window = Image.new("RGB", (203, 170), "white")
    window.paste(photo.crop((0, 0, 96, 64)), (56, 72))
    blocks = np.random.default_rng(3).integers(0, 256, (12, 15, 3), dtype=np.uint8)
    squares = Image.fromarray(blocks).resize((240, 192), Image.Resampling.NEAREST)
    graphics = [draw_graphic(kind, 0, _SIDE) for kind in _GRAPHICS]
    pictures = [photo, window, squares, *graphics, photo.convert("L"), squares.convert("L"), photo.crop((0, 0, 5, 3))]
    clipped = Image.fromarray((np.array(photo, np.int16) * 3 - 200).clip(0, 255).astype(np.uint8))
    saved: list[tuple[Image.Image, dict[str, Any] | None]] = [(picture, None) for picture in pictures]
    for number, picture in enumerate([*pictures, clipped, clipped]):
        saved += [(picture, {"quality": (10, 40, 75, 92)[number % 4], "subsampling": number % 3})]
    return [*saved, (squares, {"quality": 60, "subsampling": 2}), (squares, {"quality": 30, "subsampling": 1})]


def _case(number: int, image: Image.Image, options: dict[str, Any] | None) -> dict[str, Any]:
    """What Python makes of a picture, and what it was made from."""
    random = np.random.default_rng(number)
    file = None if options is None else read_jpeg(jpeg_bytes(image, **options))
    samples = image_to_tensor(image) if file is None else file.planes
    known = 3 if len(samples) == 3 and number % 4 else 1
    noise = torch.from_numpy(random.normal(0, 4, (known, *samples.shape[1:])).astype(np.float32))
    restored = (samples[:known] + noise).clamp(0, 255)
    return {
        "samples": samples,
        "restored": restored,
        "tables": None if file is None else file.tables,
        "sampling": None if file is None else file.sampling,
    }


def _expected(case: dict[str, Any]) -> dict[str, Any]:
    samples, tables, sampling, result = case["samples"], case["tables"], case["sampling"], case["restored"]
    (height, width), is_jpeg = samples.shape[1:], tables is not None
    luma_alone = is_jpeg and len(samples) == 3 and sampling != "4:4:4"
    weights = untouched_blocks(samples[:1] if luma_alone else samples, tables[0] if is_jpeg else None)
    found: dict[str, Any] = {"weights": weights, "colors": 0, "neutral": 0}
    found["sentences"] = list(describe_untouched(weights, luma_alone=luma_alone))
    whole = slice(0, height), slice(0, width)
    if len(result) == 3:
        neutral = neutral_blocks(colored_blocks(samples, rgb=not is_jpeg))
        if neutral is not None:
            found["neutral"] = int(neutral.sum())
            result = left_neutral(result, neutral, *whole)
    if weights is not None:
        left = result[:1] if luma_alone else result
        result = torch.cat((left_untouched(left, samples.float(), weights, *whole), result[len(left) :]))
        if luma_alone and len(result) == 3 and sampling in ("4:2:0", "4:2:2"):
            flat = flat_chroma(samples, tables, sampling, weights)
            if flat is not None:
                found["colors"] = int(flat.known.sum())
                result = with_flat_chroma(result, flat, *whole)
    if is_jpeg:
        found["coefficients"] = recover_coefficients(samples[0], tables[0]).to(torch.int16)
    return found | {"planes": result}


def _plans() -> list[tuple[int, int, int, int, int]]:
    random = np.random.default_rng(1)
    return [(*(int(side) for side in random.integers(1, 5000, 2)), 512, 24, 16) for _ in range(200)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The folder in which Node wrote what it made of the cases, and the cases."""
    folder = tmp_path_factory.mktemp("planes")
    cases = [_case(number, *picture) for number, picture in enumerate(_pictures())]
    described = []
    for number, case in enumerate(cases):
        (folder / f"{number}").write_bytes(case["samples"].numpy().tobytes())
        (folder / f"{number}.restored").write_bytes(case["restored"].numpy().tobytes())
        height, width = case["samples"].shape[1:]
        described.append(
            {
                "name": f"{number}",
                "width": width,
                "height": height,
                "known": len(case["restored"]),
                "tables": None if case["tables"] is None else case["tables"].flatten(1).tolist(),
                "sampling": case["sampling"],
            }
        )
    (folder / "cases.json").write_text(json.dumps(described))
    (folder / "plans.json").write_text(json.dumps(_plans()))
    run_node("restore_planes.js", folder)
    return folder, cases


def _read(path: Path, dtype: type, shape: torch.Size) -> torch.Tensor:
    return torch.from_numpy(np.frombuffer(path.read_bytes(), dtype).copy()).view(shape)


def test_planes_are_worked_on_alike(results: tuple[Path, list[dict[str, Any]]]) -> None:
    folder, cases = results
    reports = json.loads((folder / "reports.json").read_text())
    ambiguous = 0
    for number, (case, report) in enumerate(zip(cases, reports, strict=True)):
        expected = _expected(case)
        for key in ("sentences", "colors", "neutral"):
            assert report[key] == expected[key], (number, key)
        assert (folder / f"{number}.weights").exists() == (expected["weights"] is not None), number
        if expected["weights"] is not None:
            weights = _read(folder / f"{number}.weights", np.float32, expected["weights"].shape)
            assert torch.equal(weights, expected["weights"]), number
        planes = _read(folder / f"{number}.out", np.float32, expected["planes"].shape)
        if case["tables"] is not None:
            goal = expected["coefficients"]
            found = _read(folder / f"{number}.coefficients", np.int16, goal.shape)
            # Of a few blocks of clipped samples, several sets of coefficients show the same.
            ambiguous += int((found != goal).any(-1).any(-1).sum())
        assert (planes - expected["planes"]).abs().max() < 2e-4, number
    assert ambiguous < 10
    assert sum(report["colors"] > 0 for report in reports) >= 2
    assert sum(report["neutral"] > 0 for report in reports) >= 5
    assert sum(bool(report["sentences"]) for report in reports) >= 10


def test_pictures_are_divided_alike(results: tuple[Path, list[dict[str, Any]]]) -> None:
    for (width, height, *sizes), plan in zip(
        _plans(), json.loads((results[0] / "tiles.json").read_text()), strict=True
    ):
        expected = [
            {
                "rows": [tile.rows.start, tile.rows.stop],
                "columns": [tile.columns.start, tile.columns.stop],
                "outerRows": [tile.outer_rows.start, tile.outer_rows.stop],
                "outerColumns": [tile.outer_columns.start, tile.outer_columns.stop],
            }
            for tile in tiles(height, width, *sizes)
        ]
        assert plan == expected
