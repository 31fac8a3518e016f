"""The tables of the audit trail (SECURITY 5; audit/).

What counts is ``audit_records.text``: every column beside it repeats a part of it to be searched
by, and ``audit verify`` compares them. Times are milliseconds since 1970, UTC. A change here needs
a migration (``registers/migrations``).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, String, Table, Text

from ksz_childbenefits.registers.metadata import metadata

audit_chains = Table(
    "audit_chains",
    metadata,
    Column("writer", String(32), primary_key=True),
    Column("seen", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("cut_text", Text),
    Column("cut_signature", LargeBinary),
    Index(None, "ended", "seen"),
)
"""The chains, one for each life of a writer: when it was last known to live, whether it has ended.

``cut_text`` is the signed mark that stands for what was deleted of its beginning.
"""

audit_records = Table(
    "audit_records",
    metadata,
    Column("writer", String(32), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("ticket", String(36), index=True),
    Column("caller", String(64)),
    Column("customer_ticket", String(36), index=True),
    Column("ssin", String(11), index=True),
    Column("text", Text, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("signature", LargeBinary),
    Index(None, "caller", "at"),
)
"""The items of the chains, numbered from 1: records, and marks, which have a ``signature``.

``text`` is JSON, ``hash`` its SHA-256; ``at``: when the reply was ready. The key is what keeps two
from writing the same number of one chain, and one from writing it twice.
"""

audit_persons = Table(
    "audit_persons",
    metadata,
    Column("writer", String(32), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("ssin", String(11), primary_key=True, index=True),
)
"""The persons of a record about several; one about one person has it in ``audit_records.ssin``."""

audit_evidence = Table(
    "audit_evidence",
    metadata,
    Column("writer", String(32), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("request", LargeBinary, nullable=False),
    Column("reply", LargeBinary, nullable=False),
)
"""The messages themselves, where they are kept: packed and encrypted (audit.evidence)."""
