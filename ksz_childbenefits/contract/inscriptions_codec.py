"""The maintenance of the person repertory: elements to domain values and back.

Replies are written as those of the consultation are: only the root is in a namespace.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from ksz_childbenefits.contract.codec import (
    AUTHOR,
    CbssInformation,
    add_detail,
    add_information,
    add_information_cbss,
    add_information_customer,
    add_optional,
)
from ksz_childbenefits.contract.elements import add_container, add_text
from ksz_childbenefits.contract.namespaces import INSCRIPTIONS_FAULT, INSCRIPTIONS_INTF
from ksz_childbenefits.domain.consultation import Code, Identification
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.inscriptions import (
    Draft,
    Listing,
    Maintenance,
    Operation,
    Sender,
    Verdict,
)
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import Fault, InternalError

_NSMAP: Final = {"intf": INSCRIPTIONS_INTF}

WORDING: Final[dict[Code, str]] = {
    Code.SUCCESS: "The request was treated successfully.",
    Code.NO_DATA: "The request was treated successfully, but there are no such inscriptions.",
    Code.INVALID_DATA: "The request contains invalid data; nothing was changed.",
    Code.SSIN_INVALID: "The structure of the SSIN is invalid.",
    Code.CREDENTIALS: "The credentials do not match the organisation.",
    Code.NOT_ALLOWED: "These inscriptions are not the caller's to maintain on this day.",
}
"""What each code of a status means in this service."""


def decode_call(payload: etree._Element) -> Maintenance | Listing:
    """Read a request that is valid against the XSD."""
    operation = Operation(etree.QName(payload).localname.removesuffix("Request"))
    if operation is Operation.LIST:
        return Listing(
            sender=_sender(payload),
            source=_source(payload.findtext("criteria/authenticSource")),
            ssin=payload.findtext("criteria/ssin", ""),
            begin=payload.findtext("criteria/period/beginDate"),
            end=payload.findtext("criteria/period/endDate"),
        )
    drafts = payload.iterfind("*/inscription" if operation is Operation.REGISTER else "*/closing")
    return Maintenance(
        operation=operation,
        sender=_sender(payload),
        source=_source(payload.findtext("authenticSource")),
        drafts=tuple(map(_draft, drafts)),
    )


def _sender(payload: etree._Element) -> Sender:
    customer = payload.find("informationCustomer")
    if customer is None:
        raise InternalError("a request is decoded that was not held to the XSD")
    return Sender(
        identification=Identification(
            cbe_number=customer.findtext("customerIdentification/cbeNumber"),
            sector=customer.findtext("customerIdentification/sector"),
            institution=customer.findtext("customerIdentification/institution"),
        ),
        ticket=customer.findtext("ticket"),
        timestamp_sent=customer.findtext("timestampSent"),
        legal_context=payload.findtext("legalContext", ""),
    )


def _source(text: str | None) -> AuthenticSource | None:
    return None if text is None else AuthenticSource(text)


def _draft(element: etree._Element) -> Draft:
    file_type, archive, phase = (element.get(name) for name in ("fileType", "archive", "phase"))
    return Draft(
        ssin=element.findtext("ssin", ""),
        sector=_code(element.get("sector", "")),
        quality=_code(element.get("quality", "")),
        phase=None if phase is None else _code(phase),
        file_type=None if file_type is None else FileType(file_type),
        archive=None if archive is None else Operator(archive),
        begin=element.findtext("beginDate", ""),
        end=element.findtext("endDate"),
    )


def _code(text: str) -> int:
    """The value of an unsignedShort: XSD limits the number, not its leading zeros."""
    return int(text.strip().lstrip("+-").lstrip("0") or "0")


def encode_verdict(
    call: Maintenance | Listing,
    verdict: Verdict,
    lines: tuple[RepertoryLine, ...],
    cbss: CbssInformation,
) -> etree._Element:
    """The reply: what was sent is echoed but for the lines, then the status, then those listed."""
    operation = call.operation if isinstance(call, Maintenance) else Operation.LIST
    root = etree.Element(f"{{{INSCRIPTIONS_INTF}}}{operation}Response", nsmap=_NSMAP)
    add_information_customer(root, call.sender)
    add_information_cbss(root, cbss)
    add_text(root, "legalContext", call.sender.legal_context)
    if isinstance(call, Listing):
        _add_criteria(root, call)
    _add_status(root, verdict)
    add_container(root, "inscriptions", _add_line, lines)
    return root


def encode_inscriptions_fault(
    fault: Fault, cbss: CbssInformation, sender: Sender | None
) -> etree._Element:
    """The typed detail of a SOAP fault; ``sender`` only after authentication and XSD."""
    root = etree.Element(INSCRIPTIONS_FAULT, nsmap=_NSMAP)
    if sender is not None:
        add_information_customer(root, sender)
    add_information_cbss(root, cbss)
    add_detail(root, fault, AUTHOR)
    return root


def _add_criteria(parent: etree._Element, call: Listing) -> None:
    element = etree.SubElement(parent, "criteria")
    add_text(element, "ssin", call.ssin)
    add_optional(element, "authenticSource", call.source)
    if call.begin is not None:
        period = etree.SubElement(element, "period")
        add_text(period, "beginDate", call.begin)
        add_optional(period, "endDate", call.end)


def _add_status(parent: etree._Element, verdict: Verdict) -> None:
    element = etree.SubElement(parent, "status")
    add_text(element, "value", "OK" if verdict.ok else "NOK")
    add_text(element, "code", verdict.code)
    add_text(element, "description", WORDING[verdict.code])
    add_information(element, verdict.information)


def _add_line(parent: etree._Element, line: RepertoryLine) -> None:
    element = etree.SubElement(parent, "inscription")
    codes = {
        "sector": str(line.sector),
        "quality": str(line.quality),
        "phase": None if line.phase is None else str(line.phase),
        "fileType": line.file_type,
        "archive": line.archive,
    }
    for name, value in codes.items():
        if value is not None:
            element.set(name, value)
    add_text(element, "ssin", line.ssin)
    add_text(element, "beginDate", line.begin.isoformat())
    add_optional(element, "endDate", None if line.end is None else line.end.isoformat())
