"""The engine as a page uses it: a file in, files out, in a real browser."""

import base64
import io
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from argan_hf import JpegRestorer
from tests.conftest import EXAMPLES, jpeg_bytes, png_bytes
from tests.web.conftest import WebNetwork
from tests.web.node import needs_runtime
from tests.web.tabs import Tab

pytestmark = [needs_runtime, pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def engine(module_tabs: Any, plain_url: str) -> Tab:
    tab: Tab = module_tabs(plain_url)
    config = tab.call("openEngine", maxMegapixels=1, tileSize=64)
    assert config["numChannels"] == 3
    return tab


@pytest.fixture(scope="module")
def restorer(tiny_network: WebNetwork) -> JpegRestorer:
    return JpegRestorer.from_pretrained(tiny_network.checkpoint, device="cpu", dtype=torch.float32)


def _photo() -> Image.Image:
    with Image.open(EXAMPLES[0]) as image:
        return image.convert("RGB").crop((200, 100, 359, 221))


def _restore(engine: Tab, data: bytes, **options: Any) -> Any:
    return engine.call("restore", file=base64.b64encode(data).decode(), **options)


def _pixels(result: dict[str, Any]) -> np.ndarray:
    with Image.open(io.BytesIO(base64.b64decode(result["file"]))) as image:
        return np.array(image).astype(int)


def test_strength_faithful_and_format_act_on_what_is_kept(engine: Tab, restorer: JpegRestorer) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"
    options = {"exif": exif, "icc_profile": profile, "xmp": xmp, "dpi": (300, 200), "comment": b"hello"}
    data = jpeg_bytes(_photo(), quality=30, **options)
    finishes: list[dict[str, Any]] = [{}, {"faithful": False}, {"strength": 0.4}]
    wishes: list[dict[str, Any]] = [{"format": "png", "options": finish} for finish in finishes]
    wishes += [{"format": "webp"}, {"format": "jpeg", "options": {"strength": 0}}]
    found = _restore(engine, data, options={"realism": 0.25}, wishes=wishes)
    # It is gone in the end, as it was dropped.
    assert found["failure"].startswith("RangeError: there is no picture")
    # The network ran once.
    assert {result["steps"] for result in found["results"]} == {len(found["steps"])}
    *files, webp, jpeg = found["results"]
    for finish, result in zip(finishes, files, strict=True):
        expected = restorer(data, realism=0.25, **finish)
        difference = np.abs(_pixels(result) - np.array(expected.image))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-4  # Random weights make more of the last digit.
        assert result["report"]["notes"] == list(expected.report.notes)
        with (
            Image.open(io.BytesIO(base64.b64decode(result["file"]))) as image,
            Image.open(io.BytesIO(expected.encode(".png")[0])) as other,
        ):
            image.load()
            other.load()
            assert image.info == other.info
    assert np.array_equal(_pixels(webp), _pixels(files[0]))
    expected_file, expected_notes = restorer(data, strength=0).encode(".jpg")
    assert base64.b64decode(jpeg["file"]) == expected_file
    assert jpeg["notes"] == [note.replace(".png", "PNG") for note in expected_notes]
    with Image.open(io.BytesIO(base64.b64decode(webp["file"]))) as image:
        assert image.info["icc_profile"] == profile
        assert image.info["xmp"] == xmp
        assert dict(image.getexif()) == {0x010F: "Maker", 0x0112: 1}
    assert webp["notes"] == ["Left out of the WebP file: resolution, comment."]


def test_other_pictures_are_restored_without_tables_and_keep_their_opacity(engine: Tab, restorer: JpegRestorer) -> None:
    faded = _photo()
    faded.putalpha(Image.linear_gradient("L").resize(faded.size))
    for picture in (_photo(), _photo().convert("L"), faded):
        data = png_bytes(picture)
        found = _restore(engine, data, wishes=[{"format": "png"}])
        (result,) = found["results"]
        expected = restorer(data)
        difference = np.abs(_pixels(result) - np.array(expected.image))
        assert difference.max() <= 1
        assert (difference > 0).mean() < 1e-4  # Random weights make more of the last digit.
        assert not result["report"]["conditioned"]
        assert result["report"]["format"] == "PNG"
    refused = _restore(engine, png_bytes(faded), wishes=[{"format": "jpeg"}])
    assert refused["failure"].startswith("RangeError: the picture has transparency, and JPEG holds none: choose PNG")


def test_bad_files_are_refused_in_a_sentence_and_work_can_be_stopped(engine: Tab) -> None:
    data = jpeg_bytes(_photo(), quality=30)
    large = jpeg_bytes(_photo().resize((1200, 1100)))
    for bad, sentence in (
        (data[: len(data) // 2], "the picture is damaged and cannot be decoded: it ends early"),
        (b"no picture", "the picture is not a picture in a known format"),
        (large, "the picture claims to hold 1.3 megapixels, more than the limit of 1"),
    ):
        assert sentence in _restore(engine, bad, wishes=[])["failure"]
    assert "quality must be" in _restore(engine, data, options={"quality": 101}, wishes=[])["failure"]
    for options, sentence in (
        ({"realism": 2}, "realism must lie in 0..1"),
        ({"realism": "1"}, "realism must lie in 0..1"),
    ):
        assert sentence in _restore(engine, data, options=options, wishes=[])["failure"]
    assert (
        "strength must lie" in _restore(engine, data, wishes=[{"format": "png", "options": {"strength": 3}}])["failure"]
    )
    assert "format must be" in _restore(engine, data, wishes=[{"format": "bmp"}])["failure"]
    # The wish to stop is a message that comes in between tiles, so there are many.
    stopped = _restore(engine, jpeg_bytes(_photo().resize((900, 800)), quality=30), wishes=[], most=1)
    assert stopped["failure"].startswith("AbortError")
    assert len(stopped["steps"]) < stopped["steps"][0][1]
    assert len(_restore(engine, data, wishes=[{"format": "png"}])["results"]) == 1


def test_errors_of_workers_keep_their_names(tabs: Any, plain_url: str) -> None:
    classes = {"OutOfMemoryError": "OutOfMemoryError", "UnreadableImageError": "UnreadableImageError"}
    classes |= {"RangeError": "RangeError", "AbortError": "DOMException", "OperationError": "Error", "Error": "Error"}
    found = tabs(plain_url).call("fail", names=list(classes))
    assert found == [[kind, name, "why"] for name, kind in classes.items()]


def test_two_pictures_at_once_while_workers_start(tabs: Any, plain_url: str) -> None:
    tab: Tab = tabs(plain_url)
    tab.call("openEngine", tileSize=64)
    file = base64.b64encode(jpeg_bytes(_photo(), quality=30)).decode()
    assert tab.call("restoreTwice", file=file) == ["fulfilled", "fulfilled"]


def test_an_engine_is_not_opened_with_what_makes_no_sense(tabs: Any, plain_url: str) -> None:
    tab: Tab = tabs(plain_url)
    for options, sentence in (
        ({"tileSize": 0}, "tileSize must be positive"),
        ({"maxMegapixels": -1}, "maxMegapixels must be positive"),
        ({"backend": "gpu"}, "backend must be"),
        ({"weights": ""}, "the addresses of two folders are needed"),
    ):
        with pytest.raises(Exception, match=sentence):
            tab.call("openEngine", **options)
