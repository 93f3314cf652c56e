"""Runs jobs in threads, side by side, and gives what became of them in their order.

A single picture keeps two processors busy while its network runs, and one of them while it is decoded, searched for
earlier saves, and compressed. Two pictures, each on its own processor, never wait for each other, and nothing is spent
on dividing a convolution. Decoders, the network and encoders all work without the interpreter lock.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from .jobs import Job
from .one_job import Outcome

if TYPE_CHECKING:
    from ..restoration import JpegRestorer

# Every one takes the memory of a tile of our networks.
_MOST_WORKERS = 4
# An accelerator computes, while another picture is decoded or encoded.
_WORKERS_BESIDE_AN_ACCELERATOR = 2
# Megapixels of pictures that are restored at a time. Those of more than half of it are restored alone.
_MOST_MEGAPIXELS = 48.0


class Stopped(BaseException):
    """Ends a job from within, because all are to end."""


def worker_count(restorer: "JpegRestorer | None", jobs: int) -> int:
    """How many jobs run side by side."""
    if restorer is None or jobs < 2 or not restorer.needs_little_memory:
        return 1
    import torch

    on_cpu = restorer.device.type == "cpu"
    return min(jobs, torch.get_num_threads() if on_cpu else _WORKERS_BESIDE_AN_ACCELERATOR, _MOST_WORKERS)


class SideBySide:
    """Jobs in threads.

    Args:
        work: does a job of a size in megapixels. It calls [`check`] now and then.
        workers: threads; with one, jobs run in the thread that asks for the outcomes.
    """

    def __init__(self, work: Callable[[Job, float], Outcome], workers: int) -> None:
        self._work = work
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, "picture")
        self._running: deque[tuple[Job, float, Future[Outcome]]] = deque()
        self._stopping = threading.Event()
        self._threads: int | None = None

    def outcomes(self, jobs: Iterable[Job], sizes: Iterable[float]) -> Iterator[Outcome]:
        """What became of the jobs, in their order.

        Args:
            jobs, sizes: of the pictures, in megapixels; they are taken as they are needed.
        """
        if self._workers == 1:
            yield from map(self._work, jobs, sizes)
            return
        import torch

        self._threads = threads = torch.get_num_threads()
        waiting = zip(jobs, sizes, strict=True)
        following = next(waiting, None)
        try:
            # Worker threads begin with the number that was set last.
            torch.set_num_threads(max(threads // self._workers, 1))
            while following or self._running:
                while following and self._has_room(following[1]):
                    self._running.append((*following, self._pool.submit(self._work, *following)))
                    following = next(waiting, None)
                if self._running:
                    yield self._oldest()
                    self._running.popleft()  # Not before: who is interrupted with it finds it again.
                elif following:  # A large picture, alone in this thread.
                    torch.set_num_threads(threads)
                    yield self._work(*following)
                    torch.set_num_threads(max(threads // self._workers, 1))
                    following = next(waiting, None)
        except BaseException:
            # Who interrupts may do so again: nothing is waited for here.
            self._stopping.set()
            raise
        self._end()

    def check(self) -> None:
        """Raise [`Stopped`] if the jobs are to end."""
        if self._stopping.is_set():
            raise Stopped

    def stop(self) -> list[Outcome]:
        """End all jobs; returns what became of those that were done and not given yet, and of the last one given."""
        self._stopping.set()
        self._end()
        futures = [future for _, _, future in self._running if not future.cancelled()]
        return [future.result() for future in futures if future.exception() is None]

    def _end(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        if self._threads is not None:
            import torch

            # Not while others compute: PyTorch makes a new pool of threads for it.
            torch.set_num_threads(self._threads)

    def _has_room(self, size: float) -> bool:
        others = [other for _, other, future in self._running if not future.done()]
        is_small = size <= _MOST_MEGAPIXELS / 2
        return is_small and len(self._running) < 2 * self._workers and sum(others) + size <= _MOST_MEGAPIXELS

    def _oldest(self) -> Outcome:
        job, _, future = self._running[0]
        outcome = future.result()
        if outcome.lacked_memory:
            # Alone, it may have enough.
            wait([running for _, _, running in self._running])
            outcome = self._work(job, 0.0)
        return outcome
