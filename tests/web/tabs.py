"""Pages of the staged site in a real browser, and what tests call in them."""

from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Browser, Page


class Tab:
    """A page of the staged site."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def call(self, function: str, **options: object) -> Any:
        """What a function of `web/tests/in_page.js` gives."""
        script = "([name, options]) => import('/tests/in_page.js').then((tests) => tests[name](options))"
        return self._page.evaluate(script, [function, options])


def opened_tabs(browser: Browser) -> Iterator[Any]:
    """Opens pages; afterwards, none may have asked another machine or complained."""
    context = browser.new_context()
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))

    def open_tab(url: str) -> Tab:
        page = context.new_page()
        page.goto(f"{url}blank.html")
        return Tab(page)

    yield open_tab
    context.close()
    assert not [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert not complaints
