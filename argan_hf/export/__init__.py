"""Networks as files that other programs run, without PyTorch."""

from .onnx_export import InexactExportError, OnnxReport, export_onnx
from .onnx_libraries import require_onnx
from .web import WebReport, export_web

__all__ = ["InexactExportError", "OnnxReport", "WebReport", "export_onnx", "export_web", "require_onnx"]
