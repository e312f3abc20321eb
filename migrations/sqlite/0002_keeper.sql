-- Only adds: a program of before goes on beside it. What such a program writes has no due date for its generation, and
-- the next sweep gives it one.

-- When the keeper presents the token; null where it does not.
ALTER TABLE tokens ADD COLUMN refresh_due_at INTEGER;
-- The generation that the due date was set for: that of another is none.
ALTER TABLE tokens ADD COLUMN refresh_due_generation INTEGER;
-- Failures in a row.
ALTER TABLE tokens ADD COLUMN refresh_failures INTEGER NOT NULL DEFAULT 0;
-- Why the due date is another than the settings give.
ALTER TABLE tokens ADD COLUMN refresh_note TEXT
    CHECK (refresh_note IN ('age_unknown', 'not_sent', 'refused', 'no_answer', 'unchanged', 'unavailable', 'waits', 'idle'));
-- The last sign-in, or order that took a token.
ALTER TABLE tokens ADD COLUMN last_seen_at INTEGER;

-- By day of expiry, so that what lapses first is found first however much is due, and no more is read than is due.
CREATE INDEX tokens_due ON tokens (expires_at / 86400000000, refresh_due_at, id)
    WHERE state = 'active' AND refresh_due_at IS NOT NULL;
CREATE INDEX tokens_undated ON tokens (id) WHERE state = 'active' AND refresh_due_generation IS NOT generation;
-- Rows of before have no sign of life but their last change, which then was one.
CREATE INDEX tokens_seen ON tokens (coalesce(last_seen_at, updated_at)) WHERE state <> 'forgotten';

-- One row: who sweeps, and when the last sweep was.
CREATE TABLE keeper (
    one BOOLEAN PRIMARY KEY DEFAULT 1 CHECK (one),
    -- The worker that sweeps, until then.
    holder BLOB,
    leased_until INTEGER,
    began_at INTEGER,
    -- When the last sweep that came to its end did.
    ended_at INTEGER,
    CHECK ((holder IS NULL) = (leased_until IS NULL))
);
INSERT INTO keeper DEFAULT VALUES;
