"""The demo: give pictures, compare before and after, download the results.

This file puts the page together: the studio (pictures and results, see `studio/`), the settings, and what happens at
each wish. `visits.py` knows what is wanted and what is done, `network.py` does it, `views.py` says what is shown.
"""

import asyncio
import base64
import contextvars
import ctypes
import io
import os
import signal
import zipfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

with suppress(ImportError):  # on ZeroGPU, before torch
    import spaces  # noqa: F401

import gradio as gr
from PIL import Image

import api
import folders
import network
from folders import NotUploadedError, uploaded
from pictures import DEFAULT_QUALITY, FORMATS, MAX_MEGAPIXELS, Choices, Settings, keep, look_at, with_choices
from views import view
from visitors import Visitors
from visits import MAX_PICTURES, MINUTES_AFTER_LEAVING, MINUTES_KEPT, Report, Task, Visit, folder_of

MAX_MEGABYTES = 40
EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.png"))
_STUDIO = Path(__file__).parent / "studio"
_M_ARENA_MAX = -8  # of glibc's malloc.h

INTRO = """# Remove JPEG artifacts from pictures"""
PRIVACY = f"""Your pictures are sent to this server and lie on its disk while it works on them. They are deleted when
you remove them, {MINUTES_AFTER_LEAVING} minutes after you close the page, and {MINUTES_KEPT} minutes after your last
click; the upload itself {folders.MINUTES_KEPT} minutes after it arrived. Nobody else gets to see them, and nothing is
learned from them. Up to {MAX_PICTURES} files of {MAX_MEGABYTES} MB and {MAX_MEGAPIXELS} megapixels each."""

QUALITY_INFO = "Read from the file. Lower it if you know that the picture was saved at a lower quality before."
REALISM_INFO = (
    "0: least error, smooth where detail is lost. 1: texture, which can be false. 0.25 scores best with measures that "
    "follow the eye (SSIM, SSIMULACRA2)."
)
FAITHFUL_INFO = (
    "For JPEG files: keep the brightness within what the file states. Saved again with the same settings, the result "
    "gives the same file."
)
FORMAT_INFO = "PNG, TIFF and WebP lose nothing. AVIF and JPEG are smaller and lossy."


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


def settings_of(query: dict[str, str]) -> tuple[Settings, list[str]]:
    """Settings from the address of the page, and sentences on what in it makes no sense."""
    settings, problems = Settings(), []
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
    return settings, problems


def _thumbnail(path: Path) -> str:
    with Image.open(path) as image:
        small = image.convert("RGB")
    small.thumbnail((120, 90))
    buffer = io.BytesIO()
    small.save(buffer, "WEBP", quality=85)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


def _fetch_nothing(block: Any) -> None:
    """Keep Gradio from downloading a file that a request names by its address on the internet."""

    async def refuse(address: object) -> str:
        return str(uploaded(str(address)))

    block.async_move_resource_to_block_cache = refuse


