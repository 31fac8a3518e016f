"""Reading and writing XML: limits, encodings, and that nothing but NotReadable comes out."""

from __future__ import annotations

import codecs
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.contract.xmlio import XmlLimits, parse, serialise
from ksz_childbenefits.errors import NotReadable
from tests.contract.messages import envelope_xml, request_xml

KIB_256 = 256 * 1024
TEXT = "<a>Zo\u00eb \u6f22 \U0001f600</a>"
BE, LE = codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE


def declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n'


# Charset absent, UTF-8 or UTF-16, and not contradicting the declaration (SECURITY 1).
READABLE = {
    "plain": (TEXT.encode(), None),
    "charset": (TEXT.encode(), "utf-8"),
    "charset in capitals": (TEXT.encode(), "UTF-8"),
    "charset with blanks": (TEXT.encode(), " utf-8 "),
    "mark": (codecs.BOM_UTF8 + TEXT.encode(), None),
    "mark and charset": (codecs.BOM_UTF8 + TEXT.encode(), "utf-8"),
    "declaration": ((declared("utf-8") + TEXT).encode(), None),
    "declaration and charset": ((declared("UTF-8") + TEXT).encode(), "utf-8"),
    "declaration without encoding": (
        b"<?xml version='1.0' standalone='yes' ?>" + TEXT.encode(),
        None,
    ),
    "UTF-16 BE, mark": (BE + TEXT.encode("utf-16-be"), None),
    "UTF-16 LE, mark": (LE + TEXT.encode("utf-16-le"), None),
    "UTF-16 BE, mark, charset": (BE + TEXT.encode("utf-16-be"), "utf-16"),
    "UTF-16 LE, mark, charset": (LE + TEXT.encode("utf-16-le"), "UTF-16"),
    "UTF-16 BE, mark, declaration": (BE + (declared("UTF-16") + TEXT).encode("utf-16-be"), None),
    "UTF-16 LE, mark, declaration": (
        LE + (declared("utf-16") + TEXT).encode("utf-16-le"),
        "utf-16",
    ),
    "UTF-16 BE, no mark": (TEXT.encode("utf-16-be"), "utf-16"),
    "UTF-16 LE, no mark": (TEXT.encode("utf-16-le"), "utf-16"),
    "UTF-16 LE, no mark, no charset": (TEXT.encode("utf-16-le"), None),
    "UTF-16 BE, no mark, declaration": ((declared("UTF-16") + TEXT).encode("utf-16-be"), None),
    "blank before the root": (b"\n " + TEXT.encode(), None),
    "UTF-16 LE, blank before the root": (("\n" + TEXT).encode("utf-16-le"), None),
}

UNREADABLE = {
    "empty body": (b"", None),
    "empty charset": (TEXT.encode(), ""),
    "blanks only": (b" \n", None),
    "mark only": (codecs.BOM_UTF8, None),
    "UTF-16 mark only": (LE, "utf-16"),
    "one byte": (b"<", None),
    "unknown charset": (TEXT.encode(), "klingon"),
    "charset of a codec that is no text": (TEXT.encode(), "base64"),
    "charset latin-1": (b"<a/>", "iso-8859-1"),
    "charset ascii": (b"<a/>", "us-ascii"),
    "charset utf-7": (b"<a/>", "utf-7"),
    "charset with a zero": (b"<a/>", "utf-8\0"),
    "charset contradicts the mark": (codecs.BOM_UTF8 + b"<a/>", "utf-16"),
    "charset contradicts the UTF-16 mark": (LE + TEXT.encode("utf-16-le"), "utf-8"),
    "charset contradicts the bytes": (b"<a/>", "utf-16"),
    "charset contradicts the declaration": ((declared("UTF-16") + "<a/>").encode(), "utf-8"),
    "declaration contradicts the bytes": ((declared("UTF-16") + "<a/>").encode(), None),
    "declaration contradicts the mark": (
        BE + (declared("utf-8") + "<a/>").encode("utf-16-be"),
        None,
    ),
    "declaration of latin-1": ((declared("iso-8859-1") + "<a/>").encode(), None),
    "declaration of nonsense": ((declared("nonsense") + "<a/>").encode(), None),
    "declaration of XML 1.1": (b'<?xml version="1.1"?><a/>', None),
    "declaration twice": ((declared("utf-8") + declared("utf-8") + "<a/>").encode(), None),
    "declaration after a blank": (b" " + (declared("utf-8") + "<a/>").encode(), None),
    "declaration cut off": (b'<?xml version="1.0"', None),
    "two marks": (codecs.BOM_UTF8 * 2 + b"<a/>", None),
    "UTF-8 that is none": (b"<a>\xff</a>", None),
    "UTF-8 overlong": (b"<a>\xc0\xbc</a>", None),
    "UTF-8 surrogate": (b"<a>\xed\xa0\x80</a>", None),
    "latin-1 bytes": ("<a>\u00eb</a>".encode("latin-1"), None),
    "UTF-16 odd length": (LE + "<a/>".encode("utf-16-le") + b"\0", "utf-16"),
    "UTF-16 lone surrogate": (LE + "<a>".encode("utf-16-le") + b"\x00\xd8" + b"<\0/\0a\0>\0", None),
    "UTF-32": ("<a/>".encode("utf-32"), None),
    "UTF-32 BE": ("<a/>".encode("utf-32-be"), None),
    "UTF-32 LE": ("<a/>".encode("utf-32-le"), None),
    "EBCDIC": ("<a/>".encode("cp500"), None),
}

