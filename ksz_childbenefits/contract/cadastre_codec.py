"""The contract between KSZ and an operator: elements to domain values and back, for both sides.

A file's type and validity, which KSZ orders and judges files by, are not in cbc:FileType: they
travel beside the files, one for each, in the same order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from lxml import etree

from ksz_childbenefits.contract import wording
from ksz_childbenefits.contract.codec import (
    CbssInformation,
    instant,
    write_data_filters,
    write_detail,
    write_information,
    write_information_cbss,
)
from ksz_childbenefits.contract.file_codec import write_file
from ksz_childbenefits.contract.file_reading import read_file, read_month
from ksz_childbenefits.contract.namespaces import (
    CADASTRE_FAULT,
    CADASTRE_INTF,
    CADASTRE_REQUEST,
    CADASTRE_RESPONSE,
)
from ksz_childbenefits.contract.writing import (
    write_attributes,
    write_container,
    write_element,
    write_optional,
    write_root,
    write_text,
)
from ksz_childbenefits.domain.cadastre import CadastreCall, Holdings
from ksz_childbenefits.domain.consultation import Code, Information, StatusValue
from ksz_childbenefits.domain.files import File
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.selection import ELEMENTS, LIMIT
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import BENEFICIARIES, ENTITLED_PERSON, data_filters
from ksz_childbenefits.errors import Fault, InternalError, SchemaViolation

_TRUNCATED: Final = "truncated"
_ROLES: Final = frozenset((BENEFICIARIES, ENTITLED_PERSON))
"""Blocks without which a file may not show in what role the person asked for is in it."""


@dataclass(frozen=True, slots=True)
class SupplierInformation:
    """The operator's own part of a reply: who it is (CBE number), and its times."""

    cbe_number: str
    received: datetime
    replied: datetime


class UnusableReply(Exception):
    """A reply that answers another question, or says something that cannot be; names no person."""


# KSZ's side.


def encode_call(call: CadastreCall) -> str:
    """The request to an operator; InternalError for a call that names no customer."""
    if call.customer is None:
        raise InternalError("an operator is asked on nobody's behalf")
    identification = write_text("cbeNumber", call.customer.cbe_number)
    return write_root(
        CADASTRE_REQUEST,
        write_element(
            "informationCustomer", write_element("customerIdentification", identification)
        )
        + write_text("legalContext", call.legal_context)
        + write_text("ticketCBSS", call.ticket)
        + _write_criteria(call)
        + write_data_filters(data_filters([call.withheld])),
    )


def decode_holdings(payload: etree._Element, call: CadastreCall) -> Holdings:
    """What an operator answers to ``call``; ``payload`` is valid against the XSD.

    UnusableReply where it echoes another ticket, number, source or range, says that something went
    wrong, or gives files in which the person asked for is not, and would be seen.
    """
    if payload.findtext("ticketCBSS", "").lower() != call.ticket.lower():
        raise UnusableReply("the reply is to another request, by its ticket")
    try:
        if _criteria(payload) != (call.source, call.ssin, call.months):
            raise UnusableReply("the reply is about another person, source or range of months")
        files = _files(payload)
    except ValueError as error:
        raise UnusableReply("the reply holds a day or month that cannot be") from error
    if payload.findtext("status/value") != _value(files):
        raise UnusableReply("the status does not go with the files")
    named = {
        information.findtext("fieldValue")
        for information in payload.iterfind("status/information")
        if information.findtext("fieldName") == _TRUNCATED
    }
    truncated = tuple(name for name in ELEMENTS if name in named)
    if not all(_may_be_of(call, file, truncated) for file in files):
        raise UnusableReply("a file in which the person asked for is not")
    return Holdings(files, truncated)


def _may_be_of(call: CadastreCall, file: File, truncated: Collection[str]) -> bool:
    """Whether the person asked for is in the file, or where not all of it is to be seen."""
    full = {"child": len(file.children) == LIMIT, "beneficiary": len(file.beneficiaries) == LIMIT}
    return (
        call.ssin in file.members()
        or bool(call.withheld & _ROLES)
        or any(full[name] for name in full.keys() & truncated)
    )


