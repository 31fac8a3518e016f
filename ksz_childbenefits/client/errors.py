"""What can go wrong in a consultation, seen from the customer.

::

    KszError
    └── ClientError
        ├── ServiceUnreachable   no connection, no answer in time, no WSDL
        ├── HttpRefusal          an HTTP status without SOAP (404, 405, 413, 415; SECURITY 4)
        ├── UntrustedReply       unsigned, forged, stale, or the answer to another request
        ├── UnreadableReply      XML that is not what the WSDL announces
        └── ServiceFault         a typed fault, signed by the service
            └── UnsignedFault    a fault that nobody signed: overload, or an unreadable request

Nothing is retried. A refusal by status (NO_RESULT) is an answer, not an error.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from ksz_childbenefits.errors import KszError


class ClientError(KszError):
    """Root of the errors of the client library."""


class ServiceUnreachable(ClientError):
    """The service, or its WSDL, could not be reached, or did not answer in time."""


class HttpRefusal(ClientError):
    """The service, or something before it, answered with an HTTP status and no SOAP."""

    def __init__(self, status: int) -> None:
        """Keep the HTTP ``status``; the text that came with it is not trusted and not kept."""
        super().__init__(f"HTTP status {status} without a SOAP message")
        self.status = status


class UntrustedReply(ClientError):
    """The reply is not a fresh one, signed by the service, to the request that was sent."""


class UnreadableReply(ClientError):
    """The reply is not what the WSDL announces."""


@dataclass(frozen=True, slots=True)
class FaultMessage:
    """One message of the fault's detail (CONTRACT, MessageType); information: name, value."""

    severity: str
    reason_code: str
    diagnostic: str
    information: tuple[tuple[str, str], ...]


class ServiceFault(ClientError):
    """A SOAP fault with the typed detail that KSZ gives (CONTRACT, CBSSFaultType).

    ``ticket_cbss`` is what to quote to the service's operator, who finds the exact reason under it.
    """

    def __init__(self, code: str, text: str, detail: etree._Element | None) -> None:
        """Read ``detail``, the fault's detail element; ``code`` and ``text`` as they came."""
        super().__init__(code, text)
        self.code = code
        self.text = text
        content = None if detail is None else next(detail.iterchildren("*"), None)
        self.ticket = None if content is None else content.findtext("informationCustomer/ticket")
        self.ticket_cbss = (
            None if content is None else content.findtext("informationCBSS/ticketCBSS")
        )
        self.messages = () if content is None else tuple(map(_message, content.iterfind("detail")))

    def __str__(self) -> str:
        """One line: the text, the codes, the ticket to quote, and what the service explains."""
        known = (self.code, self.reason_code, self.ticket_cbss and f"ticketCBSS {self.ticket_cbss}")
        explained = [pair for message in self.messages for pair in message.information]
        head = f"{self.text} ({', '.join(part for part in known if part)})"
        return "; ".join((head, *(f"{name}: {value}" for name, value in explained)))

    @property
    def reason_code(self) -> str | None:
        """The code of the first message, such as MSG00014 (SECURITY 4); None without a detail."""
        return self.messages[0].reason_code if self.messages else None


class UnsignedFault(ServiceFault):
    """A fault without a signature: anyone on the way may have written it.

    The service signs neither HTTP 503 nor faults about what it could not read (SECURITY 4).
    """

    def __str__(self) -> str:
        """The same line, with a warning."""
        return f"unsigned fault: {super().__str__()}"


def _message(element: etree._Element) -> FaultMessage:
    """One ``detail`` of the fault."""
    return FaultMessage(
        severity=element.findtext("severity", ""),
        reason_code=element.findtext("reasonCode", ""),
        diagnostic=element.findtext("diagnostic", ""),
        information=tuple(
            (item.findtext("fieldName", ""), item.findtext("fieldValue", ""))
            for item in element.iterfind("information")
        ),
    )
