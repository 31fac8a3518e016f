"""Customers, their certificates and deliberations (SECURITY 3, DOMAIN 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine

from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import DataError, Unavailable
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import open_database, writing
from ksz_childbenefits.registers.enrolment import insert_customer
from ksz_childbenefits.registers.operators import OperatorRegister
from tests.registers.databases import statements

KEY = ec.generate_private_key(ec.SECP256R1())
FEDRIS = Customer("fedris", "0206734318", None, None)
NAMUR = Customer("ocmw-namur", "0207656610", 17, 1)
GENT = Customer("ocmw-gent", "0212214125", 17, 1)
DELIBERATION = Deliberation(
    number="20/024",
    customer="fedris",
    legal_contexts=frozenset({"FEDRIS:ORPHANS", "FEDRIS:INQUIRY"}),
    sources=frozenset({AuthenticSource.FEDERAL, AuthenticSource.FLANDERS}),
    months_back=60,
    inscription_required=True,
    valid_from=date(2019, 1, 1),
    valid_to=date(2024, 12, 31),
)
Parts = Sequence[tuple[x509.ObjectIdentifier, str]]


def name(parts: Parts) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def certificate(
    *subject: tuple[x509.ObjectIdentifier, str], issuer: str = "Issuer", serial: int = 0
) -> x509.Certificate:
    now = datetime.now(UTC)
    parts: Parts = [(NameOID.COMMON_NAME, "customer"), *subject]
    return (
        x509.CertificateBuilder()
        .subject_name(name(parts))
        .issuer_name(name([(NameOID.COMMON_NAME, issuer), (NameOID.COUNTRY_NAME, "BE")]))
        .public_key(KEY.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(KEY, hashes.SHA256())
    )


ANCHOR = certificate(issuer="Anchor")
OTHER_ANCHOR = certificate(issuer="Other anchor")


def only(*anchors: x509.Certificate) -> frozenset[str]:
    return frozenset(anchor.fingerprint(hashes.SHA256()).hex() for anchor in anchors)


@pytest.fixture
def register(engine: Engine) -> CustomerRegister:
    made = CustomerRegister(engine)
    made.add(FEDRIS, title="Fedris", deliberations=[DELIBERATION])
    made.add(NAMUR)
    made.add(GENT)
    return made


def test_a_customer_by_its_name(register: CustomerRegister) -> None:
    assert register.find("ocmw-namur") == NAMUR
    assert register.find("nobody") is None


def test_a_certificate_identifies_by_its_fingerprint(register: CustomerRegister) -> None:
    mine, stranger = certificate(), certificate()
    register.add_certificate("fedris", mine)
    assert register.identify(mine, only(ANCHOR)) == FEDRIS
    assert register.identify(stranger, only(ANCHOR)) is None


@pytest.mark.parametrize(
    ("oid", "value", "expected"),
    [
        (NameOID.SERIAL_NUMBER, "0207656610", NAMUR),
        (NameOID.SERIAL_NUMBER, "0207.656.610", NAMUR),
        (NameOID.SERIAL_NUMBER, "CBE=0207656610", NAMUR),
        (NameOID.ORGANIZATION_IDENTIFIER, "NTRBE-0207656610", NAMUR),
        (NameOID.ORGANIZATION_IDENTIFIER, "NTRBE-0207.656.610", NAMUR),
        (NameOID.ORGANIZATION_IDENTIFIER, "0207656610", None),
        (NameOID.ORGANIZATION_IDENTIFIER, "NTRNL-0207656610", None),
        (NameOID.ORGANIZATION_IDENTIFIER, "VATBE-NTRBE-0207656610", None),
        (NameOID.ORGANIZATION_NAME, "0207656610", None),
        (NameOID.SERIAL_NUMBER, "207656610", None),
        (NameOID.SERIAL_NUMBER, "02076566100", None),
        (NameOID.ORGANIZATION_IDENTIFIER, "NTRBE-" + "\u0660\u0662" * 5, None),
        (NameOID.SERIAL_NUMBER, "0212214125", None),
    ],
)
def test_the_number_in_the_subject_identifies_under_a_registered_anchor(
    register: CustomerRegister, oid: x509.ObjectIdentifier, value: str, expected: Customer | None
) -> None:
    register.add_anchor("ocmw-namur", ANCHOR)
    register.add_anchor("fedris", ANCHOR)
    assert register.identify(certificate((oid, value)), only(ANCHOR)) == expected


def test_under_another_anchor_the_number_says_nothing(register: CustomerRegister) -> None:
    register.add_anchor("ocmw-namur", ANCHOR)
    register.add_anchor("ocmw-gent", OTHER_ANCHOR)
    mine = certificate((NameOID.SERIAL_NUMBER, NAMUR.cbe_number))
    assert register.identify(mine, only(OTHER_ANCHOR)) is None


def test_under_a_renewed_anchor_the_number_says_the_same(register: CustomerRegister) -> None:
    """Registered under either of two certificates of one anchor, or under both."""
    renewed = only(ANCHOR, OTHER_ANCHOR)
    mine = certificate((NameOID.SERIAL_NUMBER, NAMUR.cbe_number))
    assert register.identify(mine, renewed) is None
    register.add_anchor("ocmw-namur", OTHER_ANCHOR)
    assert register.identify(mine, renewed) == NAMUR
    register.add_anchor("ocmw-namur", ANCHOR)
    assert register.identify(mine, renewed) == NAMUR
    register.add_anchor("ocmw-gent", ANCHOR)
    both = (NameOID.ORGANIZATION_IDENTIFIER, f"NTRBE-{GENT.cbe_number}")
    assert register.identify(certificate(both), renewed) == GENT


def test_the_fingerprint_comes_first(register: CustomerRegister) -> None:
    register.add_anchor("ocmw-namur", ANCHOR)
    mine = certificate((NameOID.SERIAL_NUMBER, NAMUR.cbe_number))
    register.add_certificate("fedris", mine)
    assert register.identify(mine, only(ANCHOR)) == FEDRIS


def test_a_subject_that_names_two_customers_is_nobodys(register: CustomerRegister) -> None:
    register.add_anchor("ocmw-namur", ANCHOR)
    register.add_anchor("ocmw-gent", ANCHOR)
    both = certificate(
        (NameOID.SERIAL_NUMBER, NAMUR.cbe_number),
        (NameOID.ORGANIZATION_IDENTIFIER, f"NTRBE-{GENT.cbe_number}"),
    )
    twice = certificate(
        (NameOID.SERIAL_NUMBER, NAMUR.cbe_number),
        (NameOID.ORGANIZATION_IDENTIFIER, f"NTRBE-{NAMUR.cbe_number}"),
    )
    assert register.identify(both, only(ANCHOR)) is None
    assert register.identify(twice, only(ANCHOR)) == NAMUR


def test_an_operators_certificate_never_passes_for_a_customers(
    register: CustomerRegister, engine: Engine
) -> None:
    """Who is both has separate credentials (DOMAIN 7): also once it is withdrawn."""
    register.add_anchor("ocmw-namur", ANCHOR)
    operators = OperatorRegister(engine)
    mine = certificate((NameOID.SERIAL_NUMBER, NAMUR.cbe_number))
    assert register.identify(mine, only(ANCHOR)) == NAMUR
    for _ in range(2):
        operators.add_certificate(Operator.ORINT, mine)
        assert operators.identify(mine) is not None
        assert register.identify(mine, only(ANCHOR)) is None
        operators.remove_certificate(Operator.ORINT, mine)
        assert operators.identify(mine) is None
        assert register.identify(mine, only(ANCHOR)) is None
    another = certificate((NameOID.SERIAL_NUMBER, NAMUR.cbe_number))
    assert register.identify(another, only(ANCHOR)) == NAMUR


def test_an_operators_former_certificate_can_be_registered_to_a_customer(
    register: CustomerRegister, engine: Engine
) -> None:
    """By itself, that is; taken from the customer too, it is nobody's again."""
    register.add_anchor("ocmw-namur", ANCHOR)
    operators = OperatorRegister(engine)
    mine = certificate((NameOID.SERIAL_NUMBER, NAMUR.cbe_number))
    operators.add_certificate(Operator.ORINT, mine)
    operators.remove_certificate(Operator.ORINT, mine)
    register.add_certificate("ocmw-namur", mine)
    assert register.identify(mine, only(ANCHOR)) == NAMUR
    register.remove_certificate("ocmw-namur", mine)
    assert register.identify(mine, only(ANCHOR)) is None


