"""Deliberations are added, revoked and amended by a reviewed file, and never changed (DOMAIN 7)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update

from ksz_childbenefits.domain.customers import Customer, Deliberation, Revocation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import UnknownBlock
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers import schema
from ksz_childbenefits.registers.amendments import Amendment, Withdrawal
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database, reading, writing
from ksz_childbenefits.registers.deliberation_rows import Origin
from ksz_childbenefits.registers.deliberations import DeliberationRegister, Recorded, ReviewedFile
from tests.registers.databases import address

SWL, FLW = Customer("swl", "0231550084", 47, 0), Customer("flw", "0900011332", None, None)
NOW = datetime(2026, 3, 10, 12, 0, 5, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
GIVEN = Deliberation(
    number="19/011",
    customer="swl",
    legal_contexts=frozenset({"SWL:RENT", "SWL:LOAN"}),
    sources=frozenset({AuthenticSource.WALLONIA, AuthenticSource.FEDERAL}),
    months_back=84,
    inscription_required=False,
    valid_from=date(2019, 1, 1),
    valid_to=None,
    withheld=frozenset({"bonuses", "paymentPeriods[SOCIAL]"}),
)
SHORTER = replace(GIVEN, months_back=12)
ELSEWHERE = replace(GIVEN, customer="flw")
KEPT = replace(GIVEN, number="0")
FILE = ReviewedFile("a" * 64, "An Peeters", "Jean Dubois")


@pytest.fixture
def customers(engine: Engine) -> CustomerRegister:
    made = CustomerRegister(engine)
    made.add(SWL)
    made.add(FLW)
    return made


@pytest.fixture
def register(engine: Engine, customers: CustomerRegister) -> DeliberationRegister:
    return DeliberationRegister(engine)


def amendment(
    *given: Deliberation, revoke: tuple[Withdrawal, ...] = (), digest: str = FILE.digest
) -> Amendment:
    return Amendment(
        digest,
        FILE.prepared_by,
        FILE.reviewed_by,
        {f"deliberation {n}": one for n, one in enumerate(given, start=1)},
        {f"revocation {n}": one for n, one in enumerate(revoke, start=1)},
    )


WITHDRAWAL = Withdrawal("19/011", "swl", "replaced")


def test_what_is_added_comes_back_with_where_it_came_from(
    register: DeliberationRegister, customers: CustomerRegister
) -> None:
    register.add(GIVEN, NOW)
    register.add(ELSEWHERE, LATER)
    assert customers.deliberations("swl") == (GIVEN,)
    assert register.recorded() == (
        Recorded(ELSEWHERE, Origin.COMMAND_LINE, LATER, None, None),
        Recorded(GIVEN, Origin.COMMAND_LINE, NOW, None, None),
    )
    assert [one.deliberation for one in register.recorded("swl")] == [GIVEN]
    assert [one.deliberation for one in register.recorded(number="19/012")] == []


def test_the_same_is_not_added_twice_not_even_after_it_was_revoked(
    register: DeliberationRegister,
) -> None:
    register.add(GIVEN, NOW)
    with pytest.raises(DataError, match="registered already"):
        register.add(GIVEN, LATER)
    register.add(SHORTER, NOW)
    register.revoke("19/011", "swl", "withdrawn", LATER)
    with pytest.raises(DataError, match="revoked already"):
        register.add(GIVEN, LATER)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"customer": "nobody"}, "customer 'nobody' is not registered"),
        ({"number": ""}, "number has 1 to 64 characters"),
        ({"number": " "}, "number has 1 to 64 characters"),
        ({"number": "1" * 65}, "number has 1 to 64 characters"),
        ({"number": "19/011\n"}, "on one line"),
        ({"number": "\x1b[2J"}, "on one line"),
        ({"months_back": 10000}, "months back are 0 to 9999"),
    ],
)
def test_what_breaks_a_rule_is_not_added(
    register: DeliberationRegister, wrong: dict[str, object], rule: str
) -> None:
    with pytest.raises(DataError, match=rule):
        register.add(replace(GIVEN, **wrong), NOW)  # type: ignore[arg-type]
    assert register.recorded() == ()


def test_a_revoked_one_keeps_when_and_why(
    register: DeliberationRegister, customers: CustomerRegister
) -> None:
    """All rows of the number, and nothing of another's; every request reads them anew."""
    for one in (GIVEN, SHORTER, replace(GIVEN, number="19/012")):
        register.add(one, NOW)
    assert register.revoke("19/011", None, "withdrawn", LATER) == (GIVEN, SHORTER)
    revocation = Revocation(LATER, "withdrawn")
    assert customers.deliberations("swl") == (
        replace(GIVEN, revoked=revocation),
        replace(SHORTER, revoked=revocation),
        replace(GIVEN, number="19/012"),
    )
    assert [one.revocation_file for one in register.recorded()] == [None] * 3


