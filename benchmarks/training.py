"""Time of a training step with live data and with batches held in memory: `python benchmarks/training.py DATA`.

Both kinds of step alternate in one run, with the paper's network, discriminator and batch (64 crops of 64x64). Their
ratio is the cost of streaming, decoding, cropping and degrading. DATA is a folder of pictures or parquet files.
"""

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch.utils.flop_counter import FlopCounterMode
from tqdm.auto import tqdm

from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.trainer import ArganTrainer


def _trainer(data: Path, output_dir: str, options: argparse.Namespace) -> ArganTrainer:
    parquet = sorted(str(path) for path in data.glob("*.parquet"))
    return ArganTrainer(
        ArganTrainingArguments(
            dataset_name="parquet" if parquet else str(data),
            data_files=parquet or None,
            output_dir=output_dir,
            mixed_precision=options.mixed_precision,
            torch_compile=options.torch_compile,
            reservoir_mib=options.reservoir_mib,
            logging_steps=10**9,
        )
    )


def main() -> None:
    """Print milliseconds per step and crops per second of both kinds, their ratio, and the arithmetic rate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DATA")
    parser.add_argument("--steps", type=int, default=40, help="steps of each kind")
    parser.add_argument("--mixed_precision", default="bf16")
    parser.add_argument("--torch_compile", action="store_true")
    parser.add_argument("--reservoir_mib", type=int, default=256)
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        trainer = _trainer(options.data, folder, options)
        device = trainer.accelerator.device
        held = [trainer.draw_batch() for _ in range(4)]
        step = 0

        def take(live: bool) -> float:
            nonlocal step
            start = time.perf_counter()
            batch = trainer.draw_batch() if live else held[step % len(held)]
            batch.restored = None
            losses = trainer.update([batch], step)
            trainer.averaged.update(trainer.accelerator.unwrap_model(trainer.update.generator))
            losses["g"].item()
            step += 1
            return time.perf_counter() - start

        with FlopCounterMode(display=False) as counter:
            take(live=False)
        for _ in range(3):
            take(live=True)
        times: dict[bool, list[float]] = {True: [], False: []}
        for index in tqdm(range(2 * options.steps), unit="step"):
            live = index % 2 == 0
            times[live].append(take(live))
        trainer.canvases.stream.close()
    live, memory = (sum(times[kind]) / options.steps for kind in (True, False))
    size = trainer.args.train_batch_size
    print(f"{device.type}, torch {torch.__version__}, {torch.get_num_threads()} CPU threads, {options.mixed_precision}")
    print(f"live stream      {live * 1e3:8.1f} ms per step, {size / live:8.0f} crops/s")
    print(f"crops in memory  {memory * 1e3:8.1f} ms per step, {size / memory:8.0f} crops/s")
    print(f"ratio            {live / memory:8.3f}")
    print(f"arithmetic       {counter.get_total_flops() / memory / 1e12:8.3f} TFLOP/s")
    print(f"the paper's 1.5 million steps would take {1.5e6 * live / 86400:.1f} days")


if __name__ == "__main__":
    main()