def test_a_certificate_is_of_one_customer_only(register: CustomerRegister) -> None:
    mine = certificate()
    register.add_certificate("fedris", mine)
    for customer in ("fedris", "ocmw-gent"):
        with pytest.raises(DataError, match="registered to customer 'fedris' already"):
            register.add_certificate(customer, mine)
    assert register.identify(mine, only(ANCHOR)) == FEDRIS


def test_an_anchor_is_registered_once_per_customer(register: CustomerRegister) -> None:
    register.add_anchor("ocmw-namur", ANCHOR)
    register.add_anchor("ocmw-gent", ANCHOR)
    with pytest.raises(DataError, match="'ocmw-gent' already"):
        register.add_anchor("ocmw-gent", ANCHOR)


def test_the_directory_finds_registered_certificates(register: CustomerRegister) -> None:
    ski = x509.SubjectKeyIdentifier.from_public_key(KEY.public_key())
    now = datetime.now(UTC)
    with_ski = (
        x509.CertificateBuilder()
        .subject_name(name([]))
        .issuer_name(name([(NameOID.COMMON_NAME, "Issuer")]))
        .public_key(KEY.public_key())
        .serial_number(2**159 - 1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .add_extension(ski, critical=False)
        .sign(KEY, hashes.SHA256())
    )
    without = certificate(serial=77)
    register.add_certificate("fedris", with_ski)
    register.add_certificate("ocmw-gent", without)
    assert register.by_subject_key_identifier(ski.digest) == [with_ski]
    assert register.by_subject_key_identifier(b"") == []
    assert register.by_thumbprint_sha1(without.fingerprint(hashes.SHA1())) == [without]
    assert register.by_thumbprint_sha1(b"\0" * 20) == []
    assert register.by_issuer_serial(with_ski.issuer, 2**159 - 1) == [with_ski]
    assert register.by_issuer_serial(without.issuer, 77) == [without]
    assert register.by_issuer_serial(with_ski.issuer, 77) == []
    assert register.by_issuer_serial(without.issuer, 78) == []


def test_an_issuer_is_the_same_in_another_string_type(register: CustomerRegister) -> None:
    mine = certificate(serial=77)
    register.add_certificate("fedris", mine)
    printable = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "Issuer", _ASN1Type.PrintableString),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "BE"),
        ]
    )
    assert printable.public_bytes() != mine.issuer.public_bytes()
    assert register.by_issuer_serial(printable, 77) == [mine]


