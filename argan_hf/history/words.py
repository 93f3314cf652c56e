"""The history of a picture in sentences."""

from .record import History
from .undo import EarlierSave


def describe_history(history: History, quality: int | None) -> tuple[str, ...]:
    """What a picture went through before it became the file that is seen, for people.

    Args:
        history: of the picture.
        quality: of the file, if it is JPEG; `None` for other pictures.
    """
    sentences = []
    if history.saves:
        earlier = [_save(save) for save in reversed(history.saves)]
        share = int(100 * history.saves[-1].agreement)
        first = f"First saved as JPEG at {earlier[0]}, found in {share} % of its blocks"
        then = [f"then at {words}" for words in earlier[1:]]
        if history.enlargement > 1:
            then.append(f"then enlarged {history.enlargement} times")
        file = "the file itself is no JPEG" if quality is None else f"the file itself is of quality {quality}"
        sentences.append(f"{', '.join([first, *then])}; {file}.")
    if history.resized is not None:
        vertical, horizontal = history.resized.vertical_scale, history.resized.horizontal_scale
        size = f"{100 * (vertical + horizontal) / 2:.0f} %"
        sentences.append(f"Saved as JPEG before and resized to about {size} since; that save cannot be undone.")
    if history.contradicted_quality is not None:
        sentences.append(
            f"The picture shows more damage than a file of quality {quality} does: it was saved or resized before in a "
            f"way that cannot be undone. It was restored like one of quality {history.contradicted_quality}."
        )
    return tuple(sentences)


def _save(save: EarlierSave) -> str:
    number = f"quality {save.quality}" if save.standard else f"about quality {save.quality}"
    return f"{number} and cropped since" if save.top % 8 or save.left % 8 else number
