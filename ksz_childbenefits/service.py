"""The consultation: may this customer ask, whom to ask, ask them, merge (DOMAIN 5).

Sees domain values only, no XML and no network: registers and cadastres stand behind their rooms.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ksz_childbenefits.cadastres.base import CadastreCall, Holdings
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.domain.authorisation import (
    Allowed,
    Grant,
    allow,
    check_identification,
    grant,
)
from ksz_childbenefits.domain.consultation import NoResult, Outcome, Question, SsinNotice
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.merging import Answer, NoSourceAnswered, global_status, source_result
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.persons import Person, inscribed
from ksz_childbenefits.domain.question import (
    check_consistency,
    check_inscription,
    check_register,
    check_ssin,
)
from ksz_childbenefits.domain.routing import SourceRoute, plan
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import AllSourcesFailed, CadastreFailure
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConsultationService:
    """Answers questions from the registers and the cadastres.

    ``today`` gives the consultation day (DOMAIN, three clocks).
    """

    persons: PersonRegister
    repertory: PersonRepertory
    customers: CustomerRegister
    cadastres: Network
    today: Callable[[], date]

    def consult(self, question: Question, customer: Customer, ticket: str) -> Outcome:
        """The outcome of a question by an authenticated customer; ``ticket`` is KSZ's own.

        Business refusals are outcomes too (NO_RESULT). Raises AllSourcesFailed (MSG00002) and, when
        a register does not answer, Unavailable (MSG00001).
        """
        day = self.today()
        try:
            months, granted, allowed = self._authorise(question, customer, day)
            found, chain = self.persons.look_up(question.ssin)
            known = self.repertory.known(chain, customer.name)
            if granted.inscription_required:
                of_customer = inscribed(known, customer.name, months)
                check_inscription(of_customer, question.ssin, customer.cbe_number)
            person = check_register(question.ssin, found, chain[-1])
        except NoResult as refusal:
            return Outcome(refusal.status, notice=refusal.notice)
        lines = [line for line in known if line.source and line.ssin == person.ssin]
        purpose = question.legal_context
        routes = plan(person, lines, allowed.sources, months, day)
        calls = [
            (operator, CadastreCall(r.source, person.ssin, r.months, ticket, customer, purpose))
            for r in routes
            if r.months is not None
            for operator in r.operators
        ]
        return _merge(person, routes, self._ask(calls), allowed)

    def _authorise(
        self, question: Question, customer: Customer, day: date
    ) -> tuple[MonthRange, Grant, Allowed]:
        """The checks of DOMAIN 5 in their order, before the customer's inscription."""
        check_identification(question.identification, customer)
        granted = grant(self.customers.deliberations(customer.name), question.legal_context, day)
        check_ssin(question)
        months = check_consistency(question, day)
        allowed = allow(granted, question.sources, months)
        return months, granted, allowed

    def _ask(
        self, calls: Sequence[tuple[Operator, CadastreCall]]
    ) -> dict[AuthenticSource, list[Answer]]:
        """The answers to the calls, one for each (operator, source), by source (DOMAIN 1)."""
        answers: dict[AuthenticSource, list[Answer]] = defaultdict(list)
        for (operator, call), given in zip(calls, self.cadastres.ask(calls), strict=True):
            answers[call.source].append(_answer(operator, call, given))
        return answers


def _answer(operator: Operator, call: CadastreCall, given: Holdings | CadastreFailure) -> Answer:
    """What an operator gave; what cannot be had or passed on counts as failed (MSG00002)."""
    if isinstance(given, Holdings):
        return Answer(operator, given.files, given.truncated)
    where = {"ticket": call.ticket, "operator": operator.value, "source": call.source.value}
    _log.warning("source failed", extra={**where, "reason": str(given)})
    return Answer(operator, None)


def _merge(
    person: Person,
    routes: Sequence[SourceRoute],
    answers: Mapping[AuthenticSource, Sequence[Answer]],
    allowed: Allowed,
) -> Outcome:
    results = tuple(source_result(route, answers.get(route.source, ())) for route in routes)
    try:
        status = global_status(results, allowed.left_out)
    except NoSourceAnswered as failure:
        raise AllSourcesFailed("no source answered", *failure.information) from failure
    return Outcome(status, SsinNotice(person.ssin), results)
