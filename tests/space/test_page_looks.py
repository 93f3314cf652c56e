"""What people see, on screens of all sizes and with all ways of input, in a real browser."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.conftest import jpeg_bytes
from tests.space.actions import TIMEOUT, all_done, drop, give, report

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_message_that_was_closed_stays_closed(page: Page, tmp_path: Path, jpeg: Path) -> None:
    import wishes

    paths = [tmp_path / f"{index}.png" for index in range(wishes.MAX_PICTURES + 2)]
    for path in paths:
        Image.new("L", (16, 16), 90).save(path)
    give(page, *paths)
    expect(page.locator(".messages p")).to_have_count(2, timeout=TIMEOUT)
    expect(page.locator(".messages")).to_contain_text("24 pictures at a time; remove some, and give 25.png again.")
    expect(page.locator(".strip li")).to_have_count(24)
    for _ in range(2):
        page.get_by_role("button", name="Close this message").first.click()
    page.locator("#faithful input").uncheck()
    all_done(page, 24)
    page.wait_for_timeout(500)
    assert page.locator(".messages p").count() == 0


def test_file_names_are_shown_as_text(page: Page, photo: Image.Image) -> None:
    name = "<img src=x onerror=alert(1)> & [link](http:).jpg"
    drop(page, jpeg_bytes(photo, quality=30)[:-500], name)
    expect(page.locator(".refusal")).to_contain_text(f"{name} is damaged", timeout=TIMEOUT)
    expect(page.locator(".pick .name")).to_have_text(name)
    assert page.locator("#studio img[src=x], #studio a[href='http:']").count() == 0


def test_pixels_can_be_judged(page: Page, jpeg: Path, photo: Image.Image) -> None:
    give(page, jpeg)
    report(page, "restored")
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
    give(page, jpeg)
    report(page, "restored")
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
    give(page, jpeg)
    report(page, "restored")
    for selector in (".frame", ".report", ".download"):
        box = page.locator(selector).bounding_box()
        assert box["y"] >= -1
        assert box["y"] + box["height"] <= 900


@pytest.mark.parametrize(("width", "height"), [(1366, 700), (1280, 720)])
def test_a_laptop_shows_result_report_and_download_together(page: Page, jpeg: Path, width: int, height: int) -> None:
    page.set_viewport_size({"width": width, "height": height})
    give(page, jpeg)
    report(page, "restored")
    box = page.locator(".download").bounding_box()
    assert box["y"] + box["height"] <= height
    assert page.locator(".frame").bounding_box()["height"] >= 260


def test_a_phone_has_the_result_in_sight_after_the_tap(browser: Browser, page_url: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(page_url)
    page.locator(".examples button").first.tap()
    report(page, "restored")
    page.wait_for_timeout(800)
    box = page.locator(".frame").bounding_box()
    assert box["y"] >= -1  # parts of a pixel
    assert box["y"] + box["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


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
            give(page, jpeg)
            report(page, "restored")
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
