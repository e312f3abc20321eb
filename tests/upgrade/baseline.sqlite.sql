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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 21:12:57',1,X'12574a04d0ebfbbd6c2eb40ff1a56d2bafa5d381562f360b5bf37cfc76bee099c877415f15bf83790438080eadc20e10',39710355);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31d9cac04b57ae885e4fb7cc48bdb5ff3f8003702efb12461a912600854f9dd1928bd20f84e69a6d949dd7c931e6c0733d9725846eb54ca837bdb899bc733c0ff3746bc35f560dfb68',1795986777612164,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795986777627972);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b315fa44554351ccf71abee73bf957f0a894652fe1d30b26fc873708950ad63ca3f646f68d568c8dfd3d11c94b3dd0ee733cae91c67db29441822c3154fd107b0e42097a02930375865a65b45696943e2c133d1529249f152af0bd3',X'9f4e17ed3edc58626cd345389c35ca47',1795986778872436,1795986782717397,1801170782717397,X'01a2292779e67043a4fee4e83eea2ec7',X'b77dc419273ba9cc508a77e975fe255daaa4b62b430f7fbbb498c60055088335',1795986782726277,1798956003198277,3,0,NULL,1795986782726277);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b3171286f1fa3c965df34611f9a22fb297841893974deecf36a6bd34dfcd0b7a8c2d3c2926138fe1eb90e9a0286fcefe532e49e24775f169b4ed50bc81aa86faf221e19c694e3f31b82fa4d92be0714c0eac24b36ca56e57294f77a',X'9f4e17ed3edc58626cd345389c35ca47',1795986779394374,1795986779394374,1801170779394374,NULL,NULL,1795986779403324,1798968507342921,1,0,NULL,1795986779394374);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31a774141f8934fbc4b460b893721f0ff914e992f2baa95dfdcdbbd8df3a7d384cb716b3a35ec1fd8f13de364795c4a55202dbeb441a327273917e17880433db1620773c7a2e9835527a1a22b779d26204469dd12820916252a909',X'9f4e17ed3edc58626cd345389c35ca47',1795986780056280,1795986780056280,1801170780056280,NULL,NULL,1795986784675701,NULL,1,0,NULL,1795986780056280);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31ef46d50f3a5cffcd7db3199998cb9fed7d7b2d1b3474393398ba214b2f16a653140dd0384f906628b3b8213242d979417fe61a841a415c47ba8c79ad307dabd783f91ae66622b29d183d7ba2153379b6d119b2b7cf7ca917e5dc',X'9f4e17ed3edc58626cd345389c35ca47',1795986780642843,1795986780642843,1801170780642843,NULL,NULL,1795986785750563,NULL,1,0,NULL,1795986780642843);
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
INSERT INTO providers VALUES('shop',X'9f4e17ed3edc58626cd345389c35ca47',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'430a3e5ba0521c3e5813c08248fb20e9c1a12685b20864f4f5651ba2fd4de266',1,1795986778873355);
INSERT INTO known_tokens VALUES(X'65054a45e40dc5b0b26199caf8c6456b2604fcec4b54d94edf828219c313eb00',2,1795986779403324);
INSERT INTO known_tokens VALUES(X'7e56d872cff1309259e54b1a7e040f6623a46f4c01e1d77b678d5376155dbf88',3,1795986780057421);
INSERT INTO known_tokens VALUES(X'36048f38a25679fe340e5b15203ab8e2c3594dac894b4dba2589e3131bbdface',4,1795986780658879);
INSERT INTO known_tokens VALUES(X'e27100e0081ed6e929c1d3994c333ecc20e7c5137b74420150d39779b7f0e4dd',1,1795986780808287);
INSERT INTO known_tokens VALUES(X'f3bf520f3fd68387b2fbc0b39a5bc568c0487de719b34d83a5a4fa463f72a692',1,1795986782717397);
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
INSERT INTO orders VALUES(X'01a22927723f796c98d65aefdc4a3626','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795986780743938,1795986780743938,1795987380743938,1795986780743938,1795986780931333,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','f423b71a-1dab-40aa-b2ca-73f4b14392ed','<div id="klarna-checkout-container" data-order-id="f423b71a-1dab-40aa-b2ca-73f4b14392ed" style="overflow-x: hidden;"><script src="http://127.0.0.1:35951/sandbox/checkout.js" data-order-id="f423b71a-1dab-40aa-b2ca-73f4b14392ed"></script></div>',NULL,NULL,NULL,'b7a59c02-d365-4b35-ac79-6f339736a08c',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2292779cc7676b518e7cc3ef41f65','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795986782671380,1795986782671380,1795987382671380,1795986782671380,1795986782752286,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','5253f6bf-db02-4491-ab80-c7b88ddda57c','<div id="klarna-checkout-container" data-order-id="5253f6bf-db02-4491-ab80-c7b88ddda57c" style="overflow-x: hidden;"><script src="http://127.0.0.1:35951/sandbox/checkout.js" data-order-id="5253f6bf-db02-4491-ab80-c7b88ddda57c"></script></div>',NULL,NULL,NULL,'337c99b8-f1d8-41f7-a8d5-00d6bbf3391c',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229277d9d79d2b10e80280830d39e','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795986783663224,1795986783663224,1795987383663224,1795986783663224,1795986783693685,NULL,1,1,1,0,0,'not_registered','[]','3b33d299-745f-47e8-98f9-6ab683772bfd','<div id="klarna-checkout-container" data-order-id="3b33d299-745f-47e8-98f9-6ab683772bfd" style="overflow-x: hidden;"><script src="http://127.0.0.1:35951/sandbox/checkout.js" data-order-id="3b33d299-745f-47e8-98f9-6ab683772bfd"></script></div>',NULL,NULL,NULL,'b7439b93-97b0-462a-be5e-0a38f517dec0',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22927818271c0b31550f84c167fe8','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795986784643772,1795986784643772,1795987384643772,1795986784643772,1795986784703415,NULL,1,1,1,0,0,'reauth_required','[]','1e61586d-acdb-4569-b827-638c9f6633d6','<div id="klarna-checkout-container" data-order-id="1e61586d-acdb-4569-b827-638c9f6633d6" style="overflow-x: hidden;"><script src="http://127.0.0.1:35951/sandbox/checkout.js" data-order-id="1e61586d-acdb-4569-b827-638c9f6633d6"></script></div>',NULL,NULL,NULL,'df783f42-c0c5-4961-8862-11a32befb770',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2292785b8734db7d1f68075c081dc','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795986785722996,1795986785722996,1795987385722996,1795986785722996,1795986785831214,NULL,1,1,1,0,0,'uncertain','[]','091fdc92-897b-4160-8cd7-e8438e7723ed','<div id="klarna-checkout-container" data-order-id="091fdc92-897b-4160-8cd7-e8438e7723ed" style="overflow-x: hidden;"><script src="http://127.0.0.1:35951/sandbox/checkout.js" data-order-id="091fdc92-897b-4160-8cd7-e8438e7723ed"></script></div>',NULL,NULL,NULL,'2693b5cd-1918-4159-b84e-00d88799e332',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229278d387e94b054a937297dba58','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1795986787645960,1795986787645960,1795987387645960,1795986787645960,1795986787666546,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"af25687b-2294-494b-836c-df8d5d5b7949"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229278f6376219e0de8724ffc2ec9','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1795986788198878,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22927913e763a9b2c2058f660c331','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1795986788671408,4070908800000000,4070909400000000,NULL,1795986789307169,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a229278d387e94b054a937297dba58',1795986787666546,X'01a22927668372b08c51144cada348aa',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"af25687b-2294-494b-836c-df8d5d5b7949"}');
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
INSERT INTO workers VALUES(X'01a22927668372b08c51144cada348aa',X'01a22927667d76abbfe816f9dc23dd74','vm/2054',1795986777751725,1795986787769044,15,1795986789350671,NULL);
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
INSERT INTO exchanges VALUES(X'01a22927727371c0851087a3dffd14db',1,1,1,'order',X'01a22927723f796c98d65aefdc4a3626',X'01a22927668372b08c51144cada348aa',1795986780795218,1795986780842456,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a2292779e67043a4fee4e83eea2ec7',1,2,1,'order',X'01a2292779cc7676b518e7cc3ef41f65',X'01a22927668372b08c51144cada348aa',1795986782696812,1795986782726277,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22927818e711d9525eea33676035f',3,1,1,'order',X'01a22927818271c0b31550f84c167fe8',X'01a22927668372b08c51144cada348aa',1795986784659482,1795986784675701,'rejected',0,X'9f4e17ed3edc58626cd345389c35ca47',NULL);
INSERT INTO exchanges VALUES(X'01a2292785c0731ba5b6b74942d5539b',4,1,1,'order',X'01a2292785b8734db7d1f68075c081dc',X'01a22927668372b08c51144cada348aa',1795986785731292,1795986785750563,'no_answer',1,NULL,'no answer: the connection broke before the answer was complete');
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795986780992971,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'f9df3c278a5743b6a28e7b6502f71884','shop','alma',X'01a22927723f796c98d65aefdc4a3626','order.submitted','{"order_id":"01a22927-723f-796c-98d6-5aefdc4a3626","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"f423b71a-1dab-40aa-b2ca-73f4b14392ed","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795986780931333,1795986839820297,1796245980931333,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'e2702430ddb74787a01080b8c433106d','shop','alma',X'01a2292779cc7676b518e7cc3ef41f65','order.submitted','{"order_id":"01a22927-79cc-7676-b518-e7cc3ef41f65","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"5253f6bf-db02-4491-ab80-c7b88ddda57c","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795986782752286,1795986846798604,1796245982752286,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'a2f8f3dca978491fa6b11108be93d74c','shop','never',X'01a229277d9d79d2b10e80280830d39e','order.submitted','{"order_id":"01a22927-7d9d-79d2-b10e-80280830d39e","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"3b33d299-745f-47e8-98f9-6ab683772bfd","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795986783693685,1795986849344489,1796245983693685,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'04195a61c101466aac126365d3478ef6','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795986784675701,1795986789903247,1796245984675701,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'287d8c451b724a92af5c5cbd36adaac7','shop','revoked',X'01a22927818271c0b31550f84c167fe8','order.submitted','{"order_id":"01a22927-8182-71c0-b315-50f84c167fe8","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"1e61586d-acdb-4569-b827-638c9f6633d6","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795986784703415,1795986790038183,1796245984703415,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'7e4ee4986e5741b1a407d82df0134e3b','shop','lost',X'01a2292785b8734db7d1f68075c081dc','order.submitted','{"order_id":"01a22927-85b8-734d-b7d1-f68075c081dc","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"091fdc92-897b-4160-8cd7-e8438e7723ed","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795986785831214,1795986790450986,1796245985831214,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'9c5e1299e1a74a70a42ae774828e7fd0','shop','never',X'01a229278d387e94b054a937297dba58','order.failed','{"order_id":"01a22927-8d38-7e94-b054-a937297dba58","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795986787666546,1795986792503312,1796245987666546,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'f9df3c278a5743b6a28e7b6502f71884','order.submitted',1795986780992971,NULL,938,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'e2702430ddb74787a01080b8c433106d','order.submitted',1795986782783108,NULL,5691,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'a2f8f3dca978491fa6b11108be93d74c','order.submitted',1795986783709592,NULL,2087,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'287d8c451b724a92af5c5cbd36adaac7','order.submitted',1795986784731534,NULL,6948,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'04195a61c101466aac126365d3478ef6','token.reauth_required',1795986784743378,NULL,6534,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'f9df3c278a5743b6a28e7b6502f71884','order.submitted',1795986785705244,NULL,881,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'7e4ee4986e5741b1a407d82df0134e3b','order.submitted',1795986785871958,NULL,1172,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(8,'shop',X'9c5e1299e1a74a70a42ae774828e7fd0','order.failed',1795986787683433,NULL,823,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(9,'shop',X'e2702430ddb74787a01080b8c433106d','order.submitted',1795986788224722,NULL,2810,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(10,'shop',X'a2f8f3dca978491fa6b11108be93d74c','order.submitted',1795986789023243,NULL,9480,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a2292769c474fea1b170559f7df51e',1,1795986778360767,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'99f2a160ab841e9ac1c66671fdad59b9fbca7df809ac1048e33566969bc4ce3f');
INSERT INTO audit_log VALUES(2,X'01a2292769c474fea1b170559f7df51e',2,1795986778885942,'local','token.register','done','01a22927-6af7-7284-a8f5-9a545bdba5b1','shop',X'0f57004f24c4714bd7fbf4add3893eab',NULL,NULL,1795986778360767,X'99f2a160ab841e9ac1c66671fdad59b9fbca7df809ac1048e33566969bc4ce3f',X'4cd0b6ef54bd147dea45ddc645da6d64a1ab2d024d8810163f4f7faf9359398e');
INSERT INTO audit_log VALUES(3,X'01a2292769c474fea1b170559f7df51e',3,1795986779434770,'local','token.register','done','01a22927-6d01-7538-88e2-6185ec460b9a','shop',X'bf7fff80460abbc64057c182179c222a',NULL,NULL,1795986778885942,X'4cd0b6ef54bd147dea45ddc645da6d64a1ab2d024d8810163f4f7faf9359398e',X'd872dba805e4581c2915fffa92373455b61da501747e927ee14afce8d9962c77');
INSERT INTO audit_log VALUES(4,X'01a2292769c474fea1b170559f7df51e',4,1795986780063618,'local','token.register','done','01a22927-6f97-77b1-94fc-6face51cffd9','shop',X'7e71ef32aaa8b6cc6cff62e6a8c3bd1a',NULL,NULL,1795986779434770,X'd872dba805e4581c2915fffa92373455b61da501747e927ee14afce8d9962c77',X'f3b4b012002068363f346ff50d497d4c780b6c8cd5381e58605b07f3bf162fde');
INSERT INTO audit_log VALUES(5,X'01a2292769c474fea1b170559f7df51e',5,1795986780662074,'local','token.register','done','01a22927-71e2-758b-9498-4845e7bf87a7','shop',X'1053e64c9dc82eb56f290b0428ea3360',NULL,NULL,1795986780063618,X'f3b4b012002068363f346ff50d497d4c780b6c8cd5381e58605b07f3bf162fde',X'f5a650762087774e91c602bf1ce4ed8d2451ac923938ce2b9215bdcc5a821546');
INSERT INTO audit_log VALUES(6,X'01a2292769c474fea1b170559f7df51e',6,1795986780768468,'local','order.submit','done','01a22927-723e-7321-8d67-382cdb93032d','shop',X'0f57004f24c4714bd7fbf4add3893eab','01a22927-723f-796c-98d6-5aefdc4a3626',NULL,1795986780662074,X'f5a650762087774e91c602bf1ce4ed8d2451ac923938ce2b9215bdcc5a821546',X'276b5eb7367dac3e5f3d9d2ea42abc680198ae8eda99c4bff210ea21fd8cb2d8');
INSERT INTO audit_log VALUES(7,X'01a2292769c474fea1b170559f7df51e',7,1795986782691736,'local','order.submit','done','01a22927-79cb-77a0-b9fd-e7034e22a13e','shop',X'0f57004f24c4714bd7fbf4add3893eab','01a22927-79cc-7676-b518-e7cc3ef41f65',NULL,1795986780768468,X'276b5eb7367dac3e5f3d9d2ea42abc680198ae8eda99c4bff210ea21fd8cb2d8',X'a3b1d9264bde5d6269a126d5cb92645657685a816c9454c7d5bff09ca4965e69');
INSERT INTO audit_log VALUES(8,X'01a2292769c474fea1b170559f7df51e',8,1795986783676876,'local','order.submit','done','01a22927-7d9c-74af-ba13-002b92c6211b','shop',X'0a2c8d35f476b240bf88b987b000a9c9','01a22927-7d9d-79d2-b10e-80280830d39e',NULL,1795986782691736,X'a3b1d9264bde5d6269a126d5cb92645657685a816c9454c7d5bff09ca4965e69',X'0293d2453452a05b9a7c0a8613714f731da1a417015aa7eae38b429b9eb9bc30');
INSERT INTO audit_log VALUES(9,X'01a2292769c474fea1b170559f7df51e',9,1795986784651442,'local','order.submit','done','01a22927-8182-72bf-a8c3-1878de935f40','shop',X'7e71ef32aaa8b6cc6cff62e6a8c3bd1a','01a22927-8182-71c0-b315-50f84c167fe8',NULL,1795986783676876,X'0293d2453452a05b9a7c0a8613714f731da1a417015aa7eae38b429b9eb9bc30',X'5661a74723c3b0035e4d6b37af19e17b00e49a1fc98283cfeec0bd149304677b');
INSERT INTO audit_log VALUES(10,X'01a2292769c474fea1b170559f7df51e',10,1795986785729557,'local','order.submit','done','01a22927-85b7-710f-8a4d-10e94f485f1e','shop',X'1053e64c9dc82eb56f290b0428ea3360','01a22927-85b8-734d-b7d1-f68075c081dc',NULL,1795986784651442,X'5661a74723c3b0035e4d6b37af19e17b00e49a1fc98283cfeec0bd149304677b',X'2ff502ce1ad861a39aa31d3cf27291a364fe675cb5cf5227acebcefdc518df10');
INSERT INTO audit_log VALUES(11,X'01a2292769c474fea1b170559f7df51e',11,1795986787650471,'local','order.submit','done','01a22927-8d37-7208-a2d2-667cac4177de','shop',X'0a2c8d35f476b240bf88b987b000a9c9','01a22927-8d38-7e94-b054-a937297dba58',NULL,1795986785729557,X'2ff502ce1ad861a39aa31d3cf27291a364fe675cb5cf5227acebcefdc518df10',X'4fa8c66ef5f7b5778cc6ad853fef1d111bec8d29bb5e51e1ce0f63cb0e4ee5b9');
INSERT INTO audit_log VALUES(12,X'01a2292769c474fea1b170559f7df51e',12,1795986788211816,'local','order.submit','done','01a22927-8f5b-74b3-9035-ce9b1e9ddefe','shop',X'0f57004f24c4714bd7fbf4add3893eab','01a22927-8f63-7621-9e0d-e8724ffc2ec9',NULL,1795986787650471,X'4fa8c66ef5f7b5778cc6ad853fef1d111bec8d29bb5e51e1ce0f63cb0e4ee5b9',X'8dca58be0014e49415600dddf56f48cf8587408f9d1f82fb685e70b0d432638d');
INSERT INTO audit_log VALUES(13,X'01a2292769c474fea1b170559f7df51e',13,1795986788697978,'local','order.submit','done','01a22927-9132-766b-9dc0-ee8e8403591b','shop',X'0f57004f24c4714bd7fbf4add3893eab','01a22927-913e-763a-9b2c-2058f660c331',NULL,1795986788211816,X'8dca58be0014e49415600dddf56f48cf8587408f9d1f82fb685e70b0d432638d',X'8faa6807c63e941ef1de458e1ca308a3e24abea0b2981ae8ce8001debe2c1b17');
INSERT INTO audit_log VALUES(14,X'01a2292793cc756d9ddb50b93be27f54',1,1795986789322096,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22927-913e-763a-9b2c-2058f660c331',13,1795986788697978,X'8faa6807c63e941ef1de458e1ca308a3e24abea0b2981ae8ce8001debe2c1b17',X'49875b6d18addb53a5c0136be0ef1e8cbcde072d08e99c568b5555530e2460f3');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',7);
INSERT INTO sqlite_sequence VALUES('audit_log',14);
INSERT INTO sqlite_sequence VALUES('tokens',4);
INSERT INTO sqlite_sequence VALUES('webhook_answers',10);
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
