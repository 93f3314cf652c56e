"""How fast a recipe trains on this machine, and what limits it.

    python benchmarks/training.py --batches 9 18 -- --recipe recipes/argan-jpeg-color.yaml --dataset_name DATA

For every size of the batch, eager and compiled: steps and megapixels per second of the loop with its live stream, and
what each part of a step takes: data (cropping and degrading), forward with losses, backward, optimizers,
moving average. The parts are timed one by one, so on a GPU their sum exceeds the step of the loop, which overlaps them.

"Floor" is the time that a step cannot fall below here: the larger of its operations over the rate of a large bfloat16
matrix product, and of the bytes that its convolutions and matrix products read and write over the rate of a large copy;
both rates are measured first. "Launches" counts the operations that a step starts one by one, on the host (views are
not counted). Everything else that is fused or overlapped away does not lower the floor.
"""

import argparse
import gc
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1]))

import train
from argan_hf.training.trainer import ArganTrainer

PARTS = ("data", "forward", "backward", "optimizers", "average")
_PRODUCTS = ("convolution", "convolution_backward", "mm", "addmm", "bmm", "baddbmm")


class LaunchCounter(TorchDispatchMode):
    """Counts operations that are no views, and the bytes that convolutions and matrix products read and write."""

    def __init__(self) -> None:
        super().__init__()
        self.launches = 0
        self.bytes = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = function(*args, **(kwargs or {}))
        if not function.is_view and function.namespace == "aten":
            self.launches += 1
            if function.overloadpacket.__name__ in _PRODUCTS:
                tensors = (leaf for leaf in tree_leaves((args, result)) if isinstance(leaf, Tensor))
                self.bytes += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        return result


