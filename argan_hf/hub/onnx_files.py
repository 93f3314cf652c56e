"""The ONNX files of a repository, under the names that transformers.js looks for."""

import logging
from pathlib import Path

import torch

from ..export import InexactExportError, export_onnx

logger = logging.getLogger(__name__)


def export_both(source: str | Path, folder: Path, name: str, *, kind: str) -> None:
    """Write `NAME.onnx`, and `NAME_fp16.onnx` unless 16 bits change what the network gives.

    Args:
        source: a checkpoint.
        folder: made if it does not exist.
        name: of the files.
        kind: "told" or "rgb".

    Raises:
        ImportError, OSError, ValueError: as [`export_onnx`].
    """
    folder.mkdir(exist_ok=True)
    export_onnx(source, folder / f"{name}.onnx", kind=kind)
    try:
        export_onnx(source, folder / f"{name}_fp16.onnx", kind=kind, dtype=torch.float16)
    except InexactExportError as error:
        logger.warning("%s_fp16.onnx is left out, because 16 bits are too few for this network: %s", name, error)
