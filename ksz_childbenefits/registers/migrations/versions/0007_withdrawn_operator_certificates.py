"""What operators signed with before: it lets in no customer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TABLE = "withdrawn_operator_certificates"
_NEXT = (
    "INSERT INTO register_edition (id, number) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET number = register_edition.number + 1"
)


def upgrade() -> None:
    """Keep them from now on; every change counts as one of what is known of customers (0006)."""
    op.create_table(
        _TABLE,
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f(f"pk_{_TABLE}")),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            f"CREATE TRIGGER next_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {_TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION next_register_edition()"
        )
        return
    for change in ("INSERT", "UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER next_edition_{_TABLE}_{change.lower()} AFTER {change} ON {_TABLE} "
            f"BEGIN {_NEXT}; END"
        )


def downgrade() -> None:
    """Forget them; the triggers go with their table."""
    op.drop_table(_TABLE)
