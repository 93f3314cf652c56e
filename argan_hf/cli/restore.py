"""`argan restore`: restores pictures, and continues when one of them fails.

A line on every picture goes to standard output, or to standard error if a picture or a JSON report goes to standard
output. Error messages and progress go to standard error.
"""

import argparse
import io
import json
import logging
import sys
import time
import warnings
from pathlib import Path
from typing import Any, TextIO

import torch
from PIL import Image
from tqdm.auto import tqdm

from ..containers.opening import MAX_MEGAPIXELS, open_image
from ..plane_restorer import TILE_SIZE
from ..restoration import JpegRestorer
from ..restored_image import RestoredImage
from ..saving import write_whole
from ..variants import DEFAULT_CHECKPOINT
from .console import complain, exit_code
from .jobs import STREAM, Job, plan_jobs

_BAR = "{percentage:3.0f}% |{bar}| {n:.1f} of {total:.1f} MP [{elapsed}<{remaining}, {rate_noinv_fmt}]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan restore`."""
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="pictures, folders, or - for standard input")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
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
    parser.add_argument("--dry-run", action="store_true", help="print what would be done, write nothing")
    parser.add_argument(
        "--json", metavar="FILE", help="write a report as JSON, one record per input; - for standard output"
    )
    parser.add_argument("--model", default=DEFAULT_CHECKPOINT, help="checkpoint name, local folder or Hub id")
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
        help="project luma onto the intervals that the JPEG file, or the earliest save that is certain, states for its "
        "coefficients (default)",
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
        default=TILE_SIZE,
        metavar="PIXELS",
        help="side of the tiles of large pictures; smaller tiles need less memory (default: %(default)s)",
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
        jobs = plan_jobs(args.inputs, args.output, recursive=args.recursive, suffix=f".{args.format}")
        streams_out = jobs[0].target == STREAM
        if streams_out:
            _check_standard_output(args)
    except ValueError as error:
        complain(error)
        return 2
    restorer = None
    if not args.dry_run and any(args.overwrite or not _is_there(job) for job in jobs):
        try:
            restorer = JpegRestorer.from_pretrained(
                args.model, device=args.device, tile_size=args.tile, max_megapixels=args.max_megapixels
            )
            restorer.model_at(args.realism)
        # A torch without CUDA raises AssertionError for the device "cuda".
        except (AssertionError, OSError, RuntimeError, ValueError) as error:
            complain(f"the model {args.model!r} cannot be loaded: {error}")
            return 2
    words = sys.stderr if streams_out or args.json == "-" else sys.stdout
    # File names that the terminal cannot encode must not raise.
    if isinstance(words, io.TextIOWrapper):
        words.reconfigure(errors="backslashreplace")
    # A failed file gets one message; the warnings of decoders are hidden.
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        records = _JobRunner(args, restorer, words).run(jobs)
    if args.json:
        report = json.dumps(records, indent=2) + "\n"
        if args.json == "-":
            sys.stdout.write(report)
        else:
            try:
                write_whole(report.encode(), Path(args.json))
            except OSError as error:
                complain(f"{args.json} cannot be written: {error.strerror or error}")
                return 1
    done = sum(record["status"] != "failed" for record in records)
    return exit_code(done, len(jobs) - done)


def _check(args: argparse.Namespace) -> None:
    if args.quality is not None and not 1 <= args.quality <= 100:
        raise ValueError(f"--quality must lie in 1..100, found {args.quality}")
    if not 0.0 <= args.strength <= 1.0:
        raise ValueError(f"--strength must lie in 0..1, found {args.strength}")
    if not 0.0 <= args.realism <= 1.0:
        raise ValueError(f"--realism must lie in 0..1, found {args.realism}")
    if args.tile < 1:
        raise ValueError(f"--tile must be at least 1 pixel, found {args.tile}")
    if not args.max_megapixels > 0:
        raise ValueError(f"--max-megapixels must be more than 0, found {args.max_megapixels}")


def _check_standard_output(args: argparse.Namespace) -> None:
    if args.json == "-":
        raise ValueError("picture and JSON report cannot both go to standard output; write one of them to a file")
    if sys.stdout.isatty() and not args.dry_run:
        raise ValueError("a picture cannot be written to a terminal; redirect standard output or give -o FILE")


def _is_there(job: Job) -> bool:
    return job.target != STREAM and job.target.exists()


