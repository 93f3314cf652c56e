"""A small network for the browser, and the site that serves it over real HTTP: isolated, and not."""

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from PIL import Image
from playwright.sync_api import Browser

from argan_hf.checkpoint_files import locate
from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.export import export_web
from tests.conftest import EXAMPLES
from tests.export.conftest import tiny_checkpoint, with_realism
from tests.web.node import WEB
from tests.web.site_page import opened_pages
from tests.web.tabs import opened_tabs


@dataclass(frozen=True)
class WebNetwork:
    """A checkpoint, and the folder that was made of it for browsers."""

    checkpoint: Path
    folder: Path


def _made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder that the first of several test processes makes; it is for reading."""
    # The folder of a worker of pytest-xdist lies in that of the run.
    folder = factory.getbasetemp() / name
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent.parent / name
    with FileLock(folder.with_suffix(".lock")):
        if not folder.with_suffix(".made").exists():
            make(folder)
            folder.with_suffix(".made").touch()
    return folder


@pytest.fixture(scope="session")
def tiny_network(tmp_path_factory: pytest.TempPathFactory) -> WebNetwork:
    """Three planes, conditioned, with realism."""

    def make(folder: Path) -> None:
        export_web(with_realism(tiny_checkpoint(folder / "net")), folder / "web")

    folder = _made_once(tmp_path_factory, "tiny-web-network", make)
    return WebNetwork(folder / "net", folder / "web")


@pytest.fixture(scope="session")
def default_network(tmp_path_factory: pytest.TempPathFactory) -> WebNetwork:
    """The shipped network for color."""
    export = functools.partial(export_web, DEFAULT_CHECKPOINT)
    return WebNetwork(locate(DEFAULT_CHECKPOINT), _made_once(tmp_path_factory, "default-web-network", export))


@pytest.fixture(scope="session")
def site(tiny_network: WebNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The staged site, with a page for tests, and with a damaged network in `damaged/`."""

    def make(folder: Path) -> None:
        examples = folder.with_name("site-examples")
        examples.mkdir()
        for path in EXAMPLES[:2]:
            with Image.open(path) as image:
                image.convert("RGB").crop((200, 100, 360, 220)).save(examples / f"{path.stem}.jpg", quality=20)
        command = ["node", WEB / "stage.js", folder, tiny_network.folder, examples, "https://example.org/demo"]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        shutil.copytree(WEB / "tests", folder / "tests")
        shutil.copy(WEB / "tests" / "service_worker.js", folder)  # It serves its own folder and those in it.
        (folder / "blank.html").write_text('<!doctype html><title>Test</title><link rel="icon" href="data:,">')
        shutil.copytree(folder / "weights", folder / "damaged")
        damaged = bytearray((folder / "damaged" / "weights.bin").read_bytes())
        damaged[0] ^= 1
        (folder / "damaged" / "weights.bin").write_bytes(damaged)

    return _made_once(tmp_path_factory, "site", make)


class SiteHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files, and lets pages ask no other server."""

    protocol_version = "HTTP/1.1"
    is_isolated = False

    def end_headers(self) -> None:
        # Whatever asks another server fails, in workers of workers as well.
        self.send_header("Content-Security-Policy", "default-src 'self' data:; script-src 'self' 'wasm-unsafe-eval'")
        if self.is_isolated:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        pass


class IsolatedSiteHandler(SiteHandler):
    """Sends the headers by which pages may share memory with their workers."""

    is_isolated = True


class _Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *request: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # Pages stop downloads, and are closed.
            super().handle_error(*request)


def served(folder: Path, handler: type[SiteHandler]) -> Iterator[str]:
    """A folder over HTTP, at this address."""
    with _Server(("127.0.0.1", 0), functools.partial(handler, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def isolated_url(site: Path) -> Iterator[str]:
    """The site with the headers by which pages may share memory with their workers."""
    yield from served(site, IsolatedSiteHandler)


@pytest.fixture(scope="session")
def plain_url(site: Path) -> Iterator[str]:
    """The site as any server of files serves it."""
    yield from served(site, SiteHandler)


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """Serves a folder as any server of files does; gives its address."""
    with contextlib.ExitStack() as stack:
        yield lambda folder: stack.enter_context(contextlib.contextmanager(served)(folder, SiteHandler))


@pytest.fixture
def tabs(browser: Browser) -> Iterator[Any]:
    """Opens pages; afterwards, none may have asked another machine or complained."""
    yield from opened_tabs(browser)


@pytest.fixture
def pages(browser: Browser) -> Iterator[Any]:
    """Opens the page of the site; afterwards, it may not have asked another machine or complained."""
    yield from opened_pages(browser)


@pytest.fixture(scope="module")
def module_tabs(browser: Browser) -> Iterator[Any]:
    """`tabs` for all tests of a file."""
    yield from opened_tabs(browser)


@pytest.fixture(scope="module")
def module_pages(browser: Browser) -> Iterator[Any]:
    """`pages` for all tests of a file."""
    yield from opened_pages(browser)


@pytest.fixture
def tabs_with_webgpu(browser_with_webgpu: Browser) -> Iterator[Any]:
    yield from opened_tabs(browser_with_webgpu)


@pytest.fixture(scope="session")
def browser_with_webgpu(browser: Browser, chromium: str) -> Iterator[Browser]:
    """A browser whose graphics card is a program (SwiftShader)."""
    # The flags of the other one turn all graphics cards off.
    flags = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    flags += ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
    launched = browser.browser_type.launch(executable_path=chromium, args=flags)
    yield launched
    launched.close()
