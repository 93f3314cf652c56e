"""PNG, WebP and AVIF files are opened in the browser as the package opens them."""

import base64
import io
import json
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter, PngImagePlugin
from playwright.sync_api import Browser

from argan_hf.containers.png_chunks import encode_chunk, with_chunks
from argan_hf.picture import PictureParts, take_apart
from tests.web.conftest import SiteHandler, served
from tests.web.node import WEB, needs_node, run_node

_EXACT = 0
# Decoders of AV1 convert colors each in its own way.
_LOSSY = 2
_MAX_MEGAPIXELS = 1
_OPEN = """([files, maxMegapixels]) => new Promise((resolve, reject) => {
  const worker = new Worker("tests/open_pictures_worker.js", {type: "module"});
  worker.onmessage = ({data}) => resolve(data);
  worker.onerror = ({message}) => reject(new Error(message));
  worker.postMessage({files, maxMegapixels});
})"""


def _array(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _smooth(height: int, width: int) -> np.ndarray:
    blurred = Image.fromarray(_array(height, width, 3)).filter(ImageFilter.GaussianBlur(4))
    strong: np.ndarray = np.clip((np.array(blurred).astype(int) - 128) * 6 + 128, 0, 255).astype(np.uint8)
    return strong


def _file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _png(array: np.ndarray, bits: int, color: int, *, interlaced: bool = False, extra: bytes = b"") -> bytes:
    """A PNG file whose samples (H, bytes of a row) are stored as they are, each row by another filter."""
    height, stride = array.shape
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    step = max(1, channels * bits // 8)
    width = stride * 8 // (channels * bits)
    if interlaced:  # of whole bytes per pixel
        pixels = array.reshape(height, width, step)
        passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
        parts = [pixels[top::down, left::right] for top, left, down, right in passes]
        rows = [_filtered(part.reshape(part.shape[0], -1), step) for part in parts if part.size]
    else:
        rows = [_filtered(array, step)]
    header = struct.pack(">LLBBBBB", width, height, bits, color, 0, 0, interlaced)
    data = zlib.compress(b"".join(rows))
    cut = len(data) // 2
    return (
        b"\x89PNG\r\n\x1a\n"
        + encode_chunk(b"IHDR", header)
        + extra
        + encode_chunk(b"IDAT", data[:cut])
        + encode_chunk(b"IDAT", data[cut:])
        + encode_chunk(b"IEND", b"")
    )


def _filtered(rows: np.ndarray, step: int) -> bytes:
    filtered = []
    above = np.zeros_like(rows[:1])[0].astype(int)
    for number, row in enumerate(rows.astype(int)):
        left = np.concatenate((np.zeros(step, int), row[:-step]))[: len(row)]
        corner = np.concatenate((np.zeros(step, int), above[:-step]))[: len(row)]
        estimate = left + above - corner
        distances = np.abs(np.stack((left, above, corner)) - estimate)
        nearest = np.choose(distances.argmin(0), (left, above, corner))
        predicted = (0, left, above, (left + above) // 2, nearest)[number % 5]
        filtered.append(bytes([number % 5]) + ((row - predicted) % 256).astype(np.uint8).tobytes())
        above = row
    return b"".join(filtered)


def _with_metadata() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "gr\u00fc\u00df")
    texts.add_text("Long", "word " * 500, zip=True)
    texts.add_itxt("Author", "\u4e2d\u6587", "zh", "")
    texts.add_itxt("Story", "\u0416 " * 300, zip=True)
    texts.add_text("__proto__", "own")
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta>'
    texts.add_itxt("XML:com.adobe.xmp", xmp.decode())
    data = _file(
        Image.fromarray(_array(9, 7, 3)), pnginfo=texts, exif=exif.tobytes(), icc_profile=b"\0" * 5000, dpi=(300, 72)
    )
    numbers = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
    added = [(b"gAMA", struct.pack(">L", 45455)), (b"cHRM", struct.pack(">8L", *numbers)), (b"cICP", b"\x09\x10\0\1")]
    added += [(b"mDCV", bytes(range(24))), (b"cLLI", bytes(8)), (b"sRGB", b"\1"), (b"prVt", b"123")]
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">L", 5) + b"\x1c\x02\x00\0\0\0"
    added += [(b"zTXt", b"Raw profile type iptc\0\0" + zlib.compress(b"\niptc\n 18\n" + resource.hex().encode()))]
    behind = encode_chunk(b"tEXt", b"Late\0behind the pixels")
    return with_chunks(data, added)[:-12] + behind + data[-12:] + b"tail"


def _pngs() -> dict[str, bytes]:
    all_alpha = _array(64, 64, 4)
    all_alpha[..., 3] = np.arange(4096).reshape(64, 64) % 256
    palette = encode_chunk(b"PLTE", _array(16, 3, seed=3).tobytes())
    rgb_key = encode_chunk(b"tRNS", struct.pack(">3H", *all_alpha[5, 5, :3].tolist()))
    return {
        "gray": _png(_array(13, 17), 8, 0),
        "gray, transparent": _png(_array(13, 17), 8, 0, extra=encode_chunk(b"tRNS", b"\0\x42")),
        "gray and alpha": _png(_array(13, 34), 8, 4),
        "rgb": _png(_array(13, 51), 8, 2),
        "rgb, transparent": _png(all_alpha[..., :3].reshape(64, -1), 8, 2, extra=rgb_key),
        "rgba": _file(Image.fromarray(all_alpha)),
        "interlaced": _png(_array(13, 17 * 4), 8, 6, interlaced=True),
        "interlaced, narrow": _png(_array(3, 1), 8, 0, interlaced=True),
        "1 bit": _png(_array(9, 3), 1, 0),
        "2 bits": _png(_array(9, 3), 2, 0),
        "4 bits": _png(_array(9, 3), 4, 0),
        "palette": _png(_array(9, 16) % 16, 8, 3, extra=palette),
        "palette, 4 bits": _png(_array(9, 16), 4, 3, extra=palette),
        "palette, transparent": _png(_array(9, 16), 4, 3, extra=palette + encode_chunk(b"tRNS", bytes([0, 9, 255]))),
        "palette, opaque": _png(_array(9, 16), 4, 3, extra=palette + encode_chunk(b"tRNS", b"\xff")),
        "gray, 16 bits": _png(_array(13, 34), 16, 0),
        "rgb, 16 bits": _png(_array(13, 102), 16, 2),
        "rgba, 16 bits": _png(_array(13, 136), 16, 6),
        "animated": _file(
            Image.fromarray(_array(9, 7, 3)), save_all=True, append_images=[Image.fromarray(_array(9, 7, 3, seed=1))]
        ),
        "metadata": _with_metadata(),
    }


def _others() -> dict[str, tuple[bytes, int]]:
    smooth = _smooth(64, 80)
    transparent = np.dstack((smooth, np.arange(5120).reshape(64, 80) % 256)).astype(np.uint8)
    wide = np.tile(transparent, (1, 30, 1))
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    upright = exif.tobytes()
    exif[0x0112] = 6
    meta: dict[str, Any] = {
        "exif": exif.tobytes(),
        "icc_profile": b"\0" * 300,
        "xmp": b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>",
    }
    color, alpha = Image.fromarray(smooth), Image.fromarray(transparent)
    return {
        "webp": (_file(color, "WEBP", lossless=True), _EXACT),
        "webp, alpha": (_file(alpha, "WEBP", lossless=True, exact=True), _EXACT),
        "webp, wide": (_file(Image.fromarray(wide), "WEBP", lossless=True, exact=True), _EXACT),
        "webp, lossy": (_file(color, "WEBP", quality=80), _EXACT),
        "webp, lossy, alpha": (_file(alpha, "WEBP", quality=80), _EXACT),
        "webp, metadata": (_file(color, "WEBP", lossless=True, **meta), _EXACT),
        "webp, animated": (_file(color, "WEBP", lossless=True, save_all=True, append_images=[alpha]), _EXACT),
        "avif": (_file(color, "AVIF", quality=80), _LOSSY),
        "avif, 4:4:4": (_file(color, "AVIF", quality=80, subsampling="4:4:4"), _LOSSY),
        "avif, alpha": (_file(alpha, "AVIF", quality=80, subsampling="4:4:4"), _LOSSY),
        "avif, multiplied": (_file(alpha, "AVIF", quality=80, alpha_premultiplied=True), _LOSSY),
        "avif, opaque alpha": (_file(Image.fromarray(np.dstack((smooth, smooth[..., 0] | 255))), "AVIF"), _LOSSY),
        "avif, gray": (_file(color.convert("L"), "AVIF"), _LOSSY),
        "avif, gray and alpha": (_file(alpha.convert("LA"), "AVIF"), _LOSSY),
        "avif, animated": (
            _file(color, "AVIF", save_all=True, append_images=[color.transpose(Image.Transpose.FLIP_TOP_BOTTOM)]),
            _LOSSY,
        ),
        "avif, metadata": (_file(color, "AVIF", **meta), _LOSSY),
        **{
            f"avif, turned {turn}": (_file(color, "AVIF", exif=_oriented(upright, turn)), _LOSSY)
            for turn in range(2, 9)
        },
    }


def _oriented(exif: bytes, orientation: int) -> bytes:
    tags = Image.Exif()
    tags.load(exif)
    tags[0x0112] = orientation
    return tags.tobytes()


def _refused() -> dict[bytes, str]:
    png = _file(Image.fromarray(_array(64, 64, 3)))
    webp, avif = _file(Image.fromarray(_array(64, 64, 3)), "WEBP"), _file(Image.fromarray(_array(64, 64, 3)), "AVIF")
    large = {kind: _file(Image.new("RGB", (1200, 1000)), kind) for kind in ("PNG", "WEBP", "AVIF")}
    too_large = "the picture claims to hold 1.2 megapixels, more than the limit of 1; raise it with maxMegapixels"
    header = struct.pack(">LLBBBBB", 1000, 1000, 8, 2, 0, 0, 0)
    bomb = png[:8] + encode_chunk(b"IHDR", header) + encode_chunk(b"IDAT", zlib.compress(b"")) + png[-12:]
    ends = "the picture is damaged and cannot be decoded: it ends early"
    senseless = "the picture is damaged and cannot be decoded: its data make no sense"
    here = "which is not restored in a browser; restore it on the command line (argan restore)"
    return {
        b"": "the picture is empty (0 bytes)",
        b"nothing known": "the picture is not a picture in a known format (JPEG, PNG, WebP, AVIF)",
        **dict.fromkeys(large.values(), too_large),
        _file(Image.fromarray(_array(8, 8, 3)), "TIFF"): f"the picture is a TIFF, {here}",
        _file(Image.fromarray(_array(8, 8, 3)), "BMP"): f"the picture is a BMP, {here}",
        png[:20]: "the picture is a damaged PNG or of a kind that cannot be read",
        png[: len(png) // 2] + png[-12:]: ends,
        png.replace(b"IDAT", b"IDAX"): ends,
        png[:60] + bytes(100) + png[160:]: senseless,
        bomb: f"{ends} ({len(bomb)} bytes cannot hold the 1.0 megapixels that it claims)",
        webp[:20]: "the picture is a damaged WebP or of a kind that cannot be read",
        webp[:60]: "the picture is a damaged WebP",
        avif[:60]: "the picture is a damaged AVIF or of a kind that cannot be read",
        avif[:-100]: "the picture is a damaged AVIF",
        b"\0\0\0\x18ftypheic"
        + bytes(99): "the picture is an HEIC picture, as phones take them; export it as JPEG first",
        b"%PDF-1.7": "the picture is a PDF document; save the pictures in it as files first, as `pdfimages -all` does",
        b"\xef\xbb\xbf <?xml version='1'?><!-- a --> <svg>": "the picture is an SVG drawing; it is drawn without JPEG",
        b"<!DOCTYPE html><p>": "the picture is a web page (HTML); the picture itself was not saved",
        b"FOVb": "the picture is a camera raw file (X3F); develop it first: export it as TIFF or PNG",
        b"RIFF\0\0\0\0AVI ": "the picture is a video; save the frame as PNG first",
    }


def _decoded(value: Any) -> Any:
    """What was JSON, with bytes for base64."""
    if isinstance(value, dict):
        if set(value) == {"base64"}:
            return base64.b64decode(value["base64"])
        return {key: _decoded(each) for key, each in value.items()}
    return [_decoded(each) for each in value] if isinstance(value, list) else value


def _in_node(files: list[bytes], folder: Path) -> list[dict[str, Any]]:
    asked = {"files": [base64.b64encode(file).decode() for file in files], "maxMegapixels": _MAX_MEGAPIXELS}
    (folder / "files.json").write_text(json.dumps(asked))
    opened = json.loads(run_node("open_pictures.js", folder / "files.json"))
    return [_decoded(json.loads(each)) for each in opened]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    for part in ("engine", "tests"):
        shutil.copytree(WEB / part, folder / part)
    (folder / "index.html").write_text('<!doctype html><title>Test</title><link rel="icon" href="data:,">')
    yield from served(folder, SiteHandler)


def _in_browser(files: list[bytes], browser: Browser, url: str) -> list[dict[str, Any]]:
    page = browser.new_page()
    page.goto(url)
    opened = page.evaluate(_OPEN, [[base64.b64encode(file).decode() for file in files], _MAX_MEGAPIXELS])
    page.close()
    return [_decoded(json.loads(each)) for each in opened]


def _check(name: str, found: dict[str, Any], expected: PictureParts, most: int = _EXACT) -> None:
    assert "error" not in found, (name, found)
    samples = expected.samples.numpy()
    assert (found["height"], found["width"]) == samples.shape[1:], name
    assert (found["rgb"], found["format"]) == (expected.rgb, expected.format), name
    planes = np.stack([np.frombuffer(plane, np.uint8).reshape(samples.shape[1:]) for plane in found["samples"]])
    assert planes.shape == samples.shape, name
    assert np.abs(planes.astype(int) - samples).max() <= most, name
    assert (found["alpha"] is None) == (expected.alpha is None), name
    if expected.alpha is not None:
        alpha = np.frombuffer(found["alpha"], np.uint8).reshape(samples.shape[1:])
        assert np.abs(alpha.astype(int) - np.array(expected.alpha)).max() <= most, name
    assert [found[key] for key in ("tables", "quality", "sampling", "gridTable")] == [None] * 4, name
    info = {"iccProfile" if key == "icc_profile" else key: value for key, value in expected.info.items()}
    for key in ("dpi", "chromaticity"):
        if key in info:
            info[key] = list(info[key])
    assert _orientation(found["info"]) == _orientation(info), name
    if expected.format == "AVIF":
        # Where a file turns the picture, the tag is put into Exif data by other bytes.
        found["info"].pop("exif", None)
        info.pop("exif", None)
    assert found["info"] == info, name
    deep = ("The file has 16 bits per channel, of which 8 were read.",) if expected.deep_samples is not None else ()
    assert tuple(found["notes"]) == (*expected.notes, *deep), name


def _orientation(info: dict[str, Any]) -> dict[int, Any]:
    exif = Image.Exif()
    exif.load(info.get("exif", b""))
    return dict(exif)


@needs_node
def test_png_files_are_read_alike_without_a_browser(tmp_path: Path) -> None:
    files = _pngs()
    for (name, file), found in zip(files.items(), _in_node(list(files.values()), tmp_path), strict=True):
        _check(name, found, take_apart(file))


@needs_node
def test_others_need_a_browser(tmp_path: Path) -> None:
    image = Image.fromarray(_array(8, 8, 3))
    found = _in_node([_file(image, "WEBP"), _file(image, "AVIF")], tmp_path)
    sentence = "UnreadableImageError: the picture is a {}, which is opened in browsers only; convert it to PNG first"
    assert [each["error"] for each in found] == [sentence.format(kind) for kind in ("WebP", "AVIF")]


@pytest.mark.browser
def test_pictures_are_read_alike_in_a_browser(browser: Browser, url: str) -> None:
    files = {name: (file, _EXACT) for name, file in _pngs().items()} | _others()
    opened = _in_browser([file for file, _ in files.values()], browser, url)
    for (name, (file, most)), found in zip(files.items(), opened, strict=True):
        _check(name, found, take_apart(file), most)


@pytest.mark.browser
def test_what_is_refused_is_refused_in_a_sentence(browser: Browser, url: str) -> None:
    files = _refused()
    opened = _in_browser(list(files), browser, url)
    for (file, sentence), found in zip(files.items(), opened, strict=True):
        assert found.get("error", "").startswith(f"UnreadableImageError: {sentence}"), (file[:40], sentence, found)
        assert found["error"].count(". ") == 0
