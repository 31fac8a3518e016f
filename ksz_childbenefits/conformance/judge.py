"""One case, from its recipe to the verdict: compose, send, compare."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.conformance import facts
from ksz_childbenefits.conformance.answer import NoAnswer
from ksz_childbenefits.conformance.canary import Canary
from ksz_childbenefits.conformance.case import Case, Expectation
from ksz_childbenefits.conformance.forgery import Forger
from ksz_childbenefits.conformance.identity import Identity, KeyRing
from ksz_childbenefits.conformance.message import HttpMessage, compose_all, enveloped
from ksz_childbenefits.conformance.transport import Transport
from ksz_childbenefits.contract.namespaces import REQUEST
from ksz_childbenefits.errors import DataError

BOUNDS: Final = {"at once": 2.0, "reading": 10 + 2.0, "idle": 30 + 2.0, "writing": 10 + 15.0}
"""Seconds after which a connection must be closed: those of SECURITY 1, and 2 for the way.

Before the clock of writing starts the buffers of both kernels are filled: 15 seconds for that.
"""

_FIRST: Final = "before it: served"


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

    ``clock`` gives the real time, which signatures are made with; ``canary`` is the address that
    attacks want fetched; ``bounds``: in how many seconds a connection must be closed.
    """

    transport: Transport
    keys: KeyRing
    certificates: Sequence[x509.Certificate]
    clock: Callable[[], datetime] = _real_time
    canary: Canary | None = None
    bounds: Mapping[str, float] = field(default_factory=lambda: BOUNDS)

    def judge(self, case: Case) -> Verdict:
        """The verdict on ``case``; DataError when the case itself cannot be used."""
        root = _expected_root(case)
        expected = _expected_lines(case, root)
        now = self.clock()
        messages = compose_all(case, self._identity(case, now), now, self._values(case))
        then = now + timedelta(seconds=case.send.later)
        reading = facts.Reading(self.certificates, then, root, case.expect)
        try:
            if case.send.together > 1:
                came = self._together(case.send.together, messages, reading, expected)
                expected = [_served(1, case.send.together), *expected]
            else:
                came = self._one_by_one(case.send.repeat, messages, reading)
                expected = [_FIRST] * (len(messages) - 1) + expected
        except NoAnswer as error:
            came = self._closed(case.expect, error)
        if self.canary and self.canary.fetched():
            came = [*came, "an address in the message was fetched"]
        return Verdict(expected, facts.any_values(case.expect, came))

    def _one_by_one(
        self, times: int, messages: Sequence[HttpMessage], reading: facts.Reading
    ) -> list[str]:
        """What the honest message before the judged one got, where there is one; then the facts."""
        *first, message = messages
        came = []
        for honest in first:
            status = self.transport(honest).status
            came.append(_FIRST if status == HTTPStatus.OK else f"before it: HTTP status {status}")
        for _ in range(times):
            answer = self.transport(message)
        return came + reading.lines(answer)

    def _together(
        self,
        copies: int,
        messages: Sequence[HttpMessage],
        reading: facts.Reading,
        expected: list[str],
    ) -> list[str]:
        """How many copies were served, and what another one got: one that is not as expected."""
        with ThreadPoolExecutor(copies) as pool:
            each = (messages[number % len(messages)] for number in range(copies))
            answers = list(pool.map(self.transport, each))
        refused = [reading.lines(one) for one in answers if one.status != HTTPStatus.OK]
        shown = [lines for lines in refused if lines != expected] or refused
        return [_served(copies - len(refused), copies), *(shown[0] if shown else [])]

    def _closed(self, expect: Expectation | None, error: NoAnswer) -> list[str]:
        """That there was no answer, and whether it was in time where none is expected."""
        if expect is None or expect.closed is None or error.seconds is None:
            return [str(error)]
        in_time = error.seconds <= self.bounds[expect.closed]
        return [str(error) if in_time else f"{error}, after {error.seconds:.1f} s"]

    def _values(self, case: Case) -> dict[str, str]:
        """The canary's address, and the certificate of the key that signs (base64)."""
        own = self._signer(case).certificate.public_bytes(Encoding.DER)
        return {"canary": self._address(), "own": base64.b64encode(own).decode("ascii")}

    def _address(self) -> str:
        return self.canary.address if self.canary else "http://127.0.0.1:9/"

    def _signer(self, case: Case) -> Identity:
        return self.keys.identity(case.sign.credentials or case.customer)

    def _identity(self, case: Case, now: datetime) -> Identity:
        """The key that signs, with the certificate that is presented."""
        own = self._signer(case)
        if case.sign.forged_by is not None:
            own = Forger(own, self.certificates[0], self._address(), now).forge(case.sign.forged_by)
        if case.sign.certificate is None:
            return own
        return Identity(own.key, self.keys.identity(case.sign.certificate).certificate)


def _served(number: int, copies: int) -> str:
    return f"served of {copies} copies: {number}"


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
