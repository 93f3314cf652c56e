"""The demo: give pictures, compare before and after, download the results.

This file is the layout of the page: the studio (pictures and results, see `studio/`) and the settings. `wishes.py` says
what happens at each wish, `visits.py` what is wanted and done, `network.py` does it, `views.py` says what is shown.
"""

import base64
import ctypes
import io
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

from argan_hf.defaults import DEFAULT_CHECKPOINT
from argan_hf.process_settings import share_the_processor

share_the_processor()  # before torch
with suppress(ImportError):  # on ZeroGPU, before torch
    import spaces  # noqa: F401

import gradio as gr
from PIL import Image

import api
import folders
import network
import wishes
from folders import uploaded
from pictures import DEFAULT_QUALITY, FORMATS, MAX_MEGAPIXELS
from visits import MAX_PICTURES, MINUTES_AFTER_LEAVING, MINUTES_KEPT

MAX_MEGABYTES = 40
_STUDIO = Path(__file__).parent / "studio"
# With the address of another page; `argan publish --space ID --static-page` writes it.
_STATIC_PAGE = Path(__file__).with_name("static_page.txt")
_M_ARENA_MAX = -8  # of glibc's malloc.h

INTRO = """# Remove JPEG artifacts from pictures"""
ELSEWHERE = (
    "Pictures are restored on this server. [Another page](<{}>) restores them in your browser, and nothing is uploaded."
)
PRIVACY = f"""Your pictures are sent to this server, which keeps them on its disk. It deletes a picture when
you remove it, and all of them {MINUTES_AFTER_LEAVING} minutes after you close the page or {MINUTES_KEPT} minutes after
your last click. The file as it was uploaded stays for {folders.MINUTES_KEPT} minutes. Other visitors do not get to see
your pictures, and no network is trained with them.

The page takes {MAX_PICTURES} files at a time, of up to {MAX_MEGABYTES} MB and {MAX_MEGAPIXELS} megapixels. Programs can
use it as well: [the description of its API](gradio_api/info)."""

REALISM_INFO = (
    "0: least error, smooth where detail is lost. 1: texture, which can be false. 0.25 scores best with measures that "
    "follow the eye (SSIM, SSIMULACRA2)."
)
FAITHFUL_INFO = (
    "Keep the brightness within what the JPEG file, or the earlier save that was found, states, so that it is the same "
    "when the result is saved as JPEG with the same settings."
)
FORMAT_INFO = "PNG, TIFF and WebP lose nothing. AVIF and JPEG are smaller and lossy."


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
    defaults = network.default_settings
    scripts = [(_STUDIO / name).read_text() for name in ("comparison.js", "measured.js", "studio.js")]
    with gr.Blocks(title="ARGAN: JPEG artifact removal", analytics_enabled=False) as page:
        # First, so that no function of the page takes their names.
        gr.api(api.restore_file, api_name="restore", concurrency_limit=None)
        gr.api(api.measure_file, api_name="measure", concurrency_limit=None)
        gr.Markdown(INTRO)
        if _STATIC_PAGE.is_file():
            gr.Markdown(ELSEWHERE.format(_STATIC_PAGE.read_text(encoding="utf-8")))
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                studio = gr.HTML(
                    html_template=(_STUDIO / "studio.html").read_text(),
                    css_template=(_STUDIO / "studio.css").read_text(),
                    js_on_load="\n".join(scripts),
                    apply_default_css=False,
                    elem_id="studio",
                    examples=[{"name": path.stem, "thumbnail": _thumbnail(path)} for path in wishes.EXAMPLES],
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
                    info=wishes.QUALITY_INFO,
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
                    visible=network.has_realism,
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
                if network.model_name != DEFAULT_CHECKPOINT:
                    gr.Markdown(f"Network of this page: {Path(network.model_name).name}")
                with gr.Accordion("Your pictures are deleted after you leave: details and limits", open=False):
                    gr.Markdown(PRIVACY)
        settings, choices = [strength, realism, faithful, output_format], [quality, compress_first, compress_at]
        page_parts = [studio, *choices]
        # Not preprocessed: Gradio would refuse numbers beyond the ends without a word that visitors see.
        quick = {"queue": False, "preprocess": False, "show_progress": "hidden"}
        quick |= {"api_visibility": "private", "trigger_mode": "multiple"}
        changes = [
            studio.ask_add(wishes.add, settings, page_parts, **quick),
            studio.ask_example(wishes.example, settings, page_parts, **quick),
            studio.ask_come_back(wishes.come_back, None, [*page_parts, *settings], **quick),
            studio.ask_select(wishes.select, None, page_parts, **quick),
            studio.ask_remove(wishes.remove, None, page_parts, **quick),
            studio.ask_clear(wishes.clear, None, page_parts, **quick),
            studio.ask_stop(wishes.stop, None, studio, **quick),
            studio.ask_resume(wishes.resume, None, studio, **quick),
            studio.ask_measure(wishes.measure, None, studio, **quick),
            studio.ask_zip(wishes.zip_all, None, studio, **quick),
        ]
        newest = quick | {"trigger_mode": "always_last"}
        changes += [part.input(wishes.configure, settings, [studio, strength, realism], **newest) for part in settings]
        changes += [part.input(wishes.choose, [studio, *choices], page_parts, **newest) for part in choices]
        for change in changes:
            change.then(
                wishes.follow,
                None,
                studio,
                show_progress="hidden",
                api_visibility="private",
                trigger_mode="multiple",
                concurrency_limit=None,
            )
        page.load(
            wishes.start, None, [studio, *settings], show_progress="hidden", api_visibility="private", queue=False
        )
        page.unload(wishes.visitors.leave)
        for block in {block for function in page.fns.values() for block in function.inputs}:
            _fetch_nothing(block)
    return page.queue(max_size=1000)


def launch(**kwargs: Any) -> Any:
    """Start the server; arguments go to `Blocks.launch`."""
    # By default, many threads get a heap each (malloc arena), and these do not shrink: memory grows with visitors.
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 2)
    folders.keep_clean(lambda: wishes.visitors.folders() | api.at_work, lambda: network.places.is_idle)
    # Texts need more contrast than the theme gives them (WCAG: 4.5 to 1).
    theme = gr.themes.Soft().set(
        checkbox_border_color="*neutral_500",
        input_border_color="*neutral_400",
        link_text_color="*primary_800",
        link_text_color_dark="*primary_200",
        link_text_color_visited="*primary_800",
        link_text_color_visited_dark="*primary_200",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_title_text_color="*primary_800",
        block_title_text_color_dark="white",
        block_title_background_fill_dark="*primary_800",
        checkbox_label_background_fill_selected="*primary_700",
        checkbox_label_background_fill_selected_dark="*primary_700",
    )
    # White on white, the handles of the sliders would be hard to see.
    css = "input[type=range]::-webkit-slider-thumb { border: 2px solid #3730a3 } h1 { font-size: 1.5em; margin: 0 }"
    options = {"css": css, "max_file_size": MAX_MEGABYTES * 1_000_000, "theme": theme, "footer_links": []}
    return build().launch(**(options | kwargs))


if __name__ == "__main__":
    # Without this, files of visitors would outlive a server that is told to end; `nohup` ignores SIGINT, too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    launch(server_name=os.environ.get("GRADIO_SERVER_NAME"))
