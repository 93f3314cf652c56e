"""The page in a real browser: Debian's chromium, no request leaves the machine."""

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from argan_hf import JpegRestorer
from tests.conftest import jpeg_bytes

SPACE = Path(__file__).parents[2] / "space"
sys.path.insert(0, str(SPACE))  # as Python does for `python space/app.py`

# What Gradio logs on its own.
_KNOWN = ("Method not implemented.",)


def run_async(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread of its own: after a browser was started, the main thread has a running loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@pytest.fixture(scope="session")
def page_url() -> str:
    import app

    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    return url


@pytest.fixture
def page(browser: Browser, page_url: str) -> Iterator[Page]:
    """The opened page; fails the test afterwards if anything asked another machine or an error was logged."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.goto(page_url)
    page.wait_for_selector("#studio .examples button")
    yield page
    page.close()
    foreign = [url for url in asked if not url.startswith((page_url, "data:", "blob:"))]
    assert not foreign
    assert not [text for text in errors if not text.startswith(_KNOWN)]


@pytest.fixture
def jpeg(tmp_path: Path, photo: Image.Image) -> Path:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(jpeg_bytes(photo, quality=17))
    return path


class Gate:
    """Holds the network back for pictures of one width."""

    def __init__(self) -> None:
        self.began, self.go_on, self.runs = threading.Event(), threading.Event(), 0
        self.width: int | None = None


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate, reconstruct = Gate(), JpegRestorer.reconstruct

    def held(
        self: JpegRestorer, source: Any, *arguments: Any, progress: Callable[[int, int], None], **options: Any
    ) -> Any:
        gate.runs += 1
        with Image.open(source) as image:
            is_held = image.width == gate.width
        while is_held and not gate.go_on.wait(0.02):
            progress(1, 2)
            gate.began.set()
        return reconstruct(self, source, *arguments, progress=progress, **options)

    with monkeypatch.context() as patched:
        patched.setattr(JpegRestorer, "reconstruct", held)
        yield gate
        gate.go_on.set()
