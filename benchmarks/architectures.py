"""Which architectures of spandrel restore here: `python benchmarks/architectures.py`, with `pip install spandrel`.

Random networks of each, smaller than those that people train, are written to files, loaded, and run on a drawn picture.
The table says by how many gray levels the rounded result differs at most from what spandrel gives, not rounded, and
whether tiles can be used; "-" is what spandrel does not run. With real weights, what a network needs around a tile is
measured anew.
"""

import argparse
import inspect
import tempfile
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from argan_hf import JpegRestorer
from argan_hf.drawn_picture import draw_picture

# Architectures for pictures of the same size. The arguments make networks small, where the defaults are large; C stands
# for the channels, 1 (gray) or 3 (color).
_WINDOWS = {"embed_dim": 24, "depths": [2, 2], "num_heads": [2, 2], "mlp_ratio": 2, "upscale": 1, "upsampler": ""}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "Compact": {"num_in_ch": "C", "num_out_ch": "C", "num_conv": 4, "upscale": 1},
    "DAT": {
        "in_chans": "C",
        "embed_dim": 24,
        "depth": [2, 2],
        "num_heads": [2, 2],
        "split_size": [8, 16],
        "upscale": 1,
    },
    "DnCNN": {"in_nc": "C", "out_nc": "C", "nb": 8},
    "DRUNet": {"in_nc": "C+1", "out_nc": "C", "nc": [16, 24, 32, 48], "nb": 2},
    "ESRGAN": {"in_nc": "C", "out_nc": "C", "num_filters": 16, "num_blocks": 2, "scale": 1},
    "FBCNN": {"in_nc": "C", "out_nc": "C", "nc": [16, 24, 32, 512], "nb": 2},
    "FFTformer": {"inp_channels": "C", "out_channels": "C", "dim": 16, "num_blocks": [1, 1, 1]},
    "KBNet": {"img_channel": "C", "width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
    "MixDehazeNet": {"in_chans": "C", "out_chans": 4, "embed_dims": [8, 16, 24, 16, 8], "depths": [1, 1, 1, 1, 1]},
    "NAFNet": {"img_channel": "C", "width": 8, "middle_blk_num": 1, "enc_blk_nums": [1, 1], "dec_blk_nums": [1, 1]},
    "OmniSR": {"num_in_ch": "C", "num_out_ch": "C", "num_feat": 16, "block_num": 1, "res_num": 1, "up_scale": 1},
    "PLKSR": {"dim": 16, "n_blocks": 3, "upscaling_factor": 1},
    "RetinexFormer": {"in_channels": "C", "out_channels": "C", "n_feat": 16, "num_blocks": [1, 1, 1], "stage": 1},
    "SAFMN": {"dim": 16, "n_blocks": 2, "upscaling_factor": 1},
    "SAFMNBCIE": {"dim": 16, "n_blocks": 2, "num_layers": 2},
    "SCUNet": {"in_nc": "C", "config": [2] * 7, "dim": 64},
    "Swin2SR": {"in_chans": "C", "window_size": 8, "img_size": 64, **_WINDOWS},
    "SwinIR": {"in_chans": "C", "window_size": 7, "img_size": 126, "img_range": 255.0, **_WINDOWS},
}
_CLASSES = {"KBNet": "KBNet_s", "PLKSR": "RealPLKSR"}
# Random weights look hardly farther than a pixel; those of trained networks do.
_STRENGTH = 1.5


def _write(architecture: str, channels: int, folder: Path) -> Path:
    """The weights of a random network, as a file."""
    module = import_module(f"spandrel.architectures.{architecture}")
    kind: Callable[..., nn.Module] = getattr(module, _CLASSES.get(architecture, architecture))
    places = {"C": channels, "C+1": channels + 1}
    arguments = {n: places.get(v, v) if isinstance(v, str) else v for n, v in ARCHITECTURES[architecture].items()}
    if channels == 1 and "C" not in ARCHITECTURES[architecture].values():
        raise ValueError("color only")
    required = inspect.signature(kind).parameters
    torch.manual_seed(0)
    network = kind(**{name: value for name, value in arguments.items() if name in required})
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(_STRENGTH if weight.ndim == 4 else 1.0)
    path = folder / f"{architecture}-{channels}.pth"
    torch.save(network.state_dict(), path)
    return path


def examine(architecture: str, channels: int, folder: Path) -> tuple[str, str]:
    """Whether it works, in words, and how tiles are used."""
    import spandrel

    picture = draw_picture(1).convert("RGB" if channels == 3 else "L")
    pixels = torch.from_numpy(np.array(picture)).view(1, *picture.size[::-1], channels).permute(0, 3, 1, 2) / 255.0
    try:
        path = _write(architecture, channels, folder)
        expected = spandrel.ModelLoader().load_from_file(path)(pixels)[0].permute(1, 2, 0).numpy() * 255.0
    except Exception:  # What spandrel does not run, with exceptions of many kinds, there is not.
        return "-", "-"
    if expected.shape[2] != channels:
        return "-", "-"
    restorer = JpegRestorer.from_spandrel(path, device="cpu")
    restored = restorer(picture, history=False).image
    found = np.asarray(restored, dtype=np.float32).reshape(expected.shape)
    margin = restorer.margin
    tiles = "whole pictures" if margin is None else f"tiles, {margin} pixels around them"
    return f"{np.abs(found - expected).max():.2f}", tiles


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--architectures", nargs="+", default=sorted(ARCHITECTURES, key=str.lower))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for architecture in tqdm(options.architectures, leave=False):
            color, tiles = examine(architecture, 3, Path(name))
            gray, gray_tiles = examine(architecture, 1, Path(name))
            rows.append((architecture, color, gray, tiles if tiles != "-" else gray_tiles))
    print("| architecture | color | gray | large pictures |")
    print("| --- | ---: | ---: | --- |")
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
