import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image
from playwright.sync_api import Page, expect

from argan_hf import JpegRestorer, restore
from argan_hf.cli import main
from tests.conftest import EXAMPLES, jpeg_bytes
from tests.jpeg.test_file import giant_jpeg
from tests.test_saving import PROFILE

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TIMEOUT = 60_000
CACHE = Path(tempfile.gettempdir()) / "gradio"


def _upload(page: Page, path: Path) -> None:
    page.set_input_files("#source input[type=file]", path)


def _done(page: Page, words: str) -> None:
    expect(page.locator("#report")).to_contain_text(words, timeout=TIMEOUT)


def _quality(page: Page) -> str:
    return page.input_value("#quality input[type=number]")


def _download(page: Page) -> Path:
    with page.expect_download() as event:
        page.click("#download")
    assert event.value.suggested_filename.endswith("-restored.png")
    return event.value.path()


@pytest.fixture
def jpeg(tmp_path: Path, photo: Image.Image) -> Path:
    path = tmp_path / "holiday.jpg"
    path.write_bytes(jpeg_bytes(photo, quality=17))
    return path


def test_a_jpeg_is_restored_from_its_own_bytes(page: Page, jpeg: Path) -> None:
    _upload(page, jpeg)
    _done(page, "JPEG of quality 17, 4:2:0, restored.")
    assert _quality(page) == "17"
    assert page.locator("#comparison img").count() == 2
    with Image.open(_download(page)) as downloaded:
        assert np.array_equal(np.array(downloaded), np.array(restore(jpeg).image))


def test_a_gray_jpeg_comes_back_gray(page: Page, jpeg: Path, photo: Image.Image) -> None:
    jpeg.write_bytes(jpeg_bytes(photo.convert("L"), quality=40))
    _upload(page, jpeg)
    _done(page, "JPEG of quality 40, gray, restored")
    with Image.open(_download(page)) as downloaded:
        assert downloaded.mode == "L"


def test_inks_and_profile_come_back_as_the_command_line_writes_them(
    page: Page, jpeg: Path, photo: Image.Image, tmp_path: Path
) -> None:
    for picture in (photo, photo.convert("CMYK")):
        jpeg.write_bytes(jpeg_bytes(picture, quality=30, icc_profile=PROFILE if picture.mode == "RGB" else b""))
        _upload(page, jpeg)
        _done(page, "converted to RGB" if picture.mode == "CMYK" else "JPEG of quality 30")
        by_hand = tmp_path / f"{picture.mode}.png"
        assert main(["restore", str(jpeg), "-o", str(by_hand)]) == 0
        with Image.open(_download(page)) as downloaded, Image.open(by_hand) as expected:
            assert np.array_equal(np.array(downloaded), np.array(expected))
            assert downloaded.info.get("icc_profile") == expected.info.get("icc_profile")
            assert ("icc_profile" in downloaded.info) == (picture.mode == "RGB")
        page.locator("#source button[aria-label='Clear'], #source button[aria-label='Remove Image']").first.click()


def test_the_handle_follows_the_mouse(page: Page, jpeg: Path) -> None:
    _upload(page, jpeg)
    _done(page, "restored")
    handle = page.locator("#comparison .outer")
    before = handle.bounding_box()
    page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    page.mouse.down()
    page.mouse.move(before["x"] - 80, before["y"] + before["height"] / 2, steps=5)
    page.mouse.up()
    assert handle.bounding_box()["x"] < before["x"] - 40


def test_stop_ends_what_runs(page: Page, jpeg: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = threading.Event(), threading.Event()

    def endless(self: JpegRestorer, *args: object, progress: Callable[[int, int], None], **options: object) -> None:
        try:
            for _ in range(1200):
                progress(1, 2)
                began.set()
                time.sleep(0.05)
        finally:
            ended.set()

    with monkeypatch.context() as patched:
        patched.setattr(JpegRestorer, "__call__", endless)
        _upload(page, jpeg)
        assert began.wait(30)
        page.click("#stop")
        assert ended.wait(10)
    page.locator("#faithful input").uncheck()
    _done(page, "JPEG of quality 17, 4:2:0, restored.")


def test_a_pristine_picture_is_compressed_at_the_slider(page: Page, tmp_path: Path, photo: Image.Image) -> None:
    path = tmp_path / "pristine.png"
    photo.save(path)
    _upload(page, path)
    _done(page, "Compressed at quality 20")
    slider = page.locator("#quality input[type=range]")
    slider.focus()
    slider.press("ArrowLeft")
    _done(page, "Compressed at quality 19")
    with Image.open(_download(page)) as downloaded:
        expected = restore(jpeg_bytes(photo, quality=19)).image
        assert np.array_equal(np.array(downloaded), np.array(expected))


def test_an_example_is_one_click_away(page: Page) -> None:
    page.locator("button.gallery-item").first.click()
    _done(page, "Compressed at quality 20")
    assert len(EXAMPLES) == 8
    assert page.locator("button.gallery-item").count() == 8


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"just words", "holiday.jpg is not a picture in a known format"),
        (b"", "holiday.jpg is empty"),
        ("truncated", "ends early"),
        (giant_jpeg(), "megapixels"),
    ],
    ids=["text", "empty", "truncated", "giant"],
)
def test_a_broken_file_gets_its_sentence(page: Page, jpeg: Path, content: bytes | str, words: str) -> None:
    jpeg.write_bytes(jpeg.read_bytes()[:-500] if isinstance(content, str) else content)
    _upload(page, jpeg)
    expect(page.locator(".toast-body.error")).to_contain_text(words, timeout=TIMEOUT)
    assert "Traceback" not in page.content()
    expect(page.locator("#download")).to_be_disabled()


