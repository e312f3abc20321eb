//! The installation.

use crate::store::statements;

statements! {
INSTALLATION = "
    SELECT name, minimum_program AS minimum_program, hash_key FROM installation";
FOUND_INSTALLATION = "
    INSERT INTO installation (name, minimum_program, hash_key, created_at)
    VALUES ($1, $4, $2, $3) ON CONFLICT DO NOTHING";
// Of a database that nobody has founded yet: any.
HEALTH = "SELECT coalesce(max(minimum_program), 0) AS minimum_program FROM installation";
VERSION = "SELECT sqlite_version() AS version";
JOURNAL_MODE = "PRAGMA journal_mode";
}
