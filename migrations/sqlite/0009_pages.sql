-- Only adds, but for an index that a wider one replaces.

-- What pages count and pick: orders of a status by id, which sorts by time, with whose they are and how they went out, so
-- that neither reads a row. All of it is written together with the status.
CREATE INDEX orders_outcome ON orders (status, id, merchant, token_outcome);
DROP INDEX orders_status;
-- The few that Klarna may hold twice.
CREATE INDEX orders_duplicate ON orders (id) WHERE possible_duplicate;
-- Likewise those that failed, or wait for trouble to pass.
CREATE INDEX orders_error ON orders (id) WHERE error IS NOT NULL;

-- Attempts that did not submit their order. One that did has the order's own row.
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- Whether the worker was lost, and nobody knows how far it came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
CREATE INDEX order_attempts_order ON order_attempts (order_id, seq);

-- A trigger, so that what ends an attempt tells of it in the same transaction, and one that succeeds costs nothing.
CREATE TRIGGER note_attempt AFTER UPDATE OF status ON orders
WHEN OLD.status = 'running' AND NEW.status IN ('queued', 'failed')
    AND (NEW.attempts > OLD.attempts OR NEW.lost_workers > OLD.lost_workers)
BEGIN
    INSERT INTO order_attempts (order_id, ended_at, worker, lost, error)
    VALUES (NEW.id, coalesce(NEW.ended_at, CAST(unixepoch('subsec') * 1000000 AS INTEGER)), OLD.worker,
        NEW.lost_workers > OLD.lost_workers, iif(NEW.lost_workers > OLD.lost_workers, NULL, NEW.error));
END;

-- Only an erasure renames a user; what attempts say may quote the order.
CREATE TRIGGER forget_attempts AFTER UPDATE OF user_id ON orders
WHEN OLD.user_id <> NEW.user_id
BEGIN
    DELETE FROM order_attempts WHERE order_id = NEW.id;
END;
