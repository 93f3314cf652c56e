"""The metadata of JPEG files in JavaScript: the bytes and the notes of the Python package, and upright pictures."""

import base64
import json
import random
import struct
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from argan_hf.containers import look_into
from argan_hf.containers.opening import UnreadableImageError, open_bytes
from argan_hf.metadata import kept_info, make_upright
from tests.conftest import TEST_DATA
from tests.containers.files import (
    PROFILE,
    exif,
    extended_xmp,
    gain_map_jpeg,
    jpeg,
    motion_photo,
    picture,
    resource,
    segment,
    with_segments,
    xmp,
)
from tests.web.node import needs_node, run_node

pytestmark = needs_node

_CAMEL = {"icc_profile": "iccProfile"}
_PIXELS = np.arange(7 * 5 * 3, dtype=np.uint8).reshape(5, 7, 3)
_PHOTOSHOP = b"Photoshop 3.0\0"
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_TIFF = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'


def _little_exif(tags: list[tuple[int, int, int, bytes]]) -> bytes:
    """Exif data, little-endian, with tags: number, kind, count, and the value in four bytes."""
    entries = b"".join(struct.pack("<HHL", tag, kind, count) + value for tag, kind, count, value in tags)
    return b"Exif\0\0II*\0" + struct.pack("<LH", 8, len(tags)) + entries + bytes(4)


def _resolutions() -> dict[str, bytes]:
    files = {f"jfif-{unit}": bytearray(jpeg()) for unit in (0, 1, 2)}
    for unit, data in enumerate(files.values()):
        data[13:18] = struct.pack(">BHH", unit, 300, 118)
    plain = jpeg()
    found = {name: bytes(data) for name, data in files.items()}
    place = 8 + 2 + 12 * 2 + 4
    for kind, value in {
        1: b"\x05\x02\0\0",
        3: struct.pack("<HH", 300, 0),
        4: struct.pack("<L", 96),
        5: struct.pack("<LL", 7200, 100),
        6: struct.pack("<b", -7) + bytes(3),
        8: struct.pack("<hh", -300, 0),
        9: struct.pack("<l", -5),
        10: struct.pack("<ll", -7, 3),
        11: struct.pack("<f", 72.3),
        12: struct.pack("<d", 118.11),
    }.items():
        for unit in (2, 3):
            inside = value if len(value) == 4 else struct.pack("<L", place)
            count = 4 if kind == 1 else 1
            tags = [(0x011A, kind, count, inside), (0x0128, 3, 1, struct.pack("<HH", unit, 0))]
            whole = _little_exif(tags) + (value if len(value) == 8 else b"")
            found[f"exif-{kind}-{unit}"] = with_segments(plain, segment(0xE1, whole))
    zero = _little_exif([(0x011A, 5, 1, struct.pack("<L", place)), (0x0128, 3, 1, struct.pack("<HH", 2, 0))])
    found["exif-zero"] = with_segments(plain, segment(0xE1, zero + struct.pack("<LL", 1, 0)))
    outside = _little_exif([(0x011A, 5, 1, struct.pack("<L", 9000)), (0x0128, 3, 1, struct.pack("<HH", 2, 0))])
    found["exif-outside"] = with_segments(plain, segment(0xE1, outside))
    found["no-unit"] = with_segments(plain, segment(0xE1, _little_exif([(0x011A, 3, 1, struct.pack("<HH", 9, 0))])))
    found["only-unit"] = with_segments(plain, segment(0xE1, _little_exif([(0x0128, 3, 1, struct.pack("<HH", 3, 0))])))
    return found


