"""What a visitor has given and chosen, and the work that follows from it: the newest wish is done first.

Every wish (a picture, a setting, stop) changes the visit and wakes its worker. The worker does what the visitor looks
at, then the rest. Work that is no longer wanted ends at its next report of progress, and its result is thrown away. The
page shows views of the visit; each view says all, so none can show the result of another picture.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from argan_hf.memory import is_out_of_memory
from folders import forget
from pictures import (
    DEFAULT_QUALITY,
    Choices,
    Picture,
    Result,
    Settings,
    discard,
    network_key,
    result_key,
    sentence,
)
from places import BusyError
from restoring import NETWORK_SHARE, OUTPUT
from tasks import Measurement, NotWantedError, Report, Task

logger = logging.getLogger(__name__)

MAX_PICTURES = 24
MAX_NOTICES = 5
MAX_OUTPUTS = 3
"""Pictures of a visit for which the output of the network is kept."""

MINUTES_KEPT = 30
"""How long pictures are kept after the last click, in minutes."""

MINUTES_AFTER_LEAVING = 2
"""How long pictures are kept after the page was closed, in minutes: a phone closes it when another app is opened."""

UNEXPECTED = "Something went wrong on the server; its log says what."


Work = Callable[["Visit", Task, Report], Awaitable[Any]]


@dataclass
class Visit:
    """One opened page.

    Attributes:
        visitor: who it is, see `places.visitor_of`.
        place: waits for a place to work, and holds it.
        work: does a task and gives its result.
        pictures: by their token, in the order of their arrival.
        selected: token of the picture that is looked at.
        settings: for all pictures.
        token: names the visit to the page, which finds it again after a lost connection; a secret of the visitor.
        session: Gradio's name of the page that was opened last.
        stopped: tokens of the pictures whose work the visitor stopped.
        measurement: of a picture, if one was asked for.
        notices: sentences on wishes that could not be done, newest last, with numbers that rise.
        zipped: file with all results, if it was asked for and is still true.
        zipping: whether that file is being written.
        revision: rises with every change.
        task: what is being done.
        follower: the newest request that follows the changes.
        deadline: when the visit is deleted, in seconds of the monotonic clock.
    """

    visitor: str
    place: Callable[[], AbstractAsyncContextManager[None]]
    work: Work
    pictures: dict[str, Picture] = field(default_factory=dict)
    selected: str | None = None
    settings: Settings = field(default_factory=Settings)
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    session: str = ""
    stopped: set[str] = field(default_factory=set)
    measurement: Measurement | None = None
    notices: list[tuple[int, str]] = field(default_factory=list)
    zipped: Path | None = None
    zipping: bool = False
    revision: int = 0
    deadline: float = field(default_factory=lambda: time.monotonic() + 60 * MINUTES_KEPT)
    task: Task | None = None
    _worker: asyncio.Task[None] | None = None
    follower: object = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    # Wishes

    def add(self, picture: Picture, *, select: bool) -> None:
        """Take a picture; the newest is looked at."""
        self.pictures[picture.token] = picture
        self.pictures = dict(sorted(self.pictures.items(), key=lambda entry: entry[1].order))
        if select or self.selected is None:
            self.selected = picture.token
        self._wish()

    def looked_at(self, picture: Picture) -> None:
        """The picture is known now: it can be restored, or has its refusal; if it was removed meanwhile, it goes."""
        picture.is_known = True
        if picture.token in self.pictures:
            self._wish()
        else:
            discard(picture)

    def select(self, token: str) -> None:
        """Look at another picture."""
        if token in self.pictures:
            self.selected = token
            self._wish()

    def remove(self, token: str) -> None:
        """Delete a picture and all that was made of it."""
        picture = self.pictures.pop(token, None)
        if picture is None:
            return
        if self.selected == token:
            self.selected = next(reversed(self.pictures), None)
        discard(picture)
        self._wish()

    def clear(self) -> None:
        """Delete all pictures."""
        for token in list(self.pictures):
            self.remove(token)

    def configure(self, settings: Settings) -> None:
        """Change the settings."""
        if settings != self.settings:
            self.settings = settings
            self._wish()

    def choose(self, picture: Picture, choices: Choices) -> None:
        """Change the choices for one picture."""
        if picture.choices != choices:
            picture.choices = choices
            self._wish()

    def measure(self) -> None:
        """Measure the picture that is looked at."""
        if (picture := self.current) is not None and picture.refusal is None:
            self._forget_measurement()
            self.measurement = Measurement(self._measure_key(picture))
            self._wish()

    def stop(self) -> None:
        """End all work until the visitor starts it again; what is finished stays."""
        self.stopped = {token for token, picture in self.pictures.items() if not self.is_done(picture)}
        if self.measurement is not None and self.measurement.found is None:
            self.measurement.error = "Stopped."
        self._wish()

    def resume(self) -> None:
        """Start again what was stopped or failed."""
        self.stopped = set()
        for picture in self.pictures.values():
            picture.failure = picture.failed_key = None
        self._wish()

    def close(self) -> None:
        """Delete everything, for good."""
        if self._worker is not None:
            self._worker.cancel()
        self.clear()
        self._forget_measurement()

    def touch(self, minutes: float = MINUTES_KEPT) -> None:
        """Put off the deletion."""
        self.deadline = time.monotonic() + 60 * minutes

    # What is known

    @property
    def current(self) -> Picture | None:
        """The picture that is looked at."""
        return self.pictures.get(self.selected or "")

    @property
    def folders(self) -> set[Path]:
        """All folders that belong to the visit."""
        # Asked by a thread, while the loop changes all of these.
        pictures, measurement, zipped = list(self.pictures.values()), self.measurement, self.zipped
        folders = {picture.folder for picture in pictures}
        if measurement is not None and measurement.folder is not None:
            folders.add(measurement.folder)
        if zipped is not None:
            folders.add(zipped.parent)
        return folders

    def results(self) -> list[Path]:
        """The files of all results that are what is wanted now."""
        wanted = (picture for picture in self.pictures.values() if picture.result_key == self.key_of(picture))
        return [picture.result.path for picture in wanted if picture.result is not None]

    def is_done(self, picture: Picture) -> bool:
        """Whether there is nothing to do for a picture: its result is there, or cannot be."""
        key = self.key_of(picture)
        return picture.refusal is not None or key in (picture.result_key, picture.failed_key)

    def is_wanted(self, task: Task) -> bool:
        """Whether a task is the one to do now.

        While the network runs, a change of strength, faithful or format does not end it: what it gives is used anyway.
        """
        wanted = self._next()
        if wanted is None or wanted.picture is not task.picture or wanted.measures != task.measures:
            return False
        return wanted.key == task.key or (task.share <= NETWORK_SHARE and wanted.network_key == task.network_key)

    async def changes(self, revision: int, timeout: float) -> None:
        """Wait until there is something newer than a revision, or for some seconds."""
        if self.revision == revision:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), timeout)
            except TimeoutError:
                return

    @property
    def is_working(self) -> bool:
        """Whether there is work to do."""
        return self._next() is not None

    # Work

    def _wish(self) -> None:
        self._forget_zip()
        current = self.current
        if self.measurement and (current is None or self.measurement.key != self._measure_key(current)):
            self._forget_measurement()
        self.touch()
        self._note()
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._run())

    def tell(self, words: str) -> None:
        """Tell the visitor that a wish could not be done."""
        number = self.notices[-1][0] + 1 if self.notices else 1
        self.notices = [*self.notices[1 - MAX_NOTICES :], (number, words)]
        self._note()

    def _note(self) -> None:
        self.revision += 1
        self._changed.set()

    def key_of(self, picture: Picture) -> tuple[object, ...]:
        """What is wanted of a picture."""
        return result_key(picture.choices, self.settings)

    def _measure_key(self, picture: Picture) -> tuple[object, ...]:
        settings = self.settings
        quality = picture.choices.compress_at or picture.choices.quality or picture.quality or DEFAULT_QUALITY
        return (picture.token, quality, settings.strength, settings.realism, settings.faithful)

    def _next(self) -> Task | None:
        current = self.current
        # A copy: threads ask as well, while the loop adds pictures.
        others = [picture for picture in list(self.pictures.values()) if picture is not current]
        for picture in ([current] if current else []) + others:
            if picture.token in self.stopped or not picture.is_known:
                continue
            if not self.is_done(picture):
                return Task(picture, self.key_of(picture), network_key(picture.choices, self.settings))
            # A measurement comes after the restoration of its picture, and before other pictures.
            asked = self.measurement
            if picture is current and asked and not asked.found and not asked.error:
                return Task(picture, asked.key, measures=True)
        return None

    async def _run(self) -> None:
        while (task := self._next()) is not None:
            self.task, can_retry = task, True
            self._note()
            try:
                async with self.place():
                    # While this visit waited, the visitor may have changed everything.
                    if (task := self._next()) is None:
                        break
                    self.task = task
                    outcome, error = await self.work(self, task, partial(self._report, task)), None
            except NotWantedError:
                continue
            except ValueError as caught:  # the file, or a format that cannot hold it: trying again does not help
                outcome, error, can_retry = None, self._words(task, caught), False
            except BusyError as caught:
                outcome, error = None, self._words(task, caught)
            except Exception as caught:
                if task.picture.token not in self.pictures:
                    continue  # its files were deleted
                outcome, error = None, self._words(task, caught)
            finally:
                self.task = None
            self._finish(task, outcome, error, can_retry)
        self._note()

    def _report(self, task: Task, share: float, words: str) -> None:
        # Called from threads; both attributes are read by views only.
        task.share, task.words = share, words
        if not self.is_wanted(task):
            raise NotWantedError

    def _words(self, task: Task, error: Exception) -> str:
        if is_out_of_memory(error):
            return f"{task.picture.name} needs more memory than this server has free."
        if isinstance(error, ValueError | BusyError):
            return sentence(task.picture, error)
        logger.error("a picture could not be restored", exc_info=error)
        return f"{task.picture.name}: {UNEXPECTED}"

    def _finish(self, task: Task, outcome: Any, error: str | None, can_retry: bool) -> None:
        picture = task.picture
        if picture.token not in self.pictures:
            discard(picture)  # writing may have put files back
        elif task.measures:
            if self.measurement is not None and self.measurement.key == task.key:
                self.measurement.found, self.measurement.error = outcome, error
        elif error is not None:
            picture.failure, picture.failed_key, picture.can_retry = error, task.key, can_retry
        elif isinstance(outcome, Result):
            self._drop_result(picture)
            picture.result, picture.result_key = outcome, task.key
            picture.failure = picture.failed_key = None
            self._forget_zip()
            self._keep_few_outputs(picture)
        self._note()

    def _keep_few_outputs(self, newest: Picture) -> None:
        """Delete what the network gave for pictures that were not looked at lately: it takes 12 bytes per pixel."""
        kept = [picture for picture in self.pictures.values() if picture.network_key is not None]
        others = [picture for picture in kept if picture is not newest and picture is not self.current]
        for picture in others[: max(0, len(kept) - MAX_OUTPUTS)]:
            picture.network_key = None
            (picture.folder / OUTPUT).unlink(missing_ok=True)

    def _drop_result(self, picture: Picture) -> None:
        if picture.result is not None:
            # The browser may still be loading this one; the one before it is not in sight any more.
            if picture.former is not None:
                forget(picture.former)
            picture.former = picture.result.path.parent
        picture.result = picture.result_key = None

    def _forget_zip(self) -> None:
        if self.zipped is not None:
            forget(self.zipped.parent)
        self.zipped = None

    def _forget_measurement(self) -> None:
        if self.measurement is not None and self.measurement.folder is not None:
            forget(self.measurement.folder)
        self.measurement = None
