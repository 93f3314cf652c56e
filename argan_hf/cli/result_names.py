"""Chooses the names of results: no two alike on any disk, none longer than a file system takes."""

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from .sources import RESULT, Source

# The longest name of a file on the common file systems: bytes on Linux, UTF-16 units (never more) elsewhere.
_MOST_BYTES = 255


def result_paths(
    sources: list[Source], output: Path | None, suffix: str, taken: Mapping[Path, Path] | None = None
) -> list[Path]:
    """Choose a result for every picture.

    A picture gets the same relative path below the output folder as it has below its root, with another suffix. Where
    results lie beside their sources, names end in "-restored", so that the next run knows them.

    Results that would be the same file get their sources' whole names: IMG_1.jpg.png and IMG_1.png.png. All of them do,
    so that no result can be taken for that of a file that came later. "The same" ignores case and the way in which
    accents are stored, as many disks do; where this is the only difference, or the sources lie in different folders,
    a checksum of the source's path is added. Too long names are cut, and get that checksum, too.

    Args:
        sources: pictures, each once.
        output: folder of the results; `None`: beside the sources.
        suffix: of the results.
        taken: results that were written, and of which sources; no other source gets them.
    """
    levels = [0] * len(sources)
    while True:
        targets = [_target(source, output, suffix, level) for source, level in zip(sources, levels, strict=True)]
        same = defaultdict(list)
        for index, target in enumerate(targets):
            same[_on_any_disk(target)].append(index)
        alike = {index for indices in same.values() if len(indices) > 1 for index in indices}
        alike |= {
            i for i, target in enumerate(targets) if (taken or {}).get(target, sources[i].path) != sources[i].path
        }
        alike = {index for index in alike if levels[index] < 2}
        if not alike:
            return targets
        for index in alike:
            levels[index] += 1


def _target(source: Source, output: Path | None, suffix: str, level: int) -> Path:
    """Path of a result: named after the stem of its source (level 0), its name (1), or its name and path (2)."""
    path = source.path
    folder = path.parent if output is None else output / path.relative_to(source.root).parent
    ending = (RESULT if _real(folder) == _real(path.parent) else "") + suffix
    checksum = f"~{hashlib.sha256(os.fsencode(path)).hexdigest()[:8]}"
    stem = path.stem if level == 0 else path.name
    if level == 2 or _bytes(stem + ending) > _MOST_BYTES:
        ending = checksum + ending
    # A character at a time, as some take several bytes.
    while _bytes(stem + ending) > _MOST_BYTES:
        stem = stem[:-1]
    return folder / f"{stem}{ending}"


def _bytes(name: str) -> int:
    return len(os.fsencode(name))


def _on_any_disk(path: Path) -> str:
    return unicodedata.normalize("NFC", f"{_real(path.parent)}/{path.name}").casefold()


@lru_cache(4096)
def _real(folder: Path) -> str:
    return os.path.realpath(folder)
