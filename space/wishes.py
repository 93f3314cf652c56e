"""What happens at each wish of a visitor: a picture, a setting, stop. Answers are views of the visit."""

import asyncio
import logging
import zipfile
from collections.abc import AsyncIterator
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import gradio as gr

import folders
import network
from address import settings_of
from folders import NotUploadedError, uploaded
from pictures import DEFAULT_QUALITY, FORMATS, Choices, Settings, keep, look_at, with_choices
from places import BusyError
from tasks import Report, Task, folder_of
from views import view
from visitors import Visitors
from visits import MAX_PICTURES, Visit

QUALITY_INFO = "Read from the file. Earlier saves are looked for; lower it only if you know of one that was not found."
logger = logging.getLogger(__name__)

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.png"))


async def _work(visit: Visit, task: Task, report: Report) -> Any:
    """Do a task of a visit in a thread."""
    picture = task.picture
    if task.measures:
        measurement = visit.measurement
        _, quality, strength, realism, faithful = task.key
        settings = Settings(strength, realism, faithful)
        run = partial(network.measure_picture, picture.path, quality, settings, folder_of(measurement), report)
    else:
        run = partial(network.restore, picture, *task.key, report)
    return await network.in_thread(run)


visitors = Visitors(_work)


def _page(visit: Visit) -> tuple[Any, ...]:
    """The view of a visit, and the controls for the picture that is looked at."""
    picture = visit.current
    if picture is None or picture.refusal is not None or not picture.is_known:
        hidden = (gr.Slider(visible=False), gr.Checkbox(visible=False), gr.Slider(visible=False))
        return view(visit), *hidden
    choices = picture.choices
    if picture.quality is not None:
        quality = gr.Slider(visible=True, value=choices.quality or picture.quality, info=QUALITY_INFO)
        return view(visit), quality, gr.Checkbox(visible=False), gr.Slider(visible=False)
    at = choices.compress_at
    return (
        view(visit),
        gr.Slider(visible=False),
        gr.Checkbox(visible=True, value=at is not None),
        gr.Slider(visible=at is not None, value=at or DEFAULT_QUALITY),
    )


def _told(event: gr.EventData) -> dict[str, Any]:
    data = event._data
    return data if isinstance(data, dict) else {}


