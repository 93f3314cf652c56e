"""What a command says, and where: lines, error messages and exit codes, which all subcommands share.

A reader that goes away (`| head`), a full disk behind standard output, a closed stream, or an encoding without the
letters of a file name never cost the work itself.
"""

import io
import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from tqdm import tqdm

from ..special_files import is_folder
from .sources import PICTURE_SUFFIXES

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended: 128 and the number of the signal."""

# Characters with which the name of a file could steer a terminal, or show a line in another order than it has.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Lines:
    """Standard output or standard error, as a place for lines; nothing is raised if they can no longer be written.

    Args:
        stream: `sys.stdout` or `sys.stderr`, which is `None` where it was closed before the program began.

    Attributes:
        failed: whether lines were lost although somebody waited for them, for instance on a full disk. A reader that
            went away does not count.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.failed = False

    @property
    def is_read(self) -> bool:
        """Whether lines still arrive anywhere."""
        return self._stream is not None

    def say(self, line: str) -> None:
        """Write a line, above a progress bar if there is one; control characters are shown as escapes."""
        self.write(_visible(line))

    def write(self, text: str) -> None:
        """Write text as it is, with a line break at its end."""
        if self._stream is None:
            return
        try:
            tqdm.write(text, file=self._stream)
            self._stream.flush()
        except BrokenPipeError:
            self._give_up(self._stream)
        except (OSError, ValueError) as error:  # A closed file raises ValueError.
            self.failed = True
            self._give_up(self._stream)
            complain(f"standard output cannot be written: {getattr(error, 'strerror', None) or error}")

    def _give_up(self, stream: TextIO) -> None:
        self._stream = None
        _silence(stream)


def standard_input() -> bytes:
    """All of standard input.

    Raises:
        OSError: if it is closed.
    """
    if sys.stdin is None:
        raise OSError("standard input is closed, expected a picture there")
    return sys.stdin.buffer.read()


def write_to_standard_output(data: bytes) -> None:
    """Write bytes, all or an exception.

    Raises:
        OSError: if standard output is closed, its reader went away, or its disk is full.
    """
    if sys.stdout is None:
        raise OSError("it is closed")
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError:
        _silence(sys.stdout)
        raise


def complain(message: object) -> None:
    """Print an error message on standard error, above a progress bar if there is one.

    Messages of the Hub and of torch have several lines; they are joined to one. Control characters are shown as
    escapes.
    """
    lines = (line.strip() for line in str(message).splitlines())
    text = _visible(" ".join(line for line in lines if line))
    if sys.stderr is not None:
        # Where errors cannot be written, there is no place left to say so.
        with suppress(OSError, ValueError):
            tqdm.write(f"argan: {text}", file=sys.stderr)


def sentence_on(path: Path, error: Exception) -> str:
    """The message of an exception as one line that names a file with its whole path."""
    text = " ".join(str(error).split()) or type(error).__name__
    # Files of different folders can have the same name.
    if path.name and text.startswith(path.name):
        return f"{path}{text.removeprefix(path.name)}"
    return text if isinstance(error, OSError) else f"{path}: {text}"


def check_report(path: Path) -> None:
    """Refuse to write a report over something else: `--json *.jpg` names a picture as the report.

    Raises:
        ValueError: if the name is that of a picture, or of a folder, or a file is there that holds no JSON.
    """
    if path.suffix.lower() in PICTURE_SUFFIXES:
        raise ValueError(f"--json {path} has the name of a picture; the report needs a name of its own")
    if is_folder(path):
        raise ValueError(f"--json {path} is a folder; name a file in it")
    try:
        with path.open("rb") as file:
            start = file.read(1)
    except OSError:  # There is none, or it is said when it is written.
        return
    if start not in (b"", b"[", b"{"):
        raise ValueError(f"--json {path} would replace a file that holds no JSON; name another one")


def exit_code(done: int, failed: int) -> int:
    """0 if nothing failed, 1 if some files failed, 2 if nothing was done."""
    return 0 if not failed else 1 if done else 2


def prepare_streams() -> None:
    """Make standard streams safe: every name of a file can be encoded, and no file gets the number of a closed stream.

    A file that is opened while the number of standard output is free would get what libraries print there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def flush_streams() -> None:
    """Write what is left in standard output; if nobody reads it, it is dropped without a word."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence(sys.stdout)
    except (OSError, ValueError) as error:
        _silence(sys.stdout)
        complain(f"standard output cannot be written: {getattr(error, 'strerror', None) or error}")


def _silence(stream: TextIO) -> None:
    """Send what a stream still holds to nowhere: else Python would fail to write it as it exits, and print that."""
    with suppress(OSError, ValueError):  # Streams of tests have no descriptor.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def _visible(text: str) -> str:
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
