"""Both networks leave torch: exported to ONNX once, they restore pictures of any size elsewhere."""

import warnings

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from argan_hf import ArganForImageRestoration

pytestmark = pytest.mark.slow


class _Restored(nn.Module):
    def __init__(self, model: ArganForImageRestoration) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: Tensor, quantization: Tensor) -> Tensor:
        return self.model(pixel_values, quantization=quantization).reconstruction


def test_an_exported_network_restores_pictures_of_other_sizes(model: ArganForImageRestoration) -> None:
    planes = model.config.num_channels
    free = {"pixel_values": {0: Dim.AUTO, 2: Dim.AUTO, 3: Dim.AUTO}, "quantization": {0: Dim.AUTO}}
    with warnings.catch_warnings(action="ignore"):
        program = torch.onnx.export(
            _Restored(model),
            (torch.rand(2, planes, 37, 50), torch.ones(2, planes, 8, 8, dtype=torch.int32)),
            input_names=list(free),
            output_names=["reconstruction"],
            dynamic_shapes=free,
            dynamo=True,
            verbose=False,
        )
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString())
    for batch, height, width in ((1, 64, 64), (3, 17, 90)):
        values = {
            "pixel_values": torch.rand(batch, planes, height, width),
            "quantization": torch.randint(1, 99, (batch, planes, 8, 8), dtype=torch.int32),
        }
        (found,) = session.run(None, {name: value.numpy() for name, value in values.items()})
        with torch.no_grad():
            expected = model(**values).reconstruction.numpy()
        assert found.shape == expected.shape
        assert np.abs(found - expected).max() == pytest.approx(0.0, abs=1e-4)
