"""The hostile corpus: sound in itself, real attacks, and refused whatever the number of workers."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import xmlsec
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.conformance.answer import Answer
from ksz_childbenefits.conformance.attack import attack, health
from ksz_childbenefits.conformance.canary import Canary
from ksz_childbenefits.conformance.case import Case, Family, Tag, World, load_case, load_cases
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge
from ksz_childbenefits.conformance.message import HttpMessage, compose
from ksz_childbenefits.conformance.report import difference
from ksz_childbenefits.conformance.run import skip_reason
from ksz_childbenefits.conformance.transport import HttpTransport, Transport
from ksz_childbenefits.contract.namespaces import DS, WSU
from tests.conformance.authority import CREDENTIALS, with_more
from tests.conformance.in_process import InProcess, Worlds
from tests.conformance.test_samples_are_sound import RULE, context
from tests.conftest import LiveService

SAMPLES = Path(__file__).parents[2] / "samples"
CASES = load_cases(SAMPLES / "hostile")
HONEST = load_case(SAMPLES / "accepted-plain")
AT_THE_DOOR = [c for c in CASES if c.wire or (c.expect and c.expect.http and not c.expect.fault)]
"""What never gets to the gateway, because it is not HTTP, or not a text/xml that is posted."""
BEHIND_IT = [case for case in CASES if case not in AT_THE_DOOR]
WRAPPING = [case for case in CASES if case.family is Family.WRAPPING]
FORGED = b"<ssin>12031590217</ssin>"
CPU_SECONDS = 0.5
"""What a hostile request may cost (issue 4, bounds)."""


def of(case: Case) -> str:
    return case.name


@pytest.fixture(scope="session")
def keys(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    """The demo's credentials, and those that only its authority could issue."""
    return KeyRing(with_more(tmp_path_factory.mktemp("hostile") / "credentials", demo))


@pytest.fixture(scope="module")
def worlds(demo: Path) -> Worlds:
    return Worlds(demo)


# The corpus as a set


def test_there_are_as_many_as_the_issue_asks_for_over_all_families() -> None:
    counted = Counter(case.family for case in CASES)
    assert len(CASES) >= 150
    assert set(counted) == set(Family)
    assert min(counted.values()) >= 10


def test_each_case_tells_its_story_and_cites_its_rule() -> None:
    for case in CASES:
        assert RULE.fullmatch(case.rule), case.name
        assert case.story.endswith(")."), case.name
        assert case.rule.partition(" ")[0] in case.story, case.name


def test_none_is_there_twice_nor_among_the_ordinary_refusals() -> None:
    seen: dict[str, str] = {}
    for case in (*CASES, *load_cases(SAMPLES)):
        key = repr((*context(case), case.wire))
        assert key not in seen, f"{case.name} is {seen.get(key)} again"
        seen[key] = case.name


def test_credentials_of_the_authority_are_all_used() -> None:
    used = {name for case in CASES for name in (case.sign.credentials, case.sign.certificate)}
    assert set(CREDENTIALS) <= used


# Wrapping


def found_anywhere(message: bytes, certificate: bytes) -> bool:
    """Whether xmlsec verifies the first signature of a message, whose ids may be anywhere."""
    root = etree.fromstring(message, etree.XMLParser(collect_ids=False))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem)
    for element in root.iter(etree.Element):
        if element.get(f"{{{WSU}}}Id"):
            try:
                context.register_id(element, "Id", WSU)
            except xmlsec.Error:
                continue  # the id of an element before it, which then is the one that counts
    try:
        context.verify(next(root.iter(f"{{{DS}}}Signature")))
    except xmlsec.Error:
        return False
    return True


@pytest.mark.parametrize("case", WRAPPING, ids=of)
def test_a_wrapping_fools_who_looks_for_ids_anywhere(case: Case, keys: KeyRing) -> None:
    identity = keys.identity(case.customer)
    message = compose(case, identity, datetime.now(UTC))
    assert found_anywhere(message.body, identity.certificate.public_bytes(Encoding.PEM))
    forged = FORGED in message.body or message.body.count(b"<wsu:Created>") == 2
    assert forged or case.name == "wrapping-body-alone-in-a-body"


# Refused: in this process, and over sockets


@dataclass
class Metered:
    """A transport that remembers the CPU time of the dearest message."""

    inner: Transport
    dearest: float = 0

    def __call__(self, message: HttpMessage) -> Answer:
        began = time.thread_time()
        answer = self.inner(message)
        self.dearest = max(self.dearest, time.thread_time() - began)
        return answer


def refused(case: Case, judge: Judge) -> None:
    verdict = judge.judge(case)
    assert verdict.passed, f"{case.story}\n" + "\n".join(difference(verdict))


@pytest.mark.parametrize("case", BEHIND_IT, ids=of)
def test_in_process(case: Case, worlds: Worlds, keys: KeyRing) -> None:
    endpoint: InProcess = worlds.transport(case.world or World(as_of="2025-06-02"))
    metered = Metered(endpoint)
    with Canary() as canary:
        refused(case, Judge(metered, keys, keys.service(), canary=canary))
    assert metered.dearest < CPU_SECONDS
    assert Judge(endpoint, keys, keys.service()).judge(HONEST).passed


def test_what_needs_another_clock_is_in_process() -> None:
    assert {case.tag for case in CASES if case.send.later} == {Tag.IN_PROCESS}
    assert {case.family for case in CASES if case.tag is Tag.IN_PROCESS} == {Family.REPLAY}


@pytest.mark.once
@pytest.mark.parametrize("fixture", ["single", "service"], ids=["1 worker", "4 workers"])
def test_over_sockets(fixture: str, keys: KeyRing, request: pytest.FixtureRequest) -> None:
    """All of it as ``conformance attack`` does it, with the authority's credentials too."""
    live: LiveService = request.getfixturevalue(fixture)
    with Canary() as canary:
        judge = Judge(HttpTransport(live.url), keys, keys.service(), canary=canary)
        assert health(HONEST, judge).good
        results = list(attack(CASES, judge))
        assert health(HONEST, judge).good
    told = [
        f"{one.case.name}: {one.case.story}\n" + "\n".join(difference(one.verdict))
        for one in results
        if one.verdict is not None and not one.verdict.passed
    ]
    assert not told, "\n\n".join(told)
    skipped = [one.case for one in results if one.skipped is not None]
    assert all(case.tag is Tag.IN_PROCESS for case in skipped)
    assert len(results) == len(CASES)


def test_without_its_credentials_a_case_is_skipped(keys: KeyRing, tmp_path: Path) -> None:
    case = next(c for c in CASES if c.sign.credentials == "cbe-of-two")
    assert skip_reason(case, keys) is None
    assert skip_reason(case, KeyRing(tmp_path)) == "no credentials of cbe-of-two"
    later = next(case for case in CASES if case.send.later)
    assert "another clock" in (skip_reason(later, keys) or "")
