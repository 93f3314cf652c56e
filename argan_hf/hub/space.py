"""Publishes a complete Space in one commit to the Hub: the page, its examples, this package and its default weights."""

import shutil
from pathlib import Path

from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import validate_repo_id

from ..checkpoint_files import CHECKPOINTS
from ..defaults import DEFAULT_CHECKPOINT
from .addresses import page_address
from .upload import upload_space

_PAYMENT_REQUIRED = 402
_PACKAGE = Path(__file__).parents[1]
_SPACE = _PACKAGE.parent / "space"
_STATIC_PAGE = "static_page.txt"  # app.py shows it

ZERO_GPU = "zero-a10g"
"""Name on the Hub of hardware that lends a GPU to single requests; the only one that is free for Gradio Spaces."""

WHAT_IS_FREE = (
    "A free account that is verified and older than 30 days may have two Spaces on ZeroGPU; visitors get 2 minutes of "
    "GPU time a day, or 5 with an account. Spaces on other hardware, cpu-basic included, need a paid plan."
)
"""The rules of the Hub as of August 2026, for those who publish; huggingface.co/docs/hub/spaces-zerogpu has today's."""


def publish_space(
    repo_id: str,
    *,
    private: bool = False,
    hardware: str = ZERO_GPU,
    token: str | None = None,
    static_page: str | None = None,
) -> str:
    """Publish the demo as a Space in one commit; the Space is created if it does not exist.

    Args:
        repo_id: "owner/name", or a name only, for the owner of the token.
        private: whether a new Space is private.
        hardware: of a new Space, as the Hub names it ("zero-a10g", "cpu-basic", …).
        token: of the Hub, with write access; default: that of `hf auth login`.
        static_page: as for [`stage_space`].

    Returns:
        The address of the commit.

    Raises:
        ValueError: if there is no valid token, the account's plan does not include such a Space, the Space exists and
            is another kind of page, or [`stage_space`] finds something wrong.
        HfHubHTTPError: if the Hub refuses the request for another reason.
    """
    try:
        return upload_space(
            lambda full_id, staged: stage_space(full_id, staged, static_page),
            repo_id,
            sdk="gradio",
            message="Publish the demo",
            hardware=hardware,
            optional=[_STATIC_PAGE],
            private=private,
            token=token,
        )
    except HfHubHTTPError as error:
        if error.response.status_code == _PAYMENT_REQUIRED:
            raise ValueError(f"the Hub asks for a paid plan for a Space on {hardware}. {WHAT_IS_FREE}") from error
        raise


def stage_space(repo_id: str, target: Path, static_page: str | None = None) -> None:
    """Write all files of a Space into a folder.

    Args:
        repo_id: of the Space.
        target: an empty folder.
        static_page: the page that restores in the browser, to which this one links: "owner/name" of a Space, or a URL.

    Raises:
        ValueError: if the address is none, or the files of the demo are missing because the package was not installed
            from a checkout of the repository.
    """
    validate_repo_id(repo_id)
    address = page_address(static_page) if static_page else None
    if not (_SPACE / "app.py").is_file():
        raise ValueError(f"the demo is not at {_SPACE}: clone the repository and install it with `pip install -e .`")
    ignored = shutil.ignore_patterns("__pycache__", ".*", "checkpoints")
    shutil.copytree(_SPACE, target, ignore=ignored, dirs_exist_ok=True)
    shutil.copytree(_PACKAGE, target / _PACKAGE.name, ignore=ignored)
    weights = Path(_PACKAGE.name, CHECKPOINTS.name, DEFAULT_CHECKPOINT)
    shutil.copytree(CHECKPOINTS / DEFAULT_CHECKPOINT, target / weights, ignore=ignored)
    if address:
        (target / _STATIC_PAGE).write_text(address, encoding="utf-8")
