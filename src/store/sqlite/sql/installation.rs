//! The installation.

use crate::store::statements;

statements! {
INSTALLATION = "
    SELECT name, minimum_program AS minimum_program, hash_key FROM installation";
FOUND_INSTALLATION = "
    INSERT INTO installation (name, minimum_program, hash_key, created_at)
    VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING";
HEALTH = "SELECT 1 AS one";
VERSION = "SELECT sqlite_version() AS version";
JOURNAL_MODE = "PRAGMA journal_mode";
}
