"""Results held to their file, or to that of an earlier save, tile by tile; and how much of it they give again."""

from torch import Tensor

from .flat_chroma import FlatChroma, with_flat_chroma
from .jpeg.consistency import count_equal, hold_to_file
from .jpeg.file_blocks import Consistency, FileBlocks, Held
from .jpeg.recovery import recover_coefficients
from .prepared_picture import PreparedPicture
from .tiling import Tile


class Holding:
    """Holds the planes of a picture, as they are to be written, to the file that they come from.

    A JPEG file that is on its own grid is held to as a whole: luma and chroma, blocks that the border cuts included. Of
    an earlier save, and of a file whose coefficients cannot be read, luma is held in whole blocks.

    Args:
        prepared: the picture; its `grid_table` is that of the file.
        colors: colors of flat blocks, which stay flat: they are proven to be within the steps of the file.
    """

    def __init__(self, prepared: PreparedPicture, colors: FlatChroma | None = None) -> None:
        parts, tables = prepared.parts, prepared.own_tables
        self._prepared, self._colors = prepared, colors
        self._blocks: FileBlocks | None = None
        if prepared.planes is None and parts.file is not None and tables is not None:
            self._blocks = FileBlocks.of_file(parts.file, tables, parts.sampling or "")
        self._luma, self._chroma = Held(), Held()

    @property
    def consistency(self) -> Consistency | None:
        """How much of the file the tiles give again that were held so far; `None` if no block was."""
        if not self._luma.blocks:
            return None
        has_chroma = self._blocks is not None and self._blocks.chroma is not None
        return Consistency.of(self._luma, self._chroma if has_chroma else None)

    def hold(self, planes: Tensor, tile: Tile) -> Tensor:
        """Planes of a tile, held.

        Args:
            planes: float32 (C, h, w), 0..255, as they are to be written; of color pictures with their chroma.
            tile: where they are.
        """
        if self._blocks is None:
            return self._hold_luma(planes, tile)
        blocks = self._blocks.at(tile.rows, tile.columns)
        held, luma, chroma = hold_to_file(planes, blocks)
        if self._colors is not None:
            held = with_flat_chroma(held, self._colors, tile.rows, tile.columns, like=planes)
            luma, chroma = count_equal(held, blocks)
        self._count(luma, chroma)
        return held

    def count(self, planes: Tensor, tile: Tile) -> None:
        """Count how much of the file planes give again that are written as they are."""
        if self._blocks is not None:
            self._count(*count_equal(planes, self._blocks.at(tile.rows, tile.columns)))

    def _hold_luma(self, planes: Tensor, tile: Tile) -> Tensor:
        prepared, place = self._prepared, (tile.rows, tile.columns)
        foreign, own_table = prepared.foreign_blocks_at(*place), prepared.own_grid_table
        if foreign is not None and own_table is not None:
            # What was drawn after the earlier save is held to the file itself.
            seen = prepared.parts.planes_at(*place)[0]
            own = FileBlocks.of_luma(recover_coefficients(seen, own_table), own_table)
            planes, _, _ = hold_to_file(planes, own, foreign)
        table = prepared.parts.grid_table
        if table is None:
            raise ValueError("a picture without a table is held to nothing")
        blocks = FileBlocks.of_luma(recover_coefficients(prepared.planes_at(*place)[0], table), table)
        planes, luma, chroma = hold_to_file(planes, blocks, prepared.held_at(*place))
        self._count(luma, chroma)
        return planes

    def _count(self, luma: Held, chroma: Held) -> None:
        self._luma, self._chroma = self._luma + luma, self._chroma + chroma
