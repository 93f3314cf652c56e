"""The luma that an encoder gets from a picture as it is written, block by block.

A written picture has 8 bits per sample, and RGB if it has color. Both move luma, so whoever wants it to be exact has to
look at it after it was written.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from .block_dct import cut
from .color import added_by_chroma, luma_of_written, to_uint8


@dataclass(frozen=True)
class Writing:
    """How blocks of luma are written: blended with those that were seen, converted to RGB with their chroma, rounded.

    Attributes:
        seen: float32 (N, 8, 8), decoded luma; `None` where none of it is blended in.
        added: what chroma adds to luma in red, green and blue, float32 (N, 8, 8) each; `None` for gray pictures.
        strength: 0..1, the share of the new luma.
    """

    seen: Tensor | None
    added: tuple[Tensor, Tensor, Tensor] | None
    strength: float

    @classmethod
    def of(cls, restored: Tensor, decoded: Tensor, strength: float) -> "Writing":
        """For all whole blocks of a picture or a strip of it.

        Args:
            restored: float32 (K, H, W), 0..255, of which chroma is used, if it is there.
            decoded: (C, H, W), K <= C: Y, or Y, Cb, Cr, integers 0..255 of any dtype.
            strength: 0..1, the share of `restored` in what is written.
        """
        seen = None if strength == 1.0 else cut(decoded[0])  # (N, 8, 8)
        if len(decoded) == 1:
            return cls(seen, None, strength)
        if len(restored) == 1:
            chroma = cut(decoded[1:])  # (2, N, 8, 8)
        elif strength == 1.0:
            chroma = cut(restored[1:])
        else:
            chroma = torch.lerp(cut(decoded[1:]), cut(restored[1:]), strength)
        return cls(seen, added_by_chroma(*chroma), strength)

    def luma(self, blocks: Tensor) -> Tensor:
        """The luma that an encoder gets, (N, 8, 8), integers 0..255 of any dtype, for new luma float32 (N, 8, 8)."""
        blended = blocks if self.seen is None else torch.lerp(self.seen, blocks, self.strength)
        return to_uint8(blended) if self.added is None else luma_of_written(blended, self.added)

    def at(self, index: Tensor) -> "Writing":
        """The same for some of the blocks, by their numbers."""
        seen = None if self.seen is None else self.seen[index]
        if self.added is None:
            return Writing(seen, None, self.strength)
        red, green, blue = self.added
        return Writing(seen, (red[index], green[index], blue[index]), self.strength)
