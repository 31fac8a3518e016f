"""What the trail tells of a person, a customer, a ticket; by an index, however long it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from ksz_childbenefits.audit.reading import Records, Trail
from ksz_childbenefits.audit.writer import Writer
from ksz_childbenefits.domain.persons import Person, SsinStatus
from ksz_childbenefits.registers.persons import PersonRegister
from tests.audit.trails import entries, keys, record
from tests.registers.databases import scans, statements
from tests.registers.numbers import MILA, NOOR, OTIS


@pytest.fixture
def scribe(engine: Engine) -> Iterator[Writer]:
    made = Writer(engine, keys())
    yield made
    made.stop()


def tickets(found: Records) -> list[Any]:
    return [members["ticket"] for members in found]


def test_a_person_is_found_alone_and_among_several(engine: Engine, scribe: Writer) -> None:
    own, other, together = record(NOOR), record(OTIS), record(OTIS, NOOR)
    scribe.write(entries(own, other, together))
    trail = Trail(engine)
    assert tickets(trail.of_person(NOOR)) == [own.ticket, together.ticket]
    assert tickets(trail.of_person(OTIS)) == [other.ticket, together.ticket]
    assert tickets(trail.of_person(MILA)) == []


def test_a_person_is_found_by_the_numbers_it_had(engine: Engine, scribe: Writer) -> None:
    """Asked for by the number before, it was the same person (DOMAIN 5, chain)."""
    born = date(2012, 3, 15)
    now = Person(NOOR, born)
    before = Person(OTIS, born, SsinStatus.REPLACED, NOOR)
    PersonRegister(engine).add([now, before])
    old, new, both = record(OTIS), record(NOOR), record(OTIS, NOOR)
    scribe.write(entries(old, new, both))
    wanted = [one.ticket for one in (old, new, both)]
    assert tickets(Trail(engine).of_person(NOOR)) == wanted
    assert tickets(Trail(engine).of_person(OTIS)) == wanted


def test_a_customer_is_found_by_its_name(engine: Engine, scribe: Writer) -> None:
    own, other = record(), record(caller="swl")
    scribe.write(entries(own, other))
    assert tickets(Trail(engine).of_customer("swl")) == [other.ticket]


def test_a_ticket_is_ours_or_the_customers(engine: Engine, scribe: Writer) -> None:
    """Its own is stored cut to 32 characters unless it is a UUID (DOMAIN 5)."""
    reference = str(uuid4())
    one, two, three = record(ticket="x" * 32), record(ticket=reference), record(ticket=None)
    one.ticket = str(uuid4())
    scribe.write(entries(one, two, three))
    trail = Trail(engine)
    assert tickets(trail.of_ticket(one.ticket.upper())) == [one.ticket]
    assert tickets(trail.of_ticket("x" * 36)) == [one.ticket]
    assert tickets(trail.of_ticket(reference)) == [two.ticket]
    assert tickets(trail.of_ticket("y")) == []


def test_records_come_in_the_order_of_their_replies(engine: Engine, scribe: Writer) -> None:
    other = Writer(engine, keys())
    written = [record() for _ in range(6)]
    for number, one in enumerate(written):
        (scribe, other)[number % 2].write(entries(one))
    other.stop()
    assert tickets(Trail(engine).of_person(NOOR)) == [one.ticket for one in written]


@pytest.mark.parametrize(
    "ask",
    [
        lambda trail: trail.of_person(NOOR),
        lambda trail: trail.of_customer("fedris"),
        lambda trail: trail.of_ticket("a ticket"),
    ],
    ids=["person", "customer", "ticket"],
)
def test_no_question_reads_the_whole_trail(engine: Engine, scribe: Writer, ask: Any) -> None:
    scribe.write(entries(record()))
    with statements(engine) as sent:
        list(ask(Trail(engine)))
    asked = [(statement, parameters) for statement, parameters in sent if "audit" in statement]
    assert asked
    assert not [table for table in scans(engine, asked) if table.startswith("audit")]