def _number(value: Any, low: float, high: float) -> float | None:
    """A number from a request, or the end that it lies beyond; `None` if it is none, as in an emptied field."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return None
    return min(max(value, low), high)


def _settings(visit: Visit, strength: Any, realism: Any, faithful: Any, output_format: Any) -> Settings:
    """Settings from a request; what makes no sense stays as it is."""
    now, numbers = visit.settings, [_number(value, 0.0, 1.0) for value in (strength, realism)]
    return Settings(
        now.strength if numbers[0] is None else numbers[0],
        now.realism if numbers[1] is None else numbers[1],
        faithful if isinstance(faithful, bool) else now.faithful,
        output_format if output_format in FORMATS else now.output_format,
    )


async def add(
    strength: Any, realism: Any, faithful: Any, output_format: Any, event: gr.EventData, request: gr.Request
) -> tuple[Any, ...]:
    """Take an upload. The settings come along, because a visit may have ended while its page stayed open."""
    visit, told = visitors.visit(request), _told(event)
    visit.configure(_settings(visit, strength, realism, faithful, output_format))
    try:
        source = uploaded(told.get("path"))
    except NotUploadedError as error:
        visit.tell(error.message)
        return _page(visit)
    name = str(told.get("name") or source.name)[:200]
    await _take(visit, source, name, Choices(), bool(told.get("select")), told.get("order"))
    return _page(visit)


async def example(
    strength: Any, realism: Any, faithful: Any, output_format: Any, event: gr.EventData, request: gr.Request
) -> tuple[Any, ...]:
    """Take an example; it is compressed first, to show damage and repair."""
    visit, told = visitors.visit(request), _told(event)
    visit.configure(_settings(visit, strength, realism, faithful, output_format))
    index = told.get("index")
    if isinstance(index, int) and 0 <= index < len(EXAMPLES):
        path = EXAMPLES[index]
        await _take(visit, path, path.name, Choices(compress_at=DEFAULT_QUALITY), True, told.get("order"))
    return _page(visit)


async def _take(visit: Visit, source: Path, name: str, choices: Choices, select: bool, order: Any) -> None:
    if len(visit.pictures) >= MAX_PICTURES:
        visit.tell(f"This page takes {MAX_PICTURES} pictures at a time; remove some, and give {name} again.")
        return
    if folders.is_full():
        visit.tell(f"The disk of the server is full just now; give {name} again in some minutes.")
        return
    try:
        picture = keep(source, name)
    except OSError:
        visit.tell(f"{name} was deleted before it was read; give it again.")
        return
    picture.choices, picture.order = choices, order if isinstance(order, int) else 0
    # It has its place at once. Looking at it takes time, in which it can be removed, or others can be given.
    visit.add(picture, select=select)
    try:
        async with network.looking.take(visit.visitor):
            await network.in_thread(partial(look_at, picture))
    except BusyError as error:
        picture.refusal = f"{name}: {error}"
    visit.looked_at(picture)


async def come_back(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
    """Continue a visit whose page was loaded again, as after a lost connection."""
    visit = visitors.come_back(request, str(_told(event).get("visit")))
    settings = visit.settings
    return (*_page(visit), settings.strength, settings.realism, settings.faithful, settings.output_format)


async def select(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
    """Look at another picture."""
    visit = visitors.visit(request)
    visit.select(str(_told(event).get("token")))
    return _page(visit)


async def remove(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
    """Delete a picture."""
    visit = visitors.visit(request)
    visit.remove(str(_told(event).get("token")))
    return _page(visit)


async def clear(request: gr.Request) -> tuple[Any, ...]:
    """Delete all pictures."""
    visit = visitors.visit(request)
    visit.clear()
    return _page(visit)


async def stop(request: gr.Request) -> Any:
    """End all work."""
    visit = visitors.visit(request)
    visit.stop()
    return view(visit)


async def resume(request: gr.Request) -> Any:
    """Start again what was stopped."""
    visit = visitors.visit(request)
    visit.resume()
    return view(visit)


async def measure(request: gr.Request) -> Any:
    """Measure the picture that is looked at."""
    visit = visitors.visit(request)
    visit.measure()
    return view(visit)


async def zip_all(request: gr.Request) -> Any:
    """Put all results into one file."""
    visit = visitors.visit(request)
    results = visit.results()
    if results and visit.zipped is None and not visit.zipping:
        visit.zipping = True
        target = folders.new_folder() / "restored.zip"
        try:
            await asyncio.to_thread(_zip, results, target)
        except OSError:
            logger.exception("a ZIP file could not be written")
            changed = True
        else:
            changed = visit.results() != results
        visit.zipping = False
        if changed:
            folders.forget(target.parent)
            visit.tell("The results changed while they were put into a file; ask for it again.")
        else:
            visit.zipped = target
            visit.revision += 1
    return view(visit)


def _zip(paths: list[Path], target: Path) -> None:
    taken: set[str] = set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:  # pictures are compressed already
        for path in paths:
            number, name = 1, path.name
            while name.lower() in taken:
                number += 1
                name = f"{path.stem}-{number}{path.suffix}"
            taken.add(name.lower())
            archive.write(path, name)


async def configure(
    strength: Any, realism: Any, faithful: Any, output_format: Any, request: gr.Request
) -> tuple[Any, ...]:
    """Change the settings for all pictures."""
    visit = visitors.visit(request)
    visit.configure(_settings(visit, strength, realism, faithful, output_format))
    # Only what lay beyond the ends is written back: a late answer must not move a slider that is being dragged.
    sliders = (
        gr.skip() if given == taken or not isinstance(given, int | float) else gr.Slider(value=taken)
        for given, taken in ((strength, visit.settings.strength), (realism, visit.settings.realism))
    )
    return view(visit), *sliders


async def choose(
    seen: Any, quality: Any, compress_first: Any, compress_at: Any, request: gr.Request
) -> tuple[Any, ...]:
    """Change the choices for the picture that the visitor looks at; qualities are rounded to whole numbers."""
    visit = visitors.visit(request)
    token = seen.get("selected") if isinstance(seen, dict) else None
    picture = visit.pictures.get(token) if isinstance(token, str) else None
    numbers = [_number(value, 1.0, 100.0) for value in (quality, compress_at)]
    if picture is None or None in numbers:
        return view(visit), gr.skip(), gr.skip(), gr.skip()
    whole, whole_at = (round(number) for number in numbers if number is not None)
    visit.choose(picture, with_choices(picture, whole, whole_at if compress_first else None))
    if picture is not visit.current:
        return _page(visit)
    if picture.quality is not None:
        return view(visit), _corrected(quality, whole), gr.skip(), gr.skip()
    if whole_at == compress_at or not compress_first:
        return view(visit), gr.skip(), gr.skip(), gr.Slider(visible=compress_first)
    return view(visit), gr.skip(), gr.skip(), _corrected(compress_at, whole_at)


def _corrected(given: float, taken: int) -> Any:
    """What a slider for qualities shows then; only a value that was not taken is written back, as in `configure`."""
    if given == taken:
        return gr.skip()
    if round(given) != taken:
        return gr.Slider(visible=True, value=taken)
    info = f"JPEG qualities are whole numbers: {given:g} became {taken}."
    return gr.Slider(visible=True, value=taken, info=info)


async def follow(request: gr.Request) -> AsyncIterator[Any]:
    """Show the visit again whenever it changes, until there is nothing more to do."""
    visit = visitors.visit(request)
    visit.follower = me = object()
    last = None
    while True:
        is_last = visit.task is None and not visit.is_working
        if (shown := view(visit)) != last:
            yield shown
        last = shown
        if is_last or visit.follower is not me:
            return
        await visit.changes(shown["revision"], 0.25)


async def start(request: gr.Request) -> tuple[Any, ...]:
    """Take the settings from the address of the page, such as `?realism=0.5&format=webp`."""
    visit = visitors.visit(request)
    query = dict(request.query_params)
    settings, problems = settings_of(query, network.default_settings, has_realism=network.has_realism)
    visit.configure(settings)
    for problem in problems:
        visit.tell(problem)
    return view(visit), settings.strength, settings.realism, settings.faithful, settings.output_format
