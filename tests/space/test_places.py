"""One visitor holds one place, and everybody gets a turn."""

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from places import BusyError, Places, visitor_of
from processor import Relay
from tests.space.conftest import run_async


def _order(places: Places, requests: list[str]) -> list[str]:
    """The order in which requests that arrive together are served."""
    served: list[str] = []

    async def ask(visitor: str) -> None:
        async with places.take(visitor):
            served.append(visitor)
            await asyncio.sleep(0.001)

    async def run() -> None:
        await asyncio.gather(*(ask(visitor) for visitor in requests))

    run_async(run())
    assert places.is_idle
    return served


def test_nobody_waits_behind_the_queue_of_another() -> None:
    order = _order(Places(1, 9, 99), ["greedy"] * 6 + ["anna", "ben"])
    assert order.index("anna") <= 2
    assert order.index("ben") <= 3
    assert order.count("greedy") == 6


def test_one_visitor_holds_one_place() -> None:
    places, at_once, most = Places(3, 9, 99), 0, 0

    async def ask() -> None:
        nonlocal at_once, most
        async with places.take("greedy"):
            at_once += 1
            most = max(most, at_once)
            await asyncio.sleep(0.001)
            at_once -= 1

    async def run() -> None:
        await asyncio.gather(*(ask() for _ in range(5)))

    run_async(run())
    assert most == 1


def test_more_than_a_few_are_refused_in_a_sentence() -> None:
    async def run(places: Places, visitors: list[str]) -> list[Any]:
        async def ask(visitor: str) -> None:
            async with places.take(visitor):
                await asyncio.sleep(0.001)

        return await asyncio.gather(*(ask(visitor) for visitor in visitors), return_exceptions=True)

    refused = [answer for answer in run_async(run(Places(1, 2, 99), ["greedy"] * 5)) if answer is not None]
    assert len(refused) == 2
    assert all(isinstance(answer, BusyError) and "of your pictures are waiting" in str(answer) for answer in refused)
    refused = [answer for answer in run_async(run(Places(1, 9, 3), list("abcdef"))) if answer is not None]
    assert len(refused) == 2
    assert all("Too many visitors" in str(answer) for answer in refused)


@pytest.mark.parametrize("victim", [0, 1, 2])
def test_who_leaves_the_queue_blocks_nobody(victim: int) -> None:
    places, served = Places(1, 9, 99), []

    async def ask(name: str) -> None:
        async with places.take(name):
            await asyncio.sleep(0.01)
            served.append(name)

    async def run() -> None:
        tasks = [asyncio.create_task(ask(name)) for name in "abc"]
        await asyncio.sleep(0.001)
        tasks[victim].cancel()
        await asyncio.wait(tasks, timeout=2)

    run_async(run())
    assert len(served) == 2
    assert places.is_idle


@pytest.mark.parametrize(("patience", "order"), [(60.0, ["large", "small", "new", "large"]), (0.0, ["large", "small"])])
def test_the_processor_goes_to_who_used_it_least_and_nobody_waits_for_long(patience: float, order: list[str]) -> None:
    relay, log = Relay(patience), []

    def work(name: str, steps: int) -> None:
        with relay.held() as pass_on:
            for _ in range(steps):
                log.append(name)
                time.sleep(0.02)
                pass_on()

    def start(name: str, steps: int) -> threading.Thread:
        thread = threading.Thread(target=work, args=(name, steps))
        thread.start()
        time.sleep(0.005)
        return thread

    threads = [start("large", 4), start("small", 1), start("new", 1)]
    for thread in threads:
        thread.join(5)
    assert log[: len(order)] == order
    assert sorted(log) == ["large"] * 4 + ["new", "small"]
    assert not relay._is_held
    assert not relay._waiting


def test_who_leaves_at_the_moment_of_the_turn_gives_it_back() -> None:
    async def run() -> None:
        places = Places(1, 9, 99)
        async with places.take("a"):
            waiting = asyncio.create_task(places.take("b").__aenter__())
            await asyncio.sleep(0)
        # The turn is b's now, but b has not run since.
        assert not places.is_idle
        waiting.cancel()
        await asyncio.wait([waiting])
        assert places.is_idle

    run_async(run())


def _request(host: str, forwarded: str | None = None, session: str = "s1") -> Any:
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    return SimpleNamespace(client=SimpleNamespace(host=host), headers=headers, session_hash=session)


@pytest.mark.parametrize(
    ("host", "forwarded", "visitor"),
    [
        ("84.1.2.3", None, "84.1.2.3"),
        ("84.1.2.3", "9.9.9.9", "84.1.2.3"),  # what a visitor claims does not count
        ("10.0.3.4", "84.1.2.3", "84.1.2.3"),
        ("10.0.3.4", "9.9.9.9, 84.1.2.3", "84.1.2.3"),
        ("10.0.3.4", "9.9.9.9, 84.1.2.3, 10.0.0.1", "84.1.2.3"),
        ("10.0.3.4", "nonsense", "10.0.3.4"),
        ("192.168.1.7", None, "192.168.1.7"),
        ("127.0.0.1", None, "visit s1"),
        ("2a02:908:1:2:3:4:5:6", None, "2a02:908:1:2::/64"),
        ("127.0.0.1", "84.1.2.3", "84.1.2.3"),
    ],
)
def test_a_visitor_is_an_address_or_else_a_visit(host: str, forwarded: str | None, visitor: str) -> None:
    assert visitor_of(_request(host, forwarded)) == visitor
