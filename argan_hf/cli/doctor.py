"""`argan doctor`: what a report of a bug needs to say, and whether a picture can be restored here at all."""

import argparse
import importlib.metadata
import io
import os
import platform
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, features

from .. import __version__
from ..checkpoint_files import locate
from ..defaults import DEFAULT_CHECKPOINT
from ..drawn_picture import draw_picture
from ..evaluation.metrics import psnr
from ..network_size_argan import physical_memory
from ..restoration import JpegRestorer
from .console import Lines, complain
from .preparation import prepare_for_networks

_LIBRARIES = (
    *("torch", "transformers", "huggingface-hub", "safetensors", "numpy", "pillow", "imagecodecs"),
    *("tifffile", "gradio", "datasets", "accelerate"),
)
_QUALITY = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `argan doctor`."""
    parser.add_argument("--model", default=DEFAULT_CHECKPOINT, help="as for argan restore")
    parser.add_argument("--device", help="cpu, cuda, …; default: the first accelerator, else the CPU")


def run(args: argparse.Namespace) -> int:
    """Print versions, machine and network, and restore a picture; returns 0 if it came out better, else 2."""
    prepare_for_networks()
    lines = Lines(sys.stdout)

    def say(name: str, value: object) -> None:
        lines.say(f"{name + ':':17} {value}")

    say("argan_hf", __version__)
    say("python", f"{platform.python_version()} ({platform.platform()}, {platform.machine()})")
    for name in _LIBRARIES:
        say(name, _version(name))
    say("libjpeg-turbo", features.version("libjpeg_turbo") or "not used by this Pillow")
    say("encoders", ", ".join(name for name in ("webp", "avif") if features.check(name)) or "neither WebP nor AVIF")
    say("memory", f"{physical_memory() / 2**30:.1f} GiB")
    say(
        "threads",
        f"{torch.get_num_threads()} of {os.cpu_count()} processors; {torch.backends.cpu.get_cpu_capability()}",
    )
    say("checkpoint", f"{args.model} ({_at_home(locate(args.model))})")
    try:
        restorer = JpegRestorer.from_pretrained(args.model, device=args.device)
        say("device", _describe(restorer.device))
        say("dtype", str(restorer.dtype).removeprefix("torch."))
        before, after, seconds = _try(restorer)
    # A torch without CUDA raises an AssertionError for "cuda"; what else can break here is what this command shows.
    except Exception as error:
        complain(f"no picture can be restored: {type(error).__name__}: {error}")
        return 2
    say("restored", f"a drawn picture of quality {_QUALITY}, {before:.2f} dB -> {after:.2f} dB in {seconds:.2f} s")
    if after <= before:
        complain("the restored picture is no better than the JPEG file, so this network or this machine does not work")
        return 2
    return int(lines.failed)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _at_home(place: str | Path) -> str:
    """A path without the name of a user, since reports of bugs are public."""
    home = os.path.expanduser("~")  # noqa: PTH111  (raises nothing for users without a home)
    return str(place).replace(home, "~", 1) if str(place).startswith(home + os.sep) else str(place)


def _describe(device: torch.device) -> str:
    if device.type != "cuda":
        return str(device)
    return f"{device} ({torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda})"


def _try(restorer: JpegRestorer) -> tuple[float, float, float]:
    """Restore a drawn picture: PSNR of its JPEG file and of the result in dB, and seconds."""
    original, buffer = draw_picture(0), io.BytesIO()
    original.save(buffer, "JPEG", quality=_QUALITY)
    restored = restorer(buffer.getvalue())
    with Image.open(buffer) as image:
        before, after = (psnr(_samples(picture), _samples(original)) for picture in (image, restored.image))
    return float(before), float(after), restored.report.seconds


def _samples(picture: Image.Image) -> torch.Tensor:
    """Samples of a picture, RGB, uint8 (1, 3, H, W)."""
    return torch.from_numpy(np.array(picture.convert("RGB"))).permute(2, 0, 1)[None]
