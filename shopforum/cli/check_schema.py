"""The checks of `shopforum check` on the schema, as the migrations have made it, and on settings of the server that undo its guards."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex

from shopforum import schema
from shopforum.core.database import Database

from .checks import Check

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]
# The triggers that guard the audit log (alembic/versions, 0001 and 0010).
_GUARDS = {
    "audit_log": ("audit_log_rows", "audit_log_table", "audit_log_written"),
    "audit_head": ("audit_head_row", "audit_head_table"),
}
_MISSING_GUARDS = text(
    """SELECT t || '.' || g AS name FROM unnest(CAST(:tables AS text[]), CAST(:guards AS text[])) AS wanted (t, g)
    WHERE NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgrelid = to_regclass(t) AND tgname = g) ORDER BY 1"""
)
_INDEXES = text(
    """SELECT name, coalesce(NOT i.indisvalid, false) AS invalid FROM unnest(CAST(:names AS text[])) AS wanted (name)
    LEFT JOIN pg_index i ON i.indexrelid = to_regclass(name) WHERE i.indexrelid IS NULL OR NOT i.indisvalid ORDER BY 1"""
)
_FOREIGN_KEYS = text(
    """SELECT CAST(c.conrelid AS regclass)::text AS name, CAST(c.confrelid AS regclass)::text AS referred,
      (SELECT string_agg(a.attname, ' ' ORDER BY a.attname) FROM pg_attribute a
        WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)) AS columns
    FROM pg_constraint c WHERE c.contype = 'f' AND c.convalidated"""
)
_SETTINGS = text(
    """SELECT current_setting('session_replication_role') AS triggers, current_setting('autovacuum') AS autovacuum,
      current_setting('default_transaction_isolation') AS isolation, current_setting('server_encoding') AS encoding,
      current_database() AS database, to_regclass('alembic_version') IS NOT NULL AS migrated,
      coalesce((SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = 'alembic_version' AND to_regclass('alembic_version') IS NULL LIMIT 1), '') AS elsewhere"""
)


def checks(db: Database) -> Iterator[Check]:
    """Check what readiness does not look at: what was dropped by hand, left behind by a failed change, or switched off.

    Raises sqlalchemy.exc.SQLAlchemyError.
    """
    row = db.only(_SETTINGS)
    if row["elsewhere"]:
        yield Check(
            "search_path",
            problem=f"the tables are in the schema {row['elsewhere']}, which the role does not search",
            fix=f'ALTER DATABASE "{row["database"]}" SET search_path = {row["elsewhere"]}, or RESET it; for the role, too',
        )
        return
    if not row["migrated"]:
        return
    yield from _settings(
        row["triggers"], row["autovacuum"], row["isolation"], row["encoding"], row["database"]
    )
    yield from _dropped(db)


def _settings(
    triggers: str, autovacuum: str, isolation: str, encoding: str, database: str
) -> Iterator[Check]:
    reset = f'ALTER DATABASE "{database}" RESET'
    if triggers != "origin":
        yield Check(
            "session_replication_role",
            problem=f"it is {triggers}: the audit log's triggers and the foreign keys do nothing",
            fix=f"{reset} session_replication_role; for the role, too",
        )
    if autovacuum != "on":
        yield Check(
            "autovacuum",
            problem="it is off: tables grow, and plans go by what the tables were once",
            fix="set autovacuum = on in postgresql.conf, and reload",
        )
    if isolation != "read committed":
        yield Check(
            "default_transaction_isolation",
            problem=f"it is {isolation}: acts fail where others act at the same time",
            fix=f"{reset} default_transaction_isolation; for the role, too",
        )
    if encoding != "UTF8":
        yield Check(
            "encoding",
            problem=f"the database is in {encoding}: most names and texts cannot be stored",
            fix="make a database with ENCODING 'UTF8', and restore a dump into it",
        )


def _dropped(db: Database) -> Iterator[Check]:
    tables, guards = zip(*[(table, one) for table, names in _GUARDS.items() for one in names], strict=True)
    missing = [row["name"] for row in db.all(_MISSING_GUARDS, tables=[*tables], guards=[*guards])]
    if missing:
        yield Check(
            "audit log",
            problem=f"its triggers are gone: {', '.join(missing)}",
            fix="make them again as alembic/versions/0001_sessions.py and 0010_audit_and_devices.py do, and find out who dropped them",
        )
    found = [table for each in schema.all_metadata() for table in each.sorted_tables]
    indexes = {str(index.name): index for table in found for index in table.indexes}
    for row in db.all(_INDEXES, names=[*indexes]):
        name = row["name"]
        made = " ".join(str(CreateIndex(indexes[name]).compile(dialect=_DIALECT)).split())
        yield Check(
            f"index {name}",
            problem="it is not valid: nothing is found with it" if row["invalid"] else "it is missing",
            fix=f"REINDEX INDEX CONCURRENTLY {name}" if row["invalid"] else made,
        )
    there = {(row["name"], row["columns"], row["referred"]) for row in db.all(_FOREIGN_KEYS)}
    for table in found:
        for key in sorted(table.foreign_key_constraints, key=lambda key: str(key.name)):
            columns = " ".join(sorted(column.name for column in key.columns))
            if (table.name, columns, key.referred_table.name) not in there:
                made = " ".join(str(AddConstraint(key).compile(dialect=_DIALECT)).split())
                about = f"foreign key of {table.name} to {key.referred_table.name}"
                yield Check(about, problem="it is missing or was never validated", fix=made)
