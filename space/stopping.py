"""Ends what runs for a visitor who asked for it.

Gradio cancels what waits in the queue, but lets a running function finish. Ours report their progress, and the next
report after the visitor's word ends them.
"""

from collections.abc import Callable
from typing import Any

import gradio as gr

_stopped: set[str | None] = set()


class StoppedError(Exception):
    """The visitor asked for it."""


def stop(request: gr.Request) -> None:
    """End what runs for this visitor."""
    _stopped.add(request.session_hash)


def unless_stopped(request: gr.Request | None, progress: Callable[..., object]) -> Callable[..., None]:
    """Progress that raises [`StoppedError`] once the visitor does not want to see more of it."""
    visit = request.session_hash if request else None
    _stopped.discard(visit)

    def report(*done: Any) -> None:
        if visit in _stopped:
            raise StoppedError
        progress(*done)

    return report
