"""A piece of work for a visit: the restoration or the measurement of a picture, how far it is, and how it is ended."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from folders import new_folder
from pictures import Picture

Report = Callable[[float, str], None]
"""Called with the share of the work that is done, 0..1, and what is being done; may raise [`NotWantedError`]."""


class NotWantedError(Exception):
    """The visitor wants something else now."""


@dataclass
class Task:
    """Work on a picture: its restoration, or its measurement.

    Attributes:
        picture: which one.
        key: what is wanted: choices and settings.
        network_key: the part of it that the network depends on; `None` for a measurement.
        measures: whether the picture is measured instead of restored.
        share, words: how much is done, 0..1, and what is being done.
    """

    picture: Picture
    key: tuple[object, ...]
    network_key: tuple[object, ...] | None = None
    measures: bool = False
    share: float = 0.0
    words: str = "Waiting for a place"


@dataclass
class Measurement:
    """What "at many qualities" found for a picture, and what it was measured with."""

    key: tuple[object, ...]
    found: dict[str, Any] | None = None
    folder: Path | None = None
    error: str | None = None


def folder_of(measurement: Measurement) -> Path:
    """The folder of a measurement, made when it is needed."""
    if measurement.folder is None:
        measurement.folder = new_folder()
    return measurement.folder
