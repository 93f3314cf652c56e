"""`restore`: one picture, with the default network, which is loaded once."""

from functools import cache

from .picture import ImageSource
from .restoration import JpegRestorer
from .restored_image import RestoredImage


def restore(
    source: ImageSource,
    quality: int | None = None,
    strength: float = 1.0,
    *,
    realism: float = 0.0,
    faithful: bool = True,
    keep_orientation: bool = False,
    history: bool = True,
) -> RestoredImage:
    """Restore one picture with the default network of this package; see [`JpegRestorer.__call__`]."""
    return _default_restorer()(
        source,
        quality,
        strength,
        realism=realism,
        faithful=faithful,
        keep_orientation=keep_orientation,
        history=history,
    )


@cache
def _default_restorer() -> JpegRestorer:
    return JpegRestorer.from_pretrained()
