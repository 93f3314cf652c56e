"""The page in a real browser: Debian's chromium, no request leaves the machine."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

SPACE = Path(__file__).parents[2] / "space"
_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
# What Gradio logs on its own.
_KNOWN = ("Method not implemented.",)


@pytest.fixture(scope="session")
def page_url() -> Iterator[str]:
    sys.path.insert(0, str(SPACE))
    import app

    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url
    sys.path.remove(str(SPACE))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next((path for name in names if (path := shutil.which(name))), None)
    if chromium is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(_FLAGS))
        yield browser
        browser.close()


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
    yield page
    page.close()
    foreign = [url for url in asked if not url.startswith((page_url, "data:", "blob:"))]
    assert not foreign
    assert not [text for text in errors if not text.startswith(_KNOWN)]
