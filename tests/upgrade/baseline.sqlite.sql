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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 04:34:39',1,X'601995796f15952c7e2f00bf44fef85c3e43e3c09a26635e2ae5affb8aefef511feac343c2dd27c5841cdb3828888442',23468387);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31a950628f9540a8c38f11e531989718f5302f7657b4cf6b671370b920ca95d8fa9f6ad52fb6ae0a932d7d8a5f666b49878d86f67f021004f8348faceb0d356ce4d07132ad59c47805',1796013279795035,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1796013279812517);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31b25247782a29ab4bd18456199acbb17261d0ae1c389883c4988caecdf43ba0a7d8889e80e970e3d453ef1629bf8cc484052b58753bb37ae48e17cefa990e80c7c57b2c1a196ed56bbf8864ef35b711693c7b8e3c096b8654b712',X'cc6b45df0cd6aebc08008c6dda5d377d',1796013280249235,1796013281972562,1801197281972562,X'01a22abbd2a6753dae2e60200046e9e6',X'e568f02a417caecd3e56d2154796964f99d13bf874cbfe069e69ad1f19d8026e',1796013281977604,1798982502453442,3,0,NULL,1796013281977604);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31944c44ee16fec299fc653f7b487e3ef91978b7e60e5335ef3e7ab39048773d5f7ad717f7f35fadf743f2bac5374e19a253f06e2940c4fc5f12130d2bbe5fbd762cf0b503943fa67049b139a5601e8b4e54c1f38e3d1e96a8f295',X'cc6b45df0cd6aebc08008c6dda5d377d',1796013280528420,1796013280528420,1801197280528420,NULL,NULL,1796013280531234,1798995008476967,1,0,NULL,1796013280528420);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31a65d4512a145191d9685546a07299d19172d64f2d1e8c017ea4f578c066f8d0b6827b8d70e7f821a7a2203793bea28be897a446458597a296e44640ae3566530d223d1bad3077729592a2c59b7d98536a5815a64c7d2d1904258',X'cc6b45df0cd6aebc08008c6dda5d377d',1796013280795823,1796013280795823,1801197280795823,NULL,NULL,1796013283494873,NULL,1,0,NULL,1796013280795823);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31c0181a4ea392f2bff92b01b79ec74a9c7cd44cb41f47ae4119f48e9e291769616c6c9fec37ca0e42ccf53c3e8dd12d88ca9985ba9411179fcf7aa29886601a7e850b8e7fa6393c7a5dedbe0610b8202d86eade945b0c9412fe8c',X'cc6b45df0cd6aebc08008c6dda5d377d',1796013281096571,1796013281096571,1801197281096571,NULL,NULL,1796013284308757,NULL,1,0,NULL,1796013281096571);
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
INSERT INTO providers VALUES('shop',X'cc6b45df0cd6aebc08008c6dda5d377d',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'3846219b9eb9391ec0f5e4047ea4116b19d2bab411e64ab1028b65045776aeea',1,1796013280250249);
INSERT INTO known_tokens VALUES(X'd27e5af2206ec5fc54ed9345723706cd69eb6e4a5376342c1f3aab7e5c1c1e41',2,1796013280531234);
INSERT INTO known_tokens VALUES(X'8c023425c34ef319cbd6148a018bf776a0043830f28550da94a4bc0775ae91d2',3,1796013280800144);
INSERT INTO known_tokens VALUES(X'5a2b9c4b06a259066fe5e291b2eed33cba45382c31aa0fdc91172c037b2ad73c',4,1796013281097380);
INSERT INTO known_tokens VALUES(X'1ae67dd93f3e10b79da8659b69a3317614f44d4c61152502bd346c8cdfd61ce8',1,1796013281148005);
INSERT INTO known_tokens VALUES(X'5afaf78c79effed69f4544aeeb1ba6b2382ad44814b5410839eb2c303f2d314f',1,1796013281972562);
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
CREATE TABLE probes (
    merchant TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (merchant, endpoint)
);
CREATE TABLE rates (
    merchant TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    -- Up to when, at exactly this rate, the calls made and handed out so far last.
    due_at INTEGER NOT NULL,
    PRIMARY KEY (merchant, endpoint)
);
CREATE TABLE orders (
    id BLOB PRIMARY KEY,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    idempotency_key TEXT,
    -- The earlier order with the same key, which could not be paid any more, and the later one.
    supersedes BLOB,
    superseded_by BLOB,
    -- SHA-256 of the request, to recognise a repeated one.
    digest BLOB NOT NULL,
    -- Klarna receives the body exactly as the shop wrote it. Retention removes it.
    body TEXT,
    -- Incremented by each change of the body.
    version INTEGER NOT NULL DEFAULT 1,
    -- The claim before the last change of the body while the order was queued. Results of claims up to
    -- it are of an earlier body.
    changed_claim INTEGER,
    -- A change of the submitted order is under way at Klarna, at most until then. Each has a number, and
    -- its end names it.
    update_until INTEGER,
    update_claim INTEGER NOT NULL DEFAULT 0,
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
    -- What has become of the order or session at Klarna, as far as it was read, and the rest of what
    -- Klarna said then, as JSON.
    session_phase TEXT CHECK (session_phase IN ('open', 'completed', 'ended')),
    session TEXT,
    session_read_at INTEGER,
    correlation_id TEXT,
    -- JSON: the last error.
    error TEXT,
    -- What searches find the order by, and lists show, of its body.
    merchant_reference1 TEXT,
    merchant_reference2 TEXT,
    order_amount INTEGER,
    purchase_currency TEXT,
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((status IN ('submitted', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
INSERT INTO orders VALUES(X'01a22abbcf647c9f85b7d5ce2044b98d','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796013281125761,1796013281125761,1796013881125761,1796013281125761,1796013281173872,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','3f32c88d-0b44-4cfa-bbf5-479c9bf316f8','<div id="klarna-checkout-container" data-order-id="3f32c88d-0b44-4cfa-bbf5-479c9bf316f8" style="overflow-x: hidden;"><script src="http://127.0.0.1:44467/sandbox/checkout.js" data-order-id="3f32c88d-0b44-4cfa-bbf5-479c9bf316f8"></script></div>',NULL,NULL,NULL,'ecb92dda-2a1d-4b12-b865-5928b912ddd7',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22abbd29877b695c6fc3c242c7f92','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796013281945091,1796013281945091,1796013881945091,1796013281945091,1796013281997197,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','01d01179-1a8f-4378-89d0-dd0bfaf482be','<div id="klarna-checkout-container" data-order-id="01d01179-1a8f-4378-89d0-dd0bfaf482be" style="overflow-x: hidden;"><script src="http://127.0.0.1:44467/sandbox/checkout.js" data-order-id="01d01179-1a8f-4378-89d0-dd0bfaf482be"></script></div>',NULL,NULL,NULL,'7c73360d-d3fb-4ad9-866f-2ad8de970579',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22abbd5a87ab1a30378d7cd797613','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796013282731500,1796013282731500,1796013882731500,1796013282731500,1796013282747411,NULL,1,1,1,0,0,'not_registered','[]','a80266c4-1dd9-44fe-8189-502a6ba1b771','<div id="klarna-checkout-container" data-order-id="a80266c4-1dd9-44fe-8189-502a6ba1b771" style="overflow-x: hidden;"><script src="http://127.0.0.1:44467/sandbox/checkout.js" data-order-id="a80266c4-1dd9-44fe-8189-502a6ba1b771"></script></div>',NULL,NULL,NULL,'8eea2844-4942-47dc-9b32-0d6d83ff6d82',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22abbd890775ba804166c51fbf3f6','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796013283475734,1796013283475734,1796013883475734,1796013283475734,1796013283520332,NULL,1,1,1,0,0,'reauth_required','[]','360e136c-b190-4432-b385-95eae719801f','<div id="klarna-checkout-container" data-order-id="360e136c-b190-4432-b385-95eae719801f" style="overflow-x: hidden;"><script src="http://127.0.0.1:44467/sandbox/checkout.js" data-order-id="360e136c-b190-4432-b385-95eae719801f"></script></div>',NULL,NULL,NULL,'3d27e5d6-2c94-45f6-9d4a-268896ed266a',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22abbdbc171c09f58a289f1984cd8','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796013284290065,1796013284290065,1796013884290065,1796013284290065,1796013284334030,NULL,1,1,1,0,0,'uncertain','[]','0992a8a7-4042-4c49-af0f-1419f5b83831','<div id="klarna-checkout-container" data-order-id="0992a8a7-4042-4c49-af0f-1419f5b83831" style="overflow-x: hidden;"><script src="http://127.0.0.1:44467/sandbox/checkout.js" data-order-id="0992a8a7-4042-4c49-af0f-1419f5b83831"></script></div>',NULL,NULL,NULL,'5f881a0e-f566-4009-b55c-1d47cc256f5f',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22abbded771748ad8d620eeb726cd','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1796013285080274,1796013285080274,1796013885080274,1796013285080274,1796013285096891,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"70cb3251-a506-4b93-815f-7c15e602f36a"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22abbe1887d47b0fe5403a9396231','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1796013285769043,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22abbe28b7c59b4b4d405d337ac8c','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1796013286030975,4070908800000000,4070909400000000,NULL,1796013286319799,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22abbded771748ad8d620eeb726cd',1796013285096891,X'01a22abbca6f7508a33e8fc007925cbb',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"70cb3251-a506-4b93-815f-7c15e602f36a"}');
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
    heartbeats INTEGER NOT NULL DEFAULT 1,
    ended_at INTEGER,
    -- Its circuit breakers that are not closed, for people: a JSON array. Null if all are closed.
    breakers TEXT
);
INSERT INTO workers VALUES(X'01a22abbca6f7508a33e8fc007925cbb',X'01a22abbca6977728f4198c410310d6d','vm/16066',1796013279879474,1796013285898497,13,1796013286349271,NULL);
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
    -- What the exchange failed with, for people: such as the status of the answer. Null if it did not fail.
    cause TEXT,
    UNIQUE (token_id, generation, presentation),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
INSERT INTO exchanges VALUES(X'01a22abbcf6d713ea679a3088af274ae',1,1,1,'order',X'01a22abbcf647c9f85b7d5ce2044b98d',X'01a22abbca6f7508a33e8fc007925cbb',1796013281135016,1796013281150069,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22abbd2a6753dae2e60200046e9e6',1,2,1,'order',X'01a22abbd29877b695c6fc3c242c7f92',X'01a22abbca6f7508a33e8fc007925cbb',1796013281964269,1796013281977604,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22abbd89771e4a63980785e955bbb',3,1,1,'order',X'01a22abbd890775ba804166c51fbf3f6',X'01a22abbca6f7508a33e8fc007925cbb',1796013283480272,1796013283494873,'rejected',0,X'cc6b45df0cd6aebc08008c6dda5d377d',NULL);
INSERT INTO exchanges VALUES(X'01a22abbdbc9755a93de34b1aa1ce694',4,1,1,'order',X'01a22abbdbc171c09f58a289f1984cd8',X'01a22abbca6f7508a33e8fc007925cbb',1796013284297359,1796013284308757,'no_answer',1,NULL,'the connection broke before the answer was complete');
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
CREATE TABLE follow_ups (
    kind TEXT NOT NULL CHECK (kind IN ('push', 'read', 'abort')),
    merchant TEXT NOT NULL,
    klarna_id TEXT NOT NULL,
    -- A claim moves this forward by the longest time an attempt may take. If the process dies, the row
    -- is due again.
    due_at INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    -- Incremented by each claim. Every write of a process names its claim.
    claim_number INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Why the last attempt failed.
    error TEXT,
    given_up_at INTEGER,
    PRIMARY KEY (merchant, klarna_id, kind)
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1796013281199794,NULL,NULL);
CREATE TABLE webhooks (
    -- The order in lists.
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The event's id as the shop sees it, the same in each attempt.
    id BLOB NOT NULL UNIQUE,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    order_id BLOB,
    kind TEXT NOT NULL CHECK (kind IN
        ('order.submitted', 'order.failed', 'order.completed', 'order.expired', 'token.reauth_required',
            'token.recovered', 'webhook.test')),
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
INSERT INTO webhooks VALUES(1,X'47ca17eda7434a69a43aa7374b324b01','shop','alma',X'01a22abbcf647c9f85b7d5ce2044b98d','order.submitted','{"order_id":"01a22abb-cf64-7c9f-85b7-d5ce2044b98d","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"3f32c88d-0b44-4cfa-bbf5-479c9bf316f8","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796013281173872,1796013342917628,1796272481173872,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'9242496e031f4111a8dae0f9be5bd7da','shop','alma',X'01a22abbd29877b695c6fc3c242c7f92','order.submitted','{"order_id":"01a22abb-d298-77b6-95c6-fc3c242c7f92","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"01d01179-1a8f-4378-89d0-dd0bfaf482be","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796013281997197,1796013286765696,1796272481997197,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'5fd0423feb914282adce6dad99dbfcab','shop','never',X'01a22abbd5a87ab1a30378d7cd797613','order.submitted','{"order_id":"01a22abb-d5a8-7ab1-a303-78d7cd797613","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"a80266c4-1dd9-44fe-8189-502a6ba1b771","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796013282747411,1796013287846354,1796272482747411,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'9971b31640494921a4a03324261e30cd','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1796013283494873,1796013288869265,1796272483494873,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'3b83a42c180f4e93a16dd6533fb764a5','shop','revoked',X'01a22abbd890775ba804166c51fbf3f6','order.submitted','{"order_id":"01a22abb-d890-775b-a804-166c51fbf3f6","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"360e136c-b190-4432-b385-95eae719801f","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796013283520332,1796013288069408,1796272483520332,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'78f239ce78e54a6aa92e876fffc1031a','shop','lost',X'01a22abbdbc171c09f58a289f1984cd8','order.submitted','{"order_id":"01a22abb-dbc1-71c0-9f58-a289f1984cd8","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"0992a8a7-4042-4c49-af0f-1419f5b83831","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796013284334030,1796013288951041,1796272484334030,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'cf772ae9fa8b453dafeed05e624be68f','shop','never',X'01a22abbded771748ad8d620eeb726cd','order.failed','{"order_id":"01a22abb-ded7-7174-8ad8-d620eeb726cd","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796013285096891,1796013289660230,1796272485096891,NULL,1,1,'not sent: connection refused');
CREATE TABLE webhook_answers (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant TEXT NOT NULL,
    -- The event's id and kind.
    webhook BLOB NOT NULL,
    kind TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    -- The HTTP status; null if there was no answer.
    status INTEGER,
    took_micros INTEGER NOT NULL,
    -- Why the event was not accepted; null if it was.
    error TEXT
);
INSERT INTO webhook_answers VALUES(1,'shop',X'47ca17eda7434a69a43aa7374b324b01','order.submitted',1796013281199794,NULL,2939,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'9242496e031f4111a8dae0f9be5bd7da','order.submitted',1796013282016272,NULL,1206,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'5fd0423feb914282adce6dad99dbfcab','order.submitted',1796013282762393,NULL,1780,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'9971b31640494921a4a03324261e30cd','token.reauth_required',1796013283535217,NULL,897,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'3b83a42c180f4e93a16dd6533fb764a5','order.submitted',1796013283539987,NULL,1871,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'78f239ce78e54a6aa92e876fffc1031a','order.submitted',1796013284348937,NULL,726,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'cf772ae9fa8b453dafeed05e624be68f','order.failed',1796013285119457,NULL,1188,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(8,'shop',X'47ca17eda7434a69a43aa7374b324b01','order.submitted',1796013286248095,NULL,6459,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22abbcbb57150849e7b1deae6be50',1,1796013279977161,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'0532f76163f0fd5bce2f1fd7043b9f39c61666c7c397df570e0de4c52cfcfd54');
INSERT INTO audit_log VALUES(2,X'01a22abbcbb57150849e7b1deae6be50',2,1796013280255613,'local','token.register','done','01a22abb-cbf8-7326-9989-199a23be5fb2','shop',X'32995a4cee3d0c580e2a44632fb3bf62',NULL,NULL,1796013279977161,X'0532f76163f0fd5bce2f1fd7043b9f39c61666c7c397df570e0de4c52cfcfd54',X'f6b7fa1d060c4169986ce58ae8323a97006ee1a55c31a2cf3661b6697e7ac8fb');
INSERT INTO audit_log VALUES(3,X'01a22abbcbb57150849e7b1deae6be50',3,1796013280546893,'local','token.register','done','01a22abb-cd0f-7523-960c-f0092c304dd2','shop',X'c9501efe9cc190378c1179302dfac32f',NULL,NULL,1796013280255613,X'f6b7fa1d060c4169986ce58ae8323a97006ee1a55c31a2cf3661b6697e7ac8fb',X'388ed77ecf002f7391168cacada1f3ca6959ea23666325e915bf06fc3039c383');
INSERT INTO audit_log VALUES(4,X'01a22abbcbb57150849e7b1deae6be50',4,1796013280807562,'local','token.register','done','01a22abb-ce1b-7552-922a-63bb9661c1e3','shop',X'88c425fd4d9b92de08f73d74afb859d0',NULL,NULL,1796013280546893,X'388ed77ecf002f7391168cacada1f3ca6959ea23666325e915bf06fc3039c383',X'a26a6953b399054cb0af7167972c615b06f2312230e3295195b32bafbb9f4a87');
INSERT INTO audit_log VALUES(5,X'01a22abbcbb57150849e7b1deae6be50',5,1796013281104005,'local','token.register','done','01a22abb-cf47-771f-9636-4cc2cc50d37c','shop',X'9323d25145f9f724fdf916e821d22bc0',NULL,NULL,1796013280807562,X'a26a6953b399054cb0af7167972c615b06f2312230e3295195b32bafbb9f4a87',X'c9337b993efba1c1f258426b9dfa447a4878507d14e4795f41110ea7756d4d78');
INSERT INTO audit_log VALUES(6,X'01a22abbcbb57150849e7b1deae6be50',6,1796013281134580,'local','order.submit','done','01a22abb-cf63-7337-ae36-a80d0745cc5b','shop',X'32995a4cee3d0c580e2a44632fb3bf62','01a22abb-cf64-7c9f-85b7-d5ce2044b98d',NULL,1796013281104005,X'c9337b993efba1c1f258426b9dfa447a4878507d14e4795f41110ea7756d4d78',X'0c5e733f38889f4ceb07a154b890fccff1e2141804e3641e662271f37ab4a66e');
INSERT INTO audit_log VALUES(7,X'01a22abbcbb57150849e7b1deae6be50',7,1796013281953401,'local','order.submit','done','01a22abb-d297-7472-9cae-a376fd02c232','shop',X'32995a4cee3d0c580e2a44632fb3bf62','01a22abb-d298-77b6-95c6-fc3c242c7f92',NULL,1796013281134580,X'0c5e733f38889f4ceb07a154b890fccff1e2141804e3641e662271f37ab4a66e',X'8ffb00bdb4b8b14d8b30b5ee72a4e3d1e41757d67f058c7255c01661e24fe670');
INSERT INTO audit_log VALUES(8,X'01a22abbcbb57150849e7b1deae6be50',8,1796013282735607,'local','order.submit','done','01a22abb-d5a7-703d-ac25-4a4f0242ae05','shop',X'7f482a718f5183b9735093dd09778f74','01a22abb-d5a8-7ab1-a303-78d7cd797613',NULL,1796013281953401,X'8ffb00bdb4b8b14d8b30b5ee72a4e3d1e41757d67f058c7255c01661e24fe670',X'a064b1a86fcee2a37a5800146122a3655be2e26f5833facb2e427b2d320b03f3');
INSERT INTO audit_log VALUES(9,X'01a22abbcbb57150849e7b1deae6be50',9,1796013283480522,'local','order.submit','done','01a22abb-d88f-732d-badf-309eb7aed8c1','shop',X'88c425fd4d9b92de08f73d74afb859d0','01a22abb-d890-775b-a804-166c51fbf3f6',NULL,1796013282735607,X'a064b1a86fcee2a37a5800146122a3655be2e26f5833facb2e427b2d320b03f3',X'b476603a2c97b7a4a54d9603127d6befb3f8e40fa3785447b1d6e5ed126a3959');
INSERT INTO audit_log VALUES(10,X'01a22abbcbb57150849e7b1deae6be50',10,1796013284297796,'local','order.submit','done','01a22abb-dbbf-759c-9b4a-d7c25ad6f49e','shop',X'9323d25145f9f724fdf916e821d22bc0','01a22abb-dbc1-71c0-9f58-a289f1984cd8',NULL,1796013283480522,X'b476603a2c97b7a4a54d9603127d6befb3f8e40fa3785447b1d6e5ed126a3959',X'81627fe4a58332642a2d4305f10de3611f22dc3c9701877ad1c5c4620714e453');
INSERT INTO audit_log VALUES(11,X'01a22abbcbb57150849e7b1deae6be50',11,1796013285086874,'local','order.submit','done','01a22abb-ded6-74bf-9108-9033c08f5669','shop',X'7f482a718f5183b9735093dd09778f74','01a22abb-ded7-7174-8ad8-d620eeb726cd',NULL,1796013284297796,X'81627fe4a58332642a2d4305f10de3611f22dc3c9701877ad1c5c4620714e453',X'b9458463a60cb1173d6a0b913f89aa3269aa315003e8679535a46f7f31c46b62');
INSERT INTO audit_log VALUES(12,X'01a22abbcbb57150849e7b1deae6be50',12,1796013285821768,'local','order.submit','done','01a22abb-e186-7013-9199-9c41f7f0ff2f','shop',X'32995a4cee3d0c580e2a44632fb3bf62','01a22abb-e188-7d47-b0fe-5403a9396231',NULL,1796013285086874,X'b9458463a60cb1173d6a0b913f89aa3269aa315003e8679535a46f7f31c46b62',X'b2ba4f8b3f7698ca09013a3ad0349c319f36721428cd1fa93073c051ccd4c257');
INSERT INTO audit_log VALUES(13,X'01a22abbcbb57150849e7b1deae6be50',13,1796013286035842,'local','order.submit','done','01a22abb-e28a-746d-8511-e5ebf45674f8','shop',X'32995a4cee3d0c580e2a44632fb3bf62','01a22abb-e28b-7c59-b4b4-d405d337ac8c',NULL,1796013285821768,X'b2ba4f8b3f7698ca09013a3ad0349c319f36721428cd1fa93073c051ccd4c257',X'2871bc21a6e64331964541ea50719a57e4b6ba01762c0dec5b18f596295c9cce');
INSERT INTO audit_log VALUES(14,X'01a22abbe3b7702cb0818c67816c3b90',1,1796013286327353,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22abb-e28b-7c59-b4b4-d405d337ac8c',13,1796013286035842,X'2871bc21a6e64331964541ea50719a57e4b6ba01762c0dec5b18f596295c9cce',X'efe41ddd3dd88fb8d8ca8d3f0cd0a58ec9cd7d72b52f934f2b07f5da8ed3cbe3');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',7);
INSERT INTO sqlite_sequence VALUES('audit_log',14);
INSERT INTO sqlite_sequence VALUES('tokens',4);
INSERT INTO sqlite_sequence VALUES('webhook_answers',8);
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
CREATE UNIQUE INDEX orders_idempotency ON orders (idempotency_key, merchant)
    WHERE idempotency_key IS NOT NULL AND superseded_by IS NULL;
CREATE INDEX orders_due ON orders (merchant, due_at, id, first_claimed_at) WHERE status = 'queued';
CREATE INDEX orders_next ON orders (due_at) WHERE status = 'queued';
CREATE INDEX orders_running ON orders (merchant, user_id) WHERE status = 'running';
CREATE INDEX orders_worker ON orders (worker) WHERE status = 'running';
CREATE INDEX orders_user ON orders (user_id, id, merchant);
CREATE INDEX orders_outcome ON orders (status, id, merchant, token_outcome, target);
CREATE INDEX orders_duplicate ON orders (id) WHERE possible_duplicate;
CREATE INDEX orders_error ON orders (id) WHERE error IS NOT NULL;
CREATE INDEX orders_reference1 ON orders (merchant_reference1, id) WHERE merchant_reference1 IS NOT NULL;
CREATE INDEX orders_reference2 ON orders (merchant_reference2, id) WHERE merchant_reference2 IS NOT NULL;
CREATE INDEX orders_klarna_id ON orders (klarna_id, id) WHERE klarna_id IS NOT NULL;
CREATE INDEX orders_waiting ON orders (id) WHERE status = 'queued' AND error IS NOT NULL;
CREATE INDEX orders_failed ON orders (ended_at) WHERE status = 'failed';
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
CREATE INDEX follow_ups_due ON follow_ups (merchant, due_at) WHERE given_up_at IS NULL;
CREATE INDEX follow_ups_given_up ON follow_ups (merchant, given_up_at) WHERE given_up_at IS NOT NULL;
CREATE INDEX follow_ups_failing ON follow_ups (merchant, klarna_id) WHERE attempts > 0;
CREATE INDEX webhooks_due ON webhooks (merchant, due_at) WHERE status = 'pending';
CREATE INDEX webhooks_user ON webhooks (merchant, user_id);
CREATE INDEX webhooks_ended ON webhooks (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX webhook_answers_merchant ON webhook_answers (merchant, seq);
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
CREATE TRIGGER tell_of_session AFTER UPDATE OF session_phase ON orders
WHEN NEW.session_phase IN ('completed', 'ended') AND NEW.session_phase IS NOT OLD.session_phase
BEGIN
    INSERT INTO webhooks (id, merchant, user_id, order_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT
        unhex(hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2)
            || 'A' || substr(hex(randomblob(8)), 2)),
        NEW.merchant, NEW.user_id, NEW.id,
        CASE NEW.session_phase WHEN 'completed' THEN 'order.completed' ELSE 'order.expired' END,
        json_object(
            'order_id', i.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
            CASE NEW.target WHEN 'payments' THEN 'session_id' ELSE 'klarna_order_id' END,
            coalesce(NEW.session ->> 'other_klarna_order_id', NEW.klarna_id),
            'merchant_reference1', NEW.session ->> 'merchant_reference1',
            'order_amount', NEW.session ->> 'order_amount',
            'purchase_currency', NEW.session ->> 'purchase_currency',
            'status', NEW.session ->> 'status'),
        NEW.session_read_at, NEW.session_read_at, NEW.session_read_at + 259200000000
    FROM webhook_endpoints e, (
        SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-' || substr(h, 13, 4)
            || '-' || substr(h, 17, 4) || '-' || substr(h, 21) AS id
        FROM (SELECT lower(hex(NEW.id)) AS h)) AS i
    WHERE e.merchant = NEW.merchant;
END;
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
CREATE INDEX audit_log_user ON audit_log (user_hash, id) WHERE user_hash IS NOT NULL;
CREATE INDEX audit_log_order ON audit_log (object, id) WHERE action IN ('order.retry', 'order.cancel', 'order.update');
CREATE TRIGGER keep_audit_log BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'rows of the audit log cannot be changed');
END;
CREATE TRIGGER keep_rows_of_audit_log BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
    OR EXISTS (SELECT 1 FROM audit_log WHERE chain = NEW.chain AND number = NEW.number)
BEGIN
    SELECT RAISE(ABORT, 'rows of the audit log cannot be replaced');
END;
CREATE TRIGGER keep_whole_audit_log BEFORE DELETE ON audit_log
WHEN OLD.happened_at >= (unixepoch() - 2592000) * 1000000
BEGIN
    SELECT RAISE(ABORT, 'rows of the audit log cannot be deleted within 30 days');
END;
COMMIT;
