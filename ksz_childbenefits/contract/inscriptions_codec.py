"""The maintenance of the person repertory: elements to domain values and back.

Replies are written as those of the consultation are: only the root is in a namespace.
"""

from __future__ import annotations

from typing import Final

from lxml import etree

from ksz_childbenefits.contract.codec import (
    AUTHOR,
    CbssInformation,
    write_detail,
    write_information,
    write_information_cbss,
    write_information_customer,
)
from ksz_childbenefits.contract.namespaces import INSCRIPTIONS_FAULT, INSCRIPTIONS_INTF
from ksz_childbenefits.contract.writing import (
    write_attributes,
    write_container,
    write_element,
    write_optional,
    write_root,
    write_text,
)
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
) -> str:
    """The reply: what was sent is echoed but for the lines, then the status, then those listed."""
    operation = call.operation if isinstance(call, Maintenance) else Operation.LIST
    return write_root(
        f"{{{INSCRIPTIONS_INTF}}}{operation}Response",
        write_information_customer(call.sender)
        + write_information_cbss(cbss)
        + write_text("legalContext", call.sender.legal_context)
        + (_criteria(call) if isinstance(call, Listing) else "")
        + _status(verdict)
        + write_container("inscriptions", map(_line, lines)),
    )


def encode_inscriptions_fault(fault: Fault, cbss: CbssInformation, sender: Sender | None) -> str:
    """The typed detail of a SOAP fault; ``sender`` only after authentication and XSD."""
    customer = "" if sender is None else write_information_customer(sender)
    return write_root(
        INSCRIPTIONS_FAULT, customer + write_information_cbss(cbss) + write_detail(fault, AUTHOR)
    )


def _criteria(call: Listing) -> str:
    days = write_optional("beginDate", call.begin)
    return write_element(
        "criteria",
        write_text("ssin", call.ssin)
        + write_optional("authenticSource", call.source)
        + (write_element("period", days + write_optional("endDate", call.end)) if days else ""),
    )


def _status(verdict: Verdict) -> str:
    return write_element(
        "status",
        write_text("value", "OK" if verdict.ok else "NOK")
        + write_text("code", verdict.code)
        + write_text("description", WORDING[verdict.code])
        + write_information(verdict.information),
    )


def _line(line: RepertoryLine) -> str:
    codes = write_attributes(
        sector=str(line.sector),
        quality=str(line.quality),
        phase=None if line.phase is None else str(line.phase),
        fileType=line.file_type,
        archive=line.archive,
    )
    return (
        f"<inscription{codes}>{write_text('ssin', line.ssin)}"
        f"{write_text('beginDate', line.begin.isoformat())}"
        f"{write_optional('endDate', None if line.end is None else line.end.isoformat())}"
        "</inscription>"
    )
