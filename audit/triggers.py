"""Database triggers that make the audit table append-only, on PostgreSQL and SQLite."""

from typing import Any

_SQLITE = {
    "audit_no_update": "BEFORE UPDATE ON audit_auditevent",
    "audit_no_delete": "BEFORE DELETE ON audit_auditevent",
}
_REFUSAL = "audit events are append-only"


def install(connection: Any) -> None:
    """Create the triggers; safe to repeat."""
    remove(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name, when in _SQLITE.items():
                cursor.execute(
                    f"CREATE TRIGGER {name} {when} BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
                )
            return
        cursor.execute(
            "CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit_auditevent "
            "FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
        cursor.execute(
            "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit_auditevent "
            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )


def remove(connection: Any) -> None:
    """Drop the triggers (migrations backwards, and tests that empty the tables)."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for name in _SQLITE:
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
            return
        cursor.execute("DROP TRIGGER IF EXISTS audit_no_change ON audit_auditevent")
        cursor.execute("DROP TRIGGER IF EXISTS audit_no_truncate ON audit_auditevent")
