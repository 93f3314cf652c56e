"""Runs the jobs of `argan restore`, and says and records what became of each, in their order."""

import argparse
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from .console import Lines, complain
from .interruptions import uninterrupted
from .jobs import Job
from .one_job import JobWork, Outcome, is_there, megapixels
from .side_by_side import SideBySide, worker_count
from .sources import Sources, count_reasons

if TYPE_CHECKING:
    from ..restoration import JpegRestorer

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
        self.lines = lines
        self._restorer = restorer
        self._work = JobWork(args, restorer)
        self._bar_lock = threading.Lock()
        # By path of the input. A picture that is tried again replaces what was said of it before.
        self._pictures: dict[Path, dict[str, Any]] = {}
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
        self._work.sources = {os.path.realpath(source.path) for source in sources.pictures}
        for folder in sources.unreadable.keys() - self._unreadable.keys():
            complain(_on_folder(folder, sources.unreadable[folder]))
        ignored = {entry.path: entry.reason for entry in sources.ignored}
        if self.args.verbose:
            for path in ignored.keys() - self._ignored.keys():
                self.lines.say(f"ignored: {path} ({ignored[path]})")
        self._unreadable, self._ignored = dict(sources.unreadable), ignored

    def run(self, jobs: list[Job]) -> None:
        """Run all jobs, unless Ctrl-C ends them; on a terminal, a progress bar counts megapixels."""
        shows_bar = sys.stderr is not None and sys.stderr.isatty() and self._restorer is not None
        workers = 1 if any(job.is_streamed for job in jobs) else worker_count(self._restorer, len(jobs))
        before = len(self._pictures)
        side_by_side = SideBySide(lambda job, size: self._do(job, size, bar, side_by_side), workers)
        try:
            # Headers are read when they are needed, unless the bar has to know all sizes at once.
            sizes: Iterable[float] = map(self._size, jobs) if workers > 1 else repeat(0.0, len(jobs))
            total = sum(sizes := list(map(self._size, jobs))) if shows_bar else 0.0
            with tqdm(total=total, unit="MP", bar_format=_BAR, leave=False, disable=not shows_bar) as bar:
                for outcome in side_by_side.outcomes(jobs, sizes):
                    self._take(outcome)
        except KeyboardInterrupt:
            self.interrupted = True
            with uninterrupted():
                for outcome in side_by_side.stop():
                    self._take(outcome)
            left = len(jobs) - (len(self._pictures) - before)
            complain(f"interrupted with {left} of {len(jobs)} to go; --skip-existing continues from here")

    def run_one(self, job: Job, *, existing: str | None = None) -> str:
        """Run a job.

        Args:
            job: the picture.
            existing: what to do with a result that exists: "replace", "skip" or "refuse"; default: as the flags say.

        Returns:
            The status.
        """
        return self._take(self._work.do(job, existing or self._existing))

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

    def _size(self, job: Job) -> float:
        """Megapixels that are to be restored."""
        try:
            return 0.0 if self._existing == "skip" and is_there(job) else megapixels(job)
        except OSError:  # What is wrong with the result, its job says.
            return 0.0

    def _do(self, job: Job, size: float, bar: "tqdm[Any]", side_by_side: SideBySide) -> Outcome:
        drawn = 0.0

        def progress(done: int, total: int) -> None:
            nonlocal drawn
            side_by_side.check()
            with self._bar_lock:
                bar.update(size * done / total - drawn)
            drawn = size * done / total

        outcome = self._work.do(job, self._existing, progress)
        with self._bar_lock:
            bar.update(size - drawn)
        return outcome

    def _take(self, outcome: Outcome) -> str:
        """Record and say what became of a picture, once; returns its status."""
        status: str = outcome.record["status"]
        if self._pictures.get(outcome.job.source) is outcome.record:
            return status
        # First, so that Ctrl-C does not lose it.
        self._pictures[outcome.job.source] = outcome.record
        if outcome.complaint is not None:
            complain(outcome.complaint)
        for line in outcome.lines:
            self.lines.say(line)
        return status


def _on_folder(folder: Path, reason: str) -> str:
    return f"the folder {folder} cannot be read: {reason}"
