"""Who has the processor, among those who work at the same time: two networks at once only slow each other down."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


class Relay:
    """A lock for the processor. Whoever has used it least goes first, and nobody waits for long.

    Work on a large picture passes it on after every tile, so that small pictures do not wait for a large one.

    Args:
        patience: seconds of waiting after which a piece of work goes first, whatever it has used.
    """

    def __init__(self, patience: float = 5.0) -> None:
        self.patience = patience
        self._guard = threading.Lock()
        self._waiting: list[_Turn] = []
        self._is_held = False

    @contextmanager
    def held(self) -> Iterator[Callable[[], None]]:
        """Wait for the lock and hold it; gives a function that lets others go first, then goes on."""
        turn = _Turn()
        self._acquire(turn)

        def pass_on() -> None:
            self._release(turn)
            self._acquire(turn)

        try:
            yield pass_on
        finally:
            self._release(turn)

    def _acquire(self, turn: "_Turn") -> None:
        with self._guard:
            turn.since = time.monotonic()
            turn.is_mine.clear()
            if not self._is_held:
                self._is_held = True
            else:
                self._waiting.append(turn)
                turn.is_waiting = True
        if turn.is_waiting:
            turn.is_mine.wait()
            turn.is_waiting = False
        turn.since = time.monotonic()

    def _release(self, turn: "_Turn") -> None:
        with self._guard:
            now = time.monotonic()
            turn.used += now - turn.since
            if not self._waiting:
                self._is_held = False
                return
            # The lock stays held, by the next one.
            oldest = min(self._waiting, key=lambda other: other.since)
            least = min(self._waiting, key=lambda other: other.used)
            chosen = oldest if now - oldest.since > self.patience else least
            self._waiting.remove(chosen)
            chosen.is_mine.set()


@dataclass(eq=False)
class _Turn:
    """A piece of work: the seconds that it has used, and since when it waits or holds the lock."""

    used: float = 0.0
    since: float = 0.0
    is_waiting: bool = False
    is_mine: threading.Event = field(default_factory=threading.Event)
