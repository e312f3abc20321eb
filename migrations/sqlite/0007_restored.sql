-- When an operator last said that the database was restored from a backup.
ALTER TABLE installation ADD COLUMN restored_at INTEGER;
