"""Planes held to the coefficients of a file, in the browser as in the package."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from argan_hf.jpeg.codec import encode_planes
from argan_hf.jpeg.color import as_pixels, rgb_to_ycbcr
from argan_hf.jpeg.consistency import hold_to_file
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.file_blocks import FileBlocks, Held
from argan_hf.jpeg.tables import quantization_tables
from tests.conftest import EXAMPLES
from tests.web.node import needs_node, run_node

pytestmark = needs_node

_FACTORS = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2), "4:4:0": (2, 1), "4:1:1": (1, 4), "4:1:0": (2, 4)}
_QUALITIES = (10, 30, 75, 90, 97)
# So many of five pictures are photographs of usual colors.
_EASY = 3


def _blocks(planes: Tensor, factors: tuple[int, int], quality: int) -> FileBlocks:
    """About what a file of integer planes (1 or 3, H, W) stores."""
    (v, h), (height, width) = factors, planes.shape[1:]
    tables = quantization_tables(quality)[[0, 1, 1][: len(planes)]]
    [luma] = _encoded(planes[:1], tables[0])
    if len(planes) == 1:
        return FileBlocks(luma, None, tables)
    whole = pad(planes[1:].float(), (0, -width % (8 * h), 0, -height % (8 * v)), mode="replicate")
    small = whole.unflatten(2, (-1, h)).unflatten(1, (-1, v)).mean((2, 4)).round()
    return FileBlocks(luma, _encoded(small, tables[1]), tables, factors)


def _encoded(planes: Tensor, table: Tensor) -> Tensor:
    """int16 (C, rows, columns, 8, 8)."""
    return encode_planes(planes.to(torch.uint8), table).permute(2, 3, 4, 0, 1).contiguous().to(torch.int16)


def _cases() -> list[tuple[Tensor, FileBlocks, Tensor | None]]:
    """Planes, what they are held to, and a mask: of every five, the last ones are hard."""
    cases: list[tuple[Tensor, FileBlocks, Tensor | None]] = []
    random = np.random.default_rng(5)
    photos = []
    for path, size in zip(EXAMPLES, ((203, 157), (176, 160), (131, 90)), strict=False):
        with Image.open(path) as image:
            photos.append(image_to_tensor(image.convert("RGB").crop((60, 70, 60 + size[0], 70 + size[1]))))
    # Colors at the ends of what RGB holds, and noise.
    photos.append((photos[0].int() * 3 - 250).clamp(0, 255).to(torch.uint8))
    photos.append(torch.from_numpy(random.integers(0, 256, (3, 61, 75), dtype=np.uint8)))
    for number, (factors, quality) in enumerate((f, q) for f in _FACTORS.values() for q in _QUALITIES):
        planes = rgb_to_ycbcr(photos[number % len(photos)])
        noise = torch.from_numpy(random.normal(0, 3, planes.shape).astype(np.float32))
        cases.append((planes + noise, _blocks(planes, factors, quality), None))
    for kind in ("gray", "masked", "whole"):
        for number, quality in enumerate(_QUALITIES):
            planes = rgb_to_ycbcr(photos[number])
            noise = torch.from_numpy(random.normal(0, 4, planes.shape).astype(np.float32))
            blocks = _blocks(planes[:1], (1, 1), quality)
            if kind == "gray":
                cases.append(((planes + noise)[:1], blocks, None))
                continue
            # Luma alone, whole blocks, in color, as for an earlier save.
            rows, columns = planes.shape[1] // 8, planes.shape[2] // 8
            held = torch.from_numpy(random.random((rows, columns)) < 0.7) if kind == "masked" else None
            whole = FileBlocks(blocks.luma[:rows, :columns], None, blocks.tables, has_border=False)
            cases.append((planes + noise, whole, held))
    # Smaller than a coded unit.
    planes = rgb_to_ycbcr(photos[2][:, :5, :3])
    cases.append((planes.float(), _blocks(planes, (2, 2), 40), None))
    # Left without color, where the file has some.
    planes = rgb_to_ycbcr(photos[0])
    drained = planes.float()
    drained[1:, :, :100] = 128.0
    return [*cases, (drained, _blocks(planes, (2, 2), 80), None)]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which Node wrote what it made of the cases."""
    folder = tmp_path_factory.mktemp("held")
    described = []
    for number, (planes, blocks, held) in enumerate(_cases()):
        (folder / f"{number}.planes").write_bytes(planes.numpy().tobytes())
        stored = [blocks.luma, *(() if blocks.chroma is None else blocks.chroma)]
        (folder / f"{number}.coefficients").write_bytes(b"".join(part.numpy().tobytes() for part in stored))
        if held is not None:
            (folder / f"{number}.held").write_bytes(held.numpy().tobytes())
        described.append(
            {
                "name": f"{number}",
                "width": planes.shape[2],
                "height": planes.shape[1],
                "channels": len(planes),
                "tables": blocks.tables.flatten(1).tolist(),
                "factors": blocks.factors,
                "hasBorder": blocks.has_border,
                "sizes": [part.shape[:2] for part in stored],
                "isMasked": held is not None,
            }
        )
    (folder / "cases.json").write_text(json.dumps(described))
    run_node("hold_planes.js", folder)
    return folder


