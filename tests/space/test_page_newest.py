"""The newest wish wins, and no result appears beside another picture, in a real browser."""

import io
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from argan_hf import restore
from tests.conftest import EXAMPLES, jpeg_bytes
from tests.space.actions import TIMEOUT, all_done, download, give, pixels, report
from tests.space.conftest import Gate

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_newest_picture_wins(page: Page, jpeg: Path, photo: Image.Image, tmp_path: Path, gate: Gate) -> None:
    first, gate.width = tmp_path / "first.jpg", 160
    first.write_bytes(jpeg_bytes(photo.resize((160, 120)), quality=40))
    give(page, first)
    assert gate.began.wait(30)
    give(page, jpeg)
    report(page, "JPEG file of quality 17")
    expect(page.locator(".pick[aria-pressed=true]")).to_contain_text("holiday.jpg")
    assert download(page)[0] == "holiday-restored.png"
    assert page.locator("img.before").get_attribute("src").endswith("holiday.jpg")
    gate.go_on.set()
    all_done(page, 2)
    # The older one was finished later, and did not take the place of the newer one.
    report(page, "JPEG file of quality 17")
    assert download(page)[0] == "holiday-restored.png"
    page.locator(".pick", has_text="first.jpg").click()
    report(page, "JPEG file of quality 40")
    name, data = download(page)
    assert name == "first-restored.png"
    assert pixels(data).shape[:2] == (120, 160)


def test_the_newest_settings_win(page: Page, jpeg: Path, photo: Image.Image, gate: Gate) -> None:
    gate.width = photo.width
    give(page, jpeg)
    assert gate.began.wait(30)
    slider = page.locator("#realism input[type=range]")
    slider.focus()
    for _ in range(3):
        slider.press("ArrowRight")
    page.locator("#faithful input").uncheck()
    gate.go_on.set()
    expected = np.array(restore(jpeg, realism=0.4, faithful=False).image)
    expect(page.locator(".report")).not_to_contain_text("Checked", timeout=TIMEOUT)
    report(page, "JPEG file of quality 17")
    page.wait_for_timeout(500)
    expect(page.locator(".progress")).to_be_hidden(timeout=TIMEOUT)
    assert np.array_equal(pixels(download(page)[1]), expected)


def test_a_setting_changed_meanwhile_does_not_run_the_network_twice(
    page: Page, jpeg: Path, photo: Image.Image, gate: Gate
) -> None:
    gate.width = photo.width
    give(page, jpeg)
    assert gate.began.wait(30)
    page.locator("#faithful input").uncheck()
    page.wait_for_timeout(300)
    gate.go_on.set()
    report(page, "JPEG file of quality 17, 4:2:0, restored. ")
    expect(page.locator(".report")).not_to_contain_text("Checked")
    assert gate.runs == 1


def test_a_slider_is_not_moved_by_late_answers(browser: Browser, page_url: str, jpeg: Path) -> None:
    page = browser.new_page()
    page.goto(page_url)
    page.wait_for_selector("#studio .examples button")
    give(page, jpeg)
    report(page, "of quality 17")
    slow = page.context.new_cdp_session(page)
    conditions = {"offline": False, "latency": 400, "downloadThroughput": -1, "uploadThroughput": -1}
    slow.send("Network.enable")
    slow.send("Network.emulateNetworkConditions", conditions)
    slider = page.locator("#quality input[type=range]")
    slider.focus()
    for _ in range(12):
        slider.press("ArrowRight")
        page.wait_for_timeout(60)
    report(page, "restored as one of quality 29.")
    assert page.input_value("#quality input[type=number]") == "29"
    page.close()


