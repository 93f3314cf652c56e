"""The mean of several checkpoints' weights, as a checkpoint of its own.

    python -m argan_hf.training.average_checkpoints runs/a runs/b runs/b-last --output_dir runs/mean

Weights that grew out of each other (the ends of runs that went on from one another, the best and the last of a run) lie
in one valley of the loss, and their mean is often better than each. The default network is such a mean.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from ..image_processing_argan import ArganImageProcessor
from ..variants import load_model
from .export import store_as_float16

logger = logging.getLogger(__name__)


def average_checkpoints(names_or_paths: Sequence[str | Path], output_dir: str | Path, *, float16: bool = False) -> Path:
    """Write the mean of some checkpoints.

    Args:
        names_or_paths: checkpoints of this package, folders, or Hub ids; their networks must be the same.
        output_dir: where the mean is written, with configuration and image processor. It is computed in 64 bits;
            statistics of BatchNorm are averaged like weights, counters are those of the first.
        float16: store matrices in 16 bits, as `--export_float16` does.

    Returns:
        `output_dir`.

    Raises:
        ValueError: if fewer than two checkpoints are given, or their networks differ.
        OSError: if a checkpoint cannot be loaded, or the folder cannot be written.
    """
    if len(names_or_paths) < 2:
        raise ValueError(f"a mean needs at least two checkpoints, found {len(names_or_paths)}")
    model = load_model(names_or_paths[0])
    weights = model.state_dict()
    total = {name: tensor.double() for name, tensor in weights.items() if tensor.is_floating_point()}
    for other in names_or_paths[1:]:
        more = load_model(other).state_dict()
        if {n: w.shape for n, w in more.items()} != {n: w.shape for n, w in weights.items()}:
            raise ValueError(f"{other} holds another network than {names_or_paths[0]}: they have no mean")
        for name in total:
            total[name] += more[name].double()
    with torch.no_grad():
        for name, tensor in total.items():
            weights[name].copy_(tensor / len(names_or_paths))
    folder = Path(output_dir)
    model.save_pretrained(folder)
    if float16:
        store_as_float16(folder / "model.safetensors")
    ArganImageProcessor(num_channels=model.config.num_channels).save_pretrained(folder)
    logger.info("wrote the mean of %d checkpoints to %s", len(names_or_paths), folder)
    return folder


def main(argv: list[str] | None = None) -> int:
    """Run a command line; 2 is returned for arguments that cannot work."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    parser = argparse.ArgumentParser(prog="average_checkpoints", description=__doc__.split("\n")[0])
    parser.add_argument("checkpoints", nargs="+", help="folders, names of shipped checkpoints, or Hub ids")
    parser.add_argument("--output_dir", required=True, help="where the mean is written")
    parser.add_argument("--export_float16", action="store_true", help="store the mean in 16 bits")
    args = parser.parse_args(argv)
    try:
        average_checkpoints(args.checkpoints, args.output_dir, float16=args.export_float16)
    except (ValueError, OSError) as error:
        parser.exit(2, f"average_checkpoints: {error}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
