-- Only adds: a program of before goes on beside it. What such a program writes has no due date for its generation, and
-- the next sweep gives it one.
ALTER TABLE klarna_worker.tokens
    -- When the keeper presents the token; null where it does not.
    ADD COLUMN refresh_due_at timestamptz,
    -- The generation that the due date was set for: that of another is none.
    ADD COLUMN refresh_due_generation bigint,
    -- Failures in a row.
    ADD COLUMN refresh_failures bigint NOT NULL DEFAULT 0,
    -- Why the due date is another than the settings give.
    ADD COLUMN refresh_note text
        CHECK (refresh_note IN ('age_unknown', 'not_sent', 'refused', 'no_answer', 'unchanged', 'unavailable', 'waits', 'idle')),
    -- The last sign-in, or order that took a token.
    ADD COLUMN last_seen_at timestamptz;

-- By day of expiry, so that what lapses first is found first however much is due, and no more is read than is due.
CREATE INDEX tokens_due ON klarna_worker.tokens
    (((expires_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01'), refresh_due_at, id)
    -- So that counting needs the index alone.
    INCLUDE (expires_at)
    WHERE state = 'active' AND refresh_due_at IS NOT NULL;
CREATE INDEX tokens_undated ON klarna_worker.tokens (id)
    WHERE state = 'active' AND refresh_due_generation IS DISTINCT FROM generation;
-- Rows of before have no sign of life but their last change, which then was one.
CREATE INDEX tokens_seen ON klarna_worker.tokens (coalesce(last_seen_at, updated_at)) WHERE state <> 'forgotten';

-- One row: who sweeps, and when the last sweep was.
CREATE TABLE klarna_worker.keeper (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    -- The worker that sweeps, until then.
    holder uuid,
    leased_until timestamptz,
    began_at timestamptz,
    -- When the last sweep that came to its end did.
    ended_at timestamptz,
    CHECK ((holder IS NULL) = (leased_until IS NULL))
);
INSERT INTO klarna_worker.keeper DEFAULT VALUES;
