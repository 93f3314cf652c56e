"""Keeps other libraries from logging what this one says in a sentence of its own."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def quiet(logger: str, is_dropped: Callable[[logging.LogRecord], bool] = lambda record: True) -> Iterator[None]:  # noqa: ARG005
    """Drop records of a logger, in this thread only: the settings of the user's own program stay as they are.

    Args:
        logger: its name.
        is_dropped: which records; default: all.
    """
    thread = threading.get_ident()

    def passes(record: logging.LogRecord) -> bool:
        return record.thread != thread or not is_dropped(record)

    target = logging.getLogger(logger)
    target.addFilter(passes)
    try:
        yield
    finally:
        target.removeFilter(passes)
