"""An endpoint: one request's way, from bytes in to bytes out (DESIGN, "One request's way").

``Endpoint.handle`` is that way as a list of verbs, in the project's one fault boundary: whatever
happens, the answer is a reply or a typed fault. What a service does with a request that may be
believed is the service's own: KSZ's consultation (gateway.py), a cadastre, the inscriptions.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

from lxml import etree

from ksz_childbenefits.contract.codec import faultstring
from ksz_childbenefits.contract.contracts import Contract
from ksz_childbenefits.contract.envelope import fault_envelope, open_envelope, wrap
from ksz_childbenefits.contract.schemas import validate_reply, validate_request
from ksz_childbenefits.contract.xmlio import XmlLimits, parse, serialise
from ksz_childbenefits.errors import (
    FailedAuthentication,
    Fault,
    InternalError,
    NotReadable,
    Unavailable,
)
from ksz_childbenefits.logs import place_of
from ksz_childbenefits.metrics import request_answered
from ksz_childbenefits.security.credentials import ServiceCredentials
from ksz_childbenefits.security.replay import ReplayStore, admit
from ksz_childbenefits.security.signing import sign
from ksz_childbenefits.security.tokens import CertificateDirectory
from ksz_childbenefits.security.trust import Trust
from ksz_childbenefits.security.wssecurity import Verified, verify

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
    """What is known of one exchange so far; a service's own kind may know more.

    ``status`` is the code that the reply gives, a label of metrics; ``notes`` are what else the log
    tells: no SSIN in either.
    """

    received: datetime
    ticket: str = field(default_factory=lambda: str(uuid.uuid4()))
    caller: str = "-"
    status: str = "-"
    notes: dict[str, str] = field(default_factory=dict)


ExchangeT = TypeVar("ExchangeT", bound=Exchange)


class Service(Protocol[ExchangeT]):
    """What one SOAP service brings to the way that all requests go."""

    @property
    def contract(self) -> Contract:
        """What it speaks."""
        ...

    def begin(self, received: datetime) -> ExchangeT:
        """A new exchange, of the kind that this service keeps."""
        ...

    def identify(self, verified: Verified, exchange: ExchangeT) -> bool:
        """Whether the certificate is of somebody who may call; notes who in the exchange."""
        ...

    def answer(self, payload: etree._Element, exchange: ExchangeT) -> etree._Element:
        """The reply's payload to a request that is believed and valid; raises Fault."""
        ...

    def fault(self, fault: Fault, exchange: ExchangeT) -> etree._Element:
        """The typed entry of a fault's detail."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[ExchangeT]):
    """A service with everything that makes it safe; ``available``: whether its stores answer."""

    service: Service[ExchangeT]
    limits: XmlLimits
    trust: Trust
    certificates: CertificateDirectory
    replays: ReplayStore
    credentials: ServiceCredentials
    available: Callable[[], bool]

    @property
    def contract(self) -> Contract:
        """What the service speaks, and where."""
        return self.service.contract

    def handle(self, message: Message) -> Reply:
        """Answer one request; never raises."""
        exchange = self.service.begin(message.received)
        try:
            return self._serve(message, exchange)
        except Fault as fault:
            return self._refuse(fault, exchange)
        except Exception as error:  # noqa: BLE001 - the one fault boundary
            return self._refuse(InternalError(place_of(error)), exchange)

    def _serve(self, message: Message, exchange: ExchangeT) -> Reply:
        """One request's way: SECURITY 2 and 3, the service, then back."""
        document = parse(message.body, message.charset, self.limits)
        envelope = open_envelope(document, self.contract.operations)
        _check_soap_action(message.soap_action, self.contract.operations[str(envelope.payload.tag)])
        verified = verify(envelope, self.trust, self.certificates, datetime.now(UTC))
        if not self.service.identify(verified, exchange):
            raise FailedAuthentication("the certificate is registered to nobody who may call")
        admit(verified, self.replays, datetime.now(UTC))
        validate_request(self.contract, verified.payload)
        reply = self.service.answer(verified.payload, exchange)
        validate_reply(self.contract, reply)
        signed = sign(wrap(reply), self.credentials, datetime.now(UTC))
        self._record(exchange, logging.INFO, "answered", status=exchange.status)
        return Reply(signed)

    def overloaded(self, message: Message) -> Reply:
        """The answer to a request that there is no room for: MSG00001, unsigned."""
        exchange = self.service.begin(message.received)
        return self._refuse(Unavailable("too many requests at once"), exchange)

    def ready(self) -> bool:
        """Whether a request would be served: the stores answer."""
        return self.available()

    def _refuse(self, fault: Fault, exchange: ExchangeT) -> Reply:
        """The typed fault, signed where SECURITY 4 says so; the log gets the exact reason."""
        level = logging.ERROR if isinstance(fault, InternalError) else logging.WARNING
        self._record(
            exchange,
            level,
            "refused",
            status=fault.reason_code,
            fault=fault.faultcode,
            reason=fault.reason,
        )
        detail = self.service.fault(fault, exchange)
        envelope = fault_envelope(fault.faultcode, faultstring(fault), detail)
        now = datetime.now(UTC)
        body = sign(envelope, self.credentials, now) if fault.signed else serialise(envelope)
        retry_after = RETRY_AFTER_SECONDS if isinstance(fault, Unavailable) else None
        return Reply(body, fault.http_status, retry_after)

    def _record(self, exchange: Exchange, level: int, event: str, **outcome: str) -> None:
        """One line in the log and one count in the metrics for each exchange."""
        service, took = self.contract.name, datetime.now(UTC) - exchange.received
        who = {"service": service, "ticket": exchange.ticket, "caller": exchange.caller}
        took_ms = {"duration_ms": took // timedelta(milliseconds=1)}
        _log.log(level, event, extra={**who, **outcome, **exchange.notes, **took_ms})
        fault = outcome.get("fault", "-")
        request_answered(service, exchange.caller, outcome["status"], fault, took.total_seconds())


def _check_soap_action(header: str | None, expected: str) -> None:
    """Quoted or not, equal to the operation's; absent or empty is accepted (SECURITY 1)."""
    action = (header or "").strip()
    if len(action) >= 2 and action[0] == action[-1] == '"':
        action = action[1:-1]
    if action not in ("", expected):
        raise NotReadable("the SOAPAction is not the operation's")
