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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 12:10:14',1,X'af2ffb7c491f8b068784bea1b0266368b81748fe0125db6f305d141def3fd38bd92dd90af415787fc29cef79ded6a585',7863672);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31d6b973bc4f406c384fc9771af8226b9fe42ba0c81ecc9f9f02ef6a26edfafacc73aae8f9a331316aa7a1535e07b6ef49d3b0087bda7f6bdde2c8c999644a6fbfa91697248032bd91',1795954214746085,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795954214748859);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3130ff097e011d73bcbc993d206178e39b280f4c85046beb8a7a418cbab561f86137fbe49d7aeaf3f8114be378915bfbd70f645a90e1030cbff3642e3ef8d37e5e830bb77583005e86658a02f4d5d5e764118af94421359000f974',X'7880aaafb37b58d9d6c6549904a22cc2',1795954215145095,1795954216125359,1801138216125359,X'01a227368cc776e8836a830e80545b23',X'c6ab96235e01dc2cb7be836d5345abb94e70fe8af52d8851933e0e1167e05298',1795954216142690,1798923436606239,3,0,NULL,1795954216142690);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b317cc0f707211132556efed1382966d1457428ccbc408bfc03d553f1c279cf91f209b46f42fb9c7e7269c6091defb75f3382dd00720d22c5d149e61e9210db36963a037f9afa4d611d20fec23e237ffa74e81a5a7fbf5cc78be434',X'7880aaafb37b58d9d6c6549904a22cc2',1795954215313891,1795954215313891,1801138215313891,NULL,NULL,1795954215314539,1798935943262438,1,0,NULL,1795954215313891);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31b7f7e9b11ccdcf1844d18b263805c814ba0f61224b1cb72696b182d6342c5dd95d4f56577d7cfcd5f70bb10b1353a0d66c9450367e3e9c28a1ff8a2559dc9d26c9a75803eebf1b327a4aaa7b60b8fcb15cdf39a9a173d3709bbf',X'7880aaafb37b58d9d6c6549904a22cc2',1795954215453226,1795954215453226,1801138215453226,NULL,NULL,1795954217037810,NULL,1,0,NULL,1795954215453226);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31b6e4bc1b172f4223235d877a56f3c50c5dcbfa32e55c7e8acde5bd7e4d2e544fa761617b5418022117f2ee785cb05cba8f075243df063de42a1bfe15aa98ce3857a169e2f691fc7a9a0761f4aaa09186466134080fb98abef86f',X'7880aaafb37b58d9d6c6549904a22cc2',1795954215609909,1795954215609909,1801138215609909,NULL,NULL,1795954217355991,NULL,1,0,NULL,1795954215609909);
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
INSERT INTO providers VALUES('shop',X'7880aaafb37b58d9d6c6549904a22cc2',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'c536ab3d9dae75f4bc15b4134e11ac5a60cc3f4f0f5fe706a1d8c930f8fab9a7',1,1795954215145728);
INSERT INTO known_tokens VALUES(X'b681beb8d97ae0cd9d7d23455e76d78f0dfc03e506184373fcc47ddd6cd5b606',2,1795954215314539);
INSERT INTO known_tokens VALUES(X'0e0040dc9e32cdfb8b0009136e219fd816514a2e4d7eb384dda90d82463ca362',3,1795954215453821);
INSERT INTO known_tokens VALUES(X'6ca0854e44dd2cf08cf0f24290bd1a7ffe82da450d8296a39bf2ca56c47d68c4',4,1795954215610558);
INSERT INTO known_tokens VALUES(X'a5fcfa58f44d1d24735dbcdc0c568eeb4063ac681a6cc818eeabb7c6aeb2fb8a',1,1795954215646514);
INSERT INTO known_tokens VALUES(X'fbcec4de8ab3fbefef6eb4a9c7088fdeba76f7205fc6488cb163e70594d69538',1,1795954216125359);
CREATE TABLE user_changes (
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- The old name and the new one of a renaming. Null: an erasure.
    renamed_from TEXT,
    renamed_to TEXT,
    PRIMARY KEY (merchant, user_id),
    CHECK ((renamed_from IS NULL) = (renamed_to IS NULL))
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
INSERT INTO orders VALUES(X'01a227368acd7ada9a0c3596451a2144','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795954215629520,1795954215629520,1795954815629520,1795954215634754,1795954215770848,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','a4b3f2cd-fe6c-4e67-ba1d-39f3b29834db','<div id="klarna-checkout-container" data-order-id="a4b3f2cd-fe6c-4e67-ba1d-39f3b29834db" style="overflow-x: hidden;"></div>','9e0525c4-813c-4fa5-a276-5939dc31dd59',NULL);
INSERT INTO orders VALUES(X'01a227368c6a7c3885a16451e99c6553','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795954216043681,1795954216043681,1795954816043681,1795954216116090,1795954216150878,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','1f53bae1-dde5-4528-ab39-7ccc98a1dafc','<div id="klarna-checkout-container" data-order-id="1f53bae1-dde5-4528-ab39-7ccc98a1dafc" style="overflow-x: hidden;"></div>','c6a911f7-8bf2-4945-ab7b-35f2677ecada',NULL);
INSERT INTO orders VALUES(X'01a227368e28799caa7e2940ed7efd99','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795954216489693,1795954216489693,1795954816489693,1795954216503351,1795954216513358,NULL,1,1,1,0,0,'not_registered','[]','0fd46752-b0c7-47e2-88f3-722c23dfe481','<div id="klarna-checkout-container" data-order-id="0fd46752-b0c7-47e2-88f3-722c23dfe481" style="overflow-x: hidden;"></div>','26f9df2c-85ad-4a3d-9fc4-2b129c4a5bb7',NULL);
INSERT INTO orders VALUES(X'01a227368fd076a48b11787a116fa6ba','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795954216912523,1795954216912523,1795954816912523,1795954216951189,1795954217044426,NULL,1,1,1,0,0,'reauth_required','[]','c5d4f0d3-e84e-45c9-b895-d10baabb601d','<div id="klarna-checkout-container" data-order-id="c5d4f0d3-e84e-45c9-b895-d10baabb601d" style="overflow-x: hidden;"></div>','165453d8-dbcd-44cc-b355-c733d681d908',NULL);
INSERT INTO orders VALUES(X'01a2273691707aaca8a4ae591c477cae','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795954217330288,1795954217330288,1795954817330288,1795954217340469,1795954217368980,NULL,1,1,1,0,0,'uncertain','[]','cffa8ed5-9ccc-45c7-8f6d-b826aa327f11','<div id="klarna-checkout-container" data-order-id="cffa8ed5-9ccc-45c7-8f6d-b826aa327f11" style="overflow-x: hidden;"></div>','bbfa5dd2-3489-4dc4-98c7-b800c274f48a',NULL);
INSERT INTO orders VALUES(X'01a22736930f79288dcbddaecad2ad57','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795954217744486,1795954217744486,1795954817744486,1795954217764192,1795954217780991,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"43da833c-afbc-485b-805c-5986faff71fe"}');
INSERT INTO orders VALUES(X'01a2273694ae7b93800f6f8dc99ebc03','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795954218159630,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a227369537793797d3935ed70fde17','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795954218296021,4070908800000000,4070909400000000,NULL,1795954218449099,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22736930f79288dcbddaecad2ad57',1795954217780991,X'01a2273687627707ace45cddce67901e',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"43da833c-afbc-485b-805c-5986faff71fe"}');
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
INSERT INTO workers VALUES(X'01a2273687627707ace45cddce67901e',X'01a22736875f70f4b21c2a4be7fa2a93','vm/1017',1795954214759505,1795954217775061,11,1795954218458000);
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
INSERT INTO exchanges VALUES(X'01a227368ad7744dae125d5449a4e470',1,1,1,'order',X'01a227368acd7ada9a0c3596451a2144',X'01a2273687627707ace45cddce67901e',1795954215639798,1795954215650799,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a227368cc776e8836a830e80545b23',1,2,1,'order',X'01a227368c6a7c3885a16451e99c6553',X'01a2273687627707ace45cddce67901e',1795954216135936,1795954216142690,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2273690477235a62f350d545b8179',3,1,1,'order',X'01a227368fd076a48b11787a116fa6ba',X'01a2273687627707ace45cddce67901e',1795954217032143,1795954217037810,'rejected',0,X'7880aaafb37b58d9d6c6549904a22cc2');
INSERT INTO exchanges VALUES(X'01a2273691857103a0d2ad8250f84c82',4,1,1,'order',X'01a2273691707aaca8a4ae591c477cae',X'01a2273687627707ace45cddce67901e',1795954217350239,1795954217355991,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795954215792060,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'0075ef6cc9a84718a89747aa7a4869ea','shop','alma',X'01a227368acd7ada9a0c3596451a2144','order.submitted','{"order_id":"01a22736-8acd-7ada-9a0c-3596451a2144","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"a4b3f2cd-fe6c-4e67-ba1d-39f3b29834db","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795954215770848,1795954220725290,1796213415770848,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'd8a59ecd92e74e2ba8641449cff30ed3','shop','alma',X'01a227368c6a7c3885a16451e99c6553','order.submitted','{"order_id":"01a22736-8c6a-7c38-85a1-6451e99c6553","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"1f53bae1-dde5-4528-ab39-7ccc98a1dafc","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795954216150878,1795954221422221,1796213416150878,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'eefcecebf7b14cefa8f7f3fd612c0011','shop','never',X'01a227368e28799caa7e2940ed7efd99','order.submitted','{"order_id":"01a22736-8e28-799c-aa7e-2940ed7efd99","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"0fd46752-b0c7-47e2-88f3-722c23dfe481","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795954216513358,1795954221053409,1796213416513358,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'991efbdad50045deacb20e0cdedddd44','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795954217037810,1795954222248117,1796213417037810,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'da8fdbe48e1745c0aa4a3c0621bcf905','shop','revoked',X'01a227368fd076a48b11787a116fa6ba','order.submitted','{"order_id":"01a22736-8fd0-76a4-8b11-787a116fa6ba","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"c5d4f0d3-e84e-45c9-b895-d10baabb601d","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795954217044426,1795954222097675,1796213417044426,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'e332ce065b614d4aaa81e00b9f5af569','shop','lost',X'01a2273691707aaca8a4ae591c477cae','order.submitted','{"order_id":"01a22736-9170-7aac-a8a4-ae591c477cae","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"cffa8ed5-9ccc-45c7-8f6d-b826aa327f11","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795954217368980,1795954222177167,1796213417368980,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'a36d6cc7711d4296a4a616c5c43bf115','shop','never',X'01a22736930f79288dcbddaecad2ad57','order.failed','{"order_id":"01a22736-930f-7928-8dcb-ddaecad2ad57","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795954217780991,1795954223280152,1796213417780991,NULL,1,1,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a2273688b376f689beec6c3460ca2f',1,1795954214886913,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'd6218b75822958afe496031ffba3224b844f1e39eaf3e338c8339e3706b44d8d');
INSERT INTO audit_log VALUES(2,X'01a2273688b376f689beec6c3460ca2f',2,1795954215148730,'local','token.register','done','01a22736-88e8-718b-ae1e-c5f278a1decf','shop',X'837a806265ad9bb15c2863bfc9b62c34',NULL,NULL,1795954214886913,X'd6218b75822958afe496031ffba3224b844f1e39eaf3e338c8339e3706b44d8d',X'59a128b64ba414b07471b5125c364a4a25de0c2b2ab3c24c40e1445402011930');
INSERT INTO audit_log VALUES(3,X'01a2273688b376f689beec6c3460ca2f',3,1795954215316728,'local','token.register','done','01a22736-8991-7076-b50b-f420c98b00f7','shop',X'48d242592d01df415f622942d89594b4',NULL,NULL,1795954215148730,X'59a128b64ba414b07471b5125c364a4a25de0c2b2ab3c24c40e1445402011930',X'ce96b3e7d4056fe0043cde9d9c5bf1efa7eb1e280c7e36f80744fd37a10972a6');
INSERT INTO audit_log VALUES(4,X'01a2273688b376f689beec6c3460ca2f',4,1795954215455987,'local','token.register','done','01a22736-8a1c-7320-9e67-309a4897f280','shop',X'86de111c5a797fc100359fa79b280bb5',NULL,NULL,1795954215316728,X'ce96b3e7d4056fe0043cde9d9c5bf1efa7eb1e280c7e36f80744fd37a10972a6',X'd33d0a718ab90aaae3f010b7e6d87f41979e4c2647f74e47fe298745ad733a17');
INSERT INTO audit_log VALUES(5,X'01a2273688b376f689beec6c3460ca2f',5,1795954215612593,'local','token.register','done','01a22736-8ab9-7455-ac36-786656ccebe9','shop',X'3e313309ed9cbf36f3012f9be9ccd46d',NULL,NULL,1795954215455987,X'd33d0a718ab90aaae3f010b7e6d87f41979e4c2647f74e47fe298745ad733a17',X'649309fdd5eaf14b6ae9f80b7075195c86656c42ee0cae3713b41316a39acc08');
INSERT INTO audit_log VALUES(6,X'01a2273688b376f689beec6c3460ca2f',6,1795954215632364,'local','order.submit','done','01a22736-8acc-7650-9164-b62e863e179b','shop',X'837a806265ad9bb15c2863bfc9b62c34','01a22736-8acd-7ada-9a0c-3596451a2144',NULL,1795954215612593,X'649309fdd5eaf14b6ae9f80b7075195c86656c42ee0cae3713b41316a39acc08',X'76ee8d2bfc6cd469fd45b9c73d2c1ae65e8fc59d5a39a74872a74eaa8856762c');
INSERT INTO audit_log VALUES(7,X'01a2273688b376f689beec6c3460ca2f',7,1795954216105403,'local','order.submit','done','01a22736-8c69-73aa-9115-aa41c72445c0','shop',X'837a806265ad9bb15c2863bfc9b62c34','01a22736-8c6a-7c38-85a1-6451e99c6553',NULL,1795954215632364,X'76ee8d2bfc6cd469fd45b9c73d2c1ae65e8fc59d5a39a74872a74eaa8856762c',X'fae2413093f8b11d0892f2e1e644cf35e25c234880f755f08c594f4db6242d44');
INSERT INTO audit_log VALUES(8,X'01a2273688b376f689beec6c3460ca2f',8,1795954216494928,'local','order.submit','done','01a22736-8e27-74af-a671-1050e0741c08','shop',X'61aab19e51d93eccd8e5031c754b0707','01a22736-8e28-799c-aa7e-2940ed7efd99',NULL,1795954216105403,X'fae2413093f8b11d0892f2e1e644cf35e25c234880f755f08c594f4db6242d44',X'd0af9f8db6a6aa061ce8710ddb6db3948f2997da94697a2bfd2cb907ac9f8ded');
INSERT INTO audit_log VALUES(9,X'01a2273688b376f689beec6c3460ca2f',9,1795954216915400,'local','order.submit','done','01a22736-8fcf-7368-9671-998644fa4589','shop',X'86de111c5a797fc100359fa79b280bb5','01a22736-8fd0-76a4-8b11-787a116fa6ba',NULL,1795954216494928,X'd0af9f8db6a6aa061ce8710ddb6db3948f2997da94697a2bfd2cb907ac9f8ded',X'ec0644c36d5a3383ecc23d8b7dab621885becb8740b2fa59c75e4ace5b9d859c');
INSERT INTO audit_log VALUES(10,X'01a2273688b376f689beec6c3460ca2f',10,1795954217340863,'local','order.submit','done','01a22736-916f-7376-8b2e-f47d747ec916','shop',X'3e313309ed9cbf36f3012f9be9ccd46d','01a22736-9170-7aac-a8a4-ae591c477cae',NULL,1795954216915400,X'ec0644c36d5a3383ecc23d8b7dab621885becb8740b2fa59c75e4ace5b9d859c',X'407b785076f2f8e20a802ef202720af777b85a8d1224b11a1b898e2ff84ddfb2');
INSERT INTO audit_log VALUES(11,X'01a2273688b376f689beec6c3460ca2f',11,1795954217763727,'local','order.submit','done','01a22736-930f-71aa-8666-5a756a316cd6','shop',X'61aab19e51d93eccd8e5031c754b0707','01a22736-930f-7928-8dcb-ddaecad2ad57',NULL,1795954217340863,X'407b785076f2f8e20a802ef202720af777b85a8d1224b11a1b898e2ff84ddfb2',X'6cccc87119805825d2dad53f81a9f6e0b5679724aa5e29ee7b6a61e63683346d');
INSERT INTO audit_log VALUES(12,X'01a2273688b376f689beec6c3460ca2f',12,1795954218161601,'local','order.submit','done','01a22736-94ae-7088-ae08-4cf9f2cc620d','shop',X'837a806265ad9bb15c2863bfc9b62c34','01a22736-94ae-7b93-800f-6f8dc99ebc03',NULL,1795954217763727,X'6cccc87119805825d2dad53f81a9f6e0b5679724aa5e29ee7b6a61e63683346d',X'ca26e405150ed4aa268c67d4f00765229f80b2ed0d9171cf6c625ba6e25011cf');
INSERT INTO audit_log VALUES(13,X'01a2273688b376f689beec6c3460ca2f',13,1795954218301990,'local','order.submit','done','01a22736-9536-705a-9c3c-7c25a73ac0ad','shop',X'837a806265ad9bb15c2863bfc9b62c34','01a22736-9537-7937-97d3-935ed70fde17',NULL,1795954218161601,X'ca26e405150ed4aa268c67d4f00765229f80b2ed0d9171cf6c625ba6e25011cf',X'c098bb46f9f98e69087e496036e1c907d54e9538e04c1a005cf3cfcdd7dd4391');
INSERT INTO audit_log VALUES(14,X'01a2273695d372b6aab8ac4a41951940',1,1795954218451207,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22736-9537-7937-97d3-935ed70fde17',13,1795954218301990,X'c098bb46f9f98e69087e496036e1c907d54e9538e04c1a005cf3cfcdd7dd4391',X'7faff2b990cbbc85a01f1f5dac7475ef38896810a1fce4b674fa2dda6200947e');
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
CREATE INDEX orders_due ON orders (merchant, due_at, id) WHERE status = 'queued';
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
