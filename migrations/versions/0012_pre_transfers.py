"""transfers between sites: the document, the stock behind it, arrivals and discrepancies; goods that go beyond the gate"""

import sqlalchemy as sa
from alembic import op

from migrations.support import append_only, protect, ship_value

revision = "0012_pre_transfers"
down_revision = "0011_pre_identity"
branch_labels = None
depends_on = None

OWNED = "owner_id = app_company()"
TABLES = (
    "transfer",
    "transfer_line",
    "transfer_piece",
    "transfer_arrival",
    "transfer_arrival_line",
    "transfer_discrepancy",
)


def upgrade() -> None:
    create_tables()
    for table in TABLES:
        protect(table, OWNED, app="SELECT, INSERT, UPDATE")
    for table in ("transfer_arrival", "transfer_arrival_line"):
        append_only(table)
    op.add_column("gate_pass_line", sa.Column("transit_site_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_gate_pass_line_transit_site_id"), "gate_pass_line", "site", ["transit_site_id"], ["id"]
    )
    ship_value("transfer.reserve_days", 14, source="our own limit: a transfer that is two weeks late is drawn up anew")
    ship_value(
        "transfer.discrepancy_days",
        14,
        source="our own limit: claims against the carrier are made within 14 days, 2026-11",
    )


def downgrade() -> None:
    raise RuntimeError("goods in transit would lose their documents: restore a backup of the older version instead")


