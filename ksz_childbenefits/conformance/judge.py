"""One case, from its recipe to the verdict: compose, send, compare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from lxml import etree

from ksz_childbenefits.conformance import facts
from ksz_childbenefits.conformance.case import Case
from ksz_childbenefits.conformance.identity import Identity, KeyRing
from ksz_childbenefits.conformance.message import compose, enveloped
from ksz_childbenefits.conformance.transport import NoAnswer, Transport
from ksz_childbenefits.contract.namespaces import REQUEST
from ksz_childbenefits.errors import DataError


def _real_time() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was expected and what came, as lines; equal means passed."""

    expected: list[str]
    actual: list[str]

    @property
    def passed(self) -> bool:
        """Whether the answer is the expected one."""
        return self.expected == self.actual


@dataclass(frozen=True, slots=True)
class Judge:
    """Sends cases through a transport, signed with the keys of a ring, and judges the answers.

    ``clock`` gives the real time, which signatures are made with.
    """

    transport: Transport
    keys: KeyRing
    certificate: x509.Certificate
    clock: Callable[[], datetime] = _real_time

    def judge(self, case: Case) -> Verdict:
        """The verdict on ``case``; DataError when the case itself cannot be used."""
        root = _expected_root(case)
        expected = _expected_lines(case, root)
        message = compose(case, self._identity(case), self.clock())
        try:
            answer = self.transport(message)
            for _ in range(case.send.repeat - 1):
                answer = self.transport(message)
        except NoAnswer as error:
            return Verdict(expected, [str(error)])
        headers = tuple(case.expect.headers) if case.expect else ()
        reading = facts.Reading(self.certificate, self.clock(), root, headers)
        return Verdict(expected, facts.any_values(case.expect, reading.lines(answer)))

    def _identity(self, case: Case) -> Identity:
        """The key that signs, with the certificate that is presented."""
        own = self.keys.identity(case.sign.credentials or case.customer)
        if case.sign.certificate is None:
            return own
        return Identity(own.key, self.keys.identity(case.sign.certificate).certificate)


def _expected_root(case: Case) -> etree._Element | None:
    """The root of expected.xml, None for a refusal."""
    if case.expected is None:
        return None
    try:
        return etree.fromstring(case.expected)
    except etree.XMLSyntaxError as error:
        raise DataError(f"{case.name}: expected.xml is not XML: {error}") from None


def _expected_lines(case: Case, root: etree._Element | None) -> list[str]:
    if root is not None:
        return facts.expected_reply(root)
    if case.expect is None:
        raise DataError(f"{case.name}: nothing is expected")
    customer = None
    if case.expect.reason in facts.ECHOED:
        customer = enveloped(case).find(f".//{REQUEST}/informationCustomer")
    return facts.expected_refusal(case.expect, facts.customer_lines(customer))
