"""The kit finds every difference that its rules name, and none in a right answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from ksz_childbenefits.conformance.answer import Answer, NoAnswer
from ksz_childbenefits.conformance.case import Case, load_case
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.judge import Judge
from ksz_childbenefits.conformance.message import HttpMessage
from ksz_childbenefits.conformance.recipe import SigningRecipe
from ksz_childbenefits.conformance.report import difference
from tests.conformance.conftest import FAULT, SAMPLES, FakeService, answer_to


def lost(service: FakeService, case: Case, keys: KeyRing) -> str:
    """The lines that were expected and did not come, and those that came instead."""
    verdict = service.judge(keys).judge(case)
    assert not verdict.passed
    return "\n".join(line for line in difference(verdict) if line[0] in "+-")


def test_the_right_reply_passes(reply_case: Case, keys: KeyRing) -> None:
    service = FakeService(keys.identity("service"), answer_to(reply_case))
    assert service.judge(keys).judge(reply_case).passed


def test_other_prefixes_and_indentation_make_no_difference(reply_case: Case, keys: KeyRing) -> None:
    content = answer_to(reply_case).replace(b"intf:", b"v1:").replace(b":intf=", b":v1=")
    service = FakeService(keys.identity("service"), content.replace(b"\n", b"\n   "))
    assert service.judge(keys).judge(reply_case).passed


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b"NO_RESULT", b"NO_DATA_FOUND", "+    value = NO_DATA_FOUND"),
        (b"MSG00011", b"MSG00005", "+    code = MSG00005"),
        (b"<fieldValue>85071293159", b"<fieldValue> 85071293159", "+      fieldValue = ' 85071"),
        (b"<endMonth>2019-12", b"<endMonth>2019-11", "+      endMonth = 2019-11"),
        (b"0b0e1f0e-", b"0B0E1F0E-", "+    ticketCBSS = 0B0E1F0E-"),
        (b"09:15:00.021Z", b"09:15:00.0210Z", "+    timestampReply = 2024"),
        (b"09:15:00Z</timestampRec", b"11:15:00+02:00</timestampRec", "+    timestampReceive = "),
        (b"<fieldName>ssin<", b"<fieldName>SSIN<", "+      fieldName = SSIN"),
        (b"The structure of the SSIN is invalid.", b"", "+    description = "),
    ],
)
def test_a_wrong_value_is_found(
    old: bytes, new: bytes, line: str, reply_case: Case, keys: KeyRing
) -> None:
    content = answer_to(reply_case)
    assert content.count(old) == 1
    service = FakeService(keys.identity("service"), content.replace(old, new))
    assert line in lost(service, reply_case, keys)


def test_text_between_elements_is_found(reply_case: Case, keys: KeyRing) -> None:
    content = answer_to(reply_case).replace(b"</criteria>", b"</criteria>and more")
    service = FakeService(keys.identity("service"), content)
    assert "text between the children: and more" in lost(service, reply_case, keys)


def test_another_order_is_found(reply_case: Case, keys: KeyRing) -> None:
    name, value = b"<fieldName>ssin</fieldName>", b"<fieldValue>85071293159</fieldValue>"
    content = answer_to(reply_case).replace(name, b"@").replace(value, name).replace(b"@", value)
    service = FakeService(keys.identity("service"), content)
    assert "+schema: not valid" in lost(service, reply_case, keys)


@pytest.mark.parametrize(
    ("recipe", "line"),
    [
        (SigningRecipe(none=True), "+signature: none"),
        (SigningRecipe(parts=("Body", "Timestamp")), "+signature: does not verify"),
        (SigningRecipe(algorithm="sha1"), "+signature: does not verify"),
        (SigningRecipe(digest="sha1"), "+signature: does not verify"),
        (SigningRecipe(expires=301), "+signature: Expires is 301 s after Created, not 300"),
        (SigningRecipe(expires="absent"), "+signature: the Timestamp lacks Created or Expires"),
        (SigningRecipe(zone=""), "+signature: the Timestamp lacks Created or Expires with a zone"),
        (SigningRecipe(created=-400), "+signature: Created is 40"),
        (SigningRecipe(inclusive_prefixes=("soapenv",)), "+signature: uses InclusiveNamespaces"),
        (
            SigningRecipe(children=("Token", "Timestamp", "Signature")),
            "+signature: Security does not hold Timestamp, token, Signature in this order",
        ),
    ],
)
def test_a_wrong_signature_is_found(
    recipe: SigningRecipe, line: str, reply_case: Case, keys: KeyRing
) -> None:
    service = FakeService(keys.identity("service"), answer_to(reply_case), recipe=recipe)
    assert line in lost(service, reply_case, keys)


@pytest.mark.parametrize("signer", ["service", "sfpd"])
def test_while_the_service_renews_its_key_either_certificate_passes(
    signer: str, reply_case: Case, keys: KeyRing, tmp_path: Path
) -> None:
    pems = [keys.folder / name / "certificate.pem" for name in ("service", "sfpd")]
    (tmp_path / "service.pem").write_bytes(b"".join(pem.read_bytes() for pem in pems))
    service = FakeService(keys.identity(signer), answer_to(reply_case))
    judge = Judge(service, keys, KeyRing(tmp_path).service())
    assert judge.judge(reply_case).passed


def test_a_signature_of_somebody_else_is_found(reply_case: Case, keys: KeyRing) -> None:
    service = FakeService(keys.identity("fedris"), answer_to(reply_case))
    assert "+signature: the token is not the service's" in lost(service, reply_case, keys)


@pytest.mark.parametrize(
    ("after", "line"),
    [
        (lambda b: b.replace(b"2019-12", b"2019-11"), "+signature: does not verify"),
        (lambda b: b.replace(b"<criteria>", b'<criteria xmlns="">'), '+xmlns="": found'),
        (lambda b: b[:-9], "+not well-formed"),
    ],
)
def test_a_spoiled_message_is_found(
    after: Callable[[bytes], bytes], line: str, reply_case: Case, keys: KeyRing
) -> None:
    service = FakeService(keys.identity("service"), answer_to(reply_case), after=after)
    assert line in lost(service, reply_case, keys)


def test_a_root_without_prefix_is_found(reply_case: Case, keys: KeyRing) -> None:
    content = answer_to(reply_case).replace(b"intf:", b"").replace(b"xmlns:intf", b"xmlns")
    service = FakeService(keys.identity("service"), content)
    assert "+root of the content: not prefixed" in lost(service, reply_case, keys)


def test_another_status_or_media_type_is_found(reply_case: Case, keys: KeyRing) -> None:
    identity, content = keys.identity("service"), answer_to(reply_case)
    assert "+HTTP status: 500" in lost(FakeService(identity, content, 500), reply_case, keys)
    soap12 = FakeService(identity, content, content_type="application/soap+xml")
    assert "-content: text/xml" in lost(soap12, reply_case, keys)


def test_no_answer_is_a_difference(reply_case: Case, keys: KeyRing) -> None:
    class Silent(FakeService):
        def __call__(self, message: HttpMessage) -> Answer:
            raise NoAnswer("no answer (ConnectionError)")

    service = Silent(keys.identity("service"), answer_to(reply_case))
    assert "+no answer (ConnectionError)" in lost(service, reply_case, keys)


def test_the_right_fault_passes(fault_case: Case, keys: KeyRing) -> None:
    assert FakeService(keys.identity("service"), FAULT, 500).judge(keys).judge(fault_case).passed


def test_the_faultcode_is_a_name_and_not_a_text(fault_case: Case, keys: KeyRing) -> None:
    content = FAULT.replace(b"soapenv:", b"s:").replace(b":soapenv=", b":s=")
    assert FakeService(keys.identity("service"), content, 500).judge(keys).judge(fault_case).passed
    undeclared = FAULT.replace(b">soapenv:Client", b">s:Client")
    service = FakeService(keys.identity("service"), undeclared, 500)
    assert "+faultcode: s:Client (prefix of None)" in lost(service, fault_case, keys)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (b":Client<", b":Server<", "+faultcode: soapenv:Server"),
        (b"FATAL", b"WARNING", "+detail: WARNING MSG00008"),
        (b"MSG00008", b"MSG00014", "+detail: FATAL MSG00014"),
        (b"<fieldValue>pattern", b"<fieldValue>0206", "+  information: informationCustomer/cu"),
        (b"<faultstring>Not valid.<", b"<faultstring> <", "+faultstring: "),
        (b"0b0e1f0e-", b"0B0E1F0E-", "+informationCBSS: not as DOMAIN 5 says"),
        (b"<severity>FATAL</severity>", b"", "+schema: not valid"),
        (
            b"<informationCBSS>",
            b"<informationCustomer><customerIdentification><cbeNumber>0900010144</cbeNumber>"
            b"</customerIdentification></informationCustomer><informationCBSS>",
            "-informationCustomer: not echoed",
        ),
    ],
)
def test_a_wrong_fault_is_found(
    old: bytes, new: bytes, line: str, fault_case: Case, keys: KeyRing
) -> None:
    assert FAULT.count(old) == 1
    service = FakeService(keys.identity("service"), FAULT.replace(old, new), 500)
    assert line in lost(service, fault_case, keys)


def test_a_fault_without_the_typed_detail_is_found(fault_case: Case, keys: KeyRing) -> None:
    content = FAULT.replace(b"consultFilesBySsinFault", b"anotherFault")
    service = FakeService(keys.identity("service"), content, 500)
    assert "+detail with ['intf:anotherFault']" in lost(service, fault_case, keys)


def test_an_unsigned_fault_where_it_must_be_signed(fault_case: Case, keys: KeyRing) -> None:
    service = FakeService(keys.identity("service"), FAULT, 500, SigningRecipe(none=True))
    assert "+signature: none" in lost(service, fault_case, keys)


def test_an_open_value_of_an_information(fault_case: Case, keys: KeyRing) -> None:
    assert fault_case.expect is not None
    first, second = fault_case.expect.information
    opened = first.model_copy(update={"value": None})
    expect = fault_case.expect.model_copy(update={"information": (opened, second)})
    case = fault_case.model_copy(update={"expect": expect})
    content = FAULT.replace(b"<fieldValue>pattern", b"<fieldValue>anything")
    assert FakeService(keys.identity("service"), content, 500).judge(keys).judge(case).passed


def test_the_echo_of_a_fault_after_authentication(keys: KeyRing) -> None:
    """MSG00002 comes after authentication and XSD: informationCustomer is echoed (DOMAIN 5)."""
    case = load_case(SAMPLES / "refused-all-sources-failed")
    request = etree.fromstring(case.request)
    customer = etree.tostring(request[0], with_tail=False)
    silent = FAULT.replace(b":Client<", b":Server<").replace(b"MSG00008", b"MSG00002")
    before, after = silent.split(b"<information>")[0], silent.split(b"</information>")[-1]
    entry = b"<fieldName>authenticSource</fieldName><fieldValue>WALLONIA</fieldValue>"
    silent = before + b"<information>" + entry + b"</information>" + after
    echoing = silent.replace(b"<informationCBSS>", customer + b"<informationCBSS>")
    identity = keys.identity("service")
    assert FakeService(identity, echoing, 500).judge(keys).judge(case).passed
    assert "+informationCustomer: not" in lost(FakeService(identity, silent, 500), case, keys)


def test_two_elements_in_the_body_are_found(reply_case: Case, keys: KeyRing) -> None:
    service = FakeService(keys.identity("service"), answer_to(reply_case) * 2)
    assert "+Body with 2 elements" in lost(service, reply_case, keys)


def test_a_second_security_header_is_found(reply_case: Case, keys: KeyRing) -> None:
    def twice(message: bytes) -> bytes:
        start, end = message.index(b"<wsse:Security "), message.index(b"</wsse:Security>") + 16
        return message[:end] + message[start:end] + message[end:]

    service = FakeService(keys.identity("service"), answer_to(reply_case), after=twice)
    assert "+signature: 2 Security headers" in lost(service, reply_case, keys)


def test_repeated_cases_judge_the_last_answer_to_the_same_bytes(
    reply_case: Case, keys: KeyRing
) -> None:
    service = FakeService(keys.identity("service"), answer_to(reply_case))
    send = reply_case.send.model_copy(update={"repeat": 3})
    assert service.judge(keys).judge(reply_case.model_copy(update={"send": send})).passed
    assert len(service.sent) == 3
    assert len({message.body for message in service.sent}) == 1


@pytest.mark.parametrize(
    ("answer", "passed"),
    [
        (Answer(405, {"allow": "POST", "content-type": "text/plain"}, b"Not allowed"), True),
        (Answer(404, {"allow": "POST", "content-type": "text/plain"}, b"Not found"), False),
        (Answer(405, {"content-type": "text/plain"}, b"Not allowed"), False),
        (Answer(405, {"allow": "POST", "content-type": "text/html"}, b"x" * 2000), False),
    ],
)
def test_plain_refusals(answer: Answer, passed: bool, keys: KeyRing, get_case: Case) -> None:
    judge = Judge(lambda _: answer, keys, keys.service())
    assert judge.judge(get_case).passed is passed