# The operator's side.


def decode_call(payload: etree._Element) -> CadastreCall:
    """What KSZ asks, in a request that is valid against the XSD; whose customer asks is not kept.

    SchemaViolation for months that cannot be, or a period without an end.
    """
    try:
        source, ssin, months = _criteria(payload)
    except ValueError as error:
        raise SchemaViolation("criteria/period: not a range of months") from error
    ticket, context = payload.findtext("ticketCBSS", ""), payload.findtext("legalContext", "")
    filters = payload.iterfind("dataFilters/filteredElement")
    withheld = frozenset(element.text or "" for element in filters)
    return CadastreCall(source, ssin, months, ticket, legal_context=context, withheld=withheld)


def encode_holdings(call: CadastreCall, holdings: Holdings, supplier: SupplierInformation) -> str:
    """The reply to KSZ; ``holdings`` are selected and limited already (domain.selection)."""
    identification = write_text("cbeNumber", supplier.cbe_number)
    return write_root(
        CADASTRE_RESPONSE,
        write_text("ticketCBSS", call.ticket)
        + write_element(
            "informationSupplier",
            write_text("timestampReceive", instant(supplier.received))
            + write_text("timestampReply", instant(supplier.replied))
            + write_element("supplierIdentification", identification),
        )
        + _write_criteria(call)
        + _write_status(holdings)
        + write_container("files", map(write_file, holdings.files))
        + write_container("validities", map(_write_validity, holdings.files)),
    )


def encode_supplier_fault(fault: Fault, information: CbssInformation) -> str:
    """The typed detail of an operator's SOAP fault; the ticket is KSZ's once it is known."""
    return write_root(
        CADASTRE_FAULT,
        write_information_cbss(information, "informationSupplier")
        + write_detail(fault, CADASTRE_INTF),
    )


# Both sides.


def _write_criteria(call: CadastreCall) -> str:
    return write_element(
        "criteria",
        write_text("ssin", call.ssin)
        + write_text("authenticSource", call.source)
        + write_element(
            "period",
            write_text("beginMonth", str(call.months.begin))
            + write_text("endMonth", str(call.months.end)),
        ),
    )


def _criteria(payload: etree._Element) -> tuple[AuthenticSource, str, MonthRange]:
    """What is asked or echoed; ValueError for months outside the calendar, or not a range."""
    begin = read_month(payload.findtext("criteria/period/beginMonth", ""))
    end = read_month(payload.findtext("criteria/period/endMonth", ""))
    source = AuthenticSource(payload.findtext("criteria/authenticSource", ""))
    return source, payload.findtext("criteria/ssin", ""), MonthRange(begin, end)


def _value(files: tuple[File, ...]) -> StatusValue:
    return StatusValue.DATA_FOUND if files else StatusValue.NO_DATA_FOUND


def _write_status(holdings: Holdings) -> str:
    code = Code.SUCCESS if holdings.files else Code.NO_DATA
    return write_element(
        "status",
        write_text("value", _value(holdings.files))
        + write_text("code", code)
        + write_text("description", wording.STATUS[code])
        + write_information(tuple(Information(_TRUNCATED, name) for name in holdings.truncated)),
    )


def _write_validity(file: File) -> str:
    end = None if file.end is None else file.end.isoformat()
    days = write_text("beginDate", file.begin.isoformat()) + write_optional("endDate", end)
    return f"<validity{write_attributes(fileType=file.type)}>{days}</validity>"


def _files(payload: etree._Element) -> tuple[File, ...]:
    files, validities = payload.findall("files/file"), payload.findall("validities/validity")
    if len(files) != len(validities):
        raise UnusableReply("not one validity for each file")
    return tuple(map(read_file, files, validities))
