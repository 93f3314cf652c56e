"""What a picture went through before it became the file that is seen: earlier saves found, proven and undone.

Start with `record.py` (what is found), `search.py` (how it is decided) and `undo.py` (how a later save is undone).
Nothing here knows a network or opens a file; `contradiction.py` is given what a network makes of a picture.
"""

from .chroma import LaterFile
from .contradiction import contradicted_quality
from .record import History, find_saves, window_places
from .resized import ResizedGrid, find_enlargement, find_resized_grid
from .undo import EarlierPicture, EarlierSave, undo_save
from .words import describe_history

__all__ = [
    "EarlierPicture",
    "EarlierSave",
    "History",
    "LaterFile",
    "ResizedGrid",
    "contradicted_quality",
    "describe_history",
    "find_enlargement",
    "find_resized_grid",
    "find_saves",
    "undo_save",
    "window_places",
]
