"""A cadastre on an operator's own machine, asked over the supplier contract.

Its reply is believed as little as a customer's request: nothing of it is data before it is found
to be signed by that operator, fresh, valid, and the answer to the very question asked. Whatever
else comes is a CadastreFailure, whose text holds no SSIN and nothing that the operator wrote.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from lxml import etree

from ksz_childbenefits.cadastres.base import CadastreCall, Holdings
from ksz_childbenefits.cadastres.line import HttpReply, OperatorLine
from ksz_childbenefits.contract.cadastre_codec import UnusableReply, decode_holdings, encode_call
from ksz_childbenefits.contract.contracts import CADASTRE
from ksz_childbenefits.contract.envelope import FAULT, open_envelope
from ksz_childbenefits.contract.namespaces import CADASTRE_FAULT, CADASTRE_RESPONSE
from ksz_childbenefits.contract.schemas import validate_request
from ksz_childbenefits.contract.xmlio import XmlLimits, parse
from ksz_childbenefits.errors import CadastreFailure, Fault
from ksz_childbenefits.security.credentials import ServiceKeys
from ksz_childbenefits.security.directory import KnownCertificates
from ksz_childbenefits.security.signing import sign
from ksz_childbenefits.security.trust import Trust
from ksz_childbenefits.security.wssecurity import verify

_REASON_CODE: Final = f"detail/{CADASTRE_FAULT}/detail/reasonCode"
_CODE: Final = re.compile("[A-Z0-9]{1,16}")
_GRACE_SECONDS: Final = 0.05
"""How much later than the deadline a thread stops waiting for the loop that keeps it."""


@dataclass(frozen=True, slots=True)
class RemoteCadastre:
    """One operator's cadastre; ``certificates`` are those that its replies may be signed with."""

    line: OperatorLine
    keys: ServiceKeys
    trust: Trust
    certificates: KnownCertificates
    limits: XmlLimits

    def files(self, call: CadastreCall) -> Holdings:
        """What the operator sends, selected and limited; CadastreFailure within the deadline."""
        return self.start(call, time.monotonic(), lambda _: None)()

    def start(
        self, call: CadastreCall, begun: float, ended: Callable[..., None]
    ) -> Callable[[], Holdings]:
        """As DistantCadastre has it."""
        now = datetime.now(UTC)
        message = sign(encode_call(call), self.keys.at(now), now)
        deadline = begun + self.line.limits.seconds
        reply = self.line.send(message, deadline)
        reply.add_done_callback(ended)
        return partial(self._finish, reply, call, deadline)

    def _finish(self, reply: Future[HttpReply], call: CadastreCall, deadline: float) -> Holdings:
        remaining = max(deadline - time.monotonic(), 0)
        try:
            return self._believed(reply.result(remaining + _GRACE_SECONDS), call)
        except TimeoutError:
            reply.cancel()
            raise CadastreFailure("no whole reply in time") from None
        except CancelledError:
            raise CadastreFailure("the gateway is shutting down") from None
        except Fault as fault:
            raise CadastreFailure(f"{type(fault).__name__}: {fault.reason}") from fault
        except UnusableReply as error:
            raise CadastreFailure(str(error)) from error

    def _believed(self, reply: HttpReply, call: CadastreCall) -> Holdings:
        """SECURITY 2 and 3 on the reply, then the contract, then whether it answers the call."""
        document = parse(reply.body, reply.charset, self.limits)
        envelope = open_envelope(document, (CADASTRE_RESPONSE, FAULT))
        if envelope.payload.tag == FAULT:
            raise CadastreFailure(f"SOAP fault {_reason_code(envelope.payload)}")
        verified = verify(envelope, self.trust, self.certificates, datetime.now(UTC))
        if not self.certificates.holds(verified.fingerprint):
            raise CadastreFailure("the reply is signed by somebody else")
        validate_request(CADASTRE, verified.payload)
        return decode_holdings(verified.payload, call)


def _reason_code(fault: etree._Element) -> str:
    """The fault's code, where it is one: the fault need not be signed, and goes to the log."""
    code = fault.findtext(_REASON_CODE, "")
    return code if _CODE.fullmatch(code) else "without a code"
