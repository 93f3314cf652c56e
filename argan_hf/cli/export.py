"""`argan export`: writes the network of a checkpoint as an ONNX file."""

import argparse
import sys
from pathlib import Path

import torch
from transformers.utils import logging

from ..defaults import DEFAULT_CHECKPOINT
from ..export import OnnxReport, export_onnx
from ..export.kinds import KINDS
from .console import Lines, complain
from .interruptions import terminated_like_interrupted
from .preparation import prepare_for_networks

_DTYPES = {"float32": torch.float32, "float16": torch.float16}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan export`."""
    parser.add_argument("out", metavar="OUT.onnx", type=Path, help="the file that is written")
    parser.add_argument(
        "--model",
        default=DEFAULT_CHECKPOINT,
        metavar="NAME",
        help="checkpoint, folder or Hub id (default: %(default)s)",
    )
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default="rgb",
        help="rgb: from RGB to RGB, which other programs understand; told: from planes and quantization tables to "
        "planes (default: %(default)s)",
    )
    parser.add_argument(
        "--dtype", choices=_DTYPES, default="float32", help="of weights and arithmetic (default: %(default)s)"
    )
    parser.add_argument("--realism", type=float, default=0.0, metavar="R", help="0..1 (default: %(default)g)")
    parser.add_argument("--external-data", action="store_true", help="write the weights beside the file, OUT.onnx_data")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def run(args: argparse.Namespace) -> int:
    """Write the file, and say what was written; returns the exit code."""
    prepare_for_networks()
    logging.disable_progress_bar()  # transformers draws one over files of weights
    lines = Lines(sys.stdout)
    try:
        with terminated_like_interrupted():
            report = export_onnx(
                args.model,
                args.out,
                kind=args.kind,
                dtype=_DTYPES[args.dtype],
                realism=args.realism,
                external_data=args.external_data,
                overwrite=args.overwrite,
            )
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        complain(error)
        return 2
    lines.say(_sentence(report, args.dtype))
    return int(lines.failed)


def _sentence(report: OnnxReport, dtype: str) -> str:
    names = " and ".join(map(str, report.files))
    shapes = ", ".join(
        f"{width}x{height}" if batch == 1 else f"{batch} of {width}x{height}" for batch, height, width in report.shapes
    )
    return (
        f"{names}: {report.kind}, {dtype}, opset {report.opset}, {report.size:,} bytes, differs from PyTorch by "
        f"{report.largest_difference:.1e} at most ({shapes})"
    )
