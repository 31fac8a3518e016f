"""What goes through an endpoint, and what the endpoint needs of others for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from lxml import etree

from ksz_childbenefits.audit.record import Entry, Particulars, Record
from ksz_childbenefits.contract.contracts import Contract
from ksz_childbenefits.domain.tickets import new_ticket
from ksz_childbenefits.errors import Fault, InternalError, Unrecorded
from ksz_childbenefits.security.wssecurity import Verified


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


def _unannounced() -> None:
    raise InternalError("something is to be written of which no endpoint knows")


@dataclass(slots=True)
class Exchange:
    """What is known of one exchange so far; a service's own kind may know more.

    ``certificate`` is the caller's, by its SHA-256 (hex), once it is authenticated. ``status`` is
    the code that the reply gives, a label of metrics; ``notes`` are what else the log tells: no
    SSIN in either. ``particulars`` are what else the record tells. ``admitted``: the message is no
    copy, and within the rate. ``announce``: what a service that writes calls before, once the
    particulars are known; it raises Unrecorded, and then nothing may be written.
    """

    received: datetime
    ticket: str = field(default_factory=new_ticket)
    caller: str = "-"
    certificate: str | None = None
    operation: str = "-"
    status: str = "-"
    notes: dict[str, str] = field(default_factory=dict)
    particulars: Particulars = field(default_factory=Particulars)
    admitted: bool = False
    announce: Callable[[], None] = _unannounced


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

    def answer(self, payload: etree._Element, exchange: ExchangeT) -> str:
        """The reply's payload, in canonical form, to a request that is believed and valid.

        Raises Fault.
        """
        ...

    def fault(self, fault: Fault, exchange: ExchangeT) -> str:
        """The typed entry of a fault's detail, in canonical form."""
        ...


class Rates(Protocol):
    """How many requests each caller may make: ``rates.Rates``."""

    def refuse_beyond(self, caller: str, /) -> None:
        """Raise Unavailable if it may make none now."""
        ...

    def count(self, caller: str, /) -> None:
        """Count a request of it."""
        ...


class Trail(Protocol):
    """Where the records of all exchanges go: ``audit.trail.AuditTrail``."""

    def arrive(self) -> None:
        """A request is in hand: others' records may wait a moment for its own."""
        ...

    def depart(self) -> None:
        """It is answered."""
        ...

    def entry(self, record: Record, /) -> Entry:
        """The record as it is to be written."""
        ...

    def submit(self, entry: Entry, settled: Callable[[Unrecorded | None], None], /) -> None:
        """Have it written; ``settled`` is told, in any thread, that it is, or why it is not."""
        ...

    def store(self, record: Record, /) -> None:
        """Return once the record is on the disk; raises Unrecorded where it is not in time."""
        ...
