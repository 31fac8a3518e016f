"""The loader of the demo world: from TOML rows to registers and cadastres."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from ksz_childbenefits.cadastres.base import CadastreCall
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre
from ksz_childbenefits.cadastres.split import split
from ksz_childbenefits.demo.world import load_world
from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.files import (
    Bonus,
    Description,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.persons import ConnectingFactor, Person, RepertoryLine, SsinStatus
from ksz_childbenefits.domain.routing import plan
from ksz_childbenefits.domain.sources import CUTOVER, AuthenticSource, Operator
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database, reading
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.schema import (
    cadastre_files,
    customers,
    persons,
    regional_repertory,
    repertory_lines,
)
from tests.registers.databases import engine, migrated
from tests.registers.numbers import NOOR, OTHER_PARENT, OTIS, PARENT

__all__ = ["engine", "migrated"]

FUNDS = """
[[fund]]
number = "104"
nl = "Kas"
fr = "Caisse"
de = "Kasse"
[[fund]]
number = "0685540471"
nl = "Infino"
"""
CUSTOMERS = """
[[customer]]
name = "fedris"
title = "Fedris"
cbe = "0206734318"
[[customer]]
name = "ocmw-namur"
title = "OCMW of Namur"
cbe = "0207656610"
sector = 17
institution = 1
[[customer]]
name = "sfpd"
title = "Federal Pension Service"
cbe = "0206738078"
[[deliberation]]
number = "20/024"
customer = "fedris"
legal_contexts = ["FEDRIS:INQUIRY"]
sources = ["FEDERAL", "FLANDERS"]
months_back = 60
inscription_required = true
valid_from = 2019-01-01
valid_to = 2030-12-31
[[deliberation]]
number = "20/025"
customer = "ocmw-namur"
legal_contexts = ["PCSA:SOCIAL_INQUIRY"]
sources = ["FEDERAL"]
inscription_required = true
valid_from = 2019-01-01
[[deliberation]]
number = "20/026"
customer = "sfpd"
legal_contexts = ["SFPD:PENSION"]
sources = ["FEDERAL"]
inscription_required = false
valid_from = 2019-01-01
"""
STORY = f"""
story = "A child of Brussels, then of Namur."
cites = "DOMAIN 1"

[[person]]
ssin = "{NOOR}"
name = "Noor"
not_inscribed_for = ["ocmw-namur"]
factors = [
  {{ factor = 1, nis = "21004", from = 2012-03-15, to = 2019-05-31 }},
  {{ factor = 1, nis = "92094", from = 2019-06-01 }},
]
[[person]]
ssin = "{PARENT}"
name = "Sofia"
birth_date = 1980-06-30
[[person]]
ssin = "{OTHER_PARENT}"
name = "Sofia's former number"
status = "REPLACED"
replaced_by = "{PARENT}"

[[file]]
operator = "ORINT"
source = "FEDERAL"
from = 2012-04-01
to = 2019-05-31
fund = "104"
number = "104010001234"
entitled = "{PARENT}"
children = [ {{ ssin = "{NOOR}", bonuses = [
  {{ date = 2012-03-20, category = "BIRTH" }}
], periods = [ {{ from = "2012-04", to = "2019-05", category = "CHILD_ALLOWANCE" }} ] }} ]
beneficiaries = [ {{ ssin = "{PARENT}" }} ]

