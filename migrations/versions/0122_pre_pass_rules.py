"""what the types and bindings of gate passes allow, and what an overdue write-off means, as dated data"""

from alembic import op

from migrations.support import ship_value

revision = "0122_pre_pass_rules"
down_revision = "0121_pre_notices"
branch_labels = None
depends_on = None

BOTH = ["I", "E"]
TYPES = {
    "1": {"directions": ["I"], "documents": ["1"]},
    "2": {"directions": BOTH, "documents": ["1", "3"]},
    "3": {"directions": BOTH, "documents": ["1"]},
    "4": {"directions": BOTH, "documents": ["1", "2"]},
    "5": {"directions": BOTH, "documents": []},
    "6": {"directions": BOTH, "documents": []},
}
VALUES = (
    (
        "customs.gate_pass", {"types": TYPES, "whole_bindings": ["2"]},
        "names of passportTypecd and bindTypecd, GAC 2023-200; to be confirmed by customs",
    ),
    (
        "customs.write_off_rule", {"remind_days": 30, "refuses_declarations": False},
        "our own choice, 2026-11; to be agreed with customs",
    ),
)  # fmt: skip


def upgrade() -> None:
    for name, value, source in VALUES:
        ship_value(name, value, source=source)


def downgrade() -> None:
    for name, _value, _source in VALUES:
        op.execute(f"DELETE FROM shipped_value WHERE name = '{name}'")
