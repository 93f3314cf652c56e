"""The network in JavaScript gives what the package gives: in Node.js, and in every way in a real browser."""

import base64
import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from argan_hf.networks import load_network
from argan_hf.plane_restorer import PlaneRestorer
from tests.web.conftest import WebNetwork
from tests.web.node import needs_runtime, run_node
from tests.web.tabs import Tab

pytestmark = [needs_runtime, pytest.mark.slow]

# Samples of 0..255.
_ROUNDING = 1e-5 * 255


def _restorer(checkpoint: str | Path) -> PlaneRestorer:
    network, end = load_network(checkpoint), load_network(checkpoint, "realism")
    return PlaneRestorer(network, "cpu", dtype=torch.float32, realism_model=end)


def _planes(count: int, height: int, width: int, seed: int = 0) -> Tensor:
    """Smooth ground with edges that reach black and white, uint8 (count, height, width)."""
    random = np.random.default_rng(seed)
    ground = 128 + np.cumsum(random.integers(-9, 10, (count, height, width)), axis=2)
    ground[:, height // 3 : height // 2] = 255 * (ground[:, height // 3 : height // 2] > 128)
    return torch.from_numpy(ground.clip(0, 255).astype(np.uint8))


def _tables(count: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(5).integers(1, 99, (count, 8, 8), dtype=np.int32))


@pytest.fixture(scope="module")
def in_node(tiny_network: WebNetwork, default_network: WebNetwork, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases in one process of Node.js."""
    folder = tmp_path_factory.mktemp("node")
    wrong = ("future", "damaged", "short")
    for name in ("no realism", *wrong):
        shutil.copytree(tiny_network.folder, folder / name)
        manifest = json.loads((folder / name / "manifest.json").read_text())
        if name == "no realism":
            del manifest["files"]["realism_weights"]
        if name == "future":
            manifest["format"] += 1
        (folder / name / "manifest.json").write_text(json.dumps(manifest))
    weights = (folder / "damaged" / "weights.bin").read_bytes()
    (folder / "damaged" / "weights.bin").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    (folder / "short" / "graph.onnx").write_bytes(b"")
    cases: list[dict[str, Any]] = []

    def add(name: str, weights: Path, planes: Tensor, realism: float, *, is_told: bool) -> None:
        count, height, width = planes.shape
        (folder / f"{name}.planes").write_bytes(planes.float().numpy().tobytes())
        (folder / f"{name}.tables").write_bytes(_tables(count).numpy().tobytes())
        case = {"name": name, "weights": str(weights), "planes": count, "width": width, "height": height}
        cases.append(case | {"realism": realism, "isTold": is_told})

    for realism, count, is_told in product((0.0, 0.25, 0.7, 1.0), (1, 3), (False, True)):
        add(f"tiny-{realism}-{count}-{is_told}", tiny_network.folder, _planes(count, 37, 50), realism, is_told=is_told)
    add("default", default_network.folder, _planes(3, 128, 128), 0.0, is_told=True)
    add("two planes", tiny_network.folder, _planes(2, 8, 8), 0.0, is_told=False)
    add("realism 2", tiny_network.folder, _planes(3, 8, 8), 2.0, is_told=False)
    add("nan", tiny_network.folder, torch.full((3, 8, 8), torch.nan), 0.0, is_told=False)
    add("no realism", folder / "no realism", _planes(3, 8, 8), 0.5, is_told=False)
    for name in wrong:
        add(name, folder / name, _planes(3, 8, 8), 0.0, is_told=False)
    (folder / "cases.json").write_text(json.dumps(cases))
    mixed = {"weights": str(default_network.folder), "positions": [0.1, 0.3, 0.5, 0.9, 1.0]}
    (folder / "mixed.json").write_text(json.dumps(mixed))
    run_node("run_network.js", folder)
    return folder


def _floats(path: Path) -> Tensor:
    return torch.from_numpy(np.frombuffer(path.read_bytes(), np.float32).copy())


def test_planes_are_restored_alike_at_every_realism(in_node: Path, tiny_network: WebNetwork) -> None:
    restorers = {"tiny": _restorer(tiny_network.checkpoint), "default": _restorer("argan-jpeg-color")}
    results: dict[str, Tensor] = {}
    for case in json.loads((in_node / "cases.json").read_text()):
        name, count = case["name"], case["planes"]
        if name.split("-")[0] not in restorers:
            continue
        planes = _floats(in_node / f"{name}.planes").view(count, case["height"], case["width"])
        tables = _tables(count) if case["isTold"] else None
        expected = restorers[name.split("-")[0]].restore_planes(planes, tables, realism=case["realism"])
        results[name] = _floats(in_node / f"{name}.out").view(planes.shape)
        assert (results[name] - expected).abs().max() < _ROUNDING, name
        assert expected.min() == 0 and expected.max() == 255, name  # noqa: PT018
    assert len(results) == 17
    # Tables and realism are no ornaments.
    for one, other in (("0.0-3-True", "0.0-3-False"), ("0.0-1-True", "0.25-1-True"), ("0.7-3-True", "1.0-3-True")):
        assert (results[f"tiny-{one}"] - results[f"tiny-{other}"]).abs().max() > 1


def test_weights_are_equal_to_the_bit(in_node: Path) -> None:
    with np.errstate(invalid="ignore"):
        halves = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    found = np.frombuffer((in_node / "halves").read_bytes(), np.float32)
    known = ~np.isnan(halves)
    assert np.array_equal(np.isnan(found), ~known)
    assert np.array_equal(found.view(np.uint32)[known], halves.view(np.uint32)[known])
    positions = json.loads((in_node / "mixed.json").read_text())["positions"]
    start, end, *mixed = _floats(in_node / "mixed").view(2 + len(positions), -1)
    for weights, variant in ((start, None), (end, "realism")):
        parameters = load_network("argan-jpeg-color", variant).state_dict().values()
        # The order in the graph is another.
        assert torch.equal(weights.sort()[0], torch.cat([tensor.flatten() for tensor in parameters]).sort()[0])
    for position, weights in zip(positions, mixed, strict=True):
        assert torch.equal(weights, torch.lerp(start, end, position)), position


def test_what_a_network_is(in_node: Path) -> None:
    tiny, default, without, *_ = json.loads((in_node / "configs.json").read_text())
    about = {"numChannels": 3, "isConditioned": True}
    assert tiny == about | {"name": "net", "sizeDivisor": 4, "tileMargin": 16, "hasRealism": True}
    assert default == about | {"name": "argan-jpeg-color", "sizeDivisor": 8, "tileMargin": 80, "hasRealism": True}
    assert without["hasRealism"] is False


def test_what_is_wrong_is_said_in_a_sentence(in_node: Path) -> None:
    assert json.loads((in_node / "failures.json").read_text()) == {
        "two planes": "RangeError: this network restores 3 plane(s), found 2",
        "realism 2": "RangeError: realism must lie in 0..1, found 2",
        "no realism": "RangeError: this network has no variant for realism: leave realism at 0",
        "nan": "UnusableResultError: the network gave NaN or infinity instead of samples: choose another network",
        "future": "DownloadError: the files of the network have format 2, expected 1: reload the page, or export them "
        "again",
        "damaged": "DownloadError: weights.bin is damaged or of another version: reload the page",
        "short": "DownloadError: graph.onnx is damaged or of another version: reload the page",
    }


def _run(tab: Tab, planes: Tensor, tables: Tensor | None, realism: float, tile_size: int, most: int = 999) -> Any:
    """The network over planes; what it restored is float (C, H, W)."""
    found = tab.call(
        "run",
        planes=base64.b64encode(planes.numpy().tobytes()).decode(),
        width=planes.shape[2],
        height=planes.shape[1],
        tables=None if tables is None else tables.flatten(1).tolist(),
        realism=realism,
        tileSize=tile_size,
        most=most,
    )
    if found["restored"]:
        data = b"".join(map(base64.b64decode, found["restored"]))
        found["restored"] = torch.frombuffer(bytearray(data), dtype=torch.float32).view(planes.shape)
    return found


@pytest.mark.browser
def test_threads_and_workers_give_what_python_gives(
    tabs: Any, isolated_url: str, plain_url: str, tiny_network: WebNetwork
) -> None:
    planes, tables = _planes(3, 150, 210), _tables(3)
    results = []
    for url in (isolated_url, plain_url):
        tab = tabs(url)
        opened = tab.call("open")
        cores = opened["cores"]
        assert opened["backend"] == "wasm"
        if url == isolated_url and cores > 1:
            assert (opened["isIsolated"], opened["threads"], opened["workers"]) == (True, min(cores, 8), 0)
        else:
            assert (opened["threads"], opened["workers"]) == (1, min(cores, 4))
        loaded, total = zip(*opened["downloaded"], strict=True)
        assert list(loaded) == sorted(loaded)
        assert loaded[-1] == total[-1] > 3e6
        assert len(set(total)) == 1
        found = _run(tab, planes, tables, 0.25, 64)
        assert found["failure"] is None
        assert found["steps"] == [[done, 10] for done in range(1, 11)]
        results.append(found["restored"])
    expected = _restorer(tiny_network.checkpoint).restore_planes(planes.float(), tables, realism=0.25)
    assert torch.equal(*results)
    # A margin of 16 is all that this network can see.
    assert (results[0] - expected).abs().max() < _ROUNDING


@pytest.mark.browser
def test_it_stops_after_the_tiles_in_work_and_can_go_on(tabs: Any, isolated_url: str, plain_url: str) -> None:
    planes = _planes(1, 320, 320)
    for url in (isolated_url, plain_url):
        tab = tabs(url)
        tab.call("open")
        stopped = _run(tab, planes, None, 0.0, 32, most=2)
        assert stopped["failure"].startswith("AbortError")
        # The wish to stop is a message that comes in between tiles, which take a millisecond here, and may come late.
        assert 2 <= len(stopped["steps"]) <= 80
        assert stopped["steps"][0][1] == 100
        assert _run(tab, planes, None, 0.0, 320)["failure"] is None


@pytest.mark.browser
def test_a_file_that_is_damaged_or_missing_is_named(tabs: Any, plain_url: str, isolated_url: str) -> None:
    for url in (plain_url, isolated_url):
        tab = tabs(url)
        with pytest.raises(Exception, match=r"DownloadError: weights\.bin is damaged or of another version: reload"):
            tab.call("open", weights="damaged/")


@pytest.mark.browser
def test_the_graphics_card_gives_what_python_gives_and_a_program_that_acts_as_one_is_not_chosen(
    tabs_with_webgpu: Any, plain_url: str, tiny_network: WebNetwork
) -> None:
    tab = tabs_with_webgpu(plain_url)
    assert tab.call("open")["backend"] == "wasm"
    assert tab.call("open", backend="webgpu")["backend"] == "webgpu"
    planes, tables = _planes(3, 64, 64), _tables(3)
    found = _run(tab, planes, tables, 0.25, 64)
    assert found["failure"] is None
    expected = _restorer(tiny_network.checkpoint).restore_planes(planes.float(), tables, realism=0.25)
    assert (found["restored"] - expected).abs().max() < _ROUNDING
