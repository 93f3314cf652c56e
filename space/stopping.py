"""Stops a running restoration or measurement when its visitor presses Stop.

Gradio cancels functions that wait in the queue, but lets a running function finish. The functions of this page report
their progress, and the next report after Stop raises an exception in them.
"""

from collections.abc import Callable
from typing import Any

import gradio as gr

_stopped: set[str | None] = set()


class StoppedError(Exception):
    """The visitor pressed Stop."""


def stop(request: gr.Request) -> None:
    """Stop what runs for this visitor."""
    _stopped.add(request.session_hash)


def unless_stopped(request: gr.Request | None, progress: Callable[..., object]) -> Callable[..., None]:
    """A function that reports progress, and raises [`StoppedError`] after the visitor pressed Stop."""
    visit = request.session_hash if request else None
    _stopped.discard(visit)

    def report(*done: Any) -> None:
        if visit in _stopped:
            raise StoppedError
        progress(*done)

    return report
