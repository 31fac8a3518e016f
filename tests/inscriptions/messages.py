"""Signed calls to the maintenance service, as bytes."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from ksz_childbenefits.client import Signature, read_credentials
from ksz_childbenefits.contract.namespaces import INSCRIPTIONS_INTF, SOAP_ENV

CONTENT = (
    '<inscriptions><inscription sector="0" quality="0"><ssin>{ssin}</ssin>'
    "<beginDate>2019-01-01</beginDate></inscription></inscriptions>"
)


def signed_call(
    folder: Path,
    writer: str,
    content: str,
    operation: str = "registerInscriptions",
    *,
    says: str | None = None,
    ticket: str = "<ticket>t-1</ticket>",
) -> bytes:
    """A call by whoever has these credentials, signed now; ``says``: whose number it gives."""
    me, named = read_credentials(folder / writer), read_credentials(folder / (says or writer))
    envelope = etree.fromstring(
        f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Body>'
        f'<i:{operation}Request xmlns:i="{INSCRIPTIONS_INTF}"><informationCustomer>{ticket}'
        f"<customerIdentification><cbeNumber>{named.cbe_number}</cbeNumber>"
        "</customerIdentification></informationCustomer><legalContext>ANY</legalContext>"
        f"{content}</i:{operation}Request></s:Body></s:Envelope>"
    )
    plugin = Signature(me.key, me.certificate, me.service_certificates)
    root, _ = plugin.apply(envelope, {})
    return etree.tostring(root)
