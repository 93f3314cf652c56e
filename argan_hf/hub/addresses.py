"""Addresses of pages that link to each other: an id on the Hub, or any URL."""

import re
from urllib.parse import urlsplit

from huggingface_hub.utils import validate_repo_id

# What would end a link in HTML or Markdown is part of no URL.
_URL = re.compile(r"https?://[^\s<>\"'`\\\x00-\x1f\x7f]+", re.IGNORECASE)


def page_address(id_or_url: str) -> str:
    """The address of a page.

    Args:
        id_or_url: "owner/name" of a Space, or a URL.

    Raises:
        ValueError: if it is neither.
    """
    if ":" in id_or_url:
        if not _URL.fullmatch(id_or_url) or not _host(id_or_url):
            raise ValueError(f"{id_or_url} is no address of a page, expected one that starts with https:// or http://")
        return id_or_url
    if "/" not in id_or_url:
        raise ValueError(f"{id_or_url} is no address of a page, expected OWNER/NAME of a Space, or a URL")
    validate_repo_id(id_or_url)
    return f"https://huggingface.co/spaces/{id_or_url}"


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:  # of brackets that are not closed
        return None
