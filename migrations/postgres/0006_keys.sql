-- Only adds. The encryption keys that this database has seen: another key under a known name is refused.
CREATE TABLE klarna_worker.keys (
    name text PRIMARY KEY,
    -- Keyed with the key itself: it tells two keys apart, and nothing of either.
    fingerprint bytea NOT NULL,
    noted_at timestamptz NOT NULL
);
