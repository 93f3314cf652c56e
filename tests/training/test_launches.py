"""What a step asks of the host: few operations to start, and no number to wait for."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from torch.utils._python_dispatch import TorchDispatchMode

import train
from argan_hf.training.trainer import ArganTrainer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# Operations after which the host knows a number of the device, or a shape depends on one.
WAITING = {"_local_scalar_dense", "nonzero", "masked_select", "unique_dim", "_unique2", "equal", "is_nonzero"}


class Operations(TorchDispatchMode):
    """Counts operations by their name, views excepted."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not function.is_view and function.namespace == "aten":
            self.seen[function.overloadpacket.__name__] += 1
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    ("recipe", "most"), [("argan-jpeg-color", 1300), ("argan-jpeg-luma", 550), ("argan-jpeg-color-realism", 1550)]
)
def test_a_step_starts_few_operations_and_waits_for_none(recipe: str, most: int, tmp_path: Path) -> None:
    flags = {
        "dataset_name": "generated",
        "slot_size": 320,
        "reservoir_mib": 2,
        "crop_size": 64,
        "train_batch_size": 2,
        "validation_pictures": 0,
        "mixed_precision": "no",
        "output_dir": tmp_path,
    }
    path = ROOT / "recipes" / f"{recipe}.yaml"
    arguments = [f"--{name}={value}" for name, value in flags.items()]
    trainer = ArganTrainer(train.parse([f"--recipe={path}", "--picture_scales", "1.0", *arguments]))
    # The dearest kind of step.
    last = trainer.args.max_train_steps - 1

    def step() -> None:
        trainer.update([trainer.draw_batch()], last)
        trainer.averaged.update(trainer.accelerator.unwrap_model(trainer.update.generator))
        trainer.progress.advance()

    for _ in range(2):
        step()
    with Operations() as operations:
        step()
    trainer.close()
    assert not WAITING & operations.seen.keys(), operations.seen
    assert 100 < operations.seen.total() < most
