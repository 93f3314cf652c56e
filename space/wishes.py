"""What happens at each wish of a visitor: a picture, a setting, stop. Answers are views of the visit."""

import asyncio
import contextvars
import zipfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

import folders
import network
from address import settings_of
from folders import NotUploadedError, uploaded
from pictures import DEFAULT_QUALITY, Choices, Settings, keep, look_at, with_choices
from views import view
from visitors import Visitors
from visits import MAX_PICTURES, Report, Task, Visit, folder_of

QUALITY_INFO = "Read from the file. Lower it if you know that the picture was saved at a lower quality before."
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
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(network.threads, context.run, run)


visitors = Visitors(_work)


def _page(visit: Visit) -> tuple[Any, ...]:
    """The view of a visit, and the controls for the picture that is looked at."""
    picture = visit.current
    if picture is None or picture.refusal is not None:
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


async def add(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
    """Take an upload."""
    visit, told = visitors.visit(request), _told(event)
    try:
        source = uploaded(told.get("path"))
        await _take(visit, source, str(told.get("name") or source.name)[:200], Choices(), bool(told.get("select")))
    except NotUploadedError as error:
        visit.notice = error.message
    return _page(visit)


async def example(event: gr.EventData, request: gr.Request) -> tuple[Any, ...]:
    """Take an example; it is compressed first, to show damage and repair."""
    visit, index = visitors.visit(request), _told(event).get("index")
    if isinstance(index, int) and 0 <= index < len(EXAMPLES):
        path = EXAMPLES[index]
        await _take(visit, path, path.name, Choices(compress_at=DEFAULT_QUALITY), True)
    return _page(visit)


async def _take(visit: Visit, source: Path, name: str, choices: Choices, select: bool) -> None:
    if len(visit.pictures) >= MAX_PICTURES:
        visit.notice = f"This page takes {MAX_PICTURES} pictures at a time; remove some, and give {name} again."
        return
    picture = keep(source, name)
    picture.choices = choices
    await asyncio.to_thread(look_at, picture)
    visit.add(picture, select=select)


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
    results = [picture.result.path for picture in visit.pictures.values() if picture.result and visit.is_done(picture)]
    if results and visit.zipped is None:
        target = folders.new_folder() / "restored.zip"
        try:
            await asyncio.to_thread(_zip, results, target)
        except OSError:
            folders.forget(target.parent)  # a picture was removed meanwhile
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


async def configure(strength: float, realism: float, faithful: bool, output_format: str, request: gr.Request) -> Any:
    """Change the settings for all pictures."""
    visit = visitors.visit(request)
    visit.configure(Settings(strength, realism, faithful, output_format))
    return view(visit)


async def choose(
    seen: Any, quality: float, compress_first: bool, compress_at: float, request: gr.Request
) -> tuple[Any, ...]:
    """Change the choices for the picture that the visitor looks at; qualities are rounded to whole numbers."""
    visit = visitors.visit(request)
    token = seen.get("selected") if isinstance(seen, dict) else None
    picture = visit.pictures.get(token) if isinstance(token, str) else None
    shown = (gr.skip(), gr.skip(), gr.skip())
    if picture is not None and quality is not None and compress_at is not None:
        choices = with_choices(picture, round(quality), round(compress_at) if compress_first else None)
        visit.choose(token, choices)
        if picture is visit.current:
            _, *shown = _page(visit)
            if round(quality) != quality and picture.quality is not None:
                info = f"JPEG qualities are whole numbers: {quality:g} became {round(quality)}."
                shown[0] = gr.Slider(visible=True, value=round(quality), info=info)
    return view(visit), *shown


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
    settings, problems = settings_of(dict(request.query_params))
    visit.settings = settings
    visit.notice = " ".join(problems) or None
    return view(visit), settings.strength, settings.realism, settings.faithful, settings.output_format
