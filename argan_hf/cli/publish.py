"""`argan publish`: publishes a checkpoint or the demo on the Hugging Face Hub."""

import argparse
import sys
import tempfile
from pathlib import Path

from huggingface_hub.errors import HTTPError
from transformers.utils import logging

from ..evaluation.results import Results
from ..hub.publish import publish, stage
from ..hub.space import WHAT_IS_FREE, ZERO_GPU, publish_space, stage_space
from ..hub.transformers_js import publish_transformers_js, stage_transformers_js
from .console import Lines, complain
from .preparation import prepare_for_networks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan publish`."""
    parser.add_argument(
        "folder", metavar="FOLDER", nargs="?", help="folder that train.py exported, or name of a checkpoint"
    )
    parser.add_argument(
        "repo_id", metavar="ID", nargs="?", help="repository on the Hub: owner/name, or a name below your account"
    )
    parser.add_argument("--space", metavar="ID", help="publish the demo as a Space instead of a checkpoint")
    parser.add_argument(
        "--hardware",
        metavar="NAME",
        help=f"hardware of a new Space, as the Hub names it (default: {ZERO_GPU}, which is ZeroGPU)",
    )
    parser.add_argument(
        "--results",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="files of `argan evaluate --json` for the model card; default: results.json of the folder",
    )
    parser.add_argument("--no-onnx", action="store_true", help="leave out the ONNX files")
    parser.add_argument(
        "--transformers-js",
        action="store_true",
        help="publish ONNX files alone, for the pipeline image-to-image of transformers.js; ID is a repository of its "
        "own, whose name usually ends in -ONNX, after the name of the checkpoint's",
    )
    parser.add_argument("--tag", help="tag for the commit, e.g. v1")
    parser.add_argument("--private", action="store_true", help="create a new repository as a private one")
    parser.add_argument("--token", help="token of the Hub with write access; default: that of `hf auth login`")
    parser.add_argument("--dry-run", action="store_true", help="show the files and the card, publish nothing")


def _check(args: argparse.Namespace) -> None:
    if args.space and (args.folder or args.results or args.tag or args.no_onnx or args.transformers_js):
        raise ValueError(
            "--space ID publishes the demo alone: omit FOLDER, ID, --results, --tag, --no-onnx and --transformers-js"
        )
    if args.transformers_js and (args.results or args.no_onnx):
        raise ValueError("--transformers-js publishes ONNX files alone: omit --results and --no-onnx")
    if args.hardware and not args.space:
        raise ValueError("--hardware is for the demo: use it with --space ID")
    if not args.space and not args.repo_id:
        raise ValueError("name what to publish and where: argan publish FOLDER ID, or argan publish --space ID")


def run(args: argparse.Namespace) -> int:
    """Publish, or show what would be published; returns the exit code."""
    prepare_for_networks()
    logging.disable_progress_bar()  # transformers draws one over every file of weights
    lines = Lines(sys.stdout)
    try:
        _publish(args, lines)
    except (ImportError, OSError, ValueError) as error:
        complain(error)
        return 2
    except HTTPError as error:
        complain(f"the Hub cannot be reached: {error}")
        return 2
    return int(lines.failed)


def _publish(args: argparse.Namespace, lines: Lines) -> None:
    _check(args)
    results = [Results.read(path) for path in args.results]
    if args.dry_run:
        with tempfile.TemporaryDirectory() as staged:
            if args.space:
                stage_space(args.space, Path(staged))
            elif args.transformers_js:
                stage_transformers_js(args.folder, args.repo_id, Path(staged))
            else:
                stage(args.folder, args.repo_id, Path(staged), results, onnx=not args.no_onnx)
            _show(Path(staged), lines)
        return
    if args.space:
        hardware = args.hardware or ZERO_GPU
        lines.say(publish_space(args.space, private=args.private, hardware=hardware, token=args.token))
        lines.say(f"A new Space runs on {hardware}. {WHAT_IS_FREE}")
        return
    options = {"private": args.private, "tag": args.tag, "token": args.token}
    if args.transformers_js:
        lines.say(publish_transformers_js(args.folder, args.repo_id, **options))
    else:
        lines.say(publish(args.folder, args.repo_id, results=results, onnx=not args.no_onnx, **options))


def _show(staged: Path, lines: Lines) -> None:
    for path in sorted(path for path in staged.rglob("*") if path.is_file()):
        lines.say(f"{path.stat().st_size:>12,}  {path.relative_to(staged).as_posix()}")
    lines.write("\n" + (staged / "README.md").read_text(encoding="utf-8").rstrip("\n"))
