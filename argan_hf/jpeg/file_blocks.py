"""What a picture is held to: the quantized coefficients of a file, and how many of them it gives again."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .codec import encode_planes
from .coded_units import Factors, Group
from .coefficients import read_coefficients
from .resampling import FACTORS, Subsampling, downsample

_FACTORS: dict[str, Factors] = {"4:1:0": (2, 4)} | {str(name): factors for name, factors in FACTORS.items()}


@dataclass(frozen=True)
class FileBlocks:
    """The quantized coefficients of a picture, or of a part of it that starts at a coded unit.

    Attributes:
        luma: integers of any dtype (rows, columns, 8, 8), vertical frequency first.
        chroma: integers (2, rows, columns, 8, 8), Cb and Cr; `None` where chroma is not held.
        tables: integers (1 or 3, 8, 8): the table of each plane that is held.
        factors: rows and columns of pixels per sample of chroma, (1, 1) where chroma is not held.
        has_border: whether the blocks that the border of the picture cuts are known, too.
    """

    luma: Tensor
    chroma: Tensor | None
    tables: Tensor
    factors: Factors = (1, 1)
    has_border: bool = True

    @classmethod
    def of_file(cls, data: bytes, tables: Tensor, sampling: str) -> "FileBlocks | None":
        """Those of a gray or Y'CbCr JPEG file.

        Args:
            data: its bytes.
            tables: int32 (1 or 3, 8, 8), the table of each component.
            sampling: as [`JpegProperties`] names it.

        Returns:
            `None` where coefficients cannot be read, see [`read_coefficients`]. With sampling factors that libjpeg does
            not write by itself, chroma is left out.
        """
        found = read_coefficients(data, tables.numpy())
        if found is None:
            return None
        luma, *chroma = (torch.from_numpy(blocks) for blocks in found)
        if not chroma or sampling not in _FACTORS:
            return cls(luma, None, tables[:1])
        return cls(luma, torch.stack(chroma), tables, _FACTORS[sampling])

    @classmethod
    def of_planes(cls, planes: Tensor, tables: Tensor, sampling: Subsampling) -> "FileBlocks":
        """Those of the file to which an encoder would compress planes.

        Args:
            planes: uint8 (1 or 3, H, W): Y, or Y, Cb, Cr.
            tables: integers (1 or 3, 8, 8).
            sampling: of chroma; it does not matter for one plane.
        """
        luma = encode_planes(planes[:1], tables[0])[:, :, 0].permute(2, 3, 0, 1)
        if len(planes) == 1:
            return cls(luma, None, tables[:1])
        chroma = encode_planes(downsample(planes[1:], sampling), tables[1:])  # (8, 8, 2, rows, columns)
        return cls(luma, chroma.permute(2, 3, 4, 0, 1), tables, FACTORS[sampling])

    @classmethod
    def of_luma(cls, quantized: Tensor, table: Tensor) -> "FileBlocks":
        """Luma alone, in whole blocks.

        Args:
            quantized: (H // 8, W // 8, 8, 8), from [`recover_coefficients`].
            table: integers (8, 8).
        """
        return cls(quantized, None, table[None], has_border=False)

    def at(self, rows: slice, columns: slice) -> "FileBlocks":
        """Those of a part of the picture, in pixels, which starts at a coded unit."""
        v, h = self.factors
        luma = self.luma[_blocks(rows, 8), _blocks(columns, 8)]
        chroma = None if self.chroma is None else self.chroma[:, _blocks(rows, 8 * v), _blocks(columns, 8 * h)]
        return replace(self, luma=luma, chroma=chroma)

    def luma_of(self, group: Group) -> Tensor:
        """The luma coefficients of a group of units, integers (N, f, 64); 0 in blocks that hold no pixels."""
        (v, h), (rows, columns) = self.factors, group.shape
        down = slice(group.rows.start * v, group.rows.stop * v)
        part = self.luma.flatten(2)[down, group.columns.start * h : group.columns.stop * h]
        if part.shape[:2] != (rows * v, columns * h):
            whole = torch.zeros(rows * v, columns * h, 64, dtype=part.dtype, device=part.device)
            whole[: part.shape[0], : part.shape[1]] = part
            part = whole
        blocks: Tensor = part.unflatten(1, (columns, h)).unflatten(0, (rows, v))  # (rows, v, columns, h, 64)
        return blocks.transpose(1, 2).reshape(-1, v * h, 64)

    def chroma_of(self, group: Group) -> Tensor | None:
        """The chroma coefficients of a group of units, integers (2, N, 64)."""
        if self.chroma is None:
            return None
        return self.chroma.flatten(3)[:, group.rows, group.columns].flatten(1, 2)


def _blocks(pixels: slice, size: int) -> slice:
    return slice(pixels.start // size, -(-pixels.stop // size))


@dataclass(frozen=True)
class Held:
    """How many blocks, and how many of their coefficients, are equal to those of a file.

    Attributes:
        blocks, coefficients: in all.
        equal_blocks, equal_coefficients: those that are equal.
    """

    blocks: int = 0
    equal_blocks: int = 0
    coefficients: int = 0
    equal_coefficients: int = 0

    def __add__(self, other: "Held") -> "Held":
        return Held(
            self.blocks + other.blocks,
            self.equal_blocks + other.equal_blocks,
            self.coefficients + other.coefficients,
            self.equal_coefficients + other.equal_coefficients,
        )


@dataclass(frozen=True)
class Consistency:
    """How much of a file a result gives again: encoded with the file's tables and sampling, compared with the file.

    Attributes:
        luma_coefficients, luma_blocks: shares 0..1 that are equal, of all those that are held; 1 if there are none.
        chroma_coefficients, chroma_blocks: the same for Cb and Cr together; `None` where chroma is not held.
    """

    luma_coefficients: float
    luma_blocks: float
    chroma_coefficients: float | None = None
    chroma_blocks: float | None = None

    @classmethod
    def of(cls, luma: Held, chroma: Held | None) -> "Consistency":
        """The shares of what was counted."""
        return cls(*_shares(luma), *(_shares(chroma) if chroma is not None else (None, None)))

    def in_words(self) -> str:
        """The shares of blocks, such as "99.98 % of the luma blocks and 100 % of the chroma blocks"; rounded down."""
        if self.chroma_blocks is None:
            return f"{_percent(self.luma_blocks)} of the luma blocks"
        if _percent(self.luma_blocks) == _percent(self.chroma_blocks):
            return f"{_percent(self.luma_blocks)} of the luma and chroma blocks"
        return (
            f"{_percent(self.luma_blocks)} of the luma blocks and {_percent(self.chroma_blocks)} of the chroma blocks"
        )


def _percent(share: float) -> str:
    # The smallest of additions keeps what is a whole number of hundredths from being rounded below it.
    return f"{int(share * 10_000 + 1e-9) / 100:g} %"


def _shares(held: Held) -> tuple[float, float]:
    if not held.blocks:
        return 1.0, 1.0
    return held.equal_coefficients / held.coefficients, held.equal_blocks / held.blocks
