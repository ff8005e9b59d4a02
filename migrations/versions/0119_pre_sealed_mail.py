"""customs messages are sealed at rest and say what became of their signature; who sends, what is signed, whom we trust"""

import sqlalchemy as sa
from alembic import op

from migrations.support import APP, ship_value

revision = "0119_pre_sealed_mail"
down_revision = "0118_pre_parcel_pre_no"
branch_labels = None
depends_on = None

CEB = "CEB edition 202205: appStatus 2 needs a signature; the import schema asks for one on 621, 623, 625 and 711"
OURS = "our own choice, 2026-11; to be agreed with customs"
SIGNED = [
    *("CEB311", "CEB411", "CEB511", "CEB513", "CEB621", "CEB623", "CEB625", "CEB711"),
    *("CEB213", "CEB215", "CEB303", "CEB403", "CEB505", "CEB507", "CEB509", "CEB603", "CEB605", "CEB607", "CEB701"),
]


def upgrade() -> None:
    op.alter_column("customs_message", "raw", nullable=True)
    op.add_column("customs_message", sa.Column("raw_sealed", sa.LargeBinary(), nullable=True))
    op.add_column("customs_message", sa.Column("signature", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_customs_message_kept_once"), "customs_message", "num_nonnulls(raw, raw_sealed) <= 1"
    )
    op.create_check_constraint(
        op.f("ck_customs_message_signature_known"), "customs_message",
        "signature IN ('valid', 'invalid', 'untrusted', 'unsigned', 'not_judged')",
    )  # fmt: skip
    op.create_index(
        "ix_customs_message_clear", "customs_message", ["tenant_id", "id"],
        postgresql_where=sa.text("raw IS NOT NULL"),
    )  # fmt: skip
    # Bytes in clear may only go; what they are kept as may be sealed anew. The digest is never changed.
    op.execute(f"GRANT UPDATE (raw, raw_sealed) ON customs_message TO {APP}")
    op.execute(
        "CREATE TRIGGER customs_message_bytes BEFORE UPDATE OF raw ON customs_message FOR EACH ROW"
        " WHEN (NEW.raw IS NOT NULL AND NEW.raw IS DISTINCT FROM OLD.raw) EXECUTE FUNCTION refuse_edit()"
    )
    ship_value("customs.sender", {"code": "", "name": "", "dxp_id": ""}, source="each installation enters its own")
    ship_value("customs.signed_kinds", SIGNED, source=CEB)
    ship_value("customs.trust", {"certificates": [], "must_be_signed": False}, source=OURS)


def downgrade() -> None:
    op.execute("DELETE FROM shipped_value WHERE name IN ('customs.sender', 'customs.signed_kinds', 'customs.trust')")
    op.execute("DROP TRIGGER customs_message_bytes ON customs_message")
    op.execute(f"REVOKE UPDATE (raw, raw_sealed) ON customs_message FROM {APP}")
    op.drop_index("ix_customs_message_clear", "customs_message")
    op.drop_column("customs_message", "signature")  # their constraints go with them
    op.drop_column("customs_message", "raw_sealed")
