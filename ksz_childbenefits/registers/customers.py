"""Customers: who they are, their certificates and anchors, their deliberations (DOMAIN 7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cryptography import x509
from sqlalchemy import Engine, Row, exists, select

from ksz_childbenefits.domain.customers import Customer, Deliberation
from ksz_childbenefits.registers import schema
from ksz_childbenefits.registers.certificates import cbe_numbers
from ksz_childbenefits.registers.database import asking, storing
from ksz_childbenefits.registers.deliberation_rows import (
    Origin,
    insert_deliberations,
    read_deliberation,
)
from ksz_childbenefits.registers.directory import RegisteredCertificates
from ksz_childbenefits.registers.edition import Edition
from ksz_childbenefits.registers.enrolment import (
    delete_anchor,
    delete_certificate,
    insert_anchor,
    insert_certificate,
    insert_customer,
)
from ksz_childbenefits.security.trust import fingerprint


class Recognised(NamedTuple):
    """The customer that a certificate is registered to, with all its deliberations of any day."""

    customer: Customer
    deliberations: tuple[Deliberation, ...]


class CustomerRegister(RegisteredCertificates):
    """Customers in the database; also the directory of their certificates for the security room.

    Reading raises Unavailable when the database does not answer.
    """

    def __init__(self, engine: Engine) -> None:
        """Use this database."""
        super().__init__(engine, schema.customer_certificates)
        self._edition = Edition(engine)

    def find(self, name: str) -> Customer | None:
        """The customer of this name, or None."""
        query = select(schema.customers).where(schema.customers.c.name == name)
        with asking(self._engine) as connection:
            row = connection.execute(query).first()
        return _customer(row) if row else None

    def identify(
        self, certificate: x509.Certificate, anchor_fingerprints: frozenset[str]
    ) -> Customer | None:
        """The customer that this certificate is registered to, or None: as ``recognise`` has it."""
        found = self.recognise(certificate, anchor_fingerprints)
        return None if found is None else found.customer

    def recognise(
        self, certificate: x509.Certificate, anchor_fingerprints: frozenset[str]
    ) -> Recognised | None:
        """The customer that this certificate is registered to, or None (SECURITY 3, customer).

        By its own fingerprint; else by the CBE number in its subject, for a customer that has
        registered an anchor (SHA-256, hex) that the certificate's path leads to. A subject that
        names two such customers is nobody's, and so is a certificate that an operator signs with,
        or did before it was withdrawn: who is both has separate credentials (DOMAIN 7).
        All is as it is now: remembered until anybody changes any of it (registers.edition).
        """
        mark = fingerprint(certificate)
        return self._edition.answer(
            (mark, anchor_fingerprints),
            lambda: self._recognised(mark, certificate.subject, anchor_fingerprints),
        )

    def _recognised(
        self, mark: str, subject: x509.Name, anchor_fingerprints: frozenset[str]
    ) -> Recognised | None:
        certificates, anchors = schema.customer_certificates, schema.customer_anchors
        operators = schema.operator_certificates.c.fingerprint
        withdrawn = schema.withdrawn_operator_certificates.c.fingerprint
        by_fingerprint = (
            select(schema.customers).join(certificates).where(certificates.c.fingerprint == mark)
        )
        by_number = (
            select(schema.customers)
            .join(anchors)
            .distinct()
            .where(
                anchors.c.anchor_fingerprint.in_(anchor_fingerprints),
                schema.customers.c.cbe_number.in_(cbe_numbers(subject)),
                ~exists().where(operators == mark),
                ~exists().where(withdrawn == mark),
            )
        )
        with asking(self._engine) as connection:
            rows = connection.execute(by_fingerprint).all() or connection.execute(by_number).all()
        if len(rows) != 1:
            return None
        customer = _customer(rows[0])
        return Recognised(customer, self.deliberations(customer.name))

    def deliberations(self, name: str) -> tuple[Deliberation, ...]:
        """All deliberations of the customer, of whatever day, in the order they were added."""
        table = schema.deliberations
        query = select(table).where(table.c.customer == name).order_by(table.c.id)
        with asking(self._engine) as connection:
            return tuple(read_deliberation(row) for row in connection.execute(query))

    def add(
        self,
        customer: Customer,
        *,
        title: str = "",
        certificates: Sequence[x509.Certificate] = (),
        anchors: Sequence[x509.Certificate] = (),
        deliberations: Sequence[Deliberation] = (),
    ) -> None:
        """Add a customer with all that belongs to it, or nothing.

        DataError if the customer or a certificate is registered already, or a rule is broken.
        """
        with storing(self._engine) as connection:
            insert_customer(connection, customer, title)
            for certificate in certificates:
                insert_certificate(connection, customer.name, certificate)
            for anchor in anchors:
                insert_anchor(connection, customer.name, anchor)
            now = datetime.now(UTC)
            insert_deliberations(connection, deliberations, Origin.COMMAND_LINE, now)

    def add_certificate(self, name: str, certificate: x509.Certificate) -> None:
        """Register a certificate to the customer; DataError if it is somebody's already."""
        with storing(self._engine) as connection:
            insert_certificate(connection, name, certificate)

    def add_anchor(self, name: str, anchor: x509.Certificate) -> None:
        """Recognise the customer by its CBE number under this anchor; DataError if known."""
        with storing(self._engine) as connection:
            insert_anchor(connection, name, anchor)

    def remove_certificate(self, name: str, certificate: x509.Certificate) -> None:
        """Take a certificate from the customer, from its next request on; DataError if not its."""
        with storing(self._engine) as connection:
            delete_certificate(connection, name, certificate)

    def remove_anchor(self, name: str, anchor: x509.Certificate) -> None:
        """Recognise the customer no longer under this anchor; DataError if it was not."""
        with storing(self._engine) as connection:
            delete_anchor(connection, name, anchor)

    def certificates(self, name: str) -> list[x509.Certificate]:
        """The certificates that are registered to the customer."""
        return self._certificates(lambda table: table.c.customer == name)

    def anchors(self, name: str) -> frozenset[str]:
        """The anchors (SHA-256, hex) under which the customer is recognised by its number."""
        columns = schema.customer_anchors.c
        query = select(columns.anchor_fingerprint).where(columns.customer == name)
        with asking(self._engine) as connection:
            return frozenset(connection.execute(query).scalars())


def _customer(row: Row[Any]) -> Customer:
    return Customer(row.name, row.cbe_number, row.sector, row.institution)
