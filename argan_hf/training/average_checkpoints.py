"""Averages the weights of several checkpoints and writes the mean as a checkpoint.

    python -m argan_hf.training.average_checkpoints runs/a runs/b runs/b-last --output_dir runs/mean

It is meant for checkpoints of which one was trained on from another, or that come from one run. Such weights usually
lie in the same basin of the loss, and their mean is often better than each of them ("model soups", Wortsman et al.,
2022). The default network is such a mean.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from ..loading import load_model
from ..memory import is_out_of_memory
from .export import save_restorer
from .output_folder import export_whole, prepare_folder
from .stopping import exit_code_of, fault_in, terminable

logger = logging.getLogger(__name__)


def average_checkpoints(names_or_paths: Sequence[str | Path], output_dir: str | Path, *, float16: bool = False) -> Path:
    """Write the mean of several checkpoints. It is computed in float64.

    Statistics of BatchNorm are averaged like weights; integer buffers are those of the first checkpoint.

    Args:
        names_or_paths: checkpoints of this package, folders, or Hub ids, all of the same architecture.
        output_dir: where the mean is written, with configuration and image processor.
        float16: store matrices in 16 bits, as `--export_float16` does.

    Returns:
        `output_dir`.

    Raises:
        ValueError: if fewer than two checkpoints are given, one is none, their networks differ, or `output_dir` is not
            empty.
        OSError: if there is no such checkpoint, or the folder cannot be written. What safetensors raises instead is
            raised as it is. Nothing incomplete is left.
        DamagedCheckpointError: if a checkpoint does not hold a whole network; it is a ValueError, too.
    """
    if len(names_or_paths) < 2:
        raise ValueError(f"a mean needs at least two checkpoints, found {len(names_or_paths)}")
    folder = Path(output_dir)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, expected a folder for the mean")
    if folder.is_dir() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty: results and weights of another checkpoint would stay in it")
    for name in names_or_paths:
        if Path(name).is_dir() and not (Path(name) / "config.json").is_file():
            raise ValueError(f"{name} has no config.json: give the folder of a run, not one of its checkpoint-STEP")
    model = load_model(names_or_paths[0])
    weights = model.state_dict()
    total = {name: tensor.double() for name, tensor in weights.items() if tensor.is_floating_point()}
    for other in names_or_paths[1:]:
        more = load_model(other).state_dict()
        if {n: w.shape for n, w in more.items()} != {n: w.shape for n, w in weights.items()}:
            raise ValueError(f"{other} holds another network than {names_or_paths[0]}: they cannot be averaged")
        for name in total:
            total[name] += more[name].double()
    with torch.no_grad():
        for name, tensor in total.items():
            weights[name].copy_(tensor / len(names_or_paths))
    if getattr(model.config, "tile_margin", None) is not None:
        model.config.tile_margin = None  # It was measured with other weights.
    prepare_folder(folder)
    export_whole(folder, lambda partial: save_restorer(partial, model, float16=float16))
    logger.info("wrote the mean of %d checkpoints to %s", len(names_or_paths), folder)
    return folder


def main(argv: list[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: arguments without the program's name; default: those of the process.

    Returns:
        0, the exit code. Checkpoints that cannot be averaged and a mean that cannot be written end the process with
        code 2, Ctrl-C and SIGTERM with 130 and 143.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(prog="average_checkpoints", description=__doc__.split("\n")[0])
    parser.add_argument("checkpoints", nargs="+", help="folders, names of checkpoints of this package, or Hub ids")
    parser.add_argument("--output_dir", required=True, help="folder for the mean")
    parser.add_argument("--export_float16", action="store_true", help="store matrices in 16 bits: half the size")
    args = parser.parse_args(argv)
    try:
        with terminable():
            average_checkpoints(args.checkpoints, args.output_dir, float16=args.export_float16)
    except KeyboardInterrupt as error:
        parser.exit(exit_code_of(error), "average_checkpoints: interrupted; nothing was written\n")
    except Exception as error:
        fault = error if isinstance(error, ValueError) else fault_in(error)
        if is_out_of_memory(error):  # The flags of a run that need less do not exist here.
            fault = "there is too little memory for these networks"
        if fault is None:
            raise
        parser.exit(2, f"average_checkpoints: {' '.join(str(fault).split())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
