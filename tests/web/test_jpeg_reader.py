"""JPEG files read in JavaScript: every sample and every coefficient, or one sentence."""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf import UnreadableImageError
from argan_hf.containers.segments import read_layout
from argan_hf.jpeg import quantization_tables
from argan_hf.jpeg.codec import encode_planes
from argan_hf.jpeg.coefficients import read_coefficients
from argan_hf.jpeg.color import rgb_to_ycbcr
from argan_hf.jpeg.file import image_to_tensor, read_jpeg
from tests.conftest import EXAMPLES, TEST_DATA, jpeg_bytes
from tests.web.jpeg_writer import Scan, write_jpeg
from tests.web.node import needs_node, run_node

pytestmark = needs_node

_STATED = ("width", "height", "sampling", "quality", "standard", "progressive")
_WHOLE = (
    (Scan((0, 1, 2)),),
    (Scan((0,)), Scan((1, 2))),
    (Scan((2,)), Scan((0, 1))),
    (Scan((0,)), Scan((1,)), Scan((2,))),
)
_BANDS = (
    *(Scan((0, 1, 2), 0, 0, 0, 1), Scan((0,), 1, 5, 0, 2), Scan((2,), 1, 63, 0, 1), Scan((1,), 1, 63, 0, 1)),
    *(Scan((0,), 6, 63, 0, 2), Scan((0,), 1, 63, 2, 1), Scan((0, 1, 2), 0, 0, 1, 0), Scan((2,), 1, 63, 1, 0)),
    *(Scan((1,), 1, 63, 1, 0), Scan((0,), 1, 63, 1, 0)),
)
_FACTORS = ((1, 1), (2, 1), (1, 2), (2, 2), (4, 1), (4, 2), (1, 4), (3, 1), (1, 3), (2, 4))


def _picture(random: np.random.Generator, number: int) -> Image.Image:
    height, width = (int(side) for side in random.integers(1, 68, 2))
    kind = number % 3
    samples = random.integers(0, 256, (height, width, 3))
    if kind == 1:  # edges of the range
        samples = samples // 128 * 255
    if kind == 2:  # smooth ground
        samples = np.cumsum(samples - 127, 1) // 32 + 128
    return Image.fromarray(samples.clip(0, 255).astype(np.uint8))


def _saved_by_pillow(random: np.random.Generator, number: int) -> bytes:
    image = _picture(random, number)
    options: dict[str, Any] = {"quality": int(random.integers(1, 101)), "optimize": number % 2 == 0}
    options |= {"subsampling": number % 3, "progressive": number % 5 < 2}
    if number % 4 == 0:
        options["restart_marker_blocks"] = int(random.integers(1, 9))
    return jpeg_bytes(image.convert("L") if number % 7 == 0 else image, **options)


