"""Deliberations on a terminal, as `deliberation` and its commands show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from rich.text import Text

from ksz_childbenefits.cli.display import listed, new_table, print_table, terminal
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.customers import Deliberation, Obstacle
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import data_filters

Detail = tuple[str, str]
"""A name and its value."""


def content(given: Deliberation) -> Iterator[Detail]:
    """What a deliberation says."""
    back = given.months_back
    yield "legal contexts", listed(sorted(given.legal_contexts))
    yield "sources", listed(source for source in AuthenticSource if source in given.sources)
    yield "months back", "no limit" if back is None else str(back)
    yield "inscription", "demanded" if given.inscription_required else "not demanded"
    yield "withheld", listed(data_filters([given.withheld]))
    yield "valid", f"{given.valid_from} " + (f"to {given.valid_to}" if given.valid_to else "on")


def state(given: Deliberation, day: date) -> str:
    """Whether it applies on ``day``, in its own legal contexts."""
    return obstacle_text(given, next(iter(given.legal_contexts)), day) or "applies"


def obstacle_text(given: Deliberation, legal_context: str, day: date) -> str | None:
    """Why it does not apply, in words; None where it does."""
    obstacle = given.obstacle(legal_context, day)
    if obstacle is None:
        return None
    if given.revoked is not None:
        return f"{obstacle} on {instant(given.revoked.at)}: {given.revoked.reason}"
    if obstacle is Obstacle.OTHER_CONTEXT:
        return f"{obstacle}: {listed(sorted(given.legal_contexts))}"
    return f"{obstacle}: {dict(content(given))['valid']}"


def instant(moment: datetime) -> str:
    """A moment to the second, in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def today() -> date:
    """The consultation day that it is now."""
    return consultation_day(datetime.now(UTC))


def print_details(head: str, details: Iterable[Detail]) -> None:
    """A heading, and below it names with their values, never folded."""
    console = terminal()
    console.print(Text(head, style="bold"), soft_wrap=True)
    for name, value in details:
        console.print(Text(f"  {name:<15} {value}"), soft_wrap=True)


def print_list(found: Iterable[Deliberation], day: date) -> None:
    """One row each, with whether it applies on ``day``."""
    table = new_table("Number", "Customer", "Legal contexts", "Sources", "State")
    for one in found:
        details = dict(content(one))
        cells = (one.number, one.customer, details["legal contexts"], details["sources"])
        obstacle = one.obstacle(next(iter(one.legal_contexts)), day)
        table.add_row(*map(Text, (*cells, obstacle or "applies")))
    print_table(table)
