"""The client: one consultation a call, its reply verified and bound to the question."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import requests
import zeep
import zeep.exceptions
from lxml import etree
from zeep.transports import Transport

from ksz_childbenefits.client.credentials import Credentials
from ksz_childbenefits.client.errors import (
    HttpRefusal,
    ServiceFault,
    ServiceUnreachable,
    UnreadableReply,
    UntrustedReply,
)
from ksz_childbenefits.client.signature import Signature
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.namespaces import FAULT, INTF, RESPONSE, SOAP_ENV
from ksz_childbenefits.contract.schemas import validate_reply
from ksz_childbenefits.domain.months import YearMonth
from ksz_childbenefits.errors import InternalError

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
"""How long to wait for a connection, and for the next bytes of an answer."""

BINDING = f"{{{INTF}}}ChildBenefitsV1ServiceHTTPBinding"
"""The binding of the WSDL (CONTRACT)."""


class _Transport(Transport):
    """zeep's transport without its debug log, which would hold whole messages, and so SSINs.

    Redirects are not followed: a signed request goes where it should. What comes back is XML or
    nothing: zeep would also unpack attachments, which the contract does not have.
    """

    def post(self, address: str, message: bytes, headers: dict[str, str]) -> requests.Response:
        """Send ``message``; HttpRefusal for an answer that is no ``text/xml``."""
        response = self.session.post(
            address,
            data=message,
            headers=headers,
            timeout=self.operation_timeout,
            allow_redirects=False,
        )
        media_type, _, _ = response.headers.get("Content-Type", "").partition(";")
        if media_type.strip().lower() != "text/xml":
            raise HttpRefusal(response.status_code)
        return response


class _LastReply(zeep.Plugin):
    """Keeps the last reply that our ``Signature`` accepted; zeep calls plugins after it.

    zeep would read any element as if it were the reply, and enforces no facets: the XSD does.
    """

    payload: etree._Element | None = None

    def ingress(self, envelope: etree._Element, http_headers: Any, operation: Any) -> Any:
        """Keep the child of the Body; UnreadableReply for what is no reply nor a typed fault."""
        payload = envelope.find(f"{{{SOAP_ENV}}}Body/*")
        fault = envelope.find(f"{{{SOAP_ENV}}}Body/{{{SOAP_ENV}}}Fault/detail/*")
        content, expected = (payload, RESPONSE) if fault is None else (fault, FAULT)
        if content is None or content.tag != expected:
            raise UnreadableReply("the reply holds an element that the WSDL does not announce")
        try:
            validate_reply(CONSULTATION, content)
        except InternalError as error:
            raise UnreadableReply(error.reason) from None
        self.payload = payload
        return envelope, http_headers


class ChildBenefitsClient:
    """Consults a ChildBenefitsService as one customer. Make one with ``connect``.

    Like the HTTP session that it holds, a client belongs to one thread.
    """

    def __init__(self, service: Any, credentials: Credentials, last: _LastReply) -> None:
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
        reply = self._send(
            informationCustomer={
                "ticket": ticket,
                "timestampSent": datetime.now(UTC),
                "customerIdentification": self._credentials.identification(),
            },
            legalContext=legal_context or self._credentials.legal_context,
            criteria=criteria,
        )
        if reply.informationCustomer.ticket != ticket or reply.criteria.ssin != ssin:
            raise UntrustedReply("the reply answers another request")
        return reply

    def _send(self, **parameters: Any) -> Any:
        """Call the operation once; every foreign exception becomes one of ours.

        Foreign texts are dropped where they may quote the message.
        """
        ticket = parameters["informationCustomer"]["ticket"]
        try:
            reply = self._service.consultFilesBySsin(**parameters)
        except requests.RequestException as error:
            raise ServiceUnreachable(f"no answer: {type(error).__name__}") from None
        except zeep.exceptions.TransportError as error:
            raise HttpRefusal(error.status_code) from None
        except zeep.exceptions.Fault as error:
            raise _fault(error, ticket) from None
        except zeep.exceptions.ValidationError as error:
            raise ValueError(str(error)) from None
        except zeep.exceptions.Error as error:
            raise UnreadableReply(
                f"the reply does not fit the WSDL: {type(error).__name__}"
            ) from None
        if reply is None:
            raise UntrustedReply("the reply is empty")
        return reply


def connect(wsdl: str, credentials: Credentials, address: str | None = None) -> ChildBenefitsClient:
    """Make a client of the WSDL at ``wsdl`` (a URL or a file).

    ``address`` is where to send requests if that is not what the WSDL says. Raises
    ServiceUnreachable where there is no WSDL, ConfigurationError for unusable credentials.
    """
    signature = Signature(
        credentials.key_pem, credentials.certificate_pem, credentials.service_certificate_pem
    )
    last = _LastReply()
    try:
        client = _zeep_client(wsdl, signature, last)
        service = client.service if address is None else client.create_service(BINDING, address)
    except (requests.RequestException, OSError, zeep.exceptions.Error) as error:
        raise ServiceUnreachable(f"no WSDL at {wsdl}: {type(error).__name__}") from None
    return ChildBenefitsClient(service, credentials, last)


def _zeep_client(wsdl: str, signature: Signature, last: _LastReply) -> Any:
    """A strict zeep client with our plugin and transport (zeep has no types of its own)."""
    client: Any = zeep.Client
    transport: Any = _Transport
    patience = (CONNECT_SECONDS, READ_SECONDS)
    return client(
        wsdl,
        wsse=signature,
        transport=transport(timeout=patience, operation_timeout=patience),
        plugins=[last],
        settings=zeep.Settings(strict=True, forbid_dtd=True),
    )


def _period(begin: str, end: str | None) -> dict[str, tuple[int, int, None]]:
    """OpenYearMonthPeriodType, in the tuples that zeep makes of a gYearMonth."""
    months = {"beginMonth": begin} if end is None else {"beginMonth": begin, "endMonth": end}
    parsed = {name: YearMonth.parse(text) for name, text in months.items()}
    return {name: (month.year, month.month, None) for name, month in parsed.items()}


def _fault(error: zeep.exceptions.Fault, ticket: str) -> ServiceFault | UntrustedReply:
    """The typed fault, unless it names another request's ticket."""
    fault = ServiceFault(error.code or "", error.message or "", error.detail)
    if fault.ticket not in (None, ticket):
        return UntrustedReply("the fault answers another request")
    return fault
