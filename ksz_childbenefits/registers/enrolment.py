"""Writing customers into the register, within a transaction; each rule broken is a DataError."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Column, ColumnElement, Connection, Delete, delete, insert, select

from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers import schema
from ksz_childbenefits.registers.certificates import (
    cbe_numbers,
    is_cbe_number,
    subject_key_identifier,
)
from ksz_childbenefits.registers.checks import CODES, require
from ksz_childbenefits.security.trust import fingerprint


def insert_customer(connection: Connection, customer: Customer, title: str) -> None:
    """Add a customer; its name and its CBE number are its own (DOMAIN 7)."""
    columns = schema.customers.c
    require(bool(customer.name), "a customer has a name")
    require(is_cbe_number(customer.cbe_number), "a CBE number has ten digits")
    for code in (customer.sector, customer.institution):
        require(code is None or code in CODES, "sector and institution are 0 to 999")
    require(
        (customer.sector is None) == (customer.institution is None),
        "sector and institution go together",
    )
    name_taken = select(columns.name).where(columns.name == customer.name)
    require(
        connection.execute(name_taken).first() is None,
        f"customer {customer.name!r} is registered already",
    )
    number_taken = select(columns.name).where(columns.cbe_number == customer.cbe_number)
    if other := connection.execute(number_taken).scalar():
        raise DataError(f"this CBE number is registered to customer {other!r}")
    connection.execute(
        insert(schema.customers).values(
            name=customer.name,
            title=title,
            cbe_number=customer.cbe_number,
            sector=customer.sector,
            institution=customer.institution,
        )
    )


def insert_certificate(connection: Connection, name: str, certificate: x509.Certificate) -> None:
    """Register a certificate to a customer; it can be of one customer only (SECURITY 3)."""
    require_customer(connection, name)
    _require_unused(connection, certificate)
    values = {"customer": name, **_certificate_values(certificate)}
    connection.execute(insert(schema.customer_certificates).values(values))


def insert_operator_certificate(
    connection: Connection, operator: Operator, certificate: x509.Certificate
) -> None:
    """Register a certificate to an operator, which its subject names by CBE number.

    It must not be a customer's: ORINT and Opgroeien have separate credentials (DOMAIN 7).
    """
    require(
        bool(cbe_numbers(certificate.subject)),
        "the subject of an operator's certificate names its CBE number",
    )
    _require_unused(connection, certificate)
    values = {"operator": operator.value, **_certificate_values(certificate)}
    connection.execute(insert(schema.operator_certificates).values(values))
    withdrawn = schema.withdrawn_operator_certificates
    before = withdrawn.c.fingerprint == fingerprint(certificate)
    connection.execute(delete(withdrawn).where(before))


def _certificate_values(certificate: x509.Certificate) -> dict[str, Any]:
    return {
        "fingerprint": fingerprint(certificate),
        "thumbprint_sha1": certificate.fingerprint(hashes.SHA1()),  # noqa: S303 - as clients send it
        "ski": subject_key_identifier(certificate),
        "serial": f"{certificate.serial_number:x}",
        "der": certificate.public_bytes(Encoding.DER),
    }


def insert_anchor(connection: Connection, name: str, anchor: x509.Certificate) -> None:
    """Recognise a customer by its CBE number in certificates under this anchor (SECURITY 3)."""
    require_customer(connection, name)
    columns = schema.customer_anchors.c
    same = (columns.customer == name) & (columns.anchor_fingerprint == fingerprint(anchor))
    _require_new(connection, schema.customer_anchors.c.customer, same, "customer")
    connection.execute(
        insert(schema.customer_anchors).values(
            customer=name, anchor_fingerprint=fingerprint(anchor)
        )
    )


def delete_certificate(connection: Connection, name: str, certificate: x509.Certificate) -> None:
    """Take a certificate from a customer; it must be the customer's."""
    table = schema.customer_certificates
    same = (table.c.customer == name) & (table.c.fingerprint == fingerprint(certificate))
    _delete_one(connection, delete(table).where(same), f"customer {name!r}")


def delete_operator_certificate(
    connection: Connection, operator: Operator, certificate: x509.Certificate
) -> None:
    """Take a certificate from an operator; it must be the operator's.

    Its fingerprint is kept: under an anchor it would pass for the customer of the same CBE number
    from now on, and who is both has separate credentials (DOMAIN 7).
    """
    table, mark = schema.operator_certificates, fingerprint(certificate)
    same = (table.c.operator == operator.value) & (table.c.fingerprint == mark)
    _delete_one(connection, delete(table).where(same), f"operator {operator.value!r}")
    connection.execute(insert(schema.withdrawn_operator_certificates).values(fingerprint=mark))


def delete_anchor(connection: Connection, name: str, anchor: x509.Certificate) -> None:
    """Recognise a customer no longer under an anchor; it must have been."""
    table = schema.customer_anchors
    same = (table.c.customer == name) & (table.c.anchor_fingerprint == fingerprint(anchor))
    _delete_one(connection, delete(table).where(same), f"customer {name!r}")


def require_customer(connection: Connection, name: str) -> None:
    """DataError unless a customer of this name is registered."""
    query = select(schema.customers.c.name).where(schema.customers.c.name == name)
    require(connection.execute(query).first() is not None, f"customer {name!r} is not registered")


def _require_unused(connection: Connection, certificate: x509.Certificate) -> None:
    customers, operators = schema.customer_certificates.c, schema.operator_certificates.c
    mine = fingerprint(certificate)
    _require_new(connection, customers.customer, customers.fingerprint == mine, "customer")
    _require_new(connection, operators.operator, operators.fingerprint == mine, "operator")


def _delete_one(connection: Connection, statement: Delete, owner: str) -> None:
    done = connection.execute(statement)
    require(done.rowcount == 1, f"this certificate is not registered to {owner}")


def _require_new(
    connection: Connection, owner: Column[str], same: ColumnElement[bool], kind: str
) -> None:
    found = connection.execute(select(owner).where(same)).scalar()
    require(found is None, f"this certificate is registered to {kind} {found!r} already")
