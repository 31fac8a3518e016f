"""The client: one consultation a call, its reply verified and bound to the question."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from ksz_childbenefits.client.calling import LastReply, open_service, send
from ksz_childbenefits.client.credentials import Credentials
from ksz_childbenefits.client.errors import UntrustedReply
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.namespaces import FAULT, INTF
from ksz_childbenefits.domain.months import YearMonth

BINDING = f"{{{INTF}}}ChildBenefitsV1ServiceHTTPBinding"
"""The binding of the WSDL (CONTRACT)."""


class ChildBenefitsClient:
    """Consults a ChildBenefitsService as one customer. Make one with ``connect``.

    Like the HTTP session that it holds, a client belongs to one thread.
    """

    def __init__(self, service: Any, credentials: Credentials, last: LastReply) -> None:
        """``service`` is zeep's proxy of the WSDL's port."""
        self._service = service
        self._credentials = credentials
        self._last = last

    @property
    def last_reply(self) -> etree._Element | None:
        """The last reply, or typed fault's Fault element, as XML: exactly what was signed."""
        return self._last.payload

    def consult(  # noqa: PLR0913 - what a request can say
        self,
        ssin: str,
        begin: str,
        end: str | None = None,
        sources: Iterable[str] | None = None,
        *,
        legal_context: str | None = None,
        ticket: str | None = None,
    ) -> Any:
        """Ask for the files of ``ssin`` over the months ``begin``..``end``, written YYYY-MM.

        ``end`` None: this month; ``sources`` None: all that the customer may consult (DOMAIN 2);
        ``legal_context`` None: the one of the credentials; ``ticket`` None: a new UUID. Returns
        zeep's consultFilesBySsinResponse, NO_RESULT included. Raises ``ClientError`` by kind, and
        ValueError for what cannot be a month.
        """
        ticket = ticket or str(uuid.uuid4())
        criteria: dict[str, Any] = {"ssin": ssin, "period": _period(begin, end)}
        if sources is not None:
            criteria["authenticSources"] = {"authenticSource": list(sources)}
        reply = send(
            self._service.consultFilesBySsin,
            ticket,
            informationCustomer={
                "ticket": ticket,
                "timestampSent": datetime.now(UTC),
                "customerIdentification": self._credentials.identification(),
            },
            legalContext=legal_context or self._credentials.legal_context,
            criteria=criteria,
        )
        if reply.criteria.ssin != ssin:
            raise UntrustedReply("the reply answers another request")
        return reply


def connect(wsdl: str, credentials: Credentials, address: str | None = None) -> ChildBenefitsClient:
    """Make a client of the WSDL at ``wsdl`` (a URL or a file).

    ``address`` is where to send requests if that is not what the WSDL says. Raises
    ServiceUnreachable where there is no WSDL, ConfigurationError for unusable credentials.
    """
    last = LastReply(CONSULTATION, FAULT)
    service = open_service(wsdl, credentials, address, BINDING, last)
    return ChildBenefitsClient(service, credentials, last)


def _period(begin: str, end: str | None) -> dict[str, tuple[int, int, None]]:
    """OpenYearMonthPeriodType, in the tuples that zeep makes of a gYearMonth."""
    months = {"beginMonth": begin} if end is None else {"beginMonth": begin, "endMonth": end}
    parsed = {name: YearMonth.parse(text) for name, text in months.items()}
    return {name: (month.year, month.month, None) for name, month in parsed.items()}
