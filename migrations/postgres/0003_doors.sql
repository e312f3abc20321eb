-- Only adds: a program of before goes on beside it, and what it settles is told of too, since triggers tell.

-- What the doors in the database itself must know of the settings; written down by each start of the service.
ALTER TABLE klarna_worker.installation ADD COLUMN order_deadline_micros bigint NOT NULL DEFAULT 600000000;

-- Orders of the SQL door, which the worker checks before anything else.
ALTER TABLE klarna_worker.orders ADD COLUMN unchecked boolean NOT NULL DEFAULT false;

-- What retention looks for. Orders that are to be deleted are found by their ids, which sort by time.
CREATE INDEX orders_wipe ON klarna_worker.orders (ended_at)
    WHERE ended_at IS NOT NULL AND (body IS NOT NULL OR html_snippet IS NOT NULL);

-- The merchants whose settings have a webhook_url, and how it fares.
CREATE TABLE klarna_worker.webhook_endpoints (
    merchant text PRIMARY KEY,
    -- SHA-256 of URL and secrets: a change of them enables the endpoint again.
    fingerprint bytea NOT NULL,
    -- The first failure since the last success.
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_why text CHECK (disabled_why IN ('gone', 'failing')),
    CHECK ((disabled_at IS NULL) = (disabled_why IS NULL))
);

-- The outbox: written in the transaction that it tells of.
CREATE TABLE klarna_worker.webhooks (
    -- The order of a list.
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The event's name towards the shop, the same at each attempt.
    id uuid NOT NULL UNIQUE,
    merchant text NOT NULL,
    user_id text NOT NULL,
    order_id uuid,
    kind text NOT NULL CHECK (kind IN ('order.submitted', 'order.failed', 'token.reauth_required', 'token.recovered')),
    -- JSON: ids and words, nothing that a shopper would mind.
    data text NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    occurred_at timestamptz NOT NULL,
    -- A claim puts it off by the time that an attempt may take: where its process dies, it is due again.
    due_at timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- Fences every write of a sender.
    claim_number bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    error text,
    CHECK ((status = 'pending') = (ended_at IS NULL))
);
CREATE INDEX webhooks_due ON klarna_worker.webhooks (merchant, due_at) WHERE status = 'pending';
CREATE INDEX webhooks_user ON klarna_worker.webhooks (merchant, user_id);
CREATE INDEX webhooks_ended ON klarna_worker.webhooks (ended_at) WHERE ended_at IS NOT NULL;

