"""The page over real HTTP, as programs and as hostile visitors use it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

import folders
from argan_hf import restore
from argan_hf.cli import main
from tests.conftest import EXAMPLES, jpeg_bytes
from tests.space.conftest import SPACE

pytestmark = pytest.mark.slow

NOT_UPLOADED = "This is not a picture that was uploaded here"


def _call(url: str, name: str, arguments: dict[str, Any]) -> tuple[str, Any]:
    """The kind ("complete", "error") and the data of the answer to a request."""
    answer = httpx.post(f"{url}gradio_api/call/v2/{name}", json=arguments, timeout=30)
    answer.raise_for_status()
    event = answer.json()["event_id"]
    with httpx.stream("GET", f"{url}gradio_api/call/{name}/{event}", timeout=120) as stream:
        lines = stream.read().decode().splitlines()
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return kinds[-1], json.loads(data[-1])


def _upload(url: str, path: Path) -> str:
    with path.open("rb") as file:
        (stored,) = httpx.post(f"{url}gradio_api/upload", files={"files": (path.name, file)}, timeout=30).json()
    return str(stored)


@pytest.fixture
def picture(tmp_path: Path, photo: Image.Image) -> Path:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(jpeg_bytes(photo, quality=17))
    return path


@pytest.mark.parametrize("name", ["restore", "measure"])
@pytest.mark.parametrize("meta", [True, False])
def test_no_file_of_the_server_is_read(page_url: str, picture: Path, name: str, meta: bool) -> None:
    upload = Path(_upload(page_url, picture))
    link = upload.with_name("link.jpg")
    link.symlink_to(picture)
    here = os.path.relpath(picture)
    paths: list[Any] = [
        str(picture),
        str(EXAMPLES[0]),
        here,
        f"{upload.parent}/../../../{picture}",
        f"{upload.parent}/{os.path.relpath(picture, upload.parent)}",
        str(link),
        "/dev/zero",
        "/proc/self/environ",
        "/no/such/file.jpg",
        f"file={picture}",
        f"file://{picture}",
        "http://127.0.0.1:1/picture.jpg",
        f"{page_url}gradio_api/file={upload}",
        "proxy=http://127.0.0.1:1/picture.jpg",
        7,
    ]
    for path in paths:
        given = {"path": path, "url": f"{page_url}gradio_api/file={upload}"}
        if meta:
            given["meta"] = {"_type": "gradio.FileData"}
        started = time.monotonic()
        kind, data = _call(page_url, name, {"picture": given})
        assert kind == "error", path
        # Gradio's own refusals have no words.
        assert data["error"] is None or data["error"].startswith(NOT_UPLOADED)
        assert "holiday" not in json.dumps(data)
        assert time.monotonic() - started < 5
    link.unlink()
    assert _call(page_url, name, {"picture": {"path": str(upload)}})[0] == "complete"


def test_nothing_is_fetched_from_the_internet(page_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import gradio.processing_utils

    fetched = []

    async def fetch(url: str, *arguments: object, **options: object) -> str:
        fetched.append(url)
        raise ValueError("fetched")

    monkeypatch.setattr(gradio.processing_utils, "async_ssrf_protected_download", fetch)
    address = {"path": "http://example.org/x.png", "meta": {"_type": "gradio.FileData"}}
    for function in httpx.get(f"{page_url}config").json()["dependencies"]:
        for place in range(len(function["inputs"])):
            data = [address if index == place else None for index in range(len(function["inputs"]))]
            body = {"data": data, "fn_index": function["id"], "session_hash": "nobody", "event_data": address}
            httpx.post(f"{page_url}gradio_api/run/predict", json=body, timeout=30)
    assert not fetched


def test_a_canceled_request_keeps_its_place_until_its_thread_ends(
    page_url: str, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import network

    began, ended, reconstruct = threading.Event(), threading.Event(), network.restorer.reconstruct

    def slow(*arguments: Any, progress: Callable[[int, int], None], **options: Any) -> Any:
        began.set()
        try:
            for _ in range(400):
                time.sleep(0.02)
                progress(1, 2)
        finally:
            assert not network.places.is_idle
            ended.set()
        return reconstruct(*arguments, progress=progress, **options)

    monkeypatch.setattr(network.restorer, "reconstruct", slow)
    body = {"picture": {"path": _upload(page_url, picture)}}
    event = httpx.post(f"{page_url}gradio_api/call/v2/restore", json=body).json()["event_id"]
    assert began.wait(20)
    cancel = {"session_hash": event, "fn_index": 0, "event_id": event}
    assert httpx.post(f"{page_url}gradio_api/cancel", json=cancel).json() == {"success": True}
    assert ended.wait(5)  # it learns of it at its next report
    monkeypatch.undo()
    kind, _ = _call(page_url, "restore", body)
    assert kind == "complete"
    assert network.places.is_idle


def test_made_up_visits_shut_nobody_out(page_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import visitors

    monkeypatch.setattr(visitors, "MAX_VISITS_PER_VISITOR", 3)
    functions = httpx.get(f"{page_url}config").json()["dependencies"]
    (stop,) = (function["id"] for function in functions if function["api_name"] == "stop")

    def wish(session: str, address: str) -> dict[str, Any]:
        body = {"data": [], "fn_index": stop, "session_hash": session}
        headers = {"X-Forwarded-For": address}
        answer = httpx.post(f"{page_url}gradio_api/run/predict", json=body, headers=headers)
        return dict(answer.json()["data"][0])

    usual = wish("usual", "84.1.1.1")
    for number in range(20):
        wish(f"made-up-{number}", "84.2.2.2")
    assert wish("usual", "84.1.1.1")["visit"] == usual["visit"]
    from wishes import visitors as open_now

    assert sum(visit.visitor == "84.2.2.2" for visit in open_now._visits.values()) == 3


def test_other_files_are_not_served(page_url: str, picture: Path) -> None:
    for path in (picture, "/etc/passwd", SPACE / "app.py", f"{folders.FOLDER}/../{picture.name}", folders.FOLDER):
        assert httpx.get(f"{page_url}gradio_api/file={path}").status_code == 403
    assert httpx.get(f"{page_url}gradio_api/proxy=http://127.0.0.1:1/").status_code == 400
    assert httpx.get(f"{page_url}gradio_api/file=http://127.0.0.1:1/").status_code == 403


def test_the_api_restores_what_the_command_line_restores(page_url: str, picture: Path, tmp_path: Path) -> None:
    client = Client(page_url, verbose=False, download_files=tmp_path / "got")
    restored, words = client.predict(handle_file(picture), api_name="/restore")
    assert "JPEG file of quality 17" in words
    assert main(["restore", str(picture), "-o", str(tmp_path / "by-hand.png")]) == 0
    assert Path(restored).read_bytes() == (tmp_path / "by-hand.png").read_bytes()
    options = {"strength": 0.5, "realism": 0.25, "faithful": False, "output_format": "webp", "quality": 30}
    restored, _ = client.predict(handle_file(picture), **options, api_name="/restore")
    with Image.open(restored) as written:
        expected = restore(picture, 30, 0.5, realism=0.25, faithful=False).image
        assert np.array_equal(np.array(written), np.array(expected))


def test_the_api_measures(page_url: str) -> None:
    client = Client(page_url, verbose=False)
    pictures, found = client.predict(handle_file(EXAMPLES[0]), 30, api_name="/measure")
    assert len(pictures) == 3
    (_, jpeg, *_), (name, restored, *_) = found["rows"]
    assert name == "Restored"
    assert restored > jpeg
    assert "1 dB" in found["words"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"strength": 2}, "strength must be a number from 0 to 1, found 2"),
        ({"strength": "much"}, "strength must be a number from 0 to 1, found 'much'"),
        ({"realism": None}, "realism must be a number from 0 to 1, found None"),
        ({"quality": 55.5}, "quality must be a whole number from 1 to 100, found 55.5"),
        ({"quality": 0}, "quality must be a whole number from 1 to 100, found 0"),
        ({"compress_at": 101}, "compress_at must be a whole number"),
        ({"output_format": "exe"}, "output_format must be one of png, webp, tiff, avif, jpg"),
        ({"faithful": "no"}, "faithful must be true or false"),
    ],
)
def test_wrong_options_are_refused_in_words(page_url: str, picture: Path, options: dict[str, Any], words: str) -> None:
    kind, data = _call(page_url, "restore", {"picture": {"path": _upload(page_url, picture)}} | options)
    assert kind == "error"
    assert data["error"].startswith(words)


def test_a_file_of_endless_scans_holds_no_place(page_url: str, tmp_path: Path) -> None:
    path = tmp_path / "scans.jpg"
    data = jpeg_bytes(Image.new("L", (4800, 4800), 90), progressive=True)
    last = data.rindex(b"\xff\xda")
    path.write_bytes(data[:last] + data[last:-2] * 480 + data[-2:])
    started = time.monotonic()
    kind, answer = _call(page_url, "restore", {"picture": {"path": _upload(page_url, path)}})
    assert kind == "error"
    assert "progressive scans" in answer["error"]
    assert time.monotonic() - started < 5


def test_no_object_of_python_reaches_a_visitor(page_url: str, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import network

    def broken(*arguments: object, **options: object) -> None:
        raise RuntimeError(f"{object()} in {Path(__file__)}")

    monkeypatch.setattr(network.restorer, "reconstruct", broken)
    kind, data = _call(page_url, "restore", {"picture": {"path": _upload(page_url, picture)}})
    assert kind == "error"
    assert data["error"] == "Something went wrong on the server; its log says what."


@contextmanager
def _server(port: int, *, ignores_interrupts: bool = False) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    environment = {**os.environ, "GRADIO_SERVER_PORT": str(port)}
    command = [sys.executable, str(SPACE / "app.py")]
    if ignores_interrupts:
        command = ["nohup", *command]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            try:
                httpx.get(f"{url}config")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process, url
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize(("how", "ignores"), [(signal.SIGTERM, True), (signal.SIGINT, False)])
def test_nothing_is_left_when_the_server_stops(picture: Path, how: signal.Signals, ignores: bool) -> None:
    with _server(_free_port(), ignores_interrupts=ignores) as (process, url):
        upload = Path(_upload(url, picture))
        assert _call(url, "restore", {"picture": {"path": str(upload)}})[0] == "complete"
        folder = upload.parents[1]
        assert folder.name.startswith("argan_hf-space-")
        assert folder.stat().st_mode & 0o077 == 0  # other users of the machine see nothing
        process.send_signal(how)
        process.wait(30)
        assert not folder.exists()


def test_the_next_server_deletes_what_a_killed_one_left(picture: Path) -> None:
    with _server(_free_port()) as (process, url):
        folder = Path(_upload(url, picture)).parents[1]
        process.kill()
        process.wait()
    assert folder.exists()
    long_ago = time.time() - 600
    os.utime(folder, (long_ago, long_ago))
    with _server(_free_port()):
        for _ in range(100):
            if not folder.exists():
                break
            time.sleep(0.1)
    left = folder.exists()
    shutil.rmtree(folder, ignore_errors=True)
    assert not left
