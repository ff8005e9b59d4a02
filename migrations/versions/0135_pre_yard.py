"""the yard: appointments in slots, steps of a visit, barriers opened by hand, how a blacklisting ended"""

import sqlalchemy as sa
from alembic import op

from migrations.support import append_only, protect, protect_shared, ship_value

revision = "0135_pre_yard"
down_revision = "0134_pre_live_places"
branch_labels = None
depends_on = None

VISIT_STATES = "state IN ('queued', 'inside', 'left', 'gone')"


def upgrade() -> None:
    _change_visit()
    op.add_column("blacklist", sa.Column("ended_by", sa.BigInteger(), nullable=True))
    op.add_column("blacklist", sa.Column("end_reason", sa.String(), nullable=True))
    op.create_foreign_key(op.f("fk_blacklist_ended_by"), "blacklist", "person", ["ended_by"], ["id"])
    op.create_check_constraint(
        op.f("ck_blacklist_end_has_reason"), "blacklist", "(ended_by IS NULL) = (end_reason IS NULL)"
    )
    _create_appointments()
    _create_steps()
    protect_shared("appointment_slot", app="SELECT, INSERT, UPDATE (booked)")
    protect("appointment", "company_id = app_company()", app="SELECT, INSERT, UPDATE")
    protect("visit_step", app="SELECT, INSERT, UPDATE (until_at)")
    protect("manual_opening", app="SELECT, INSERT")
    append_only("manual_opening")
    down = sa.text("action <> 'open'")  # is a lane locked? asked before each lift
    op.create_index("ix_barrier_command_down", "barrier_command", ["lane_id", "id"], postgresql_where=down)
    # A firm that books wakes the live pages; it still reads no note.
    op.execute("ALTER POLICY live_note_rows ON live_note WITH CHECK (tenant_id = app_tenant())")
    rules = {
        "opens": "07:00", "closes": "22:00", "slot_minutes": 60, "capacity": 12, "early_minutes": 60,
        "late_minutes": 60, "days_ahead": 14, "overstay_minutes": 720,
    }  # fmt: skip
    ship_value("gate.appointments", rules, source="our own choice, 2026-11; to be agreed with the site")