def _orientations() -> dict[str, bytes]:
    files = {}
    thumbnail = jpeg(picture((16, 8)))
    paths = segment(0xED, _PHOTOSHOP + resource(0x07D0, b"a path") + resource(0x040A, b"\1"))
    places = xmp(
        f'{_TIFF} tiff:Orientation="6" tiff:ImageWidth="48" tiff:ImageLength="32" dc:format="a &amp; &#10;b" '
        'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Data="QUJD"',
        '<dc:title>"q" &lt; &gt; </dc:title><!-- note --><dc:creator><![CDATA[<x>]]></dc:creator>',
    )
    for number in range(10):
        little = _little_exif([(0x0112, 3, 1, struct.pack("<HH", number, 0)), (0x0100, 4, 1, struct.pack("<L", 48))])
        files[f"little-{number}"] = jpeg(exif=little, dpi=(100, 200))
        files[f"big-{number}"] = jpeg(exif=exif(number, kind=4), dpi=(100, 200), xmp=places)
        files[f"thumbnail-{number}"] = with_segments(jpeg(exif=exif(number, thumbnail=thumbnail)), paths)
        files[f"in-xmp-{number}"] = jpeg(xmp=xmp(f'{_TIFF} tiff:Orientation="{number}" tiff:ImageWidth="48"'))
    files["upright-but-xmp"] = jpeg(exif=exif(1), xmp=places)
    files["damaged-xmp-turned"] = jpeg(exif=exif(6), xmp=places[:-9])
    files["face-turned"] = jpeg(
        exif=exif(8),
        xmp=xmp(
            'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"',
            "<Iptc4xmpExt:ImageRegion>x</Iptc4xmpExt:ImageRegion><xmp:Thumbnails>y</xmp:Thumbnails><dc:a>b</dc:a>",
        ),
    )
    return files


def _packets() -> dict[str, bytes]:
    claim = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MicroVideo="1" '
    text = xmp(
        claim + 'dc:x="tab&#9;line&#xA;&quot;&apos;"', "<dc:a xmlns:b='urn:b' b:c='&lt;1&gt;'>é\r\n&#13;\t</dc:a>"
    )
    packet = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'.encode() + text + b'\n<?xpacket end="w"?>'
    default = text.replace(b"<dc:a ", b"<plain xmlns='urn:plain' y='1'><z/></plain><dc:a ")
    provenance = xmp('xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="https://a" dcterms:b="c"')
    found = {
        "packet": packet + b" " * 2000,
        "padded": b" \n" + packet,
        "declared": b'<?xml version="1.0" encoding="UTF-8"?>\n' + text,
        "latin": b"<?xml version='1.0' encoding='iso-8859-1'?>" + text.decode().encode("latin-1"),
        "shift-jis": b'<?xml version="1.0" encoding="nonsense"?>' + text,
        "bom": b"\xef\xbb\xbf" + text,
        "utf-16": packet.decode().encode("utf-16"),
        "utf-16-be": text.decode().encode("utf-16-be"),
        "utf-16-plain": xmp('dc:format="image/jpeg"').decode().encode("utf-16-le"),
        "default": default,
        "provenance": provenance,
        "nothing-left": xmp(claim),
        "only-declared": xmp(claim.split(" GCamera:M")[0]),
        "deep": text.replace(b"</dc:a>", b"<dc:a>" * 90 + b"</dc:a>" * 91),
        "deepest-96": text.replace(b"</dc:a>", b"<dc:a>" * 96 + b"</dc:a>" * 97),
        "deepest-97": text.replace(b"</dc:a>", b"<dc:a>" * 97 + b"</dc:a>" * 98),
        "deepest-95": text.replace(b"</dc:a>", b"<dc:a>" * 95 + b"</dc:a>" * 96),
    }
    edges = {
        "entity": b"&nothing;",
        "null": b"&#0;",
        "control": b"\x01",
        "reference": b"&#x10FFFF;&#65;&#x42;",
        "ampersand": b"a & b",
        "section-end": b"]]>",
        "two-hyphens": b"<!-- a -- b -->",
        "comment": b"<!-- a - b\r\n--><?target?><?other  some data ?>",
        "xml-inside": b'<?xml version="1.0"?>',
        "unbound": b"<q:a/>",
        "twice": b'<dc:a dc:b="1" dc:b="2"/>',
        "twice-by-address": f'<dc:a xmlns:e="{"http://purl.org/dc/elements/1.1/"}" dc:b="1" e:b="2"/>'.encode(),
        "colons": b"<dc:a:b/>",
        "less": b'<dc:a b="<"/>',
        "unquoted": b"<dc:a b=1/>",
        "no-space": b'<dc:a b="1"c="2"/>',
        "language": b'<dc:a xml:lang="de">\xf0\x9f\x8e\x82</dc:a>',
        "undeclared": b'<dc:a xmlns:dc=""/>',
        "space": b'<dc:a xmlns:q="urn: q"/>',
        "reserved": b'<dc:a xmlns:xml="urn:x"/>',
        "not-utf8": b"\xff\xfe\xfd",
        "overlong": b"\xc0\x80",
        "noncharacter": b"\xef\xbf\xbf",
        "sections": b"<![CDATA[a]]><![CDATA[]]>b<![CDATA[c]]>",
        "doctype": b"<!DOCTYPE a>",
        "open": b"<dc:b>",
        "name": "<dc:größe/>".encode(),
        "digit": b"<dc:1/>",
    }
    found |= {f"edge-{name}": text.replace(b"</dc:a>", b"</dc:a>" + inside) for name, inside in edges.items()}
    found["behind"] = text + b"<a/>"
    found["text-behind"] = text + b"a"
    found["several"] = text.replace(b"</rdf:RDF>", b'<rdf:Description rdf:about="" xmlns:e="urn:e" e:f="g"/></rdf:RDF>')
    return {f"xmp-{name}": with_segments(jpeg(), segment(0xE1, _XMP + found[name])) for name in found}


