"""Cost of the degradation of crops, compared with a training step: `python benchmarks/degradation.py`.

Times one adversarial step of the paper's network on 64 crops of 64x64 (D once, G once, Adam), and then the degradation
of such a batch, in one run.
"""

import time
from collections.abc import Callable

import torch

from argan_hf import ArganConfig, ArganDiscriminator, ArganDiscriminatorConfig, ArganForImageRestoration
from argan_hf.training.degradation import degrade
from argan_hf.training.degradation_settings import DegradationSettings
from argan_hf.training.losses import discriminator_loss, generator_loss, l2_loss

DEGRADATIONS = {
    "the paper's (luma, one compression)": (DegradationSettings(), 1),
    "luma, offsets, earlier compressions, resizing": (
        DegradationSettings(offset_share=0.3, earlier_share=0.3, resize_share=0.3),
        1,
    ),
    "color, offsets, earlier compressions, resizing": (
        DegradationSettings(offset_share=0.3, earlier_share=0.3, resize_share=0.3, gray_share=0.15),
        3,
    ),
}


def _median_seconds(function: Callable[[], object], device: torch.device, rounds: int) -> float:
    times = []
    for _ in range(rounds + 2):
        start = time.perf_counter()
        function()
        if device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times[2:])[rounds // 2]


def main() -> None:
    """Print the cost of a step, of every kind of degradation, and their ratio."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = ArganForImageRestoration(ArganConfig()).to(device, memory_format=torch.channels_last)
    discriminator = ArganDiscriminator(ArganDiscriminatorConfig()).to(device, memory_format=torch.channels_last)
    optimizers = [torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999)) for network in (generator, discriminator)]
    degraded, original = torch.rand(2, 64, 1, 64, 64, device=device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16):
            restored = generator(degraded).reconstruction
            loss = discriminator_loss(discriminator(original).logits, discriminator(restored.detach()).logits)
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        with torch.autocast(device.type, torch.bfloat16):
            loss = generator_loss(discriminator(restored).logits, l2_loss(restored, original), 1e3)
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()

    base = _median_seconds(step, device, 20)
    print(f"{device.type}, torch {torch.__version__}, {torch.get_num_threads()} CPU threads, bfloat16")
    print(f"one step on 64 crops of 64x64: {base * 1e3:.1f} ms")
    for name, (settings, planes) in DEGRADATIONS.items():
        size = settings.canvas_size(64)
        canvases = torch.randint(0, 256, (64, 3, size, size), dtype=torch.uint8, device=device)
        draws = torch.Generator().manual_seed(0)

        def degrade_once(canvases=canvases, settings=settings, draws=draws, planes=planes) -> None:
            degrade(canvases, settings, draws, crop_size=64, num_channels=planes)

        seconds = _median_seconds(degrade_once, device, 20)
        print(f"degradation, {name}: {seconds * 1e3:.1f} ms = {seconds / base:.1%} of a step")


if __name__ == "__main__":
    main()
