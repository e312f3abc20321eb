use crate::store::sql::WorkersSql;

pub(in crate::store) const WORKERS: WorkersSql = WorkersSql {
    begin_worker:
        "
        WITH begun AS (
            INSERT INTO klarna_worker.workers (id, instance, name, started_at, heartbeat_at)
            VALUES ($1, $2, $3, coalesce($4, clock_timestamp()), coalesce($4, clock_timestamp()))
            ON CONFLICT (id) DO UPDATE
            SET heartbeat_at = excluded.heartbeat_at, heartbeats = workers.heartbeats + 1, ended_at = NULL
            RETURNING id
        )
        SELECT pg_notify('klarna_worker_workers', '')::text FROM begun",
    end_earlier: "
        UPDATE klarna_worker.workers SET ended_at = coalesce($3, clock_timestamp())
        WHERE instance = $1 AND id <> $2 AND ended_at IS NULL",
    heartbeats_of_instance: "
        SELECT id, heartbeats FROM klarna_worker.workers WHERE instance = $1 AND ended_at IS NULL",
    heartbeat: "
        UPDATE klarna_worker.workers SET heartbeat_at = coalesce($2, clock_timestamp()), heartbeats = heartbeats + 1
        WHERE id = $1 AND ended_at IS NULL
        RETURNING heartbeat_at, heartbeats",
    end_worker: "
        UPDATE klarna_worker.workers SET ended_at = coalesce($2, clock_timestamp()) WHERE id = $1 AND ended_at IS NULL",
    heartbeats: "
        SELECT id, name, heartbeats FROM klarna_worker.workers WHERE ended_at IS NULL",
    note_breakers: "
        UPDATE klarna_worker.workers SET breakers = $2 WHERE id = $1 AND ended_at IS NULL",
    note_facts: "
        UPDATE klarna_worker.workers SET facts = $2 WHERE id = $1 AND ended_at IS NULL",
    // A worker that has ended, or one of the silent ones whose count is still the same. An order
    // that the worker was about to send may be at Klarna. An order fails when it loses its fifth
    // worker. One whose row somebody else has locked is reclaimed later.
    reclaim: "
        UPDATE klarna_worker.orders o SET worker = NULL, lost_workers = lost_workers + 1,
            possible_duplicate = possible_duplicate OR coalesce(sent_claim = claim_number, false),
            status = CASE WHEN lost_workers >= 4 THEN 'failed' ELSE 'queued' END,
            ended_at = CASE WHEN lost_workers >= 4 THEN coalesce($2, clock_timestamp()) END,
            due_at = CASE WHEN lost_workers >= 4 THEN due_at ELSE coalesce($2, clock_timestamp()) END,
            error = CASE WHEN lost_workers >= 4 THEN $3 ELSE error END
        FROM (
            SELECT r.id FROM klarna_worker.orders r
            WHERE r.status = 'running' AND EXISTS (
                SELECT 1 FROM klarna_worker.workers w WHERE w.id = r.worker AND (w.ended_at IS NOT NULL
                    OR (w.id, w.heartbeats) IN (SELECT id, heartbeats
                        FROM json_to_recordset($1::json) AS s (id uuid, heartbeats bigint))))
            FOR NO KEY UPDATE OF r SKIP LOCKED) free
        WHERE o.id = free.id
        RETURNING o.id, o.status",
    // One whose row somebody else has locked is found again later.
    lose_order: "
        UPDATE klarna_worker.orders SET worker = NULL, lost_workers = lost_workers + 1,
            possible_duplicate = possible_duplicate OR coalesce(sent_claim = claim_number, false),
            status = CASE WHEN lost_workers >= 4 THEN 'failed' ELSE 'queued' END,
            ended_at = CASE WHEN lost_workers >= 4 THEN coalesce($4, clock_timestamp()) END,
            due_at = CASE WHEN lost_workers >= 4 THEN due_at ELSE coalesce($4, clock_timestamp()) END,
            error = CASE WHEN lost_workers >= 4 THEN $5 ELSE error END
        WHERE id = (
            SELECT id FROM klarna_worker.orders
            WHERE status = 'running' AND id = $1 AND worker = $2 AND claim_number = $3
            FOR NO KEY UPDATE SKIP LOCKED)
        RETURNING id, status",
};
