"""From a stream of records to batches of crops.

Records arrive through `datasets` as undecoded bytes, are decoded in worker processes, and land in a reservoir of uint8
pictures on the training device. Crops are gathered from the reservoir there, so the stream sets what is seen and the
device alone sets the speed.
"""

import io
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from datasets import Image as ImageFeature
from datasets import IterableDataset, load_dataset
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader

from .jpeg.file import image_to_tensor

logger = logging.getLogger(__name__)

# One record in so many is held out for validation, chosen by its bytes: the choice survives any order and sharding.
_HOLD_OUT_STRIDE = 32


def load_stream(
    dataset_name: str,
    *,
    config_name: str | None = None,
    split: str = "train",
    data_files: list[str] | None = None,
    image_column: str = "image",
) -> IterableDataset:
    """Stream a data set of pictures without decoding them.

    Args:
        dataset_name: a Hub id, a local folder of pictures, parquet or webdataset files, or a loader of `datasets`
            ("parquet", "imagefolder", "webdataset") together with `data_files`.
        config_name: configuration of a Hub data set.
        split: which split.
        data_files: paths or patterns, where only some files are meant.
        image_column: the column that holds the pictures.

    Returns:
        Records `{image_column: {"bytes", "path"}}`.

    Raises:
        ValueError: if the data set cannot be found or has no such column of pictures.
    """
    try:
        stream = load_dataset(dataset_name, config_name, split=split, data_files=data_files, streaming=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"data set {dataset_name!r} cannot be streamed: {error}") from error
    features = stream.features or stream._resolve_features().features or {}
    if image_column not in features:
        raise ValueError(f"{dataset_name!r} has no column {image_column!r}; it has {sorted(features)}")
    return stream.select_columns([image_column]).cast_column(image_column, ImageFeature(decode=False))


class PictureDecoder:
    """Turns records into pictures; runs in the workers of a `DataLoader` as its `collate_fn`.

    A picture larger than a slot of the reservoir is cut into equal windows that fit. A record that does not decode is
    logged and skipped.
    """

    def __init__(self, image_column: str, slot_size: int, min_size: int) -> None:
        self.image_column = image_column
        self.slot_size = slot_size
        self.min_size = min_size

    def __call__(self, records: list[dict[str, Any]]) -> list[tuple[bool, Tensor]]:
        """Decode records to `(held_out, picture)`, pictures uint8 (3, H, W) with sides in `min_size..slot_size`."""
        return [window for record in records for window in self._decode(record[self.image_column])]

    def _decode(self, cell: dict[str, Any]) -> list[tuple[bool, Tensor]]:
        data = cell["bytes"] or Path(cell["path"]).read_bytes()
        try:
            with Image.open(io.BytesIO(data)) as image:
                pixels = image_to_tensor(image.convert("RGB"))
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            logger.warning("skipped a record that does not decode (%s): %s", cell["path"], error)
            return []
        held_out = zlib.crc32(data) % _HOLD_OUT_STRIDE == 0
        return [(held_out, window) for window in self._windows(pixels) if min(window.shape[1:]) >= self.min_size]

    def _windows(self, pixels: Tensor) -> Iterator[Tensor]:
        for rows in pixels.chunk(-(-pixels.shape[1] // self.slot_size), dim=1):
            yield from rows.chunk(-(-pixels.shape[2] // self.slot_size), dim=2)


class Reservoir:
    """A ring of uint8 pictures on the training device, from which batches of crops are gathered.

    Args:
        size_mib: memory for pictures, in MiB.
        slot_size: the longest side of a picture, in pixels; every slot takes `3 * slot_size ** 2` bytes.
        device: where pictures are kept and crops are made.
    """

    def __init__(self, size_mib: int, slot_size: int, device: torch.device) -> None:
        self.capacity = size_mib * 2**20 // (3 * slot_size**2)
        if self.capacity < 1:
            raise ValueError(f"a reservoir of {size_mib} MiB holds no picture of {slot_size}x{slot_size}")
        self.device = device
        self._pixels = torch.empty(self.capacity, 3, slot_size, slot_size, dtype=torch.uint8, device=device)
        self._sizes = torch.zeros(self.capacity, 2, dtype=torch.int64)
        self._inserted = 0

    def __len__(self) -> int:
        return min(self._inserted, self.capacity)

    @property
    def full(self) -> bool:
        return self._inserted >= self.capacity

    def insert(self, picture: Tensor) -> None:
        """Put a uint8 (3, H, W) picture in place of the oldest."""
        slot, (height, width) = self._inserted % self.capacity, picture.shape[1:]
        self._pixels[slot, :, :height, :width] = picture.to(self.device, non_blocking=True)
        self._sizes[slot] = torch.tensor((height, width))
        self._inserted += 1

    def sample(self, batch_size: int, crop_size: int, generator: torch.Generator) -> Tensor:
        """Gather random crops, randomly flipped and transposed; a picture is drawn in proportion to its area.

        Args:
            batch_size: number of crops.
            crop_size: their side in pixels, at most the shortest side of any picture held.
            generator: source of all randomness, on the CPU.

        Returns:
            uint8 (batch_size, 3, crop_size, crop_size), on the reservoir's device.

        Raises:
            RuntimeError: if the reservoir is empty.
        """
        if not len(self):
            raise RuntimeError("the reservoir is empty: no picture of the stream was large enough for a crop")
        sizes = self._sizes[: len(self)]
        slot = torch.multinomial(sizes.prod(dim=1).double(), batch_size, replacement=True, generator=generator)
        corner = (torch.rand(batch_size, 2, generator=generator) * (sizes[slot] - crop_size + 1)).long()
        flips = torch.rand(3, batch_size, 1, 1, generator=generator) < 0.5
        slot, corner, flips = (draw.to(self.device, non_blocking=True) for draw in (slot, corner, flips))
        flip_rows, flip_columns, transpose = flips
        steps = torch.arange(crop_size, device=self.device)
        rows, columns = steps[None, :, None], steps[None, None, :]
        rows, columns = torch.where(transpose, columns, rows), torch.where(transpose, rows, columns)
        rows = torch.where(flip_rows, crop_size - 1 - rows, rows) + corner[:, 0, None, None]
        columns = torch.where(flip_columns, crop_size - 1 - columns, columns) + corner[:, 1, None, None]
        return self._pixels[slot[:, None, None], :, rows, columns].permute(0, 3, 1, 2).contiguous()


def stream_pictures(
    stream: IterableDataset, decoder: PictureDecoder, *, num_workers: int = 1, batch_size: int = 4
) -> Iterator[tuple[bool, Tensor]]:
    """Decode one pass over a stream in worker processes; yields `(held_out, picture)`."""
    workers = min(num_workers, stream.num_shards)
    loader = DataLoader(stream, batch_size=batch_size, collate_fn=decoder, num_workers=workers)
    for pictures in loader:
        yield from pictures