NOT_WELL_FORMED = [
    "text",
    "<a>",
    "</a>",
    "<a/><b/>",
    "<a/>text",
    "<a></b>",
    "<a b=c/>",
    "<a b='1' b='2'/>",
    "<a>&nbsp;</a>",
    "<a>&#0;</a>",
    "<a>&#xD800;</a>",
    "<a>\0</a>",
    "<a>\x0b</a>",
    "<a>\ufffe</a>",
    "<a>]]></a>",
    "<a><!-- -- --></a>",
    "<a><![CDATA[</a>",
    "<p:a/>",
    "<a p:b='1'/>",
    "<a:b:c xmlns:a='urn:a'/>",
    "<a xmlns:p=''/>",
    "<a xmlns:p='urn:p' xmlns:q='urn:p' p:x='1' q:x='2'/>",
    "<a xmlns:xmlns='urn:x'/>",
    "<\u0661a/>",
]

# No DTD, even one without entities; no processing instruction, wherever (SECURITY 2).
FORBIDDEN = [
    "<!DOCTYPE a><a/>",
    "<!DOCTYPE a []><a/>",
    "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
    "<!DOCTYPE a PUBLIC 'x' 'http://127.0.0.1:1/x.dtd'><a/>",
    "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
    "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
    "<!DOCTYPE a [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]><a/>",
    "<!DOCTYPE a [<!ENTITY a0 'ha'><!ENTITY a1 '&a0;&a0;'>]><a b='&a1;'/>",
    "<!DOCTYPE a [<!ATTLIST a b CDATA 'x'>]><a/>",
    "<?xml-stylesheet href='x'?><a/>",
    "<?x?><a/>",
    "<a><?x y?></a>",
    "<a><b/><?x?></a>",
    "<a/><?x y?>",
    "<a/>\n<?x y?>\n",
]


@pytest.mark.parametrize(("data", "charset"), READABLE.values(), ids=READABLE)
def test_encodings_that_are_read(data: bytes, charset: str | None) -> None:
    assert parse(data, charset).text == "Zo\u00eb \u6f22 \U0001f600"


@pytest.mark.parametrize(("data", "charset"), UNREADABLE.values(), ids=UNREADABLE)
def test_encodings_that_are_refused(data: bytes, charset: str | None) -> None:
    with pytest.raises(NotReadable):
        parse(data, charset)


@pytest.mark.parametrize("text", [*NOT_WELL_FORMED, *FORBIDDEN])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_refused(text: str, encoding: str) -> None:
    with pytest.raises(NotReadable):
        parse(text.encode(encoding), None)


@pytest.mark.parametrize(
    "text", ["<!DOCTYPE a><a/>", "<?x?><a/>", "<a/><?x?>", "<a><b><?x?></b></a>"]
)
def test_the_tree_is_judged_again_in_case_the_parsers_read_differently(text: str) -> None:
    with pytest.raises(NotReadable):
        xmlio._assert_plain(etree.fromstring(text))


def test_what_only_looks_forbidden_is_read() -> None:
    root = parse(b"<a><!-- <!DOCTYPE a> <?x?> --><![CDATA[<!DOCTYPE a><?x?>]]></a>", None)
    assert root.text == "<!DOCTYPE a><?x?>"


def test_xinclude_and_schema_location_are_only_read() -> None:
    root = parse(
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude">'
        b'<xi:include href="/etc/passwd" parse="text"/>'
        b'<b xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xsi:schemaLocation="urn:x http://127.0.0.1:1/x.xsd"/></a>',
        None,
    )
    assert [len(child) for child in root] == [0, 0]
    assert "".join(str(text) for text in root.itertext()) == ""


def test_comments_are_dropped_so_that_text_reads_as_it_is_signed() -> None:
    """DESIGN: ``850<!-- -->73`` verifies, and must not read ``850``."""
    root = parse(b"<!-- x --><a>850<!-- -->73<b/><!-- y -->tail</a><!-- z -->", None)
    assert root.text == "85073"
    assert root[0].tail == "tail"
    assert root.getprevious() is None
    assert root.getnext() is None


