"""What a file says about itself, and what it does not say about the computer that wrote it."""

import sys
from pathlib import Path

import onnx
import pytest
import torch

from argan_hf import __version__
from argan_hf.export.onnx_graph import OPSET

pytestmark = pytest.mark.slow


def test_names_axes_and_dtypes_are_stated(told_file: Path) -> None:
    model = onnx.load(told_file)
    onnx.checker.check_model(model, full_check=True)
    free = ("batch", "height", "width")
    stated = {
        value.name: (
            onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name,
            *(axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim),
        )
        for value in (*model.graph.input, *model.graph.output)
    }
    assert stated == {
        "pixel_values": ("float32", free[0], 3, *free[1:]),
        "quantization": ("int32", "batch", 3, 8, 8),
        "reconstruction": ("float32", free[0], 3, *free[1:]),
    }
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]


def test_the_file_says_what_it_is_and_how_it_is_used(told_file: Path) -> None:
    model = onnx.load(told_file)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    usage = entries.pop("usage")
    assert entries == {
        "name": "net",
        "kind": "told",
        "dtype": "float32",
        "realism": "0",
        "license": "apache-2.0",
        "argan_hf_version": __version__,
    }
    for words in ("(batch, 3, height, width)", "0..1", "Y, Cb, Cr", "(batch, 3, 8, 8)", "zeros where unknown"):
        assert words in usage
    assert usage in model.doc_string
    assert (model.producer_name, model.producer_version) == ("argan_hf", __version__)


def test_no_path_of_this_computer_is_in_the_file(told_file: Path) -> None:
    content = told_file.read_bytes()
    for path in (Path(torch.__file__).parent, Path(__file__).parents[2], sys.prefix, told_file.parent):
        assert str(path).encode() not in content
    assert b".py" not in content
