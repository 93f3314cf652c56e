"""The JPEG arithmetic of the browser equals that of the package, which equals libjpeg's."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from argan_hf.jpeg import quantization_tables
from argan_hf.jpeg.codec import compress_ycbcr
from argan_hf.jpeg.color import rgb_to_ycbcr, rgb_to_ycbcr_unrounded, ycbcr_to_rgb
from argan_hf.jpeg.resampling import FACTORS
from argan_hf.jpeg.tables import estimate_quality
from tests.web.node import needs_node, run_node

pytestmark = needs_node


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("arithmetic")
    random = np.random.default_rng(0)
    cases = []
    for number, sampling in enumerate(sorted(FACTORS) * 24):
        height, width = (int(side) for side in random.integers(1, 68, 2))
        samples = random.integers(0, 256, (3, height, width))
        if number % 3:  # Edges of the range, and smooth ground.
            samples = samples // 128 * 255 if number % 3 == 1 else np.cumsum(samples - 127, 2) // 64 + 128
        (folder / f"{number}").write_bytes(samples.clip(0, 255).astype(np.uint8).tobytes())
        quality = int(random.integers(1, 101))
        cases.append({"name": f"{number}", "width": width, "height": height, "quality": quality, "sampling": sampling})
    tables = [quantization_tables(quality) for quality in range(1, 101)]
    tables += [torch.from_numpy(random.integers(1, 200, (2, 8, 8))) for _ in range(50)]
    tables += [(table.float() * 1.3).int().clamp(1, 255) for table in tables[:100]]
    (folder / "cases.json").write_text(json.dumps(cases))
    (folder / "tables.json").write_text(json.dumps([table.flatten(1).tolist() for table in tables]))
    torch.save(tables, folder / "tables.pt")
    run_node("compress_planes.js", folder)
    return folder


def test_planes_are_compressed_alike(results: Path) -> None:
    for case in json.loads((results / "cases.json").read_text()):
        shape = (3, case["height"], case["width"])
        read = [np.frombuffer((results / f"{case['name']}{end}").read_bytes(), np.uint8) for end in ("", ".out")]
        rgb, found = torch.from_numpy(read[0].copy()).view(shape), torch.from_numpy(read[1].copy()).view(3, *shape)
        planes = rgb_to_ycbcr(rgb)
        shown = compress_ycbcr(planes[None], quantization_tables(case["quality"]), case["sampling"])[0]
        assert torch.equal(found, torch.stack((planes, shown, ycbcr_to_rgb(shown)))), case
        floats = np.frombuffer((results / f"{case['name']}.float").read_bytes(), np.float32)
        assert torch.equal(torch.from_numpy(floats.copy()).view(shape), rgb_to_ycbcr_unrounded(rgb)), case


def test_qualities_are_estimated_alike(results: Path) -> None:
    found = json.loads((results / "qualities.json").read_text())
    tables = torch.load(results / "tables.pt")
    expected = [dict(zip(("quality", "exact"), estimate_quality(table), strict=True)) for table in tables]
    assert found == expected
