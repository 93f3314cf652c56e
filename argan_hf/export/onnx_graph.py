"""Networks of PyTorch as graphs of ONNX: one graph for pictures of any size and batches of any number."""

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.export import Dim

from .. import __version__
from ..quiet import quiet
from .kinds import OUTPUT

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET = 18
"""Version of the operators: the oldest that PyTorch's exporter writes without a conversion; most programs know it."""

_AXES = {0: "batch", 2: "height", 3: "width"}
_DESCRIPTION = "Removes JPEG artifacts from pictures. Exported by the package argan_hf."


def build_graph(module: nn.Module, inputs: Mapping[str, Tensor], metadata: Mapping[str, str]) -> "ModelProto":
    """The graph of a module, with its weights.

    Args:
        module: takes the inputs in their order, and gives one tensor (B, C, H, W).
        inputs: examples by name; their batch, height and width are larger than 1 and remain free. What has a height
            and width of 8x8 are tables, of which only the batch remains free.
        metadata: entries for the file; `usage` becomes a part of its description as well.
    """
    from onnx import helper

    free = {name: _free_axes(tensor) for name, tensor in inputs.items()}
    # The exporter lists what it does not find (torchvision), and its own libraries warn of each other.
    with (
        warnings.catch_warnings(action="ignore"),
        quiet("torch.onnx._internal.exporter._registration"),
        torch.no_grad(),
    ):
        program = torch.onnx.export(
            module,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=[OUTPUT],
            dynamic_shapes={name: dict.fromkeys(axes, Dim.DYNAMIC) for name, axes in free.items()},
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:  # It is for exports of a kind that is not asked for here.
        raise RuntimeError("PyTorch exported no ONNX program, expected one: report this with the version of PyTorch")
    model = program.model_proto
    _strip(model)
    _name_axes(model, free | {OUTPUT: _AXES})
    helper.set_model_props(model, dict(metadata))
    model.producer_name, model.producer_version = "argan_hf", __version__
    model.doc_string = f"{_DESCRIPTION} {metadata['usage']}"
    return model


def _free_axes(tensor: Tensor) -> dict[int, str]:
    return {0: _AXES[0]} if tensor.shape[2:] == (8, 8) else _AXES


def _strip(model: "ModelProto") -> None:
    """Remove what the exporter notes about this computer: the stack of each operation, with the paths of its files."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("doc_string")
        part.ClearField("metadata_props")
    # Shapes between operations, in symbols that the names of the axes replace.
    graph.ClearField("value_info")


def _name_axes(model: "ModelProto", free: Mapping[str, Mapping[int, str]]) -> None:
    for value in (*model.graph.input, *model.graph.output):
        for axis, name in free[value.name].items():
            value.type.tensor_type.shape.dim[axis].dim_param = name
