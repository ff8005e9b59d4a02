"""holds by reason, inspection plans and inspections, changes of owner, the supplier of a notice"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect, ship_value

revision = "0100_pre_quality"
down_revision = "0099_pre_webhooks"
branch_labels = None
depends_on = None

OWNED = "owner_id = app_company()"
HOLD_REASONS = ("inspection", "damage", "recall", "complaint", "expiry", "customs", "other")
# Lot up to, units looked at, defects that pass. Normal inspection, single sampling; a lot smaller than the sample is
# looked at whole.
LEVEL_II_AQL_2_5 = [
    [90, 5, 0], [280, 20, 1], [500, 32, 2], [1200, 50, 3], [3200, 80, 5], [10000, 125, 7], [35000, 200, 10],
    [150000, 315, 14], [9000000000000000, 500, 21],
]  # fmt: skip


def listed(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(value) for value in values)})"


def key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def number(name: str, *, null: bool = False, **more: object) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null, **more)  # type: ignore[arg-type]


def words(name: str, *, null: bool = True, **more: object) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null, **more)  # type: ignore[arg-type]


def instant(name: str, *, null: bool = False, **more: object) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null, **more)  # type: ignore[arg-type]


def tenant() -> sa.Column[int]:
    return number("tenant_id", server_default=sa.text("app_tenant()"))


def upgrade() -> None:
    op.add_column("advance_notice", sa.Column("supplier", sa.String(), nullable=True))
    holds()
    inspections()
    owner_changes()


def downgrade() -> None:
    raise RuntimeError("holds would be lost, and held goods sold: restore a backup of the older version instead")


def holds() -> None:
    op.create_table(
        "stock_hold",
        number("id", autoincrement=True),
        number("owner_id"),
        number("site_id"),
        number("trade_item_id"),
        number("lot_id", null=True),
        number("handling_unit_id", null=True),
        number("qty"),
        words("reason", null=False),
        words("note"),
        words("document"),
        words("state", null=False, server_default="open"),
        number("posting_id", null=True),
        number("placed_by", null=True),
        instant("placed_at"),
        words("to_status"),
        words("release_reason"),
        number("release_posting_id", null=True),
        number("released_by", null=True),
        instant("released_at", null=True),
        tenant(),
        sa.CheckConstraint(listed("reason", HOLD_REASONS), name=op.f("ck_stock_hold_reason_known")),
        sa.CheckConstraint(listed("state", ("open", "released")), name=op.f("ck_stock_hold_state_known")),
        sa.CheckConstraint("qty > 0", name=op.f("ck_stock_hold_qty_positive")),
        sa.CheckConstraint("(state = 'open') = (released_at IS NULL)", name=op.f("ck_stock_hold_released_has_time")),
        key("stock_hold", "owner_id", "company"),
        key("stock_hold", "site_id", "site"),
        key("stock_hold", "trade_item_id", "trade_item"),
        key("stock_hold", "lot_id", "lot"),
        key("stock_hold", "handling_unit_id", "handling_unit"),
        key("stock_hold", "posting_id", "posting"),
        key("stock_hold", "placed_by", "person"),
        key("stock_hold", "release_posting_id", "posting"),
        key("stock_hold", "released_by", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_hold")),
    )
    op.create_index(
        "ix_stock_hold_open", "stock_hold", ["trade_item_id", "lot_id"], postgresql_where=sa.text("state = 'open'")
    )
    columns = "state, to_status, release_reason, release_posting_id, released_by, released_at"
    protect("stock_hold", OWNED, app=f"SELECT, INSERT, UPDATE ({columns})")


def inspections() -> None:
    op.create_table(
        "inspection_plan",
        number("id", autoincrement=True),
        number("owner_id", null=True),
        number("trade_item_id", null=True),
        words("supplier"),
        words("sampling", null=False),
        sa.Column("share_permille", sa.Integer(), nullable=True),
        words("sample_table"),
        sa.Column("holds_lot", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid_from_on", sa.Date(), nullable=False),
        sa.Column("valid_until_on", sa.Date(), nullable=True),
        words("source", null=False),
        instant("recorded_at", server_default=sa.text("now()")),
        tenant(),
        sa.CheckConstraint(listed("sampling", ("share", "table")), name=op.f("ck_inspection_plan_sampling_known")),
        sa.CheckConstraint(
            "(sampling = 'share') = (share_permille IS NOT NULL)", name=op.f("ck_inspection_plan_share_has_permille")
        ),
        sa.CheckConstraint(
            "(sampling = 'table') = (sample_table IS NOT NULL)", name=op.f("ck_inspection_plan_table_has_name")
        ),
        sa.CheckConstraint("share_permille BETWEEN 1 AND 1000", name=op.f("ck_inspection_plan_share_range")),
        sa.CheckConstraint("valid_until_on >= valid_from_on", name=op.f("ck_inspection_plan_period_forward")),
        sa.CheckConstraint("length(btrim(source)) > 0", name=op.f("ck_inspection_plan_has_source")),
        key("inspection_plan", "owner_id", "company"),
        key("inspection_plan", "trade_item_id", "trade_item"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection_plan")),
    )
    protect("inspection_plan", OWNED, app="SELECT, INSERT")
    op.create_table(
        "inspection",
        number("id", autoincrement=True),
        words("inspection_no"),
        number("owner_id"),
        number("site_id"),
        number("notice_id"),
        number("plan_id"),
        number("trade_item_id"),
        number("lot_id", null=True),
        number("location_id"),
        number("lot_qty"),
        number("sample_qty"),
        number("accept_max", server_default="0"),
        words("state", null=False, server_default="open"),
        number("defects", null=True),
        words("grade"),
        words("note"),
        sa.Column("pictures", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        number("decided_by", null=True),
        instant("decided_at", null=True),
        number("posting_id", null=True),
        instant("opened_at"),
        tenant(),
        sa.CheckConstraint(listed("state", ("open", "passed", "failed")), name=op.f("ck_inspection_state_known")),
        sa.CheckConstraint(
            "sample_qty > 0 AND sample_qty <= lot_qty AND accept_max >= 0", name=op.f("ck_inspection_sample_within_lot")
        ),
        sa.CheckConstraint("(state = 'open') = (decided_at IS NULL)", name=op.f("ck_inspection_decided_has_time")),
        key("inspection", "owner_id", "company"),
        key("inspection", "site_id", "site"),
        key("inspection", "notice_id", "advance_notice"),
        key("inspection", "plan_id", "inspection_plan"),
        key("inspection", "trade_item_id", "trade_item"),
        key("inspection", "lot_id", "lot"),
        key("inspection", "location_id", "location"),
        key("inspection", "decided_by", "person"),
        key("inspection", "posting_id", "posting"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inspection")),
        sa.UniqueConstraint(
            "notice_id", "trade_item_id", "lot_id", name=op.f("uq_inspection_notice_id_trade_item_id_lot_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_inspection_tenant_id_state"), "inspection", ["tenant_id", "state"])
    protect("inspection", OWNED, app="SELECT, INSERT, UPDATE")
    ship_value(
        "quality.sample_table.level_ii_aql_2_5",
        LEVEL_II_AQL_2_5,
        source=(
            "GB/T 2828.1-2012 (ISO 2859-1:1999), general inspection level II, AQL 2.5, normal, single: tables 1 and 2-A,"
            " arrows followed; compare with the standard before a contract rests on it"
        ),
    )


def owner_changes() -> None:
    op.create_table(
        "owner_change",
        number("id", autoincrement=True),
        words("change_no"),
        number("owner_id"),
        number("to_owner_id"),
        number("trade_item_id"),
        number("to_item_id"),
        number("handling_unit_id", null=True),
        number("qty"),
        words("giver_agreement", null=False),
        words("taker_agreement", null=False),
        number("posting_id"),
        number("person_id", null=True),
        instant("event_at"),
        tenant(),
        sa.CheckConstraint("owner_id <> to_owner_id AND qty > 0", name=op.f("ck_owner_change_changes_owner")),
        key("owner_change", "owner_id", "company"),
        key("owner_change", "to_owner_id", "company"),
        key("owner_change", "trade_item_id", "trade_item"),
        key("owner_change", "to_item_id", "trade_item"),
        key("owner_change", "handling_unit_id", "handling_unit"),
        key("owner_change", "posting_id", "posting"),
        key("owner_change", "person_id", "person"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner_change")),
    )
    protect("owner_change", "app_company() IN (owner_id, to_owner_id)", app="SELECT, INSERT, UPDATE (change_no)")


