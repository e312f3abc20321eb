-- Orders of a week, and users with tokens, as years of work leave them. {orders}, {tokens}, {merchant} and {body} stand for
-- what is to be: one of a hundred orders failed, one of a thousand is under way; tokens lapse within sixty days, and one of
-- a thousand must sign in again or is uncertain.
INSERT INTO klarna_worker.orders (id, merchant, user_id, digest, body, target, status, accepted_at, due_at, deadline_at, first_claimed_at,
    ended_at, attempts, possible_duplicate, token_outcome, klarna_id, result, correlation_id, error)
SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || 'a' || substr(md5(random()::text), 1, 15))::uuid,
    '{merchant}', 'u-' || (i % ({tokens} / 2 + 1)), '', '{body}', 'checkout', status, at, at, at + interval '10 min', at + interval '2 ms',
    CASE WHEN status <> 'queued' THEN at + (80 + i % 40) * interval '1 ms' END, 1, i % 1000 = 5,
    CASE WHEN status IN ('submitted', 'failed') THEN CASE i % 10 WHEN 1 THEN 'not_registered' WHEN 2 THEN 'reauth_required' ELSE 'fresh' END END,
    CASE WHEN status = 'submitted' THEN md5(random()::text) END, CASE WHEN status = 'submitted' THEN repeat(md5(random()::text), 18) END,
    md5(random()::text),
    CASE WHEN status = 'failed' THEN '{"code":"' || CASE WHEN i % 1000 = 3 THEN 'deadline_exceeded' ELSE 'klarna_refused_order' END || '","message":"No."}' END
FROM (SELECT i, now() - ({orders} - i) * (interval '7 days' / {orders}) AS at,
    CASE WHEN i % 1000 = 7 THEN 'queued' WHEN i % 100 = 3 THEN 'failed' WHEN i % 500 = 9 THEN 'cancelled' ELSE 'submitted' END AS status
    FROM generate_series(0, {orders} - 1) AS i) AS t;
INSERT INTO klarna_worker.order_attempts (order_id, ended_at, lost, error)
SELECT id, ended_at, false, error FROM klarna_worker.orders WHERE status = 'failed';
INSERT INTO klarna_worker.webhooks (id, merchant, user_id, order_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at, attempts)
SELECT gen_random_uuid(), merchant, user_id, id, CASE status WHEN 'failed' THEN 'order.failed' ELSE 'order.submitted' END, '{}', 'delivered',
    ended_at, ended_at, ended_at + interval '3 days', ended_at + interval '50 ms', 1
FROM klarna_worker.orders WHERE status IN ('submitted', 'failed') ORDER BY id;
INSERT INTO klarna_worker.tokens (merchant, user_id, generation, grant_generation, state, reason, sealed, provider, issued_at, expires_at, updated_at,
    refresh_due_at, refresh_due_generation, last_seen_at)
SELECT '{merchant}', 'u-' || i, 3, 1, state, CASE WHEN state = 'reauth_required' THEN 'rejected' END, decode(repeat(md5(random()::text), 12), 'hex'), substring(sha256('bench') FOR 16), now(),
    now() + i * (interval '60 days' / {tokens}), now(), CASE WHEN state = 'active' THEN now() + i * (interval '60 days' / {tokens}) - interval '20 days' END, 3, now()
FROM (SELECT i, CASE i % 1000 WHEN 1 THEN 'reauth_required' WHEN 2 THEN 'uncertain' ELSE 'active' END AS state FROM generate_series(0, {tokens} - 1) AS i) AS t;
INSERT INTO klarna_worker.exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at, closed_at, outcome)
SELECT gen_random_uuid(), t.id, 3, row_number() OVER (PARTITION BY t.id), 'order', o.id, gen_random_uuid(), o.accepted_at, o.accepted_at + interval '40 ms', 'rotated'
FROM klarna_worker.orders o JOIN klarna_worker.tokens t ON t.merchant = o.merchant AND t.user_id = o.user_id;
