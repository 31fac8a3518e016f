"""The second opinion: the shipped XSDs compiled by ``xmlschema``, not by libxml2."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import xmlschema
from lxml import etree

from ksz_childbenefits.contract.namespaces import CB, CBC, COMMON, INTF, XSD

ROOT = Path(__file__).parents[2]
WSDL_FILE = ROOT / "wsdl" / "ChildBenefitsV1.wsdl"
XSD_FOLDER = ROOT / "xsd"

PREFIXES = {XSD: "xs", INTF: "intf", CB: "cb", CBC: "cbc", COMMON: "common"}


@cache
def oracle() -> xmlschema.XMLSchema10:
    """The inline schema of the WSDL with all that it imports."""
    inline = etree.parse(WSDL_FILE).find(f".//{{{XSD}}}schema")
    assert inline is not None
    return xmlschema.XMLSchema10(
        etree.tostring(inline).decode(), base_url=str(WSDL_FILE.parent), allow="local"
    )


def oracle_accepts(element: etree._Element) -> bool:
    """The oracle's verdict on an element, read anew from its bytes."""
    return bool(oracle().is_valid(etree.tostring(element, with_tail=False).decode()))
