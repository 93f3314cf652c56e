"""The command `argan`. One file per subcommand; `main.py` puts them together."""

from .main import main

__all__ = ["main"]
