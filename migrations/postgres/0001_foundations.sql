-- The schema klarna_worker is created by the program before the first migration runs.

-- One row: whose database this is, and the oldest program that may use it.
CREATE TABLE klarna_worker.installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    name text NOT NULL,
    minimum_program integer NOT NULL,
    -- Sealed; keys the hashes in known_tokens.
    hash_key bytea NOT NULL,
    created_at timestamptz NOT NULL
);

-- One row for each start of a process that works.
CREATE TABLE klarna_worker.workers (
    id uuid PRIMARY KEY,
    -- The instance folder it lives in: whoever takes that folder's lock knows that the earlier starts are dead.
    instance uuid NOT NULL,
    name text NOT NULL,
    started_at timestamptz NOT NULL,
    beat_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX workers_instance ON klarna_worker.workers (instance) WHERE ended_at IS NULL;

-- The order row is the job.
CREATE TABLE klarna_worker.orders (
    id uuid PRIMARY KEY,
    merchant text NOT NULL,
    user_id text NOT NULL,
    idempotency_key text,
    digest bytea NOT NULL,
    -- text, not jsonb: Klarna gets the body as the shop wrote it.
    body text,
    prefill boolean,
    status text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'submitted', 'failed', 'cancelled')),
    accepted_at timestamptz NOT NULL,
    due_at timestamptz NOT NULL,
    deadline_at timestamptz NOT NULL,
    first_claimed_at timestamptz,
    ended_at timestamptz,
    worker uuid,
    -- Fences every write of a worker: each claim gets a new one.
    claim_number bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    lost_workers bigint NOT NULL DEFAULT 0,
    possible_duplicate boolean NOT NULL DEFAULT false,
    token_outcome text,
    prefilled text,
    klarna_order_id text,
    html_snippet text,
    correlation_id text,
    error text,
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((status IN ('submitted', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX orders_idempotency ON klarna_worker.orders (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_due ON klarna_worker.orders (merchant, due_at, id) WHERE status = 'queued';
CREATE INDEX orders_next ON klarna_worker.orders (due_at) WHERE status = 'queued';
CREATE INDEX orders_running ON klarna_worker.orders (merchant, user_id) WHERE status = 'running';
CREATE INDEX orders_worker ON klarna_worker.orders (worker) WHERE status = 'running';
CREATE INDEX orders_user ON klarna_worker.orders (merchant, user_id, id);
CREATE INDEX orders_status ON klarna_worker.orders (status, id);

CREATE TABLE klarna_worker.tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant text NOT NULL,
    user_id text NOT NULL,
    -- Rotation, registration and forgetting, and nothing else, add one. Never starts again.
    generation bigint NOT NULL,
    -- The generation at which the present grant was registered.
    grant_generation bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'reauth_required', 'uncertain', 'forgotten')),
    reason text CHECK (reason IN ('rejected', 'answer_lost', 'expired')),
    -- Encrypted, with this row's merchant and user as associated data; a tombstone has none.
    sealed bytea,
    issued_at timestamptz,
    expires_at timestamptz,
    -- The exchange that brought the token, so that a repeated store is recognised.
    last_exchange uuid,
    -- Keyed hash of the first `sub` seen for the user.
    subject bytea,
    updated_at timestamptz NOT NULL,
    UNIQUE (merchant, user_id),
    CHECK ((state = 'forgotten') = (sealed IS NULL)),
    CHECK ((state = 'reauth_required') = (reason IS NOT NULL))
);

-- Keyed hashes of every token ever registered or received for a user.
CREATE TABLE klarna_worker.known_tokens (
    token_id bigint NOT NULL,
    hash bytea NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (token_id, hash)
);

-- The ledger: one row per intent. No foreign key, so that nothing here waits for what a claim locks.
CREATE TABLE klarna_worker.exchanges (
    id uuid PRIMARY KEY,
    token_id bigint NOT NULL,
    generation bigint NOT NULL,
    presentation bigint NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('order', 'keeper', 'manual')),
    purpose_ref uuid,
    holder uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_at timestamptz,
    outcome text CHECK (outcome IN ('rotated', 'unchanged', 'rejected', 'not_sent', 'refused', 'no_answer', 'superseded')),
    -- Whether the unanswered request may still be travelling (a time-out, not a 500).
    travelling boolean NOT NULL DEFAULT false,
    UNIQUE (token_id, generation, presentation),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
CREATE INDEX exchanges_open ON klarna_worker.exchanges (holder) WHERE outcome IS NULL;

-- Access and id_token of an exchange, encrypted, kept for what it was made for until that ends.
CREATE TABLE klarna_worker.kept (
    purpose_ref uuid PRIMARY KEY,
    token_id bigint NOT NULL,
    sealed bytea NOT NULL,
    received_at timestamptz NOT NULL,
    good_until timestamptz NOT NULL
);
CREATE INDEX kept_token ON klarna_worker.kept (token_id);
