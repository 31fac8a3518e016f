"""What is withheld influences nothing else in the reply (DOMAIN 7).

Two holdings that differ in withheld blocks alone, however wildly, must give the same bytes: from
cadastres of our own and through the supplier contract, with two federal archives, with the copies
that beneficiaries carry in FLANDERS, and with lists over the limit of 100.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import Cadastre, CadastreCall, Holdings
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.cadastres.server import CadastreService
from ksz_childbenefits.contract.cadastre_codec import decode_holdings, encode_call
from ksz_childbenefits.contract.codec import CbssInformation, encode_outcome
from ksz_childbenefits.contract.contracts import CADASTRE, CONSULTATION
from ksz_childbenefits.contract.schemas import prove_reply, validate_request
from ksz_childbenefits.domain.authorisation import Allowed, Ground
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.files import (
    PAYMENT_CATEGORIES,
    Bonus,
    Description,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.persons import Person
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.domain.withholding import BLOCKS
from ksz_childbenefits.errors import Fault
from ksz_childbenefits.logs import Pseudonymiser
from ksz_childbenefits.security.directory import KnownCertificates
from ksz_childbenefits.service import ConsultationService
from tests.domain.makers import ANN, FEDERAL, FLANDERS, IRISCARE, line, months, question

TICKET = "1f0d2c3b-4a59-4687-9695-a4b3c2d1e0f9"
NOW = datetime(2024, 6, 15, tzinfo=UTC)
CUSTOMER = Customer("fedris", "0200000003", None, None)
ASKED = months("2017-01", "2020-12")
PERSON = Person(ANN, date(2012, 3, 15))
LINES = {
    FEDERAL: [line(FEDERAL, "2012-03-01", quality=102)],  # names no archive: both are asked
    FLANDERS: [line(FLANDERS, "2019-01-01")],
}
MANY = 130
"""More than a list may hold."""


# Holdings as they may be.

Value = TypeVar("Value")
Change = Callable[[File], File]

NUMBERS = (ANN, *(f"800101{serial:03d}01" for serial in range(1, MANY + 1)))
days = st.dates(date(2016, 6, 1), date(2021, 6, 30))
year_months = days.map(YearMonth.of)
categories = st.sampled_from((*PAYMENT_CATEGORIES, "NOT_IN_USE_YET"))
few_numbers = st.lists(st.sampled_from(NUMBERS[:6]), max_size=2, unique=True).map(tuple)


def of_members(file: File, change: Callable[[FileMember], FileMember]) -> File:
    children, beneficiaries = map(change, file.children), map(change, file.beneficiaries)
    return file._replace(children=tuple(children), beneficiaries=tuple(beneficiaries))


def bonuses(named: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Bonus, ...]]:
    one = st.builds(Bonus, days, st.sampled_from(("BIRTH", "ADOPTION")), named)
    return st.lists(one, max_size=3).map(tuple)


def periods(
    named: st.SearchStrategy[Any], of: st.SearchStrategy[str] = categories
) -> st.SearchStrategy[tuple[PaymentPeriod, ...]]:
    def until(period: PaymentPeriod) -> PaymentPeriod:
        end = period.end
        return period._replace(end=None if end is None else max(end, period.begin))

    one = st.builds(PaymentPeriod, year_months, st.none() | year_months, of, named).map(until)
    return st.lists(one, max_size=4).map(tuple)


def flooded(member: FileMember) -> FileMember:
    """With so many payments that lists are cut, in an order of no meaning."""
    months_paid = [YearMonth.of(date(2017, 1, 1) + timedelta(days=9 * n)) for n in range(MANY)]
    more = tuple(
        PaymentPeriod(month, month, PAYMENT_CATEGORIES[n % 9])
        for n, month in enumerate(months_paid)
    )
    paid = tuple(Bonus(date(2019, 1, 1) + timedelta(days=n), "BIRTH") for n in range(MANY))
    return FileMember(member.ssin, member.bonuses + paid[::-1], member.periods + more[::-1])


@st.composite
def members(draw: st.DrawFn, numbers: list[str], named: bool) -> tuple[FileMember, ...]:
    who = few_numbers if named else st.just(())
    made = [FileMember(n, draw(bonuses(who)), draw(periods(who))) for n in numbers]
    if draw(st.integers(0, 5)) == 0:
        made[0] = flooded(made[0])
    if not named and draw(st.integers(0, 5)) == 0:
        made += [FileMember(number) for number in NUMBERS[6:]]
    return tuple(made)


@st.composite
def files(draw: st.DrawFn, source: AuthenticSource) -> tuple[File, ...]:
    flemish = source is FLANDERS
    some = st.lists(st.sampled_from(NUMBERS[:6]), min_size=1, max_size=3, unique=True)
    made = []
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.dates(date(2016, 1, 1), date(2019, 6, 30)))
        children = [ANN] if flemish else [ANN, *(n for n in draw(some) if n != ANN)]
        number = f"104{draw(st.integers(1, 3)):02d}{draw(st.integers(1, 3))}"
        made.append(
            File(
                FileType.CHILD_BENEFIT,
                begin,
                draw(st.none() | st.dates(begin, date(2021, 1, 1))),
                Fund(
                    "0685540471" if flemish else None,
                    None if flemish else "104",
                    (Description("NL", draw(st.sampled_from("ab"))),),
                ),
                None if flemish else number,
                None if flemish else draw(st.none() | st.sampled_from(NUMBERS[:6])),
                draw(members(children, flemish)),
                draw(members(draw(some), False)),
            )
        )
    if draw(st.integers(0, 7)) == 0:
        small = made[0]._replace(children=made[0].children[:1], beneficiaries=())
        small = of_members(small, lambda m: FileMember(m.ssin, m.bonuses[:1], m.periods[:1]))
        made += [small._replace(begin=small.begin - timedelta(days=n)) for n in range(MANY)]
    return tuple(made)


# The same holdings with other things in the withheld blocks: also such as no source may give.

any_names = st.lists(st.sampled_from(NUMBERS[:9]), max_size=4).map(tuple)
odd_categories = st.sampled_from(("BIRTH", "no category of the contract"))
odd_members = st.lists(
    st.builds(
        FileMember,
        st.sampled_from((*NUMBERS, "not a number")),
        st.lists(st.builds(Bonus, days, odd_categories, any_names), max_size=2).map(tuple),
        periods(any_names),
    ),
    max_size=3,
).map(tuple) | st.just(tuple(FileMember(number) for number in NUMBERS))


def odd_periods(of: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[PaymentPeriod, ...]]:
    return st.tuples(periods(any_names, of), st.sampled_from((1, MANY))).map(lambda t: t[0] * t[1])


odd_bonuses = st.lists(st.builds(Bonus, days, odd_categories, any_names), max_size=4).map(
    tuple
) | st.just(tuple(Bonus(date(2019, 5, 1), "BIRTH") for _ in range(MANY)))


@st.composite
def others(draw: st.DrawFn, block: str) -> Change:
    """What puts something else where a block is; three things, in turn."""

    def thrice(values: st.SearchStrategy[Value]) -> Iterator[Value]:
        return cycle([draw(values) for _ in range(3)])

    if block in PARTS:
        change, values = PARTS[block]
        chosen = thrice(values)
        return lambda file: change(file, next(chosen))
    if block == "file/beneficiaries":
        names, whole = thrice(any_names), thrice(odd_members)
        return lambda file: of_members(file, lambda member: renamed(member, names))._replace(
            beneficiaries=next(whole)
        )
    category = block[len("paymentPeriods[") : -1]
    new, places = thrice(odd_periods(st.just(category))), thrice(st.integers(0, 4))
    return lambda file: of_members(
        file, lambda member: repaid(member, category, next(new), next(places))
    )


PARTS: dict[str, tuple[Callable[[File, Any], File], st.SearchStrategy[Any]]] = {
    "file/fileNumber": (
        lambda file, number: file._replace(file_number=number),
        st.none() | st.text(max_size=5),
    ),
    "file/entitledPersonSsin": (
        lambda file, ssin: file._replace(entitled_person=ssin),
        st.none() | st.text(max_size=11),
    ),
    "bonuses": (
        lambda file, paid: of_members(file, lambda m: m._replace(bonuses=paid)),
        odd_bonuses,
    ),
    "paymentPeriods": (
        lambda file, paid: of_members(file, lambda m: m._replace(periods=paid)),
        odd_periods(categories),
    ),
    "childBenefitsFund/description": (
        lambda file, texts: file._replace(fund=replace(file.fund, descriptions=texts)),
        st.lists(
            st.builds(Description, st.sampled_from(("NL", "EN")), st.text(max_size=120)),
            max_size=5,
        ).map(tuple),
    ),
}
"""How each block that is one value changes, and to what."""


def renamed(child: FileMember, names: Iterator[tuple[str, ...]]) -> FileMember:
    return FileMember(
        child.ssin,
        tuple(bonus._replace(beneficiaries=next(names)) for bonus in child.bonuses),
        tuple(period._replace(beneficiaries=next(names)) for period in child.periods),
    )


def repaid(
    member: FileMember, category: str, new: tuple[PaymentPeriod, ...], place: int
) -> FileMember:
    kept = tuple(period for period in member.periods if period.category != category)
    return member._replace(periods=(*kept[:place], *new, *kept[place:]))


# One way to a reply: the service with everything but its registers.


class Known:
    """Stands for the registers, which know the person and where it is."""

    def __init__(self, source: AuthenticSource) -> None:
        self.lines = LINES[source]

    def person(self, *_: object) -> tuple[Person, list[Any]]:
        return PERSON, self.lines


@dataclass(frozen=True)
class Holding:
    """A cadastre in memory: the files of each source and, but for FEDERAL, of one operator."""

    held: tuple[File, ...]

    def files(self, call: CadastreCall) -> Holdings:
        return Holdings(self.held)


@dataclass(frozen=True)
class Elsewhere:
    """An operator behind the supplier contract; all that HTTP and signatures would carry."""

    service: CadastreService

    def files(self, call: CadastreCall) -> Holdings:
        asked = etree.fromstring(encode_call(call))
        validate_request(CADASTRE, asked)
        reply = self.service.answer(asked, self.service.begin(NOW))
        prove_reply(CADASTRE, reply)
        return decode_holdings(etree.fromstring(reply), call)


def elsewhere(held: tuple[File, ...]) -> Cadastre:
    nobody = KnownCertificates([])
    return Elsewhere(CadastreService(Holding(held), "0900020141", nobody, Pseudonymiser(b"k" * 32)))


LOOP = BackgroundLoop()


def reply(
    source: AuthenticSource, held: tuple[File, ...], withheld: frozenset[str], remote: bool
) -> str:
    """What the customer gets; where all fails, the fault's name."""
    make = elsewhere if remote else Holding
    # Some of the federal files are at the one archive, some at the other.
    half = len(held) // 2 if source is FEDERAL else 0
    parts = {o: held[:half] if o is IRISCARE else held[half:] for o in Operator}
    network = Network({o: make(files) for o, files in parts.items()}, LOOP)
    registers: Any = Known(source)
    service = ConsultationService(registers, network)
    asked = question("2017-01", "2020-12", sources=(source,))
    allowed = Allowed((source,), (), ASKED, {source: withheld}, False)
    try:
        outcome = service.consult(asked, CUSTOMER, Ground(NOW.date(), (), allowed), TICKET)
    except Fault as fault:
        return type(fault).__name__
    written = encode_outcome(asked, outcome, CbssInformation(TICKET, NOW, NOW))
    prove_reply(CONSULTATION, written)
    return written


@pytest.mark.once
@pytest.mark.parametrize("remote", [False, True], ids=["own", "remote"])
@pytest.mark.parametrize("source", [FEDERAL, FLANDERS])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_what_is_withheld_influences_nothing_else(
    source: AuthenticSource, remote: bool, data: st.DataObject
) -> None:
    held = data.draw(files(source))
    blocks = data.draw(st.sets(st.sampled_from(tuple(BLOCKS)), min_size=1))
    other = held
    for block in blocks:
        other = tuple(map(data.draw(others(block)), other))
    first, second = (reply(source, h, frozenset(blocks), remote) for h in (held, other))
    assert first.startswith("<intf:")
    assert first == second
    named = [e.text for e in etree.fromstring(first).iterfind("dataFilters/filteredElement")]
    assert named == [block for block in BLOCKS if block in blocks]
