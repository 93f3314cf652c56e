"""All visits of this server: found by the session that Gradio gives every opened page, deleted when they are over."""

import asyncio
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gradio as gr

from network import places
from places import visitor_of
from visits import MINUTES_AFTER_LEAVING, Visit, Work

MAX_VISITS = 500


class Visitors:
    """The visits of this server.

    Args:
        work: what a visit does to its pictures.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._visits: dict[str, Visit] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def visit(self, request: gr.Request) -> Visit:
        """The visit of a request; a new one at its first request. Call it in the event loop.

        Raises:
            gr.Error: if too many pages are open.
        """
        self._loop = asyncio.get_running_loop()
        session = str(request.session_hash)
        if session not in self._visits:
            if len(self._visits) >= MAX_VISITS:
                raise gr.Error("Too many visitors are here just now; try again in a minute.", print_exception=False)
            self._visits[session] = Visit(partial(places.take, visitor_of(request)), self._work)
        visit = self._visits[session]
        visit.touch()
        return visit

    def leave(self, request: gr.Request) -> None:
        """The page was closed."""
        if (visit := self._visits.get(str(request.session_hash))) is not None:
            visit.touch(MINUTES_AFTER_LEAVING)

    def folders(self) -> set[Path]:
        """End the visits that are over, and name the folders of all others; for the thread that deletes what is old."""
        now = time.monotonic()
        for session, visit in list(self._visits.items()):
            if now > visit.deadline:
                del self._visits[session]
                self._in_loop(visit.close)
        return {folder for visit in list(self._visits.values()) for folder in visit.folders}

    def _in_loop(self, function: Callable[[], None]) -> None:
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(function)
        else:
            function()
