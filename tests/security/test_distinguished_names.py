"""Names as the stacks write them: RFC 4514, 2253 and 1779, hex of DER (SECURITY 3, key info)."""

from __future__ import annotations

import time

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from ksz_childbenefits.errors import InvalidSecurity
from ksz_childbenefits.security.distinguished_names import parse_name, turned


def name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    """A name, its least specific part first, as certificates have it."""
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def organisation(value: str) -> x509.Name:
    return name((NameOID.COUNTRY_NAME, "BE"), (NameOID.ORGANIZATION_NAME, value))


WRITTEN = {
    # RFC 4514, 2.4 and 3: escapes by backslash, of one character or of octets in UTF-8.
    "O=Tests\\, Inc.,C=BE": "Tests, Inc.",
    "O=Tests\\2C Inc.,C=BE": "Tests, Inc.",
    "O=Lu\\C4\\8Di\\C4\\87,C=BE": "Lučić",
    "O=\\ x\\ ,C=BE": " x ",
    "O=\\#1 \\+ \\<a\\>\\; \\\\ \\=,C=BE": "#1 + <a>; \\ =",
    'O=a \\"b\\",C=BE': 'a "b"',
    "O=a=b,C=BE": "a=b",
    # RFC 2253, 4, and RFC 1779: quotes, semicolons, blanks, OID.
    'O="Tests, Inc.", C=BE': "Tests, Inc.",
    'O="a; b + c" ;C=BE': "a; b + c",
    'O = "  x  " , C = BE': "  x  ",
    "O=  two words  ,  C=BE": "two words",
    'OID.2.5.4.10="Tests, Inc.",C=BE': "Tests, Inc.",
    "2.5.4.10=Tests,C=BE": "Tests",
    "o=Tests,c=BE": "Tests",
    # Java escapes quotes in quotes, .NET doubles them.
    'O="a \\"b\\", c\\\\d", C=BE': 'a "b", c\\d',
    'O="a ""b"", c", C=BE': 'a "b", c',
    # Hex of DER: UTF8String, PrintableString, IA5String; a length of two octets.
    "2.5.4.10=#0c0141,C=BE": "A",
    "2.5.4.10=#130141,C=BE": "A",
    "2.5.4.10=#160141,C=BE": "A",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_name_is_read_whoever_wrote_it(text: str) -> None:
    assert parse_name(text) == organisation(WRITTEN[text])


def test_hex_of_a_long_value() -> None:
    """DER, X.690 8.1.3.5: from 128 octets on, the length takes a second octet."""
    value = "a" * 128
    text = f"1.2.3.4=#0c8180{value.encode().hex()}"
    assert parse_name(text) == name((x509.ObjectIdentifier("1.2.3.4"), value))


def test_a_part_of_two_attributes_is_one_part() -> None:
    both = x509.RelativeDistinguishedName(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "x"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, "0206734318"),
        ]
    )
    country = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "BE")])
    expected = x509.Name([country, both])
    assert parse_name("CN=x+SERIALNUMBER=0206734318,C=BE") == expected
    assert parse_name("serialNumber=0206734318 + CN=x, C=BE") == expected


@pytest.mark.parametrize(
    ("written", "oid"),
    [
        ("EMAILADDRESS", NameOID.EMAIL_ADDRESS),
        ("E", NameOID.EMAIL_ADDRESS),
        ("ST", NameOID.STATE_OR_PROVINCE_NAME),
        ("S", NameOID.STATE_OR_PROVINCE_NAME),
        ("SN", NameOID.SURNAME),
        ("SURNAME", NameOID.SURNAME),
        ("organizationIdentifier", NameOID.ORGANIZATION_IDENTIFIER),
        ("DC", NameOID.DOMAIN_COMPONENT),
        ("OU", NameOID.ORGANIZATIONAL_UNIT_NAME),
    ],
)
def test_attributes_by_the_names_that_stacks_give_them(
    written: str, oid: x509.ObjectIdentifier
) -> None:
    assert parse_name(f"{written}=x") == name((oid, "x"))


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "Root", "CN", "CN=", "CN=a,", ",CN=a", "CN=a,,C=BE", "XX=a", "CN=a\\"),
        *('CN=a"b', 'CN="a', 'CN="a"b', 'CN=""', "CN=#0c0", "CN=#0c", "CN=#0201ff", "CN=#0c02fffe"),
        *("CN=\\ff\\fe", "C=BEL", "1=a", "CN=a+CN=a", "CN=" + "a" * 1000),
    ],
)
def test_what_is_no_name_is_malformed(text: str) -> None:
    with pytest.raises(InvalidSecurity):
        parse_name(text)


def test_the_other_way_round() -> None:
    assert turned(parse_name("C=BE,O=Tests")) == parse_name("O=Tests,C=BE")


# 16 characters are at most 64 octets, which is as long as these attributes may be.
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=16)


@given(VALUES, VALUES)
def test_what_cryptography_writes_is_read(one: str, other: str) -> None:
    written = name((NameOID.ORGANIZATION_NAME, one), (NameOID.COMMON_NAME, other))
    assert parse_name(written.rfc4514_string()) == written


@given(VALUES, VALUES)
def test_what_java_and_net_print_is_read(one: str, other: str) -> None:
    written = name((NameOID.ORGANIZATION_NAME, one), (NameOID.COMMON_NAME, other))

    def java(value: str) -> str:
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    assert parse_name(f"CN={java(other)}, O={java(one)}") == written


@pytest.mark.parametrize(
    "text",
    [
        *("CN=" + " " * 990 + "b", 'CN="' + '\\"' * 490, "CN=" + "\\a" * 490 + '"', "a" * 1000),
        *("1." * 499, "CN=" + " a" * 490 + '"', "CN=a+" * 200, "CN=a," * 200),
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    for _ in range(20):
        with pytest.raises(InvalidSecurity):
            parse_name(text + '"\\')
    assert time.process_time() - started < 0.5
