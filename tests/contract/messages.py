"""Requests as text, as customers write them, for the tests of this room."""

from __future__ import annotations

from lxml import etree

from ksz_childbenefits.contract.namespaces import INTF, SOAP_ENV

CBE = "<cbeNumber>0206731645</cbeNumber>"
SSIN = "12031590185"


def request_xml(
    *,
    customer: str = CBE,
    ticket: str = "",
    sent: str = "",
    cbss: str = "",
    legal_context: str = "<legalContext>PCSA:SOCIAL_INQUIRY</legalContext>",
    ssin: str = SSIN,
    months: str = "<beginMonth>2018-01</beginMonth><endMonth>2024-12</endMonth>",
    sources: str = "",
    attributes: str = "",
) -> str:
    """A whole request; every part can be replaced by other text."""
    return (
        f'<intf:consultFilesBySsinRequest xmlns:intf="{INTF}"{attributes}>'
        f"<informationCustomer>{ticket}{sent}<customerIdentification>{customer}"
        f"</customerIdentification></informationCustomer>{cbss}{legal_context}"
        f"<criteria><ssin>{ssin}</ssin><period>{months}</period>{sources}</criteria>"
        "</intf:consultFilesBySsinRequest>"
    )


def request(**parts: str) -> etree._Element:
    """The same as an element."""
    return etree.fromstring(request_xml(**parts))


def sources_xml(*names: str) -> str:
    """The element that names authentic sources."""
    named = "".join(f"<authenticSource>{name}</authenticSource>" for name in names)
    return f"<authenticSources>{named}</authenticSources>"


def envelope_xml(payload: str, header: str = "", namespace: str = SOAP_ENV) -> str:
    """An envelope around a payload; ``header`` is a whole Header, or nothing."""
    return (
        f'<soapenv:Envelope xmlns:soapenv="{namespace}">{header}'
        f"<soapenv:Body>{payload}</soapenv:Body></soapenv:Envelope>"
    )
