//! Providers and their tokens.

use crate::store::sql::ProvidersSql;

pub(in crate::store) const PROVIDERS: ProvidersSql = ProvidersSql {
    tokens_by_provider: "
        SELECT merchant, provider, count(*) AS tokens FROM klarna_worker.tokens
        WHERE id > $1 AND id <= $2 AND sealed IS NOT NULL GROUP BY merchant, provider",
    join_providers: "
        INSERT INTO klarna_worker.adopted_providers (provider, adopted) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    sealed_by: "
        SELECT id, merchant, generation, provider, sealed FROM klarna_worker.tokens
        WHERE merchant = $1 AND provider = $2 AND sealed IS NOT NULL AND id > $3 AND id <= $5 ORDER BY id LIMIT $4",
    adopt: "
        UPDATE klarna_worker.tokens SET provider = $3, sealed = $4 WHERE id = $1 AND sealed = $2",
    // The newest 20,000 of the ledger at most: of a merchant with few exchanges less is known. A
    // rejection after a lost answer is expected, and says nothing about the settings.
    latest_answers: "
        SELECT e.token_id, e.outcome = 'rejected' AS rejected
        FROM (SELECT id, token_id, generation, outcome, provider FROM klarna_worker.exchanges ORDER BY id DESC
            LIMIT 20000) AS e
            JOIN klarna_worker.tokens t ON t.id = e.token_id
        WHERE t.merchant = $1
            AND (e.outcome IN ('rotated', 'unchanged', 'superseded') OR e.outcome = 'rejected' AND e.provider = $2
                AND NOT EXISTS (SELECT 1 FROM klarna_worker.exchanges lost WHERE lost.token_id = e.token_id
                    AND lost.generation = e.generation AND lost.outcome = 'no_answer'))
        ORDER BY e.id DESC LIMIT $3",
    stop: "
        INSERT INTO klarna_worker.providers (merchant, provider, stopped_at, rejections, probe_at)
        VALUES ($1, $2, coalesce($4, clock_timestamp()), $3,
            coalesce($4, clock_timestamp()) + $5 * interval '1 microsecond')
        ON CONFLICT (merchant, provider) DO UPDATE SET rejections = excluded.rejections,
            stopped_at = coalesce(providers.stopped_at, excluded.stopped_at),
            probe_at = coalesce(providers.probe_at, excluded.probe_at)",
    take_probe: "
        UPDATE klarna_worker.providers SET probes = probes + 1,
            probe_at = coalesce($3, clock_timestamp()) + $4 * interval '1 microsecond'
        WHERE merchant = $1 AND provider = $2 AND probe_at <= coalesce($3, clock_timestamp())",
    prove: "
        INSERT INTO klarna_worker.providers (merchant, provider, proven) VALUES ($1, $2, true)
        ON CONFLICT (merchant, provider) DO UPDATE SET proven = true, stopped_at = NULL, rejections = 0, probes = 0,
            probe_at = NULL",
    // The settings name another provider now, so the records of these are deleted.
    disprove_others: "
        DELETE FROM klarna_worker.providers WHERE merchant = $1 AND provider <> $2",
    stopped: "
        SELECT merchant, provider, stopped_at, rejections FROM klarna_worker.providers
        WHERE stopped_at IS NOT NULL ORDER BY merchant",
    probe_now: "
        UPDATE klarna_worker.providers SET probe_at = coalesce($2, clock_timestamp())
        WHERE stopped_at IS NOT NULL AND ($1::text IS NULL OR merchant = $1)",
};
