"""The gateway: one request's way, from bytes in to bytes out (DESIGN, "One request's way").

``Gateway.handle`` is that way as a list of verbs, inside the project's one fault boundary: whatever
happens, the answer is a reply or a typed fault.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ksz_childbenefits.contract.codec import (
    CbssInformation,
    decode_question,
    encode_fault,
    encode_outcome,
    faultstring,
)
from ksz_childbenefits.contract.envelope import fault_envelope, open_envelope, wrap
from ksz_childbenefits.contract.namespaces import SOAP_ACTION
from ksz_childbenefits.contract.schemas import validate_reply, validate_request
from ksz_childbenefits.contract.xmlio import XmlLimits, parse, serialise
from ksz_childbenefits.domain.consultation import Outcome, Question
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.errors import (
    FailedAuthentication,
    Fault,
    InternalError,
    NotReadable,
    Unavailable,
)
from ksz_childbenefits.logs import Pseudonymiser, place_of
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.security.credentials import ServiceCredentials
from ksz_childbenefits.security.replay import ReplayStore, admit
from ksz_childbenefits.security.signing import sign
from ksz_childbenefits.security.trust import Trust
from ksz_childbenefits.security.wssecurity import Verified, verify
from ksz_childbenefits.service import ConsultationService

_log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 5
"""When to come again after a 503."""


@dataclass(frozen=True, slots=True)
class Message:
    """An HTTP request as it came: ``charset`` and ``soap_action`` as the headers say, unjudged."""

    body: bytes
    charset: str | None
    soap_action: str | None
    received: datetime


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: ``text/xml; charset=utf-8``, an HTTP status, and when to come again."""

    body: bytes
    status: int = 200
    retry_after: int | None = None


@dataclass(slots=True)
class Exchange:
    """What is known of one exchange so far: for the log, and for what a fault may echo."""

    received: datetime
    ticket: str = field(default_factory=lambda: str(uuid.uuid4()))
    customer: Customer | None = None
    question: Question | None = None

    def cbss(self) -> CbssInformation:
        """KSZ's own part of a reply that leaves now."""
        return CbssInformation(self.ticket, self.received, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that one endpoint needs; ``available`` tells whether its stores answer."""

    limits: XmlLimits
    trust: Trust
    customers: CustomerRegister
    replays: ReplayStore
    service: ConsultationService
    credentials: ServiceCredentials
    pseudonymiser: Pseudonymiser
    available: Callable[[], bool]

    def handle(self, message: Message) -> Reply:
        """Answer one request; never raises."""
        exchange = Exchange(message.received)
        try:
            return self._serve(message, exchange)
        except Fault as fault:
            return self._refuse(fault, exchange)
        except Exception as error:  # noqa: BLE001 - the one fault boundary
            return self._refuse(InternalError(place_of(error)), exchange)

    def _serve(self, message: Message, exchange: Exchange) -> Reply:
        """One request's way: SECURITY 2 and 3, DOMAIN 5, then back."""
        _check_soap_action(message.soap_action)
        document = parse(message.body, message.charset, self.limits)
        envelope = open_envelope(document)
        verified = verify(envelope, self.trust, self.customers, datetime.now(UTC))
        exchange.customer = self._identify(verified)
        admit(verified, self.replays, datetime.now(UTC))
        validate_request(verified.payload)
        exchange.question = decode_question(verified.payload)
        outcome = self.service.consult(exchange.question, exchange.customer, exchange.ticket)
        reply = encode_outcome(exchange.question, outcome, exchange.cbss())
        validate_reply(reply)
        signed = sign(wrap(reply), self.credentials, datetime.now(UTC))
        self._note(exchange, outcome)
        return Reply(signed)

    def overloaded(self, message: Message) -> Reply:
        """The answer to a request that there is no room for: MSG00001, unsigned."""
        return self._refuse(Unavailable("too many requests at once"), Exchange(message.received))

    def ready(self) -> bool:
        """Whether a request would be served: the stores answer."""
        return self.available()

    def _identify(self, verified: Verified) -> Customer:
        customer = self.customers.identify(verified.certificate, verified.anchor_fingerprint)
        if customer is None:
            raise FailedAuthentication("the certificate is registered to no customer")
        return customer

    def _refuse(self, fault: Fault, exchange: Exchange) -> Reply:
        """The typed fault, signed where SECURITY 4 says so; the log gets the exact reason."""
        level = logging.ERROR if isinstance(fault, InternalError) else logging.WARNING
        _log.log(
            level,
            "ticket=%s customer=%s fault=%s reason_code=%s reason=%s",
            exchange.ticket,
            exchange.customer.name if exchange.customer else "-",
            fault.faultcode,
            fault.reason_code,
            fault.reason,
        )
        detail = encode_fault(fault, exchange.cbss(), exchange.question)
        envelope = fault_envelope(fault.faultcode, faultstring(fault), detail)
        now = datetime.now(UTC)
        body = sign(envelope, self.credentials, now) if fault.signed else serialise(envelope)
        retry_after = RETRY_AFTER_SECONDS if isinstance(fault, Unavailable) else None
        return Reply(body, fault.http_status, retry_after)

    def _note(self, exchange: Exchange, outcome: Outcome) -> None:
        question = exchange.question
        _log.info(
            "ticket=%s customer=%s person=%s status=%s sources=%s",
            exchange.ticket,
            exchange.customer.name if exchange.customer else "-",
            self.pseudonymiser.of(question.ssin) if question else "-",
            outcome.status.code,
            ",".join(f"{r.source}:{r.status.code}" for r in outcome.results) or "-",
        )


def _check_soap_action(header: str | None) -> None:
    """Quoted or not, equal to the operation's; absent or empty is accepted (SECURITY 1)."""
    action = (header or "").strip()
    if len(action) >= 2 and action[0] == action[-1] == '"':
        action = action[1:-1]
    if action not in ("", SOAP_ACTION):
        raise NotReadable("the SOAPAction is not the operation's")
