"""An endpoint: one request's way, from bytes in to bytes out (DESIGN, "One request's way").

``Endpoint.answer`` is that way as a list of verbs, in a fault boundary (decision 0008): whatever
happens, the answer is a reply or a typed fault, and one to somebody who is authenticated leaves
only when its record is on the disk (SECURITY 5). What a service does with a request that may be
believed is the service's own: KSZ's consultation (gateway.py), a cadastre, the inscriptions.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Generic, NamedTuple

from lxml import etree

from ksz_childbenefits.audit.record import BEGUN, Entry, Record
from ksz_childbenefits.contract.codec import faultstring
from ksz_childbenefits.contract.contracts import Contract
from ksz_childbenefits.contract.envelope import (
    open_envelope,
    write_body,
    write_envelope,
    write_fault,
)
from ksz_childbenefits.contract.schemas import prove_reply, validate_request
from ksz_childbenefits.contract.xmlio import XmlLimits, parse
from ksz_childbenefits.errors import (
    FailedAuthentication,
    Fault,
    InternalError,
    NotReadable,
    Unavailable,
    Unrecorded,
)
from ksz_childbenefits.exchange import (
    Exchange,
    ExchangeT,
    Message,
    Rates,
    Reply,
    Service,
    Trail,
)
from ksz_childbenefits.logs import place_of
from ksz_childbenefits.metrics import request_answered
from ksz_childbenefits.security.credentials import ServiceKeys
from ksz_childbenefits.security.replay import ReplayStore, admit
from ksz_childbenefits.security.signing import sign
from ksz_childbenefits.security.tokens import CertificateDirectory
from ksz_childbenefits.security.trust import Trust
from ksz_childbenefits.security.wssecurity import verify

_log = logging.getLogger(__name__)


class _Answer(NamedTuple):
    """What is to be answered, its record (None: it has none), and what the log is told of it."""

    reply: Reply
    entry: Entry | None
    level: int
    event: str
    outcome: dict[str, str]


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[ExchangeT]):
    """A service with everything that makes it safe; ``available``: whether its stores answer.

    ``close`` gives back what it holds open, threads and connections, when its process ends.
    """

    service: Service[ExchangeT]
    limits: XmlLimits
    trust: Trust
    certificates: CertificateDirectory
    replays: ReplayStore
    keys: ServiceKeys
    rates: Rates
    trail: Trail
    available: Callable[[], bool]
    close: Callable[[], None]

    @property
    def contract(self) -> Contract:
        """What the service speaks, and where."""
        return self.service.contract

    def handle(self, message: Message) -> Reply:
        """Answer one request, and wait until that may leave; never raises."""
        reply: SimpleQueue[Reply] = SimpleQueue()
        self.answer(message, reply.put)
        return reply.get()

    def answer(self, message: Message, deliver: Callable[[Reply], None]) -> None:
        """Answer one request; never raises.

        The reply is delivered once its record is on the disk, by the thread that has seen to it.
        """
        exchange = self.service.begin(message.received)
        self.trail.arrive()
        answer = _bounded(lambda: self._serve(message, exchange))
        if isinstance(answer, Fault) and not isinstance(answer, Unrecorded):
            fault = answer
            answer = _bounded(lambda: self._refuse(fault, message, exchange))
        if isinstance(answer, Fault):
            answer = self._give_up(answer, exchange)

        def leave(refusal: Unrecorded | None) -> None:
            self.trail.depart()
            last = answer if refusal is None else self._give_up(refusal, exchange)
            self._tell(exchange, last)
            deliver(last.reply)

        if answer.entry is None:
            leave(None)
        else:
            self.trail.submit(answer.entry, leave)

    def _serve(self, message: Message, exchange: ExchangeT) -> _Answer:
        """One request's way: SECURITY 2 and 3, the service, then back."""
        document = parse(message.body, message.charset, self.limits)
        envelope = open_envelope(document, self.contract.operations)
        _check_soap_action(message.soap_action, self.contract.operations[str(envelope.payload.tag)])
        verified = verify(envelope, self.trust, self.certificates, datetime.now(UTC))
        if not self.service.identify(verified, exchange):
            raise FailedAuthentication("the certificate is registered to nobody who may call")
        exchange.certificate = verified.fingerprint
        exchange.operation = etree.QName(verified.payload).localname.removesuffix("Request")
        # A look before, the count after: a copy of a message takes nothing from its sender, and
        # what is refused here may be sent again as it is.
        self.rates.refuse_beyond(exchange.caller)
        admit(verified, self.replays, datetime.now(UTC))
        self.rates.count(exchange.caller)
        exchange.admitted = True
        exchange.announce = lambda: self._announce(message, exchange)
        validate_request(self.contract, verified.payload)
        reply = self.service.answer(verified.payload, exchange)
        prove_reply(self.contract, reply)
        now = datetime.now(UTC)
        signed = sign(reply, self.keys.at(now), now)
        entry = self._entry(message, signed, exchange)
        return _Answer(Reply(signed), entry, logging.INFO, "answered", {"status": exchange.status})

    def overloaded(self, message: Message) -> Reply:
        """The answer to a request that there is no room for: MSG00001, unsigned."""
        exchange = self.service.begin(message.received)
        answer = self._refuse(Unavailable("too many requests at once"), message, exchange)
        self._tell(exchange, answer)
        return answer.reply

    def ready(self) -> bool:
        """Whether a request would be served: the stores answer."""
        return self.available()

    def _refuse(self, fault: Fault, message: Message, exchange: ExchangeT) -> _Answer:
        """The typed fault, signed where SECURITY 4 says so; the log gets the exact reason."""
        written, now = self._written(fault, exchange), datetime.now(UTC)
        body = sign(written, self.keys.at(now), now) if fault.signed else _unsigned(written)
        level = logging.ERROR if isinstance(fault, InternalError) else logging.WARNING
        return _refusal(fault, body, level, self._entry(message, body, exchange, fault))

    def _give_up(self, failure: Fault, exchange: ExchangeT) -> _Answer:
        """What is said when nothing else can be: unsigned, without a record, and of nobody."""
        fault = Unavailable(failure.reason)
        bare = self.service.begin(exchange.received)
        bare.ticket = exchange.ticket
        body = _unsigned(self._written(fault, bare))
        level = logging.WARNING if isinstance(failure, Unavailable) else logging.ERROR
        return _refusal(fault, body, level, None)

    def _written(self, fault: Fault, exchange: ExchangeT) -> str:
        detail = self.service.fault(fault, exchange)
        return write_fault(fault.faultcode, faultstring(fault), detail)

    def _entry(
        self, message: Message, reply: bytes, exchange: ExchangeT, fault: Fault | None = None
    ) -> Entry | None:
        """The record of a reply that is ready; of strangers nothing is kept (SECURITY 5)."""
        if exchange.certificate is None:
            return None
        status = exchange.status if fault is None else fault.reason_code
        # No evidence of copies, nor beyond the rate: nothing bounds how many of them there are.
        record = self._record(message, exchange, status, evidence=exchange.admitted)
        record.fault = None if fault is None else fault.faultcode
        record.reply = reply
        return self.trail.entry(record)

    def _announce(self, message: Message, exchange: ExchangeT) -> None:
        """Store that somebody is about to write, before it is done: no line without a record."""
        self.trail.store(self._record(message, exchange, BEGUN, evidence=False))

    def _record(
        self, message: Message, exchange: ExchangeT, status: str, *, evidence: bool
    ) -> Record:
        """What is known of the exchange now."""
        return Record(
            ticket=exchange.ticket,
            service=self.contract.name,
            operation=exchange.operation,
            caller=exchange.caller,
            certificate=exchange.certificate or "-",
            particulars=exchange.particulars,
            status=status,
            fault=None,
            received=exchange.received,
            replied=datetime.now(UTC),
            request=message.body,
            reply=b"",
            evidence=evidence,
        )

    def _tell(self, exchange: Exchange, answer: _Answer) -> None:
        """One line in the log and one count in the metrics for each exchange."""
        service, took = self.contract.name, datetime.now(UTC) - exchange.received
        who = {"service": service, "ticket": exchange.ticket, "caller": exchange.caller}
        took_ms = {"duration_ms": took // timedelta(milliseconds=1)}
        told = answer.outcome
        _log.log(answer.level, answer.event, extra={**who, **told, **exchange.notes, **took_ms})
        fault = told.get("fault", "-")
        request_answered(service, exchange.caller, told["status"], fault, took.total_seconds())


def _bounded(step: Callable[[], _Answer]) -> _Answer | Fault:
    """The answer that a step makes, or the fault that is to be answered in its place."""
    try:
        return step()
    except Fault as fault:
        return fault
    except Exception as error:  # noqa: BLE001 - the fault boundary of a request
        return InternalError(place_of(error))


def _unsigned(payload: str) -> bytes:
    return write_envelope("", write_body(payload))


def _refusal(fault: Fault, body: bytes, level: int, entry: Entry | None) -> _Answer:
    retry_after = fault.retry_after if isinstance(fault, Unavailable) else None
    told = {"status": fault.reason_code, "fault": fault.faultcode, "reason": fault.reason}
    reply = Reply(body, fault.http_status, retry_after)
    return _Answer(reply, entry, level, "refused", told)


def _check_soap_action(header: str | None, expected: str) -> None:
    """Quoted or not, equal to the operation's; absent or empty is accepted (SECURITY 1)."""
    action = (header or "").strip()
    if len(action) >= 2 and action[0] == action[-1] == '"':
        action = action[1:-1]
    if action not in ("", expected):
        raise NotReadable("the SOAPAction is not the operation's")
