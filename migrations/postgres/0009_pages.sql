-- Only adds, but for an index that a wider one replaces.

-- What pages count and pick: orders of a status by id, which sorts by time, with whose they are and how they went out, so
-- that neither reads a row. All of it is written together with the status.
CREATE INDEX orders_outcome ON klarna_worker.orders (status, id) INCLUDE (merchant, token_outcome);
DROP INDEX klarna_worker.orders_status;
-- The few that Klarna may hold twice.
CREATE INDEX orders_duplicate ON klarna_worker.orders (id) WHERE possible_duplicate;
-- Likewise those that failed, or wait for trouble to pass.
CREATE INDEX orders_error ON klarna_worker.orders (id) WHERE error IS NOT NULL;

-- Attempts that did not submit their order. One that did has the order's own row.
CREATE TABLE klarna_worker.order_attempts (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES klarna_worker.orders (id) ON DELETE CASCADE,
    ended_at timestamptz NOT NULL,
    worker uuid,
    -- Whether the worker was lost, and nobody knows how far it came.
    lost boolean NOT NULL,
    error text
);
CREATE INDEX order_attempts_order ON klarna_worker.order_attempts (order_id, seq);

-- A trigger, so that what ends an attempt tells of it in the same transaction, and one that succeeds costs nothing.
CREATE FUNCTION klarna_worker.note_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO klarna_worker.order_attempts (order_id, ended_at, worker, lost, error)
    VALUES (NEW.id, coalesce(NEW.ended_at, clock_timestamp()), OLD.worker, NEW.lost_workers > OLD.lost_workers,
        CASE WHEN NEW.lost_workers = OLD.lost_workers THEN NEW.error END);
    RETURN NULL;
END $$;
CREATE TRIGGER note_attempt AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW
    WHEN (OLD.status = 'running' AND NEW.status IN ('queued', 'failed')
        AND (NEW.attempts > OLD.attempts OR NEW.lost_workers > OLD.lost_workers))
    EXECUTE FUNCTION klarna_worker.note_attempt();

-- Only an erasure renames a user; what attempts say may quote the order.
CREATE FUNCTION klarna_worker.forget_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM klarna_worker.order_attempts WHERE order_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_attempts AFTER UPDATE OF user_id ON klarna_worker.orders FOR EACH ROW
    WHEN (OLD.user_id <> NEW.user_id)
    EXECUTE FUNCTION klarna_worker.forget_attempts();

REVOKE ALL ON FUNCTION klarna_worker.note_attempt FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.forget_attempts FROM PUBLIC;
