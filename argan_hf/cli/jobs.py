"""Plans which output file each input gets: lists folders, chooses names of results, and refuses collisions.

No picture is read or written here.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..output_formats import output_format

STREAM = Path("-")
"""Stands for standard input or standard output."""

# Suffixes of the files that are restored in a folder. A file that is named as an input is restored with any suffix.
_PICTURE_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".png", ".webp", ".avif", ".gif", ".tif", ".tiff", ".bmp"),
    *(".pbm", ".pgm", ".pnm", ".ppm"),
}
_RESULT = "-restored"


@dataclass(frozen=True)
class Job:
    """One picture to restore.

    Attributes:
        source: path of the picture, or `STREAM`.
        target: path of the result, or `STREAM`.
    """

    source: Path
    target: Path


def plan_jobs(inputs: list[Path], output: Path | None, *, recursive: bool, suffix: str) -> list[Job]:
    """Choose an output for every input.

    Args:
        inputs: files, folders, or `STREAM` alone.
        output: a file for a single input, else a folder; `None` puts results beside their sources, under names that
            end in "-restored". A picture below an input folder gets the same relative path below the output folder.
        recursive: whether to include subfolders of input folders.
        suffix: of the results, if `output` names no file.

    Returns:
        Jobs in the order of the inputs; those of a folder are sorted by name. Hidden files and the results of earlier
        runs are skipped.

    Raises:
        ValueError: if nothing is found, two inputs would become the same file, or `output` does not fit the inputs.
    """
    output_format(suffix)
    if STREAM in inputs or output == STREAM:
        return [_stream_job(inputs, output)]
    names_a_file = output is not None and output.suffix.lower() in _PICTURE_SUFFIXES and not output.is_dir()
    if output is not None and names_a_file:
        if len(inputs) > 1 or inputs[0].is_dir():
            raise ValueError(f"{output} is the name of one picture, but several would be restored; name a folder")
        output_format(output.suffix)
        return [Job(inputs[0], output)]
    if output is not None and output.suffix and len(inputs) == 1 and not inputs[0].is_dir() and not output.is_dir():
        # For a single picture, a name with a suffix means a file, and this suffix is unknown: raise.
        output_format(output.suffix)
    jobs = []
    for entry in inputs:
        if entry.is_dir():
            jobs += [Job(source, _beneath(source, entry, output, suffix)) for source in _walk(entry, output, recursive)]
        else:
            jobs.append(Job(entry, _beneath(entry, entry.parent, output, suffix)))
    if not jobs:
        deeper = "" if recursive else "; --recursive includes subfolders"
        raise ValueError(f"no pictures found in {', '.join(map(str, inputs))}{deeper}")
    # A file that is named twice, or named and found in a folder, is restored once.
    jobs = list(dict.fromkeys(jobs))
    _refuse_collisions(jobs)
    return jobs


def _stream_job(inputs: list[Path], output: Path | None) -> Job:
    if len(inputs) > 1 or inputs[0].is_dir():
        raise ValueError("standard input or output (-) takes one picture, but several would be restored")
    target = STREAM if output is None else output
    if target != STREAM:
        output_format(target.suffix)
    return Job(inputs[0], target)


def _walk(folder: Path, output: Path | None, recursive: bool) -> Iterator[Path]:
    results = None if output is None else output.resolve()
    for place, folders, files in os.walk(folder):
        here = Path(place)
        # os.walk visits the folders that remain in this list, in its order, so the list is changed in place.
        folders[:] = sorted(
            name for name in folders if recursive and name[0] != "." and (here / name).resolve() != results
        )
        for name in sorted(files):
            path = here / name
            is_result = output is None and path.stem.endswith(_RESULT)
            if name[0] != "." and path.suffix.lower() in _PICTURE_SUFFIXES and not is_result:
                yield path


def _beneath(source: Path, root: Path, output: Path | None, suffix: str) -> Path:
    """Path of a result: the path of its source relative to `root`, below `output`; or beside the source."""
    if output is None:
        return source.with_name(f"{source.stem}{_RESULT}{suffix}")
    return output / source.relative_to(root).with_suffix(suffix)


def _refuse_collisions(jobs: list[Job]) -> None:
    sources: dict[Path, Path] = {}
    for job in jobs:
        if (other := sources.setdefault(job.target, job.source)) is not job.source:
            raise ValueError(
                f"{other} and {job.source} would become the same file {job.target}; restore them in separate commands"
            )
