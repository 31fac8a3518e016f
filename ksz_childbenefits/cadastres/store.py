"""Writing and reading what the embedded cadastres hold: funds, files, regional repertory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, insert

from ksz_childbenefits.cadastres.content import decode_members, encode_members
from ksz_childbenefits.domain.facets import LANGUAGES
from ksz_childbenefits.domain.files import Description, File, FileType, Fund
from ksz_childbenefits.domain.persons import CHILD_QUALITY
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    funds,
    regional_repertory,
)

BENEFICIARY_QUALITY = 102
"""The quality of who receives the money, type 1 (DOMAIN 2)."""

ENTITLED_QUALITY = 101
"""The quality of the entitled person (DOMAIN 2)."""

FUND_CODE_DIGITS = 3
"""A federal fund has a code of three digits, others an enterprise number of ten (CONTRACT)."""


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file with the operator that holds it, for a source."""

    operator: Operator
    source: AuthenticSource
    file: File


@dataclass(frozen=True, slots=True)
class RegionalEntry:
    """Who is known at which fund (its number) for which type of file, at an operator (DOMAIN 2)."""

    operator: Operator
    source: AuthenticSource
    ssin: str
    quality: int
    fund: str
    file_type: FileType
    begin: date
    end: date | None


def roles(file: File) -> Iterator[tuple[str, int]]:
    """The persons in a file, each with the quality of its role (DOMAIN 2), once per role."""
    parts = (
        (CHILD_QUALITY, [child.ssin for child in file.children]),
        (BENEFICIARY_QUALITY, [beneficiary.ssin for beneficiary in file.beneficiaries]),
        (ENTITLED_QUALITY, [file.entitled_person] if file.entitled_person else []),
    )
    for quality, numbers in parts:
        for ssin in dict.fromkeys(numbers):
            yield ssin, quality


def insert_funds(connection: Connection, rows: Sequence[Fund]) -> None:
    """Add funds with their descriptions, at most one per language."""
    for fund in rows:
        texts = {d.language.lower(): d.text for d in fund.descriptions}
        connection.execute(insert(funds).values(number=fund.number, **texts))


def insert_files(connection: Connection, rows: Sequence[HeldFile]) -> None:
    """Add files, their members included; their funds must be there."""
    if not rows:
        return
    statement = insert(cadastre_files).returning(cadastre_files.c.id, sort_by_parameter_order=True)
    ids = connection.execute(statement, [_file_values(held) for held in rows]).scalars().all()
    connection.execute(
        insert(cadastre_file_members),
        [
            {"ssin": ssin, "file_id": file_id, "quality": quality}
            for file_id, held in zip(ids, rows, strict=True)
            for ssin, quality in roles(held.file)
        ],
    )


def insert_entries(connection: Connection, rows: Sequence[RegionalEntry]) -> None:
    """Add entries of the regional repertories; their funds must be there."""
    if not rows:
        return
    values = [
        {
            "operator": entry.operator.value,
            "source": entry.source.value,
            "ssin": entry.ssin,
            "quality": entry.quality,
            "fund": entry.fund,
            "file_type": entry.file_type.value,
            "begin_date": entry.begin,
            "end_date": entry.end,
        }
        for entry in rows
    ]
    connection.execute(insert(regional_repertory), values)


def _file_values(held: HeldFile) -> dict[str, Any]:
    file = held.file
    return {
        "operator": held.operator.value,
        "source": held.source.value,
        "file_type": file.type.value,
        "begin_date": file.begin,
        "end_date": file.end,
        "fund": file.fund.number,
        "file_number": file.file_number,
        "entitled_person": file.entitled_person,
        "content": {
            "children": encode_members(file.children),
            "beneficiaries": encode_members(file.beneficiaries),
        },
    }


HELD_COLUMNS = (
    cadastre_files.c.file_type,
    cadastre_files.c.begin_date,
    cadastre_files.c.end_date,
    cadastre_files.c.fund,
    funds.c.nl,
    funds.c.fr,
    funds.c.de,
    cadastre_files.c.file_number,
    cadastre_files.c.entitled_person,
    cadastre_files.c.content,
)
"""What ``file_of`` makes a file of."""


def file_of(  # noqa: PLR0913, PLR0917 - the columns that a file is held in
    file_type: str,
    begin: date,
    end: date | None,
    fund: str,
    nl: str | None,
    fr: str | None,
    de: str | None,
    file_number: str | None,
    entitled_person: str | None,
    content: dict[str, Any],
) -> File:
    """The file that ``HELD_COLUMNS`` say."""
    return File(
        FileType(file_type),
        begin,
        end,
        fund_numbered(fund, (nl, fr, de)),
        file_number,
        entitled_person,
        decode_members(content["children"]),
        decode_members(content["beneficiaries"]),
    )


def fund_numbered(number: str, names: Iterable[str | None]) -> Fund:
    """The fund of this code or enterprise number; ``names`` in the order of ``LANGUAGES``."""
    texts = zip(LANGUAGES, names, strict=True)
    descriptions = tuple(Description(language, text) for language, text in texts if text)
    federal = len(number) == FUND_CODE_DIGITS
    return Fund(None if federal else number, number if federal else None, descriptions)
