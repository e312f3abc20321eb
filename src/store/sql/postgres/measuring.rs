//! Measuring. Both are the whole server's, so that nothing else may write beside a measurement.

use crate::store::sql::constants;

constants! {
COUNTERS = "
    SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint AS wal_bytes,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS transactions";
INSPECT = "
    SELECT current_setting('server_version') AS version, clock_timestamp() AS now, pg_is_in_recovery() AS standby,
        current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS durable,
        (SELECT count(*) FROM pg_stat_replication WHERE current_setting('synchronous_standby_names') = '')
            AS asynchronous_standbys,
        current_setting('max_connections')::bigint AS max_connections";
BACKEND = "SELECT pg_backend_pid()::bigint AS pid";
}
