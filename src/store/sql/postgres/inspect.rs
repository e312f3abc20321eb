//! What `doctor` reads about the server.

use crate::store::sql::constants;

constants! {
INSPECT = "
    SELECT current_setting('server_version') AS version, clock_timestamp() AS now, pg_is_in_recovery() AS standby,
        current_setting('transaction_read_only')::boolean AS read_only,
        current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean AS durable,
        (SELECT count(*) FROM pg_stat_replication WHERE current_setting('synchronous_standby_names') = '')
            AS asynchronous_standbys,
        current_setting('max_connections')::bigint AS max_connections";
BACKEND = "SELECT pg_backend_pid()::bigint AS pid";
}