def _extended() -> dict[str, bytes]:
    main, parts = extended_xmp(150_000)
    whole = jpeg(xmp=main)

    def after(*segments: bytes) -> bytes:
        return with_segments(jpeg(), segment(0xE1, _XMP + main), *segments)

    other, foreign = extended_xmp(400)
    small = segment(0xE1, _XMP + main.replace(b"dc:format", b'xmlns:GDepth="urn:other" dc:format'))
    return {
        "extended": after(*parts),
        "extended-mixed": after(*reversed(parts)),
        "extended-lacks": after(*parts[:-1]),
        "extended-foreign": after(*foreign),
        "extended-both": after(*foreign, *parts),
        "extended-alone": with_segments(jpeg(), *foreign),
        "extended-none": whole,
        "extended-prefix": with_segments(jpeg(), small, *parts),
        "extended-turned": with_segments(jpeg(exif=exif(6)), segment(0xE1, _XMP + other), *foreign),
    }


def _others() -> dict[str, bytes]:
    plain = jpeg()
    captions = resource(0x0404, b"\x1c\2\x78\0\3Ada") + resource(0x0409, b"thumbnail")
    head = jpeg(icc_profile=PROFILE)
    profile = b"ICC_PROFILE\0"
    half = len(PROFILE) // 2
    first, second = (segment(0xE2, profile + bytes((number, 2)) + PROFILE[half * (number - 1) :]) for number in (1, 2))
    boxes = segment(0xEB, b"JP\0\1\0\0\0\1" + b"c2pa" * 9)
    named = b"8BIM" + struct.pack(">HB", 0x07D1, 4) + b"name\0" + struct.pack(">L", 3) + b"abc\0"
    frame = segment(0xE1, exif(6)[:40])
    return {
        "plain": plain,
        "gray": jpeg(picture().convert("L")),
        "progressive": jpeg(progressive=True),
        "cmyk": jpeg(picture().convert("CMYK")),
        "gain-map": gain_map_jpeg(),
        "motion": motion_photo(),
        "motion-turned": with_segments(motion_photo(), segment(0xE1, exif(6))),
        "pictures-behind": plain * 25,
        "bytes-behind": plain + b"\0\0abc" + plain + b"\r\n\0",
        "space-behind": plain + bytes(900),
        "ff-behind": plain + b"\xff" * 5 + b"x",
        "megabytes-behind": plain + b"x" * 12_500_000,
        "half-behind": plain + b"x" * 10_500,
        "comment": jpeg(comment=b"first"),
        "comments": with_segments(jpeg(comment=b"second"), segment(0xFE, b"first"), segment(0xFE, b"")),
        "empty-comment": with_segments(plain, segment(0xFE, b"")),
        "captions": with_segments(plain, segment(0xED, _PHOTOSHOP + captions + named)),
        "two-segments": with_segments(
            plain, segment(0xED, _PHOTOSHOP + captions[:20]), segment(0xED, _PHOTOSHOP + captions[20:])
        ),
        "flag": with_segments(plain, segment(0xED, _PHOTOSHOP + resource(0x040A, b"\1") + resource(0x040B, b"http"))),
        "cut-resources": with_segments(plain, segment(0xED, _PHOTOSHOP + captions[:9])),
        "profile": head,
        "profile-mixed": with_segments(plain, second, first),
        "profile-lacks": with_segments(plain, first),
        "provenance": with_segments(plain, boxes),
        "boxes": with_segments(plain, boxes.replace(b"c2pa", b"c3pa")),
        "unknown": with_segments(plain, segment(0xE5, b"abc"), segment(0xE7, b"d" * 20_000)),
        "jfxx": with_segments(plain, segment(0xE0, b"JFXX\0\x10" + b"a" * 99), segment(0xE0, b"JFIF\0" + bytes(40))),
        "exif-parts": with_segments(plain, segment(0xE1, exif(6)), segment(0xE1, b"Exif\0\0more")),
        "exif-cut": with_segments(plain, frame),
        "exif-nonsense": with_segments(plain, segment(0xE1, b"Exif\0\0nonsense")),
        "two-packets": with_segments(jpeg(xmp=xmp('dc:a="1"')), segment(0xE1, _XMP + xmp('dc:b="2"'))),
        "no-end": plain[:-2],
    }


