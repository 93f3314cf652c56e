"""An endless, resumable stream of graphics, drawn ahead in a thread.

A graphic is determined by the seed of the run and its number alone, so nothing has to be read again to resume.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from PIL import Image
from torch import Tensor

from ..graphics import draw_any_graphic
from ..jpeg.file import image_to_tensor

_AHEAD = 4


class GraphicsStream:
    """An iterator over graphics, with the methods of a [`PictureStream`].

    Args:
        side: of the graphics, in pixels.
        seed: of the run.
        rank, world_size: number of this process and number of all; each draws its own share of the graphics.

    Attributes:
        count: graphics returned so far.
        epoch: 0; the stream never repeats.
    """

    epoch = 0

    def __init__(self, side: int, *, seed: int, rank: int = 0, world_size: int = 1) -> None:
        self._side = side
        # Seeds of evaluations are small numbers: what is trained on is never measured.
        self._first = ((seed + 1) << 32) + rank
        self._step = world_size
        self.count = 0
        self._pool: ThreadPoolExecutor | None = None
        self._drawn: deque[Future[Image.Image]] = deque()

    def __iter__(self) -> Iterator[Tensor]:
        return self

    def __next__(self) -> Tensor:
        """The next graphic, RGB, uint8 (3, side, side)."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "draw")
        while len(self._drawn) < _AHEAD:
            number = self._first + (self.count + len(self._drawn)) * self._step
            self._drawn.append(self._pool.submit(draw_any_graphic, number, self._side))
        picture = self._drawn.popleft().result()
        self.count += 1
        return image_to_tensor(picture)

    def position_before(self, count: int) -> dict[str, Any]:
        """The place of the graphic with number `count`."""
        return {"count": count}

    def seek(self, place: dict[str, Any]) -> None:
        """Continue from a place that [`position_before`] returned."""
        self.close()
        self.count = place["count"]

    def close(self) -> None:
        """Stop drawing ahead."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None
        self._drawn.clear()
