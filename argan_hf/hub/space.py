"""Publishes a complete Space in one commit to the Hub: the page, its examples, this package and its default weights."""

import shutil
import tempfile
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils import validate_repo_id

from ..checkpoint_files import CHECKPOINTS
from ..defaults import DEFAULT_CHECKPOINT
from .upload import check_token

_PAYMENT_REQUIRED = 402
_PACKAGE = Path(__file__).parents[1]
_SPACE = _PACKAGE.parent / "space"


ZERO_GPU = "zero-a10g"
"""Name on the Hub of hardware that lends a GPU to single requests; the only one that is free for Gradio Spaces."""

WHAT_IS_FREE = (
    "A free account that is verified and older than 30 days may have two Spaces on ZeroGPU; visitors get 2 minutes of "
    "GPU time a day, or 5 with an account. Spaces on other hardware, cpu-basic included, need a paid plan."
)
"""The rules of the Hub as of August 2026, for those who publish; huggingface.co/docs/hub/spaces-zerogpu has today's."""


def publish_space(repo_id: str, *, private: bool = False, hardware: str = ZERO_GPU, token: str | None = None) -> str:
    """Publish the demo as a Space in one commit; the Space is created if it does not exist.

    Args:
        repo_id: "owner/name", or a name only, for the owner of the token.
        private: whether a new Space is private.
        hardware: of a new Space, as the Hub names it ("zero-a10g", "cpu-basic", …).
        token: of the Hub, with write access; default: that of `hf auth login`.

    Returns:
        The address of the commit.

    Raises:
        ValueError: if there is no valid token, the account's plan does not include such a Space, or the files of the
            demo are missing because the package was not installed from a checkout of the repository.
        HfHubHTTPError: if the Hub refuses the request for another reason.
    """
    user = check_token(token)
    repo_id = repo_id if "/" in repo_id else f"{user}/{repo_id}"
    api = HfApi(token=token)
    with tempfile.TemporaryDirectory() as staged:
        stage_space(repo_id, Path(staged))
        try:
            api.create_repo(
                repo_id,
                repo_type="space",
                space_sdk="gradio",
                space_hardware=hardware,
                private=private,
                exist_ok=True,
            )
        except HfHubHTTPError as error:
            if error.response.status_code == _PAYMENT_REQUIRED:
                raise ValueError(f"the Hub asks for a paid plan for a Space on {hardware}. {WHAT_IS_FREE}") from error
            raise
        commit = api.upload_folder(
            repo_id=repo_id, repo_type="space", folder_path=staged, commit_message="Publish the demo"
        )
    return str(commit.commit_url)


def stage_space(repo_id: str, target: Path) -> None:
    """Write all files of a Space into a folder.

    Args:
        repo_id: of the Space.
        target: an empty folder.

    Raises:
        ValueError: if the files of the demo are missing because the package was not installed from a checkout of the
            repository.
    """
    validate_repo_id(repo_id)
    if not (_SPACE / "app.py").is_file():
        raise ValueError(f"the demo is not at {_SPACE}: clone the repository and install it with `pip install -e .`")
    ignored = shutil.ignore_patterns("__pycache__", ".*", "checkpoints")
    shutil.copytree(_SPACE, target, ignore=ignored, dirs_exist_ok=True)
    shutil.copytree(_PACKAGE, target / _PACKAGE.name, ignore=ignored)
    weights = Path(_PACKAGE.name, CHECKPOINTS.name, DEFAULT_CHECKPOINT)
    shutil.copytree(CHECKPOINTS / DEFAULT_CHECKPOINT, target / weights, ignore=ignored)
