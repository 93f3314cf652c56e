"""Files made to break a decoder, and real ones that are merely odd: restored with all they have, or refused in words.

`ARGAN_FUZZ_EXAMPLES=100000 pytest tests/test_hostile.py` looks longer, and every time elsewhere.
"""

import io
import json
import os
import re
import struct
import subprocess
import sys
import tracemalloc
import zlib
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps
from PIL.PngImagePlugin import PngInfo

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer, UnreadableImageError
from argan_hf.encoding import encode_picture
from tests.cli.test_restore import COMMAND
from tests.conftest import EXAMPLES, TEST_DATA, jpeg_bytes, scramble
from tests.test_saving import PROFILE

ODD = TEST_DATA / "odd"
# The peak of a new process counts that of the one that starts it, so a small one starts the command: KiB on Linux.
_MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""
_LONG = int(os.environ.get("ARGAN_FUZZ_EXAMPLES", "0"))


def _seeds() -> dict[str, bytes]:
    """Small valid files of every kind of reader."""
    with Image.open(EXAMPLES[0]) as image:
        photo = image.convert("RGB").resize((40, 24))
    exif = Image.Exif()
    exif[0x0112], exif[0x013B], exif[0x8769] = 6, "Ada", {0x9003: "2020:01:01 00:00:00"}
    rich = {"exif": exif, "icc_profile": PROFILE[:200], "xmp": b"<x tiff:Orientation='6'/>", "dpi": (300, 300)}
    texts = PngInfo()
    texts.add_text("Title", "a view", zip=True)
    seeds = {
        "color": jpeg_bytes(photo, quality=30, comment=b"a view", **rich),
        "gray": jpeg_bytes(photo.convert("L"), quality=60),
        "progressive": jpeg_bytes(photo, progressive=True, subsampling="4:2:2"),
        "restarts": jpeg_bytes(photo, restart_marker_blocks=1, optimize=True),
        "cmyk": jpeg_bytes(photo.convert("CMYK")),
        "stored as RGB": jpeg_bytes(photo, keep_rgb=True),
    }
    for name, picture, options in [
        ("PNG", photo, {"pnginfo": texts, **rich}),
        ("PNG palette", photo.quantize(16), {"transparency": 3}),
        ("PNG alpha", photo.convert("RGBA"), {}),
        ("WEBP", photo.convert("RGBA"), rich),
        ("TIFF", photo, {"compression": "tiff_lzw"}),
        ("TIFF raw", photo.convert("L"), {"exif": exif.tobytes()}),
        ("GIF", photo.quantize(16), {"save_all": True, "append_images": [photo.quantize(8)]}),
        ("BMP", photo, {}),
        ("AVIF", photo, rich),
        ("JPEG2000", photo, {}),
    ]:
        kind = name.split()[0]
        if kind not in Image.SAVE:
            Image.init()
        if kind in Image.SAVE:
            buffer = io.BytesIO()
            picture.save(buffer, kind, **options)
            seeds[name] = buffer.getvalue()
    return seeds


SEEDS = _seeds()


@pytest.fixture(scope="module")
def tiny_restorer() -> JpegRestorer:
    network = scramble(ArganForImageRestoration(ArganConfig(hidden_sizes=(4, 8, 8))))
    return JpegRestorer(network, device="cpu", max_megapixels=0.05)


def _outcome(restorer: JpegRestorer, data: bytes) -> str:
    """What becomes of a file: "restored", or the sentence of its refusal; anything else is raised."""
    try:
        image = restorer(data).image
    except UnreadableImageError as error:
        return str(error)
    encode_picture(image, ".png")
    return "restored"


@pytest.mark.parametrize("kind", SEEDS)
def test_a_seed_is_restored(tiny_restorer: JpegRestorer, kind: str) -> None:
    assert _outcome(tiny_restorer, SEEDS[kind]) == "restored"


def _tiff_of_one_giant_tile(compression: int) -> bytes:
    """16x16 pixels in a tile that claims 60000x60000."""
    data = zlib.compress(bytes(1000))
    tags = [(256, 16), (257, 16), (258, 8), (259, compression), (262, 1), (277, 1)]
    tags += [(322, 60_000), (323, 60_000), (324, 8), (325, len(data))]
    entries = b"".join(struct.pack("<HHLL", tag, 4, 1, value) for tag, value in tags)
    return b"II*\0" + struct.pack("<L", 8 + len(data)) + data + struct.pack("<H", len(tags)) + entries + bytes(4)


def _png_of_much_text() -> bytes:
    texts, buffer = PngInfo(), io.BytesIO()
    texts.add_text("Title", "x" * 2**24, zip=True)
    Image.new("L", (8, 8)).save(buffer, "PNG", pnginfo=texts)
    return buffer.getvalue()


