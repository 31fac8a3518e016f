"""KSZ's gateway: the consultation as a service of an endpoint (CONTRACT, DOMAIN 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from ksz_childbenefits.audit.record import Particulars
from ksz_childbenefits.contract.codec import (
    CbssInformation,
    decode_question,
    encode_fault,
    encode_outcome,
)
from ksz_childbenefits.contract.contracts import CONSULTATION, Contract
from ksz_childbenefits.domain import tickets
from ksz_childbenefits.domain.authorisation import Allowed, Ground
from ksz_childbenefits.domain.consultation import Code, Question
from ksz_childbenefits.errors import AllSourcesFailed, Fault, InternalError
from ksz_childbenefits.exchange import Exchange
from ksz_childbenefits.logs import Pseudonymiser
from ksz_childbenefits.registers.customers import CustomerRegister, Recognised
from ksz_childbenefits.security.wssecurity import Verified
from ksz_childbenefits.service import ConsultationService


@dataclass(slots=True)
class ConsultationExchange(Exchange):
    """A consultation so far: who asks once authenticated, the question once valid.

    ``ground``: on what it is answered or refused, once the deliberations were asked.
    """

    by: Recognised | None = None
    question: Question | None = None
    ground: Ground | None = None

    def cbss(self) -> CbssInformation:
        """KSZ's own part of a reply that leaves now."""
        return CbssInformation(self.ticket, self.received, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Gateway:
    """Consultations by customers, answered by ``service``."""

    customers: CustomerRegister
    service: ConsultationService
    pseudonymiser: Pseudonymiser

    @property
    def contract(self) -> Contract:
        """The ChildBenefitsService."""
        return CONSULTATION

    def begin(self, received: datetime) -> ConsultationExchange:
        """A new consultation."""
        return ConsultationExchange(received)

    def identify(self, verified: Verified, exchange: ConsultationExchange) -> bool:
        """Find the customer that the certificate is registered to."""
        found = self.customers.recognise(verified.certificate, verified.anchors)
        if found is not None:
            exchange.by, exchange.caller = found, found.customer.name
        return found is not None

    def answer(self, payload: etree._Element, exchange: ConsultationExchange) -> str:
        """Consult, and tell the outcome in the words of the contract."""
        if exchange.by is None:
            raise InternalError("a consultation by nobody")
        customer, deliberations = exchange.by
        exchange.question = question = decode_question(payload)
        exchange.particulars = _particulars(question)
        exchange.notes["person"] = self.pseudonymiser.of(question.ssin)
        exchange.ground = ground = self.service.authorise(question, customer, deliberations)
        _add_ground(exchange.particulars, ground)
        try:
            outcome = self.service.consult(question, customer, ground, exchange.ticket)
        except AllSourcesFailed as failure:
            failed = {one.value: failure.reason_code for one in failure.information}
            _add_statuses(exchange.particulars, failed)
            raise
        exchange.status = outcome.status.code
        statuses = {result.source.value: result.status.code for result in outcome.results}
        _add_statuses(exchange.particulars, statuses)
        exchange.notes["sources"] = ",".join(map(":".join, statuses.items()))
        return encode_outcome(question, outcome, exchange.cbss())

    def fault(self, fault: Fault, exchange: ConsultationExchange) -> str:
        """KSZ's typed fault; the customer's part is echoed once the question was valid."""
        return encode_fault(fault, exchange.cbss(), exchange.question)


# What the record tells (SECURITY 5), as it becomes known: a refusal is on record with what was.


def _particulars(question: Question) -> Particulars:
    return Particulars(
        ticket=tickets.stored(question.ticket) if question.ticket else None,
        legal_context=question.legal_context,
        persons=(question.ssin,),
        begin=question.begin_month,
        end=question.end_month,
        asked=question.sources,
    )


def _add_ground(particulars: Particulars, ground: Ground) -> None:
    particulars.deliberations = ground.numbers
    if isinstance(ground.verdict, Allowed):
        withheld = ground.verdict.withheld
        particulars.withheld = {s: sorted(blocks) for s, blocks in withheld.items() if blocks}


def _add_statuses(particulars: Particulars, statuses: Mapping[str, str]) -> None:
    """A source that was asked but not consulted says MSG00021 (DOMAIN 2)."""
    particulars.statuses = statuses
    particulars.consulted = [s for s, c in statuses.items() if c != Code.NOT_INTEGRATED_SUPPLIER]