def _mutations(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files with a few other bytes before their pixels, or without their end."""
    source = random.Random(28)
    found = {}
    small = [data for data in files.values() if len(data) < 20_000]
    for number in range(400):
        data = bytearray(source.choice(small))
        for _ in range(source.choice((1, 2, 5))):
            data[source.randrange(3, len(data))] = source.choice((0, 1, 0x3C, 0xFF, source.randrange(256)))
        found[f"mutation-{number}"] = bytes(data[: source.randrange(4, len(data))] if number % 9 == 0 else data)
    return found


def _as_json(info: dict[str, Any]) -> dict[str, Any]:
    def text(data: bytes) -> str:
        return base64.b64encode(data).decode()

    found: dict[str, Any] = {}
    for key, value in info.items():
        if key == "photoshop":
            found[key] = [[number, text(each.name), text(each.value)] for number, each in value.items()]
        else:
            found[_CAMEL.get(key, key)] = text(value) if isinstance(value, bytes) else [float(side) for side in value]
    return found


def _expected(data: bytes) -> dict[str, Any] | None:
    """What the package finds; `None` where it cannot open the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's, on damaged Exif data.
        try:
            image = open_bytes(data, "the picture")
        except UnreadableImageError:
            return None
        info, notes = kept_info(image, look_into(data))
        own = Image.fromarray(_PIXELS)
        own.info.update(info)
        upright, _, more = make_upright(own)
    return {
        "info": _as_json(info),
        "notes": list(notes),
        "upright": _as_json({str(key): value for key, value in upright.info.items()}),
        "upright_notes": list(more),
        "size": list(upright.size),
        "pixels": np.asarray(upright).ravel().tolist(),
        "is_untouched": True,
    }


def _found(folder: Path, files: dict[str, bytes]) -> dict[str, Any]:
    """What JavaScript finds."""
    (folder / "files").mkdir()
    for name, data in files.items():
        (folder / "files" / name).write_bytes(data)
    height, width, channels = _PIXELS.shape
    stated = {"width": width, "height": height, "channels": channels, "pixels": _PIXELS.ravel().tolist()}
    (folder / "picture.json").write_text(json.dumps(stated))
    run_node("look_into_files.js", folder)
    found: dict[str, Any] = json.loads((folder / "found.json").read_text())
    assert found.keys() == files.keys()
    return found


def _same(found: dict[str, Any], expected: dict[str, Any]) -> bool:
    if sys.version_info < (3, 13):
        return found == expected
    # Since then, Python writes quotation marks in texts as they are.
    for each in (found, expected):
        for key in ("info", "upright"):
            if packet := each[key].get("xmp"):
                each[key]["xmp"] = base64.b64decode(packet).replace(b"&quot;", b'"')
    return found == expected


def _differing(found: dict[str, Any], files: dict[str, bytes]) -> list[str]:
    expected = {name: _expected(data) for name, data in files.items()}
    return [name for name, each in expected.items() if each is not None and not _same(found[name], each)]


def _generated() -> dict[str, bytes]:
    return _resolutions() | _orientations() | _packets() | _extended() | _others()


def test_the_metadata_of_jpeg_files_are_those_of_the_package(tmp_path: Path) -> None:
    files = _generated()
    assert _differing(_found(tmp_path, files), files) == []


def test_damaged_files_are_read_as_by_the_package(tmp_path: Path) -> None:
    files = _mutations(_generated())
    assert _differing(_found(tmp_path, files), files) == []


def test_the_metadata_of_files_from_elsewhere_are_those_of_the_package(tmp_path: Path) -> None:
    paths = [path for folder in ("odd", "cases") for path in sorted((TEST_DATA / folder).rglob("*"))]
    jpegs = {f"{number}-{path.name}": path.read_bytes() for number, path in enumerate(paths) if path.is_file()}
    files = {name: data for name, data in jpegs.items() if data.startswith(b"\xff\xd8\xff")}
    if not files:
        pytest.skip("needs test data")
    assert _differing(_found(tmp_path, files), files) == []
