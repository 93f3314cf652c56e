"""Restores one picture of `argan restore`: from its file to the file of the result, and the words on it.

Nothing is printed here, so that several pictures can be restored side by side and their lines still come in order.
"""

import argparse
import errno
import os
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from ..containers.opening import open_image
from ..memory import is_out_of_memory
from ..saving import write_whole
from ..special_files import is_folder
from .console import sentence_on, standard_input, write_to_standard_output
from .jobs import Job
from .sources import STREAM, check_is_file

if TYPE_CHECKING:
    from ..restoration import JpegRestorer
    from ..restored_image import RestoredImage

# Megapixels. Pillow opens no larger pictures; `containers/opening.py` does, with a limit of its own.
_BEYOND_PILLOW = 179.0


@dataclass(frozen=True)
class Outcome:
    """What became of a picture.

    Attributes:
        job: the picture.
        record: for the report: its path, a status, and what belongs to that.
        lines: to be printed.
        complaint: an error message, `None` if it did not fail.
        lacked_memory: whether it failed for that.
    """

    job: Job
    record: dict[str, Any]
    lines: tuple[str, ...] = ()
    complaint: str | None = None
    lacked_memory: bool = False


class JobWork:
    """Does one job.

    Args:
        args: of `argan restore`.
        restorer: `None` for a dry run, or where every result exists, or no picture.

    Attributes:
        sources: the real paths of all pictures of the run, none of which a result may replace.
    """

    def __init__(self, args: argparse.Namespace, restorer: "JpegRestorer | None") -> None:
        self._args = args
        self._restorer = restorer
        self.sources: set[str] = set()

    def do(self, job: Job, existing: str, progress: Callable[[int, int], None] | None = None) -> Outcome:
        """Restore a picture and write the result; no exception of it leaves this function.

        Args:
            job: the picture.
            existing: what to do with a result that exists: "replace", "skip" or "refuse".
            progress: called with (tiles done, tiles in all). What it raises that is no `Exception` ends the job.
        """
        record: dict[str, Any] = {"input": str(job.source), "output": str(job.target)}
        start, lines = time.perf_counter(), list[str]()
        complaint, lacked_memory = None, False
        try:
            record |= self._restore(job, existing, progress, lines)
        except Exception as error:  # Whatever happens to one picture, the others are restored.
            complaint, lacked_memory = _sentence(job, error), is_out_of_memory(error)
            record |= {"status": "failed", "error": complaint}
        record["seconds"] = round(time.perf_counter() - start, 3)
        return Outcome(job, record, tuple(lines), complaint, lacked_memory)

    def _restore(
        self, job: Job, existing: str, progress: Callable[[int, int], None] | None, lines: list[str]
    ) -> dict[str, Any]:
        self._check_harmless(job)
        if existing == "skip" and is_there(job):
            return {"status": "skipped"}
        if existing == "refuse" and is_there(job):
            raise FileExistsError(f"{job.target} exists; --overwrite replaces it, --skip-existing skips it")
        if not self._args.dry_run:
            _check_writable(job)
        check_is_file(job.source)
        source = standard_input() if job.source == STREAM else job.source
        if self._restorer is None:
            image = open_image(source, self._args.max_megapixels)
            if not self._args.dry_run:
                raise FileExistsError(f"{job.source} or its result changed as the run began; run the command again")
            lines.append(f"{job.source} -> {job.target} ({image.width}x{image.height})")
            return {"status": "planned", "width": image.width, "height": image.height}
        restored = self._restorer(
            source,
            self._args.quality,
            self._args.strength,
            realism=self._args.realism,
            faithful=self._args.faithful,
            keep_orientation=self._args.keep_orientation,
            progress=progress,
            history=self._args.history,
        )
        notes = (*restored.report.notes, *self._write(restored, job))
        report = restored.report
        quality = f", quality {report.quality}" if report.quality else ""
        consistency = "" if report.consistency is None else f", {report.consistency.in_words()} as in the file"
        bits = ", 16 bits" if report.bits == 16 else ""
        found = f"{report.width}x{report.height}{bits}{quality}{consistency}"
        lines.append(f"{job.source} -> {job.target} ({found}, {report.seconds:.1f} s)")
        lines += [f"  {note}" for note in notes]
        return {"status": "restored"} | report.to_dict() | {"notes": list(notes)}

    def _check_harmless(self, job: Job) -> None:
        """Refuse a result that would replace a picture of this run, for instance through a link.

        Raises:
            FileExistsError: unless the picture itself was named as its own result.
        """
        real = os.path.realpath(job.target)
        if real in self.sources and os.path.abspath(job.source) != os.path.abspath(job.target):  # noqa: PTH100
            raise FileExistsError(
                f"{job.target} is {real}, which is a picture to restore; choose another folder with -o"
            )

    def _write(self, restored: "RestoredImage", job: Job) -> tuple[str, ...]:
        data, notes = restored.encode(f".{self._args.format}" if job.is_streamed else job.target.suffix)
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


def megapixels(job: Job) -> float:
    """Size of a picture by its header; 0 if it cannot be read, which its job reports later."""
    try:
        if not stat.S_ISREG(job.source.stat().st_mode):
            return 0.0  # To open a pipe could take for ever.
        with Image.open(job.source) as image:
            return image.width * image.height / 1e6
    except Image.DecompressionBombError:
        return _BEYOND_PILLOW
    except Exception:
        return 0.0


def _sentence(job: Job, error: Exception) -> str:
    if is_out_of_memory(error):
        return f"{job.source} needs more memory than is free; a smaller --tile needs less"
    return sentence_on(job.source, error)
