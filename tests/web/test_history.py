"""The history of a picture in the browser equals that of the package: what is found, what is undone, what is said."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from argan_hf.graphics import draw_graphic
from argan_hf.history import EarlierSave, History, ResizedGrid, contradicted_quality, describe_history
from argan_hf.history.lattice import find_lattices
from argan_hf.history.search import is_clipped
from argan_hf.jpeg import quantization_tables
from argan_hf.picture import PictureParts, take_apart
from argan_hf.picture_history import history_of
from argan_hf.prepared_picture import PreparedPicture, prepare
from tests.conftest import EXAMPLES, jpeg_bytes, png_bytes
from tests.web.node import needs_node, run_node

pytestmark = needs_node


def _saved(image: Image.Image, quality: int, sampling: int = 2, **options: Any) -> Image.Image:
    return Image.open(io.BytesIO(jpeg_bytes(image, quality=quality, subsampling=sampling, **options))).copy()


def _photo(number: int, size: tuple[int, int] = (232, 200)) -> Image.Image:
    with Image.open(EXAMPLES[number]) as image:
        left, top = 24 + 16 * number, 40
        return image.convert("RGB").crop((left, top, left + size[0], top + size[1]))


def _cropped(image: Image.Image, top: int, left: int) -> Image.Image:
    return image.crop((left, top, *image.size))


def _clipped(image: Image.Image, factor: float) -> Image.Image:
    samples = np.array(image, np.float32)
    return Image.fromarray((samples * factor - 40 * factor).clip(0, 255).astype(np.uint8))


def _pasted(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.paste(_photo(3, (84, 76)), (61, 35))
    return image


def _files() -> list[bytes]:
    """Files of every kind of past, small enough for the package to search them soon."""
    custom = [[min(255, int(value) + 7) for value in np.random.default_rng(5).integers(10, 60, 64)]] * 2
    photos = [_photo(number) for number in range(5)]
    first = _saved(photos[0], 20)
    return [
        # Saved once, or never.
        jpeg_bytes(photos[0], quality=75),
        jpeg_bytes(photos[1].convert("L"), quality=40),
        png_bytes(photos[2]),
        png_bytes(photos[2].convert("L")),
        png_bytes(draw_graphic("text", 0, 200)),
        jpeg_bytes(draw_graphic("chart", 1, 200), quality=85),
        png_bytes(photos[0].crop((0, 0, 11, 9))),
        jpeg_bytes(photos[0].crop((0, 0, 15, 230)), quality=90),
        # Saved twice, with and without a crop in between, chroma of every kind.
        jpeg_bytes(first, quality=90),
        jpeg_bytes(_cropped(_saved(photos[1], 45), 3, 5), quality=95),
        jpeg_bytes(_cropped(first, 8, 11), quality=92, subsampling=0),
        jpeg_bytes(_cropped(first, 13, 8), quality=90, subsampling=2),
        jpeg_bytes(_saved(photos[1], 30, 0), quality=88, subsampling=0),
        jpeg_bytes(_cropped(_saved(photos[2], 25, 0), 2, 7), quality=93, subsampling=0),
        jpeg_bytes(_cropped(_saved(photos[3], 40, 1), 0, 3), quality=96, subsampling=0),
        jpeg_bytes(_saved(photos[4], 35, 1), quality=94, subsampling=1),
        jpeg_bytes(_saved(photos[0], 15, 0), quality=80, subsampling=2),
        jpeg_bytes(_saved(photos[2], 60), quality=90),
        jpeg_bytes(_saved(photos[3], 25, qtables=custom), quality=94),
        # Gray.
        jpeg_bytes(_cropped(_saved(photos[1].convert("L"), 30), 1, 6), quality=90),
        png_bytes(_cropped(_saved(photos[3].convert("L"), 50), 4, 4)),
        # PNG pictures of a JPEG.
        png_bytes(first),
        png_bytes(_cropped(_saved(photos[1], 60, 0), 5, 2)),
        png_bytes(_cropped(_saved(photos[4], 85, 1), 0, 9)),
        png_bytes(_saved(_clipped(photos[2], 2.5), 25)),
        jpeg_bytes(_cropped(_saved(_clipped(photos[3], 2), 30), 6, 1), quality=92),
        # Saved three times.
        jpeg_bytes(_cropped(_saved(_cropped(_saved(photos[0], 15), 3, 5), 60), 2, 4), quality=92),
        png_bytes(_cropped(_saved(_cropped(_saved(photos[4], 20, 0), 1, 1), 75, 0), 7, 3)),
        # Something was pasted since.
        jpeg_bytes(_pasted(first), quality=92, subsampling=0),
        png_bytes(_pasted(_saved(photos[2], 30))),
        # Enlarged by repeating pixels, resized.
        png_bytes(_saved(photos[1].crop((0, 0, 160, 136)), 30).resize((320, 272), Image.Resampling.NEAREST)),
        png_bytes(draw_graphic("pixel-art", 0, 64).resize((192, 192), Image.Resampling.NEAREST)),
        jpeg_bytes(_saved(_photo(1, (400, 380)), 20).resize((522, 494), Image.Resampling.BICUBIC), quality=90),
        png_bytes(_saved(_photo(2, (400, 380)), 20).resize((600, 570), Image.Resampling.BILINEAR)),
        jpeg_bytes(_saved(_photo(3, (380, 380)), 25).resize((304, 304), Image.Resampling.LANCZOS), quality=90),
    ]


# Standard deviations of what a network could change of a file; some contradict the file, some do not.
_CHANGES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6)


def _restored(parts: PictureParts, number: int) -> torch.Tensor | None:
    """What networks could make of the luma of a file, (networks, H, W)."""
    if parts.tables is None:
        return None
    height, width = parts.samples.shape[1:]
    coarse = np.random.default_rng(number).normal(0, 1, (height // 4 + 1, width // 4 + 1))
    noise = torch.from_numpy(np.kron(coarse, np.ones((4, 4)))[:height, :width].astype(np.float32))
    return (parts.samples[:1] + noise * torch.tensor(_CHANGES)[:, None, None]).clamp(0, 255)


class _Case:
    """A picture, and what Python makes of it."""

    def __init__(self, number: int, file: bytes) -> None:
        self.name, self.parts = f"{number}", take_apart(file)
        self.restored, self.told = _restored(self.parts, number), (None, None, 30)[number % 3]
        self.is_resized = number % 4 == 0
        self.history = history_of(self.parts)
        self.contradicted: list[int | None] = []
        for restored in () if self.restored is None else self.restored.unbind():
            assert self.parts.tables is not None
            self.contradicted.append(
                contradicted_quality(
                    lambda rows, columns, restored=restored: restored[None, rows, columns],
                    self.parts.samples,
                    self.parts.tables,
                    is_resized=self.is_resized,
                )
            )
        told = self.contradicted[-1] if self.contradicted else None
        self.history = History(self.history.saves, self.history.enlargement, self.history.resized, told)
        self.prepared = prepare(self.parts, self.history, self.told, looks_back=True)

    def write(self, folder: Path) -> dict[str, Any]:
        (folder / self.name).write_bytes(self.parts.samples.numpy().tobytes())
        if self.restored is not None:
            (folder / f"{self.name}.restored").write_bytes(self.restored.numpy().tobytes())
        height, width = self.parts.samples.shape[1:]
        return {
            "name": self.name,
            "width": width,
            "height": height,
            "rgb": self.parts.rgb,
            "tables": _plain(self.parts.tables),
            "hasGrid": self.parts.grid_table is not None,
            "quality": self.parts.quality,
            "sampling": self.parts.sampling,
            "networks": 0 if self.restored is None else len(self.restored),
            "isResized": self.is_resized,
            "told": self.told,
        }


def _lattices(parts: PictureParts) -> list[dict[str, Any]]:
    """The lattices of a picture, which the search starts with."""
    planes = parts.integers_at(slice(None), slice(None))
    found = find_lattices([planes[0]], [is_clipped(planes)], None if parts.tables is None else parts.tables[0])
    return [
        {
            "rows": lattice.rows,
            "columns": lattice.columns,
            "quality": lattice.quality,
            "table": lattice.table.flatten().tolist(),
            "evidence": pytest.approx(lattice.evidence, rel=1e-4, abs=0.1),
            "chance": pytest.approx(lattice.null, rel=1e-4, abs=0.1),
        }
        for lattice in found
    ]


def _plain(tables: torch.Tensor | None) -> list[Any] | None:
    return None if tables is None else tables.flatten(-2).tolist()


def _described(prepared: PreparedPicture) -> dict[str, Any]:
    weights = prepared.untouched_blocks()
    return {
        **{
            name: getattr(prepared, name)
            for name in ("top", "left", "enlargement", "is_told", "is_resized", "leaves_luma_alone")
        },
        "has_flat_chroma": weights is not None and prepared.flat_chroma(weights) is not None,
        "tables": _plain(prepared.parts.tables),
        "own_tables": _plain(prepared.own_tables),
        "grid_table": _plain(prepared.parts.grid_table),
        "own_grid_table": _plain(prepared.own_grid_table),
    }


def _arrays(prepared: PreparedPicture) -> list[np.ndarray]:
    weights = prepared.untouched_blocks()
    neutral = prepared.neutral_blocks() if len(prepared.parts.samples) == 3 else None
    planes = [*prepared.parts.samples, *(() if prepared.planes is None else prepared.planes)]
    blocks = [prepared.held, prepared.foreign, neutral]
    arrays = [*planes, *(torch.zeros(0) if array is None else array for array in blocks)]
    bytes_of_weights = np.zeros(0, np.uint8) if weights is None else weights.numpy().view(np.uint8)
    return [*(array.numpy().astype(np.uint8).ravel() for array in arrays), bytes_of_weights.ravel()]


# Of every kind: saved once, twice, three times, something pasted since, enlarged, resized.
_FEW = (0, 4, 9, 14, 19, 24, 26, 28, 30, 32)


@pytest.fixture(
    scope="module", params=[pytest.param(True, id="few"), pytest.param(False, id="others", marks=pytest.mark.slow)]
)
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[_Case, dict[str, Any], bytes]]:
    """Each case, what Node reports of it, and the planes and blocks that it wrote."""
    folder = tmp_path_factory.mktemp("history")
    chosen = [(number, file) for number, file in enumerate(_files()) if (number in _FEW) == request.param]
    cases = [_Case(number, file) for number, file in chosen]
    (folder / "cases.json").write_text(json.dumps([case.write(folder) for case in cases]))
    run_node("find_history.js", folder)
    reports = json.loads((folder / "reports.json").read_text())
    return [
        (case, report, (folder / f"{case.name}.out").read_bytes()) for case, report in zip(cases, reports, strict=True)
    ]


def test_the_same_history_is_found(results: list[tuple[_Case, dict[str, Any], bytes]]) -> None:
    for case, report, _ in results:
        assert report["history"] == case.history.to_dict(), case.name
        assert report["contradicted"] == case.contradicted, case.name
    histories = [case.history for case, *_ in results]
    assert sum(bool(history.saves) for history in histories) >= len(results) / 2
    assert any(len(history.saves) > 1 for history in histories)
    assert any(history.resized is not None for history in histories)
    assert any(history.contradicted_quality is not None for history in histories)


def _stories() -> list[tuple[History, int | None]]:
    """Histories of every kind, with the qualities of their files."""
    tables = quantization_tables(20)[[0, 1, 1]]
    first = EarlierSave(tables, 20, True, 0, 0, "4:2:0", 0.96875, 1 / 3)
    second = EarlierSave(tables[:1], 83, False, 11, 8, None, 0.99999, 0.03125)
    return [
        (History(), 90),
        (History((first,)), None),
        (History((second,)), 92),
        (History((second, first), 3), None),
        (History((replace(first, left=5), second)), 75),
        (History(resized=ResizedGrid(1.305, 1.3, 0.51234567)), 80),
        (History(resized=ResizedGrid(0.7249, 0.7251, 0.9), contradicted_quality=30), 85),
        (History(contradicted_quality=30), 85),
    ]


def test_the_same_is_said(tmp_path: Path) -> None:
    stories = _stories()
    told = [
        {
            "history": {
                "saves": [vars(save) | {"tables": _plain(save.tables)} for save in history.saves],
                "enlargement": history.enlargement,
                "resized": history.resized
                and {
                    "verticalScale": history.resized.vertical_scale,
                    "horizontalScale": history.resized.horizontal_scale,
                    "certainty": history.resized.certainty,
                },
                "contradictedQuality": history.contradicted_quality,
            },
            "quality": quality,
        }
        for history, quality in stories
    ]
    (tmp_path / "stories.json").write_text(json.dumps(told))
    run_node("tell_history.js", tmp_path)
    assert json.loads((tmp_path / "told.json").read_text()) == [
        {"json": history.to_dict(), "sentences": list(describe_history(history, quality))}
        for history, quality in stories
    ]


def test_the_same_lattices_are_seen(results: list[tuple[_Case, dict[str, Any], bytes]]) -> None:
    for case, report, _ in results:
        assert report["lattices"] == _lattices(case.parts), case.name


def test_the_same_picture_is_restored(results: list[tuple[_Case, dict[str, Any], bytes]]) -> None:
    for case, report, data in results:
        assert report["prepared"] == _described(case.prepared), case.name
        arrays = _arrays(case.prepared)
        assert report["sizes"] == [len(array) for array in arrays], case.name
        ends = np.cumsum(report["sizes"])[:-1]
        for index, (found, expected) in enumerate(
            zip(np.split(np.frombuffer(data, np.uint8), ends), arrays, strict=True)
        ):
            assert np.array_equal(found, expected), (case.name, index, int((found != expected).sum()))
    assert any(case.prepared.foreign is not None for case, *_ in results)