def test_deliberations_come_back_as_they_are(register: CustomerRegister, engine: Engine) -> None:
    second = replace(DELIBERATION, months_back=None, inscription_required=False, valid_to=None)
    other = replace(DELIBERATION, customer="swl")
    CustomerRegister(engine).add(
        Customer("swl", "0231550084", 47, 0), deliberations=[other, replace(second, customer="swl")]
    )
    assert register.deliberations("fedris") == (DELIBERATION,)
    assert register.deliberations("swl") == (other, replace(second, customer="swl"))
    assert register.deliberations("ocmw-gent") == ()


def test_a_customer_comes_with_all_that_belongs_to_it(register: CustomerRegister) -> None:
    mine, swl = certificate(), Customer("swl", "0231550084", 47, 0)
    register.add(swl, certificates=[mine], anchors=[ANCHOR])
    assert register.identify(mine, frozenset()) == swl
    named = certificate((NameOID.SERIAL_NUMBER, "0231550084"))
    assert register.identify(named, only(ANCHOR)) == swl


@pytest.mark.parametrize(
    ("customer", "rule"),
    [
        (Customer("", "0231550084", 47, 0), "a customer has a name"),
        (Customer("swl", "231550084", 47, 0), "a CBE number has ten digits"),
        (Customer("swl", "0231550084", 1000, 0), "sector and institution are 0 to 999"),
        (Customer("swl", "0231550084", 47, None), "sector and institution go together"),
        (Customer("fedris", "0231550084", 47, 0), "customer 'fedris' is registered already"),
        (Customer("swl", FEDRIS.cbe_number, 47, 0), "number is registered to customer 'fedris'"),
    ],
)
def test_customers_that_break_a_rule(
    register: CustomerRegister, customer: Customer, rule: str
) -> None:
    with pytest.raises(DataError, match=rule):
        register.add(customer)
    assert register.find("swl") is None


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"customer": "nobody"}, "customer 'nobody' is not registered"),
        ({"valid_to": date(2018, 12, 31)}, "ends on 2018-12-31, before it begins on 2019-01-01"),
        ({"legal_contexts": frozenset()}, "names a legal context"),
        ({"legal_contexts": frozenset({"A" * 65})}, "a legal context has 1 to 64 characters"),
        ({"legal_contexts": frozenset({""})}, "a legal context has 1 to 64 characters"),
        ({"sources": frozenset()}, "names a source"),
        ({"months_back": -1}, "months back"),
    ],
)
def test_deliberations_that_break_a_rule(
    register: CustomerRegister, wrong: dict[str, object], rule: str
) -> None:
    swl = Customer("swl", "0231550084", 47, 0)
    broken = replace(replace(DELIBERATION, customer="swl"), **wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=rule):
        register.add(swl, deliberations=[broken])
    assert register.find("swl") is None


