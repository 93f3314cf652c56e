"""Runs the jobs of `argan restore`, one after the other, and says and records what became of each."""

import argparse
import errno
import os
import stat
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from tqdm import tqdm

from ..containers.opening import open_image
from ..memory import is_out_of_memory
from ..saving import write_whole
from ..special_files import is_folder
from .console import Lines, complain, sentence_on, standard_input, write_to_standard_output
from .jobs import Job
from .sources import STREAM, Sources, check_is_file, count_reasons

if TYPE_CHECKING:
    from ..restoration import JpegRestorer
    from ..restored_image import RestoredImage

_BAR = "{percentage:3.0f}% |{bar}| {n:.1f} of {total:.1f} MP [{elapsed}<{remaining}, {rate_noinv_fmt}]"


class JobRunner:
    """Runs jobs. Whatever happens to one picture, the others are restored.

    Args:
        args: of `argan restore`.
        restorer: `None` for a dry run, or where every result exists, or no picture.
        lines: where a line on every picture goes.

    Attributes:
        interrupted: whether Ctrl-C ended the jobs.
    """

    def __init__(self, args: argparse.Namespace, restorer: "JpegRestorer | None", lines: Lines) -> None:
        self.args = args
        self.restorer = restorer
        self.lines = lines
        # By path of the input. A picture that is tried again replaces what was said of it before.
        self._pictures: dict[Path, dict[str, Any]] = {}
        self._sources: set[str] = set()
        self.interrupted = False
        self._unreadable: dict[Path, str] = {}
        self._ignored: dict[Path, str] = {}

    @property
    def records(self) -> list[dict[str, Any]]:
        """What became of every input, for the report: its path, a status, and what belongs to that.

        The status is "restored", "skipped", "planned" or "failed"; that of folders and files that are left out is
        "ignored", that of folders that cannot be read "failed".
        """
        failed = [
            {"input": str(folder), "status": "failed", "error": _on_folder(folder, reason)}
            for folder, reason in self._unreadable.items()
        ]
        ignored = [
            {"input": str(path), "status": "ignored", "reason": reason} for path, reason in self._ignored.items()
        ]
        return [*self._pictures.values(), *failed, *ignored]

    @property
    def failed(self) -> int:
        """How many pictures and folders failed."""
        return self._count()["failed"] + len(self._unreadable)

    @property
    def started(self) -> int:
        """How many pictures were tried."""
        return len(self._pictures)

    @property
    def done(self) -> int:
        """How many pictures are restored, were restored before, or would be."""
        return len(self._pictures) - self._count()["failed"]

    def note(self, sources: Sources) -> None:
        """Say which folders cannot be read, and remember what is left out; what was said before is not said again."""
        self._sources = {os.path.realpath(source.path) for source in sources.pictures}
        for folder in sources.unreadable.keys() - self._unreadable.keys():
            complain(_on_folder(folder, sources.unreadable[folder]))
        ignored = {entry.path: entry.reason for entry in sources.ignored}
        if self.args.verbose:
            for path in ignored.keys() - self._ignored.keys():
                self.lines.say(f"ignored: {path} ({ignored[path]})")
        self._unreadable, self._ignored = dict(sources.unreadable), ignored

    def run(self, jobs: list[Job]) -> None:
        """Run all jobs, unless Ctrl-C ends them; on a terminal, a progress bar counts megapixels."""
        shows_bar = sys.stderr is not None and sys.stderr.isatty() and self.restorer is not None
        before = len(self._pictures)
        try:
            sizes = [_megapixels(job) if shows_bar and not self._skips(job) else 0.0 for job in jobs]
            with tqdm(total=sum(sizes), unit="MP", bar_format=_BAR, leave=False, disable=not shows_bar) as bar:
                for job, size in zip(jobs, sizes, strict=True):
                    self.run_one(job, size, bar)
        except KeyboardInterrupt:
            self.interrupted = True
            left = len(jobs) - (len(self._pictures) - before)
            complain(f"interrupted with {left} of {len(jobs)} to go; --skip-existing continues from here")

    def run_one(
        self, job: Job, size: float = 0.0, bar: "tqdm[Any] | None" = None, *, existing: str | None = None
    ) -> str:
        """Run a job.

        Args:
            job: the picture.
            size: in megapixels, what it adds to the bar.
            bar: of all jobs.
            existing: what to do with a result that exists: "replace", "skip" or "refuse"; default: as the flags say.

        Returns:
            The status.
        """
        bar = bar if bar is not None else tqdm(disable=True)
        record: dict[str, Any] = {"input": str(job.source), "output": str(job.target)}
        start, drawn = time.perf_counter(), bar.n
        try:
            record |= self._do(job, size, bar, existing or self._existing)
        except Exception as error:  # Whatever happens to one picture, the others are restored.
            sentence = _sentence(job, error)
            complain(sentence)
            record |= {"status": "failed", "error": sentence}
        bar.update(drawn + size - bar.n)
        self._pictures[job.source] = record | {"seconds": round(time.perf_counter() - start, 3)}
        status: str = record["status"]
        return status

    def summarize(self, waiting: int = 0) -> None:
        """Say how many pictures became what, unless it was a single one and nothing else.

        Args:
            waiting: pictures that were found, but not started.
        """
        states = ", ".join(f"{count} {state}" for state, count in self._count().items()) or "none started"
        total = len(self._pictures) + waiting
        notes = [f"{total} pictures: {states}{f', {waiting} not started' if waiting and self._pictures else ''}"]
        if self._unreadable:
            notes.append(f"folders that cannot be read: {len(self._unreadable)}")
        if self._ignored:
            notes.append(f"{len(self._ignored)} ignored ({count_reasons(self._ignored.values())})")
        if total > 1 or len(notes) > 1 or self._count()["skipped"]:
            self.lines.say("; ".join(notes))

    def _count(self) -> Counter[str]:
        return Counter(record["status"] for record in self._pictures.values())

    @property
    def _existing(self) -> str:
        return "replace" if self.args.overwrite else "skip" if self.args.skip_existing else "refuse"

    def _skips(self, job: Job) -> bool:
        return self._existing == "skip" and is_there(job)

    def _do(self, job: Job, size: float, bar: "tqdm[Any]", existing: str) -> dict[str, Any]:
        self._check_harmless(job)
        if existing == "skip" and is_there(job):
            return {"status": "skipped"}
        if existing == "refuse" and is_there(job):
            raise FileExistsError(f"{job.target} exists; --overwrite replaces it, --skip-existing skips it")
        if not self.args.dry_run:
            _check_writable(job)
        check_is_file(job.source)
        source = standard_input() if job.source == STREAM else job.source
        if self.restorer is None:
            image = open_image(source, self.args.max_megapixels)
            if not self.args.dry_run:
                raise FileExistsError(f"{job.source} or its result changed as the run began; run the command again")
            self.lines.say(f"{job.source} -> {job.target} ({image.width}x{image.height})")
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
        self.lines.say(f"{job.source} -> {job.target} ({found}, {report.seconds:.1f} s)")
        for note in notes:
            self.lines.say(f"  {note}")
        return {"status": "restored"} | report.to_dict() | {"notes": list(notes)}

    def _check_harmless(self, job: Job) -> None:
        """Refuse a result that would replace a picture of this run, for instance through a link.

        Raises:
            FileExistsError: unless the picture itself was named as its own result.
        """
        real = os.path.realpath(job.target)
        if real in self._sources and os.path.abspath(job.source) != os.path.abspath(job.target):  # noqa: PTH100
            raise FileExistsError(
                f"{job.target} is {real}, which is a picture to restore; choose another folder with -o"
            )

    def _write(self, restored: "RestoredImage", job: Job) -> tuple[str, ...]:
        data, notes = restored.encode(f".{self.args.format}" if job.is_streamed else job.target.suffix)
        try:
            if job.target == STREAM:
                write_to_standard_output(data)
            else:
                job.target.parent.mkdir(parents=True, exist_ok=True)
                write_whole(data, job.target)
        except OSError as error:
            raise OSError(f"{_name(job.target)} cannot be written: {error.strerror or error}") from error
        return notes


