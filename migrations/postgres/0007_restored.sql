-- When an operator last said that the database was restored from a backup.
ALTER TABLE klarna_worker.installation ADD COLUMN restored_at timestamptz;
