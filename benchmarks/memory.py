"""How large a batch fits into the memory of a GPU, computed on any machine.

    python benchmarks/memory.py recipes/argan-jpeg-color-wide.yaml recipes/argan-jpeg-color-large.yaml

Two steps of a recipe are taken on the CPU, with two small batches in turn, and the memory of every tensor is followed.
What both have in common is fixed (weights, their average, gradients, states of the optimizers), the rest grows with the
batch. From the memory of a GPU the reservoir of the recipe is taken away, 1 GiB for CUDA itself, and 10 % that the
allocator loses. A compiled step needs less: it keeps fewer intermediate results.
"""

import argparse
import sys
import weakref
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from accelerate.state import AcceleratorState
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

sys.path.insert(0, str(Path(__file__).parents[1]))

import train
from argan_hf.training.trainer import ArganTrainer

GPUS_GIB = (8, 24, 80)
# Large enough that activations, not the optimizers, decide the peak.
_BATCHES = (16, 48)
_CUDA_MIB = 1024
_USABLE = 0.9
# So that no picture of a data set is needed: memory does not depend on what they show.
_DATA = ["--dataset_name=generated", "--slot_size=320", "--reservoir_mib=8", "--picture_scales", "1.0"]


class PeakMemory(TorchDispatchMode):
    """Follows the memory of all tensors that are made while it is active.

    (`torch.distributed._tools.MemTracker` does so, too, but not where a network runs twice in a step, as D does.)

    Attributes:
        peak: the most bytes that were held at once.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = 0
        self._held: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                storage = tensor.untyped_storage()
                if (key := storage._cdata) not in self._held:
                    reference = weakref.ref(storage, lambda _, key=key: self._release(key))
                    self._held[key] = (reference, storage.nbytes())
                    self._total += storage.nbytes()
                    self.peak = max(self.peak, self._total)
        return result

    def _release(self, key: int) -> None:
        self._total -= self._held.pop(key)[1]


def _peak_mib(recipe: Path, batch_size: int) -> float:
    """Peak of a run of two steps, and of a batch that is made beside them, in MiB, without the reservoir."""
    with TemporaryDirectory() as folder:
        flags = [f"--recipe={recipe}", f"--output_dir={folder}", f"--train_batch_size={batch_size}"]
        args = train.parse([*flags, "--validation_pictures=0", *_DATA])
        with PeakMemory() as step:
            trainer = ArganTrainer(args)
            for _ in range(2):
                trainer.update([trainer.draw_batch()], args.max_train_steps - 1)
                trainer.averaged.update(trainer.accelerator.unwrap_model(trainer.update.generator))
        with PeakMemory() as ahead:
            trainer.draw_batch()
        trainer.close()
    AcceleratorState._reset_state()  # the next recipe may want another precision
    return (step.peak + ahead.peak) / 2**20 - args.reservoir_mib


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("recipes", type=Path, nargs="+", metavar="RECIPE")
    options = parser.parse_args()
    print(
        "| recipe | fixed, MiB | reservoir, MiB | MiB per crop | side of a crop | "
        + " | ".join(f"{g} GiB" for g in GPUS_GIB)
        + " |"
    )
    print("| --- |" + " ---: |" * (4 + len(GPUS_GIB)))
    for recipe in options.recipes:
        args = train.parse([f"--recipe={recipe}"])
        small, large = (_peak_mib(recipe, batch_size) for batch_size in _BATCHES)
        slope = (large - small) / (_BATCHES[1] - _BATCHES[0])
        fixed = small - _BATCHES[0] * slope
        cells = [recipe.stem, f"{fixed:.0f}", str(args.reservoir_mib), f"{slope:.1f}", f"{args.crop_size}"]
        for gib in GPUS_GIB:
            free = (gib * 1024 - _CUDA_MIB) * _USABLE - args.reservoir_mib - fixed
            count = int(free / slope)
            cells.append(f"{count:,} crops" if count > 0 else "none")
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
