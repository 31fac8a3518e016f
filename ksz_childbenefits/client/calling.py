"""What calls of all services share: a strict zeep client, and errors of one kind.

zeep would read any element as if it were the reply, and enforces no facets: the XSD does.
"""

from __future__ import annotations

from typing import Any

import requests
import zeep
import zeep.exceptions
from lxml import etree
from requests.adapters import HTTPAdapter
from zeep.transports import Transport

from ksz_childbenefits.client.credentials import Credentials, Tls
from ksz_childbenefits.client.errors import (
    HttpRefusal,
    ServiceFault,
    ServiceUnreachable,
    UnreadableReply,
    UntrustedReply,
)
from ksz_childbenefits.client.signature import Signature
from ksz_childbenefits.contract.contracts import Contract
from ksz_childbenefits.contract.namespaces import SOAP_ENV
from ksz_childbenefits.contract.schemas import validate_reply
from ksz_childbenefits.errors import InternalError
from ksz_childbenefits.tls import client_context

CONNECT_SECONDS = 5.0
READ_SECONDS = 60.0
"""How long to wait for a connection, and for the next bytes of an answer."""


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


class LastReply(zeep.Plugin):
    """Keeps the last reply that our ``Signature`` accepted; zeep calls plugins after it."""

    payload: etree._Element | None = None

    def __init__(self, contract: Contract, fault: str) -> None:
        """``fault``: the Clark name of the contract's typed fault."""
        self._contract = contract
        self._fault = fault
        self._replies = {
            request.removesuffix("Request") + "Response" for request in contract.operations
        }

    def ingress(self, envelope: etree._Element, http_headers: Any, operation: Any) -> Any:
        """Keep the child of the Body; UnreadableReply for what is no reply nor a typed fault."""
        payload = envelope.find(f"{{{SOAP_ENV}}}Body/*")
        fault = envelope.find(f"{{{SOAP_ENV}}}Body/{{{SOAP_ENV}}}Fault/detail/*")
        content, expected = (payload, self._replies) if fault is None else (fault, {self._fault})
        if content is None or content.tag not in expected:
            raise UnreadableReply("the reply holds an element that the WSDL does not announce")
        try:
            validate_reply(self._contract, content)
        except InternalError as error:
            raise UnreadableReply(error.reason) from None
        self.payload = payload
        return envelope, http_headers


def send(operation: Any, ticket: str, **parameters: Any) -> Any:
    """Call zeep's ``operation`` once; every foreign exception becomes one of ours.

    Foreign texts are dropped where they may quote the message. ``ticket`` is the one that was sent:
    UntrustedReply where the answer names another.
    """
    try:
        reply = operation(**parameters)
    except requests.RequestException as error:
        raise ServiceUnreachable(f"no answer: {type(error).__name__}") from None
    except zeep.exceptions.TransportError as error:
        raise HttpRefusal(error.status_code) from None
    except zeep.exceptions.Fault as error:
        raise _fault(error, ticket) from None
    except zeep.exceptions.ValidationError as error:
        raise ValueError(str(error)) from None
    except zeep.exceptions.Error as error:
        raise UnreadableReply(f"the reply does not fit the WSDL: {type(error).__name__}") from None
    if reply is None:
        raise UntrustedReply("the reply is empty")
    if reply.informationCustomer.ticket != ticket:
        raise UntrustedReply("the reply answers another request")
    return reply


def open_service(
    wsdl: str, credentials: Credentials, address: str | None, binding: str, last: LastReply
) -> Any:
    """The proxy that zeep makes of the WSDL's port, or of its ``binding`` at another ``address``.

    Raises ServiceUnreachable where there is no WSDL, ConfigurationError for unusable credentials.
    """
    signature = Signature(
        credentials.key,
        credentials.certificate,
        credentials.service_certificates,
        passphrase=credentials.passphrase,
    )
    session = open_session(credentials.tls)
    try:
        client = _zeep_client(wsdl, signature, last, session)
        return client.service if address is None else client.create_service(binding, address)
    except (requests.RequestException, OSError, zeep.exceptions.Error) as error:
        raise ServiceUnreachable(f"no WSDL at {wsdl}: {type(error).__name__}") from None


class _Adapter(HTTPAdapter):
    """requests' connections with a TLS context of ours: its own knows no keys with passphrases."""

    def __init__(self, tls: Tls) -> None:
        self._context = client_context(tls.authority, tls.own)
        self._verify = True if tls.authority is None else str(tls.authority)
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As requests calls it."""
        super().init_poolmanager(*args, ssl_context=self._context, **options)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """As requests calls it, whatever its environment variables say of authorities."""
        return super().send(request, **{**options, "verify": self._verify})


def open_session(tls: Tls) -> requests.Session:
    """An HTTP session that calls addresses of https as ``tls`` says; else ConfigurationError."""
    session = requests.Session()
    if tls != Tls():
        session.mount("https://", _Adapter(tls))
    return session


def _zeep_client(
    wsdl: str, signature: Signature, last: LastReply, session: requests.Session
) -> Any:
    """A strict zeep client with our plugin and transport (zeep has no types of its own)."""
    client: Any = zeep.Client
    transport: Any = _Transport
    patience = (CONNECT_SECONDS, READ_SECONDS)
    return client(
        wsdl,
        wsse=signature,
        transport=transport(session=session, timeout=patience, operation_timeout=patience),
        plugins=[last],
        settings=zeep.Settings(strict=True, forbid_dtd=True),
    )


def _fault(error: zeep.exceptions.Fault, ticket: str) -> ServiceFault | UntrustedReply:
    """The typed fault, unless it names another request's ticket."""
    fault = ServiceFault(error.code or "", error.message or "", error.detail)
    if fault.ticket not in (None, ticket):
        return UntrustedReply("the fault answers another request")
    return fault
