"""The scores of an evaluation: one per picture and method, and their means."""

from collections.abc import Sequence
from dataclasses import dataclass

from .perceptual import ssimulacra2, visual_information_fidelity

PERCEPTUAL_MEASURES = {"ssimulacra2": ssimulacra2, "vif": visual_information_fidelity}
MEASURES = ("psnr", "psnr_b", "ssim_gaussian", "ssim_uniform", "high_frequency", "seconds_per_megapixel")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The scores of one method under one degradation, which is a quality or a life.

    Attributes:
        method: its name, see `methods.py`.
        quality: libjpeg's 1..100; `None` under a life.
        life: as `Life.text`; `None` at a quality.
        psnr, psnr_b: in dB.
        ssim_gaussian, ssim_uniform: with the 11x11 Gaussian and the uniform 8x8 window.
        high_frequency: energy of fine texture over the original's, see `high_frequency_ratio`.
        seconds_per_megapixel: wall-clock time of the restoration alone; under a life, of opening the file, too.
        ssimulacra2, vif: see `perceptual.py`; `None` if they were not computed.
    """

    method: str
    quality: int | None
    psnr: float
    psnr_b: float
    ssim_gaussian: float
    ssim_uniform: float
    high_frequency: float
    seconds_per_megapixel: float
    ssimulacra2: float | None = None
    vif: float | None = None
    life: str | None = None

    @property
    def degradation(self) -> str:
        """The quality or the life, as it is printed."""
        return str(self.quality) if self.life is None else self.life


@dataclass(frozen=True, kw_only=True)
class PictureScore(Measures):
    """The scores of one method under one degradation on one picture.

    Attributes:
        picture: the name of its file.
    """

    picture: str


@dataclass(frozen=True, kw_only=True)
class MeanScore(Measures):
    """The scores of one method under one degradation, averaged over pictures."""


def mean_scores(scores: Sequence[PictureScore]) -> list[MeanScore]:
    """Average scores over pictures: one row per degradation and method.

    Qualities rise. Lives and methods keep their order.
    """
    means = []
    degradations = dict.fromkeys((score.quality, score.life) for score in scores)
    for quality, life in sorted(degradations, key=lambda degradation: degradation[0] or 0):
        for method in dict.fromkeys(score.method for score in scores):
            group = [score for score in scores if (score.method, score.quality, score.life) == (method, quality, life)]
            values = {
                name: sum(getattr(score, name) for score in group) / len(group)
                for name in (*MEASURES, *PERCEPTUAL_MEASURES)
                if getattr(group[0], name) is not None
            }
            means.append(MeanScore(method=method, quality=quality, life=life, **values))
    return means
