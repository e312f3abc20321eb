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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 00:32:42',1,X'929a9deb8d4ac836dcf746e21a08e1ab17de301fc9b308d42cce219ede7ad780f1622c92d129b15d876016438e374e09',9340139);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b310f6cdd7aa014d86fb431a73cf551895bd912547a57af76069706950fccd24b004e11191e425437c841ad7fd9f5a0f95912b2d26d1695f1d20f532d72f25b6f6a28aa70d157b533b8',1795998762617884,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795998762626272);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31e4eca442b741fe6c9abd1865d6f98ae6fa30b77e74ce59dc1c406118b75b3ca4be74b70a2b4cb24a7031ad240c6ee72a8832e011eb7675ab40ab5b9a197c2c5e2759eb1e02c0d31ab50e46697c029e7f62927aedbbcd6d2c8be7',X'48861d17de4e95160fe5e42bd514b02a',1795998763352327,1795998764907079,1801182764907079,X'01a229de4f5470f8bc9a421521126216',X'c7ea8e2aba4746c0c4c1e6d34929126e48e5ce8646649861b9f3d71ec317d2d7',1795998764913784,1798967985387959,3,0,NULL,1795998764913784);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31a407eec0e16504206afe724150f11443dec653e3045234bfe37963f7350c8cbeb7d2204b93b6c7e7fcedb4d67e6e6747016046d8aaf42dad803e2f023818942c4c62006bb4eb649610e83a3022e0f9054f174b777dac9af1f523',X'48861d17de4e95160fe5e42bd514b02a',1795998763617850,1795998763617850,1801182763617850,NULL,NULL,1795998763619172,1798980491566397,1,0,NULL,1795998763617850);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31c58a8e7ac3b1a9dbcec7f93ff3b150b0d763c19046f948aa47295795ac28c8fc606a588002af70dc83ca25dc43a368b6227a0eadd83fabe5069bfccad871d6cff1a99ba8ee896cede4b08528d33e3901d5811da55a03e6f610d1',X'48861d17de4e95160fe5e42bd514b02a',1795998763885400,1795998763885400,1801182763885400,NULL,NULL,1795998766587285,NULL,1,0,NULL,1795998763885400);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31470b3e927e59fe32e164f2f3a29b88474f4ca5eb782886088fd0d7223aa0fb771a9b501446705bb49fe70ec56b3605f3e227e14cc755039c7ca8d5e1ddd2e6560cc7aa75933640e02069b3cb1004e6c2a87b50ae1fbb7e09d165',X'48861d17de4e95160fe5e42bd514b02a',1795998764189007,1795998764189007,1801182764189007,NULL,NULL,1795998767258026,NULL,1,0,NULL,1795998764189007);
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
INSERT INTO providers VALUES('shop',X'48861d17de4e95160fe5e42bd514b02a',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'a3adc63c7b80951acd4f58dbaea4b8032a0bdc8c9c058b6be3a2b75b85df55f0',1,1795998763353855);
INSERT INTO known_tokens VALUES(X'e423ad88c3cb22b5ff9c98d380540ccb93605206590d8f30ef48d7c4320e5f30',2,1795998763619172);
INSERT INTO known_tokens VALUES(X'401c8ef18038191fcf43b89cb9c1045228d12aa96f8532f96f591f489de8d9a8',3,1795998763888455);
INSERT INTO known_tokens VALUES(X'f19b734015d6fbd7c3fda447313472fe61d07c023d5c2596ef150ce28418a075',4,1795998764192783);
INSERT INTO known_tokens VALUES(X'e43b6fe3de9a79dd9cf8dc1031542f11b6ebfbea59ea419fc1beebfa96742b2a',1,1795998764266401);
INSERT INTO known_tokens VALUES(X'd0dd6f2f627178b9123c0f335f315c5aa0547927af7d76be8269107e4de76150',1,1795998764907079);
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
INSERT INTO orders VALUES(X'01a229de4cc2752b89e774b56510cc64','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795998764233643,1795998764233643,1795999364233643,1795998764233643,1795998764304516,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','0ddd4603-21d4-42ed-9cd2-87901dbb83df','<div id="klarna-checkout-container" data-order-id="0ddd4603-21d4-42ed-9cd2-87901dbb83df" style="overflow-x: hidden;"><script src="http://127.0.0.1:37649/sandbox/checkout.js" data-order-id="0ddd4603-21d4-42ed-9cd2-87901dbb83df"></script></div>',NULL,NULL,NULL,'4bc9c260-6afb-4c4b-89d9-e2cac0b999b2',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229de4f4679bf8a0ee8f76485f26e','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795998764874762,1795998764874762,1795999364874762,1795998764874762,1795998764927155,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','df785cb3-95e4-4d6f-b7a3-27b8784eb468','<div id="klarna-checkout-container" data-order-id="df785cb3-95e4-4d6f-b7a3-27b8784eb468" style="overflow-x: hidden;"><script src="http://127.0.0.1:37649/sandbox/checkout.js" data-order-id="df785cb3-95e4-4d6f-b7a3-27b8784eb468"></script></div>',NULL,NULL,NULL,'c7328031-28ca-49de-83d6-8291d7abc1eb',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229de52e070198ccc016646137f2d','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795998765794338,1795998765794338,1795999365794338,1795998765794338,1795998765826275,NULL,1,1,1,0,0,'not_registered','[]','8e1fc35c-2d8b-45df-8801-6a96263d39c0','<div id="klarna-checkout-container" data-order-id="8e1fc35c-2d8b-45df-8801-6a96263d39c0" style="overflow-x: hidden;"><script src="http://127.0.0.1:37649/sandbox/checkout.js" data-order-id="8e1fc35c-2d8b-45df-8801-6a96263d39c0"></script></div>',NULL,NULL,NULL,'5976180d-dbd2-4414-82cc-e289b40bf047',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229de55d77d28ac7ee2c687a2c86f','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795998766555826,1795998766555826,1795999366555826,1795998766555826,1795998766608723,NULL,1,1,1,0,0,'reauth_required','[]','2c64ce1c-d94c-482c-9b83-4bc2bd20aaa3','<div id="klarna-checkout-container" data-order-id="2c64ce1c-d94c-482c-9b83-4bc2bd20aaa3" style="overflow-x: hidden;"><script src="http://127.0.0.1:37649/sandbox/checkout.js" data-order-id="2c64ce1c-d94c-482c-9b83-4bc2bd20aaa3"></script></div>',NULL,NULL,NULL,'674220dc-2b57-48d1-bf41-5c15dd859107',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229de588677dd872a1454ffb51a06','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795998767239920,1795998767239920,1795999367239920,1795998767239920,1795998767276816,NULL,1,1,1,0,0,'uncertain','[]','da3862a0-4b42-4d79-9410-b8a77a8a8754','<div id="klarna-checkout-container" data-order-id="da3862a0-4b42-4d79-9410-b8a77a8a8754" style="overflow-x: hidden;"><script src="http://127.0.0.1:37649/sandbox/checkout.js" data-order-id="da3862a0-4b42-4d79-9410-b8a77a8a8754"></script></div>',NULL,NULL,NULL,'958ca8c8-95f5-4579-9773-7c3bb9f828f3',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229de5b7a7227bc8dc7fbd14f3787','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1795998767996084,1795998767996084,1795999367996084,1795998767996084,1795998768018941,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"a20c4c2a-ae6a-4ba3-86a0-bdde228f0f00"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229de5df0785b903476402ea8acbf','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1795998768628160,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a229de5f40711eb8eb02fe7822cccc','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1795998768963218,4070908800000000,4070909400000000,NULL,1795998769223280,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a229de5b7a7227bc8dc7fbd14f3787',1795998768018941,X'01a229de46a27171ab8741f65ffaf8ca',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"a20c4c2a-ae6a-4ba3-86a0-bdde228f0f00"}');
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
INSERT INTO workers VALUES(X'01a229de46a27171ab8741f65ffaf8ca',X'01a229de46a27171ab8741f575426a30','vm/4637',1795998762665117,1795998768679300,13,1795998769241412,NULL);
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
INSERT INTO exchanges VALUES(X'01a229de4ce27186928432423568f64c',1,1,1,'order',X'01a229de4cc2752b89e774b56510cc64',X'01a229de46a27171ab8741f65ffaf8ca',1795998764259215,1795998764275143,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a229de4f5470f8bc9a421521126216',1,2,1,'order',X'01a229de4f4679bf8a0ee8f76485f26e',X'01a229de46a27171ab8741f65ffaf8ca',1795998764888317,1795998764913784,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a229de55e772acab2e03d9cf286de7',3,1,1,'order',X'01a229de55d77d28ac7ee2c687a2c86f',X'01a229de46a27171ab8741f65ffaf8ca',1795998766568252,1795998766587285,'rejected',0,X'48861d17de4e95160fe5e42bd514b02a',NULL);
INSERT INTO exchanges VALUES(X'01a229de589077e69cc8537d5ca5cffd',4,1,1,'order',X'01a229de588677dd872a1454ffb51a06',X'01a229de46a27171ab8741f65ffaf8ca',1795998767248778,1795998767258026,'no_answer',1,NULL,'the connection broke before the answer was complete');
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795998764322681,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'ffd94918d8db4c1da0b3d55f8c50f74e','shop','alma',X'01a229de4cc2752b89e774b56510cc64','order.submitted','{"order_id":"01a229de-4cc2-752b-89e7-74b56510cc64","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"0ddd4603-21d4-42ed-9cd2-87901dbb83df","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795998764304516,1795998769419475,1796257964304516,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'149d9fdd6b5d44e7af790e7673bab898','shop','alma',X'01a229de4f4679bf8a0ee8f76485f26e','order.submitted','{"order_id":"01a229de-4f46-79bf-8a0e-e8f76485f26e","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"df785cb3-95e4-4d6f-b7a3-27b8784eb468","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795998764927155,1795998769880484,1796257964927155,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'3d77d23430624d0ba20e8b73f7dc357e','shop','never',X'01a229de52e070198ccc016646137f2d','order.submitted','{"order_id":"01a229de-52e0-7019-8ccc-016646137f2d","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"8e1fc35c-2d8b-45df-8801-6a96263d39c0","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795998765826275,1795998770930596,1796257965826275,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'7d98a918783b4dbfa5ea0e360eba0582','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795998766587285,1795998771339597,1796257966587285,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'9d74dff3489c433baf1fe61f6f53a374','shop','revoked',X'01a229de55d77d28ac7ee2c687a2c86f','order.submitted','{"order_id":"01a229de-55d7-7d28-ac7e-e2c687a2c86f","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"2c64ce1c-d94c-482c-9b83-4bc2bd20aaa3","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795998766608723,1795998771725900,1796257966608723,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'e7e2641abc7b469ba56a512fb07ea3d4','shop','lost',X'01a229de588677dd872a1454ffb51a06','order.submitted','{"order_id":"01a229de-5886-77dd-872a-1454ffb51a06","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"da3862a0-4b42-4d79-9410-b8a77a8a8754","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795998767276816,1795998772092091,1796257967276816,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'b531020556fa453ba6bfa03c8d631df0','shop','never',X'01a229de5b7a7227bc8dc7fbd14f3787','order.failed','{"order_id":"01a229de-5b7a-7227-bc8d-c7fbd14f3787","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795998768018941,1795998772865119,1796257968018941,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'ffd94918d8db4c1da0b3d55f8c50f74e','order.submitted',1795998764322681,NULL,837,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'149d9fdd6b5d44e7af790e7673bab898','order.submitted',1795998764943139,NULL,1964,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'3d77d23430624d0ba20e8b73f7dc357e','order.submitted',1795998765848801,NULL,2159,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'7d98a918783b4dbfa5ea0e360eba0582','token.reauth_required',1795998766630546,NULL,713,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'9d74dff3489c433baf1fe61f6f53a374','order.submitted',1795998766635194,NULL,2060,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'e7e2641abc7b469ba56a512fb07ea3d4','order.submitted',1795998767287662,NULL,1028,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'b531020556fa453ba6bfa03c8d631df0','order.failed',1795998768040515,NULL,1986,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a229de48b9700f89adf20d1056e1d8',1,1795998762984114,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'52b3ae1f6bd80503dc5c32eec2fa5750be39af779cc886b33dcf1fd8f3c8d796');
INSERT INTO audit_log VALUES(2,X'01a229de48b9700f89adf20d1056e1d8',2,1795998763361334,'local','token.register','done','01a229de-4957-7048-a3a1-9f9235f6dd7f','shop',X'aa42a77dc1aa76ca2a291f3901656556',NULL,NULL,1795998762984114,X'52b3ae1f6bd80503dc5c32eec2fa5750be39af779cc886b33dcf1fd8f3c8d796',X'3385ad8fb052264a819c33d0aae0b74bda2c941dcf35974da9af3cb679c3e228');
INSERT INTO audit_log VALUES(3,X'01a229de48b9700f89adf20d1056e1d8',3,1795998763622896,'local','token.register','done','01a229de-4a60-7328-82e0-7888a379fce8','shop',X'd5be4da5b9257eab6501974d42a857c2',NULL,NULL,1795998763361334,X'3385ad8fb052264a819c33d0aae0b74bda2c941dcf35974da9af3cb679c3e228',X'a94b1077c513ad20db8ceef386df5d0c3ea473fe5e7766228944eb369870710a');
INSERT INTO audit_log VALUES(4,X'01a229de48b9700f89adf20d1056e1d8',4,1795998763892418,'local','token.register','done','01a229de-4b6c-713d-92d1-38004e99cc0a','shop',X'5f58547e25c78ef128956ea53e75125b',NULL,NULL,1795998763622896,X'a94b1077c513ad20db8ceef386df5d0c3ea473fe5e7766228944eb369870710a',X'43c071167607d7b8ce57933fadcb1eaa1709c36134c2ede15ff4304d67d9f5a1');
INSERT INTO audit_log VALUES(5,X'01a229de48b9700f89adf20d1056e1d8',5,1795998764198130,'local','token.register','done','01a229de-4c9c-707e-ab68-11281c5e5704','shop',X'bed07637d3fe0ad6ee4ddf024cf205ec',NULL,NULL,1795998763892418,X'43c071167607d7b8ce57933fadcb1eaa1709c36134c2ede15ff4304d67d9f5a1',X'4f30227fb32be2bc56b961fb94d8b1e999b353ffc2fb3c95752db138d626c34a');
INSERT INTO audit_log VALUES(6,X'01a229de48b9700f89adf20d1056e1d8',6,1795998764254140,'local','order.submit','done','01a229de-4cc2-75ff-8147-dd31422b83ce','shop',X'aa42a77dc1aa76ca2a291f3901656556','01a229de-4cc2-752b-89e7-74b56510cc64',NULL,1795998764198130,X'4f30227fb32be2bc56b961fb94d8b1e999b353ffc2fb3c95752db138d626c34a',X'0e57b7b6e09e31b0122705dda0c2e2ad244d5761c4cf7f265c080cc1f75bb8b4');
INSERT INTO audit_log VALUES(7,X'01a229de48b9700f89adf20d1056e1d8',7,1795998764880918,'local','order.submit','done','01a229de-4f45-76b5-a2e1-5f42b8b88259','shop',X'aa42a77dc1aa76ca2a291f3901656556','01a229de-4f46-79bf-8a0e-e8f76485f26e',NULL,1795998764254140,X'0e57b7b6e09e31b0122705dda0c2e2ad244d5761c4cf7f265c080cc1f75bb8b4',X'd8fe67a0365891c404ec3db6b977f863a37dcdfafb573b0375c660bd0322b436');
INSERT INTO audit_log VALUES(8,X'01a229de48b9700f89adf20d1056e1d8',8,1795998765803735,'local','order.submit','done','01a229de-52da-7410-ac9c-f48c979d9905','shop',X'e57abdcd4815f09becddc8439a5bbf40','01a229de-52e0-7019-8ccc-016646137f2d',NULL,1795998764880918,X'd8fe67a0365891c404ec3db6b977f863a37dcdfafb573b0375c660bd0322b436',X'74ed36519e4eb9a57072be0b3656521fd876c7cdf6952f898422e94fde18561b');
INSERT INTO audit_log VALUES(9,X'01a229de48b9700f89adf20d1056e1d8',9,1795998766560852,'local','order.submit','done','01a229de-55d2-7690-a542-4b4aa4384b97','shop',X'5f58547e25c78ef128956ea53e75125b','01a229de-55d7-7d28-ac7e-e2c687a2c86f',NULL,1795998765803735,X'74ed36519e4eb9a57072be0b3656521fd876c7cdf6952f898422e94fde18561b',X'6d04b4bdf92da770f3258f90fed383a524588d02e402128f1acdc0a0ea54376c');
INSERT INTO audit_log VALUES(10,X'01a229de48b9700f89adf20d1056e1d8',10,1795998767243409,'local','order.submit','done','01a229de-5885-77f0-b5f2-151baa350344','shop',X'bed07637d3fe0ad6ee4ddf024cf205ec','01a229de-5886-77dd-872a-1454ffb51a06',NULL,1795998766560852,X'6d04b4bdf92da770f3258f90fed383a524588d02e402128f1acdc0a0ea54376c',X'3d328021b1f8e902df5a08a1018c81cb49319feebe6b797fd88349de5728b1eb');
INSERT INTO audit_log VALUES(11,X'01a229de48b9700f89adf20d1056e1d8',11,1795998767999699,'local','order.submit','done','01a229de-5b73-7671-a3b0-bcccd34d94e0','shop',X'e57abdcd4815f09becddc8439a5bbf40','01a229de-5b7a-7227-bc8d-c7fbd14f3787',NULL,1795998767243409,X'3d328021b1f8e902df5a08a1018c81cb49319feebe6b797fd88349de5728b1eb',X'f339bde47b28fd411ae4996e412f8c07ae3a26878ab299e234d4762f4e3fa759');
INSERT INTO audit_log VALUES(12,X'01a229de48b9700f89adf20d1056e1d8',12,1795998768632404,'local','order.submit','done','01a229de-5dee-72a0-acdd-c64f05dc229b','shop',X'aa42a77dc1aa76ca2a291f3901656556','01a229de-5df0-785b-9034-76402ea8acbf',NULL,1795998767999699,X'f339bde47b28fd411ae4996e412f8c07ae3a26878ab299e234d4762f4e3fa759',X'143715b7344a6757b66418c6e328ca69bec0717e79dd7fe6c79af3d139f46083');
INSERT INTO audit_log VALUES(13,X'01a229de48b9700f89adf20d1056e1d8',13,1795998768971150,'local','order.submit','done','01a229de-5f3e-71d5-958b-b3403ea7f0be','shop',X'aa42a77dc1aa76ca2a291f3901656556','01a229de-5f40-711e-b8eb-02fe7822cccc',NULL,1795998768632404,X'143715b7344a6757b66418c6e328ca69bec0717e79dd7fe6c79af3d139f46083',X'dd377fd602e4f9bc07744349c48b5edb678a100c464ae49063676f585b8ba2f3');
INSERT INTO audit_log VALUES(14,X'01a229de604b70678f464e5187989219',1,1795998769226818,'command:root','order.cancel','done',NULL,NULL,NULL,'01a229de-5f40-711e-b8eb-02fe7822cccc',13,1795998768971150,X'dd377fd602e4f9bc07744349c48b5edb678a100c464ae49063676f585b8ba2f3',X'd46ac934ad969ac41b5dd780420b4fbd52c8f9d96fae710ef6e417668fba9684');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',7);
INSERT INTO sqlite_sequence VALUES('audit_log',14);
INSERT INTO sqlite_sequence VALUES('tokens',4);
INSERT INTO sqlite_sequence VALUES('webhook_answers',7);
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
