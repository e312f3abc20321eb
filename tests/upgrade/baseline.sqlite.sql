PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE klarna_worker_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 14:46:12',1,X'94d551ad94facac4cc3af2caa147d2d6c63fe17b26692cce9b5702549cd7f45b1d9a47c15adf5aee01533a0e53f51d2a',51784861);
CREATE TABLE installation (
    one BOOLEAN PRIMARY KEY DEFAULT 1 CHECK (one),
    name TEXT NOT NULL,
    -- The lowest PROGRAM_LEVEL (src/store/migrations.rs) that can work with this schema.
    minimum_program INTEGER NOT NULL,
    -- Encrypted. The key of the hashes in known_tokens and of tokens.subject.
    hash_key BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    -- The setting queue.order_deadline, as on PostgreSQL. Each start of the service writes it.
    order_deadline_micros INTEGER NOT NULL DEFAULT 600000000,
    -- When an operator last reported that the database had been restored from a backup.
    restored_at INTEGER
);
INSERT INTO installation VALUES(1,'e2e',1,X'01026b314c12d370816fb9187b2363019c0a27bb61fb638f6f432ef0d9b9b929463051474ddc36fee8589ada08164613018a4ad106ab931816c8224b5ccebca5105cca1d5058efa7c27c60cb',1795963572352094,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795963572384168);
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- Incremented by rotation, registration and erasure, and by nothing else. It never starts
    -- again.
    generation INTEGER NOT NULL,
    -- The generation at which the present grant was registered.
    grant_generation INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'reauth_required', 'uncertain', 'forgotten')),
    reason TEXT CHECK (reason IN ('rejected', 'answer_lost', 'expired')),
    -- The encrypted refresh token, bound to merchant, id, generation and provider of this row. Null
    -- once the user is forgotten, and of a token that no longer works after retention.ledger.
    sealed BLOB,
    -- The provider that issued the token: a fingerprint of token endpoint and client id. The token is
    -- presented to no other.
    provider BLOB,
    -- When the user signed in: when the first token of the present grant was issued. Null if that is
    -- not known. An older sign-in does not replace a newer one.
    signed_in_at INTEGER,
    -- When the present token was issued.
    issued_at INTEGER,
    expires_at INTEGER,
    -- The exchange that returned this token. It makes a repeated write of the same successor
    -- recognisable.
    last_exchange BLOB,
    -- Keyed hash of the first `sub` seen for this user.
    subject BLOB,
    updated_at INTEGER NOT NULL,
    -- When the keeper refreshes the token. Null where it does not.
    refresh_due_at INTEGER,
    -- The generation for which refresh_due_at was set. A due date of another generation does not
    -- count.
    refresh_due_generation INTEGER,
    -- Consecutive failed refreshes.
    refresh_failures INTEGER NOT NULL DEFAULT 0,
    -- Why the due date differs from what the settings say.
    refresh_note TEXT CHECK (refresh_note IN
        ('age_unknown', 'not_sent', 'refused', 'no_answer', 'unchanged', 'unavailable', 'waits', 'idle')),
    -- The last sign-in, or the last order that took a token.
    last_seen_at INTEGER,
    UNIQUE (merchant, user_id),
    CHECK (state <> 'forgotten' OR sealed IS NULL),
    CHECK (state NOT IN ('active', 'uncertain') OR sealed IS NOT NULL),
    CHECK (sealed IS NULL OR provider IS NOT NULL),
    CHECK ((state = 'reauth_required') = (reason IS NOT NULL))
);
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3156e4c90863fb3149e9ec06ef109a0f0cd79aa12a3d01b66ad6c6e0b5d3b2e39b1d88a2e407659c005cbedefdcd60f053a13a3f359c03250aafbdfc01441009f443fa954aceeecdd5f328296ebe95d883ab2dbb159147fd9aa863',X'fa6ece6fff63499099305fa7dd4aa718',1795963573948025,1795963579414951,1801147579414951,X'01a227c56beb7380b60a998d534b5c87',X'90b664528ffe54f062198903567082aa7b852d1109deca0ae14c435b8554c50d',1795963579438714,1798932799895831,3,0,NULL,1795963579438714);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b315aab798a2b68cdf312dad6cd97809a5d08b0960780ff432897b115d15da907de4667137ad7d98f46c6d1f012cf3dd09e179b369005c645cfad654a332c7449206b8c6d7cf186fe97abcebcca69d9d464a6a0f25c08e75be48e9e',X'fa6ece6fff63499099305fa7dd4aa718',1795963574907729,1795963574907729,1801147574907729,NULL,NULL,1795963574909956,1798945302856276,1,0,NULL,1795963574907729);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b3139d7700f0969b6f4ded83213e5c9fb05d7a21c91b5f862868219add181c249b290e6b6a44efbe7bda35b46aece0cdf959bf491ebb8c2072e7b9f2ada7ecd85097c3ff63ac8669c8d8b7e0488f977df640c3f346b036ac9837ee9',X'fa6ece6fff63499099305fa7dd4aa718',1795963575773876,1795963575773876,1801147575773876,NULL,NULL,1795963583759021,NULL,1,0,NULL,1795963575773876);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31d51c9a6ff46c3196742cd8bb3b146a18438d70e056a5f4146d537694a5dbac8e957e0943e33f1fdb93b2030b7a33894d1032792f80ded7f7e65755dd3f4245dfb2445ef21043a96b7a180f4e1d2b0d6bb1fbb0fd24455e55748d',X'fa6ece6fff63499099305fa7dd4aa718',1795963576609745,1795963576609745,1801147576609745,NULL,NULL,1795963586389287,NULL,1,0,NULL,1795963576609745);
CREATE TABLE providers (
    merchant TEXT NOT NULL,
    provider BLOB NOT NULL,
    -- It was the last to grant a token of the merchant. Until it is, tokens are presented one at a
    -- time.
    proven BOOLEAN NOT NULL DEFAULT 0,
    -- Since when the merchant is stopped: too many tokens were rejected in a row.
    stopped_at INTEGER,
    -- How many users' tokens were rejected in a row.
    rejections INTEGER NOT NULL DEFAULT 0,
    -- How many probes were sent since, and when the next one may be.
    probes INTEGER NOT NULL DEFAULT 0,
    probe_at INTEGER,
    PRIMARY KEY (merchant, provider),
    CHECK ((stopped_at IS NULL) = (probe_at IS NULL))
);
INSERT INTO providers VALUES('shop',X'fa6ece6fff63499099305fa7dd4aa718',1,NULL,0,0,NULL);
CREATE TABLE adopted_providers (
    provider BLOB NOT NULL,
    adopted BLOB NOT NULL,
    PRIMARY KEY (provider, adopted)
);
CREATE TABLE known_tokens (
    hash BLOB PRIMARY KEY,
    token_id INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
);
INSERT INTO known_tokens VALUES(X'71086613532f31e7bdf21acd1200a254fb2fd361755e2ac76495ad34abe2787d',1,1795963573958526);
INSERT INTO known_tokens VALUES(X'22308472130b72a72cc13b68832daaa537e503fc7245003ff91ad4d163e8cdd8',2,1795963574909956);
INSERT INTO known_tokens VALUES(X'a58f89f6d177c7136e00a41418202869cd5710b654a05d3e5493dd3c4dd517cc',3,1795963575774832);
INSERT INTO known_tokens VALUES(X'6ff88099b71f6b8134a549dc3672d38f21a2c901de7bff2756a30efac4111a9e',4,1795963576612711);
INSERT INTO known_tokens VALUES(X'5250153c1d81714677250ba9ff52845eb6602e710d2e16c7880a11ef4fd286f7',1,1795963576801923);
INSERT INTO known_tokens VALUES(X'886edd08444c367ba8dd734738887e27d8d0d6650b83cf6f26731f81f517fb5a',1,1795963579414951);
CREATE TABLE user_changes (
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- The old name and the new one of a renaming. Null: an erasure.
    renamed_from TEXT,
    renamed_to TEXT,
    PRIMARY KEY (merchant, user_id),
    CHECK ((renamed_from IS NULL) = (renamed_to IS NULL))
);
CREATE TABLE pauses (
    -- Empty: all merchants.
    merchant TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('orders', 'exchanges', 'keeper', 'webhooks')),
    reason TEXT NOT NULL,
    -- Who ordered it, as the audit log names them.
    paused_by TEXT NOT NULL,
    paused_at INTEGER NOT NULL,
    -- Null: until it is resumed.
    ends_at INTEGER,
    PRIMARY KEY (merchant, kind)
);
CREATE TABLE orders (
    id BLOB PRIMARY KEY,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    idempotency_key TEXT,
    -- SHA-256 of the request, to recognise a repeated one.
    digest BLOB NOT NULL,
    -- Klarna receives the body exactly as the shop wrote it. Retention removes it.
    body TEXT,
    -- The product of Klarna that the order is submitted to. Null: as the merchant's settings say when
    -- it is submitted.
    target TEXT CHECK (target IN ('checkout', 'payments')),
    -- Whether the order is prefilled. Null: as the merchant's settings say.
    prefill BOOLEAN,
    -- An order that a worker validates before anything else. PostgreSQL's enqueue_order() makes
    -- such; nothing does here.
    unchecked BOOLEAN NOT NULL DEFAULT 0,
    -- The span that accepted the order, as a W3C traceparent. Spans of its attempts are linked to
    -- it.
    trace TEXT,
    status TEXT NOT NULL DEFAULT 'queued'
        CHECK (status IN ('queued', 'running', 'submitted', 'failed', 'cancelled')),
    accepted_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    first_claimed_at INTEGER,
    ended_at INTEGER,
    worker BLOB,
    -- Incremented by each claim. Every write of a worker names its claim, so a lost worker cannot
    -- overwrite the next.
    claim_number INTEGER NOT NULL DEFAULT 0,
    -- The claim whose create call was about to be sent last. If that worker is lost, the order may be
    -- at Klarna.
    sent_claim INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    lost_workers INTEGER NOT NULL DEFAULT 0,
    -- Klarna may have received the order twice.
    possible_duplicate BOOLEAN NOT NULL DEFAULT 0,
    token_outcome TEXT,
    prefilled TEXT,
    -- Klarna's id of the order or session.
    klarna_id TEXT,
    -- What the shop gets for the shopper's browser: of the target checkout HTML, of payments JSON.
    -- Retention removes it with the body.
    result TEXT,
    correlation_id TEXT,
    -- JSON: the last error.
    error TEXT,
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((status IN ('submitted', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
INSERT INTO orders VALUES(X'01a227c5618870e3b51fcb3614fb640f','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795963576726751,1795963576726751,1795964176726751,1795963576746910,1795963576928251,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','dfa9ab23-cd91-44b1-8014-71fe5316dca1','<div id="klarna-checkout-container" data-order-id="dfa9ab23-cd91-44b1-8014-71fe5316dca1" style="overflow-x: hidden;"></div>','f9e0b226-c232-4793-a3fb-8a327039a7fd',NULL);
INSERT INTO orders VALUES(X'01a227c56bbd78509bbd2fac755b6abc','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795963579330212,1795963579330212,1795964179330212,1795963579359573,1795963579470265,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','82197a1a-3488-437e-8309-4c2d4fde2ba1','<div id="klarna-checkout-container" data-order-id="82197a1a-3488-437e-8309-4c2d4fde2ba1" style="overflow-x: hidden;"></div>','1ecc5779-5bad-4bbe-98e6-2373addac11a',NULL);
INSERT INTO orders VALUES(X'01a227c574a572538a81e5bb0e4ebac7','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795963581607700,1795963581607700,1795964181607700,1795963581635069,1795963581673887,NULL,1,1,1,0,0,'not_registered','[]','6a02cc59-5bf6-4128-b3eb-6daa881f389f','<div id="klarna-checkout-container" data-order-id="6a02cc59-5bf6-4128-b3eb-6daa881f389f" style="overflow-x: hidden;"></div>','66afcd39-9107-46c4-bc34-f1891f2ba326',NULL);
INSERT INTO orders VALUES(X'01a227c57cbe7b2ba61c626b325d1d4e','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795963583693841,1795963583693841,1795964183693841,1795963583727243,1795963583818575,NULL,1,1,1,0,0,'reauth_required','[]','87ad0c06-369f-43ba-8704-11212ecd1672','<div id="klarna-checkout-container" data-order-id="87ad0c06-369f-43ba-8704-11212ecd1672" style="overflow-x: hidden;"></div>','99f16676-f19a-4052-8e8b-51aa9d5076da',NULL);
INSERT INTO orders VALUES(X'01a227c5871874e6b9b851d8e2b2abb6','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795963586331177,1795963586331177,1795964186331177,1795963586354803,1795963586434417,NULL,1,1,1,0,0,'uncertain','[]','90292b55-b3c5-4d2a-b098-de2f68d91e73','<div id="klarna-checkout-container" data-order-id="90292b55-b3c5-4d2a-b098-de2f68d91e73" style="overflow-x: hidden;"></div>','4421d9d7-dad6-47e2-ae55-cb376f064fc8',NULL);
INSERT INTO orders VALUES(X'01a227c5905176ba87dbf53849721962','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795963588689718,1795963588689718,1795964188689718,1795963588709101,1795963588746095,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"4e8514cb-7499-4cde-ae1f-d354055b0ce0"}');
INSERT INTO orders VALUES(X'01a227c59930706bb9c6ddfe1fb04b02','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795963590970889,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a227c59bef7ad7b72d3d6dd9b16a78','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795963591674851,4070908800000000,4070909400000000,NULL,1795963592691391,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a227c5905176ba87dbf53849721962',1795963588746095,X'01a227c550bd7577909411a13a6545b3',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"4e8514cb-7499-4cde-ae1f-d354055b0ce0"}');
CREATE TABLE workers (
    id BLOB PRIMARY KEY,
    -- The instance folder that the process has locked. The holder of that lock knows that all
    -- earlier starts from the same folder are dead.
    instance BLOB NOT NULL,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    -- When the last heartbeat came, for people. Nothing is decided by it: clocks may step.
    heartbeat_at INTEGER NOT NULL,
    -- The number of heartbeats. A worker is silent for as long as another one has watched this
    -- number stay the same, by its own clock.
    beats INTEGER NOT NULL DEFAULT 1,
    ended_at INTEGER
);
INSERT INTO workers VALUES(X'01a227c550bd7577909411a13a6545b3',X'01a227c550b57615a00c01281f9db247','vm/27273',1795963572451804,1795963592491417,20,1795963592780563);
CREATE TABLE exchanges (
    id BLOB PRIMARY KEY,
    token_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    -- How often this generation was sent, this time included.
    presentation INTEGER NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('order', 'keeper', 'manual', 'vend')),
    -- The order, the sweep or the vend that the exchange was made for.
    purpose_ref BLOB,
    -- The worker that sends the token.
    holder BLOB NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    outcome TEXT CHECK (outcome IN
        ('rotated', 'unchanged', 'rejected', 'not_sent', 'refused', 'no_answer', 'superseded')),
    -- The unanswered request may still reach Klarna: it timed out, as opposed to an answer with
    -- status 500.
    travelling BOOLEAN NOT NULL DEFAULT 0,
    -- The provider that rejected the token. Null with any other outcome.
    provider BLOB,
    UNIQUE (token_id, generation, presentation),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
INSERT INTO exchanges VALUES(X'01a227c561cb7069b827d2ec8075fa7b',1,1,1,'order',X'01a227c5618870e3b51fcb3614fb640f',X'01a227c550bd7577909411a13a6545b3',1795963576781616,1795963576835939,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a227c56beb7380b60a998d534b5c87',1,2,1,'order',X'01a227c56bbd78509bbd2fac755b6abc',X'01a227c550bd7577909411a13a6545b3',1795963579377551,1795963579438714,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a227c57cf673df8fa350359e233721',3,1,1,'order',X'01a227c57cbe7b2ba61c626b325d1d4e',X'01a227c550bd7577909411a13a6545b3',1795963583734839,1795963583759021,'rejected',0,X'fa6ece6fff63499099305fa7dd4aa718');
INSERT INTO exchanges VALUES(X'01a227c58744733d9c80f475a204b1a6',4,1,1,'order',X'01a227c5871874e6b9b851d8e2b2abb6',X'01a227c550bd7577909411a13a6545b3',1795963586374390,1795963586389287,'no_answer',1,NULL);
CREATE TABLE cached_tokens (
    purpose_ref BLOB PRIMARY KEY,
    token_id INTEGER NOT NULL,
    -- The grant that they came from, as tokens.grant_generation: those of an earlier grant are not vended.
    grant_generation INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    good_until INTEGER NOT NULL
);
CREATE TABLE revocations (
    -- The row and generation that had the token. `sealed` is bound to both, to merchant and provider.
    token_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    merchant TEXT NOT NULL,
    provider BLOB NOT NULL,
    sealed BLOB NOT NULL,
    asked_at INTEGER NOT NULL,
    -- A claim moves this forward by the longest time an attempt may take. If the process dies, the
    -- revocation is due again.
    due_at INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    -- Incremented by each claim. Every write of a process names its claim.
    claim_number INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (token_id, generation)
);
CREATE TABLE keeper (
    one BOOLEAN PRIMARY KEY DEFAULT 1 CHECK (one),
    -- The worker that has the right to sweep, until leased_until.
    holder BLOB,
    leased_until INTEGER,
    began_at INTEGER,
    -- The end of the last sweep that was completed.
    ended_at INTEGER,
    CHECK ((holder IS NULL) = (leased_until IS NULL))
);
INSERT INTO keeper VALUES(1,NULL,NULL,NULL,NULL);
CREATE TABLE webhook_endpoints (
    merchant TEXT PRIMARY KEY,
    -- SHA-256 of URL and secrets. A change of either enables the endpoint again.
    fingerprint BLOB NOT NULL,
    -- The first failure since the last success.
    failing_since INTEGER,
    disabled_at INTEGER,
    disabled_why TEXT CHECK (disabled_why IN ('gone', 'failing')),
    CHECK ((disabled_at IS NULL) = (disabled_why IS NULL))
);
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795963576983054,NULL,NULL);
CREATE TABLE webhooks (
    -- The order in lists.
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The event's id as the shop sees it, the same in each attempt.
    id BLOB NOT NULL UNIQUE,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    order_id BLOB,
    kind TEXT NOT NULL CHECK (kind IN
        ('order.submitted', 'order.failed', 'token.reauth_required', 'token.recovered')),
    -- JSON: ids and codes, no personal data.
    data TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed')),
    occurred_at INTEGER NOT NULL,
    -- A claim moves this forward by the longest time an attempt may take. If the process dies, the
    -- event is due again.
    due_at INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    ended_at INTEGER,
    -- Incremented by each claim. Every write of a sender names its claim.
    claim_number INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT,
    CHECK ((status = 'pending') = (ended_at IS NULL))
);
INSERT INTO webhooks VALUES(1,X'552a158d9b3c4ee7afc757f74aedf84f','shop','alma',X'01a227c5618870e3b51fcb3614fb640f','order.submitted','{"order_id":"01a227c5-6188-70e3-b51f-cb3614fb640f","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"dfa9ab23-cd91-44b1-8014-71fe5316dca1","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795963576928251,1795963646498656,1796222776928251,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'ef46abc98d224d9ca0d47d0b76301a37','shop','alma',X'01a227c56bbd78509bbd2fac755b6abc','order.submitted','{"order_id":"01a227c5-6bbd-7850-9bbd-2fac755b6abc","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"82197a1a-3488-437e-8309-4c2d4fde2ba1","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795963579470265,1795963647729646,1796222779470265,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'782e833dfa2a467eabab4bea41fc6a2f','shop','never',X'01a227c574a572538a81e5bb0e4ebac7','order.submitted','{"order_id":"01a227c5-74a5-7253-8a81-e5bb0e4ebac7","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"6a02cc59-5bf6-4128-b3eb-6daa881f389f","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795963581673887,1795963644424874,1796222781673887,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'9e1f3034c00a4552a8b5c30c114b4f1b','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795963583759021,1795963654856620,1796222783759021,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'6d0f70a18fe14520af538241b3cffca4','shop','revoked',X'01a227c57cbe7b2ba61c626b325d1d4e','order.submitted','{"order_id":"01a227c5-7cbe-7b2b-a61c-626b325d1d4e","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"87ad0c06-369f-43ba-8704-11212ecd1672","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795963583818575,1795963647830651,1796222783818575,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'6a3b31c40d7349bba397c8e0847613ac','shop','lost',X'01a227c5871874e6b9b851d8e2b2abb6','order.submitted','{"order_id":"01a227c5-8718-74e6-b9b8-51d8e2b2abb6","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"90292b55-b3c5-4d2a-b098-de2f68d91e73","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795963586434417,1795963653196162,1796222786434417,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'53c8fe1b06594ac4a311c3225607ecdb','shop','never',X'01a227c5905176ba87dbf53849721962','order.failed','{"order_id":"01a227c5-9051-76ba-87db-f53849721962","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795963588746095,1795963593898135,1796222788746095,NULL,1,1,'not sent: connection refused');
CREATE TABLE audit_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    chain BLOB NOT NULL,
    -- Counts the rows of the chain, from 1.
    number INTEGER NOT NULL CHECK (number > 0),
    -- Never before the row before.
    happened_at INTEGER NOT NULL,
    -- 'key:NAME', 'command:USER', 'local' (an API without keys) or 'service'.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    outcome TEXT NOT NULL,
    request_id TEXT,
    merchant TEXT,
    -- A keyed hash of merchant and user.
    user_hash BLOB,
    object TEXT,
    -- In a chain's first row: the newest row of the table when the chain began.
    joined_id INTEGER,
    -- Time and hash of the row before; of the row joined_id in a chain's first row.
    previous_at INTEGER,
    previous_hash BLOB NOT NULL CHECK (length(previous_hash) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    UNIQUE (chain, number)
);
INSERT INTO audit_log VALUES(1,X'01a227c5539676a69a98f73a14a475aa',1,1795963572927391,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'09b1ffe8d5485643a7e6ad9dd736c5a15af991f76ab9f8ba48221598d868a81b');
INSERT INTO audit_log VALUES(2,X'01a227c5539676a69a98f73a14a475aa',2,1795963573992861,'local','token.register','done','01a227c5-56bb-7434-bebd-7a206f930957','shop',X'77d173dd1a107c6288fa848533279785',NULL,NULL,1795963572927391,X'09b1ffe8d5485643a7e6ad9dd736c5a15af991f76ab9f8ba48221598d868a81b',X'9ca495274066ba292b7a0b5a065bb0850a064e78468c340c84a7bf944a6240c8');
INSERT INTO audit_log VALUES(3,X'01a227c5539676a69a98f73a14a475aa',3,1795963574921382,'local','token.register','done','01a227c5-5a7b-74e8-ac59-6240b5005797','shop',X'14c6303d82b957e6966d85de6cc8e10f',NULL,NULL,1795963573992861,X'9ca495274066ba292b7a0b5a065bb0850a064e78468c340c84a7bf944a6240c8',X'adec6d96d71a4a6fe01c897fc5e83d052a1af86692017cee6a6988759f7733b8');
INSERT INTO audit_log VALUES(4,X'01a227c5539676a69a98f73a14a475aa',4,1795963575794043,'local','token.register','done','01a227c5-5ddd-7660-b727-52efaafc6799','shop',X'5008fcfa222eaaaf8d70b5e16c2b3f42',NULL,NULL,1795963574921382,X'adec6d96d71a4a6fe01c897fc5e83d052a1af86692017cee6a6988759f7733b8',X'f293689b52c8a31afaf13890c437268296d5511256b4f8a13b6569e6bfe54c8b');
INSERT INTO audit_log VALUES(5,X'01a227c5539676a69a98f73a14a475aa',5,1795963576646104,'local','token.register','done','01a227c5-6121-7760-ae22-caa8adf2fed0','shop',X'bea307c0d74885763d63b625419efea8',NULL,NULL,1795963575794043,X'f293689b52c8a31afaf13890c437268296d5511256b4f8a13b6569e6bfe54c8b',X'8c927eba0036415df660ae32f35a0afab32fba91187a61840f50efaf6e1f053a');
INSERT INTO audit_log VALUES(6,X'01a227c5539676a69a98f73a14a475aa',6,1795963576737610,'local','order.submit','done','01a227c5-6187-7528-812d-9027e9658fc9','shop',X'77d173dd1a107c6288fa848533279785','01a227c5-6188-70e3-b51f-cb3614fb640f',NULL,1795963576646104,X'8c927eba0036415df660ae32f35a0afab32fba91187a61840f50efaf6e1f053a',X'0723364a59a08e2ff3a99d5017c0abaa03e5a0bf211041c30f7d64ceda470b65');
INSERT INTO audit_log VALUES(7,X'01a227c5539676a69a98f73a14a475aa',7,1795963579342193,'local','order.submit','done','01a227c5-6bbd-7513-a454-a7f9753386e2','shop',X'77d173dd1a107c6288fa848533279785','01a227c5-6bbd-7850-9bbd-2fac755b6abc',NULL,1795963576737610,X'0723364a59a08e2ff3a99d5017c0abaa03e5a0bf211041c30f7d64ceda470b65',X'4eb66aae08bbece38d4a4af221cb0f1076914d7b80e56ee4e76e0d489e24f0f1');
INSERT INTO audit_log VALUES(8,X'01a227c5539676a69a98f73a14a475aa',8,1795963581621794,'local','order.submit','done','01a227c5-74a5-71c4-bad7-5cce699ca569','shop',X'0ad238cbfab986dca37af52a6bd504af','01a227c5-74a5-7253-8a81-e5bb0e4ebac7',NULL,1795963579342193,X'4eb66aae08bbece38d4a4af221cb0f1076914d7b80e56ee4e76e0d489e24f0f1',X'e52802ea4da08079f4346549434af9a137e46f6adf2cb41d94940b25d677e265');
INSERT INTO audit_log VALUES(9,X'01a227c5539676a69a98f73a14a475aa',9,1795963583706703,'local','order.submit','done','01a227c5-7cbd-734b-91d6-871b2019107b','shop',X'5008fcfa222eaaaf8d70b5e16c2b3f42','01a227c5-7cbe-7b2b-a61c-626b325d1d4e',NULL,1795963581621794,X'e52802ea4da08079f4346549434af9a137e46f6adf2cb41d94940b25d677e265',X'c8495cc5f4ea8348df43dc451363e24de07562c2f7a8ef8d9607ec98facb8dea');
INSERT INTO audit_log VALUES(10,X'01a227c5539676a69a98f73a14a475aa',10,1795963586347615,'local','order.submit','done','01a227c5-8717-75a9-9641-5f5cf997cbaf','shop',X'bea307c0d74885763d63b625419efea8','01a227c5-8718-74e6-b9b8-51d8e2b2abb6',NULL,1795963583706703,X'c8495cc5f4ea8348df43dc451363e24de07562c2f7a8ef8d9607ec98facb8dea',X'ff75623467974d9ae01ed0c851fccd605708fc2baf06a7306d00b34af58ed5b2');
INSERT INTO audit_log VALUES(11,X'01a227c5539676a69a98f73a14a475aa',11,1795963588699237,'local','order.submit','done','01a227c5-9050-758d-9e5b-74eb5bf83d68','shop',X'0ad238cbfab986dca37af52a6bd504af','01a227c5-9051-76ba-87db-f53849721962',NULL,1795963586347615,X'ff75623467974d9ae01ed0c851fccd605708fc2baf06a7306d00b34af58ed5b2',X'e3471c493a490604bde30543ae446ace5288ef1847275f61fa10706fb9b40f02');
INSERT INTO audit_log VALUES(12,X'01a227c5539676a69a98f73a14a475aa',12,1795963590976894,'local','order.submit','done','01a227c5-9930-74df-80dc-90aa3cf1f440','shop',X'77d173dd1a107c6288fa848533279785','01a227c5-9930-706b-b9c6-ddfe1fb04b02',NULL,1795963588699237,X'e3471c493a490604bde30543ae446ace5288ef1847275f61fa10706fb9b40f02',X'd228f24658a5ca231fc2a3b6c8c3e2d46cd01056fafafbd8202251a0ce3aced9');
INSERT INTO audit_log VALUES(13,X'01a227c5539676a69a98f73a14a475aa',13,1795963591684584,'local','order.submit','done','01a227c5-9bee-7222-817e-cd1b65f9d44c','shop',X'77d173dd1a107c6288fa848533279785','01a227c5-9bef-7ad7-b72d-3d6dd9b16a78',NULL,1795963590976894,X'd228f24658a5ca231fc2a3b6c8c3e2d46cd01056fafafbd8202251a0ce3aced9',X'93cba2fb672777f113d5322ca7ee7d5aa30baffa3a7c01dfd0b98998b9acb2b5');
INSERT INTO audit_log VALUES(14,X'01a227c5a01670a8a514d66b9c24387c',1,1795963592716374,'command:root','order.cancel','done',NULL,NULL,NULL,'01a227c5-9bef-7ad7-b72d-3d6dd9b16a78',13,1795963591684584,X'93cba2fb672777f113d5322ca7ee7d5aa30baffa3a7c01dfd0b98998b9acb2b5',X'ad61edd8d66a3ac486fb5cc97cf5e059b6420ff73e8a843c23f0b466082c677c');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',7);
INSERT INTO sqlite_sequence VALUES('audit_log',14);
INSERT INTO sqlite_sequence VALUES('tokens',4);
CREATE INDEX tokens_due ON tokens (expires_at / 86400000000, refresh_due_at, id)
    WHERE state = 'active' AND refresh_due_at IS NOT NULL;
CREATE INDEX tokens_undated ON tokens (id)
    WHERE state = 'active' AND refresh_due_generation IS NOT generation;
CREATE INDEX tokens_seen ON tokens (coalesce(last_seen_at, updated_at)) WHERE state <> 'forgotten';
CREATE INDEX tokens_state ON tokens (merchant, state, user_id);
CREATE INDEX tokens_dead ON tokens (updated_at)
    WHERE state = 'reauth_required' AND sealed IS NOT NULL;
CREATE INDEX tokens_uncertain ON tokens (id) WHERE state = 'uncertain';
CREATE INDEX known_tokens_row ON known_tokens (token_id, seen_at);
CREATE UNIQUE INDEX orders_idempotency ON orders (merchant, idempotency_key)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_due ON orders (merchant, due_at, id, first_claimed_at) WHERE status = 'queued';
CREATE INDEX orders_next ON orders (due_at) WHERE status = 'queued';
CREATE INDEX orders_running ON orders (merchant, user_id) WHERE status = 'running';
CREATE INDEX orders_worker ON orders (worker) WHERE status = 'running';
CREATE INDEX orders_user ON orders (merchant, user_id, id);
CREATE INDEX orders_outcome ON orders (status, id, merchant, token_outcome);
CREATE INDEX orders_duplicate ON orders (id) WHERE possible_duplicate;
CREATE INDEX orders_error ON orders (id) WHERE error IS NOT NULL;
CREATE INDEX orders_wipe ON orders (ended_at)
    WHERE ended_at IS NOT NULL AND (body IS NOT NULL OR result IS NOT NULL);
CREATE INDEX order_attempts_order ON order_attempts (order_id, seq);
CREATE TRIGGER note_attempt AFTER UPDATE OF status ON orders
WHEN OLD.status = 'running' AND NEW.status IN ('queued', 'failed')
    AND (NEW.attempts > OLD.attempts OR NEW.lost_workers > OLD.lost_workers)
BEGIN
    INSERT INTO order_attempts (order_id, ended_at, worker, lost, error)
    VALUES (NEW.id, coalesce(NEW.ended_at, CAST(unixepoch('subsec') * 1000000 AS INTEGER)), OLD.worker,
        NEW.lost_workers > OLD.lost_workers, iif(NEW.lost_workers > OLD.lost_workers, NULL, NEW.error));
END;
CREATE TRIGGER forget_attempts AFTER UPDATE OF user_id ON orders
WHEN OLD.user_id <> NEW.user_id AND length(NEW.digest) = 0
BEGIN
    DELETE FROM order_attempts WHERE order_id = NEW.id;
END;
CREATE INDEX workers_instance ON workers (instance) WHERE ended_at IS NULL;
CREATE INDEX exchanges_open ON exchanges (holder) WHERE outcome IS NULL;
CREATE INDEX exchanges_no_answer ON exchanges (token_id, generation) WHERE outcome = 'no_answer';
CREATE INDEX cached_tokens_token ON cached_tokens (token_id);
CREATE INDEX revocations_due ON revocations (merchant, due_at);
CREATE INDEX webhooks_due ON webhooks (merchant, due_at) WHERE status = 'pending';
CREATE INDEX webhooks_user ON webhooks (merchant, user_id);
CREATE INDEX webhooks_ended ON webhooks (ended_at) WHERE ended_at IS NOT NULL;
CREATE TRIGGER tell_of_order AFTER UPDATE OF status ON orders
WHEN NEW.status IN ('submitted', 'failed') AND OLD.status <> NEW.status
BEGIN
    INSERT INTO webhooks (id, merchant, user_id, order_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT
        unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2)
            || 'A' || substr(hex(randomblob(8)), 2)),
        NEW.merchant, NEW.user_id, NEW.id, 'order.' || NEW.status,
        CASE NEW.status
            WHEN 'submitted' THEN json_object(
                'order_id', i.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                CASE NEW.target WHEN 'payments' THEN 'session_id' ELSE 'klarna_order_id' END, NEW.klarna_id,
                'token', NEW.token_outcome,
                'possible_duplicate', json(iif(NEW.possible_duplicate, 'true', 'false')),
                'prefilled', json(f.filled), 'prefill_withdrawn', json(f.withdrawn))
            ELSE json_object(
                'order_id', i.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                'code', NEW.error ->> 'code', 'token', NEW.token_outcome,
                'possible_duplicate', json(iif(NEW.possible_duplicate, 'true', 'false')),
                'prefilled', json(f.filled), 'prefill_withdrawn', json(f.withdrawn))
        END,
        NEW.ended_at, NEW.ended_at, NEW.ended_at + 259200000000
    FROM webhook_endpoints e, (
        SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' || substr(h, 13, 4)
            || '-' || substr(h, 17, 4) || '-' || substr(h, 21) AS id
        FROM (SELECT lower(hex(NEW.id)) AS h)) AS i, (
        -- Anything else in the column must not keep an order from ending.
        SELECT iif(json_type(p) = 'array', p, '[]') AS filled, coalesce(p -> '$.withdrawn', '[]') AS withdrawn
        FROM (SELECT iif(json_valid(NEW.prefilled), NEW.prefilled, '[]') AS p)) AS f
    WHERE e.merchant = NEW.merchant;
END
;
CREATE TRIGGER tell_of_token AFTER UPDATE OF state ON tokens
WHEN (NEW.state = 'reauth_required') <> (OLD.state = 'reauth_required')
    AND NEW.state IN ('reauth_required', 'active')
BEGIN
    INSERT INTO webhooks (id, merchant, user_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT
        unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2)
            || 'A' || substr(hex(randomblob(8)), 2)),
        NEW.merchant, NEW.user_id,
        CASE NEW.state WHEN 'active' THEN 'token.recovered' ELSE 'token.reauth_required' END,
        json_object('merchant', NEW.merchant, 'user', NEW.user_id, 'reason', NEW.reason),
        NEW.updated_at, NEW.updated_at, NEW.updated_at + 259200000000
    FROM webhook_endpoints e WHERE e.merchant = NEW.merchant;
END;
CREATE INDEX audit_log_happened ON audit_log (happened_at);
CREATE TRIGGER keep_audit_log BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'rows of the audit log cannot be changed');
END;
CREATE TRIGGER keep_whole_audit_log BEFORE DELETE ON audit_log
WHEN OLD.happened_at >= (unixepoch() - 2592000) * 1000000
BEGIN
    SELECT RAISE(ABORT, 'rows of the audit log cannot be deleted within 30 days');
END;
COMMIT;
