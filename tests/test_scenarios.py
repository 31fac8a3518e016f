"""The scenarios of DOMAIN 1, 2 and 5 on the demo world, through registers and cadastres.

Expectations are derived by hand from the rules and from the world's stories
(ksz_childbenefits/demo/world); the same answers on the wire are held by the samples.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ksz_childbenefits.config import DemoSettings, Settings, load_settings
from ksz_childbenefits.domain.clock import parse_as_of
from ksz_childbenefits.domain.consultation import Identification, Outcome, Question
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import AllSourcesFailed, ConfigurationError
from ksz_childbenefits.gateway import Gateway
from ksz_childbenefits.runtime import build_endpoint

BRUSSELS_TO_NAMUR = "12031590217"
BRUSSELS_CHILD = "14061190206"
WALLOON_CHILD = "15092190833"
FLEMISH_CHILD = "15030490519"
PARENT_OF_FORTY = "84110590411"
PARTICIPATION_CHILD = "16082392369"
PARENT_AT_BOTH_ARCHIVES = "83062598055"
KNOWN_NOWHERE = "71060695708"
WITHOUT_LINE = "17050594109"
FIRST_OF_THREE, FINAL_OF_THREE = "11230094261", "11030994635"
NON_EXISTING = "14040494463"

FOUND, NO_DATA, NOT_KNOWN, FAILED = "MSG00000", "MSG00100", "MSG00021", "MSG00002"

Ask = Callable[..., Outcome]


@pytest.fixture
def ask(demo: Path) -> Ask:
    """Ask as a customer on a consultation day, with some cadastres failing."""
    settings = load_settings(demo)
    cbe = {"sfpd": "0900010243", "fedris": "0900010144", "brussels-housing": "0900010936"}
    context = {
        "sfpd": "SFPD:PENSION_CALCULATION",
        "fedris": "FEDRIS:COMPENSATION_FILE",
        "brussels-housing": "BRUSSELS_HOUSING:SOCIAL_RENT",
    }

    def ask(
        ssin: str,
        begin: str = "2018-01",
        end: str | None = "2024-12",
        *,
        sources: tuple[str, ...] | None = tuple(AuthenticSource),
        on: str = "2024-06-15",
        failing: tuple[str, ...] = (),
        customer: str = "sfpd",
    ) -> Outcome:
        outage = DemoSettings(failing_cadastres=frozenset(map(Operator, failing)))
        changed = settings.model_copy(update={"demo": outage})
        gateway = build_endpoint(changed, parse_as_of(on)).service
        assert isinstance(gateway, Gateway)
        known = gateway.customers.find(customer)
        assert known is not None
        named = None if sources is None else tuple(map(AuthenticSource, sources))
        asked = Question(
            Identification(cbe[customer]), None, None, context[customer], ssin, begin, end, named
        )
        held = gateway.customers.deliberations(customer)
        ground = gateway.service.authorise(asked, known, held)
        return gateway.service.consult(asked, known, ground, "a ticket")

    return ask


def codes(outcome: Outcome) -> dict[str, str]:
    return {str(r.source): str(r.status.code) for r in outcome.results}


def files(outcome: Outcome) -> dict[str, int]:
    return {str(r.source): len(r.files) for r in outcome.results if r.files}


def said(outcome: Outcome) -> list[tuple[str, str]]:
    return [(i.name, i.value) for i in outcome.status.information]


def source_said(outcome: Outcome, source: str) -> list[tuple[str, str]]:
    result = next(r for r in outcome.results if r.source == source)
    return [(i.name, i.value) for i in result.status.information]


# --- the cutover, seen through outages (DOMAIN 1: cadastre on the consultation day)


@pytest.mark.parametrize(
    ("child", "source"), [(WALLOON_CHILD, "WALLONIA"), (BRUSSELS_CHILD, "BRUSSELS")]
)
@pytest.mark.parametrize(
    ("failing", "on", "expected"),
    [
        (("ORINT",), "2023-12-31", FAILED),
        (("ORINT",), "2024-01-01", FOUND),
        (("AVIQ", "Iriscare"), "2023-12-31", FOUND),
        (("AVIQ", "Iriscare"), "2024-01-01", FAILED),
        # Midnight in Brussels decides: 23:00 UTC of the last day is already 2024 there.
        (("ORINT",), "2023-12-31T22:59:59Z", FAILED),
        (("ORINT",), "2023-12-31T23:00:00Z", FOUND),
    ],
)
def test_cutover(  # noqa: PLR0917
    ask: Ask, child: str, source: str, failing: tuple[str, ...], on: str, expected: str
) -> None:
    outcome = ask(child, on=on, failing=failing)
    assert codes(outcome)[source] == expected
    assert codes(outcome)["FLANDERS"] == NOT_KNOWN
    partial = ("INCOMPLETE_DATA", "CHB00001") if expected == FAILED else ("DATA_FOUND", FOUND)
    assert (outcome.status.value, outcome.status.code) == partial


# --- Brussels to 2019-05-31, then Namur (DOMAIN 1: last federal month in Brussels)

MOVED = {
    "FEDERAL": FOUND,
    "BRUSSELS": NOT_KNOWN,
    "FLANDERS": NOT_KNOWN,
    "WALLONIA": FOUND,
    "EASTBELGIUM": NOT_KNOWN,
}


@pytest.mark.parametrize("on", ["2023-12-31", "2024-01-01"])
def test_brussels_to_namur(ask: Ask, on: str) -> None:
    outcome = ask(BRUSSELS_TO_NAMUR, on=on)
    assert codes(outcome) == MOVED
    assert files(outcome) == {"FEDERAL": 1, "WALLONIA": 1}


def test_its_archive_is_iriscare_and_its_region_is_at_aviq(ask: Ask) -> None:
    iriscare = codes(ask(BRUSSELS_TO_NAMUR, failing=("Iriscare",)))
    assert iriscare == {**MOVED, "FEDERAL": FAILED}
    assert codes(ask(BRUSSELS_TO_NAMUR, failing=("AVIQ",))) == {**MOVED, "WALLONIA": FAILED}


# --- the other scenarios


def test_the_parent_of_forty_is_found_by_her_lines(ask: Ask) -> None:
    """DOMAIN 2: a beneficiary is routed by the repertory; DOMAIN 6: one Flemish file per child."""
    outcome = ask(PARENT_OF_FORTY)
    assert files(outcome) == {"FEDERAL": 1, "FLANDERS": 2, "WALLONIA": 1}
    assert codes(outcome)["BRUSSELS"] == codes(outcome)["EASTBELGIUM"] == NOT_KNOWN


def test_participation_in_the_same_months(ask: Ask) -> None:
    """DOMAIN 1, participation allowances: exclusivity is never enforced."""
    assert files(ask(PARTICIPATION_CHILD)) == {"FEDERAL": 1, "BRUSSELS": 1, "FLANDERS": 1}
    assert files(ask(PARTICIPATION_CHILD, "2019-09", "2019-09")) == {"FEDERAL": 1, "FLANDERS": 1}


def test_no_source_named_by_a_customer_without_wallonia(ask: Ask) -> None:
    """DOMAIN 2: all that the deliberations allow is asked; the others are named as left out."""
    outcome = ask(BRUSSELS_CHILD, sources=None, customer="brussels-housing")
    assert codes(outcome) == {"FEDERAL": FOUND, "BRUSSELS": FOUND}
    left_out = ("FLANDERS", "WALLONIA", "EASTBELGIUM")
    assert said(outcome) == [("authenticSourceNotAllowed", source) for source in left_out]


def test_the_end_month_is_that_of_the_consultation_day(ask: Ask) -> None:
    """DOMAIN 4: asked in 2019-12 without an end, BRUSSELS (from 2020-01) is out of its window."""
    assert codes(ask(BRUSSELS_CHILD, "2019-06", None, on="2019-12-31"))["BRUSSELS"] == NOT_KNOWN
    assert codes(ask(BRUSSELS_CHILD, "2019-06", None, on="2020-01-01"))["BRUSSELS"] == FOUND


def test_a_begin_in_1950_is_just_a_long_range(ask: Ask) -> None:
    """DOMAIN 4: 1900 to 2999 is valid; the federal birth bonus of 2015 comes with it."""
    outcome = ask(FLEMISH_CHILD, "1950-01")
    assert files(outcome) == {"FEDERAL": 1, "FLANDERS": 1}
    federal = next(r for r in outcome.results if r.source == "FEDERAL")
    assert [b.category for c in federal.files[0].children for b in c.bonuses] == ["BIRTH"]


def test_not_integrated_anywhere(ask: Ask) -> None:
    """DOMAIN 5: MSG00021 globally only when it is true of every source asked."""
    outcome = ask(KNOWN_NOWHERE, failing=("AVIQ", "Iriscare", "Opgroeien", "ORINT"))
    assert set(codes(outcome).values()) == {NOT_KNOWN}
    assert (outcome.status.value, outcome.status.code) == ("NO_DATA_FOUND", NOT_KNOWN)


def test_competent_but_without_a_line_is_called(ask: Ask) -> None:
    """DOMAIN 2: the cadastre decides, and has nothing."""
    outcome = ask(WITHOUT_LINE, "2019-01")
    assert codes(outcome)["WALLONIA"] == NO_DATA
    assert (outcome.status.value, outcome.status.code) == ("NO_DATA_FOUND", NO_DATA)


def test_an_outage_shows_on_every_source_of_the_operator_and_no_other(ask: Ask) -> None:
    """DOMAIN 5: what was not consulted counts as answered; what was found is delivered."""
    asked = ("WALLONIA", "EASTBELGIUM", "FLANDERS")
    outcome = ask(WALLOON_CHILD, sources=asked, failing=("AVIQ",))
    assert codes(outcome) == {
        "WALLONIA": FAILED,
        "EASTBELGIUM": NOT_KNOWN,
        "FLANDERS": NOT_KNOWN,
    }
    assert outcome.status.value == "INCOMPLETE_DATA"
    assert said(outcome) == [("authenticSource", "WALLONIA")]


def test_the_only_source_asked_failing_is_a_fault(ask: Ask) -> None:
    """DOMAIN 5, MSG00002: a fault when every source asked has a technical error."""
    with pytest.raises(AllSourcesFailed):
        ask(WALLOON_CHILD, sources=("WALLONIA",), failing=("AVIQ",))


def test_two_archives_are_one_result(ask: Ask) -> None:
    """DOMAIN 1: files by begin, whichever archive they stand in."""
    outcome = ask(PARENT_AT_BOTH_ARCHIVES, end="2018-12")
    federal = next(r for r in outcome.results if r.source == "FEDERAL")
    assert [f.begin.isoformat() for f in federal.files] == ["2009-06-08", "2013-10-21"]


def test_one_archive_failing_leaves_the_other_delivered(ask: Ask) -> None:
    """DOMAIN 1: an information ``archive`` at the source, INCOMPLETE_DATA for the whole."""
    outcome = ask(PARENT_AT_BOTH_ARCHIVES, end="2018-12", sources=("FEDERAL",), failing=("AVIQ",))
    assert files(outcome) == {"FEDERAL": 1}
    assert source_said(outcome, "FEDERAL") == [("archive", "AVIQ")]
    assert (outcome.status.value, said(outcome)) == (
        "INCOMPLETE_DATA",
        [("authenticSource", "FEDERAL")],
    )


def test_a_replaced_number_names_the_final_one(ask: Ask) -> None:
    """DOMAIN 5, MSG00006; the inscription stands under the first number of the chain (MSG00012)."""
    outcome = ask(FIRST_OF_THREE, customer="fedris")
    assert (outcome.status.code, said(outcome)) == ("MSG00006", [("newSSIN", FINAL_OF_THREE)])
    assert outcome.notice is not None
    assert outcome.notice.replaced_by == FINAL_OF_THREE
    assert ask(FINAL_OF_THREE, customer="fedris").status.code == FOUND


def test_whether_a_number_exists_is_told_to_no_one_who_lacks_the_inscription(ask: Ask) -> None:
    """DOMAIN 5: MSG00012 comes before the register is asked."""
    assert ask(NON_EXISTING, customer="fedris").status.code == "MSG00012"
    assert ask(NON_EXISTING, customer="sfpd").status.code == "MSG00005"


def test_the_consultation_day_cannot_be_moved_in_production(demo: Path) -> None:
    """DOMAIN, three clocks."""
    settings: Settings = load_settings(demo)
    database = settings.database.model_copy(update={"embedded_cadastres": frozenset(Operator)})
    production = settings.model_copy(update={"environment": "production", "database": database})
    with pytest.raises(ConfigurationError, match="consultation day"):
        build_endpoint(production, datetime(2023, 1, 1, tzinfo=UTC).date())
