"""Logins and databases of the embedded PostgreSQL, as its superuser sets them up."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

SUPERUSER = "postgres"
OWNER, APP, AUDITOR = "dongting_owner", "dongting_app", "dongting_auditor"
ROLES = (OWNER, APP, AUDITOR)

Connection = psycopg.Connection[tuple[object, ...]]


def ensure(connection: Connection, passwords: Mapping[str, str], database: str) -> None:
    """Make the logins (scram-sha-256; the password itself is never sent) and the database, where missing."""
    known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
    for role, password in passwords.items():
        if role not in known:
            hashed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(hashed.decode()))
            )
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone()
    if not found:
        create_database(connection, database)


def create_database(connection: Connection, name: str, template: str | None = None) -> None:
    """Create database ``name`` owned by ``dongting_owner``, open to the product and the auditor alone."""
    parts = [sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))]
    if template:
        parts.append(sql.SQL("TEMPLATE {}").format(sql.Identifier(template)))
    connection.execute(sql.SQL(" ").join(parts))
    for grant in ("REVOKE ALL ON DATABASE {} FROM PUBLIC", "GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}, {}"):
        connection.execute(sql.SQL(grant).format(sql.Identifier(name), sql.Identifier(APP), sql.Identifier(AUDITOR)))


def drop_database(connection: Connection, name: str) -> None:
    """Drop database ``name`` if it exists, ending its sessions."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
