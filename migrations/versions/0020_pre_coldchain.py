"""the cold chain: temperature places, sensors, readings, findings, breaches and what they hold"""

import sqlalchemy as sa
from alembic import op

from migrations.support import append_only, protect, protect_shared, ship_value

revision = "0020_pre_coldchain"
down_revision = "0019_pre_inside"
branch_labels = None
depends_on = None

FROZEN = (
    "GB 31605-2020: frozen food at -18 °C or below; 89/108/EEC art. 5: upward by 3 °C for a short time. Duration: ours"
)
CHILLED = "GB 31605-2020: chilled food from 0 °C to 10 °C. Duration: our own limit, 2026-11"


def upgrade() -> None:
    create_tables()
    for table in ("temperature_place", "temperature_member", "temperature_sensor", "temperature_finding"):
        protect_shared(table, app="SELECT, INSERT, UPDATE")
    protect_shared("temperature_breach", app="SELECT, INSERT, UPDATE")
    protect_shared("temperature_reading", app="SELECT, INSERT")
    append_only("temperature_reading")
    protect("temperature_hold", "owner_id = app_company()", app="SELECT, INSERT, UPDATE")
    frozen = {"low_mdegc": None, "high_mdegc": -15_000, "for_s": 1_800}
    chilled = {"low_mdegc": 0, "high_mdegc": 10_000, "for_s": 1_800}
    ship_value("temperature.limit", frozen, subject="class:frozen", source=FROZEN)
    ship_value("temperature.limit", chilled, subject="class:chilled", source=CHILLED)
    ship_value(
        "temperature.missed_readings", 3, source="our own limit: three readings in a row missed is silence, 2026-11"
    )
    ship_value("temperature.stuck_after_s", 21_600, source="our own limit: no room is still for six hours, 2026-11")


def downgrade() -> None:
    raise RuntimeError("temperature histories are evidence: restore a backup of the older version instead")


