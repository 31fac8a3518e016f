"""Whether a file that a cadastre gave can be passed on: DOMAIN 6 and the facets of CONTRACT cbc."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ksz_childbenefits.domain.files import (
    Bonus,
    Description,
    File,
    FileMember,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.ssin import fits_pattern

Payment = Bonus | PaymentPeriod
"""What is paid for a child or to a beneficiary."""

_ENTERPRISE_NUMBER = re.compile("[01][0-9]{9}")
_FUND_CODE = re.compile("[0-9]{3}")
_CATEGORY = re.compile("[A-Z_]{1,50}")
_FEDERAL_FILE_NUMBER = re.compile(r"[0-9]{3}[0-9]{2}\S{1,18}")
_XML_TEXT = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")

LANGUAGES = ("NL", "FR", "DE")
"""The languages of a description (CONTRACT, common), in the order of DOMAIN 5."""

MAX_DESCRIPTIONS = 3
MAX_DESCRIPTION = 100
"""At most so many descriptions of a fund, each of so many characters (CONTRACT)."""

MAX_NAMED = 2
"""The most beneficiaries of one bonus or period, in FLANDERS only (CONTRACT, DOMAIN 6)."""


class UnusableFile(ValueError):
    """A file that no valid reply could carry, or that breaks what its source returns."""


def check_file(file: File, source: AuthenticSource) -> None:
    """Raise UnusableFile where the file cannot be returned as one of ``source``.

    Only what is forbidden, or of a wrong form, counts: what a source left open stays open. The
    message names the rule, never a person.
    """
    broken = [*_broken_by_fund(file.fund, source), *_broken_by_file(file, source)]
    if broken:
        raise UnusableFile(f"against the rules, by which a file of {source} {broken[0]}")


def _broken_by_fund(fund: Fund, source: AuthenticSource) -> Iterator[str]:
    number = fund.enterprise_number
    if number is not None and not _ENTERPRISE_NUMBER.fullmatch(number):
        yield "has a fund whose enterprise number is ten digits, the first 0 or 1"
    if fund.code is not None and not _FUND_CODE.fullmatch(fund.code):
        yield "has a fund whose code is three digits"
    if source is AuthenticSource.FEDERAL and fund.code is None:
        yield "names its fund by a code"
    if len(fund.descriptions) > MAX_DESCRIPTIONS:
        yield "describes its fund at most three times"
    if not all(map(_fits, fund.descriptions)):
        yield "describes its fund in NL, FR or DE, in at most 100 characters of XML"


def _fits(description: Description) -> bool:
    known, short = description.language in LANGUAGES, len(description.text) <= MAX_DESCRIPTION
    return known and short and is_xml_text(description.text)


def is_xml_text(text: str) -> bool:
    """Whether all characters are such as XML 1.0 can hold."""
    return _XML_TEXT.fullmatch(text) is not None


def _broken_by_file(file: File, source: AuthenticSource) -> Iterator[str]:
    in_flanders, federal = source is AuthenticSource.FLANDERS, source is AuthenticSource.FEDERAL
    if file.end is not None and file.end < file.begin:
        yield "does not end before it begins"
    if file.file_number is not None:
        if in_flanders:
            yield "has no number"
        if not is_xml_text(file.file_number):
            yield "has a number of XML characters"
        if federal and not _FEDERAL_FILE_NUMBER.fullmatch(file.file_number):
            yield "has a number of fund 3, office 2 and file 1 to 18"
    if file.entitled_person is not None and not federal:
        yield "has no entitled person"
    if not file.children:
        yield "has a child"
    if in_flanders and len(file.children) > 1:
        yield "has exactly one child"
    if not all(map(fits_pattern, file.members())):
        yield "names its persons by SSIN"
    yield from _broken_by_payments(file, in_flanders)


def _broken_by_payments(file: File, in_flanders: bool) -> Iterator[str]:
    children, beneficiaries = _payments(file.children), _payments(file.beneficiaries)
    yield from _broken_by_each((*children, *beneficiaries))
    named = [payment.beneficiaries for payment in children if payment.beneficiaries]
    if any(len(ssins) > MAX_NAMED for ssins in named):
        yield "names at most two beneficiaries on a bonus or period"
    if not all(fits_pattern(ssin) for ssins in named for ssin in ssins):
        yield "names beneficiaries by SSIN"
    # What FLANDERS shows of a beneficiary is copied from the child, without names.
    if not in_flanders and (named or any(payment.beneficiaries for payment in beneficiaries)):
        yield "names no beneficiary on a bonus or period"


def _payments(members: Iterable[FileMember]) -> list[Payment]:
    payments: list[Payment] = []
    for member in members:
        payments.extend(member.bonuses)
        payments.extend(member.periods)
    return payments


def _broken_by_each(payments: Sequence[Payment]) -> Iterator[str]:
    if not all(map(_CATEGORY.fullmatch, {payment.category for payment in payments})):
        yield "has categories of capitals and underscores"
    for payment in payments:
        if isinstance(payment, PaymentPeriod) and payment.end and payment.end < payment.begin:
            yield "has no period that ends before it begins"