def is_there(job: Job) -> bool:
    """Whether the result of a job exists.

    Raises:
        OSError: if its folder cannot be searched, the name is too long, or is that of a folder; the message names the
            result.
    """
    if job.is_streamed:
        return False
    try:
        if is_folder(job.target):
            raise IsADirectoryError(errno.EISDIR, "a folder has this name")
        job.target.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:  # A name with a NUL raises ValueError.
        raise OSError(f"{job.target} cannot be written: {getattr(error, 'strerror', None) or error}") from error
    return True


def _check_writable(job: Job) -> None:
    """Raise an OSError if the result could not be written, before a picture is restored for nothing."""
    if job.is_streamed:
        return
    folder = Path(os.path.realpath(job.target)).parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        why = "Permission denied" if folder.is_dir() else "Not a directory"
        raise OSError(f"{job.target} cannot be written: {folder}: {why}")


def _name(path: Path) -> str:
    return "standard output" if path == STREAM else str(path)


def _megapixels(job: Job) -> float:
    """Size of a picture by its header, for the progress bar; 0 if it cannot be read, which its job reports later."""
    try:
        if not stat.S_ISREG(job.source.stat().st_mode):
            return 0.0  # To open a pipe could take for ever.
        with Image.open(job.source) as image:
            return image.width * image.height / 1e6
    except Exception:
        return 0.0


def _sentence(job: Job, error: Exception) -> str:
    if is_out_of_memory(error):
        return f"{job.source} needs more memory than is free; a smaller --tile needs less"
    return sentence_on(job.source, error)


def _on_folder(folder: Path, reason: str) -> str:
    return f"the folder {folder} cannot be read: {reason}"
