"""The operation as a method of a spyne service, and the WSGI application that reaches it.

spyne is transport and dispatch: its protocol is told to pass messages on as they are, so it parses
no XML, resolves no ``href``, makes no fault and logs no body. What a message is worth is judged by
``Endpoint.handle`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Final, Protocol

from ksz_childbenefits.contract.contracts import CADASTRE, CONSULTATION, INSCRIPTIONS, Contract
from ksz_childbenefits.contract.media_type import charset_of
from ksz_childbenefits.contract.namespaces import INTF
from ksz_childbenefits.exchange import Message, Reply
from ksz_childbenefits.spyne_compat import (
    AnyXml,
    Application,
    ServiceBase,
    Soap11,
    WsgiApplication,
    rpc,
)

RECEIVED = "ksz_childbenefits.received"
"""WSGI environ key: when the request came in (datetime, UTC); absent: now."""

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class MessageEndpoint(Protocol):
    """What stands behind the server: ``endpoint.Endpoint``."""

    @property
    def contract(self) -> Contract:
        """What it speaks, and under which path."""
        ...

    def handle(self, message: Message) -> Reply:
        """Answer a message; never raises."""
        ...

    def overloaded(self, message: Message) -> Reply:
        """Refuse a message that there is no room for (MSG00001, HTTP 503)."""
        ...

    def ready(self) -> bool:
        """Whether messages can be answered now."""
        ...

    def close(self) -> None:
        """Give back what it holds open: no message comes any more."""
        ...


def message_of(body: bytes, content_type: str, soap_action: str | None, at: datetime) -> Message:
    """The message as the headers describe it, unjudged; ``at`` is when it came in (UTC)."""
    return Message(
        body=body,
        charset=charset_of(content_type),
        soap_action=soap_action,
        received=at,
    )


class PassThrough(Soap11):  # type: ignore[misc]  # spyne has no types
    """SOAP 1.1 by name: hands the message to the operation and the reply to the transport."""

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:
        """Make the ``Message`` of the bytes and headers that came in."""
        environ = ctx.transport.req_env
        ctx.in_document = message_of(
            b"".join(ctx.in_string),
            environ.get("CONTENT_TYPE", ""),
            environ.get("HTTP_SOAPACTION"),
            environ.get(RECEIVED) or datetime.now(UTC),
        )

    def decompose_incoming_envelope(self, ctx: Any, message: str = Soap11.REQUEST) -> None:
        """Name the method of the service: neither content nor SOAPAction chooses it."""
        _, operation = SERVICES[ctx.app.config.contract.name]
        ctx.method_request_string = f"{{{INTF}}}{operation}"

    def deserialize(self, ctx: Any, message: str) -> None:
        """Give the message to the operation as its one argument."""
        ctx.in_object = [ctx.in_document]

    def serialize(self, ctx: Any, message: str) -> None:
        """Set status and headers of HTTP from the ``Reply``."""
        reply = ctx.out_object[0] if ctx.out_error is None else Reply(b"", status=500)
        ctx.transport.resp_code = f"{reply.status} {HTTPStatus(reply.status).phrase}"
        if reply.retry_after is not None:
            ctx.transport.resp_headers["Retry-After"] = str(reply.retry_after)
        ctx.out_document = reply

    def create_out_string(self, ctx: Any, charset: str | None = None) -> None:
        """Send the reply's bytes as they are: they are signed."""
        ctx.out_string = [ctx.out_document.body]


def _operation(name: str) -> Any:
    """A method of a service; spyne tells the methods of one service apart by their names."""

    def answer(ctx: Any, message: Message) -> Reply:
        endpoint: MessageEndpoint = ctx.app.config
        return endpoint.handle(message)

    answer.__name__ = name
    return rpc(AnyXml, _returns=AnyXml)(answer)


class ChildBenefitsService(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """The portType of CONTRACT: one operation."""

    consultFilesBySsin = _operation("consultFilesBySsin")  # noqa: N815  # as in the WSDL


class ChildBenefitsInscriptionsService(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """The portType of the maintenance of the person repertory."""

    registerInscriptions = _operation("registerInscriptions")  # noqa: N815  # as in the WSDL
    closeInscriptions = _operation("closeInscriptions")  # noqa: N815  # as in the WSDL
    listInscriptions = _operation("listInscriptions")  # noqa: N815  # as in the WSDL


class ChildBenefitsCadastreService(ServiceBase):  # type: ignore[misc]  # spyne has no types
    """The portType of an operator's cadastre."""

    consultFiles = _operation("consultFiles")  # noqa: N815  # as in the WSDL


def soap_application(endpoint: MessageEndpoint) -> WsgiApp:
    """The WSGI application of an endpoint; it expects a body whose size was checked."""
    service, _ = SERVICES[endpoint.contract.name]
    application = Application(
        [service],
        tns=INTF,
        name=endpoint.contract.name,
        in_protocol=PassThrough(),
        out_protocol=PassThrough(),
        config=endpoint,
    )
    wsgi: WsgiApp = WsgiApplication(application, max_content_length=2**31, block_length=2**20)
    return wsgi


SERVICES: Final[Mapping[str, tuple[Any, str]]] = {
    CONSULTATION.name: (ChildBenefitsService, "consultFilesBySsin"),
    CADASTRE.name: (ChildBenefitsCadastreService, "consultFiles"),
    INSCRIPTIONS.name: (ChildBenefitsInscriptionsService, "registerInscriptions"),
}
"""For each contract its spyne service, and the operation that messages are handed to."""
