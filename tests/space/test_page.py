"""The page as people use it, in a real browser."""

import io
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from argan_hf import JpegRestorer, restore
from argan_hf.cli import main
from tests.conftest import EXAMPLES, jpeg_bytes, png16

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TIMEOUT = 60_000


def _give(page: Page, *paths: Path) -> None:
    page.set_input_files("#studio input[type=file]", list(paths))


def _report(page: Page, words: str) -> None:
    expect(page.locator(".report")).to_contain_text(words, timeout=TIMEOUT)


def _all_done(page: Page, count: int) -> None:
    expect(page.locator(".strip li")).to_have_count(count, timeout=TIMEOUT)
    expect(page.locator(".progress")).to_be_hidden(timeout=TIMEOUT)
    expect(page.locator(".strip .state")).not_to_contain_text(["working", "waiting"])


def _download(page: Page, selector: str = ".download") -> tuple[str, bytes]:
    expect(page.locator(selector)).to_be_visible(timeout=TIMEOUT)
    with page.expect_download() as event:
        page.click(selector)
    return event.value.suggested_filename, event.value.path().read_bytes()


def _pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.array(image)


def _by_hand(path: Path, folder: Path, *options: str) -> bytes:
    target = folder / "by-hand.png"
    assert main(["restore", str(path), "-o", str(target), "--overwrite", "--realism", "0.25", *options]) == 0
    return target.read_bytes()


def _paste(page: Page, data: bytes, name: str, kind: str) -> None:
    page.evaluate(
        """([bytes, name, type]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(bytes)], name, { type }));
            document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }""",
        [list(data), name, kind],
    )


