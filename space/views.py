"""What the page shows of a visit, as JSON: `studio/studio.js` draws it and decides nothing."""

from pathlib import Path
from typing import Any

from pictures import Picture
from tasks import Measurement
from visits import Visit


def view(visit: Visit) -> dict[str, Any]:
    """All that the page shows; a view with a higher `revision` replaces one with a lower."""
    current = visit.current
    return {
        "visit": visit.token,
        "revision": visit.revision,
        "pictures": [_entry(visit, picture) for picture in visit.pictures.values()],
        "selected": visit.selected,
        "shown": _shown(visit, current) if current else None,
        "state": _state(visit, current) if current else None,
        "working": visit.is_working or any(not picture.is_known for picture in visit.pictures.values()),
        "resumable": _is_resumable(visit, current),
        "share": visit.task.share if visit.task else None,
        "words": _words(visit),
        "finished": len(visit.results()),
        "zip": _path(visit.zipped),
        "zipping": visit.zipping,
        "notices": visit.notices,
        "measured": _measured(visit.measurement, current) if current else None,
        "settings": {
            "strength": visit.settings.strength,
            "realism": visit.settings.realism,
            "faithful": visit.settings.faithful,
            "format": visit.settings.output_format,
        },
    }


def _state(visit: Visit, picture: Picture) -> str:
    """One of "refused", "failed", "done", "working", "stopped", "reading", "waiting"."""
    if picture.refusal is not None:
        return "refused"
    if visit.is_done(picture):
        return "done" if picture.result_key == visit.key_of(picture) else "failed"
    if picture.token in visit.stopped:
        return "stopped"
    if not picture.is_known:
        return "reading"
    return "working" if visit.task is not None and visit.task.picture is picture else "waiting"


def _is_resumable(visit: Visit, current: Picture | None) -> bool:
    if any(not visit.is_done(picture) for token, picture in visit.pictures.items() if token in visit.stopped):
        return True
    return current is not None and _state(visit, current) == "failed" and current.can_retry


def _entry(visit: Visit, picture: Picture) -> dict[str, Any]:
    return {
        "token": picture.token,
        "name": picture.name,
        "thumbnail": _path(picture.thumbnail),
        "state": _state(visit, picture),
    }


def _shown(visit: Visit, picture: Picture) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": picture.name,
        "refusal": picture.refusal,
        "width": picture.width,
        "height": picture.height,
        "before": _path(picture.shown),
        "caption": "Original",
        "after": None,
        "sentences": [],
        "download": None,
    }
    failure = picture.failure if visit.is_done(picture) else None
    if failure is not None and picture.result is None:
        shown["refusal"] = failure
    elif failure is not None:
        shown["sentences"] = [failure]
    # While a new result is made, the last one of this picture stays in sight, but is not offered any more.
    if (result := picture.result) is not None:
        shown |= {
            "width": result.size[0],
            "height": result.size[1],
            "before": _path(result.before),
            "caption": result.caption,
            "after": _path(result.after),
        }
        if visit.is_done(picture) and picture.failed_key != visit.key_of(picture):
            shown |= {
                "sentences": result.sentences,
                "download": {
                    "path": _path(result.path),
                    "name": result.path.name,
                    "kind": result.path.suffix[1:].upper(),
                },
            }
    return shown


def _words(visit: Visit) -> str | None:
    if visit.task is None:
        return None
    several = len(visit.pictures) > 1
    return f"{visit.task.picture.name}: {visit.task.words}" if several else visit.task.words


def _measured(measurement: Measurement | None, picture: Picture) -> dict[str, Any] | None:
    if measurement is None or measurement.key[0] != picture.token:
        return None
    found = measurement.found
    if found is not None:
        found = found | {"pictures": [(caption, _path(path)) for caption, path in found["pictures"]]}
    return {"found": found, "error": measurement.error}


def _path(path: Path | None) -> str | None:
    return None if path is None else path.as_posix()
