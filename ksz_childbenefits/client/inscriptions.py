"""The client of the maintenance service: an operator's lines, or a customer's inscriptions."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from ksz_childbenefits.client.calling import LastReply, open_service, send
from ksz_childbenefits.client.credentials import Credentials
from ksz_childbenefits.client.errors import UntrustedReply
from ksz_childbenefits.contract.contracts import INSCRIPTIONS
from ksz_childbenefits.contract.namespaces import INSCRIPTIONS_FAULT, INSCRIPTIONS_INTF

BINDING = f"{{{INSCRIPTIONS_INTF}}}ChildBenefitsInscriptionsV1ServiceHTTPBinding"
"""The binding of the WSDL."""


@dataclass(frozen=True, slots=True)
class Inscription:
    """A line of the repertory (DOMAIN 2): codes as numbers, both days included, no end: active.

    ``file_type`` and ``archive`` are for lines of sources only.
    """

    ssin: str
    begin: date
    end: date | None = None
    sector: int = 0
    quality: int = 0
    phase: int | None = None
    file_type: str | None = None
    archive: str | None = None

    def as_element(self) -> dict[str, Any]:
        """What zeep writes as an element; attributes that are None are left out."""
        return {
            "ssin": self.ssin,
            "beginDate": self.begin,
            "endDate": self.end,
            "sector": self.sector,
            "quality": self.quality,
            "phase": self.phase,
            "fileType": self.file_type,
            "archive": self.archive,
        }


class InscriptionsClient:
    """Maintains the lines of one operator or customer. Make one with ``connect_inscriptions``.

    ``source`` names the authentic source whose lines an operator means; customers give none. Each
    call returns zeep's response, whose status is OK or NOK, and raises ``ClientError`` by kind.
    Like the HTTP session that it holds, a client belongs to one thread.
    """

    def __init__(self, service: Any, credentials: Credentials) -> None:
        """``service`` is zeep's proxy of the WSDL's port."""
        self._service = service
        self._credentials = credentials

    def register(
        self, lines: Iterable[Inscription], ticket: str, *, source: str | None = None
    ) -> Any:
        """Register 1 to 1,000 lines, all or none.

        ``ticket`` is the call's own: repeat it with the same lines where the answer was lost.
        """
        inscriptions = {"inscription": [line.as_element() for line in lines]}
        return self._call(
            "registerInscriptions", ticket, authenticSource=source, inscriptions=inscriptions
        )

    def close(self, lines: Iterable[Inscription], ticket: str, *, source: str | None = None) -> Any:
        """Give 1 to 1,000 lines that are open their end, all or none; ``ticket`` likewise."""
        closings = {"closing": [line.as_element() for line in lines]}
        return self._call("closeInscriptions", ticket, authenticSource=source, closings=closings)

    def list(
        self,
        ssin: str,
        *,
        source: str | None = None,
        begin: date | None = None,
        end: date | None = None,
    ) -> Any:
        """The lines of ``ssin`` on any day, or from ``begin`` on, to ``end``; at most 1,000."""
        criteria: dict[str, Any] = {"ssin": ssin, "authenticSource": source}
        if begin is not None:
            criteria["period"] = {"beginDate": begin, "endDate": end}
        reply = self._call("listInscriptions", str(uuid.uuid4()), criteria=criteria)
        if reply.criteria.ssin != ssin:
            raise UntrustedReply("the reply answers another request")
        return reply

    def _call(self, operation: str, ticket: str, **parameters: Any) -> Any:
        return send(
            self._service[operation],
            ticket,
            informationCustomer={
                "ticket": ticket,
                "timestampSent": datetime.now(UTC),
                "customerIdentification": self._credentials.identification(),
            },
            legalContext=self._credentials.legal_context,
            **parameters,
        )


def connect_inscriptions(
    wsdl: str, credentials: Credentials, address: str | None = None
) -> InscriptionsClient:
    """Make a client of the WSDL at ``wsdl`` (a URL or a file); see ``connect``."""
    last = LastReply(INSCRIPTIONS, INSCRIPTIONS_FAULT)
    return InscriptionsClient(open_service(wsdl, credentials, address, BINDING, last), credentials)
