"""The contract as the kit sees it: the XSDs of the tables, and the root elements of CONTRACT."""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path

from lxml import etree

from ksz_childbenefits.contract.namespaces import CB, COMMON, INTF, XSD

_ELEMENTS = {
    "consultFilesBySsinRequest": "cb:ConsultFilesBySsinRequestType",
    "consultFilesBySsinResponse": "cb:ConsultFilesBySsinResponseType",
    "consultFilesBySsinFault": "common:CBSSFaultType",
}


@cache
def _schema() -> etree.XMLSchema:
    """The three elements of CONTRACT's inline schema, over the shipped XSDs."""
    folder = Path(str(resources.files("ksz_childbenefits.contract") / "xsd")).resolve()
    root = etree.Element(
        f"{{{XSD}}}schema",
        targetNamespace=INTF,
        nsmap={"xs": XSD, "cb": CB, "common": COMMON},
    )
    for namespace, file in ((CB, "ChildBenefitsV1.xsd"), (COMMON, "CommonV3.xsd")):
        location = (folder / file).as_uri()
        etree.SubElement(root, f"{{{XSD}}}import", namespace=namespace, schemaLocation=location)
    for name, kind in _ELEMENTS.items():
        etree.SubElement(root, f"{{{XSD}}}element", name=name, type=kind)
    return etree.XMLSchema(root)


def validity(element: etree._Element) -> str:
    """``valid``, or the first thing that the XSDs say against ``element``."""
    schema = _schema()
    if schema.validate(etree.ElementTree(element)):
        return "valid"
    first = next(iter(schema.error_log), None)
    return f"not valid: {first.message}" if first is not None else "not valid"
