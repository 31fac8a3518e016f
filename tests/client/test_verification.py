"""Which replies the plugin accepts, and that only what was signed is left to be read."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import timedelta

import pytest
from lxml import etree

from ksz_childbenefits.client import Signature, UnsignedFault, UntrustedReply
from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE, WSU
from tests.client.conftest import NOW, Party, message

BODY = f"{{{SOAP_ENV}}}Body"
HEADER = f"{{{SOAP_ENV}}}Header"
SECURITY = f"{HEADER}/{{{WSSE}}}Security"
ID = f"{{{WSU}}}Id"
FAULT = (
    "<s:Fault><faultcode>s:Server</faultcode><faultstring>unavailable</faultstring><detail>"
    '<f:x xmlns:f="urn:f"><informationCBSS><ticketCBSS>t-1</ticketCBSS></informationCBSS>'
    "<detail><severity>FATAL</severity><reasonCode>MSG00001</reasonCode>"
    "<diagnostic>busy</diagnostic><authorCode>KSZ</authorCode>"
    "<information><fieldName>a</fieldName><fieldValue>b</fieldValue></information></detail>"
    "</f:x></detail></s:Fault>"
)


def reply(provider: Party, customer: Party, content: str | None = None) -> etree._Element:
    """A reply that the service signed at NOW, as the customer parses it."""
    unsigned = message() if content is None else message(content)
    envelope, _ = provider.signature(customer).apply(unsigned, {})
    return etree.fromstring(etree.tostring(envelope))


def forged_body() -> etree._Element:
    return copy.deepcopy(message('<a:b xmlns:a="urn:a"><c>forged</c></a:b>')[0])


@pytest.mark.parametrize("content", [None, FAULT], ids=["reply", "fault"])
def test_what_the_service_signed_is_read(
    customer: Party, provider: Party, content: str | None
) -> None:
    envelope = reply(provider, customer, content)
    read = etree.tostring(envelope[1][0], method="c14n", exclusive=True)
    customer.signature(provider).verify(envelope)
    assert [child.tag for child in envelope] == [BODY]
    assert etree.tostring(envelope[0][0], method="c14n", exclusive=True) == read


def test_an_ec_key_of_the_service_is_accepted(customer: Party, ec_customer: Party) -> None:
    customer.signature(ec_customer).verify(reply(ec_customer, customer))


@pytest.mark.parametrize("signer", ["provider", "ec_customer"])
@pytest.mark.parametrize("turn", [1, -1])
def test_while_the_service_renews_its_key_either_certificate_is_accepted(
    signer: str, turn: int, request: pytest.FixtureRequest, customer: Party, stranger: Party
) -> None:
    """An RSA key and an EC key, in either order; a third one is refused."""
    both = [request.getfixturevalue(name) for name in ("provider", "ec_customer")][::turn]
    pems = b"".join(party.certificate_pem for party in both)
    plugin = Signature(customer.key_pem, customer.certificate_pem, pems, clock=lambda: NOW)
    plugin.verify(reply(request.getfixturevalue(signer), customer))
    with pytest.raises(UntrustedReply):
        plugin.verify(reply(stranger, customer))


def test_other_children_of_header_are_dropped(customer: Party, provider: Party) -> None:
    envelope = reply(provider, customer)
    etree.SubElement(envelope[0], "{urn:a}unsigned")
    customer.signature(provider).verify(envelope)
    assert envelope.find(".//{urn:a}unsigned") is None


def _change_text(envelope: etree._Element) -> None:
    envelope.find(f"{BODY}//c").text = "85074"


def _change_created(envelope: etree._Element) -> None:
    envelope.find(f".//{{{WSU}}}Created").text = "2026-03-02T09:30:00.001Z"


def _drop_signature(envelope: etree._Element) -> None:
    envelope.find(SECURITY).remove(envelope.find(f"{SECURITY}/{{{DS}}}Signature"))


def _drop_header(envelope: etree._Element) -> None:
    envelope.remove(envelope.find(HEADER))


def _double_signature(envelope: etree._Element) -> None:
    envelope.find(SECURITY).append(copy.deepcopy(envelope.find(f"{SECURITY}/{{{DS}}}Signature")))


def _empty_signature_value(envelope: etree._Element) -> None:
    envelope.find(f".//{{{DS}}}SignatureValue").text = None


def _forged_body_before(envelope: etree._Element) -> None:
    envelope.insert(1, forged_body())


def _forged_body_after(envelope: etree._Element) -> None:
    envelope.append(forged_body())


def _body_wrapped_in_header(envelope: etree._Element) -> None:
    wrapper = etree.SubElement(envelope[0], "{urn:a}wrapper")
    wrapper.append(envelope.find(BODY))
    envelope.append(forged_body())


def _body_wrapped_in_security(envelope: etree._Element) -> None:
    wrapper = etree.SubElement(envelope.find(SECURITY), "{urn:a}wrapper")
    wrapper.append(envelope.find(BODY))
    envelope.append(forged_body())


def _body_wrapped_in_an_object(envelope: etree._Element) -> None:
    wrapper = etree.SubElement(envelope.find(f".//{{{DS}}}Signature"), f"{{{DS}}}Object")
    wrapper.append(envelope.find(BODY))
    envelope.append(forged_body())


def _same_id_on_a_forged_body(envelope: etree._Element) -> None:
    _body_wrapped_in_header(envelope)
    envelope.find(BODY).set(ID, envelope.find(f"{HEADER}//{BODY}").get(ID))


def _forged_body_around(envelope: etree._Element) -> None:
    body = envelope.find(BODY)
    outer = forged_body()
    outer[0].append(body)
    envelope.append(outer)


def _forged_timestamp(envelope: etree._Element) -> None:
    wrapper = etree.SubElement(envelope[0], "{urn:a}wrapper")
    wrapper.append(envelope.find(f"{SECURITY}/{{{WSU}}}Timestamp"))
    _change_created(envelope)


def _processing_instruction(envelope: etree._Element) -> None:
    envelope.find(f"{BODY}//c").append(etree.ProcessingInstruction("x"))


@pytest.mark.parametrize(
    "tamper",
    [
        _change_text,
        _change_created,
        _drop_signature,
        _drop_header,
        _double_signature,
        _empty_signature_value,
        _forged_body_before,
        _forged_body_after,
        _body_wrapped_in_header,
        _body_wrapped_in_security,
        _body_wrapped_in_an_object,
        _same_id_on_a_forged_body,
        _forged_body_around,
        _forged_timestamp,
        _processing_instruction,
    ],
)
def test_a_tampered_reply_is_refused(
    customer: Party, provider: Party, tamper: Callable[[etree._Element], None]
) -> None:
    envelope = reply(provider, customer)
    tamper(envelope)
    with pytest.raises(UntrustedReply):
        customer.signature(provider).verify(envelope)


def test_the_certificate_in_the_reply_counts_for_nothing(
    customer: Party, provider: Party, stranger: Party
) -> None:
    with pytest.raises(UntrustedReply):
        customer.signature(provider).verify(reply(stranger, customer))


def test_the_customers_own_signature_is_no_reply(customer: Party, provider: Party) -> None:
    with pytest.raises(UntrustedReply):
        customer.signature(provider).verify(reply(customer, provider))


@pytest.mark.parametrize(
    ("age", "accepted"), [(299, True), (301, False), (-59, True), (-61, False)]
)
def test_a_reply_is_fresh_from_a_minute_ahead_to_five_minutes_old(
    customer: Party, provider: Party, age: int, accepted: bool
) -> None:
    plugin = customer.signature(provider, NOW + timedelta(seconds=age))
    if accepted:
        plugin.verify(reply(provider, customer))
    else:
        with pytest.raises(UntrustedReply, match=r"expired|future"):
            plugin.verify(reply(provider, customer))


@pytest.mark.parametrize(
    ("created", "expires"),
    [
        (None, None),
        ("2026-03-02T09:30:00", None),
        ("yesterday", None),
        ("2026-03-02T09:30:00Z", "2026-03-02T09:29:00Z"),
        ("2026-03-02T09:30:00Z", "2026-03-02T09:35:00"),
    ],
)
def test_a_signed_timestamp_must_tell_a_time_with_a_zone(
    customer: Party,
    provider: Party,
    monkeypatch: pytest.MonkeyPatch,
    created: str | None,
    expires: str | None,
) -> None:
    signer = provider.signature(customer)
    monkeypatch.setattr(
        signer, "_add_timestamp", lambda security: _timestamp(security, created, expires)
    )
    envelope, _ = signer.apply(message(), {})
    with pytest.raises(UntrustedReply):
        customer.signature(provider).verify(envelope)


def _timestamp(
    security: etree._Element, created: str | None, expires: str | None
) -> etree._Element:
    timestamp = etree.SubElement(security, f"{{{WSU}}}Timestamp", {ID: "timestamp-1"})
    for name, text in (("Created", created), ("Expires", expires)):
        if text is not None:
            etree.SubElement(timestamp, f"{{{WSU}}}{name}").text = text
    return timestamp


def test_a_signature_over_the_body_alone_is_refused(
    customer: Party, provider: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = provider.signature(customer)
    sign = signer._signature
    monkeypatch.setattr(signer, "_signature", lambda env, ids, token: sign(env, ids[2:], token))
    envelope, _ = signer.apply(message(), {})
    with pytest.raises(UntrustedReply, match="Timestamp"):
        customer.signature(provider).verify(envelope)


def test_an_unsigned_fault_says_so(customer: Party, provider: Party) -> None:
    with pytest.raises(UnsignedFault) as caught:
        customer.signature(provider).verify(message(FAULT))
    fault = caught.value
    assert (fault.code, fault.text, fault.reason_code) == ("s:Server", "unavailable", "MSG00001")
    assert (fault.ticket_cbss, fault.ticket) == ("t-1", None)
    assert fault.messages[0].severity == "FATAL"
    assert fault.messages[0].information == (("a", "b"),)
    assert str(fault) == ("unsigned fault: unavailable (s:Server, MSG00001, ticketCBSS t-1); a: b")


def test_an_unsigned_fault_without_detail_has_no_reason(customer: Party, provider: Party) -> None:
    bare = "<s:Fault><faultcode>s:Client</faultcode><faultstring>no</faultstring></s:Fault>"
    with pytest.raises(UnsignedFault) as caught:
        customer.signature(provider).verify(message(bare))
    assert caught.value.reason_code is None
    assert caught.value.ticket_cbss is None
    assert str(caught.value) == "unsigned fault: no (s:Client)"


def test_what_is_no_envelope_is_refused(customer: Party, provider: Party) -> None:
    with pytest.raises(UntrustedReply, match="no SOAP"):
        customer.signature(provider).verify(etree.fromstring("<html/>"))


@pytest.mark.parametrize("days", [-2, 731])
def test_a_certificate_of_another_time_is_refused(
    customer: Party, provider: Party, days: int
) -> None:
    moment = NOW + timedelta(days=days)
    envelope, _ = provider.signature(customer, moment).apply(message(), {})
    with pytest.raises(UntrustedReply, match="certificate"):
        customer.signature(provider, moment).verify(envelope)
