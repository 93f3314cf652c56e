"""What people do on the page, for the tests that drive a browser."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from argan_hf.cli import main

TIMEOUT = 60_000


def give(page: Page, *paths: Path) -> None:
    """Choose files."""
    page.set_input_files("#studio input[type=file]", list(paths))


def report(page: Page, words: str) -> None:
    """Wait for words of the report."""
    expect(page.locator(".report")).to_contain_text(words, timeout=TIMEOUT)


def all_done(page: Page, count: int) -> None:
    """Wait until nothing is worked on."""
    expect(page.locator(".strip li")).to_have_count(count, timeout=TIMEOUT)
    expect(page.locator(".progress")).to_be_hidden(timeout=TIMEOUT)
    expect(page.locator(".strip .state")).not_to_contain_text(["working", "waiting"])


def download(page: Page, selector: str = ".download") -> tuple[str, bytes]:
    """Name and bytes of a download."""
    expect(page.locator(selector)).to_be_visible(timeout=TIMEOUT)
    with page.expect_download() as event:
        page.click(selector)
    return event.value.suggested_filename, event.value.path().read_bytes()


def pixels(data: bytes) -> np.ndarray:
    """The pixels of a file."""
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def by_hand(path: Path, folder: Path, *options: str) -> bytes:
    """What the command line writes of a file, with the page's settings."""
    target = folder / "by-hand.png"
    assert main(["restore", str(path), "-o", str(target), "--overwrite", "--realism", "0.25", *options]) == 0
    return target.read_bytes()


def paste(page: Page, data: bytes, name: str, kind: str) -> None:
    """Paste a file."""
    page.evaluate(
        """([bytes, name, type]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }""",
        [list(data), name, kind],
    )


def drop(page: Page, data: bytes, name: str) -> None:
    """Drop a file, not on any field for it."""
    page.evaluate(
        """([bytes, name]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
            const footer = document.querySelector("footer") || document.body;
            for (const kind of ["dragover", "drop"])
                footer.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        [list(data), name],
    )


def png(image: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
