"""The consultation: may this customer ask, whom to ask, ask them, merge (DOMAIN 5).

Sees domain values only, no XML and no network: registers and cadastres stand behind their rooms.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import date
from functools import partial

from ksz_childbenefits.cadastres.base import Cadastre, CadastreCall
from ksz_childbenefits.domain.authorisation import Allowed, allow, check_identification, grant
from ksz_childbenefits.domain.consultation import NoResult, Outcome, Question, SsinNotice
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.facets import UnusableFile, check_file
from ksz_childbenefits.domain.merging import Answer, NoSourceAnswered, global_status, source_result
from ksz_childbenefits.domain.months import MonthRange
from ksz_childbenefits.domain.persons import Person
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

    ``today`` gives the consultation day (DOMAIN, three clocks); ``executor`` makes the calls of one
    request run in parallel.
    """

    persons: PersonRegister
    repertory: PersonRepertory
    customers: CustomerRegister
    cadastres: Mapping[Operator, Cadastre]
    executor: Executor
    today: Callable[[], date]

    def consult(self, question: Question, customer: Customer, ticket: str) -> Outcome:
        """The outcome of a question by an authenticated customer; ``ticket`` is KSZ's own.

        Business refusals are outcomes too (NO_RESULT). Raises AllSourcesFailed (MSG00002) and, when
        a register does not answer, Unavailable (MSG00001).
        """
        day = self.today()
        try:
            months, allowed = self._authorise(question, customer, day)
            person = self._known(question.ssin)
        except NoResult as refusal:
            return Outcome(refusal.status, notice=refusal.notice)
        lines = self.repertory.lines(person.ssin)
        routes = plan(person, lines, allowed.sources, months, day)
        return _merge(person, routes, self._ask(person, routes, ticket), allowed)

    def _authorise(
        self, question: Question, customer: Customer, day: date
    ) -> tuple[MonthRange, Allowed]:
        """The checks of DOMAIN 5 in their order, up to the customer's inscription."""
        check_identification(question.identification, customer)
        granted = grant(self.customers.deliberations(customer.name), question.legal_context, day)
        check_ssin(question)
        months = check_consistency(question, day)
        allowed = allow(granted, question.sources, months)
        if granted.inscription_required:
            numbers = self.persons.chain(question.ssin)
            inscribed = self.repertory.inscribed(customer.name, numbers, months)
            check_inscription(inscribed, question.ssin, customer.cbe_number)
        return months, allowed

    def _known(self, ssin: str) -> Person:
        person = self.persons.find(ssin)
        replaced = person is not None and person.replaced_by is not None
        final = self.persons.chain(ssin)[-1] if replaced else ssin
        return check_register(ssin, person, final)

    def _ask(
        self, person: Person, routes: Sequence[SourceRoute], ticket: str
    ) -> dict[AuthenticSource, list[Answer]]:
        """One call for each (operator, source), all in parallel (DOMAIN 1)."""
        calls = [
            (operator, CadastreCall(route.source, person.ssin, route.months))
            for route in routes
            if route.months is not None
            for operator in route.operators
        ]
        operators, contents = [operator for operator, _ in calls], [call for _, call in calls]
        run = self.executor.map if len(calls) > 1 else map
        ask = partial(self._answer, ticket)
        answers: dict[AuthenticSource, list[Answer]] = {route.source: [] for route in routes}
        for call, answer in zip(contents, run(ask, operators, contents), strict=True):
            answers[call.source].append(answer)
        return answers

    def _answer(self, ticket: str, operator: Operator, call: CadastreCall) -> Answer:
        """What an operator gives; what cannot be had or passed on counts as failed (MSG00002)."""
        try:
            files = self.cadastres[operator].files(call)
            for file in files:
                check_file(file, call.source)
        except (CadastreFailure, UnusableFile) as failure:
            _log.warning(
                "ticket=%s operator=%s source=%s reason=%s", ticket, operator, call.source, failure
            )
            return Answer(operator, None)
        return Answer(operator, files)


def _merge(
    person: Person,
    routes: Sequence[SourceRoute],
    answers: Mapping[AuthenticSource, Sequence[Answer]],
    allowed: Allowed,
) -> Outcome:
    results = tuple(source_result(route, answers[route.source]) for route in routes)
    try:
        status = global_status(results, allowed.left_out)
    except NoSourceAnswered as failure:
        raise AllSourcesFailed("no source answered", *failure.information) from failure
    return Outcome(status, SsinNotice(person.ssin), results)
