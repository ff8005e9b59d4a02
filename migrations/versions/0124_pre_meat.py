"""meat from abroad: import permits with their quota, and the papers of each batch"""

import sqlalchemy as sa
from alembic import op

from migrations.support import protect, ship_value

revision = "0124_pre_meat"
down_revision = "0123_pre_supervised"
branch_labels = None
depends_on = None

OWNED = "owner_id = app_company()"
WRITES = "SELECT, INSERT, UPDATE"
REFERENCE = "tariff chapter 2 and heading 0504, general knowledge; to be confirmed by customs"


def upgrade() -> None:
    op.create_table('import_permit',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('permit_no', sa.String(), nullable=False),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('country', sa.String(), nullable=False),
    sa.Column('quota_g', sa.BigInteger(), nullable=False),
    sa.Column('used_g', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('valid_from_on', sa.Date(), nullable=False),
    sa.Column('valid_until_on', sa.Date(), nullable=False),
    sa.Column('state', sa.String(), server_default='valid', nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('quota_g > 0 AND used_g BETWEEN 0 AND quota_g', name=op.f('ck_import_permit_within_quota')),
    sa.CheckConstraint("state IN ('valid', 'void')", name=op.f('ck_import_permit_state_known')),
    sa.CheckConstraint('valid_until_on >= valid_from_on', name=op.f('ck_import_permit_ends_after_begin')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_import_permit_owner_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_import_permit_trade_item_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_import_permit')),
    sa.UniqueConstraint('tenant_id', 'permit_no', name=op.f('uq_import_permit_tenant_id_permit_no'))
    )
    op.create_table('meat_batch',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('batch_no', sa.String(), nullable=True),
    sa.Column('owner_id', sa.BigInteger(), nullable=False),
    sa.Column('verification_list_id', sa.BigInteger(), nullable=False),
    sa.Column('trade_item_id', sa.BigInteger(), nullable=False),
    sa.Column('lot_no', sa.String(), nullable=True),
    sa.Column('permit_id', sa.BigInteger(), nullable=False),
    sa.Column('plant_no', sa.String(), nullable=False),
    sa.Column('health_certificate_no', sa.String(), nullable=False),
    sa.Column('health_certificate_on', sa.Date(), nullable=False),
    sa.Column('weight_g', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.String(), server_default='announced', nullable=False),
    sa.Column('inspected_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('inspected_by', sa.BigInteger(), nullable=True),
    sa.Column('inspection_note', sa.String(), nullable=True),
    sa.Column('entry_certificate_no', sa.String(), nullable=True),
    sa.Column('certified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'certified') = (entry_certificate_no IS NOT NULL)", name=op.f('ck_meat_batch_certified_by_number')),
    sa.CheckConstraint("state IN ('announced', 'inspected', 'certified', 'rejected', 'void')", name=op.f('ck_meat_batch_state_known')),
    sa.CheckConstraint("state NOT IN ('inspected', 'certified') OR inspected_at IS NOT NULL", name=op.f('ck_meat_batch_inspected_first')),
    sa.CheckConstraint('weight_g > 0', name=op.f('ck_meat_batch_weight_positive')),
    sa.ForeignKeyConstraint(['inspected_by'], ['person.id'], name=op.f('fk_meat_batch_inspected_by')),
    sa.ForeignKeyConstraint(['owner_id'], ['company.id'], name=op.f('fk_meat_batch_owner_id')),
    sa.ForeignKeyConstraint(['permit_id'], ['import_permit.id'], name=op.f('fk_meat_batch_permit_id')),
    sa.ForeignKeyConstraint(['trade_item_id'], ['trade_item.id'], name=op.f('fk_meat_batch_trade_item_id')),
    sa.ForeignKeyConstraint(['verification_list_id'], ['verification_list.id'], name=op.f('fk_meat_batch_verification_list_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_meat_batch')),
    sa.UniqueConstraint('tenant_id', 'batch_no', name=op.f('uq_meat_batch_tenant_id_batch_no'))
    )
    op.create_index('uq_meat_batch_living', 'meat_batch', ['verification_list_id', 'trade_item_id', 'lot_no'], unique=True, postgresql_where=sa.text("state <> 'void'"), postgresql_nulls_not_distinct=True)
    protect("import_permit", OWNED, app=WRITES)
    protect("meat_batch", OWNED, app=WRITES)
    headings = [f"02{number:02d}" for number in range(1, 11)]
    ship_value("meat.headings", [*headings, "0504"], source=REFERENCE)
    unknown = {"country": "", "name": "", "is_open": False}
    ship_value("meat.plant", unknown, source="a plant that is not on file is not registered")
    ship_value("meat.permit_remind_days", 30, source="our own choice, 2026-11; to be agreed with customs")


def downgrade() -> None:
    op.drop_table("meat_batch")
    op.drop_table("import_permit")
    op.execute("DELETE FROM shipped_value WHERE name LIKE 'meat.%'")
