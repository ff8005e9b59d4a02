"""inspection centres: lanes, orders, each parcel under one, its steps and pictures, and the random rule's draws"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0133_pre_inspections"
down_revision = "0132_pre_health"
branch_labels = None
depends_on = None

SOURCE = "no parcel is drawn until customs has told share and seed; our own choice, 2026-11"
RIGHTS = {
    "inspection_lane": "SELECT, INSERT, UPDATE",
    "inspection_order": "SELECT, INSERT",
    "parcel_inspection": "SELECT, INSERT, UPDATE",
    "inspection_step": "SELECT, INSERT",
    "inspection_picture": "SELECT, INSERT",
    "inspection_draw": "SELECT, INSERT",
}


def upgrade() -> None:
    op.create_table('inspection_lane',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('mode', sa.String(), nullable=False),
    sa.Column('has_xray', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('is_open', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("code ~ '^[A-Za-z0-9_-]{1,20}$'", name=op.f('ck_inspection_lane_code_shape')),
    sa.CheckConstraint("mode IN ('1210', '9610')", name=op.f('ck_inspection_lane_mode_known')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_inspection_lane_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_lane')),
    sa.UniqueConstraint('site_id', 'code', name=op.f('uq_inspection_lane_site_id_code'))
    )
    op.create_table('inspection_order',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('order_no', sa.String(), nullable=False),
    sa.Column('made_by', sa.String(), nullable=False),
    sa.Column('customs_no', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('rule', postgresql.JSONB(astext_type=sa.Text()), nullable=True),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('ordered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(made_by = 'rule') = (rule IS NOT NULL)", name=op.f('ck_inspection_order_rule_told')),
    sa.CheckConstraint("made_by IN ('officer', 'rule', 'receipt')", name=op.f('ck_inspection_order_made_by_known')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_inspection_order_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_order')),
    sa.UniqueConstraint('tenant_id', 'order_no', name=op.f('uq_inspection_order_tenant_id_order_no'))
    )
    op.create_index(op.f('ix_inspection_order_tenant_id_ordered_at'), 'inspection_order', ['tenant_id', 'ordered_at'], unique=False)
    op.create_table('parcel_inspection',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('order_id', sa.BigInteger(), nullable=False),
    sa.Column('declaration_id', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), server_default='waiting', nullable=False),
    sa.Column('lane_id', sa.BigInteger(), nullable=True),
    sa.Column('method', sa.String(), nullable=True),
    sa.Column('is_suspicious', sa.Boolean(), server_default=sa.text('false'), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('decided_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("method IN ('xray', 'unpack')", name=op.f('ck_parcel_inspection_method_known')),
    sa.CheckConstraint("state IN ('waiting', 'cleared') OR lane_id IS NOT NULL", name=op.f('ck_parcel_inspection_examined_on_lane')),
    sa.CheckConstraint("state IN ('waiting', 'examining', 'cleared', 'detained')", name=op.f('ck_parcel_inspection_state_known')),
    sa.ForeignKeyConstraint(['declaration_id'], ['parcel_declaration.id'], name=op.f('fk_parcel_inspection_declaration_id')),
    sa.ForeignKeyConstraint(['lane_id'], ['inspection_lane.id'], name=op.f('fk_parcel_inspection_lane_id')),
    sa.ForeignKeyConstraint(['order_id'], ['inspection_order.id'], name=op.f('fk_parcel_inspection_order_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parcel_inspection'))
    )
    op.create_index('ix_parcel_inspection_open', 'parcel_inspection', ['tenant_id', 'id'], unique=False, postgresql_where=sa.text("state <> 'cleared'"))
    op.create_index(op.f('ix_parcel_inspection_order_id'), 'parcel_inspection', ['order_id'], unique=False)
    op.create_index('uq_parcel_inspection_live', 'parcel_inspection', ['declaration_id'], unique=True, postgresql_where=sa.text("state <> 'cleared'"))
    op.create_table('inspection_step',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('inspection_id', sa.BigInteger(), nullable=False),
    sa.Column('step', sa.String(), nullable=False),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('words', sa.String(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("outcome IN ('passed', 'suspicious', 'failed')", name=op.f('ck_inspection_step_outcome_known')),
    sa.CheckConstraint("step IN ('ordered', 'started', 'xray', 'unpack', 'customs', 'lifted')", name=op.f('ck_inspection_step_step_known')),
    sa.ForeignKeyConstraint(['inspection_id'], ['parcel_inspection.id'], name=op.f('fk_inspection_step_inspection_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_inspection_step_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_step'))
    )
    op.create_index(op.f('ix_inspection_step_inspection_id'), 'inspection_step', ['inspection_id'], unique=False)
    op.create_table('inspection_picture',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('inspection_id', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('media_type', sa.String(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=True),
    sa.Column('taken_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("media_type IN ('image/jpeg', 'image/png')", name=op.f('ck_inspection_picture_media_known')),
    sa.CheckConstraint('length(sha256) = 32', name=op.f('ck_inspection_picture_hash_length')),
    sa.ForeignKeyConstraint(['inspection_id'], ['parcel_inspection.id'], name=op.f('fk_inspection_picture_inspection_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_inspection_picture_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inspection_picture')),
    sa.UniqueConstraint('inspection_id', 'sha256', name=op.f('uq_inspection_picture_inspection_id_sha256'))
    )
    op.create_table('inspection_draw',
    sa.Column('declaration_id', sa.BigInteger(), nullable=False),
    sa.Column('is_taken', sa.Boolean(), nullable=False),
    sa.Column('rule', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('drawn_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['declaration_id'], ['parcel_declaration.id'], name=op.f('fk_inspection_draw_declaration_id')),
    sa.PrimaryKeyConstraint('declaration_id', name=op.f('pk_inspection_draw'))
    )
    for table, rights in RIGHTS.items():
        protect(table, app=rights)
    for mode in ("1210", "9610"):
        ship_value("inspection.random", {"share_bp": 0, "seed": "unset"}, source=SOURCE, subject=mode)


def downgrade() -> None:
    op.execute("DELETE FROM shipped_value WHERE name = 'inspection.random'")
    for table in reversed(RIGHTS):
        op.drop_table(table)
