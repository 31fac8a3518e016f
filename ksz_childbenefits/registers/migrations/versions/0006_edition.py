"""The edition of what is known of customers; replay keys without numbers of rows on SQLite."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_WATCHED = (
    "customers",
    "customer_certificates",
    "customer_anchors",
    "operator_certificates",
    "deliberations",
)
_NEXT = (
    "INSERT INTO register_edition (id, number) VALUES (1, 1) "
    "ON CONFLICT (id) DO UPDATE SET number = register_edition.number + 1"
)


def upgrade() -> None:
    """Count every change of the watched tables, whoever makes it."""
    op.create_table(
        "register_edition",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_edition")),
    )
    op.execute("INSERT INTO register_edition (id, number) VALUES (1, 1)")
    if op.get_bind().dialect.name == "postgresql":
        _watch_postgresql()
    else:
        _watch_sqlite()
        _make_replay(sqlite_with_rowid=False)


def _watch_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION next_register_edition() RETURNS trigger LANGUAGE plpgsql AS "
        f"'BEGIN {_NEXT}; RETURN NULL; END'"
    )
    for table in _WATCHED:
        op.execute(
            f"CREATE TRIGGER next_edition AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION next_register_edition()"
        )


def _watch_sqlite() -> None:
    for table in _WATCHED:
        for change in ("INSERT", "UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER next_edition_{table}_{change.lower()} AFTER {change} ON {table} "
                f"BEGIN {_NEXT}; END"
            )


def _make_replay(**options: bool) -> None:
    """The keys are random: a table that is its own index is written half as much."""
    index = op.f("ix_replay_expires")
    op.drop_index(index, "replay")
    op.execute("ALTER TABLE replay RENAME TO replay_before")
    op.create_table(
        "replay",
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_replay")),
        **options,
    )
    op.execute("INSERT INTO replay (key, expires) SELECT key, expires FROM replay_before")
    op.execute("DROP TABLE replay_before")
    op.create_index(index, "replay", ["expires"])


def downgrade() -> None:
    """Count no more."""
    if op.get_bind().dialect.name == "postgresql":
        for table in _WATCHED:
            op.execute(f"DROP TRIGGER next_edition ON {table}")
        op.execute("DROP FUNCTION next_register_edition()")
    else:
        for table in _WATCHED:
            for change in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER next_edition_{table}_{change}")
        _make_replay()
    op.drop_table("register_edition")