def build() -> gr.Blocks:
    """The page."""
    defaults = Settings()
    scripts = [(_STUDIO / name).read_text() for name in ("comparison.js", "measured.js", "studio.js")]
    with gr.Blocks(title="ARGAN: JPEG artifact removal", analytics_enabled=False) as page:
        # First, so that no function of the page takes their names.
        endpoints = [
            gr.api(api.restore_file, api_name="restore", concurrency_limit=None),
            gr.api(api.measure_file, api_name="measure", concurrency_limit=None),
        ]
        for endpoint in endpoints:
            for block in page.fns[endpoint["id"]].inputs:
                _fetch_nothing(block)
        gr.Markdown(INTRO)
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                studio = gr.HTML(
                    html_template=(_STUDIO / "studio.html").read_text(),
                    css_template=(_STUDIO / "studio.css").read_text(),
                    js_on_load="\n".join(scripts),
                    apply_default_css=False,
                    elem_id="studio",
                    examples=[{"name": path.stem, "thumbnail": _thumbnail(path)} for path in EXAMPLES],
                    max_bytes=MAX_MEGABYTES * 1_000_000,
                    defaults={
                        "strength": defaults.strength,
                        "realism": defaults.realism,
                        "faithful": defaults.faithful,
                        "format": defaults.output_format,
                    },
                )
            with gr.Column(scale=1, min_width=280):
                quality = gr.Slider(
                    1,
                    100,
                    75,
                    step=1,
                    label="JPEG quality of the file",
                    info=QUALITY_INFO,
                    buttons=[],
                    visible=False,
                    elem_id="quality",
                )
                compress_first = gr.Checkbox(
                    False,
                    label="Compress it first",
                    info="To see damage and repair. Otherwise the picture is restored as the file is.",
                    visible=False,
                    elem_id="compress-first",
                )
                compress_at = gr.Slider(
                    1,
                    100,
                    DEFAULT_QUALITY,
                    step=1,
                    label="Compress at JPEG quality",
                    buttons=[],
                    visible=False,
                    elem_id="compress-at",
                )
                strength = gr.Slider(
                    0,
                    1,
                    defaults.strength,
                    step=0.05,
                    label="Strength",
                    info="0: no change. 1: fully restored.",
                    buttons=[],
                    elem_id="strength",
                )
                realism = gr.Slider(
                    0,
                    1,
                    defaults.realism,
                    step=0.05,
                    label="Realism",
                    info=REALISM_INFO,
                    buttons=[],
                    elem_id="realism",
                )
                faithful = gr.Checkbox(defaults.faithful, label="Faithful", info=FAITHFUL_INFO, elem_id="faithful")
                output_format = gr.Radio(
                    [(name.upper(), name) for name in FORMATS],
                    value=defaults.output_format,
                    label="Format of the result",
                    info=FORMAT_INFO,
                    elem_id="format",
                )
                with gr.Accordion("Your pictures are deleted after you leave: details and limits", open=False):
                    gr.Markdown(PRIVACY)
        _fetch_nothing(studio)
        settings, choices = [strength, realism, faithful, output_format], [quality, compress_first, compress_at]
        page_parts = [studio, *choices]
        quick = {"queue": False, "show_progress": "hidden", "api_visibility": "private", "trigger_mode": "multiple"}
        changes = [
            studio.ask_add(add, None, page_parts, **quick),
            studio.ask_example(example, None, page_parts, **quick),
            studio.ask_select(select, None, page_parts, **quick),
            studio.ask_remove(remove, None, page_parts, **quick),
            studio.ask_clear(clear, None, page_parts, **quick),
            studio.ask_stop(stop, None, studio, **quick),
            studio.ask_resume(resume, None, studio, **quick),
            studio.ask_measure(measure, None, studio, **quick),
            studio.ask_zip(zip_all, None, studio, **quick),
        ]
        newest = quick | {"trigger_mode": "always_last"}
        changes += [part.input(configure, settings, studio, **newest) for part in settings]
        changes += [part.input(choose, [studio, *choices], page_parts, **newest) for part in choices]
        for change in changes:
            change.then(
                follow,
                None,
                studio,
                show_progress="hidden",
                api_visibility="private",
                trigger_mode="multiple",
                concurrency_limit=None,
            )
        page.load(start, None, [studio, *settings], show_progress="hidden", api_visibility="private", queue=False)
        page.unload(visitors.leave)
    return page.queue(max_size=1000)


def launch(**kwargs: Any) -> Any:
    """Start the server; arguments go to `Blocks.launch`."""
    # By default, many threads get a heap each (malloc arena), and these do not shrink: memory grows with visitors.
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 2)
    folders.keep_clean(visitors.folders, lambda: network.places.is_idle)
    # Texts need more contrast than the theme gives them (WCAG: 4.5 to 1).
    theme = gr.themes.Soft().set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_title_text_color="*primary_800",
        block_title_text_color_dark="white",
        block_title_background_fill_dark="*primary_800",
        checkbox_label_background_fill_selected="*primary_700",
        checkbox_label_background_fill_selected_dark="*primary_700",
    )
    options = {"max_file_size": MAX_MEGABYTES * 1_000_000, "theme": theme, "footer_links": ["api"]}
    return build().launch(**(options | kwargs))


if __name__ == "__main__":
    # Without this, files of visitors would outlive a server that is told to end.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    launch(server_name=os.environ.get("GRADIO_SERVER_NAME"))
