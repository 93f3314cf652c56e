"""The pictures of the two pages in the README, with Debian's chromium.

`python docs/screenshot.py` shows the demo on a server, `python docs/screenshot.py --static` the page that restores in
the browser. `--dark` and `--phone` show them as others see them, `--files` gives files instead of an example.
"""

import argparse
import contextlib
import functools
import http.server
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "space"))
_PATIENCE = 120_000


def main() -> None:
    """Open a page, restore an example, photograph it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, nargs="?")
    parser.add_argument("--static", action="store_true")
    parser.add_argument("--example", type=int)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--phone", action="store_true")
    parser.add_argument("--files", type=Path, nargs="+", default=[])
    options = parser.parse_args()
    target = options.target or ROOT / "docs" / ("static-page.png" if options.static else "page.png")
    served, show = (_static_page, _show_static) if options.static else (_demo, _show_demo)
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        size = {"width": 390, "height": 844} if options.phone else {"width": 1280, "height": 900}
        page = browser.new_page(viewport=size, color_scheme="dark" if options.dark else "light")
        page.goto(url)
        show(page, options.files, options.example)
        page.wait_for_timeout(1500)
        page.screenshot(path=target)
        browser.close()


@contextlib.contextmanager
def _demo() -> Iterator[str]:
    import app

    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    yield url


def _show_demo(page: Page, files: list[Path], example: int | None) -> None:
    page.wait_for_selector("#studio .examples button")
    if files:
        page.set_input_files("#studio input[type=file]", files)
    else:
        page.locator(".examples button").nth(3 if example is None else example).click()
    expect(page.locator(".strip li")).to_have_count(max(1, len(files)), timeout=_PATIENCE)
    expect(page.locator(".progress")).to_be_hidden(timeout=_PATIENCE)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def _static_page() -> Iterator[str]:
    from argan_hf.hub.static_page import write_static

    with tempfile.TemporaryDirectory() as scratch:
        site = Path(scratch) / "site"
        write_static(site)
        handler = functools.partial(_Quiet, directory=site)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()


def _show_static(page: Page, files: list[Path], example: int | None) -> None:
    page.wait_for_selector("body[data-ready]")
    if files:
        page.set_input_files("input.file", files)
    else:
        # It was saved twice.
        page.locator(".examples button").nth(3 if example is None else example).click()
    expect(page.locator(".tray li")).to_have_count(max(1, len(files)), timeout=_PATIENCE)
    expect(page.locator(".work")).to_be_hidden(timeout=_PATIENCE)
    expect(page.locator(".facts dt").nth(1)).to_be_visible(timeout=_PATIENCE)


if __name__ == "__main__":
    main()
