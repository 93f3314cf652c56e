"""Registers the classes of a package with transformers as soon as transformers is imported, and not before.

`import argan_hf` promises that `AutoModelForImageToImage` knows its networks. To import transformers for that takes
seconds, which commands such as `argan inspect` do not have. So a finder at the head of `sys.meta_path` waits until
somebody imports transformers, in whatever order.
"""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from itertools import dropwhile
from types import ModuleType
from typing import Any

_AWAITED = "transformers"


def register_when_needed(module: str) -> None:
    """Import a module that registers classes with transformers: now, if transformers is there, else when it comes.

    Args:
        module: its whole name; its package is being imported, and this is the last that it does.
    """
    waiting = _Waiting(module)
    sys.meta_path.insert(0, waiting)
    if sys.modules.get(_AWAITED) is not None:
        # Another thread may be importing it, which is waited for. If this is a part of the import of transformers, the
        # next module of the package registers.
        import_module(_AWAITED)
        waiting.register_if_possible()


class _Waiting:
    """A finder that finds what the others find, and notices when transformers and modules of the package are executed.

    Modules of the package import transformers themselves. What registers imports them in turn, so it has to wait until
    none of them is half done.

    Args:
        module: what is imported in the end.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._prefix = module.rpartition(".")[0] + "."
        self._running: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """The spec of a module that is watched; `None` leaves others to the finders that follow.

        It can be asked for without an import (`importlib.util.find_spec`), so nothing but the execution counts.
        """
        if name != _AWAITED and not name.startswith(self._prefix):
            return None
        followers = list(dropwhile(lambda finder: finder is not self, sys.meta_path))[1:]
        specs = (finder.find_spec(name, path, target) for finder in followers)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _WatchedLoader(spec.loader, self._execute)
        return spec

    def _execute(self, loader: Loader, module: ModuleType) -> None:
        self._running.add(module.__name__)
        try:
            loader.exec_module(module)
        finally:
            self._running.discard(module.__name__)
        self.register_if_possible(is_there=module.__name__ == _AWAITED)

    def register_if_possible(self, *, is_there: bool = False) -> None:
        """Import the module that registers, unless transformers or a module of the package is missing or half done.

        Args:
            is_there: whether it is known that transformers is complete.
        """
        if self._running or not (is_there or _is_complete(sys.modules.get(_AWAITED))):
            return
        try:
            import_module(self._module)
        except ImportError:
            # Another thread began to import a module of the package meanwhile, and comes here at its end.
            if not self._running:
                raise
            return
        # A new list: another thread may be going through the old one, and would miss a finder.
        sys.meta_path = [finder for finder in sys.meta_path if finder is not self]


class _WatchedLoader(Loader):
    """A loader that hands a module to a function that executes it; then the module has its own loader again."""

    def __init__(self, loader: Loader, execute: Callable[[Loader, ModuleType], None]) -> None:
        self._loader = loader
        self._execute = execute

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._execute(self._loader, module)


def _is_complete(module: ModuleType | None) -> bool:
    # This is what an import looks at, too.
    return module is not None and not getattr(module.__spec__, "_initializing", False)
