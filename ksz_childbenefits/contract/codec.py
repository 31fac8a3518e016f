"""Elements to domain values and back (CONTRACT, cb; DOMAIN 5).

Only the root of a reply is in a namespace, with a prefix; all that is inside it is in none, which
``xmlns=""`` would have to say were the root's namespace the default (SECURITY 6).

What cadastres hold is taken to fit the contract's types and its limits of 100, which the domain
keeps; statuses are cut to fit here, because much that they name comes from requests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from lxml import etree

from ksz_childbenefits.contract import wording
from ksz_childbenefits.contract.elements import add_container, add_text
from ksz_childbenefits.contract.file_codec import add_file
from ksz_childbenefits.contract.namespaces import FAULT, INTF, RESPONSE
from ksz_childbenefits.domain.consultation import (
    Identification,
    Information,
    Outcome,
    Question,
    SourceResult,
    SsinNotice,
    Status,
)
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.errors import Fault, InternalError

AUTHOR: Final = "https://www.ksz-bcss.fgov.be"
"""The authorCode of faults: a URL of KSZ that fits 64 characters (DOMAIN 5)."""

INTERNAL_ERROR: Final = "An error occurred while servicing your request."
"""The faultstring of an unforeseen error, as KSZ writes it (DOMAIN 5)."""

_MAX_INFORMATION: Final = 15
_MAX_NAME: Final = 64
_MAX_VALUE: Final = 256


class Sent(Protocol):
    """What every request says of its sender, as sent."""

    @property
    def identification(self) -> Identification:
        """Who it says it is."""
        ...

    @property
    def ticket(self) -> str | None:
        """Its own reference."""
        ...

    @property
    def timestamp_sent(self) -> str | None:
        """When it says that it sent the request."""
        ...


@dataclass(frozen=True, slots=True)
class CbssInformation:
    """The service's own reference of an exchange and its times, which have a zone."""

    ticket: str
    received: datetime
    replied: datetime


def decode_question(payload: etree._Element) -> Question:
    """Read a request that is valid against the XSD; every text as it was sent, blanks included."""
    customer = payload.find("informationCustomer")
    criteria = payload.find("criteria")
    if customer is None or criteria is None:
        raise InternalError("a request is decoded that was not held to the XSD")
    sources = criteria.find("authenticSources")
    return Question(
        identification=Identification(
            cbe_number=customer.findtext("customerIdentification/cbeNumber"),
            sector=customer.findtext("customerIdentification/sector"),
            institution=customer.findtext("customerIdentification/institution"),
        ),
        ticket=customer.findtext("ticket"),
        timestamp_sent=customer.findtext("timestampSent"),
        legal_context=payload.findtext("legalContext", ""),
        ssin=criteria.findtext("ssin", ""),
        begin_month=criteria.findtext("period/beginMonth", ""),
        end_month=criteria.findtext("period/endMonth"),
        sources=None if sources is None else tuple(AuthenticSource(s.text or "") for s in sources),
    )


def encode_outcome(question: Question, outcome: Outcome, cbss: CbssInformation) -> etree._Element:
    """The reply: the question echoed as it was sent, the status, and what each source gave."""
    root = etree.Element(RESPONSE, nsmap={"intf": INTF})
    add_information_customer(root, question)
    add_information_cbss(root, cbss)
    add_text(root, "legalContext", question.legal_context)
    _add_criteria(root, question)
    _add_status(root, outcome.status)
    if outcome.notice is not None:
        _add_notice(root, outcome.notice)
    add_container(root, "dataFilters", add_filtered_element, outcome.data_filters)
    add_container(root, "results", _add_result, outcome.results)
    return root


def encode_fault(fault: Fault, cbss: CbssInformation, question: Question | None) -> etree._Element:
    """The typed detail of a SOAP fault; ``question`` only after authentication and XSD."""
    root = etree.Element(FAULT, nsmap={"intf": INTF})
    if question is not None:
        add_information_customer(root, question)
    add_information_cbss(root, cbss)
    add_detail(root, fault, AUTHOR)
    return root


