"""Fills the templates of cards."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, meta


def fill(path: Path, **values: Any) -> str:
    """Fill a template; it must use every value, so that a card lacks none.

    Raises:
        ValueError: if the template lacks a placeholder.
    """
    template = path.read_text(encoding="utf-8")
    environment = Environment(
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, undefined=StrictUndefined
    )
    unused = sorted(set(values) - meta.find_undeclared_variables(environment.parse(template)))
    if unused:
        raise ValueError(
            f"the card template {path} has no placeholder for {', '.join(unused)}: it is damaged or another file "
            f"(it begins with {template[:20]!r}); restore it from the repository"
        )
    return environment.from_string(template).render(**values)