[[line]]
holder = "WALLONIA"
ssin = "{NOOR}"
sector = 7
quality = 107
type = "CHILD_BENEFIT"
from = 2020-01-01
[[line]]
customer = "ocmw-namur"
ssin = "{NOOR}"
sector = 17
quality = 1
phase = 2
from = 2020-01-01
to = 2020-12-31
"""
FLEMISH = f"""
story = "Two beneficiaries in a Flemish file."
cites = "DOMAIN 6"
[[person]]
ssin = "{OTIS}"
name = "Otis"
[[file]]
operator = "OPGROEIEN"
source = "FLANDERS"
type = "PARTICIPATION"
from = 2019-01-01
fund = "0685540471"
children = [ {{ ssin = "{OTIS}", bonuses = [
  {{ date = 2019-02-01, category = "BIRTH", beneficiaries = ["{PARENT}"] }}
], periods = [
  {{ from = "2019-01", to = "2019-12", category = "BASIC", beneficiaries = [
    "{PARENT}", "{NOOR}"
  ] }},
  {{ from = "2020-01", category = "SOCIAL", beneficiaries = ["{NOOR}"] }},
  {{ from = "2020-01", category = "TODDLER" }},
] }} ]
beneficiaries = [ {{ ssin = "{PARENT}" }}, {{ ssin = "{NOOR}" }} ]
"""
ALL_MONTHS = MonthRange(YearMonth(1900, 1), YearMonth(2999, 12))


def world(folder: Path, **files: str) -> Path:
    """A folder with a small world; what is given replaces or adds files."""
    written = {"funds": FUNDS, "customers": CUSTOMERS, "noor": STORY, "otis": FLEMISH} | files
    for name, text in written.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text("not of the world", encoding="utf-8")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    return folder


@pytest.fixture
def loaded(engine: Engine, small: Path) -> Engine:
    load_world(engine, world(small))
    return engine


def files(
    engine: Engine, operator: Operator, source: AuthenticSource, ssin: str
) -> tuple[File, ...]:
    return EmbeddedCadastre(engine, operator).files(CadastreCall(source, ssin, ALL_MONTHS))


def test_persons_with_factors_birth_dates_and_replacement(loaded: Engine) -> None:
    register = PersonRegister(loaded)
    assert register.find(NOOR) == Person(
        NOOR,
        date(2012, 3, 15),
        factors=(
            ConnectingFactor(1, "21004", date(2012, 3, 15), date(2019, 5, 31)),
            ConnectingFactor(1, "92094", date(2019, 6, 1), None),
        ),
    )
    assert register.find(PARENT) == Person(PARENT, date(1980, 6, 30))
    former = Person(OTHER_PARENT, date(1981, 2, 2), SsinStatus.REPLACED, PARENT)
    assert register.find(OTHER_PARENT) == former


def test_customers_with_their_deliberations(loaded: Engine) -> None:
    register = CustomerRegister(loaded)
    assert register.find("ocmw-namur") == Customer("ocmw-namur", "0207656610", 17, 1)
    assert register.find("sfpd") == Customer("sfpd", "0206738078", None, None)
    assert register.deliberations("fedris") == (
        Deliberation(
            number="20/024",
            customer="fedris",
            legal_contexts=frozenset({"FEDRIS:INQUIRY"}),
            sources=frozenset({AuthenticSource.FEDERAL, AuthenticSource.FLANDERS}),
            months_back=60,
            inscription_required=True,
            valid_from=date(2019, 1, 1),
            valid_to=date(2030, 12, 31),
        ),
    )


def test_a_federal_file_whole(loaded: Engine) -> None:
    descriptions = (
        Description("NL", "Kas"),
        Description("FR", "Caisse"),
        Description("DE", "Kasse"),
    )
    period = PaymentPeriod(YearMonth(2012, 4), YearMonth(2019, 5), "CHILD_ALLOWANCE")
    expected = File(
        type=FileType.CHILD_BENEFIT,
        begin=date(2012, 4, 1),
        end=date(2019, 5, 31),
        fund=Fund(None, "104", descriptions),
        file_number="104010001234",
        entitled_person=PARENT,
        children=(FileMember(NOOR, (Bonus(date(2012, 3, 20), "BIRTH"),), (period,)),),
        beneficiaries=(FileMember(PARENT),),
    )
    # Last federal month 2019-05, in Brussels: the split copied it to Iriscare.
    for operator in (Operator.ORINT, Operator.IRISCARE):
        assert files(loaded, operator, AuthenticSource.FEDERAL, NOOR) == (expected,)
    assert files(loaded, Operator.AVIQ, AuthenticSource.FEDERAL, NOOR) == ()


def test_flemish_beneficiaries_carry_what_names_them(loaded: Engine) -> None:
    (found,) = files(loaded, Operator.OPGROEIEN, AuthenticSource.FLANDERS, OTIS)
    basic = PaymentPeriod(YearMonth(2019, 1), YearMonth(2019, 12), "BASIC")
    social = PaymentPeriod(YearMonth(2020, 1), None, "SOCIAL")
    toddler = PaymentPeriod(YearMonth(2020, 1), None, "TODDLER")
    birth = Bonus(date(2019, 2, 1), "BIRTH")
    assert found.type is FileType.PARTICIPATION
    assert found.fund == Fund("0685540471", None, (Description("NL", "Infino"),))
    assert found.children == (
        FileMember(
            OTIS,
            (replace(birth, beneficiaries=(PARENT,)),),
            (
                replace(basic, beneficiaries=(PARENT, NOOR)),
                replace(social, beneficiaries=(NOOR,)),
                toddler,
            ),
        ),
    )
    assert found.beneficiaries == (
        FileMember(PARENT, (birth,), (basic,)),
        FileMember(NOOR, (), (basic, social)),
    )


def line(**fields: object) -> RepertoryLine:
    base = RepertoryLine(
        ssin=NOOR,
        source=AuthenticSource.FEDERAL,
        customer=None,
        sector=7,
        quality=104,
        phase=0,
        file_type=FileType.CHILD_BENEFIT,
        archive=Operator.IRISCARE,
        begin=date(2012, 4, 1),
        end=date(2019, 5, 31),
    )
    return replace(base, **fields)  # type: ignore[arg-type]


def test_lines_follow_from_files_in_each_role(loaded: Engine) -> None:
    repertory = PersonRepertory(loaded)
    flemish = line(
        source=AuthenticSource.FLANDERS,
        quality=102,
        file_type=FileType.PARTICIPATION,
        archive=None,
        begin=date(2019, 1, 1),
        end=None,
    )
    assert set(repertory.lines(PARENT)) == {
        line(ssin=PARENT, quality=101),
        line(ssin=PARENT, quality=102),
        replace(flemish, ssin=PARENT),
    }
    investigated = line(
        source=AuthenticSource.WALLONIA,
        quality=107,
        archive=None,
        begin=date(2020, 1, 1),
        end=None,
    )
    assert set(repertory.lines(NOOR)) == {line(), flemish, investigated}
    assert repertory.lines(OTIS) == (replace(flemish, ssin=OTIS, quality=104),)


def test_everyone_is_inscribed_where_it_is_demanded_but_for_exceptions(loaded: Engine) -> None:
    query = select(
        repertory_lines.c.customer,
        repertory_lines.c.ssin,
        repertory_lines.c.sector,
        repertory_lines.c.quality,
        repertory_lines.c.phase,
        repertory_lines.c.begin_date,
        repertory_lines.c.end_date,
    ).where(repertory_lines.c.customer.is_not(None))
    with reading(loaded) as connection:
        found = {tuple(row) for row in connection.execute(query)}
    births = {
        NOOR: date(2012, 3, 15),
        PARENT: date(1980, 6, 30),
        OTHER_PARENT: date(1981, 2, 2),
        OTIS: date(2014, 7, 2),
    }
    assert found == {
        *(("fedris", ssin, 0, 0, 0, birth, None) for ssin, birth in births.items()),
        *(
            ("ocmw-namur", ssin, 17, 0, 0, birth, None)
            for ssin, birth in births.items()
            if ssin != NOOR
        ),
        ("ocmw-namur", NOOR, 17, 1, 2, date(2020, 1, 1), date(2020, 12, 31)),
    }


def test_regional_entries_follow_from_files(loaded: Engine) -> None:
    table = regional_repertory.c
    columns = (table.operator, table.source, table.ssin, table.quality, table.fund, table.file_type)
    with reading(loaded) as connection:
        found = Counter(tuple(row) for row in connection.execute(select(*columns)))
    federal = [(NOOR, 104), (PARENT, 101), (PARENT, 102)]
    flemish = [(OTIS, 104), (PARENT, 102), (NOOR, 102)]
    assert found == Counter(
        [
            (operator, "FEDERAL", ssin, quality, "104", "CHILD_BENEFIT")
            for operator in ("ORINT", "IRISCARE")
            for ssin, quality in federal
        ]
        + [
            ("OPGROEIEN", "FLANDERS", ssin, quality, "0685540471", "PARTICIPATION")
            for ssin, quality in flemish
        ]
    )


def test_a_file_that_is_not_known_is_held_but_not_found(engine: Engine, small: Path) -> None:
    load_world(
        engine, world(small, otis=FLEMISH.replace('type = "PART', 'known = false\ntype = "PART'))
    )
    assert PersonRepertory(engine).lines(OTIS) == ()
    assert files(engine, Operator.OPGROEIEN, AuthenticSource.FLANDERS, OTIS) == ()
    with reading(engine) as connection:
        held = select(func.count()).where(cadastre_files.c.source == "FLANDERS")
        assert connection.execute(held).scalar_one() == 1


def test_files_that_say_the_same_give_one_line_and_one_entry(engine: Engine, small: Path) -> None:
    second = FLEMISH[FLEMISH.index("[[file]]") :]
    load_world(engine, world(small, otis=FLEMISH + second))
    assert len(PersonRepertory(engine).lines(OTIS)) == 1
    assert len(files(engine, Operator.OPGROEIEN, AuthenticSource.FLANDERS, OTIS)) == 2


def test_a_world_without_files(engine: Engine, small: Path) -> None:
    load_world(
        engine,
        world(
            small,
            noor=STORY[: STORY.index("[[file]]")],
            otis=FLEMISH[: FLEMISH.index("[[person]]")],
        ),
    )
    assert PersonRepertory(engine).lines(NOOR) == ()
    assert PersonRegister(engine).find(NOOR) is not None


def in_story(old: str, new: str) -> dict[str, str]:
    assert old in STORY
    return {"noor": STORY.replace(old, new)}


def in_flemish(old: str, new: str) -> dict[str, str]:
    assert old in FLEMISH
    return {"otis": FLEMISH.replace(old, new)}


def in_customers(old: str, new: str) -> dict[str, str]:
    assert old in CUSTOMERS
    return {"customers": CUSTOMERS.replace(old, new)}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (in_story("story =", "story"), "noor.toml is no TOML"),
        (in_story('cites = "DOMAIN 1"', ""), "noor.toml, cites: Field required"),
        (in_story('name = "Noor"', 'nom = "Noor"'), "noor.toml, person 1, name: Field required"),
        (in_story(f'ssin = "{NOOR}"\nname', 'ssin = "12031590100"\nname'), "person 1, ssin: "),
        (in_story("to = 2019-05-31 }", 'to = "soon" }'), "person 1, factors 1, to: "),
        (in_story('nis = "92094"', 'nis = "12041"'), ""),
        (in_story('nis = "92094"', 'nis = "26001"'), "noor.toml, person 1: NIS code '26001'"),
        (in_story("to = 2019-05-31 }", "to = 2019-06-01 }"), "person 1: two rows of connecting"),
        (
            in_story("to = 2019-05-31 }", "to = 2012-03-14 }"),
            "person 1: ends on 2012-03-14, before",
        ),
        (
            in_story('factor = 1, nis = "92', 'factor = 7, nis = "92'),
            "person 1: connecting factor 7 is unk",
        ),
        (in_story('["ocmw-namur"]', '["ocmw-nowhere"]'), "noor.toml, person 1: not_inscribed_for"),
        (in_story('status = "REPLACED"', ""), "noor.toml, person 3: status REPLACED"),
        (
            in_story(f'replaced_by = "{PARENT}"', f'replaced_by = "{OTHER_PARENT}"'),
            "noor.toml, person 3: the replacement leads back",
        ),
        (in_story(f'ssin = "{PARENT}"\nname', f'ssin = "{NOOR}"\nname'), "person 2: the number"),
        (in_story('fund = "104"', 'fund = "105"'), "noor.toml, file 1: fund 105 is not in the"),
        (in_story('"ORINT"', '"AVIQ"'), "noor.toml, file 1: AVIQ did not hold FEDERAL on 2012"),
        (in_story('"ORINT"', '"OPGROEIEN"'), "noor.toml, file 1: OPGROEIEN did not hold FEDERAL"),
        (in_story('source = "FED', 'type = "PARTICIPATION"\nsource = "FED'), "file 1: participat"),
        (in_story('number = "1', 'number = "A'), "noor.toml, file 1: against the rules"),
        (in_story("to = 2019-05-31\nfund", "to = 2012-03-31\nfund"), "noor.toml, file 1: against"),
        (in_story('from = "2012-04", to', 'from = "2012-13", to'), "file 1, children 1, periods 1"),
        (in_story(f'entitled = "{PARENT}"', 'entitled = "82091794737"'), "file 1: a person of the"),
        (in_story("quality = 107", "quality = 108"), "noor.toml, line 1: quality 108 is unknown"),
        (in_story('type = "CHILD_BENEFIT"\n', ""), "noor.toml, line 1: a line of a source names"),
        (in_story('customer = "ocmw-namur"\n', ""), "noor.toml, line 2: a line is held by a"),
        (in_story('customer = "ocmw-namur"', 'customer = "x"'), "line 2: the customer is unknown"),
        (in_story("to = 2020-12-31", "to = 2019-12-31"), "noor.toml, line 2: ends on 2019-12-31"),
        (
            in_flemish(f'    "{PARENT}", "{NOOR}"', f'    "{OTIS}"'),
            "otis.toml, file 1: a payment names someone who is no beneficiary",
        ),
        (
            in_flemish(
                f'{{ ssin = "{PARENT}" }},',
                f'{{ ssin = "{PARENT}", periods = [ {{ from = "2019-01", category = "A" }} ] }},',
            ),
            "otis.toml, file 1: a beneficiary in FLANDERS carries nothing of its own",
        ),
        (
            in_flemish("from = 2019-01-01\n", "from = 2018-01-01\nto = 2018-12-31\n"),
            "otis.toml, file 1: the file lies outside the window of FLANDERS",
        ),
        ({"funds": FUNDS.replace('"104"', '"1040"')}, "funds.toml, fund 1, number: "),
        ({"funds": FUNDS + '[[fund]]\nnumber = "104"'}, "funds.toml, fund 3: fund 104 is there"),
        (in_customers('"0206738078"', '"0206734318"'), "customers.toml, customer 3: this CBE"),
        (in_customers('customer = "sfpd"', 'customer = "x"'), "customers.toml, deliberation 3: "),
        (in_customers('"FLANDERS"', '"FLEMISH"'), "customers.toml, deliberation 1, sources "),
    ],
)
def test_what_is_wrong_is_named_by_file_and_row(
    engine: Engine, small: Path, changed: dict[str, str], message: str
) -> None:
    folder = world(small, **changed)
    if not message:
        load_world(engine, folder)
        return
    with pytest.raises(DataError) as caught:
        load_world(engine, folder)
    assert message in str(caught.value)
    assert not any(ssin in str(caught.value) for ssin in (NOOR, OTIS, PARENT, OTHER_PARENT))
    with reading(engine) as connection:
        assert connection.execute(select(customers)).all() == []
        assert connection.execute(select(persons)).all() == []


@pytest.mark.parametrize("missing", ["funds", "customers"])
def test_a_file_that_is_missing(engine: Engine, small: Path, missing: str) -> None:
    (world(small) / f"{missing}.toml").unlink()
    with pytest.raises(DataError, match=f"{missing}.toml is missing"):
        load_world(engine, small)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Engine:
    """The demo world of this package."""
    path = tmp_path_factory.mktemp("demo") / "registers.sqlite"
    path.write_bytes(migrated.read_bytes())
    made = open_database(f"sqlite:///{path}")
    load_world(made)
    return made


def everyone(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return list(connection.execute(select(persons.c.ssin)).scalars())


def held_before_the_split(engine: Engine, ssin: str, months: MonthRange, day: date) -> Counter[str]:
    """What is found on a day by route and cadastres, of what began before the split."""
    person = PersonRegister(engine).find(ssin)
    assert person is not None
    routes = plan(person, PersonRepertory(engine).lines(ssin), AuthenticSource, months, day)
    return Counter(
        f"{route.source} {found}"
        for route in routes
        if route.months
        for operator in route.operators
        for found in EmbeddedCadastre(engine, operator).files(
            CadastreCall(route.source, ssin, route.months)
        )
        if found.begin < CUTOVER
    )


@pytest.mark.parametrize(
    "months",
    [
        ALL_MONTHS,
        MonthRange(YearMonth(2018, 6), YearMonth(2019, 2)),
        MonthRange(YearMonth(2019, 6), YearMonth(2020, 6)),
    ],
    ids=str,
)
def test_in_the_demo_world_the_split_changes_no_answer(demo: Engine, months: MonthRange) -> None:
    last_day = date(2023, 12, 31)
    found = 0
    for ssin in everyone(demo):
        before = held_before_the_split(demo, ssin, months, last_day)
        assert held_before_the_split(demo, ssin, months, CUTOVER) == before
        found += before.total()
    assert found > 0


def test_in_the_demo_world_the_split_loses_and_doubles_nothing(demo: Engine) -> None:
    columns = [c for c in cadastre_files.c if c.name not in ("id", "operator", "carried_from")]
    at_orint = cadastre_files.c.operator == "ORINT"
    with reading(demo) as connection:
        held = Counter(str(row) for row in connection.execute(select(*columns).where(at_orint)))
        copied = select(*columns).where(cadastre_files.c.carried_from.is_not(None))
        assert Counter(str(row) for row in connection.execute(copied)) == held
    count = split(demo)
    assert count.files[Operator.ORINT] == held.total()
    assert count.files[Operator.IRISCARE] + count.files[Operator.AVIQ] == held.total()
    assert count.files[Operator.IRISCARE] > 0
