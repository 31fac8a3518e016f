"""The only parser and the only serialiser of XML in the project (SECURITY 2).

A message is read in three steps, each cheap to fail: its bytes become text in the one encoding that
byte order mark, HTTP charset and XML declaration agree on; where the text does not show at a glance
that it holds none, a census by expat, which builds nothing, refuses DTDs, processing instructions
and whatever is over a limit; then lxml builds the tree.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import astuple, dataclass
from typing import Final
from xml.parsers import expat

from lxml import etree

from ksz_childbenefits.contract.parser import parser_for
from ksz_childbenefits.errors import NotReadable


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """What a message may hold (SECURITY 2): levels, elements in all, attributes on one element.

    ``namespaces`` bounds the declarations in scope of one element: no row of SECURITY, but without
    it 64 levels of declarations would make canonicalisation slow. None can be switched off.
    """

    depth: int = 64
    elements: int = 5000
    attributes: int = 64
    namespaces: int = 128

    def __post_init__(self) -> None:
        """Refuse a limit below one with ValueError."""
        if min(astuple(self)) < 1:
            raise ValueError("a limit of XML is at least 1")


DEFAULT_LIMITS: Final = XmlLimits()

_NAMESPACE_CHARACTERS: Final = 256
"""Of one namespace's name: canonicalisation writes it anew on each of thousands of elements."""

_ATTRIBUTES_PER_ELEMENT: Final = 2
"""On the whole: twice what the largest request has, whose inscriptions have five on one of three.

libxml2 reports each that the XSD does not know, which takes 2 KB.
"""

_LONG_VALUE: Final = re.compile(
    rb"""=[ \t\r\n]*(?:"[^"]{%d}|'[^']{%d})""" % (2 * (_NAMESPACE_CHARACTERS + 1,))
)
"""What could be the value of an attribute longer than the name of a namespace may be."""

_UTF_8: Final = "utf-8"
_UTF_16: Final = "utf-16"

_MARKS: Final = (
    (codecs.BOM_UTF8, _UTF_8, "utf-8"),
    (codecs.BOM_UTF16_LE, _UTF_16, "utf-16-le"),
    (codecs.BOM_UTF16_BE, _UTF_16, "utf-16-be"),
)

_DECLARATION: Final = re.compile(
    r"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?P<v>["'])1\.0(?P=v)"""
    r"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?P<e>["'])(?P<name>[A-Za-z][\w.-]*)(?P=e))?"""
    r"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?P<s>["'])(?:yes|no)(?P=s))?"""
    r"""[ \t\r\n]*\?>""",
    re.ASCII,
)
_DECLARATION_START: Final = re.compile(r"<\?xml[ \t\r\n]")


def parse(data: bytes, charset: str | None, limits: XmlLimits = DEFAULT_LIMITS) -> etree._Element:
    """Read a message and give its root; NotReadable, and nothing else, for whatever is refused.

    ``charset`` is the HTTP parameter, None when absent. Comments are dropped. The size of ``data``
    is the transport's to limit (SECURITY 1).
    """
    content = _decode(data, charset)
    if not _surely_within(content, limits):
        _Census(limits).take(content)
    try:
        root = etree.fromstring(content, parser_for(len(content)))
    except etree.LxmlError as error:
        # Its message may quote the document: the log gets the place only.
        code = error.code if isinstance(error, etree.ParseError) else None
        raise NotReadable(f"not well-formed (libxml2 error {code})") from None
    _assert_plain(root)
    return root


def read_own(content: bytes) -> etree._Element:
    """The root of what this service itself has written; XMLSyntaxError for a mistake of its own."""
    return etree.fromstring(content, parser_for(len(content)))


def serialise(element: etree._Element) -> bytes:
    """Write an element as a document in UTF-8, with declaration; nothing is moved or indented."""
    return etree.tostring(element, encoding="UTF-8", xml_declaration=True, with_tail=False)


def _surely_within(content: bytes, limits: XmlLimits) -> bool:
    """Whether a census would find nothing, as the text alone shows: so it does for most messages.

    There are no more levels and elements than start tags, no more attributes and declarations on
    all of them together than equals signs, and nothing of XML's own without its first characters.
    What is not in ASCII is left to expat too: of such names libxml2 takes some that are none.
    """
    elements, values = content.count(b"<") - content.count(b"</"), content.count(b"=")
    return (
        elements <= min(limits.depth, limits.elements)
        and values <= min(limits.attributes, limits.namespaces)
        and values <= _ATTRIBUTES_PER_ELEMENT * limits.elements
        and content.isascii()
        and b"<?" not in content
        and b"<!D" not in content
        and not _LONG_VALUE.search(content)
    )


