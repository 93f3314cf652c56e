"""Plans which output file each input gets. No picture is read or written here."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..output_formats import output_format
from ..special_files import is_folder, special_kind
from .result_names import result_paths
from .sources import PICTURE_SUFFIXES, STREAM, Source, Sources, find_sources


@dataclass(frozen=True)
class Job:
    """One picture to restore.

    Attributes:
        source: path of the picture, or `STREAM`.
        target: path of the result, or `STREAM`.
    """

    source: Path
    target: Path

    @property
    def is_streamed(self) -> bool:
        """Whether the result goes to standard output, a pipe or a device, which no earlier result can occupy."""
        return self.target == STREAM or special_kind(self.target) is not None


def plan_jobs(
    inputs: list[Path],
    output: Path | None,
    *,
    recursive: bool,
    suffix: str,
    taken: Mapping[Path, Path] | None = None,
) -> tuple[list[Job], Sources]:
    """Choose an output for every input.

    Args:
        inputs: files, folders, patterns, or `STREAM` alone.
        output: a file for a single input, else a folder; `None` puts results beside their sources.
        recursive: whether to include subfolders of input folders.
        suffix: of the results, if `output` names no file.
        taken: as for [`result_paths`].

    Returns:
        Jobs in the order of the inputs, named as [`result_paths`] says, and what was found, also beside pictures.

    Raises:
        ValueError: if `output` does not fit the inputs.
    """
    output_format(suffix)
    sources = find_sources(inputs, recursive=recursive, leave_out_results=True, output=output)
    if STREAM in inputs or output == STREAM:
        return [_stream_job(sources, inputs, output)], sources
    if output is not None and _is_file(output, sources, inputs):
        if len(sources.pictures) > 1 or is_folder(inputs[0]):
            raise ValueError(f"{output} is the name of one picture, but several would be restored; name a folder")
        if special_kind(output) is None:
            output_format(output.suffix)
        return [Job(source.path, output) for source in sources.pictures], sources
    # A file that is named twice, or named and found in a folder, is restored once.
    once: dict[str, Source] = {}
    for source in sources.pictures:
        once.setdefault(os.path.abspath(source.path), source)  # noqa: PTH100  (links stay apart)
    pictures = list(once.values())
    targets = result_paths(pictures, output, suffix, taken)
    return [Job(source.path, target) for source, target in zip(pictures, targets, strict=True)], sources


def _is_file(output: Path, sources: Sources, inputs: list[Path]) -> bool:
    """Whether an output names a file, not a folder."""
    if is_folder(output):
        return False
    if special_kind(output) is not None or output.suffix.lower() in PICTURE_SUFFIXES:
        return True
    # For a single picture, a name with a suffix means a file, and this suffix is unknown.
    return bool(output.suffix) and len(sources.pictures) == len(inputs) == 1 and not is_folder(inputs[0])


def _stream_job(sources: Sources, inputs: list[Path], output: Path | None) -> Job:
    if len(sources.pictures) != 1 or is_folder(inputs[0]):
        raise ValueError("standard input or output (-) takes one picture, but several would be restored")
    target = STREAM if output is None else output
    if target != STREAM and special_kind(target) is None:
        output_format(target.suffix)
    return Job(sources.pictures[0].path, target)