def create_tables() -> None:
    op.create_table(
        "temperature_reading",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("sensor", sa.String(), nullable=False),
        sa.Column("probe", sa.String(), server_default="", nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("temperature_mdegc", sa.Integer(), nullable=False),
        sa.Column("humidity_mpct", sa.Integer(), nullable=True),
        sa.Column("battery_pct", sa.Integer(), nullable=True),
        sa.Column("is_plausible", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("source IN ('device', 'logger')", name=op.f("ck_temperature_reading_source_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_temperature_reading")),
        sa.UniqueConstraint(
            "tenant_id",
            "sensor",
            "probe",
            "event_at",
            name=op.f("uq_temperature_reading_tenant_id_sensor_probe_event_at"),
        ),
    )
    op.create_table(
        "temperature_place",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("temperature_class", sa.String(), nullable=False),
        sa.Column("dirty_from_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "temperature_class IN ('ambient', 'chilled', 'frozen')",
            name=op.f("ck_temperature_place_temperature_class_known"),
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_temperature_place_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_temperature_place")),
        sa.UniqueConstraint("tenant_id", "code", name=op.f("uq_temperature_place_tenant_id_code")),
    )
    op.create_index(
        "ix_temperature_place_dirty",
        "temperature_place",
        ["id"],
        unique=False,
        postgresql_where=sa.text("dirty_from_at IS NOT NULL"),
    )
    op.create_table(
        "temperature_breach",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("side", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("limit_mdegc", sa.Integer(), nullable=False),
        sa.Column("for_s", sa.Integer(), nullable=False),
        sa.Column("limit_source", sa.String(), nullable=False),
        sa.Column("min_mdegc", sa.Integer(), nullable=False),
        sa.Column("max_mdegc", sa.Integer(), nullable=False),
        sa.Column("kinetic_mdegc", sa.Integer(), nullable=False),
        sa.Column("n_readings", sa.Integer(), nullable=False),
        sa.Column("has_gap", sa.Boolean(), nullable=False),
        sa.Column("hold_no", sa.Integer(), server_default="0", nullable=False),
        sa.Column("evaluated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reviewed_by", sa.BigInteger(), nullable=True),
        sa.Column("review_reason", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'reviewed') = (reviewed_at IS NOT NULL)", name=op.f("ck_temperature_breach_reviewed_has_time")
        ),
        sa.CheckConstraint("side IN ('high', 'low')", name=op.f("ck_temperature_breach_side_known")),
        sa.CheckConstraint(
            "state IN ('running', 'ended', 'withdrawn', 'reviewed')", name=op.f("ck_temperature_breach_state_known")
        ),
        sa.CheckConstraint(
            "(reviewed_at IS NULL) = (review_reason IS NULL)", name=op.f("ck_temperature_breach_reviewed_has_reason")
        ),
        sa.CheckConstraint("min_mdegc <= max_mdegc", name=op.f("ck_temperature_breach_min_below_max")),
        sa.ForeignKeyConstraint(["place_id"], ["temperature_place.id"], name=op.f("fk_temperature_breach_place_id")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["person.id"], name=op.f("fk_temperature_breach_reviewed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_temperature_breach")),
    )
    op.create_index(
        "ix_temperature_breach_open",
        "temperature_breach",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state <> 'reviewed'"),
    )
    op.create_index(
        op.f("ix_temperature_breach_place_id_start_at"), "temperature_breach", ["place_id", "start_at"], unique=False
    )
    op.create_table(
        "temperature_finding",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("sensor", sa.String(), nullable=False),
        sa.Column("probe", sa.String(), server_default="", nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("start_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("end_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("detail", sa.String(), server_default="", nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("cause", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('gap', 'implausible', 'stuck', 'conflict', 'battery')",
            name=op.f("ck_temperature_finding_kind_known"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (cause IS NULL)", name=op.f("ck_temperature_finding_closed_has_cause")
        ),
        sa.ForeignKeyConstraint(["closed_by"], ["person.id"], name=op.f("fk_temperature_finding_closed_by")),
        sa.ForeignKeyConstraint(["place_id"], ["temperature_place.id"], name=op.f("fk_temperature_finding_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_temperature_finding")),
        sa.UniqueConstraint(
            "tenant_id",
            "sensor",
            "probe",
            "kind",
            "start_at",
            name=op.f("uq_temperature_finding_tenant_id_sensor_probe_kind_start_at"),
        ),
    )
    op.create_index(
        "ix_temperature_finding_open",
        "temperature_finding",
        ["place_id"],
        unique=False,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "temperature_member",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("zone", sa.String(), nullable=True),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(location_id, zone, handling_unit_id) = 1", name=op.f("ck_temperature_member_one_member")
        ),
        sa.CheckConstraint("until_at > from_at", name=op.f("ck_temperature_member_until_after_from")),
        sa.ForeignKeyConstraint(
            ["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_temperature_member_handling_unit_id")
        ),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_temperature_member_location_id")),
        sa.ForeignKeyConstraint(["place_id"], ["temperature_place.id"], name=op.f("fk_temperature_member_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_temperature_member")),
    )
    op.create_index(
        op.f("ix_temperature_member_handling_unit_id"), "temperature_member", ["handling_unit_id"], unique=False
    )
    op.create_index(op.f("ix_temperature_member_location_id"), "temperature_member", ["location_id"], unique=False)
    op.create_index(op.f("ix_temperature_member_place_id"), "temperature_member", ["place_id"], unique=False)
    op.create_table(
        "temperature_sensor",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("place_id", sa.BigInteger(), nullable=False),
        sa.Column("sensor", sa.String(), nullable=False),
        sa.Column("probe", sa.String(), server_default="", nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("interval_s > 0", name=op.f("ck_temperature_sensor_interval_positive")),
        sa.CheckConstraint("until_at > from_at", name=op.f("ck_temperature_sensor_until_after_from")),
        sa.ForeignKeyConstraint(["place_id"], ["temperature_place.id"], name=op.f("fk_temperature_sensor_place_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_temperature_sensor")),
    )
    op.create_index(op.f("ix_temperature_sensor_place_id"), "temperature_sensor", ["place_id"], unique=False)
    op.create_index(
        op.f("ix_temperature_sensor_tenant_id_sensor"), "temperature_sensor", ["tenant_id", "sensor"], unique=False
    )
    op.create_table(
        "temperature_hold",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("breach_id", sa.BigInteger(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("trade_item_id", sa.BigInteger(), nullable=False),
        sa.Column("lot_id", sa.BigInteger(), nullable=True),
        sa.Column("handling_unit_id", sa.BigInteger(), nullable=True),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("qty", sa.BigInteger(), nullable=False),
        sa.Column("is_mixed", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("posting_id", sa.BigInteger(), nullable=True),
        sa.Column("freed_docs", sa.String(), server_default="", nullable=False),
        sa.Column("decision", sa.String(), nullable=True),
        sa.Column("decision_posting_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "(state = 'held') = (posting_id IS NOT NULL AND decision IS NULL)",
            name=op.f("ck_temperature_hold_held_by_posting"),
        ),
        sa.CheckConstraint("decision IN ('good', 'damaged')", name=op.f("ck_temperature_hold_decision_known")),
        sa.CheckConstraint(
            "state IN ('held', 'found', 'gone', 'decided')", name=op.f("ck_temperature_hold_state_known")
        ),
        sa.CheckConstraint("qty > 0", name=op.f("ck_temperature_hold_qty_positive")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_temperature_hold_account_id")),
        sa.ForeignKeyConstraint(["breach_id"], ["temperature_breach.id"], name=op.f("fk_temperature_hold_breach_id")),
        sa.ForeignKeyConstraint(
            ["handling_unit_id"], ["handling_unit.id"], name=op.f("fk_temperature_hold_handling_unit_id")
        ),
        sa.ForeignKeyConstraint(["lot_id"], ["lot.id"], name=op.f("fk_temperature_hold_lot_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_temperature_hold_owner_id")),
        sa.ForeignKeyConstraint(["trade_item_id"], ["trade_item.id"], name=op.f("fk_temperature_hold_trade_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_temperature_hold")),
    )
    op.create_index(op.f("ix_temperature_hold_breach_id"), "temperature_hold", ["breach_id"], unique=False)
    op.create_index(
        op.f("ix_temperature_hold_handling_unit_id"), "temperature_hold", ["handling_unit_id"], unique=False
    )
    op.create_index(op.f("ix_temperature_hold_lot_id"), "temperature_hold", ["lot_id"], unique=False)
    op.create_index(op.f("ix_temperature_hold_owner_id"), "temperature_hold", ["owner_id"], unique=False)
