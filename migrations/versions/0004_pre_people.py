"""credentials, sessions and tokens"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.support import protect

revision = "0004_pre_people"
down_revision = "0003_pre_jobs"
branch_labels = None
depends_on = None

ROLES = "'clerk', 'supervisor', 'planner', 'declarant', 'customs_officer', 'administrator', 'auditor', 'device'"


def tenant_column() -> sa.Column[int]:
    return sa.Column("tenant_id", sa.BigInteger(), server_default=sa.text("app_tenant()"), nullable=False)


def instant(name: str, *, is_now: bool = False, nullable: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if is_now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "credential",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        tenant_column(),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("login_name", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=False),
        instant("password_set_at", is_now=True),
        sa.CheckConstraint("login_name = lower(login_name)", name=op.f("ck_credential_login_name_lower")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_credential_person_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_credential_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
        sa.UniqueConstraint("person_id", name=op.f("uq_credential_person_id")),
        sa.UniqueConstraint("tenant_id", "login_name", name=op.f("uq_credential_tenant_id_login_name")),
    )
    op.create_table(
        "login_session",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        tenant_column(),
        sa.Column("credential_id", sa.BigInteger(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        instant("started_at", is_now=True),
        instant("seen_at", is_now=True),
        instant("ended_at", nullable=True),
        sa.Column("address", postgresql.INET(), nullable=True),
        sa.Column("browser", sa.String(), nullable=True),
        sa.CheckConstraint("length(key_hash) = 32", name=op.f("ck_login_session_hash_length")),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.id"], name=op.f("fk_login_session_credential_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_login_session_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_login_session_key_hash")),
    )
    op.create_index(op.f("ix_login_session_credential_id"), "login_session", ["credential_id"])
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        tenant_column(),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("prefix", sa.String(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        instant("created_at", is_now=True),
        instant("expires_at"),
        instant("used_at", nullable=True),
        instant("revoked_at", nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_api_token_expires_after_creation")),
        sa.CheckConstraint("length(token_hash) = 32", name=op.f("ck_api_token_hash_length")),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_api_token_role_known")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_api_token_company_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["person.id"], name=op.f("fk_api_token_created_by_id")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_api_token_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_table(
        "attempts",
        tenant_column(),
        sa.Column("bucket", sa.String(), nullable=False),
        instant("window_at"),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.CheckConstraint("n > 0", name=op.f("ck_attempts_n_positive")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_attempts_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "bucket", "window_at", name=op.f("pk_attempts")),
    )
    # No firm sees any of these: the front of house reads them for the installation before it knows who calls.
    protect("credential", app="SELECT, INSERT, UPDATE, DELETE")
    protect("login_session", app="SELECT, INSERT, UPDATE")
    protect("api_token", app="SELECT, INSERT, UPDATE")
    protect("attempts")


def downgrade() -> None:
    for table in ("attempts", "api_token", "login_session", "credential"):
        op.drop_table(table)
