"""What a visit of the static page costs, and whether its results are those of the package: `python benchmarks/page.py`.

Bytes that a static web server sends, times until a picture is restored, and samples that differ from `JpegRestorer`. It
needs chromium, Node.js and npm. The server is on this machine: the time that a connection takes comes on top.
"""

import argparse
import contextlib
import http.server
import io
import shutil
import statistics
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageCms
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from argan_hf import JpegRestorer
from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.hub.static_page import stage_static

EXAMPLE = "dog.jpg"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
REST = "page and engine"
GROUPS = {"runtime": "runtime", "weights": "network", "examples": "examples"}
SERVERS: dict[str, dict[str, str]] = {
    "without the headers": {},
    "with the headers": {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"},
}
# By then, the browser has asked for another version of the service worker.
AFTERWARDS_MS = 5000
TIMEOUT_MS = 180_000

READY = """async () => {
  while (document.body?.dataset.ready === undefined) {
    await new Promise(requestAnimationFrame);
  }
  return performance.now() / 1000;
}"""

# A tile is seen as soon as there is something to compare; the facts come with the result.
RESTORE = """async (name) => {
  const began = performance.now();
  document.querySelector(`.examples img[src$="/${name}"]`).closest("button").click();
  const times = [];
  for (const selector of [".stage.compares", ".tray li[data-state=done]", ".facts dt:nth-of-type(2)"]) {
    while (!document.querySelector(selector)) {
      if (document.querySelector(".tray li[data-state=failed]")) {
        throw new Error(document.querySelector(".cover").textContent);
      }
      await new Promise(requestAnimationFrame);
    }
    times.push((performance.now() - began) / 1000);
  }
  return times;
}"""


class _Server(http.server.ThreadingHTTPServer):
    """A static web server that compresses nothing, and notes what it sends."""

    def __init__(self, folder: Path, headers: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), partial(_Handler, directory=folder))
        self.headers = headers
        self.requests: list[str] = []
        self.sent: list[tuple[str, int]] = []


class _Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def end_headers(self) -> None:
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        super().copyfile(source, outputfile)
        self.server.sent.append((self.path, source.tell()))

    def log_request(self, code: Any = "-", *_: object) -> None:
        self.server.requests.append(f"{self.path} ({int(code)})")


