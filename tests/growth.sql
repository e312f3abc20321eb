-- Fills a database for tests/growth.sh, as a month of work leaves it: :n orders, :n tokens, and for each order an exchange, a
-- hash of a known token, a webhook and a row of the audit log. Two orders of each other user. The last hours of what is kept
-- are past retention. One order of a hundred failed, one event of two thousand; of a thousand tokens, one must sign in again,
-- one is uncertain and one is due. Bodies are those of the last two days. :body is an order's body.
SET auto_explain.log_min_duration = -1;
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
SET work_mem = '128MB';

-- Indexes that no constraint needs are built at the end, which is faster.
CREATE TEMP TABLE rebuilt AS
SELECT i.indexrelid::regclass AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
WHERE i.indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'klarna_worker'::regnamespace)
    AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid);
SELECT format('DROP INDEX %s', name) FROM rebuilt \gexec

CREATE FUNCTION pg_temp.uuid_at(at timestamptz, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7000a' || lpad(to_hex(i), 15, '0'))::uuid
$$;
CREATE TEMP TABLE made AS
SELECT i, 'u-' || i % (:n / 2 + 1) AS user_id, at, pg_temp.uuid_at(at, i) AS id,
    CASE WHEN i > :n - 20 THEN 'queued' WHEN i % 100 = 3 THEN 'failed' WHEN i % 500 = 9 THEN 'cancelled' ELSE 'submitted' END AS status
FROM (SELECT i, now() - (:n - i) * ((interval '30 days' + interval '6 hours') / :n) AS at FROM generate_series(0, :n - 1) AS i) AS t;

INSERT INTO klarna_worker.tokens (merchant, user_id, generation, grant_generation, state, reason, sealed, provider, issued_at,
    expires_at, updated_at, refresh_due_at, refresh_due_generation, last_seen_at)
SELECT 'shop', 'u-' || i, 3, 1, state, CASE WHEN state = 'reauth_required' THEN 'rejected' END,
    decode(repeat(md5(i::text), 12), 'hex'), '\x67726f7774682d2d67726f7774682d2d'::bytea, now() - (:n - i) * (interval '40 days' / :n),
    now() + interval '20 days' + i * (interval '40 days' / :n), now(),
    CASE WHEN state = 'active' THEN now() - interval '1 hour' + i * (interval '40 days' / :n) END, 3, now()
FROM (
    SELECT i, CASE i % 1000 WHEN 1 THEN 'reauth_required' WHEN 2 THEN 'uncertain' ELSE 'active' END AS state
    FROM generate_series(0, :n - 1) AS i) AS t;

INSERT INTO klarna_worker.orders (id, merchant, user_id, idempotency_key, digest, body, target, status, accepted_at, due_at,
    deadline_at, first_claimed_at, ended_at, attempts, possible_duplicate, token_outcome, klarna_id, result, correlation_id,
    merchant_reference1, order_amount, purchase_currency, error)
SELECT id, 'shop', user_id, 'key-' || i, '', CASE WHEN at > now() - interval '49 hours' THEN :'body' END, 'checkout', status, at,
    at, at + CASE status WHEN 'queued' THEN interval '10 days' ELSE interval '10 min' END,
    CASE WHEN status <> 'queued' THEN at + interval '2 ms' END,
    CASE WHEN status <> 'queued' THEN at + (80 + i % 40) * interval '1 ms' END, 1, i % 1000 = 5,
    CASE WHEN status IN ('submitted', 'failed') THEN
        CASE i % 10 WHEN 1 THEN 'not_registered' WHEN 2 THEN 'reauth_required' ELSE 'fresh' END END,
    CASE WHEN status = 'submitted' THEN md5(i::text) END,
    CASE WHEN status = 'submitted' AND at > now() - interval '49 hours' THEN repeat(md5(i::text), 18) END,
    'correlation-' || i, 'ref-' || i, 100, 'SEK',
    CASE WHEN status = 'failed' THEN
        '{"code":"' || CASE WHEN i % 1000 = 3 THEN 'deadline_exceeded' ELSE 'klarna_refused_order' END || '","message":"No."}' END
FROM made ORDER BY i;
INSERT INTO klarna_worker.order_attempts (order_id, ended_at, lost, error)
SELECT id, ended_at, false, error FROM klarna_worker.orders WHERE status = 'failed';

INSERT INTO klarna_worker.webhooks (id, merchant, user_id, order_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at,
    attempts)
SELECT gen_random_uuid(), 'shop', user_id, id, CASE status WHEN 'failed' THEN 'order.failed' ELSE 'order.submitted' END, '{}',
    CASE WHEN i % 2000 = 8 THEN 'failed' ELSE 'delivered' END, at, at, at + interval '3 days', at + interval '200 ms', 1
FROM made WHERE status IN ('submitted', 'failed') ORDER BY i;

-- Those of the first hours are of former generations, 91 days ago.
CREATE TEMP TABLE exchanged AS
SELECT m.i, t.id AS token_id, m.id AS order_id, 1 + m.i / (:n / 2 + 1) AS generation,
    m.at - CASE WHEN m.i < :n / 100 THEN interval '61 days' ELSE interval '0' END AS at
FROM made m JOIN klarna_worker.tokens t ON t.merchant = 'shop' AND t.user_id = m.user_id;
INSERT INTO klarna_worker.exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at, closed_at, outcome)
SELECT pg_temp.uuid_at(at, i), token_id, generation, 1, 'order', order_id, gen_random_uuid(), at, at + interval '40 ms', 'rotated'
FROM exchanged ORDER BY i;
INSERT INTO klarna_worker.known_tokens (hash, token_id, seen_at)
SELECT sha256(i::text::bytea), token_id, at FROM exchanged ORDER BY i;

INSERT INTO klarna_worker.audit_log (chain, number, happened_at, actor, action, outcome, merchant, user_hash, object, previous_at,
    previous_hash, hash)
SELECT '00000000-0000-4000-8000-000000000001', i + 1, at, 'key:shop', 'order.submit', 'done', 'shop', sha256(user_id::bytea), id, at,
    sha256(''), sha256('')
FROM made ORDER BY i;

SELECT definition FROM rebuilt \gexec
DROP TABLE made, exchanged, rebuilt;
VACUUM (ANALYZE);
CREATE EXTENSION pg_stat_statements;