-- Triggers, so that whatever ends an order or a token tells of it, in the same transaction and without a round trip.
CREATE FUNCTION klarna_worker.tell_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO klarna_worker.webhooks
        (id, merchant, user_id, order_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT gen_random_uuid(), NEW.merchant, NEW.user_id, NEW.id, 'order.' || NEW.status,
        CASE NEW.status
            WHEN 'submitted' THEN json_build_object('order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id,
                'klarna_order_id', NEW.klarna_order_id, 'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate)
            ELSE json_build_object('order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id,
                'code', NEW.error::json ->> 'code', 'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate)
        END::text,
        NEW.ended_at, NEW.ended_at, NEW.ended_at + interval '3 days'
    FROM klarna_worker.webhook_endpoints e WHERE e.merchant = NEW.merchant;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_order AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW
    WHEN (NEW.status IN ('submitted', 'failed') AND OLD.status <> NEW.status)
    EXECUTE FUNCTION klarna_worker.tell_of_order();

CREATE FUNCTION klarna_worker.tell_of_token() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO klarna_worker.webhooks (id, merchant, user_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT gen_random_uuid(), NEW.merchant, NEW.user_id,
        CASE NEW.state WHEN 'active' THEN 'token.recovered' ELSE 'token.reauth_required' END,
        json_build_object('merchant', NEW.merchant, 'user', NEW.user_id, 'reason', NEW.reason)::text,
        NEW.updated_at, NEW.updated_at, NEW.updated_at + interval '3 days'
    FROM klarna_worker.webhook_endpoints e WHERE e.merchant = NEW.merchant;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_token AFTER UPDATE OF state ON klarna_worker.tokens FOR EACH ROW
    WHEN ((NEW.state = 'reauth_required') <> (OLD.state = 'reauth_required')
        AND NEW.state IN ('reauth_required', 'active'))
    EXECUTE FUNCTION klarna_worker.tell_of_token();

-- The SQL door: takes an order in within the caller's own transaction, and wakes the workers once that commits. A worker
-- checks the body; here is checked only what would not get as far. The digest is that of every other door, so that a
-- request may be repeated through another.
CREATE FUNCTION klarna_worker.enqueue_order(
    merchant text,
    user_id text,
    body json,
    idempotency_key text DEFAULT NULL,
    prefill boolean DEFAULT NULL,
    not_before timestamptz DEFAULT NULL,
    deadline timestamptz DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    now timestamptz := clock_timestamp();
    -- As the caller wrote it, without the space around it.
    written text := btrim($3::text, E' \t\r\n');
    absent bytea := '\xffffffffffffffff';
    part bytea;
    parts bytea := '';
    digest bytea;
    order_id uuid;
    found_digest bytea;
BEGIN
    IF $1 IS NULL OR $2 IS NULL OR $3 IS NULL THEN
        RAISE EXCEPTION 'enqueue_order needs merchant, user_id and body' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF $4 !~ '^[!-~]{1,255}$' THEN
        RAISE EXCEPTION 'idempotency_key is none: write 1 to 255 visible ASCII characters without spaces'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH part IN ARRAY ARRAY[
        convert_to($1, 'UTF8'), convert_to($2, 'UTF8'), convert_to(written, 'UTF8'),
        CASE $5 WHEN true THEN '\x01'::bytea WHEN false THEN '\x00'::bytea END,
        int8send((extract(epoch FROM $6) * 1000000)::bigint), int8send((extract(epoch FROM $7) * 1000000)::bigint)]
    LOOP
        parts := parts || coalesce(int8send(octet_length(part)) || part, absent);
    END LOOP;
    digest := sha256(parts);
    -- Version 7 (RFC 9562): milliseconds in the first six bytes, the rest random.
    part := overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM now) * 1000)::bigint) FROM 3) FROM 1 FOR 6);
    order_id := encode(set_byte(part, 6, (get_byte(part, 6) & 15) | 112), 'hex')::uuid;
    LOOP
        INSERT INTO klarna_worker.orders
            (id, merchant, user_id, idempotency_key, digest, body, prefill, unchecked, accepted_at, due_at, deadline_at)
        SELECT order_id, $1, $2, $4, digest, written, $5, true, now, greatest(now, $6),
            coalesce($7, greatest(now, $6) + coalesce(max(i.order_deadline_micros), 600000000) * interval '1 microsecond')
        FROM klarna_worker.installation i
        ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
        IF FOUND THEN
            PERFORM pg_notify('klarna_worker_due', '');
            RETURN order_id;
        END IF;
        SELECT o.id, o.digest INTO order_id, found_digest FROM klarna_worker.orders o
        WHERE o.merchant = $1 AND o.idempotency_key = $4;
        -- Deleted in between: it is free again.
        CONTINUE WHEN NOT FOUND;
        IF found_digest <> digest THEN
            RAISE EXCEPTION 'the idempotency key % was used before, for another request', $4
                USING ERRCODE = 'KW001', DETAIL = 'That request became the order ' || order_id || '.',
                    HINT = 'Use a key of its own for each order.';
        END IF;
        RETURN order_id;
    END LOOP;
END $$;
-- Functions are everybody's unless it is said.
REVOKE ALL ON FUNCTION klarna_worker.enqueue_order FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.tell_of_order FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.tell_of_token FROM PUBLIC;
