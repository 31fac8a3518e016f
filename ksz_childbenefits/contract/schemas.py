"""The XSDs, compiled, and their verdicts as values (SECURITY 4, "not valid against the XSD").

Each thread has a schema of its own: the error log of a shared one mixes up the threads' messages.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from importlib.resources import as_file, files
from itertools import islice
from typing import Final, NamedTuple

from lxml import etree

from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.contract.contracts import Contract
from ksz_childbenefits.contract.namespaces import XSD
from ksz_childbenefits.domain.consultation import Information
from ksz_childbenefits.domain.ssin import fits_pattern
from ksz_childbenefits.errors import InternalError, SchemaViolation

SHIPPED: Final = files("ksz_childbenefits.contract")
"""Where ``wsdl/`` and ``xsd/`` are: links in a checkout, folders of the package in a wheel."""

IMPORT: Final = f"{{{XSD}}}import"

MAX_VIOLATIONS: Final = 15
_PATH_CHARACTERS: Final = 64

_RULES: Final = {
    "SCHEMAV_CVC_PATTERN_VALID": "pattern",
    "SCHEMAV_CVC_ENUMERATION_VALID": "enumeration",
    "SCHEMAV_CVC_LENGTH_VALID": "length",
    "SCHEMAV_CVC_MAXLENGTH_VALID": "maxLength",
    "SCHEMAV_CVC_MAXINCLUSIVE_VALID": "maxInclusive",
    "SCHEMAV_CVC_COMPLEX_TYPE_2_3": "text not allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "attribute not allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "attribute not allowed",
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "attribute missing",
    "SCHEMAV_CVC_TYPE_3_1_1": "attribute not allowed",
    "SCHEMAV_CVC_TYPE_3_1_2": "element not allowed",
    "SCHEMAV_CVC_ELT_1": "element not declared",
    "SCHEMAV_CVC_ELT_3_1": "nil not allowed",
    "SCHEMAV_CVC_ELT_4_3": "type not allowed",
}

_DATATYPES: Final = {
    "beginMonth": "gYearMonth",
    "endMonth": "gYearMonth",
    "paymentDate": "date",
    "beginDate": "date",
    "endDate": "date",
    "timestampSent": "dateTime",
    "timestampReceive": "dateTime",
    "timestampReply": "dateTime",
    "sector": "unsignedShort",
    "institution": "unsignedShort",
}

_SSINS: Final = ("ssin", "entitledPersonSsin", "beneficiary")
"""The elements of SsinType (CONTRACT, common); a beneficiary is one where it has no children."""

_STEP: Final = re.compile(r"(?:[^:\[]+:)?(?P<name>[^:\[]+)(?P<index>\[\d+\])?")


class Violation(NamedTuple):
    """Where a document breaks which rule; never a value, nor a name that is not the schema's."""

    path: str
    rule: str


def validate_request(contract: Contract, element: etree._Element) -> None:
    """Hold a request to the XSD; SchemaViolation with an information per violation (15 at most).

    Its name is the path from the root, cut to 64 characters, its value the rule. Digits outside
    ASCII are violations too (SECURITY 2), where the XSD lets them pass; and so are numbers that
    libxml2 lets pass though the XSD does not.
    """
    violations = (
        _violations(contract, element)
        or _foreign_digits(contract, element)
        or tuple(islice(_false_numbers(contract, element), MAX_VIOLATIONS))
    )
    if violations:
        raise SchemaViolation(
            "; ".join(f"{path}: {rule}" for path, rule in violations),
            *(Information(path, rule) for path, rule in violations),
        )


def validate_reply(contract: Contract, element: etree._Element) -> None:
    """Hold a reply, or a fault's detail entry, to the XSD; InternalError where it is not valid."""
    violations = _violations(contract, element)
    if violations:
        shown = "; ".join(f"{path}: {rule}" for path, rule in violations)
        raise InternalError(f"reply not valid: {shown}")


def prove_reply(contract: Contract, text: str) -> None:
    """Hold what is to be sent to the XSD, as a receiver reads it: by a parser, from its text.

    InternalError where it is not well-formed or not valid.
    """
    try:
        element = xmlio.read_own(text.encode())
    except etree.XMLSyntaxError as error:
        raise InternalError(f"reply not well-formed (libxml2 error {error.code})") from None
    validate_reply(contract, element)