def _wait_for_result(page: Page, expected: np.ndarray) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        page.wait_for_timeout(300)
        newest = max(CACHE.glob("*/holiday-restored.png"), key=lambda path: path.stat().st_mtime)
        with Image.open(newest) as restored:
            if np.array_equal(np.array(restored), expected):
                return
    pytest.fail("no result has the expected pixels")


def test_strength_and_faithful_reach_the_restorer(page: Page, jpeg: Path) -> None:
    _upload(page, jpeg)
    _done(page, "equal those of the file")
    page.locator("#faithful input").uncheck()
    expect(page.locator("#report")).not_to_contain_text("equal those of the file", timeout=TIMEOUT)
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("Home")
    with Image.open(jpeg) as compressed:
        expected = np.array(compressed)
    _wait_for_result(page, expected)


def test_realism_reaches_the_restorer(page: Page, jpeg: Path) -> None:
    _upload(page, jpeg)
    _done(page, "equal those of the file")
    slider = page.locator("#realism input[type=range]")
    slider.focus()
    slider.press("End")
    expected = np.array(restore(jpeg, realism=1.0).image)
    _wait_for_result(page, expected)


def test_every_quality_is_measured_on_demand(page: Page, jpeg: Path) -> None:
    _upload(page, jpeg)
    _done(page, "restored")
    page.get_by_role("tab", name="At every quality").click()
    page.click("#start")
    expect(page.locator("#pictures img")).to_have_count(3, timeout=TIMEOUT)
    expect(page.locator("#pictures")).to_contain_text("JPEG, quality 17")
    table = page.locator("#scores")
    expect(table).to_contain_text("restored")
    expect(page.locator("#curve canvas, #curve svg").first).to_be_visible(timeout=TIMEOUT)


def test_measuring_nothing_gets_its_sentence(page: Page) -> None:
    page.get_by_role("tab", name="At every quality").click()
    page.click("#start")
    expect(page.locator(".toast-body.error")).to_contain_text("Upload a picture first", timeout=TIMEOUT)


def test_a_phone_shows_it_all_without_scrolling_sideways(page: Page, jpeg: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    _upload(page, jpeg)
    _done(page, "restored")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_next_picture_deletes_the_last_one(page: Page, jpeg: Path) -> None:
    def folders() -> set[Path]:
        return {path.parent for path in CACHE.glob("*/*-restored.png")}

    others = folders()
    _upload(page, jpeg)
    _done(page, "of quality 17")
    (first,) = folders() - others
    page.locator("#faithful input").uncheck()
    expect(page.locator("#report")).not_to_contain_text("equal those of the file", timeout=TIMEOUT)
    assert not first.exists()
    assert len(folders() - others) == 1


def test_the_api_restores_and_measures(page_url: str, jpeg: Path) -> None:
    client = Client(page_url, verbose=False)
    (before, after), _, report = client.predict(handle_file(jpeg), 17, 1.0, True, 0.0, api_name="/restore")
    assert "JPEG of quality 17" in report
    with Image.open(after) as restored, Image.open(before) as compressed, Image.open(jpeg) as source:
        assert np.array_equal(np.array(restored), np.array(restore(jpeg).image))
        assert np.array_equal(np.array(compressed), np.array(source))
    pictures, scores, _ = client.predict(handle_file(EXAMPLES[0]), 30, api_name="/measure")
    assert len(pictures) == 3
    names, psnr = zip(*((row[0], float(row[1])) for row in scores["data"]), strict=True)
    assert names == ("jpeg", "restored")
    assert psnr[1] > psnr[0]


def test_clearing_the_picture_clears_the_result(page: Page, jpeg: Path) -> None:
    _upload(page, jpeg)
    _done(page, "restored")
    page.locator("#source button[aria-label='Clear'], #source button[aria-label='Remove Image']").first.click()
    expect(page.locator("#report")).not_to_contain_text("restored", timeout=TIMEOUT)
    expect(page.locator("#download")).to_be_disabled()
