"""Cadastres in the service's own database, and one that always fails, to show outages."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Engine, Table, and_, bindparam, exists, or_, select

from ksz_childbenefits.cadastres.base import CadastreCall, Holdings
from ksz_childbenefits.cadastres.store import HELD_COLUMNS, file_of
from ksz_childbenefits.domain.files import File
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.domain.volume import HELD_ENTRIES, entries
from ksz_childbenefits.domain.withholding import withhold
from ksz_childbenefits.errors import CadastreFailure, Unavailable
from ksz_childbenefits.registers.direct import Prepared, direct
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    funds,
    regional_repertory,
)


def _in_range(table: Table) -> ColumnElement[bool]:
    """That the days of a row meet those of the call's range."""
    return and_(
        table.c.begin_date <= bindparam("last_day"),
        or_(table.c.end_date.is_(None), table.c.end_date >= bindparam("first_day")),
    )


_MEMBER_OF = select(cadastre_file_members.c.file_id).where(
    cadastre_file_members.c.ssin == bindparam("ssin")
)

_KNOWN_AT_ITS_FUND = exists().where(
    regional_repertory.c.ssin == bindparam("ssin"),
    regional_repertory.c.operator == cadastre_files.c.operator,
    regional_repertory.c.source == cadastre_files.c.source,
    regional_repertory.c.fund == cadastre_files.c.fund,
    regional_repertory.c.file_type == cadastre_files.c.file_type,
    _in_range(regional_repertory),
)

_FILES = Prepared(
    lambda _: (
        select(*HELD_COLUMNS)
        .join_from(cadastre_files, funds)
        .where(
            cadastre_files.c.operator == bindparam("operator"),
            cadastre_files.c.source == bindparam("source"),
            cadastre_files.c.id.in_(_MEMBER_OF),
            _in_range(cadastre_files),
            _KNOWN_AT_ITS_FUND,
        )
        .order_by(cadastre_files.c.id)
    )
)


class EmbeddedCadastre:
    """An operator's cadastre in the service's own database."""

    def __init__(self, engine: Engine, operator: Operator) -> None:
        """Answer for this operator from this database."""
        self._direct = direct(engine)
        self._operator = operator

    def files(self, call: CadastreCall) -> Holdings:
        """The person's files at the funds where the regional repertory knows it (DOMAIN 2).

        Of the call's source, where both the entry and the file meet the call's range; one round
        trip. Raises CadastreFailure when the database does not answer, or holds more than can be
        answered with: what is withheld does not count, or it would show.
        """
        values = {
            "operator": self._operator.value,
            "source": call.source.value,
            "ssin": call.ssin,
            "first_day": call.months.begin.first_day,
            "last_day": call.months.end.last_day,
        }
        try:
            rows = self._direct.each(_FILES, **values)
            files = (withhold(file_of(*row), call.withheld) for row in rows)
            return Holdings(self._bounded(files))
        except Unavailable as error:
            raise CadastreFailure(f"{self._operator}: {error.reason}") from error

    def _bounded(self, files: Iterator[File]) -> tuple[File, ...]:
        """The files, read no further than what is too much."""
        read, room = [], HELD_ENTRIES
        for file in files:
            room -= entries((file,))
            if room < 0:
                raise CadastreFailure(f"{self._operator}: more files than can be answered with")
            read.append(file)
        return tuple(read)


class FailingCadastre:
    """A cadastre that is down: the demo's outages."""

    def __init__(self, operator: Operator) -> None:
        """Fail in the name of this operator."""
        self._operator = operator

    def files(self, call: CadastreCall) -> Holdings:
        """Always CadastreFailure."""
        raise CadastreFailure(f"{self._operator} is made to fail, asked for {call.source}")
