"""Who may work when: one visitor holds one place at a time, and everybody gets a turn.

Gradio's own queue serves requests in the order of their arrival, so that one visitor with many requests keeps all
others waiting.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network

import gradio as gr


class BusyError(RuntimeError):
    """Too many requests are waiting; the message says whose."""


class Places:
    """A number of places for work, given to waiting visitors in turn.

    Use it from one event loop.

    Args:
        count: how many visitors work at the same time.
        waiting_per_visitor: how many requests of one visitor may wait.
        waiting_in_all: how many requests may wait in all.
    """

    def __init__(self, count: int, waiting_per_visitor: int, waiting_in_all: int) -> None:
        self.count = count
        self.waiting_per_visitor = waiting_per_visitor
        self.waiting_in_all = waiting_in_all
        self._holding: set[str] = set()
        # In the order of service: who was served goes to the end.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nobody works or waits."""
        return not self._holding and not self._waiting

    @asynccontextmanager
    async def take(self, visitor: str) -> AsyncIterator[None]:
        """Wait for a place and hold it.

        Args:
            visitor: who asks, see [`visitor_of`].

        Raises:
            BusyError: if too many requests are waiting.
        """
        if len(self._waiting.get(visitor, ())) >= self.waiting_per_visitor:
            raise BusyError(
                f"{self.waiting_per_visitor} of your pictures are waiting already; try again when they are done."
            )
        if sum(map(len, self._waiting.values())) >= self.waiting_in_all:
            raise BusyError("Too many visitors are waiting here just now; try again in a minute.")
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(visitor, deque()).append(turn)
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(visitor)
            else:
                self._withdraw(visitor, turn)
            raise
        try:
            yield
        finally:
            self._leave(visitor)

    def _serve(self) -> None:
        while len(self._holding) < self.count:
            visitor = next((name for name in self._waiting if name not in self._holding), None)
            if visitor is None:
                return
            turns = self._waiting.pop(visitor)
            turn = turns.popleft()
            if turns:
                self._waiting[visitor] = turns
            self._holding.add(visitor)
            turn.set_result(None)

    def _leave(self, visitor: str) -> None:
        self._holding.discard(visitor)
        self._serve()

    def _withdraw(self, visitor: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(visitor, deque())
        if turn in turns:
            turns.remove(turn)
        if not turns:
            self._waiting.pop(visitor, None)


def visitor_of(request: gr.Request) -> str:
    """A name for whoever sent a request: the address on the internet, or, where none is known, the visit.

    Behind a proxy, as on Spaces, all requests come from its private address. The proxy appends the visitor's address to
    the header `X-Forwarded-For`. What stands before it is what the visitor claims, so the last public address counts.
    """
    client = getattr(request.client, "host", None) or ""
    forwarded = [part.strip() for part in (request.headers.get("x-forwarded-for") or "").split(",")]
    public = [host for host in (client, *reversed(forwarded)) if _is_public(host)]
    if public:
        # A household has 2**64 addresses of IPv6.
        return str(ip_network(f"{public[0]}/64", strict=False)) if ":" in public[0] else public[0]
    is_own_machine = client in ("", "localhost", "::1", "testclient") or client.startswith("127.")
    return f"visit {request.session_hash}" if is_own_machine else client


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return False
