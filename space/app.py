"""The demo: upload a picture, compare before and after, download the result; or measure it at every JPEG quality.

A JPEG file is restored as it is. Any other picture is first compressed at the chosen quality, so that the visitor sees
artifacts and their removal. The restorer gets the bytes of the upload without changes. The page shows and offers PNG
files that are written here, so no picture is compressed with loss again.
"""

import ctypes
import io
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

try:  # on ZeroGPU, before torch
    import spaces
except ImportError:
    spaces = None

import gradio as gr
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from argan_hf import JpegRestorer, UnreadableImageError
from argan_hf.jpeg.file import load_pixels, open_image, read_header
from measuring import measure, new_folder
from stopping import StoppedError, stop, unless_stopped

_Function = TypeVar("_Function", bound=Callable[..., Any])

DEFAULT_QUALITY = 20
MAX_MEGAPIXELS = 24
MAX_FILE_SIZE = "40mb"
_M_ARENA_MAX = -8  # of glibc's malloc.h
EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.png"))

INTRO = """# Remove JPEG artifacts from pictures
Upload a picture. A JPEG is restored as it is; any other picture is first compressed at the quality you choose, to show
the artifacts and their removal. Drag the handle to compare."""

COMPRESS_INFO = "The picture is compressed at this quality before it is restored. Lower means more artifacts."
CONDITION_INFO = "Read from the file. Change it if you know that the picture was compressed at another quality before."
BLIND_INFO = "Read from the file. This network is blind: it gets the picture only, not the quantization tables."

MEASURE_INTRO = """The middle of the picture (512x512 pixels at most) is compressed at every quality and restored.
Higher is better: PSNR and PSNR-B in dB, SSIM up to 1. Take a picture that was never compressed: in a JPEG, its own
artifacts would count as detail."""

restorer = JpegRestorer.from_pretrained()


def _on_gpu(function: _Function) -> _Function:
    return function if spaces is None else spaces.GPU(duration=60)(function)


