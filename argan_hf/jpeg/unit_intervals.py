"""The intervals that a file states for the coefficients of its coded units, and the nearest units that lie in them."""

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from .block_dct import IntegerDct
from .coded_units import Group, UnitKind
from .file_blocks import FileBlocks, Held

MARGIN = 2.0
"""Least distance of a projected coefficient from the ends of its interval, in units of the orthonormal DCT of samples
0..255, where the interval is long enough. Rounding to 8 bits, with the way through RGB, moves coefficients by 0.35 (one
standard deviation). A network that wants to leave an interval is wrong more often than not, so the margin is larger
than that: on held-out photographs, 2 scores higher than 1 at all qualities, and so do shares of 0.3 than of 0.2."""

# A margin takes no more of an interval than leaves this share.
_LEAST_SHARE = 0.3
# The integer DCT of an encoder differs from the exact one by less than this.
_DCT_ERROR = 0.25
# Of the 64 steps of a luma table. That of quality 98 has 23 of them, that of 99 has 42.
_MOST_STEPS_OF_ONE = 40


@dataclass
class UnitIntervals:
    """Intervals of the coefficients of coded units.

    Attributes:
        kind: of the units.
        steps: float32 (1 or 3, 64), the tables.
        luma: float32 (N, f, 64), the middles of the intervals, in the DCT of samples 0..255.
        chroma: float32 (2, N, 64), the same, or `None`.
    """

    kind: UnitKind
    steps: Tensor
    luma: Tensor
    chroma: Tensor | None

    @classmethod
    def of(cls, blocks: FileBlocks, group: Group) -> "UnitIntervals":
        """Those of a group of units, as their file states them."""
        device = group.kind.to_luma.device
        steps = blocks.tables.to(device).float().flatten(1)  # (C, 64)
        # Not in place: blocks of floats may be views of those that were given.
        luma, chroma = blocks.luma_of(group).to(device).float() * steps[0], blocks.chroma_of(group)
        luma[..., 0] += _GRAY
        if chroma is not None:
            chroma = chroma.to(device).float() * steps[1:, None]
            chroma[..., 0] += _GRAY
        return cls(group.kind, steps, luma, chroma)

    @property
    def has_room(self) -> bool:
        """Whether intervals are long enough for samples of 8 bits to be chosen so that all coefficients are inside."""
        return int((self.steps[0] <= 1.0).sum()) <= _MOST_STEPS_OF_ONE

    def at(self, index: Tensor) -> "UnitIntervals":
        """Those of some of the units, by their numbers."""
        chroma = None if self.chroma is None else self.chroma[:, index]
        return UnitIntervals(self.kind, self.steps, self.luma[index], chroma)

    def without_color(self, units: Tensor) -> tuple["UnitIntervals", Tensor]:
        """The same for units that are to be left without color where they have none.

        Args:
            units: float32 (C, N, f, 64), 0..255.

        Returns:
            Intervals in which units that hold no color are held to none; and bool (2, N), those of their blocks of
            which the file says something else.
        """
        if self.chroma is None:
            return self, torch.zeros(2, len(self.luma), dtype=torch.bool, device=units.device)
        colorless = (units[1:] == 128.0).flatten(2).all(2).all(0)  # (N,)
        gray = torch.zeros_like(self.chroma[0, 0])
        gray[0] = _GRAY
        chroma = torch.where(colorless[:, None], gray, self.chroma)
        return UnitIntervals(self.kind, self.steps, self.luma, chroma), (chroma != self.chroma).any(2)

    def project(self, units: Tensor) -> None:
        """Move units onto their intervals, in place: orthogonally, chroma through the downsampling of an encoder.

        Args:
            units: float32 (C, N, f, 64), 0..255.
        """
        half = torch.maximum(self.steps / 2 - MARGIN, _LEAST_SHARE / 2 * self.steps)  # (C, 64)
        change = _beyond(units[0].flatten(0, 1) @ self.kind.to_luma, self.luma.flatten(0, 1), half[0])
        change = (change @ self.kind.to_luma.T).view_as(units[0])
        if self.kind.border is not None:
            change[:, ~self.kind.border.exists] = 0.0
        units[0].sub_(change)
        if self.chroma is None:
            return
        for plane, middles, reach in zip(units[1:].flatten(2), self.chroma, half[1:], strict=True):
            plane.sub_(_beyond(plane @ self.kind.to_chroma, middles, reach) @ self.kind.from_chroma)

    def wrong(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Which blocks do not encode to those of the file.

        Args:
            seen: float32 (C, N, f, 64), integers 0..255, as an encoder sees the units.

        Returns:
            bool (N, f), luma, and bool (2, N), chroma: `False` where it is not held.
        """
        luma = self._wrong(seen[0].flatten(0, 1), self.luma.flatten(0, 1), 0).view(self.luma.shape[:2])
        if self.kind.border is not None:
            luma &= self.kind.border.exists
        if self.chroma is None:
            return luma, torch.zeros(2, len(luma), dtype=torch.bool, device=luma.device)
        parts = zip(self.stored(seen), self.chroma, (1, 2), strict=True)
        return luma, torch.stack([self._wrong(*part) for part in parts])

    def count(self, seen: Tensor, wrong: tuple[Tensor, Tensor]) -> tuple[Held, Held]:
        """How much of luma and of chroma encodes to the file again.

        Args:
            seen: as for [`wrong`].
            wrong: what that gave for it.
        """
        luma, chroma = wrong
        blocks = len(luma) * (luma.shape[1] if self.kind.border is None else int(self.kind.border.exists.sum()))
        found = _held(blocks, int(luma.sum()), self._misses(seen[0][luma], self.luma[luma], 0))
        if self.chroma is None:
            return found, Held()
        missed, units = 0, chroma.any(0).nonzero()[:, 0]
        for number, (samples, middles) in enumerate(
            zip(self.stored(seen[:, units]), self.chroma[:, units], strict=True)
        ):
            missed += self._misses(samples, middles, number + 1)
        return found, _held(chroma.numel(), int(chroma.sum()), missed)

    def stored(self, seen: Tensor) -> Tensor:
        """The chroma that an encoder stores, float32 (2, N, 64), integers 0..255, of what it sees."""
        sums = seen[1:].flatten(2) @ self.kind.sums
        return sums.add_(self.kind.bias).div_(self.kind.sums.shape[0] // 64).floor_()

    def _wrong(self, samples: Tensor, middles: Tensor, plane: int) -> Tensor:
        """Which blocks (N, 64) do not encode to the middles of their intervals, bool (N,)."""
        # 1. With the exact DCT; most blocks are far enough inside.
        offset = (samples @ self.kind.to_luma).sub_(middles).abs_()
        wrong = offset.sub_(self.steps[plane] / 2 - _DCT_ERROR).amax(1) >= 0.0
        # 2. The others as an encoder does it.
        near = wrong.nonzero()[:, 0]
        wrong[near] = (self._excess(samples[near], middles[near], plane) >= 0.0).any(1)
        return wrong

    def _misses(self, samples: Tensor, middles: Tensor, plane: int) -> int:
        return int((self._excess(samples, middles, plane) >= 0.0).sum())

    def _excess(self, samples: Tensor, middles: Tensor, plane: int) -> Tensor:
        """How far coefficients of blocks (N, 64), encoded, lie beyond those that are rounded to the file's.

        Returns:
            float32 (N, 64), times 8: below 0 inside, from 0 on outside.
        """
        # All of these are multiples of a half below 2**18, which float32 holds.
        ends, goal = self.steps[plane] * 4.0, middles * 8.0
        goal[:, 0] -= 8.0 * _GRAY
        # Halves are rounded away from zero, so of the two ends of an interval, the one nearer to zero belongs to it,
        # and the other does not. Between integers, that is an interval half a unit nearer to zero without both ends.
        goal.sub_(goal.sign(), alpha=0.5)
        return _integer_dct(samples.device).encode(samples.view(-1, 8, 8)).float().sub_(goal).abs_().sub_(ends)


# The DCT of a block in which every sample is 128 has this as its mean, and nothing else.
_GRAY = 1024.0


@cache
def _integer_dct(device: torch.device) -> IntegerDct:
    with torch.inference_mode(False):  # It is kept, also for what is outside of it.
        return IntegerDct(device)


def _beyond(coefficients: Tensor, middles: Tensor, half: Tensor) -> Tensor:
    """How far coefficients (N, 64) lie beyond `middles - half .. middles + half`; they are changed."""
    offset = coefficients.sub_(middles)
    return offset.sub_(offset.clamp(-half, half))


def _held(blocks: int, wrong: int, missed: int) -> Held:
    return Held(blocks, blocks - wrong, 64 * blocks, 64 * blocks - missed)
