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

_Stamp = tuple[int, int]


def watch(runner: JobRunner, args: argparse.Namespace) -> int:
    """Restore what arrives, until Ctrl-C.

    A picture is complete when two looks, a second apart, find the same size and time of change. A picture that failed
    is tried again once it has changed. A picture whose result exists is skipped, unless results are replaced.

    Args:
        runner: does the work.
        args: of `argan restore`.

    Returns:
        How many pictures were still arriving.
    """
    args.skip_existing = not args.overwrite
    watched = _Watched(runner)
    try:
        while True:
            # A folder on another machine can be gone for a while.
            if present := [folder for folder in args.inputs if is_folder(folder)]:
                jobs, sources = plan_jobs(present, args.output, recursive=args.recursive, suffix=f".{args.format}")
                sources.ignored = [entry for entry in sources.ignored if entry.path not in watched.results]
                runner.note(sources)
                for job in jobs:
                    watched.look_at(job)
            time.sleep(_SECONDS_BETWEEN_LOOKS)
    except KeyboardInterrupt:
        return watched.arriving


class _Watched:
    """What is known of the pictures in the folders."""

    def __init__(self, runner: JobRunner) -> None:
        self._runner = runner
        self._seen: dict[Path, _Stamp] = {}
        self._done: set[Path] = set()
        self._failed: dict[Path, _Stamp] = {}
        self.results: set[Path] = set()

    @property
    def arriving(self) -> int:
        """Pictures that were seen and not tried yet."""
        return len(self._seen.keys() - self._done - self._failed.keys())

    def look_at(self, job: Job) -> None:
        """Restore a picture if it is complete and was not tried as it is now."""
        path = job.source
        if path in self._done or (stamp := _stamp(path)) is None:
            return
        is_settled = self._seen.get(path) == stamp
        self._seen[path] = stamp
        if not is_settled or self._failed.get(path) == stamp:
            return
        self.results.add(job.target)
        if self._runner.run_one(job) == "failed":
            self._failed[path] = stamp
        else:
            self._done.add(path)


def _stamp(path: Path) -> _Stamp | None:
    """Size and time of change; `None` for a file that is gone, or is empty and thus still waits for its content."""
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if found.st_size or not path.is_file() else None
