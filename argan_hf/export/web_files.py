"""The files of a network for browsers: a graph without its weights, the weights beside it, and what lies where.

Weights are stored in 16 bits where that changes nothing. A browser makes one buffer of float32 of them, to which the
graph refers as its external data; at a realism, the buffers of both variants are mixed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

FORMAT = 1
"""Version of the layout; a browser refuses what it does not know."""

GRAPH, WEIGHTS, REALISM_WEIGHTS, MANIFEST = "graph.onnx", "weights.bin", "weights-realism.bin", "manifest.json"
"""Names of the files."""

EXTERNAL_DATA = "weights.float32"
"""What the graph calls the buffer of its weights. It is no file of the folder."""

_ALIGNMENT = 4


def weights_of(model: "ModelProto") -> dict[str, np.ndarray]:
    """The weights of a graph by name, in its order: what is float32 and no single number."""
    from onnx import numpy_helper

    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer if _is_weight(tensor)}


def take_weights_out(model: "ModelProto") -> None:
    """Replace the weights of a graph by references to `EXTERNAL_DATA`, where they follow each other; in place."""
    from onnx import TensorProto

    offset = 0
    for tensor in model.graph.initializer:
        if not _is_weight(tensor):
            continue
        length = 4 * int(np.prod(tensor.dims))
        outside = TensorProto(name=tensor.name, data_type=tensor.data_type, dims=tensor.dims)
        outside.data_location = TensorProto.EXTERNAL
        for key, value in (("location", EXTERNAL_DATA), ("offset", offset), ("length", length)):
            outside.external_data.add(key=key, value=str(value))
        tensor.CopyFrom(outside)
        offset += length


def layout(variants: Sequence[Mapping[str, np.ndarray]]) -> list[dict[str, Any]]:
    """Where the weights lie in their files, which is the same for all variants.

    Args:
        variants: their weights by name; names, order and shapes are the same in all.

    Returns:
        For each tensor its `name`, `dtype` in the file, `shape`, `offset` in the file and `external_offset` in
        `EXTERNAL_DATA`, both in bytes.
    """
    tensors: list[dict[str, Any]] = []
    offset = external_offset = 0
    for name, values in variants[0].items():
        dtype = "float16" if all(_fits_in_halves(weights[name]) for weights in variants) else "float32"
        place = {"offset": offset, "external_offset": external_offset}
        tensors.append({"name": name, "dtype": dtype, "shape": list(values.shape)} | place)
        size = values.size * np.dtype(dtype).itemsize
        offset += -(-size // _ALIGNMENT) * _ALIGNMENT
        external_offset += values.size * 4
    return tensors


def packed(weights: Mapping[str, np.ndarray], tensors: Sequence[Mapping[str, Any]]) -> bytes:
    """The file of a variant.

    Args:
        weights: float32, by name.
        tensors: from [`layout`].
    """
    data = bytearray()
    for tensor in tensors:
        data += bytes(tensor["offset"] - len(data))
        data += weights[tensor["name"]].astype(np.dtype(tensor["dtype"]).newbyteorder("<")).tobytes()
    return bytes(data)


def unpacked(data: bytes, tensors: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """`EXTERNAL_DATA` of a variant, float32: what a browser makes of its file.

    Args:
        data: of the file.
        tensors: from [`layout`].
    """
    parts = []
    for tensor in tensors:
        dtype = np.dtype(tensor["dtype"]).newbyteorder("<")
        count = int(np.prod(tensor["shape"]))
        parts.append(np.frombuffer(data, dtype, count, tensor["offset"]).astype(np.float32))
    return np.concatenate(parts)


def manifest(about: Mapping[str, Any], files: Mapping[str, bytes], tensors: Sequence[Mapping[str, Any]]) -> bytes:
    """The file that says what the others are.

    Args:
        about: entries on the network.
        files: their content by name.
        tensors: from [`layout`].
    """
    described = {
        _KEYS[name]: {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    }
    external = {"path": EXTERNAL_DATA, "bytes": 4 * sum(int(np.prod(tensor["shape"])) for tensor in tensors)}
    content = {"format": FORMAT, **about, "files": described, "external_data": external, "tensors": tensors}
    return json.dumps(content, indent=1).encode() + b"\n"


_KEYS = {GRAPH: "graph", WEIGHTS: "weights", REALISM_WEIGHTS: "realism_weights"}


def _is_weight(tensor: "TensorProto") -> bool:
    from onnx import TensorProto

    return bool(tensor.data_type == TensorProto.FLOAT and tensor.dims)


def _fits_in_halves(values: np.ndarray) -> bool:
    with np.errstate(over="ignore"):
        halves = values.astype(np.float16).astype(np.float32)
    return np.array_equal(halves.view(np.uint32), values.view(np.uint32))
