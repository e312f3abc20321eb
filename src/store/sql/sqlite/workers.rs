use crate::store::sql::WorkersSql;

pub(in crate::store) const WORKERS: WorkersSql = WorkersSql {
    begin_worker: "
        INSERT INTO workers (id, instance, name, started_at, heartbeat_at)
        VALUES ($1, $2, $3, $4, $4)
        ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at, heartbeats = heartbeats + 1,
            ended_at = NULL",
    end_earlier: "
        UPDATE workers SET ended_at = $3
        WHERE instance = $1 AND id <> $2 AND ended_at IS NULL",
    heartbeats_of_instance: "
        SELECT id, heartbeats FROM workers WHERE instance = $1 AND ended_at IS NULL",
    heartbeat: "
        UPDATE workers SET heartbeat_at = $2, heartbeats = heartbeats + 1 WHERE id = $1 AND ended_at IS NULL
        RETURNING heartbeat_at, heartbeats",
    end_worker: "
        UPDATE workers SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL",
    heartbeats: "
        SELECT id, name, heartbeats FROM workers WHERE ended_at IS NULL",
    note_breakers: "
        UPDATE workers SET breakers = $2 WHERE id = $1 AND ended_at IS NULL",
    note_facts: "
        UPDATE workers SET facts = $2 WHERE id = $1 AND ended_at IS NULL",
    // A worker that has ended, or one of the silent ones whose count is still the same. An order
    // that the worker was about to send may be at Klarna. An order fails when it loses its fifth
    // worker.
    reclaim: "
        UPDATE orders SET worker = NULL, lost_workers = lost_workers + 1,
            possible_duplicate = possible_duplicate OR coalesce(sent_claim = claim_number, 0),
            status = CASE WHEN lost_workers >= 4 THEN 'failed' ELSE 'queued' END,
            ended_at = CASE WHEN lost_workers >= 4 THEN $2 END,
            due_at = CASE WHEN lost_workers >= 4 THEN due_at ELSE $2 END,
            error = CASE WHEN lost_workers >= 4 THEN $3 ELSE error END
        WHERE status = 'running' AND EXISTS (
            SELECT 1 FROM workers w WHERE w.id = orders.worker AND (w.ended_at IS NOT NULL
                OR (w.id, w.heartbeats) IN (SELECT unhex(value ->> 'id'), value ->> 'heartbeats' FROM json_each($1))))
        RETURNING id, status",
    lose_order: "
        UPDATE orders SET worker = NULL, lost_workers = lost_workers + 1,
            possible_duplicate = possible_duplicate OR coalesce(sent_claim = claim_number, 0),
            status = CASE WHEN lost_workers >= 4 THEN 'failed' ELSE 'queued' END,
            ended_at = CASE WHEN lost_workers >= 4 THEN $4 END,
            due_at = CASE WHEN lost_workers >= 4 THEN due_at ELSE $4 END,
            error = CASE WHEN lost_workers >= 4 THEN $5 ELSE error END
        WHERE status = 'running' AND id = $1 AND worker = $2 AND claim_number = $3
        RETURNING id, status",
};
