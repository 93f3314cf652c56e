"""An endless, resumable stream of decoded pictures.

Records are read in a fixed order. One thread reads ahead, others decode. Pictures are returned in the order of the
records, so that a position in the stream determines which pictures came before it.
"""

import queue
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from datasets import IterableDataset
from datasets.distributed import split_dataset_by_node
from torch import Tensor

from .dataset import PictureDecoder, Pictures
from .stopping import DataSetError

_READ_AHEAD = 32
_SNAPSHOT_INTERVAL = 16
# Records in a row without a usable picture after which the stream gives up: a crop size that no picture fits must not
# cost a pass over a large data set.
_PATIENCE = 512
# How long to wait for the reader to end, in seconds. Reading a record from a disk takes less; a connection to the Hub
# that hangs must not delay the end of a run.
_STOP_TIMEOUT = 10


@dataclass(frozen=True)
class _Record:
    """A record between reader and consumer.

    Attributes:
        epoch: the pass over the data set that it belongs to.
        place: where to resume from to read it again; `None` for most records.
        pictures: its pictures, once decoded.
    """

    epoch: int
    place: dict[str, Any] | None
    pictures: "Future[Pictures]"


class PictureStream:
    """An iterator over training pictures, epoch after epoch, which are decoded ahead in threads.

    Args:
        stream: from [`load_stream`].
        decoder: turns records into pictures.
        num_workers: threads that decode.
        rank, world_size: number of this process and number of all; each reads its own share of the records.

    Attributes:
        count: pictures returned so far, over all epochs.
        epoch: the pass over the data set that the last picture came from.
    """

    def __init__(
        self,
        stream: IterableDataset,
        decoder: PictureDecoder,
        *,
        num_workers: int = 1,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        self._stream = split_dataset_by_node(stream, rank, world_size) if world_size > 1 else stream
        self._decoder = decoder
        self._num_workers = num_workers
        self.count = 0
        self.epoch = 0
        self._snapshots: list[dict[str, Any]] = []
        self._start: dict[str, Any] = {"epoch": 0, "position": None, "count": 0}
        self._stop = threading.Event()
        self._reader: weakref.finalize[..., Any] | None = None
        self._windows = self._read()

    def __iter__(self) -> Iterator[Tensor]:
        return self

    def __next__(self) -> Tensor:
        """The next picture, RGB, uint8 (3, H, W).

        Raises:
            StopIteration: if a whole pass over the data set gave no picture.
            OSError: if a record cannot be read, for instance because the Hub cannot be reached.
            DataSetError: if there is no record for this process, or 512 records in a row give no picture.
        """
        return next(self._windows)

    def position_before(self, count: int) -> dict[str, Any]:
        """A place to resume from, at or before the picture with number `count`; earlier places are discarded."""
        reached = [snapshot for snapshot in self._snapshots if snapshot["count"] <= count]
        self._snapshots = self._snapshots[max(len(reached) - 1, 0) :]
        return self._snapshots[0] if self._snapshots else self._start

    def seek(self, place: dict[str, Any]) -> None:
        """Continue from a place that [`position_before`] returned; sets `count` and `epoch` to those of the place."""
        self.close()
        self._start, self._snapshots = place, []
        self.count, self.epoch = place["count"], place["epoch"]
        self._stop = threading.Event()
        self._windows = self._read()

    def close(self) -> None:
        """Stop reading ahead, and wait for the reader to end, at most ten seconds."""
        if self._reader is not None:
            self._reader()

    def _read(self) -> Iterator[Tensor]:
        # Bounded, so that the reader waits for training and does not fill the memory.
        records: queue.Queue[_Record | Exception] = queue.Queue(_READ_AHEAD)
        thread = threading.Thread(target=self._read_ahead, args=(records, self._stop), name="reader", daemon=True)
        # The finalizer also runs at exit: a thread inside Arrow would crash the process as the interpreter shuts down.
        self._reader = weakref.finalize(self, _stop_reader, thread, self._stop)
        thread.start()
        # Only a pass that is read from its beginning can be found to be empty.
        pass_began_at = None if self._start["position"] else self.count
        fruitless = 0
        while True:
            record = records.get()
            if isinstance(record, DataSetError):
                raise record
            if isinstance(record, Exception):
                reason = " ".join(str(record).split()) or type(record).__name__
                raise OSError(f"the data set cannot be read any further: {reason}") from record
            if record.epoch > self.epoch:
                if pass_began_at == self.count:
                    return
                self.epoch, pass_began_at = record.epoch, self.count
            if record.place is not None:
                self._snapshots.append({**record.place, "count": self.count})
            pictures = record.pictures.result()
            fruitless = 0 if pictures.windows else fruitless + 1
            if fruitless == _PATIENCE:
                raise DataSetError(
                    f"{fruitless} records in a row held no picture of at least {self._decoder.min_size} pixels on both "
                    "sides: choose a smaller crop_size or another data set"
                )
            for window in () if pictures.held_out else pictures.windows:
                self.count += 1
                yield window

    def _read_ahead(self, records: "queue.Queue[_Record | Exception]", stop: threading.Event) -> None:
        def put(item: _Record | Exception) -> None:
            done = False
            while not (done or stop.is_set()):
                with suppress(queue.Full):
                    records.put(item, timeout=0.2)
                    done = True

        epoch, position = self._start["epoch"], self._start["position"]
        with ThreadPoolExecutor(self._num_workers, "decode") as pool:
            try:
                while not stop.is_set():
                    self._stream.set_epoch(epoch)
                    if position is not None:
                        self._stream.load_state_dict(position)
                    place: dict[str, Any] | None = {"epoch": epoch, "position": position}
                    number = 0
                    for number, record in enumerate(self._stream, start=1):
                        put(_Record(epoch, place, pool.submit(self._decoder, record)))
                        place = None
                        if number % _SNAPSHOT_INTERVAL == 0:
                            place = {"epoch": epoch, "position": self._stream.state_dict()}
                        if stop.is_set():
                            return
                    if not number:
                        put(
                            DataSetError("the data set holds no record (or none for this process: use fewer processes)")
                        )
                        return
                    epoch, position = epoch + 1, None
            except Exception as error:
                put(error)


def _stop_reader(thread: threading.Thread, stop: threading.Event) -> None:
    stop.set()
    thread.join(_STOP_TIMEOUT)
