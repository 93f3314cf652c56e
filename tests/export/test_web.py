"""Files for browsers: the network as it is, in as few bytes as that takes, or nothing."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file

from argan_hf.cli import main
from argan_hf.export import InexactExportError, export_web, web
from argan_hf.export.web_files import layout, packed, unpacked

from .conftest import tiny_checkpoint, with_realism

_NAMES = ["graph.onnx", "manifest.json", "weights-realism.bin", "weights.bin"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_realism(tiny_checkpoint(tmp_path_factory.mktemp("web") / "net"))


@pytest.fixture(scope="module")
def exported(source: Path) -> Path:
    report = export_web(source, source.parent / "web")
    assert report.files == ("graph.onnx", "weights.bin", "weights-realism.bin", "manifest.json")
    assert report.size == sum(path.stat().st_size for path in report.folder.iterdir())
    assert 0 < report.largest_difference < 1e-5
    return report.folder


@pytest.fixture
def exports_again(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next exports of `source` take no time."""
    files = {name: (exported / name).read_bytes() for name in _NAMES}
    monkeypatch.setattr(web, "_files", lambda *_: files)


def test_numbers_that_fit_in_halves_are_stored_so_and_no_number_changes() -> None:
    exact, not_exact = np.float32([[1.5, -0.0], [2**-24, 65504]]), np.float32([0.1, 65536, 1e-9])
    odd = np.float32([np.inf])
    variants = [
        {"a": exact, "b": odd, "c": not_exact, "d": exact},
        {"a": exact, "b": odd, "c": not_exact, "d": exact / 3},
    ]
    tensors = layout(variants)
    assert [(tensor["dtype"], tensor["offset"], tensor["external_offset"]) for tensor in tensors] == [
        ("float16", 0, 0),
        ("float16", 8, 16),
        ("float32", 12, 20),
        ("float32", 24, 32),
    ]
    for weights in variants:
        data = packed(weights, tensors)
        assert len(data) == 40
        expected = np.concatenate([part.ravel() for part in weights.values()])
        assert np.array_equal(unpacked(data, tensors).view(np.uint32), expected.view(np.uint32))


@pytest.mark.slow
def test_the_manifest_says_what_lies_where(source: Path, exported: Path) -> None:
    assert sorted(path.name for path in exported.iterdir()) == _NAMES
    manifest = json.loads((exported / "manifest.json").read_text())
    names = ("num_channels", "size_divisor", "tile_margin", "condition_on_quantization")
    assert [manifest["format"], manifest["name"], *(manifest[name] for name in names)] == [1, "net", 3, 4, 16, True]
    for file in manifest["files"].values():
        data = (exported / file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    # Every number of the checkpoint is there, and the graph finds it where the manifest says.
    graph = onnx.load(exported / "graph.onnx", load_external_data=False).graph
    outside = {tensor.name: {e.key: e.value for e in tensor.external_data} for tensor in graph.initializer}
    for variant, name in (("model", "weights.bin"), ("model.realism", "weights-realism.bin")):
        weights = load_file(source / f"{variant}.safetensors")
        buffer = unpacked((exported / name).read_bytes(), manifest["tensors"]).tobytes()
        for tensor in manifest["tensors"]:
            expected = weights.pop(tensor["name"].removeprefix("network."))
            offset = tensor["external_offset"]
            length = 4 * expected.numel()
            assert outside[tensor["name"]] == {
                "location": manifest["external_data"]["path"],
                "offset": str(offset),
                "length": str(length),
            }
            assert buffer[offset : offset + length] == expected.numpy().tobytes()
        assert weights == {}
        assert len(buffer) == manifest["external_data"]["bytes"]


@pytest.mark.slow
def test_two_exports_are_equal(source: Path, exported: Path, tmp_path: Path) -> None:
    assert main(["export", "--web", str(tmp_path / "web"), "--model", str(source)]) == 0
    for name in _NAMES:
        assert (tmp_path / "web" / name).read_bytes() == (exported / name).read_bytes()


@pytest.mark.slow
def test_a_blind_network_without_realism(tmp_path: Path) -> None:
    report = export_web(tiny_checkpoint(tmp_path / "net", is_plain=True), tmp_path / "web")
    assert report.files == ("graph.onnx", "weights.bin", "manifest.json")
    manifest = json.loads((tmp_path / "web" / "manifest.json").read_text())
    assert (manifest["num_channels"], manifest["condition_on_quantization"]) == (1, False)
    assert sorted(manifest["files"]) == ["graph", "weights"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["weights.bin", "weights-realism.bin"])
def test_files_that_compute_something_else_are_not_left(
    name: str, exported: Path, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {path.name: path.read_bytes() for path in exported.iterdir()}
    # The last number is a bias of float32.
    files[name] = files[name][:-4] + np.float32(3.0).tobytes()
    monkeypatch.setattr(web, "_files", lambda *_: files)
    with pytest.raises(InexactExportError, match=r"differ from the network in PyTorch by .*, so nothing was written"):
        export_web(source, tmp_path / "web")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_variants_of_different_graphs_are_refused(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    graphs = iter("ab")
    model = onnx.helper.make_model(onnx.helper.make_graph([], "", [], []))

    def build(*_: object) -> onnx.ModelProto:
        model.doc_string = next(graphs)
        return onnx.ModelProto.FromString(model.SerializeToString())

    monkeypatch.setattr(web, "build_graph", build)
    with pytest.raises(InexactExportError, match="have different graphs"):
        export_web(source, tmp_path / "web")


@pytest.mark.slow
@pytest.mark.usefixtures("exports_again")
def test_a_folder_is_replaced_only_if_asked_and_only_an_export(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "web"
    folder.mkdir()
    export_web(source, folder)
    (folder / "weights.bin").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match="web exists already: choose another name, or overwrite it"):
        export_web(source, folder)
    assert (folder / "weights.bin").read_bytes() == b"mine"
    export_web(source, folder, overwrite=True)
    assert len((folder / "weights.bin").read_bytes()) > 4
    (folder / "photo.jpg").touch()
    with pytest.raises(FileExistsError, match=r"holds photo\.jpg, which is no part of an export"):
        export_web(source, folder, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["web"]


@pytest.mark.slow
@pytest.mark.usefixtures("exports_again")
def test_a_folder_stays_as_it_was_if_the_new_one_cannot_take_its_place(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "web"
    export_web(source, folder)
    (folder / "weights.bin").write_bytes(b"mine")
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "written":
            raise PermissionError("no")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError):
        export_web(source, folder, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["web"]
    assert (folder / "weights.bin").read_bytes() == b"mine"


def test_what_is_asked_wrongly_is_said_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileExistsError, match="file is a file, expected the name of a folder"):
        export_web("no checkpoint", tmp_path / "file")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*missing: create it first"):
        export_web("no checkpoint", tmp_path / "missing" / "web")


def test_weights_of_others_are_not_exported(tmp_path: Path) -> None:
    torch.save({}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="networks of this package are exported, found the file"):
        export_web(tmp_path / "other.pth", tmp_path / "web")
