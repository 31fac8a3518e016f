"""Deliberations withhold blocks of data, are revoked, and tell where they came from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TABLE = "deliberations"
_OLD = (
    "id number customer legal_contexts sources months_back inscription_required begin_date end_date"
)
_ORDINAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CHECKS = {
    "origin": "(origin IS NULL) = (recorded_at IS NULL)",
    "revocation": "(revoked_at IS NULL) = (revocation_reason IS NULL)",
}
_DIGESTS = ("file_digest", "revocation_digest")


def upgrade() -> None:
    """Add the new columns; the rows that are there withhold nothing, as they did."""
    op.create_table(
        "deliberation_files",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("prepared_by", sa.String(128), nullable=False),
        sa.Column("reviewed_by", sa.String(128), nullable=False),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "prepared_by <> reviewed_by", name=op.f("ck_deliberation_files_two_people")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_deliberation_files")),
    )
    if op.get_bind().dialect.name == "sqlite":
        _rebuild([*_old_columns(), *_new_columns(), *_old_constraints(), *_new_constraints()])
        return
    for column in _new_columns():
        column.server_default = sa.DefaultClause("[]") if column.name == "withheld" else None
        op.add_column(_TABLE, column)
    op.alter_column(_TABLE, "withheld", server_default=None)
    for name, rule in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_{_TABLE}_{name}"), _TABLE, rule)
    for column_name in _DIGESTS:
        name = op.f(f"fk_{_TABLE}_{column_name}_deliberation_files")
        op.create_foreign_key(name, _TABLE, "deliberation_files", [column_name], ["digest"])


def downgrade() -> None:
    """Drop them, and the rows that would give more without them than they do now."""
    rows = sa.table(_TABLE, sa.column("revoked_at"), sa.column("withheld"))
    withholding = sa.cast(rows.c.withheld, sa.Text) != "[]"
    op.execute(sa.delete(rows).where(sa.or_(rows.c.revoked_at.is_not(None), withholding)))
    if op.get_bind().dialect.name == "sqlite":
        _rebuild([*_old_columns(), *_old_constraints()])
    else:
        for column in _new_columns():
            op.drop_column(_TABLE, column.name)
    op.drop_table("deliberation_files")


def _rebuild(parts: list[sa.schema.SchemaItem]) -> None:
    """SQLite cannot add constraints to a table: make it anew, with the rows it had."""
    op.drop_index(op.f(f"ix_{_TABLE}_customer"), _TABLE)
    op.rename_table(_TABLE, f"{_TABLE}_before")
    op.create_table(_TABLE, *parts)
    op.create_index(op.f(f"ix_{_TABLE}_customer"), _TABLE, ["customer"])
    kept = ", ".join(_OLD.split())
    withheld = any(getattr(part, "name", "") == "withheld" for part in parts)
    into, values = (f"{kept}, withheld", f"{kept}, '[]'") if withheld else (kept, kept)
    op.execute(f"INSERT INTO {_TABLE} ({into}) SELECT {values} FROM {_TABLE}_before")  # noqa: S608
    op.drop_table(f"{_TABLE}_before")


def _old_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("id", _ORDINAL, nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("customer", sa.String(64), nullable=False),
        sa.Column("legal_contexts", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("months_back", sa.Integer()),
        sa.Column("inscription_required", sa.Boolean(), nullable=False),
        sa.Column("begin_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date()),
    ]


def _new_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("withheld", sa.JSON(), nullable=False),
        sa.Column("origin", sa.String(16)),
        sa.Column("recorded_at", sa.BigInteger()),
        sa.Column("file_digest", sa.String(64)),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.Column("revocation_reason", sa.String(256)),
        sa.Column("revocation_digest", sa.String(64)),
    ]


def _old_constraints() -> list[sa.schema.SchemaItem]:
    order = "end_date IS NULL OR end_date >= begin_date"
    of_customer = op.f(f"fk_{_TABLE}_customer_customers")
    return [
        sa.CheckConstraint(order, name=op.f(f"ck_{_TABLE}_order")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{_TABLE}")),
        sa.ForeignKeyConstraint(["customer"], ["customers.name"], name=of_customer),
    ]


def _new_constraints() -> list[sa.schema.SchemaItem]:
    checks = [
        sa.CheckConstraint(rule, name=op.f(f"ck_{_TABLE}_{name}")) for name, rule in _CHECKS.items()
    ]
    keys = [
        sa.ForeignKeyConstraint(
            [column],
            ["deliberation_files.digest"],
            name=op.f(f"fk_{_TABLE}_{column}_deliberation_files"),
        )
        for column in _DIGESTS
    ]
    return [*checks, *keys]
