"""Each row of SECURITY 3 that a message can break, with the fault of SECURITY 4."""

from __future__ import annotations

import gc
import time
import tracemalloc
from base64 import b64encode

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from ksz_childbenefits.contract.namespaces import DS, EC, SOAP_ENV, WSSE11
from ksz_childbenefits.errors import (
    FailedAuthentication,
    FailedCheck,
    Fault,
    InvalidSecurity,
    UnsupportedAlgorithm,
    UnsupportedToken,
)
from ksz_childbenefits.security.security_header import refuse_repeated_identifiers
from ksz_childbenefits.security.tokens import BASE64_BINARY, X509V3
from ksz_childbenefits.security.trust import Trust, TrustPolicy
from tests.security.checks import check, refusal
from tests.security.messages import PAYLOAD, SHA256, Recipe, algorithm_for, by_xmlsec
from tests.security.pki import Directory, ec_key, issue, pki, subject

ORDINARY = Recipe(algorithm=algorithm_for(pki().p256))
MESSAGE = by_xmlsec(ORDINARY, pki().p256).decode()
PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"


def replaced(old: str, new: str, count: int = -1) -> bytes:
    assert old in MESSAGE
    return MESSAGE.replace(old, new, count).encode()


def between(start: str, end: str) -> str:
    """The piece of the message from ``start`` to ``end``, both included."""
    begin = MESSAGE.index(start)
    return MESSAGE[begin : MESSAGE.index(end, begin) + len(end)]


STAMP = between("<wsu:Timestamp", "</wsu:Timestamp>")
TOKEN = between("<wsse:BinarySecurityToken", "</wsse:BinarySecurityToken>")
SIGNATURE = between("<ds:Signature ", "</ds:Signature>")
SECURITY = between("<wsse:Security ", "</wsse:Security>")
VALUE = between("<ds:SignatureValue>", "</ds:SignatureValue>")
REFERENCES = between('<ds:Reference URI="#Body-1">', "</ds:SignedInfo>").removesuffix(
    "</ds:SignedInfo>"
)
REFERENCE = between('<ds:Reference URI="#Body-1">', "</ds:Reference>")
STAMP_REFERENCE = between('<ds:Reference URI="#TS-1">', "</ds:Reference>")
DIGEST = between("<ds:DigestValue>", "</ds:DigestValue>")
TRANSFORMS = between("<ds:Transforms>", "</ds:Transforms>")
C14N = f'<ds:CanonicalizationMethod Algorithm="{EC}"/>'
METHOD = f'<ds:SignatureMethod Algorithm="{ORDINARY.algorithm}"/>'
KEY_INFO = between("<ds:KeyInfo>", "</ds:KeyInfo>")


def again(text: str) -> str:
    """The same part with identifiers of its own."""
    return text.replace('Id="', 'Id="again-')


