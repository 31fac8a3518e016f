"""KSZ's gateway: the consultation as a service of an endpoint (CONTRACT, DOMAIN 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from ksz_childbenefits.contract.codec import (
    CbssInformation,
    decode_question,
    encode_fault,
    encode_outcome,
)
from ksz_childbenefits.contract.contracts import CONSULTATION, Contract
from ksz_childbenefits.domain.consultation import Question
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.endpoint import Exchange
from ksz_childbenefits.errors import Fault, InternalError
from ksz_childbenefits.logs import Pseudonymiser
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.security.wssecurity import Verified
from ksz_childbenefits.service import ConsultationService


@dataclass(slots=True)
class ConsultationExchange(Exchange):
    """A consultation so far: the customer once authenticated, the question once valid."""

    customer: Customer | None = None
    question: Question | None = None

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
        customer = self.customers.identify(verified.certificate, verified.anchor_fingerprint)
        if customer is not None:
            exchange.customer, exchange.caller = customer, customer.name
        return customer is not None

    def answer(self, payload: etree._Element, exchange: ConsultationExchange) -> etree._Element:
        """Consult, and tell the outcome in the words of the contract."""
        if exchange.customer is None:
            raise InternalError("a consultation by nobody")
        exchange.question = question = decode_question(payload)
        exchange.notes["person"] = self.pseudonymiser.of(question.ssin)
        outcome = self.service.consult(question, exchange.customer, exchange.ticket)
        exchange.status = outcome.status.code
        exchange.notes["sources"] = ",".join(
            f"{result.source}:{result.status.code}" for result in outcome.results
        )
        return encode_outcome(question, outcome, exchange.cbss())

    def fault(self, fault: Fault, exchange: ConsultationExchange) -> etree._Element:
        """KSZ's typed fault; the customer's part is echoed once the question was valid."""
        return encode_fault(fault, exchange.cbss(), exchange.question)
