"""The tables of the database, in SQLAlchemy Core (DOMAIN 1, 2, 6, 7; SECURITY 3).

Made for 12 million persons and 60 million repertory lines: every question of a request is answered
by an index in one round trip to a register. Columns are portable between SQLite and PostgreSQL.
Dates are calendar days, both included; an end of NULL means open. Codes are the names of the
domain's enumerations. A change here needs a migration (``registers/migrations``).
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
)

from ksz_childbenefits.registers import audit_schema  # noqa: F401 - part of the schema
from ksz_childbenefits.registers.metadata import metadata as metadata  # noqa: PLC0414 - exported

_Ordinal = BigInteger().with_variant(Integer, "sqlite")
"""A row's own number; SQLite numbers rows by itself only where the type is INTEGER."""

_IN_ORDER = "end_date IS NULL OR end_date >= begin_date"

persons = Table(
    "persons",
    metadata,
    Column("ssin", String(11), primary_key=True),
    Column("birth_date", Date, nullable=False),
    Column("status", String(9), nullable=False),
    Column("replaced_by", String(11), index=True),
    CheckConstraint("(status = 'REPLACED') = (replaced_by IS NOT NULL)", name="replacement"),
)
"""Numbers of the register. ``replaced_by`` names the next number of the chain (DOMAIN 5)."""

connecting_factors = Table(
    "connecting_factors",
    metadata,
    Column("ssin", String(11), ForeignKey("persons.ssin"), primary_key=True),
    Column("factor", SmallInteger, primary_key=True, autoincrement=False),
    Column("begin_date", Date, primary_key=True),
    Column("end_date", Date),
    Column("nis", String(5), nullable=False),
    CheckConstraint(_IN_ORDER, name="order"),
)
"""Where a person is connected to: factor 1 (legal domicile) to 6, a NIS code, days (DOMAIN 1)."""

customers = Table(
    "customers",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("title", String(256), nullable=False),
    Column("cbe_number", String(10), nullable=False, unique=True),
    Column("sector", SmallInteger),
    Column("institution", SmallInteger),
    CheckConstraint("(sector IS NULL) = (institution IS NULL)", name="sector_and_institution"),
)
"""Institutions with access; the CBE number is unique, sector and institution are not (DOMAIN 7)."""

_CUSTOMER = "customers.name"

customer_certificates = Table(
    "customer_certificates",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("customer", String(64), ForeignKey(_CUSTOMER), nullable=False),
    Column("thumbprint_sha1", LargeBinary(20), nullable=False, index=True),
    Column("ski", LargeBinary(64), index=True),
    Column("serial", String(40), nullable=False, index=True),
    Column("der", LargeBinary, nullable=False),
)
"""Registered certificates by SHA-256 fingerprint (hex): one customer each (SECURITY 3).

``serial`` is in hex. Issuers are compared as names, not as texts, so they are in ``der`` only.
"""

customer_anchors = Table(
    "customer_anchors",
    metadata,
    Column("customer", String(64), ForeignKey(_CUSTOMER), primary_key=True),
    Column("anchor_fingerprint", String(64), primary_key=True),
)
"""Anchors under which a customer is recognised by the CBE number in its subject (SECURITY 3)."""

operator_certificates = Table(
    "operator_certificates",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("operator", String(9), nullable=False),
    Column("thumbprint_sha1", LargeBinary(20), nullable=False, index=True),
    Column("ski", LargeBinary(64), index=True),
    Column("serial", String(40), nullable=False, index=True),
    Column("der", LargeBinary, nullable=False),
)
"""Certificates that operators sign their maintenance of the repertory with, as customers' are kept.

ORINT and Opgroeien are customers too, with other certificates (DOMAIN 7).
"""

withdrawn_operator_certificates = Table(
    "withdrawn_operator_certificates",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
)
"""What operators signed with before: no customer's by its CBE number (DOMAIN 7)."""

deliberation_files = Table(
    "deliberation_files",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("prepared_by", String(128), nullable=False),
    Column("reviewed_by", String(128), nullable=False),
    Column("imported_at", BigInteger, nullable=False),
    CheckConstraint("prepared_by <> reviewed_by", name="two_people"),
)
"""Files that deliberations were imported from, by SHA-256 (hex), and who answers for them.

``imported_at``: seconds since 1970, UTC; the first time.
"""

_FILE = "deliberation_files.digest"

deliberations = Table(
    "deliberations",
    metadata,
    Column("id", _Ordinal, primary_key=True),
    Column("number", String(64), nullable=False),
    Column("customer", String(64), ForeignKey(_CUSTOMER), nullable=False, index=True),
    Column("legal_contexts", JSON, nullable=False),
    Column("sources", JSON, nullable=False),
    Column("months_back", Integer),
    Column("inscription_required", Boolean, nullable=False),
    Column("begin_date", Date, nullable=False),
    Column("end_date", Date),
    Column("withheld", JSON, nullable=False),
    Column("origin", String(16)),
    Column("recorded_at", BigInteger),
    Column("file_digest", String(64), ForeignKey(_FILE)),
    Column("revoked_at", BigInteger),
    Column("revocation_reason", String(256)),
    Column("revocation_digest", String(64), ForeignKey(_FILE)),
    CheckConstraint(_IN_ORDER, name="order"),
    CheckConstraint("(origin IS NULL) = (recorded_at IS NULL)", name="origin"),
    CheckConstraint("(revoked_at IS NULL) = (revocation_reason IS NULL)", name="revocation"),
)
"""Deliberations as data; one number may have several rows, for instance per source (DOMAIN 7).

A row is never changed but to revoke it, and never deleted. ``origin``: command line, import, demo
world; NULL: not known, from before version 0004. Moments are seconds since 1970, UTC.
"""

