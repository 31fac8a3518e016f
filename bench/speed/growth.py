"""How the cost of a request grows: with its reply, with the sources, and with the register.

In process, CPU in signatures and the time that a caller waits; cases that are compared take turns.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import house
import world
from house import House
from inside import answer, cpu, has_data, opened, reply_to
from machine import Unit, measure_unit
from messages import Order, Question, Template
from served import cadastre
from sqlalchemy import Engine, func, select

from ksz_childbenefits.config import load_settings
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.registers.database import open_database, reading
from ksz_childbenefits.registers.schema import repertory_lines

SOURCES = (
    AuthenticSource.WALLONIA,
    AuthenticSource.FLANDERS,
    AuthenticSource.BRUSSELS,
    AuthenticSource.EASTBELGIUM,
    AuthenticSource.FEDERAL,
)
"""In this order one more is asked each time."""

_WHOLE_LIFE = ("2015-01", "2026-11")
_WARM_UP = 12
_BLOCK = 10
_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked of whom; ``x``: how much of that by which the cost may grow."""

    group: str
    x: int
    endpoint: Endpoint[Any]
    request: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Point:
    """What a case costs: CPU in signatures, ``seconds`` a caller waits (median), the reply."""

    group: str
    x: int
    signatures: float
    seconds: float
    reply_bytes: int


def measure_files(own: House, turns: int) -> list[Point]:
    """Replies of 1, 4, 20 and 100 files."""
    with opened(own) as endpoint:
        cases = [
            Case("files", size, endpoint, Template(Order(own, question=Question(mother))).make)
            for size, mother in world.MOTHERS.items()
        ]
        return _measure(cases, turns)


def measure_sources(own: House, folder: Path, turns: int) -> list[Point]:
    """1 to 5 sources, of operators in the same database and of remote ones."""
    remote, network = house.build_network(folder)
    with ExitStack() as stack:
        for operator, config in network.operators.items():
            stack.enter_context(cadastre(operator, config))
        cases = []
        for group, one in (("embedded", own), ("remote", remote)):
            endpoint = stack.enter_context(opened(one))
            for count in range(1, len(SOURCES) + 1):
                template = Template(Order(one, question=_everywhere(count)))
                cases.append(Case(group, count, endpoint, template.make))
        return _measure(cases, turns)


def _everywhere(count: int) -> Question:
    sources = tuple(source.value for source in SOURCES[:count])
    return Question(world.MOTHER_EVERYWHERE, sources, *_WHOLE_LIFE)


def measure_persons(houses: dict[int, House], turns: int) -> list[Point]:
    """Registers of different sizes: persons drawn from them, asked for at all sources."""
    with ExitStack() as stack:
        cases = []
        for size, one in houses.items():
            endpoint = stack.enter_context(opened(one))
            cases.append(Case("persons", size, endpoint, _drawn(one, endpoint)))
        return _measure(cases, turns)


def _drawn(own: House, endpoint: Endpoint[Any]) -> Callable[[], bytes]:
    """Requests about one person after the other, of whom there are files."""
    numbers = _sample(open_database(load_settings(own.config).database.url))
    template = Template(Order(own, question=Question(world.MOTHER_EVERYWHERE, ())))
    known = [n for n in numbers if has_data(reply_to(endpoint, template.make(n)))]
    chance = random.Random(1)
    return lambda: template.make(chance.choice(known))


def _sample(engine: Engine) -> list[str]:
    """Persons from all over the register that the customer has inscribed."""
    lines = repertory_lines.c
    with reading(engine) as connection:
        last = connection.execute(select(func.max(lines.id))).scalar_one()
        chance = random.Random(1)
        query = select(lines.ssin).where(lines.customer == world.RSA.name).order_by(lines.id)
        starts = (query.where(lines.id >= chance.randrange(last)).limit(1) for _ in range(_SAMPLE))
        found = [connection.execute(one).scalar() for one in starts]
    engine.dispose()
    return [ssin for ssin in found if ssin]


def _measure(cases: Sequence[Case], turns: int) -> list[Point]:
    replies = [_warm_up(case) for case in cases]
    spent: list[list[float]] = [[] for _ in cases]
    waited: list[list[float]] = [[] for _ in cases]
    before = measure_unit()
    for _ in range(turns):
        for case, own_spent, own_waited in zip(cases, spent, waited, strict=True):
            requests = [case.request() for _ in range(_BLOCK)]
            own_spent.append(cpu(partial(_timed, case.endpoint, own_waited), requests))
    unit = Unit.mean((before, measure_unit())).seconds
    return [
        Point(
            case.group,
            case.x,
            statistics.median(own_spent) / unit,
            statistics.median(own_waited),
            reply,
        )
        for case, own_spent, own_waited, reply in zip(cases, spent, waited, replies, strict=True)
    ]


def _warm_up(case: Case) -> int:
    """The size of a reply, once everything that is made once is made."""
    return max(len(answer(case.endpoint, case.request())) for _ in range(_WARM_UP))


def _timed(endpoint: Endpoint[Any], waited: list[float], request: bytes) -> None:
    begun = time.perf_counter()
    answer(endpoint, request)
    waited.append(time.perf_counter() - begun)
