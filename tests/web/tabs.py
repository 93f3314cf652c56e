"""Pages of the staged site in a real browser, and what tests call in them."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page


class Tab:
    """A page of the staged site."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def call(self, function: str, **options: object) -> Any:
        """What a function of `web/tests/in_page.js` gives."""
        script = "([name, options]) => import('/tests/in_page.js').then((tests) => tests[name](options))"
        return self._page.evaluate(script, [function, options])


@contextlib.contextmanager
def watched(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Makes contexts of a browser; in the end, none may have asked another machine or complained.

    Where a file is missing on purpose, the browser complains: `complains=True`.
    """
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    complaints: list[str] = []

    def new_context(*, complains: bool = False, **options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        contexts.append(context)
        context.on("request", lambda request: asked.append(request.url))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        if not complains:
            context.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        return context

    yield new_context
    for context in contexts:
        context.close()
    assert not [url for url in asked if not url.startswith(("http://127.0.0.1:", "data:", "blob:"))]
    assert not complaints


def opened_tabs(browser: Browser) -> Iterator[Any]:
    """Opens pages; afterwards, none may have asked another machine or complained."""
    with watched(browser) as new_context:
        context = new_context()

        def open_tab(url: str) -> Tab:
            page = context.new_page()
            page.goto(f"{url}blank.html")
            return Tab(page)

        yield open_tab