@contextlib.contextmanager
def served(folder: Path, headers: dict[str, str]) -> Iterator[tuple[_Server, str]]:
    with _Server(folder, headers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server, f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextlib.contextmanager
def launched(playwright: Playwright) -> Iterator[tuple[Browser, BrowserContext]]:
    """A browser of its own, which has kept nothing."""
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
    context = browser.new_context()
    context.set_default_timeout(TIMEOUT_MS)
    yield browser, context
    browser.close()


def opened(context: BrowserContext, url: str) -> tuple[Page, float]:
    """The page, and the seconds after which it was ready."""
    page = context.new_page()
    page.goto(url, wait_until="commit")
    return page, float(page.evaluate(READY))


def visit(playwright: Playwright, site: Path) -> None:
    """Print what is sent in a first and in a second visit."""
    with served(site, {}) as (server, url), launched(playwright) as (_, context):

        def row(name: str) -> None:
            groups = [(GROUPS.get(path.split("/")[1], REST), size) for path, size in server.sent]
            counts = [sum(size for group, size in groups if group == one) for one in (REST, *GROUPS.values())]
            print(f"| {name} | {' | '.join(f'{count:,}' for count in (*counts, sum(counts)))} |", flush=True)

        print(f"| bytes sent | {REST} | {' | '.join(GROUPS.values())} | all |\n|---|---|---|---|---|---|")
        page, _ = opened(context, url)
        page.evaluate("navigator.serviceWorker.ready.then(() => {})")
        page.wait_for_timeout(AFTERWARDS_MS)
        row("first visit, until the page is ready")
        page.evaluate(RESTORE, EXAMPLE)
        page.wait_for_timeout(AFTERWARDS_MS)
        row("first visit, until an example is restored")
        sent = Counter(path for path, _ in server.sent)
        page.close()
        server.sent.clear()
        server.requests.clear()
        page, _ = opened(context, url)
        page.evaluate(RESTORE, EXAMPLE)
        page.wait_for_timeout(AFTERWARDS_MS)
        row("second visit, until an example is restored")
        print(f"\nSent twice in the first visit: {', '.join(path for path in sent if sent[path] > 1) or 'nothing'}.")
        print(f"Asked for in the second visit: {', '.join(server.requests) or 'nothing'}.")


def _cpu_seconds(browser: Browser) -> float:
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return float(sum(one["cpuTime"] for one in processes))


def _timed_visit(browser: Browser, context: BrowserContext, url: str) -> list[float]:
    page, ready = opened(context, url)
    before = _cpu_seconds(browser)
    times = page.evaluate(RESTORE, EXAMPLE)
    found = [ready, *times, _cpu_seconds(browser) - before, float(page.evaluate("crossOriginIsolated"))]
    page.close()
    return found


def time_visits(playwright: Playwright, site: Path, turns: int) -> None:
    """Print the times of first and second visits."""
    print("| server | visit | runs in | page ready, s | first tile, s | restored, s | on the stage, s | CPU s |")
    print("|---|---|---|---|---|---|---|---|")
    for name, headers in SERVERS.items():
        visits: dict[str, list[list[float]]] = {"first": [], "second": []}
        for _ in range(turns):
            with served(site, headers) as (_, url), launched(playwright) as (browser, context):
                for found in visits.values():
                    found.append(_timed_visit(browser, context, url))
        for which, found in visits.items():
            *medians, isolated = (statistics.median(column) for column in zip(*found, strict=True))
            times = " | ".join(f"{median:.1f}" for median in medians)
            print(f"| {name} | {which} | {'threads' if isolated else 'workers'} | {times} |", flush=True)


def _downloads(context: BrowserContext, url: str, files: list[Path]) -> list[bytes]:
    page, _ = opened(context, url)
    page.set_input_files("input.file", files)
    found = []
    for number in range(1, len(files) + 1):
        page.click(f".tray li:nth-child({number}) .pick")
        page.wait_for_selector(f".tray li:nth-child({number})[data-state=done]")
        page.wait_for_selector(".download[aria-disabled=false]")
        with page.expect_download() as event:
            page.click(".download")
        found.append(event.value.path().read_bytes())
    page.close()
    return found


def equality(playwright: Playwright, site: Path, scratch: Path) -> None:
    """Print how many samples of the downloads differ, and whether metadata do."""
    files = sorted((site / "examples").glob("*.jpg"))
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"  # It is turned.
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(files[0]) as image:
        image.save(scratch / "described.jpg", quality=30, exif=exif, icc_profile=profile)
    files.append(scratch / "described.jpg")
    found = []
    for headers in SERVERS.values():
        with served(site, headers) as (_, url), launched(playwright) as (_, context):
            found.append(_downloads(context, url, files))
    restorer = JpegRestorer.from_pretrained(DEFAULT_CHECKPOINT, device="cpu", dtype=torch.float32)
    print("| file | samples | differ | of 100,000 | by at most | ICC and Exif |\n|---|---|---|---|---|---|")
    total = np.zeros(3, np.int64)
    for path, data in zip(files, found[0], strict=True):
        expected = restorer(path).encode(".png")[0]
        with Image.open(io.BytesIO(data)) as image, Image.open(io.BytesIO(expected)) as other:
            difference = np.abs(np.array(image).astype(int) - np.array(other))
            described, wanted = ((one.info.get("icc_profile"), dict(one.getexif())) for one in (image, other))
        counts = np.array([difference.size, (difference > 0).sum(), difference.max()])
        total = np.append(total[:2] + counts[:2], max(total[2], counts[2]))
        state = "DIFFERENT" if described != wanted else "equal" if all(wanted) else "neither has any"
        print(f"| {path.name} | {_cells(counts)} | {state} |")
    print(f"| all | {_cells(total)} | |\n")
    changed = [path.name for path, *data in zip(files, *found, strict=True) if data[0] != data[1]]
    print(f"Files that differ between workers and threads: {', '.join(changed) or 'none'}.")


def _cells(counts: np.ndarray) -> str:
    samples, differing, largest = map(int, counts)
    return f"{samples:,} | {differing:,} | {1e5 * differing / samples:.2f} | {largest}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["visit", "time", "equality"], help="one part (default: all)")
    parser.add_argument("--turns", type=int, default=3, help="of which times are the median (default: %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, sync_playwright() as playwright:
        site = Path(temporary) / "site"
        site.mkdir()
        stage_static(site)
        parts = {
            "visit": partial(visit, playwright, site),
            "time": partial(time_visits, playwright, site, args.turns),
            "equality": partial(equality, playwright, site, Path(temporary)),
        }
        for name in [args.only] if args.only else parts:
            parts[name]()
            print()


if __name__ == "__main__":
    main()
