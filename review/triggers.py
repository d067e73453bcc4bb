"""Database triggers that keep what was said and signed as it was, on PostgreSQL and SQLite."""

from typing import Any

# Table -> columns that nobody may change; () means the whole row. Rows are never deleted.
KEPT: dict[str, tuple[str, ...]] = {
    "review_act": (),
    "review_verdict": (),
    "review_signature": (),
    "review_readingpolicy": (),
    "review_report": ("case_id", "version", "amends_id", "reason", "content", "sha256", "code"),
}
_REFUSAL = "what was said and signed is only added to"


def install(connection: Any) -> None:
    """Create the triggers; safe to repeat."""
    remove(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE OR REPLACE FUNCTION review_refuse() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
            )
        for table, columns in KEPT.items():
            of = f" OF {', '.join(columns)}" if columns else ""
            if connection.vendor == "sqlite":
                for name, when in _names(table, f"UPDATE{of}", "DELETE"):
                    cursor.execute(
                        f"CREATE TRIGGER {name} BEFORE {when} ON {table} "
                        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
                    )
            else:
                for name, when in _names(table, f"UPDATE{of}", "DELETE"):
                    cursor.execute(
                        f"CREATE TRIGGER {name} BEFORE {when} ON {table} "
                        "FOR EACH ROW EXECUTE FUNCTION review_refuse()"
                    )


def remove(connection: Any) -> None:
    """Drop the triggers (migrations backwards, and tests that empty the tables)."""
    with connection.cursor() as cursor:
        for table in KEPT:
            for name, _ in _names(table, "", ""):
                on = "" if connection.vendor == "sqlite" else f" ON {table}"
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


def _names(table: str, update: str, delete: str) -> list[tuple[str, str]]:
    return [(f"{table}_no_update", update), (f"{table}_no_delete", delete)]
