"""The command `argan`: arguments in, library call, words out. No arithmetic lives here.

Exit codes: 0 all done, 1 some files failed, 2 wrong usage or nothing done.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub.errors import HTTPError
from PIL.JpegImagePlugin import JpegImageFile
from rich.console import Console
from tqdm.auto import tqdm
from transformers.utils import logging as transformers_logging

from . import cli_publish, cli_restore
from .evaluation import PERCEPTUAL_MEASURES, evaluate, find_pictures, mean_scores
from .evaluation_report import markdown_table, terminal_table, write_chart, write_contact_sheet
from .jpeg.file import JpegHeader, UnreadableImageError, open_image, read_header
from .methods import load_method
from .results import Results
from .variants import DEFAULT_CHECKPOINT


def main(argv: list[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="argan", description="Take JPEG artifacts out of pictures.")
    commands = parser.add_subparsers(dest="command", required=True)

    restore = commands.add_parser("restore", help="restore pictures")
    cli_restore.add_arguments(restore)
    restore.set_defaults(run=cli_restore.run)

    inspect = commands.add_parser("inspect", help="say what JPEG files say about themselves")
    inspect.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="JPEG files")
    inspect.add_argument("--json", action="store_true", help="print a JSON list")
    inspect.set_defaults(run=_inspect)

    compare = commands.add_parser("evaluate", help="compare methods on a folder of originals")
    compare.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of original pictures")
    compare.add_argument(
        "--methods",
        nargs="+",
        default=["jpeg", DEFAULT_CHECKPOINT],
        metavar="M",
        help="jpeg, sa-dct, ar-cnn, d3, a checkpoint name, local folder or Hub id; NAME+blind is not told the "
        "tables, NAME+faithful is held to the file",
    )
    compare.add_argument("--qualities", type=int, nargs="+", default=[10, 20, 30, 40], metavar="Q", help="1..100")
    compare.add_argument("--protocol", choices=("luma", "rgb"), default="luma", help="what is compressed and scored")
    compare.add_argument(
        "--earlier-quality", type=int, metavar="Q", help="compress once before, at this quality, with a shifted grid"
    )
    compare.add_argument(
        "--perceptual",
        nargs="+",
        choices=list(PERCEPTUAL_MEASURES),
        default=[],
        help="score what people see, too (slow, vif most of all)",
    )
    compare.add_argument("--device", help="cpu, cuda, …; default: the first accelerator, else the CPU")
    compare.add_argument("--json", type=Path, metavar="FILE", help="write every picture's scores; publish reads them")
    compare.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    compare.add_argument("--chart", type=Path, metavar="PNG", help="draw quality against cost")
    compare.add_argument("--contact-sheet", type=Path, metavar="PNG", help="draw crops of every method")
    compare.set_defaults(run=_evaluate)

    publishing = commands.add_parser("publish", help="publish a checkpoint on the Hugging Face Hub, with its card")
    cli_publish.add_arguments(publishing)
    publishing.set_defaults(run=_publish)

    args = parser.parse_args(argv)
    transformers_logging.disable_progress_bar()
    run: Callable[[argparse.Namespace], int] = args.run
    return run(args)


def _complain(message: object) -> None:
    print(f"argan: {message}", file=sys.stderr)


def _exit_code(done: int, failed: int) -> int:
    return 0 if not failed else 1 if done else 2


def _inspect(args: argparse.Namespace) -> int:
    rows: list[dict[str, Any]] = []
    failed = 0
    for source in args.inputs:
        try:
            header = _header_of(source)
        except UnreadableImageError as error:
            _complain(error)
            failed += 1
            continue
        rows.append({"file": str(source), **_header_dict(header)})
        if not args.json:
            _print_header(source, header)
    if args.json:
        print(json.dumps(rows, indent=2))
    return _exit_code(len(rows), failed)


def _evaluate(args: argparse.Namespace) -> int:
    try:
        pictures = find_pictures(args.data)
        methods = [load_method(name, args.qualities, args.device) for name in args.methods]
        rounds = len(pictures) * len(args.qualities) * len(methods)
        with tqdm(total=rounds, unit="picture", leave=False) as bar:
            scores = evaluate(
                methods,
                pictures,
                args.qualities,
                protocol=args.protocol,
                perceptual=args.perceptual,
                earlier_quality=args.earlier_quality,
                progress=bar.update,
            )
        means = mean_scores(scores)
        if args.json:
            Results(args.data.resolve().name, args.protocol, tuple(scores)).write(args.json)
        if args.markdown:
            args.markdown.write_text(markdown_table(means, methods), encoding="utf-8")
        if args.chart:
            write_chart(args.chart, means)
        if args.contact_sheet:
            write_contact_sheet(args.contact_sheet, methods, pictures, args.qualities[0], args.protocol)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        _complain(error)
        return 2
    title = f"{args.data.name}: {len(pictures)} pictures, {args.protocol} protocol"
    console = Console()
    console.width = max(console.width, 140)
    console.print(terminal_table(means, methods, title))
    return 0


def _publish(args: argparse.Namespace) -> int:
    try:
        cli_publish.run(args)
    except (OSError, ValueError) as error:
        # The Hub's refusals are paragraphs of words for a log.
        _complain(" ".join(str(error).split()))
        return 2
    except HTTPError as error:
        _complain(f"the Hub cannot be reached: {error}")
        return 2
    return 0


def _header_of(source: Path) -> JpegHeader:
    image = open_image(source)
    if not isinstance(image, JpegImageFile):
        raise UnreadableImageError(f"{source.name} is a {image.format} file, expected JPEG")
    return read_header(image)


def _header_dict(header: JpegHeader) -> dict[str, Any]:
    return {**vars(header), "tables": header.tables.flatten(1).tolist()}


def _print_header(source: Path, header: JpegHeader) -> None:
    tables = "standard tables" if header.standard else "own tables, nearest standard quality"
    coding = "progressive" if header.progressive else "baseline"
    print(f"{source}: {header.width}x{header.height}, {header.sampling}, {coding}")
    print(f"  quality {header.quality} ({tables})")
    for name, table in zip(("luma", "chroma"), header.tables, strict=False):
        print(f"  {name} table:")
        for row in table.tolist():
            print("    " + " ".join(f"{step:3d}" for step in row))
