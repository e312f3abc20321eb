-- All tables of the service, in the order of an order's way through it.
-- The program creates the schema klarna_worker before it runs this.
--
-- Names are COLLATE "C": they are compared byte by byte. Another collation may change with the
-- system's C library, and then a unique index finds no longer what it holds.

-- Exactly one row: whose database this is, and which programs may use it.
CREATE TABLE klarna_worker.installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    name text COLLATE "C" NOT NULL,
    -- The lowest PROGRAM_LEVEL (src/store/migrations.rs) that can work with this schema.
    minimum_program integer NOT NULL,
    -- Encrypted. The key of the hashes in known_tokens and of tokens.subject.
    hash_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    -- The setting queue.order_deadline, for enqueue_order() below. Each start of the service writes
    -- it.
    order_deadline_micros bigint NOT NULL DEFAULT 600000000,
    -- When an operator last reported that the database had been restored from a backup.
    restored_at timestamptz
);

-- The encryption keys that this database has seen. A different key under a known name is refused.
CREATE TABLE klarna_worker.keys (
    name text COLLATE "C" PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint bytea NOT NULL,
    noted_at timestamptz NOT NULL
);

-- One refresh token per merchant and user.
CREATE TABLE klarna_worker.tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    -- Incremented by rotation, registration and erasure, and by nothing else. It never starts
    -- again.
    generation bigint NOT NULL,
    -- The generation at which the present grant was registered.
    grant_generation bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'reauth_required', 'uncertain', 'forgotten')),
    reason text CHECK (reason IN ('rejected', 'answer_lost', 'expired')),
    -- The encrypted refresh token, bound to merchant, id, generation and provider of this row. Null
    -- once the user is forgotten, and of a token that no longer works after retention.ledger.
    sealed bytea,
    -- The provider that issued the token: a fingerprint of token endpoint and client id. The token is
    -- presented to no other.
    provider bytea,
    -- When the user signed in: when the first token of the present grant was issued. Null if that is
    -- not known. An older sign-in does not replace a newer one.
    signed_in_at timestamptz,
    -- When the present token was issued.
    issued_at timestamptz,
    expires_at timestamptz,
    -- The exchange that returned this token. It makes a repeated write of the same successor
    -- recognisable.
    last_exchange uuid,
    -- Keyed hash of the first `sub` seen for this user.
    subject bytea,
    updated_at timestamptz NOT NULL,
    -- When the keeper refreshes the token. Null where it does not.
    refresh_due_at timestamptz,
    -- The generation for which refresh_due_at was set. A due date of another generation does not
    -- count.
    refresh_due_generation bigint,
    -- Consecutive failed refreshes.
    refresh_failures bigint NOT NULL DEFAULT 0,
    -- Why the due date differs from what the settings say.
    refresh_note text CHECK (refresh_note IN
        ('age_unknown', 'not_sent', 'refused', 'no_answer', 'unchanged', 'unavailable', 'waits', 'idle')),
    -- The last sign-in, or the last order that took a token.
    last_seen_at timestamptz,
    UNIQUE (merchant, user_id),
    CHECK (state <> 'forgotten' OR sealed IS NULL),
    CHECK (state NOT IN ('active', 'uncertain') OR sealed IS NOT NULL),
    CHECK (sealed IS NULL OR provider IS NOT NULL),
    CHECK ((state = 'reauth_required') = (reason IS NOT NULL))
);
-- The keeper's queue, by day of expiry: the tokens that expire first come first, however many are
-- due, and only as many rows are read as are taken. With expires_at included, counting reads the
-- index alone.
CREATE INDEX tokens_due ON klarna_worker.tokens
    (((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01'), refresh_due_at, id)
    INCLUDE (expires_at)
    WHERE state = 'active' AND refresh_due_at IS NOT NULL;
-- Tokens whose generation has no due date yet.
CREATE INDEX tokens_undated ON klarna_worker.tokens (id)
    WHERE state = 'active' AND refresh_due_generation IS DISTINCT FROM generation;
-- For retention. A row without last_seen_at counts as seen at its last change.
CREATE INDEX tokens_seen ON klarna_worker.tokens (coalesce(last_seen_at, updated_at))
    WHERE state <> 'forgotten';
-- Users by the state of their token: a list of the few that must sign in again reads only those. Without
-- the many active ones, whose rows change most; and nobody looks for a single user here, which would read
-- all of the merchant.
CREATE INDEX tokens_state ON klarna_worker.tokens (merchant, state, user_id) WHERE state <> 'active';
-- For retention: tokens that no longer work, and can still be made active again.
CREATE INDEX tokens_dead ON klarna_worker.tokens (updated_at)
    WHERE state = 'reauth_required' AND sealed IS NOT NULL;
-- The few tokens that wait for an operator.
CREATE INDEX tokens_uncertain ON klarna_worker.tokens (id) WHERE state = 'uncertain';

-- How a merchant stands with a provider: whether it granted a token, and whether its rejections are
-- believed.
CREATE TABLE klarna_worker.providers (
    merchant text COLLATE "C" NOT NULL,
    provider bytea NOT NULL,
    -- It was the last to grant a token of the merchant. Until it is, tokens are presented one at a
    -- time.
    proven boolean NOT NULL DEFAULT false,
    -- Since when the merchant is stopped: too many tokens were rejected in a row.
    stopped_at timestamptz,
    -- How many users' tokens were rejected in a row.
    rejections bigint NOT NULL DEFAULT 0,
    -- How many probes were sent since, and when the next one may be.
    probes bigint NOT NULL DEFAULT 0,
    probe_at timestamptz,
    PRIMARY KEY (merchant, provider),
    CHECK ((stopped_at IS NULL) = (probe_at IS NULL))
);

-- Providers that `tokens adopt` declared to be the same: a token of one is a token of the other.
CREATE TABLE klarna_worker.adopted_providers (
    provider bytea NOT NULL,
    adopted bytea NOT NULL,
    PRIMARY KEY (provider, adopted)
);

-- Keyed hashes of every token ever registered or received. A hash is of provider and token, without
-- merchant and user: one row holds a token, whoever registers it again.
CREATE TABLE klarna_worker.known_tokens (
    hash bytea PRIMARY KEY,
    token_id bigint NOT NULL,
    seen_at timestamptz NOT NULL
);
-- What a row has had, and when its last token came.
CREATE INDEX known_tokens_row ON klarna_worker.known_tokens (token_id, seen_at);

-- Renamings and erasures of users that are under way: a row for each user concerned, of a renaming two.
-- They change a user's rows in several transactions, and no two of them work on one user.
CREATE TABLE klarna_worker.user_changes (
    merchant text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    -- The old name and the new one of a renaming. Null: an erasure.
    renamed_from text COLLATE "C",
    renamed_to text COLLATE "C",
    PRIMARY KEY (merchant, user_id),
    CHECK ((renamed_from IS NULL) = (renamed_to IS NULL))
);

-- Pauses that operators ordered. One that is over by time stays until there is another.
CREATE TABLE klarna_worker.pauses (
    -- Empty: all merchants.
    merchant text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('orders', 'exchanges', 'keeper', 'webhooks')),
    reason text NOT NULL,
    -- Who ordered it, as the audit log names them.
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL,
    -- Null: until it is resumed.
    ends_at timestamptz,
    PRIMARY KEY (merchant, kind)
);

-- Pauses that are over, for the history of orders. One that was over by time comes here with the next one.
CREATE TABLE klarna_worker.past_pauses (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL
);

-- When an operator last ordered a merchant's circuit breakers for an endpoint to try a call at once.
CREATE TABLE klarna_worker.probes (
    merchant text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    asked_at timestamptz NOT NULL,
    PRIMARY KEY (merchant, endpoint)
);

-- Times for which circuit breakers were open, over all processes: from the first one that opened to the first
-- call that succeeded, or until no process saw it any more. Rows are written when a breaker opens or closes.
CREATE TABLE klarna_worker.outages (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    cause text NOT NULL,
    since timestamptz NOT NULL,
    -- Null while it goes on.
    until timestamptz
);
CREATE UNIQUE INDEX outages_open ON klarna_worker.outages (merchant, endpoint) WHERE until IS NULL;

-- The rate of a merchant's endpoint, shared by all processes.
CREATE TABLE klarna_worker.rates (
    merchant text COLLATE "C" NOT NULL,
    endpoint text COLLATE "C" NOT NULL,
    -- Up to when, at exactly this rate, the calls made and handed out so far last.
    due_at timestamptz NOT NULL,
    PRIMARY KEY (merchant, endpoint)
);

-- One row per order. The row is also the job of the queue.
CREATE TABLE klarna_worker.orders (
    id uuid PRIMARY KEY,
    merchant text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C",
    -- The earlier order with the same key, which could not be paid any more, and the later one.
    supersedes uuid,
    superseded_by uuid,
    -- SHA-256 of the request, to recognise a repeated one.
    digest bytea NOT NULL,
    -- text, not jsonb: Klarna receives the body exactly as the shop wrote it. Retention removes it.
    body text,
    -- Incremented by each change of the body.
    version bigint NOT NULL DEFAULT 1,
    -- The claim before the last change of the body while the order was queued. Results of claims up to
    -- it are of an earlier body.
    changed_claim bigint,
    -- A change of the submitted order is under way at Klarna, at most until then. Each has a number, and
    -- its end names it.
    update_until timestamptz,
    update_claim bigint NOT NULL DEFAULT 0,
    -- The product of Klarna that the order is submitted to. Null: as the merchant's settings say when
    -- it is submitted.
    target text CHECK (target IN ('checkout', 'payments')),
    -- Whether the order is prefilled. Null: as the merchant's settings say.
    prefill boolean,
    -- An order from enqueue_order(), which a worker validates before anything else.
    unchecked boolean NOT NULL DEFAULT false,
    -- The span that accepted the order, as a W3C traceparent. Spans of its attempts are linked to
    -- it. A caller of enqueue_order() sets it by set_config('klarna_worker.traceparent',
    -- '00-…-…-01', true); other text is ignored.
    trace text DEFAULT substring(
        current_setting('klarna_worker.traceparent', true) FROM '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'),
    status text NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'submitted', 'failed', 'cancelled')),
    accepted_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    first_claimed_at timestamptz,
    -- When it was due at its first claim. Like the first claim, it begins anew when an operator retries the order.
    first_due_at timestamptz,
    -- How long it has waited for its token, in microseconds.
    token_waited bigint NOT NULL DEFAULT 0,
    -- JSON: what it waited for, and when, before it was claimed again. Null: for nothing.
    waits text,
    ended_at timestamptz,
    worker uuid,
    -- Incremented by each claim. Every write of a worker names its claim, so a lost worker cannot
    -- overwrite the next.
    claim_number bigint NOT NULL DEFAULT 0,
    -- The claim whose create call was about to be sent last. If that worker is lost, the order may be
    -- at Klarna.
    sent_claim bigint,
    attempts bigint NOT NULL DEFAULT 0,
    lost_workers bigint NOT NULL DEFAULT 0,
    -- Klarna may have received the order twice.
    possible_duplicate boolean NOT NULL DEFAULT false,
    token_outcome text,
    prefilled text,
    -- Klarna's id of the order or session.
    klarna_id text COLLATE "C",
    -- What the shop gets for the shopper's browser: of the target checkout HTML, of payments JSON.
    -- Retention removes it with the body.
    result text,
    -- What has become of the order or session at Klarna, as far as it was read, and the rest of what
    -- Klarna said then, as JSON.
    session_phase text CHECK (session_phase IN ('open', 'completed', 'ended')),
    session text,
    session_read_at timestamptz,
    -- When Klarna first pushed it, when it was first read as completed there, and when it was first acknowledged.
    pushed_at timestamptz,
    completed_at timestamptz,
    acknowledged_at timestamptz,
    correlation_id text,
    -- JSON: the last error.
    error text,
    -- What searches find the order by, and lists show, of its body.
    merchant_reference1 text COLLATE "C",
    merchant_reference2 text COLLATE "C",
    order_amount bigint,
    purchase_currency text,
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((status IN ('submitted', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
)
-- Room for the next version of a row in its page. Then the log has only what changed, and where no index
-- is concerned, no index is written.
WITH (fillfactor = 80);
-- The key comes first, because a search for it may name no merchant.
CREATE UNIQUE INDEX orders_idempotency ON klarna_worker.orders (idempotency_key, merchant)
    WHERE idempotency_key IS NOT NULL AND superseded_by IS NULL;
-- The queue: a merchant's due orders, when the next order is due, and which are running. What a lost worker
-- held is selected from the running ones, which are few.
CREATE INDEX orders_due ON klarna_worker.orders (merchant, due_at, id) INCLUDE (first_claimed_at) WHERE status = 'queued';
CREATE INDEX orders_next ON klarna_worker.orders (due_at) WHERE status = 'queued';
CREATE INDEX orders_running ON klarna_worker.orders (merchant, user_id) WHERE status = 'running';
-- Lists and counts. Ids sort by time. Counting and listing by outcome or target read the index alone.
-- The user comes first, because a search may name no merchant.
CREATE INDEX orders_user ON klarna_worker.orders (user_id, id, merchant);
CREATE INDEX orders_outcome ON klarna_worker.orders (status, id) INCLUDE (merchant, token_outcome, target);
CREATE INDEX orders_duplicate ON klarna_worker.orders (id) WHERE possible_duplicate;
CREATE INDEX orders_error ON klarna_worker.orders (id) WHERE error IS NOT NULL;
-- Searches by the shop's references, and by Klarna's id of the order or session, which a push names, too.
CREATE INDEX orders_reference1 ON klarna_worker.orders (merchant_reference1, id)
    WHERE merchant_reference1 IS NOT NULL;
CREATE INDEX orders_reference2 ON klarna_worker.orders (merchant_reference2, id)
    WHERE merchant_reference2 IS NOT NULL;
CREATE INDEX orders_klarna_id ON klarna_worker.orders (klarna_id, id) WHERE klarna_id IS NOT NULL;
-- Orders that wait after a failed attempt.
CREATE INDEX orders_waiting ON klarna_worker.orders (id) WHERE status = 'queued' AND error IS NOT NULL;
-- Orders that failed lately: lists, and the overview's error codes.
CREATE INDEX orders_failed ON klarna_worker.orders (ended_at) WHERE status = 'failed';
-- Orders that a restore failed, and that can still be retried: counted for an alert.
CREATE INDEX orders_held ON klarna_worker.orders (id)
    WHERE status = 'failed' AND body IS NOT NULL AND substr(error, 1, 27) = '{"code":"database_restored"';
-- Retention: ended orders that still have their body or result. Orders to delete are found by id.
CREATE INDEX orders_wipe ON klarna_worker.orders (ended_at)
    WHERE ended_at IS NOT NULL AND (body IS NOT NULL OR result IS NOT NULL);

-- Attempts that did not submit their order, and ends without an attempt, such as at the deadline. A
-- successful attempt is described by the order's own row.
CREATE TABLE klarna_worker.order_attempts (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES klarna_worker.orders (id) ON DELETE CASCADE,
    ended_at timestamptz NOT NULL,
    worker uuid,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost boolean NOT NULL,
    error text
);
CREATE INDEX order_attempts_order ON klarna_worker.order_attempts (order_id, seq);

-- A trigger, so that the attempt is recorded in the transaction that ends it, and a successful one
-- costs nothing.
CREATE FUNCTION klarna_worker.note_attempt() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO klarna_worker.order_attempts (order_id, ended_at, worker, lost, error)
    VALUES (NEW.id, coalesce(NEW.ended_at, clock_timestamp()), OLD.worker,
        NEW.lost_workers > OLD.lost_workers,
        CASE WHEN NEW.lost_workers = OLD.lost_workers THEN NEW.error END);
    RETURN NULL;
END $$;
CREATE TRIGGER note_attempt AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW
    WHEN (OLD.status = 'running' AND NEW.status IN ('queued', 'failed')
        AND (NEW.attempts > OLD.attempts OR NEW.lost_workers > OLD.lost_workers OR NEW.status = 'failed'))
    EXECUTE FUNCTION klarna_worker.note_attempt();

-- An erased order has no digest. Errors of its attempts may quote the order, so they go.
CREATE FUNCTION klarna_worker.forget_attempts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM klarna_worker.order_attempts WHERE order_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER forget_attempts AFTER UPDATE OF user_id ON klarna_worker.orders FOR EACH ROW
    WHEN (OLD.user_id <> NEW.user_id AND octet_length(NEW.digest) = 0)
    EXECUTE FUNCTION klarna_worker.forget_attempts();

-- One row per start of a process that runs orders or refreshes tokens.
CREATE TABLE klarna_worker.workers (
    id uuid PRIMARY KEY,
    -- The instance folder that the process has locked. The holder of that lock knows that all
    -- earlier starts from the same folder are dead.
    instance uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    started_at timestamptz NOT NULL,
    -- When the last heartbeat came, for people. Nothing is decided by it: clocks may step.
    heartbeat_at timestamptz NOT NULL,
    -- The number of heartbeats. A worker is silent for as long as another one has watched this
    -- number stay the same, by its own clock.
    heartbeats bigint NOT NULL DEFAULT 1,
    ended_at timestamptz,
    -- Its circuit breakers that are not closed, for people: a JSON array. Null if all are closed.
    breakers text,
    -- What only the process itself knows of its troubles, for people: a JSON object. Null if it told nothing yet.
    facts text
);
CREATE INDEX workers_instance ON klarna_worker.workers (instance) WHERE ended_at IS NULL;

-- The ledger: one row per intent, written before the token is sent. There is no foreign key, so
-- that no write here waits for the token row that a claim has locked.
CREATE TABLE klarna_worker.exchanges (
    id uuid PRIMARY KEY,
    token_id bigint NOT NULL,
    generation bigint NOT NULL,
    -- How often this generation was sent, this time included.
    presentation bigint NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('order', 'keeper', 'manual', 'vend')),
    -- The order, the sweep or the vend that the exchange was made for.
    purpose_ref uuid,
    -- The worker that sends the token.
    holder uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    outcome text CHECK (outcome IN
        ('rotated', 'unchanged', 'rejected', 'not_sent', 'refused', 'no_answer', 'superseded')),
    -- The unanswered request may still reach Klarna: it timed out, as opposed to an answer with
    -- status 500.
    travelling boolean NOT NULL DEFAULT false,
    -- The provider that rejected the token. Null with any other outcome.
    provider bytea,
    -- What the exchange failed with, for people: such as the status of the answer. Null if it did not fail.
    cause text,
    UNIQUE (token_id, generation, presentation),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
CREATE INDEX exchanges_open ON klarna_worker.exchanges (holder) WHERE outcome IS NULL;
-- Each claim asks whether an answer of the present grant was lost. Such rows are few.
CREATE INDEX exchanges_no_answer ON klarna_worker.exchanges (token_id, generation) WHERE outcome = 'no_answer';

-- The encrypted access token and id_token of an exchange, cached until the order that it was made for
-- has ended. Those of a vend are cached until the access token expires.
CREATE TABLE klarna_worker.cached_tokens (
    purpose_ref uuid PRIMARY KEY,
    token_id bigint NOT NULL,
    -- The grant that they came from, as tokens.grant_generation: those of an earlier grant are not vended.
    grant_generation bigint NOT NULL,
    -- `sealed` is bound to all of the above, to the merchant and to this provider, which issued the tokens.
    provider bytea NOT NULL,
    sealed bytea NOT NULL,
    received_at timestamptz NOT NULL,
    good_until timestamptz NOT NULL
);
CREATE INDEX cached_tokens_token ON klarna_worker.cached_tokens (token_id);

-- Refresh tokens that were forgotten, and are still to be revoked at their provider. A row is deleted
-- once the provider has answered, or when its time is over. It names no user.
CREATE TABLE klarna_worker.revocations (
    -- The row and generation that had the token. `sealed` is bound to both, to merchant and provider.
    token_id bigint NOT NULL,
    generation bigint NOT NULL,
    merchant text COLLATE "C" NOT NULL,
    provider bytea NOT NULL,
    sealed bytea NOT NULL,
    asked_at timestamptz NOT NULL,
    -- A claim moves this forward by the longest time an attempt may take. If the process dies, the
    -- revocation is due again.
    due_at timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL,
    -- Incremented by each claim. Every write of a process names its claim.
    claim_number bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (token_id, generation)
);
CREATE INDEX revocations_due ON klarna_worker.revocations (merchant, due_at);

-- Calls to Klarna about orders that exist. 'push': Klarna says that a shopper has paid an order; that
-- carries no trust, so the order is read there. 'read': Checkout does not know the order any more, and order
-- management could not be read. 'abort': nobody may pay the order any more. A row is deleted once its calls are
-- done. When its time is over, it is deleted too, unless it is about a known order that may be paid: then it is
-- given up, and kept for operators.
CREATE TABLE klarna_worker.follow_ups (
    kind text COLLATE "C" NOT NULL CHECK (kind IN ('push', 'read', 'abort')),
    merchant text COLLATE "C" NOT NULL,
    klarna_id text COLLATE "C" NOT NULL,
    -- Of a push, when Klarna sent it first.
    recorded_at timestamptz NOT NULL,
    -- A claim moves this forward by the longest time an attempt may take. If the process dies, the row
    -- is due again.
    due_at timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL,
    -- Incremented by each claim. Every write of a process names its claim.
    claim_number bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    -- Why the last attempt failed.
    error text,
    given_up_at timestamptz,
    PRIMARY KEY (merchant, klarna_id, kind)
);
CREATE INDEX follow_ups_due ON klarna_worker.follow_ups (merchant, due_at) WHERE given_up_at IS NULL;
CREATE INDEX follow_ups_given_up ON klarna_worker.follow_ups (merchant, given_up_at) WHERE given_up_at IS NOT NULL;
-- Lists of orders whose follow-ups fail.
CREATE INDEX follow_ups_failing ON klarna_worker.follow_ups (merchant, klarna_id) WHERE attempts > 0;

-- Exactly one row: which worker sweeps, and when the last sweeps began and ended.
CREATE TABLE klarna_worker.keeper (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- The worker that has the right to sweep, until leased_until.
    holder uuid,
    leased_until timestamptz,
    began_at timestamptz,
    -- The end of the last sweep that was completed.
    ended_at timestamptz,
    CHECK ((holder IS NULL) = (leased_until IS NULL))
);
INSERT INTO klarna_worker.keeper DEFAULT VALUES;

-- The merchants whose settings have a webhook_url, and the health of that endpoint.
CREATE TABLE klarna_worker.webhook_endpoints (
    merchant text COLLATE "C" PRIMARY KEY,
    -- SHA-256 of URL and secrets. A change of either enables the endpoint again.
    fingerprint bytea NOT NULL,
    -- The first failure since the last success.
    failing_since timestamptz,
    disabled_at timestamptz,
    disabled_why text CHECK (disabled_why IN ('gone', 'failing')),
    CHECK ((disabled_at IS NULL) = (disabled_why IS NULL))
);

-- The outbox: one row per event, written in the transaction that the event reports.
CREATE TABLE klarna_worker.webhooks (
    -- The order in lists.
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The event's id as the shop sees it, the same in each attempt.
    id uuid NOT NULL UNIQUE,
    merchant text COLLATE "C" NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    order_id uuid,
    kind text NOT NULL CHECK (kind IN
        ('order.submitted', 'order.failed', 'order.cancelled', 'order.completed', 'order.expired',
            'token.reauth_required', 'token.recovered', 'webhook.test')),
    -- JSON: ids and codes, no personal data.
    data text NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    occurred_at timestamptz NOT NULL,
    -- A claim moves this forward by the longest time an attempt may take. If the process dies, the
    -- event is due again.
    due_at timestamptz NOT NULL,
    give_up_at timestamptz NOT NULL,
    ended_at timestamptz,
    -- Incremented by each claim. Every write of a sender names its claim.
    claim_number bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    error text,
    CHECK ((status = 'pending') = (ended_at IS NULL))
);
CREATE INDEX webhooks_due ON klarna_worker.webhooks (merchant, due_at) WHERE status = 'pending';
CREATE INDEX webhooks_user ON klarna_worker.webhooks (user_id, merchant);
CREATE INDEX webhooks_ended ON klarna_worker.webhooks (ended_at) WHERE ended_at IS NOT NULL;
-- For people: the few that were given up.
CREATE INDEX webhooks_failed ON klarna_worker.webhooks (seq) WHERE status = 'failed';

-- The last answers of each endpoint, for people. Each attempt adds one, and deletes those of the same
-- merchant that are too many.
CREATE TABLE klarna_worker.webhook_answers (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant text COLLATE "C" NOT NULL,
    -- The event's id and kind.
    webhook uuid NOT NULL,
    kind text NOT NULL,
    answered_at timestamptz NOT NULL,
    -- The HTTP status; null if there was no answer.
    status bigint,
    took_micros bigint NOT NULL,
    -- Why the event was not accepted; null if it was.
    error text
);
CREATE INDEX webhook_answers_merchant ON klarna_worker.webhook_answers (merchant, seq);

-- Triggers, so that whatever ends an order or changes a token's state reports it, in the same
-- transaction and without a round trip.
CREATE FUNCTION klarna_worker.tell_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    -- A list of JSON pointers. Anything else in the column must not keep an order from ending.
    fields text := E'\\["[^"\\\\[:cntrl:]]+"(,"[^"\\\\[:cntrl:]]+")*\\]';
    filled json := CASE WHEN NEW.prefilled ~ ('^' || fields || '$') THEN NEW.prefilled ELSE '[]' END;
    withdrawn json := CASE WHEN NEW.prefilled ~ (E'^\\{"withdrawn":' || fields || E'\\}$')
        THEN NEW.prefilled::json ->> 'withdrawn' ELSE '[]' END;
BEGIN
    INSERT INTO klarna_worker.webhooks
        (id, merchant, user_id, order_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT gen_random_uuid(), NEW.merchant, NEW.user_id, NEW.id, 'order.' || NEW.status,
        CASE NEW.status
            WHEN 'submitted' THEN json_build_object(
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                CASE NEW.target WHEN 'payments' THEN 'session_id' ELSE 'klarna_order_id' END, NEW.klarna_id,
                'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate,
                'prefilled', filled, 'prefill_withdrawn', withdrawn)
            WHEN 'cancelled' THEN json_build_object(
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                'possible_duplicate', NEW.possible_duplicate)
            ELSE json_build_object(
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                'code', NEW.error::json ->> 'code', 'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate,
                'prefilled', filled, 'prefill_withdrawn', withdrawn)
        END::text,
        NEW.ended_at, NEW.ended_at, NEW.ended_at + interval '3 days'
    FROM klarna_worker.webhook_endpoints e WHERE e.merchant = NEW.merchant;
    RETURN NULL;
END $$;
-- The erasure of a user also cancels orders. It is not told, because it leaves no webhook of the user.
CREATE TRIGGER tell_of_order AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND (NEW.status IN ('submitted', 'failed')
        OR NEW.status = 'cancelled' AND coalesce(substr(NEW.error, 1, 21), '') <> '{"code":"user_erased"'))
    EXECUTE FUNCTION klarna_worker.tell_of_order();

-- What has become of an order at Klarna. Whoever reads it first tells it, once.
CREATE FUNCTION klarna_worker.tell_of_session() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    read json := coalesce(NEW.session, '{}');
BEGIN
    INSERT INTO klarna_worker.webhooks
        (id, merchant, user_id, order_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT gen_random_uuid(), NEW.merchant, NEW.user_id, NEW.id,
        CASE NEW.session_phase WHEN 'completed' THEN 'order.completed' ELSE 'order.expired' END,
        json_build_object(
            'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
            CASE NEW.target WHEN 'payments' THEN 'session_id' ELSE 'klarna_order_id' END,
            coalesce(read ->> 'other_klarna_order_id', NEW.klarna_id),
            'merchant_reference1', read ->> 'merchant_reference1',
            'order_amount', (read ->> 'order_amount')::bigint,
            'purchase_currency', read ->> 'purchase_currency',
            'status', read ->> 'status')::text,
        NEW.session_read_at, NEW.session_read_at, NEW.session_read_at + interval '3 days'
    FROM klarna_worker.webhook_endpoints e WHERE e.merchant = NEW.merchant;
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_session AFTER UPDATE OF session_phase ON klarna_worker.orders FOR EACH ROW
    WHEN (NEW.session_phase IN ('completed', 'ended') AND NEW.session_phase IS DISTINCT FROM OLD.session_phase)
    EXECUTE FUNCTION klarna_worker.tell_of_session();

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

-- Accepts an order within the caller's own transaction, and wakes the workers when that commits. A
-- worker validates the body; this function checks only what would not reach a worker. A request has
-- the same digest here as in the HTTP API and on the command line, so it may be repeated through
-- any of them.
CREATE FUNCTION klarna_worker.enqueue_order(
    merchant text,
    user_id text,
    body json,
    idempotency_key text DEFAULT NULL,
    prefill boolean DEFAULT NULL,
    not_before timestamptz DEFAULT NULL,
    deadline timestamptz DEFAULT NULL,
    target text DEFAULT NULL
) RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    now timestamptz := clock_timestamp();
    -- As the caller wrote it, without surrounding white space.
    written text := btrim($3::text, E' \t\r\n');
    -- No backslash in a plain literal: the caller's session decides what it means.
    absent bytea := decode('ffffffffffffffff', 'hex');
    part bytea;
    parts bytea := '';
    digest bytea;
    order_id uuid;
    earlier uuid;
    found_id uuid;
    found_digest bytea;
    reference1 text;
    reference2 text;
    amount bigint;
    currency text;
BEGIN
    IF $1 IS NULL OR $2 IS NULL OR $3 IS NULL THEN
        RAISE EXCEPTION 'enqueue_order needs merchant, user_id and body'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    -- The ranges of the other ways in. A value beyond them could not be read back.
    IF char_length($1) NOT BETWEEN 1 AND 255 OR char_length($2) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION 'merchant or user_id is empty or too long: write 1 to 255 characters'
            USING ERRCODE = 'string_data_right_truncation';
    END IF;
    IF $1 ~ E'[\\x01-\\x1f\\x7f-\\x9f]' OR $2 ~ E'[\\x01-\\x1f\\x7f-\\x9f]' THEN
        RAISE EXCEPTION 'merchant or user_id has a control character'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF octet_length(written) > 983616 THEN
        RAISE EXCEPTION 'body is too large: it has % bytes, and Klarna takes at most 983616', octet_length(written)
            USING ERRCODE = 'program_limit_exceeded';
    END IF;
    IF $6 NOT BETWEEN '0001-01-01 00:00:00+00' AND '9998-12-31 23:59:59+00'
        OR $7 NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59+00' THEN
        RAISE EXCEPTION 'not_before or deadline is out of range: write a time before the year 9999'
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF $7 <= $6 THEN
        RAISE EXCEPTION 'deadline is not after not_before'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF $4 !~ '^[!-~]{1,255}$' THEN
        RAISE EXCEPTION 'idempotency_key is none: write 1 to 255 visible ASCII characters without spaces'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF $8 NOT IN ('checkout', 'payments') THEN
        RAISE EXCEPTION 'target is %: write checkout or payments, or leave it out', quote_literal($8)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH part IN ARRAY ARRAY[
        convert_to($1, 'UTF8'), convert_to($2, 'UTF8'), convert_to(written, 'UTF8'),
        CASE $5 WHEN true THEN decode('01', 'hex') WHEN false THEN decode('00', 'hex') END,
        int8send((extract(epoch FROM $6) * 1000000)::bigint),
        int8send((extract(epoch FROM $7) * 1000000)::bigint),
        convert_to($8, 'UTF8')]
    LOOP
        parts := parts || coalesce(int8send(octet_length(part)) || part, absent);
    END LOOP;
    digest := sha256(parts);
    -- UUID version 7 (RFC 9562): milliseconds in the first six bytes, the rest random.
    part := overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM now) * 1000)::bigint) FROM 3) FROM 1 FOR 6);
    order_id := encode(set_byte(part, 6, (get_byte(part, 6) & 15) | 112), 'hex')::uuid;
    -- What searches find the order by, and lists show. A body that PostgreSQL cannot read, such as one
    -- with a NUL, has none of it; a worker refuses the order.
    BEGIN
        IF json_typeof($3) = 'object' THEN
            reference1 := CASE json_typeof($3 -> 'merchant_reference1')
                WHEN 'string' THEN $3 ->> 'merchant_reference1' END;
            reference2 := CASE json_typeof($3 -> 'merchant_reference2')
                WHEN 'string' THEN $3 ->> 'merchant_reference2' END;
            amount := CASE WHEN ($3 -> 'order_amount')::text ~ '^-?[0-9]{1,18}$'
                THEN $3 ->> 'order_amount' END;
            currency := CASE json_typeof($3 -> 'purchase_currency')
                WHEN 'string' THEN $3 ->> 'purchase_currency' END;
        END IF;
    EXCEPTION WHEN data_exception OR feature_not_supported THEN
        reference1 := NULL;
        reference2 := NULL;
        amount := NULL;
        currency := NULL;
    END;
    LOOP
        INSERT INTO klarna_worker.orders
            (id, merchant, user_id, idempotency_key, supersedes, digest, body, target, prefill, unchecked,
            accepted_at, due_at, deadline_at, merchant_reference1, merchant_reference2, order_amount,
            purchase_currency)
        SELECT order_id, $1, $2, $4, earlier, digest, written, $8, $5, true, now, greatest(now, $6),
            coalesce($7, greatest(now, $6)
                + coalesce(max(i.order_deadline_micros), 600000000) * interval '1 microsecond'),
            CASE WHEN char_length(reference1) BETWEEN 1 AND 255 THEN reference1 END,
            CASE WHEN char_length(reference2) BETWEEN 1 AND 255 THEN reference2 END,
            amount,
            CASE WHEN currency ~ '^[A-Za-z]{3}$' THEN currency END
        FROM klarna_worker.installation i
        ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL AND superseded_by IS NULL
            DO NOTHING;
        IF FOUND THEN
            PERFORM pg_notify('klarna_worker_due', '');
            RETURN order_id;
        END IF;
        -- An order that nobody can pay any more gives its key to the new one.
        UPDATE klarna_worker.orders o SET superseded_by = order_id
        WHERE o.merchant = $1 AND o.idempotency_key = $4 AND o.superseded_by IS NULL AND o.ended_at IS NOT NULL
            AND o.session_phase IS DISTINCT FROM 'completed'
            AND (o.session_phase = 'ended' OR o.body IS NULL AND o.result IS NULL)
        RETURNING o.id INTO earlier;
        CONTINUE WHEN FOUND;
        SELECT o.id, o.digest INTO found_id, found_digest FROM klarna_worker.orders o
        WHERE o.merchant = $1 AND o.idempotency_key = $4 AND o.superseded_by IS NULL;
        -- The other order was deleted in between, so the key is free again.
        CONTINUE WHEN NOT FOUND;
        IF found_digest <> digest THEN
            RAISE EXCEPTION 'the idempotency key % was used before, for another request', $4
                USING ERRCODE = 'KW001', DETAIL = 'That request became the order ' || found_id || '.',
                    HINT = 'Use a key of its own for each order.';
        END IF;
        RETURN found_id;
    END LOOP;