STRUCTURE = {
    "no Header": (
        f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Body>{PAYLOAD}</s:Body></s:Envelope>'.encode()
    ),
    "no Security": replaced(SECURITY, ""),
    "Security for another actor only": replaced(
        "<wsse:Security ", '<wsse:Security s:actor="urn:x" '
    ),
    "two Security": replaced(SECURITY, SECURITY + "<wsse:Security/>"),
    "two Security, one with an empty actor": replaced(
        SECURITY, SECURITY + '<wsse:Security s:actor=""/>'
    ),
    "no Timestamp": replaced(STAMP, ""),
    "two Timestamps": replaced(STAMP, STAMP + again(STAMP)),
    "no Signature": replaced(SIGNATURE, ""),
    "two Signatures": replaced(SIGNATURE, SIGNATURE + SIGNATURE),
    "two tokens": replaced(TOKEN, TOKEN + again(TOKEN)),
    "no token": replaced(TOKEN, ""),
    "reference to another token": replaced("#X509-1", "#X509-2"),
    "reference to an outer token": replaced('URI="#X509-1" ', 'URI="http://x/#X509-1" '),
    "no Created": replaced(between("<wsu:Created", "</wsu:Created>"), ""),
    "two Created": replaced(
        "<wsu:Expires", "<wsu:Created>2026-03-10T12:00:00Z</wsu:Created><wsu:Expires"
    ),
    "two Expires": replaced(
        "</wsu:Timestamp>", "<wsu:Expires>2026-03-10T12:01:00Z</wsu:Expires></wsu:Timestamp>"
    ),
    "Created without zone": replaced("12:00:00.000Z", "12:00:00.000"),
    "Created with an element": replaced("12:00:00.000Z", "12:00:00.000Z<x/>"),
    "no SignedInfo": replaced(between("<ds:SignedInfo>", "</ds:SignedInfo>"), ""),
    "no SignatureValue": replaced(VALUE, ""),
    "empty SignatureValue": replaced(VALUE, "<ds:SignatureValue/>"),
    "no KeyInfo": replaced(KEY_INFO, ""),
    "empty KeyInfo": replaced(KEY_INFO, "<ds:KeyInfo/>"),
    "an Object": replaced("</ds:KeyInfo>", "</ds:KeyInfo><ds:Object/>"),
    "parts of Signature in another order": replaced(KEY_INFO, "").replace(
        VALUE.encode(), (KEY_INFO + VALUE).encode()
    ),
    "no references": replaced(REFERENCES, ""),
    "nine references": replaced(REFERENCE, REFERENCE * 7),
    "nine hundred references": replaced(REFERENCE, REFERENCE * 900),
    "a part referenced twice": replaced(REFERENCE, REFERENCE * 2),
    "a part referenced by two identifiers": replaced(
        REFERENCE, REFERENCE + REFERENCE.replace("#Body-1", "#Body-2")
    ).replace(b'<s:Body wsu:Id="Body-1"', b'<s:Body wsu:Id="Body-1" Id="Body-2"'),
    "only Body signed": replaced(STAMP_REFERENCE, ""),
    "only Timestamp signed": replaced(REFERENCE, ""),
    "reference to the whole document": replaced('URI="#Body-1"', 'URI=""'),
    "reference without URI": replaced('<ds:Reference URI="#Body-1">', "<ds:Reference>"),
    "reference without name": replaced('URI="#Body-1"', 'URI="#"'),
    "reference to the outside": replaced('URI="#Body-1"', 'URI="http://localhost/Body-1"'),
    "reference to an attachment": replaced('URI="#Body-1"', 'URI="cid:Body-1"'),
    "no CanonicalizationMethod": replaced(C14N, ""),
    "no DigestValue": replaced(DIGEST, ""),
    "base64 that is none": replaced("<ds:DigestValue>", "<ds:DigestValue>*"),
    "base64 with stray bits": replaced(DIGEST, f"<ds:DigestValue>{'A' * 42}B=</ds:DigestValue>"),
    "base64 of other alphabets": replaced(
        DIGEST, "<ds:DigestValue>\uff21\uff21\uff21\uff21</ds:DigestValue>"
    ),
    "a token that is no certificate": replaced(
        TOKEN, TOKEN[: TOKEN.index(">") + 1] + "AAAA</wsse:BinarySecurityToken>"
    ),
    "an empty token": replaced(
        TOKEN, TOKEN[: TOKEN.index(">") + 1] + "</wsse:BinarySecurityToken>"
    ),
    "parameters in SignatureMethod": replaced(
        METHOD,
        METHOD.replace("/>", "><ds:HMACOutputLength>1</ds:HMACOutputLength></ds:SignatureMethod>"),
    ),
    "PrefixList of two elements": replaced(
        C14N,
        f'<ds:CanonicalizationMethod Algorithm="{EC}" xmlns:ec="{EC}"><ec:InclusiveNamespaces/>'
        "<ec:InclusiveNamespaces/></ds:CanonicalizationMethod>",
    ),
    "PrefixList that is too long": replaced(
        C14N,
        f'<ds:CanonicalizationMethod Algorithm="{EC}" xmlns:ec="{EC}"><ec:InclusiveNamespaces '
        f'PrefixList="{" ".join(f"p{number}" for number in range(65))}"/>'
        "</ds:CanonicalizationMethod>",
    ),
    "enveloped-signature twice": replaced(
        "<ds:Transforms>",
        "<ds:Transforms>" + f'<ds:Transform Algorithm="{DSIG}enveloped-signature"/>' * 2,
    ),
    "no transform in Transforms": replaced(TRANSFORMS, "<ds:Transforms/>"),
}


