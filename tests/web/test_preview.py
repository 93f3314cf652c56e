"""Previews of tiles, put together: the finished picture, as far as the network makes it."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import EXAMPLES, jpeg_bytes, png_bytes
from tests.web.node import needs_node, run_node

pytestmark = needs_node


def _photo(number: int, box: tuple[int, int, int, int]) -> Image.Image:
    with Image.open(EXAMPLES[number]) as image:
        return image.convert("RGB").crop(box)


def _turned(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return jpeg_bytes(_photo(4, (50, 80, 250, 200)), quality=30, exif=exif)


def _files() -> dict[str, bytes]:
    photo = _photo(1, (100, 100, 340, 290))
    twice = Image.open(BytesIO(jpeg_bytes(photo, quality=25))).crop((3, 5, 235, 187))
    drawn = twice.copy()
    drawn.paste(_photo(2, (0, 0, 70, 50)), (80, 60))
    faded = _photo(4, (50, 80, 250, 200))
    faded.putalpha(Image.linear_gradient("L").resize(faded.size))
    return {
        "color": jpeg_bytes(photo, quality=20),
        "gray": jpeg_bytes(photo.convert("L"), quality=15),
        "gray in color": jpeg_bytes(photo.convert("L").convert("RGB"), quality=15),
        "twice": jpeg_bytes(twice, quality=90),
        "drawn": jpeg_bytes(drawn, quality=95, subsampling=0),
        "enlarged": png_bytes(twice.resize((464, 364), Image.Resampling.NEAREST)),
        "faded": png_bytes(faded),
        "large": jpeg_bytes(photo.resize((2101, 1930)), quality=30),
        **{f"turned {orientation}": _turned(orientation) for orientation in range(2, 9)},
    }


def _cases() -> list[dict[str, Any]]:
    def case(file: str, name: str = "", channels: int = 3, **options: Any) -> dict[str, Any]:
        size = 640 if file == "large" else 64
        return {"name": name or file, "file": file, "tileSize": size, "numChannels": channels, "options": options}

    return [
        *(case(file) for file in _files() if file != "large"),
        case("large", history=False),
        case("color", "once more", realism=0.5),
        case("color", "without history", history=False),
        case("color", "luma", channels=1),
        case("twice", "luma of twice", channels=1),
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("previews")
    for name, data in _files().items():
        (folder / name).write_bytes(data)
    (folder / "cases.json").write_text(json.dumps(_cases()))
    run_node("preview_files.js", folder)
    return folder


def _pictures(folder: Path, name: str) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    found = json.loads((folder / "found.json").read_text())[name]
    width, height, channels = found["size"]
    assert (found["width"], found["height"]) == (width, height)
    assert found["previews"] == found["steps"]
    seen = np.fromfile(folder / f"{name}.seen", np.uint8).reshape(height, width, 4)
    finished = np.fromfile(folder / f"{name}.finished", np.uint8).reshape(height, width, channels)
    color = finished[..., : (channels - 1) // 2 * 2 + 1]
    alpha = finished[..., -1:] if channels in (2, 4) else np.full_like(finished[..., :1], 255)
    return found, seen.astype(int), np.concatenate([np.broadcast_to(color, (height, width, 3)), alpha], 2).astype(int)


@pytest.mark.parametrize("name", [case["name"] for case in _cases() if case["name"] != "large"])
def test_previews_show_the_finished_picture(folder: Path, name: str) -> None:
    found, seen, finished = _pictures(folder, name)
    assert found["previews"] > 4
    assert found["saves"] == (name in ("twice", "luma of twice", "drawn", "enlarged"))
    assert np.abs(seen - finished).max() == 0


def test_previews_of_large_pictures_are_reduced(folder: Path) -> None:
    found, seen, finished = _pictures(folder, "large")
    assert 0.24 < found["samples"] / (found["width"] * found["height"]) < 0.26
    assert np.abs(seen - finished).mean() < 1
    # None of it is moved by a whole sample.
    assert np.abs(seen[:, 2:] - finished[:, :-2]).mean() > 1.2 * np.abs(seen - finished).mean()