def test_pictures_removed_while_they_arrive_stay_removed(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    photo.resize((3000, 2500)).save(large, compress_level=1)
    give(page, large)
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
    give(page, *paths)
    expect(page.locator(".strip li")).to_have_count(5, timeout=TIMEOUT)
    assert page.locator(".strip .name").all_inner_texts() == [path.name for path in paths]


def test_a_visit_that_ended_says_so_and_goes_on(page: Page, jpeg: Path) -> None:
    import wishes

    give(page, jpeg)
    report(page, "JPEG file of quality 17")
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("Home")
    page.wait_for_timeout(500)
    for visit in wishes.visitors._visits.values():
        visit.deadline = 0
    wishes.visitors.folders()
    page.locator(".examples button").first.click()
    expect(page.locator(".messages")).to_contain_text("Your pictures were deleted, because nothing was clicked")
    report(page, "Compressed at quality 20")
    expect(page.locator(".strip .name")).to_have_text(["city.png"])
    # The settings that the page shows are those of the new visit.
    with Image.open(EXAMPLES[0]) as original:
        compressed = jpeg_bytes(original.convert("RGB"), quality=20)
    with Image.open(io.BytesIO(compressed)) as expected:
        assert np.array_equal(pixels(download(page)[1]), np.array(expected))


def test_a_page_that_is_loaded_again_goes_on(browser: Browser, page_url: str, jpeg: Path) -> None:
    page = browser.new_page()
    page.goto(f"{page_url}?strength=0.6")
    page.wait_for_selector("#studio .examples button")
    # The address is read a moment after the page is there.
    expect(page.locator("#strength input[type=number]")).to_have_value("0.6")
    give(page, jpeg)
    report(page, "JPEG file of quality 17")
    before = download(page)
    page.reload()
    report(page, "JPEG file of quality 17")
    expect(page.locator("#strength input[type=number]")).to_have_value("0.6")
    expect(page.locator("#quality input[type=number]")).to_have_value("17")
    assert download(page) == before
    # Another tab is another visit.
    other = browser.new_page()
    other.goto(page_url)
    other.wait_for_selector("#studio .examples button")
    other.wait_for_timeout(500)
    assert other.locator(".strip li").count() == 0
    other.close()
    page.close()


def test_results_that_change_while_they_are_zipped_are_not_given(
    page: Page, photo: Image.Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import wishes

    for name in "ab":
        (tmp_path / f"{name}.jpg").write_bytes(jpeg_bytes(photo, quality=30))
    give(page, tmp_path / "a.jpg", tmp_path / "b.jpg")
    all_done(page, 2)
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
    all_done(page, 2)
    name, data = download(page, ".zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.namelist()) == 2


def test_removing_the_picture_removes_its_result(page: Page, jpeg: Path, gate: Gate, photo: Image.Image) -> None:
    give(page, jpeg)
    report(page, "restored")
    before = page.locator("img.before").get_attribute("src") or ""
    page.get_by_role("button", name="Remove holiday.jpg").click()
    expect(page.locator(".strip li")).to_have_count(0)
    expect(page.locator(".report")).to_have_text("")
    expect(page.locator(".download")).to_be_hidden()
    assert page.locator("img.after").get_attribute("src") is None
    assert page.request.get(before).status == 403  # deleted from the server as well
    gate.width = photo.width
    give(page, jpeg)
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
        (None, "odd.jpg is damaged and cannot be decoded: it ends early"),
    ],
    ids=["text", "html", "damaged"],
)
def test_a_refused_file_clears_what_the_one_before_left(
    page: Page, jpeg: Path, tmp_path: Path, content: bytes | None, words: str
) -> None:
    give(page, jpeg)
    report(page, "restored")
    odd = tmp_path / "odd.jpg"
    odd.write_bytes(jpeg.read_bytes()[:-500] if content is None else content)
    give(page, odd)
    expect(page.locator(".refusal")).to_contain_text(words, timeout=TIMEOUT)
    expect(page.locator(".download")).to_be_hidden()
    expect(page.locator(".report")).to_have_text("")
    expect(page.locator("img.after")).to_be_hidden()
    assert "Traceback" not in page.content()


def test_strength_faithful_and_format_do_not_run_the_network(page: Page, jpeg: Path, gate: Gate) -> None:
    give(page, jpeg)
    report(page, "Checked: saved as JPEG")
    assert gate.runs == 1
    page.locator("#faithful input").uncheck()
    expect(page.locator(".report")).not_to_contain_text("Checked", timeout=TIMEOUT)
    page.locator("#format label", has_text="WEBP").click()
    expect(page.locator(".download")).to_have_text("Download WEBP", timeout=TIMEOUT)
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("Home")
    page.wait_for_timeout(1000)
    name, data = download(page)
    assert name == "holiday-restored.webp"
    with Image.open(jpeg) as compressed:
        assert np.array_equal(pixels(data), np.array(compressed))
    assert gate.runs == 1


def test_stop_says_so_and_offers_to_start_again(page: Page, jpeg: Path, gate: Gate, photo: Image.Image) -> None:
    gate.width = photo.width
    give(page, jpeg)
    assert gate.began.wait(30)
    expect(page.locator(".words")).to_have_text("Restoring")
    page.click(".stop")
    report(page, "Stopped before this picture was done.")
    expect(page.locator(".progress")).to_be_hidden()
    expect(page.locator(".stop")).to_be_hidden()
    gate.go_on.set()
    page.click(".resume")
    report(page, "JPEG file of quality 17")
    expect(page.locator(".resume")).to_be_hidden()