def _sum(counts: list[dict[str, Any]], plane: str, key: str) -> Held:
    """What was counted in all strips."""
    names = ("blocks", "equalBlocks", "coefficients", "equalCoefficients")
    return sum((Held(*(part[key][plane][name] for name in names)) for part in counts), Held())


def test_planes_are_held_alike(results: Path) -> None:
    reports = json.loads((results / "reports.json").read_text())
    differing, samples = {False: 0, True: 0}, {False: 0, True: 0}
    for number, ((planes, blocks, held), report) in enumerate(zip(_cases(), reports, strict=True)):
        is_hard = number % len(_QUALITIES) >= _EASY
        expected, *counts = hold_to_file(planes, blocks, held)
        found = torch.from_numpy(np.fromfile(results / f"{number}.held_planes", np.float32)).view(planes.shape)
        # 1. What is written.
        difference = (as_pixels(expected).int() - as_pixels(found).int()).abs()
        assert is_hard or difference.max() <= 2, number
        differing[is_hard] += int((difference > 0).sum())
        samples[is_hard] += difference.numel()
        # 2. What is counted.
        for plane, count in zip(("luma", "chroma"), counts, strict=True):
            same = _sum(report, plane, "held")
            assert (same.blocks, same.coefficients) == (count.blocks, count.coefficients), number
            assert abs(same.equal_blocks - count.equal_blocks) <= (3 if is_hard else 1), number
            assert abs(same.equal_coefficients - count.equal_coefficients) <= (20 if is_hard else 2), number
    assert differing[False] < 4e-5 * samples[False]
    # Where blocks cannot be what they should, a sample that is rounded the other way changes all moves that are tried.
    assert differing[True] < 4e-3 * samples[True]


def test_what_is_counted_is_what_is_there(results: Path) -> None:
    reports, again = json.loads((results / "reports.json").read_text()), 0
    for number, (report, (_, blocks, held)) in enumerate(zip(reports, _cases(), strict=True)):
        luma, chroma = (_sum(report, plane, "held") for plane in ("luma", "chroma"))
        assert luma.blocks > 0
        assert (chroma.blocks > 0) == (blocks.chroma is not None)
        if number == len(reports) - 1:
            assert luma.equal_blocks == luma.blocks
            assert 0.4 * chroma.blocks < chroma.equal_blocks < 0.8 * chroma.blocks
        elif number % len(_QUALITIES) < _EASY:
            assert luma.blocks + chroma.blocks - luma.equal_blocks - chroma.equal_blocks <= 1, number
        if held is None:
            assert (luma, chroma) == tuple(_sum(report, plane, "again") for plane in ("luma", "chroma")), number
            again += 1
    assert again > 30
