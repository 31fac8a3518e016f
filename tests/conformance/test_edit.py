"""What an edit does to a message, and what an author is told who asks for the impossible."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from lxml import etree
from pydantic import ValidationError

from ksz_childbenefits.conformance.edit import NAMESPACES, Edit, apply
from ksz_childbenefits.conformance.spelling import REFERENCE, respell
from ksz_childbenefits.contract.namespaces import SOAP_ENV, WSU
from ksz_childbenefits.errors import DataError

MESSAGE = f'<e:E xmlns:e="{SOAP_ENV}"><a wsu:Id="A" xmlns:wsu="{WSU}">1</a><b/><c><d/></c></e:E>'


def changed(**edit: object) -> str:
    root = etree.fromstring(MESSAGE)
    apply(root, (Edit.model_validate(edit),), {"now": "TODAY"})
    return etree.tostring(root, method="c14n", exclusive=True).decode()


def plain(text: str) -> str:
    """Without what every result begins and ends with."""
    return text.removeprefix(f'<e:E xmlns:e="{SOAP_ENV}">').removesuffix("</e:E>")


A = f'<a xmlns:wsu="{WSU}" wsu:Id="A">1</a>'
X = 'xmlns:x="urn:x"'


@pytest.mark.parametrize(
    ("edit", "result"),
    [
        ({"move": "//b", "into": "//c"}, f"{A}<c><d></d><b></b></c>"),
        ({"move": "//b", "first": "//c"}, f"{A}<c><b></b><d></d></c>"),
        ({"move": "//c", "before": "//a"}, f"<c><d></d></c>{A}<b></b>"),
        ({"move": "//b", "instead": "//d"}, f"{A}<c><b></b></c>"),
        (
            {"move": "//b", "after": "//c", "inside": "<x:W/>"},
            f"{A}<c><d></d></c><x:W {X}><b></b></x:W>",
        ),
        ({"copy": "//d", "into": "/*"}, f"{A}<b></b><c><d></d></c><d></d>"),
        ({"remove": "//c"}, f"{A}<b></b>"),
        ({"insert": "<n>{now}</n><m/>", "after": "//a"}, f"{A}<n>TODAY</n><m></m><b></b>"),
        ({"insert": "<n/><m/>", "first": "//c"}, f"{A}<b></b><c><n></n><m></m><d></d></c>"),
        ({"insert": "<n/>", "times": 3, "into": "//d"}, "<d><n></n><n></n><n></n></d>"),
        (
            {"set": "//a", "drop": ["wsu:Id"], "attributes": {"xml:id": "{now}", "k": "v"}},
            '<a k="v" xml:id="TODAY">1</a>',
        ),
        ({"text": "//b", "put": "ab", "times": 2}, "<b>abab</b>"),
        ({"rename": "//b", "put": "x:b"}, '<ns0:b xmlns:ns0="urn:x"></ns0:b>'),
        ({"spell": "//a", "as": "nothing"}, f'<a xmlns:wsu="{WSU}" wsu:Id="A"></a>'),
    ],
)
def test_an_edit(edit: dict[str, object], result: str) -> None:
    assert result in plain(changed(**edit))


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        ({"remove": "//x"}, "//x finds 0 elements"),
        ({"remove": "/*/*"}, "finds 3 elements"),
        ({"remove": "//@*"}, "finds 1 elements, not one"),
        ({"remove": "count(//b)"}, "finds 0 elements"),
        ({"remove": "//["}, r"//\["),
        ({"remove": "/*"}, "the root stays"),
        ({"insert": "<n>", "into": "//b"}, "is not XML"),
        ({"rename": "//b", "put": "nobody:b"}, "no prefix of an edit"),
    ],
)
def test_an_edit_that_cannot_be_made(edit: dict[str, object], complaint: str) -> None:
    with pytest.raises(DataError, match=complaint):
        changed(**edit)


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        ({}, "exactly one of move"),
        ({"move": "//a", "copy": "//b", "into": "//c"}, "exactly one of move"),
        ({"move": "//a"}, "one of into"),
        ({"move": "//a", "into": "//b", "after": "//b"}, "one of into"),
        ({"remove": "//a", "into": "//b"}, "none of into"),
        ({"spell": "//a"}, "spell and as go together"),
        ({"text": "//a", "as": "lines"}, "spell and as go together"),
        ({"move": "//a", "onto": "//b"}, "Extra inputs"),
    ],
)
def test_an_edit_that_is_none(edit: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Edit.model_validate(edit)


def test_the_fixed_prefixes_need_no_declaration() -> None:
    for prefix, uri in NAMESPACES.items():
        root = etree.fromstring(MESSAGE)
        apply(root, (Edit(insert=f"<{prefix}:n/>", into="//b"),), {})
        assert root[1][0].tag == f"{{{uri}}}n"


OCTETS = bytes(range(40))


def spelled(spelling: str, octets: bytes = OCTETS) -> str:
    element = etree.Element("v")
    element.text = base64.b64encode(octets).decode()
    respell(element, spelling)  # type: ignore[arg-type]
    return element.text or ""


@pytest.mark.parametrize("spelling", ["lines", "blanks", "CDATA"])
def test_letters_that_say_the_same(spelling: str) -> None:
    assert base64.b64decode("".join(spelled(spelling).split())) == OCTETS


def test_character_references_say_the_same_once_written() -> None:
    written = f"<v>{spelled('character references').replace(REFERENCE, '&#')}</v>"
    assert etree.fromstring(written).text == base64.b64encode(OCTETS).decode()


def test_stray_bits_are_other_letters_of_the_same_octets() -> None:
    assert spelled("stray bits") != base64.b64encode(OCTETS).decode()
    assert base64.b64decode(spelled("stray bits")) == OCTETS
    with pytest.raises(DataError, match="has padding"):
        spelled("stray bits", bytes(39))


@pytest.mark.parametrize(
    ("spelling", "result"),
    [
        ("one octet less", OCTETS[:-1]),
        ("one octet more", OCTETS + b"\0"),
        ("half", OCTETS[:20]),
        ("twice", OCTETS * 2),
        ("zeros", bytes(40)),
        ("ones", b"\xff" * 40),
        ("zero in front", b"\0" + OCTETS),
        ("one bit flipped", OCTETS[:20] + b"\x15" + OCTETS[21:]),
    ],
)
def test_other_octets(spelling: str, result: bytes) -> None:
    assert base64.b64decode(spelled(spelling)) == result


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1()])
def test_the_other_s_verifies_as_well(curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    first, second = decode_dss_signature(key.sign(b"text", ec.ECDSA(hashes.SHA256())))
    size = curve.key_size // 8
    raw = first.to_bytes(size, "big") + second.to_bytes(size, "big")
    other = base64.b64decode(spelled("the other s", raw))
    assert other != raw
    halves = (int.from_bytes(part, "big") for part in (other[:size], other[size:]))
    key.public_key().verify(encode_dss_signature(*halves), b"text", ec.ECDSA(hashes.SHA256()))
    der = base64.b64decode(spelled("DER", raw))
    key.public_key().verify(der, b"text", ec.ECDSA(hashes.SHA256()))
    assert base64.b64decode(spelled("r is zero", raw)) == bytes(size) + raw[size:]


def test_values_of_another_length_are_no_ecdsa() -> None:
    with pytest.raises(DataError, match="P-256"):
        spelled("the other s", bytes(256))
