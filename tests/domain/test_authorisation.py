"""What a customer may ask (DOMAIN 5: MSG00013, 14, 27; DOMAIN 7)."""

from __future__ import annotations

from itertools import permutations

import pytest

from ksz_childbenefits.domain.authorisation import (
    Allowed,
    Grant,
    allow,
    check_identification,
    grant,
)
from ksz_childbenefits.domain.consultation import Code, Identification, NoResult, StatusValue
from ksz_childbenefits.domain.customers import Customer, Deliberation
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
) -> Deliberation:
    return Deliberation(
        "18/098",
        "ocmw-namur",
        frozenset(contexts),
        frozenset(sources),
        back,
        inscription,
        day(begin),
        day(end) if end else None,
    )


@pytest.mark.parametrize(
    "held",
    [
        [],
        [deliberation(WALLONIA, contexts="B")],
        [deliberation(WALLONIA, begin="2024-06-16")],
        [deliberation(WALLONIA, end="2024-06-14")],
        [deliberation(WALLONIA, contexts="B"), deliberation(WALLONIA, end="2024-06-14")],
    ],
)
def test_no_deliberation_that_applies(held: list[Deliberation]) -> None:
    with pytest.raises(NoResult) as raised:
        grant(held, "A", TODAY)
    assert refusal(raised) == (Code.LEGAL_CONTEXT, [("legalContext", "A")])


def test_a_legal_context_is_compared_whole() -> None:
    with pytest.raises(NoResult) as raised:
        grant([deliberation(WALLONIA, contexts="A")], "a", TODAY)
    assert refusal(raised) == (Code.LEGAL_CONTEXT, [("legalContext", "a")])


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
    granted = grant([deliberation(WALLONIA, back=back)], "A", TODAY)
    assert granted == Grant({WALLONIA: month(earliest) if earliest else None}, True)


def test_those_that_apply_are_united() -> None:
    """Per source the largest number of months back; what does not apply adds nothing."""
    held = [
        deliberation(WALLONIA, FLANDERS, back=12),
        deliberation(WALLONIA, EASTBELGIUM, contexts="AB", back=24),
        deliberation(EASTBELGIUM, back=None),
        deliberation(BRUSSELS, contexts="B"),
        deliberation(FLANDERS, back=99, end="2024-06-14"),
    ]
    expected = {FLANDERS: month("2023-06"), WALLONIA: month("2022-06"), EASTBELGIUM: None}
    for some_order in permutations(held):
        granted = grant(some_order, "A", TODAY)
        assert granted.earliest == expected
        assert list(granted.earliest) == [FLANDERS, WALLONIA, EASTBELGIUM]


@pytest.mark.parametrize(
    ("demands", "demanded"),
    [([True], True), ([False], False), ([True, False], False), ([True, True], True)],
)
def test_an_inscription_only_if_each_demands_it(demands: list[bool], demanded: bool) -> None:
    held = [deliberation(WALLONIA, inscription=demand) for demand in demands]
    held.append(deliberation(WALLONIA, contexts="B", inscription=not demanded))
    assert grant(held, "A", TODAY).inscription_required is demanded


# Sources and months: MSG00027.


def granted(**earliest: str) -> Grant:
    found: dict[AuthenticSource, YearMonth | None] = {
        source: month(earliest[source]) if earliest[source] else None
        for source in AuthenticSource
        if source in earliest
    }
    return Grant(found, True)


ASKED = months("2020-01", "2024-06")


@pytest.mark.parametrize("order", list(permutations((WALLONIA, FEDERAL, FLANDERS))))
def test_named_sources_are_asked_in_their_order(order: tuple[AuthenticSource, ...]) -> None:
    of = granted(FEDERAL="", FLANDERS="2020-01", WALLONIA="2019-01", BRUSSELS="2023-01")
    assert allow(of, order, ASKED) == Allowed(order, ())


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
    assert allow(of, None, ASKED) == Allowed(ALL_SOURCES, ())


def test_none_named_leaves_out_what_is_not_allowed_or_too_short() -> None:
    of = granted(WALLONIA="2020-01", FEDERAL="", FLANDERS="2020-02")
    assert allow(of, None, ASKED) == Allowed((FEDERAL, WALLONIA), (BRUSSELS, FLANDERS, EASTBELGIUM))


def test_none_named_and_none_remains() -> None:
    """The earliest month over the sources allowed: from it on, one would remain."""
    with pytest.raises(NoResult) as raised:
        allow(granted(WALLONIA="2022-01", FLANDERS="2020-02"), None, ASKED)
    assert refusal(raised) == (Code.NOT_ALLOWED, [("beginMonth", "2020-02")])
