"""`argan inspect`: what JPEG files state about themselves, what else lies in a file, and what is wrong with it.

With `--history`, also which earlier saves the pixels of any picture show. That alone needs torch, which takes seconds
to import.
"""

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from tqdm import tqdm

from ..containers import Extra, look_into
from ..containers.opening import MENDED, UnreadableImageError, check_depth, load_pixels, open_bytes, read_bytes
from ..jpeg.header import JpegHeader, read_header
from ..memory import check_address_space
from ..sixteen_bits import is_deep, read_samples
from .console import Lines, complain, exit_code, sentence_on, standard_input
from .sources import STREAM, check_is_file, find_sources, named_path, nothing_found

if TYPE_CHECKING:
    from ..history import History


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan inspect`."""
    parser.add_argument(
        "inputs", nargs="+", type=named_path, metavar="IN", help="pictures, folders, patterns, or - for standard input"
    )
    parser.add_argument("-r", "--recursive", action="store_true", help="include subfolders")
    parser.add_argument(
        "--history", action="store_true", help="look for earlier saves in the pixels, too, which takes longer"
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list, one record per file")


def run(args: argparse.Namespace) -> int:
    """Print what the files state and what their pixels show; returns the exit code.

    It is 0 if all are whole, 1 if some are damaged, no pictures, or not readable, 2 if all are.
    """
    if args.history:
        check_address_space()
    found = find_sources(args.inputs, recursive=args.recursive)
    for folder, reason in found.unreadable.items():
        complain(f"the folder {folder} cannot be read: {reason}")
    if not found.pictures:
        complain(nothing_found(args.inputs, found, recursive=args.recursive))
        return 2
    lines = Lines(sys.stdout)
    is_read = lines.is_read
    rows: list[dict[str, Any]] = []
    bad = len(found.unreadable)
    shows_bar = sys.stderr is not None and sys.stderr.isatty() and len(found.pictures) > 1
    # A damaged file gets one message; the warnings of decoders are hidden.
    with warnings.catch_warnings(), tqdm(total=len(found.pictures), leave=False, disable=not shows_bar) as bar:
        warnings.filterwarnings("ignore", module=r"PIL\.")
        for source in found.pictures:
            if is_read and not lines.is_read:
                break  # Whoever reads has seen enough.
            try:
                rows.append(_inspect(source.path, None if args.json else lines, looks_back=args.history))
                bad += rows[-1]["damaged"]
            except Exception as error:  # Whatever is wrong with one file, the others are looked at.
                sentence = sentence_on(source.path, error)
                complain(sentence)
                rows.append({"file": str(source.path), "error": sentence})
                bad += 1
            bar.update()
    if args.json:
        lines.write(json.dumps(rows, indent=2))
    return max(exit_code(sum("error" not in row for row in rows), bad), int(lines.failed))


def _inspect(path: Path, lines: Lines | None, *, looks_back: bool) -> dict[str, Any]:
    """The record of a file, which is also printed if there is a place for lines."""
    check_is_file(path)
    name = "standard input" if path == STREAM else path.name
    data = standard_input() if path == STREAM else read_bytes(path)
    image = open_bytes(data, name)
    header = read_header(image) if isinstance(image, JpegImageFile) else None
    history, is_damaged = None, False
    try:
        if looks_back:
            history = _history(data, name)
        else:
            _check_pixels(data, name)
    except UnreadableImageError as error:
        if header is None:
            raise
        # What a JPEG file states can be shown all the same.
        complain(sentence_on(path, error))
        is_damaged = True
    bits = 16 if is_deep(image) else 8
    extras = look_into(data).extras
    problems = _problems(image, path)
    if lines is not None:
        lines.say(f"{path}: {image.width}x{image.height}, {_kind(image.format, bits, header)}")
        for problem in problems:
            lines.say(f"  wrong: {problem}")
        if header is not None:
            tables = "standard tables" if header.standard else "custom tables, nearest standard quality"
            lines.say(f"  quality {header.quality} ({tables})")
        if history is not None:
            _print_history(history, header, lines)
        _print_extras(extras, lines)
        if header is not None:
            _print_tables(header, lines)
    row: dict[str, Any] = {"file": str(path), "format": image.format, "bits": bits}
    row |= {"width": image.width, "height": image.height}
    row |= _header_dict(header) if header else {}
    row |= {"extras": [extra.to_dict() for extra in extras], "history": history.to_dict() if history else None}
    return row | {"problems": problems, "damaged": is_damaged}


def _problems(image: Image.Image, path: Path) -> list[str]:
    """What is wrong with a file that is a picture all the same."""
    problems = []
    if MENDED in image.info:
        problems.append("the file lacks its last marker; its data reach to the last block")
    named = Image.registered_extensions().get(path.suffix.lower())
    if named is not None and {named, image.format} not in ({named}, {"JPEG", "MPO"}):
        problems.append(f"the file is {image.format}, though its name ends in {path.suffix}")
    return problems


def _check_pixels(data: bytes, name: str) -> None:
    """Decode a file as a restoration would, and throw the pixels away.

    Raises:
        UnreadableImageError: if it is damaged, or of a kind that is not restored.
    """
    image = open_bytes(data, name)
    if is_deep(image):
        read_samples(image, data, name)
        if not isinstance(image, PngImageFile):
            return
    else:
        check_depth(image)
    load_pixels(image)


def _history(data: bytes, name: str) -> "History":
    from ..picture import take_apart
    from ..picture_history import history_of

    return history_of(take_apart(data, name=name))


def _header_dict(header: JpegHeader) -> dict[str, Any]:
    return {**vars(header), "tables": header.tables.reshape(-1, 64).tolist()}


def _kind(file_format: str | None, bits: int, header: JpegHeader | None) -> str:
    if header is None:
        return f"{file_format}, 16 bits per channel" if bits == 16 else str(file_format)
    return f"{header.sampling}, {'progressive' if header.progressive else 'baseline'}"


def _print_history(history: "History", header: JpegHeader | None, lines: Lines) -> None:
    from ..history import describe_history

    quality = header.quality if header else None
    for sentence in describe_history(history, quality) or ("No earlier save found in the pixels.",):
        lines.say(f"  {sentence}")


def _print_extras(extras: tuple[Extra, ...], lines: Lines) -> None:
    for extra in extras:
        lines.say(f"  holds: {extra}{'' if extra.key else ' (not carried over to results)'}")


def _print_tables(header: JpegHeader, lines: Lines) -> None:
    for name, table in zip(("luma", "chroma"), header.tables, strict=False):
        lines.say(f"  {name} table:")
        for row in table.tolist():
            lines.say("    " + " ".join(f"{step:3d}" for step in row))
