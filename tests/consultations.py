"""Consultations as signed messages, for endpoints without HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from lxml import etree

from ksz_childbenefits.client import Signature, read_credentials
from ksz_childbenefits.contract.namespaces import INTF, SOAP_ENV
from ksz_childbenefits.exchange import Message


def consultation(
    customer: Path, ssin: str, begin: str, end: str, sources: Iterable[str] = ()
) -> Message:
    """A question by the customer whose credentials lie in this folder, signed now."""
    me = read_credentials(customer)
    named = "".join(f"<authenticSource>{source}</authenticSource>" for source in sources)
    envelope = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Body>'
        f'<i:consultFilesBySsinRequest xmlns:i="{INTF}"><informationCustomer>'
        f"<customerIdentification><cbeNumber>{me.cbe_number}</cbeNumber></customerIdentification>"
        f"</informationCustomer><legalContext>{me.legal_context}</legalContext>"
        f"<criteria><ssin>{ssin}</ssin>"
        f"<period><beginMonth>{begin}</beginMonth><endMonth>{end}</endMonth></period>"
        f"{named and f'<authenticSources>{named}</authenticSources>'}</criteria>"
        "</i:consultFilesBySsinRequest></s:Body></s:Envelope>"
    )
    plugin = Signature(me.key, me.certificate, me.service_certificates)
    root, _ = plugin.apply(envelope, {})
    return Message(etree.tostring(root), None, None, datetime.now(UTC))


def payload(reply: bytes) -> etree._Element:
    """The one element in the Body of an answer."""
    (content,) = etree.fromstring(reply).iterfind(f"{{{SOAP_ENV}}}Body/*")
    return content
