"""The contract as it is served: the shipped WSDL and XSDs, with the addresses of the place."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.contract.namespaces import WSDL_SOAP
from ksz_childbenefits.contract.schemas import (
    IMPORT,
    SHIPPED,
    XSD_NAMES,
    imported_file,
    shipped_wsdl,
)

SERVICE_PATH: Final = "/ChildBenefitsService/v1/consult"
XSD_PATH: Final = "/ChildBenefitsService/v1/xsd/"

_BASE_URL: Final = re.compile(r"https?://[\w.~:\[\]%/-]+", re.ASCII)


@lru_cache(maxsize=16)
def served_wsdl(base_url: str) -> bytes:
    """The WSDL with absolute addresses under ``base_url`` (``http(s)://host[:port][/prefix]``).

    The service is at SERVICE_PATH, each XSD at XSD_PATH plus its file name, so that a tool builds
    a client from the URL alone. ValueError for what is not such a base: it may come from a request.
    """
    if not _BASE_URL.fullmatch(base_url):
        raise ValueError("not the base of a web address")
    base = base_url.rstrip("/")
    definitions = shipped_wsdl()
    for address in definitions.iter(f"{{{WSDL_SOAP}}}address"):
        address.set("location", base + SERVICE_PATH)
    for imported in definitions.iter(IMPORT):
        imported.set("schemaLocation", base + XSD_PATH + imported_file(imported))
    return xmlio.serialise(definitions)


def served_xsd(name: str) -> bytes | None:
    """The XSD of that file name as it is shipped, None for any other name; never a path.

    The XSDs name each other relative to their own address.
    """
    if name not in XSD_NAMES:
        return None
    return (SHIPPED / "xsd" / name).read_bytes()
