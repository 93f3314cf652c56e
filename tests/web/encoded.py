"""Pictures encoded in JavaScript."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from tests.web.node import run_node

_KEYS = {"icc_profile": "iccProfile"}
_MODES = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}


def encode_in_node(
    folder: Path, cases: Sequence[tuple[Image.Image, dict[str, Any]]], name: str
) -> list[tuple[bytes, list[str]]]:
    """The bytes of files, and the notes on what they cannot hold.

    Args:
        folder: empty.
        cases: pictures and their metadata, under the names of Python.
        name: of the format, "png" or "jpeg"; of JPEG files, the planes that the reader gives are left in `N.planes`.
    """
    described = []
    for number, (image, info) in enumerate(cases):
        (folder / f"{number}").write_bytes(image.tobytes())
        named = {_KEYS.get(key, key): value for key, value in info.items() if key != "photoshop"}
        for key, value in named.items():
            if isinstance(value, bytes):
                (folder / f"{number}.{key}").write_bytes(value)
        case = {"name": f"{number}", "width": image.width, "height": image.height, "channels": _MODES[image.mode]}
        plain = {key: value for key, value in named.items() if not isinstance(value, bytes)}
        resources = [
            (number, *(part.decode("latin-1") for part in each)) for number, each in info.get("photoshop", {}).items()
        ]
        described.append(
            case | {"info": plain, "bytes": sorted(named.keys() - plain.keys()), "photoshop": resources or None}
        )
    (folder / "cases.json").write_text(json.dumps(described))
    run_node("encode_pictures.js", folder, name)
    notes = json.loads((folder / "notes.json").read_text())
    return [((folder / f"{number}.{name}").read_bytes(), notes[f"{number}"]) for number in range(len(cases))]
