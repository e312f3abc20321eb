-- Only adds. The few tokens that wait for an operator are found without a look at the others.
CREATE INDEX tokens_uncertain ON tokens (id) WHERE state = 'uncertain';
