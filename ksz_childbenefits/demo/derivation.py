"""What follows from the rows of the demo world: domain values, repertory lines, inscriptions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from ksz_childbenefits.cadastres.store import HeldFile, RegionalEntry, fund_numbered, roles
from ksz_childbenefits.demo.world_format import FileRow, FundRow, LineRow, MemberRow, PersonRow
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.facets import check_file
from ksz_childbenefits.domain.files import (
    Bonus,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.persons import (
    FAMILY_BENEFITS_SECTOR,
    ConnectingFactor,
    Person,
    RepertoryLine,
)
from ksz_childbenefits.domain.sources import WINDOWS, AuthenticSource, holders
from ksz_childbenefits.domain.ssin import birth_date
from ksz_childbenefits.registers.checks import require


def fund_of(row: FundRow) -> Fund:
    """The fund with its names, in the order of DOMAIN 5."""
    return fund_numbered(row.number, (row.nl, row.fr, row.de))


def person_of(row: PersonRow) -> Person:
    """The person; its birth date is what the number says where the row says nothing."""
    return Person(
        ssin=row.ssin,
        birth_date=row.birth_date or birth_date(row.ssin),
        status=row.status,
        replaced_by=row.replaced_by,
        factors=tuple(ConnectingFactor(f.factor, f.nis, f.begin, f.end) for f in row.factors),
    )


def inscriptions(person: Person, customers: Iterable[Customer]) -> Iterator[RepertoryLine]:
    """A line of each of the customers for the person, from birth, open-ended."""
    for customer in customers:
        yield RepertoryLine(
            ssin=person.ssin,
            source=None,
            customer=customer.name,
            sector=customer.sector or 0,
            quality=0,
            phase=0,
            file_type=None,
            archive=None,
            begin=person.birth_date,
            end=None,
        )


def line_of(row: LineRow) -> RepertoryLine:
    """The line as the row says; a FEDERAL one gets its archive by the split."""
    return RepertoryLine(
        ssin=row.ssin,
        source=row.holder,
        customer=row.customer,
        sector=row.sector,
        quality=row.quality,
        phase=row.phase,
        file_type=row.type,
        archive=None,
        begin=row.begin,
        end=row.end,
    )


def held_file(row: FileRow, funds: Mapping[str, Fund], persons: Mapping[str, Person]) -> HeldFile:
    """The file with who holds it; DataError or UnusableFile names the rule that it breaks."""
    require(row.fund in funds, f"fund {row.fund} is not in the funds")
    require(
        row.operator in holders(row.source, row.begin),
        f"{row.operator} did not hold {row.source} on {row.begin} (DOMAIN 1)",
    )
    require(
        row.type is FileType.CHILD_BENEFIT or row.source is AuthenticSource.FLANDERS,
        "participation files are of FLANDERS only (DOMAIN 1)",
    )
    children = tuple(map(_member, row.children))
    beneficiaries = tuple(map(_member, row.beneficiaries))
    if row.source is AuthenticSource.FLANDERS:
        _check_flemish(children, beneficiaries)
    file = File(
        type=row.type,
        begin=row.begin,
        end=row.end,
        fund=funds[row.fund],
        file_number=row.number,
        entitled_person=row.entitled,
        children=children,
        beneficiaries=beneficiaries,
    )
    check_file(file, row.source)
    require(
        WINDOWS[row.source].touches_days(file.begin, file.end),
        f"the file lies outside the window of {row.source} (DOMAIN 1)",
    )
    require(file.members() <= persons.keys(), "a person of the file is not in the register")
    return HeldFile(row.operator, row.source, file)


def _member(row: MemberRow) -> FileMember:
    return FileMember(
        row.ssin,
        tuple(Bonus(b.payment_date, b.category, b.beneficiaries) for b in row.bonuses),
        tuple(PaymentPeriod(p.begin, p.end, p.category, p.beneficiaries) for p in row.periods),
    )


def _check_flemish(children: Sequence[FileMember], beneficiaries: Sequence[FileMember]) -> None:
    require(
        not any(member.bonuses or member.periods for member in beneficiaries),
        "a beneficiary in FLANDERS carries nothing of its own (DOMAIN 6)",
    )
    bonuses = (bonus.beneficiaries for child in children for bonus in child.bonuses)
    periods = (period.beneficiaries for child in children for period in child.periods)
    named = {ssin for beneficiaries in chain(bonuses, periods) for ssin in beneficiaries}
    require(
        named <= {member.ssin for member in beneficiaries},
        "a payment names someone who is no beneficiary of the file",
    )


def known_by(held: HeldFile) -> tuple[list[RepertoryLine], list[RegionalEntry]]:
    """What both repertories know by this file: each person, in each role (DOMAIN 2)."""
    file = held.file
    lines = [
        RepertoryLine(
            ssin=ssin,
            source=held.source,
            customer=None,
            sector=FAMILY_BENEFITS_SECTOR,
            quality=quality,
            phase=0,
            file_type=file.type,
            archive=None,
            begin=file.begin,
            end=file.end,
        )
        for ssin, quality in roles(file)
    ]
    entries = [
        RegionalEntry(
            held.operator,
            held.source,
            ssin,
            quality,
            file.fund.number,
            file.type,
            file.begin,
            file.end,
        )
        for ssin, quality in roles(file)
    ]
    return lines, entries
