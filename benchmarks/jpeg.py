"""Exactness and speed of JPEG on tensors, compared with Pillow and kornia: `python benchmarks/jpeg.py`.

The reference is Pillow, which encodes and decodes the pictures in a loop. Throughput is the best of several rounds.
Speeds are relative to the Pillow loop of the same run.
"""

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from argan_hf.jpeg import compress
from argan_hf.jpeg.file import image_to_tensor

QUALITY = 50
EXAMPLES = sorted((Path(__file__).parents[1] / "space" / "examples").glob("*.png"))


def _photographs(count: int, height: int, width: int, channels: int) -> Tensor:
    """Crops of the example photographs, uint8 (count, channels, height, width); photographs too small are tiled."""
    generator = torch.Generator().manual_seed(0)
    pictures = []
    for index in range(count):
        with Image.open(EXAMPLES[index % len(EXAMPLES)]) as image:
            pixels = image_to_tensor(image.convert("L" if channels == 1 else "RGB"))
        repeats = (1, -(-height // pixels.shape[1]), -(-width // pixels.shape[2]))
        pixels = pixels.repeat(repeats)
        top = int(torch.randint(0, pixels.shape[1] - height + 1, (), generator=generator))
        left = int(torch.randint(0, pixels.shape[2] - width + 1, (), generator=generator))
        pictures.append(pixels[:, top : top + height, left : left + width])
    return torch.stack(pictures)


def _pillow_loop(images: Tensor) -> Tensor:
    results = []
    for picture in images:
        buffer = io.BytesIO()
        Image.fromarray(picture.permute(1, 2, 0).squeeze(2).numpy()).save(buffer, "JPEG", quality=QUALITY)
        results.append(torch.from_numpy(np.array(Image.open(buffer))).view(*picture.shape[1:], -1).permute(2, 0, 1))
    return torch.stack(results)


def _methods(device: torch.device, *, with_kornia: bool, with_compile: bool) -> dict[str, Callable[[Tensor], Tensor]]:
    methods: dict[str, Callable[[Tensor], Tensor]] = {"eager": lambda images: compress(images, QUALITY)}
    if with_compile:
        compiled = torch.compile(compress)
        methods["torch.compile"] = lambda images: compiled(images, QUALITY)
    if with_kornia:
        from kornia.enhance import jpeg_codec_differentiable

        quality = torch.tensor([float(QUALITY)], device=device)
        methods["kornia"] = lambda images: (jpeg_codec_differentiable(images / 255.0, quality) * 255.0).round()
    return methods


def _seconds(function: Callable[[], object], device: torch.device) -> float:
    best, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < 3.0:
        start = time.perf_counter()
        function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> None:
    """Print one table per device and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    args = parser.parse_args()
    try:
        import kornia
    except ImportError:
        kornia = None
        print("kornia is not installed and left out")
    print(f"quality {QUALITY}, torch {torch.__version__}, {torch.get_num_threads()} CPU threads")
    devices = [torch.device("cpu")] + ([torch.device("cuda")] if torch.cuda.is_available() else [])
    for count, height, width, channels in ((64, 64, 64, 1), (64, 64, 64, 3), (64, 256, 256, 3), (1, 3000, 4000, 3)):
        images = _photographs(count, height, width, channels)
        truth = _pillow_loop(images)
        megapixels = count * height * width / 1e6
        base = _seconds(lambda images=images: _pillow_loop(images), devices[0])
        print(f"\n{count} x {height}x{width}, {'gray' if channels == 1 else '4:2:0'}")
        print("device  method          MP/s   x Pillow   samples equal   largest difference")
        print(f"cpu     Pillow loop {megapixels / base:8.1f} {1.0:8.2f}x       100.0000 %             0")
        for device in devices:
            moved = images.to(device)
            methods = _methods(
                device, with_kornia=kornia is not None and channels == 3, with_compile=not args.no_compile
            )
            for name, method in methods.items():
                difference = (method(moved).cpu().int() - truth.int()).abs()
                seconds = _seconds(lambda method=method, moved=moved: method(moved), device)
                equal = (difference == 0).float().mean().item() * 100
                print(
                    f"{device.type:7} {name:13} {megapixels / seconds:6.1f} {base / seconds:8.2f}x"
                    f"       {equal:8.4f} %  {int(difference.max()):12d}"
                )


if __name__ == "__main__":
    main()
