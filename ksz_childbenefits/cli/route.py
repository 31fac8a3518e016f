"""``route``: which sources would be consulted for a person, where, and by which rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from ksz_childbenefits.cli import options, registers
from ksz_childbenefits.cli.display import listed, terminal
from ksz_childbenefits.config import Settings, load_settings
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.persons import Person, SsinStatus
from ksz_childbenefits.domain.routing import SourceRoute, plan
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.ssin import is_valid
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory


def route(
    ssin: options.Ssin,
    begin: options.From,
    config: options.Config,
    end: options.To = None,
    on: options.On = None,
) -> None:
    """Explain, without consulting: per source whether, over which months, where, and why.

    Every line names the rule of DOMAIN.md behind it. The registers are read directly, so the
    service need not run; what a customer may ask plays no part.
    """
    settings = load_settings(config)
    day = options.day(on, "--on") if on else consultation_day(datetime.now(UTC))
    months = _months(begin, end, day)
    routes = _plan(settings, ssin, months, day)
    console = terminal()
    console.print(f"Months asked {months}, consultation day {day}")
    console.print()
    console.print(Group(*(part for route in routes for part in _explanation(route))))


def _months(begin: str, end: str | None, day: date) -> MonthRange:
    first = options.month(begin, "--from")
    last = options.month(end, "--to") if end else YearMonth.of(day)
    if first > last:
        raise UsageError(f"--from {first} lies after {last}, the last month asked")
    return MonthRange(first, last)


def _plan(settings: Settings, ssin: str, months: MonthRange, day: date) -> Sequence[SourceRoute]:
    with registers.opened(settings) as engine:
        person = _person(PersonRegister(engine), ssin)
        lines = PersonRepertory(engine).lines(ssin)
    return plan(person, lines, AuthenticSource, months, day)


def _person(register: PersonRegister, ssin: str) -> Person:
    """The person, if the number is one that is routed (DOMAIN 5: MSG00005, 06, 07, 11)."""
    if not is_valid(ssin):
        raise UsageError(f"{ssin} is no valid SSIN: MSG00011")
    person = register.find(ssin)
    if person is None:
        raise UsageError(f"{ssin} does not exist in the register: MSG00005")
    if person.status is SsinStatus.REPLACED:
        raise UsageError(f"{ssin} is replaced by {register.chain(ssin)[-1]}: MSG00006")
    if person.status is SsinStatus.CANCELLED:
        raise UsageError(f"{ssin} is cancelled: MSG00007")
    return person


def _explanation(route: SourceRoute) -> Iterator[RenderableType]:
    """What happens to one source asked, and below it each reason with its rule."""
    head = Text(f"{route.source:<13}", style="bold")
    yield head.append(_decision(route), style="green" if route.consulted else "dim")
    for reason in route.reasons:
        text = Text(f"{reason.text} ").append(f"({reason.citation})", style="cyan")
        yield Padding(text, (0, 0, 0, 2))
    yield ""


def _decision(route: SourceRoute) -> str:
    if not route.consulted:
        return "not consulted: MSG00021"
    return f"{route.months} at {listed(route.operators)}"
