//! Renamings and erasures that are under way.

use crate::store::sql::UserChangesSql;

pub(in crate::store) const USER_CHANGES: UserChangesSql = UserChangesSql {
    begin: "
        INSERT INTO klarna_worker.user_changes (merchant, user_id, renamed_from, renamed_to) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING",
    under_way:
        "
        SELECT renamed_from, renamed_to FROM klarna_worker.user_changes WHERE merchant = $1 AND user_id = $2
        FOR UPDATE",
    end: "
        DELETE FROM klarna_worker.user_changes WHERE merchant = $1 AND user_id = $2",
};