def _violations(contract: Contract, element: etree._Element) -> tuple[Violation, ...]:
    """What the schema of this thread finds, at most fifteen."""
    schema = _schema(contract)
    if schema.validate(element):
        return ()
    entries = [entry for entry, _ in zip(schema.error_log, range(MAX_VIOLATIONS), strict=False)]
    return tuple(Violation(_path(contract, entry.path), _rule(entry)) for entry in entries)


def _foreign_digits(contract: Contract, element: etree._Element) -> tuple[Violation, ...]:
    if etree.tostring(element, method="text", encoding="unicode", with_tail=False).isascii():
        return ()
    return tuple(
        Violation(path, "pattern")
        for path in contract.ascii_digits
        if not (element.findtext(path) or "").isascii()
    )


def _false_numbers(contract: Contract, element: etree._Element) -> Iterator[Violation]:
    """SSINs that only libxml2 finds valid: 2.14.6 lets one digit more follow its first pattern."""
    for number in element.iter(*_SSINS):
        if len(number) == 0 and not fits_pattern(number.text or ""):
            tree = element.getroottree()
            # As libxml2 tells a path, in which the element is the root.
            path = tree.getpath(number).removeprefix(tree.getpath(element))
            yield Violation(_path(contract, f"/*{path}"), "pattern")


def _rule(entry: etree._LogEntry) -> str:
    """A short stable name for libxml2's complaint; of its message only the fixed start is read."""
    kind = entry.type_name
    if kind == "SCHEMAV_ELEMENT_CONTENT":
        missing = "Missing child element" in entry.message
        return "element missing" if missing else "element not expected"
    if kind.startswith("SCHEMAV_CVC_DATATYPE"):
        datatype = _DATATYPES.get(_name((entry.path or "").rpartition("/")[2]))
        return f"datatype {datatype}" if datatype else "datatype"
    return _RULES.get(kind, "not valid")


def _path(contract: Contract, xpath: str | None) -> str:
    """libxml2's path, told from the root on; of the root itself its name."""
    first, *steps = (xpath or "").lstrip("/").split("/")
    shown = "/".join(_step(contract, step) for step in steps or (first,))
    return shown[:_PATH_CHARACTERS]


def _step(contract: Contract, step: str) -> str:
    """One step without its prefix; ``*`` for a name that is not one of the contract's."""
    match = _STEP.fullmatch(step)
    if match is None or match["name"] not in _element_names(contract):
        return "*"
    return match["name"] + (match["index"] or "")


def _name(step: str) -> str:
    match = _STEP.fullmatch(step)
    return match["name"] if match else ""


@cache
def _element_names(contract: Contract) -> frozenset[str]:
    """The names of all elements that the contract declares."""
    texts = [(SHIPPED / "xsd" / name).read_bytes() for name in contract.xsds]
    documents = (xmlio.parse(text, None) for text in (*texts, _wsdl_text(contract)))
    return frozenset(
        name
        for document in documents
        for declared in document.iter(f"{{{XSD}}}element")
        if (name := declared.get("name"))
    )


# libxml2 makes its table of datatypes with the first schema of a process. Threads that come first
# together break it for good, and nothing is valid any more; while this is imported there is one.
etree.XMLSchema(etree.Element(f"{{{XSD}}}schema"))

_threads = threading.local()


def _schema(contract: Contract) -> etree.XMLSchema:
    """The schema of this thread."""
    schemas: dict[str, etree.XMLSchema] = _threads.__dict__.setdefault("schemas", {})
    schema = schemas.get(contract.name)
    if schema is None:
        schema = schemas[contract.name] = compile_schema(contract)
    return schema


def compile_schema(contract: Contract) -> etree.XMLSchema:
    """Compile the inline schema of the WSDL with what it imports: all elements of the wire."""
    wsdl = shipped_wsdl(contract)
    with ExitStack() as stack:
        for imported in wsdl.iter(IMPORT):
            path = stack.enter_context(as_file(SHIPPED / "xsd" / imported_file(imported)))
            imported.set("schemaLocation", path.as_uri())
        return etree.XMLSchema(next(wsdl.iter(f"{{{XSD}}}schema")))


def shipped_wsdl(contract: Contract) -> etree._Element:
    """The WSDL as it is shipped, to be changed at will."""
    return xmlio.parse(_wsdl_text(contract), None)


def _wsdl_text(contract: Contract) -> bytes:
    return (SHIPPED / "wsdl" / contract.wsdl).read_bytes()


def imported_file(imported: etree._Element) -> str:
    """The name, without a path, of the XSD that an xs:import names."""
    return imported.get("schemaLocation", "").rpartition("/")[2]
