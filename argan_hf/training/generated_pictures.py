"""Pictures drawn by a program, to try a training run without a data set.

They are no replacement for photographs: a network trained on them is of no use.
"""

import io
from collections.abc import Iterator

from datasets import Features, IterableDataset
from datasets import Image as ImageFeature

from ..drawn_picture import draw_picture

GENERATED = "generated"
"""The name under which `--dataset_name` finds these pictures."""

# One picture in 32 is held out, by a checksum that depends on the version of the PNG encoder. 256 are enough to have
# some with any version.
_COUNT = 256


def generated_stream(count: int = _COUNT) -> IterableDataset:
    """A streamed data set of generated pictures; every call gives the same ones.

    Args:
        count: number of pictures; each is its own shard, so that several processes can divide them.

    Returns:
        Records `{"image": {"bytes", "path"}}`, PNG files of 320x240 pixels.
    """
    features = Features({"image": ImageFeature(decode=False)})
    return IterableDataset.from_generator(_records, features=features, gen_kwargs={"seeds": list(range(count))})


def _records(seeds: list[int]) -> Iterator[dict[str, dict[str, bytes | str]]]:
    for seed in seeds:
        buffer = io.BytesIO()
        draw_picture(seed).save(buffer, "PNG")
        yield {"image": {"bytes": buffer.getvalue(), "path": f"generated-{seed}.png"}}
