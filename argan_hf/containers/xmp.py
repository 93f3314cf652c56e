"""XMP that is made true for a restored picture: claims on what the result does not hold are removed.

Viewers believe XMP: they look for a gain map or a video behind the picture where it says that there is one. Packets in
which nothing is untrue stay as they are, byte for byte.
"""

import hashlib
import re
from collections.abc import Iterator
from xml.dom import minidom
from xml.parsers.expat import ExpatError

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_NOTE = "http://ns.adobe.com/xmp/note/"
_CAMERA = "http://ns.google.com/photos/1.0/camera/"
_BASIC = "http://ns.adobe.com/xap/1.0/"
# Gain maps of Adobe and Apple, and lists of what follows the picture in the file.
_CLAIMS = (
    "http://ns.adobe.com/hdr-gain-map/",
    "http://ns.apple.com/HDRGainMap/",
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/dd/",
    "http://ns.oplus.com/photos/1.0/camera/",
    "http://ns.xiaomi.com/photos/1.0/camera/",
    _NOTE,
)
_VIDEO_CLAIMS = ("MicroVideo", "MotionPhoto")
# Depth maps, second views and places of faces are not turned upright with the picture.
_OF_PLACES = (
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/image/",
    "http://www.metadataworkinggroup.com/schemas/regions/",
    "http://ns.microsoft.com/photo/1.2/",
    "http://ns.apple.com/faceinfo/",
    "http://ns.google.com/photos/1.0/focus/",
    "http://ns.acdsee.com/regions/",
)
_CAPTIONS, _REGIONS = "http://iptc.org/std/Iptc4xmpExt/", "ImageRegion"
_TERMS, _PROVENANCE = "http://purl.org/dc/terms/", "provenance"
_ORIENTATION = re.compile(rb"""(tiff:Orientation(?:>|=["']))([1-8])""")
_PADDING = b"\0 \t\r\n"
_LARGEST, _DEEPEST = 16 << 20, 100
# Characters that XML cannot hold stand for tab, line feed and carriage return; and what is written for them.
_TO_PLACEHOLDERS = {9: "\1", 10: "\2", 13: "\3"}
_ESCAPES = {"\1": "&#9;", "\2": "&#10;", "\3": "&#13;"}
_XMLNS = "http://www.w3.org/2000/xmlns/"
_PACKET = (
    f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about=""/></rdf:RDF>'
    "</x:xmpmeta>"
)

_Node = minidom.Element | minidom.Attr


def orientation_of(xmp: bytes) -> int | None:
    """The orientation that XMP states, 1..8, as Pillow reads it; `None` if it states none."""
    found = _ORIENTATION.search(_as_utf8(xmp))
    return int(found[2]) if found else None


def with_extended(xmp: bytes, extended: bytes) -> bytes:
    """One packet with all that the main and the extended packet state.

    Args:
        xmp: the main packet.
        extended: the extended one; empty: there is none.

    Raises:
        ValueError: if one of them is damaged.
    """
    if not extended:
        return xmp
    main, more = _parse(xmp), _parse(extended)
    target = next(_descriptions(main))
    for source in _descriptions(more):
        _declare(_declarations(source), target)
        for node in _properties(source):
            _move(node, target)
    return _bytes(main)


def without_claims(xmp: bytes, *, turned: bool = False) -> bytes:
    """XMP without claims that are no longer true.

    Args:
        xmp: a packet.
        turned: whether the picture was turned upright: what shows it as the sensor saw it goes, too.

    Returns:
        The packet, unchanged if it makes no such claims; empty if it makes no others.

    Raises:
        ValueError: if the packet is damaged, but mentions such claims.
    """
    namespaces = (*_CLAIMS, *(_OF_PLACES if turned else ()))
    mentioned = (*namespaces, *_VIDEO_CLAIMS, _TERMS, *((":Thumbnails", _REGIONS) if turned else ()))
    readable = _as_utf8(xmp)
    if readable != xmp.strip(_PADDING):  # UTF-16, which few formats hold.
        xmp = readable
    if not any(word.encode() in readable for word in mentioned):
        return xmp
    document = _parse(readable)
    nodes = [node for node in _all_nodes(document) if _is_untrue(node, namespaces, turned)]
    # A namespace that is only declared claims nothing.
    if all(node.namespaceURI == _XMLNS for node in nodes):
        return xmp
    untrue = {id(node) for node in nodes}
    for element in document.getElementsByTagName("*"):
        element.childNodes[:] = [child for child in element.childNodes if id(child) not in untrue]
        for attribute in _attributes(element):
            if id(attribute) in untrue:
                element.removeAttributeNode(attribute)
    return _bytes(document) if any(_properties(each) for each in _descriptions(document)) else b""


