"""A published repository as an inference endpoint, over real HTTP."""

import base64
import io
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from transformers import AutoModelForImageToImage, dynamic_module_utils

from argan_hf import (
    ArganConfig,
    ArganForImageRestoration,
    ArganImageProcessor,
    JpegRestorationPipeline,
    JpegRestorer,
)
from argan_hf.hub.endpoint_handler import EndpointHandler
from argan_hf.hub.publish import stage
from tests.conftest import jpeg_bytes, png_bytes, scramble
from tests.hub.endpoint_server import running_endpoint


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is published for a small color network that is conditioned on the tables."""
    folder = tmp_path_factory.mktemp("repository")
    config = ArganConfig(
        num_channels=3, block_type="residual", hidden_sizes=(8, 12), depths=(1, 1), condition_on_quantization=True
    )
    scramble(ArganForImageRestoration(config)).save_pretrained(folder / "run")
    target = folder / "published"
    target.mkdir()
    stage(folder / "run", "me/net", target, onnx=False)
    return target


@pytest.fixture(scope="module")
def url(repository: Path) -> Iterator[str]:
    """An endpoint in which `argan_hf` is installed."""
    with running_endpoint(repository) as url:
        yield url


@pytest.fixture
def bare_url(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An endpoint in which it is not."""
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setitem(sys.modules, "argan_hf", None)
    with running_endpoint(repository) as url:
        monkeypatch.undo()
        yield url


