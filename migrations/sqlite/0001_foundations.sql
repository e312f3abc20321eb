-- Times are microseconds since 1970, UTC; ids are 16 bytes.

-- One row: whose database this is, and the oldest program that may use it.
CREATE TABLE installation (
    one BOOLEAN PRIMARY KEY DEFAULT 1 CHECK (one),
    name TEXT NOT NULL,
    minimum_program INTEGER NOT NULL,
    -- Sealed; keys the hashes in known_tokens.
    hash_key BLOB NOT NULL,
    created_at INTEGER NOT NULL
);

-- One row for each start of a process that works.
CREATE TABLE workers (
    id BLOB PRIMARY KEY,
    -- The instance folder it lives in: whoever takes that folder's lock knows that the earlier starts are dead.
    instance BLOB NOT NULL,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    beat_at INTEGER NOT NULL,
    ended_at INTEGER
);
CREATE INDEX workers_instance ON workers (instance) WHERE ended_at IS NULL;

-- The order row is the job.
CREATE TABLE orders (
    id BLOB PRIMARY KEY,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    idempotency_key TEXT,
    digest BLOB NOT NULL,
    -- As the shop wrote it.
    body TEXT,
    prefill BOOLEAN,
    status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'submitted', 'failed', 'cancelled')),
    accepted_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    first_claimed_at INTEGER,
    ended_at INTEGER,
    worker BLOB,
    -- Fences every write of a worker: each claim gets a new one.
    claim_number INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    lost_workers INTEGER NOT NULL DEFAULT 0,
    possible_duplicate BOOLEAN NOT NULL DEFAULT 0,
    token_outcome TEXT,
    prefilled TEXT,
    klarna_order_id TEXT,
    html_snippet TEXT,
    correlation_id TEXT,
    error TEXT,
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((status IN ('submitted', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE UNIQUE INDEX orders_idempotency ON orders (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_due ON orders (merchant, due_at, id) WHERE status = 'queued';
CREATE INDEX orders_next ON orders (due_at) WHERE status = 'queued';
CREATE INDEX orders_running ON orders (merchant, user_id) WHERE status = 'running';
CREATE INDEX orders_worker ON orders (worker) WHERE status = 'running';
CREATE INDEX orders_user ON orders (merchant, user_id, id);
CREATE INDEX orders_status ON orders (status, id);

CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- Rotation, registration and forgetting, and nothing else, add one. Never starts again.
    generation INTEGER NOT NULL,
    -- The generation at which the present grant was registered.
    grant_generation INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'reauth_required', 'uncertain', 'forgotten')),
    reason TEXT CHECK (reason IN ('rejected', 'answer_lost', 'expired')),
    -- Encrypted, with this row's merchant and user as associated data; a tombstone has none.
    sealed BLOB,
    issued_at INTEGER,
    expires_at INTEGER,
    -- The exchange that brought the token, so that a repeated store is recognised.
    last_exchange BLOB,
    -- Keyed hash of the first `sub` seen for the user.
    subject BLOB,
    updated_at INTEGER NOT NULL,
    UNIQUE (merchant, user_id),
    CHECK ((state = 'forgotten') = (sealed IS NULL)),
    CHECK ((state = 'reauth_required') = (reason IS NOT NULL))
);

-- Keyed hashes of every token ever registered or received for a user.
CREATE TABLE known_tokens (
    token_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, hash)
);

-- The ledger: one row per intent. No foreign key, so that nothing here waits for what a claim locks.
CREATE TABLE exchanges (
    id BLOB PRIMARY KEY,
    token_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    presentation INTEGER NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('order', 'keeper', 'manual')),
    purpose_ref BLOB,
    holder BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    outcome TEXT CHECK (outcome IN ('rotated', 'unchanged', 'rejected', 'not_sent', 'refused', 'no_answer', 'superseded')),
    -- Whether the unanswered request may still be travelling (a time-out, not a 500).
    travelling BOOLEAN NOT NULL DEFAULT 0,
    UNIQUE (token_id, generation, presentation),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
CREATE INDEX exchanges_open ON exchanges (holder) WHERE outcome IS NULL;

-- Access and id_token of an exchange, encrypted, kept for what it was made for until that ends.
CREATE TABLE kept (
    purpose_ref BLOB PRIMARY KEY,
    token_id INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    good_until INTEGER NOT NULL
);
CREATE INDEX kept_token ON kept (token_id);
