"""`argan publish`: publishes a checkpoint or a page on the Hugging Face Hub, or writes a page as a folder."""

import argparse
import shlex
import sys
import tempfile
from pathlib import Path

from huggingface_hub.errors import HTTPError
from huggingface_hub.utils import validate_repo_id
from transformers.utils import logging

from ..defaults import DEFAULT_CHECKPOINT
from ..evaluation.results import Results
from ..hub.publish import publish, stage
from ..hub.space import WHAT_IS_FREE, ZERO_GPU, publish_space, stage_space
from ..hub.static_page import check_replaceable, publish_static, stage_static, write_static
from ..hub.transformers_js import publish_transformers_js, stage_transformers_js
from .console import Lines, complain
from .interruptions import terminated_like_interrupted
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
        "--static",
        metavar="DIR",
        nargs="?",
        const="",
        help="write the page that restores in the browser, as a folder for any static web server; with --space and "
        "without DIR: publish it as a static Space. FOLDER is the checkpoint whose network it gets (default: "
        f"{DEFAULT_CHECKPOINT})",
    )
    parser.add_argument(
        "--gradio",
        metavar="ID_OR_URL",
        help="with --static: link to the demo on a server, by the id of its Space or a URL",
    )
    parser.add_argument(
        "--static-page",
        metavar="ID_OR_URL",
        help="with --space: link from the demo to the page that restores in the browser, by the id of its Space or a "
        "URL",
    )
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
    if args.static is not None:
        _check_static(args)
        return
    if args.gradio:
        raise ValueError("--gradio is for the page that restores in the browser: use it with --static")
    if args.space and (args.folder or args.results or args.tag or args.no_onnx or args.transformers_js):
        raise ValueError(
            "--space ID publishes the demo alone: omit FOLDER, ID, --results, --tag, --no-onnx and --transformers-js"
        )
    if args.transformers_js and (args.results or args.no_onnx):
        raise ValueError("--transformers-js publishes ONNX files alone: omit --results and --no-onnx")
    if not args.space and (args.hardware or args.static_page):
        raise ValueError(
            f"{'--hardware' if args.hardware else '--static-page'} is for the demo: use it with --space ID"
        )
    if not args.space and not args.repo_id:
        raise ValueError("name what to publish and where: argan publish FOLDER ID, or argan publish --space ID")


def _check_static(args: argparse.Namespace) -> None:
    others = (args.repo_id, args.results, args.tag, args.no_onnx, args.transformers_js, args.hardware, args.static_page)
    if any(others):
        raise ValueError(
            "--static publishes the page that restores in the browser alone: omit ID, --results, --tag, --no-onnx, "
            "--transformers-js, --hardware and --static-page"
        )
    if args.space and args.static:
        raise ValueError(
            f"--space ID --static writes no folder, found {args.static} after --static: a checkpoint comes first, "
            "argan publish FOLDER --space ID --static"
        )
    if not args.space and not args.static:
        raise ValueError("name a folder or a Space: argan publish --static DIR, or argan publish --space ID --static")
    if args.space:
        validate_repo_id(args.space)
    elif args.private or args.token:
        raise ValueError("--static DIR sends nothing to the Hub: omit --private and --token, or use it with --space ID")


def run(args: argparse.Namespace) -> int:
    """Publish, or show what would be published; returns the exit code."""
    prepare_for_networks()
    logging.disable_progress_bar()  # transformers draws one over every file of weights
    lines = Lines(sys.stdout)
    try:
        with terminated_like_interrupted():
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
    if args.static is not None:
        _publish_static(args, lines)
        return
    results = [Results.read(path) for path in args.results]
    if args.dry_run:
        with tempfile.TemporaryDirectory() as staged:
            if args.space:
                stage_space(args.space, Path(staged), args.static_page)
            elif args.transformers_js:
                stage_transformers_js(args.folder, args.repo_id, Path(staged))
            else:
                stage(args.folder, args.repo_id, Path(staged), results, onnx=not args.no_onnx)
            _show(Path(staged), lines)
        return
    if args.space:
        hardware = args.hardware or ZERO_GPU
        options = {"private": args.private, "token": args.token, "static_page": args.static_page}
        lines.say(publish_space(args.space, hardware=hardware, **options))
        lines.say(f"A new Space runs on {hardware}. {WHAT_IS_FREE}")
        return
    options = {"private": args.private, "tag": args.tag, "token": args.token}
    if args.transformers_js:
        lines.say(publish_transformers_js(args.folder, args.repo_id, **options))
    else:
        lines.say(publish(args.folder, args.repo_id, results=results, onnx=not args.no_onnx, **options))


def _publish_static(args: argparse.Namespace, lines: Lines) -> None:
    checkpoint = args.folder or DEFAULT_CHECKPOINT
    if args.dry_run:
        if args.static:
            check_replaceable(Path(args.static))
        with tempfile.TemporaryDirectory() as staged:
            stage_static(Path(staged), checkpoint, gradio=args.gradio)
            _show(Path(staged), lines)
    elif args.space:
        options = {"private": args.private, "token": args.token, "gradio": args.gradio}
        lines.say(publish_static(args.space, checkpoint, **options))
    else:
        write_static(args.static, checkpoint, gradio=args.gradio)
        lines.say(
            f"The page is in {args.static}. To look at it: python -m http.server --directory {shlex.quote(args.static)}"
        )
        lines.say(
            "The network runs in threads where the server sends the headers Cross-Origin-Opener-Policy: same-origin "
            "and Cross-Origin-Embedder-Policy: require-corp."
        )


def _show(staged: Path, lines: Lines) -> None:
    for path in sorted(path for path in staged.rglob("*") if path.is_file()):
        lines.say(f"{path.stat().st_size:>12,}  {path.relative_to(staged).as_posix()}")
    lines.write("\n" + (staged / "README.md").read_text(encoding="utf-8").rstrip("\n"))