def test_another_machine_sees_it_with_its_next_question(
    register: DeliberationRegister, engine: Engine
) -> None:
    elsewhere = CustomerRegister(open_database(address(engine)))
    register.add(GIVEN, NOW)
    assert elsewhere.deliberations("swl") == (GIVEN,)
    register.revoke("19/011", "swl", "withdrawn", LATER)
    (seen,) = elsewhere.deliberations("swl")
    assert seen.revoked == Revocation(LATER, "withdrawn")


def test_what_was_revoked_before_keeps_its_own_reason(
    register: DeliberationRegister, customers: CustomerRegister
) -> None:
    register.add(GIVEN, NOW)
    register.revoke("19/011", "swl", "first", NOW)
    register.add(SHORTER, NOW)
    assert register.revoke("19/011", "swl", "second", LATER) == (SHORTER,)
    reasons = [d.revoked.reason for d in customers.deliberations("swl") if d.revoked]
    assert reasons == ["first", "second"]
    with pytest.raises(DataError, match="revoked already"):
        register.revoke("19/011", "swl", "third", LATER)


def test_a_number_of_two_customers_is_revoked_for_one(
    register: DeliberationRegister, customers: CustomerRegister
) -> None:
    register.add(GIVEN, NOW)
    register.add(ELSEWHERE, NOW)
    with pytest.raises(DataError, match="of several customers: flw, swl"):
        register.revoke("19/011", None, "withdrawn", NOW)
    register.revoke("19/011", "flw", "withdrawn", NOW)
    assert customers.deliberations("swl") == (GIVEN,)
    (revoked,) = customers.deliberations("flw")
    assert revoked.revoked is not None


@pytest.mark.parametrize(
    ("number", "customer", "reason", "text"),
    [
        ("19/012", None, "withdrawn", "no deliberation '19/012'"),
        ("19/011", "flw", "withdrawn", "no deliberation '19/011' of flw"),
        ("19/011", None, "", "a reason has 1 to 256 characters"),
        ("19/011", None, "r" * 257, "a reason has 1 to 256 characters"),
    ],
)
def test_what_cannot_be_revoked(
    register: DeliberationRegister, number: str, customer: str | None, reason: str, text: str
) -> None:
    register.add(GIVEN, NOW)
    with pytest.raises(DataError, match=text):
        register.revoke(number, customer, reason, NOW)
    (one,) = register.recorded()
    assert one.deliberation == GIVEN


def test_a_file_is_kept_with_what_it_added_and_revoked(register: DeliberationRegister) -> None:
    register.add(SHORTER, NOW)
    done = register.amend(amendment(GIVEN, ELSEWHERE, revoke=(WITHDRAWAL,)), LATER)
    assert done.added == (GIVEN, ELSEWHERE)
    assert [(row.deliberation, reason) for row, reason in done.revoked] == [(SHORTER, "replaced")]
    revoked = replace(SHORTER, revoked=Revocation(LATER, "replaced"))
    assert register.recorded() == (
        Recorded(ELSEWHERE, Origin.IMPORT, LATER, FILE, None),
        Recorded(revoked, Origin.COMMAND_LINE, NOW, None, FILE),
        Recorded(GIVEN, Origin.IMPORT, LATER, FILE, None),
    )


def test_the_same_file_again_changes_nothing(register: DeliberationRegister) -> None:
    """Though the number that it revokes now has a row: its own."""
    register.add(SHORTER, NOW)
    file = amendment(GIVEN, ELSEWHERE, revoke=(WITHDRAWAL,))
    register.amend(file, NOW)
    before = register.recorded()
    again = register.amend(file, LATER)
    assert (again.added, again.revoked) == ((), ())
    assert again.unchanged == (GIVEN, ELSEWHERE)
    assert register.recorded() == before


