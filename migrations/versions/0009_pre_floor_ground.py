"""the ground of the whole floor: dated values, one queue of work, more jobs to scan for, places that know where they stand"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import grant, protect, protect_shared, run_sql, ship_value

revision = "0009_pre_floor_ground"
down_revision = "0008_pre_freight"
branch_labels = None
depends_on = None

JOBS = ("receive", "put_away", "move", "pick", "pack", "sort", "load", "count", "return")
LOCATION_KINDS = (
    "dock", "staging", "bin", "inspection", "packing", "gate_buffer", "shop_floor", "quarantine", "vehicle", "chute",
    "work",
)  # fmt: skip
TASK_KINDS = (
    "put_away", "pick", "pack", "sort", "load", "unload", "replenish", "move", "count", "inspect", "return", "process",
    "destroy",
)  # fmt: skip
TASK_STATES = ("open", "taken", "done", "void")
VELOCITY = ("A", "B", "C")


def listed(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def upgrade() -> None:
    dated_values()
    tasks()
    places_and_items()
    op.execute("CREATE SEQUENCE sscc_serial MINVALUE 0 START 0")
    op.execute("GRANT USAGE ON SEQUENCE sscc_serial TO dongting_app")
    op.drop_constraint(op.f("ck_scan_context_job_known"), "scan_context", type_="check")
    op.create_check_constraint(op.f("ck_scan_context_job_known"), "scan_context", listed("job", JOBS))
    op.add_column("scan_context", sa.Column("document_no", sa.String(), nullable=True))
    run_sql("wms.stock", "limits.sql")
    run_sql("wms.stock", "posting.sql")


def downgrade() -> None:
    raise RuntimeError("tasks and dated values would be lost: restore a backup of the older version instead")


def dated_values() -> None:
    op.create_table(
        "dated_value",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), server_default="", nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint("length(btrim(source)) > 0", name=op.f("ck_dated_value_has_source")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dated_value")),
        sa.UniqueConstraint(
            "tenant_id", "name", "subject", "valid_from_on",
            name=op.f("uq_dated_value_tenant_id_name_subject_valid_from_on"),
        ),
    )  # fmt: skip
    protect_shared("dated_value", app="SELECT, INSERT")
    op.create_table(
        "shipped_value",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), server_default="", nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", "subject", "valid_from_on", name=op.f("pk_shipped_value")),
    )
    grant("shipped_value")
    ship_value("ledger.future_limit_s", 300, source="our own limit: clocks of handhelds and devices, 2026-11")
    ship_value(
        "gs1.company_prefix", "6901234", source="GS1's example prefix; an installation enters its own before it prints"
    )


def tasks() -> None:
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_no", sa.String(), nullable=False),
        sa.Column("state", sa.String(), server_default="open", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="5", nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger(), nullable=True),
        sa.Column("to_location_id", sa.BigInteger(), nullable=True),
        sa.Column("qty", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False),
        sa.CheckConstraint(listed("kind", TASK_KINDS), name=op.f("ck_task_kind_known")),
        sa.CheckConstraint(listed("state", TASK_STATES), name=op.f("ck_task_state_known")),
        sa.CheckConstraint("priority BETWEEN 0 AND 9", name=op.f("ck_task_priority_range")),
        sa.CheckConstraint("qty > 0", name=op.f("ck_task_qty_positive")),
        sa.CheckConstraint(
            "state <> 'taken' OR (taken_at IS NOT NULL AND person_id IS NOT NULL)", name=op.f("ck_task_taken_by_whom")
        ),
        sa.CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name=op.f("ck_task_done_has_time")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_task_site_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["company.id"], name=op.f("fk_task_owner_id")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_task_location_id")),
        sa.ForeignKeyConstraint(["to_location_id"], ["location.id"], name=op.f("fk_task_to_location_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_task_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        "uq_task_standing", "task", ["tenant_id", "kind", "subject_id"], unique=True,
        postgresql_where=sa.text("state IN ('open', 'taken')"),
    )  # fmt: skip
    op.create_index(
        "ix_task_open", "task", ["tenant_id", "site_id", "priority", "due_at", "id"],
        postgresql_where=sa.text("state = 'open'"),
    )  # fmt: skip
    op.create_index(
        "ix_task_taken", "task", ["tenant_id", "person_id"], postgresql_where=sa.text("state = 'taken'")
    )
    protect("task", "owner_id = app_company()")


def places_and_items() -> None:
    op.drop_constraint(op.f("ck_location_kind_known"), "location", type_="check")
    op.create_check_constraint(op.f("ck_location_kind_known"), "location", listed("kind", LOCATION_KINDS))
    for name in ("aisle", "bay", "level", "x_mm", "y_mm"):
        op.add_column("location", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("location", sa.Column("zone", sa.String(), nullable=True))
    op.add_column("location", sa.Column("max_count", sa.BigInteger(), nullable=True))
    op.add_column("location", sa.Column("velocity_class", sa.String(), nullable=True))
    for name in ("mixes_items", "mixes_lots"):
        op.add_column("location", sa.Column(name, sa.Boolean(), server_default=sa.text("true"), nullable=False))
    for name, rule in (
        ("velocity_class_known", listed("velocity_class", VELOCITY)),
        ("max_count_positive", "max_count > 0"),
        ("both_coordinates", "(x_mm IS NULL) = (y_mm IS NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_location_{name}"), "location", rule)
    for name in ("is_serial_controlled", "is_catch_weight"):
        op.add_column("trade_item", sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False))
    for name in ("length_mm", "width_mm", "height_mm"):
        op.add_column("trade_item", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("trade_item", sa.Column("velocity_class", sa.String(), nullable=True))
    for name, rule in (
        ("velocity_class_known", listed("velocity_class", VELOCITY)),
        ("edges_positive", "length_mm > 0 AND width_mm > 0 AND height_mm > 0"),
    ):
        op.create_check_constraint(op.f(f"ck_trade_item_{name}"), "trade_item", rule)
