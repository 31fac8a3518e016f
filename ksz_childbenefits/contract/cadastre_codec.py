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
    add_detail,
    add_filtered_element,
    instant,
)
from ksz_childbenefits.contract.elements import add_container, add_text
from ksz_childbenefits.contract.file_codec import add_file
from ksz_childbenefits.contract.file_reading import read_file, read_month
from ksz_childbenefits.contract.namespaces import (
    CADASTRE_FAULT,
    CADASTRE_INTF,
    CADASTRE_REQUEST,
    CADASTRE_RESPONSE,
)
from ksz_childbenefits.domain.cadastre import CadastreCall, Holdings
from ksz_childbenefits.domain.consultation import Code, StatusValue
from ksz_childbenefits.domain.files import File
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.selection import ELEMENTS, LIMIT
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import BENEFICIARIES, ENTITLED_PERSON, data_filters
from ksz_childbenefits.errors import Fault, InternalError, SchemaViolation

_NSMAP: Final = {"intf": CADASTRE_INTF}
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


def encode_call(call: CadastreCall) -> etree._Element:
    """The request to an operator; InternalError for a call that names no customer."""
    if call.customer is None:
        raise InternalError("an operator is asked on nobody's behalf")
    root = etree.Element(CADASTRE_REQUEST, nsmap=_NSMAP)
    customer = etree.SubElement(root, "informationCustomer")
    identification = etree.SubElement(customer, "customerIdentification")
    add_text(identification, "cbeNumber", call.customer.cbe_number)
    add_text(root, "legalContext", call.legal_context)
    add_text(root, "ticketCBSS", call.ticket)
    _add_criteria(root, call)
    add_container(root, "dataFilters", add_filtered_element, data_filters([call.withheld]))
    return root


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


def encode_holdings(
    call: CadastreCall, holdings: Holdings, supplier: SupplierInformation
) -> etree._Element:
    """The reply to KSZ; ``holdings`` are selected and limited already (domain.selection)."""
    root = etree.Element(CADASTRE_RESPONSE, nsmap=_NSMAP)
    add_text(root, "ticketCBSS", call.ticket)
    information = etree.SubElement(root, "informationSupplier")
    add_text(information, "timestampReceive", instant(supplier.received))
    add_text(information, "timestampReply", instant(supplier.replied))
    identification = etree.SubElement(information, "supplierIdentification")
    add_text(identification, "cbeNumber", supplier.cbe_number)
    _add_criteria(root, call)
    _add_status(root, holdings)
    add_container(root, "files", add_file, holdings.files)
    add_container(root, "validities", _add_validity, holdings.files)
    return root


def encode_supplier_fault(fault: Fault, information: CbssInformation) -> etree._Element:
    """The typed detail of an operator's SOAP fault; the ticket is KSZ's once it is known."""
    root = etree.Element(CADASTRE_FAULT, nsmap=_NSMAP)
    element = etree.SubElement(root, "informationSupplier")
    add_text(element, "ticketCBSS", information.ticket)
    add_text(element, "timestampReceive", instant(information.received))
    add_text(element, "timestampReply", instant(information.replied))
    add_detail(root, fault, CADASTRE_INTF)
    return root


# Both sides.


def _add_criteria(parent: etree._Element, call: CadastreCall) -> None:
    element = etree.SubElement(parent, "criteria")
    add_text(element, "ssin", call.ssin)
    add_text(element, "authenticSource", call.source)
    period = etree.SubElement(element, "period")
    add_text(period, "beginMonth", str(call.months.begin))
    add_text(period, "endMonth", str(call.months.end))


def _criteria(payload: etree._Element) -> tuple[AuthenticSource, str, MonthRange]:
    """What is asked or echoed; ValueError for months outside the calendar, or not a range."""
    begin = read_month(payload.findtext("criteria/period/beginMonth", ""))
    end = read_month(payload.findtext("criteria/period/endMonth", ""))
    source = AuthenticSource(payload.findtext("criteria/authenticSource", ""))
    return source, payload.findtext("criteria/ssin", ""), MonthRange(begin, end)


def _value(files: tuple[File, ...]) -> StatusValue:
    return StatusValue.DATA_FOUND if files else StatusValue.NO_DATA_FOUND


def _add_status(parent: etree._Element, holdings: Holdings) -> None:
    element = etree.SubElement(parent, "status")
    code = Code.SUCCESS if holdings.files else Code.NO_DATA
    add_text(element, "value", _value(holdings.files))
    add_text(element, "code", code)
    add_text(element, "description", wording.STATUS[code])
    for name in holdings.truncated:
        information = etree.SubElement(element, "information")
        add_text(information, "fieldName", _TRUNCATED)
        add_text(information, "fieldValue", name)


def _add_validity(parent: etree._Element, file: File) -> None:
    element = etree.SubElement(parent, "validity", fileType=file.type)
    add_text(element, "beginDate", file.begin.isoformat())
    if file.end is not None:
        add_text(element, "endDate", file.end.isoformat())


def _files(payload: etree._Element) -> tuple[File, ...]:
    files, validities = payload.findall("files/file"), payload.findall("validities/validity")
    if len(files) != len(validities):
        raise UnusableReply("not one validity for each file")
    return tuple(map(read_file, files, validities))