def test_the_same_file_again_revokes_what_came_in_its_way_meanwhile(
    register: DeliberationRegister,
) -> None:
    register.add(SHORTER, NOW)
    file = amendment(ELSEWHERE, revoke=(WITHDRAWAL,))
    register.amend(file, NOW)
    register.add(GIVEN, NOW)
    again = register.amend(file, LATER)
    assert [row.deliberation for row, _ in again.revoked] == [GIVEN]
    assert register.recorded("swl")[1].revocation_file == FILE


def test_a_dry_run_tells_the_same_and_does_nothing(
    register: DeliberationRegister, engine: Engine
) -> None:
    register.add(SHORTER, NOW)
    register.add(ELSEWHERE, NOW)
    before = register.recorded()
    file = amendment(GIVEN, ELSEWHERE, revoke=(WITHDRAWAL,))
    told = register.changes(file)
    assert register.recorded() == before
    with reading(engine) as connection:
        assert connection.execute(select(schema.deliberation_files)).all() == []
    assert register.amend(file, LATER) == told


def test_a_row_beside_others_of_its_number_must_say_what_becomes_of_them(
    register: DeliberationRegister,
) -> None:
    """Rows add up: a stricter one beside a looser one would change nothing (DOMAIN 7)."""
    register.add(GIVEN, NOW)
    with pytest.raises(DataError, match=r"deliberation 1: '19/011' of swl is registered otherwise"):
        register.amend(amendment(SHORTER), LATER)
    both = register.amend(amendment(SHORTER, GIVEN), LATER)
    assert (both.added, both.unchanged) == ((SHORTER,), (GIVEN,))


def test_another_customers_row_of_the_same_number_is_left_alone(
    register: DeliberationRegister,
) -> None:
    register.add(ELSEWHERE, NOW)
    assert register.amend(amendment(GIVEN), LATER).added == (GIVEN,)


def test_a_revoked_one_does_not_come_back_by_a_file(register: DeliberationRegister) -> None:
    file = amendment(GIVEN)
    register.amend(file, NOW)
    register.revoke("19/011", "swl", "withdrawn", NOW)
    with pytest.raises(DataError, match="deliberation 1: was revoked"):
        register.amend(file, LATER)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (amendment(GIVEN, ELSEWHERE, GIVEN), "deliberation 3: stands in the file twice"),
        (amendment(GIVEN, replace(GIVEN, customer="x")), "deliberation 2: customer 'x' is not"),
        (amendment(ELSEWHERE, replace(GIVEN, number="")), "deliberation 2: a deliberation's num"),
        (
            amendment(ELSEWHERE, revoke=(WITHDRAWAL,)),
            "revocation 1: there is no deliberation '19/011' of swl",
        ),
        (
            amendment(ELSEWHERE, revoke=(replace(WITHDRAWAL, reason=""),)),
            "revocation 1: a reason has",
        ),
        (
            amendment(ELSEWHERE, KEPT, revoke=(Withdrawal("0", "swl", "why"),)),
            "revocation 1: '0' of swl is as this file gives it",
        ),
    ],
)
def test_of_a_file_with_a_mistake_nothing_is_done(
    register: DeliberationRegister, file: Amendment, text: str
) -> None:
    register.add(KEPT, NOW)
    with pytest.raises(DataError, match=text):
        register.changes(file)
    with pytest.raises(DataError, match=text):
        register.amend(file, LATER)
    assert [one.deliberation for one in register.recorded()] == [KEPT]


def test_of_two_that_import_the_same_at_once_one_adds(
    register: DeliberationRegister, engine: Engine
) -> None:
    other = DeliberationRegister(open_database(address(engine)))
    file = amendment(GIVEN, ELSEWHERE)
    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda r: r.amend(file, NOW), [register, other] * 2))
    assert sorted(len(one.added) for one in done) == [0, 0, 0, 2]
    assert len(register.recorded()) == 2


def test_a_row_that_this_version_cannot_understand_lets_nobody_in(
    register: DeliberationRegister, customers: CustomerRegister, engine: Engine
) -> None:
    """A block of a later version, say: to ignore it would show what it withholds."""
    register.add(GIVEN, NOW)
    with writing(engine) as connection:
        connection.execute(update(schema.deliberations).values(withheld=["bonuses", "children"]))
    with pytest.raises(UnknownBlock):
        customers.deliberations("swl")