def _drop(page: Page, data: bytes, name: str) -> None:
    page.evaluate(
        """([bytes, name]) => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File([new Uint8Array(bytes)], name));
            const footer = document.querySelector("footer") || document.body;
            for (const kind of ["dragover", "drop"])
                footer.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        [list(data), name],
    )


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Gate:
    """Holds the network back for pictures of one width."""

    def __init__(self) -> None:
        self.began, self.go_on, self.runs = threading.Event(), threading.Event(), 0
        self.width: int | None = None


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    gate, reconstruct = Gate(), JpegRestorer.reconstruct

    def held(
        self: JpegRestorer, source: Any, *arguments: Any, progress: Callable[[int, int], None], **options: Any
    ) -> Any:
        gate.runs += 1
        with Image.open(source) as image:
            is_held = image.width == gate.width
        while is_held and not gate.go_on.wait(0.02):
            progress(1, 2)
            gate.began.set()
        return reconstruct(self, source, *arguments, progress=progress, **options)

    with monkeypatch.context() as patched:
        patched.setattr(JpegRestorer, "reconstruct", held)
        yield gate
        gate.go_on.set()


def test_a_jpeg_is_restored_as_the_command_line_does(page: Page, jpeg: Path, tmp_path: Path) -> None:
    _give(page, jpeg)
    _report(page, "JPEG file of quality 17, 4:2:0, restored. Checked: saved as JPEG")
    assert page.input_value("#quality input[type=number]") == "17"
    assert _download(page) == ("holiday-restored.png", _by_hand(jpeg, tmp_path))
    # The picture before is the uploaded file itself.
    before = page.locator("img.before").get_attribute("src")
    assert page.request.get(before or "").body() == jpeg.read_bytes()
    expect(page.locator(".caption.left")).to_have_text("Original: JPEG, quality 17")
    expect(page.locator(".caption.right")).to_have_text("Restored")


def test_a_png_with_alpha_is_restored_as_it_is(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "drawing.png"
    transparent = photo.copy()
    transparent.putalpha(photo.getchannel("R"))
    transparent.save(path)
    _give(page, path)
    _report(page, "PNG file, restored without knowing how it was compressed.")
    assert _download(page) == ("drawing-restored.png", _by_hand(path, tmp_path))
    expect(page.locator("#quality")).to_be_hidden()
    expect(page.locator("#compress-first input")).not_to_be_checked()


def test_a_pasted_picture_is_restored_as_it_is(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(_png(photo))
    _paste(page, path.read_bytes(), "image.png", "image/png")
    assert _download(page) == ("image-restored.png", _by_hand(path, tmp_path))


def test_a_picture_dropped_anywhere_is_restored(page: Page, jpeg: Path, tmp_path: Path) -> None:
    _drop(page, jpeg.read_bytes(), "dropped.jpg")
    assert _download(page) == ("dropped-restored.png", _by_hand(jpeg, tmp_path))


def test_compressing_first_is_a_choice(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "pristine.png"
    photo.save(path)
    _give(page, path)
    _report(page, "PNG file, restored")
    page.locator("#compress-first input").check()
    _report(page, "Compressed at quality 20 to ")
    slider = page.locator("#compress-at input[type=range]")
    slider.focus()
    slider.press("ArrowLeft")
    _report(page, "Compressed at quality 19 to ")
    expected = restore(jpeg_bytes(photo, quality=19), realism=0.25).image
    assert np.array_equal(_pixels(_download(page)[1]), np.array(expected))
    page.locator("#compress-first input").uncheck()
    _report(page, "PNG file, restored")


def test_an_example_shows_damage_and_repair(page: Page) -> None:
    examples = page.locator(".examples button")
    assert examples.count() == len(EXAMPLES) == 8
    examples.first.click()
    _report(page, "Compressed at quality 20")
    expect(page.locator("#compress-first input")).to_be_checked()


def test_the_quality_of_a_jpeg_can_be_overridden_and_fractions_are_explained(page: Page, jpeg: Path) -> None:
    _give(page, jpeg)
    _report(page, "of quality 17")
    number = page.locator("#quality input[type=number]")
    number.fill("55.5")
    number.press("Tab")
    _report(page, "restored as one of quality 56.")
    expect(page.locator("#quality")).to_contain_text("JPEG qualities are whole numbers: 55.5 became 56.")
    assert number.input_value() == "56"
    assert np.array_equal(_pixels(_download(page)[1]), np.array(restore(jpeg, 56, realism=0.25).image))


def test_the_newest_picture_wins(page: Page, jpeg: Path, photo: Image.Image, tmp_path: Path, gate: Gate) -> None:
    first, gate.width = tmp_path / "first.jpg", 160
    first.write_bytes(jpeg_bytes(photo.resize((160, 120)), quality=40))
    _give(page, first)
    assert gate.began.wait(30)
    _give(page, jpeg)
    _report(page, "JPEG file of quality 17")
    expect(page.locator(".pick[aria-pressed=true]")).to_contain_text("holiday.jpg")
    assert _download(page)[0] == "holiday-restored.png"
    assert page.locator("img.before").get_attribute("src").endswith("holiday.jpg")
    gate.go_on.set()
    _all_done(page, 2)
    # The older one was finished later, and did not take the place of the newer one.
    _report(page, "JPEG file of quality 17")
    assert _download(page)[0] == "holiday-restored.png"
    page.locator(".pick", has_text="first.jpg").click()
    _report(page, "JPEG file of quality 40")
    name, data = _download(page)
    assert name == "first-restored.png"
    assert _pixels(data).shape[:2] == (120, 160)


def test_the_newest_settings_win(page: Page, jpeg: Path, photo: Image.Image, gate: Gate) -> None:
    gate.width = photo.width
    _give(page, jpeg)
    assert gate.began.wait(30)
    slider = page.locator("#realism input[type=range]")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    page.locator("#faithful input").uncheck()
    gate.go_on.set()
    expected = np.array(restore(jpeg, realism=0.4, faithful=False).image)
    expect(page.locator(".report")).not_to_contain_text("Checked", timeout=TIMEOUT)
    _report(page, "JPEG file of quality 17")
    page.wait_for_timeout(500)
    expect(page.locator(".progress")).to_be_hidden(timeout=TIMEOUT)
    assert np.array_equal(_pixels(_download(page)[1]), expected)


def test_a_setting_changed_meanwhile_does_not_run_the_network_twice(
    page: Page, jpeg: Path, photo: Image.Image, gate: Gate
) -> None:
    gate.width = photo.width
    _give(page, jpeg)
    assert gate.began.wait(30)
    page.locator("#faithful input").uncheck()
    page.wait_for_timeout(300)
    gate.go_on.set()
    _report(page, "JPEG file of quality 17, 4:2:0, restored. ")
    expect(page.locator(".report")).not_to_contain_text("Checked")
    assert gate.runs == 1


def test_numbers_beyond_the_ends_become_the_ends(page: Page, jpeg: Path) -> None:
    _give(page, jpeg)
    _report(page, "restored")
    number = page.locator("#realism input[type=number]")
    number.fill("5")
    number.press("Tab")
    expect(number).to_have_value("1")
    number = page.locator("#quality input[type=number]")
    number.fill("200")
    number.press("Tab")
    _report(page, "restored as one of quality 100.")
    expect(number).to_have_value("100")
    expect(page.locator(".progress")).to_be_hidden(timeout=TIMEOUT)
    expected = restore(jpeg, 100, realism=1.0).image
    assert np.array_equal(_pixels(_download(page)[1]), np.array(expected))


def test_a_slider_is_not_moved_by_late_answers(browser: Browser, page_url: str, jpeg: Path) -> None:
    page = browser.new_page()
    page.goto(page_url)
    page.wait_for_selector("#studio .examples button")
    _give(page, jpeg)
    _report(page, "of quality 17")
    slow = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 400, "downloadThroughput": -1, "uploadThroughput": -1}
    slow.send("Network.enable")
    slow.send("Network.emulateNetworkConditions", conditions)
    slider = page.locator("#quality input[type=range]")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
        page.wait_for_timeout(60)
    _report(page, "restored as one of quality 29.")
    assert page.input_value("#quality input[type=number]") == "29"
    page.close()


def test_pictures_removed_while_they_arrive_stay_removed(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    photo.resize((3000, 2500)).save(large, compress_level=1)
    _give(page, large)
    expect(page.locator(".strip li")).to_have_count(1, timeout=TIMEOUT)
    page.get_by_role("button", name="Remove large.png").click()
    expect(page.locator(".strip li")).to_have_count(0)
    page.wait_for_timeout(1500)
    expect(page.locator(".strip li")).to_have_count(0)
    expect(page.locator(".hint")).to_be_visible()


def test_files_stand_in_the_order_in_which_they_were_given(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}.png" for name in "zyxwv"]
    for index, path in enumerate(paths):
        photo.resize((1200, 900) if index == 0 else (20, 20)).save(path)  # the first takes longest to look at
    _give(page, *paths)
    expect(page.locator(".strip li")).to_have_count(5, timeout=TIMEOUT)
    assert page.locator(".strip .name").all_inner_texts() == [path.name for path in paths]


def test_a_visit_that_ended_says_so_and_goes_on(page: Page, jpeg: Path) -> None:
    import wishes

    _give(page, jpeg)
    _report(page, "JPEG file of quality 17")
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("Home")
    page.wait_for_timeout(500)
    for visit in wishes.visitors._visits.values():
        visit.deadline = 0
    wishes.visitors.folders()
    page.locator(".examples button").first.click()
    expect(page.locator(".messages")).to_contain_text("Your pictures were deleted, because nothing was clicked")
    _report(page, "Compressed at quality 20")
    expect(page.locator(".strip .name")).to_have_text(["city.png"])
    # The settings that the page shows are those of the new visit.
    with Image.open(EXAMPLES[0]) as original:
        compressed = jpeg_bytes(original.convert("RGB"), quality=20)
    with Image.open(io.BytesIO(compressed)) as expected:
        assert np.array_equal(_pixels(_download(page)[1]), np.array(expected))


def test_a_page_that_is_loaded_again_goes_on(browser: Browser, page_url: str, jpeg: Path) -> None:
    page = browser.new_page()
    page.goto(f"{page_url}?strength=0.6")
    page.wait_for_selector("#studio .examples button")
    _give(page, jpeg)
    _report(page, "JPEG file of quality 17")
    before = _download(page)
    page.reload()
    _report(page, "JPEG file of quality 17")
    expect(page.locator("#strength input[type=number]")).to_have_value("0.6")
    expect(page.locator("#quality input[type=number]")).to_have_value("17")
    assert _download(page) == before
    # Another tab is another visit.
    other = browser.new_page()
    other.goto(page_url)
    other.wait_for_selector("#studio .examples button")
    other.wait_for_timeout(500)
    assert other.locator(".strip li").count() == 0
    other.close()
    page.close()


def test_a_message_that_was_closed_stays_closed(page: Page, tmp_path: Path, jpeg: Path) -> None:
    import wishes

    paths = [tmp_path / f"{index}.png" for index in range(wishes.MAX_PICTURES + 2)]
    for path in paths:
        Image.new("L", (16, 16), 90).save(path)
    _give(page, *paths)
    expect(page.locator(".messages p")).to_have_count(2, timeout=TIMEOUT)
    expect(page.locator(".messages")).to_contain_text("24 pictures at a time; remove some, and give 25.png again.")
    expect(page.locator(".strip li")).to_have_count(24)
    for _ in range(2):
        page.get_by_role("button", name="Close this message").first.click()
    page.locator("#faithful input").uncheck()
    _all_done(page, 24)
    page.wait_for_timeout(500)
    assert page.locator(".messages p").count() == 0


def test_results_that_change_while_they_are_zipped_are_not_given(
    page: Page, photo: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wishes

    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(jpeg_bytes(photo, quality=30))
    _give(page, tmp_path / "a.jpg", tmp_path / "b.jpg")
    _all_done(page, 2)
    began, go_on, write = threading.Event(), threading.Event(), wishes._zip

    def slowly(paths: list[Path], target: Path) -> None:
        began.set()
        go_on.wait(20)
        write([path for path in paths if path.exists()], target)

    monkeypatch.setattr(wishes, "_zip", slowly)
    page.click(".zip")
    assert began.wait(20)
    page.locator("#faithful input").uncheck()
    expect(page.locator(".report")).not_to_contain_text("Checked", timeout=TIMEOUT)
    go_on.set()
    expect(page.locator(".messages")).to_contain_text("The results changed while they were put into a file")
    monkeypatch.undo()
    _all_done(page, 2)
    name, data = _download(page, ".zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 2


def test_removing_the_picture_removes_its_result(page: Page, jpeg: Path, gate: Gate, photo: Image.Image) -> None:
    _give(page, jpeg)
    _report(page, "restored")
    before = page.locator("img.before").get_attribute("src") or ""
    page.get_by_role("button", name="Remove holiday.jpg").click()
    expect(page.locator(".strip li")).to_have_count(0)
    expect(page.locator(".report")).to_have_text("")
    expect(page.locator(".download")).to_be_hidden()
    assert page.locator("img.after").get_attribute("src") is None
    assert page.request.get(before).status == 403  # deleted from the server as well
    gate.width = photo.width
    _give(page, jpeg)
    assert gate.began.wait(30)
    page.get_by_role("button", name="Remove holiday.jpg").click()
    gate.go_on.set()
    expect(page.locator(".hint")).to_be_visible()
    page.wait_for_timeout(1000)
    expect(page.locator(".download")).to_be_hidden()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"just words", "odd.jpg is not a picture in a known format"),
        (b"<!DOCTYPE html><html><body>", "odd.jpg is a web page (HTML); the picture itself was not saved"),
        (png16(0, 1), "odd.jpg: a PNG with 16 bits per channel is not read"),
        (None, "odd.jpg is damaged and cannot be decoded: it ends early"),
    ],
    ids=["text", "html", "16 bits", "damaged"],
)
def test_a_refused_file_clears_what_the_one_before_left(
    page: Page, jpeg: Path, tmp_path: Path, content: bytes | None, words: str
) -> None:
    _give(page, jpeg)
    _report(page, "restored")
    odd = tmp_path / "odd.jpg"
    odd.write_bytes(jpeg.read_bytes()[:-500] if content is None else content)
    _give(page, odd)
    expect(page.locator(".refusal")).to_contain_text(words, timeout=TIMEOUT)
    expect(page.locator(".download")).to_be_hidden()
    expect(page.locator(".report")).to_have_text("")
    expect(page.locator("img.after")).to_be_hidden()
    assert "Traceback" not in page.content()


def test_file_names_are_shown_as_text(page: Page, photo: Image.Image) -> None:
    name = "<img src=x onerror=alert(1)> & [link](http:).jpg"
    _drop(page, jpeg_bytes(photo, quality=30)[:-500], name)
    expect(page.locator(".refusal")).to_contain_text(f"{name} is damaged", timeout=TIMEOUT)
    expect(page.locator(".pick .name")).to_have_text(name)
    assert page.locator("#studio img[src=x], #studio a[href='http:']").count() == 0


def test_strength_faithful_and_format_do_not_run_the_network(page: Page, jpeg: Path, gate: Gate) -> None:
    _give(page, jpeg)
    _report(page, "Checked: saved as JPEG")
    assert gate.runs == 1
    page.locator("#faithful input").uncheck()
    expect(page.locator(".report")).not_to_contain_text("Checked", timeout=TIMEOUT)
    page.locator("#format label", has_text="WEBP").click()
    expect(page.locator(".download")).to_have_text("Download WEBP", timeout=TIMEOUT)
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("Home")
    page.wait_for_timeout(1000)
    name, data = _download(page)
    assert name == "holiday-restored.webp"
    with Image.open(jpeg) as compressed:
        assert np.array_equal(_pixels(data), np.array(compressed))
    assert gate.runs == 1


def test_several_files_one_of_them_bad(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    paths = []
    for name, quality in (("a.jpg", 20), ("b.jpg", 40)):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(jpeg_bytes(photo, quality=quality))
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg_bytes(photo, quality=60))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"%PDF-1.7")
    _give(page, paths[0], bad, paths[1], folder / "a.jpg")
    _all_done(page, 4)
    assert page.locator(".strip .state").all_inner_texts() == ["done", "not restored", "done", "done"]
    assert page.locator(".strip .name").all_inner_texts() == ["a.jpg", "bad.jpg", "b.jpg", "a.jpg"]
    assert page.locator(".strip img:visible").count() == 3
    expect(page.locator(".pick[aria-pressed=true] .name")).to_have_text("a.jpg")
    name, data = _download(page, ".zip")
    assert name == "restored.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["a-restored.png", "b-restored.png", "a-restored-2.png"]
        assert archive.read("a-restored.png") == _by_hand(paths[0], tmp_path)
        assert archive.read("a-restored-2.png") == _by_hand(folder / "a.jpg", tmp_path)
    page.click(".clear")
    expect(page.locator(".strip li")).to_have_count(0)


def test_stop_says_so_and_offers_to_start_again(page: Page, jpeg: Path, gate: Gate, photo: Image.Image) -> None:
    gate.width = photo.width
    _give(page, jpeg)
    assert gate.began.wait(30)
    expect(page.locator(".words")).to_have_text("Restoring")
    page.click(".stop")
    _report(page, "Stopped before this picture was done.")
    expect(page.locator(".progress")).to_be_hidden()
    expect(page.locator(".stop")).to_be_hidden()
    gate.go_on.set()
    page.click(".resume")
    _report(page, "JPEG file of quality 17")
    expect(page.locator(".resume")).to_be_hidden()


def test_pixels_can_be_judged(page: Page, jpeg: Path, photo: Image.Image) -> None:
    _give(page, jpeg)
    _report(page, "restored")
    stage = page.locator(".stage")
    for zoom, factor in (("1", 1), ("2", 2)):
        page.click(f"[data-zoom='{zoom}']")
        box = stage.bounding_box()
        assert (box["width"], box["height"]) == (photo.width * factor, photo.height * factor)
        assert page.locator("img.after").evaluate("image => getComputedStyle(image).imageRendering") == "pixelated"
    hold = page.locator(".hold")
    after = page.locator("img.after")
    hold.focus()
    page.keyboard.down("Space")
    expect(after).to_have_css("visibility", "hidden")
    page.keyboard.up("Space")
    expect(after).to_have_css("visibility", "visible")
    box = hold.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    expect(after).to_have_css("visibility", "hidden")
    page.mouse.up()
    expect(after).to_have_css("visibility", "visible")


def test_the_handle_follows_mouse_and_keyboard(page: Page, jpeg: Path) -> None:
    _give(page, jpeg)
    _report(page, "restored")
    handle = page.locator(".handle")
    start = handle.bounding_box()
    page.mouse.move(start["x"] + 22, start["y"] + 40)
    page.mouse.down()
    page.mouse.move(start["x"] - 40, start["y"] + 40, steps=4)
    page.mouse.up()
    dragged = handle.bounding_box()
    assert dragged["x"] < start["x"] - 40
    split = page.get_by_role("slider", name="Border between original and restored")
    split.focus()
    for _ in range(10):
        split.press("ArrowRight")
    assert handle.bounding_box()["x"] > dragged["x"] + 10
    # The restored picture is cut off at the handle.
    cut = page.locator("img.after").evaluate("image => parseFloat(image.style.clipPath.split(' ')[3])")
    left = page.locator(".stage").bounding_box()["x"]
    assert abs(left + cut - (handle.bounding_box()["x"] + 22)) < 1.5


def test_a_desktop_shows_result_report_and_download_together(page: Page, jpeg: Path) -> None:
    _give(page, jpeg)
    _report(page, "restored")
    for selector in (".frame", ".report", ".download"):
        box = page.locator(selector).bounding_box()
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= 900


@pytest.mark.parametrize(("width", "height"), [(1366, 700), (1280, 720)])
def test_a_laptop_shows_result_report_and_download_together(page: Page, jpeg: Path, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    _give(page, jpeg)
    _report(page, "restored")
    box = page.locator(".download").bounding_box()
    assert box["y"] + box["height"] <= height
    assert page.locator(".frame").bounding_box()["height"] >= 260


def test_a_phone_has_the_result_in_sight_after_the_tap(browser: Browser, page_url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(page_url)
    page.locator(".examples button").first.tap()
    _report(page, "restored")
    page.wait_for_timeout(800)
    box = page.locator(".frame").bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_settings_are_in_the_address(browser: Browser, page_url: str, jpeg: Path) -> None:
    page = browser.new_page()
    page.goto(f"{page_url}?realism=0.4&strength=0.8&format=webp&faithful=false")
    page.wait_for_selector("#studio .examples button")
    expect(page.locator("#realism input[type=number]")).to_have_value("0.4")
    expect(page.locator("#strength input[type=number]")).to_have_value("0.8")
    expect(page.locator("#faithful input")).not_to_be_checked()
    _give(page, jpeg)
    name, data = _download(page)
    assert name == "holiday-restored.webp"
    expected = restore(jpeg, strength=0.8, realism=0.4, faithful=False).image
    assert np.array_equal(_pixels(data), np.array(expected))
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("End")
    page.wait_for_url("**/?realism=0.4&format=webp&faithful=false", timeout=TIMEOUT)
    page.close()
    page = browser.new_page()
    page.goto(f"{page_url}?realism=7&format=exe")
    expect(page.locator(".messages")).to_contain_text("The address asks for realism=7, expected a number from 0 to 1.")
    expect(page.locator(".messages")).to_contain_text("format=exe, expected one of png, webp")
    page.close()


def test_every_quality_is_measured_with_the_settings(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "pristine.png"
    photo.save(path)
    _give(page, path)
    _report(page, "restored")
    page.click(".measure summary")
    page.click(".start")
    expect(page.locator(".found")).to_be_visible(timeout=TIMEOUT)
    assert page.locator(".pictures figcaption").all_inner_texts() == ["Original", "JPEG, quality 20", "Restored"]
    rows = [row.split("\t") for row in page.locator(".found tbody tr").all_inner_texts()]
    assert float(rows[1][1]) > float(rows[0][1])
    expect(page.locator(".meaning")).to_contain_text("1 dB more means that the squared error is a fifth smaller.")
    expect(page.locator(".meaning")).to_contain_text("In this picture, it is what JPEG quality")
    assert page.locator(".curve polyline").count() == 2
    # Other settings: what was measured is gone, and measuring again gives other values.
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("Home")
    expect(page.locator(".found")).to_be_hidden(timeout=TIMEOUT)
    page.click(".start")
    expect(page.locator(".found")).to_be_visible(timeout=TIMEOUT)
    rows = [row.split("\t") for row in page.locator(".found tbody tr").all_inner_texts()]
    assert rows[0][1:] == rows[1][1:]


def test_the_page_is_in_one_language(browser: Browser, page_url: str) -> None:
    texts = []
    for locale in ("en-US", "de-DE"):
        context = browser.new_context(locale=locale)
        page = context.new_page()
        page.goto(page_url)
        page.wait_for_selector("#studio .examples button")
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.lang") == "en"
        texts.append(page.inner_text("body"))
        context.close()
    assert texts[0] == texts[1]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, page_url: str, jpeg: Path, scheme: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    page.goto(page_url)
    page.wait_for_selector("#studio .examples button")
    for step in ("empty", "one", "measured"):
        if step == "one":
            _give(page, jpeg)
            _report(page, "restored")
            page.get_by_text("Your pictures are deleted after you leave").click()
        elif step == "measured":
            page.click(".measure summary")
            page.click(".start")
            expect(page.locator(".found")).to_be_visible(timeout=TIMEOUT)
        page.wait_for_timeout(300)
        found = axe.run(page).response["violations"]
        serious = [
            (violation["id"], [node["target"] for node in violation["nodes"]])
            for violation in found
            if violation["impact"] in ("serious", "critical")
        ]
        assert not serious, step
    page.close()
