"""Removes JPEG artifacts from pictures.

`import argan_hf` alone is quick: torch and transformers are imported when a name that needs them is first used. The
networks are known to the Auto classes of transformers all the same, see `import_hook.py`.
"""

from typing import TYPE_CHECKING

from .import_hook import register_when_needed
from .lazy_names import lazy_names

if TYPE_CHECKING:
    from .configuration_argan import ArganConfig, ArganDiscriminatorConfig
    from .containers.opening import UnreadableImageError
    from .default_restorer import restore
    from .image_processing_argan import ArganImageProcessor
    from .loading import DamagedCheckpointError
    from .modeling_argan import ArganDiscriminator, ArganForImageRestoration
    from .pipeline_argan import JpegRestorationPipeline
    from .restoration import JpegRestorer
    from .restored_image import RestorationReport, RestoredImage
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "ArganConfig": ".configuration_argan",
            "ArganDiscriminator": ".modeling_argan",
            "ArganDiscriminatorConfig": ".configuration_argan",
            "ArganForImageRestoration": ".modeling_argan",
            "ArganImageProcessor": ".image_processing_argan",
            "DamagedCheckpointError": ".loading",
            "JpegRestorationPipeline": ".pipeline_argan",
            "JpegRestorer": ".restoration",
            "RestorationReport": ".restored_image",
            "RestoredImage": ".restored_image",
            "UnreadableImageError": ".containers.opening",
            "restore": ".default_restorer",
        },
    )

__version__ = "0.2.0"

__all__ = [
    "ArganConfig",
    "ArganDiscriminator",
    "ArganDiscriminatorConfig",
    "ArganForImageRestoration",
    "ArganImageProcessor",
    "DamagedCheckpointError",
    "JpegRestorationPipeline",
    "JpegRestorer",
    "RestorationReport",
    "RestoredImage",
    "UnreadableImageError",
    "restore",
]

register_when_needed(f"{__name__}.auto_classes")