def add_detail(parent: etree._Element, fault: Fault, author: str) -> None:
    """Say what failed (CONTRACT, MessageType); ``author``: who says so, in 64 characters."""
    detail = etree.SubElement(parent, "detail")
    add_text(detail, "severity", "FATAL")
    add_text(detail, "reasonCode", fault.reason_code)
    add_text(detail, "diagnostic", fault.text)
    add_text(detail, "authorCode", author)
    add_information(detail, fault.information)


def faultstring(fault: Fault) -> str:
    """The faultstring that goes with a fault: the text of its class, or KSZ's for MSG00003."""
    return INTERNAL_ERROR if fault.reason_code == InternalError.reason_code else fault.text


def add_information_customer(parent: etree._Element, question: Sent) -> None:
    """Echo what the customer said of itself and of its call."""
    element = etree.SubElement(parent, "informationCustomer")
    add_optional(element, "ticket", question.ticket)
    add_optional(element, "timestampSent", question.timestamp_sent)
    identification = etree.SubElement(element, "customerIdentification")
    add_optional(identification, "cbeNumber", question.identification.cbe_number)
    add_optional(identification, "sector", question.identification.sector)
    add_optional(identification, "institution", question.identification.institution)


def add_optional(parent: etree._Element, tag: str, text: str | None) -> None:
    """Add a child with text, unless the text is None."""
    if text is not None:
        add_text(parent, tag, text)


def add_information_cbss(parent: etree._Element, cbss: CbssInformation) -> None:
    """Tell the service's own reference and times."""
    element = etree.SubElement(parent, "informationCBSS")
    add_text(element, "ticketCBSS", cbss.ticket)
    add_text(element, "timestampReceive", instant(cbss.received))
    add_text(element, "timestampReply", instant(cbss.replied))


def instant(moment: datetime) -> str:
    """An instant as ``2024-01-31T12:00:00.000Z`` (DOMAIN 5: UTC with Z, at most milliseconds)."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _add_criteria(parent: etree._Element, question: Question) -> None:
    element = etree.SubElement(parent, "criteria")
    add_text(element, "ssin", question.ssin)
    period = etree.SubElement(element, "period")
    add_text(period, "beginMonth", question.begin_month)
    add_optional(period, "endMonth", question.end_month)
    add_container(
        element,
        "authenticSources",
        lambda sources, source: add_text(sources, "authenticSource", source),
        question.sources or (),
    )


def _add_status(parent: etree._Element, status: Status) -> None:
    element = etree.SubElement(parent, "status")
    add_text(element, "value", status.value)
    add_text(element, "code", status.code)
    add_text(element, "description", wording.STATUS[status.code])
    add_information(element, status.information)


def add_information(parent: etree._Element, information: tuple[Information, ...]) -> None:
    """Name what explains a status or a fault, cut to what the XSD takes."""
    for item in information[:_MAX_INFORMATION]:
        element = etree.SubElement(parent, "information")
        add_text(element, "fieldName", item.name[:_MAX_NAME])
        add_text(element, "fieldValue", item.value[:_MAX_VALUE])


def _add_notice(parent: etree._Element, notice: SsinNotice) -> None:
    element = add_text(parent, "ssin", notice.ssin)
    if notice.canceled:
        element.set("canceled", "true")
    if notice.replaced_by is not None:
        element.set("replacedBy", notice.replaced_by)


def add_filtered_element(parent: etree._Element, path: str) -> None:
    """Name a block of data that is withheld (CONTRACT, DataFiltersType)."""
    add_text(parent, "filteredElement", path)


def _add_result(parent: etree._Element, result: SourceResult) -> None:
    element = etree.SubElement(parent, "resultByAuthenticSource", authenticSource=result.source)
    _add_status(element, result.status)
    add_container(element, "files", add_file, result.files)
