"""Changes of a message's tree that a case asks for: moved, forged, renamed, respelled parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Annotated, Final

from lxml import etree
from pydantic import BaseModel, ConfigDict, Field, model_validator

from ksz_childbenefits.conformance.spelling import Spelling, respell
from ksz_childbenefits.contract.namespaces import DS, EC, INTF, SOAP_ENV, WSSE, WSSE11, WSU, XENC
from ksz_childbenefits.errors import DataError

NAMESPACES: Final = {
    "soapenv": SOAP_ENV,
    "wsse": WSSE,
    "wsse11": WSSE11,
    "wsu": WSU,
    "ds": DS,
    "ec": EC,
    "xenc": XENC,
    "intf": INTF,
    "soap12": "http://www.w3.org/2003/05/soap-envelope",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "xi": "http://www.w3.org/2001/XInclude",
    "xop": "http://www.w3.org/2004/08/xop/include",
    "xs": "http://www.w3.org/2001/XMLSchema",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "x": "urn:x",
}
"""The prefixes that XPaths, names and XML in an edit may use without declaring them."""

_ACTIONS: Final = ("move", "copy", "remove", "insert", "set", "text", "rename", "spell")
_PLACES: Final = ("into", "first", "before", "after", "instead")
_PLACED: Final = frozenset({"move", "copy", "insert"})

XPath = Annotated[str, Field(min_length=1)]


class Edit(BaseModel):
    """One change: an action on what an XPath finds (exactly one element), and where it goes.

    ``move``, ``copy``: an element; ``insert``: XML, ``times`` over. Their place: last ``into``,
    ``first`` in, ``before``, ``after`` or ``instead`` of another; ``inside``: XML of an element
    that is put around. ``remove``: an element. ``set``: its ``attributes``, without those in
    ``drop``. ``text``: its text becomes ``put``, ``times`` over. ``rename``: its name becomes
    ``put``. ``spell``: its text is written ``as`` the spelling says (spelling.py).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    move: XPath | None = None
    copy_: XPath | None = Field(None, alias="copy")
    remove: XPath | None = None
    insert: str | None = None
    set: XPath | None = None
    text: XPath | None = None
    rename: XPath | None = None
    spell: XPath | None = None
    into: XPath | None = None
    first: XPath | None = None
    before: XPath | None = None
    after: XPath | None = None
    instead: XPath | None = None
    inside: str | None = None
    attributes: dict[str, str] = Field(default_factory=dict)
    drop: tuple[str, ...] = ()
    put: str = ""
    times: Annotated[int, Field(ge=1)] = 1
    as_: Spelling | None = Field(None, alias="as")

    @model_validator(mode="after")
    def _one_action(self) -> Edit:
        if len(list(self._given(_ACTIONS))) != 1:
            raise ValueError(f"exactly one of {', '.join(_ACTIONS)}")
        placed = self.action in _PLACED
        if len(list(self._given(_PLACES))) != placed:
            raise ValueError(f"{'one' if placed else 'none'} of {', '.join(_PLACES)}")
        if (self.as_ is None) is (self.spell is not None):
            raise ValueError("spell and as go together")
        return self

    def _given(self, names: tuple[str, ...]) -> Iterator[str]:
        for name in names:
            if getattr(self, "copy_" if name == "copy" else name) is not None:
                yield name

    @property
    def action(self) -> str:
        """What is done."""
        return next(self._given(_ACTIONS))

    @property
    def place(self) -> tuple[str, str]:
        """Where what is moved, copied or inserted goes: the word and the XPath."""
        name = next(self._given(_PLACES))
        return name, getattr(self, name)


def apply(root: etree._Element, edits: tuple[Edit, ...], values: Mapping[str, str]) -> None:
    """Make the changes one after the other; ``values`` fill ``{name}`` in XML and texts.

    DataError where an XPath does not find exactly one element.
    """
    for edit in edits:
        _DO[edit.action](root, edit, values)


