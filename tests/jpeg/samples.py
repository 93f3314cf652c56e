"""Planes of real pictures, the coefficients that an encoder writes for them, and the planes of coefficients."""

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from argan_hf.jpeg import JpegFile, rgb_to_ycbcr
from argan_hf.jpeg.codec import decode_planes, encode_planes
from argan_hf.jpeg.color import as_pixels
from argan_hf.jpeg.file import image_to_tensor
from argan_hf.jpeg.file_blocks import FileBlocks, Held
from argan_hf.jpeg.resampling import FACTORS, downsample, repeat_border, upsample
from tests.conftest import EXAMPLES


def luma(index: int) -> Tensor:
    """Luma of an example, whose sides are no multiples of 8, uint8 (203, 301)."""
    with Image.open(EXAMPLES[index]) as image:
        return image_to_tensor(image.convert("L"))[0, :203, :301]


def coefficients_of(plane: Tensor, table: Tensor) -> Tensor:
    """Coefficients that an encoder writes, of whole blocks."""
    blocks = encode_planes(plane[None], table)[:, :, 0].permute(2, 3, 0, 1)
    return blocks[: plane.shape[0] // 8, : plane.shape[1] // 8].float()


def decode_file(found: tuple[np.ndarray, ...], file: JpegFile) -> Tensor:
    """Planes of coefficients, chroma upsampled as libjpeg does."""
    height, width = file.planes.shape[1:]
    planes = []
    for index, (blocks, table) in enumerate(zip(found, file.tables, strict=True)):
        quantized = torch.from_numpy(blocks).permute(2, 3, 0, 1)[:, :, None].int()
        rows, columns = FACTORS[file.sampling] if index else (1, 1)
        plane = decode_planes(quantized, table, -(-height // rows), -(-width // columns))
        planes.append(upsample(plane, file.sampling, height, width) if index else plane)
    return torch.cat(planes)


def small_chroma(chroma: Tensor, factors: tuple[int, int]) -> Tensor:
    """Chroma (2, H, W) that an encoder stores, as `downsample`; also of 2x4 pixels, which no name stands for there."""
    names = {value: name for name, value in FACTORS.items()}
    if factors in names:
        return downsample(chroma, names[factors])
    rows, columns = factors
    height, width = -(-chroma.shape[1] // rows), -(-chroma.shape[2] // (8 * columns)) * 8
    padded = repeat_border(chroma, height * rows, width * columns).long()
    total = padded.unflatten(2, (width, columns)).unflatten(1, (height, rows)).sum((2, 4))
    return ((total + rows * columns // 2) // (rows * columns)).to(torch.uint8)


def seen_in(planes: Tensor) -> Tensor:
    """Y, or Y, Cb, Cr, as an encoder sees planes that were written, uint8."""
    pixels = as_pixels(planes)
    return rgb_to_ycbcr(pixels) if len(pixels) == 3 else pixels


def blocks_of(planes: Tensor, tables: Tensor, factors: tuple[int, int] = (1, 1)) -> FileBlocks:
    """What an encoder writes of uint8 planes (1 or 3, H, W): all blocks, with the codec and nothing else."""
    luma = encode_planes(planes[:1], tables[0])[:, :, 0].permute(2, 3, 0, 1)
    if len(planes) == 1:
        return FileBlocks(luma, None, tables)
    chroma = encode_planes(small_chroma(planes[1:], factors), tables[1:]).permute(2, 3, 4, 0, 1)
    return FileBlocks(luma, chroma, tables, factors)


def counted(found: FileBlocks, wanted: FileBlocks) -> tuple[Held, Held]:
    """How many blocks and coefficients of luma and of chroma are equal."""
    counts = []
    for one, other in ((found.luma, wanted.luma), (found.chroma, wanted.chroma)):
        if other is None:
            counts.append(Held())
            continue
        assert one is not None
        equal = (one == other).flatten(-2)
        counts.append(Held(equal[..., 0].numel(), int(equal.all(-1).sum()), equal.numel(), int(equal.sum())))
    return counts[0], counts[1]
