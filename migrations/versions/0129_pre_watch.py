"""evidence of the watch: alarm steps, fence zones and sensors, patrols, recorders, clips, gaps of recordings"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import append_only, protect, ship_value

revision = "0129_pre_watch"
down_revision = "0128_pre_sites"
branch_labels = None
depends_on = None

APPENDED = ("fence_switch", "patrol_visit", "alarm_overdue", "camera_check")
KEPT = ("fence_zone", "patrol_route", "recorder", "patrol_checkpoint", "patrol_round", "fence_sensor", "camera_link")
CLIPS = ("clip", "video_gap")
ALARM_CHECKS = {
    "source_known": "source IN ('fence', 'barrier', 'lane', 'temperature', 'device', 'ledger', 'webhook', 'video',"
    " 'patrol')",
    "state_known": "state IN ('raised', 'acknowledged', 'dispatched', 'closed', 'reviewed')",
    "outcome_known": "outcome IN ('real', 'false', 'test')",
    "dispatched_by_name": "(dispatched_at IS NULL) = (dispatched_by IS NULL)"
    " AND (state <> 'dispatched' OR (dispatched_at IS NOT NULL AND length(btrim(dispatched_to)) > 0))",
    "reviewed_by_name": "(state = 'reviewed') = (reviewed_at IS NOT NULL)"
    " AND (reviewed_at IS NULL) = (reviewed_by IS NULL)"
    " AND (state <> 'reviewed' OR (cause IS NOT NULL AND closed_at IS NOT NULL))",
    "reviewer_not_settler": "reviewed_by IS NULL OR reviewed_by IS DISTINCT FROM closed_by",
}
SECTION_CHECKS = {
    "path_in_pairs": "cardinality(path) % 2 = 0 AND cardinality(path) <> 2",
    "figures_positive": "mesh_mm2 > 0 AND post_gap_mm > 0 AND barbed_rows >= 0 AND strip_inside_mm >= 0"
    " AND strip_outside_mm >= 0",
}


def upgrade() -> None:
    create_tables()
    add_columns()
    for name in ("source_known", "state_known"):
        op.drop_constraint(op.f(f"ck_alarm_{name}"), "alarm", type_="check")
    for name, rule in ALARM_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_alarm_{name}"), "alarm", rule)
    for name, rule in SECTION_CHECKS.items():
        op.create_check_constraint(op.f(f"ck_fence_section_{name}"), "fence_section", rule)
    op.create_check_constraint(
        op.f("ck_camera_recorder_knows_it"), "camera", "(recorder_id IS NULL) = (recorder_camera IS NULL)"
    )
    for table in KEPT:
        protect(table)
    for table in APPENDED:
        protect(table, app="SELECT, INSERT")
        append_only(table)
    protect("fence_signal", app="SELECT, INSERT, UPDATE")
    for table in CLIPS:
        protect(table, app="SELECT, INSERT, UPDATE")
    ship_values()


def ship_values() -> None:
    ours = "our own choice, 2026-11; to be agreed with customs"
    ship_value("fence.join_s", 30, source=ours)
    ship_value("fence.disarmed_s", 8 * 3600, source=ours)
    ship_value(
        "watch.service_level",
        {"acknowledge_s": 60, "dispatch_s": 300, "settle_s": 3600, "review_s": 86_400},
        source=ours,
    )
    ship_value(
        "fence.facility",
        {
            "height_mm": 2500, "mesh_mm2": 2500, "post_gap_mm": 50, "barbed_rows": 3, "strip_inside_mm": 6000,
            "strip_outside_mm": 6000,
        },
        source="GAC standard for facilities of special supervision areas, metal mesh; strip of 6 m: trade knowledge,"
        " to be confirmed",
    )
    ship_value("video.clip", {"before_s": 10, "after_s": 20, "again_s": 60, "give_up_s": 3600}, source=ours)
    ship_value("video.retention_days", 92, source="bonded-warehouse framework of a customs district: three months")
    ship_value("video.gap_s", 60, source=ours)
    ship_value("video.skew_ms", 5000, source=ours)
    ship_value(
        "video.camera_code",
        {
            "controllers": ["1", "2", "3", "5", "6"], "kinds": ["131", "132"],
            "site_classes": ["08", "13", "17", "35"], "offices": [], "places": [],
        },
        source="camera numbering of customs, 20 digits; classes as far as they are known, to be confirmed",
    )


def create_tables() -> None:
    op.create_table('fence_zone',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_fence_zone_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fence_zone')),
    sa.UniqueConstraint('site_id', 'code', name=op.f('uq_fence_zone_site_id_code'))
    )
    op.create_table('patrol_route',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('first_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('every_s', sa.Integer(), nullable=False),
    sa.Column('within_s', sa.Integer(), nullable=False),
    sa.Column('is_active', sa.Boolean(), server_default=sa.text('true'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('every_s >= 60 AND within_s >= 60 AND within_s <= every_s', name=op.f('ck_patrol_route_times_sound')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_patrol_route_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_route')),
    sa.UniqueConstraint('site_id', 'code', name=op.f('uq_patrol_route_site_id_code'))
    )
    op.create_table('recorder',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), server_default='frigate', nullable=False),
    sa.Column('address', sa.String(), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("address ~ '^https?://[^/]+'", name=op.f('ck_recorder_address_shape')),
    sa.CheckConstraint("kind IN ('frigate')", name=op.f('ck_recorder_kind_known')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_recorder_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_recorder')),
    sa.UniqueConstraint('tenant_id', 'code', name=op.f('uq_recorder_tenant_id_code'))
    )
    op.create_table('patrol_checkpoint',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('place_no', sa.Integer(), nullable=False),
    sa.Column('code', sa.String(), nullable=False),
    sa.Column('name_zh', sa.String(), nullable=False),
    sa.Column('name_en', sa.String(), nullable=False),
    sa.Column('x_dm', sa.Integer(), nullable=True),
    sa.Column('y_dm', sa.Integer(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['route_id'], ['patrol_route.id'], name=op.f('fk_patrol_checkpoint_route_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_checkpoint')),
    sa.UniqueConstraint('route_id', 'code', name=op.f('uq_patrol_checkpoint_route_id_code'))
    )
    op.create_index(op.f('ix_patrol_checkpoint_route_id_place_no'), 'patrol_checkpoint', ['route_id', 'place_no'], unique=False)
    op.create_table('patrol_round',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('route_id', sa.BigInteger(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_until_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(), server_default='open', nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("state IN ('open', 'done', 'missed')", name=op.f('ck_patrol_round_state_known')),
    sa.ForeignKeyConstraint(['route_id'], ['patrol_route.id'], name=op.f('fk_patrol_round_route_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_round')),
    sa.UniqueConstraint('route_id', 'due_at', name=op.f('uq_patrol_round_route_id_due_at'))
    )
    op.create_index('ix_patrol_round_open', 'patrol_round', ['due_until_at'], unique=False, postgresql_where=sa.text("state = 'open'"))
    op.create_table('fence_sensor',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('section_id', sa.BigInteger(), nullable=False),
    sa.Column('device', sa.String(), nullable=False),
    sa.Column('part', sa.String(), server_default='', nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['section_id'], ['fence_section.id'], name=op.f('fk_fence_sensor_section_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fence_sensor')),
    sa.UniqueConstraint('tenant_id', 'device', 'part', name=op.f('uq_fence_sensor_tenant_id_device_part'))
    )
    op.create_index(op.f('ix_fence_sensor_section_id'), 'fence_sensor', ['section_id'], unique=False)
    op.create_table('fence_switch',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('section_id', sa.BigInteger(), nullable=False),
    sa.Column('is_armed', sa.Boolean(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('length(btrim(reason)) >= 4', name=op.f('ck_fence_switch_has_reason')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_fence_switch_person_id')),
    sa.ForeignKeyConstraint(['section_id'], ['fence_section.id'], name=op.f('fk_fence_switch_section_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fence_switch'))
    )
    op.create_index(op.f('ix_fence_switch_section_id_at'), 'fence_switch', ['section_id', 'at'], unique=False)
    op.create_table('patrol_visit',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('round_id', sa.BigInteger(), nullable=False),
    sa.Column('checkpoint_id', sa.BigInteger(), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finding', sa.String(), server_default='', nullable=False),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['checkpoint_id'], ['patrol_checkpoint.id'], name=op.f('fk_patrol_visit_checkpoint_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_patrol_visit_person_id')),
    sa.ForeignKeyConstraint(['round_id'], ['patrol_round.id'], name=op.f('fk_patrol_visit_round_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_patrol_visit')),
    sa.UniqueConstraint('round_id', 'checkpoint_id', name=op.f('uq_patrol_visit_round_id_checkpoint_id'))
    )
    op.create_table('camera_check',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('camera_id', sa.BigInteger(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('is_online', sa.Boolean(), nullable=False),
    sa.Column('oldest_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('skew_ms', sa.BigInteger(), nullable=True),
    sa.Column('fault', sa.String(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['camera_id'], ['camera.id'], name=op.f('fk_camera_check_camera_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_camera_check')),
    sa.UniqueConstraint('camera_id', 'at', name=op.f('uq_camera_check_camera_id_at'))
    )
    op.create_table('camera_link',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('camera_id', sa.BigInteger(), nullable=False),
    sa.Column('lane', sa.String(), nullable=True),
    sa.Column('fence_section_id', sa.BigInteger(), nullable=True),
    sa.Column('location_id', sa.BigInteger(), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('num_nonnulls(lane, fence_section_id, location_id) = 1', name=op.f('ck_camera_link_one_thing')),
    sa.ForeignKeyConstraint(['camera_id'], ['camera.id'], name=op.f('fk_camera_link_camera_id')),
    sa.ForeignKeyConstraint(['fence_section_id'], ['fence_section.id'], name=op.f('fk_camera_link_fence_section_id')),
    sa.ForeignKeyConstraint(['location_id'], ['location.id'], name=op.f('fk_camera_link_location_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_camera_link')),
    sa.UniqueConstraint('camera_id', 'fence_section_id', name=op.f('uq_camera_link_camera_id_fence_section_id')),
    sa.UniqueConstraint('camera_id', 'lane', name=op.f('uq_camera_link_camera_id_lane')),
    sa.UniqueConstraint('camera_id', 'location_id', name=op.f('uq_camera_link_camera_id_location_id'))
    )
    op.create_index(op.f('ix_camera_link_fence_section_id'), 'camera_link', ['fence_section_id'], unique=False)
    op.create_table('clip',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('camera_id', sa.BigInteger(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('subject_id', sa.BigInteger(), nullable=False),
    sa.Column('from_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('state', sa.String(), server_default='wanted', nullable=False),
    sa.Column('uri', sa.String(), nullable=True),
    sa.Column('sha256', sa.LargeBinary(), nullable=True),
    sa.Column('size_bytes', sa.BigInteger(), nullable=True),
    sa.Column('tries', sa.Integer(), server_default='0', nullable=False),
    sa.Column('next_try_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('fault', sa.String(), nullable=True),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("(state = 'held') <= (sha256 IS NOT NULL AND uri IS NOT NULL)", name=op.f('ck_clip_held_has_hash')),
    sa.CheckConstraint("state IN ('wanted', 'held', 'missing', 'expired')", name=op.f('ck_clip_state_known')),
    sa.CheckConstraint("subject IN ('alarm', 'passage', 'event')", name=op.f('ck_clip_subject_known')),
    sa.CheckConstraint('length(sha256) = 32', name=op.f('ck_clip_hash_length')),
    sa.CheckConstraint('until_at > from_at', name=op.f('ck_clip_until_after_from')),
    sa.ForeignKeyConstraint(['camera_id'], ['camera.id'], name=op.f('fk_clip_camera_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_clip')),
    sa.UniqueConstraint('camera_id', 'subject', 'subject_id', name=op.f('uq_clip_camera_id_subject_subject_id'))
    )
    op.create_index(op.f('ix_clip_tenant_id_subject_subject_id'), 'clip', ['tenant_id', 'subject', 'subject_id'], unique=False)
    op.create_index('ix_clip_wanted', 'clip', ['id'], unique=False, postgresql_where=sa.text("state = 'wanted'"))
    op.create_table('video_gap',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('camera_id', sa.BigInteger(), nullable=False),
    sa.Column('from_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('until_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('filled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint('until_at > from_at', name=op.f('ck_video_gap_until_after_from')),
    sa.ForeignKeyConstraint(['camera_id'], ['camera.id'], name=op.f('fk_video_gap_camera_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_video_gap')),
    sa.UniqueConstraint('camera_id', 'from_at', name=op.f('uq_video_gap_camera_id_from_at'))
    )
    op.create_table('alarm_overdue',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('alarm_id', sa.BigInteger(), nullable=False),
    sa.Column('step', sa.String(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('found_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.CheckConstraint("step IN ('acknowledge', 'dispatch', 'settle', 'review')", name=op.f('ck_alarm_overdue_step_known')),
    sa.ForeignKeyConstraint(['alarm_id'], ['alarm.id'], name=op.f('fk_alarm_overdue_alarm_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alarm_overdue')),
    sa.UniqueConstraint('alarm_id', 'step', name=op.f('uq_alarm_overdue_alarm_id_step'))
    )
    op.create_table('fence_signal',
    sa.Column('id', sa.BigInteger(), autoincrement=True, nullable=False),
    sa.Column('site_id', sa.BigInteger(), nullable=False),
    sa.Column('section_id', sa.BigInteger(), nullable=True),
    sa.Column('reading_id', sa.BigInteger(), nullable=False),
    sa.Column('device', sa.String(), nullable=False),
    sa.Column('is_alarm', sa.Boolean(), nullable=False),
    sa.Column('rule', sa.String(), nullable=False),
    sa.Column('object_class', sa.String(), nullable=True),
    sa.Column('is_live', sa.Boolean(), nullable=False),
    sa.Column('flags', postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    sa.Column('was_armed', sa.Boolean(), nullable=False),
    sa.Column('event_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('alarm_id', sa.BigInteger(), nullable=True),
    sa.Column('recorded_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('tenant_id', sa.BigInteger(), server_default=sa.text('app_tenant()'), nullable=False),
    sa.ForeignKeyConstraint(['alarm_id'], ['alarm.id'], name=op.f('fk_fence_signal_alarm_id')),
    sa.ForeignKeyConstraint(['section_id'], ['fence_section.id'], name=op.f('fk_fence_signal_section_id')),
    sa.ForeignKeyConstraint(['site_id'], ['site.id'], name=op.f('fk_fence_signal_site_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_fence_signal')),
    sa.UniqueConstraint('tenant_id', 'reading_id', name=op.f('uq_fence_signal_tenant_id_reading_id'))
    )
    op.create_index(op.f('ix_fence_signal_alarm_id'), 'fence_signal', ['alarm_id'], unique=False)
    op.create_index(op.f('ix_fence_signal_section_id_id'), 'fence_signal', ['section_id', 'id'], unique=False)


def add_columns() -> None:
    op.add_column('alarm', sa.Column('outcome', sa.String(), nullable=True))
    op.add_column('alarm', sa.Column('dispatched_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('alarm', sa.Column('dispatched_by', sa.BigInteger(), nullable=True))
    op.add_column('alarm', sa.Column('dispatched_to', sa.String(), nullable=True))
    op.add_column('alarm', sa.Column('reviewed_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('alarm', sa.Column('reviewed_by', sa.BigInteger(), nullable=True))
    op.add_column('alarm', sa.Column('review_note', sa.String(), nullable=True))
    op.create_foreign_key(op.f('fk_alarm_dispatched_by'), 'alarm', 'person', ['dispatched_by'], ['id'])
    op.create_foreign_key(op.f('fk_alarm_reviewed_by'), 'alarm', 'person', ['reviewed_by'], ['id'])
    op.add_column('camera', sa.Column('recorder_id', sa.BigInteger(), nullable=True))
    op.add_column('camera', sa.Column('recorder_camera', sa.String(), nullable=True))
    op.add_column('camera', sa.Column('recording_since_at', sa.DateTime(timezone=True), nullable=True))
    op.create_index('uq_camera_of_recorder', 'camera', ['recorder_id', 'recorder_camera'], unique=True)
    op.create_foreign_key(op.f('fk_camera_recorder_id'), 'camera', 'recorder', ['recorder_id'], ['id'])
    op.add_column('fence_section', sa.Column('zone_id', sa.BigInteger(), nullable=True))
    op.add_column('fence_section', sa.Column('mesh_mm2', sa.Integer(), nullable=True))
    op.add_column('fence_section', sa.Column('post_gap_mm', sa.Integer(), nullable=True))
    op.add_column('fence_section', sa.Column('barbed_rows', sa.Integer(), nullable=True))
    op.add_column('fence_section', sa.Column('strip_inside_mm', sa.Integer(), nullable=True))
    op.add_column('fence_section', sa.Column('strip_outside_mm', sa.Integer(), nullable=True))
    op.add_column('fence_section', sa.Column('path', postgresql.ARRAY(sa.Integer()), server_default=sa.text("'{}'"), nullable=False))
    op.create_foreign_key(op.f('fk_fence_section_zone_id'), 'fence_section', 'fence_zone', ['zone_id'], ['id'])


def downgrade() -> None:
    for name in ALARM_CHECKS:
        op.drop_constraint(op.f(f"ck_alarm_{name}"), "alarm", type_="check")
    op.create_check_constraint(
        op.f("ck_alarm_source_known"), "alarm",
        "source IN ('fence', 'barrier', 'lane', 'temperature', 'device', 'ledger', 'webhook')",
    )
    op.create_check_constraint(
        op.f("ck_alarm_state_known"), "alarm", "state IN ('raised', 'acknowledged', 'dispatched', 'closed')"
    )
    for name in SECTION_CHECKS:
        op.drop_constraint(op.f(f"ck_fence_section_{name}"), "fence_section", type_="check")
    op.drop_constraint(op.f("ck_camera_recorder_knows_it"), "camera", type_="check")
    for column in ("path", "strip_outside_mm", "strip_inside_mm", "barbed_rows", "post_gap_mm", "mesh_mm2", "zone_id"):
        op.drop_column("fence_section", column)
    for column in ("recording_since_at", "recorder_camera", "recorder_id"):
        op.drop_column("camera", column)
    for column in (
        "review_note", "reviewed_by", "reviewed_at", "dispatched_to", "dispatched_by", "dispatched_at", "outcome",
    ):
        op.drop_column("alarm", column)
    for table in (
        "fence_signal", "alarm_overdue", "video_gap", "clip", "camera_link", "camera_check", "patrol_visit",
        "fence_switch", "fence_sensor", "patrol_round", "patrol_checkpoint", "recorder", "patrol_route", "fence_zone",
    ):
        op.drop_table(table)
    op.execute(
        "DELETE FROM shipped_value WHERE name IN ('fence.join_s', 'fence.disarmed_s', 'watch.service_level',"
        " 'fence.facility', 'video.clip', 'video.retention_days', 'video.gap_s', 'video.skew_ms', 'video.camera_code')"
    )
