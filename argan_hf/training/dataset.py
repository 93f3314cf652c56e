"""From a data set to pictures: streamed as undecoded bytes, decoded, cut to size; some are held out for validation."""

import io
import logging
import random
import threading
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets import Image as ImageFeature
from datasets import IterableDataset, load_dataset
from PIL import Image
from torch import Tensor

from ..containers.opening import check_depth
from ..graphics import put_caption
from ..jpeg.file import image_to_tensor
from .generated_pictures import GENERATED, generated_stream

logger = logging.getLogger(__name__)

# One record in this many is held out for validation. A checksum of its bytes decides, so that the choice does not
# depend on order or sharding.
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
        dataset_name: a Hub id; a local folder of pictures, parquet or webdataset files; a loader of `datasets`
            ("parquet", "imagefolder", "webdataset") together with `data_files`; or "generated" for pictures drawn by a
            program, see [`generated_stream`].
        config_name: configuration of a Hub data set.
        split: which split.
        data_files: paths or patterns, where only some files are meant.
        image_column: the column that holds the pictures.

    Returns:
        Records `{image_column: {"bytes", "path"}}`.

    Raises:
        ValueError: if the data set cannot be found or has no such column of pictures.
    """
    if dataset_name == GENERATED and (config_name or data_files):
        raise ValueError(f"data set {GENERATED!r} draws its pictures and takes no files; ./{GENERATED} means a folder")
    try:
        if dataset_name == GENERATED:
            stream = generated_stream()
        else:
            stream = load_dataset(dataset_name, config_name, split=split, data_files=data_files, streaming=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ValueError(f"data set {dataset_name!r} cannot be streamed: {error}") from error
    features = stream.features or stream._resolve_features().features or {}
    if image_column not in features:
        raise ValueError(f"{dataset_name!r} has no column {image_column!r}; it has {sorted(features)}")
    return stream.select_columns([image_column]).cast_column(image_column, ImageFeature(decode=False))


@dataclass
class Pictures:
    """The pictures of one record.

    Attributes:
        held_out: whether the record belongs to validation.
        windows: RGB, uint8 (3, H, W); none if the record does not decode or is too small.
    """

    held_out: bool
    windows: list[Tensor] = field(default_factory=list)


class PictureDecoder:
    """Decodes a record into pictures; can be called from several threads.

    A picture larger than a slot of the reservoir is cut into windows of about equal size that fit. A record that does
    not decode is logged, counted and skipped.

    Args:
        image_column: the column of the records.
        slot_size: the longest side of a window, in pixels.
        min_size: the shortest; smaller windows are dropped.
        caption_share: share of the windows over which text is drawn, the same ones in every pass.
        scales: factors up to 1; every picture is shrunk by each of them (bicubic, with an anti-aliasing filter). Shrunk
            pictures are sharper and nearly free of the artifacts and coarse chroma of their own JPEG files.

    Attributes:
        skipped: number of records that did not decode.
    """

    def __init__(
        self,
        image_column: str,
        slot_size: int,
        min_size: int,
        scales: Sequence[float] = (1.0,),
        *,
        caption_share: float = 0.0,
    ) -> None:
        self.image_column = image_column
        self.slot_size = slot_size
        self.min_size = min_size
        self.scales = scales
        self.caption_share = caption_share
        self.skipped = 0
        self._lock = threading.Lock()

    def __call__(self, record: dict[str, Any]) -> Pictures:
        """Decode a record of [`load_stream`]."""
        cell = record[self.image_column]
        data = b""
        try:
            data = cell["bytes"] or Path(cell["path"]).read_bytes()
            with Image.open(io.BytesIO(data)) as image:
                check_depth(image)
                rgb = image.convert("RGB")
        except (OSError, ValueError, SyntaxError, TypeError, Image.DecompressionBombError) as error:
            with self._lock:
                self.skipped += 1
            logger.warning("skipped a record that does not decode (%s): %s", (cell or {}).get("path"), error)
            return Pictures(held_out=False)
        windows = [window for scale in self.scales for window in self._windows(_shrink(rgb, scale))]
        windows = [window for window in windows if min(window.shape[1:]) >= self.min_size]
        return Pictures(is_held_out(data), self._with_captions(windows, random.Random(zlib.crc32(data))))

    def _with_captions(self, windows: list[Tensor], draws: random.Random) -> list[Tensor]:
        shown = []
        for window in windows:
            if draws.random() < self.caption_share:
                picture = Image.fromarray(window.permute(1, 2, 0).numpy())
                put_caption(draws, picture)
                window = image_to_tensor(picture)
            shown.append(window)
        return shown

    def _windows(self, rgb: Image.Image) -> Iterator[Tensor]:
        pixels = image_to_tensor(rgb)
        for rows in pixels.chunk(-(-pixels.shape[1] // self.slot_size), dim=1):
            yield from rows.chunk(-(-pixels.shape[2] // self.slot_size), dim=2)


def _shrink(rgb: Image.Image, scale: float) -> Image.Image:
    if scale == 1:
        return rgb
    width, height = (max(1, round(side * scale)) for side in rgb.size)
    return rgb.resize((width, height), Image.Resampling.BICUBIC)


def is_held_out(data: bytes) -> bool:
    """Whether a record belongs to validation, by a checksum of its bytes."""
    return zlib.crc32(data) % _HOLD_OUT_STRIDE == 0


def held_out_pictures(stream: IterableDataset, decoder: PictureDecoder, count: int) -> list[Tensor]:
    """The first held-out pictures of a stream, RGB, uint8 (3, H, W); at most `count`, one window of each."""
    pictures: list[Tensor] = []
    for record in stream if count else ():
        data = (record[decoder.image_column] or {}).get("bytes")
        # A record without bytes names a file, which the decoder opens and checks.
        if data is None or is_held_out(data):
            found = decoder(record)
            pictures += found.windows[:1] if found.held_out else []
        if len(pictures) >= count:
            break
    return pictures
