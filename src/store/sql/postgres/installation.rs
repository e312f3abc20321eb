use crate::store::sql::InstallationSql;

pub(in crate::store) const INSTALLATION: InstallationSql = InstallationSql {
    installation: "
        SELECT name, minimum_program::bigint AS minimum_program, hash_key FROM klarna_worker.installation",
    found_installation: "
        INSERT INTO klarna_worker.installation (name, minimum_program, hash_key, created_at)
        VALUES ($1, $4, $2, coalesce($3, clock_timestamp())) ON CONFLICT DO NOTHING",
    // Also works for a database without an installation.
    health: "SELECT coalesce(max(minimum_program), 0)::bigint AS minimum_program, \
        current_setting('transaction_read_only')::boolean AS read_only FROM klarna_worker.installation",
};