def made_upright(xmp: bytes, size: tuple[int, int]) -> bytes:
    """XMP of a picture that was turned upright: orientation 1, and its size.

    Args:
        xmp: a packet, damaged or not.
        size: (width, height) of the picture, in pixels.
    """
    xmp = _ORIENTATION.sub(rb"\g<1>1", _as_utf8(xmp) if b"\0" in xmp else xmp)
    for names, side in (
        (b"tiff:ImageWidth|exif:PixelXDimension", size[0]),
        (b"tiff:ImageLength|exif:PixelYDimension", size[1]),
    ):
        xmp = re.sub(rb"""((?:%s)(?:>|=["']))\d+""" % names, rb"\g<1>%d" % side, xmp)
    return xmp


def split(xmp: bytes, limit: int) -> tuple[bytes, bytes]:
    """A main packet that fits into a JPEG segment, and an extended one with the largest properties.

    Args:
        xmp: a packet.
        limit: bytes of the main packet at most.

    Returns:
        The two packets. The main one names the MD5 sum of the other, as the standard wants it.

    Raises:
        ValueError: if the packet is damaged, or does not fit even so.
    """
    main, extended = _parse(xmp), minidom.parseString(_PACKET)
    target = next(_descriptions(extended))
    sources = list(_descriptions(main))
    for source in sources:
        _declare(_declarations(source), target)
    properties = sorted((node for source in sources for node in _properties(source)), key=_length, reverse=True)
    size = len(_bytes(main))
    for node in properties:
        if size <= limit - 200:  # room for the name of the extended packet
            break
        size -= _length(node)
        _move(node, target)
    packet = _bytes(extended)
    sources[0].setAttributeNS(_XMLNS, "xmlns:xmpNote", _NOTE)
    sources[0].setAttributeNS(_NOTE, "xmpNote:HasExtendedXMP", name_of_extended(packet).decode())
    small = _bytes(main)
    if len(small) > limit:
        raise ValueError(f"the XMP does not fit into {limit} bytes, even without its properties")
    return small, packet


def name_of_extended(packet: bytes) -> bytes:
    """The name of an extended packet: its MD5 sum in 32 hexadecimal digits."""
    return hashlib.md5(packet, usedforsecurity=False).hexdigest().upper().encode()


def _as_utf8(xmp: bytes) -> bytes:
    """A packet in UTF-8: the standard allows UTF-16, too, in which nothing would be found."""
    starts = {"utf-16": (b"\xff\xfe", b"\xfe\xff"), "utf-16-be": (b"\0<",), "utf-16-le": (b"<\0",)}
    encoding = next((name for name, start in starts.items() if xmp.startswith(start)), None)
    if encoding is not None:
        text = xmp.decode(encoding, "ignore").removeprefix("\ufeff")
        xmp = re.sub(r"^\s*<\?xml [^>]*\?>", "", text).encode()
    return xmp.strip(_PADDING)


def _parse(xmp: bytes) -> minidom.Document:
    xmp = _as_utf8(xmp)
    if len(xmp) > _LARGEST:
        raise ValueError(f"the XMP has {len(xmp):,} bytes, more than the {_LARGEST:,} that are read")
    if b"<!DOCTYPE" in xmp or b"<!ENTITY" in xmp:
        raise ValueError("the XMP declares entities, which it must not")
    try:
        document = minidom.parseString(xmp)
    except (ExpatError, ValueError, LookupError) as error:
        raise ValueError(f"the XMP is damaged: {error}") from error
    # The functions of minidom call themselves for every level.
    level: list[minidom.Node] = list(document.childNodes)
    for _ in range(_DEEPEST):
        level = [child for node in level for child in node.childNodes]
        if not level:
            return document
    raise ValueError(f"the XMP is damaged: it has more than {_DEEPEST} elements inside of each other")


