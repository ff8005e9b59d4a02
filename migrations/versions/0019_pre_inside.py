"""inside the warehouse: counts, adjustments, returns, processing, replenishment, quarantine and destruction"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import append_only, protect, ship_value

revision = "0019_pre_inside"
down_revision = "0018_pre_supervision"
branch_labels = None
depends_on = None

TABLES = (
    "bill", "bill_line", "count_order", "pick_face", "processing_order",
    "return_notice", "adjustment", "count_place", "destruction", "discrepancy_case",
    "processing_completion", "replenishment", "return_line", "adjustment_line", "count_difference",
    "count_line", "discrepancy_settlement", "processing_issue", "processing_use", "quarantine",
    "returned", "destruction_line", "replenishment_line", "return_grade", "replenishment_move",
)
OWNED = "owner_id = app_company()"
OURS = "our own limit, 2026-11; an installation enters its own"
FACTS = (
    "discrepancy_settlement", "return_grade", "processing_completion", "processing_use", "bill_line", "adjustment_line",
    "destruction_line", "return_line",
)  # fmt: skip


def of(table: str, column: str) -> str:
    return f"EXISTS (SELECT 1 FROM {table} d WHERE d.id = {column})"


FIRM_SEES = {
    "return_notice": OWNED,
    "return_line": of("return_notice", "return_id"),
    "returned": of("return_notice", "return_id"),
    "return_grade": of("returned", "returned_id"),
    "bill": OWNED,
    "bill_line": of("bill", "bill_id"),
    "processing_order": of("bill", "bill_id"),
    "processing_issue": of("processing_order", "order_id"),
    "processing_completion": of("processing_order", "order_id"),
    "processing_use": of("processing_completion", "completion_id"),
    "count_difference": OWNED,
    "discrepancy_case": OWNED,
    "discrepancy_settlement": of("discrepancy_case", "case_id"),
}


def upgrade() -> None:
    create_tables()
    for table in TABLES:
        protect(table, FIRM_SEES.get(table), app="SELECT, INSERT" if table in FACTS else "SELECT, INSERT, UPDATE")
    for table in FACTS:
        append_only(table)
    ship_values()


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)


def ship_values() -> None:
    ship_value("count.tolerance", {"qty": 0, "per_mille": 2}, source=OURS, subject="free")
    ship_value("count.tolerance", {"qty": 0, "per_mille": 0}, source=OURS, subject="bonded")
    ship_value("count.most_rounds", 3, source=OURS)
    ship_value("count.every_days", {"A": 30, "B": 90, "C": 180}, source=OURS)
    ship_value("discrepancy.settle_days", 14, source=OURS)
    ship_value("adjust.limit", {"qty": 50, "value_minor": 100000}, source=OURS)
    ship_value("adjust.reasons", REASONS, source=OURS)
    ship_value("returns.apply_days", 30, subject="import", source="GAC 2020-45: apply within 30 days of release")
    ship_value("returns.back_days", 45, subject="import", source="GAC 2020-45: back within 45 days of release")
    ship_value("returns.apply_days", 365, subject="export", source="GAC 2020-44: within one year of release")
    ship_value("returns.back_days", 365, subject="export", source="GAC 2020-44: within one year of release")
    ship_value("returns.grades", {"A": "good", "B": "repair", "C": "quarantine", "SCRAP": "destroy"}, source=OURS)
    ship_value("replenish.hold_hours", 72, source=OURS)


REASONS = {
    "BREAKAGE": {"zh": "破损", "en": "Broken in the warehouse", "sign": -1},
    "EXPIRED": {"zh": "过期", "en": "Past its last day", "sign": -1},
    "THEFT": {"zh": "失窃", "en": "Stolen", "sign": -1},
    "SAMPLE": {"zh": "取样", "en": "Taken as a sample", "sign": -1},
    "FOUND": {"zh": "盘盈", "en": "Found", "sign": 1},
    "RECEIPT": {"zh": "收货差错", "en": "Counted in wrongly", "sign": 0},
    "UNIT": {"zh": "单位换算差错", "en": "Booked in the wrong unit", "sign": 0},
    "COUNT": {"zh": "盘点", "en": "Counted", "sign": 0},
}


def create_tables() -> None:
    op.create_table('bill',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('bill_no', sa.String(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('valid_from_on', sa.Date(), nullable=False),
    sa.Column('valid_until_on', sa.Date(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("kind IN ('kit', 'dekit', 'process')", name=op.f('ck_bill_kind_known')),
    sa.CheckConstraint('valid_until_on >= valid_from_on', name=op.f('ck_bill_days_in_order')),
    sa.CheckConstraint('version > 0', name=op.f('ck_bill_version_positive')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_bill_owner_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bill')),
    sa.UniqueConstraint('tenant_id', 'bill_no', 'version', name=op.f('uq_bill_tenant_id_bill_no_version'))
    )
    op.create_table('bill_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('bill_id', sa.BigInteger(), nullable=False),
    sa.Column('direction', sa.String(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('waste_per_mille', sa.Integer(), server_default='0', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("direction IN ('in', 'out')", name=op.f('ck_bill_line_direction_known')),
    sa.CheckConstraint('qty > 0 AND waste_per_mille BETWEEN 0 AND 1000', name=op.f('ck_bill_line_figures_plausible')),
    sa.ForeignKeyConstraint(['bill_id'], ['bill.id'], name=op.f('fk_bill_line_bill_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_bill_line_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_bill_line')),
    sa.UniqueConstraint('bill_id', 'direction', 'trade_item_id', name=op.f('uq_bill_line_bill_id_direction_trade_item_id'))
    )
    op.create_table('count_order',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('count_no', sa.String(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('is_blind', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('requested_by', sa.BigInteger(), nullable=True),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("kind IN ('location', 'item', 'abc', 'short_pick')", name=op.f('ck_count_order_kind_known')),
    sa.CheckConstraint("state IN ('open', 'done', 'cancelled')", name=op.f('ck_count_order_state_known')),
    sa.ForeignKeyConstraint(['requested_by'], ['person.id'], name=op.f('fk_count_order_requested_by')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_count_order_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_count_order')),
    sa.UniqueConstraint('tenant_id', 'count_no', name=op.f('uq_count_order_tenant_id_count_no'))
    )
    op.create_index(op.f('ix_count_order_tenant_id_site_id_state'), 'count_order', ['tenant_id', 'site_id', 'state'], unique=False)
    op.create_table('pick_face',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('location_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('min_qty', sa.BigInteger(), nullable=False),
    sa.Column('max_qty', sa.BigInteger(), nullable=False),
    sa.Column('multiple_qty', sa.BigInteger(), server_default='1', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('0 <= min_qty AND min_qty < max_qty', name=op.f('ck_pick_face_min_below_max')),
    sa.CheckConstraint('multiple_qty > 0', name=op.f('ck_pick_face_multiple_positive')),
    sa.ForeignKeyConstraint(['location_id'], ['location.id'], name=op.f('fk_pick_face_location_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_pick_face_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_pick_face')),
    sa.UniqueConstraint('location_id', 'trade_item_id', name=op.f('uq_pick_face_location_id_trade_item_id'))
    )
    op.create_index(op.f('ix_pick_face_trade_item_id'), 'pick_face', ['trade_item_id'], unique=False)
    op.create_table('processing_order',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('order_no', sa.String(), nullable=False),
    sa.Column('bill_id', sa.BigInteger(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('location_id', sa.BigInteger(), nullable=False),
    sa.Column('planned', sa.BigInteger(), nullable=False),
    sa.Column('done', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('filing_no', sa.String(), nullable=True),
    sa.Column('requested_by', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("state IN ('open', 'done', 'cancelled')", name=op.f('ck_processing_order_state_known')),
    sa.CheckConstraint('planned > 0 AND done BETWEEN 0 AND planned', name=op.f('ck_processing_order_done_within_planned')),
    sa.ForeignKeyConstraint(['bill_id'], ['bill.id'], name=op.f('fk_processing_order_bill_id')),
    sa.ForeignKeyConstraint(['location_id'], ['location.id'], name=op.f('fk_processing_order_location_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['person.id'], name=op.f('fk_processing_order_requested_by')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_processing_order_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_processing_order')),
    sa.UniqueConstraint('tenant_id', 'order_no', name=op.f('uq_processing_order_tenant_id_order_no'))
    )
    op.create_index(op.f('ix_processing_order_tenant_id_site_id_state'), 'processing_order', ['tenant_id', 'site_id', 'state'], unique=False)
    op.create_table('return_notice',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('return_no', sa.String(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), server_default='domestic', nullable=False),
    sa.Column('order_no', sa.String(), nullable=True),
    sa.Column('customer', sa.String(), nullable=True),
    sa.Column('released_on', sa.Date(), nullable=True),
    sa.Column('applied_on', sa.Date(), nullable=False),
    sa.Column('back_until_on', sa.Date(), nullable=True),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('requested_by', sa.BigInteger(), nullable=True),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("kind = 'domestic' OR released_on IS NOT NULL", name=op.f('ck_return_notice_crossing_has_release')),
    sa.CheckConstraint("kind IN ('domestic', 'import', 'export')", name=op.f('ck_return_notice_kind_known')),
    sa.CheckConstraint("state IN ('open', 'receiving', 'closed')", name=op.f('ck_return_notice_state_known')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_return_notice_owner_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['person.id'], name=op.f('fk_return_notice_requested_by')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_return_notice_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_return_notice')),
    sa.UniqueConstraint('tenant_id', 'return_no', name=op.f('uq_return_notice_tenant_id_return_no'))
    )
    op.create_index(op.f('ix_return_notice_tenant_id_site_id_state'), 'return_notice', ['tenant_id', 'site_id', 'state'], unique=False)
    op.create_table('adjustment',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('adjustment_no', sa.String(), nullable=False),
    sa.Column('document_no', sa.String(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), server_default='waiting', nullable=False),
    sa.Column('reason_code', sa.String(), nullable=False),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('value_minor', sa.BigInteger(), nullable=False),
    sa.Column('event_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('requested_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('posting_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'posted') = (posting_id IS NOT NULL)", name=op.f('ck_adjustment_posted_has_posting')),
    sa.CheckConstraint("state <> 'rejected' OR decided_at IS NOT NULL", name=op.f('ck_adjustment_rejected_has_time')),
    sa.CheckConstraint("state IN ('waiting', 'posted', 'rejected')", name=op.f('ck_adjustment_state_known')),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> requested_by', name=op.f('ck_adjustment_approver_not_requester')),
    sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('fk_adjustment_decided_by')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_adjustment_posting_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['person.id'], name=op.f('fk_adjustment_requested_by')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_adjustment_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_adjustment')),
    sa.UniqueConstraint('tenant_id', 'adjustment_no', name=op.f('uq_adjustment_tenant_id_adjustment_no')),
    sa.UniqueConstraint('tenant_id', 'document_no', name=op.f('uq_adjustment_tenant_id_document_no'))
    )
    op.create_index(op.f('ix_adjustment_tenant_id_site_id_state'), 'adjustment', ['tenant_id', 'site_id', 'state'], unique=False)
    op.create_table('count_place',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('count_id', sa.BigInteger(), nullable=False),
    sa.Column('location_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=True),
    sa.Column('round', sa.Integer(), server_default='1', nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('counter_id', sa.BigInteger(), nullable=True),
    sa.Column('barred_ids', sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('counted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('was_empty', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('findings', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("state IN ('open', 'counting', 'counted', 'void')", name=op.f('ck_count_place_state_known')),
    sa.CheckConstraint("state NOT IN ('counting', 'counted') OR counter_id IS NOT NULL", name=op.f('ck_count_place_counted_by_whom')),
    sa.CheckConstraint('counter_id IS NULL OR NOT counter_id = ANY (barred_ids)', name=op.f('ck_count_place_recounted_by_another')),
    sa.CheckConstraint('round > 0', name=op.f('ck_count_place_round_positive')),
    sa.ForeignKeyConstraint(['count_id'], ['count_order.id'], name=op.f('fk_count_place_count_id')),
    sa.ForeignKeyConstraint(['counter_id'], ['person.id'], name=op.f('fk_count_place_counter_id')),
    sa.ForeignKeyConstraint(['location_id'], ['location.id'], name=op.f('fk_count_place_location_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_count_place_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_count_place'))
    )
    op.create_index(op.f('ix_count_place_count_id'), 'count_place', ['count_id'], unique=False)
    op.create_index(op.f('ix_count_place_location_id_counted_at'), 'count_place', ['location_id', 'counted_at'], unique=False)
    op.create_index('uq_count_place_standing', 'count_place', ['location_id', 'trade_item_id'], unique=True, postgresql_where=sa.text("state IN ('open', 'counting')"), postgresql_nulls_not_distinct=True)
    op.create_table('destruction',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('destruction_no', sa.String(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), server_default='requested', nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('method', sa.String(), nullable=False),
    sa.Column('customs_doc_no', sa.String(), nullable=True),
    sa.Column('requested_by', sa.BigInteger(), nullable=True),
    sa.Column('approved_by', sa.BigInteger(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('witness_one', sa.BigInteger(), nullable=True),
    sa.Column('witness_two', sa.BigInteger(), nullable=True),
    sa.Column('destroyed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('posting_id', sa.BigInteger(), nullable=True),
    sa.Column('certificate', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('certificate_hash', sa.LargeBinary(), nullable=True),
    sa.Column('leaf_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("state <> 'destroyed' OR (witness_one IS NOT NULL AND witness_two IS NOT NULL AND approved_by IS NOT NULL AND posting_id IS NOT NULL AND certificate_hash IS NOT NULL)", name=op.f('ck_destruction_destroyed_under_witness')),
    sa.CheckConstraint("state IN ('requested', 'approved', 'destroyed', 'rejected')", name=op.f('ck_destruction_state_known')),
    sa.CheckConstraint('approved_by IS NULL OR approved_by <> requested_by', name=op.f('ck_destruction_approver_not_requester')),
    sa.CheckConstraint('witness_one <> witness_two', name=op.f('ck_destruction_two_witnesses')),
    sa.CheckConstraint('witness_one IS DISTINCT FROM requested_by OR witness_one IS NULL', name=op.f('ck_destruction_first_witness_not_requester')),
    sa.CheckConstraint('witness_two IS DISTINCT FROM requested_by OR witness_two IS NULL', name=op.f('ck_destruction_second_witness_not_requester')),
    sa.ForeignKeyConstraint(['approved_by'], ['person.id'], name=op.f('fk_destruction_approved_by')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_destruction_posting_id')),
    sa.ForeignKeyConstraint(['requested_by'], ['person.id'], name=op.f('fk_destruction_requested_by')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_destruction_site_id')),
    sa.ForeignKeyConstraint(['witness_one'], ['person.id'], name=op.f('fk_destruction_witness_one')),
    sa.ForeignKeyConstraint(['witness_two'], ['person.id'], name=op.f('fk_destruction_witness_two')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_destruction')),
    sa.UniqueConstraint('tenant_id', 'destruction_no', name=op.f('uq_destruction_tenant_id_destruction_no'))
    )
    op.create_index(op.f('ix_destruction_tenant_id_site_id_state'), 'destruction', ['tenant_id', 'site_id', 'state'], unique=False)
    op.create_table('discrepancy_case',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('case_no', sa.String(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('lot_id', sa.BigInteger(), nullable=True),
    sa.Column('book_line_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('settled_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('source_doc', sa.String(), nullable=False),
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('responsible_id', sa.BigInteger(), nullable=True),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'settled') = (settled_qty = abs(qty))", name=op.f('ck_discrepancy_case_settled_when_nothing_left')),
    sa.CheckConstraint("state IN ('open', 'settled')", name=op.f('ck_discrepancy_case_state_known')),
    sa.CheckConstraint('qty <> 0 AND settled_qty BETWEEN 0 AND abs(qty)', name=op.f('ck_discrepancy_case_settled_within_qty')),
    sa.ForeignKeyConstraint(['book_line_id'], ['book_line.id'], name=op.f('fk_discrepancy_case_book_line_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_discrepancy_case_lot_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_discrepancy_case_owner_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_discrepancy_case_posting_id')),
    sa.ForeignKeyConstraint(['responsible_id'], ['person.id'], name=op.f('fk_discrepancy_case_responsible_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_discrepancy_case_site_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_discrepancy_case_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_discrepancy_case')),
    sa.UniqueConstraint('tenant_id', 'case_no', name=op.f('uq_discrepancy_case_tenant_id_case_no'))
    )
    op.create_index(op.f('ix_discrepancy_case_tenant_id_state_due_on'), 'discrepancy_case', ['tenant_id', 'state', 'due_on'], unique=False)
    op.create_table('processing_completion',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('batches', sa.BigInteger(), nullable=False),
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('batches > 0', name=op.f('ck_processing_completion_batches_positive')),
    sa.ForeignKeyConstraint(['order_id'], ['processing_order.id'], name=op.f('fk_processing_completion_order_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_processing_completion_person_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_processing_completion_posting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_processing_completion'))
    )
    op.create_index(op.f('ix_processing_completion_order_id'), 'processing_completion', ['order_id'], unique=False)
    op.create_table('replenishment',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('replenishment_no', sa.String(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('pick_face_id', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('needed_qty', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('source_doc', sa.String(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("reason IN ('min', 'demand')", name=op.f('ck_replenishment_reason_known')),
    sa.CheckConstraint("state IN ('open', 'done', 'void')", name=op.f('ck_replenishment_state_known')),
    sa.ForeignKeyConstraint(['pick_face_id'], ['pick_face.id'], name=op.f('fk_replenishment_pick_face_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_replenishment_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_replenishment')),
    sa.UniqueConstraint('tenant_id', 'replenishment_no', name=op.f('uq_replenishment_tenant_id_replenishment_no'))
    )
    op.create_index(op.f('ix_replenishment_tenant_id_site_id_state'), 'replenishment', ['tenant_id', 'site_id', 'state'], unique=False)
    op.create_index('uq_replenishment_open', 'replenishment', ['pick_face_id'], unique=True, postgresql_where=sa.text("state = 'open'"))
    op.create_table('return_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('return_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('expected_qty', sa.BigInteger(), nullable=False),
    sa.Column('lot_id', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('expected_qty > 0', name=op.f('ck_return_line_positive')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_return_line_lot_id')),
    sa.ForeignKeyConstraint(['return_id'], ['return_notice.id'], name=op.f('fk_return_line_return_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_return_line_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_return_line')),
    sa.UniqueConstraint('return_id', 'line_no', name=op.f('uq_return_line_return_id_line_no'))
    )
    op.create_table('adjustment_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('adjustment_id', sa.BigInteger(), nullable=False),
    sa.Column('line_no', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('qty <> 0', name=op.f('ck_adjustment_line_qty_not_zero')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_adjustment_line_account_id')),
    sa.ForeignKeyConstraint(['adjustment_id'], ['adjustment.id'], name=op.f('fk_adjustment_line_adjustment_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_adjustment_line')),
    sa.UniqueConstraint('adjustment_id', 'line_no', name=op.f('uq_adjustment_line_adjustment_id_line_no'))
    )
    op.create_table('count_difference',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('count_id', sa.BigInteger(), nullable=False),
    sa.Column('count_place_id', sa.BigInteger(), nullable=False),
    sa.Column('location_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('lot_id', sa.BigInteger(), nullable=True),
    sa.Column('handling_unit_id', sa.BigInteger(), nullable=True),
    sa.Column('book_qty', sa.BigInteger(), nullable=False),
    sa.Column('counted_qty', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('as_of', sa.DateTime(timezone=True), nullable=False),
    sa.Column('known_posting_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), server_default='waiting', nullable=False),
    sa.Column('counted_by', sa.BigInteger(), nullable=True),
    sa.Column('earlier_counters', sa.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('reason_code', sa.String(), server_default='COUNT', nullable=False),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('posting_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'adjusted') = (posting_id IS NOT NULL)", name=op.f('ck_count_difference_adjusted_has_posting')),
    sa.CheckConstraint("state IN ('waiting', 'adjusted', 'rejected')", name=op.f('ck_count_difference_state_known')),
    sa.CheckConstraint('decided_by IS NULL OR NOT decided_by = ANY (earlier_counters)', name=op.f('ck_count_difference_approver_not_earlier')),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> counted_by', name=op.f('ck_count_difference_approver_not_counter')),
    sa.CheckConstraint('qty <> 0 AND qty = counted_qty - book_qty', name=op.f('ck_count_difference_qty_is_difference')),
    sa.ForeignKeyConstraint(['count_id'], ['count_order.id'], name=op.f('fk_count_difference_count_id')),
    sa.ForeignKeyConstraint(['count_place_id'], ['count_place.id'], name=op.f('fk_count_difference_count_place_id')),
    sa.ForeignKeyConstraint(['counted_by'], ['person.id'], name=op.f('fk_count_difference_counted_by')),
    sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('fk_count_difference_decided_by')),
    sa.ForeignKeyConstraint(['handling_unit_id'], ['handling_unit.id'], name=op.f('fk_count_difference_handling_unit_id')),
    sa.ForeignKeyConstraint(['location_id'], ['location.id'], name=op.f('fk_count_difference_location_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_count_difference_lot_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_count_difference_owner_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_count_difference_posting_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_count_difference_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_count_difference'))
    )
    op.create_index(op.f('ix_count_difference_count_id'), 'count_difference', ['count_id'], unique=False)
    op.create_index(op.f('ix_count_difference_tenant_id_state'), 'count_difference', ['tenant_id', 'state'], unique=False)
    op.create_table('count_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('count_place_id', sa.BigInteger(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('lot_id', sa.BigInteger(), nullable=True),
    sa.Column('handling_unit_id', sa.BigInteger(), nullable=True),
    sa.Column('counted_qty', sa.BigInteger(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('counted_qty >= 0', name=op.f('ck_count_line_counted_not_negative')),
    sa.ForeignKeyConstraint(['count_place_id'], ['count_place.id'], name=op.f('fk_count_line_count_place_id')),
    sa.ForeignKeyConstraint(['handling_unit_id'], ['handling_unit.id'], name=op.f('fk_count_line_handling_unit_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_count_line_lot_id')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_count_line_owner_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_count_line_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_count_line')),
    sa.UniqueConstraint('count_place_id', 'owner_id', 'trade_item_id', 'lot_id', 'handling_unit_id', name=op.f('uq_count_line_count_place_id_owner_id_trade_item_id_lot_id_handling_unit_id'), postgresql_nulls_not_distinct=True)
    )
    op.create_table('discrepancy_settlement',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('case_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('customs_doc_no', sa.String(), nullable=True),
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("kind IN ('found', 'written_off', 'declared', 'lost_again')", name=op.f('ck_discrepancy_settlement_kind_known')),
    sa.CheckConstraint("kind NOT IN ('written_off', 'declared') OR customs_doc_no IS NOT NULL", name=op.f('ck_discrepancy_settlement_customs_document')),
    sa.CheckConstraint('qty > 0', name=op.f('ck_discrepancy_settlement_qty_positive')),
    sa.ForeignKeyConstraint(['case_id'], ['discrepancy_case.id'], name=op.f('fk_discrepancy_settlement_case_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_discrepancy_settlement_person_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_discrepancy_settlement_posting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_discrepancy_settlement'))
    )
    op.create_index(op.f('ix_discrepancy_settlement_case_id'), 'discrepancy_settlement', ['case_id'], unique=False)
    op.create_table('processing_issue',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('from_account_id', sa.BigInteger(), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('used_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('qty > 0 AND used_qty BETWEEN 0 AND qty', name=op.f('ck_processing_issue_used_within_qty')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_processing_issue_account_id')),
    sa.ForeignKeyConstraint(['from_account_id'], ['account.id'], name=op.f('fk_processing_issue_from_account_id')),
    sa.ForeignKeyConstraint(['order_id'], ['processing_order.id'], name=op.f('fk_processing_issue_order_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_processing_issue_posting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_processing_issue'))
    )
    op.create_index(op.f('ix_processing_issue_order_id'), 'processing_issue', ['order_id'], unique=False)
    op.create_table('processing_use',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('completion_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('lot_id', sa.BigInteger(), nullable=True),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("kind IN ('used', 'waste', 'made')", name=op.f('ck_processing_use_kind_known')),
    sa.CheckConstraint('qty > 0', name=op.f('ck_processing_use_qty_positive')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_processing_use_account_id')),
    sa.ForeignKeyConstraint(['completion_id'], ['processing_completion.id'], name=op.f('fk_processing_use_completion_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_processing_use_lot_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_processing_use_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_processing_use'))
    )
    op.create_index(op.f('ix_processing_use_completion_id'), 'processing_use', ['completion_id'], unique=False)
    op.create_index(op.f('ix_processing_use_lot_id'), 'processing_use', ['lot_id'], unique=False)
    op.create_table('quarantine',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('quarantine_no', sa.String(), nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('put_by', sa.BigInteger(), nullable=True),
    sa.Column('decision', sa.String(), nullable=True),
    sa.Column('decided_by', sa.BigInteger(), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'decided') = (decision IS NOT NULL)", name=op.f('ck_quarantine_decided_has_decision')),
    sa.CheckConstraint("decision IN ('good', 'hold', 'damaged', 'quarantine', 'expired')", name=op.f('ck_quarantine_decision_known')),
    sa.CheckConstraint("state IN ('open', 'decided')", name=op.f('ck_quarantine_state_known')),
    sa.CheckConstraint('decided_by IS NULL OR decided_by <> put_by', name=op.f('ck_quarantine_decided_by_another')),
    sa.CheckConstraint('qty > 0', name=op.f('ck_quarantine_qty_positive')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_quarantine_account_id')),
    sa.ForeignKeyConstraint(['decided_by'], ['person.id'], name=op.f('fk_quarantine_decided_by')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_quarantine_posting_id')),
    sa.ForeignKeyConstraint(['put_by'], ['person.id'], name=op.f('fk_quarantine_put_by')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_quarantine_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_quarantine')),
    sa.UniqueConstraint('tenant_id', 'quarantine_no', name=op.f('uq_quarantine_tenant_id_quarantine_no'))
    )
    op.create_table('returned',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('return_id', sa.BigInteger(), nullable=False),
    sa.Column('return_line_id', sa.BigInteger(), nullable=False),
    sa.Column('scan_id', sa.BigInteger(), nullable=False),
    sa.Column('lot_id', sa.BigInteger(), nullable=True),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('graded_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('qty > 0 AND graded_qty BETWEEN 0 AND qty', name=op.f('ck_returned_graded_within_qty')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_returned_account_id')),
    sa.ForeignKeyConstraint(['lot_id'], ['lot.id'], name=op.f('fk_returned_lot_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_returned_person_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_returned_posting_id')),
    sa.ForeignKeyConstraint(['return_id'], ['return_notice.id'], name=op.f('fk_returned_return_id')),
    sa.ForeignKeyConstraint(['return_line_id'], ['return_line.id'], name=op.f('fk_returned_return_line_id')),
    sa.ForeignKeyConstraint(['scan_id'], ['scan.id'], name=op.f('fk_returned_scan_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_returned'))
    )
    op.create_index(op.f('ix_returned_return_id'), 'returned', ['return_id'], unique=False)
    op.create_table('destruction_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('destruction_id', sa.BigInteger(), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('reservation_id', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('qty > 0', name=op.f('ck_destruction_line_qty_positive')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_destruction_line_account_id')),
    sa.ForeignKeyConstraint(['destruction_id'], ['destruction.id'], name=op.f('fk_destruction_line_destruction_id')),
    sa.ForeignKeyConstraint(['reservation_id'], ['reservation.id'], name=op.f('fk_destruction_line_reservation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_destruction_line'))
    )
    op.create_index(op.f('ix_destruction_line_destruction_id'), 'destruction_line', ['destruction_id'], unique=False)
    op.create_table('replenishment_line',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('replenishment_id', sa.BigInteger(), nullable=False),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('reservation_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('done_qty', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("state IN ('open', 'done', 'void')", name=op.f('ck_replenishment_line_state_known')),
    sa.CheckConstraint('qty > 0 AND done_qty BETWEEN 0 AND qty', name=op.f('ck_replenishment_line_done_within_qty')),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_replenishment_line_account_id')),
    sa.ForeignKeyConstraint(['replenishment_id'], ['replenishment.id'], name=op.f('fk_replenishment_line_replenishment_id')),
    sa.ForeignKeyConstraint(['reservation_id'], ['reservation.id'], name=op.f('fk_replenishment_line_reservation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_replenishment_line'))
    )
    op.create_index(op.f('ix_replenishment_line_replenishment_id'), 'replenishment_line', ['replenishment_id'], unique=False)
    op.create_table('return_grade',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('returned_id', sa.BigInteger(), nullable=False),
    sa.Column('grade', sa.String(), nullable=False),
    sa.Column('result', sa.String(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('note', sa.String(), nullable=True),
    sa.Column('posting_id', sa.BigInteger(), nullable=True),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("result IN ('good', 'repair', 'quarantine', 'destroy')", name=op.f('ck_return_grade_result_known')),
    sa.CheckConstraint('qty > 0', name=op.f('ck_return_grade_qty_positive')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_return_grade_person_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_return_grade_posting_id')),
    sa.ForeignKeyConstraint(['returned_id'], ['returned.id'], name=op.f('fk_return_grade_returned_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_return_grade'))
    )
    op.create_index(op.f('ix_return_grade_returned_id'), 'return_grade', ['returned_id'], unique=False)
    op.create_table('replenishment_move',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('line_id', sa.BigInteger(), nullable=False),
    sa.Column('posting_id', sa.BigInteger(), nullable=False),
    sa.Column('qty', sa.BigInteger(), nullable=False),
    sa.Column('undone_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('qty > 0', name=op.f('ck_replenishment_move_qty_positive')),
    sa.ForeignKeyConstraint(['line_id'], ['replenishment_line.id'], name=op.f('fk_replenishment_move_line_id')),
    sa.ForeignKeyConstraint(['posting_id'], ['posting.id'], name=op.f('fk_replenishment_move_posting_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_replenishment_move'))
    )
    op.create_index(op.f('ix_replenishment_move_line_id'), 'replenishment_move', ['line_id'], unique=False)
    op.create_index(op.f('ix_replenishment_move_posting_id'), 'replenishment_move', ['posting_id'], unique=False)