def create_tables() -> None:
    op.create_table(
        "transfer",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("transfer_no", sa.String(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("from_site_id", sa.BigInteger(), nullable=False),
        sa.Column("to_site_id", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("depart_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("carrier_id", sa.BigInteger(), nullable=True),
        sa.Column("vehicle_plate", sa.String(), nullable=True),
        sa.Column("container_no", sa.String(), nullable=True),
        sa.Column("seal_no", sa.String(), nullable=True),
        sa.Column("consignment_id", sa.BigInteger(), nullable=True),
        sa.Column("gate_pass_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), server_default="", nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state_by", sa.BigInteger(), nullable=True),
        sa.Column("state_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("departed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("turned_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(departed_at IS NOT NULL) = (state NOT IN ('open', 'loaded', 'cancelled'))",
            name=op.f("ck_transfer_departed_has_time"),
        ),
        sa.CheckConstraint("mode IN ('barge', 'ocean', 'rail', 'truck', 'air')", name=op.f("ck_transfer_mode_known")),
        sa.CheckConstraint(
            "state IN ('open', 'loaded', 'in_transit', 'arriving', 'received', 'returning', 'returned', 'cancelled')",
            name=op.f("ck_transfer_state_known"),
        ),
        sa.CheckConstraint("from_site_id <> to_site_id", name=op.f("ck_transfer_two_sites")),
        sa.ForeignKeyConstraint(["carrier_id"], ["company.id"], name=op.f("fk_transfer_carrier_id")),
        sa.ForeignKeyConstraint(["consignment_id"], ["consignment.id"], name=op.f("fk_transfer_consignment_id")),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_transfer_created_by")),
        sa.ForeignKeyConstraint(["from_site_id"], ["site.id"], name=op.f("fk_transfer_from_site_id")),
        sa.ForeignKeyConstraint(["gate_pass_id"], ["gate_pass.id"], name=op.f("fk_transfer_gate_pass_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_transfer_owner_id")),
        sa.ForeignKeyConstraint(["state_by"], ["person.id"], name=op.f("fk_transfer_state_by")),
        sa.ForeignKeyConstraint(["to_site_id"], ["site.id"], name=op.f("fk_transfer_to_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer")),
        sa.UniqueConstraint("tenant_id", "transfer_no", name=op.f("uq_transfer_tenant_id_transfer_no")),
    )
    op.create_index(op.f("ix_transfer_owner_id"), "transfer", ["owner_id"], unique=False)
    op.create_index(op.f("ix_transfer_tenant_id_state"), "transfer", ["tenant_id", "state"], unique=False)
    op.create_index(op.f("ix_transfer_to_site_id"), "transfer", ["to_site_id"], unique=False)
    op.create_index(
        "uq_transfer_gate_pass",
        "transfer",
        ["gate_pass_id"],
        unique=True,
        postgresql_where=sa.text("gate_pass_id IS NOT NULL"),
    )
    op.create_table(
        "transfer_arrival",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("arrival_no", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("is_last", sa.Boolean(), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_transfer_arrival_owner_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_transfer_arrival_person_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_transfer_arrival_site_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name=op.f("fk_transfer_arrival_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_arrival")),
        sa.UniqueConstraint("transfer_id", "arrival_no", name=op.f("uq_transfer_arrival_transfer_id_arrival_no")),
    )
    op.create_table(
        "transfer_line",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("line_no", sa.Integer(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("customs_status", sa.String(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("unit_value_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("loaded_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("departed_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("arrived_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("damaged_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("short_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("over_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "customs_status IN ('free', 'bonded', 'export')", name=op.f("ck_transfer_line_customs_status_known")
        ),
        sa.CheckConstraint(
            "loaded_qty BETWEEN 0 AND qty AND departed_qty BETWEEN 0 AND loaded_qty AND damaged_qty <= arrived_qty AND arrived_qty >= 0 AND short_qty >= 0 AND over_qty >= 0 AND damaged_qty >= 0 AND arrived_qty + short_qty <= departed_qty",
            name=op.f("ck_transfer_line_steps_within_steps"),
        ),
        sa.CheckConstraint("qty > 0", name=op.f("ck_transfer_line_qty_positive")),
        sa.ForeignKeyConstraint(
            ["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_transfer_line_handling_unit_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_transfer_line_lot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_transfer_line_owner_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_transfer_line_trade_item_id")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name=op.f("fk_transfer_line_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_line")),
        sa.UniqueConstraint("transfer_id", "line_no", name=op.f("uq_transfer_line_transfer_id_line_no")),
    )
    op.create_index(op.f("ix_transfer_line_owner_id"), "transfer_line", ["owner_id"], unique=False)
    op.create_index(op.f("ix_transfer_line_trade_item_id"), "transfer_line", ["trade_item_id"], unique=False)
    op.create_table(
        "transfer_arrival_line",
        sa.Column("arrival_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("kind IN ('good', 'damaged', 'over')", name=op.f("ck_transfer_arrival_line_kind_known")),
        sa.CheckConstraint("qty > 0", name=op.f("ck_transfer_arrival_line_qty_positive")),
        sa.ForeignKeyConstraint(
            ["arrival_id"], ["transfer_arrival.id"], name=op.f("fk_transfer_arrival_line_arrival_id")
        ),
        sa.ForeignKeyConstraint(["line_id"], ["transfer_line.id"], name=op.f("fk_transfer_arrival_line_line_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_transfer_arrival_line_location_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_transfer_arrival_line_owner_id")),
        sa.PrimaryKeyConstraint("arrival_id", "seq", name=op.f("pk_transfer_arrival_line")),
    )
    op.create_table(
        "transfer_discrepancy",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("transfer_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("answerable_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("other_account_id", sa.BigInteger(), nullable=True),
        sa.Column("posting_id", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settlement", sa.String(), nullable=True),
        sa.Column("settle_reason", sa.String(), nullable=True),
        sa.Column("settle_posting_id", sa.BigInteger(), nullable=True),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("kind IN ('short', 'over')", name=op.f("ck_transfer_discrepancy_kind_known")),
        sa.CheckConstraint(
            "settlement IN ('found', 'lost', 'accepted', 'sent_back')",
            name=op.f("ck_transfer_discrepancy_settlement_known"),
        ),
        sa.CheckConstraint(
            "(settlement IS NULL) = (settled_at IS NULL) AND (settlement IS NULL) = (settled_by IS NULL) AND (settlement IS NULL) = (settle_reason IS NULL)",
            name=op.f("ck_transfer_discrepancy_settled_whole"),
        ),
        sa.CheckConstraint("qty > 0", name=op.f("ck_transfer_discrepancy_qty_positive")),
        sa.CheckConstraint("settled_by <> opened_by", name=op.f("ck_transfer_discrepancy_second_person")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_transfer_discrepancy_account_id")),
        sa.ForeignKeyConstraint(["answerable_id"], ["company.id"], name=op.f("fk_transfer_discrepancy_answerable_id")),
        sa.ForeignKeyConstraint(["line_id"], ["transfer_line.id"], name=op.f("fk_transfer_discrepancy_line_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["person.id"], name=op.f("fk_transfer_discrepancy_opened_by")),
        sa.ForeignKeyConstraint(
            ["other_account_id"], ["account.id"], name=op.f("fk_transfer_discrepancy_other_account_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_transfer_discrepancy_owner_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["person.id"], name=op.f("fk_transfer_discrepancy_settled_by")),
        sa.ForeignKeyConstraint(["transfer_id"], ["transfer.id"], name=op.f("fk_transfer_discrepancy_transfer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_discrepancy")),
    )
    op.create_index(
        "ix_transfer_discrepancy_open",
        "transfer_discrepancy",
        ["due_on"],
        unique=False,
        postgresql_where=sa.text("settlement IS NULL"),
    )
    op.create_index(op.f("ix_transfer_discrepancy_transfer_id"), "transfer_discrepancy", ["transfer_id"], unique=False)
    op.create_table(
        "transfer_piece",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("reservation_id", sa.BigInteger(), nullable=True),
        sa.Column("transit_account_id", sa.BigInteger(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("loaded_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("departed_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("settled_qty", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "departed_qty = 0 OR transit_account_id IS NOT NULL", name=op.f("ck_transfer_piece_departed_has_account")
        ),
        sa.CheckConstraint(
            "qty > 0 AND loaded_qty BETWEEN 0 AND qty AND departed_qty BETWEEN 0 AND loaded_qty AND settled_qty BETWEEN 0 AND departed_qty",
            name=op.f("ck_transfer_piece_steps_within_steps"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_transfer_piece_account_id")),
        sa.ForeignKeyConstraint(["line_id"], ["transfer_line.id"], name=op.f("fk_transfer_piece_line_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_transfer_piece_owner_id")),
        sa.ForeignKeyConstraint(["reservation_id"], ["reservation.id"], name=op.f("fk_transfer_piece_reservation_id")),
        sa.ForeignKeyConstraint(
            ["transit_account_id"], ["account.id"], name=op.f("fk_transfer_piece_transit_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfer_piece")),
    )
    op.create_index(op.f("ix_transfer_piece_line_id"), "transfer_piece", ["line_id"], unique=False)
    op.create_index(
        "ix_transfer_piece_on_the_way",
        "transfer_piece",
        ["transit_account_id"],
        unique=False,
        postgresql_where=sa.text("settled_qty < departed_qty"),
    )
