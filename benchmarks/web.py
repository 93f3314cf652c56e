"""The default network in a browser beside the same network outside of it, and whole files: `python benchmarks/web.py`.

CPU seconds per megapixel of one thread, what a first visit downloads, and the memory of the page's process. It needs
chromium, Node.js, and `npm ci --prefix web --ignore-scripts`.
"""

import argparse
import gzip
import http.server
import json
import shutil
import subprocess
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.export import export_onnx, export_web
from argan_hf.tiling import tiles

WEB = Path(__file__).parents[1] / "web"
EXAMPLE = sorted((WEB.parent / "space" / "examples").glob("*.png"))[0]
TILE = 512
STEP = 16
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")

OPEN = """async (workers) => {
  const { openNetwork } = await import("/engine/tiled_network.js");
  const [runtime, weights] = ["runtime/", "weights/"].map((name) => `${location.origin}/${name}`);
  window.network = await openNetwork({ runtime, weights, backend: "wasm", workers });
  await window.network.runTiles([new Uint8Array(256)], 16, 16, null, [
    { rows: [0, 16], columns: [0, 16], outerRows: [0, 16], outerColumns: [0, 16] },
  ]);
  return window.network.config;
}"""

RUN = """async ([width, height, tileSize, step]) => {
  const { tiles } = await import("/engine/tiles.js");
  const plan = tiles(width, height, tileSize, window.network.config.tileMargin, step);
  const planes = [3, 5, 7].map((odd) => Uint8Array.from({ length: width * height }, (_, at) => (at * odd) >> 4));
  const start = performance.now();
  await window.network.runTiles(planes, width, height, null, plan);
  return (performance.now() - start) / 1000;
}"""


WHOLE = """async (name) => {
  const { Engine } = await import("/engine/engine.js");
  const [runtime, weights] = ["runtime/", "weights/"].map((folder) => `${location.origin}/${folder}`);
  const engine = await Engine.open({ runtime, weights, backend: "wasm" });
  const bytes = new Uint8Array(await (await fetch(name)).arrayBuffer());
  const start = performance.now();
  const picture = await engine.reconstruct(bytes);
  const middle = performance.now();
  await engine.encode(picture, "png");
  return [middle - start, performance.now() - middle].map((milliseconds) => milliseconds / 1000);
}"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def _renderer(browser: Browser) -> int:
    """The process of the only page: of several that wait for pages, it is the one that has worked."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    return int(max((one for one in processes if one["type"] == "renderer"), key=lambda one: one["cpuTime"])["id"])


def _cpu_seconds(process: int) -> float:
    # Behind the name, which may hold spaces: user and system time are the 14th and 15th entries of all.
    entries = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(entries[11]) + int(entries[12])) / 100


def _megabytes(process: int, file: str, entry: str) -> float:
    lines = Path(f"/proc/{process}/{file}").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{entry}:")).split()[1]) / 1000


def in_browser(browser: Browser, url: str, size: tuple[int, int], workers: int) -> dict[str, float]:
    """One picture in a page of its own.

    Args:
        browser: without other pages.
        url: of the staged site.
        size: width and height.
        workers: of one thread each.

    Returns:
        CPU and wall seconds of the run alone, PSS after it and the peak of RSS in MB.
    """
    page = browser.new_page()
    page.goto(url)
    page.evaluate(OPEN, workers)
    process = _renderer(browser)
    before = _cpu_seconds(process)
    wall = page.evaluate(RUN, [*size, TILE, STEP])
    found = {
        "cpu": _cpu_seconds(process) - before,
        "wall": float(wall),
        "pss": _megabytes(process, "smaps_rollup", "Pss"),
        "peak": _megabytes(process, "status", "VmHWM"),
    }
    page.close()
    return found


def whole_file(browser: Browser, url: str, name: str) -> dict[str, float]:
    """A JPEG file of the site restored in a page of its own, and written as PNG.

    Args:
        browser: without other pages.
        url: of the staged site.
        name: of the file.

    Returns:
        CPU seconds of all, wall seconds until the network has done its work and of the rest, and the peak of RSS in MB.
    """
    page = browser.new_page()
    page.goto(url)
    reconstruct, finish = page.evaluate(WHOLE, name)
    process = _renderer(browser)
    found = {
        "cpu": _cpu_seconds(process),
        "reconstruct": float(reconstruct),
        "finish": float(finish),
        "peak": _megabytes(process, "status", "VmHWM"),
    }
    page.close()
    return found


