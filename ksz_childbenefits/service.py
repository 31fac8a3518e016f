"""The consultation: may this customer ask, whom to ask, ask them, merge (DOMAIN 5).

Sees domain values only, no XML and no network: registers and cadastres stand behind their rooms.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from ksz_childbenefits.cadastres.base import CadastreCall, Holdings
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.domain.authorisation import Allowed, Ground, judge
from ksz_childbenefits.domain.consultation import (
    NoResult,
    Outcome,
    Question,
    SourceResult,
    SsinNotice,
    Status,
)
from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.merging import Answer, NoSourceAnswered, global_status, source_result
from ksz_childbenefits.domain.persons import Person, RepertoryLine, inscribed
from ksz_childbenefits.domain.question import check_inscription, check_register
from ksz_childbenefits.domain.routing import plan
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.domain.volume import REPLY_ENTRIES, within
from ksz_childbenefits.errors import AllSourcesFailed, CadastreFailure
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask what about whom: the checks of DOMAIN 5, before any source is consulted.

    ``today`` gives the consultation day (DOMAIN, three clocks). Each raises Unavailable (MSG00001)
    when a register does not answer.
    """

    persons: PersonRegister
    repertory: PersonRepertory
    today: Callable[[], date]

    def ground(
        self, question: Question, customer: Customer, deliberations: Sequence[Deliberation]
    ) -> Ground:
        """What all deliberations of an authenticated customer say of its question."""
        return judge(question, customer, deliberations, self.today())

    def person(
        self, question: Question, customer: Customer, allowed: Allowed
    ) -> tuple[Person, list[RepertoryLine]]:
        """The person asked for, with the lines of the sources that know it.

        Raises NoResult where the customer has to have inscribed the person and has not (MSG00012),
        or the register does not know the number as one of today (MSG00005, 06, 07).
        """
        found, chain = self.persons.look_up(question.ssin)
        known = self.repertory.known(chain, customer.name)
        if allowed.inscription_required:
            of_customer = inscribed(known, customer.name, allowed.months)
            check_inscription(of_customer, question.ssin, customer.cbe_number)
        person = check_register(question.ssin, found, chain[-1])
        return person, [line for line in known if line.source and line.ssin == person.ssin]


@dataclass(frozen=True, slots=True)
class ConsultationService:
    """Answers questions from the registers and the cadastres.

    ``reply_entries``: how much an answer may hold (domain.volume).
    """

    access: Access
    cadastres: Network
    reply_entries: int = REPLY_ENTRIES

    def authorise(
        self, question: Question, customer: Customer, deliberations: Sequence[Deliberation]
    ) -> Ground:
        """The ground of an answer or a refusal, for ``consult`` and for whoever keeps a record."""
        return self.access.ground(question, customer, deliberations)

    def consult(
        self, question: Question, customer: Customer, ground: Ground, ticket: str
    ) -> Outcome:
        """The outcome of a question by an authenticated customer; ``ticket`` is KSZ's own.

        Business refusals are outcomes too (NO_RESULT). Raises AllSourcesFailed (MSG00002) and, when
        a register does not answer, Unavailable (MSG00001).
        """
        allowed = ground.verdict
        if isinstance(allowed, Status):
            return Outcome(allowed)
        try:
            person, lines = self.access.person(question, customer, allowed)
        except NoResult as refusal:
            return Outcome(refusal.status, notice=refusal.notice)
        routes = plan(person, lines, allowed.sources, allowed.months, ground.day)
        call = partial(
            CadastreCall,
            ssin=person.ssin,
            ticket=ticket,
            customer=customer,
            legal_context=question.legal_context,
        )
        calls = [
            (o, call(source=r.source, months=r.months, withheld=allowed.withheld[r.source]))
            for r in routes
            if r.months is not None
            for o in r.operators
        ]
        answers = self._ask(calls)
        results = tuple(source_result(route, answers[route.source]) for route in routes)
        return _merged(person, self._that_fit(results, ticket), allowed)

    def _ask(
        self, calls: Sequence[tuple[Operator, CadastreCall]]
    ) -> dict[AuthenticSource, list[Answer]]:
        """The answers to the calls, one for each (operator, source), by source (DOMAIN 1)."""
        answers: dict[AuthenticSource, list[Answer]] = defaultdict(list)
        for (operator, call), given in zip(calls, self.cadastres.ask(calls), strict=True):
            answers[call.source].append(_answer(operator, call, given))
        return answers

    def _that_fit(self, results: tuple[SourceResult, ...], ticket: str) -> tuple[SourceResult, ...]:
        kept = within(results, self.reply_entries)
        for given, result in zip(results, kept, strict=True):
            if result is not given:
                where = {"ticket": ticket, "source": result.source.value}
                _log.warning("source failed", extra={**where, "reason": "more than a reply holds"})
        return kept


def _answer(operator: Operator, call: CadastreCall, given: Holdings | CadastreFailure) -> Answer:
    """What an operator gave; what cannot be had or passed on counts as failed (MSG00002)."""
    if isinstance(given, Holdings):
        return Answer(operator, given.files, given.truncated)
    where = {"ticket": call.ticket, "operator": operator.value, "source": call.source.value}
    _log.warning("source failed", extra={**where, "reason": str(given)})
    return Answer(operator, None)


def _merged(person: Person, results: tuple[SourceResult, ...], allowed: Allowed) -> Outcome:
    try:
        status = global_status(results, allowed.left_out)
    except NoSourceAnswered as failure:
        raise AllSourcesFailed("no source answered", *failure.information) from failure
    return Outcome(status, SsinNotice(person.ssin), results, allowed.data_filters)
