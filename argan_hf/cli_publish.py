"""The part of the command line that publishes: its arguments, and what it says."""

import argparse
import tempfile
from pathlib import Path

from .hub import publish, stage
from .results import Results


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe `argan publish`."""
    parser.add_argument("folder", metavar="FOLDER", help="what train.py exported, or a checkpoint name")
    parser.add_argument("repo_id", metavar="ID", help="repository on the Hub: owner/name, or a name of your own")
    parser.add_argument(
        "--results",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="files of `argan evaluate --json` for the card; default: results.json of the folder",
    )
    parser.add_argument("--tag", help="name for the commit, e.g. v1")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    parser.add_argument("--token", help="token of the Hub with write access; default: the one that is logged in")
    parser.add_argument("--dry-run", action="store_true", help="show the files and the card, publish nothing")


def run(args: argparse.Namespace) -> None:
    """Publish, or show what would be.

    Raises:
        ValueError, OSError, huggingface_hub.errors.HTTPError: as `publish` does, or if the Hub cannot be reached.
    """
    results = [Results.read(path) for path in args.results]
    if args.dry_run:
        _show(args.folder, args.repo_id, results)
        return
    print(publish(args.folder, args.repo_id, results=results, private=args.private, tag=args.tag, token=args.token))


def _show(folder: str, repo_id: str, results: list[Results]) -> None:
    with tempfile.TemporaryDirectory() as staged:
        target = Path(staged)
        stage(folder, repo_id, target, results)
        for path in sorted(path for path in target.rglob("*") if path.is_file()):
            print(f"{path.stat().st_size:>12,}  {path.relative_to(target).as_posix()}")
        print("\n" + (target / "README.md").read_text(encoding="utf-8"), end="")
