"""JPEG arithmetic on tensors, equal to libjpeg-turbo bit for bit. It uses torch and Pillow, and no neural network."""

from ..containers.opening import UnreadableImageError
from .codec import compress, compress_plane, compress_ycbcr
from .color import rgb_to_studio_luma, rgb_to_ycbcr, rgb_to_ycbcr_unrounded, ycbcr_to_rgb
from .consistency import make_consistent, project, project_onto_file, recover_coefficients, share_inside
from .file import JpegFile, read_jpeg
from .tables import estimate_quality, quantization_tables

__all__ = [
    "JpegFile",
    "UnreadableImageError",
    "compress",
    "compress_plane",
    "compress_ycbcr",
    "estimate_quality",
    "make_consistent",
    "project",
    "project_onto_file",
    "quantization_tables",
    "read_jpeg",
    "recover_coefficients",
    "rgb_to_studio_luma",
    "rgb_to_ycbcr",
    "rgb_to_ycbcr_unrounded",
    "share_inside",
    "ycbcr_to_rgb",
]
