"""Finds the pictures that a command line names: files, folders, patterns. Says what it leaves out, and why."""

import argparse
import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..special_files import is_descriptor, is_folder, special_kind

STREAM = Path("-")
"""Stands for standard input or standard output."""

RESULT = "-restored"
"""Ends the names of results that lie beside their sources."""

# Suffixes of the files that are taken from a folder. A file that is named as an input is taken with any suffix.
PICTURE_SUFFIXES = frozenset(
    [
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".png", ".webp", ".avif", ".gif", ".tif", ".tiff"),
        *(".bmp", ".pbm", ".pgm", ".pnm", ".ppm"),
    ]
)


@dataclass(frozen=True)
class Source:
    """A picture to read.

    Attributes:
        path: of the file, or `STREAM`.
        root: the folder that was named and holds it, at any depth; of a file that was named, its folder.
    """

    path: Path
    root: Path


@dataclass(frozen=True)
class Ignored:
    """Something in a folder that is left out on purpose.

    Attributes:
        path: of the file or folder.
        reason: a few words that can be counted: "hidden", "another suffix", "subfolder without -r", "link to a folder",
            "folder of results", "earlier result".
    """

    path: Path
    reason: str


@dataclass
class Sources:
    """What was found.

    Attributes:
        pictures: in the order of the inputs; those of a folder are sorted by name.
        ignored: what was left out on purpose.
        unreadable: folders that cannot be listed, and why.
    """

    pictures: list[Source] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)


def find_sources(
    inputs: list[Path], *, recursive: bool, leave_out_results: bool = False, output: Path | None = None
) -> Sources:
    """Find the pictures that are named, and those in the folders that are named.

    Args:
        inputs: files, folders, `STREAM`, or patterns such as `*.jpg`, which shells of Windows do not expand. A file
            whose name looks like a pattern is taken as it is.
        recursive: whether to include subfolders. Links to folders are not followed.
        leave_out_results: whether files in a folder are left out if they lie where results would, and their names end
            as those of results.
        output: the folder of results, in which nothing is looked for, unless it is the only input; `None`: results lie
            beside their sources.
    """
    found = Sources()
    results = None if output is None else os.path.realpath(output)
    entries = [path for given in inputs for path in _expand(given)]
    for entry in entries:
        if not is_folder(entry):
            found.pictures.append(Source(entry, entry.parent))
            continue
        if os.path.realpath(entry) == results and any(os.path.realpath(other) != results for other in entries):
            # `argan restore * -o out`, once more: the results of the first time are among the inputs.
            found.ignored.append(Ignored(entry, "folder of results"))
            continue
        leaves_out = leave_out_results and results in (None, os.path.realpath(entry))
        for path in _walk(entry, results, found, recursive=recursive):
            if leaves_out and path.stem.endswith(RESULT):
                found.ignored.append(Ignored(path, "earlier result"))
            else:
                found.pictures.append(Source(path, entry))
    return found


def named_path(text: str) -> Path:
    """The path that an argument names; an empty one, as an unset variable of a shell gives it, is none.

    Raises:
        argparse.ArgumentTypeError: if it is empty.
    """
    if not text:
        raise argparse.ArgumentTypeError("the name is empty, expected a file or folder (. for this one)")
    return Path(text)


def check_is_file(path: Path) -> None:
    """Refuse pipes, devices and sockets: to read a pipe that nobody writes to, a batch would wait for ever.

    Raises:
        ValueError: if it is one, and no descriptor that a shell hands over.
    """
    if (kind := special_kind(path)) and not is_descriptor(path):
        raise ValueError(
            f"{path.name} is {kind}, expected a file; what comes out of a pipe is read from standard input (-)"
        )


def count_reasons(ignored: Iterable[str]) -> str:
    """Reasons and how often each occurs, as in "hidden: 3, another suffix: 1"."""
    return ", ".join(f"{reason}: {count}" for reason, count in Counter(ignored).most_common())


def nothing_found(inputs: list[Path], found: Sources, *, recursive: bool) -> str:
    """A sentence for inputs that hold no picture."""
    reasons = count_reasons(entry.reason for entry in found.ignored)
    deeper = "" if recursive else "; --recursive includes subfolders"
    return f"no pictures found in {', '.join(map(str, inputs))}{f' (ignored: {reasons})' if reasons else ''}{deeper}"


def _expand(entry: Path) -> list[Path]:
    pattern = str(entry)
    if not glob.has_magic(pattern) or os.path.lexists(entry):
        return [entry]
    # A pattern without any match is a file that does not exist, which is said where it is read.
    matches = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207  (Path.glob takes no absolute patterns)
    return [Path(name) for name in matches] or [entry]


def _walk(folder: Path, results: str | None, found: Sources, *, recursive: bool) -> Iterator[Path]:
    """Paths of the pictures in a folder; everything else is added to `found`."""
    # `os.walk` calls itself for every level, which fails in trees deeper than Python recurses.
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            found.unreadable[here] = error.strerror or str(error)
            continue
        folders = []
        for entry in entries:
            path = here / entry.name
            if _is_folder(entry):
                folders.append(path)
            elif entry.name[0] == ".":
                found.ignored.append(Ignored(path, "hidden"))
            elif path.suffix.lower() not in PICTURE_SUFFIXES:
                found.ignored.append(Ignored(path, "another suffix"))
            else:
                yield path
        for path in reversed(folders):
            if reason := _why_not_entered(path, results, recursive=recursive):
                found.ignored.append(Ignored(path, reason))
            else:
                waiting.append(path)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link through a folder that may not be searched.
        return False


def _why_not_entered(folder: Path, results: str | None, *, recursive: bool) -> str | None:
    if folder.name[0] == ".":
        return "hidden"
    if results is not None and os.path.realpath(folder) == results:
        return "folder of results"
    if os.path.islink(folder):  # noqa: PTH114  (raises nothing where the path is too long)
        return "link to a folder"
    return None if recursive else "subfolder without -r"
