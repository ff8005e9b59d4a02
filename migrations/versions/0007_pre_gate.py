"""visits, passages, decisions, releases, barrier commands; fence sections, cameras, alarms"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import append_only, protect, protect_shared, run_sql

revision = "0007_pre_gate"
down_revision = "0006_pre_inbox"
branch_labels = None
depends_on = None

SHARED = ("lane", "lane_state")
# What was seen and decided stays; of a passage, a release and a command only what is still to come may be written.
KEPT = ("live_note", "passage", "visit", "release", "barrier_command", "alarm")
APPENDED = ("decision", "passage_reading")
OF_GATE_DOC = "EXISTS (SELECT 1 FROM gate_pass d WHERE d.id = gate_pass_id)"
TABLES = (
    "fence_section",
    "camera",
    "alarm",
    "live_note",
    "lane",
    "lane_state",
    "vehicle",
    "blacklist",
    "weight_tolerance",
    "visit",
    "passage",
    "passage_reading",
    "decision",
    "release",
    "barrier_command",
    "gate_pass_use",
)


def upgrade() -> None:
    create_tables()
    for table in TABLES:
        protect_one(table)
    run_sql("wms.gate", "guards.sql")


def protect_one(table: str) -> None:
    if table in SHARED:
        protect_shared(table)
    elif table == "gate_pass_use":
        protect(table, OF_GATE_DOC, app="SELECT, INSERT, UPDATE (posting_id)")
    else:
        protect(table, app="SELECT, INSERT, UPDATE" if table in KEPT else "SELECT, INSERT, UPDATE, DELETE")
    if table in APPENDED:
        append_only(table)


def downgrade() -> None:
    op.execute("DROP TRIGGER posting_leaves_by_gate ON posting")
    op.execute("DROP TRIGGER gate_pass_not_voided_after_passage ON gate_pass")
    for table in reversed(TABLES):
        op.drop_table(table)
    for function in (
        "gate_refuse_leaving",
        "gate_refuse_void",
        "gate_refuse_release",
        "gate_note_live",
        "gate_refuse_command",
    ):
        op.execute(f"DROP FUNCTION {function}()")


def create_tables() -> None:
    op.create_table(
        "fence_section",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("sensor", sa.String(), nullable=False),
        sa.Column("height_mm", sa.Integer(), nullable=False),
        sa.Column("length_mm", sa.Integer(), nullable=False),
        sa.Column("is_armed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("height_mm > 0 AND length_mm > 0", name=op.f("ck_fence_section_sizes_positive")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_fence_section_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fence_section")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_fence_section_site_id_code")),
        sa.UniqueConstraint("tenant_id", "sensor", name=op.f("uq_fence_section_tenant_id_sensor")),
    )
    op.create_table(
        "camera",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("camera_code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("fence_section_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("camera_code ~ '^[0-9]{20}$'", name=op.f("ck_camera_camera_code_digits")),
        sa.CheckConstraint(
            "place IN ('gate', 'fence', 'warehouse', 'yard')", name=op.f("ck_camera_place_known")
        ),
        sa.ForeignKeyConstraint(
            ["fence_section_id"], ["fence_section.id"], name=op.f("fk_camera_fence_section_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_camera_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_camera")),
        sa.UniqueConstraint("tenant_id", "camera_code", name=op.f("uq_camera_tenant_id_camera_code")),
    )
    op.create_table(
        "alarm",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), server_default="", nullable=False),
        sa.Column("state", sa.String(), server_default="raised", nullable=False),
        sa.Column("fence_section_id", sa.BigInteger(), nullable=True),
        sa.Column("camera_id", sa.BigInteger(), nullable=True),
        sa.Column("reading_id", sa.BigInteger(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_trigger_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("trigger_count", sa.Integer(), server_default="1", nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'raised') = (acknowledged_at IS NULL)", name=op.f("ck_alarm_acknowledged_has_time")
        ),
        sa.CheckConstraint(
            "source IN ('fence', 'barrier', 'lane', 'temperature', 'device', 'ledger')",
            name=op.f("ck_alarm_source_known"),
        ),
        sa.CheckConstraint(
            "state <> 'closed' OR (closed_at IS NOT NULL AND cause IS NOT NULL)",
            name=op.f("ck_alarm_closed_has_cause"),
        ),
        sa.CheckConstraint(
            "state IN ('raised', 'acknowledged', 'dispatched', 'closed')", name=op.f("ck_alarm_state_known")
        ),
        sa.CheckConstraint(
            "(acknowledged_at IS NULL) = (acknowledged_by IS NULL)",
            name=op.f("ck_alarm_acknowledged_by_name"),
        ),
        sa.CheckConstraint("trigger_count > 0", name=op.f("ck_alarm_trigger_count_positive")),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["person.id"], name=op.f("fk_alarm_acknowledged_by")),
        sa.ForeignKeyConstraint(["camera_id"], ["camera.id"], name=op.f("fk_alarm_camera_id")),
        sa.ForeignKeyConstraint(["closed_by"], ["person.id"], name=op.f("fk_alarm_closed_by")),
        sa.ForeignKeyConstraint(
            ["fence_section_id"], ["fence_section.id"], name=op.f("fk_alarm_fence_section_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_alarm_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
    )
    op.create_index(
        "ix_alarm_open",
        "alarm",
        ["tenant_id", "source", "subject"],
        unique=False,
        postgresql_where=sa.text("state = 'raised'"),
    )
    op.create_index(
        op.f("ix_alarm_tenant_id_site_id_raised_at"),
        "alarm",
        ["tenant_id", "site_id", "raised_at"],
        unique=False,
    )
    op.create_table(
        "live_note",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_note")),
    )
    op.create_index(op.f("ix_live_note_tenant_id_id"), "live_note", ["tenant_id", "id"], unique=False)
    op.create_table(
        "lane",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="goods", nullable=False),
        sa.Column("stage", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_open", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("needs_container", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("needs_weight", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("needs_tag", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("needs_customs_answer", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("has_loops", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("decide_within_ms", sa.Integer(), server_default="8000", nullable=False),
        sa.Column("gap_ms", sa.Integer(), server_default="20000", nullable=False),
        sa.Column("scale_division_g", sa.BigInteger(), server_default="20000", nullable=False),
        sa.Column("barrier_device", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("code ~ '^[A-Za-z0-9_-]{1,10}$'", name=op.f("ck_lane_code_shape")),
        sa.CheckConstraint("direction IN ('I', 'E')", name=op.f("ck_lane_direction_known")),
        sa.CheckConstraint("kind IN ('goods', 'passenger', 'temporary')", name=op.f("ck_lane_kind_known")),
        sa.CheckConstraint("decide_within_ms BETWEEN 500 AND 60000", name=op.f("ck_lane_decide_within")),
        sa.CheckConstraint("stage BETWEEN 0 AND 2", name=op.f("ck_lane_stage_known")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_lane_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lane")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_lane_site_id_code")),
        sa.UniqueConstraint("tenant_id", "barrier_device", name=op.f("uq_lane_tenant_id_barrier_device")),
    )
    op.create_table(
        "lane_state",
        sa.Column("lane_id", sa.BigInteger(), nullable=False),
        sa.Column("barrier", sa.String(), server_default="unknown", nullable=False),
        sa.Column("barrier_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("is_linked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("scale_was_zero", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("passage_id", sa.BigInteger(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "barrier IN ('closed', 'opening', 'open', 'closing', 'fault', 'unknown')",
            name=op.f("ck_lane_state_barrier_known"),
        ),
        sa.ForeignKeyConstraint(["lane_id"], ["lane.id"], name=op.f("fk_lane_state_lane_id")),
        sa.PrimaryKeyConstraint("lane_id", name=op.f("pk_lane_state")),
    )
    op.create_table(
        "vehicle",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), server_default="goods", nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("tag", sa.String(), nullable=True),
        sa.Column("tare_g", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("is_registered", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("registered_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("kind IN ('goods', 'passenger')", name=op.f("ck_vehicle_kind_known")),
        sa.CheckConstraint("tare_g >= 0", name=op.f("ck_vehicle_tare_positive")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_vehicle_company_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vehicle")),
        sa.UniqueConstraint("tenant_id", "plate", name=op.f("uq_vehicle_tenant_id_plate")),
        sa.UniqueConstraint("tenant_id", "tag", name=op.f("uq_vehicle_tenant_id_tag")),
    )
    op.create_table(
        "blacklist",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=True),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("length(btrim(reason)) > 0", name=op.f("ck_blacklist_has_reason")),
        sa.ForeignKeyConstraint(["entered_by"], ["person.id"], name=op.f("fk_blacklist_entered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blacklist")),
    )
    op.create_index(op.f("ix_blacklist_tenant_id_plate"), "blacklist", ["tenant_id", "plate"], unique=False)
    op.create_table(
        "weight_tolerance",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("lane_id", sa.BigInteger(), nullable=True),
        sa.Column("goods_class", sa.String(), nullable=True),
        sa.Column("share_bp", sa.Integer(), server_default="500", nullable=False),
        sa.Column("absolute_g", sa.BigInteger(), server_default="100000", nullable=False),
        sa.Column("unweighed_may_pass", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid_from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "share_bp BETWEEN 0 AND 10000 AND absolute_g >= 0",
            name=op.f("ck_weight_tolerance_limits_positive"),
        ),
        sa.ForeignKeyConstraint(["lane_id"], ["lane.id"], name=op.f("fk_weight_tolerance_lane_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_weight_tolerance")),
        sa.UniqueConstraint(
            "tenant_id",
            "lane_id",
            "goods_class",
            "valid_from_at",
            name=op.f("uq_weight_tolerance_tenant_id_lane_id_goods_class_valid_from_at"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "visit",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="inside", nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("state IN ('inside', 'left')", name=op.f("ck_visit_state_known")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_visit_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    op.create_index(
        "uq_visit_inside",
        "visit",
        ["site_id", "plate"],
        unique=True,
        postgresql_where=sa.text("state = 'inside'"),
    )
    op.create_table(
        "passage",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("seq_no", sa.String(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("lane_id", sa.BigInteger(), nullable=False),
        sa.Column("direction", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("hold_code", sa.String(), nullable=True),
        sa.Column("plate", sa.String(), nullable=True),
        sa.Column("plate_confidence_permille", sa.Integer(), server_default="0", nullable=False),
        sa.Column("trailer_plate", sa.String(), nullable=True),
        sa.Column("containers", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("weight_g", sa.BigInteger(), nullable=True),
        sa.Column("visit_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("goods_refusal", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'held') <= (hold_code IS NOT NULL)", name=op.f("ck_passage_held_has_code")
        ),
        sa.CheckConstraint("direction IN ('I', 'E')", name=op.f("ck_passage_direction_known")),
        sa.CheckConstraint(
            "state <> 'passed' OR passed_at IS NOT NULL", name=op.f("ck_passage_passed_has_time")
        ),
        sa.CheckConstraint(
            "state = 'open' OR decided_at IS NOT NULL", name=op.f("ck_passage_decided_has_time")
        ),
        sa.CheckConstraint(
            "state IN ('open', 'held', 'released', 'passed', 'turned_back')",
            name=op.f("ck_passage_state_known"),
        ),
        sa.CheckConstraint("length(seq_no) BETWEEN 1 AND 20", name=op.f("ck_passage_seq_no_length")),
        sa.CheckConstraint("weight_g > 0", name=op.f("ck_passage_weight_positive")),
        sa.ForeignKeyConstraint(["lane_id"], ["lane.id"], name=op.f("fk_passage_lane_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_passage_site_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_passage_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage")),
        sa.UniqueConstraint("tenant_id", "seq_no", name=op.f("uq_passage_tenant_id_seq_no")),
    )
    op.create_index(
        op.f("ix_passage_tenant_id_lane_id_opened_at"),
        "passage",
        ["tenant_id", "lane_id", "opened_at"],
        unique=False,
    )
    op.create_index(op.f("ix_passage_tenant_id_plate"), "passage", ["tenant_id", "plate"], unique=False)
    op.create_table(
        "passage_reading",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("passage_id", sa.BigInteger(), nullable=False),
        sa.Column("reading_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("was_used", sa.Boolean(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["passage_id"], ["passage.id"], name=op.f("fk_passage_reading_passage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passage_reading")),
        sa.UniqueConstraint(
            "passage_id", "reading_id", name=op.f("uq_passage_reading_passage_id_reading_id")
        ),
    )
    op.create_table(
        "decision",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("passage_id", sa.BigInteger(), nullable=False),
        sa.Column("seq_no", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("hold_code", sa.String(), nullable=True),
        sa.Column("rule_version", sa.String(), nullable=False),
        sa.Column("inputs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("inputs_hash", sa.LargeBinary(), nullable=False),
        sa.Column("checks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("gate_pass_id", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(verdict = 'lift') = (hold_code IS NULL)", name=op.f("ck_decision_hold_has_code")
        ),
        sa.CheckConstraint("verdict IN ('lift', 'hold')", name=op.f("ck_decision_verdict_known")),
        sa.CheckConstraint("length(inputs_hash) = 32", name=op.f("ck_decision_hash_length")),
        sa.ForeignKeyConstraint(["gate_pass_id"], ["gate_pass.id"], name=op.f("fk_decision_gate_pass_id")),
        sa.ForeignKeyConstraint(["passage_id"], ["passage.id"], name=op.f("fk_decision_passage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("passage_id", name=op.f("uq_decision_passage_id")),
        sa.UniqueConstraint("tenant_id", "seq_no", name=op.f("uq_decision_tenant_id_seq_no")),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("passage_id", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("gate_pass_id", sa.BigInteger(), nullable=True),
        sa.Column("vehicle_plate", sa.String(), nullable=True),
        sa.Column("stage", sa.Integer(), server_default="0", nullable=False),
        sa.Column("hold_code", sa.String(), nullable=True),
        sa.Column("needs_second", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("requested_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lapsed_because", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(made_by = 'officer') = (requested_by IS NOT NULL)", name=op.f("ck_release_officer_has_name")
        ),
        sa.CheckConstraint(
            "NOT needs_second OR state NOT IN ('granted', 'used') OR (approved_by IS NOT NULL AND approved_by IS DISTINCT FROM requested_by)",
            name=op.f("ck_release_second_person"),
        ),
        sa.CheckConstraint(
            "made_by = 'rules' OR length(btrim(reason)) >= 4", name=op.f("ck_release_officer_has_reason")
        ),
        sa.CheckConstraint("made_by IN ('rules', 'officer')", name=op.f("ck_release_made_by_known")),
        sa.CheckConstraint(
            "state IN ('requested', 'granted', 'used', 'lapsed', 'refused')",
            name=op.f("ck_release_state_known"),
        ),
        sa.CheckConstraint(
            "(gate_pass_id IS NULL) = (vehicle_plate IS NULL)", name=op.f("ck_release_pass_has_vehicle")
        ),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> requested_by",
            name=op.f("ck_release_approver_not_requester"),
        ),
        sa.ForeignKeyConstraint(["approved_by"], ["person.id"], name=op.f("fk_release_approved_by")),
        sa.ForeignKeyConstraint(["gate_pass_id"], ["gate_pass.id"], name=op.f("fk_release_gate_pass_id")),
        sa.ForeignKeyConstraint(["passage_id"], ["passage.id"], name=op.f("fk_release_passage_id")),
        sa.ForeignKeyConstraint(["requested_by"], ["person.id"], name=op.f("fk_release_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_index(
        "uq_release_of_pass",
        "release",
        ["gate_pass_id", "vehicle_plate", "stage"],
        unique=True,
        postgresql_where=sa.text("state IN ('granted', 'used') AND gate_pass_id IS NOT NULL"),
    )
    op.create_index(
        "uq_release_of_passage",
        "release",
        ["passage_id"],
        unique=True,
        postgresql_where=sa.text("state IN ('requested', 'granted', 'used')"),
    )
    op.create_table(
        "barrier_command",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("cmd_id", sa.Uuid(), nullable=False),
        sa.Column("release_id", sa.BigInteger(), nullable=True),
        sa.Column("lane_id", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("nonce", sa.String(), nullable=False),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="queued", nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fault", sa.String(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(action = 'open') <= (release_id IS NOT NULL)", name=op.f("ck_barrier_command_open_has_release")
        ),
        sa.CheckConstraint(
            "action IN ('open', 'close', 'lock')", name=op.f("ck_barrier_command_action_known")
        ),
        sa.CheckConstraint(
            "expires_at > issued_at AND expires_at <= issued_at + interval '5 seconds'",
            name=op.f("ck_barrier_command_five_seconds"),
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'sent', 'accepted', 'opened', 'passed', 'closed', 'expired', 'refused', 'fault')",
            name=op.f("ck_barrier_command_state_known"),
        ),
        sa.ForeignKeyConstraint(["lane_id"], ["lane.id"], name=op.f("fk_barrier_command_lane_id")),
        sa.ForeignKeyConstraint(["release_id"], ["release.id"], name=op.f("fk_barrier_command_release_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_barrier_command")),
        sa.UniqueConstraint("cmd_id", name=op.f("uq_barrier_command_cmd_id")),
        sa.UniqueConstraint("nonce", name=op.f("uq_barrier_command_nonce")),
    )
    op.create_index(
        "ix_barrier_command_live",
        "barrier_command",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state IN ('queued','sent','accepted','opened','passed')"),
    )
    op.create_index(
        "uq_barrier_command_release",
        "barrier_command",
        ["release_id"],
        unique=True,
        postgresql_where=sa.text("action = 'open'"),
    )
    op.create_table(
        "gate_pass_use",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("gate_pass_id", sa.BigInteger(), nullable=False),
        sa.Column("passage_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_plate", sa.String(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("passed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.ForeignKeyConstraint(["passage_id"], ["passage.id"], name=op.f("fk_gate_pass_use_passage_id")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "gate_pass_id"],
            ["gate_pass.tenant_id", "gate_pass.id"],
            name=op.f("fk_gate_pass_use_tenant_id_gate_pass_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "posting_id"],
            ["posting.tenant_id", "posting.id"],
            name=op.f("fk_gate_pass_use_tenant_id_posting_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_pass_use")),
        sa.UniqueConstraint(
            "gate_pass_id",
            "vehicle_plate",
            "stage",
            name=op.f("uq_gate_pass_use_gate_pass_id_vehicle_plate_stage"),
        ),
        sa.UniqueConstraint("passage_id", name=op.f("uq_gate_pass_use_passage_id")),
        sa.UniqueConstraint("tenant_id", "posting_id", name=op.f("uq_gate_pass_use_tenant_id_posting_id")),
    )
