"""The operation as a method of a spyne service, and what reaches it.

spyne knows the services and their operations, and dispatches: each endpoint's operation is looked
up once, when the service starts (docs/decisions/0001). It sees no message: it parses no XML,
resolves no ``href``, makes no fault and logs no body. What a message is worth is judged by
``Endpoint.answer`` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import SimpleNamespace
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
    rpc,
)

Deliver = Callable[[Reply], None]
"""Takes a reply that may leave."""


class MessageEndpoint(Protocol):
    """What stands behind the server: ``endpoint.Endpoint``."""

    @property
    def contract(self) -> Contract:
        """What it speaks, and under which path."""
        ...

    def answer(self, message: Message, deliver: Deliver) -> None:
        """Answer a message, now or later, in this thread or another; never raises."""
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


def _operation(name: str) -> Any:
    """A method of a service; spyne tells the methods of one service apart by their names."""

    def answer(ctx: Any, message: Message) -> None:
        endpoint: MessageEndpoint = ctx.app.config
        endpoint.answer(message, ctx.udc)

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


def operation_of(endpoint: MessageEndpoint) -> Callable[[Message, Deliver], None]:
    """What an endpoint's messages are handed to: the operation that spyne has for its contract."""
    service, name = SERVICES[endpoint.contract.name]
    application = Application(
        [service],
        tns=INTF,
        name=endpoint.contract.name,
        in_protocol=Soap11(),
        out_protocol=Soap11(),
        config=endpoint,
    )
    (found,) = application.interface.service_method_map[f"{{{INTF}}}{name}"]

    def call(message: Message, deliver: Deliver) -> None:
        found.function(SimpleNamespace(app=application, udc=deliver), message)

    return call


SERVICES: Final[Mapping[str, tuple[Any, str]]] = {
    CONSULTATION.name: (ChildBenefitsService, "consultFilesBySsin"),
    CADASTRE.name: (ChildBenefitsCadastreService, "consultFiles"),
    INSCRIPTIONS.name: (ChildBenefitsInscriptionsService, "registerInscriptions"),
}
"""For each contract its spyne service, and the operation that messages are handed to."""
