"""The link from the page to the one that restores in the browser, which a published Space may have."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_page_that_knows_another_says_where_pictures_are_restored(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import app

    path = tmp_path / "static_page.txt"
    path.write_text("https://example.org/a)b_c_d")
    monkeypatch.setattr(app, "_STATIC_PAGE", path)
    server = app.build()
    try:
        _, url, _ = server.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
        page = browser.new_page()
        page.goto(url)
        link = page.get_by_role("link", name="Another page")
        expect(link).to_have_attribute("href", "https://example.org/a)b_c_d")
        # The page of a Space lies in a frame.
        expect(link).to_have_attribute("target", "_blank")
        expect(page.get_by_text("Pictures are restored on this server.")).to_be_visible()
        page.close()
    finally:
        server.close()


def test_a_page_that_knows_no_other_has_no_line(page: Page) -> None:
    expect(page.get_by_text("restored on this server")).to_have_count(0)
