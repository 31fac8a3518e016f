"""The largest replies that data can cause, and what is held to be too much (decision 0016)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from ksz_childbenefits.cadastres.store import (
    HeldFile,
    RegionalEntry,
    fund_numbered,
    insert_entries,
    insert_files,
)
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.domain.files import File, FileMember, FileType, PaymentPeriod
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.domain.volume import HELD_ENTRIES, REPLY_ENTRIES, entries
from ksz_childbenefits.registers.database import open_database, writing
from ksz_childbenefits.registers.schema import cadastre_file_members, cadastre_files
from tests.conftest import copy_of
from tests.hostile_cost.measuring import Cost, costs
from tests.hostile_cost.messages import Sender
from tests.hostile_cost.test_requests import numbers

pytestmark = pytest.mark.once

NINA = "12081490678"
"""A child with files at all five sources (demo/world/four-regions.toml)."""

WALLONIA, EASTBELGIUM = AuthenticSource.WALLONIA, AuthenticSource.EASTBELGIUM
BRUSSELS, FEDERAL = AuthenticSource.BRUSSELS, AuthenticSource.FEDERAL

BEGIN = {WALLONIA: 2023, EASTBELGIUM: 2021, BRUSSELS: 2020, FEDERAL: 2017}
"""A year of which each of them knows Nina."""

HOLDERS = {
    WALLONIA: Operator.AVIQ,
    EASTBELGIUM: Operator.AVIQ,
    BRUSSELS: Operator.IRISCARE,
    FEDERAL: Operator.IRISCARE,
}


def file(source: AuthenticSource, fund: str, persons: int, periods: int) -> File:
    """A file of Nina and others, each with so many periods in ``BEGIN``."""
    year = BEGIN[source]
    paid = tuple(
        PaymentPeriod(YearMonth(year, 6), YearMonth(year, 7 + n % 6), "CHILD_ALLOWANCE")
        for n in range(periods)
    )
    others = [number for number in numbers(persons) if number != NINA][: persons - 1]
    return File(
        type=FileType.CHILD_BENEFIT,
        begin=date(year, 6, 1),
        end=date(year, 12, 31),
        fund=fund_numbered(fund, (None, None, None)),
        file_number="1040100012345",
        entitled_person=None,
        children=tuple(FileMember(ssin, (), paid) for ssin in (NINA, *others)),
        beneficiaries=(),
    )


def fund_of(connection: Connection, source: AuthenticSource) -> str:
    """The fund at which Nina is known there already."""
    query = (
        select(cadastre_files.c.fund)
        .join(cadastre_file_members)
        .where(cadastre_file_members.c.ssin == NINA, cadastre_files.c.source == source.value)
    )
    return str(connection.execute(query).scalars().first())


class World:
    """A demo of its own, to which files of Nina are added."""

    def __init__(self, demo: Path, folder: Path) -> None:
        self.config = copy_of(demo, folder / "world")
        self._folder = folder
        self._sender = Sender(self.config.parent / "credentials" / "fedris")

    def add(self, source: AuthenticSource, shapes: Sequence[tuple[int, int]]) -> int:
        """Files with so many persons and periods of each; the entries that they are in all."""
        engine = open_database(load_settings(self.config).database.url)
        with writing(engine) as connection:
            fund = fund_of(connection, source)
            files = [file(source, fund, persons, periods) for persons, periods in shapes]
            year, holder, kind = BEGIN[source], HOLDERS[source], FileType.CHILD_BENEFIT
            days = date(year, 6, 1), date(year, 12, 31)
            insert_files(connection, [HeldFile(holder, source, one) for one in files])
            insert_entries(
                connection, [RegionalEntry(holder, source, NINA, 104, fund, kind, *days)]
            )
        engine.dispose()
        return entries(files)

    def cost(self, *sources: AuthenticSource) -> Cost:
        """Of asking for Nina at these sources, or all."""
        ordinary = self._sender.message(self._sender.question())
        named = "".join(f"<authenticSource>{source}</authenticSource>" for source in sources)
        asked = (
            f"<authenticSources>{named}</authenticSources></criteria>" if named else "</criteria>"
        )
        question = self._sender.question(ssin=NINA).replace("</criteria>", asked)
        message = {"largest": self._sender.message(question)}
        cost = costs("consultation", self.config, ordinary, message, self._folder)["largest"]
        print(f"{cost.cpu_seconds:.3f} s {cost.megabytes:.1f} MB {cost.code}")
        return cost


@pytest.fixture
def world(demo: Path, tmp_path: Path) -> World:
    return World(demo, tmp_path)


def test_the_largest_reply(world: World) -> None:
    """Alone at its source, so that nothing of it fails."""
    added = world.add(WALLONIA, [(50, 98)])
    assert REPLY_ENTRIES - 100 < added < REPLY_ENTRIES
    cost = world.cost(WALLONIA)
    assert cost.code == "MSG00000"
    assert cost.within()


def test_too_much_at_one_source_is_a_failure_of_that_source(world: World) -> None:
    assert world.add(WALLONIA, [(50, 98), (2, 50)]) > REPLY_ENTRIES
    assert world.cost(WALLONIA).code == "soapenv:Server"
    cost = world.cost()
    assert cost.code == "CHB00001"
    assert cost.within()


def test_the_most_that_is_read(world: World) -> None:
    """Four sources that each hold all they may, of which none fits into a reply."""
    for source in BEGIN:
        added = world.add(source, [(50, 99), (48, 99)])
        assert HELD_ENTRIES - 500 < added < HELD_ENTRIES
    cost = world.cost()
    assert cost.code == "CHB00001"
    assert cost.within()


def test_more_than_that_is_not_read(world: World) -> None:
    world.add(WALLONIA, [(100, 100)] * 20)
    cost = world.cost(WALLONIA)
    assert cost.code == "soapenv:Server"
    assert cost.within()
