"""Publishes a complete Space in one commit to the Hub: the page, its examples, this package and its default weights."""

import shutil
import tempfile
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.utils import validate_repo_id

from ..variants import CHECKPOINTS, DEFAULT_CHECKPOINT
from .publish import check_token

_PACKAGE = Path(__file__).parents[1]
_SPACE = _PACKAGE.parent / "space"


def publish_space(repo_id: str, *, private: bool = False, token: str | None = None) -> str:
    """Publish the demo as a Space in one commit; the Space is created if it does not exist.

    Args:
        repo_id: "owner/name", or a name only, for the owner of the token.
        private: whether a new Space is private.
        token: of the Hub, with write access; default: that of `hf auth login`.

    Returns:
        The address of the commit.

    Raises:
        ValueError: if there is no valid token, or the files of the demo are missing because the package was not
            installed from a checkout of the repository.
        HfHubHTTPError: if the Hub refuses the request, for instance because the account may not have a Space.
    """
    user = check_token(token)
    repo_id = repo_id if "/" in repo_id else f"{user}/{repo_id}"
    api = HfApi(token=token)
    with tempfile.TemporaryDirectory() as staged:
        stage_space(repo_id, Path(staged))
        api.create_repo(repo_id, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
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
