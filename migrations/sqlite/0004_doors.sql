-- Users by the state of their token: a list of the few that must sign in again reads those alone.
CREATE INDEX tokens_state ON tokens (merchant, state, user_id);
