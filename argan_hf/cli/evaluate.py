"""`argan evaluate`: measures methods on a folder of original pictures, and prints and writes the scores."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from tqdm import tqdm

from ..defaults import DEFAULT_CHECKPOINT
from ..evaluation.lives import Life
from ..evaluation.methods import load_method
from ..evaluation.protocol import evaluate, find_pictures
from ..evaluation.report import markdown_table, terminal_table, write_chart, write_contact_sheet
from ..evaluation.results import Results
from ..evaluation.scores import PERCEPTUAL_MEASURES, mean_scores
from .console import Lines, check_report, complain
from .preparation import prepare_for_networks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan evaluate`."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of original pictures")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=["jpeg", DEFAULT_CHECKPOINT],
        metavar="M",
        help="jpeg, sa-dct, ar-cnn, d3, a checkpoint name, local folder or Hub id, or spandrel:PATH, a file of weights "
        "of another network; NAME+blind does not get the "
        "quantization tables; NAME+faithful is held to the blocks of the file; NAME+realism=0.5 "
        "interpolates between the weights of the two variants; NAME+quality=20 gets the tables of that quality; "
        "NAME+history looks for earlier saves of the files of --life",
    )
    degradations = parser.add_mutually_exclusive_group()
    degradations.add_argument("--qualities", type=int, nargs="+", default=[10, 20, 30, 40], metavar="Q", help="1..100")
    degradations.add_argument(
        "--life",
        nargs="+",
        metavar="L",
        help="instead of a quality, steps that end with the file that is restored; in quotes, because > means "
        "something to shells: '20>90' is saved twice, '20@3,5>png' saved, cropped by 3 rows and 5 columns, and "
        "written as PNG, '20:444>x0.75>85' saved with full chroma, resized and saved; also n2 (nearest neighbor) and "
        "webp80; see docs/evaluation.md",
    )
    parser.add_argument("--protocol", choices=("luma", "rgb"), default="luma", help="what is compressed and scored")
    parser.add_argument(
        "--perceptual",
        nargs="+",
        choices=list(PERCEPTUAL_MEASURES),
        default=[],
        help="perceptual metrics to add (slow, especially vif)",
    )
    parser.add_argument("--device", help="cpu, cuda, …; default: the first accelerator, else the CPU")
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write the scores of every picture; `argan publish` reads this file"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table")
    parser.add_argument("--chart", type=Path, metavar="PNG", help="draw PSNR over seconds per megapixel")
    parser.add_argument("--contact-sheet", type=Path, metavar="PNG", help="draw crops of every method side by side")


def run(args: argparse.Namespace) -> int:
    """Measure, print the table, write the requested files; returns the exit code."""
    prepare_for_networks()
    try:
        if args.json:
            check_report(args.json)
        pictures = find_pictures(args.data)
        lives = [Life.parse(text) for text in args.life or ()]
        degradations: list[int | Life] = [*lives] if lives else args.qualities
        qualities = [life.quality for life in lives if life.quality is not None] if lives else args.qualities
        methods = [load_method(name, qualities, args.device) for name in args.methods]
        rounds = len(pictures) * len(degradations) * len(methods)
        with tqdm(total=rounds, unit="picture", leave=False) as bar:
            scores = evaluate(
                methods,
                pictures,
                degradations,
                protocol=args.protocol,
                perceptual=args.perceptual,
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
            write_contact_sheet(args.contact_sheet, methods, pictures, degradations[0], args.protocol)
    # A torch without CUDA raises an AssertionError for "cuda".
    except (AssertionError, ImportError, OSError, RuntimeError, ValueError) as error:
        complain(error)
        return 2
    title = f"{args.data.name}: {len(pictures)} pictures, {args.protocol} protocol"
    console = Console()
    console.width = max(console.width, 140)
    with console.capture() as table:
        console.print(terminal_table(means, methods, title))
    lines = Lines(sys.stdout)
    lines.write(table.get().rstrip("\n"))
    return int(lines.failed)
