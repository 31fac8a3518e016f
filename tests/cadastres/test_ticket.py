"""KSZ's ticketCBSS is the operator's too: one search finds both logs (issue 3, operation)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ksz_childbenefits.cadastres.base import CadastreCall, Holdings
from ksz_childbenefits.cadastres.server import CadastreService
from ksz_childbenefits.contract.cadastre_codec import encode_call
from ksz_childbenefits.logs import Pseudonymiser
from tests.cadastres.operators import CALL
from tests.contract.canonical import read


class Empty:
    """A cadastre without a file."""

    def files(self, call: CadastreCall) -> Holdings:
        return Holdings(())


def test_the_operator_logs_and_answers_under_the_ticket_of_ksz() -> None:
    ksz: Any = None
    pseudonymiser = Pseudonymiser(b"the operator's own")
    service = CadastreService(Empty(), "0867844264", ksz, pseudonymiser)
    exchange = service.begin(datetime.now(UTC))
    assert exchange.ticket != CALL.ticket
    reply = read(service.answer(read(encode_call(CALL)), exchange))
    assert exchange.ticket == CALL.ticket
    assert reply.findtext("ticketCBSS") == CALL.ticket
    assert exchange.notes == {"person": pseudonymiser.of(CALL.ssin), "source": "WALLONIA"}
