"""Whole files restored in JavaScript: the pixels and the report of `JpegRestorer`."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf import JpegRestorer
from argan_hf.graphics import draw_graphic
from argan_hf.restored_image import RestoredImage
from tests.conftest import EXAMPLES, jpeg_bytes, png_bytes
from tests.web.conftest import WebNetwork
from tests.web.node import needs_runtime, run_node

pytestmark = [needs_runtime, pytest.mark.slow]

_CAMEL = {"restored_planes": "restoredPlanes"}


def _photo(number: int, box: tuple[int, int, int, int]) -> Image.Image:
    with Image.open(EXAMPLES[number]) as image:
        return image.convert("RGB").crop(box)


def _files() -> dict[str, bytes]:
    photo, other = _photo(1, (100, 100, 340, 290)), _photo(4, (50, 80, 290, 240))
    exif = Image.Exif()
    exif[0x0112] = 6
    screen = draw_graphic("desktop-old", 1, 192)
    red = Image.new("RGB", (208, 160), "white")
    red.paste(photo.convert("L").crop((0, 0, 120, 90)).convert("RGB"), (8, 24))
    red.paste((200, 30, 30), (160, 120, 190, 140))
    tiles = np.random.default_rng(3).integers(0, 256, (9, 11, 3), dtype=np.uint8)
    mosaic = Image.fromarray(tiles).resize((176, 144), Image.Resampling.NEAREST)
    twice = Image.open(BytesIO(jpeg_bytes(photo, quality=25))).crop((3, 5, 235, 187))
    return {
        "color": jpeg_bytes(photo, quality=20),
        "full": jpeg_bytes(other, quality=45, subsampling=0, progressive=True, exif=exif),
        "gray": jpeg_bytes(other.convert("L"), quality=15),
        "mosaic": jpeg_bytes(mosaic, quality=60),
        "neutral": jpeg_bytes(other.convert("L").convert("RGB"), quality=40),
        "screen": jpeg_bytes(screen, quality=60),
        "stamp": jpeg_bytes(red, quality=30),
        "twice": jpeg_bytes(twice, quality=90),
        "picture of a file": png_bytes(twice),
        "wide": jpeg_bytes(_photo(2, (0, 0, 500, 120)), quality=10, subsampling=1),
    }


def _cases() -> list[dict[str, Any]]:
    """What is restored, with the words of JavaScript."""

    def case(file: str, finishes: dict[str, dict[str, Any]], tile_size: int = 512, **options: Any) -> dict[str, Any]:
        named = [{"name": f"{file}-{name}", **finish} for name, finish in finishes.items()]
        return {"file": file, "tileSize": tile_size, "options": options, "finishes": named}

    both = {"faithful": {}, "free": {"faithful": False}}
    return [
        case("color", both | {"half": {"strength": 0.5}, "nothing": {"strength": 0}}),
        case("color", {"realism-0.25": {}, "realism-0.25-free": {"faithful": False}}, realism=0.25),
        case("color", {"realism-1": {}}, realism=1),
        case("color", {"told-10": {}}, quality=10),
        case("color", {"told-60": {}}, quality=60),
        case("full", both | {"stored": {"keepOrientation": True}}),
        case("gray", both | {"weak": {"strength": 0.3}}),
        case("gray", {"realism": {}}, realism=0.25),
        case("mosaic", both | {"half": {"strength": 0.5}}),
        case("neutral", {"faithful": {}, "weak": {"strength": 0.3}}),
        case("screen", both),
        case("stamp", both),
        case("twice", both),
        case("twice", {"as-it-is": {}}, history=False),
        case("picture of a file", both | {"nothing": {"strength": 0}}),
        case("wide", both, tile_size=128),
    ]


@pytest.fixture(scope="module")
def results(default_network: WebNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    for name, data in _files().items():
        (folder / name).write_bytes(data)
    (folder / "cases.json").write_text(json.dumps({"weights": str(default_network.folder), "cases": _cases()}))
    run_node("restore_files.js", folder)
    return folder


@pytest.fixture(scope="module")
def restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained("argan-jpeg-color", device="cpu", dtype=torch.float32)


def _expected(restorer: JpegRestorer, data: bytes, case: dict[str, Any], finish: dict[str, Any]) -> RestoredImage:
    names = {"keepOrientation": "keep_orientation"}
    options = {names.get(key, key): value for key, value in finish.items() if key != "name"}
    return restorer(data, **case["options"], **options)


def test_files_have_the_pixels_and_reports_of_the_package(results: Path, restorer: JpegRestorer) -> None:
    reports = json.loads((results / "reports.json").read_text())
    differing = samples = 0
    for case in _cases():
        data = (results / case["file"]).read_bytes()
        for finish in case["finishes"]:
            name = finish["name"]
            expected = _expected(restorer, data, case, finish)
            with Image.open(results / f"{name}.png") as image:
                assert image.mode == expected.image.mode, name
                found = np.array(image).astype(int)
            difference = np.abs(found - np.array(expected.image))
            assert difference.max() <= 1, name
            differing, samples = differing + int((difference > 0).sum()), samples + difference.size
            _compare_reports(reports[name], expected.report.to_dict(), name)
    assert samples > 1_500_000
    assert differing < 1e-5 * samples


def _compare_reports(found: dict[str, Any], expected: dict[str, Any], name: str) -> None:
    for key in expected.keys() - {"seconds", "bits", "consistency", "untouched"}:
        assert found[_CAMEL.get(key, key)] == expected[key], (name, key)
    assert (found["consistency"] is None) == (expected["consistency"] is None), name
    if expected["consistency"] is not None:
        assert found["consistency"] == pytest.approx(expected["consistency"], abs=1e-4), name
    assert found["untouched"] == pytest.approx(expected["untouched"], abs=1e-5), name
    assert found["steps"][-1][0] == found["steps"][-1][1], name
    assert [done for done, _ in found["steps"]] == list(range(1, len(found["steps"]) + 1)), name


def test_what_is_compared_differs(results: Path) -> None:
    """Otherwise the test above would compare pictures that nothing was done to."""

    def pixels(name: str) -> np.ndarray:
        with Image.open(results / f"{name}.png") as image:
            return np.array(image).astype(int)

    for one, other in (
        ("color-faithful", "color-free"),
        ("color-faithful", "color-nothing"),
        ("color-faithful", "color-realism-0.25"),
        ("color-realism-0.25", "color-realism-1"),
        ("color-told-10", "color-faithful"),
        ("twice-faithful", "twice-as-it-is"),
        ("gray-faithful", "gray-weak"),
        ("screen-faithful", "screen-free"),
    ):
        assert np.abs(pixels(one) - pixels(other)).max() > 2, (one, other)
