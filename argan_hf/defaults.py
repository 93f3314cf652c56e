"""Names and numbers that the command line states in its help, where nothing else of the network is needed."""

DEFAULT_CHECKPOINT = "argan-jpeg-color"
REALISM_VARIANT = "realism"

TILE_SIZE = 1280
"""Tiles of large pictures have at most the area of a square of this side, in pixels."""

WHOLE_MEGAPIXELS = 4.0
"""Networks that look at the whole picture cannot be run in tiles; larger pictures are refused."""
