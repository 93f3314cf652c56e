"""Signals handled in a part of a program, and as before after it."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def handled(handler: Callable[[int, FrameType | None], Any] | int, *numbers: int) -> Iterator[None]:
    """Handle signals in a `with` block; only the main thread can, in others nothing changes.

    Args:
        handler: as for `signal.signal`.
        numbers: of the signals.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
