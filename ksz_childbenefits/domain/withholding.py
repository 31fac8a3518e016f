"""The blocks of data that a deliberation may withhold, and files without them (DOMAIN 7)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from ksz_childbenefits.domain.files import PAYMENT_CATEGORIES, File, FileMember

FILE_NUMBER: Final = "file/fileNumber"
ENTITLED_PERSON: Final = "file/entitledPersonSsin"
BENEFICIARIES: Final = "file/beneficiaries"
BONUSES: Final = "bonuses"
PERIODS: Final = "paymentPeriods"
FUND_DESCRIPTION: Final = "childBenefitsFund/description"

_Removal = Callable[[File], File]


def _without_number(file: File) -> File:
    return file._replace(file_number=None)


def _without_entitled_person(file: File) -> File:
    return file._replace(entitled_person=None)


def _without_beneficiaries(file: File) -> File:
    """Also without those named on the bonuses and periods of children."""
    children = (
        FileMember(
            child.ssin,
            tuple(bonus._replace(beneficiaries=()) for bonus in child.bonuses),
            tuple(period._replace(beneficiaries=()) for period in child.periods),
        )
        for child in file.children
    )
    return file._replace(children=tuple(children), beneficiaries=())


def _without_bonuses(file: File) -> File:
    return _of_each_member(file, lambda member: member._replace(bonuses=()))


def _without_periods(file: File) -> File:
    return _of_each_member(file, lambda member: member._replace(periods=()))


def _without_periods_of(category: str) -> _Removal:
    def of_member(member: FileMember) -> FileMember:
        kept = tuple(period for period in member.periods if period.category != category)
        return member._replace(periods=kept)

    return lambda file: _of_each_member(file, of_member)


def _without_fund_descriptions(file: File) -> File:
    return file._replace(fund=replace(file.fund, descriptions=()))


def _of_each_member(file: File, change: Callable[[FileMember], FileMember]) -> File:
    """Children and beneficiaries alike: both have bonuses and periods (DOMAIN 7)."""
    children, beneficiaries = map(change, file.children), map(change, file.beneficiaries)
    return file._replace(children=tuple(children), beneficiaries=tuple(beneficiaries))


_PERIODS_OF: Final = {
    f"{PERIODS}[{category}]": _without_periods_of(category) for category in PAYMENT_CATEGORIES
}

BLOCKS: Final[Mapping[str, _Removal]] = MappingProxyType(
    {
        FILE_NUMBER: _without_number,
        ENTITLED_PERSON: _without_entitled_person,
        BENEFICIARIES: _without_beneficiaries,
        BONUSES: _without_bonuses,
        PERIODS: _without_periods,
        **_PERIODS_OF,
        FUND_DESCRIPTION: _without_fund_descriptions,
    }
)
"""Every block that can be withheld, by the path that names it, in the order of dataFilters.

DOMAIN 7 gives the order; the categories of payment periods stand in that of the contract.
"""

_ELEMENT_OF: Final = {BENEFICIARIES: "beneficiary", BONUSES: "bonus", PERIODS: "paymentPeriod"}
"""The elements of which nothing is left without a block, as ``truncated`` names them (DOMAIN 5)."""


class UnknownBlock(ValueError):
    """A path that names no block."""


def check_blocks(paths: Iterable[str]) -> None:
    """Raise UnknownBlock for a path that names no block: to ignore it would show what it names."""
    unknown = sorted(path for path in paths if path not in BLOCKS)
    if unknown:
        raise UnknownBlock(f"unknown block of data to withhold: {', '.join(unknown)}")


def withhold(file: File, blocks: Collection[str]) -> File:
    """The file as if it had never held these blocks."""
    if not blocks:
        return file
    for path, removal in BLOCKS.items():
        if path in blocks:
            file = removal(file)
    return file


def left_of(elements: Iterable[str], blocks: Collection[str]) -> tuple[str, ...]:
    """Of the names of elements that were cut, those that say nothing of these blocks."""
    gone = {element for path, element in _ELEMENT_OF.items() if path in blocks}
    return tuple(element for element in elements if element not in gone)


def least(withheld: Sequence[frozenset[str]]) -> frozenset[str]:
    """What remains withheld where several apply: the blocks that each of them withholds (DOMAIN 7).

    Who withholds all payment periods withholds those of every category.
    """
    named = frozenset[str]().union(*withheld)
    return frozenset(path for path in named if all(_withholds(one, path) for one in withheld))


def _withholds(blocks: frozenset[str], path: str) -> bool:
    return path in blocks or (path in _PERIODS_OF and PERIODS in blocks)


def data_filters(withheld: Iterable[frozenset[str]]) -> tuple[str, ...]:
    """What a reply names as withheld: the union over the sources asked, in order (DOMAIN 7).

    Where one source withholds all payment periods and another those of a category, both are named.
    """
    named = frozenset[str]().union(*withheld)
    return tuple(path for path in BLOCKS if path in named)
