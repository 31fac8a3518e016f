"""What the kit sends: signatures that independent verifiers accept, and spoiled ones on demand."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

from ksz_childbenefits.conformance.case import Case
from ksz_childbenefits.conformance.identity import KeyRing
from ksz_childbenefits.conformance.message import compose
from ksz_childbenefits.conformance.recipe import SendRecipe, SigningRecipe
from ksz_childbenefits.contract.namespaces import DS, SOAP_ENV, WSSE, WSU
from ksz_childbenefits.errors import DataError
from tests.conformance.conftest import NOW


def sent(case: Case, keys: KeyRing, sign: SigningRecipe, name: str = "fedris") -> etree._Element:
    message = compose(case.model_copy(update={"sign": sign}), keys.identity(name), NOW)
    return etree.fromstring(message.body)


def verified_by_xmlsec(root: etree._Element, certificate: x509.Certificate) -> bool:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(
        certificate.public_bytes(Encoding.PEM), xmlsec.constants.KeyDataFormatCertPem
    )
    for element in root.iter():
        if element.get(f"{{{WSU}}}Id"):
            context.register_id(element, "Id", WSU)
    try:
        context.verify(next(root.iter(f"{{{DS}}}Signature")))
    except xmlsec.Error:
        return False
    return True


def verified_by_signxml(root: etree._Element, certificate: x509.Certificate, parts: int) -> bool:
    expected = SignatureConfiguration(expect_references=parts)
    # Its schema of ds:Signature does not know InclusiveNamespaces.
    XMLVerifier().verify(root, x509_cert=certificate, expect_config=expected, validate_schema=False)
    return True


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("fedris", SigningRecipe()),
        ("fedris", SigningRecipe(algorithm="sha384", digest="sha384")),
        ("fedris", SigningRecipe(algorithm="sha512", digest="sha512")),
        ("fedris", SigningRecipe(algorithm="sha256-pss")),
        ("fedris", SigningRecipe(inclusive_prefixes=("soapenv", "intf"), line_breaks=True)),
        ("fedris", SigningRecipe(parts=("Body", "Timestamp"), key_info="issuer-serial")),
        ("sfpd", SigningRecipe()),
        ("sfpd", SigningRecipe(algorithm="sha384")),
    ],
)
def test_good_recipes_verify(
    name: str, recipe: SigningRecipe, reply_case: Case, keys: KeyRing
) -> None:
    certificate = keys.identity(name).certificate
    root = sent(reply_case, keys, recipe, name)
    assert verified_by_xmlsec(root, certificate)
    assert verified_by_signxml(root, certificate, len(recipe.parts))


def test_the_impostor_does_not_verify(reply_case: Case, keys: KeyRing) -> None:
    root = sent(reply_case, keys, SigningRecipe())
    assert not verified_by_xmlsec(root, keys.identity("service").certificate)


def children(root: etree._Element) -> list[str]:
    security = root.find(f"{{{SOAP_ENV}}}Header/{{{WSSE}}}Security")
    assert security is not None
    return [etree.QName(child).localname for child in security]


def test_the_children_of_security_are_those_of_the_recipe(reply_case: Case, keys: KeyRing) -> None:
    recipe = SigningRecipe(children=("Signature", "UsernameToken", "Timestamp", "Timestamp"))
    root = sent(reply_case, keys, recipe)
    assert children(root) == ["Signature", "UsernameToken", "Timestamp", "Timestamp"]
    names = [e.get(f"{{{WSU}}}Id") for e in root.iter(f"{{{WSU}}}Timestamp")]
    assert names == ["TS", "TS2"]


@pytest.mark.parametrize(
    ("recipe", "created", "expires"),
    [
        (SigningRecipe(), "2024-06-03T09:15:00.250Z", "2024-06-03T09:20:00.250Z"),
        (
            SigningRecipe(created=-60, expires=30),
            "2024-06-03T09:14:00.250Z",
            "2024-06-03T09:14:30.250Z",
        ),
        (
            SigningRecipe(zone="+02:00"),
            "2024-06-03T11:15:00.250+02:00",
            "2024-06-03T11:20:00.250+02:00",
        ),
        (SigningRecipe(zone="-05:00", expires="absent"), "2024-06-03T04:15:00.250-05:00", None),
        (SigningRecipe(zone=""), "2024-06-03T09:15:00.250", "2024-06-03T09:20:00.250"),
        (SigningRecipe(created="absent"), None, "2024-06-03T09:20:00.250Z"),
    ],
)
def test_times(
    recipe: SigningRecipe,
    created: str | None,
    expires: str | None,
    reply_case: Case,
    keys: KeyRing,
) -> None:
    root = sent(reply_case, keys, recipe)
    assert root.findtext(f".//{{{WSU}}}Created") == created
    assert root.findtext(f".//{{{WSU}}}Expires") == expires


def test_no_security_header_at_all(reply_case: Case, keys: KeyRing) -> None:
    root = sent(reply_case, keys, SigningRecipe(none=True))
    header = root.find(f"{{{SOAP_ENV}}}Header")
    assert header is not None
    assert len(header) == 0


def spoiled(case: Case, keys: KeyRing, **send: object) -> bytes:
    recipe = SendRecipe.model_validate(send)
    return compose(case.model_copy(update={"send": recipe}), keys.identity("fedris"), NOW).body


def test_encodings(reply_case: Case, keys: KeyRing) -> None:
    utf16 = spoiled(reply_case, keys, encoding="utf-16", declaration="UTF-16")
    assert utf16[:2] in (b"\xff\xfe", b"\xfe\xff")
    assert utf16.decode("utf-16").startswith('<?xml version="1.0" encoding="UTF-16"?>')
    assert spoiled(reply_case, keys, encoding="utf-8-sig").startswith(b"\xef\xbb\xbf<")
    padded = spoiled(reply_case, keys, pad_to=100_000)
    assert len(padded) == 100_000
    assert padded.rstrip() == padded.rstrip(b" ")
    assert padded.endswith(b"</soapenv:Envelope>" + b" " * (100_000 - len(padded.rstrip())))


def test_a_raw_request_goes_as_it_is(reply_case: Case, keys: KeyRing) -> None:
    assert spoiled(reply_case, keys, raw=True) == reply_case.request


def test_replacements_must_fit_exactly_once(reply_case: Case, keys: KeyRing) -> None:
    change = {"find": "<endMonth>2019-12", "put": "<endMonth>2018-12"}
    assert b"<endMonth>2018-12" in spoiled(reply_case, keys, replace=[change])
    for find in ("<endMonth>2020", "Month>"):
        with pytest.raises(DataError, match=r"accepted-plain: send\.replace"):
            spoiled(reply_case, keys, replace=[{"find": find, "put": ""}])


def test_headers(reply_case: Case, get_case: Case, keys: KeyRing) -> None:
    identity = keys.identity("fedris")
    usual = compose(reply_case, identity, datetime.now(UTC))
    action = '"http://kszbcss.fgov.be/child-benefits/consultFilesBySsin"'
    assert usual.headers == {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action}
    silent = reply_case.http.model_copy(
        update={"content_type": False, "soap_action": "", "headers": {"Expect": "100-continue"}}
    )
    message = compose(reply_case.model_copy(update={"http": silent}), identity, NOW)
    assert message.headers == {"SOAPAction": "", "Expect": "100-continue"}
    assert compose(get_case, identity, NOW).body == b""


def test_a_request_that_is_no_xml_is_the_authors_mistake(reply_case: Case, keys: KeyRing) -> None:
    case = reply_case.model_copy(update={"request": b"<intf:"})
    with pytest.raises(DataError, match=r"accepted-plain: request\.xml is not XML"):
        compose(case, keys.identity("fedris"), NOW)


def test_an_envelope_gets_the_header_that_it_lacks(reply_case: Case, keys: KeyRing) -> None:
    envelope = b"<s:Envelope xmlns:s='%s'>%%s</s:Envelope>" % SOAP_ENV.encode()
    case = reply_case.model_copy(update={"request": envelope % b"<s:Body/>"})
    root = sent(case, keys, SigningRecipe())
    assert [etree.QName(child).localname for child in root] == ["Header", "Body"]
    with pytest.raises(DataError, match="has a Body"):
        sent(case.model_copy(update={"request": envelope % b""}), keys, SigningRecipe())


def test_a_key_value_needs_an_rsa_key(reply_case: Case, keys: KeyRing) -> None:
    recipe = SigningRecipe(key_info="key-value")
    root = sent(reply_case, keys, recipe)
    assert root.find(f".//{{{DS}}}RSAKeyValue") is not None
    with pytest.raises(DataError, match="RSA key"):
        sent(reply_case, keys, recipe, "sfpd")
