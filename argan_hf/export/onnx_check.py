"""Runs an exported file beside the network that it came from, on pictures of several sizes.

On CPUs ONNX Runtime computes float16 in float32, other devices do not. So PyTorch computes in float16 as well, and the
larger difference counts.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from .kinds import random_inputs

SHAPES = ((1, 1, 1), (1, 5, 3), (2, 37, 50), (1, 64, 96))
"""Batch, height and width of the pictures: a single pixel, smaller than a block, odd and several, and common."""

LIMITS = {torch.float32: 1e-5, torch.float16: 0.5 / 255}
"""The largest difference that is taken for rounding, by dtype of the weights: of float16, half a gray level."""


def largest_difference(path: Path, exported: nn.Module, module: nn.Module, kind: str, num_channels: int) -> float:
    """The largest difference between a network and its file, on pictures of `SHAPES`.

    Args:
        path: of the ONNX file, which ONNX Runtime runs on the CPU; a file with its weights may lie beside it.
        exported: what the file was made from, in the dtype of its weights.
        module: the network in float32; it takes the inputs of the kind.
        kind, num_channels: as for [`random_inputs`].

    Returns:
        The difference of samples of 0..1; infinity if the file gives NaN or another shape.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors; it warns of what it optimizes
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    largest = 0.0
    for seed, shape in enumerate(SHAPES):
        inputs = random_inputs(kind, num_channels, shape, seed)
        (found,) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
        with torch.no_grad():
            expected, computed = (network(*inputs.values()).numpy() for network in (module, exported))
        if found.shape != expected.shape or not np.isfinite(found).all():
            return float("inf")
        largest = max(largest, *(float(np.abs(result - expected).max()) for result in (found, computed)))
    return largest