def test_a_certificate_of_nobody(register: CustomerRegister) -> None:
    with pytest.raises(DataError, match="customer 'nobody' is not registered"):
        register.add_certificate("nobody", certificate())
    with pytest.raises(DataError, match="customer 'nobody' is not registered"):
        register.add_anchor("nobody", ANCHOR)


def test_of_two_that_register_the_same_at_once_the_second_is_told(
    register: CustomerRegister, engine: Engine
) -> None:
    swl = Customer("swl", "0231550084", 47, 0)
    with ThreadPoolExecutor(1) as threads:
        with writing(engine) as connection:
            insert_customer(connection, swl, "first")
            second = threads.submit(register.add, swl)
            with pytest.raises(TimeoutError):
                second.result(0.1)
        with pytest.raises(DataError):
            second.result()
    assert register.find("swl") == swl


def test_a_request_takes_one_statement_while_nothing_changes(
    register: CustomerRegister, engine: Engine
) -> None:
    mine = certificate()
    register.add_certificate("fedris", mine)
    with statements(engine) as sent:
        for _ in range(2):
            register.recognise(mine, only(ANCHOR))
    asked = Counter("edition" if "FROM register_edition" in text else "rest" for text, _ in sent)
    # All is asked once; after that only whether anything has changed.
    assert asked == {"edition": 2, "rest": 2}


def test_a_register_that_does_not_answer() -> None:
    register = CustomerRegister(open_database("sqlite:////nowhere/registers.sqlite"))
    with pytest.raises(Unavailable):
        register.identify(certificate(), frozenset())
    with pytest.raises(Unavailable):
        register.by_thumbprint_sha1(b"")