@pytest.mark.parametrize("name", STRUCTURE)
def test_a_malformed_security_header_is_invalid_security(name: str) -> None:
    assert refusal(STRUCTURE[name]) is InvalidSecurity


ALGORITHMS = {
    "RSA-SHA1": replaced(ORDINARY.algorithm, f"{DSIG}rsa-sha1"),
    "RSA-MD5": replaced(ORDINARY.algorithm, f"{MORE}rsa-md5"),
    "RSA-SHA224": replaced(ORDINARY.algorithm, f"{MORE}rsa-sha224"),
    "ECDSA-SHA1": replaced(ORDINARY.algorithm, f"{MORE}ecdsa-sha1"),
    "DSA": replaced(ORDINARY.algorithm, f"{DSIG}dsa-sha1"),
    "HMAC-SHA256": replaced(ORDINARY.algorithm, f"{MORE}hmac-sha256"),
    "PSS with parameters": replaced(
        ORDINARY.algorithm, "http://www.w3.org/2007/05/xmldsig-more#rsa-pss"
    ),
    "no algorithm": replaced(f' Algorithm="{ORDINARY.algorithm}"', ""),
    "digest SHA-1": replaced(SHA256, f"{DSIG}sha1"),
    "digest MD5": replaced(SHA256, f"{MORE}md5"),
    "c14n inclusive": replaced(EC, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "c14n 1.1": replaced(EC, "http://www.w3.org/2006/12/xml-c14n11"),
    "c14n with comments": replaced(EC, f"{EC}WithComments"),
    "c14n of SignedInfo with comments": replaced(EC, f"{EC}WithComments", 1),
    "transform XPath": replaced(
        "<ds:Transforms>",
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
        "<ds:XPath>true()</ds:XPath></ds:Transform>",
    ),
    "transform XPath filter": replaced(
        "<ds:Transforms>",
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"/>',
    ),
    "transform XSLT": replaced(
        "<ds:Transforms>",
        '<ds:Transforms><ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>',
    ),
    "transform base64": replaced(
        "<ds:Transforms>", f'<ds:Transforms><ds:Transform Algorithm="{DSIG}base64"/>'
    ),
    "canonicalised twice": replaced(
        "<ds:Transforms>", f'<ds:Transforms><ds:Transform Algorithm="{EC}"/>'
    ),
    "enveloped-signature last": replaced(
        "</ds:Transforms>",
        f'<ds:Transform Algorithm="{DSIG}enveloped-signature"/></ds:Transforms>',
    ),
    "STR-Transform": replaced(
        TRANSFORMS,
        "<ds:Transforms><ds:Transform Algorithm="
        '"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0'
        '#STR-Transform"/></ds:Transforms>',
    ),
    "no Transforms": replaced(TRANSFORMS, ""),
    "encrypted key": replaced(STAMP, f'<x:EncryptedKey xmlns:x="{XENC}"/>{STAMP}'),
    "encrypted body": replaced("<criteria>", f'<criteria><x:EncryptedData xmlns:x="{XENC}"/>'),
    "enveloped signature that is one": replaced(
        "<wsse:Security ", '<wsse:Security wsu:Id="Sec-1" '
    ).replace(
        REFERENCE.encode(),
        REFERENCE.replace("#Body-1", "#Sec-1")
        .replace(
            "<ds:Transforms>",
            f'<ds:Transforms><ds:Transform Algorithm="{DSIG}enveloped-signature"/>',
        )
        .encode()
        + REFERENCE.encode(),
    ),
}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_other_algorithms_are_unsupported(name: str) -> None:
    assert refusal(ALGORITHMS[name]) is UnsupportedAlgorithm


REFERENCE_TO_TOKEN = between("<wsse:Reference", "/>")


def key_info(content: str) -> bytes:
    return replaced(REFERENCE_TO_TOKEN, content)


IDENTIFIER = '<wsse:KeyIdentifier ValueType="{}"{}>AAAA</wsse:KeyIdentifier>'
CERTIFICATE = TOKEN[TOKEN.index(">") + 1 : TOKEN.rindex("<")]

TOKENS = {
    "PKIPath": replaced(X509V3, f"{PROFILE}#X509PKIPathv1"),
    "PKCS7": replaced(X509V3, f"{PROFILE}#PKCS7"),
    "X509v1": replaced(X509V3, f"{PROFILE}#X509v1"),
    "PKIPath in the token only": replaced(X509V3, f"{PROFILE}#X509PKIPathv1", 1),
    "no ValueType in the token": replaced(f'ValueType="{X509V3}"', "", 1),
    "token in hexadecimal": replaced(BASE64_BINARY, f"{BASE64_BINARY}Hex"),
    "TokenType": replaced(
        "<wsse:SecurityTokenReference>",
        f'<wsse:SecurityTokenReference xmlns:w="{WSSE11}" w:TokenType="{PROFILE}#PKCS7">',
    ),
    "KeyValue": replaced(KEY_INFO, "<ds:KeyInfo><ds:KeyValue/></ds:KeyInfo>"),
    "KeyName": replaced(KEY_INFO, "<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo>"),
    "X509Data in KeyInfo": replaced(
        KEY_INFO,
        f"<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{CERTIFICATE}</ds:X509Certificate>"
        "</ds:X509Data></ds:KeyInfo>",
    ),
    "KeyName beside the reference": replaced("<ds:KeyInfo>", "<ds:KeyInfo><ds:KeyName/>"),
    "two references": key_info(REFERENCE_TO_TOKEN * 2),
    "embedded token": key_info("<wsse:Embedded><x/></wsse:Embedded>"),
    "embedded certificate": key_info(
        f"<ds:X509Data><ds:X509Certificate>{CERTIFICATE}</ds:X509Certificate></ds:X509Data>"
    ),
    "issuer and serial with a certificate": key_info(
        "<ds:X509Data><ds:X509IssuerSerial/><ds:X509Certificate/></ds:X509Data>"
    ),
    "subject name": key_info("<ds:X509Data><ds:X509SubjectName/></ds:X509Data>"),
    "whole certificate as KeyIdentifier": key_info(IDENTIFIER.format(X509V3, "")),
    "KeyIdentifier without ValueType": key_info("<wsse:KeyIdentifier>AA==</wsse:KeyIdentifier>"),
    "KeyIdentifier in hexadecimal": key_info(
        IDENTIFIER.format(f"{PROFILE}#X509SubjectKeyIdentifier", ' EncodingType="urn:hex"')
    ),
}


@pytest.mark.parametrize("name", TOKENS)
def test_other_tokens_are_unsupported(name: str) -> None:
    assert refusal(TOKENS[name]) is UnsupportedToken


def issuer_serial(name: str, serial: str) -> bytes:
    return key_info(
        f"<ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>{name}</ds:X509IssuerName>"
        f"<ds:X509SerialNumber>{serial}</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data>"
    )


REGISTERED: dict[str, tuple[bytes, type[Fault]]] = {
    "unknown key identifier": (
        key_info(IDENTIFIER.format(f"{PROFILE}#X509SubjectKeyIdentifier", "")),
        FailedAuthentication,
    ),
    "unknown serial": (issuer_serial("CN=Root,O=Tests\\, Inc.,C=BE", "1"), FailedAuthentication),
    "serial that is no number": (issuer_serial("CN=Root", "0x1"), InvalidSecurity),
    "serial of other digits": (issuer_serial("CN=Root", "\u0661"), InvalidSecurity),
    "serial without end": (issuer_serial("CN=Root", "1" * 5000), InvalidSecurity),
    "issuer that is no name": (issuer_serial("Root", "1"), InvalidSecurity),
    "issuer with a name unheard of": (issuer_serial("ROOT=x", "1"), InvalidSecurity),
    "issuer of broken bytes": (issuer_serial("CN=\\ff\\fe", "1"), InvalidSecurity),
    "issuer without end": (issuer_serial("a" * 100_000, "1"), InvalidSecurity),
}


@pytest.mark.parametrize("name", REGISTERED)
def test_a_certificate_that_is_not_registered(name: str) -> None:
    message, fault = REGISTERED[name]
    assert refusal(message, directory=Directory(pki().p256.certificate)) is fault


def large() -> bytes:
    """A message whose token is a stranger's certificate with as much in it as there is room."""
    filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bytes(150_000))
    made = issue(None, subject("Large"), ec_key(1), filler).certificate
    token = b64encode(made.public_bytes(Encoding.DER)).decode()
    return replaced(TOKEN, TOKEN[: TOKEN.index(">") + 1] + token + "</wsse:BinarySecurityToken>")


