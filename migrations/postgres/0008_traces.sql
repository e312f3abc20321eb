-- Only adds. Where the order was taken in, as W3C's Trace Context writes it (traceparent): what its attempts are linked to.
ALTER TABLE klarna_worker.orders ADD COLUMN trace text;

-- The SQL door: the caller's transaction may say where it stands, by
-- set_config('klarna_worker.traceparent', '00-…-…-01', true). What is no such text counts for nothing. Orders of before
-- have none, so this comes after the column.
ALTER TABLE klarna_worker.orders ALTER COLUMN trace SET DEFAULT substring(
    current_setting('klarna_worker.traceparent', true) FROM '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$');
