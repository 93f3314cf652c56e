"""`argan inspect`: shows size, quality, chroma subsampling and quantization tables of JPEG files."""

import argparse
import json
from pathlib import Path
from typing import Any

from PIL.JpegImagePlugin import JpegImageFile

from ..jpeg.file import JpegHeader, UnreadableImageError, open_image, read_header
from .console import complain, exit_code


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan inspect`."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="JPEG files")
    parser.add_argument("--json", action="store_true", help="print a JSON list")


def run(args: argparse.Namespace) -> int:
    """Print the headers; returns the exit code."""
    rows: list[dict[str, Any]] = []
    failed = 0
    for source in args.inputs:
        try:
            header = _header_of(source)
        except UnreadableImageError as error:
            complain(error)
            failed += 1
            continue
        rows.append({"file": str(source), **_header_dict(header)})
        if not args.json:
            _print_header(source, header)
    if args.json:
        print(json.dumps(rows, indent=2))
    return exit_code(len(rows), failed)


def _header_of(source: Path) -> JpegHeader:
    image = open_image(source)
    if not isinstance(image, JpegImageFile):
        raise UnreadableImageError(f"{source.name} is a {image.format} file, expected JPEG")
    return read_header(image)


def _header_dict(header: JpegHeader) -> dict[str, Any]:
    return {**vars(header), "tables": header.tables.flatten(1).tolist()}


def _print_header(source: Path, header: JpegHeader) -> None:
    tables = "standard tables" if header.standard else "custom tables, nearest standard quality"
    coding = "progressive" if header.progressive else "baseline"
    print(f"{source}: {header.width}x{header.height}, {header.sampling}, {coding}")
    print(f"  quality {header.quality} ({tables})")
    for name, table in zip(("luma", "chroma"), header.tables, strict=False):
        print(f"  {name} table:")
        for row in table.tolist():
            print("    " + " ".join(f"{step:3d}" for step in row))
