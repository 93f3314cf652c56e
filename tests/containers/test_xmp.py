import contextlib
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argan_hf.containers.xmp import (
    made_upright,
    name_of_extended,
    orientation_of,
    split,
    with_extended,
    without_claims,
)
from tests.containers.files import DC, RDF, xmp

_PLAIN = xmp('dc:format="image/jpeg"', "<dc:title><rdf:Alt><rdf:li>a view, é</rdf:li></rdf:Alt></dc:title>")
_GAIN_MAP = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0" hdrgm:GainMapMax="2"'
_CAMERA = 'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/"'
_LIST = (
    '<Container:Directory xmlns:Container="http://ns.google.com/photos/1.0/container/" '
    'xmlns:Item="http://ns.google.com/photos/1.0/container/item/"><rdf:Seq><rdf:li rdf:parseType="Resource">'
    '<Container:Item Item:Semantic="GainMap" Item:Length="9"/></rdf:li></rdf:Seq></Container:Directory>'
)


def _statements(packet: bytes) -> set[str]:
    """Names of all that a packet states, attributes and elements, in the notation of ElementTree."""
    found = set()
    for element in ElementTree.fromstring(packet).iter():
        found |= {element.tag, *element.attrib}
    return {name for name in found if RDF not in name and "adobe:ns:meta" not in name}


def test_a_packet_without_untrue_claims_stays_byte_for_byte() -> None:
    wrapped = b"<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?>" + _PLAIN + b" " * 50 + b"<?xpacket end='w'?>"
    for packet in (_PLAIN, wrapped, b"<x/>", b"no XML at all", b""):
        assert without_claims(packet) == packet
        assert without_claims(packet, turned=True) == packet


@pytest.mark.parametrize(
    "packet",
    [
        xmp(f'{_GAIN_MAP} dc:format="image/jpeg"'),
        xmp('dc:format="image/jpeg"', _LIST),
        xmp(f'{_CAMERA} GCamera:MotionPhoto="1" GCamera:MicroVideoOffset="7" dc:format="image/jpeg"'),
        xmp(f'{_CAMERA} dc:format="image/jpeg"', "<GCamera:MicroVideo>1</GCamera:MicroVideo>"),
        xmp('xmlns:n="http://ns.adobe.com/xmp/note/" n:HasExtendedXMP="0123" dc:format="image/jpeg"'),
        xmp('xmlns:a="http://ns.apple.com/HDRGainMap/1.0/" a:HDRGainMapVersion="65536" dc:format="image/jpeg"'),
    ],
    ids=["gain map", "list", "video", "video as element", "extended packet", "Apple"],
)
def test_what_the_result_does_not_hold_is_no_longer_claimed(packet: bytes) -> None:
    assert _statements(without_claims(packet)) == {f"{{{DC}}}format"}


