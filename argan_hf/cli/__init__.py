"""The command `argan`. Each subcommand has its own file; `main.py` combines them."""

from .main import main

__all__ = ["main"]
