"""The libraries that an export needs, which are an extra: restoring pictures works without them."""

from importlib.util import find_spec

_LIBRARIES = ("onnx", "onnxruntime", "onnxscript")


def require_onnx() -> None:
    """Make sure that the libraries for ONNX are installed, before any work is done.

    Raises:
        ImportError: if one is missing.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise ImportError(
            f"an export to ONNX needs {' and '.join(missing)}: install what is missing with "
            '`pip install "argan-hf[onnx]"`'
        )
