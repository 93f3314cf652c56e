"""The picture of the page in the README: `python docs/screenshot.py [FILE]`, with Debian's chromium.

`--dark` and `--phone` show the page as others see it, `--files` gives files instead of an example.
"""

import argparse
import shutil
import sys
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "space"))


def main() -> None:
    """Open the page, restore an example, photograph it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path, nargs="?", default=ROOT / "docs" / "page.png")
    parser.add_argument("--example", type=int, default=3)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--phone", action="store_true")
    parser.add_argument("--files", type=Path, nargs="+", default=[])
    options = parser.parse_args()

    import app

    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        size = {"width": 390, "height": 844} if options.phone else {"width": 1280, "height": 900}
        page = browser.new_page(viewport=size, color_scheme="dark" if options.dark else "light")
        page.goto(url)
        page.wait_for_selector("#studio .examples button")
        if options.files:
            page.set_input_files("#studio input[type=file]", options.files)
        else:
            page.locator(".examples button").nth(options.example).click()
        expect(page.locator(".strip li")).to_have_count(max(1, len(options.files)), timeout=60_000)
        expect(page.locator(".progress")).to_be_hidden(timeout=60_000)
        page.wait_for_timeout(1500)
        page.screenshot(path=options.target)
        browser.close()


if __name__ == "__main__":
    main()
