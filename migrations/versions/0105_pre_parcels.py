"""retail parcels: buyers and their year, the three documents, declarations; limits, rates and periods as dated data"""

from datetime import date

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0105_pre_parcels"
down_revision = "0104_pre_supply"
branch_labels = None
depends_on = None

SINCE_2016, SINCE_2019 = date(2016, 4, 8), date(2019, 1, 1)
NOTICE_2016, NOTICE_2018 = "Cai Guan Shui 2016 No. 18", "Cai Guan Shui 2018 No. 49"
KNOWN = "trade knowledge of 2026-11, to be confirmed with customs"
COSMETICS, WATCHES = "parcel.high_end_cosmetics", "parcel.high_end_watches"
# Commodity code or its first digits: VAT, duty, consumption tax, threshold. Empty duty: not known.
RATES = {
    "1901101090": ("0.13", "0.05", "0", ""),
    "2106909090": ("0.13", "", "0", ""),
    "3304990039": ("0.13", "0.01", "0.15", COSMETICS),
    "3303000000": ("0.13", "0.03", "0.15", ""),
    "9619001100": ("0.13", "", "0", ""),
    "0405100000": ("0.09", "", "0", ""),
    "1509": ("0.09", "", "0", ""),
    "2204210000": ("0.13", "0.14", "0.10", ""),
    "9102": ("0.13", "0.08", "0.20", WATCHES),
    "0202300090": ("0.09", "0.12", "0", ""),
}


def upgrade() -> None:
    create_buyer()
    protect("buyer", app="SELECT, INSERT, UPDATE")
    create_buyer_year()
    protect("buyer_year", app="SELECT, INSERT, UPDATE")
    documents()
    declarations()
    limits()
    taxes()
    periods()


def downgrade() -> None:
    raise RuntimeError("parcels and quotas would be lost: restore a backup of the older version instead")


def documents() -> None:
    create_retail_document()
    protect("retail_document", app="SELECT, INSERT, UPDATE (body_sealed)")
    create_retail_order()
    protect("retail_order", "owner_id = app_company()")
    create_retail_payment()
    protect("retail_payment")
    create_retail_waybill()
    protect("retail_waybill")


def declarations() -> None:
    create_parcel_declaration()
    protect("parcel_declaration", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    of_firm = "EXISTS (SELECT 1 FROM parcel_declaration d WHERE d.id = declaration_id)"
    create_parcel_line()
    protect("parcel_line", of_firm, app="SELECT, INSERT, UPDATE (returned_qty)")
    create_parcel_receipt()
    protect("parcel_receipt", of_firm, app="SELECT, INSERT")
    create_parcel_request()
    protect("parcel_request", of_firm, app="SELECT, INSERT, UPDATE")


def periods() -> None:
    returns = {"apply_within_days": 30, "back_within_days": 45, "same_area": True}
    ship_value("parcel.import_return", returns, source=f"GAC notice 2020 No. 45; same area: {KNOWN}")
    ship_value("parcel.export_return", {"within_days": 365}, source="GAC notice 2020 No. 44")
    ship_value("parcel.retail_modes", ["1210", "9610"], source="GAC notice 2018 No. 194")
    ship_value("parcel.personal_retention_days", 1095, source=f"E-Commerce Law, article 31: three years; {KNOWN}")


def limits() -> None:
    old = {"single": "2000", "annual": "20000", "inclusive": True}
    new = {"single": "5000", "annual": "26000", "inclusive": True}
    ship_value("parcel.limits", old, source=NOTICE_2016, valid_from_on=SINCE_2016)
    ship_value("parcel.limits", new, source=f"{NOTICE_2018}; exactly the limit is allowed: {KNOWN}",
               valid_from_on=SINCE_2019)  # fmt: skip


def taxes() -> None:
    terms = {"share": "0.7", "rounding": "half_up", "step": "0.01"}
    ship_value("parcel.tax_terms", terms, source=f"{NOTICE_2016}; rounding of each tax of each line: {KNOWN}",
               valid_from_on=SINCE_2016)  # fmt: skip
    high_end = {"g": "10", "ml": "10", "piece": "15", "inclusive": True}
    ship_value(COSMETICS, high_end, source=f"Cai Shui 2016 No. 103; exactly the threshold counts: {KNOWN}",
               valid_from_on=SINCE_2016)  # fmt: skip
    ship_value(WATCHES, {"unit": "10000", "inclusive": True}, source=KNOWN, valid_from_on=SINCE_2016)
    for code, row in RATES.items():
        value = dict(zip(("vat", "duty", "consumption", "threshold"), row, strict=True))
        ship_value("parcel.tax_rates", value, source=KNOWN, valid_from_on=SINCE_2019, subject=code)


def create_buyer() -> None:
    op.create_table(
        "buyer",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("id_index", sa.LargeBinary(), nullable=True),
        sa.Column("id_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("last_used_on", sa.Date(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("(erased_at IS NULL) = (id_sealed IS NOT NULL)", name=op.f("ck_buyer_sealed_until_erased")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buyer")),
    )
    op.create_index(op.f("ix_buyer_tenant_id_last_used_on"), "buyer", ["tenant_id", "last_used_on"], unique=False)
    op.create_index("uq_buyer_id_index", "buyer", ["tenant_id", "id_index"], unique=True)


