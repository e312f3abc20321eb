//! Which provider's tokens there are. From many rows.

use crate::store::sql::ProvidersSql;

pub(in crate::store) const PROVIDERS: ProvidersSql = ProvidersSql {
    tokens_by_provider: "
        SELECT merchant, provider, count(*) AS tokens FROM tokens
        WHERE state <> 'forgotten' AND provider IS NOT NULL GROUP BY merchant, provider ORDER BY merchant, provider",
    adopt: "
        UPDATE tokens SET provider = $3 WHERE id IN (
            SELECT id FROM tokens
            WHERE merchant = $1 AND provider = $2 AND state <> 'forgotten' AND id > $4 ORDER BY id LIMIT $5)
        RETURNING id",
};
