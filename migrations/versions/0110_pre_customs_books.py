"""account books: changes, filings, slips, differences, write-off; trade modes as dated data"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0110_pre_customs_books"
down_revision = "0109_pre_scan_routines"
branch_labels = None
depends_on = None

REFERENCE = "GAC notices and messages as read for this product, 2026-11; to be confirmed by customs"
OURS = "our own choice, 2026-11; to be agreed with customs"
ZONE = ["INV101", "INV201", "entry", "SAS121", "SAS221", "gate", "INV211"]
PARCEL_IN = [["311", "411", "511"], "621", "622", "INV101", "SAS121", "gate", "INV211"]
PARCEL_OUT = ["303", "403", "505", "603", "607", "507", "604", "509"]
# Code and direction: who declares, which documents in which order, when goods may move, whether allowed at all, whether
# a released declaration frees goods on the shelf or only at the gate, single limit in fen (0: none).
MODES = {
    "0110:I": ("一般贸易", "Ordinary trade", "consignee", ["entry", "tax", "gate"], "declaration", True, "shelf", 0),
    "0110:E": ("一般贸易", "Ordinary trade", "consignor", ["entry", "gate"], "declaration", True, "gate", 0),
    "9610:I": ("直购进口", "Direct purchase import", "ecommerce", [["311", "411", "511"], "621", "711", "622", "816", "513"], "parcel", True, "gate", 500_000),
    "1210:I": ("网购保税进口", "Bonded retail import, into the zone", "zone_enterprise", ZONE, "declaration", True, "gate", 0),
    "1210:E": ("网购保税出区", "Bonded retail import, parcels out of the zone", "ecommerce", PARCEL_IN, "parcel", True, "gate", 500_000),
    "9610:E": ("零售出口", "Retail export", "ecommerce", [*PARCEL_OUT, "701", "792"], "parcel", True, "gate", 0),
    "1210:export": ("特殊区域零售出口", "Retail export from the zone", "ecommerce", ["INV101", *PARCEL_OUT], "parcel", True, "gate", 0),
    "9710:E": ("跨境B2B直接出口", "B2B direct export", "ecommerce", ["303", "505", "603"], "declaration", True, "gate", 500_000),
    "9810:E": ("出口海外仓", "Export to an overseas warehouse", "ecommerce", ["303", "505", "603"], "declaration", True, "gate", 500_000),
    "9661:I": ("出口退货", "Return of retail export", "ecommerce", ["213", "215", "214"], "declaration", True, "gate", 0),
    "1261:I": ("特殊区域出口退货", "Return of retail export, zone", "ecommerce", ["213", "215", "214"], "declaration", True, "gate", 0),
    "1239:I": ("保税电商A", "Bonded retail import, other cities", "zone_enterprise", ZONE, "declaration", False, "gate", 0),
    **{
        f"{code}:{direction}": (zh, en, "zone_enterprise", ZONE, "declaration", True, freed, 0)
        for code, zh, en, freed in (
            ("5034", "区内物流货物", "Zone logistics goods", "shelf"),
            ("5000", "料件进出区", "Goods over the second line", "shelf"),
            ("5100", "成品进出区", "Finished goods over the second line", "shelf"),
            ("5300", "设备进出区", "Equipment over the second line", "shelf"),
            ("5015", "区内加工货物", "Processing inside the zone", "shelf"),
            ("5335", "境外设备进区", "Equipment from abroad", "shelf"),
            ("5361", "区内设备退运", "Equipment returned abroad", "shelf"),
        )
        for direction in "IE"
    },
}
OF_LIST = "EXISTS (SELECT 1 FROM verification_list d WHERE d.id = verification_list_id)"
OF_BOOK = "EXISTS (SELECT 1 FROM account_book b WHERE b.id = account_book_id)"
OF_BOOK_LINE = "EXISTS (SELECT 1 FROM book_line l WHERE l.id = book_line_id)"
OF_FILING = "EXISTS (SELECT 1 FROM business_filing f WHERE f.id = business_filing_id)"
OF_SLIP = "EXISTS (SELECT 1 FROM movement_slip m WHERE m.id = movement_slip_id)"
OF_GATE_DOC = "EXISTS (SELECT 1 FROM gate_pass p WHERE p.id = gate_pass_id)"
OWNED = "owner_id = app_company()"
WRITES = "SELECT, INSERT, UPDATE"


def upgrade() -> None:
    create_tables()
    widen()
    protect("verification_change", OF_LIST, app=WRITES)
    protect("book_difference", OF_BOOK_LINE, app=WRITES)
    protect("write_off", OF_BOOK, app=WRITES)
    protect("business_filing", OWNED, app=WRITES)
    protect("business_filing_line", OF_FILING, app=WRITES)
    protect("movement_slip", OWNED, app=WRITES)
    protect("movement_slip_line", OF_SLIP, app=WRITES)
    protect("gate_pass_registered", OF_GATE_DOC, app="SELECT, INSERT")
    for subject, (zh, en, declared_by, documents, moves_when, is_allowed, freed_at, limit) in MODES.items():
        value = {
            "name_zh": zh, "name_en": en, "declared_by": declared_by, "documents": documents,
            "moves_when": moves_when, "is_allowed": is_allowed, "freed_at": freed_at, "single_limit_minor": limit,
        }
        ship_value("customs.trade_mode", value, subject=subject, source=REFERENCE)
    ship_value("customs.difference", {"role": "declarant", "days": 14}, source=OURS)
    ship_value("customs.collect_days", 30, source=OURS)
    ship_value("customs.write_off_months", 12, source="GAC Order 256: once a year in practice; " + OURS)


def downgrade() -> None:
    for table, column in (
        ("gate_pass_line", "slip_line_id"),
        ("gate_pass_document", "movement_slip_id"),
        ("verification_line", "promise_id"),
    ):
        op.drop_column(table, column)
    op.drop_column("verification_line", "freed_qty")  # their constraints go with them
    op.drop_column("verification_line", "collected_qty")
    for table in (
        "gate_pass_registered", "movement_slip_line", "movement_slip", "business_filing_line", "business_filing",
        "write_off", "book_difference", "verification_change",
    ):
        op.drop_table(table)
    op.execute("DELETE FROM shipped_value WHERE name LIKE 'customs.%'")


def widen() -> None:
    op.add_column("verification_line", sa.Column("freed_qty", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("verification_line", sa.Column("collected_qty", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("verification_line", sa.Column("promise_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_verification_line_promise_id"), "verification_line", "reservation", ["promise_id"], ["id"])
    op.create_check_constraint(op.f("ck_verification_line_parts_not_negative"), "verification_line", "freed_qty >= 0 AND collected_qty >= 0")
    op.create_check_constraint(op.f("ck_verification_line_parts_within_passed"), "verification_line", "freed_qty + collected_qty <= passed_qty")
    op.add_column("gate_pass_document", sa.Column("movement_slip_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_gate_pass_document_movement_slip_id"), "gate_pass_document", "movement_slip", ["movement_slip_id"], ["id"])
    op.add_column("gate_pass_line", sa.Column("slip_line_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_gate_pass_line_slip_line_id"), "gate_pass_line", "movement_slip_line", ["slip_line_id"], ["id"])


def create_tables() -> None:
    op.create_table('verification_change',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('verification_list_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('state', sa.String(), server_default='requested', nullable=False),
    sa.Column('wanted', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('change_count', sa.Integer(), nullable=False),
    sa.Column('requested_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'requested') = (decided_at IS NULL)", name=op.f('ck_verification_change_decided_has_time')),
    sa.CheckConstraint("kind IN ('2', '3')", name=op.f('ck_verification_change_kind_known')),
    sa.CheckConstraint("state IN ('requested', 'approved', 'refused')", name=op.f('ck_verification_change_state_known')),
    sa.ForeignKeyConstraint(['verification_list_id'], ['verification_list.id'], name=op.f('fk_verification_change_verification_list_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_verification_change'))
    )
    op.create_index('uq_verification_change_requested', 'verification_change', ['verification_list_id'], unique=True, postgresql_where=sa.text("state = 'requested'"))
    op.create_table('book_difference',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('book_line_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('document', sa.String(), nullable=True),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("state <> 'explained' OR document IS NOT NULL", name=op.f('ck_book_difference_explained_by_document')),
    sa.CheckConstraint("state IN ('open', 'explained', 'closed')", name=op.f('ck_book_difference_state_known')),
    sa.CheckConstraint('qty <> 0', name=op.f('ck_book_difference_differs')),
    sa.ForeignKeyConstraint(['book_line_id'], ['book_line.id'], name=op.f('fk_book_difference_book_line_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_book_difference_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_book_difference'))
    )
    op.create_index('uq_book_difference_open', 'book_difference', ['book_line_id'], unique=True, postgresql_where=sa.text("state <> 'closed'"))
    op.create_table('write_off',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('write_off_no', sa.String(), nullable=False),
    sa.Column('account_book_id', sa.BigInteger(), nullable=False),
    sa.Column('from_on', sa.Date(), nullable=False),
    sa.Column('until_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(), server_default='drawn_up', nullable=False),
    sa.Column('report', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('report_hash', sa.LargeBinary(), nullable=False),
    sa.Column('drawn_up_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("state IN ('drawn_up', 'declared', 'accepted', 'refused')", name=op.f('ck_write_off_state_known')),
    sa.CheckConstraint('until_on >= from_on', name=op.f('ck_write_off_ends_after_begin')),
    sa.ForeignKeyConstraint(['account_book_id'], ['account_book.id'], name=op.f('fk_write_off_account_book_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_write_off')),
    sa.UniqueConstraint('tenant_id', 'write_off_no', name=op.f('uq_write_off_tenant_id_write_off_no'))
    )
    op.create_index('uq_write_off_open', 'write_off', ['account_book_id'], unique=True, postgresql_where=sa.text("state IN ('drawn_up', 'declared')"))
    op.create_table('business_filing',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('internal_no', sa.String(), nullable=False),
    sa.Column('filing_no', sa.String(), nullable=True),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('account_book_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('direction', sa.String(), nullable=False),
    sa.Column('state', sa.String(), server_default='declared', nullable=False),
    sa.Column('valid_from_on', sa.Date(), nullable=False),
    sa.Column('valid_until_on', sa.Date(), nullable=False),
    sa.Column('guarantee_minor', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('guarantee_used_minor', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("direction IN ('I', 'E')", name=op.f('ck_business_filing_direction_known')),
    sa.CheckConstraint("kind IN ('A', 'B', 'C', 'D', 'E', 'F', 'G', 'H')", name=op.f('ck_business_filing_kind_known')),
    sa.CheckConstraint("state <> 'approved' OR filing_no IS NOT NULL", name=op.f('ck_business_filing_numbered')),
    sa.CheckConstraint("state IN ('declared', 'approved', 'ended', 'refused')", name=op.f('ck_business_filing_state_known')),
    sa.CheckConstraint('guarantee_used_minor BETWEEN 0 AND guarantee_minor', name=op.f('ck_business_filing_within_guarantee')),
    sa.CheckConstraint('valid_until_on >= valid_from_on', name=op.f('ck_business_filing_ends_after_begin')),
    sa.ForeignKeyConstraint(['account_book_id'], ['account_book.id'], name=op.f('fk_business_filing_account_book_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_business_filing_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_business_filing')),
    sa.UniqueConstraint('tenant_id', 'filing_no', name=op.f('uq_business_filing_tenant_id_filing_no')),
    sa.UniqueConstraint('tenant_id', 'internal_no', name=op.f('uq_business_filing_tenant_id_internal_no'))
    )
    op.create_table('business_filing_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('business_filing_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('role', sa.String(), server_default='goods', nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('book_line_id', sa.BigInteger(), nullable=False),
    sa.Column('ceiling_qty', sa.BigInteger(), nullable=False),
    sa.Column('moved_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('unit_value_minor', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('material_line_id', sa.BigInteger(), nullable=True),
    sa.Column('material_per_mille', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(role = 'product') = (material_line_id IS NOT NULL)", name=op.f('ck_business_filing_line_product_has_material')),
    sa.CheckConstraint("(role = 'product') = (material_per_mille IS NOT NULL)", name=op.f('ck_business_filing_line_product_has_yield')),
    sa.CheckConstraint("role IN ('goods', 'material', 'product')", name=op.f('ck_business_filing_line_role_known')),
    sa.CheckConstraint('ceiling_qty > 0 AND unit_value_minor >= 0', name=op.f('ck_business_filing_line_amounts_positive')),
    sa.CheckConstraint('moved_qty BETWEEN 0 AND ceiling_qty', name=op.f('ck_business_filing_line_within_ceiling')),
    sa.ForeignKeyConstraint(['book_line_id'], ['book_line.id'], name=op.f('fk_business_filing_line_book_line_id')),
    sa.ForeignKeyConstraint(['business_filing_id'], ['business_filing.id'], name=op.f('fk_business_filing_line_business_filing_id')),
    sa.ForeignKeyConstraint(['material_line_id'], ['business_filing_line.id'], name=op.f('fk_business_filing_line_material_line_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_business_filing_line_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_business_filing_line')),
    sa.UniqueConstraint('business_filing_id', 'line_no', name=op.f('uq_business_filing_line_business_filing_id_line_no'))
    )
    op.create_table('movement_slip',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('internal_no', sa.String(), nullable=False),
    sa.Column('slip_no', sa.String(), nullable=True),
    sa.Column('business_filing_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('direction', sa.String(), nullable=False),
    sa.Column('state', sa.String(), server_default='applied', nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('passed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('collect_by_on', sa.Date(), nullable=True),
    sa.Column('collected_by_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("direction IN ('I', 'E')", name=op.f('ck_movement_slip_direction_known')),
    sa.CheckConstraint("state IN ('applied', 'approved', 'passed', 'collected', 'returned', 'void')", name=op.f('ck_movement_slip_state_known')),
    sa.CheckConstraint("state NOT IN ('approved', 'passed', 'collected') OR slip_no IS NOT NULL", name=op.f('ck_movement_slip_numbered')),
    sa.ForeignKeyConstraint(['business_filing_id'], ['business_filing.id'], name=op.f('fk_movement_slip_business_filing_id')),
    sa.ForeignKeyConstraint(['collected_by_id'], ['verification_list.id'], name=op.f('fk_movement_slip_collected_by_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_movement_slip_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_movement_slip')),
    sa.UniqueConstraint('tenant_id', 'internal_no', name=op.f('uq_movement_slip_tenant_id_internal_no')),
    sa.UniqueConstraint('tenant_id', 'slip_no', name=op.f('uq_movement_slip_tenant_id_slip_no'))
    )
    op.create_index(op.f('ix_movement_slip_business_filing_id'), 'movement_slip', ['business_filing_id'], unique=False)
    op.create_table('movement_slip_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('movement_slip_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('filing_line_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('on_passes_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('passed_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('returned_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('returns_line_id', sa.BigInteger(), nullable=True),
    sa.Column('promise_id', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('0 <= passed_qty AND passed_qty <= on_passes_qty', name=op.f('ck_movement_slip_line_passed_within_passes')),
    sa.CheckConstraint('on_passes_qty <= qty', name=op.f('ck_movement_slip_line_passes_within_qty')),
    sa.CheckConstraint('qty > 0', name=op.f('ck_movement_slip_line_qty_positive')),
    sa.CheckConstraint('returned_qty BETWEEN 0 AND qty', name=op.f('ck_movement_slip_line_returned_within_qty')),
    sa.ForeignKeyConstraint(['filing_line_id'], ['business_filing_line.id'], name=op.f('fk_movement_slip_line_filing_line_id')),
    sa.ForeignKeyConstraint(['movement_slip_id'], ['movement_slip.id'], name=op.f('fk_movement_slip_line_movement_slip_id')),
    sa.ForeignKeyConstraint(['promise_id'], ['reservation.id'], name=op.f('fk_movement_slip_line_promise_id')),
    sa.ForeignKeyConstraint(['returns_line_id'], ['movement_slip_line.id'], name=op.f('fk_movement_slip_line_returns_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_movement_slip_line')),
    sa.UniqueConstraint('movement_slip_id', 'line_no', name=op.f('uq_movement_slip_line_movement_slip_id_line_no'))
    )
    op.create_index(op.f('ix_movement_slip_line_returns_line_id'), 'movement_slip_line', ['returns_line_id'], unique=False)
    op.create_table('gate_pass_registered',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('gate_pass_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('goods_class', sa.String(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('material_no', sa.String(), nullable=True),
    sa.Column('hs_code', sa.String(), nullable=True),
    sa.Column('qty', sa.Numeric(precision=19, scale=5), nullable=False),
    sa.Column('unit', sa.String(), nullable=False),
    sa.Column('gross_weight_g', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("goods_class IN ('construction', 'office', 'labour_protection', 'living', 'other')", name=op.f('ck_gate_pass_registered_goods_class_known')),
    sa.CheckConstraint('qty > 0 AND gross_weight_g > 0', name=op.f('ck_gate_pass_registered_amounts_positive')),
    sa.ForeignKeyConstraint(['gate_pass_id'], ['gate_pass.id'], name=op.f('fk_gate_pass_registered_gate_pass_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gate_pass_registered')),
    sa.UniqueConstraint('gate_pass_id', 'line_no', name=op.f('uq_gate_pass_registered_gate_pass_id_line_no'))
    )