def _forget(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _path_as_uploaded(payload: Any) -> str | None:
    return None if payload is None else payload.path


def inspect(path: str | None) -> Any:
    """Set the quality slider: to the quality of the file for a JPEG, to `DEFAULT_QUALITY` for any other picture."""
    if path is None:
        return gr.skip()
    image = _open(path)
    if isinstance(image, JpegImageFile):
        info = CONDITION_INFO if restorer.model.config.condition_on_quantization else BLIND_INFO
        return gr.Slider(value=read_header(image).quality, label="JPEG quality of the file", info=info)
    return gr.Slider(value=DEFAULT_QUALITY, label="JPEG quality", info=COMPRESS_INFO)


@_on_gpu
def restore(
    path: str | None,
    quality: int,
    strength: float = 1.0,
    faithful: bool = True,
    realism: float = 0.0,
    folder: Path | None = None,
    request: gr.Request | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[Any, ...]:
    """Restore a picture.

    Args:
        path: the uploaded file.
        quality: JPEG quality 1..100. For a JPEG file the network is conditioned on its standard tables; any other
            picture is compressed at it.
        strength: 0 (the picture as it is) to 1 (fully restored).
        faithful: whether to project the luma of the result onto the intervals of the file.
        realism: 0 (least squared error) to 1 (texture as real pictures have it, which can be false).
        folder: of the visitor's previous result, which is deleted when the new one is complete.
        request: of Gradio, identifies the visit.
        progress: of Gradio.

    Returns:
        The pictures before and after, the file to download, a line on what was done, and the folder of the result.
    """
    if path is None:
        _forget(folder)
        return None, gr.DownloadButton(interactive=False), "", None
    source = _open(path)
    is_jpeg = isinstance(source, JpegImageFile)
    try:
        data = Path(path).read_bytes() if is_jpeg else _compress(source, quality)
        other_quality = quality if is_jpeg and quality != read_header(source).quality else None
        tick = unless_stopped(request, lambda *tiles: progress(tiles, unit="tiles"))
        result = restorer(data, other_quality, strength, realism=realism, faithful=faithful, progress=tick)
        before = restorer(data, strength=0.0)
    except StoppedError:
        return tuple(gr.skip() for _ in range(4))
    except UnreadableImageError as error:
        raise _refusal(str(error).replace("the picture", Path(path).name, 1)) from error
    previous, folder = folder, new_folder()
    before_path, after_path = folder / "before.png", folder / f"{Path(path).stem}-restored.png"
    before.save(before_path)
    notes = result.save(after_path)
    _forget(previous)
    report = result.report
    if not is_jpeg:
        done = f"Compressed at quality {quality} to {len(data) / 1000:.0f} kB, then restored."
    else:
        done = f"JPEG of quality {report.quality}, {report.sampling}, restored."
    if report.consistency is not None:
        done += f" Encoded again, {report.consistency:.2%} of its luma coefficients equal those of the file."
    words = [f"{done} {report.width}x{report.height} pixels in {report.seconds:.1f} s.", *report.notes, *notes]
    return (
        (str(before_path), str(after_path)),
        gr.DownloadButton(value=str(after_path), interactive=True),
        " ".join(words),
        folder,
    )


@_on_gpu
def measure_at(
    path: str | None,
    quality: int,
    folder: Path | None = None,
    request: gr.Request | None = None,
    progress: gr.Progress = gr.Progress(),  # noqa: B008
) -> tuple[Any, ...]:
    """Compress the middle of a picture at every quality, restore it, and score both against the picture.

    Args:
        path: the uploaded file, taken as the original.
        quality: the JPEG quality whose pictures and scores are shown, 1..100.
        folder: of the visitor's previous result, which is deleted when the new one is complete.
        request: of Gradio, identifies the visit.
        progress: of Gradio.

    Returns:
        Pictures (original, JPEG, restored), a table of scores, a curve over qualities, and the folder of the result.
    """
    if path is None:
        raise _refusal("Upload a picture first, or pick an example.")
    image = _open(path)
    try:
        load_pixels(image)
    except UnreadableImageError as error:
        raise _refusal(str(error)) from error
    if min(image.size) < 16:
        raise _refusal(f"The picture has {image.width}x{image.height} pixels; scores need 16 on both sides.")
    gray = image.mode in ("1", "L", "LA")
    upright = ImageOps.exif_transpose(image).convert("L" if gray else "RGB")
    previous, folder = folder, new_folder()
    try:
        found = measure(upright, quality, folder, unless_stopped(request, progress))
    except StoppedError:
        _forget(folder)
        return (*(gr.skip() for _ in range(3)), previous)
    _forget(previous)
    return *found, folder


def _open(path: str) -> Image.Image:
    try:
        image = open_image(path)
    except UnreadableImageError as error:
        raise _refusal(str(error)) from error
    megapixels = image.width * image.height / 1e6
    if megapixels > MAX_MEGAPIXELS:
        raise _refusal(f"The picture has {megapixels:.0f} megapixels; this page takes up to {MAX_MEGAPIXELS}.")
    return image


def _refusal(sentence: str) -> gr.Error:
    return gr.Error(sentence, duration=None, print_exception=False)


def _compress(image: Image.Image, quality: int) -> bytes:
    load_pixels(image)
    buffer = io.BytesIO()
    gray = image.mode in ("1", "L", "LA")
    ImageOps.exif_transpose(image).convert("L" if gray else "RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def build() -> gr.Blocks:
    """The page."""
    with gr.Blocks(title="ARGAN: JPEG artifact removal", analytics_enabled=False, delete_cache=(300, 1800)) as page:
        # Folders of the visitor's results; deleted with the next result, or when the visit ends.
        kept, measured = (gr.State(None, time_to_live=1800, delete_callback=_forget) for _ in range(2))
        gr.Markdown(INTRO)
        source = gr.Image(
            type="filepath",
            image_mode=None,
            sources=["upload", "clipboard"],
            label="Picture",
            height=300,
            elem_id="source",
            render=False,
        )
        # gr.Image would open every upload itself, and fail without a message if it is damaged.
        source.preprocess = _path_as_uploaded
        # At the top: on a phone, which shows one column, they would otherwise stand between picture and result.
        gr.Examples([str(path) for path in EXAMPLES], source, label="Examples (CC0)", examples_per_page=8)
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                source.render()
                quality = gr.Slider(
                    1, 100, DEFAULT_QUALITY, step=1, label="JPEG quality", info=COMPRESS_INFO, elem_id="quality"
                )
                strength = gr.Slider(
                    0,
                    1,
                    1,
                    step=0.05,
                    label="Strength",
                    info="0: the picture as it is. 1: fully restored.",
                    elem_id="strength",
                )
                realism = gr.Slider(
                    0,
                    1,
                    0,
                    step=0.05,
                    label="Realism",
                    info="0: least error, smooth where detail is lost. 1: texture, which can be false. "
                    "Recommended: 0.25.",
                    elem_id="realism",
                )
                faithful = gr.Checkbox(
                    True,
                    label="Faithful",
                    info="Project the brightness onto the intervals that the JPEG file states: encoded again, the "
                    "result gives the same values.",
                    elem_id="faithful",
                )
            with gr.Column(scale=2, min_width=280), gr.Tabs():
                with gr.Tab("Before | after"):
                    comparison = gr.ImageSlider(
                        type="filepath", label="Before | after", interactive=False, max_height=640, elem_id="comparison"
                    )
                    report = gr.Markdown(elem_id="report")
                    with gr.Row():
                        download = gr.DownloadButton("Download PNG", interactive=False, elem_id="download")
                        halt = gr.Button("Stop", scale=0, min_width=100, elem_id="stop")
                with gr.Tab("At every quality", id="measure"):
                    gr.Markdown(MEASURE_INTRO)
                    start = gr.Button("Measure this picture", variant="primary", elem_id="start")
                    pictures = gr.Gallery(
                        columns=3, format="png", height=280, interactive=False, label="Pictures", elem_id="pictures"
                    )
                    scores = gr.Dataframe(
                        headers=["picture", "PSNR", "PSNR-B", "SSIM"], interactive=False, elem_id="scores"
                    )
                    curve = gr.LinePlot(
                        x="quality", y="PSNR, dB", color="picture", y_lim=None, height=300, elem_id="curve"
                    )
        inputs = [source, quality, strength, faithful, realism, kept]
        results = [comparison, download, report, kept]
        shown = source.change(inspect, source, quality, api_visibility="private", show_progress="hidden")
        restored = shown.success(restore, inputs, results, api_name="restore", concurrency_id="restore")
        again = [
            changed(
                restore,
                inputs,
                results,
                trigger_mode="always_last",
                api_visibility="private",
                concurrency_id="restore",
            )
            for changed in (quality.input, strength.input, realism.input, faithful.input)
        ]
        measuring = start.click(
            measure_at,
            [source, quality, measured],
            [pictures, scores, curve, measured],
            api_name="measure",
            concurrency_id="restore",
        )
        halt.click(stop, api_visibility="private", queue=False, cancels=[restored, *again, measuring])
    return page.queue(max_size=20, default_concurrency_limit=4)


def launch(**kwargs: Any) -> Any:
    """Start the server; arguments go to `Blocks.launch`."""
    # By default, many threads get a heap each (malloc arena), and these do not shrink: memory grows with visitors.
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 2)
    return build().launch(max_file_size=MAX_FILE_SIZE, show_error=True, theme=gr.themes.Soft(), **kwargs)


if __name__ == "__main__":
    launch()
