"""The page of the staged site, as visitors use it."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.web.tabs import watched

TIMEOUT = 60_000


class SitePage:
    """The page, open in a browser."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def give(self, *files: Path) -> None:
        """Choose files."""
        self.page.set_input_files("input.file", list(files))

    def drop(self, **files: bytes) -> None:
        """Drop files; names are given with "_" for the dot."""
        self._transfer("drop", {name.replace("_", "."): data for name, data in files.items()})

    def paste(self, **files: bytes) -> None:
        """Paste files."""
        self._transfer("paste", {name.replace("_", "."): data for name, data in files.items()})

    def _transfer(self, kind: str, files: dict[str, bytes]) -> None:
        self.page.evaluate(
            """([kind, files]) => {
                const transfer = new DataTransfer();
                for (const [name, bytes] of Object.entries(files)) {
                    transfer.items.add(new File([new Uint8Array(bytes)], name));
                }
                if (kind === "paste") {
                    const clipboardData = transfer;
                    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
                    return;
                }
                for (const type of ["dragenter", "dragover", "drop"]) {
                    document.body.dispatchEvent(
                        new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }),
                    );
                }
            }""",
            [kind, {name: list(data) for name, data in files.items()}],
        )

    def reset(self) -> None:
        """Take all pictures away, and set everything as it is in the beginning."""
        self.release()
        self.page.evaluate(
            """() => {
                for (const button of document.querySelectorAll(".tray .remove")) {
                    button.click();
                }
                const defaults = { strength: 100, realism: 0, faithful: true, format: "png" };
                for (const [name, value] of Object.entries(defaults)) {
                    const input = document.querySelector(`.panel [name=${name}]`);
                    input[value === true ? "checked" : "value"] = value;
                    input.dispatchEvent(new Event("input", { bubbles: true }));
                    input.dispatchEvent(new Event("change", { bubbles: true }));
                }
                document.querySelector(".panel details").open = false;
            }"""
        )
        expect(self.page.locator(".intake")).to_be_visible()
        self.answered()

    def states(self, **expected: str) -> None:
        """Wait until pictures are in states, by the stem of their names."""
        for stem, state in expected.items():
            entry = self.page.locator(".tray li").filter(has_text=re.compile(rf"^{re.escape(stem)}\."))
            expect(entry).to_have_attribute("data-state", state, timeout=TIMEOUT)

    def shown(self) -> None:
        """Wait until the result of the selected picture is on the stage."""
        expect(self.page.locator(".facts dt").nth(1)).to_be_visible(timeout=TIMEOUT)

    def look_at(self, stem: str) -> None:
        """Select a picture."""
        self.page.locator(".pick").filter(has_text=re.compile(rf"^{re.escape(stem)}\.")).click()

    def download(self, selector: str = ".download") -> tuple[str, bytes]:
        """Name and bytes of a download."""
        expect(self.page.locator(selector)).to_have_attribute("aria-disabled", "false", timeout=TIMEOUT)
        with self.page.expect_download(timeout=TIMEOUT) as event:
            self.page.click(selector)
        return event.value.suggested_filename, event.value.path().read_bytes()

    def hold(self, name: str, tiles: int = 0) -> None:
        """From now on, hold what calls of a function of the engine tell after so many tiles; first of all, or later."""
        self._call_held_answers("hold", name, tiles)

    def release(self) -> None:
        """Tell the page what was held."""
        self._call_held_answers("release")

    def answered(self) -> None:
        """Wait until the engine has answered all that it was asked; `hold` or this came before the first picture."""
        self._call_held_answers("allAnswered")
        self.drawn()

    def _call_held_answers(self, name: str, *arguments: object) -> None:
        script = "([name, given]) => import('/tests/held_answers.js').then((held) => held[name](...given))"
        self.page.evaluate(script, [name, arguments])

    def drawn(self) -> None:
        """Wait until the stage is drawn: this is done before the next frame of the screen."""
        self.page.evaluate("() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")

    def canvas(self) -> np.ndarray:
        """What the stage shows, uint8 (H, W, 4)."""
        self.drawn()
        url = self.page.evaluate("document.querySelector('.stage canvas').toDataURL().split(',')[1]")
        with Image.open(io.BytesIO(base64.b64decode(url))) as image:
            return np.array(image.convert("RGBA"))

    def set_range(self, name: str, value: int, *, released: bool = True) -> None:
        """Move a slider."""
        self.page.locator(f"input[name={name}]").evaluate(
            """(input, [value, released]) => {
                input.value = value;
                input.dispatchEvent(new Event("input", { bubbles: true }));
                if (released) input.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            [value, released],
        )


def opened_pages(browser: Browser) -> Iterator[Any]:
    """Opens the page; afterwards, it may not have asked another machine or complained."""
    with watched(browser) as new_context:

        def open_page(url: str, **options: Any) -> SitePage:
            context = options.pop("context", None) or new_context(**options)
            page = context.new_page()
            page.goto(url)
            page.wait_for_selector("body[data-ready]", timeout=TIMEOUT)
            return SitePage(page)

        yield open_page


def pixels(data: bytes) -> np.ndarray:
    """The pixels of a file."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image).astype(int)