def _move(root: etree._Element, edit: Edit, _: Mapping[str, str]) -> None:
    element, target = _one(root, edit.move or ""), _one(root, edit.place[1])
    _parent(element).remove(element)
    _put(target, edit, [element])


def _copy(root: etree._Element, edit: Edit, _: Mapping[str, str]) -> None:
    _put(_one(root, edit.place[1]), edit, [deepcopy(_one(root, edit.copy_ or ""))])


def _insert(root: etree._Element, edit: Edit, values: Mapping[str, str]) -> None:
    xml = fill(edit.insert or "", values)
    _put(_one(root, edit.place[1]), edit, list(_fragments(xml * edit.times)))


def _remove(root: etree._Element, edit: Edit, _: Mapping[str, str]) -> None:
    element = _one(root, edit.remove or "")
    _parent(element).remove(element)


def _set(root: etree._Element, edit: Edit, values: Mapping[str, str]) -> None:
    element = _one(root, edit.set or "")
    for name in edit.drop:
        del element.attrib[_name(name)]
    for name, value in edit.attributes.items():
        element.set(_name(name), fill(value, values) * edit.times)


def _text(root: etree._Element, edit: Edit, values: Mapping[str, str]) -> None:
    _one(root, edit.text or "").text = fill(edit.put, values) * edit.times


def _rename(root: etree._Element, edit: Edit, _: Mapping[str, str]) -> None:
    _one(root, edit.rename or "").tag = _name(edit.put)


def _spell(root: etree._Element, edit: Edit, _: Mapping[str, str]) -> None:
    if edit.as_ is not None:
        respell(_one(root, edit.spell or ""), edit.as_)


_DO: Final = {
    "move": _move,
    "copy": _copy,
    "insert": _insert,
    "remove": _remove,
    "set": _set,
    "text": _text,
    "rename": _rename,
    "spell": _spell,
}


def _put(target: etree._Element, edit: Edit, elements: list[etree._Element]) -> None:
    """Put elements in their order, in their wrapper if there is one, to their place."""
    if edit.inside is not None:
        (wrapper,) = _fragments(edit.inside)
        wrapper.extend(elements)
        elements = [wrapper]
    place = edit.place[0]
    if place == "into":
        target.extend(elements)
    elif place == "first":
        target[:0] = elements
    elif place == "after":
        for element in reversed(elements):
            target.addnext(element)
    else:
        for element in elements:
            target.addprevious(element)
    if place == "instead":
        _parent(target).remove(target)


def _parent(element: etree._Element) -> etree._Element:
    parent = element.getparent()
    if parent is None:
        raise DataError("the root stays where it is")
    return parent


def _one(root: etree._Element, path: str) -> etree._Element:
    try:
        found = root.xpath(path, namespaces=NAMESPACES)
    except etree.XPathError as error:
        raise DataError(f"{path}: {error}") from None
    elements = found if isinstance(found, list) else []
    if len(elements) != 1 or not isinstance(elements[0], etree._Element):
        raise DataError(f"{path} finds {len(elements)} elements, not one")
    return elements[0]


def _fragments(xml: str) -> Iterator[etree._Element]:
    """The elements of ``xml``, in which the fixed prefixes need no declaration."""
    declarations = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NAMESPACES.items())
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False, collect_ids=False)
    try:
        root = etree.fromstring(f"<r {declarations}>{xml}</r>", parser)
    except etree.XMLSyntaxError as error:
        raise DataError(f"{xml[:60]!r} is not XML: {error}") from None
    for child in list(root):
        root.remove(child)
        yield child


def _name(written: str) -> str:
    """``prefix:name`` in Clark notation."""
    prefix, colon, local = written.rpartition(":")
    if not colon:
        return written
    if prefix == "xml":
        return f"{{http://www.w3.org/XML/1998/namespace}}{local}"
    if prefix not in NAMESPACES:
        raise DataError(f"{written}: no prefix of an edit")
    return f"{{{NAMESPACES[prefix]}}}{local}"


def fill(text: str, values: Mapping[str, str]) -> str:
    """``text`` with each ``{name}`` of ``values`` replaced; other braces stay as they are."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text
