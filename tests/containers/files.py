"""Small files with the extras that phones, cameras and editors add; made here, so that tests know what is in them."""

import hashlib
import io
import struct

from PIL import Image, ImageCms, ImageDraw
from PIL.PngImagePlugin import PngInfo

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
DC = "http://purl.org/dc/elements/1.1/"


def picture(size: tuple[int, int] = (48, 32)) -> Image.Image:
    """Colors without noise, so that every format is small."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    ImageDraw.Draw(image).ellipse((4, 4, 20, 20), fill=(200, 60, 30))
    return image


def jpeg(image: Image.Image | None = None, **options: object) -> bytes:
    """A JPEG file of a picture."""
    buffer = io.BytesIO()
    (image or picture()).save(buffer, "JPEG", **{"quality": 80} | options)
    return buffer.getvalue()


def png(image: Image.Image | None = None, **options: object) -> bytes:
    """A PNG file of a picture."""
    buffer = io.BytesIO()
    (image or picture()).save(buffer, "PNG", **options)
    return buffer.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    """A JPEG segment, APP1 for marker 0xE1."""
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(data: bytes, *segments: bytes) -> bytes:
    """A JPEG file with further segments before all others."""
    return data[:2] + b"".join(segments) + data[2:]


def xmp(properties: str, inside: str = "") -> bytes:
    """A packet of XMP with some attributes, and elements inside of its description."""
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about="" '
        f'xmlns:dc="{DC}" {properties}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def extended_xmp(size: int) -> tuple[bytes, list[bytes]]:
    """A main packet, and the segments of an extended one with a depth map of some bytes."""
    extended = xmp(f'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Data="{"QUJD" * (size // 4)}"')
    name = hashlib.md5(extended).hexdigest().upper()
    note = f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{name}" dc:format="image/jpeg"'
    head = b"http://ns.adobe.com/xmp/extension/\0" + name.encode()
    parts = [
        segment(0xE1, head + struct.pack(">LL", len(extended), start) + extended[start : start + 60_000])
        for start in range(0, len(extended), 60_000)
    ]
    return xmp(note), parts


def gain_map_jpeg() -> bytes:
    """A picture as phones write it for HDR screens: XMP that announces a gain map, and that behind the picture."""
    namespaces = (
        'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
        'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
        'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" hdrgm:Version="1.0" dc:creator="Ada"'
    )
    listed = (
        '<Container:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" '
        'Item:Mime="image/jpeg" Item:Length="999"/></rdf:li></rdf:Seq></Container:Directory>'
    )
    map_xmp = xmp('xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" hdrgm:GainMapMax="2.5"')
    return jpeg(xmp=xmp(namespaces, listed)) + jpeg(Image.new("L", (12, 8), 90), xmp=map_xmp)


def motion_photo() -> bytes:
    """A picture of a phone with a video behind it."""
    claims = (
        'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" GCamera:MotionPhoto="1" GCamera:MicroVideo="1" '
        'GCamera:MicroVideoOffset="1020" GCamera:BurstID="7"'
    )
    video = struct.pack(">L4s4sL", 20, b"ftyp", b"mp42", 0) + b"mp42" + b"\xff\xda\xff\xd8" * 250
    return jpeg(xmp=xmp(claims)) + video


def resource(number: int, value: bytes) -> bytes:
    """A resource of Photoshop."""
    return b"8BIM" + struct.pack(">HHL", number, 0, len(value)) + value + b"\0" * (len(value) & 1)


def exif(orientation: int = 1, *, kind: int = 3, thumbnail: bytes = b"", size: tuple[int, int] = (48, 32)) -> bytes:
    """Exif data, big-endian, with an orientation (stored as SHORT, 3, or LONG, 4), a size, a name and a thumbnail."""
    name = b"Ada Lovelace\0"
    entries = [(0x0112, kind, 1, orientation), (0x013B, 2, len(name), None), (0x8769, 4, 1, None)]
    first_end = 8 + 2 + 12 * len(entries) + 4
    below = first_end + len(name)
    below_end = below + 2 + 12 * 3 + 4
    data = b"MM\0*" + struct.pack(">LH", 8, len(entries))
    for tag, form, count, value in entries:
        place = {0x013B: first_end, 0x8769: below}.get(tag, value)
        layout = ">HHLHH" if form == 3 else ">HHLL"
        data += struct.pack(layout, tag, form, count, place, *((0,) if form == 3 else ()))
    data += struct.pack(">L", below_end if thumbnail else 0) + name
    data += struct.pack(">HHHLL", 3, 0x9000, 7, 4, int.from_bytes(b"0232", "big"))
    data += struct.pack(">HHLHH", 0xA002, 3, 1, size[0], 0) + struct.pack(">HHLL", 0xA003, 4, 1, size[1])
    data += bytes(4)
    if thumbnail:
        start = below_end + 2 + 36 + 4
        data += struct.pack(">HHHLHH", 3, 0x0103, 3, 1, 6, 0)
        data += struct.pack(">HHLL", 0x0201, 4, 1, start) + struct.pack(">HHLL", 0x0202, 4, 1, len(thumbnail))
        data += bytes(4) + thumbnail
    return b"Exif\0\0" + data


def texts(**words: str) -> PngInfo:
    """Texts of a PNG file."""
    found = PngInfo()
    for key, value in words.items():
        found.add_text(key, value)
    return found
