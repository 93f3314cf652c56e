"""What is told of downloads, from servers of all kinds and through a service worker."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.web.conftest import SiteHandler, served
from tests.web.node import needs_node, needs_runtime, run_node
from tests.web.tabs import Tab


def _in_browser(test: Any) -> Any:
    return needs_runtime(pytest.mark.slow(pytest.mark.browser(test)))


class _CompressingHandler(SiteHandler):
    """Compresses on the way, and takes files that are compressed for files that it compressed."""

    def do_GET(self) -> None:  # noqa: N802
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        data = path.read_bytes()
        data = data if path.suffix == ".gz" else gzip.compress(data, 1)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path.with_name(path.name.removesuffix(".gz"))))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="module")
def compressing_url(site: Path) -> Iterator[str]:
    yield from served(site, _CompressingHandler)


def _sizes(site: Path) -> tuple[int, int]:
    """Bytes of network and runtime as they are stored, and with the runtime inflated."""
    weights = sum((site / "weights" / name).stat().st_size for name in ("graph.onnx", "weights.bin"))
    runtime = (site / "runtime" / "ort-wasm-simd-threaded.wasm.gz").read_bytes()
    return weights + len(runtime), weights + len(gzip.decompress(runtime))


def _told(tab: Tab) -> list[int]:
    """The totals."""
    loaded, total = (list(numbers) for numbers in zip(*tab.call("open")["downloaded"], strict=True))
    assert loaded == sorted(loaded)
    assert loaded[-1] == total[-1]
    assert all(not of or done <= of for done, of in zip(loaded, total, strict=True))
    return total


@needs_node
@pytest.mark.parametrize(
    ("headers", "totals"),
    [
        ({"Content-Length": "10"}, [10, 10, 10, 10]),
        ({}, [0, 0, 0, 10]),
        ({"Content-Length": "7", "Content-Encoding": "br"}, [0, 0, 0, 10]),
        # A service worker that inflated it.
        ({"Content-Length": "7"}, [7, 0, 0, 10]),
    ],
)
def test_a_total_is_told_if_it_can_be_true(headers: dict[str, str], totals: list[int]) -> None:
    told = json.loads(run_node("tell_progress.js", json.dumps(headers)))
    assert told == [[loaded, total] for loaded, total in zip((4, 8, 10, 10), totals, strict=True)]


@_in_browser
def test_all_bytes_are_known_beforehand(tabs: Any, plain_url: str, site: Path) -> None:
    tab = tabs(plain_url)
    stored, _ = _sizes(site)
    assert set(_told(tab)) == {stored}
    tab.call("keepFiles")
    for _ in ("first", "kept"):
        assert set(_told(tab)) == {stored}


@_in_browser
def test_nothing_wrong_is_told_of_what_is_compressed_on_the_way(tabs: Any, compressing_url: str, site: Path) -> None:
    tab = tabs(compressing_url)
    stored, inflated = _sizes(site)
    # The runtime may be there before the network begins to come.
    assert set(_told(tab)) <= {0, inflated}
    tab.call("keepFiles")
    for _ in ("first", "kept"):
        # The length of what was compressed is believed until more has come.
        assert set(_told(tab)) <= {0, stored, inflated}
