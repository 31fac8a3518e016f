"""The maintenance of the person repertory as a service of an endpoint (DOMAIN 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from ksz_childbenefits.audit.record import Particulars
from ksz_childbenefits.contract.codec import CbssInformation
from ksz_childbenefits.contract.contracts import INSCRIPTIONS, Contract
from ksz_childbenefits.contract.inscriptions_codec import (
    decode_call,
    encode_inscriptions_fault,
    encode_verdict,
)
from ksz_childbenefits.domain import tickets
from ksz_childbenefits.domain.inscriptions import (
    Listing,
    Maintenance,
    Operation,
    Sender,
    Verdict,
    Writer,
)
from ksz_childbenefits.domain.persons import RepertoryLine
from ksz_childbenefits.errors import Fault, InternalError
from ksz_childbenefits.exchange import Exchange
from ksz_childbenefits.maintenance import MaintenanceService
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.operators import OperatorRegister
from ksz_childbenefits.security.wssecurity import Verified


@dataclass(slots=True)
class InscriptionsExchange(Exchange):
    """A call so far: the writer once authenticated, what it says of itself once valid."""

    writer: Writer | None = None
    sender: Sender | None = None

    def cbss(self) -> CbssInformation:
        """KSZ's own part of a reply that leaves now."""
        return CbssInformation(self.ticket, self.received, datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class Inscriptions:
    """Calls by operators and customers, answered by ``service``."""

    customers: CustomerRegister
    operators: OperatorRegister
    service: MaintenanceService

    @property
    def contract(self) -> Contract:
        """The ChildBenefitsInscriptionsService."""
        return INSCRIPTIONS

    def begin(self, received: datetime) -> InscriptionsExchange:
        """A new call."""
        return InscriptionsExchange(received)

    def identify(self, verified: Verified, exchange: InscriptionsExchange) -> bool:
        """Find the operator, or else the customer, that the certificate is registered to."""
        operator = self.operators.identify(verified.certificate)
        if operator is not None:
            exchange.writer, exchange.caller = operator, operator.operator
            return True
        customer = self.customers.identify(verified.certificate, verified.anchors)
        if customer is not None:
            exchange.writer, exchange.caller = customer, customer.name
        return customer is not None

    def answer(self, payload: etree._Element, exchange: InscriptionsExchange) -> str:
        """Do what is asked, and tell how it ended."""
        if exchange.writer is None:
            raise InternalError("a call by nobody")
        call = decode_call(payload)
        exchange.sender = call.sender
        exchange.particulars = _particulars(call)
        if isinstance(call, Maintenance):
            exchange.announce()
        verdict, lines = self._do(call, exchange.writer)
        exchange.status = verdict.code
        exchange.notes.update(_notes(call))
        return encode_verdict(call, verdict, lines, exchange.cbss())

    def fault(self, fault: Fault, exchange: InscriptionsExchange) -> str:
        """The typed fault; the caller's part is echoed once the request was valid."""
        return encode_inscriptions_fault(fault, exchange.cbss(), exchange.sender)

    def _do(
        self, call: Maintenance | Listing, writer: Writer
    ) -> tuple[Verdict, tuple[RepertoryLine, ...]]:
        if isinstance(call, Listing):
            return self.service.list(call, writer)
        return self.service.maintain(call, writer), ()


def _notes(call: Maintenance | Listing) -> dict[str, str]:
    """For the log: what was asked, of which part, and how many lines were sent."""
    source = call.source or "own"
    if isinstance(call, Listing):
        return {"operation": Operation.LIST, "part": source}
    return {"operation": call.operation, "part": source, "lines": str(len(call.drafts))}


def _particulars(call: Maintenance | Listing) -> Particulars:
    """For the record: about whom, and of which part of the repertory."""
    sender = call.sender
    ssins = [call.ssin] if isinstance(call, Listing) else [draft.ssin for draft in call.drafts]
    return Particulars(
        ticket=tickets.stored(sender.ticket) if sender.ticket else None,
        legal_context=sender.legal_context,
        persons=tuple(dict.fromkeys(ssins)),
        begin=call.begin if isinstance(call, Listing) else None,
        end=call.end if isinstance(call, Listing) else None,
        asked=None if call.source is None else (call.source,),
    )
