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

MAX_VISITS, MAX_VISITS_PER_VISITOR = 500, 40


class Visitors:
    """The visits of this server.

    Args:
        work: what a visit does to its pictures.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._visits: dict[str, Visit] = {}  # by the session of their page
        self._loop: asyncio.AbstractEventLoop | None = None

    def visit(self, request: gr.Request) -> Visit:
        """The visit of a request; a new one at its first request. Call it in the event loop."""
        self._loop = asyncio.get_running_loop()
        session = str(request.session_hash)
        if session not in self._visits:
            visitor = visitor_of(request)
            own = [name for name, visit in self._visits.items() if visit.visitor == visitor]
            if len(own) >= MAX_VISITS_PER_VISITOR:
                self._end_one(own)
            elif len(self._visits) >= MAX_VISITS:
                self._end_one(list(self._visits))
            self._visits[session] = Visit(visitor, partial(places.take, visitor), self._work, session=session)
        visit = self._visits[session]
        visit.touch()
        return visit

    def come_back(self, request: gr.Request, token: str) -> Visit:
        """The visit with a token, continued in a page that was opened anew; if there is none, that of the request."""
        session = str(request.session_hash)
        former = next((visit for visit in self._visits.values() if visit.token == token), None)
        if former is None or former.session == session:
            return self.visit(request)
        if (fresh := self._visits.pop(session, None)) is not None:
            fresh.close()
        del self._visits[former.session]
        former.session = session
        self._visits[session] = former
        former.touch()
        return former

    def leave(self, request: gr.Request) -> None:
        """The page was closed."""
        if (visit := self._visits.get(str(request.session_hash))) is not None:
            visit.touch(MINUTES_AFTER_LEAVING)

    def folders(self) -> set[Path]:
        """End the visits that are over, and name the folders of all others; for the thread that deletes what is old."""
        now = time.monotonic()
        for session, visit in list(self._visits.items()):
            if now > visit.deadline and self._visits.pop(session, None) is not None:
                self._in_loop(visit.close)
        return {folder for visit in list(self._visits.values()) for folder in visit.folders}

    def _end_one(self, sessions: list[str]) -> None:
        """Make room for a new visit: end the one without pictures, or else the one, that was silent for longest."""
        session = min(sessions, key=lambda name: (bool(self._visits[name].pictures), self._visits[name].deadline))
        self._visits.pop(session).close()

    def _in_loop(self, function: Callable[[], None]) -> None:
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(function)
        else:
            function()
