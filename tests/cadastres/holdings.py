"""Holdings of cadastres for tests, stored the way operators' imports will store them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Engine

from ksz_childbenefits.cadastres.store import (
    HeldFile,
    RegionalEntry,
    insert_entries,
    insert_files,
    insert_funds,
    roles,
)
from ksz_childbenefits.domain.files import Bonus, Description, File, FileMember, FileType, Fund
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.registers.database import writing

FAMIFED = Fund(None, "104", (Description("NL", "Kas"), Description("FR", "Caisse")))
OTHER_FUND = Fund(None, "202", ())
PARENTIA = Fund("0695982819", None, (Description("DE", "Parentia"),))


def file(
    children: Sequence[str],
    begin: date,
    end: date | None = None,
    *,
    fund: Fund = FAMIFED,
    beneficiaries: Sequence[str] = (),
    entitled: str | None = None,
    number: str | None = "104010001",
) -> File:
    return File(
        type=FileType.CHILD_BENEFIT,
        begin=begin,
        end=end,
        fund=fund,
        file_number=number,
        entitled_person=entitled,
        children=tuple(FileMember(ssin, (Bonus(begin, "BIRTH"),)) for ssin in children),
        beneficiaries=tuple(FileMember(ssin) for ssin in beneficiaries),
    )


def federal(held: File) -> HeldFile:
    return HeldFile(Operator.ORINT, AuthenticSource.FEDERAL, held)


def entries_of(held: HeldFile) -> list[RegionalEntry]:
    return [
        RegionalEntry(
            held.operator,
            held.source,
            ssin,
            quality,
            held.file.fund.number,
            held.file.type,
            held.file.begin,
            held.file.end,
        )
        for ssin, quality in roles(held.file)
    ]


def store(
    engine: Engine, files: Sequence[HeldFile], entries: Sequence[RegionalEntry] | None = None
) -> None:
    """Store files and these entries (None: those that follow from the files), and all funds."""
    if entries is None:
        entries = [entry for held in files for entry in entries_of(held)]
    with writing(engine) as connection:
        insert_funds(connection, [FAMIFED, OTHER_FUND, PARENTIA])
        insert_files(connection, files)
        insert_entries(connection, entries)