def create_buyer_year() -> None:
    op.create_table(
        "buyer_year",
        sa.Column("buyer_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("used_minor", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("used_minor >= 0", name=op.f("ck_buyer_year_used_not_negative")),
        sa.ForeignKeyConstraint(["buyer_id"], ["buyer.id"], name=op.f("fk_buyer_year_buyer_id")),
        sa.PrimaryKeyConstraint("buyer_id", "year", name=op.f("pk_buyer_year")),
    )


def create_retail_document() -> None:
    op.create_table(
        "retail_document",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("guid", sa.String(), nullable=False),
        sa.Column("app_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("body_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("kind IN ('order', 'payment', 'waybill')", name=op.f("ck_retail_document_kind_known")),
        sa.CheckConstraint(
            "outcome IN ('taken', 'amended', 'repeated', 'older', 'deleted', 'refused')",
            name=op.f("ck_retail_document_outcome_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retail_document")),
    )
    op.create_index(
        op.f("ix_retail_document_tenant_id_kind_number"),
        "retail_document",
        ["tenant_id", "kind", "number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_retail_document_tenant_id_recorded_at"), "retail_document", ["tenant_id", "recorded_at"], unique=False
    )


def create_retail_order() -> None:
    op.create_table(
        "retail_order",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("ebp_code", sa.String(), nullable=False),
        sa.Column("ebp_name", sa.String(), nullable=False),
        sa.Column("ebc_code", sa.String(), nullable=False),
        sa.Column("ebc_name", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("order_type", sa.String(), nullable=False),
        sa.Column("app_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_index", sa.LargeBinary(), nullable=False),
        sa.Column("goods_value", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("freight", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("discount", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("tax_total", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("paid", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("buyer_id", sa.BigInteger(), nullable=True),
        sa.Column("buyer_index", sa.LargeBinary(), nullable=True),
        sa.Column("buyer_name_index", sa.LargeBinary(), nullable=True),
        sa.Column("buyer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("consignee_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("address_index", sa.LargeBinary(), nullable=True),
        sa.Column("consignee_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("match", sa.String(), server_default="waiting", nullable=False),
        sa.Column("mismatches", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("direction IN ('I', 'E')", name=op.f("ck_retail_order_direction_known")),
        sa.CheckConstraint("match IN ('waiting', 'differs', 'agrees')", name=op.f("ck_retail_order_match_known")),
        sa.ForeignKeyConstraint(["buyer_id"], ["buyer.id"], name=op.f("fk_retail_order_buyer_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_retail_order_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retail_order")),
        sa.UniqueConstraint(
            "tenant_id", "ebp_code", "order_no", name=op.f("uq_retail_order_tenant_id_ebp_code_order_no")
        ),
    )
    op.create_index(op.f("ix_retail_order_buyer_id"), "retail_order", ["buyer_id"], unique=False)
    op.create_index(
        "ix_retail_order_differs",
        "retail_order",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("match = 'differs'"),
    )
    op.create_index(
        op.f("ix_retail_order_tenant_id_address_index"), "retail_order", ["tenant_id", "address_index"], unique=False
    )
    op.create_index(op.f("ix_retail_order_tenant_id_order_no"), "retail_order", ["tenant_id", "order_no"], unique=False)
    op.create_index(
        op.f("ix_retail_order_tenant_id_phone_index"), "retail_order", ["tenant_id", "phone_index"], unique=False
    )


def create_retail_payment() -> None:
    op.create_table(
        "retail_payment",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("pay_code", sa.String(), nullable=False),
        sa.Column("pay_name", sa.String(), nullable=False),
        sa.Column("transaction_no", sa.String(), nullable=False),
        sa.Column("ebp_code", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("app_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_index", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("payer_index", sa.LargeBinary(), nullable=True),
        sa.Column("payer_name_index", sa.LargeBinary(), nullable=True),
        sa.Column("payer_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("payer_name_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retail_payment")),
        sa.UniqueConstraint(
            "tenant_id", "pay_code", "transaction_no", name=op.f("uq_retail_payment_tenant_id_pay_code_transaction_no")
        ),
    )
    op.create_index(
        op.f("ix_retail_payment_tenant_id_ebp_code_order_no"),
        "retail_payment",
        ["tenant_id", "ebp_code", "order_no"],
        unique=False,
    )


def create_retail_waybill() -> None:
    op.create_table(
        "retail_waybill",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("logistics_code", sa.String(), nullable=False),
        sa.Column("logistics_name", sa.String(), nullable=False),
        sa.Column("waybill_no", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=True),
        sa.Column("app_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_index", sa.LargeBinary(), nullable=False),
        sa.Column("freight", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("insured_fee", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("gross_weight", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("pack_count", sa.Integer(), nullable=False),
        sa.Column("consignee_index", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("address_index", sa.LargeBinary(), nullable=True),
        sa.Column("consignee_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("address_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("gross_weight >= 0 AND pack_count > 0", name=op.f("ck_retail_waybill_amounts_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retail_waybill")),
        sa.UniqueConstraint(
            "tenant_id",
            "logistics_code",
            "waybill_no",
            name=op.f("uq_retail_waybill_tenant_id_logistics_code_waybill_no"),
        ),
    )
    op.create_index(
        op.f("ix_retail_waybill_tenant_id_order_no"), "retail_waybill", ["tenant_id", "order_no"], unique=False
    )


def create_parcel_declaration() -> None:
    op.create_table(
        "parcel_declaration",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("cop_no", sa.String(), nullable=True),
        sa.Column("pre_no", sa.String(), nullable=True),
        sa.Column("invt_no", sa.String(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("waybill_id", sa.BigInteger(), nullable=True),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("buyer_id", sa.BigInteger(), nullable=True),
        sa.Column("trade_mode", sa.String(), nullable=False),
        sa.Column("ebp_code", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("logistics_code", sa.String(), nullable=False),
        sa.Column("waybill_no", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="draft", nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("is_on_hold", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("taxable", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("duty", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("consumption_tax", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("vat", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("tax_restored", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("is_levied_in_full", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("quota_year", sa.Integer(), nullable=True),
        sa.Column("quota_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("quota_restored_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("head", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state IN ('released', 'cleared')) <= (released_at IS NOT NULL)",
            name=op.f("ck_parcel_declaration_released_has_time"),
        ),
        sa.CheckConstraint("direction IN ('I', 'E')", name=op.f("ck_parcel_declaration_direction_known")),
        sa.CheckConstraint(
            "state IN ('draft', 'declared', 'returned', 'rejected', 'released', 'cleared', 'detained', 'shipped_back', 'cancelled')",
            name=op.f("ck_parcel_declaration_state_known"),
        ),
        sa.CheckConstraint(
            "quota_restored_minor BETWEEN 0 AND quota_minor", name=op.f("ck_parcel_declaration_restored_within_quota")
        ),
        sa.ForeignKeyConstraint(["buyer_id"], ["buyer.id"], name=op.f("fk_parcel_declaration_buyer_id")),
        sa.ForeignKeyConstraint(["order_id"], ["retail_order.id"], name=op.f("fk_parcel_declaration_order_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_parcel_declaration_owner_id")),
        sa.ForeignKeyConstraint(["payment_id"], ["retail_payment.id"], name=op.f("fk_parcel_declaration_payment_id")),
        sa.ForeignKeyConstraint(["waybill_id"], ["retail_waybill.id"], name=op.f("fk_parcel_declaration_waybill_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_declaration")),
        sa.UniqueConstraint("tenant_id", "cop_no", name=op.f("uq_parcel_declaration_tenant_id_cop_no")),
    )
    op.create_index(
        op.f("ix_parcel_declaration_buyer_id_quota_year"),
        "parcel_declaration",
        ["buyer_id", "quota_year"],
        unique=False,
    )
    op.create_index(op.f("ix_parcel_declaration_owner_id"), "parcel_declaration", ["owner_id"], unique=False)
    op.create_index(
        op.f("ix_parcel_declaration_tenant_id_invt_no"), "parcel_declaration", ["tenant_id", "invt_no"], unique=False
    )
    op.create_index(
        op.f("ix_parcel_declaration_tenant_id_logistics_code_waybill_no"),
        "parcel_declaration",
        ["tenant_id", "logistics_code", "waybill_no"],
        unique=False,
    )
    op.create_index(
        op.f("ix_parcel_declaration_tenant_id_order_no"), "parcel_declaration", ["tenant_id", "order_no"], unique=False
    )
    op.create_index(
        op.f("ix_parcel_declaration_tenant_id_state_id"),
        "parcel_declaration",
        ["tenant_id", "state", "id"],
        unique=False,
    )
    op.create_index(
        "uq_parcel_declaration_order",
        "parcel_declaration",
        ["order_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'cancelled'"),
    )


def create_parcel_line() -> None:
    op.create_table(
        "parcel_line",
        sa.Column("declaration_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("item_no", sa.String(), nullable=True),
        sa.Column("record_no", sa.String(), nullable=True),
        sa.Column("gcode", sa.String(), nullable=False),
        sa.Column("gname", sa.String(), nullable=False),
        sa.Column("gmodel", sa.String(), nullable=False),
        sa.Column("country", sa.String(), nullable=False),
        sa.Column("qty", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("unit", sa.String(), nullable=False),
        sa.Column("qty1", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("unit1", sa.String(), nullable=False),
        sa.Column("qty2", sa.Numeric(precision=19, scale=5), nullable=True),
        sa.Column("unit2", sa.String(), nullable=True),
        sa.Column("price", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("total_price", sa.Numeric(precision=19, scale=5), nullable=False),
        sa.Column("taxable", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("duty", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("consumption_tax", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("vat", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("returned_qty", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("qty > 0", name=op.f("ck_parcel_line_qty_positive")),
        sa.CheckConstraint("returned_qty BETWEEN 0 AND qty", name=op.f("ck_parcel_line_returned_within_qty")),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["parcel_declaration.id"], name=op.f("fk_parcel_line_declaration_id")
        ),
        sa.PrimaryKeyConstraint("declaration_id", "line_no", name=op.f("pk_parcel_line")),
    )


def create_parcel_receipt() -> None:
    op.create_table(
        "parcel_receipt",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("declaration_id", sa.BigInteger(), nullable=False),
        sa.Column("message_kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("info", sa.String(), nullable=False),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("has_moved", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["parcel_declaration.id"], name=op.f("fk_parcel_receipt_declaration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_receipt")),
    )
    op.create_index(op.f("ix_parcel_receipt_declaration_id"), "parcel_receipt", ["declaration_id"], unique=False)


def create_parcel_request() -> None:
    op.create_table(
        "parcel_request",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("declaration_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("cop_no", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="applied", nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("back_by_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("back_in", sa.String(), nullable=True),
        sa.Column("tax_restored", sa.Numeric(precision=19, scale=5), server_default="0", nullable=False),
        sa.Column("quota_restored_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("kind IN ('cancel', 'return')", name=op.f("ck_parcel_request_kind_known")),
        sa.CheckConstraint(
            "state IN ('applied', 'approved', 'refused', 'completed', 'expired')",
            name=op.f("ck_parcel_request_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["declaration_id"], ["parcel_declaration.id"], name=op.f("fk_parcel_request_declaration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel_request")),
        sa.UniqueConstraint("tenant_id", "cop_no", name=op.f("uq_parcel_request_tenant_id_cop_no")),
    )
    op.create_index(op.f("ix_parcel_request_declaration_id"), "parcel_request", ["declaration_id"], unique=False)