def _png_of_a_giant_profile() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (8, 8)).save(buffer, "PNG", icc_profile=bytes(2**24))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("make", "refused"),
    [
        (lambda: _tiff_of_one_giant_tile(1), True),
        (lambda: _tiff_of_one_giant_tile(8), True),
        (_png_of_much_text, False),
        (_png_of_a_giant_profile, False),
    ],
    ids=["TIFF tile", "TIFF compressed tile", "PNG text", "PNG profile"],
)
def test_a_small_file_that_unpacks_to_a_large_one_does_not_fill_the_memory(
    tiny_restorer: JpegRestorer, make: Callable[[], bytes], refused: bool
) -> None:
    data = make()
    tracemalloc.start()
    sentence = _outcome(tiny_restorer, data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused == bool(re.search("ends early|cannot be decoded|too large", sentence))
    assert peak < 2**23


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SEEDS)
@given(data=st.data())
@settings(
    max_examples=_LONG or 150,
    derandomize=not _LONG,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    database=None,
)
def test_a_damaged_file_is_restored_or_refused_in_a_sentence(
    tiny_restorer: JpegRestorer, kind: str, data: st.DataObject
) -> None:
    damaged = bytearray(SEEDS[kind])
    # Headers hold the interesting bytes, and they come first.
    positions = st.integers(0, len(damaged) - 1) | st.integers(0, min(200, len(damaged) - 1))
    for position, value in data.draw(st.lists(st.tuples(positions, st.integers(0, 255)), max_size=8)):
        damaged[position] = value
    end = data.draw(st.just(len(damaged)) | positions)
    sentence = _outcome(tiny_restorer, bytes(damaged[:end]))
    assert "\n" not in sentence
    assert len(sentence) < 400


@pytest.mark.slow
@pytest.mark.skipif(not ODD.is_dir(), reason="the odd files are not at hand")
def test_every_odd_file_is_restored_with_all_it_has_or_refused(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, report, complaints = tmp_path / "out", tmp_path / "report.json", tmp_path / "complaints"
    files = sorted(path for path in ODD.rglob("*") if path.is_file())
    inputs = [str(path) for path in files if path.suffix in ("", ".pfm")]
    command = [*COMMAND, "restore", str(ODD), *inputs, "-r", "-o", str(out), "--format", "tiff", "--json", str(report)]
    measured = [sys.executable, "-c", _MEASURED, *command, "--model", str(checkpoint)]
    with complaints.open("wb") as errors:
        process = subprocess.run(measured, stdout=subprocess.PIPE, stderr=errors)
    assert process.returncode == 1
    peak = int(process.stdout)
    listed = json.loads(report.read_text())
    records = {Path(record["input"]): record for record in listed if record["status"] != "ignored"}
    assert sorted(records) == files
    table: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path, record in records.items():
        table[path.parent.name].append(record)
        target = Path(record["output"])
        if record["status"] == "restored":
            _assert_nothing_is_lost(path, target)
        else:
            assert re.fullmatch(r"[^\n]{20,400}", record["error"])
            assert record["error"].startswith(str(path))
            assert not target.exists()
    restored = [Path(record["output"]) for record in records.values() if record["status"] == "restored"]
    assert sorted(path for path in out.rglob("*") if path.is_file()) == sorted(restored)
    assert "Traceback" not in complaints.read_text()
    lines = ["", f"{'kind':24s} {'files':>5s} {'restored':>8s} {'refused':>7s} {'slowest':>8s}"]
    for kind, rows in [*sorted(table.items()), ("all", list(records.values()))]:
        done = sum(row["status"] == "restored" for row in rows)
        slowest = max(row["seconds"] for row in rows)
        lines.append(f"{kind:24s} {len(rows):5d} {done:8d} {len(rows) - done:7d} {slowest:6.2f} s")
    with capsys.disabled():
        sys.stdout.write("\n".join([*lines, f"at most {peak / 1024:.0f} MiB", ""]))
    assert max(record["seconds"] for record in records.values()) < 10
    assert peak < 2 * 2**20


def _states_resolution(image: Image.Image) -> bool:
    """Whether the file states a resolution: Pillow says 72 dpi of a JPEG with Exif data that state none."""
    return image.format != "JPEG" or image.info.get("jfif_unit") in (1, 2) or 0x011A in image.getexif()


def _assert_nothing_is_lost(source: Path, target: Path) -> None:
    with Image.open(source) as before, Image.open(target) as after:
        before.load()
        upright = ImageOps.exif_transpose(before)
        assert after.size == upright.size
        gray, colors, cmyk = ("1", "L", "LA", "I;16"), ("P", "RGB", "RGBA", "YCbCr"), ("CMYK",)
        assert any(before.mode in modes and after.mode in modes for modes in (gray, colors, cmyk))
        assert after.has_transparency_data == before.has_transparency_data
        if before.has_transparency_data:
            alpha = upright.convert("RGBA").getchannel("A")
            assert np.array_equal(np.array(after.getchannel("A")), np.array(alpha))
        assert after.info.get("icc_profile") == before.info.get("icc_profile")
        if "dpi" in before.info:
            dpi = before.info["dpi"] if _states_resolution(before) else (1, 1)  # A TIFF file without a unit.
            assert sorted(after.info["dpi"]) == pytest.approx(sorted(map(float, dpi)), abs=0.01)
        assert ("xmp" in after.info) == ("xmp" in before.info)
        if before.format == "JPEG":
            for tag in (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x8298):
                assert tag not in before.getexif() or after.getexif()[tag] == before.getexif()[tag]
            for directory in (0x8769, 0x8825):
                assert before.getexif().get_ifd(directory).keys() <= after.getexif().get_ifd(directory).keys()
