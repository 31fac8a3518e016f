"""The audit trail: chains of records, the persons they are about, the messages as evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of the audit trail."""
    op.create_table(
        "audit_chains",
        sa.Column("writer", sa.String(32), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("cut_text", sa.Text()),
        sa.Column("cut_signature", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("writer", name=op.f("pk_audit_chains")),
    )
    op.create_index(op.f("ix_audit_chains_ended_seen"), "audit_chains", ["ended", "seen"])
    op.create_table(
        "audit_records",
        *_item(),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ticket", sa.String(36)),
        sa.Column("caller", sa.String(64)),
        sa.Column("customer_ticket", sa.String(36)),
        sa.Column("ssin", sa.String(11)),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.Column("signature", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("writer", "number", name=op.f("pk_audit_records")),
    )
    for columns in (["ticket"], ["customer_ticket"], ["ssin"], ["caller", "at"]):
        name = op.f(f"ix_audit_records_{'_'.join(columns)}")
        op.create_index(name, "audit_records", columns)
    op.create_table(
        "audit_persons",
        *_item(),
        sa.Column("ssin", sa.String(11), nullable=False),
        sa.PrimaryKeyConstraint("writer", "number", "ssin", name=op.f("pk_audit_persons")),
    )
    op.create_index(op.f("ix_audit_persons_ssin"), "audit_persons", ["ssin"])
    op.create_table(
        "audit_evidence",
        *_item(),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("reply", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "number", name=op.f("pk_audit_evidence")),
    )


def _item() -> tuple[sa.Column[str], sa.Column[int]]:
    return (
        sa.Column("writer", sa.String(32), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("audit_evidence", "audit_persons", "audit_records", "audit_chains"):
        op.drop_table(table)