def test_prefixes_and_declarations_stay_as_they_came() -> None:
    data = (
        b'<p:a xmlns:p="urn:p" xmlns:q="urn:p" xmlns:unused="urn:u"><b xmlns=""/>'
        b'<c xmlns="urn:d"/></p:a>'
    )
    root = parse(data, None)
    assert root.nsmap == {"p": "urn:p", "q": "urn:p", "unused": "urn:u"}
    assert etree.tostring(root) == data


LIMITS = XmlLimits()


def nested(levels: int) -> bytes:
    return b"<a>" * levels + b"</a>" * levels


def many(elements: int) -> bytes:
    return b"<r>" + b"<a/>" * (elements - 1) + b"</r>"


def attributes(count: int) -> bytes:
    return b"<a " + b" ".join(b"a%d='1'" % i for i in range(count)) + b"/>"


def namespaces(count: int) -> bytes:
    return b"<a " + b" ".join(b"xmlns:n%d='urn:%d'" % (i, i) for i in range(count)) + b"/>"


@pytest.mark.parametrize(
    ("document", "limit"), [(nested, 64), (many, 5000), (attributes, 64), (namespaces, 128)]
)
def test_limits(document: object, limit: int) -> None:
    """SECURITY 2: at most 64 levels, 5,000 elements, 64 attributes on one; 128 is ours."""
    assert callable(document)
    parse(document(limit), None)
    with pytest.raises(NotReadable):
        parse(document(limit + 1), None)


def test_namespace_declarations_are_no_attributes_but_add_up_along_the_path() -> None:
    parse(b"<a xmlns:p='urn:p' " + attributes(64)[3:], None)
    child = b"<b " + b" ".join(b"xmlns:m%d='urn:%d'" % (i, i) for i in range(65)) + b"/>"
    parent = namespaces(64)[:-2] + b">"
    with pytest.raises(NotReadable):
        parse(parent + child + b"</a>", None)
    parse(b"<r>" + parent + b"</a>" + child + b"</r>", None)


def test_attributes_in_all() -> None:
    """Two for each element that may be; the largest request has half as many."""
    many = b"<r>" + attributes(50) * 199 + attributes(49) + b"%s</r>"
    parse(many % b"<a xmlns='urn:a'/>", None)
    with pytest.raises(NotReadable):
        parse(many % b"<a xmlns='urn:a' b='1'/>", None)


def test_the_name_of_a_namespace_is_short() -> None:
    """Canonicalisation writes it on each element that uses it: 256 characters are our bound."""
    for document in ('<a xmlns="%s"/>', '<a><p:b xmlns:p="%s"/></a>'):
        parse((document % ("u" * 256)).encode(), None)
        with pytest.raises(NotReadable):
            parse((document % ("u" * 257)).encode(), None)


@pytest.mark.parametrize("field", ["depth", "elements", "attributes", "namespaces"])
def test_a_limit_can_be_set_but_not_switched_off(field: str) -> None:
    tight = replace(LIMITS, **{field: 1})
    parse(b"<a b='1' xmlns:p='urn:p'/>", None, tight)
    with pytest.raises(NotReadable):
        parse(b"<a b='1' c='1' xmlns:p='urn:p' xmlns:q='urn:q'><b/></a>", None, tight)
    with pytest.raises(ValueError, match="at least 1"):
        replace(LIMITS, **{field: 0})


