"""Exported files: they compute what PyTorch computes, or they are not there."""

import logging
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from argan_hf.export import export_onnx, onnx_export, require_onnx
from argan_hf.networks import load_network
from argan_hf.plain_network import load_plain_network
from argan_hf.rgb_network import restore_rgb

from .conftest import tiny_checkpoint

pytestmark = pytest.mark.slow


def _run(path: Path, **inputs: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(path)
    (found,) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    return found


def _rgb(network: nn.Module, pixel_values: torch.Tensor) -> np.ndarray:
    with torch.no_grad():
        planes = network.config.num_channels
        return restore_rgb(lambda part: network(part).reconstruction, pixel_values, planes).numpy()


@pytest.mark.parametrize("shape", [(1, 2, 1), (3, 17, 90), (1, 128, 40)])
def test_planes_of_other_sizes_with_tables_known_and_unknown(told_file: Path, shape: tuple[int, int, int]) -> None:
    network = load_network(told_file.parent)
    pixel_values = torch.rand(shape[0], 3, *shape[1:])
    tables = torch.randint(1, 99, (shape[0], 3, 8, 8), dtype=torch.int32)
    results = []
    for quantization in (tables, torch.zeros_like(tables)):
        found = _run(told_file, pixel_values=pixel_values, quantization=quantization)
        with torch.no_grad():
            expected = network(pixel_values, quantization).reconstruction.numpy()
        assert np.abs(found - expected).max() < 1e-5
        results.append(found)
    assert np.abs(results[0] - results[1]).max() > 1e-3


def test_a_blind_network_has_the_same_inputs_and_nothing_is_printed(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    recwarn: pytest.WarningsRecorder,
) -> None:
    folder = tiny_checkpoint(tmp_path / "net", is_plain=True)
    # The loggers of PyTorch write to the standard error that they found when they were made.
    monkeypatch.setattr(logging.getLogger("torch.onnx._internal.exporter._registration"), "handlers", [caplog.handler])
    capfd.readouterr()
    report = export_onnx(folder, tmp_path / "net.onnx", kind="told")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []
    assert report.largest_difference < 1e-5
    pixel_values = torch.rand(2, 1, 9, 21)
    quantization = torch.full((2, 1, 8, 8), 7, dtype=torch.int32)
    found = _run(tmp_path / "net.onnx", pixel_values=pixel_values, quantization=quantization)
    with torch.no_grad():
        assert np.abs(found - load_network(folder)(pixel_values).reconstruction.numpy()).max() < 1e-5


def test_the_default_network_restores_rgb_and_leaves_gray_without_color(tmp_path: Path) -> None:
    report = export_onnx("argan-jpeg-color", tmp_path / "net.onnx")
    assert report.files == (tmp_path / "net.onnx",)
    assert (report.kind, report.dtype, report.opset) == ("rgb", torch.float32, 18)
    assert report.size == (tmp_path / "net.onnx").stat().st_size
    assert 0 < report.largest_difference < 1e-5
    pictures = torch.rand(2, 3, 23, 38)
    pictures[1] = pictures[1, :1]
    found = _run(tmp_path / "net.onnx", pixel_values=pictures)
    assert np.abs(found - _rgb(load_network("argan-jpeg-color"), pictures)).max() < 1e-5
    assert np.ptp(found[1], axis=0).max() == 0 < np.ptp(found[0], axis=0).max()


def test_halves_of_a_luma_network_with_inputs_and_outputs_in_float32(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "net", is_plain=True)
    report = export_onnx(folder, tmp_path / "net.onnx", kind="told", dtype=torch.float16)
    graph = onnx.load(tmp_path / "net.onnx").graph
    kinds = {weight.data_type for weight in graph.initializer if len(weight.dims) == 4}
    assert kinds == {onnx.TensorProto.FLOAT16}
    pixel_values, tables = torch.rand(1, 1, 30, 31), torch.zeros(1, 1, 8, 8, dtype=torch.int32)
    found = _run(tmp_path / "net.onnx", pixel_values=pixel_values, quantization=tables)
    with torch.no_grad():
        difference = np.abs(found - load_network(folder)(pixel_values).reconstruction.numpy()).max()
    assert found.dtype == np.float32
    assert 1e-6 < difference < 0.5 / 255
    # The arithmetic of 16 bits counts, which ONNX Runtime does not use on this device.
    assert report.largest_difference > 1e-4


def test_realism_mixes_the_variants(tmp_path: Path) -> None:
    folder = tiny_checkpoint(tmp_path / "net", is_plain=True)
    with pytest.raises(ValueError, match="this checkpoint has no variant for realism: leave realism at 0"):
        export_onnx(folder, tmp_path / "net.onnx", realism=0.5)
    weights = load_file(folder / "model.safetensors")
    other = {name: tensor * 1.5 if "head" in name else tensor for name, tensor in weights.items()}
    save_file(other, folder / "model.realism.safetensors", {"format": "pt"})
    with pytest.raises(ValueError, match=r"realism must lie in 0\.\.1, found 2"):
        export_onnx(folder, tmp_path / "net.onnx", realism=2)
    export_onnx(folder, tmp_path / "net.onnx", kind="told", realism=0.5)
    network = load_plain_network(folder)
    assert network is not None
    with torch.no_grad():
        for parameter in network.unet.head.parameters():
            parameter.mul_(1.25)
        pixel_values = torch.rand(1, 1, 20, 20)
        expected = network(pixel_values).reconstruction.numpy()
    tables = torch.zeros(1, 1, 8, 8, dtype=torch.int32)
    found = _run(tmp_path / "net.onnx", pixel_values=pixel_values, quantization=tables)
    assert np.abs(found - expected).max() < 1e-5


def test_weights_beside_the_file(exported_before: Path, tmp_path: Path) -> None:
    report = export_onnx(exported_before, tmp_path / "net.onnx", kind="told", external_data=True)
    assert report.files == (tmp_path / "net.onnx", tmp_path / "net.onnx_data")
    assert sorted(tmp_path.iterdir()) == sorted(report.files)
    assert len({file.stat().st_mode for file in report.files}) == 1
    assert report.size == sum(file.stat().st_size for file in report.files)
    assert report.largest_difference < 1e-5
    (tmp_path / "net.onnx_data").unlink()
    with pytest.raises(Exception, match=r"net\.onnx_data"):
        onnxruntime.InferenceSession(tmp_path / "net.onnx")


def test_what_exists_is_replaced_only_if_asked(exported_before: Path, tmp_path: Path) -> None:
    for name in ("net.onnx", "net.onnx_data"):
        (tmp_path / name).write_bytes(b"mine")
        with pytest.raises(FileExistsError, match=f"{name} exists already"):
            export_onnx(exported_before, tmp_path / "net.onnx", kind="told", external_data=True)
        assert (tmp_path / name).read_bytes() == b"mine"
        (tmp_path / name).unlink()
    (tmp_path / "net.onnx").write_bytes(b"mine")
    export_onnx(exported_before, tmp_path / "net.onnx", kind="told", overwrite=True)
    assert onnx.load(tmp_path / "net.onnx").producer_name == "argan_hf"


@pytest.mark.parametrize("damage", [0.01, float("nan")])
def test_a_file_that_computes_something_else_is_not_left(
    exported_before: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: float
) -> None:
    broken = onnx_export.build_graph()
    bias = next(weight for weight in broken.graph.initializer if "head.bias" in weight.name)
    bias.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(bias) + np.float32(damage), bias.name))
    monkeypatch.setattr(onnx_export, "build_graph", lambda *_: broken)
    with pytest.raises(ValueError, match=r"differs from the one in PyTorch by (0\.01|inf), expected 1e-05 at most"):
        export_onnx(exported_before, tmp_path / "net.onnx", kind="told")
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_wrongly_is_said_before_any_work(tmp_path: Path) -> None:
    for path, options, words in (
        ("net.onnx", {"kind": "planes"}, "kind must be one of told, rgb, found 'planes'"),
        ("net.onnx", {"dtype": torch.bfloat16}, "dtype must be one of float32, float16, found bfloat16"),
        ("photo.jpg", {}, r"ends in \.onnx, found 'photo\.jpg'"),
        ("missing/net.onnx", {}, "there is no folder .*missing: create it first"),
        ("folder.onnx", {}, r"folder\.onnx is a folder, expected the name of a file"),
    ):
        (tmp_path / "folder.onnx").mkdir(exist_ok=True)
        with pytest.raises((OSError, ValueError), match=words):
            export_onnx("no checkpoint", tmp_path / path, **options)


def test_a_missing_library_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    require_onnx()
    monkeypatch.setattr("argan_hf.export.onnx_libraries.find_spec", lambda name: None if name == "onnxscript" else name)
    with pytest.raises(ImportError, match=r'needs onnxscript: .* with `pip install "argan-hf\[onnx\]"`'):
        require_onnx()
