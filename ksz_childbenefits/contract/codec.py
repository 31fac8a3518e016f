"""Elements to domain values and back (CONTRACT, cb; DOMAIN 5).

Only the root of a reply is in a namespace, with a prefix; all that is inside it is in none, which
``xmlns=""`` would have to say were the root's namespace the default (SECURITY 6).

What cadastres hold is taken to fit the contract's types and its limits of 100, which the domain
keeps; statuses are cut to fit here, because much that they name comes from requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from lxml import etree

from ksz_childbenefits.contract import wording
from ksz_childbenefits.contract.file_codec import write_file
from ksz_childbenefits.contract.namespaces import FAULT, RESPONSE
from ksz_childbenefits.contract.writing import (
    escaped,
    write_attributes,
    write_container,
    write_element,
    write_optional,
    write_root,
    write_text,
)
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
    parts = _parts(payload)
    customer, criteria = parts.get("informationCustomer"), parts.get("criteria")
    if customer is None or criteria is None:
        raise InternalError("a request is decoded that was not held to the XSD")
    said, asked = _parts(customer), _parts(criteria)
    itself, period = _parts(said["customerIdentification"]), _parts(asked["period"])
    sources = asked.get("authenticSources")
    return Question(
        identification=Identification(
            cbe_number=_text(itself.get("cbeNumber")),
            sector=_text(itself.get("sector")),
            institution=_text(itself.get("institution")),
        ),
        ticket=_text(said.get("ticket")),
        timestamp_sent=_text(said.get("timestampSent")),
        legal_context=parts["legalContext"].text or "",
        ssin=asked["ssin"].text or "",
        begin_month=period["beginMonth"].text or "",
        end_month=_text(period.get("endMonth")),
        sources=None
        if sources is None
        else tuple([AuthenticSource(s.text or "") for s in sources]),
    )


def _parts(element: etree._Element) -> dict[str, etree._Element]:
    """The children of an element, each by its name: the XSD has none twice here."""
    return {str(child.tag): child for child in element}


def _text(element: etree._Element | None) -> str | None:
    """The text of an element, which may be empty; None where there is no element."""
    return None if element is None else element.text or ""


def encode_outcome(question: Question, outcome: Outcome, cbss: CbssInformation) -> str:
    """The reply: the question echoed as it was sent, the status, and what each source gave.

    Canonical as it stands (contract.writing), and so are faults.
    """
    return write_root(
        RESPONSE,
        write_information_customer(question)
        + write_information_cbss(cbss)
        + write_text("legalContext", question.legal_context)
        + _criteria(question)
        + _status(outcome.status)
        + ("" if outcome.notice is None else _notice(outcome.notice))
        + write_data_filters(outcome.data_filters)
        + write_container("results", map(_result, outcome.results)),
    )


def encode_fault(fault: Fault, cbss: CbssInformation, question: Question | None) -> str:
    """The typed detail of a SOAP fault; ``question`` only after authentication and XSD."""
    customer = "" if question is None else write_information_customer(question)
    return write_root(FAULT, customer + write_information_cbss(cbss) + write_detail(fault, AUTHOR))


def write_detail(fault: Fault, author: str) -> str:
    """What failed (CONTRACT, MessageType); ``author``: who says so, in 64 characters."""
    return write_element(
        "detail",
        "<severity>FATAL</severity>"
        + write_text("reasonCode", fault.reason_code)
        + write_text("diagnostic", fault.text)
        + write_text("authorCode", author)
        + write_information(fault.information),
    )


def faultstring(fault: Fault) -> str:
    """The faultstring that goes with a fault: the text of its class, or KSZ's for MSG00003."""
    return INTERNAL_ERROR if fault.reason_code == InternalError.reason_code else fault.text


def write_information_customer(question: Sent) -> str:
    """The echo of what the customer said of itself and of its call."""
    named = question.identification
    return write_element(
        "informationCustomer",
        write_optional("ticket", question.ticket)
        + write_optional("timestampSent", question.timestamp_sent)
        + write_element(
            "customerIdentification",
            write_optional("cbeNumber", named.cbe_number)
            + write_optional("sector", named.sector)
            + write_optional("institution", named.institution),
        ),
    )


def write_information_cbss(cbss: CbssInformation, tag: str = "informationCBSS") -> str:
    """The service's own reference and times."""
    return write_element(
        tag,
        write_text("ticketCBSS", cbss.ticket)
        + f"<timestampReceive>{instant(cbss.received)}</timestampReceive>"
        + f"<timestampReply>{instant(cbss.replied)}</timestampReply>",
    )


def instant(moment: datetime) -> str:
    """An instant as ``2024-01-31T12:00:00.000Z`` (DOMAIN 5: UTC with Z, at most milliseconds)."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _criteria(question: Question) -> str:
    return write_element(
        "criteria",
        write_text("ssin", question.ssin)
        + write_element(
            "period",
            write_text("beginMonth", question.begin_month)
            + write_optional("endMonth", question.end_month),
        )
        + write_container(
            "authenticSources",
            (f"<authenticSource>{source}</authenticSource>" for source in question.sources or ()),
        ),
    )


def _status(status: Status) -> str:
    return (
        f"<status><value>{status.value}</value><code>{status.code}</code>"
        f"<description>{escaped(wording.STATUS[status.code])}</description>"
        f"{write_information(status.information)}</status>"
    )


def write_information(information: tuple[Information, ...]) -> str:
    """What explains a status or a fault, cut to what the XSD takes."""
    return "".join(
        write_element(
            "information",
            write_text("fieldName", item.name[:_MAX_NAME])
            + write_text("fieldValue", item.value[:_MAX_VALUE]),
        )
        for item in information[:_MAX_INFORMATION]
    )


def _notice(notice: SsinNotice) -> str:
    canceled = "true" if notice.canceled else None
    attributes = write_attributes(canceled=canceled, replacedBy=notice.replaced_by)
    return f"<ssin{attributes}>{escaped(notice.ssin)}</ssin>"


def write_data_filters(paths: Iterable[str]) -> str:
    """The blocks of data that are withheld (CONTRACT, DataFiltersType)."""
    return write_container("dataFilters", (write_text("filteredElement", path) for path in paths))


def _result(result: SourceResult) -> str:
    return (
        f'<resultByAuthenticSource authenticSource="{result.source}">{_status(result.status)}'
        f"{write_container('files', map(write_file, result.files))}</resultByAuthenticSource>"
    )
