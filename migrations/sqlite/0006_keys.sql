-- Only adds. The encryption keys that this database has seen: another key under a known name is refused.
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- Keyed with the key itself: it tells two keys apart, and nothing of either.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
