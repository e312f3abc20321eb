//! The installation.

use crate::store::statements;

statements! {
INSTALLATION = "
    SELECT name, minimum_program::bigint AS minimum_program, hash_key FROM klarna_worker.installation";
FOUND_INSTALLATION = "
    INSERT INTO klarna_worker.installation (name, minimum_program, hash_key, created_at)
    VALUES ($1, 1, $2, coalesce($3, clock_timestamp())) ON CONFLICT DO NOTHING";
HEALTH = "SELECT 1::bigint AS one";
}
