"""`argan export`: writes the network of a checkpoint as an ONNX file, or as a folder for browsers."""

import argparse
import sys
from pathlib import Path

import torch
from transformers.utils import logging

from ..defaults import DEFAULT_CHECKPOINT
from ..export import OnnxReport, WebReport, export_onnx, export_web
from ..export.kinds import KINDS
from .console import Lines, complain
from .interruptions import terminated_like_interrupted
from .preparation import prepare_for_networks

_DTYPES = {"float32": torch.float32, "float16": torch.float16}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan export`."""
    parser.add_argument("out", metavar="OUT.onnx", type=Path, nargs="?", help="the file that is written")
    parser.add_argument(
        "--web",
        metavar="DIR",
        type=Path,
        help="instead of a file, write a folder for the browser: graph, weights of all variants, manifest",
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_CHECKPOINT,
        metavar="NAME",
        help="checkpoint, folder or Hub id (default: %(default)s)",
    )
    parser.add_argument(
        "--kind",
        choices=KINDS,
        help="rgb: from RGB to RGB, which other programs understand; told: from planes and quantization tables to "
        "planes (default: rgb)",
    )
    parser.add_argument("--dtype", choices=_DTYPES, help="of weights and arithmetic (default: float32)")
    parser.add_argument("--realism", type=float, metavar="R", help="0..1 (default: 0)")
    parser.add_argument("--external-data", action="store_true", help="write the weights beside the file, OUT.onnx_data")
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist")


def run(args: argparse.Namespace) -> int:
    """Write what was asked for, and say what was written; returns the exit code."""
    if wrong := _contradiction(args):
        complain(wrong)
        return 2
    prepare_for_networks()
    logging.disable_progress_bar()  # transformers draws one over files of weights
    lines = Lines(sys.stdout)
    try:
        with terminated_like_interrupted():
            sentence = _export(args)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        complain(error)
        return 2
    lines.say(sentence)
    return int(lines.failed)


def _contradiction(args: argparse.Namespace) -> str | None:
    if args.web is None:
        return None if args.out else "nothing to write: give the name of a file, OUT.onnx, or a folder with --web"
    if args.out:
        return f"--web writes a folder and no file, found {args.out} as well: give one of them"
    given = {"--kind": args.kind, "--dtype": args.dtype, "--realism": args.realism}
    given["--external-data"] = args.external_data or None
    flag = next((name for name, value in given.items() if value is not None), None)
    return f"{flag} does not go with --web, which writes all that a browser needs: leave it out" if flag else None


def _export(args: argparse.Namespace) -> str:
    if args.web is not None:
        return _web_sentence(export_web(args.model, args.web, overwrite=args.overwrite))
    dtype = args.dtype or "float32"
    report = export_onnx(
        args.model,
        args.out,
        kind=args.kind or "rgb",
        dtype=_DTYPES[dtype],
        realism=args.realism or 0.0,
        external_data=args.external_data,
        overwrite=args.overwrite,
    )
    return _sentence(report, dtype)


def _sentence(report: OnnxReport, dtype: str) -> str:
    names = " and ".join(map(str, report.files))
    return f"{names}: {report.kind}, {dtype}, {_size_and_difference(report)}"


def _web_sentence(report: WebReport) -> str:
    return f"{report.folder}: {', '.join(report.files)}, {_size_and_difference(report)}"


def _size_and_difference(report: OnnxReport | WebReport) -> str:
    shapes = ", ".join(
        f"{width}x{height}" if batch == 1 else f"{batch} of {width}x{height}" for batch, height, width in report.shapes
    )
    return (
        f"opset {report.opset}, {report.size:,} bytes, differs from PyTorch by {report.largest_difference:.1e} at most "
        f"({shapes})"
    )
