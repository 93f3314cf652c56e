"""CMYK pictures for formats, and pages, that only show RGB."""

import io

from PIL import Image, ImageCms


def cmyk_to_rgb(image: Image.Image) -> Image.Image:
    """Convert a CMYK picture to RGB: to sRGB by its color profile, or, without a valid one, by Pillow's simple rule.

    The profile is dropped from the result, because it describes CMYK values.
    """
    info = {key: value for key, value in image.info.items() if key != "icc_profile"}
    converted: Image.Image | None = None
    if profile := image.info.get("icc_profile"):
        try:
            converted = ImageCms.profileToProfile(
                image, io.BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
        except (ImageCms.PyCMSError, OSError, ValueError):
            # The profile is damaged, or is not one of CMYK.
            converted = None
    if converted is None:
        converted = image.convert("RGB")
    converted.info = info
    return converted
