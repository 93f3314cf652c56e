"""`argan restore --watch`: restores the pictures of folders as they arrive, each once, and only complete ones.

The folders are listed again and again. That works on every disk, also on those of other machines, which send no word
of a new file.
"""

import argparse
import time
from pathlib import Path

from ..special_files import is_folder
from .job_runner import JobRunner
from .jobs import Job, plan_jobs

_SECONDS_BETWEEN_LOOKS = 1.0

_Stamp = tuple[int, int, int]
"""Size, time of change, and time of change of the rights; all -1 for what cannot be looked at."""


def watch(runner: JobRunner, args: argparse.Namespace) -> int:
    """Restore what arrives, until Ctrl-C.

    A picture is complete when two looks, a second apart, find the same size, not 0, and time of change. A picture that
    changes is restored again. A picture whose result exists is skipped, unless results are replaced.

    Args:
        runner: does the work.
        args: of `argan restore`.

    Returns:
        How many pictures were still arriving, or empty.
    """
    args.skip_existing = not args.overwrite
    watched = _Watched(runner)
    try:
        while True:
            # A folder on another machine can be gone for a while.
            if present := [folder for folder in args.inputs if is_folder(folder)]:
                jobs, sources = plan_jobs(
                    present, args.output, recursive=args.recursive, suffix=f".{args.format}", taken=watched.results
                )
                sources.ignored = [entry for entry in sources.ignored if entry.path not in watched.results]
                runner.note(sources)
                watched.forget_all_but({job.source for job in jobs})
                for job in jobs:
                    watched.look_at(job)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    except KeyboardInterrupt:
        return watched.arriving


class _Watched:
    """What is known of the pictures in the folders.

    Attributes:
        results: what was written or found, and of which pictures.
    """

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner
        self._seen: dict[Path, _Stamp] = {}
        self._tried: dict[Path, tuple[_Stamp, str]] = {}
        self.results: dict[Path, Path] = {}

    @property
    def arriving(self) -> int:
        """Pictures that were seen and not tried yet."""
        return len(self._seen.keys() - self._tried.keys())

    def forget_all_but(self, there: set[Path]) -> None:
        """Do not wait for pictures that are gone."""
        for path in self._seen.keys() - there:
            del self._seen[path]

    def look_at(self, job: Job) -> None:
        """Restore a picture if it is complete and was not tried as it is now."""
        path, stamp = job.source, _stamp(job.source)
        is_settled = self._seen.get(path) == stamp and stamp[0] != 0
        self._seen[path] = stamp
        before, status = self._tried.get(path, (None, ""))
        # What could not be read can be read once its rights have changed.
        is_as_before = before == stamp or (before is not None and status != "failed" and before[:2] == stamp[:2])
        if not is_settled or is_as_before:
            return
        existing = None
        if before is not None and self._runner.args.skip_existing:
            # The result of this run is out of date; one that was there before it is not replaced.
            existing = "replace" if status == "restored" else "refuse" if status == "skipped" else None
        status = self._runner.run_one(job, existing=existing)
        self._tried[path] = (stamp, status)
        if status != "failed":
            self.results[job.target] = path


def _stamp(path: Path) -> _Stamp:
    try:
        found = path.stat()
    except OSError:
        return (-1, -1, -1)
    size = found.st_size if path.is_file() else -1  # A pipe is empty for good.
    return (size, found.st_mtime_ns, found.st_ctime_ns)