class _JobRunner:
    """Runs the jobs of one command, one after the other; on a terminal, a progress bar counts megapixels."""

    def __init__(self, args: argparse.Namespace, restorer: JpegRestorer | None, words: TextIO) -> None:
        self.args = args
        self.restorer = restorer
        self.words = words

    def run(self, jobs: list[Job]) -> list[dict[str, Any]]:
        """Run all jobs, whether or not some fail; returns a record of every job that was started."""
        shows_bar = sys.stderr.isatty() and self.restorer is not None
        sizes = [_megapixels(job) if shows_bar and not self._skips(job) else 0.0 for job in jobs]
        records: list[dict[str, Any]] = []
        bar = tqdm(total=sum(sizes), unit="MP", bar_format=_BAR, leave=False, disable=not shows_bar)
        with bar:
            try:
                for job, size in zip(jobs, sizes, strict=True):
                    records.append(self._record(job, size, bar))
            except KeyboardInterrupt:
                left = len(jobs) - len(records)
                complain(f"interrupted with {left} of {len(jobs)} to go; --skip-existing continues from here")
        if len(jobs) > 1:
            states = [record["status"] for record in records]
            counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
            self._say(f"{len(jobs)} pictures: {', '.join(counts) or 'none started'}")
        return records

    def _record(self, job: Job, size: float, bar: "tqdm[Any]") -> dict[str, Any]:
        record: dict[str, Any] = {"input": str(job.source), "output": str(job.target)}
        start, drawn = time.perf_counter(), bar.n
        try:
            record |= self._do(job, size, bar)
        except Exception as error:  # Whatever happens to one picture, the others are restored.
            sentence = _sentence(job, error)
            complain(sentence)
            record |= {"status": "failed", "error": sentence}
        bar.update(drawn + size - bar.n)
        return record | {"seconds": round(time.perf_counter() - start, 3)}

    def _skips(self, job: Job) -> bool:
        return self.args.skip_existing and _is_there(job)

    def _do(self, job: Job, size: float, bar: "tqdm[Any]") -> dict[str, Any]:
        if self._skips(job):
            return {"status": "skipped"}
        if _is_there(job) and not self.args.overwrite:
            raise FileExistsError(f"{job.target} exists; --overwrite replaces it, --skip-existing skips it")
        source = sys.stdin.buffer.read() if job.source == STREAM else job.source
        if self.restorer is None:
            image = open_image(source, self.args.max_megapixels)
            self._say(f"{job.source} -> {job.target} ({image.width}x{image.height})")
            return {"status": "planned", "width": image.width, "height": image.height}
        drawn = bar.n

        def progress(done: int, total: int) -> None:
            bar.update(drawn + size * done / total - bar.n)

        restored = self.restorer(
            source,
            self.args.quality,
            self.args.strength,
            realism=self.args.realism,
            faithful=self.args.faithful,
            keep_orientation=self.args.keep_orientation,
            progress=progress,
            history=self.args.history,
        )
        notes = (*restored.report.notes, *self._write(restored, job))
        report = restored.report
        quality = f", quality {report.quality}" if report.quality else ""
        consistency = f", consistency {report.consistency:.2%}" if report.consistency is not None else ""
        bits = ", 16 bits" if report.bits == 16 else ""
        found = f"{report.width}x{report.height}{bits}{quality}{consistency}"
        self._say(f"{job.source} -> {job.target} ({found}, {report.seconds:.1f} s)")
        for note in notes:
            self._say(f"  {note}")
        return {"status": "restored"} | report.to_dict() | {"notes": list(notes)}

    def _write(self, restored: RestoredImage, job: Job) -> tuple[str, ...]:
        if job.target == STREAM:
            data, notes = restored.encode(f".{self.args.format}")
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
            return notes
        data, notes = restored.encode(job.target.suffix)
        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(data, job.target)
        except OSError as error:
            raise OSError(f"{job.target} cannot be written: {error.strerror or error}") from error
        return notes

    def _say(self, line: str) -> None:
        tqdm.write(line, file=self.words)


def _megapixels(job: Job) -> float:
    """Size of a picture by its header, for the progress bar; 0 if it cannot be read, which its job reports later."""
    try:
        with Image.open(job.source) as image:
            return image.width * image.height / 1e6
    except Exception:
        return 0.0


def _sentence(job: Job, error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return f"{job.source} needs more memory than is free; a smaller --tile needs less"
    # Files of different folders can have the same name, so the message gets the whole path.
    if text.startswith(job.source.name):
        return f"{job.source}{text.removeprefix(job.source.name)}"
    return text if isinstance(error, OSError) else f"{job.source}: {text}"
