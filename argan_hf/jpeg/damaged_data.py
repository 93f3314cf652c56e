"""The word for files whose coefficients cannot be read with certainty."""


class DamagedDataError(ValueError):
    """The file is damaged, ends early, or is of a kind that is not read; the message says which."""