def _written_by_us(
    random: np.random.Generator, number: int, scans: Sequence[Scan] | None = None, **options: Any
) -> tuple[bytes, list[np.ndarray]]:
    """A file and its coefficients: sampling factors and scans that Pillow does not write."""
    image = _picture(random, number)
    factors = [(1, 1), (1, 1), (1, 1)]
    factors[int(number % 8 == 7)] = _FACTORS[number % len(_FACTORS)]  # Rarely chroma is the larger one.
    most = [max(factor[axis] for factor in factors) for axis in (0, 1)]
    planes = rgb_to_ycbcr(image_to_tensor(image)) // 2 + 64  # Codes are for 8 bits.
    tables = quantization_tables(int(random.integers(20, 96)))[[0, 1, 1]]
    coefficients = []
    for plane, table, (h, v) in zip(planes, tables, factors, strict=True):
        small = plane[:: most[1] // v, :: most[0] // h]
        groups = [-(-size // (8 * side)) for size, side in zip(image.size, most, strict=True)]
        rows, columns = groups[1] * v, groups[0] * h
        padded = torch.nn.functional.pad(
            small[None, None].float(), (0, columns * 8 - small.shape[1], 0, rows * 8 - small.shape[0]), "replicate"
        )[0].to(torch.uint8)
        coefficients.append(encode_planes(padded, table)[:, :, 0].permute(2, 3, 0, 1).flatten(2).numpy())
    progressive = scans is not None or number % 3 == 0
    blocks = sum(h * v for h, v in factors)
    if scans is None:
        scans = _BANDS if progressive and blocks <= 10 else _WHOLE[number % 4 if blocks <= 10 else 3]
        progressive = progressive and blocks <= 10
    data = write_jpeg(
        coefficients,
        factors,
        [table.flatten().numpy() for table in tables],
        image.size,
        scans,
        progressive=progressive,
        interval=int(random.integers(0, 7)),
        **options,
    )
    sizes = [[_blocks(size, factor[axis], most[axis]) for axis, size in enumerate(image.size)] for factor in factors]
    return data, [one[:rows, :columns] for one, (columns, rows) in zip(coefficients, sizes, strict=True)]


def _blocks(size: int, factor: int, most: int) -> int:
    """How many blocks of a component lie along one side of a picture."""
    return math.ceil(math.ceil(size * factor / most) / 8)


def _run(folder: Path, files: dict[str, bytes]) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    run_node("read_jpegs.js", folder)
    return dict(json.loads((folder / "reports.json").read_text()))


def _expected(data: bytes) -> Any:
    """The file as Python reads it, or `None`."""
    try:
        return read_jpeg(data)
    except UnreadableImageError:
        return None


def _is_equal(folder: Path, name: str, report: dict[str, Any], expected: Any) -> bool:
    planes = np.frombuffer((folder / f"{name}.planes").read_bytes(), np.uint8)
    assert report["tables"] == expected.tables.flatten(1).tolist(), name
    assert {key: report[key] for key in _STATED} == {key: getattr(expected, key) for key in _STATED}, name
    return np.array_equal(planes, expected.planes.numpy().ravel())


def test_every_sample_is_that_of_libjpeg(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    files = {f"{number}": _saved_by_pillow(random, number) for number in range(300)}
    reports = _run(tmp_path, files)
    for name, data in files.items():
        assert _is_equal(tmp_path, name, reports[name], read_jpeg(data)), (name, reports[name])
        assert reports[name]["isCertain"], name


def test_coefficients_are_those_that_were_written(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    written = {f"{number}": _written_by_us(random, number) for number in range(200)}
    reports = _run(tmp_path, {name: data for name, (data, _) in written.items()})
    for name, (data, coefficients) in written.items():
        assert "sizes" in reports[name], (name, reports[name])
        assert reports[name]["sizes"] == [list(one.shape[:2]) for one in coefficients], name
        found = np.frombuffer((tmp_path / f"{name}.coefficients").read_bytes(), np.int16)
        assert np.array_equal(found, np.concatenate([one.ravel() for one in coefficients])), (name, reports[name])
        assert _is_equal(tmp_path, name, reports[name], read_jpeg(data)), (name, reports[name])
        assert reports[name]["isCertain"], name


def test_what_was_never_sent_is_estimated_as_libjpeg_does(tmp_path: Path) -> None:
    """Progressive files that lack scans: libjpeg smooths their blocks."""
    random = np.random.default_rng(3)
    files = {}
    for number in range(120):
        kept = int(random.integers(1, len(_BANDS)))
        data, _ = _written_by_us(random, number - number % 8 + number % 7, _BANDS[:kept])
        files[f"{number}"] = data if number % 4 else data[: -2 - int(random.integers(1, 30))] + data[-2:]
    reports = _run(tmp_path, files)
    read = 0
    for name, data in files.items():
        expected = _expected(data)
        assert ("refused" in reports[name]) == (expected is None), (name, reports[name])
        if expected is not None:
            read += 1
            assert not reports[name]["isCertain"], name
            assert _is_equal(tmp_path, name, reports[name], expected), (name, reports[name])
    assert read > 80


def test_tables_that_few_encoders_write(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    files = {}
    for number in range(24):
        # 1. 16 bits for each step; fill bytes before markers; another table for what follows the first scan.
        more = {"wide": number % 2 == 0, "fill": number % 3, "later_table": number % 4 == 3}
        files[f"written-{number}"], _ = _written_by_us(random, 8 * number + 3, **more)
        # 2. Huffman tables left out, as in Motion JPEG: they are the standard ones.
        data = jpeg_bytes(_picture(random, number), quality=40)
        files[f"standard-{number}"] = _without(data, 0xC4)
        # 3. Codes that make no tree, symbols that are no sizes.
        at = data.index(b"\xff\xc4") + 5 + int(random.integers(16 + 12))
        files[f"damaged-{number}"] = data[:at] + random.bytes(1) + data[at + 1 :]
    reports = _run(tmp_path, files)
    for name, data in files.items():
        expected = _expected(data)
        assert ("refused" in reports[name]) == (expected is None), (name, reports[name])
        assert expected is not None or name.startswith("damaged"), name
        if expected is not None:
            assert _is_equal(tmp_path, name, reports[name], expected), (name, reports[name])


def _without(data: bytes, marker: int) -> bytes:
    layout = read_layout(data)
    for segment in reversed(layout.segments):
        if segment.marker == marker:
            data = data[: segment.start - 4] + data[segment.end :]
    return data


def test_a_file_without_its_end_is_read_if_it_is_whole(tmp_path: Path) -> None:
    with Image.open(EXAMPLES[3]) as image:
        photo = image.convert("RGB").crop((0, 0, 120, 77))
    files = {}
    for kind, options in enumerate(({}, {"progressive": True}, {"restart_marker_blocks": 3})):
        data = jpeg_bytes(photo, quality=60, **options)
        for cut in (1, 2, 3, 4, 9, 40, len(data) // 2):
            files[f"{kind}-{cut}"] = data[:-cut]
            files[f"{kind}-{cut}-zeros"] = data[:-cut] + bytes(30)
    # Zeros in place of the whole last interval are taken for it here; Python refuses them.
    del files["2-4-zeros"]
    reports = _run(tmp_path, files)
    read = 0
    for name, data in files.items():
        expected = _expected(data)
        assert ("refused" in reports[name]) == (expected is None), (name, reports[name])
        if expected is not None:
            assert _is_equal(tmp_path, name, reports[name], expected), name
            read += reports[name]["lacksEnd"]
    assert 6 <= read < len(files)


def test_damaged_files_give_a_picture_or_a_sentence(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    files = {}
    for number in range(400):
        data = bytearray(_saved_by_pillow(random, number) if number % 3 else _written_by_us(random, number)[0])
        for _ in range(int(random.integers(1, 4))):
            at, length = int(random.integers(2, len(data))), int(random.integers(1, 30))
            kind = int(random.integers(4))
            if kind == 0:
                data[at] ^= 1 << int(random.integers(8))
            elif kind == 1:
                del data[at : at + length]
            elif kind == 2:
                data[at:at] = random.bytes(length)
            else:
                data[at : at + length] = data[2 : 2 + length]
        files[f"{number}"] = bytes(data)
    reports = _run(tmp_path, files)
    assert not [(name, report) for name, report in reports.items() if "crashed" in report]
    assert max(report.get("seconds", 0) for report in reports.values()) < 2
    both = equal = certain = alike = 0
    for name, data in files.items():
        expected = _expected(data)
        if expected is not None and "refused" not in reports[name]:
            both += 1
            equal += _is_equal(tmp_path, name, reports[name], expected)
            # Of files that nobody doubts, only the headers were hit, or what lies beside the picture.
            certain += reports[name]["isCertain"]
            alike += reports[name]["isCertain"] == (read_coefficients(data) is not None)
    assert both > 80
    assert alike > 0.95 * both
    assert 10 < certain < 0.5 * both
    assert equal > 0.9 * both


@pytest.mark.skipif(not (TEST_DATA / "odd").is_dir(), reason="needs the odd files of $ARGAN_TEST_DATA")
def test_odd_files(tmp_path: Path) -> None:
    paths = [path for folder in ("odd", "cases") for path in sorted((TEST_DATA / folder).rglob("*.jp*g"))]
    files = {f"{number}-{path.parent.name}-{path.name}": path.read_bytes() for number, path in enumerate(paths)}
    reports = _run(tmp_path, files)
    wrong = []
    for name, data in files.items():
        expected, report = _expected(data), reports[name]
        assert "crashed" not in report, (name, report)
        if expected is None or "refused" in report:
            # Arithmetic coding is left to the command line.
            if expected is not None and "arithmetic" not in report["refused"]:
                wrong.append((name, report["refused"]))
            if "refused" not in report:
                wrong.append((name, "read"))
        elif not _is_equal(tmp_path, name, report, expected):
            wrong.append((name, "differs"))
    assert wrong == []


def test_what_is_refused_is_said(tmp_path: Path) -> None:
    with Image.open(EXAMPLES[3]) as image:
        photo = image.convert("RGB").crop((0, 0, 40, 30))
    data = jpeg_bytes(photo)
    buffer = io.BytesIO()
    photo.save(buffer, "JPEG", keep_rgb=True)
    size = data.index(b"\xff\xc0") + 5
    files = {
        "cmyk": jpeg_bytes(photo.convert("CMYK")),
        "rgb": buffer.getvalue(),
        "arithmetic": data.replace(b"\xff\xc0", b"\xff\xc9", 1),
        "12 bits": data[: size - 1] + b"\x0c" + data[size:],
        "bomb": data[:size] + b"\xff\xff\xff\xff" + data[size + 4 :],
        "small bomb": data[:size] + b"\x30\x00\x30\x00" + data[size + 4 :],
        "cut": data[: len(data) // 2],
        "empty": b"",
        "text": b"\xff\xd8 is how it starts",
        "scans": data[:-2] + data[data.index(b"\xff\xda") : -2] * 600 + data[-2:],
    }
    words = {
        "cmyk": "in CMYK, which is not restored in a browser; restore it on the command line",
        "rgb": "in RGB, which is not restored in a browser; restore it on the command line",
        "arithmetic": "with arithmetic coding, which is not restored in a browser",
        "12 bits": "12 bits per channel, expected 8",
        "bomb": "claims to hold 4,294.8 megapixels, more than the limit of 200",
        "small bomb": "bytes cannot hold the 151.0 megapixels that it claims",
        "cut": "ends early",
        "empty": "empty (0 bytes)",
        "text": "no JPEG file",
        "scans": "has 601 progressive scans",
    }
    reports = _run(tmp_path, files)
    for name, part in words.items():
        assert part in reports[name]["refused"], (name, reports[name])