register_edition = Table(
    "register_edition",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
)
"""One row: how often customers, their certificates, anchors and deliberations were changed.

Triggers of the database count, so no change goes by uncounted, whoever makes it (edition.py).
Certificates of operators count too: with one of these nobody is a customer.
"""

repertory_lines = Table(
    "repertory_lines",
    metadata,
    Column("id", _Ordinal, primary_key=True),
    Column("ssin", String(11), nullable=False, index=True),
    Column("source", String(11)),
    Column("customer", String(64), ForeignKey(_CUSTOMER)),
    Column("sector", SmallInteger, nullable=False),
    Column("quality", SmallInteger, nullable=False),
    Column("phase", SmallInteger),
    Column("file_type", String(13)),
    Column("archive", String(9)),
    Column("begin_date", Date, nullable=False),
    Column("end_date", Date),
    CheckConstraint("(source IS NULL) <> (customer IS NULL)", name="one_holder"),
    CheckConstraint("archive IS NULL OR source = 'FEDERAL'", name="archive"),
    CheckConstraint(_IN_ORDER, name="order"),
)
"""The KSZ person repertory: lines held by a source, or by a customer (inscriptions) (DOMAIN 2)."""

inscription_tickets = Table(
    "inscription_tickets",
    metadata,
    Column("writer", String(73), primary_key=True),
    Column("ticket", String(36), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""What was written into the repertory under a writer's own ticket, and that it was.

``writer``: ``operator`` or ``customer`` and its name; ``digest``: SHA-256 of the content;
``at``: seconds since 1970, UTC.
"""

replay = Table(
    "replay",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("expires", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)
"""Signatures seen; ``expires`` in seconds since 1970, UTC (SECURITY 3, replay)."""

funds = Table(
    "funds",
    metadata,
    Column("number", String(10), primary_key=True),
    Column("nl", String(100)),
    Column("fr", String(100)),
    Column("de", String(100)),
)
"""Paying actors: a federal code of three digits or an enterprise number of ten (DOMAIN 6)."""

_FUND = "funds.number"

regional_repertory = Table(
    "regional_repertory",
    metadata,
    Column("id", _Ordinal, primary_key=True),
    Column("operator", String(9), nullable=False),
    Column("source", String(11), nullable=False),
    Column("ssin", String(11), nullable=False, index=True),
    Column("quality", SmallInteger, nullable=False),
    Column("fund", String(10), ForeignKey(_FUND), nullable=False),
    Column("file_type", String(13), nullable=False),
    Column("begin_date", Date, nullable=False),
    Column("end_date", Date),
    Column("carried_from", _Ordinal),
    UniqueConstraint("carried_from", "operator"),
    CheckConstraint(_IN_ORDER, name="order"),
)
"""Each operator's repertory: who is known at which fund for which type of file (DOMAIN 2).

``carried_from``: the row of ORINT that the split copied (DOMAIN 1); at most once per operator.
"""

cadastre_files = Table(
    "cadastre_files",
    metadata,
    Column("id", _Ordinal, primary_key=True),
    Column("operator", String(9), nullable=False),
    Column("source", String(11), nullable=False),
    Column("file_type", String(13), nullable=False),
    Column("begin_date", Date, nullable=False),
    Column("end_date", Date),
    Column("fund", String(10), ForeignKey(_FUND), nullable=False),
    Column("file_number", String(64)),
    Column("entitled_person", String(11)),
    Column("content", JSON, nullable=False),
    Column("carried_from", _Ordinal, unique=True),
    CheckConstraint(_IN_ORDER, name="order"),
)
"""Files as an operator holds them; ``content``: children and beneficiaries (cadastres.content).

``carried_from``: the file of ORINT that the split copied, to exactly one operator (DOMAIN 1).
"""

cadastre_file_members = Table(
    "cadastre_file_members",
    metadata,
    Column("ssin", String(11), primary_key=True),
    Column("file_id", _Ordinal, ForeignKey("cadastre_files.id"), primary_key=True),
    Column("quality", SmallInteger, primary_key=True, autoincrement=False),
    Index(None, "file_id"),
)
"""Who is in a file, as child 104, beneficiary 102 or entitled person 101 (DOMAIN 2)."""

imports = Table(
    "imports",
    metadata,
    Column("kind", String(32), primary_key=True),
    Column("digest", String(64), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("lines", BigInteger, nullable=False),
    Column("imported", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("rejected_bytes", BigInteger, nullable=False),
    Column("finished", Boolean, nullable=False),
)
"""How far the import of a file is, written with each batch: what makes it resumable (bulk).

``digest``: SHA-256 (hex) of the file. ``position``: bytes read of it, unpacked; ``lines``: lines
read, the header included; ``rejected_bytes``: the size of the file of rejected lines.
"""
