"""Makes the classes of this package known to transformers: Auto classes, and the pipeline "jpeg-restoration".

To import this module is to register them, once. `import_hook.py` does so as soon as transformers is imported.
"""

from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoModelForImageToImage
from transformers.pipelines import PIPELINE_REGISTRY

from .baselines.ar_cnn import ArCnnConfig, ArCnnForImageRestoration
from .baselines.d3 import D3Config, D3ForImageRestoration
from .configuration_argan import ArganConfig, ArganDiscriminatorConfig
from .image_processing_argan import ArganImageProcessor
from .modeling_argan import ArganDiscriminator, ArganForImageRestoration
from .pipeline_argan import JpegRestorationPipeline

AutoConfig.register(ArganConfig.model_type, ArganConfig)
AutoConfig.register(ArganDiscriminatorConfig.model_type, ArganDiscriminatorConfig)
AutoModel.register(ArganConfig, ArganForImageRestoration)
AutoModel.register(ArganDiscriminatorConfig, ArganDiscriminator)
AutoModelForImageToImage.register(ArganConfig, ArganForImageRestoration)
for _config, _model in ((ArCnnConfig, ArCnnForImageRestoration), (D3Config, D3ForImageRestoration)):
    AutoConfig.register(_config.model_type, _config)
    AutoModel.register(_config, _model)
    AutoModelForImageToImage.register(_config, _model)
AutoImageProcessor.register(ArganConfig, image_processor_classes={"pil": ArganImageProcessor})
PIPELINE_REGISTRY.register_pipeline(
    "jpeg-restoration", pipeline_class=JpegRestorationPipeline, pt_model=AutoModelForImageToImage, type="image"
)

# `save_pretrained` also writes the code of the model, so that a checkpoint loads where this package is not installed.
ArganConfig.register_for_auto_class()
ArganDiscriminatorConfig.register_for_auto_class()
ArganForImageRestoration.register_for_auto_class("AutoModelForImageToImage")
ArganDiscriminator.register_for_auto_class("AutoModel")
ArganImageProcessor.register_for_auto_class("AutoImageProcessor")
