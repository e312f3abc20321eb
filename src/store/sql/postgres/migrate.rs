//! Statements for running migrations.

use crate::store::sql::constants;

constants! {
// Whether there is a table of the migrations that were run.
HAS_MIGRATIONS = "SELECT to_regclass('klarna_worker.migrations') IS NOT NULL";
APPLIED_MIGRATIONS = "SELECT version, checksum FROM klarna_worker.migrations WHERE success";
// Sets for the session a time limit for locks, in milliseconds, and none for statements.
WAIT_FOR_LOCKS = "
    SELECT set_config('lock_timeout', $1::bigint::text, false),
        set_config('statement_timeout', '0', false)";
// Indexes that the migration $1 names, and whose building was interrupted.
INVALID_INDEXES = "
    SELECT indexrelid::regclass::text AS name FROM pg_index i
        JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'klarna_worker' AND NOT i.indisvalid AND strpos($1, c.relname) > 0";
// The age of another role's transaction is hidden.
LOCK_HOLDERS = "
    SELECT 'process ' || a.pid || ' (' || coalesce(nullif(a.application_name, ''), 'unnamed') || ')'
        || coalesce(
            ', in a transaction for ' || round(extract(epoch FROM clock_timestamp() - a.xact_start)) || ' s', ''
        ) AS holder
    FROM pg_stat_activity a
    WHERE a.pid <> pg_backend_pid() AND a.pid IN (
        SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE l.granted AND n.nspname = 'klarna_worker'
            AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
    ORDER BY a.xact_start NULLS LAST LIMIT 3";
}
