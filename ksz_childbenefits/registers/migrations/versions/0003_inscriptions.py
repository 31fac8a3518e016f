"""Who maintains the person repertory besides customers, and what was written under which ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the operators' certificates and the tickets of the maintenance service."""
    op.create_table(
        "operator_certificates",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("operator", sa.String(9), nullable=False),
        sa.Column("thumbprint_sha1", sa.LargeBinary(20), nullable=False),
        sa.Column("ski", sa.LargeBinary(64)),
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_operator_certificates")),
    )
    for column in ("thumbprint_sha1", "ski", "serial"):
        name = op.f(f"ix_operator_certificates_{column}")
        op.create_index(name, "operator_certificates", [column])
    op.create_table(
        "inscription_tickets",
        sa.Column("writer", sa.String(73), nullable=False),
        sa.Column("ticket", sa.String(36), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("writer", "ticket", name=op.f("pk_inscription_tickets")),
    )


def downgrade() -> None:
    """Drop both tables."""
    op.drop_table("inscription_tickets")
    op.drop_table("operator_certificates")