def _change_visit() -> None:
    op.drop_constraint(op.f("ck_visit_state_known"), "visit", type_="check")
    op.create_check_constraint(op.f("ck_visit_state_known"), "visit", VISIT_STATES)
    op.add_column("visit", sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("visit", sa.Column("weigh_in_g", sa.BigInteger(), nullable=True))
    op.add_column("visit", sa.Column("weigh_out_g", sa.BigInteger(), nullable=True))
    op.add_column("visit", sa.Column("overstay_alarmed_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_visit_weights_positive"), "visit", "weigh_in_g > 0 AND weigh_out_g > 0")
    queued = sa.text("state = 'queued'")
    here = sa.text("state IN ('queued', 'inside')")
    op.create_index("ix_visit_here", "visit", ["site_id", "plate"], postgresql_where=here)
    op.create_index("uq_visit_queued", "visit", ["site_id", "plate"], unique=True, postgresql_where=queued)


def _create_appointments() -> None:
    op.create_table(
        "appointment_slot",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("booked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("booked BETWEEN 0 AND capacity", name=op.f("ck_appointment_slot_not_overbooked")),
        sa.CheckConstraint("until_at > from_at", name=op.f("ck_appointment_slot_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_appointment_slot_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_slot")),
        sa.UniqueConstraint("site_id", "from_at", name=op.f("uq_appointment_slot_site_id_from_at")),
    )
    op.create_table(
        "appointment",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("slot_id", sa.BigInteger(), nullable=False),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("state", sa.String(), server_default="booked", nullable=False),
        sa.Column("visit_id", sa.BigInteger(), nullable=True),
        sa.Column("booked_by", sa.BigInteger(), nullable=True),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.String(), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('booked', 'arrived', 'cancelled', 'no_show')", name=op.f("ck_appointment_state_known")
        ),
        sa.CheckConstraint("purpose IN ('deliver', 'collect', 'both')", name=op.f("ck_appointment_purpose_known")),
        sa.CheckConstraint(
            "(state = 'arrived') <= (visit_id IS NOT NULL)", name=op.f("ck_appointment_arrived_has_visit")
        ),
        sa.CheckConstraint(
            "(state = 'cancelled') = (cancelled_at IS NOT NULL)", name=op.f("ck_appointment_cancelled_has_time")
        ),
        sa.ForeignKeyConstraint(["booked_by"], ["person.id"], name=op.f("fk_appointment_booked_by")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_appointment_company_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_appointment_site_id")),
        sa.ForeignKeyConstraint(["slot_id"], ["appointment_slot.id"], name=op.f("fk_appointment_slot_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_appointment_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
    )
    booked = sa.text("state = 'booked'")
    op.create_index("uq_appointment_of_slot", "appointment", ["slot_id", "plate"], unique=True, postgresql_where=booked)
    op.create_index(
        op.f("ix_appointment_tenant_id_plate"), "appointment", ["tenant_id", "plate"], postgresql_where=booked
    )


def _create_steps() -> None:
    op.create_table(
        "visit_step",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("visit_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("place", sa.String(), server_default="", nullable=False),
        sa.Column("passage_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('queue', 'lane_in', 'parking', 'dock', 'inspection', 'lane_out')",
            name=op.f("ck_visit_step_kind_known"),
        ),
        sa.CheckConstraint("until_at >= from_at", name=op.f("ck_visit_step_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["passage_id"], ["passage.id"], name=op.f("fk_visit_step_passage_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_visit_step_person_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_visit_step_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_step")),
    )
    still = sa.text("until_at IS NULL")
    op.create_index("uq_visit_step_open", "visit_step", ["visit_id"], unique=True, postgresql_where=still)
    op.create_index(op.f("ix_visit_step_visit_id"), "visit_step", ["visit_id"])
    op.create_table(
        "manual_opening",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("lane_id", sa.BigInteger(), nullable=False),
        sa.Column("officer_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("memo", sa.String(), nullable=False),
        sa.Column("picture", sa.String(), nullable=False),
        sa.Column("picture_sha256", sa.String(), nullable=True),
        sa.Column("passage_id", sa.BigInteger(), nullable=True),
        sa.Column("alarm_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(
            "cause IN ('fire', 'medical', 'barrier_fault', 'power', 'maintenance', 'officer_order')",
            name=op.f("ck_manual_opening_cause_known"),
        ),
        sa.CheckConstraint("length(btrim(memo)) >= 4", name=op.f("ck_manual_opening_has_memo")),
        sa.CheckConstraint("length(btrim(picture)) > 0", name=op.f("ck_manual_opening_has_picture")),
        sa.CheckConstraint("picture_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_manual_opening_hash_shape")),
        sa.ForeignKeyConstraint(["lane_id"], ["lane.id"], name=op.f("fk_manual_opening_lane_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["person.id"], name=op.f("fk_manual_opening_officer_id")),
        sa.ForeignKeyConstraint(["passage_id"], ["passage.id"], name=op.f("fk_manual_opening_passage_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_opening")),
        sa.UniqueConstraint("alarm_id", name=op.f("uq_manual_opening_alarm_id")),
    )


def downgrade() -> None:
    op.execute("ALTER POLICY live_note_rows ON live_note WITH CHECK (tenant_id = app_tenant() AND app_sees_all())")
    op.drop_index("ix_barrier_command_down", "barrier_command")
    op.drop_table("manual_opening")
    op.drop_table("visit_step")
    op.drop_table("appointment")
    op.drop_table("appointment_slot")
    op.execute("DELETE FROM shipped_value WHERE name = 'gate.appointments'")
    op.drop_constraint(op.f("ck_blacklist_end_has_reason"), "blacklist", type_="check")
    op.drop_column("blacklist", "end_reason")
    op.drop_column("blacklist", "ended_by")
    op.drop_index("uq_visit_queued", "visit")
    op.drop_index("ix_visit_here", "visit")
    op.execute("UPDATE visit SET state = 'left' WHERE state IN ('queued', 'gone')")
    op.drop_constraint(op.f("ck_visit_state_known"), "visit", type_="check")
    op.create_check_constraint(op.f("ck_visit_state_known"), "visit", "state IN ('inside', 'left')")
    op.drop_constraint(op.f("ck_visit_weights_positive"), "visit", type_="check")
    for column in ("overstay_alarmed_at", "weigh_out_g", "weigh_in_g", "queued_at"):
        op.drop_column("visit", column)
