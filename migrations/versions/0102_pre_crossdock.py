"""the zone where goods go that orders wait for"""

from migrations.support import ship_value

revision = "0102_pre_crossdock"
down_revision = "0101_pre_loads"
branch_labels = None
depends_on = None


def upgrade() -> None:
    ship_value(
        "crossdock.zone", "XD", source="our own name; a site without bins in this zone stores what it receives"
    )


def downgrade() -> None:
    raise RuntimeError("a dated value is never taken away: restore a backup of the older version instead")
