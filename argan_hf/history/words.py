"""The history of a picture in sentences."""

from .record import History
from .resized import ResizedGrid
from .undo import EarlierSave


def describe_history(history: History, quality: int | None) -> tuple[str, ...]:
    """What a picture went through before it became the file that is seen, for people.

    Args:
        history: of the picture.
        quality: of the file, if it is JPEG; `None` for other pictures.
    """
    sentences = []
    if history.saves:
        sentences.append(_saves(history, quality))
    told = history.contradicted_quality
    if history.resized is not None:
        end = "." if told is None else f", so it is restored like a file of quality {told}."
        sentences.append(f"Saved as JPEG before, then {_resizing(history.resized)}; that cannot be undone{end}")
    elif told is not None:
        sentences.append(
            f"The picture shows more damage than a file of quality {quality} should: it was saved or resized before in "
            f"a way that cannot be undone, so it is restored like a file of quality {told}."
        )
    return tuple(sentences)


def _saves(history: History, quality: int | None) -> str:
    """One sentence: "An earlier save was found: JPEG of quality 20 (in 99.9 % of the blocks), then cropped, …"."""
    earliest, *later = reversed(history.saves)
    share = f"{int(1000 * earliest.agreement) / 10:g} %"  # rounded down
    steps = [f"{_save(earliest)} (in {share} of the blocks)"]
    for before, save in zip((earliest, *later), (*later, None), strict=True):
        if before.top % 8 or before.left % 8:
            steps.append("cropped")
        if save is not None:
            steps.append(_save(save))
    if history.enlargement > 1:
        steps.append(f"enlarged {history.enlargement} times")
    if quality is not None:
        steps.append(f"saved at quality {quality}")
    found = "An earlier save was found" if not later else "Earlier saves were found"
    return f"{found}: {', then '.join(steps)}."


def _save(save: EarlierSave) -> str:
    return f"JPEG of {'' if save.standard else 'about '}quality {save.quality}"


def _resizing(grid: ResizedGrid) -> str:
    scale = (grid.vertical_scale + grid.horizontal_scale) / 2
    return f"{'enlarged' if scale > 1 else 'reduced'} to about {100 * scale:.0f} %"
