"""`argan evaluate`: measures methods on a folder of original pictures, and prints and writes the scores."""

import argparse
from pathlib import Path

from rich.console import Console
from tqdm.auto import tqdm

from ..evaluation.methods import load_method
from ..evaluation.protocol import PERCEPTUAL_MEASURES, evaluate, find_pictures, mean_scores
from ..evaluation.report import markdown_table, terminal_table, write_chart, write_contact_sheet
from ..evaluation.results import Results
from ..variants import DEFAULT_CHECKPOINT
from .console import complain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan evaluate`."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of original pictures")
    parser.add_argument(
        "--methods",
        nargs="+",
        default=["jpeg", DEFAULT_CHECKPOINT],
        metavar="M",
        help="jpeg, sa-dct, ar-cnn, d3, a checkpoint name, local folder or Hub id; NAME+blind does not get the "
        "quantization tables; the luma of NAME+faithful is projected onto the intervals of the file; NAME+realism=0.5 "
        "interpolates between the weights of the two variants",
    )
    parser.add_argument("--qualities", type=int, nargs="+", default=[10, 20, 30, 40], metavar="Q", help="1..100")
    parser.add_argument("--protocol", choices=("luma", "rgb"), default="luma", help="what is compressed and scored")
    parser.add_argument(
        "--earlier-quality", type=int, metavar="Q", help="compress twice: first at this quality, with a shifted grid"
    )
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
    # A torch without CUDA raises an AssertionError for "cuda".
    except (AssertionError, ImportError, OSError, RuntimeError, ValueError) as error:
        complain(error)
        return 2
    title = f"{args.data.name}: {len(pictures)} pictures, {args.protocol} protocol"
    console = Console()
    console.width = max(console.width, 140)
    console.print(terminal_table(means, methods, title))
    return 0
