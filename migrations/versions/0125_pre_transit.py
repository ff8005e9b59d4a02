"""transit between two customs districts"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect, ship_value

revision = "0125_pre_transit"
down_revision = "0124_pre_meat"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('customs_transit',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('internal_no', sa.String(), nullable=False),
    sa.Column('transit_no', sa.String(), nullable=True),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('verification_list_id', sa.BigInteger(), nullable=False),
    sa.Column('office_from', sa.String(), nullable=False),
    sa.Column('office_to', sa.String(), nullable=False),
    sa.Column('vehicle_plate', sa.String(), nullable=False),
    sa.Column('seal_no', sa.String(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(), server_default='applied', nullable=False),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('arrived_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('arrival_document', sa.String(), nullable=True),
    sa.Column('reason', sa.String(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'arrived') = (arrived_at IS NOT NULL)", name=op.f('ck_customs_transit_arrived_has_time')),
    sa.CheckConstraint("office_from ~ '^[0-9]{4}$' AND office_to ~ '^[0-9]{4}$'", name=op.f('ck_customs_transit_offices_shape')),
    sa.CheckConstraint('office_from <> office_to', name=op.f('ck_customs_transit_changes_office')),
    sa.CheckConstraint("state IN ('applied', 'approved', 'arrived', 'void')", name=op.f('ck_customs_transit_state_known')),
    sa.CheckConstraint("state NOT IN ('approved', 'arrived') OR transit_no IS NOT NULL", name=op.f('ck_customs_transit_numbered')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_customs_transit_owner_id')),
    sa.ForeignKeyConstraint(['verification_list_id'], ['verification_list.id'], name=op.f('fk_customs_transit_verification_list_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_customs_transit')),
    sa.UniqueConstraint('tenant_id', 'internal_no', name=op.f('uq_customs_transit_tenant_id_internal_no')),
    sa.UniqueConstraint('tenant_id', 'transit_no', name=op.f('uq_customs_transit_tenant_id_transit_no'))
    )
    op.create_index('uq_customs_transit_living', 'customs_transit', ['verification_list_id'], unique=True, postgresql_where=sa.text("state <> 'void'"))
    protect("customs_transit", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    ship_value("customs.transit_days", 7, source="our own choice, 2026-11; to be agreed with customs")


def downgrade() -> None:
    op.drop_table("customs_transit")
    op.execute("DELETE FROM shipped_value WHERE name = 'customs.transit_days'")
