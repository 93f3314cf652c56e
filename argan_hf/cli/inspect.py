"""`argan inspect`: what JPEG files state about themselves, what else lies in a file, and which earlier saves the pixels
of any picture show.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

from PIL.JpegImagePlugin import JpegImageFile

from ..containers import Extra, look_into
from ..containers.opening import UnreadableImageError, open_bytes, read_bytes
from ..history import History, describe_history
from ..jpeg.file import JpegHeader, read_header
from ..picture import take_apart
from ..picture_history import history_of
from ..sixteen_bits import is_deep
from .console import complain, exit_code
from .jobs import STREAM


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan inspect`."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="pictures, or - for standard input")
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    """Print what the files state and what their pixels show; returns the exit code."""
    # A damaged file gets one message; the warnings of decoders are hidden.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        return _inspect(args)


def _inspect(args: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    failed = 0
    for source in args.inputs:
        try:
            name = "standard input" if source == STREAM else source.name
            data = read_bytes(sys.stdin.buffer if source == STREAM else source)
            image = open_bytes(data, name)
            header = read_header(image) if isinstance(image, JpegImageFile) else None
            if header is None:
                history: History | None = history_of(take_apart(data, name=name))
            else:
                history = _history_if_decodable(data, name)
        except UnreadableImageError as error:
            complain(error)
            failed += 1
            continue
        bits = 16 if is_deep(image) else 8
        row = {"file": str(source), "format": image.format, "width": image.width, "height": image.height, "bits": bits}
        row |= _header_dict(header) if header else {}
        extras = look_into(data).extras
        found = {"extras": [extra.to_dict() for extra in extras], "history": history.to_dict() if history else None}
        rows.append(row | found)
        if not args.json:
            print(f"{source}: {image.width}x{image.height}, {_kind(image.format, bits, header)}")
            _print_history(history, header)
            _print_extras(extras)
            if header is not None:
                _print_tables(header)
    if args.json:
        print(json.dumps(rows, indent=2))
    return exit_code(len(rows), failed)


def _history_if_decodable(data: bytes, name: str) -> History | None:
    """The history of a JPEG file; `None` if its pixels are damaged: what it states can be shown all the same."""
    try:
        return history_of(take_apart(data, name=name))
    except UnreadableImageError as error:
        complain(error)
        return None


def _header_dict(header: JpegHeader) -> dict[str, Any]:
    return {**vars(header), "tables": header.tables.flatten(1).tolist()}


def _kind(file_format: str | None, bits: int, header: JpegHeader | None) -> str:
    if header is None:
        return f"{file_format}, 16 bits per channel" if bits == 16 else str(file_format)
    return f"{header.sampling}, {'progressive' if header.progressive else 'baseline'}"


def _print_history(history: History | None, header: JpegHeader | None) -> None:
    if header is not None:
        tables = "standard tables" if header.standard else "custom tables, nearest standard quality"
        print(f"  quality {header.quality} ({tables})")
    if history is not None:
        for sentence in describe_history(history, header.quality if header else None) or (
            "No earlier save found in the pixels.",
        ):
            print(f"  {sentence}")


def _print_extras(extras: tuple[Extra, ...]) -> None:
    for extra in extras:
        print(f"  holds: {extra}{'' if extra.key else ' (not carried over to results)'}")


def _print_tables(header: JpegHeader) -> None:
    for name, table in zip(("luma", "chroma"), header.tables, strict=False):
        print(f"  {name} table:")
        for row in table.tolist():
            print("    " + " ".join(f"{step:3d}" for step in row))
