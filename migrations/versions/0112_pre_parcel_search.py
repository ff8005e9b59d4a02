"""parcels are found by waybill alone, and orders by the names of buyer and consignee"""

from alembic import op

revision = "0112_pre_parcel_search"
down_revision = "0111_pre_customs_mail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_parcel_declaration_tenant_id_logistics_code_waybill_no", "parcel_declaration")
    op.create_index(
        "ix_parcel_declaration_tenant_id_waybill_no_logistics_code", "parcel_declaration",
        ["tenant_id", "waybill_no", "logistics_code"],
    )  # fmt: skip
    op.create_index("ix_retail_order_tenant_id_consignee_index", "retail_order", ["tenant_id", "consignee_index"])
    op.create_index("ix_retail_order_tenant_id_buyer_name_index", "retail_order", ["tenant_id", "buyer_name_index"])


def downgrade() -> None:
    op.drop_index("ix_retail_order_tenant_id_buyer_name_index", "retail_order")
    op.drop_index("ix_retail_order_tenant_id_consignee_index", "retail_order")
    op.drop_index("ix_parcel_declaration_tenant_id_waybill_no_logistics_code", "parcel_declaration")
    op.create_index(
        "ix_parcel_declaration_tenant_id_logistics_code_waybill_no", "parcel_declaration",
        ["tenant_id", "logistics_code", "waybill_no"],
    )  # fmt: skip
