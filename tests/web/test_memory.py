"""What happens where memory lacks, and what is done so that it does not."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.conftest import CHROMIUM_FLAGS, EXAMPLES, jpeg_bytes
from tests.web.conftest import IsolatedSiteHandler, served
from tests.web.node import needs_node, needs_runtime, run_node
from tests.web.tabs import Tab, opened_tabs

pytestmark = needs_node

_SENTENCE = "OutOfMemoryError: there is too little memory for this picture: close other tabs and pictures, restore a "
_SENTENCE += "smaller part of it, or restore it on the command line (argan restore)"
_MEMORY = [
    ("RangeError", "Array buffer allocation failed"),
    ("RangeError", "Invalid typed array length: 4000000000"),
    ("RangeError", "WebAssembly.Memory(): could not allocate memory"),
    ("RangeError", "Out of memory"),
    ("InternalError", "allocation size overflow"),
    ("Error", "failed to call OrtRun(). ERROR_CODE: 6, ERROR_MESSAGE: std::bad_alloc"),
    ("Error", "no available backend found. ERR: [wasm] RangeError: WebAssembly.Memory(): could not allocate memory"),
    ("RuntimeError", "Aborted(OOM). Build with -sASSERTIONS for more info."),
    ("RuntimeError", "Aborted(). Build with -sASSERTIONS for more info."),
    ("OperationError", "Failed to execute 'mapAsync' on 'GPUBuffer': Device is lost."),
    (
        "AbortError",
        "Failed to execute 'mapAsync' on 'GPUBuffer': A valid external Instance reference no longer exists.",
    ),
    ("GPUOutOfMemoryError", "Out of memory"),
    ("Error", "the WebGPU device was lost"),
]
_OTHER = [
    ("AbortError", "This operation was aborted"),
    ("AbortError", "signal is aborted without reason"),
    ("RangeError", "quality must be a whole number of 1..100, found 101"),
    ("TypeError", "Failed to fetch memory.js"),
    ("DownloadError", "memory.bin is damaged or of another version: reload the page"),
    ("UnreadableImageError", "the picture needs more memory than there is; restore a smaller one"),
    ("UnusableResultError", "the network gave NaN or infinity instead of samples: choose another network"),
    ("Error", "Non-zero status code returned while running Reshape node"),
]


def _photo(width: int, height: int) -> Image.Image:
    with Image.open(EXAMPLES[0]) as image:
        return image.convert("RGB").resize((width, height))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("memory")
    (folder / "file").write_bytes(jpeg_bytes(_photo(500, 400), quality=30))
    cases = [
        {"name": "enough", "tileSize": 512, "largest": 10**9},
        {"name": "half", "tileSize": 512, "largest": 100_000},
        {"name": "quarter", "tileSize": 512, "largest": 40_000},
        {"name": "odd step", "tileSize": 512, "largest": 40_000, "sizeDivisor": 24},
        {"name": "large step", "tileSize": 512, "largest": 40_000, "sizeDivisor": 512},
        {"name": "nothing helps", "tileSize": 512, "largest": 1000},
        {"name": "small from the start", "tileSize": 64, "largest": 1000},
        {"name": "two at once", "tileSize": 512, "largest": 40_000, "several": 2},
        {"name": "two fail", "tileSize": 512, "largest": 100_000, "several": 2, "isQuick": True},
        {"name": "stopped", "tileSize": 512, "largest": 40_000, "stopped": True},
        {"name": "another error", "tileSize": 512, "largest": 1000, "message": "what is this"},
    ]
    (folder / "cases.json").write_text(json.dumps(cases))
    (folder / "errors.json").write_text(json.dumps(_MEMORY + _OTHER))
    run_node("lack_memory.js", folder)
    return folder


def _found(folder: Path) -> Any:
    return json.loads((folder / "found.json").read_text())


def test_what_lack_of_memory_is(folder: Path) -> None:
    found = dict(zip(_MEMORY + _OTHER, _found(folder)["errors"], strict=True))
    assert {error for error, lacks in found.items() if lacks} == set(_MEMORY)
    assert _found(folder)["others"] == [True, False]


def test_where_memory_lacks_tiles_get_smaller_and_the_result_is_the_same(folder: Path) -> None:
    found = _found(folder)["found"]
    expected = (folder / "enough").read_bytes()
    assert len(expected) == 500 * 400 * 3
    for name, tile_size, opened in (("enough", 512, 0), ("half", 256, 1), ("quarter", 128, 2), ("odd step", 144, 2)):
        assert found[name]["failures"] == []
        assert (found[name]["tileSize"], found[name]["opened"]) == (tile_size, opened)
        assert (folder / name).read_bytes() == expected
        done, total = found[name]["steps"][-1]
        assert done == total
    for name, tile_size in (("two at once", 128), ("two fail", 256)):
        assert found[name]["failures"] == []
        assert found[name]["tileSize"] == tile_size
        assert (folder / name).read_bytes() == 2 * expected


def test_at_the_smallest_size_a_sentence_says_what_to_do(folder: Path) -> None:
    found = _found(folder)["found"]
    for name, tile_size in (("nothing helps", 128), ("small from the start", 64), ("large step", 512)):
        assert found[name]["failures"] == [_SENTENCE]
        assert found[name]["tileSize"] == tile_size
        # Smaller pictures may fit.
        assert found[name]["opened"] > 0
    assert found["stopped"]["failures"] == ["AbortError: This operation was aborted"]
    assert found["another error"] == {"failures": ["Error: what is this"], "steps": [], "tileSize": 512, "opened": 0}


def test_pictures_rest_and_come_back() -> None:
    found = json.loads(run_node("keep_pictures.js"))
    assert found["told"] == [[False, False], [False, False]]
    first, second = [1.5, 1500, -1500], [2.5, 2500, -2500]
    assert found["read"] == [second, first, [3], first, second, first, second]
    assert found["failure"] == "RangeError: there is no picture 0: restore it again"


def _in_browser(test: Any) -> Any:
    return needs_runtime(pytest.mark.slow(pytest.mark.browser(test)))


class _CountingHandler(IsolatedSiteHandler):
    """Counts how often the network is downloaded."""

    count = 0

    def do_GET(self) -> None:  # noqa: N802
        type(self).count += self.path.endswith("/weights.bin")
        super().do_GET()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()


@pytest.fixture(scope="module")
def engine(module_tabs: Any, plain_url: str) -> Tab:
    """With as much memory as it needs."""
    tab: Tab = module_tabs(plain_url)
    tab.call("openEngine")
    return tab


@pytest.fixture
def counting_url(site: Path) -> Iterator[str]:
    yield from served(site, _CountingHandler)


@contextmanager
def _tabs_with(browser: Browser, chromium: str, pages: int) -> Iterator[Callable[[str], Tab]]:
    """A browser that gives each memory of WebAssembly at most so many pages of 64 KiB."""
    flags = [*CHROMIUM_FLAGS, f"--js-flags=--wasm-max-mem-pages={pages}"]
    launched = browser.browser_type.launch(executable_path=chromium, args=flags)
    yield from opened_tabs(launched)
    launched.close()


def _restored(tab: Tab, data: bytes) -> tuple[Any, np.ndarray]:
    found = tab.call("restore", file=base64.b64encode(data).decode(), wishes=[{"format": "png"}])
    assert found["failure"].startswith("RangeError: there is no picture")  # as it was dropped
    with Image.open(BytesIO(base64.b64decode(found["results"][0]["file"]))) as image:
        return found, np.array(image).astype(int)


@_in_browser
def test_a_runtime_without_memory_is_replaced(engine: Tab, browser: Browser, chromium: str, counting_url: str) -> None:
    data = jpeg_bytes(_photo(500, 500), quality=30)
    found, expected = _restored(engine, data)
    assert found["steps"] == [[1, 1]]
    # The runtime begins with 256 pages.
    with _tabs_with(browser, chromium, 290) as limited:
        tab = limited(counting_url)
        tab.call("openEngine")
        found, pixels = _restored(tab, data)
        assert found["steps"] == [[done, 4] for done in range(1, 5)]
        assert np.abs(pixels - expected).max() <= 1
        assert (pixels != expected).mean() < 1e-4
        # Threads have one runtime, and then another.
        assert _CountingHandler.count == 2
        # Later pictures start with these tiles.
        assert _restored(tab, data)[0]["steps"] == found["steps"]


@_in_browser
def test_a_browser_without_memory_says_so(browser: Browser, chromium: str, plain_url: str) -> None:
    with _tabs_with(browser, chromium, 100) as limited:
        tab = limited(plain_url)
        tab.call("openEngine")
        file = base64.b64encode(jpeg_bytes(_photo(90, 60), quality=30)).decode()
        assert tab.call("restore", file=file, wishes=[])["failure"] == _SENTENCE


@_in_browser
def test_pictures_are_finished_after_others_came_between(engine: Tab) -> None:
    photo = _photo(120, 90)
    files = [jpeg_bytes(photo, quality=20), jpeg_bytes(photo.rotate(180), quality=20)]
    found = engine.call("restoreInTurns", files=[base64.b64encode(file).decode() for file in files])
    first, second = found[0], found[1]
    assert first != second
    assert found == [first, second, first, second, second, first]
