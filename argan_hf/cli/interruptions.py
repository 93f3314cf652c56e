"""Ctrl-C and SIGTERM while pictures are restored: they end the work in order, and do not end that end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from ..signal_handlers import handled


@contextmanager
def terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end the work as Ctrl-C does, with summary and report; only the main thread can do so."""
    with handled(signal.default_int_handler, signal.SIGTERM):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Without Ctrl-C and SIGTERM, in the main thread: an orderly end is not to be ended."""
    with handled(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM):
        yield