def _decode(data: bytes, charset: str | None) -> bytes:
    """The text in UTF-8, without mark and declaration, once all that name its encoding agree."""
    if not data:
        raise NotReadable("empty body")
    mark, encoding, codec = _detect(data)
    if charset is not None and charset.strip().lower() != encoding:
        raise NotReadable("charset is not UTF-8 or UTF-16, or not that of the bytes")
    try:
        text = data[len(mark) :].decode(codec)
    except UnicodeDecodeError:
        raise NotReadable(f"bytes that are not {encoding}") from None
    if text.startswith("\ufeff"):
        raise NotReadable("a second byte order mark")
    return _without_declaration(text, encoding).encode()


def _detect(data: bytes) -> tuple[bytes, str, str]:
    """The mark, the encoding and Python's codec for it, as the first bytes show them."""
    for mark, encoding, codec in _MARKS:
        if data.startswith(mark):
            return mark, encoding, codec
    # Without a mark: a document begins with "<" or white space, whose other half is then zero.
    if data[:1] == b"\0":
        return b"", _UTF_16, "utf-16-be"
    if data[1:2] == b"\0":
        return b"", _UTF_16, "utf-16-le"
    return b"", _UTF_8, "utf-8"


def _without_declaration(text: str, encoding: str) -> str:
    """Drop the XML declaration, which must be of XML 1.0 and name this encoding or none."""
    if not _DECLARATION_START.match(text):
        return text
    declaration = _DECLARATION.match(text)
    if declaration is None:
        raise NotReadable("an XML declaration that is not of XML 1.0")
    name: str | None = declaration["name"]
    if name is not None and name.lower() != encoding:
        raise NotReadable("the XML declaration contradicts the bytes")
    return text[declaration.end() :]


class _Census:
    """Counts what is in a document, and refuses on the spot; builds nothing."""

    def __init__(self, limits: XmlLimits) -> None:
        self._limits = limits
        self._elements = 0
        self._attributes = 0
        self._scopes = [0]

    def take(self, content: bytes) -> None:
        """Go through UTF-8 ``content``; NotReadable at the first thing that is not allowed."""
        parser = expat.ParserCreate("utf-8")
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._doctype
        parser.ProcessingInstructionHandler = self._instruction
        try:
            parser.Parse(content, True)
        except expat.ExpatError as error:
            raise NotReadable(f"not well-formed (expat error {error.code})") from None

    def _start(self, _name: str, attributes: list[str]) -> None:
        declared = _count_declarations(attributes) if attributes else 0
        self._elements += 1
        self._attributes += len(attributes) // 2
        self._scopes.append(self._scopes[-1] + declared)
        if self._elements > self._limits.elements:
            raise NotReadable("too many elements")
        if len(self._scopes) - 1 > self._limits.depth:
            raise NotReadable("too many levels")
        if len(attributes) // 2 - declared > self._limits.attributes:
            raise NotReadable("too many attributes on one element")
        if self._attributes > _ATTRIBUTES_PER_ELEMENT * self._limits.elements:
            raise NotReadable("too many attributes")
        if self._scopes[-1] > self._limits.namespaces:
            raise NotReadable("too many namespace declarations in scope")

    def _end(self, _name: str) -> None:
        self._scopes.pop()

    def _doctype(self, *_: object) -> None:
        raise NotReadable("a document type declaration")

    def _instruction(self, *_: object) -> None:
        raise NotReadable("a processing instruction")


def _count_declarations(attributes: list[str]) -> int:
    """How many of these names (each is followed by its value) declare a namespace."""
    declared = 0
    for name, value in zip(attributes[::2], attributes[1::2], strict=True):
        if name == "xmlns" or name.startswith("xmlns:"):
            if len(value) > _NAMESPACE_CHARACTERS:
                raise NotReadable("the name of a namespace is too long")
            declared += 1
    return declared


def _assert_plain(root: etree._Element) -> None:
    """Hold the tree to what the census promised of the text: two parsers read it, one is served."""
    beside = root.getprevious() is not None or root.getnext() is not None
    inside = next(root.iter(etree.Entity, etree.ProcessingInstruction), None) is not None
    if beside or inside or root.getroottree().docinfo.internalDTD is not None:
        raise NotReadable("more than elements and text")
