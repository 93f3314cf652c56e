"""The picture of the page in the README: `python docs/screenshot.py [FILE]`, with Debian's chromium.

`--dark` and `--phone` show the page as others see it.
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
    options = parser.parse_args()

    import app

    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        size = {"width": 390, "height": 844} if options.phone else {"width": 1200, "height": 1000}
        page = browser.new_page(viewport=size, color_scheme="dark" if options.dark else "light")
        page.goto(url)
        page.locator("button.gallery-item").nth(options.example).click()
        expect(page.locator("#report")).to_contain_text("restored", timeout=60_000)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(1500)
        page.screenshot(path=options.target, full_page=options.phone)
        browser.close()


if __name__ == "__main__":
    main()
