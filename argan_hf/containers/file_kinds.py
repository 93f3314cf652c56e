"""Names files that are not restored, and says what to do with them.

A file called `.jpg` is often something else: what a phone, a camera or a browser saved under that name. Pillow only
says that it does not know it.
"""

import re

_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# Start of the file -> what it is. A picture's name comes with its format, so that the sentence can say "convert it".
_SIGNATURES = (
    (rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
    (rb"FUJIFILMCCD-RAW", "a camera raw file (RAF)"),
    (rb"II(?:RO|RS|U\0)|MMOR", "a camera raw file (ORF or RW2)"),
    (rb"FOVb", "a camera raw file (X3F)"),
    (rb"\xabKTX|DDS \|\0\0\0", "a texture of a game"),
    (rb"%PDF-", "a PDF document"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript file"),
    (rb"\{\\rtf|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an office program"),
    (rb"PK\x03\x04", "a ZIP archive or an office document"),
    (rb"Rar!|7z\xbc\xaf\x27\x1c|\x1f\x8b\x08", "a compressed archive"),
    (rb"\x1aE\xdf\xa3|RIFF....AVI |\0\0\x01\xba", "a video"),
    (rb"ID3|fLaC|OggS|RIFF....WAVE", "a sound file"),
    (rb"<(?:!doctype\s+html|html|head|body)\b", "a web page (HTML)"),
    (rb"<(?:!doctype\s+)?svg\b", "an SVG drawing"),
    (rb"[{\[]\s*[\"{\[]", "a text in JSON"),
)
_DEVELOP = "develop it first: export it as TIFF or PNG"
RAW_FILE = f"a camera raw file; {_DEVELOP}"
"""What is said of camera raw files in the shape of TIFF, which only their tags reveal."""

_ADVICE = (
    ("camera raw", _DEVELOP),
    ("HEIC", "export it as JPEG first, at the highest quality"),
    ("JPEG XL", "if it was made from a JPEG, `djxl` gives that JPEG back; otherwise convert it to PNG"),
    ("PDF", "save the pictures in it as files first, as `pdfimages -all` does"),
    ("PostScript", "convert it to PNG first"),
    ("web page", "the picture itself was not saved: open the page and save the picture"),
    ("archive", "unpack it first"),
    ("document", "save the picture in it as a file of its own"),
    ("drawing", "it is drawn without JPEG, so there is nothing to restore"),
    ("video", "save the frame as PNG first"),
)


def name_kind(data: bytes) -> str | None:
    """Name a file that is no picture in a format that can be read, and say what to do.

    Args:
        data: the bytes of the file, or at least its first 4096.

    Returns:
        A phrase such as "a PDF document; `pdfimages -all` takes …", `None` if the kind is not known.
    """
    start = data[:4096]
    kind = _kind_of_container(start[8:12]) if start[4:8] == b"ftyp" else _kind_by_signature(start)
    if kind is None:
        return None
    advice = next((advice for word, advice in _ADVICE if word in kind), None)
    return f"{kind}; {advice}" if advice else kind


def _kind_of_container(brand: bytes) -> str | None:
    """Kind of an ISO base media file (HEIC, AVIF, MP4, CR3), by its major brand."""
    if brand in (b"avif", b"avis"):
        return None
    if brand in _HEIC_BRANDS:
        return "an HEIC picture, as phones take them"
    return "a camera raw file (CR3)" if brand == b"crx " else "a video"


def _kind_by_signature(start: bytes) -> str | None:
    flags = re.IGNORECASE | re.DOTALL
    text = _without_prolog(start)
    return next((name for pattern, name in _SIGNATURES if re.match(pattern, text, flags)), None)


def _without_prolog(text: bytes) -> bytes:
    """A text without its byte-order mark, XML declaration and comments; other files are not changed.

    Every comment is searched for once. A pattern for all of them could take a hostile file minutes to not match.
    """
    rest = text.removeprefix(b"\xef\xbb\xbf").lstrip()
    for start, end in ((b"<?xml", b"?>"), *((b"<!--", b"-->"),) * 100):
        if rest.startswith(start) and (position := rest.find(end)) >= 0:
            rest = rest[position + len(end) :].lstrip()
    return rest if rest.startswith((b"<", b"{", b"[")) else text
