"""``deliberation check``: would this request be allowed, and why not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated

import typer

from ksz_childbenefits.cli import options, registers
from ksz_childbenefits.cli.deliberation_text import Detail, obstacle_text, print_details, today
from ksz_childbenefits.cli.display import listed
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.wording import STATUS
from ksz_childbenefits.domain.authorisation import Allowed, Ground, grant
from ksz_childbenefits.domain.consultation import Identification, NoResult, Question, Status
from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.withholding import data_filters
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.service import Access

_MONTH = re.compile("[0-9]{4}-(0[1-9]|1[0-2])")

_NOBODY = "00000100195"
"""Stands for a person where none is given: a number of the right structure that is nobody's."""


def check(  # noqa: PLR0913 - the command's options
    *,
    config: options.Config,
    name: Annotated[str, typer.Option("--customer", metavar="NAME", help="Who would ask.")],
    legal_context: Annotated[
        str, typer.Option("--legal-context", metavar="C", help="For which purpose.")
    ],
    begin: options.From,
    end: options.To = None,
    sources: options.Sources = None,
    ssin: Annotated[
        str | None,
        typer.Option(metavar="SSIN", help="About whom. Without it: no person is looked up."),
    ] = None,
    on: options.On = None,
) -> None:
    """Say whether a request would be allowed, by the very checks of the service, and why not.

    The registers are read directly, so the service need not run, and no source is asked. Exit code
    1 for a request that the service would refuse.
    """
    for option, month in (("--from", begin), ("--to", end)):
        if month is not None and not _MONTH.fullmatch(month):
            raise UsageError(f"{option} {month}: not a month, such as 2024-06")
    day = options.day(on, "--on") if on else today()
    named = tuple(sources) if sources else None
    with registers.opened(load_settings(config)) as engine:
        customers = CustomerRegister(engine)
        customer = customers.find(name)
        if customer is None:
            raise UsageError(f"customer {name!r} is not registered")
        itself = Identification(customer.cbe_number)
        question = Question(itself, None, None, legal_context, ssin or _NOBODY, begin, end, named)
        access = Access(PersonRegister(engine), PersonRepertory(engine), lambda: day)
        held = customers.deliberations(name)
        ground = access.ground(question, customer, held)
        verdict = _verdict(access, question, customer, ground, of_person=ssin is not None)
    for one in held:
        print_details(one.number, _part(one, legal_context, day))
    if isinstance(verdict, Status):
        information = [(one.name, one.value) for one in verdict.information]
        print_details(f"Refused: {verdict.code} {STATUS[verdict.code]}", information)
        raise typer.Exit(1)
    print_details("Allowed", _asked(verdict, of_person=ssin is not None))


def _verdict(
    access: Access, question: Question, customer: Customer, ground: Ground, *, of_person: bool
) -> Allowed | Status:
    """What would be asked, or the status that the service would refuse with."""
    allowed = ground.verdict
    try:
        if of_person and isinstance(allowed, Allowed):
            access.person(question, customer, allowed)
    except NoResult as refusal:
        return refusal.status
    return allowed


def _part(given: Deliberation, legal_context: str, day: date) -> Iterator[Detail]:
    """Whether a deliberation applies, and what it gives if so."""
    obstacle = obstacle_text(given, legal_context, day)
    if obstacle is not None:
        yield "does not apply", obstacle
        return
    earliest = grant([given], day).earliest
    yield "applies", listed(f"{s} from {m}" if m else f"{s}" for s, m in earliest.items())
    yield "withholds", listed(data_filters([given.withheld]))
    yield "inscription", "demanded" if given.inscription_required else "not demanded"


def _asked(allowed: Allowed, *, of_person: bool) -> Iterator[Detail]:
    yield "months", str(allowed.months)
    for source in allowed.sources:
        withheld = data_filters([allowed.withheld[source]])
        yield source.value, f"without {listed(withheld)}" if withheld else "whole"
    if allowed.left_out:
        yield "left out", listed(allowed.left_out)
    if allowed.inscription_required:
        yield "inscription", "found" if of_person else "demanded: --ssin looks for it"
