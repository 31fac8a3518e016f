"""The contract as it is served: the shipped WSDL and XSDs, with the addresses of the place."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from ksz_childbenefits.contract import xmlio
from ksz_childbenefits.contract.contracts import Contract
from ksz_childbenefits.contract.namespaces import WSDL_SOAP
from ksz_childbenefits.contract.schemas import (
    IMPORT,
    SHIPPED,
    imported_file,
    shipped_wsdl,
)

_BASE_URL: Final = re.compile(r"https?://[\w.~:\[\]%/-]+", re.ASCII)


@lru_cache(maxsize=16)
def served_wsdl(contract: Contract, base_url: str) -> bytes:
    """The WSDL with absolute addresses under ``base_url`` (``http(s)://host[:port][/prefix]``).

    The service is at the contract's path, each XSD at its ``xsd_path`` plus the file name, so that
    a tool builds a client from the URL alone. ValueError for what is not such a base: it may come
    from a request.
    """
    if not _BASE_URL.fullmatch(base_url):
        raise ValueError("not the base of a web address")
    base = base_url.rstrip("/")
    definitions = shipped_wsdl(contract)
    for address in definitions.iter(f"{{{WSDL_SOAP}}}address"):
        address.set("location", base + contract.path)
    for imported in definitions.iter(IMPORT):
        imported.set("schemaLocation", base + contract.xsd_path + imported_file(imported))
    return xmlio.serialise(definitions)


def served_xsd(contract: Contract, name: str) -> bytes:
    """One of the contract's XSDs as it is shipped; KeyError for any other name, or a path.

    The XSDs name each other relative to their own address.
    """
    if name not in contract.xsds:
        raise KeyError("not an XSD of this contract")
    return (SHIPPED / "xsd" / name).read_bytes()
