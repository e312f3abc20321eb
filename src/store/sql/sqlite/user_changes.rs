//! Renamings and erasures that are under way.

use crate::store::sql::UserChangesSql;

pub(in crate::store) const USER_CHANGES: UserChangesSql = UserChangesSql {
    begin: "
        INSERT INTO user_changes (merchant, user_id, renamed_from, renamed_to) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING",
    under_way: "
        SELECT renamed_from, renamed_to FROM user_changes WHERE merchant = $1 AND user_id = $2",
    end: "
        DELETE FROM user_changes WHERE merchant = $1 AND user_id = $2",
};
