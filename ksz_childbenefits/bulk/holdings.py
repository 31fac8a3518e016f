"""What one operator holds, from JSON Lines: funds, files, its repertory (DOMAIN 2, 6)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from ksz_childbenefits.bulk.holdings_format import (
    EntryRow,
    FileRow,
    FundRow,
    MemberRow,
    parse_line,
)
from ksz_childbenefits.bulk.rejections import Rejection
from ksz_childbenefits.cadastres.content import encode_members
from ksz_childbenefits.cadastres.store import (
    HeldFile,
    RegionalEntry,
    fund_numbered,
    insert_entries,
    insert_files,
    insert_funds,
)
from ksz_childbenefits.domain.facets import check_file
from ksz_childbenefits.domain.files import (
    Bonus,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.sources import HOLDINGS, WINDOWS, AuthenticSource, Operator
from ksz_childbenefits.registers.bulk import lock_tables
from ksz_childbenefits.registers.checks import FAMILY_QUALITIES, check_days, check_ssin, require
from ksz_childbenefits.registers.rules import BrokenRule, Rule, rule_of
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    funds,
    regional_repertory,
)

_CHUNK = 500
"""How many numbers one statement takes."""

Held = Fund | HeldFile | RegionalEntry


class HoldingsIntake:
    """Lines of JSON into one operator's part of the cadastres."""

    header = None

    def __init__(self, operator: Operator) -> None:
        """Import what this operator holds."""
        self._operator = operator

    @property
    def kind(self) -> str:
        """The operators' imports are apart: the same file could be imported for two."""
        return f"cadastre {self._operator}"

    def judge(
        self, lines: Sequence[bytes], first: int
    ) -> tuple[list[tuple[int, bytes, Held]], list[Rejection]]:
        """Check what a line says by itself."""
        rows: list[tuple[int, bytes, Held]] = []
        rejected: list[Rejection] = []
        for number, line in enumerate(lines, first):
            try:
                rows.append((number, line, self._held(parse_line(line))))
            except (BrokenRule, ValueError) as error:
                rejected.append(Rejection(number, rule_of(error), str(error), line))
        return rows, rejected

    def _held(self, row: FundRow | FileRow | EntryRow) -> Held:
        if isinstance(row, FundRow):
            return fund_numbered(row.number, (row.nl, row.fr, row.de))
        check_days(row.begin, row.end)
        require(
            any(h.source is row.source and self._operator in h.operators for h in HOLDINGS),
            f"{self._operator} never held {row.source} (DOMAIN 1)",
            Rule.WRONG_HOLDER,
        )
        require(
            row.type is FileType.CHILD_BENEFIT or row.source is AuthenticSource.FLANDERS,
            "participation files are of FLANDERS only (DOMAIN 1)",
        )
        return self._file(row) if isinstance(row, FileRow) else self._entry(row)

    def _file(self, row: FileRow) -> HeldFile:
        file = File(
            type=row.type,
            begin=row.begin,
            end=row.end,
            fund=fund_numbered(row.fund, (None, None, None)),
            file_number=row.number,
            entitled_person=row.entitled,
            children=tuple(map(_member, row.children)),
            beneficiaries=tuple(map(_member, row.beneficiaries)),
        )
        for ssin in sorted(file.members() | _named_in(file)):
            check_ssin(ssin, "an SSIN")
        check_file(file, row.source)
        require(
            WINDOWS[row.source].touches_days(file.begin, file.end),
            f"the file lies outside the window of {row.source} (DOMAIN 1)",
        )
        return HeldFile(self._operator, row.source, file)

    def _entry(self, row: EntryRow) -> RegionalEntry:
        check_ssin(row.ssin)
        require(row.quality in FAMILY_QUALITIES, "the quality is unknown", Rule.UNKNOWN_CODE)
        return RegionalEntry(
            self._operator,
            row.source,
            row.ssin,
            row.quality,
            row.fund,
            row.type,
            row.begin,
            row.end,
        )

    def store(
        self, connection: Connection, judged: list[tuple[int, bytes, Held]]
    ) -> tuple[int, list[Rejection]]:
        """Store what is not there yet, of funds that are."""
        lock_tables(connection, funds, cadastre_files, regional_repertory)
        holdings = _Holdings(connection, self._operator, [row for _, _, row in judged])
        rejected: list[Rejection] = []
        for number, line, row in judged:
            try:
                holdings.add(row)
            except BrokenRule as error:
                rejected.append(Rejection(number, error.rule, str(error), line))
        holdings.store()
        return len(judged) - len(rejected), rejected


def _member(row: MemberRow) -> FileMember:
    return FileMember(
        row.ssin,
        tuple(Bonus(b.date, b.category, b.beneficiaries) for b in row.bonuses),
        tuple(PaymentPeriod(p.begin, p.end, p.category, p.beneficiaries) for p in row.periods),
    )


