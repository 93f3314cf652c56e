"""What a picture went through before it became the file that is seen, as far as its pixels show it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .chroma import LaterFile
from .resized import ResizedGrid
from .search import find_earlier_save
from .undo import EarlierSave, undo_save

# Saves that are looked for, one before the other. A further one has to be surer than the first, and is worth undoing if
# its steps are longer.
_MOST_SAVES = 3
_SURE = 0.5
_LEAST_RATIO = 1.15
_WINDOW, _WINDOWS = 256, 4


@dataclass(frozen=True)
class History:
    """The history of a picture.

    Attributes:
        saves: earlier saves that are certain, the last of them first. The grid of each is counted from the frame of the
            one before, see [`EarlierSave`].
        enlargement: whole factor by which the picture was enlarged with nearest neighbor after these saves; 1: it was
            not.
        resized: the grid of a save after which the picture was resized; such a save is not undone.
        contradicted_quality: quality at which the picture is restored because it contradicts its file, though no
            earlier save is certain; `None` if it does not.
    """

    saves: tuple[EarlierSave, ...] = ()
    enlargement: int = 1
    resized: ResizedGrid | None = None
    contradicted_quality: int | None = None

    @property
    def first(self) -> EarlierSave | None:
        """The earliest save that is certain."""
        return self.saves[-1] if self.saves else None

    def to_dict(self) -> dict[str, Any]:
        """The history as a dictionary of JSON values."""
        return {
            "saves": [
                {
                    "quality": save.quality,
                    "standard_tables": save.standard,
                    "sampling": save.sampling,
                    "grid": [save.top, save.left],
                    "agreement": round(save.agreement, 4),
                    "certainty": round(save.certainty, 4),
                    "tables": save.tables.flatten(1).tolist(),
                }
                for save in self.saves
            ],
            "enlargement": self.enlargement,
            "resized": None
            if self.resized is None
            else {
                "vertical_scale": round(self.resized.vertical_scale, 4),
                "horizontal_scale": round(self.resized.horizontal_scale, 4),
                "certainty": round(self.resized.certainty, 4),
            },
            "contradicted_quality": self.contradicted_quality,
        }


def find_saves(windows: Sequence[Tensor], later: LaterFile | None) -> tuple[EarlierSave, ...]:
    """Earlier saves of a picture that are certain, the last of them first.

    Args:
        windows: uint8 (C, H, W), parts of the picture, see [`window_places`].
        later: the JPEG file that shows the picture; `None` for other pictures.
    """
    saves: list[EarlierSave] = []
    while len(saves) < _MOST_SAVES:
        save = find_earlier_save(windows, later)
        if save is None or (
            saves and (save.certainty < _SURE or _steps(save.tables) < _LEAST_RATIO * _steps(saves[-1].tables))
        ):
            break
        saves.append(save)
        # The same parts as that save showed them, without the rows and columns in which blocks are cut.
        windows = [undo_save(window, save, later).planes[:, 16:, 16:] for window in windows]
        later = LaterFile(save.tables, save.sampling)
    return tuple(saves)


def _steps(tables: Tensor) -> float:
    return float(tables[0].float().mean())


def window_places(height: int, width: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the parts that are looked at: the whole of a small picture, 16 parts of a large one.

    All of them start at multiples of 16.
    """
    places = [
        [slice(0, size)]
        if size <= _WINDOW * _WINDOWS
        else [
            slice(start // 16 * 16, start // 16 * 16 + _WINDOW)
            for start in (round((size - _WINDOW) * (part + 0.5) / _WINDOWS) for part in range(_WINDOWS))
        ]
        for size in (height, width)
    ]
    return [(rows, columns) for rows in places[0] for columns in places[1]]