def test_strangers_do_not_fill_the_memory_with_certificates() -> None:
    messages = [large() for _ in range(10)]
    tracemalloc.start()
    try:
        assert {refusal(message) for message in messages} == {FailedAuthentication}
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 500_000
    finally:
        tracemalloc.stop()


def test_a_reference_to_nothing_does_not_verify() -> None:
    assert refusal(replaced('URI="#Body-1"', 'URI="#Body-2"')) is FailedCheck
    assert refusal(replaced('URI="#Body-1"', "URI=\"#xpointer(id('Body-1'))\"")) is FailedCheck


def test_a_reference_to_something_inside_does_not_verify() -> None:
    """Only Body, Timestamp, token and direct children of Header can be referenced."""
    message = replaced("<criteria>", '<criteria wsu:Id="inner">').replace(b"#X509-1", b"#inner", 1)
    assert refusal(message) is FailedCheck


def test_a_part_without_canonical_form_does_not_verify() -> None:
    assert refusal(replaced("<criteria>", '<criteria xmlns:r="relative">')) is FailedCheck


def test_eight_references_are_accepted_and_a_policy_can_allow_fewer() -> None:
    parts = tuple(f"H-{number}" for number in range(5))
    headers = "".join(f'<x:h xmlns:x="urn:x" wsu:Id="{part}"/>' for part in parts)
    recipe = ORDINARY.with_(other_headers=headers, header_parts=parts)
    message = by_xmlsec(recipe, pki().p256)
    assert check(message)
    strict = Trust(TrustPolicy(pki().policy().anchors, max_references=7))
    assert refusal(message, trust=strict) is InvalidSecurity


