"""rate cards, extra services, invoices: what owners pay for storage and handling"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect, run_sql

revision = "0021_pre_billing"
down_revision = "0020_pre_coldchain"
branch_labels = None
depends_on = None

OWNED = "owner_id = app_company()"
OF_INVOICE = (
    "EXISTS (SELECT 1 FROM invoice i WHERE i.id = invoice_id AND i.owner_id = app_company() AND i.state <> 'draft')"
)


def upgrade() -> None:
    create_tables()
    protect("rate_card", OWNED, app="SELECT, INSERT")
    protect(
        "rate", "EXISTS (SELECT 1 FROM rate_card c WHERE c.id = rate_card_id AND c.owner_id = app_company())",
        app="SELECT, INSERT",
    )  # fmt: skip
    protect("service_done", OWNED, app="SELECT, INSERT")
    protect("invoice", f"{OWNED} AND state <> 'draft'")
    protect("invoice_line", OF_INVOICE)
    run_sql("wms.floor", "billing.sql")
    op.execute(
        "CREATE TRIGGER invoice_stands BEFORE UPDATE OR DELETE ON invoice FOR EACH ROW"
        " EXECUTE FUNCTION billing_refuse_edit()"
    )
    op.execute(
        "CREATE TRIGGER invoice_line_stands BEFORE INSERT OR UPDATE OR DELETE ON invoice_line FOR EACH ROW"
        " EXECUTE FUNCTION billing_refuse_line_edit()"
    )


def downgrade() -> None:
    raise RuntimeError("invoices would be lost: restore a backup of the older version instead")


def create_tables() -> None:
    op.create_table(
        "rate_card",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(), server_default="CNY", nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("length(btrim(source)) > 0", name=op.f("ck_rate_card_has_source")),
        sa.CheckConstraint("minimum_minor >= 0", name=op.f("ck_rate_card_minimum_not_negative")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_rate_card_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_card")),
        sa.UniqueConstraint(
            "tenant_id", "owner_id", "valid_from_on", name=op.f("uq_rate_card_tenant_id_owner_id_valid_from_on")
        ),
    )
    op.create_table(
        "rate",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("rate_card_id", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("name", sa.String(), server_default="", nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("price_milli", sa.BigInteger(), nullable=False),
        sa.Column("temperature_class", sa.String(), nullable=True),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("free_days", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("service IN ('storage', 'handling', 'extra')", name=op.f("ck_rate_service_known")),
        sa.CheckConstraint(
            "temperature_class IN ('ambient', 'chilled', 'frozen')", name=op.f("ck_rate_temperature_class_known")
        ),
        sa.CheckConstraint("price_milli >= 0 AND free_days >= 0", name=op.f("ck_rate_not_negative")),
        sa.ForeignKeyConstraint(["rate_card_id"], ["rate_card.id"], name=op.f("fk_rate_rate_card_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_rate_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate")),
    )
    op.create_index(op.f("ix_rate_rate_card_id"), "rate", ["rate_card_id"], unique=False)
    op.create_table(
        "service_done",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("times > 0", name=op.f("ck_service_done_times_positive")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_service_done_owner_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_service_done_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_service_done_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_done")),
    )
    op.create_index(
        op.f("ix_service_done_tenant_id_owner_id_done_on"),
        "service_done",
        ["tenant_id", "owner_id", "done_on"],
        unique=False,
    )
    op.create_table(
        "invoice",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("invoice_no", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), server_default="invoice", nullable=False),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("since_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("credits_id", sa.BigInteger(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("issued_by", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(kind = 'credit_note') = (credits_id IS NOT NULL)", name=op.f("ck_invoice_credit_names_invoice")
        ),
        sa.CheckConstraint("(state = 'draft') = (invoice_no IS NULL)", name=op.f("ck_invoice_issued_has_number")),
        sa.CheckConstraint("kind IN ('invoice', 'credit_note')", name=op.f("ck_invoice_kind_known")),
        sa.CheckConstraint("state IN ('draft', 'issued', 'credited')", name=op.f("ck_invoice_state_known")),
        sa.CheckConstraint("since_on <= until_on", name=op.f("ck_invoice_period_order")),
        sa.ForeignKeyConstraint(["credits_id"], ["invoice.id"], name=op.f("fk_invoice_credits_id")),
        sa.ForeignKeyConstraint(["issued_by"], ["person.id"], name=op.f("fk_invoice_issued_by")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_invoice_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("tenant_id", "invoice_no", name=op.f("uq_invoice_tenant_id_invoice_no")),
    )
    op.create_index(
        op.f("ix_invoice_tenant_id_owner_id_since_on"), "invoice", ["tenant_id", "owner_id", "since_on"], unique=False
    )
    op.create_index(
        "uq_invoice_credits_id",
        "invoice",
        ["credits_id"],
        unique=True,
        postgresql_where=sa.text("credits_id IS NOT NULL"),
    )
    op.create_table(
        "invoice_line",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("rate_id", sa.BigInteger(), nullable=True),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("qty_milli", sa.BigInteger(), nullable=False),
        sa.Column("price_milli", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.String(), server_default="", nullable=False),
        sa.Column("corrects_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "service IN ('storage', 'handling', 'extra', 'minimum')", name=op.f("ck_invoice_line_service_known")
        ),
        sa.ForeignKeyConstraint(["corrects_id"], ["invoice.id"], name=op.f("fk_invoice_line_corrects_id")),
        sa.ForeignKeyConstraint(["invoice_id"], ["invoice.id"], name=op.f("fk_invoice_line_invoice_id")),
        sa.ForeignKeyConstraint(["rate_id"], ["rate.id"], name=op.f("fk_invoice_line_rate_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_invoice_line_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_line")),
        sa.UniqueConstraint("invoice_id", "line_no", name=op.f("uq_invoice_line_invoice_id_line_no")),
    )
    op.create_index(
        "ix_invoice_line_corrects_id",
        "invoice_line",
        ["corrects_id"],
        unique=False,
        postgresql_where=sa.text("corrects_id IS NOT NULL"),
    )
