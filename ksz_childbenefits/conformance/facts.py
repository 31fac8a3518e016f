"""What an answer says, and what a case expects, both as lines to be compared.

Every rule of the wire that a case stands on is one line, so that a difference reads by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from lxml import etree

from ksz_childbenefits.conformance import rendering, schema
from ksz_childbenefits.conformance.answer import Answer
from ksz_childbenefits.conformance.case import Expectation
from ksz_childbenefits.conformance.verification import SIGNED, UNSIGNED, signature_of
from ksz_childbenefits.conformance.wire import CLOSED
from ksz_childbenefits.contract.namespaces import FAULT, SOAP_ENV, WSSE

ECHOED: Final = frozenset({"MSG00002", "MSG00003"})
"""Faults that come after authentication and XSD: they echo informationCustomer (DOMAIN 5)."""

_SHORT = 1024
_DATA = ("dataFilters", "results")
"""What a reply with NO_RESULT does not hold (DOMAIN 5)."""

_NAMESPACES = {"soapenv": SOAP_ENV, "wsse": WSSE}
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """How an answer is read: the service's certificates, the time, and the expectation.

    ``expected``: the root of expected.xml; ``refusal``: the table [expect].
    """

    certificates: Sequence[x509.Certificate]
    now: datetime
    expected: etree._Element | None
    refusal: Expectation | None

    def lines(self, answer: Answer) -> list[str]:
        """The facts of ``answer``."""
        lines = self._of_answer(answer)
        if answer.rest:
            lines.append(f"then on the same connection: {len(answer.rest)} bytes")
        return lines

    def _of_answer(self, answer: Answer) -> list[str]:
        lines = [f"HTTP status: {answer.status}"]
        headers = self.refusal.headers if self.refusal else ()
        lines += [f"HTTP header {name}: {_header(answer, name)}" for name in headers]
        media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "text/xml":
            short = 0 < len(answer.body) <= _SHORT
            return [
                *lines,
                "content: short text" if short else f"content: {len(answer.body)} bytes",
            ]
        lines.append("content: text/xml")
        try:
            root = etree.fromstring(answer.body, _PARSER)
        except etree.XMLSyntaxError as error:
            return [*lines, f"not well-formed: {error}"]
        lines.append(f"signature: {signature_of(root, self.certificates, self.now)}")
        return [*lines, *_form_lines(answer.body), *self._content(root)]

    def _content(self, root: etree._Element) -> Iterator[str]:
        """What stands in the Body: a fault, or else a reply."""
        contents = root.findall(f"{{{SOAP_ENV}}}Body/*")
        if len(contents) != 1:
            yield f"Body with {len(contents)} elements"
        elif contents[0].tag == f"{{{SOAP_ENV}}}Fault":
            yield from _fault_lines(contents[0])
        else:
            yield from self._reply_lines(contents[0])

    def _reply_lines(self, reply: etree._Element) -> Iterator[str]:
        yield _prefixed(reply)
        yield f"schema: {schema.validity(reply)}"
        if self.refusal and self.refusal.no_result:
            yield _status(reply.findtext("status/value"), reply.findtext("status/code"))
            yield from (f"{name}: in the reply" for name in _DATA if reply.find(name) is not None)
            return
        rendering.mask_generated(reply)
        if self.expected is not None:
            rendering.mask_any(self.expected, reply)
        yield from rendering.lines(reply)


def expected_reply(expected: etree._Element) -> list[str]:
    """The facts of a case with an expected.xml, whose root is given."""
    rendering.mask_generated(expected)
    head = ["HTTP status: 200", "content: text/xml", f"signature: {SIGNED}"]
    return [*head, *_SOUND, "schema: valid", *rendering.lines(expected)]


def expected_refusal(expect: Expectation, customer: Iterable[str]) -> list[str]:
    """The facts of a case with a table [expect]; ``customer``: the lines of informationCustomer."""
    headers = [f"HTTP header {name}: {value}" for name, value in expect.headers.items()]
    if expect.closed is not None:
        return [CLOSED]
    if expect.no_result is not None:
        head = ["HTTP status: 200", *headers, "content: text/xml", f"signature: {SIGNED}"]
        return [*head, *_SOUND, "schema: valid", _status("NO_RESULT", expect.no_result)]
    if expect.fault is None:
        return [f"HTTP status: {expect.http}", *headers, "content: short text"]
    lines = [f"HTTP status: {expect.http or 500}", *headers, "content: text/xml"]
    lines.append(f"signature: {SIGNED if expect.fault_signed else UNSIGNED}")
    lines += [*_SOUND, "schema: valid", f"faultcode: {expect.fault}", "faultstring: some text"]
    lines += customer if expect.reason in ECHOED else ["informationCustomer: not echoed"]
    lines += ["informationCBSS: ticket and times", f"detail: FATAL {expect.reason}"]
    for information in expect.information:
        value = rendering.ANY if information.value is None else information.value
        lines.append(f"  information: {information.name} = {value}")
    return lines


def any_values(expect: Expectation | None, actual: list[str]) -> list[str]:
    """The facts ``actual``, with ``*`` where the table [expect] leaves a value open."""
    if expect is None:
        return actual
    starts = [f"HTTP header {n}: " for n, value in expect.headers.items() if value == rendering.ANY]
    starts += [f"  information: {i.name} = " for i in expect.information if i.value is None]
    return [next((f"{s}{rendering.ANY}" for s in starts if _open(a, s)), a) for a in actual]


def _status(value: str | None, code: str | None) -> str:
    return f"status: {value} {code}"


def _open(line: str, start: str) -> bool:
    return line.startswith(start) and len(line) > len(start)


def _header(answer: Answer, name: str) -> str:
    return answer.headers.get(name.lower(), "")


_SOUND: Final = ('xmlns="": nowhere', "root of the content: prefixed")


def _form_lines(body: bytes) -> Iterator[str]:
    """SECURITY 6: gSOAP fails on an ``xmlns=""``."""
    found = b'xmlns=""' in body or b"xmlns=''" in body
    yield f'xmlns="": {"found" if found else "nowhere"}'


def _prefixed(element: etree._Element) -> str:
    """SECURITY 6: without a prefix on the root, gSOAP fails and JAX-WS loses the detail."""
    return f"root of the content: {'prefixed' if element.prefix else 'not prefixed'}"


def _fault_lines(fault: etree._Element) -> Iterator[str]:
    """A fault with its typed detail (SECURITY 4, DOMAIN 5)."""
    details = fault.findall("detail/*")
    if [detail.tag for detail in details] != [FAULT]:
        yield f"detail with {[rendering.qname(str(detail.tag)) for detail in details]}"
        return
    detail = details[0]
    yield _prefixed(detail)
    yield f"schema: {schema.validity(detail)}"
    yield f"faultcode: {_resolved(fault.find('faultcode'))}"
    yield f"faultstring: {'some text' if fault.findtext('faultstring', '').strip() else ''}"
    yield from customer_lines(detail.find("informationCustomer"))
    rendering.mask_generated(detail)
    information = detail.find("informationCBSS")
    masked = information is not None and all(i.text == rendering.ANY for i in information)
    yield f"informationCBSS: {'ticket and times' if masked else 'not as DOMAIN 5 says'}"
    for message in detail.findall("detail"):
        yield f"detail: {message.findtext('severity')} {message.findtext('reasonCode')}"
        for entry in message.findall("information"):
            name, value = entry.findtext("fieldName"), entry.findtext("fieldValue", "")
            yield f"  information: {name} = {value}"


def customer_lines(customer: etree._Element | None) -> Iterator[str]:
    """The echo of informationCustomer, or that there is none."""
    if customer is None:
        yield "informationCustomer: not echoed"
    else:
        yield from rendering.lines(customer)


def _resolved(faultcode: etree._Element | None) -> str:
    """The faultcode with the fixed prefix of its namespace: it is a QName in text."""
    if faultcode is None or not faultcode.text:
        return "none"
    prefix, colon, name = faultcode.text.strip().rpartition(":")
    namespace = faultcode.nsmap.get(prefix if colon else None)
    for fixed, known in _NAMESPACES.items():
        if namespace == known:
            return f"{fixed}:{name}"
    return f"{faultcode.text.strip()} (prefix of {namespace})"
