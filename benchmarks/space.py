"""The demo under load: `python benchmarks/space.py [--visitors 20 60] [--seconds 90] [--rest 600]`.

Starts the page in its own process. Prints the time until the first example is restored, and the time for a picture of
one megapixel when the page is warm. Then visitors, each with an address of their own, send files one after the other
for some seconds: small JPEGs, a damaged one, one of a megapixel. One greedy visitor sends 20 large pictures at a time.
Every answer is compared with what `JpegRestorer` gives. Prints the answers, how long visitors waited, and the memory of
the server before, during, and after a rest.
"""

import argparse
import io
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
from PIL import Image

from argan_hf import JpegRestorer

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "space" / "examples").glob("*.png"))
URL = "http://127.0.0.1:7861"
GREEDY = "84.0.0.1"


@dataclass
class Tally:
    """What visitors got; seconds from request to answer."""

    right: list[float] = field(default_factory=list)
    refused: int = 0
    busy: int = 0
    wrong: list[str] = field(default_factory=list)


def request(path: Path, address: str) -> tuple[bytes | None, str]:
    """The restored file, or `None` and the words of the refusal."""
    with httpx.Client(base_url=URL, headers={"X-Forwarded-For": address}, timeout=300) as client:
        with path.open("rb") as file:
            (stored,) = client.post("/gradio_api/upload", files={"files": (path.name, file)}).json()
        event = client.post("/gradio_api/call/v2/restore", json={"picture": {"path": stored}}).json()["event_id"]
        with client.stream("GET", f"/gradio_api/call/restore/{event}") as stream:
            data = [line.removeprefix("data: ") for line in stream.iter_lines() if line.startswith("data: ")][-1]
        answer = json.loads(data)
        if isinstance(answer, dict):
            return None, str(answer.get("error"))
        return client.get(f"/gradio_api/file={answer[0]['path']}").content, ""


def write_files(folder: Path) -> list[Path]:
    """Small JPEG files, one of a megapixel, a damaged one, and the large one of the greedy visitor."""
    paths = []
    for index, example in enumerate(EXAMPLES[:4]):
        with Image.open(example) as image:
            picture = image.convert("RGB")
        paths.append(folder / f"{index}.jpg")
        picture.crop((0, 0, 320, 240)).save(paths[-1], quality=10 + 20 * index)
    megapixel = folder / "megapixel.jpg"
    picture.resize((1152, 868), Image.Resampling.LANCZOS).save(megapixel, quality=40)
    damaged = folder / "damaged.jpg"
    damaged.write_bytes(paths[0].read_bytes()[:300])
    large = folder / "large.jpg"
    picture.resize((4000, 3000), Image.Resampling.LANCZOS).save(large, quality=60)
    return [*paths, damaged, megapixel, large]


def expected_files(paths: list[Path]) -> dict[Path, bytes]:
    """What the page has to give."""
    restorer, found = JpegRestorer.from_pretrained(), {}
    for path in paths:
        buffer = io.BytesIO()
        target = path.with_suffix(".png")
        restorer(path).save(target)
        buffer.write(target.read_bytes())
        found[path] = buffer.getvalue()
    return found


def visit(address: str, paths: list[Path], expected: dict[Path, bytes], end: float, tally: Tally) -> None:
    """Send one file after the other until the time is over."""
    for path in itertools.cycle(paths):
        start = time.monotonic()
        if start > end:
            return
        try:
            data, words = request(path, address)
        except httpx.HTTPError as error:
            tally.wrong.append(f"{type(error).__name__} {error}")
            continue
        if data is not None and data == expected.get(path):
            tally.right.append(time.monotonic() - start)
        elif data is None and path not in expected and "damaged" in words:
            tally.refused += 1
        elif data is None and "waiting" in words:
            tally.busy += 1
            time.sleep(1)
        else:
            tally.wrong.append(words or "other pixels")


def load(
    visitors: int, requests: int, seconds: float, paths: list[Path], expected: dict[Path, bytes], server: psutil.Process
) -> None:
    """Let visitors and a greedy one send files, and print what they got."""
    *usual, large = paths
    end = time.monotonic() + seconds
    normal, greedy = Tally(), Tally()
    peak, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.5):
            peak.append(server.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(visitors + requests) as pool:
        for _ in range(requests):
            pool.submit(visit, GREEDY, [large], expected, end, greedy)
        for index in range(visitors):
            shifted = usual[index % len(usual) :] + usual[: index % len(usual)]
            pool.submit(visit, f"84.0.{1 + index // 200}.{1 + index % 200}", shifted, expected, end, normal)
    over.set()
    watcher.join()
    for name, tally in ((f"{visitors} visitors", normal), ("the greedy visitor", greedy)):
        waits = sorted(tally.right) or [float("nan")]
        print(
            f"{name}: {len(tally.right)} right, {tally.refused} damaged files refused, {tally.busy} told to wait, "
            f"{len(tally.wrong)} wrong {sorted(set(tally.wrong)) or ''}; seconds to an answer: median "
            f"{statistics.median(waits):.1f}, 95 % {waits[int(0.95 * len(waits))]:.1f}, most {waits[-1]:.1f}"
        )
    print(f"resident memory at most: {max(peak) / 2**20:.0f} MiB")


def wait_for_page(server: subprocess.Popen[bytes], deadline: float = 60.0) -> None:
    """Wait until the page answers."""
    start = time.monotonic()
    while time.monotonic() - start < deadline and server.poll() is None:
        try:
            httpx.get(f"{URL}/config")
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the page did not start")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visitors", type=int, nargs="+", default=[20, 60])
    parser.add_argument("--greedy", type=int, default=20, help="requests of the greedy visitor at a time")
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--rest", type=float, default=120, help="seconds after which the memory is read again")
    options = parser.parse_args()
    start = time.monotonic()
    environment = {**os.environ, "GRADIO_SERVER_PORT": URL.rsplit(":", 1)[1], "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "space" / "app.py")], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        wait_for_page(server)
        request(EXAMPLES[0], "84.0.9.9")
        print(f"from start to the first restored example: {time.monotonic() - start:.1f} s")
        with TemporaryDirectory() as name:
            paths = write_files(Path(name))
            times = []
            for _ in range(3):
                begin = time.monotonic()
                request(paths[-2], "84.0.9.9")
                times.append(time.monotonic() - begin)
            print(f"one megapixel, warm, from upload to the last byte of the PNG file: {min(times):.2f} s")
            process = psutil.Process(server.pid)
            expected = expected_files([path for path in paths if path.stem != "damaged"])
            print(f"resident memory before the visitors: {process.memory_info().rss / 2**20:.0f} MiB")
            for visitors in options.visitors:
                load(visitors, options.greedy, options.seconds, paths, expected, process)
            time.sleep(options.rest)
            print(
                f"after {options.rest:.0f} s of rest: {process.memory_info().rss / 2**20:.0f} MiB; "
                f"server alive: {server.poll() is None}"
            )
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
