"""What a customer may ask (DOMAIN 5: MSG00013, 14, 27; DOMAIN 7)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from ksz_childbenefits.domain.authorisation import (
    Allowed,
    Grant,
    Ground,
    allow,
    applying,
    check_identification,
    grant,
    judge,
)
from ksz_childbenefits.domain.consultation import (
    Code,
    Identification,
    NoResult,
    Status,
    StatusValue,
)
from ksz_childbenefits.domain.customers import Customer, Deliberation, Revocation
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource
from tests.domain.makers import (
    ALL_SOURCES,
    BRUSSELS,
    EASTBELGIUM,
    FEDERAL,
    FLANDERS,
    WALLONIA,
    day,
    month,
    months,
    question,
)

OCMW = Customer("ocmw-namur", "0200000001", 17, 1)
PENSIONS = Customer("pensions", "0200000002", 5, 0)
FEDRIS = Customer("fedris", "0200000003", None, None)
TODAY = day("2024-06-15")


def refusal(raised: pytest.ExceptionInfo[NoResult]) -> tuple[Code, list[tuple[str, str]]]:
    status = raised.value.status
    assert status.value is StatusValue.NO_RESULT
    assert raised.value.notice is None
    return status.code, [(i.name, i.value) for i in status.information]


# Customer identification against the certificate: MSG00014.


@pytest.mark.parametrize(
    ("said", "customer"),
    [
        (Identification("0200000001"), OCMW),
        (Identification(None, "17", "1"), OCMW),
        (Identification(None, "017", "+1"), OCMW),
        (Identification(None, "0" * 5000 + "17", " 1 "), OCMW),
        (Identification(None, "5", "0"), PENSIONS),
        (Identification(None, "5", "-0"), PENSIONS),
        (Identification(None, "5", "000"), PENSIONS),
        (Identification("0200000003"), FEDRIS),
    ],
)
def test_what_a_customer_says_of_itself_is_true(said: Identification, customer: Customer) -> None:
    check_identification(said, customer)


@pytest.mark.parametrize(
    ("said", "customer", "information"),
    [
        (Identification("0200000003"), OCMW, [("cbeNumber", "0200000003")]),
        (Identification(None, "17", "2"), OCMW, [("sector", "17"), ("institution", "2")]),
        (Identification(None, "16", "1"), OCMW, [("sector", "16"), ("institution", "1")]),
        (Identification(None, "170", "1"), OCMW, [("sector", "170"), ("institution", "1")]),
        (Identification(None, "17", "1"), FEDRIS, [("sector", "17"), ("institution", "1")]),
        (Identification(None, "0", "0"), FEDRIS, [("sector", "0"), ("institution", "0")]),
        (Identification(None, "0" * 300, "1"), OCMW, [("sector", "0" * 256), ("institution", "1")]),
        (Identification(None), OCMW, []),
    ],
)
def test_what_is_not_true_of_it_is_refused(
    said: Identification, customer: Customer, information: list[tuple[str, str]]
) -> None:
    with pytest.raises(NoResult) as raised:
        check_identification(said, customer)
    assert refusal(raised) == (Code.CREDENTIALS, information)


# Deliberations: MSG00013.


def deliberation(
    *sources: AuthenticSource,
    contexts: str = "A",
    back: int | None = None,
    inscription: bool = True,
    begin: str = "2020-01-01",
    end: str = "",
    withheld: tuple[str, ...] = (),
    revoked: bool = False,
    number: str = "18/098",
) -> Deliberation:
    moment = datetime(2024, 6, 20, tzinfo=UTC)
    return Deliberation(
        number,
        "ocmw-namur",
        frozenset(contexts),
        frozenset(sources),
        back,
        inscription,
        day(begin),
        day(end) if end else None,
        frozenset(withheld),
        Revocation(moment, "withdrawn by the Committee") if revoked else None,
    )


@pytest.mark.parametrize(
    "held",
    [
        [],
        [deliberation(WALLONIA, contexts="B")],
        [deliberation(WALLONIA, begin="2024-06-16")],
        [deliberation(WALLONIA, end="2024-06-14")],
        [deliberation(WALLONIA, contexts="B"), deliberation(WALLONIA, end="2024-06-14")],
        # Revoked after the consultation day, which tests can move: it counts from then on for all.
        [deliberation(WALLONIA, revoked=True)],
    ],
)
def test_no_deliberation_that_applies(held: list[Deliberation]) -> None:
    with pytest.raises(NoResult) as raised:
        applying(held, "A", TODAY)
    assert refusal(raised) == (Code.LEGAL_CONTEXT, [("legalContext", "A")])


def test_a_legal_context_is_compared_whole() -> None:
    with pytest.raises(NoResult) as raised:
        applying([deliberation(WALLONIA, contexts="A")], "a", TODAY)
    assert refusal(raised) == (Code.LEGAL_CONTEXT, [("legalContext", "a")])


def test_those_that_apply_keep_their_order() -> None:
    held = [
        deliberation(FLANDERS, number="3"),
        deliberation(WALLONIA, number="1", end="2024-06-14"),
        deliberation(WALLONIA, number="2", end="2024-06-15"),
        deliberation(WALLONIA, number="4", revoked=True),
        deliberation(WALLONIA, number="5", begin="2024-06-15"),
    ]
    assert [d.number for d in applying(held, "A", TODAY)] == ["3", "2", "5"]


@pytest.mark.parametrize(
    ("back", "earliest"),
    [
        (None, None),
        (0, "2024-06"),
        (1, "2024-05"),
        (6, "2023-12"),
        (60, "2019-06"),
        (99999, "1900-01"),
    ],
)
def test_n_months_back_from_the_month_of_the_day(back: int | None, earliest: str | None) -> None:
    granted = grant([deliberation(WALLONIA, back=back)], TODAY)
    assert granted.earliest == {WALLONIA: month(earliest) if earliest else None}


def test_those_that_apply_are_united() -> None:
    """Per source the largest number of months back."""
    held = [
        deliberation(WALLONIA, FLANDERS, back=12),
        deliberation(WALLONIA, EASTBELGIUM, contexts="AB", back=24),
        deliberation(EASTBELGIUM, back=None),
    ]
    expected = {FLANDERS: month("2023-06"), WALLONIA: month("2022-06"), EASTBELGIUM: None}
    for some_order in permutations(held):
        granted = grant(some_order, TODAY)
        assert granted.earliest == expected
        assert list(granted.earliest) == [FLANDERS, WALLONIA, EASTBELGIUM]


@pytest.mark.parametrize(
    ("demands", "demanded"),
    [([True], True), ([False], False), ([True, False], False), ([True, True], True)],
)
def test_an_inscription_only_if_each_demands_it(demands: list[bool], demanded: bool) -> None:
    held = [deliberation(WALLONIA, inscription=demand) for demand in demands]
    assert grant(held, TODAY).inscription_required is demanded


def test_of_each_source_the_least_is_withheld() -> None:
    """DOMAIN 7: over the deliberations that hold the source, not over all that apply."""
    held = [
        deliberation(WALLONIA, FLANDERS, withheld=("file/fileNumber", "bonuses")),
        deliberation(FLANDERS, EASTBELGIUM, withheld=("bonuses", "file/beneficiaries")),
        deliberation(EASTBELGIUM),
    ]
    assert grant(held, TODAY).withheld == {
        FLANDERS: {"bonuses"},
        WALLONIA: {"file/fileNumber", "bonuses"},
        EASTBELGIUM: frozenset(),
    }


# Sources and months: MSG00027.


WITHHELD = {source: frozenset((f"what {source} withholds",)) for source in ALL_SOURCES}


def granted(**earliest: str) -> Grant:
    found: dict[AuthenticSource, YearMonth | None] = {
        source: month(earliest[source]) if earliest[source] else None
        for source in AuthenticSource
        if source in earliest
    }
    return Grant(found, {source: WITHHELD[source] for source in found}, True)


ASKED = months("2020-01", "2024-06")


def allowed(
    sources: tuple[AuthenticSource, ...], left_out: tuple[AuthenticSource, ...] = ()
) -> Allowed:
    return Allowed(sources, left_out, ASKED, {s: WITHHELD[s] for s in sources}, True)


@pytest.mark.parametrize("order", list(permutations((WALLONIA, FEDERAL, FLANDERS))))
def test_named_sources_are_asked_in_their_order(order: tuple[AuthenticSource, ...]) -> None:
    of = granted(FEDERAL="", FLANDERS="2020-01", WALLONIA="2019-01", BRUSSELS="2023-01")
    assert allow(of, order, ASKED) == allowed(order)


def test_named_sources_that_are_not_allowed() -> None:
    """Each is named, in the order asked; the months are not judged then."""
    of = granted(FLANDERS="2024-01")
    with pytest.raises(NoResult) as raised:
        allow(of, (WALLONIA, FLANDERS, BRUSSELS), ASKED)
    assert refusal(raised) == (
        Code.NOT_ALLOWED,
        [("authenticSource", "WALLONIA"), ("authenticSource", "BRUSSELS")],
    )


def test_named_sources_and_a_begin_too_early_for_one() -> None:
    """The latest earliest month over the named: from it on, the question would be allowed."""
    of = granted(
        FEDERAL="",
        FLANDERS="2020-02",
        WALLONIA="2021-03",
        BRUSSELS="2019-01",
        EASTBELGIUM="2024-01",
    )
    with pytest.raises(NoResult) as raised:
        allow(of, (FEDERAL, WALLONIA, FLANDERS, BRUSSELS), ASKED)
    assert refusal(raised) == (Code.NOT_ALLOWED, [("beginMonth", "2021-03")])


def test_the_earliest_month_itself_is_allowed() -> None:
    assert allow(granted(WALLONIA="2020-01"), (WALLONIA,), ASKED).sources == (WALLONIA,)
    with pytest.raises(NoResult) as raised:
        allow(granted(WALLONIA="2020-02"), (WALLONIA,), ASKED)
    assert refusal(raised) == (Code.NOT_ALLOWED, [("beginMonth", "2020-02")])


def test_none_named_asks_all_that_are_allowed_in_the_order_of_the_xsd() -> None:
    of = granted(FEDERAL="", BRUSSELS="", FLANDERS="", WALLONIA="", EASTBELGIUM="")
    assert allow(of, None, ASKED) == allowed(ALL_SOURCES)


def test_none_named_leaves_out_what_is_not_allowed_or_too_short() -> None:
    of = granted(WALLONIA="2020-01", FEDERAL="", FLANDERS="2020-02")
    assert allow(of, None, ASKED) == allowed((FEDERAL, WALLONIA), (BRUSSELS, FLANDERS, EASTBELGIUM))


def test_none_named_and_none_remains() -> None:
    """The earliest month over the sources allowed: from it on, one would remain."""
    with pytest.raises(NoResult) as raised:
        allow(granted(WALLONIA="2022-01", FLANDERS="2020-02"), None, ASKED)
    assert refusal(raised) == (Code.NOT_ALLOWED, [("beginMonth", "2020-02")])


# The whole, in the order of DOMAIN 5, and what is kept of a refusal.

HELD = [
    deliberation(WALLONIA, number="1", withheld=("bonuses",)),
    deliberation(FLANDERS, number="2", back=12, inscription=False),
    deliberation(FLANDERS, number="2", back=24, withheld=("file/fileNumber",)),
    deliberation(BRUSSELS, number="3", contexts="B"),
]
FITTING = question("2023-01", "2024-06", sources=(FLANDERS, WALLONIA))


def judged(**changes: object) -> Ground:
    values: dict[str, Any] = {"identification": Identification("0200000001"), "legal_context": "A"}
    return judge(replace(FITTING, **values | changes), OCMW, HELD, TODAY)


def test_the_ground_of_an_answer() -> None:
    ground = judged()
    assert ground.day == TODAY
    assert ground.numbers == ("1", "2")
    assert ground.deliberations == tuple(HELD[:3])
    assert ground.verdict == Allowed(
        (FLANDERS, WALLONIA),
        (),
        months("2023-01", "2024-06"),
        {FLANDERS: frozenset(), WALLONIA: frozenset(("bonuses",))},
        inscription_required=False,
    )


def test_what_is_withheld_is_named_over_the_sources_asked() -> None:
    """DOMAIN 7: in the order of the blocks, not of the sources, once each."""
    of = {
        WALLONIA: frozenset(("paymentPeriods[SOCIAL]", "bonuses")),
        FLANDERS: frozenset(("childBenefitsFund/description", "bonuses", "file/beneficiaries")),
        BRUSSELS: frozenset[str](),
    }
    asked = Allowed((WALLONIA, BRUSSELS, FLANDERS), (), ASKED, of, False)
    assert asked.data_filters == (
        "file/beneficiaries",
        "bonuses",
        "paymentPeriods[SOCIAL]",
        "childBenefitsFund/description",
    )


WRONG: list[tuple[dict[str, object], Code, tuple[str, ...]]] = [
    ({"identification": Identification("0200000003")}, Code.CREDENTIALS, ()),
    ({"legal_context": "C"}, Code.LEGAL_CONTEXT, ()),
    ({"ssin": "12031590119"}, Code.SSIN_INVALID, ("1", "2")),
    ({"begin_month": "2024-07"}, Code.INVALID_DATA, ("1", "2")),
    ({"sources": (BRUSSELS, FLANDERS)}, Code.NOT_ALLOWED, ("1", "2")),
]
"""One mistake for each check, in the order of the checks; whose numbers are known by then."""


@pytest.mark.parametrize("first", range(len(WRONG)))
def test_the_first_check_that_fails_decides(first: int) -> None:
    """DOMAIN 5, order of the checks: those that would fail later are not told."""
    mistakes = {key: value for changes, _, _ in WRONG[first:] for key, value in changes.items()}
    ground = judged(**mistakes)
    _, code, numbers = WRONG[first]
    assert isinstance(ground.verdict, Status)
    assert (ground.verdict.value, ground.verdict.code) == (StatusValue.NO_RESULT, code)
    assert ground.numbers == numbers
