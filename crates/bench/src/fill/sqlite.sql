-- Orders of a week, and users with tokens, as years of work leave them. {orders}, {tokens}, {merchant} and {body} stand for
-- what is to be: one of a hundred orders failed, one of a thousand is under way; tokens lapse within sixty days, and one of
-- a thousand must sign in again or is uncertain.
BEGIN;
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {orders}),
t AS (SELECT i, (CAST(unixepoch('subsec') * 1000 AS INTEGER) - ({orders} - i) * 604800000 / {orders}) AS ms,
    CASE WHEN i % 1000 = 7 THEN 'queued' WHEN i % 100 = 3 THEN 'failed' WHEN i % 500 = 9 THEN 'cancelled' ELSE 'submitted' END AS status
    FROM n)
INSERT INTO orders (id, merchant, user_id, digest, body, target, status, accepted_at, due_at, deadline_at, first_claimed_at,
    ended_at, attempts, possible_duplicate, token_outcome, klarna_id, result, correlation_id, error)
SELECT unhex(printf('%012x', ms) || '7' || substr(hex(randomblob(2)), 2) || 'A' || substr(hex(randomblob(8)), 2)),
    '{merchant}', 'u-' || (i % ({tokens} / 2 + 1)), x'00', '{body}', 'checkout', status, ms * 1000, ms * 1000, ms * 1000 + 600000000, ms * 1000 + 2000,
    CASE WHEN status <> 'queued' THEN ms * 1000 + 80000 + i % 40000 END, 1, i % 1000 = 5,
    CASE WHEN status IN ('submitted', 'failed') THEN CASE i % 10 WHEN 1 THEN 'not_registered' WHEN 2 THEN 'reauth_required' ELSE 'fresh' END END,
    CASE WHEN status = 'submitted' THEN hex(randomblob(16)) END, CASE WHEN status = 'submitted' THEN hex(randomblob(300)) END,
    hex(randomblob(16)),
    CASE WHEN status = 'failed' THEN '{"code":"' || iif(i % 1000 = 3, 'deadline_exceeded', 'klarna_refused_order') || '","message":"No."}' END
FROM t;
INSERT INTO order_attempts (order_id, ended_at, lost, error)
SELECT id, ended_at, 0, error FROM orders WHERE status = 'failed';
INSERT INTO webhooks (id, merchant, user_id, order_id, kind, data, status, occurred_at, due_at, give_up_at, ended_at, attempts, error)
SELECT randomblob(16), merchant, user_id, id, iif(status = 'failed', 'order.failed', 'order.submitted'), '{}', 'delivered',
    ended_at, ended_at, ended_at + 259200000000, ended_at + 50000, 1, NULL
FROM orders WHERE status IN ('submitted', 'failed');
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {tokens}),
t AS (SELECT i, CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS now, CASE i % 1000 WHEN 1 THEN 'reauth_required' WHEN 2 THEN 'uncertain' ELSE 'active' END AS state FROM n)
INSERT INTO tokens (merchant, user_id, generation, grant_generation, state, reason, sealed, provider, issued_at, expires_at, updated_at,
    refresh_due_at, refresh_due_generation, last_seen_at)
SELECT '{merchant}', 'u-' || i, 3, 1, state, iif(state = 'reauth_required', 'rejected', NULL), randomblob(200), zeroblob(16), now,
    now + i * 5184000000000 / {tokens}, now, iif(state = 'active', now + i * 5184000000000 / {tokens} - 1728000000000, NULL), 3, now
FROM t;
INSERT INTO exchanges (id, token_id, generation, presentation, purpose, purpose_ref, holder, opened_at, closed_at, outcome)
SELECT randomblob(16), t.id, 3, row_number() OVER (PARTITION BY t.id), 'order', o.id, x'00', o.accepted_at, o.accepted_at + 40000, 'rotated'
FROM orders o JOIN tokens t ON t.merchant = o.merchant AND t.user_id = o.user_id;
COMMIT;
