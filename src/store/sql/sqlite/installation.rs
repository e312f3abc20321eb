use crate::store::sql::InstallationSql;

pub(in crate::store) const INSTALLATION: InstallationSql = InstallationSql {
    installation: "
        SELECT name, minimum_program AS minimum_program, hash_key FROM installation",
    found_installation: "
        INSERT INTO installation (name, minimum_program, hash_key, created_at)
        VALUES ($1, $4, $2, $3) ON CONFLICT DO NOTHING",
    // Also works for a database without an installation.
    health: "SELECT coalesce(max(minimum_program), 0) AS minimum_program, false AS read_only FROM installation",
};
