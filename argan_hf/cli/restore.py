"""`argan restore`: restores pictures, and continues when one of them fails.

A line on every picture goes to standard output, or to standard error if a picture or a JSON report goes to standard
output. Error messages and progress go to standard error.
"""

import argparse
import json
import logging
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..containers.opening import MAX_MEGAPIXELS
from ..defaults import DEFAULT_CHECKPOINT, TILE_SIZE
from ..saving import write_whole
from ..special_files import is_folder, special_kind
from .console import INTERRUPTED, Lines, check_report, complain, exit_code, write_to_standard_output
from .interruptions import terminated_like_interrupted
from .job_runner import JobRunner
from .jobs import Job, plan_jobs
from .one_job import is_there
from .preparation import prepare_for_networks
from .sources import STREAM, named_path, nothing_found
from .watch import watch

if TYPE_CHECKING:
    from ..restoration import JpegRestorer

_STANDARD_OUTPUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan restore`."""
    parser.add_argument(
        "inputs", nargs="+", type=named_path, metavar="IN", help="pictures, folders, patterns, or - for standard input"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=named_path,
        metavar="OUT",
        help="file, folder, or - for standard output; default: IN-restored.png, for - standard output",
    )
    parser.add_argument(
        "-r", "--recursive", action="store_true", help="include subfolders; results keep their relative paths"
    )
    parser.add_argument(
        "--format",
        choices=("png", "tiff", "webp", "avif", "jpg"),
        default="png",
        help="format of results where -o names no file; avif and jpg are lossy (default: %(default)s)",
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="replace results that exist")
    existing.add_argument(
        "--skip-existing", action="store_true", help="skip inputs whose result exists, to continue an earlier run"
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="go on with the pictures that arrive in the folders, each once and when it is complete, until Ctrl-C",
    )
    parser.add_argument("--verbose", action="store_true", help="list what is left out of folders, and why")
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, write no picture")
    parser.add_argument(
        "--json",
        type=named_path,
        metavar="FILE",
        help="write a report as JSON, one record per input; - for standard output",
    )
    parser.add_argument(
        "--model",
        default=DEFAULT_CHECKPOINT,
        help="checkpoint name, local folder or Hub id; or a file of weights of another network that spandrel knows "
        "(.safetensors, .pth, .pt, .ckpt), such as FBCNN, SwinIR, SCUNet or DRUNet",
    )
    parser.add_argument("--device", help="cpu, cuda, …; default: the first accelerator, else the CPU")
    parser.add_argument(
        "--quality",
        type=int,
        help="JPEG quality 1..100 at which you know the picture was once saved; it is used where no earlier save is "
        "found (see argan inspect); default: what the file says",
    )
    parser.add_argument("--strength", type=float, default=1.0, help="0 (picture as it is) to 1 (fully restored)")
    parser.add_argument(
        "--realism",
        type=float,
        default=0.0,
        help="0 (least squared error, smooth where detail is lost) to 1 (texture as in real pictures, which can be "
        "false)",
    )
    parser.add_argument(
        "--faithful",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="hold the result to the JPEG file, or to the earliest save that is certain: encoded again, it gives the "
        "blocks of that file (default)",
    )
    parser.add_argument(
        "--history",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look for earlier saves of a picture and undo the later ones (default)",
    )
    parser.add_argument(
        "--keep-orientation",
        action="store_true",
        help="keep pixels and Exif orientation as stored; default: the result is upright (always for TIFF)",
    )
    parser.add_argument(
        "--tile",
        type=int,
        metavar="PIXELS",
        help="tiles of large pictures have at most the area of a square of this side; smaller tiles need less memory "
        f"(default: {TILE_SIZE}, or 512 for networks of others)",
    )
    parser.add_argument(
        "--exact-tiles",
        action="store_true",
        help="give every tile all that the network can see around it, not what changes a result by a thousandth of a "
        "gray level",
    )
    parser.add_argument(
        "--max-megapixels",
        type=float,
        default=MAX_MEGAPIXELS,
        metavar="MP",
        help="refuse larger pictures (default: %(default)g)",
    )


def run(args: argparse.Namespace) -> int:
    """Restore; returns the exit code: 0 all done, 1 some failed, 2 wrong usage or nothing done."""
    try:
        _check(args)
        jobs, sources = plan_jobs(args.inputs, args.output, recursive=args.recursive, suffix=f".{args.format}")
        streams_out = bool(jobs) and jobs[0].target == STREAM
        if streams_out:
            _check_standard_output(args)
        _check_report(args.json, jobs)
    except ValueError as error:
        complain(error)
        return 2
    if not jobs and not sources.unreadable and not args.watch:
        complain(nothing_found(args.inputs, sources, recursive=args.recursive))
        return 2
    restorer = None
    if args.watch or (not args.dry_run and any(_is_work(job, overwrite=args.overwrite) for job in jobs)):
        prepare_for_networks()
        try:
            restorer = _load(args)
        # A torch without CUDA raises AssertionError for the device "cuda".
        except (AssertionError, ImportError, MemoryError, OSError, RuntimeError, ValueError) as error:
            complain(f"the model {args.model!r} cannot be loaded: {error}")
            return 2
    lines = Lines(sys.stderr if streams_out or args.json == STREAM else sys.stdout)
    runner = JobRunner(args, restorer, lines)
    # A failed file gets one message; the warnings of decoders are hidden.
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with warnings.catch_warnings(), terminated_like_interrupted():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        if args.watch:
            waiting = watch(runner, args)
        else:
            runner.note(sources)
            runner.run(jobs)
            waiting = len(jobs) - runner.started
    runner.summarize(waiting)
    code = exit_code(runner.done, runner.failed + (0 if args.watch else waiting))
    if runner.interrupted and not runner.started:
        code = INTERRUPTED
    reported = args.json is None or _write_report(args.json, runner.records)
    return code if reported and not lines.failed else max(code, 1)


def _load(args: argparse.Namespace) -> "JpegRestorer":
    """The restorer, ready for the realism that is asked for."""
    # Here: whoever asks for help, or gets an error of usage, does not wait for torch.
    from ..restoration import JpegRestorer

    restorer = JpegRestorer.from_pretrained(
        args.model,
        device=args.device,
        tile_size=args.tile,
        max_megapixels=args.max_megapixels,
        exact_tiles=args.exact_tiles,
    )
    restorer.model_at(args.realism)
    return restorer


def _write_report(path: Path, records: list[dict[str, Any]]) -> bool:
    """Write the records as JSON; whether that was possible."""
    report = (json.dumps(records, indent=2) + "\n").encode()
    try:
        if path == STREAM:
            write_to_standard_output(report)
        else:
            write_whole(report, path)
    except BrokenPipeError:  # Its reader has seen enough.
        return True
    except OSError as error:
        name = "the report on standard output" if path == STREAM else path
        complain(f"{name} cannot be written: {error.strerror or error}")
        return False
    return True


def _is_work(job: Job, *, overwrite: bool) -> bool:
    """Whether a network is needed, as far as one can see; where one cannot, the job itself says why."""
    if job.source != STREAM and not os.path.lexists(job.source):
        return False
    try:
        return overwrite or not is_there(job)
    except OSError:
        return False


def _check(args: argparse.Namespace) -> None:
    if args.quality is not None and not 1 <= args.quality <= 100:
        raise ValueError(f"--quality must lie in 1..100, found {args.quality}")
    if not 0.0 <= args.strength <= 1.0:
        raise ValueError(f"--strength must lie in 0..1, found {args.strength}")
    if not 0.0 <= args.realism <= 1.0:
        raise ValueError(f"--realism must lie in 0..1, found {args.realism}")
    if args.tile is not None and args.tile < 1:
        raise ValueError(f"--tile must be at least 1 pixel, found {args.tile}")
    if not args.max_megapixels > 0:
        raise ValueError(f"--max-megapixels must be more than 0, found {args.max_megapixels}")
    if args.watch and (args.dry_run or not all(map(is_folder, args.inputs))):
        raise ValueError("--watch waits for pictures in folders: give folders that exist, without --dry-run")
    args.json = _as_stream(args.json)
    args.output = _as_stream(args.output)
    if args.json not in (None, STREAM) and not is_folder(folder := Path(os.path.realpath(args.json)).parent):
        raise ValueError(f"--json {args.json} cannot be written, because there is no folder {folder}")


def _check_report(report: Path | None, jobs: list[Job]) -> None:
    """Refuse a report that would replace a picture, a result, or anything else that is no report."""
    if report is None or report == STREAM or special_kind(report) is not None:
        return
    check_report(report)
    real = os.path.realpath(report)
    if any(real in (os.path.realpath(job.source), os.path.realpath(job.target)) for job in jobs):
        raise ValueError(f"--json {report} is a picture of this run; the report needs a name of its own")


def _as_stream(path: Path | None) -> Path | None:
    """`STREAM` for the names that systems give to standard output."""
    return STREAM if path is not None and path.as_posix() in _STANDARD_OUTPUT else path


def _check_standard_output(args: argparse.Namespace) -> None:
    if args.json == STREAM:
        raise ValueError("picture and JSON report cannot both go to standard output; write one of them to a file")
    if sys.stdout is not None and sys.stdout.isatty() and not args.dry_run:
        raise ValueError("a picture cannot be written to a terminal; redirect standard output or give -o FILE")
