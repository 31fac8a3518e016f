"""The register of persons (DOMAIN 1, 4, 5)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine, insert

from ksz_childbenefits.domain.persons import ConnectingFactor, Person, SsinStatus
from ksz_childbenefits.errors import DataError, Unavailable
from ksz_childbenefits.registers.database import open_database, writing
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.schema import connecting_factors, persons
from tests.registers.databases import scans, statements
from tests.registers.numbers import MILA, NOOR, OTHER_PARENT, OTIS, PARENT, ssin

BORN = date(2012, 3, 15)
BRUSSELS = ConnectingFactor(1, "21004", BORN, date(2019, 5, 31))
NAMUR = ConnectingFactor(1, "92094", date(2019, 6, 1), None)
RESIDENCE = ConnectingFactor(2, "44021", BORN, None)
PERSON = Person(NOOR, BORN, factors=(BRUSSELS, NAMUR, RESIDENCE))


def replaced(ssin: str, by: str) -> Person:
    return Person(ssin, BORN, SsinStatus.REPLACED, by)


@pytest.fixture
def register(engine: Engine) -> PersonRegister:
    return PersonRegister(engine)


def test_a_number_that_is_not_there(register: PersonRegister) -> None:
    assert register.find(NOOR) is None


def test_a_person_comes_back_with_its_factors_in_legal_order(register: PersonRegister) -> None:
    register.add([replace(PERSON, factors=(RESIDENCE, NAMUR, BRUSSELS)), Person(OTIS, BORN)])
    assert register.find(NOOR) == PERSON
    assert register.find(OTIS) == Person(OTIS, BORN)


@pytest.mark.parametrize("person", [replaced(NOOR, OTIS), Person(NOOR, BORN, SsinStatus.CANCELLED)])
def test_the_status_of_a_number(register: PersonRegister, person: Person) -> None:
    register.add([person, Person(OTIS, BORN)])
    assert register.find(NOOR) == person


@pytest.mark.parametrize("asked", [NOOR, OTIS, MILA])
def test_a_chain_of_two_replacements_from_each_of_its_numbers(
    register: PersonRegister, asked: str
) -> None:
    register.add([replaced(NOOR, OTIS), replaced(OTIS, MILA), Person(MILA, BORN)])
    assert register.chain(asked) == (NOOR, OTIS, MILA)


def test_two_numbers_of_one_person_have_one_chain(register: PersonRegister) -> None:
    register.add([replaced(NOOR, MILA), replaced(OTIS, MILA), Person(MILA, BORN)])
    assert register.chain(NOOR) == (NOOR, OTIS, MILA)


def test_a_number_unknown_or_never_replaced_is_its_own_chain(register: PersonRegister) -> None:
    register.add([PERSON])
    assert register.chain(NOOR) == (NOOR,)
    assert register.chain(OTIS) == (OTIS,)


def test_a_chain_that_leads_back_to_itself_ends(engine: Engine, register: PersonRegister) -> None:
    row = {"birth_date": BORN, "status": "REPLACED"}
    with writing(engine) as connection:
        circle = [
            row | {"ssin": NOOR, "replaced_by": OTIS},
            row | {"ssin": OTIS, "replaced_by": NOOR},
        ]
        connection.execute(insert(persons), circle)
    assert set(register.chain(NOOR)) == {NOOR, OTIS}


@pytest.mark.parametrize("asked", [NOOR, OTIS, MILA, PARENT])
def test_looking_up_tells_what_find_and_chain_do(register: PersonRegister, asked: str) -> None:
    register.add([PERSON, replaced(OTIS, NOOR), replace(PERSON, ssin=MILA)])
    assert register.look_up(asked) == (register.find(asked), register.chain(asked))


@pytest.mark.parametrize(
    ("question", "asked", "expected"),
    [
        ("find", NOOR, 1),
        ("chain", NOOR, 1),
        ("look_up", MILA, 1),
        # Of a number that replaced another the chain is asked for, too.
        ("look_up", NOOR, 2),
        ("look_up", OTIS, 2),
    ],
)
def test_each_question_is_one_statement_answered_by_indexes(
    engine: Engine, register: PersonRegister, question: str, asked: str, expected: int
) -> None:
    register.add([PERSON, replaced(OTIS, NOOR), replace(PERSON, ssin=MILA)])
    with statements(engine) as sent:
        getattr(register, question)(asked)
    assert len(sent) == expected
    # A chain reads its own intermediate results, no table, from end to end.
    tables = (persons.name, connecting_factors.name)
    assert not [step for step in scans(engine, sent) if step.removeprefix("SCAN ") in tables]


@pytest.mark.parametrize("question", ["find", "chain", "look_up"])
def test_one_round_trip_costs_no_more_in_a_register_that_is_known_to_be_large(
    engine: Engine, register: PersonRegister, question: str
) -> None:
    others = [Person(ssin(f"120316{serial:03d}"), BORN) for serial in range(1, 999)]
    register.add([PERSON, replaced(OTIS, NOOR), *others])
    with writing(engine) as connection:
        connection.exec_driver_sql("ANALYZE")
    with statements(engine) as sent:
        getattr(register, question)(NOOR)
    assert not {persons.name, connecting_factors.name}.intersection(scans(engine, sent))


def test_more_rows_than_one_statement_asks_for(register: PersonRegister) -> None:
    numbers = [ssin(f"120315{serial:03d}") for serial in range(1, 999)]
    register.add([Person(number, BORN) for number in numbers])
    with pytest.raises(DataError, match="row 1: the number is in the register already"):
        register.add([Person(numbers[-1], BORN)])


@pytest.mark.parametrize(
    ("factors", "rule"),
    [
        ([replace(NAMUR, factor=0)], "connecting factor 0 is unknown"),
        ([replace(NAMUR, factor=7)], "connecting factor 7 is unknown"),
        ([replace(NAMUR, end=date(2019, 5, 31))], "ends on 2019-05-31, before it begins"),
        # DOMAIN 3: 23 is of Flanders, 25 of Wallonia, 26 of none.
        ([ConnectingFactor(1, "26001", BORN, None)], "NIS code '26001' lies in no region"),
        # DOMAIN 3: 12041 came on 2019-01-01, 12030 went on that day.
        ([ConnectingFactor(1, "12041", date(2018, 12, 31), None)], "NIS code 12041 did not exist"),
        ([ConnectingFactor(1, "12030", date(2019, 1, 1), None)], "NIS code 12030 did not exist"),
        ([BRUSSELS, replace(NAMUR, begin=date(2019, 5, 31))], "factor 1 overlap on 2019-05-31"),
        ([replace(BRUSSELS, end=None), NAMUR], "factor 1 overlap on 2019-06-01"),
        ([RESIDENCE, RESIDENCE], "factor 2 overlap on 2012-03-15"),
    ],
)
def test_factors_that_break_a_rule(
    register: PersonRegister, factors: list[ConnectingFactor], rule: str
) -> None:
    rows = [Person(OTIS, BORN), replace(PERSON, factors=tuple(factors))]
    with pytest.raises(DataError, match=f"^row 2: .*{rule}") as caught:
        register.add(rows)
    assert NOOR not in str(caught.value)
    assert register.find(OTIS) is None


@pytest.mark.parametrize(
    "factor",
    [
        # DOMAIN 3: a row that runs on past a recoding stays valid.
        ConnectingFactor(1, "12030", date(2018, 12, 31), None),
        ConnectingFactor(1, "12041", date(2019, 1, 1), None),
        ConnectingFactor(6, "63023", BORN, BORN),
    ],
)
def test_factors_at_the_edge_of_a_rule(register: PersonRegister, factor: ConnectingFactor) -> None:
    register.add([replace(PERSON, factors=(factor,))])
    assert register.find(NOOR) == replace(PERSON, factors=(factor,))


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ([Person(NOOR[:-2] + "00", BORN)], "row 1: the SSIN is not valid"),
        ([PERSON, PERSON], "row 2: the number is in the register already"),
        ([Person(NOOR, BORN, SsinStatus.REPLACED)], "row 1: status REPLACED and the number"),
        ([Person(NOOR, BORN, replaced_by=OTIS)], "row 1: status REPLACED and the number"),
        ([replaced(NOOR, "12345678900")], "row 1: the replacing SSIN is not valid"),
        ([PERSON, replaced(OTIS, MILA)], "row 2: the replacing SSIN is not in the register"),
        ([replaced(NOOR, NOOR)], "row 1: the replacement leads back to itself"),
        (
            [
                Person(PARENT, BORN),
                replaced(NOOR, OTIS),
                replaced(OTIS, MILA),
                replaced(MILA, OTIS),
            ],
            "row 2: the replacement leads back to itself",
        ),
    ],
)
def test_persons_that_break_a_rule(register: PersonRegister, rows: list[Person], rule: str) -> None:
    with pytest.raises(DataError, match=f"^{rule}") as caught:
        register.add(rows)
    assert not any(row.ssin in str(caught.value) for row in rows)
    assert register.find(rows[0].ssin) is None


def test_the_caller_says_where_a_row_stands(register: PersonRegister) -> None:
    with pytest.raises(DataError, match="an import, line 7: the SSIN is not valid"):
        register.add([Person("1", BORN)], ["an import, line 7"])


def test_a_number_may_be_replaced_by_one_of_an_earlier_import(register: PersonRegister) -> None:
    register.add([Person(PARENT, BORN)])
    register.add([replaced(OTHER_PARENT, PARENT)])
    assert register.chain(PARENT) == (OTHER_PARENT, PARENT)


def test_nothing_to_add(register: PersonRegister) -> None:
    register.add([])


def test_a_register_that_does_not_answer() -> None:
    register = PersonRegister(open_database("sqlite:////nowhere/registers.sqlite"))
    with pytest.raises(Unavailable):
        register.find(NOOR)
    with pytest.raises(Unavailable):
        register.chain(NOOR)
    with pytest.raises(Unavailable):
        register.look_up(NOOR)
