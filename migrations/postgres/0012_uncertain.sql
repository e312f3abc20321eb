-- no-transaction
-- Only adds. The few tokens that wait for an operator are found without a look at the others.
CREATE INDEX CONCURRENTLY IF NOT EXISTS tokens_uncertain ON klarna_worker.tokens (id) WHERE state = 'uncertain';