def _named_in(file: File) -> set[str]:
    """The beneficiaries that bonuses and periods name."""
    payments: list[Bonus | PaymentPeriod] = []
    for member in (*file.children, *file.beneficiaries):
        payments += [*member.bonuses, *member.periods]
    return {ssin for payment in payments for ssin in payment.beneficiaries}


class _Holdings:
    """What is held of the funds and persons in a batch, and what the batch adds."""

    def __init__(self, connection: Connection, operator: Operator, rows: Sequence[Held]) -> None:
        """Read all that the rows could refer to or repeat."""
        self._connection = connection
        self._operator = operator
        self._funds = dict(self._known_funds())
        files = [row for row in rows if isinstance(row, HeldFile)]
        self._file_keys = set(self._known_files({_first_child(held.file) for held in files}))
        entries = [row for row in rows if isinstance(row, RegionalEntry)]
        self._entries = set(self._known_entries({entry.ssin for entry in entries}))
        self._new_funds: list[Fund] = []
        self._new_files: list[HeldFile] = []
        self._new_entries: list[RegionalEntry] = []

    def _known_funds(self) -> Iterator[tuple[str, Fund]]:
        for row in self._connection.execute(select(funds)):
            yield row.number, fund_numbered(row.number, (row.nl, row.fr, row.de))

    def _known_files(self, children: set[str]) -> Iterator[tuple[Any, ...]]:
        members = cadastre_file_members.c
        for chunk in _chunks(children):
            of_them = select(members.file_id).where(members.ssin.in_(chunk))
            query = select(cadastre_files).where(
                cadastre_files.c.id.in_(of_them),
                cadastre_files.c.operator == self._operator.value,
            )
            for row in self._connection.execute(query):
                days = (row.begin_date, row.end_date)
                names = (row.fund, row.file_number, row.entitled_person)
                yield (row.source, row.file_type, *days, *names, _canonical(row.content))

    def _known_entries(self, ssins: set[str]) -> Iterator[RegionalEntry]:
        columns = regional_repertory.c
        for chunk in _chunks(ssins):
            query = select(regional_repertory).where(
                columns.ssin.in_(chunk), columns.operator == self._operator.value
            )
            for row in self._connection.execute(query):
                yield RegionalEntry(
                    self._operator,
                    AuthenticSource(row.source),
                    row.ssin,
                    row.quality,
                    row.fund,
                    FileType(row.file_type),
                    row.begin_date,
                    row.end_date,
                )

    def add(self, row: Held) -> None:
        """Add a row; BrokenRule where it is there already or its fund is not."""
        if isinstance(row, Fund):
            self._add_fund(row)
        elif isinstance(row, HeldFile):
            fund = self._fund(row.file.fund.number)
            key = _key(row)
            require(key not in self._file_keys, "the same file is there already", Rule.DUPLICATE)
            self._file_keys.add(key)
            self._new_files.append(replace(row, file=row.file._replace(fund=fund)))
        else:
            self._fund(row.fund)
            require(row not in self._entries, "the same entry is there already", Rule.DUPLICATE)
            self._entries.add(row)
            self._new_entries.append(row)

    def _add_fund(self, fund: Fund) -> None:
        known = self._funds.setdefault(fund.number, fund)
        # The operators share funds, so each of their exports names them: known is not wrong.
        require(known == fund, "the fund is there with other names", Rule.DUPLICATE)
        if known is fund:
            self._new_funds.append(fund)

    def _fund(self, number: str) -> Fund:
        fund = self._funds.get(number)
        if fund is None:
            text = "the fund is neither in the database nor earlier in the file"
            raise BrokenRule(text, Rule.UNKNOWN_FUND)
        return fund

    def store(self) -> None:
        """Write what was added."""
        insert_funds(self._connection, self._new_funds)
        insert_files(self._connection, self._new_files)
        insert_entries(self._connection, self._new_entries)


def _chunks(numbers: Iterable[str]) -> Iterator[list[str]]:
    ordered = sorted(numbers)
    for start in range(0, len(ordered), _CHUNK):
        yield ordered[start : start + _CHUNK]


def _first_child(file: File) -> str:
    return file.children[0].ssin


def _key(held: HeldFile) -> tuple[Any, ...]:
    file = held.file
    content = {
        "children": encode_members(file.children),
        "beneficiaries": encode_members(file.beneficiaries),
    }
    names = (file.fund.number, file.file_number, file.entitled_person)
    return (held.source, file.type, file.begin, file.end, *names, _canonical(content))


def _canonical(content: Any) -> str:
    return json.dumps(content, sort_keys=True)
