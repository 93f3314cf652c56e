"""Measures the projection onto the intervals of the file, by margin: `python benchmarks/consistency.py --data DIR`.

For every quality: PSNR on luma; share of luma coefficients inside their interval when the result is written with 8
bits; share of whole blocks that encode to those of the file (to the coefficients of the encoder, not to those recovered
from the samples). Averaged over pictures. "free" is the network alone, "shipped" the result of JpegRestorer; "worse" is
the number of pictures on which the shipped result has a lower PSNR than the free one.
"""

import argparse
import io
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from argan_hf import JpegRestorer
from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.evaluation.metrics import psnr
from argan_hf.evaluation.protocol import find_pictures, read_luma
from argan_hf.jpeg import (
    project,
    project_onto_file,
    quantization_tables,
    read_jpeg,
    recover_coefficients,
    rgb_to_ycbcr,
    share_inside,
    ycbcr_to_rgb,
)
from argan_hf.jpeg.codec import encode_planes
from argan_hf.jpeg.color import to_uint8
from argan_hf.jpeg.consistency import blocks_inside
from argan_hf.jpeg.file import image_to_tensor

MARGINS = (0.0, 0.5, 1.0, 2.0)


def _measure(restorer: JpegRestorer, path: Path, quality: int, *, realism: float, color: bool) -> Tensor:
    """Float64 (rows, 3): rows free, margins, shipped; columns PSNR, coefficients inside, blocks equal."""
    with Image.open(path) as image:
        picture = image.convert("RGB") if color else Image.fromarray(read_luma(path)[0, 0].numpy())
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    planes = read_jpeg(buffer.getvalue()).planes
    original = rgb_to_ycbcr(image_to_tensor(picture))[:1] if color else image_to_tensor(picture)
    table = quantization_tables(quality)[0]
    quantized = recover_coefficients(planes[0], table)
    rows, columns = quantized.shape[:2]
    truth = encode_planes(original, table)[:, :, 0, :rows, :columns].permute(2, 3, 0, 1).float()
    free = restorer.restore_planes(planes[:1].float(), realism=realism)[0]

    def as_written(luma: Tensor) -> Tensor:
        if not color:
            return to_uint8(luma)
        return rgb_to_ycbcr(ycbcr_to_rgb(torch.cat((luma[None], planes[1:].float()))))[0]

    def row(luma: Tensor) -> list[float]:
        written = as_written(luma)
        score = float(psnr(to_uint8(luma)[None, None], original[None]))
        inside = share_inside(written, quantized, table)
        return [score, inside, float(blocks_inside(written, truth, table).float().mean())]

    results = [row(free), *(row(project(free, quantized, table, margin)) for margin in MARGINS)]
    return torch.tensor([*results, row(project_onto_file(free[None], planes, table)[0][0])], dtype=torch.float64)


def main() -> None:
    """Print one table for gray and one for color files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of original pictures")
    parser.add_argument("--qualities", type=int, nargs="+", default=[10, 20, 30, 40, 50, 75, 90, 95])
    parser.add_argument("--model", default=DEFAULT_CHECKPOINT, help="checkpoint name, local folder or Hub id")
    parser.add_argument("--realism", type=float, default=0.0, help="position between the two variants, 0..1")
    args = parser.parse_args()
    restorer = JpegRestorer.from_pretrained(args.model)
    pictures = find_pictures(args.data)
    names = ("free", *(f"margin {margin}" for margin in MARGINS), "shipped")
    for color in (False, True):
        print(
            f"\n{'color, 4:2:0' if color else 'gray'}: PSNR | inside | blocks equal, mean of {len(pictures)} pictures"
        )
        print("quality  " + "  ".join(f"{name:^24}" for name in names) + "  worse")
        for quality in args.qualities:
            results = [
                _measure(restorer, path, quality, realism=args.realism, color=color)
                for path in tqdm(pictures, leave=False)
            ]
            mean = torch.stack(results).mean(dim=0)
            worse = sum(bool(result[-1, 0] < result[0, 0]) for result in results)
            cells = (f"{a:6.3f} | {b:7.3%} | {c:6.2%}"[:26] for a, b, c in mean.tolist())
            print(f"{quality:7d}  " + "  ".join(cells) + f"  {worse:5d}")


if __name__ == "__main__":
    main()