def outside(path: Path, size: tuple[int, int], margin: int) -> float:
    """CPU seconds of ONNX Runtime for the same tiles, one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    width, height = size
    planes = np.random.default_rng(0).random((1, 3, height, width), np.float32)
    tables = np.zeros((1, 3, 8, 8), np.int32)
    plan = tiles(height, width, TILE, margin, STEP)
    session.run(None, {"pixel_values": planes[:, :, :16, :16], "quantization": tables})
    start = time.process_time()
    for tile in plan:
        part = np.ascontiguousarray(planes[:, :, tile.outer_rows, tile.outer_columns])
        session.run(None, {"pixel_values": part, "quantization": tables})
    return time.process_time() - start


def first_visit(site: Path) -> list[tuple[str, int, int]]:
    """Name, bytes and bytes as they are downloaded, if the server compresses texts, of what a first visit needs."""
    runtime = [
        path for path in (site / "runtime").iterdir() if "asyncify" not in path.name and "webgpu" not in path.name
    ]
    groups = {
        "graph and manifest": [site / "weights" / "graph.onnx", site / "weights" / "manifest.json"],
        "weights": [site / "weights" / "weights.bin"],
        "weights for realism (later)": [site / "weights" / "weights-realism.bin"],
        "runtime, processor": runtime,
        "runtime, graphics card": [path for path in (site / "runtime").iterdir() if path not in runtime],
        "engine": list((site / "engine").rglob("*.js")),
    }
    rows = []
    for name, paths in groups.items():
        files = [path.read_bytes() for path in paths]
        whole = sum(len(gzip.decompress(data)) if data[:2] == b"\x1f\x8b" else len(data) for data in files)
        rows.append((name, whole, sum(min(len(data), len(gzip.compress(data, 9))) for data in files)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workers", type=int, default=1, help="of one thread each (default: %(default)s)")
    parser.add_argument("--sizes", nargs="*", default=["1024x1024", "4000x3000"], help="(default: %(default)s)")
    args = parser.parse_args()
    sizes: list[Any] = [tuple(map(int, size.split("x"))) for size in args.sizes]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        export_web(DEFAULT_CHECKPOINT, folder / "weights")
        export_onnx(DEFAULT_CHECKPOINT, folder / "told.onnx", kind="told")
        margin = json.loads((folder / "weights" / "manifest.json").read_text())["tile_margin"]
        site = folder / "site"
        subprocess.run(["node", WEB / "stage.js", site, folder / "weights"], check=True)
        (site / "index.html").write_text("<!doctype html><title>Benchmark</title>")
        print("| first visit | bytes | downloaded |\n|---|---|---|")
        for name, whole, downloaded in first_visit(site):
            print(f"| {name} | {whole:,} | {downloaded:,} |")
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=site))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        print(
            f"\n| picture, tiles of {TILE} | browser, CPU s/MP | wall s | outside, CPU s/MP | PSS, MB | peak RSS, MB |"
        )
        print("|---|---|---|---|---|---|")
        with sync_playwright() as playwright:
            for size in sizes:
                # A browser of its own, too: the peak is that of the process.
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
                found = in_browser(browser, url, size, args.workers)
                browser.close()
                megapixels = size[0] * size[1] / 1e6
                beside = outside(folder / "told.onnx", size, margin) / megapixels
                print(
                    f"| {size[0]}x{size[1]} | {found['cpu'] / megapixels:.2f} | {found['wall']:.1f} | {beside:.2f} "
                    f"| {found['pss']:.0f} | {found['peak']:.0f} |",
                    flush=True,
                )
            print("\n| JPEG file -> PNG | CPU s/MP | until restored, s | strength, faithful, PNG: s | peak RSS, MB |")
            print("|---|---|---|---|---|")
            for width, height in sizes:
                name = f"{width}x{height}.jpg"
                with Image.open(EXAMPLE) as image:
                    image.convert("RGB").resize((width, height)).save(site / name, quality=75)
                browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
                found = whole_file(browser, url, name)
                browser.close()
                print(
                    f"| {width}x{height} | {found['cpu'] / (width * height / 1e6):.2f} | {found['reconstruct']:.1f} "
                    f"| {found['finish']:.1f} | {found['peak']:.0f} |",
                    flush=True,
                )
        server.shutdown()


if __name__ == "__main__":
    main()
