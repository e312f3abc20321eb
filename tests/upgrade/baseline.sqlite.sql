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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 18:21:23',1,X'1b472a0c41e31709634b84a39690709be060252ff0c59ef7a506f5299bc46c5bdc948f1b61544ef27b361981b37e2567',19692989);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31ab251c00116c7da4701c2e3727a543d8db5829df8eea51bb4c468e14711a1b46646445ed8d044ecd004171824f47aa65333331c9ec6a2a6d929774718f5f3007f4aa402398af45de',1795976483112133,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795976483124371);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31b824b28888d90f5ee218f2c24d584954fa35271c86e317937c3fa6a3b4bf8abbb2fd3d26def9c4e7ce112030fb5051c67a10651900934d663bf62b6aa9aba8b66865076961f738a06379365f30e0028829aed4647e18f70208b8',X'b182cfaeecc43727c25c16e2c6bd89af',1795976483867420,1795976485703605,1801160485703605,X'01a2288a5b3d751a99e1f4a33b762f41',X'bf97705eab0488dec9ff58285e14f932f886daffe48eb9682861326f7f440877',1795976485707451,1798945706184485,3,0,NULL,1795976485707451);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b314906de1399794a2b5d382f4553d2d2bd2044db2467ed1404e39c853e8d82f83bad84a9464acc2e8a3c42b42b9cb716d964a769b01ea67604bc25cb0d26178cf38ecb3ef88c9ad04a2f4a0025ca6c832efb78fccf898f596b4bed',X'b182cfaeecc43727c25c16e2c6bd89af',1795976484173507,1795976484173507,1801160484173507,NULL,NULL,1795976484175903,1798958212122054,1,0,NULL,1795976484173507);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31d40eaec8707f36b882b51e7be0eba8a98bbcde5a0497e99cbae7b47159e4dd496a56d038a0eaae4be78ac66a1353c6ef4435d33d9509b2abd7f4d9558363c39e613c72b87961fd8b196ddf645a78a8e4ab11c43fa4cc54e612bf',X'b182cfaeecc43727c25c16e2c6bd89af',1795976484511972,1795976484511972,1801160484511972,NULL,NULL,1795976487623478,NULL,1,0,NULL,1795976484511972);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b3171d91637ea6c3200c4d1219fd21efcb725f1dc5270617fef50421d400d61407f03d6477c3cb9219bbad7564adf523a0220c6dc3cd957106749767f0113d17e99164f0c8fe664ad285dfd65aae454ddb8486d280dd25a1bea533d',X'b182cfaeecc43727c25c16e2c6bd89af',1795976484728998,1795976484728998,1801160484728998,NULL,NULL,1795976488592017,NULL,1,0,NULL,1795976484728998);
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
INSERT INTO providers VALUES('shop',X'b182cfaeecc43727c25c16e2c6bd89af',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'f921667148bc511d6e4cf031b6d40cd0c0ce46471d2697e7eb99e1c82b1b9d1a',1,1795976483868285);
INSERT INTO known_tokens VALUES(X'89f688354533687e3d2362a6eac7cc351e01dff3e0d610d631c0fa35e541f72a',2,1795976484175903);
INSERT INTO known_tokens VALUES(X'44be3dbe204bcaed1254a64924bd7cf2075be2133f01cfa5a2031a8cd0046574',3,1795976484516269);
INSERT INTO known_tokens VALUES(X'01916ca62b8df73c4d1948189d4d9178ab8703da101597a89e33f063b4ae606e',4,1795976484729625);
INSERT INTO known_tokens VALUES(X'03c8c977a9f4199b041f209091be59c739cfa49617baacd86c350a63b77617ad',1,1795976484781208);
INSERT INTO known_tokens VALUES(X'8f1ec2b286d4a36f6a54bdf62311acd94a9611ab196f25f807d9227976f7cc3a',1,1795976485703605);
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
INSERT INTO orders VALUES(X'01a2288a579b7af29e7b2cdcdf01d2ed','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795976484764347,1795976484764347,1795977084764347,1795976484764347,1795976484820329,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','f22dacd7-6780-4c69-85b6-420bbe1a0e75','<div id="klarna-checkout-container" data-order-id="f22dacd7-6780-4c69-85b6-420bbe1a0e75" style="overflow-x: hidden;"><script src="http://127.0.0.1:34469/sandbox/checkout.js" data-order-id="f22dacd7-6780-4c69-85b6-420bbe1a0e75"></script></div>',NULL,NULL,NULL,'aa4d0679-9634-4781-bc21-3d7c9c9ddd45',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2288a5b347db7a2959e31fa3de1b8','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795976485686155,1795976485686155,1795977085686155,1795976485686155,1795976485719145,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','f2abdc64-d1aa-41e7-91f9-213c369307c9','<div id="klarna-checkout-container" data-order-id="f2abdc64-d1aa-41e7-91f9-213c369307c9" style="overflow-x: hidden;"><script src="http://127.0.0.1:34469/sandbox/checkout.js" data-order-id="f2abdc64-d1aa-41e7-91f9-213c369307c9"></script></div>',NULL,NULL,NULL,'98ce0902-9c00-49c8-87e5-8f088b0b3f1a',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2288a5ed17edb972c696d1cc9cba0','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795976486609939,1795976486609939,1795977086609939,1795976486609939,1795976486629103,NULL,1,1,1,0,0,'not_registered','[]','ba1bd969-9e62-48b0-9b3d-e41d596f65d6','<div id="klarna-checkout-container" data-order-id="ba1bd969-9e62-48b0-9b3d-e41d596f65d6" style="overflow-x: hidden;"><script src="http://127.0.0.1:34469/sandbox/checkout.js" data-order-id="ba1bd969-9e62-48b0-9b3d-e41d596f65d6"></script></div>',NULL,NULL,NULL,'fcbd0c20-5b7d-4713-972d-86bbf2d53472',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2288a62af70359b90245cf77d85ee','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795976487607939,1795976487607939,1795977087607939,1795976487607939,1795976487652859,NULL,1,1,1,0,0,'reauth_required','[]','236fce67-d6ae-458e-890a-48abe2d84d82','<div id="klarna-checkout-container" data-order-id="236fce67-d6ae-458e-890a-48abe2d84d82" style="overflow-x: hidden;"><script src="http://127.0.0.1:34469/sandbox/checkout.js" data-order-id="236fce67-d6ae-458e-890a-48abe2d84d82"></script></div>',NULL,NULL,NULL,'b9d6d7fd-7610-4951-ac34-dd3cf649543d',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2288a667073f0a1bd9ff8aefe6cdc','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795976488562007,1795976488562007,1795977088562007,1795976488562007,1795976488612508,NULL,1,1,1,0,0,'uncertain','[]','f2bf0348-8b68-4b6f-a2e5-c0e1e39880da','<div id="klarna-checkout-container" data-order-id="f2bf0348-8b68-4b6f-a2e5-c0e1e39880da" style="overflow-x: hidden;"><script src="http://127.0.0.1:34469/sandbox/checkout.js" data-order-id="f2bf0348-8b68-4b6f-a2e5-c0e1e39880da"></script></div>',NULL,NULL,NULL,'2ff31c31-d9e4-4079-9ae9-ad5cf4e7c9f0',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2288a69aa7e27a6d5006db28865dd','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1795976489392005,1795976489392005,1795977089392005,1795976489392005,1795976489418248,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"f0bc17b3-253e-4855-b986-e585862fc118"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2288a6d597376b9a22d98f5f2027b','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1795976490330160,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2288a6e677aef928925e33a9ba486','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1795976490603186,4070908800000000,4070909400000000,NULL,1795976490903163,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a2288a69aa7e27a6d5006db28865dd',1795976489418248,X'01a2288a513f71ffbe452576420c753e',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"f0bc17b3-253e-4855-b986-e585862fc118"}');
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
    ended_at INTEGER,
    -- Its circuit breakers that are not closed, for people: a JSON array. Null if all are closed.
    breakers TEXT
);
INSERT INTO workers VALUES(X'01a2288a513f71ffbe452576420c753e',X'01a2288a513c74a795089293a1e044c7','vm/22827',1795976483164766,1795976489401278,13,1795976491011473,NULL);
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
INSERT INTO exchanges VALUES(X'01a2288a57a27170819799848643282a',1,1,1,'order',X'01a2288a579b7af29e7b2cdcdf01d2ed',X'01a2288a513f71ffbe452576420c753e',1795976484771498,1795976484790199,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2288a5b3d751a99e1f4a33b762f41',1,2,1,'order',X'01a2288a5b347db7a2959e31fa3de1b8',X'01a2288a513f71ffbe452576420c753e',1795976485695201,1795976485707451,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2288a62bf77828c697904e1eae8b9',3,1,1,'order',X'01a2288a62af70359b90245cf77d85ee',X'01a2288a513f71ffbe452576420c753e',1795976487616333,1795976487623478,'rejected',0,X'b182cfaeecc43727c25c16e2c6bd89af');
INSERT INTO exchanges VALUES(X'01a2288a667a7413a604c85d2e5a1202',4,1,1,'order',X'01a2288a667073f0a1bd9ff8aefe6cdc',X'01a2288a513f71ffbe452576420c753e',1795976488574461,1795976488592017,'no_answer',1,NULL);
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
    kind TEXT NOT NULL CHECK (kind IN ('push', 'abort')),
    merchant TEXT NOT NULL,
    klarna_id TEXT NOT NULL,
    -- A claim moves this forward by the longest time an attempt may take. If the process dies, the row
    -- is due again.
    due_at INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    -- Incremented by each claim. Every write of a process names its claim.
    claim_number INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795976484835216,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'882dbf92dd0643a1ac45480b71dc70b8','shop','alma',X'01a2288a579b7af29e7b2cdcdf01d2ed','order.submitted','{"order_id":"01a2288a-579b-7af2-9e7b-2cdcdf01d2ed","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"f22dacd7-6780-4c69-85b6-420bbe1a0e75","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795976484820329,1795976548400322,1796235684820329,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'01eec7b3db884ec7a18a7c3883fe9101','shop','alma',X'01a2288a5b347db7a2959e31fa3de1b8','order.submitted','{"order_id":"01a2288a-5b34-7db7-a295-9e31fa3de1b8","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"f2abdc64-d1aa-41e7-91f9-213c369307c9","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795976485719145,1795976490999871,1796235685719145,NULL,2,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'f0d7d2e407e0478eab3a3e81b6969d5c','shop','never',X'01a2288a5ed17edb972c696d1cc9cba0','order.submitted','{"order_id":"01a2288a-5ed1-7edb-972c-696d1cc9cba0","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"ba1bd969-9e62-48b0-9b3d-e41d596f65d6","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795976486629103,1795976491887590,1796235686629103,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'e356a00d3cd74562a2141ef508a3919c','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795976487623478,1795976492747533,1796235687623478,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'24bb92fc9e4f463ba08a525a44ae6062','shop','revoked',X'01a2288a62af70359b90245cf77d85ee','order.submitted','{"order_id":"01a2288a-62af-7035-9b90-245cf77d85ee","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"236fce67-d6ae-458e-890a-48abe2d84d82","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795976487652859,1795976492205039,1796235687652859,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'f1bd38f8a6144ed1a4efbc7fc11aa607','shop','lost',X'01a2288a667073f0a1bd9ff8aefe6cdc','order.submitted','{"order_id":"01a2288a-6670-73f0-a1bd-9ff8aefe6cdc","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"f2bf0348-8b68-4b6f-a2e5-c0e1e39880da","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795976488612508,1795976493494166,1796235688612508,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'7a0e4ff9d0e1492da643e5afdddbed1b','shop','never',X'01a2288a69aa7e27a6d5006db28865dd','order.failed','{"order_id":"01a2288a-69aa-7e27-a6d5-006db28865dd","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795976489418248,1795976494680518,1796235689418248,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'882dbf92dd0643a1ac45480b71dc70b8','order.submitted',1795976484835216,NULL,1987,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'01eec7b3db884ec7a18a7c3883fe9101','order.submitted',1795976485733191,NULL,794,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'f0d7d2e407e0478eab3a3e81b6969d5c','order.submitted',1795976486641853,NULL,1851,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'24bb92fc9e4f463ba08a525a44ae6062','order.submitted',1795976487667688,NULL,1688,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'e356a00d3cd74562a2141ef508a3919c','token.reauth_required',1795976487669917,NULL,631,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'f1bd38f8a6144ed1a4efbc7fc11aa607','order.submitted',1795976488637486,NULL,5212,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'7a0e4ff9d0e1492da643e5afdddbed1b','order.failed',1795976489441191,NULL,1065,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(8,'shop',X'882dbf92dd0643a1ac45480b71dc70b8','order.submitted',1795976490121612,NULL,1231,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a2288a5351719698aa11e86cb00d59',1,1795976483462820,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'aa6ddb95548129d9df98cc367185f779cd047451edc6dc49504d0a71353e428c');
INSERT INTO audit_log VALUES(2,X'01a2288a5351719698aa11e86cb00d59',2,1795976483875521,'local','token.register','done','01a2288a-541a-721c-851a-6c6be0a4e71a','shop',X'95031c3bca9a2ee37c5a3439fdc8373e',NULL,NULL,1795976483462820,X'aa6ddb95548129d9df98cc367185f779cd047451edc6dc49504d0a71353e428c',X'fc3998f6f145a70db95438626b77834f3844e15ff0bd2d12e9a70f553153fd40');
INSERT INTO audit_log VALUES(3,X'01a2288a5351719698aa11e86cb00d59',3,1795976484185281,'local','token.register','done','01a2288a-554d-7661-a2de-f5305c80b2d9','shop',X'9be0a0f54687e125962fa8c5f8b45fb6',NULL,NULL,1795976483875521,X'fc3998f6f145a70db95438626b77834f3844e15ff0bd2d12e9a70f553153fd40',X'b086569a95473372a097ce6284d6e79986ce6fe2a6029647e50c06878f2aacaf');
INSERT INTO audit_log VALUES(4,X'01a2288a5351719698aa11e86cb00d59',4,1795976484523533,'local','token.register','done','01a2288a-569f-74b1-8eaa-5d698f9f6a86','shop',X'87d1879907f032b68558af29dc24542c',NULL,NULL,1795976484185281,X'b086569a95473372a097ce6284d6e79986ce6fe2a6029647e50c06878f2aacaf',X'32383cb0ffd67a4b642f2d2e0bb367d44fe0895dde14fa71e8a1a88371ef6341');
INSERT INTO audit_log VALUES(5,X'01a2288a5351719698aa11e86cb00d59',5,1795976484737520,'local','token.register','done','01a2288a-5778-74da-99a1-1736449f7ba2','shop',X'f498d188461bd617d5bdb365d26bdba5',NULL,NULL,1795976484523533,X'32383cb0ffd67a4b642f2d2e0bb367d44fe0895dde14fa71e8a1a88371ef6341',X'70c1101664007c3aa6db39aad747fec628e18ddcb7b3e426f5f713365325274d');
INSERT INTO audit_log VALUES(6,X'01a2288a5351719698aa11e86cb00d59',6,1795976484768118,'local','order.submit','done','01a2288a-579a-72ea-a636-797b4f61fc52','shop',X'95031c3bca9a2ee37c5a3439fdc8373e','01a2288a-579b-7af2-9e7b-2cdcdf01d2ed',NULL,1795976484737520,X'70c1101664007c3aa6db39aad747fec628e18ddcb7b3e426f5f713365325274d',X'99944b5916bda2139ef6eddf5e739e93f357a66a89fa59916406acfba2cc2846');
INSERT INTO audit_log VALUES(7,X'01a2288a5351719698aa11e86cb00d59',7,1795976485692886,'local','order.submit','done','01a2288a-5b34-73a0-ab33-0f52d5cc5920','shop',X'95031c3bca9a2ee37c5a3439fdc8373e','01a2288a-5b34-7db7-a295-9e31fa3de1b8',NULL,1795976484768118,X'99944b5916bda2139ef6eddf5e739e93f357a66a89fa59916406acfba2cc2846',X'2975f216a3c4153fdbadfa224817ac36d37bc26d0864dab4e36347875c170792');
INSERT INTO audit_log VALUES(8,X'01a2288a5351719698aa11e86cb00d59',8,1795976486616090,'local','order.submit','done','01a2288a-5ed0-738f-943a-67d95773bb38','shop',X'68730e02b0ec6d9dabfd95eb17105509','01a2288a-5ed1-7edb-972c-696d1cc9cba0',NULL,1795976485692886,X'2975f216a3c4153fdbadfa224817ac36d37bc26d0864dab4e36347875c170792',X'5f2046911d54202d0831baad114018fcb2f8beec793e66b56d041a7ef3cc8df6');
INSERT INTO audit_log VALUES(9,X'01a2288a5351719698aa11e86cb00d59',9,1795976487611927,'local','order.submit','done','01a2288a-62ae-732d-af60-9ea374feaa30','shop',X'87d1879907f032b68558af29dc24542c','01a2288a-62af-7035-9b90-245cf77d85ee',NULL,1795976486616090,X'5f2046911d54202d0831baad114018fcb2f8beec793e66b56d041a7ef3cc8df6',X'b4ee85b1936fa399dab7107ec1d548a1182c5dbdad1d3dcdf0b3826f887361c3');
INSERT INTO audit_log VALUES(10,X'01a2288a5351719698aa11e86cb00d59',10,1795976488566945,'local','order.submit','done','01a2288a-666f-7133-b6c9-f382cfb2fc47','shop',X'f498d188461bd617d5bdb365d26bdba5','01a2288a-6670-73f0-a1bd-9ff8aefe6cdc',NULL,1795976487611927,X'b4ee85b1936fa399dab7107ec1d548a1182c5dbdad1d3dcdf0b3826f887361c3',X'8624a05385867f405e92243be43f06dd10b394395396f33f061aa5fb12dad501');
INSERT INTO audit_log VALUES(11,X'01a2288a5351719698aa11e86cb00d59',11,1795976489394203,'local','order.submit','done','01a2288a-69aa-724c-bcab-2008a6270f0d','shop',X'68730e02b0ec6d9dabfd95eb17105509','01a2288a-69aa-7e27-a6d5-006db28865dd',NULL,1795976488566945,X'8624a05385867f405e92243be43f06dd10b394395396f33f061aa5fb12dad501',X'5ff1a22e8b9266c0760aaee3cb3afe3d3b2d81a0d69cd0ac36ce941a7e9eab6b');
INSERT INTO audit_log VALUES(12,X'01a2288a5351719698aa11e86cb00d59',12,1795976490335904,'local','order.submit','done','01a2288a-6d58-73fc-9766-a7fbc1bf8cb1','shop',X'95031c3bca9a2ee37c5a3439fdc8373e','01a2288a-6d59-7376-b9a2-2d98f5f2027b',NULL,1795976489394203,X'5ff1a22e8b9266c0760aaee3cb3afe3d3b2d81a0d69cd0ac36ce941a7e9eab6b',X'2ef15313a9a5ed4a3d47280a592a45ff0cc26084cdf250395a71955143a3c205');
INSERT INTO audit_log VALUES(13,X'01a2288a5351719698aa11e86cb00d59',13,1795976490616075,'local','order.submit','done','01a2288a-6e66-75df-948a-cecfe6ee054f','shop',X'95031c3bca9a2ee37c5a3439fdc8373e','01a2288a-6e67-7aef-9289-25e33a9ba486',NULL,1795976490335904,X'2ef15313a9a5ed4a3d47280a592a45ff0cc26084cdf250395a71955143a3c205',X'aa555bdbbb0fe69422019fe52a5aa8a83d0d152583602fd754c0cf6de99fd0ae');
INSERT INTO audit_log VALUES(14,X'01a2288a6fe876d78323de7cd0ae0ba5',1,1795976490983746,'command:root','order.cancel','done',NULL,NULL,NULL,'01a2288a-6e67-7aef-9289-25e33a9ba486',13,1795976490616075,X'aa555bdbbb0fe69422019fe52a5aa8a83d0d152583602fd754c0cf6de99fd0ae',X'e95e863b2fd12fdffcdee5429a9fe980cd51347759115678d79732fe9aee57c8');
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
CREATE INDEX orders_outcome ON orders (status, id, merchant, token_outcome);
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
CREATE INDEX follow_ups_due ON follow_ups (merchant, due_at);
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