END $$;

-- Who read or changed what, and when. Rows are only added; retention.audit deletes the oldest.
-- Each row carries the hash of the row before it in its chain, which is that of one process. The
-- hashes are keyed, so that `audit verify` finds changed and missing rows.
CREATE TABLE klarna_worker.audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    chain uuid NOT NULL,
    -- Counts the rows of the chain, from 1.
    number bigint NOT NULL CHECK (number > 0),
    -- By the process's clock, and never before the row before.
    happened_at timestamptz NOT NULL,
    -- 'key:NAME', 'command:USER', 'local' (an API without keys) or 'service'.
    actor text COLLATE "C" NOT NULL,
    action text COLLATE "C" NOT NULL,
    outcome text COLLATE "C" NOT NULL,
    request_id text COLLATE "C",
    merchant text COLLATE "C",
    -- A keyed hash of merchant and user.
    user_hash bytea,
    object text COLLATE "C",
    -- In a chain's first row: the newest row of the table when the chain began.
    joined_id bigint,
    -- Time and hash of the row before; of the row joined_id in a chain's first row.
    previous_at timestamptz,
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    UNIQUE (chain, number)
);
CREATE INDEX audit_log_happened ON klarna_worker.audit_log (happened_at);
CREATE INDEX audit_log_user ON klarna_worker.audit_log (user_hash, id) WHERE user_hash IS NOT NULL;
-- For the history of an order, and lists by object. An object may be longer than an entry of an index.
CREATE INDEX audit_log_object ON klarna_worker.audit_log (left(object, 100), id) WHERE object IS NOT NULL;
-- For lists of the few that were not done.
CREATE INDEX audit_log_undone ON klarna_worker.audit_log (outcome, id) WHERE outcome <> 'done';

CREATE FUNCTION klarna_worker.keep_audit_log() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.happened_at < clock_timestamp() - interval '30 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of the audit log cannot be changed, and not be deleted within 30 days'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER keep_audit_log BEFORE UPDATE OR DELETE ON klarna_worker.audit_log
FOR EACH ROW EXECUTE FUNCTION klarna_worker.keep_audit_log();
CREATE TRIGGER keep_whole_audit_log BEFORE TRUNCATE ON klarna_worker.audit_log
FOR EACH STATEMENT EXECUTE FUNCTION klarna_worker.keep_audit_log();

-- By default everybody may call a function.
REVOKE ALL ON FUNCTION klarna_worker.enqueue_order FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.tell_of_order FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.tell_of_session FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.tell_of_token FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.note_attempt FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.forget_attempts FROM PUBLIC;
REVOKE ALL ON FUNCTION klarna_worker.keep_audit_log FROM PUBLIC;
