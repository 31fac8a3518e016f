"""The registers, the replay table and the cadastres."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ORDINAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create all tables."""
    _persons()
    _customers()
    _repertory()
    _replay()
    _cadastres()


def downgrade() -> None:
    """Drop all tables, those that refer to others first."""
    for table in (
        "cadastre_file_members",
        "cadastre_files",
        "regional_repertory",
        "funds",
        "replay",
        "repertory_lines",
        "deliberations",
        "customer_anchors",
        "customer_certificates",
        "customers",
        "connecting_factors",
        "persons",
    ):
        op.drop_table(table)


def _days(table: str) -> tuple[sa.Column[date], sa.Column[date | None], sa.CheckConstraint]:
    """The two days of a row, and that they are in order."""
    return (
        sa.Column("begin_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date()),
        sa.CheckConstraint(
            "end_date IS NULL OR end_date >= begin_date", name=op.f(f"ck_{table}_order")
        ),
    )


def _persons() -> None:
    op.create_table(
        "persons",
        sa.Column("ssin", sa.String(11), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=False),
        sa.Column("status", sa.String(9), nullable=False),
        sa.Column("replaced_by", sa.String(11)),
        sa.CheckConstraint(
            "(status = 'REPLACED') = (replaced_by IS NOT NULL)",
            name=op.f("ck_persons_replacement"),
        ),
        sa.PrimaryKeyConstraint("ssin", name=op.f("pk_persons")),
    )
    op.create_index(op.f("ix_persons_replaced_by"), "persons", ["replaced_by"])
    op.create_table(
        "connecting_factors",
        sa.Column("ssin", sa.String(11), nullable=False),
        sa.Column("factor", sa.SmallInteger(), autoincrement=False, nullable=False),
        *_days("connecting_factors"),
        sa.Column("nis", sa.String(5), nullable=False),
        sa.PrimaryKeyConstraint("ssin", "factor", "begin_date", name=op.f("pk_connecting_factors")),
        sa.ForeignKeyConstraint(
            ["ssin"], ["persons.ssin"], name=op.f("fk_connecting_factors_ssin_persons")
        ),
    )


def _customer_key(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_customer_customers")
    return sa.ForeignKeyConstraint(["customer"], ["customers.name"], name=name)


def _customers() -> None:
    op.create_table(
        "customers",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("title", sa.String(256), nullable=False),
        sa.Column("cbe_number", sa.String(10), nullable=False),
        sa.Column("sector", sa.SmallInteger()),
        sa.Column("institution", sa.SmallInteger()),
        sa.CheckConstraint(
            "(sector IS NULL) = (institution IS NULL)",
            name=op.f("ck_customers_sector_and_institution"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_customers")),
        sa.UniqueConstraint("cbe_number", name=op.f("uq_customers_cbe_number")),
    )
    op.create_table(
        "customer_certificates",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("customer", sa.String(64), nullable=False),
        sa.Column("thumbprint_sha1", sa.LargeBinary(20), nullable=False),
        sa.Column("ski", sa.LargeBinary(64)),
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_customer_certificates")),
        _customer_key("customer_certificates"),
    )
    for column in ("thumbprint_sha1", "ski", "serial"):
        name = op.f(f"ix_customer_certificates_{column}")
        op.create_index(name, "customer_certificates", [column])
    op.create_table(
        "customer_anchors",
        sa.Column("customer", sa.String(64), nullable=False),
        sa.Column("anchor_fingerprint", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("customer", "anchor_fingerprint", name=op.f("pk_customer_anchors")),
        _customer_key("customer_anchors"),
    )
    op.create_table(
        "deliberations",
        sa.Column("id", _ORDINAL, nullable=False),
        sa.Column("number", sa.String(64), nullable=False),
        sa.Column("customer", sa.String(64), nullable=False),
        sa.Column("legal_contexts", sa.JSON(), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("months_back", sa.Integer()),
        sa.Column("inscription_required", sa.Boolean(), nullable=False),
        *_days("deliberations"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliberations")),
        _customer_key("deliberations"),
    )
    op.create_index(op.f("ix_deliberations_customer"), "deliberations", ["customer"])


def _repertory() -> None:
    op.create_table(
        "repertory_lines",
        sa.Column("id", _ORDINAL, nullable=False),
        sa.Column("ssin", sa.String(11), nullable=False),
        sa.Column("source", sa.String(11)),
        sa.Column("customer", sa.String(64)),
        sa.Column("sector", sa.SmallInteger(), nullable=False),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.Column("phase", sa.SmallInteger()),
        sa.Column("file_type", sa.String(13)),
        sa.Column("archive", sa.String(9)),
        *_days("repertory_lines"),
        sa.CheckConstraint(
            "(source IS NULL) <> (customer IS NULL)", name=op.f("ck_repertory_lines_one_holder")
        ),
        sa.CheckConstraint(
            "archive IS NULL OR source = 'FEDERAL'", name=op.f("ck_repertory_lines_archive")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repertory_lines")),
        _customer_key("repertory_lines"),
    )
    op.create_index(op.f("ix_repertory_lines_ssin"), "repertory_lines", ["ssin"])


def _replay() -> None:
    op.create_table(
        "replay",
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_replay")),
    )
    op.create_index(op.f("ix_replay_expires"), "replay", ["expires"])


def _fund_key(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_fund_funds")
    return sa.ForeignKeyConstraint(["fund"], ["funds.number"], name=name)


def _cadastres() -> None:
    op.create_table(
        "funds",
        sa.Column("number", sa.String(10), nullable=False),
        *(sa.Column(language, sa.String(100)) for language in ("nl", "fr", "de")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_funds")),
    )
    op.create_table(
        "regional_repertory",
        sa.Column("id", _ORDINAL, nullable=False),
        sa.Column("operator", sa.String(9), nullable=False),
        sa.Column("source", sa.String(11), nullable=False),
        sa.Column("ssin", sa.String(11), nullable=False),
        sa.Column("quality", sa.SmallInteger(), nullable=False),
        sa.Column("fund", sa.String(10), nullable=False),
        sa.Column("file_type", sa.String(13), nullable=False),
        *_days("regional_repertory"),
        sa.Column("carried_from", _ORDINAL),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regional_repertory")),
        sa.UniqueConstraint(
            "carried_from", "operator", name=op.f("uq_regional_repertory_carried_from_operator")
        ),
        _fund_key("regional_repertory"),
    )
    op.create_index(op.f("ix_regional_repertory_ssin"), "regional_repertory", ["ssin"])
    op.create_table(
        "cadastre_files",
        sa.Column("id", _ORDINAL, nullable=False),
        sa.Column("operator", sa.String(9), nullable=False),
        sa.Column("source", sa.String(11), nullable=False),
        sa.Column("file_type", sa.String(13), nullable=False),
        *_days("cadastre_files"),
        sa.Column("fund", sa.String(10), nullable=False),
        sa.Column("file_number", sa.String(64)),
        sa.Column("entitled_person", sa.String(11)),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("carried_from", _ORDINAL),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cadastre_files")),
        sa.UniqueConstraint("carried_from", name=op.f("uq_cadastre_files_carried_from")),
        _fund_key("cadastre_files"),
    )
    op.create_table(
        "cadastre_file_members",
        sa.Column("ssin", sa.String(11), nullable=False),
        sa.Column("file_id", _ORDINAL, nullable=False),
        sa.Column("quality", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(
            "ssin", "file_id", "quality", name=op.f("pk_cadastre_file_members")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"],
            ["cadastre_files.id"],
            name=op.f("fk_cadastre_file_members_file_id_cadastre_files"),
        ),
    )
    name = op.f("ix_cadastre_file_members_file_id")
    op.create_index(name, "cadastre_file_members", ["file_id"])