def _bytes(document: minidom.Document) -> bytes:
    # In attributes, readers take a line break that is not escaped for a space, in texts a carriage return for a line
    # feed. Older versions of minidom escape none.
    for element in document.getElementsByTagName("*"):
        for attribute in _attributes(element):
            attribute.value = (attribute.value or "").translate(_TO_PLACEHOLDERS)  # None: xmlns=""
        for child in element.childNodes:
            if isinstance(child, minidom.Text):
                child.data = child.data.replace("\r", _TO_PLACEHOLDERS[13])
    text = "".join(node.toxml() for node in document.childNodes)
    return re.sub(f"[{''.join(_ESCAPES)}]", lambda found: _ESCAPES[found[0]], text).encode()


def _descriptions(document: minidom.Document) -> Iterator[minidom.Element]:
    """The descriptions at the top of a packet; properties can hold others.

    Raises:
        ValueError: if there are none.
    """
    found = document.getElementsByTagNameNS(_RDF, "Description")
    if not found:
        raise ValueError("the XMP holds no description")
    yield from (node for node in found if node.parentNode is found[0].parentNode)


def _declarations(element: minidom.Element) -> list[minidom.Attr]:
    """The namespaces that are declared for an element, on it or around it."""
    found: dict[str, minidom.Attr] = {}
    node: minidom.Node | None = element
    while isinstance(node, minidom.Element):
        for attribute in _attributes(node):
            if attribute.namespaceURI == _XMLNS:
                found.setdefault(attribute.name, attribute)
        node = node.parentNode
    return list(found.values())


def _declare(declarations: list[minidom.Attr], element: minidom.Element) -> None:
    """Declare namespaces on an element, where they are not known.

    Raises:
        ValueError: if one of their prefixes means something else there.
    """
    known = {attribute.name: attribute.value for attribute in _declarations(element)}
    for declared in declarations:
        if known.setdefault(declared.name, declared.value) != declared.value:
            raise ValueError(f"the parts of the XMP use {declared.name} for different namespaces")
        element.setAttributeNS(_XMLNS, declared.name, declared.value)


def _attributes(element: minidom.Element) -> list[minidom.Attr]:
    return list(element.attributes.values())


def _properties(description: minidom.Element) -> list[_Node]:
    """What a description states: attributes and elements."""
    attributes: list[_Node] = [
        attribute for attribute in _attributes(description) if attribute.namespaceURI not in (_RDF, _XMLNS, None)
    ]
    return attributes + [node for node in description.childNodes if isinstance(node, minidom.Element)]


def _all_nodes(document: minidom.Document) -> Iterator[_Node]:
    for element in document.getElementsByTagName("*"):
        yield element
        yield from _attributes(element)


def _is_untrue(node: _Node, namespaces: tuple[str, ...], turned: bool) -> bool:
    if node.namespaceURI == _XMLNS:
        return isinstance(node, minidom.Attr) and (node.value or "").startswith(namespaces)
    if node.namespaceURI is None:
        return False
    if node.namespaceURI == _CAMERA:
        return node.localName.startswith(_VIDEO_CLAIMS)
    # The address of a proof of origin in the file, which results do not hold.
    if node.namespaceURI == _TERMS:
        return node.localName == _PROVENANCE
    if turned and node.namespaceURI.startswith(_CAPTIONS) and node.localName == _REGIONS:
        return True
    is_thumbnail = turned and node.namespaceURI == _BASIC and node.localName == "Thumbnails"
    return is_thumbnail or node.namespaceURI.startswith(namespaces)


def _move(node: _Node, target: minidom.Element) -> None:
    if isinstance(node, minidom.Attr):
        if node.ownerElement is not None:
            node.ownerElement.removeAttributeNode(node)
        target.setAttributeNS(node.namespaceURI, node.name, node.value)
    else:
        target.appendChild(node)


def _length(node: _Node) -> int:
    if isinstance(node, minidom.Attr):
        return len(node.name) + len(node.value.encode()) + 4
    return len(node.toxml().encode())
