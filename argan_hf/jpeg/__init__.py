"""JPEG arithmetic on tensors, equal to libjpeg-turbo bit for bit. It uses torch and Pillow, and no neural network.

The names are imported when they are first used: `header.py` needs no torch.
"""

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

if TYPE_CHECKING:
    from ..containers.opening import UnreadableImageError
    from .codec import compress, compress_plane, compress_ycbcr
    from .color import rgb_to_studio_luma, rgb_to_ycbcr, rgb_to_ycbcr_unrounded, ycbcr_to_rgb
    from .consistency import hold_to_file
    from .file import JpegFile, read_jpeg
    from .file_blocks import Consistency, FileBlocks
    from .recovery import recover_coefficients
    from .tables import estimate_quality, quantization_tables
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "Consistency": ".file_blocks",
            "FileBlocks": ".file_blocks",
            "JpegFile": ".file",
            "UnreadableImageError": "..containers.opening",
            "compress": ".codec",
            "compress_plane": ".codec",
            "compress_ycbcr": ".codec",
            "estimate_quality": ".tables",
            "hold_to_file": ".consistency",
            "quantization_tables": ".tables",
            "read_jpeg": ".file",
            "recover_coefficients": ".recovery",
            "rgb_to_studio_luma": ".color",
            "rgb_to_ycbcr": ".color",
            "rgb_to_ycbcr_unrounded": ".color",
            "ycbcr_to_rgb": ".color",
        },
    )

__all__ = [
    "Consistency",
    "FileBlocks",
    "JpegFile",
    "UnreadableImageError",
    "compress",
    "compress_plane",
    "compress_ycbcr",
    "estimate_quality",
    "hold_to_file",
    "quantization_tables",
    "read_jpeg",
    "recover_coefficients",
    "rgb_to_studio_luma",
    "rgb_to_ycbcr",
    "rgb_to_ycbcr_unrounded",
    "ycbcr_to_rgb",
]
