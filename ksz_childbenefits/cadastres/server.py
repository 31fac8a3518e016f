"""An operator's cadastre as a service that KSZ, and nobody else, asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from lxml import etree

from ksz_childbenefits.audit.record import Particulars
from ksz_childbenefits.cadastres.base import Cadastre, CadastreCall, Holdings
from ksz_childbenefits.contract.cadastre_codec import (
    SupplierInformation,
    decode_call,
    encode_holdings,
    encode_supplier_fault,
)
from ksz_childbenefits.contract.codec import CbssInformation
from ksz_childbenefits.contract.contracts import CADASTRE, Contract
from ksz_childbenefits.domain.consultation import Code
from ksz_childbenefits.domain.facets import UnusableFile, check_file
from ksz_childbenefits.domain.selection import select
from ksz_childbenefits.domain.volume import REPLY_ENTRIES, entries
from ksz_childbenefits.errors import CadastreFailure, Fault, InternalError, Unavailable
from ksz_childbenefits.exchange import Exchange
from ksz_childbenefits.logs import Pseudonymiser
from ksz_childbenefits.security.directory import KnownCertificates
from ksz_childbenefits.security.wssecurity import Verified

KSZ = "KSZ"
"""The one caller, as logs and metrics name it."""


@dataclass(frozen=True, slots=True)
class CadastreService:
    """The files of one operator; ``cbe_number`` is the operator's, ``ksz`` whom it answers.

    ``reply_entries``: how much a reply may hold (domain.volume).
    """

    cadastre: Cadastre
    cbe_number: str
    ksz: KnownCertificates
    pseudonymiser: Pseudonymiser
    reply_entries: int = REPLY_ENTRIES

    @property
    def contract(self) -> Contract:
        """Our own supplier contract."""
        return CADASTRE

    def begin(self, received: datetime) -> Exchange:
        """A new call."""
        return Exchange(received)

    def identify(self, verified: Verified, exchange: Exchange) -> bool:
        """Whether KSZ asks: by its certificate, not by its authority."""
        known = self.ksz.holds(verified.fingerprint)
        if known:
            exchange.caller = KSZ
        return known

    def answer(self, payload: etree._Element, exchange: Exchange) -> str:
        """The files that are found, selected and limited (DOMAIN 5 and 6).

        The exchange goes on under KSZ's ticket, so that both logs can be read together.
        """
        call = decode_call(payload)
        exchange.ticket = call.ticket
        exchange.particulars = _particulars(call)
        exchange.notes["person"] = self.pseudonymiser.of(call.ssin)
        exchange.notes["source"] = call.source
        held = self._selected(call)
        exchange.status = Code.SUCCESS if held.files else Code.NO_DATA
        exchange.particulars.statuses = {call.source: exchange.status}
        supplier = SupplierInformation(self.cbe_number, exchange.received, datetime.now(UTC))
        return encode_holdings(call, held, supplier)

    def fault(self, fault: Fault, exchange: Exchange) -> str:
        """The operator's typed fault."""
        information = CbssInformation(exchange.ticket, exchange.received, datetime.now(UTC))
        return encode_supplier_fault(fault, information)

    def _selected(self, call: CadastreCall) -> Holdings:
        """What is sent: nothing that KSZ withholds, so that it does not leave the operator either.

        A file that breaks a rule is this operator's error, not to be passed on; nor is more than
        the gateway would take.
        """
        try:
            held = self.cadastre.files(call).without(call.withheld)
            for file in held.files:
                check_file(file, call.source)
        except CadastreFailure as failure:
            raise Unavailable(str(failure)) from failure
        except UnusableFile as error:
            raise InternalError(str(error)) from error
        selection = select(held.files, call.months, call.source)
        if entries(selection.files) > self.reply_entries:
            raise InternalError("more files than a reply holds")
        return Holdings(selection.files, selection.truncated)


def _particulars(call: CadastreCall) -> Particulars:
    """What the operator's own record says of the call; it learns no more of who asks, and why."""
    return Particulars(
        legal_context=call.legal_context,
        persons=(call.ssin,),
        begin=str(call.months.begin),
        end=str(call.months.end),
        asked=(call.source,),
        withheld={call.source: sorted(call.withheld)} if call.withheld else {},
    )