def test_a_policy_can_allow_fewer_algorithms() -> None:
    anchors = pki().policy().anchors
    signatures = Trust(TrustPolicy(anchors, signature_algorithms=frozenset({f"{MORE}rsa-sha256"})))
    digests = Trust(TrustPolicy(anchors, digest_algorithms=frozenset({f"{XENC}sha512"})))
    assert refusal(MESSAGE.encode(), trust=signatures) is UnsupportedAlgorithm
    assert refusal(MESSAGE.encode(), trust=digests) is UnsupportedAlgorithm


def test_the_log_names_algorithms_but_nothing_made_up() -> None:
    assert "rsa-sha1" in reason(ALGORITHMS["RSA-SHA1"])
    assert "850" not in reason(replaced(ORDINARY.algorithm, "85073003328"))
    assert "850" not in reason(replaced(ORDINARY.algorithm, "http://www.w3.org/2001/x85073003328"))


def reason(message: bytes) -> str:
    with pytest.raises(Fault) as caught:
        check(message)
    return caught.value.reason


def test_the_issuers_own_name_cannot_stand_for_another() -> None:
    """A blank that is part of a name is not one after a comma."""
    encoded = b64encode(b"x").decode()
    assert refusal(issuer_serial(f"CN={encoded}\\, C=BE", "1")) is FailedAuthentication


def test_identifiers_in_comments_do_not_count() -> None:
    root = etree.fromstring(MESSAGE)
    root.append(etree.Comment(f'<x xmlns:d="{DS}" Id="Body-1"/>'))
    assert check(etree.tostring(root))


def test_thousands_of_identifiers_take_no_long_time() -> None:
    some = '<a s:Id="" wsu:Id="" xml:id="a" ID="" id="" Id=""/>'
    root = etree.fromstring(
        replaced("</s:Header>", some * 4900 + "</s:Header>"), etree.XMLParser(collect_ids=False)
    )
    started = time.process_time()
    with pytest.raises(InvalidSecurity):
        refuse_repeated_identifiers(root)
    assert time.process_time() - started < 0.1