@pytest.fixture
def jpeg(photo: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    return jpeg_bytes(photo, quality=20, exif=exif)


def _send(url: str, inputs: Any, accept: str = "image/png", **more: Any) -> httpx.Response:
    text = base64.b64encode(inputs).decode() if isinstance(inputs, bytes) else inputs
    return httpx.post(url, json={"inputs": text, **more}, headers={"Accept": accept}, timeout=60)


def _picture(answer: httpx.Response) -> Image.Image:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    return Image.open(io.BytesIO(answer.content))


def _same(found: Image.Image, expected: Image.Image) -> bool:
    return (found.mode, found.size, found.tobytes()) == (expected.mode, expected.size, expected.tobytes())


def test_a_file_as_base64_becomes_what_the_restorer_makes_of_the_file(url: str, repository: Path, jpeg: bytes) -> None:
    expected = JpegRestorer.from_pretrained(repository)(jpeg)
    assert expected.report.conditioned
    assert _same(_picture(_send(url, jpeg)), expected.image)
    wrapped = "data:image/jpeg;base64," + base64.encodebytes(jpeg).decode()
    assert _same(_picture(_send(url, wrapped)), expected.image)


def test_parameters_reach_the_restorer(url: str, repository: Path, jpeg: bytes) -> None:
    parameters = {"quality": 30, "strength": 0.5, "faithful": False, "history": False}
    expected = JpegRestorer.from_pretrained(repository)(jpeg, **parameters).image
    assert _same(_picture(_send(url, jpeg, parameters=parameters)), expected)


def test_a_picture_as_the_body_is_restored_from_its_pixels(url: str, repository: Path, jpeg: bytes) -> None:
    headers = {"Content-Type": "image/jpeg", "Accept": "image/png"}
    answer = httpx.post(url, params={"strength": "0.5"}, content=jpeg, headers=headers, timeout=60)
    pixels = Image.open(io.BytesIO(jpeg)).convert("RGB")
    assert _same(_picture(answer), JpegRestorer.from_pretrained(repository)(pixels, None, 0.5).image)


def test_a_picture_that_is_not_decoded_yet_is_read_from_its_file(repository: Path, jpeg: bytes) -> None:
    handler, restorer = EndpointHandler(str(repository)), JpegRestorer.from_pretrained(repository)
    opened, decoded = Image.open(io.BytesIO(jpeg)), Image.open(io.BytesIO(jpeg))
    decoded.load()
    assert _same(handler({"inputs": opened}), restorer(jpeg).image)
    assert _same(handler({"inputs": jpeg}), restorer(jpeg).image)
    assert _same(handler({"inputs": decoded}), restorer(decoded).image)


def test_without_a_wish_the_answer_is_base64_in_json(url: str, repository: Path, jpeg: bytes) -> None:
    answer = _send(url, jpeg, accept="*/*")
    found = Image.open(io.BytesIO(base64.b64decode(answer.json())))
    assert _same(found, JpegRestorer.from_pretrained(repository)(jpeg).image)


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK"])
def test_other_modes_become_png_files(url: str, repository: Path, photo: Image.Image, mode: str) -> None:
    picture = photo.crop((0, 0, 64, 48)).convert(mode)
    data = png_bytes(picture) if mode == "RGBA" else jpeg_bytes(picture, quality=20)
    expected, _ = JpegRestorer.from_pretrained(repository)(data).encode(".png")
    assert _same(_picture(_send(url, data)), Image.open(io.BytesIO(expected)))


@pytest.mark.parametrize(
    ("inputs", "parameters", "words"),
    [
        ("/etc/hostname", {}, "inputs is text that is no base64"),
        ("https://example.org/a.jpg", {}, "inputs is text that is no base64"),
        (["a", "b"], {}, "inputs must be one picture, found list"),
        (None, {}, "inputs must be one picture, found nothing"),
        (b"no picture", {}, "not a picture"),
        (b"", {}, r"is empty \(0 bytes\)"),
        (True, [1], "parameters must be names with values, found list"),
        ("", {"strength": 2}, "strength must lie in"),
        ("", {"strength": "much"}, "strength must be a number from 0 to 1, found 'much'"),
        ("", {"quality": 2.5}, "quality must be a whole number from 1 to 100, found 2.5"),
        ("", {"faithful": 1}, "faithful must be true or false, found 1"),
        ("", {"size": 1}, "there is no parameter size: expected quality, strength, realism, faithful, history"),
        ("", {"realism": 0.5}, "leave realism at 0"),
    ],
)
def test_what_is_wrong_gets_a_sentence(url: str, jpeg: bytes, inputs: Any, parameters: Any, words: str) -> None:
    answer = _send(url, jpeg if inputs == "" else inputs, parameters=parameters)
    assert answer.status_code == 400
    assert re.search(words, answer.json()["error"])


def test_without_the_package_the_code_of_the_repository_restores(
    bare_url: str, repository: Path, jpeg: bytes, photo: Image.Image, tmp_path: Path
) -> None:
    assert list((tmp_path / "modules").rglob("pipeline_argan.py"))
    model = AutoModelForImageToImage.from_pretrained(repository)
    expected = JpegRestorationPipeline(model=model, image_processor=ArganImageProcessor.from_pretrained(repository))
    assert _same(_picture(_send(bare_url, jpeg)), expected(jpeg))
    headers = {"Content-Type": "image/png", "Accept": "image/png"}
    answer = httpx.post(bare_url, content=png_bytes(photo), headers=headers, timeout=60)
    assert _same(_picture(answer), expected(photo))
    for inputs, parameters, words in (
        (jpeg, {"strength": 0.5}, "takes no parameters, found strength: install the package argan_hf"),
        (b"no picture", {}, "inputs is no picture that can be read: send the bytes"),
        ("/etc/hostname", {}, "no base64"),
    ):
        refused = _send(bare_url, inputs, parameters=parameters)
        assert refused.status_code == 400
        assert words in refused.json()["error"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_line_of_the_card_works(url: str, repository: Path, jpeg: bytes, tmp_path: Path) -> None:
    card = (repository / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"```\n(\(printf.*?)```", card, re.DOTALL)
    (tmp_path / "photo.jpg").write_bytes(jpeg)
    environment = {"ENDPOINT": url, "HF_TOKEN": "none", "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, check=True, capture_output=True, timeout=60)
    with Image.open(tmp_path / "photo.png") as written:
        assert _same(written, JpegRestorer.from_pretrained(repository)(jpeg).image)


def test_networks_whose_code_does_not_travel_have_no_handler(tmp_path: Path) -> None:
    stage("ar-cnn-q10", "me/net", tmp_path, onnx=False)
    assert not (tmp_path / "handler.py").exists()
    assert "handler.py" not in (tmp_path / "README.md").read_text(encoding="utf-8")
