"""Settings from the address of the page, such as `?realism=0.5&format=webp`."""

from dataclasses import replace

from pictures import FORMATS, Settings


def settings_of(query: dict[str, str], defaults: Settings, *, has_realism: bool) -> tuple[Settings, list[str]]:
    """Settings from the address of the page, and sentences on what in it makes no sense.

    Args:
        query: from the address.
        defaults: where the address says nothing.
        has_realism: whether the network of the page has a variant for realism.
    """
    settings, problems = defaults, []
    for name in ("strength", "realism"):
        if name in query:
            try:
                value = float(query[name])
            except ValueError:
                value = -1.0
            if 0 <= value <= 1:
                settings = replace(settings, **{name: value})
            else:
                problems.append(f"The address asks for {name}={query[name]}, expected a number from 0 to 1.")
    if "faithful" in query:
        if query["faithful"].lower() in ("true", "false"):
            settings = replace(settings, faithful=query["faithful"].lower() == "true")
        else:
            problems.append(f"The address asks for faithful={query['faithful']}, expected true or false.")
    if "format" in query:
        if query["format"].lower() in FORMATS:
            settings = replace(settings, output_format=query["format"].lower())
        else:
            problems.append(f"The address asks for format={query['format']}, expected one of {', '.join(FORMATS)}.")
    if settings.realism and not has_realism:
        settings = replace(settings, realism=0.0)
        problems.append("The network of this page has no realism, so what the address asks for is not used.")
    return settings, problems
