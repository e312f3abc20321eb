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
// Without a change on the primary, the last one may be old and the standby up to date: then it has
// replayed all that it has received, and receives. One that was restarted may have replayed nothing
// since: then it is as old as its last checkpoint. Null if it is no standby.
REPLICA = "
    SELECT pg_is_in_recovery() AS standby, clock_timestamp() AS now,
        CASE WHEN NOT pg_is_in_recovery() THEN NULL
            WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver)
            THEN clock_timestamp()
            ELSE coalesce(pg_last_xact_replay_timestamp(), (SELECT checkpoint_time FROM pg_control_checkpoint()))
            END AS replayed_at";
INSTALLATION_NAME = "SELECT name FROM klarna_worker.installation";
BACKEND = "SELECT pg_backend_pid()::bigint AS pid";
}