def _seconds(function: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Mean time of a call, from as many as fit into some seconds."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    function()
    wait()
    start, calls = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        function()
        wait()
        calls += 1
    return (time.perf_counter() - start) / calls


def _rates(device: torch.device) -> tuple[float, float]:
    """Operations and bytes per second of a large matrix product in bfloat16 and of a large copy."""
    size = 8192 if device.type == "cuda" else 2048
    one = torch.randn(size, size, device=device).to(torch.bfloat16)
    source = torch.zeros(2**28, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    product = min(_seconds(lambda: one @ one, device, 0.5) for _ in range(3))
    copy = min(_seconds(lambda: target.copy_(source), device, 0.5) for _ in range(3))
    return 2 * size**3 / product, 2 * source.numel() / copy


class Loop:
    """The steps of a run, without logging, validation and training checkpoints."""

    def __init__(self, trainer: ArganTrainer) -> None:
        args = trainer.args
        self.trainer = trainer
        self.device = trainer.accelerator.device
        # The dearest kind of step.
        self.position = args.max_train_steps - 1 if args.adversarial_start_step < args.max_train_steps else 0
        if not self.position:
            self.position = min(args.l2_start_step, args.max_train_steps - 1)
        self.spent = dict.fromkeys(PARTS, 0.0)

    def step(self) -> None:
        """Take one."""
        self.trainer.update([self.trainer.draw_batch()], self.position)
        self.trainer.averaged.update(self.trainer.accelerator.unwrap_model(self.trainer.update.generator))

    def parts(self, seconds: float) -> dict[str, float]:
        """Mean seconds of every part of a step, timed one by one."""
        trainer = self.trainer
        trainer.accelerator.backward = self._timed("backward", trainer.accelerator.backward)
        for network in trainer.update.networks:
            for optimizer in network.optimizers:
                optimizer.step = self._timed("optimizers", optimizer.step)
        draw = self._timed("data", trainer.draw_batch)
        update = self._timed("forward", trainer.update)
        average = self._timed("average", trainer.averaged.update)
        steps, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            update([draw()], self.position)
            average(trainer.accelerator.unwrap_model(trainer.update.generator))
            steps += 1
        self.spent["forward"] -= self.spent["backward"] + self.spent["optimizers"]
        return {name: spent / steps for name, spent in self.spent.items()}

    def _timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            start = time.perf_counter()
            result = function(*args, **kwargs)
            if self.device.type == "cuda":
                torch.cuda.synchronize()
            self.spent[part] += time.perf_counter() - start
            return result

        return call


def _measure(flags: list[str], rates: tuple[float, float], seconds: float) -> dict[str, Any]:
    torch._dynamo.reset()
    with TemporaryDirectory() as folder:
        trainer = ArganTrainer(train.parse([*flags, f"--output_dir={folder}", "--validation_pictures=1"]))
        loop = Loop(trainer)
        args, device = trainer.args, loop.device
        start = time.perf_counter()
        for _ in range(3):
            loop.step()
        first = time.perf_counter() - start
        found: dict[str, Any] = {"compiled": args.torch_compile, "batch": args.train_batch_size, "first": first}
        if not args.torch_compile:
            with LaunchCounter() as counter, FlopCounterMode(display=False) as flops:
                loop.step()
            floors = {"operations": flops.get_total_flops() / rates[0], "bytes": counter.bytes / rates[1]}
            found |= {"launches": counter.launches, "floors": floors}
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        step = _seconds(loop.step, device, seconds)
        if device.type == "cuda":
            found["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30
        found["steps_per_second"] = 1 / step
        found["megapixels_per_second"] = args.train_batch_size * args.crop_size**2 / 1e6 / step
        found["parts"] = loop.parts(seconds / 2)
        trainer.close()
    return found


def _row(found: dict[str, Any], floors: dict[str, float]) -> str:
    parts = found["parts"]
    total, step, floor = sum(parts.values()), 1 / found["steps_per_second"], max(floors.values())
    cells = [
        "compiled" if found["compiled"] else "eager",
        str(found["batch"]),
        f"{found['steps_per_second']:.2f}",
        f"{found['megapixels_per_second']:.3g}",
        *(f"{parts[name] / total:.1%}" for name in PARTS),
        f"{floor * 1e3:.1f} ms ({max(floors, key=lambda name: floors[name])})",
        f"{step / floor:.2f}",
        f"{found['launches']:,}" if "launches" in found else "",
        f"{found['peak_gib']:.1f}" if "peak_gib" in found else "",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure, print a Markdown table, and write the figures as JSON if asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--batches", type=int, nargs="+", help="sizes of the batch; default: that of the recipe")
    parser.add_argument("--seconds", type=float, default=10.0, help="time for the measurement of one row")
    parser.add_argument("--eager", action="store_true", help="do not compile")
    parser.add_argument("--json", type=Path, help="file for the figures; the fastest row is its top level")
    parser.add_argument("flags", nargs="+", metavar="-- FLAG …", help="flags of train.py")
    options = parser.parse_args()
    args = train.parse(options.flags)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} CPU threads"
    rates = _rates(device)
    print(f"{name}, torch {torch.__version__}, mixed_precision {args.mixed_precision}: ", end="")
    print(f"{rates[0] / 1e12:.2f} TFLOP/s in a matrix product, {rates[1] / 1e9:.1f} GB/s in a copy\n")
    print(f"| | batch | steps/s | MP/s | {' | '.join(PARTS)} | floor | step / floor | launches | GiB |")
    print("| --- |" + " ---: |" * 12)
    rows: list[dict[str, Any]] = []
    for batch in options.batches or [args.train_batch_size]:
        floors: dict[str, float] = {}
        for compiled in (False,) if options.eager else (False, True):
            flags = [*options.flags, f"--train_batch_size={batch}", f"--torch_compile={compiled}"]
            try:
                rows.append(_measure(flags, rates, options.seconds))
            except torch.OutOfMemoryError:
                print(f"| {'compiled' if compiled else 'eager'} | {batch} | out of memory |")
                continue
            finally:
                gc.collect()
            floors = rows[-1].get("floors", floors)
            print(_row(rows[-1], floors), flush=True)
    if options.json is not None and rows:
        best = max(rows, key=lambda row: row["megapixels_per_second"])
        options.json.write_text(json.dumps({**best, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
