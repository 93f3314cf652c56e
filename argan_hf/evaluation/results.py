"""The JSON file of an evaluation, from which a model card takes its numbers."""

import json
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path
from typing import get_args

from .protocol import Protocol
from .scores import MEASURES, PictureScore


@dataclass(frozen=True)
class Results:
    """The scores of one run of `argan evaluate`.

    Attributes:
        data: name of the pictures, e.g. "LIVE1".
        protocol: how they were compressed and scored, "luma" or "rgb".
        scores: one per picture, quality or life, and method.
    """

    data: str
    protocol: Protocol
    scores: tuple[PictureScore, ...]

    def write(self, path: Path) -> None:
        """Write as JSON.

        Raises:
            OSError: if the file cannot be written.
        """
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read what `write` wrote.

        Raises:
            ValueError: if the file cannot be read or holds something else; the message says what is wrong.
        """
        try:
            found = dict(json.loads(path.read_text(encoding="utf-8")))
            results = cls(found["data"], found["protocol"], tuple(PictureScore(**row) for row in found["scores"]))
            results._check()
        except (OSError, KeyError, TypeError, ValueError) as error:
            reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            raise ValueError(f"{path} is no file written by `argan evaluate --json`: {reason}") from error
        return results

    def _check(self) -> None:
        if self.protocol not in get_args(Protocol):
            raise ValueError(f"protocol must be one of {', '.join(get_args(Protocol))}, found {self.protocol!r}")
        if not self.scores:
            raise ValueError("it holds no scores")
        for score in self.scores:
            if not isinstance(score.life, str | None):
                raise ValueError(f"life must be a text, found {score.life!r}")  # noqa: TRY004
            if (score.quality is None) == (score.life is None):
                raise ValueError(
                    f"a score is of a quality or of a life, found quality {score.quality} and life {score.life}"
                )
            for name in (*(() if score.quality is None else ("quality",)), *MEASURES):
                if not isinstance(getattr(score, name), Real):
                    raise ValueError(f"{name} must be a number, found {getattr(score, name)!r}")  # noqa: TRY004