BOMBS = {
    "levels": b"<a>" * (KIB_256 // 3),
    "levels closed": nested(KIB_256 // 7),
    "elements": many(KIB_256 // 4),
    "attributes": attributes(24_000),
    "declarations": namespaces(14_000),
    "declarations on the way down": b"".join(
        b"<a " + b" ".join(b"xmlns:n%d_%d='u'" % (d, i) for i in range(60)) + b">"
        for d in range(64)
    ),
    "a long name": b"<" + b"a" * KIB_256 + b"/>",
    "a long declaration": b"<?xml version='1.0'" + b" " * KIB_256 + b"x?><a/>",
    "open brackets": b"<" * KIB_256,
    "open comment": b"<a><!--" + b"-" * KIB_256,
    "zeros": b"\0" * KIB_256,
    "entities": b"<!DOCTYPE a [<!ENTITY a '"
    + b"x" * 50_000
    + b"'>]><a>"
    + b"&a;" * 50_000
    + b"</a>",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_cheaply(bomb: bytes) -> None:
    began = time.process_time()
    with pytest.raises(NotReadable):
        parse(bomb, None)
    assert time.process_time() - began < 0.5


BIG = {
    "long names": b"<r>" + b"".join(b"<a%s%d/>" % (b"x" * 240, i) for i in range(1000)) + b"</r>",
    "text": b"<a>" + b"x" * (KIB_256 - 7) + b"</a>",
    "character references": b"<a>" + b"&#13;" * 50_000 + b"</a>",
    "attribute": b"<a b='" + b"&lt;" * 60_000 + b"'/>",
    "comments": b"<a>" + b"<!---->" * 35_000 + b"</a>",
    "CDATA": b"<a>" + b"<![CDATA[]]>" * 20_000 + b"</a>",
    "declarations in scope": namespaces(128)[:-2] + b">" + b"<n127:x/>" * 4999 + b"</a>",
}


@pytest.mark.parametrize("document", BIG.values(), ids=BIG)
def test_big_documents_within_the_limits_are_read_cheaply(document: bytes) -> None:
    began = time.process_time()
    serialise(parse(document, None))
    assert time.process_time() - began < 0.5


def test_a_refusal_does_not_quote_the_message() -> None:
    """errors.py: the reason goes to the log and never holds an SSIN."""
    for data in (b"<a><_85073003328></a>", b"<_85073003328:a/>", b"<a>&_85073003328;</a>"):
        with pytest.raises(NotReadable) as refused:
            parse(data, None)
        assert "85073003328" not in refused.value.reason
        assert refused.value.__cause__ is None


MESSAGE = envelope_xml(request_xml(), header="<soapenv:Header/>").encode()
PIECES = [
    *(b"<", b">", b"/", b"&", b"'", b'"', b"=", b"\0", b"\xff", b"<!--", b"-->", b"<![CDATA["),
    *(b"]]>", b"<?x?>", b"<!DOCTYPE a>", b"xmlns=''", b"xmlns:a='b'", b"&#x0;", b"&a;", b"<a"),
    *(
        codecs.BOM_UTF8,
        LE,
        BE,
        b"<?xml version='1.0' encoding='x'?>",
        b"xml:id='1'",
        b"xml:base=':'",
    ),
]


def parses_or_is_refused(data: bytes, charset: str | None) -> None:
    try:
        root = parse(data, charset)
    except NotReadable:
        return
    assert len(list(root.iter(etree.Element))) <= LIMITS.elements
    assert parse(serialise(root), "utf-8").tag == root.tag


CHARSETS = st.sampled_from([None, "utf-8", "utf-16", "x"])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), CHARSETS)
def test_any_bytes(data: bytes, charset: str | None) -> None:
    parses_or_is_refused(data, charset)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=100), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be"]))
def test_any_text(text: str, encoding: str) -> None:
    parses_or_is_refused(f"<a>{text}</a>".encode(encoding, "surrogatepass"), None)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(MESSAGE)), st.integers(0, 20), st.sampled_from(PIECES)),
        min_size=1,
        max_size=4,
    ),
    CHARSETS,
)
def test_any_damage_to_a_message(damage: list[tuple[int, int, bytes]], charset: str | None) -> None:
    data = MESSAGE
    for place, cut, piece in damage:
        data = data[:place] + piece + data[place + cut :]
    parses_or_is_refused(data, charset)


def test_serialise_writes_utf_8_with_a_declaration_and_no_tail() -> None:
    root = etree.fromstring("<r><a>Zo\u00eb&#13;</a>tail</r>")
    assert serialise(root[0]) == (b"<?xml version='1.0' encoding='UTF-8'?>\n<a>Zo\xc3\xab&#13;</a>")


FRAGMENTS = st.sampled_from(
    [
        *("<a>", "</a>", "<a/>", "<a b='1'/>", '<a b="1" c = "2">', "<x:a xmlns:x='u'>", "</x:a>"),
        *("<!DOCTYPE a>", "<?p?>", "<!-- </a> <a> -->", "<![CDATA[</a><a b='1'>]]>", "=", "&#61;"),
        *(f"<a xmlns='{'n' * 300}'>", f'<a xmlns = "{"n" * 257}"/>', f"<a xmlns='{'n' * 256}'/>"),
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(FRAGMENTS, max_size=12))
def test_what_passes_at_a_glance_would_pass_the_census(fragments: list[str]) -> None:
    """SECURITY 2: the limits are those of the census, whether or not it is taken."""
    content = f"<a>{''.join(fragments)}</a>".encode()
    limits = XmlLimits(depth=4, elements=6, attributes=3, namespaces=2)
    if xmlio._surely_within(content, limits):
        refusal = None
        try:
            xmlio._Census(limits).take(content)
        except NotReadable as raised:
            refusal = raised.reason
        assert refusal is None or "not well-formed" in refusal
