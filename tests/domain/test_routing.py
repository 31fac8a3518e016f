"""Which sources are consulted, over which months, at which operators (DOMAIN 1 and 2)."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ksz_childbenefits.domain.competence import competent_months
from ksz_childbenefits.domain.files import FileType
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.persons import ConnectingFactor, Person, RepertoryLine
from ksz_childbenefits.domain.routing import CITATIONS, Ground, Reason, SourceRoute, plan
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from tests.domain.makers import (
    ALL_SOURCES,
    ANN,
    AVIQ,
    BRUSSELS,
    EASTBELGIUM,
    FEDERAL,
    FLANDERS,
    IRISCARE,
    OPGROEIEN,
    ORINT,
    WALLONIA,
    home,
    line,
    month,
    months,
    person,
)
from tests.domain.test_domiciles import registers

BEFORE, SINCE = date(2023, 12, 31), date(2024, 1, 1)
LONG = months("2018-01", "2024-12")
ANN_MOVED = person(
    "2012-03-15", home(BRUSSELS, "2012-03-15", "2019-05-31"), home(WALLONIA, "2019-06-01")
)
PARENT = person("1984-02-10", home(FLANDERS, "1984-02-10"))


def route(
    source: AuthenticSource,
    *lines: RepertoryLine,
    of: Person = PARENT,
    asked: MonthRange = LONG,
    on: date = SINCE,
) -> SourceRoute:
    (found,) = plan(of, lines, (source,), asked, on)
    assert found.source is source
    assert found.consulted is bool(found.operators)
    return found


def grounds(found: SourceRoute) -> list[Ground]:
    return [reason.ground for reason in found.reasons]


# The call's range: the source's window and the months asked, not cut by domicile.


@pytest.mark.parametrize(
    ("source", "asked", "expected"),
    [
        (FEDERAL, ("2018-01", "2024-12"), ("2018-01", "2019-12")),
        (FEDERAL, ("2019-12", "2020-01"), ("2019-12", "2019-12")),
        (FEDERAL, ("2020-01", "2020-02"), None),
        (BRUSSELS, ("2018-01", "2024-12"), ("2020-01", "2024-12")),
        (BRUSSELS, ("2018-01", "2019-12"), None),
        (FLANDERS, ("2018-01", "2024-12"), ("2019-01", "2024-12")),
        (FLANDERS, ("2018-01", "2018-12"), None),
        (WALLONIA, ("2018-12", "2019-01"), ("2019-01", "2019-01")),
        (WALLONIA, ("2018-01", "2018-12"), None),
        (EASTBELGIUM, ("2022-01", "2022-12"), ("2022-01", "2022-12")),
        (EASTBELGIUM, ("2018-01", "2018-12"), None),
    ],
)
def test_the_range_of_a_call(
    source: AuthenticSource, asked: tuple[str, str], expected: tuple[str, str] | None
) -> None:
    known = line(source, "1990-01-01", quality=102)
    found = route(source, known, asked=months(*asked))
    assert found.months == (months(*expected) if expected else None)
    assert found.consulted is (expected is not None)
    if expected is None:
        assert grounds(found) == [Ground.OUTSIDE_WINDOW]


# By domicile.


@pytest.mark.parametrize(
    ("on", "federal", "wallonia"), [(BEFORE, ORINT, ORINT), (SINCE, IRISCARE, AVIQ)]
)
def test_brussels_to_may_2019_then_namur(on: date, federal: Operator, wallonia: Operator) -> None:
    """Issue 2: from 2024 FEDERAL at Iriscare, WALLONIA at AVIQ, the others MSG00021."""
    found = plan(ANN_MOVED, (), ALL_SOURCES, LONG, on)
    assert [(r.source, str(r.months), r.operators) for r in found] == [
        (FEDERAL, "2018-01..2019-12", (federal,)),
        (BRUSSELS, "2020-01..2024-12", ()),
        (FLANDERS, "2019-01..2024-12", ()),
        (WALLONIA, "2019-01..2024-12", (wallonia,)),
        (EASTBELGIUM, "2019-01..2024-12", ()),
    ]


def test_routes_are_in_the_order_asked() -> None:
    asked = (WALLONIA, FEDERAL, BRUSSELS)
    assert tuple(r.source for r in plan(ANN_MOVED, (), asked, LONG, SINCE)) == asked


def test_competent_in_some_month_asked_and_called_without_a_line() -> None:
    """Competent but not in the repertory is called: the cadastre decides."""
    found = route(WALLONIA, of=ANN_MOVED, asked=months("2019-01", "2019-06"))
    assert found.operators == (AVIQ,)
    assert grounds(found) == [Ground.COMPETENT, Ground.HOLDER]
    assert "2019-06..2019-06" in found.reasons[0].text
    assert not route(WALLONIA, of=ANN_MOVED, asked=months("2019-01", "2019-05")).consulted


def test_who_can_be_no_child_in_the_months_asked_is_not_looked_for_by_domicile() -> None:
    found = route(FLANDERS)
    assert found.operators == ()
    assert grounds(found) == [Ground.NOT_COMPETENT, Ground.NOT_KNOWN]
    assert "may not be a child" in found.reasons[0].text
    nobody = route(FEDERAL, of=person("1870-01-01"))
    assert "may not be a child" in nobody.reasons[0].text


def test_a_child_domiciled_elsewhere() -> None:
    found = route(FLANDERS, of=ANN_MOVED)
    assert grounds(found) == [Ground.NOT_COMPETENT, Ground.NOT_KNOWN]
    assert "domicile" in found.reasons[0].text


@pytest.mark.parametrize("source", ALL_SOURCES)
@pytest.mark.parametrize("on", [BEFORE, SINCE])
def test_the_holder_of_the_day_is_called(source: AuthenticSource, on: date) -> None:
    expected = {
        (FEDERAL, BEFORE): (ORINT,),
        (FEDERAL, SINCE): (AVIQ,),
        (BRUSSELS, BEFORE): (ORINT,),
        (BRUSSELS, SINCE): (IRISCARE,),
        (FLANDERS, BEFORE): (OPGROEIEN,),
        (FLANDERS, SINCE): (OPGROEIEN,),
        (WALLONIA, BEFORE): (ORINT,),
        (WALLONIA, SINCE): (AVIQ,),
        (EASTBELGIUM, BEFORE): (ORINT,),
        (EASTBELGIUM, SINCE): (AVIQ,),
    }
    archive = AVIQ if source is FEDERAL else None
    known = line(source, "2015-01-01", quality=102, archive=archive)
    assert route(source, known, on=on).operators == expected[source, on]


# By the repertory.


@pytest.mark.parametrize("quality", [101, 102, 103, 104, 105, 106])
def test_a_line_in_any_role_leads_to_its_source(quality: int) -> None:
    found = route(WALLONIA, line(WALLONIA, "2020-01-01", "2020-06-30", quality=quality))
    assert found.operators == (AVIQ,)
    assert grounds(found) == [Ground.KNOWN, Ground.HOLDER]
    assert f"quality {quality}" in found.reasons[0].text
    assert "from 2020-01-01 to 2020-06-30" in found.reasons[0].text
    assert not route(FLANDERS, line(WALLONIA, "2020-01-01", quality=quality)).consulted


@pytest.mark.parametrize(
    ("quality", "phase"), [(107, 0), (902, 0), (999, 0), (104, 902), (104, 999)]
)
def test_a_line_that_never_routes(quality: int, phase: int) -> None:
    found = route(WALLONIA, line(WALLONIA, "2020-01-01", quality=quality, phase=phase))
    assert found.operators == ()
    assert grounds(found) == [Ground.NOT_COMPETENT, Ground.NEVER_ROUTES, Ground.NOT_KNOWN]


@pytest.mark.parametrize(
    ("begin", "end", "consulted"),
    [
        ("2015-01-01", "2018-12-31", False),  # before the call's range, though asked
        ("2015-01-01", "2019-01-01", True),
        ("2024-12-31", "", True),
        ("2025-01-01", "", False),
    ],
)
def test_a_line_counts_where_it_overlaps_the_range_of_the_call(
    begin: str, end: str, consulted: bool
) -> None:
    assert route(WALLONIA, line(WALLONIA, begin, end, quality=102)).consulted is consulted


def test_a_participation_file_beside_the_regional_one() -> None:
    """A Brussels child with Flemish participation allowances: sources never exclude each other."""
    child = person("2018-04-01", home(BRUSSELS, "2018-04-01"))
    lines = (
        line(BRUSSELS, "2020-01-01"),
        line(FLANDERS, "2021-09-01", file_type=FileType.PARTICIPATION),
    )
    found = plan(child, lines, ALL_SOURCES, months("2021-01", "2022-12"), SINCE)
    assert [r.source for r in found if r.consulted] == [BRUSSELS, FLANDERS]
    assert "PARTICIPATION" in found[2].reasons[0].text
    assert "still active" in found[2].reasons[0].text


def test_a_parent_is_known_at_two_regions() -> None:
    lines = (
        line(FLANDERS, "2019-01-01", quality=102),
        line(WALLONIA, "2019-01-01", quality=103),
    )
    found = plan(PARENT, lines, ALL_SOURCES, months("2020-01", "2024-12"), SINCE)
    assert [r.operators for r in found] == [(), (), (OPGROEIEN,), (AVIQ,), ()]


# The two federal archives.


BRUSSELS_CHILD = person("2012-03-15", home(BRUSSELS, "2012-03-15"))
NAMUR_CHILD = person("2012-03-15", home(WALLONIA, "2012-03-15"))


@pytest.mark.parametrize(
    ("lines", "of", "archives"),
    [
        # the archive of each line of a parent
        ([(102, AVIQ)], PARENT, (AVIQ,)),
        ([(101, IRISCARE)], PARENT, (IRISCARE,)),
        ([(102, AVIQ), (101, IRISCARE)], PARENT, (IRISCARE, AVIQ)),
        ([(102, AVIQ), (103, AVIQ)], PARENT, (AVIQ,)),
        # a child without a line: by its own domiciles
        ([], BRUSSELS_CHILD, (IRISCARE,)),
        ([], NAMUR_CHILD, (AVIQ,)),
        # a line of a child decides alone, against its own domiciles: the youngest child's archive
        ([(104, AVIQ)], BRUSSELS_CHILD, (AVIQ,)),
        ([(104, IRISCARE)], NAMUR_CHILD, (IRISCARE,)),
        # lines in other roles do not speak for the child
        ([(102, AVIQ)], BRUSSELS_CHILD, (IRISCARE, AVIQ)),
        ([(102, IRISCARE)], BRUSSELS_CHILD, (IRISCARE,)),
        ([(102, AVIQ), (104, AVIQ)], BRUSSELS_CHILD, (AVIQ,)),
        # a line that names no archive cannot tell: both
        ([(102, None)], PARENT, (IRISCARE, AVIQ)),
        # a line that never routes counts for nothing
        ([(107, IRISCARE)], NAMUR_CHILD, (AVIQ,)),
    ],
)
def test_the_archives_asked(
    lines: list[tuple[int, Operator | None]], of: Person, archives: tuple[Operator, ...]
) -> None:
    held = [line(FEDERAL, "2015-01-01", quality=q, archive=archive) for q, archive in lines]
    assert route(FEDERAL, *held, of=of).operators == archives
    assert route(FEDERAL, *held, of=of, on=BEFORE).operators == (ORINT,)


def test_only_lines_that_overlap_the_range_name_archives() -> None:
    lines = (
        line(FEDERAL, "2010-01-01", "2017-12-31", quality=102, archive=IRISCARE),
        line(FEDERAL, "2018-01-01", "2018-12-31", quality=102, archive=AVIQ),
    )
    assert route(FEDERAL, *lines).operators == (AVIQ,)
    earlier = line(FEDERAL, "2012-03-15", "2017-12-31", quality=104, archive=AVIQ)
    assert route(FEDERAL, earlier, of=BRUSSELS_CHILD).operators == (IRISCARE,)


def test_who_was_a_child_before_the_months_asked_is_asked_by_its_lines_alone() -> None:
    """Federal in childhood, in Brussels; now a parent whose children are at AVIQ."""
    parent = person("1984-02-10", home(BRUSSELS, "1984-02-10"))
    known = line(FEDERAL, "2012-01-01", quality=102, archive=AVIQ)
    assert route(FEDERAL, known, of=parent).operators == (AVIQ,)


def test_the_reasons_for_the_archives() -> None:
    known = line(FEDERAL, "2015-01-01", quality=102, archive=AVIQ)
    found = route(FEDERAL, known, of=BRUSSELS_CHILD)
    assert grounds(found) == [
        Ground.COMPETENT,
        Ground.KNOWN,
        Ground.ARCHIVE_OF_DOMICILE,
        Ground.ARCHIVE_OF_LINE,
    ]
    assert [IRISCARE in r.text for r in found.reasons] == [False, False, True, False]
    assert [AVIQ in r.text for r in found.reasons] == [False, False, False, True]


def test_every_ground_is_cited() -> None:
    assert set(CITATIONS) == set(Ground)
    assert Reason(Ground.KNOWN, "").citation == "DOMAIN 2, route: known in the repertory"
    assert all(citation.startswith(("DOMAIN 1", "DOMAIN 2")) for citation in CITATIONS.values())


def test_reasons_name_no_person() -> None:
    lines = [line(source, "2019-06-01", quality=q) for source in ALL_SOURCES for q in (104, 107)]
    for found in plan(ANN_MOVED, lines, ALL_SOURCES, LONG, SINCE):
        assert found.reasons
        assert not any(ANN in reason.text for reason in found.reasons)


@given(
    registers(),
    st.dates(date(1993, 6, 1), date(2020, 6, 30)),
    st.lists(
        st.builds(
            line,
            st.sampled_from(ALL_SOURCES),
            st.dates(date(2017, 1, 1), date(2020, 12, 31)).map(str),
            quality=st.sampled_from([102, 104, 107]),
        ),
        max_size=4,
    ),
    st.integers(0, 40),
    st.integers(0, 20),
)
def test_consulted_is_competent_or_known(
    rows: list[ConnectingFactor], birth: date, lines: list[RepertoryLine], begin: int, length: int
) -> None:
    """DOMAIN 2 said once more: month by month for the domicile, day by day for the lines."""
    of = Person(ANN, birth, factors=tuple(rows))
    start = month("2017-06").plus(begin)
    asked = MonthRange(start, start.plus(length))
    for found in plan(of, lines, ALL_SOURCES, asked, BEFORE):
        each = [start.plus(n) for n in range(length + 1)]
        competent = any(
            held.includes(at) for held in competent_months(of, found.source) for at in each
        )
        first = {FEDERAL: "1900-01", BRUSSELS: "2020-01"}.get(found.source, "2019-01")
        last = "2019-12" if found.source is FEDERAL else "2999-12"
        called = [at for at in each if first <= str(at) <= last]
        known = any(
            li.source is found.source and li.quality != 107 and str(li.begin)[:7] <= str(at)
            for li in lines
            for at in called
        )
        assert found.consulted is (competent or known)
