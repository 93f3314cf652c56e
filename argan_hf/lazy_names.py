"""Public names of a package that are imported when they are first asked for (PEP 562).

torch and transformers take seconds to import. Whoever asks for a version, for help, or for what the header of a file
states does not wait for them.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_names(package: str, places: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The functions `__getattr__` and `__dir__` of a package.

    Args:
        package: its name; it is being imported.
        places: public names and the modules that hold them, relative to the package as in `from .a.b import name`:
            `{"name": ".a.b"}`.

    Returns:
        `__getattr__`, which imports the module of a name and raises an AttributeError for others, and `__dir__`.
    """
    names = vars(sys.modules[package])

    def get(name: str) -> object:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # The next time, it is found without this function.
        names[name] = value = getattr(import_module(places[name], package), name)
        return value

    def list_names() -> list[str]:
        return sorted(names.keys() | places.keys())

    return get, list_names