def test_an_empty_namespace_is_no_exception() -> None:
    packet = xmp(f'{_GAIN_MAP} dc:format="image/jpeg"', '<dc:title xmlns="">a view</dc:title>')
    assert _statements(without_claims(packet)) == {f"{{{DC}}}format", f"{{{DC}}}title"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_packet_in_utf_16_is_no_exception(encoding: str) -> None:
    packet = xmp(f'{_GAIN_MAP} dc:format="image/jpeg"').decode().encode(encoding)
    assert _statements(without_claims(packet)) == {f"{{{DC}}}format"}
    declared = f"<?xml version='1.0' encoding='{encoding[:6]}'?>"
    packet = (declared + xmp(f'{_GAIN_MAP} dc:format="image/jpeg"').decode()).encode(encoding)
    assert _statements(without_claims(packet)) == {f"{{{DC}}}format"}
    namespace = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/"'
    packet = xmp(f'{namespace} tiff:Orientation="6"').decode().encode(encoding)
    assert orientation_of(packet) == 6
    assert orientation_of(made_upright(packet, (5, 3))) == 1
    # Few formats hold UTF-16, so it goes even where nothing is untrue.
    assert without_claims(_PLAIN.decode().encode(encoding)) == _PLAIN
    assert _statements(without_claims(b"\n" + xmp(f'{_GAIN_MAP} dc:format="a"') + b"\0\0\n")) == {f"{{{DC}}}format"}


def test_line_breaks_of_a_caption_survive() -> None:
    packet = xmp(f'{_GAIN_MAP} dc:source="one&#xA;two&#9;three&#13;four"')
    for changed in (without_claims(packet), with_extended(*split(packet.replace(b"hdrgm", b"other"), 700))):
        (caption,) = (
            element.get(f"{{{DC}}}source") for element in ElementTree.fromstring(changed).iter(f"{{{RDF}}}Description")
        )
        assert caption == "one\ntwo\tthree\rfour"


def test_a_namespace_that_is_only_declared_claims_nothing() -> None:
    packet = xmp('xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" dc:format="image/jpeg"')
    assert without_claims(packet) == packet


def test_characters_for_private_use_are_characters() -> None:
    packet = without_claims(xmp(f'{_GAIN_MAP} dc:source="\ue009\ue00a\ue00d"', "<dc:rights>a&#13;b</dc:rights>"))
    assert '"\ue009\ue00a\ue00d"' in packet.decode()
    assert ElementTree.fromstring(packet).findtext(f".//{{{DC}}}rights") == "a\rb"


def test_other_words_of_a_camera_stay() -> None:
    packet = without_claims(xmp(f'{_CAMERA} GCamera:BurstID="7" GCamera:MotionPhoto="1"'))
    assert _statements(packet) == {"{http://ns.google.com/photos/1.0/camera/}BurstID"}


def test_the_address_of_a_proof_of_origin_goes_and_other_terms_stay() -> None:
    packet = xmp('xmlns:t="http://purl.org/dc/terms/" t:provenance="self#jumbf=/c2pa/a" t:created="2020"')
    assert _statements(without_claims(packet)) == {"{http://purl.org/dc/terms/}created"}


def test_nothing_is_left_of_a_packet_of_untrue_claims() -> None:
    assert without_claims(xmp(_GAIN_MAP)) == b""


def test_what_shows_the_picture_on_its_side_goes_when_it_was_turned() -> None:
    depth = 'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Data="QUJD" dc:format="image/jpeg"'
    thumbnails = '<xmp:Thumbnails xmlns:xmp="http://ns.adobe.com/xap/1.0/"><rdf:Alt/></xmp:Thumbnails>'
    faces = '<mwg:Regions xmlns:mwg="http://www.metadataworkinggroup.com/schemas/regions/"><rdf:Bag/></mwg:Regions>'
    regions = (
        '<ext:ImageRegion xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Bag/></ext:ImageRegion>'
        '<acdsee:Regions xmlns:acdsee="http://ns.acdsee.com/regions/"><rdf:Bag/></acdsee:Regions>'
        '<focus:FocalPointX xmlns:focus="http://ns.google.com/photos/1.0/focus/">0.2</focus:FocalPointX>'
    )
    packet = xmp(depth, thumbnails + faces + regions)
    assert without_claims(packet) == packet
    assert _statements(without_claims(packet, turned=True)) == {f"{{{DC}}}format"}


def test_an_upright_picture_says_so_in_every_way() -> None:
    namespaces = 'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/"'
    packet = xmp(
        f'{namespaces} tiff:Orientation="6" exif:PixelXDimension="48"',
        "<exif:PixelYDimension>32</exif:PixelYDimension><tiff:ImageWidth>48</tiff:ImageWidth>",
    )
    assert orientation_of(packet) == 6
    upright = made_upright(packet, (32, 48))
    assert orientation_of(upright) == 1
    assert b'exif:PixelXDimension="32"' in upright
    assert b"<exif:PixelYDimension>48<" in upright
    assert b"<tiff:ImageWidth>32<" in upright


@pytest.mark.parametrize("limit", [700, 5000, 60_000])
def test_a_packet_that_is_split_and_merged_states_the_same(limit: int) -> None:
    namespaces = 'xmlns:a="urn:a" xmlns:b="urn:b" dc:format="image/jpeg"'
    packet = xmp(
        f'{namespaces} a:one="{"x" * 3000}" b:two="&quot;ä&amp;"',
        f"<a:three>{'y' * 80_000}</a:three><dc:title><rdf:Alt><rdf:li>é</rdf:li></rdf:Alt></dc:title>",
    )
    main, extended = split(packet, limit)
    assert len(main) <= limit
    assert name_of_extended(extended) in main
    merged = without_claims(with_extended(main, extended))
    assert _statements(merged) == _statements(packet)
    before, after = ElementTree.fromstring(packet), ElementTree.fromstring(merged)
    assert "".join(sorted("".join(before.itertext()))) == "".join(sorted("".join(after.itertext())))
    attributes = [{k: v for e in tree.iter() for k, v in e.attrib.items()} for tree in (before, after)]
    assert attributes[0] == attributes[1]


def test_packets_that_do_not_fit_each_other_are_not_merged() -> None:
    with pytest.raises(ValueError, match="different namespaces"):
        with_extended(xmp('xmlns:a="urn:a" a:x="1"'), xmp('xmlns:a="urn:other" a:y="2"'))
    for damaged in (b"<x", b"", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'):
        with pytest.raises(ValueError, match="XMP"):
            with_extended(damaged, _PLAIN)


def test_a_damaged_packet_that_claims_a_gain_map_is_refused() -> None:
    with pytest.raises(ValueError, match="damaged"):
        without_claims(xmp(_GAIN_MAP)[:-20])
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]><x>&a;MotionPhoto</x>'
    with pytest.raises(ValueError, match="entities"):
        without_claims(bomb)
    # No document object model goes that deep.
    with pytest.raises(ValueError, match="damaged"):
        without_claims(b"<a>" * 50_000 + b"MotionPhoto" + b"</a>" * 50_000)
    with pytest.raises(ValueError, match="more than the"):
        without_claims(b"<x>MotionPhoto" + b" " * (1 << 24) + b"</x>")


@given(st.integers(0, 1000), st.integers(0, 255))
@settings(max_examples=200, derandomize=True, deadline=None)
def test_any_damage_is_a_value_error_or_nothing(position: int, value: int) -> None:
    packet = bytearray(xmp(f"{_GAIN_MAP} {_CAMERA} GCamera:MotionPhoto='1'", _LIST))
    packet[position % len(packet)] = value
    for change in (lambda xmp: made_upright(without_claims(xmp, turned=True), (5, 3)), lambda xmp: split(xmp, 65_000)):
        with contextlib.suppress(ValueError):
            change(bytes(packet))
