"""Elements as files: what ``file_codec`` writes, read back (CONTRACT, cbc).

The elements are taken to be valid against the XSD. Descriptions of categories are not read: their
words are ours (DOMAIN 5). ValueError for dates and months that the domain does not know.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from lxml import etree

from ksz_childbenefits.domain.files import (
    Bonus,
    Description,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.months import YearMonth

_ZONE: Final = re.compile(r"(?:Z|[+-][0-9]{2}:[0-9]{2})\Z")
"""What an xs:date or xs:gYearMonth may end with, and what is ignored (DOMAIN 4)."""


def read_file(element: etree._Element, validity: etree._Element) -> File:
    """The file that an element describes together with its ``validity`` (type and days)."""
    return File(
        type=FileType(validity.get("fileType", "")),
        begin=read_date(validity.findtext("beginDate", "")),
        end=_optional_date(validity.findtext("endDate")),
        fund=_fund(element.find("childBenefitsFund")),
        file_number=element.findtext("fileNumber"),
        entitled_person=element.findtext("entitledPersonSsin"),
        children=tuple(map(_member, element.iterfind("children/child"))),
        beneficiaries=tuple(map(_member, element.iterfind("beneficiaries/beneficiary"))),
    )


def read_date(text: str) -> date:
    """The day of an xs:date, whose zone is ignored; ValueError for years that Python has not."""
    return date.fromisoformat(_ZONE.sub("", text))


def read_month(text: str) -> YearMonth:
    """The month of an xs:gYearMonth, whose zone is ignored; ValueError outside 1900 to 2999."""
    return YearMonth.parse(_ZONE.sub("", text))


def _optional_date(text: str | None) -> date | None:
    return None if text is None else read_date(text)


def _fund(element: etree._Element | None) -> Fund:
    if element is None:
        raise ValueError("a file without a fund")
    descriptions = element.iterfind("description")
    return Fund(
        enterprise_number=element.findtext("enterpriseNumber"),
        code=element.findtext("code"),
        descriptions=tuple(Description(d.get("language", ""), d.text or "") for d in descriptions),
    )


def _member(element: etree._Element) -> FileMember:
    return FileMember(
        ssin=element.findtext("ssin", ""),
        bonuses=tuple(map(_bonus, element.iterfind("bonuses/bonus"))),
        periods=tuple(map(_period, element.iterfind("paymentPeriods/paymentPeriod"))),
    )


def _bonus(element: etree._Element) -> Bonus:
    return Bonus(
        payment_date=read_date(element.findtext("paymentDate", "")),
        category=element.findtext("category/code", ""),
        beneficiaries=_named(element),
    )


def _period(element: etree._Element) -> PaymentPeriod:
    end = element.findtext("endMonth")
    return PaymentPeriod(
        begin=read_month(element.findtext("beginMonth", "")),
        end=None if end is None else read_month(end),
        category=element.findtext("category/code", ""),
        beneficiaries=_named(element),
    )


def _named(element: etree._Element) -> tuple[str, ...]:
    return tuple(named.text or "" for named in element.iterfind("beneficiaries/beneficiary"))
