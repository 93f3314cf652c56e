"""Networks as files that other programs run, without PyTorch."""

from .onnx_export import InexactExportError, OnnxReport, export_onnx
from .onnx_libraries import require_onnx

__all__ = ["InexactExportError", "OnnxReport", "export_onnx", "require_onnx"]
