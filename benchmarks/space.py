"""The demo under load: `python benchmarks/space.py`.

Starts the page in its own process. Prints the time until the first example is restored, and the time for a picture of
one megapixel when the page is warm. Then 20 visitors upload 5 files each at the same time, one of them damaged, in
several rounds: prints their answers, the time, and the memory of the server.
"""

import io
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

ROOT = Path(__file__).parents[1]
URL = "http://127.0.0.1:7861"
VISITORS, FILES = 20, 5
# Memory that grows from round to round shows a leak.
ROUNDS = 4


def _client(deadline: float = 60.0) -> Client:
    start = time.monotonic()
    while True:
        try:
            return Client(URL, verbose=False)
        except (OSError, ValueError, httpx.TransportError):
            if time.monotonic() - start > deadline:
                raise
            time.sleep(0.1)


def _restore(client: Client, path: Path, quality: int = 20) -> str:
    return str(client.predict(handle_file(path), quality, 1.0, True, 0.0, api_name="/restore")[2])


def _write_files(folder: Path) -> list[Path]:
    paths = []
    for index, example in enumerate(sorted((ROOT / "space" / "examples").glob("*.png"))[: FILES - 1]):
        with Image.open(example) as image:
            picture = image.convert("RGB").crop((0, 0, 320, 240))
        paths.append(folder / f"{index}.jpg")
        picture.save(paths[-1], quality=10 + 20 * index)
    broken = folder / "broken.jpg"
    broken.write_bytes(paths[0].read_bytes()[:300])
    return [*paths, broken]


def _visit(paths: list[Path]) -> tuple[int, int, list[str]]:
    """Numbers of files restored and of files refused with a message, and all other messages."""
    client, restored, refused, odd = _client(), 0, 0, []
    for path in paths:
        try:
            restored += "restored" in _restore(client, path)
        except AppError as error:
            refused += "damaged" in str(error) or "queue" in str(error).lower()
            if "damaged" not in str(error):
                odd.append(str(error))
    return restored, refused, odd


def main() -> None:
    """Print the figures."""
    start = time.monotonic()
    environment = {**os.environ, "GRADIO_SERVER_PORT": URL.rsplit(":", 1)[1], "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "space" / "app.py")], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        client = _client()
        example = next(iter(sorted((ROOT / "space" / "examples").glob("*.png"))))
        _restore(client, example)
        print(f"from start to the first restored example: {time.monotonic() - start:.1f} s")
        with TemporaryDirectory() as name:
            folder = Path(name)
            with Image.open(example) as image:
                large = image.convert("RGB").resize((1152, 868), Image.Resampling.LANCZOS)
            buffer = io.BytesIO()
            large.save(buffer, "JPEG", quality=40)
            (folder / "large.jpg").write_bytes(buffer.getvalue())
            times = []
            for _ in range(3):
                begin = time.monotonic()
                _restore(client, folder / "large.jpg")
                times.append(time.monotonic() - begin)
            print(f"one megapixel, warm, from request to answer: {min(times):.2f} s")
            paths = _write_files(folder)
            process = psutil.Process(server.pid)
            _visit(paths)
            print(f"resident memory before the visitors: {process.memory_info().rss / 2**20:.0f} MiB")
            for _ in range(ROUNDS):
                begin = time.monotonic()
                with ThreadPoolExecutor(VISITORS) as pool:
                    visits = list(pool.map(_visit, [paths] * VISITORS))
                seconds = time.monotonic() - begin
                restored, refused = (sum(visit[index] for visit in visits) for index in range(2))
                odd = sorted({text for visit in visits for text in visit[2]})
                print(f"{VISITORS} visitors with {FILES} files each: {restored} restored, {refused} refused")
                print(f"other answers: {odd or 'none'}; {seconds:.1f} s; server alive: {server.poll() is None}")
                print(f"resident memory after: {process.memory_info().rss / 2**20:.0f} MiB")
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
