"""What a file is, by its headers alone."""

import json
import struct
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from argan_hf.containers.png_chunks import encode_chunk
from tests.conftest import jpeg_bytes, png_bytes
from tests.web.node import needs_node, run_node

pytestmark = needs_node

_PICTURE = Image.linear_gradient("L").resize((90, 60)).convert("RGB")


def _saved(kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    _PICTURE.save(buffer, kind, **options)
    return buffer.getvalue()


def _inspected(tmp_path: Path, files: dict[str, bytes]) -> dict[str, Any]:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "names.json").write_text(json.dumps({"names": list(files), "maxMegapixels": 1}))
    run_node("inspect_files.js", tmp_path)
    found: dict[str, Any] = json.loads((tmp_path / "found.json").read_text())
    return found


def test_the_upright_size_and_what_a_jpeg_file_states(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    files = {
        "plain": (jpeg_bytes(_PICTURE, quality=37), ("JPEG", 90, 60, 37, "4:2:0")),
        "turned": (jpeg_bytes(_PICTURE, quality=80, subsampling=0, exif=exif), ("JPEG", 60, 90, 80, "4:4:4")),
        "gray": (jpeg_bytes(_PICTURE.convert("L"), quality=5), ("JPEG", 90, 60, 5, "gray")),
        "png": (png_bytes(_PICTURE), ("PNG", 90, 60, None, None)),
        "turned png": (_saved("PNG", exif=exif), ("PNG", 60, 90, None, None)),
        "webp": (_saved("WEBP"), ("WEBP", 90, 60, None, None)),
        "lossless webp": (_saved("WEBP", lossless=True), ("WEBP", 90, 60, None, None)),
        "turned webp": (_saved("WEBP", exif=exif), ("WEBP", 60, 90, None, None)),
        "avif": (_saved("AVIF"), ("AVIF", 90, 60, None, None)),
        "turned avif": (_saved("AVIF", exif=exif), ("AVIF", 60, 90, None, None)),
        # Damaged data lie behind the headers.
        "cut": (jpeg_bytes(_PICTURE, quality=37)[:-40], ("JPEG", 90, 60, 37, "4:2:0")),
    }
    found = _inspected(tmp_path, {name: data for name, (data, _) in files.items()})
    for name, (_, (kind, width, height, quality, sampling)) in files.items():
        expected: dict[str, Any] = {"width": width, "height": height, "megapixels": width * height / 1e6}
        expected |= {"format": kind, "quality": quality, "sampling": sampling}
        assert found[name]["inspected"] == expected, name


def test_what_the_headers_refuse_is_refused_alike(tmp_path: Path) -> None:
    data = jpeg_bytes(_PICTURE, quality=60)
    large = encode_chunk(b"IHDR", struct.pack(">2I5B", 3000, 3000, 8, 2, 0, 0, 0))
    cmyk = BytesIO()
    _PICTURE.convert("CMYK").save(cmyk, "JPEG")
    files = {
        "nothing": b"",
        "text": b"no picture",
        "gif": _saved("GIF"),
        "arithmetic": data.replace(b"\xff\xc0", b"\xff\xc9", 1),
        "cmyk": cmyk.getvalue(),
        "large": jpeg_bytes(_PICTURE.resize((1200, 900))),
        "larger than its bytes": data.replace(struct.pack(">HH", 60, 90), struct.pack(">HH", 999, 999)),
        "large png": b"\x89PNG\r\n\x1a\n" + large,
        "damaged png": b"\x89PNG\r\n\x1a\n" + large[:-9],
        "damaged webp": _saved("WEBP")[:20],
        "damaged avif": _saved("AVIF")[:50],
        "tables": data.replace(b"\xff\xdb", b"\xff\xec"),
    }
    for name, found in _inspected(tmp_path, files).items():
        assert found["inspected"] == found["opened"], name
        assert found["inspected"].startswith("UnreadableImageError: the picture "), name
