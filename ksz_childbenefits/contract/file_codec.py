"""Files as elements (CONTRACT, cbc): fund, beneficiaries, children, bonuses, payment periods."""

from __future__ import annotations

from typing import Final

from lxml import etree

from ksz_childbenefits.contract import wording
from ksz_childbenefits.contract.elements import add_container, add_text
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


def add_file(parent: etree._Element, file: File) -> None:
    """Add a file; whether it has a file number or an entitled person is the file's to say."""
    element = etree.SubElement(parent, "file")
    _add_fund(element, file.fund)
    if file.file_number is not None:
        add_text(element, "fileNumber", file.file_number)
    if file.entitled_person is not None:
        add_text(element, "entitledPersonSsin", file.entitled_person)
    add_container(element, "beneficiaries", _add_beneficiary, file.beneficiaries)
    add_container(element, "children", _add_child, file.children)


def _add_fund(parent: etree._Element, fund: Fund) -> None:
    element = etree.SubElement(parent, "childBenefitsFund")
    if fund.enterprise_number is not None:
        add_text(element, "enterpriseNumber", fund.enterprise_number)
    else:
        add_text(element, "code", fund.number)
    _add_descriptions(element, fund.descriptions)


def _add_descriptions(parent: etree._Element, descriptions: tuple[Description, ...]) -> None:
    for description in descriptions[:_MAX_DESCRIPTIONS]:
        element = add_text(parent, "description", description.text[:_MAX_DESCRIPTION])
        element.set("language", description.language)


def _add_beneficiary(parent: etree._Element, member: FileMember) -> None:
    """A beneficiary: its payments never name beneficiaries, which the XSD has for children only."""
    element = etree.SubElement(parent, "beneficiary")
    add_text(element, "ssin", member.ssin)
    add_container(element, "bonuses", _add_bonus, member.bonuses)
    add_container(element, "paymentPeriods", _add_period, member.periods)


def _add_child(parent: etree._Element, member: FileMember) -> None:
    element = etree.SubElement(parent, "child")
    add_text(element, "ssin", member.ssin)
    add_container(element, "bonuses", _add_child_bonus, member.bonuses)
    add_container(element, "paymentPeriods", _add_child_period, member.periods)


def _add_child_bonus(parent: etree._Element, bonus: Bonus) -> None:
    _add_recipients(_add_bonus(parent, bonus), bonus.beneficiaries)


def _add_child_period(parent: etree._Element, period: PaymentPeriod) -> None:
    _add_recipients(_add_period(parent, period), period.beneficiaries)


def _add_recipients(parent: etree._Element, ssins: tuple[str, ...]) -> None:
    add_container(
        parent, "beneficiaries", lambda element, ssin: add_text(element, "beneficiary", ssin), ssins
    )


def _add_bonus(parent: etree._Element, bonus: Bonus) -> etree._Element:
    element = etree.SubElement(parent, "bonus")
    add_text(element, "paymentDate", bonus.payment_date.isoformat())
    _add_category(element, bonus.category, wording.BONUSES)
    return element


def _add_period(parent: etree._Element, period: PaymentPeriod) -> etree._Element:
    element = etree.SubElement(parent, "paymentPeriod")
    add_text(element, "beginMonth", str(period.begin))
    if period.end is not None:
        add_text(element, "endMonth", str(period.end))
    _add_category(element, period.category, wording.PAYMENTS)
    return element


def _add_category(
    parent: etree._Element, code: str, words: dict[str, tuple[Description, ...]]
) -> None:
    """A category with our words for it; a code that is not in use yet goes without."""
    element = etree.SubElement(parent, "category")
    add_text(element, "code", code)
    _add_descriptions(element, words.get(code, ()))
