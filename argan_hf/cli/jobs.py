"""Which inputs become which outputs: folders walked, names of results chosen, collisions found before any work.

Nothing is read or written here; the command line decides what to do with a plan.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..saving import check_suffix

STREAM = Path("-")
"""Stands for standard input or standard output."""

# What is taken from a folder; a file that is named is tried whatever its name.
_PICTURE_SUFFIXES = {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".png", ".webp", ".avif", ".gif", ".tif", ".tiff", ".bmp"),
    *(".pbm", ".pgm", ".pnm", ".ppm"),
}
_RESULT = "-restored"


@dataclass(frozen=True)
class Job:
    """One picture to restore: where it lies, and where the result goes."""

    source: Path
    target: Path


def plan_jobs(inputs: list[Path], output: Path | None, *, recursive: bool, suffix: str) -> list[Job]:
    """Decide what becomes of every input.

    Args:
        inputs: files, folders, or `STREAM` alone.
        output: a file for a single input, else a folder; `None` puts results beside their sources, under names that
            end in "-restored". What lies below an input folder keeps its place below the output folder.
        recursive: whether folders below input folders are walked, too.
        suffix: of the results, where `output` names no file.

    Returns:
        Jobs in the order of the inputs, those of a folder by name. Hidden files, and results that an earlier run put
        where this one would, are no inputs.

    Raises:
        ValueError: if nothing is found, two inputs would become the same file, or `output` does not fit the inputs.
    """
    check_suffix(suffix)
    if STREAM in inputs or output == STREAM:
        return [_stream_job(inputs, output)]
    names_a_file = output is not None and output.suffix.lower() in _PICTURE_SUFFIXES and not output.is_dir()
    if output is not None and names_a_file:
        if len(inputs) > 1 or inputs[0].is_dir():
            raise ValueError(f"{output} is the name of one picture, but several are to be restored; name a folder")
        check_suffix(output.suffix)
        return [Job(inputs[0], output)]
    if output is not None and output.suffix and len(inputs) == 1 and not inputs[0].is_dir() and not output.is_dir():
        # A single picture and a name with a suffix: a file is meant, and the suffix is wrong.
        check_suffix(output.suffix)
    jobs = []
    for entry in inputs:
        if entry.is_dir():
            jobs += [Job(source, _beneath(source, entry, output, suffix)) for source in _walk(entry, output, recursive)]
        else:
            jobs.append(Job(entry, _beneath(entry, entry.parent, output, suffix)))
    if not jobs:
        deeper = "" if recursive else "; --recursive looks into the folders below, too"
        raise ValueError(f"no pictures found in {', '.join(map(str, inputs))}{deeper}")
    # A file named twice, or named and found, is one picture.
    jobs = list(dict.fromkeys(jobs))
    _refuse_collisions(jobs)
    return jobs


def _stream_job(inputs: list[Path], output: Path | None) -> Job:
    if len(inputs) > 1 or inputs[0].is_dir():
        raise ValueError("standard input or output (-) takes one picture, but several are to be restored")
    target = STREAM if output is None else output
    if target != STREAM:
        check_suffix(target.suffix)
    return Job(inputs[0], target)


def _walk(folder: Path, output: Path | None, recursive: bool) -> Iterator[Path]:
    results = None if output is None else output.resolve()
    for place, folders, files in os.walk(folder):
        here = Path(place)
        # Sorted in place, which is how os.walk is told where to go.
        folders[:] = sorted(
            name for name in folders if recursive and name[0] != "." and (here / name).resolve() != results
        )
        for name in sorted(files):
            path = here / name
            is_result = output is None and path.stem.endswith(_RESULT)
            if name[0] != "." and path.suffix.lower() in _PICTURE_SUFFIXES and not is_result:
                yield path


def _beneath(source: Path, root: Path, output: Path | None, suffix: str) -> Path:
    if output is None:
        return source.with_name(f"{source.stem}{_RESULT}{suffix}")
    return output / source.relative_to(root).with_suffix(suffix)


def _refuse_collisions(jobs: list[Job]) -> None:
    sources: dict[Path, Path] = {}
    for job in jobs:
        if (other := sources.setdefault(job.target, job.source)) is not job.source:
            raise ValueError(f"{other} and {job.source} would become the same file {job.target}; restore them apart")
