"""books of record: parties, trade items, the record, the ledger, customs documents"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import APP, append_only, grant, protect, protect_shared, run_sql

revision = "0002_pre_stock"
down_revision = "0001_pre_ground"
branch_labels = None
depends_on = None

# Kind, side, virtual (no balance row, may go below zero), term of invariant I4.
ACCOUNT_KINDS = (
    ("location", "physical", False, True),
    ("in_transit", "physical", False, True),
    ("in_process", "physical", False, True),
    ("declared_not_left", "physical", False, True),
    ("discrepancy", "physical", True, True),
    ("supplier", "physical", True, False),
    ("customer", "physical", True, False),
    ("transformation", "physical", True, False),
    ("adjustment", "physical", True, False),
    ("book", "book", False, True),
    ("not_yet_booked", "book", False, True),
    ("deduction_pending", "book", False, False),
    ("customs_source", "book", True, False),
)
OWNED = "owner_id = app_company()"
# A firm's document lines follow their document, whose own policy decides.
OF_LIST = "EXISTS (SELECT 1 FROM verification_list d WHERE d.id = verification_list_id)"
OF_GATE_DOC = "EXISTS (SELECT 1 FROM gate_pass d WHERE d.id = gate_pass_id)"


def upgrade() -> None:
    create_tables()
    op.bulk_insert(
        sa.table("account_kind", *(sa.column(c) for c in ("kind", "side", "is_virtual", "in_identity"))),
        [dict(zip(("kind", "side", "is_virtual", "in_identity"), row, strict=True)) for row in ACCOUNT_KINDS],
    )
    for name in ("posting", "reserving", "guards"):
        run_sql("migrations", f"frozen/0002/{name}.sql")
    protect_tables()
    for routine in ("stock_post", "stock_reserve", "stock_release", "stock_close_month", "record_append"):
        op.execute(f"REVOKE EXECUTE ON FUNCTION {routine} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {routine} TO {APP}")


def protect_tables() -> None:
    for table in ("site", "location", "company_role"):
        protect_shared(table)
    protect_shared("company")
    protect("person", "company_id = app_company()")
    protect("person_role", "EXISTS (SELECT 1 FROM person p WHERE p.id = person_id)")
    protect("trade_item", OWNED)
    protect("packaging_level", "EXISTS (SELECT 1 FROM trade_item t WHERE t.id = trade_item_id)")
    protect("lot", "EXISTS (SELECT 1 FROM trade_item t WHERE t.id = trade_item_id)")
    protect("handling_unit", OWNED)
    protect("book_line", "EXISTS (SELECT 1 FROM trade_item t WHERE t.id = trade_item_id)", app="SELECT, INSERT")
    protect("account_book", "company_id = app_company()")
    protect("verification_list", OWNED)
    protect("verification_line", OF_LIST)
    protect("gate_pass", OWNED)
    protect("gate_pass_document", OF_GATE_DOC)
    protect("gate_pass_line", OF_GATE_DOC)
    grant("account_kind")
    # The ledger: read by all who may see the rows, written by its routines alone.
    protect("idem", "company_id IS NOT DISTINCT FROM app_company()", app="SELECT, INSERT, UPDATE")
    protect("leaf", app="SELECT", firm_writes="true")
    protect("account", OWNED, app="SELECT, INSERT")
    protect("posting", "EXISTS (SELECT 1 FROM entry e WHERE e.posting_id = posting.id)", app="SELECT", firm_writes="true")
    protect("entry", OWNED, app="SELECT")
    protect("balance", OWNED, app="SELECT")
    protect("reservation", OWNED, app="SELECT")
    protect("period_close", app="SELECT")
    for table in ("account", "posting", "entry", "leaf", "period_close", "book_line"):
        append_only(table)


def downgrade() -> None:
    raise RuntimeError("the ledger is never taken away: restore a backup of the older version instead")


def create_tables() -> None:
    op.create_table('account_kind',
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('side', sa.String(), nullable=False),
    sa.Column('is_virtual', sa.Boolean(), nullable=False),
    sa.Column('in_identity', sa.Boolean(), nullable=False),
    sa.CheckConstraint("side IN ('physical', 'book')", name=op.f('ck_account_kind_side_known')),
    sa.PrimaryKeyConstraint('kind', name=op.f('pk_account_kind'))
    )
    op.create_table('company',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('uscc', sa.String(), nullable=True),
    sa.Column('customs_code', sa.String(), nullable=True),
    sa.Column('country', sa.String(), server_default='CN', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_company')),
    sa.UniqueConstraint('tenant_id', 'code', name=op.f('uq_company_tenant_id_code')),
    sa.UniqueConstraint('tenant_id', 'uscc', name=op.f('uq_company_tenant_id_uscc'))
    )
    op.create_table('idem',
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('company_id', sa.BigInteger(), server_default=sa.text('app_company()'), nullable=True),
    sa.Column('request_hash', sa.LargeBinary(), nullable=False),
    sa.Column('answer', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('length(key) BETWEEN 1 AND 255', name=op.f('ck_idem_key_length')),
    sa.CheckConstraint('length(request_hash) = 32', name=op.f('ck_idem_hash_length')),
    sa.PrimaryKeyConstraint('tenant_id', 'key', name=op.f('pk_idem'))
    )
    op.create_table('leaf',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject_id', sa.Integer(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("hash = sha256('\\x00'::bytea || body)", name=op.f('ck_leaf_hash_of_body')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_leaf')),

    )
    op.create_index(op.f('ix_leaf_tenant_id_id'), 'leaf', ['tenant_id', 'id'], unique=False)
    op.create_index(op.f('ix_leaf_tenant_id_kind_subject_id'), 'leaf', ['tenant_id', 'kind', 'subject_id'], unique=False)
    op.create_index('uq_leaf_posting', 'leaf', ['tenant_id', 'subject_id'], unique=True, postgresql_where=sa.text("kind = 'posting'"))
    op.create_table('site',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('unlocode', sa.String(), nullable=True),
    sa.Column('customs_area', sa.String(), nullable=True),
    sa.Column('time_zone', sa.String(), server_default='Asia/Shanghai', nullable=False),
    sa.Column('currency', sa.String(), server_default='CNY', nullable=False),
    sa.Column('lat_deg', sa.Numeric(precision=9, scale=6), nullable=False),
    sa.Column('lon_deg', sa.Numeric(precision=9, scale=6), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("kind IN ('bonded', 'ordinary', 'overseas', 'port', 'rail', 'airport', 'shop', 'inspection')", name=op.f('ck_site_kind_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_site')),
    sa.UniqueConstraint('tenant_id', 'code', name=op.f('uq_site_tenant_id_code'))
    )
    op.create_table('account_book',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('book_no', sa.String(), nullable=False),
    sa.Column('company_id', sa.BigInteger(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('valid_from_on', sa.Date(), nullable=False),
    sa.Column('valid_until_on', sa.Date(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("book_no ~ '^[A-Z][0-9]{4}[A-Z][0-9]{6}$'", name=op.f('ck_account_book_book_no_shape')),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], name=op.f('fk_account_book_company_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_account_book_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account_book')),
    sa.UniqueConstraint('tenant_id', 'book_no', name=op.f('uq_account_book_tenant_id_book_no'))
    )
    op.create_table('company_role',
    sa.Column('company_id', sa.BigInteger(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('valid_from_on', sa.Date(), nullable=True),
    sa.Column('valid_until_on', sa.Date(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("role IN ('operator', 'owner_of_goods', 'logistics_firm', 'platform', 'customs', 'bank')", name=op.f('ck_company_role_role_known')),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], name=op.f('fk_company_role_company_id')),
    sa.PrimaryKeyConstraint('company_id', 'role', name=op.f('pk_company_role'))
    )
    op.create_table('gate_pass',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('internal_no', sa.String(), nullable=False),
    sa.Column('pass_no', sa.String(), nullable=True),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('direction', sa.String(), nullable=False),
    sa.Column('pass_type', sa.String(), nullable=False),
    sa.Column('bind_type', sa.String(), nullable=False),
    sa.Column('state', sa.String(), server_default='draft', nullable=False),
    sa.Column('is_double_gate', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('vehicle_plate', sa.String(), nullable=False),
    sa.Column('trailer_plate', sa.String(), nullable=True),
    sa.Column('e_plate', sa.String(), nullable=True),
    sa.Column('container_no', sa.String(), nullable=True),
    sa.Column('seal_no', sa.String(), nullable=True),
    sa.Column('vehicle_weight_g', sa.BigInteger(), nullable=False),
    sa.Column('frame_weight_g', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('container_weight_g', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('goods_gross_weight_g', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('total_weight_g', sa.BigInteger(), nullable=False),
    sa.Column('goods_class', sa.String(), server_default='general', nullable=False),
    sa.Column('control_order', sa.String(), nullable=True),
    sa.Column('valid_from_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_until_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('passed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("bind_type IN ('1', '2', '3')", name=op.f('ck_gate_pass_bind_type_known')),
    sa.CheckConstraint("direction IN ('I', 'E')", name=op.f('ck_gate_pass_direction_known')),
    sa.CheckConstraint("pass_no ~ '^Z[0-9]{4}[IE][0-9]{18}$'", name=op.f('ck_gate_pass_pass_no_shape')),
    sa.CheckConstraint("pass_type IN ('1', '2', '3', '4', '5', '6')", name=op.f('ck_gate_pass_pass_type_known')),
    sa.CheckConstraint("state IN ('draft', 'applied', 'approved', 'passed_first', 'passed', 'deleted', 'void')", name=op.f('ck_gate_pass_state_known')),
    sa.CheckConstraint("state NOT IN ('approved','passed_first','passed') OR pass_no IS NOT NULL", name=op.f('ck_gate_pass_numbered')),
    sa.CheckConstraint('total_weight_g = vehicle_weight_g + frame_weight_g + container_weight_g + goods_gross_weight_g', name=op.f('ck_gate_pass_total_weight')),
    sa.CheckConstraint('vehicle_weight_g > 0 AND goods_gross_weight_g >= 0', name=op.f('ck_gate_pass_weights_positive')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_gate_pass_owner_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_gate_pass_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gate_pass')),
    sa.UniqueConstraint('tenant_id', 'id', name=op.f('uq_gate_pass_tenant_id_id')),
    sa.UniqueConstraint('tenant_id', 'internal_no', name=op.f('uq_gate_pass_tenant_id_internal_no')),
    sa.UniqueConstraint('tenant_id', 'pass_no', name=op.f('uq_gate_pass_tenant_id_pass_no'))
    )
    op.create_index('ix_gate_pass_open', 'gate_pass', ['tenant_id', 'vehicle_plate'], unique=False, postgresql_where=sa.text("state = 'approved'"))
    op.create_table('handling_unit',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('sscc', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('parent_id', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("kind IN ('pallet', 'carton', 'crate', 'roll', 'container', 'parcel')", name=op.f('ck_handling_unit_kind_known')),
    sa.CheckConstraint("sscc ~ '^[0-9]{18}$'", name=op.f('ck_handling_unit_sscc_digits')),
    sa.CheckConstraint('parent_id <> id', name=op.f('ck_handling_unit_not_in_itself')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_handling_unit_owner_id')),
    sa.ForeignKeyConstraint(['parent_id'], ['handling_unit.id'], name=op.f('fk_handling_unit_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handling_unit')),
    sa.UniqueConstraint('tenant_id', 'sscc', name=op.f('uq_handling_unit_tenant_id_sscc'))
    )
    op.create_index(op.f('ix_handling_unit_parent_id'), 'handling_unit', ['parent_id'], unique=False)
    op.create_table('location',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('temperature_class', sa.String(), server_default='ambient', nullable=False),
    sa.Column('is_bonded', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('parent_id', sa.BigInteger(), nullable=True),
    sa.Column('pick_sequence', sa.Integer(), nullable=True),
    sa.Column('max_weight_g', sa.BigInteger(), nullable=True),
    sa.Column('max_volume_mm3', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("kind IN ('dock', 'staging', 'bin', 'inspection', 'packing', 'gate_buffer', 'shop_floor', 'quarantine')", name=op.f('ck_location_kind_known')),
    sa.CheckConstraint("temperature_class IN ('ambient', 'chilled', 'frozen')", name=op.f('ck_location_temperature_class_known')),
    sa.CheckConstraint('max_weight_g > 0 AND max_volume_mm3 > 0', name=op.f('ck_location_limits_positive')),
    sa.ForeignKeyConstraint(['parent_id'], ['location.id'], name=op.f('fk_location_parent_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_location_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_location')),
    sa.UniqueConstraint('site_id', 'code', name=op.f('uq_location_site_id_code'))
    )
    op.create_table('person',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('company_id', sa.BigInteger(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['company_id'], ['company.id'], name=op.f('fk_person_company_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person'))
    )
    op.create_index(op.f('ix_person_company_id'), 'person', ['company_id'], unique=False)
    op.create_table('trade_item',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('gtin', sa.String(), nullable=True),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('base_unit', sa.String(), server_default='piece', nullable=False),
    sa.Column('hs_code', sa.String(), nullable=True),
    sa.Column('record_no', sa.String(), nullable=True),
    sa.Column('customs_unit', sa.String(), nullable=True),
    sa.Column('country_of_origin', sa.String(), nullable=True),
    sa.Column('temperature_class', sa.String(), server_default='ambient', nullable=False),
    sa.Column('gross_weight_g', sa.BigInteger(), nullable=False),
    sa.Column('volume_mm3', sa.BigInteger(), nullable=False),
    sa.Column('unit_value_minor', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('currency', sa.String(), server_default='CNY', nullable=False),
    sa.Column('is_lot_controlled', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('is_expiry_controlled', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("temperature_class IN ('ambient', 'chilled', 'frozen')", name=op.f('ck_trade_item_temperature_class_known')),
    sa.CheckConstraint('gross_weight_g >= 0 AND volume_mm3 >= 0 AND unit_value_minor >= 0', name=op.f('ck_trade_item_sizes_positive')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_trade_item_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trade_item')),
    sa.UniqueConstraint('tenant_id', 'owner_id', 'code', name=op.f('uq_trade_item_tenant_id_owner_id_code')),
    sa.UniqueConstraint('tenant_id', 'owner_id', 'gtin', name=op.f('uq_trade_item_tenant_id_owner_id_gtin'))
    )
    op.create_index(op.f('ix_trade_item_tenant_id_gtin'), 'trade_item', ['tenant_id', 'gtin'], unique=False)
    op.create_table('book_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('book_no', sa.String(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('customs_unit', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('line_no > 0', name=op.f('ck_book_line_line_no_positive')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_book_line_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_book_line')),
    sa.UniqueConstraint('tenant_id', 'book_no', 'line_no', name=op.f('uq_book_line_tenant_id_book_no_line_no'))
    )
    op.create_table('lot',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('lot_no', sa.String(), nullable=False),
    sa.Column('expires_on', sa.Date(), nullable=True),
    sa.Column('produced_on', sa.Date(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_lot_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_lot')),
    sa.UniqueConstraint('trade_item_id', 'lot_no', name=op.f('uq_lot_trade_item_id_lot_no'))
    )
    op.create_table('packaging_level',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('unit', sa.String(), nullable=False),
    sa.Column('gtin', sa.String(), nullable=True),
    sa.Column('base_qty', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('base_qty > 0', name=op.f('ck_packaging_level_base_qty_positive')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_packaging_level_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_packaging_level')),
    sa.UniqueConstraint('trade_item_id', 'unit', name=op.f('uq_packaging_level_trade_item_id_unit'))
    )
    op.create_index(op.f('ix_packaging_level_tenant_id_gtin'), 'packaging_level', ['tenant_id', 'gtin'], unique=False)
    op.create_table('period_close',
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.Column('month_on', sa.Date(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('totals', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('totals_hash', sa.LargeBinary(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("month_on = date_trunc('month', month_on)", name=op.f('ck_period_close_first_of_month')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_period_close_person_id')),
    sa.PrimaryKeyConstraint('tenant_id', 'month_on', name=op.f('pk_period_close'))
    )
    op.create_table('person_role',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("role IN ('clerk', 'supervisor', 'planner', 'declarant', 'customs_officer', 'administrator', 'auditor', 'device')", name=op.f('ck_person_role_role_known')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_person_role_person_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_person_role_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person_role')),
    sa.UniqueConstraint('person_id', 'role', 'site_id', name=op.f('uq_person_role_person_id_role_site_id'), postgresql_nulls_not_distinct=True)
    )
    op.create_table('posting',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('idem_key', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('source_doc', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('device', sa.String(), nullable=True),
    sa.Column('reverses_id', sa.Integer(), nullable=True),
    sa.Column('event_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('transaction_id', sa.BigInteger(), server_default=sa.text('pg_current_xact_id()::text::bigint'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_posting_person_id')),
    sa.ForeignKeyConstraint(['tenant_id', 'idem_key'], ['idem.tenant_id', 'idem.key'], name=op.f('fk_posting_tenant_id_idem_key')),
    sa.ForeignKeyConstraint(['tenant_id', 'reverses_id'], ['posting.tenant_id', 'posting.id'], name=op.f('fk_posting_tenant_id_reverses_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_posting')),
    sa.UniqueConstraint('tenant_id', 'id', name=op.f('uq_posting_tenant_id_id')),
    sa.UniqueConstraint('tenant_id', 'idem_key', name=op.f('uq_posting_tenant_id_idem_key'))
    )
    op.create_index(op.f('ix_posting_tenant_id_event_at'), 'posting', ['tenant_id', 'event_at'], unique=False)
    op.create_index(op.f('ix_posting_tenant_id_source_doc'), 'posting', ['tenant_id', 'source_doc'], unique=False)
    op.create_index('uq_posting_reverses_id', 'posting', ['reverses_id'], unique=True, postgresql_where=sa.text('reverses_id IS NOT NULL'))
    op.create_table('verification_list',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('internal_no', sa.String(), nullable=False),
    sa.Column('list_no', sa.String(), nullable=True),
    sa.Column('account_book_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('direction', sa.String(), nullable=False),
    sa.Column('trade_mode', sa.String(), nullable=False),
    sa.Column('list_type', sa.String(), server_default='0', nullable=False),
    sa.Column('state', sa.String(), server_default='draft', nullable=False),
    sa.Column('change_count', sa.Integer(), server_default='0', nullable=False),
    sa.Column('entry_no', sa.String(), nullable=True),
    sa.Column('declared_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('pre_deducted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('entry_released_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('booked_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("direction IN ('I', 'E')", name=op.f('ck_verification_list_direction_known')),
    sa.CheckConstraint("list_no ~ '^QD[0-9]{6}[IE][0-9]{9}$'", name=op.f('ck_verification_list_list_no_shape')),
    sa.CheckConstraint("state IN ('draft', 'declared', 'pre_deducted', 'booked', 'written_off', 'returned', 'deleted')", name=op.f('ck_verification_list_state_known')),
    sa.ForeignKeyConstraint(['account_book_id'], ['account_book.id'], name=op.f('fk_verification_list_account_book_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_verification_list_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_verification_list')),
    sa.UniqueConstraint('tenant_id', 'internal_no', name=op.f('uq_verification_list_tenant_id_internal_no')),
    sa.UniqueConstraint('tenant_id', 'list_no', name=op.f('uq_verification_list_tenant_id_list_no'))
    )
    op.create_table('account',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=True),
    sa.Column('location_id', sa.BigInteger(), nullable=True),
    sa.Column('lot_id', sa.BigInteger(), nullable=True),
    sa.Column('handling_unit_id', sa.BigInteger(), nullable=True),
    sa.Column('customs_status', sa.String(), server_default='free', nullable=False),
    sa.Column('quality_status', sa.String(), server_default='good', nullable=False),
    sa.Column('book_line_id', sa.BigInteger(), nullable=True),
    sa.Column('dimensions', sa.String(), sa.Computed("kind || '|' || owner_id::text || '|' || trade_item_id::text || '|' || coalesce(site_id::text, '') || '|' || coalesce(location_id::text, '') || '|' || coalesce(lot_id::text, '') || '|' || coalesce(handling_unit_id::text, '') || '|' || customs_status || '|' || quality_status || '|' || coalesce(book_line_id::text, '')", persisted=True), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("customs_status <> 'bonded' OR book_line_id IS NOT NULL OR kind NOT IN ('location', 'in_transit', 'in_process', 'declared_not_left', 'discrepancy')", name=op.f('ck_account_bonded_has_book_line')),
    sa.CheckConstraint("customs_status IN ('free', 'bonded', 'export')", name=op.f('ck_account_customs_status_known')),
    sa.CheckConstraint("kind <> 'location' OR location_id IS NOT NULL", name=op.f('ck_account_location_has_place')),
    sa.CheckConstraint("kind NOT IN ('book', 'not_yet_booked', 'deduction_pending') OR book_line_id IS NOT NULL", name=op.f('ck_account_book_has_book_line')),
    sa.CheckConstraint("quality_status IN ('good', 'hold', 'damaged', 'quarantine', 'expired')", name=op.f('ck_account_quality_status_known')),
    sa.ForeignKeyConstraint(['book_line_id'], ['book_line.id'], name=op.f('fk_account_book_line_id')),
    sa.ForeignKeyConstraint(['handling_unit_id'], ['handling_unit.id'], name=op.f('fk_account_handling_unit_id')),
    sa.ForeignKeyConstraint(['kind'], ['account_kind.kind'], name=op.f('fk_account_kind')),
    sa.ForeignKeyConstraint(['location_id'], ['location.id'], name=op.f('fk_account_location_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_account_lot_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_account_owner_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_account_site_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_account_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_account')),
    sa.UniqueConstraint('tenant_id', 'dimensions', name=op.f('uq_account_tenant_id_dimensions')),
    sa.UniqueConstraint('tenant_id', 'id', name=op.f('uq_account_tenant_id_id'))
    )
    op.create_index(op.f('ix_account_book_line_id'), 'account', ['book_line_id'], unique=False)
    op.create_index(op.f('ix_account_handling_unit_id'), 'account', ['handling_unit_id'], unique=False)
    op.create_index(op.f('ix_account_location_id'), 'account', ['location_id'], unique=False)
    op.create_index(op.f('ix_account_tenant_id_owner_id_trade_item_id'), 'account', ['tenant_id', 'owner_id', 'trade_item_id'], unique=False)
    op.create_table('gate_pass_document',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('gate_pass_id', sa.BigInteger(), nullable=False),
    sa.Column('document_kind', sa.String(), nullable=False),
    sa.Column('document_no', sa.String(), nullable=False),
    sa.Column('verification_list_id', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("document_kind IN ('1', '2', '3')", name=op.f('ck_gate_pass_document_document_kind_known')),
    sa.ForeignKeyConstraint(['gate_pass_id'], ['gate_pass.id'], name=op.f('fk_gate_pass_document_gate_pass_id')),
    sa.ForeignKeyConstraint(['verification_list_id'], ['verification_list.id'], name=op.f('fk_gate_pass_document_verification_list_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gate_pass_document')),
    sa.UniqueConstraint('gate_pass_id', 'document_kind', 'document_no', name=op.f('uq_gate_pass_document_gate_pass_id_document_kind_document_no'))
    )
    op.create_table('verification_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('verification_list_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('book_line_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('declared_qty', sa.Numeric(precision=19, scale=5), nullable=False),
    sa.Column('customs_unit', sa.String(), nullable=False),
    sa.Column('declared_base_qty', sa.BigInteger(), nullable=False),
    sa.Column('on_passes_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('passed_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('booked_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('unit_price_minor', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('currency', sa.String(), server_default='CNY', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('0 <= passed_qty AND passed_qty <= on_passes_qty', name=op.f('ck_verification_line_passed_within_passes')),
    sa.CheckConstraint('booked_qty BETWEEN 0 AND declared_base_qty', name=op.f('ck_verification_line_booked_within_declared')),
    sa.CheckConstraint('declared_qty > 0 AND declared_base_qty > 0', name=op.f('ck_verification_line_declared_positive')),
    sa.CheckConstraint('on_passes_qty <= declared_base_qty', name=op.f('ck_verification_line_passes_within_declared')),
    sa.ForeignKeyConstraint(['book_line_id'], ['book_line.id'], name=op.f('fk_verification_line_book_line_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_verification_line_trade_item_id')),
    sa.ForeignKeyConstraint(['verification_list_id'], ['verification_list.id'], name=op.f('fk_verification_line_verification_list_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_verification_line')),
    sa.UniqueConstraint('verification_list_id', 'line_no', name=op.f('uq_verification_line_verification_list_id_line_no'))
    )
    op.create_table('balance',
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('qty_reserved', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('last_event_at', sa.DateTime(timezone=True), server_default=sa.text("'epoch'"), nullable=False),
    sa.Column('version', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('qty >= 0', name=op.f('ck_balance_qty_not_negative')),
    sa.CheckConstraint('qty_reserved BETWEEN 0 AND qty', name=op.f('ck_balance_reserved_within_qty')),
    sa.ForeignKeyConstraint(['tenant_id', 'account_id'], ['account.tenant_id', 'account.id'], name=op.f('fk_balance_tenant_id_account_id')),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_balance')),
    postgresql_with={'fillfactor': '50'}
    )
    op.create_table('entry',
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('weight_g', sa.BigInteger(), nullable=True),
    sa.Column('value_minor', sa.BigInteger(), nullable=True),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('event_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('qty <> 0', name=op.f('ck_entry_qty_not_zero')),
    sa.ForeignKeyConstraint(['tenant_id', 'account_id'], ['account.tenant_id', 'account.id'], name=op.f('fk_entry_tenant_id_account_id')),
    sa.ForeignKeyConstraint(['tenant_id', 'posting_id'], ['posting.tenant_id', 'posting.id'], name=op.f('fk_entry_tenant_id_posting_id')),
    sa.PrimaryKeyConstraint('posting_id', 'account_id', name=op.f('pk_entry'))
    )
    op.create_index('ix_entry_account_id_event_at', 'entry', ['account_id', 'event_at'], unique=False, postgresql_include=['qty'])
    op.create_table('gate_pass_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('gate_pass_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('verification_line_id', sa.BigInteger(), nullable=True),
    sa.Column('account_id', sa.BigInteger(), nullable=True),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('passed_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('gross_weight_g', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('passed_qty BETWEEN 0 AND qty', name=op.f('ck_gate_pass_line_passed_within_qty')),
    sa.CheckConstraint('qty > 0', name=op.f('ck_gate_pass_line_qty_positive')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_gate_pass_line_account_id')),
    sa.ForeignKeyConstraint(['gate_pass_id'], ['gate_pass.id'], name=op.f('fk_gate_pass_line_gate_pass_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_gate_pass_line_trade_item_id')),
    sa.ForeignKeyConstraint(['verification_line_id'], ['verification_line.id'], name=op.f('fk_gate_pass_line_verification_line_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_gate_pass_line')),
    sa.UniqueConstraint('gate_pass_id', 'line_no', name=op.f('uq_gate_pass_line_gate_pass_id_line_no'))
    )
    op.create_table('reservation',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('idem_key', sa.String(), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('qty_open', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), server_default='held', nullable=False),
    sa.Column('source_doc', sa.String(), nullable=True),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'held') = (qty_open > 0)", name=op.f('ck_reservation_held_while_open')),
    sa.CheckConstraint("state IN ('held', 'posted', 'void', 'expired')", name=op.f('ck_reservation_state_known')),
    sa.CheckConstraint('qty > 0 AND qty_open BETWEEN 0 AND qty', name=op.f('ck_reservation_open_within_qty')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_reservation_person_id')),
    sa.ForeignKeyConstraint(['tenant_id', 'account_id'], ['account.tenant_id', 'account.id'], name=op.f('fk_reservation_tenant_id_account_id')),
    sa.ForeignKeyConstraint(['tenant_id', 'idem_key'], ['idem.tenant_id', 'idem.key'], name=op.f('fk_reservation_tenant_id_idem_key')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_reservation')),
    sa.UniqueConstraint('tenant_id', 'idem_key', name=op.f('uq_reservation_tenant_id_idem_key'))
    )
    op.create_index('ix_reservation_expires_at', 'reservation', ['expires_at'], unique=False, postgresql_where=sa.text("state = 'held'"))
    op.create_index('ix_reservation_held', 'reservation', ['account_id'], unique=False, postgresql_where=sa.text("state = 'held'"))
