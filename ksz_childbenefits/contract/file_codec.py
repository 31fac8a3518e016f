"""Files as text (CONTRACT, cbc): fund, beneficiaries, children, bonuses, payment periods."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ksz_childbenefits.contract import wording
from ksz_childbenefits.contract.writing import (
    escaped,
    write_container,
    write_element,
    write_optional,
    write_text,
)
from ksz_childbenefits.domain.files import (
    Bonus,
    Description,
    File,
    FileMember,
    Fund,
    PaymentPeriod,
)

_MAX_DESCRIPTION: Final = 100
_MAX_DESCRIPTIONS: Final = 3


def write_file(file: File) -> str:
    """A file; whether it has a file number or an entitled person is the file's to say."""
    return (
        f"<file>{_fund(file.fund)}"
        f"{write_optional('fileNumber', file.file_number)}"
        f"{write_optional('entitledPersonSsin', file.entitled_person)}"
        f"{write_container('beneficiaries', map(_beneficiary, file.beneficiaries))}"
        f"{write_container('children', map(_child, file.children))}</file>"
    )


def _fund(fund: Fund) -> str:
    if fund.enterprise_number is not None:
        number = write_text("enterpriseNumber", fund.enterprise_number)
    else:
        number = write_text("code", fund.number)
    return write_element("childBenefitsFund", number + _descriptions(fund.descriptions))


def _descriptions(descriptions: tuple[Description, ...]) -> str:
    return "".join(
        f'<description language="{description.language}">'
        f"{escaped(description.text[:_MAX_DESCRIPTION])}</description>"
        for description in descriptions[:_MAX_DESCRIPTIONS]
    )


def _beneficiary(member: FileMember) -> str:
    """A beneficiary: its payments never name beneficiaries, which the XSD has for children only."""
    bonuses = "".join([_bonus(bonus, "") for bonus in member.bonuses])
    periods = "".join([_period(period, "") for period in member.periods])
    return _member("beneficiary", member.ssin, bonuses, periods)


def _child(member: FileMember) -> str:
    bonuses = "".join([_bonus(bonus, _recipients(bonus.beneficiaries)) for bonus in member.bonuses])
    periods = "".join([_period(one, _recipients(one.beneficiaries)) for one in member.periods])
    return _member("child", member.ssin, bonuses, periods)


def _member(tag: str, ssin: str, bonuses: str, periods: str) -> str:
    paid = f"<bonuses>{bonuses}</bonuses>" if bonuses else ""
    if periods:
        paid += f"<paymentPeriods>{periods}</paymentPeriods>"
    return f"<{tag}><ssin>{escaped(ssin)}</ssin>{paid}</{tag}>"


def _recipients(ssins: Iterable[str]) -> str:
    if not ssins:
        return ""
    return write_container("beneficiaries", (write_text("beneficiary", ssin) for ssin in ssins))


def _bonus(bonus: Bonus, recipients: str) -> str:
    category = _BONUSES.get(bonus.category) or _category(bonus.category, ())
    return (
        f"<bonus><paymentDate>{bonus.payment_date.isoformat()}</paymentDate>"
        f"{category}{recipients}</bonus>"
    )


def _period(period: PaymentPeriod, recipients: str) -> str:
    end = "" if period.end is None else f"<endMonth>{period.end}</endMonth>"
    category = _PAYMENTS.get(period.category) or _category(period.category, ())
    return (
        f"<paymentPeriod><beginMonth>{period.begin}</beginMonth>{end}"
        f"{category}{recipients}</paymentPeriod>"
    )


def _category(code: str, words: tuple[Description, ...]) -> str:
    """A category with our words for it; a code that is not in use yet goes without."""
    return write_element("category", write_text("code", code) + _descriptions(words))


_BONUSES: Final = {code: _category(code, words) for code, words in wording.BONUSES.items()}
_PAYMENTS: Final = {code: _category(code, words) for code, words in wording.PAYMENTS.items()}
