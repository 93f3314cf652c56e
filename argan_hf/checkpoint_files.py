"""Where the files of a checkpoint lie, by its name."""

from pathlib import Path

CHECKPOINTS = Path(__file__).parent / "checkpoints"
"""The weights in this package, a folder each."""


def locate(name_or_path: str | Path) -> str | Path:
    """The folder of a checkpoint of this package, for its name; any other argument is returned unchanged."""
    shipped = CHECKPOINTS / str(name_or_path)
    return shipped if (shipped / "config.json").is_file() else name_or_path


def weights_name(variant: str | None = None) -> str:
    """Name of the file that holds the weights of a variant, or of the default."""
    return f"model.{variant}.safetensors" if variant else "model.safetensors"
