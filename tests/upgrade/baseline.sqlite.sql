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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 15:24:02',1,X'f1996469ecfa74b9599e94a5ead1ffa232dfc6f3c5807007c9a5d218c4bf131ce7a73d0b205777d1cea40116dec2f93d',37815350);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31410c35fdfa595b4675c1cdefdced85eca0c1a85e3bcc6b5af23d277c3951877fcc71cf2be3d2e91fc5b7538f32cccf024e1956f50289712d2df4a6c0849fcbcf013675219617408d',1795965842269411,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795965842296020);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31d6a91fc0d447b1f4bad255cb9450b90a45f5d92cc3e1e5aaf72527ffec55642ee0464a1825f7213a7f55f980474884440fcb4394445a7e460495788ae8e599461e02515c095643d509dc4f0aeab1e9a723ed671b66a918f59e8a',X'16bcaf2cd4bd59bcb8a0077876b58bb7',1795965843509836,1795965847321572,1801149847321572,X'01a227e8070876459a0a52f34baea543',X'2ee913e2881c91240942d8e5adb9781bb093636643d5d0cc474bfcdc9f259588',1795965847331032,1798935067802452,3,0,NULL,1795965847331032);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b311bbeaf2a55b7bfcd9a982895610510d6a37f6a72d2448aaffc30b02e2c981822bf7f251d8678c484fbb3fbeadc811e48cd65aa087ca4642de987fb590dd62ad5edee81633959c422c1cadee787eedf6da59b559b84ed1ff4985a',X'16bcaf2cd4bd59bcb8a0077876b58bb7',1795965844265617,1795965844265617,1801149844265617,NULL,NULL,1795965844266455,1798947572214164,1,0,NULL,1795965844265617);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31363d3137e5d4d481e0849d5436635b6d6a303079544ada8e4840a5344b6d69bad5c1454ae81f28c0ca8f77cc462f47d6eeff37c9ac1c77de0512a3418d577aa4af36bf79131de7c352f1209941d54baab54c489780a9da8ed3a0',X'16bcaf2cd4bd59bcb8a0077876b58bb7',1795965844728451,1795965844728451,1801149844728451,NULL,NULL,1795965851099975,NULL,1,0,NULL,1795965844728451);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31ff9c2e545c60c7ad0d50e4dcaf76b3f88d76d8c32b91be2173bc75b121ee1183c91015ee522b852ecb9f61007a29462ded4a5b3db02ae7525167d724d6737cb59ea56ed4543dd4715ff75903443bd52431400d8033266304e388',X'16bcaf2cd4bd59bcb8a0077876b58bb7',1795965845255598,1795965845255598,1801149845255598,NULL,NULL,1795965853026958,NULL,1,0,NULL,1795965845255598);
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
INSERT INTO providers VALUES('shop',X'16bcaf2cd4bd59bcb8a0077876b58bb7',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'4ed68c46e07f5a89f787329a2f501de6b8ebc2e0af3cc8a9e91e836974335e44',1,1795965843513191);
INSERT INTO known_tokens VALUES(X'02adb95f1e87993d1fc43930a364095a8c6bda751331c9ce1c23a677582ebcf6',2,1795965844266455);
INSERT INTO known_tokens VALUES(X'3c0b4cf49abd41bd45951cbe594c3424766177e93fa8994447f195f8e5e44437',3,1795965844730911);
INSERT INTO known_tokens VALUES(X'ea8b35ca7237e7c89482f5456063bef4d294d83ebb146946933d997b12105381',4,1795965845256380);
INSERT INTO known_tokens VALUES(X'de83d7d771765d4456d4dc2950c257f40577b7a61e1dfcb3ca0d2ca4c81d3635',1,1795965845405326);
INSERT INTO known_tokens VALUES(X'65a4749df724ff058a47a7991f0d133cdc5237956c6037d81d28a3d24d9154cb',1,1795965847321572);
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
INSERT INTO orders VALUES(X'01a227e7ff577ba7834d19e7e298278c','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795965845337228,1795965845337228,1795966445337228,1795965845370341,1795965845518866,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','0b9e77d8-b4d2-43b5-bffe-be844a473182','<div id="klarna-checkout-container" data-order-id="0b9e77d8-b4d2-43b5-bffe-be844a473182" style="overflow-x: hidden;"></div>','7a2bb382-e310-4369-9cb5-aa42200b79c9',NULL);
INSERT INTO orders VALUES(X'01a227e806e77363b2772223d85e1ab4','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795965847274965,1795965847274965,1795966447274965,1795965847283671,1795965847360775,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','0534d35e-a1b9-4e13-bdff-2a6291f199ae','<div id="klarna-checkout-container" data-order-id="0534d35e-a1b9-4e13-bdff-2a6291f199ae" style="overflow-x: hidden;"></div>','b26dd05c-028c-4692-9392-1f553337ec04',NULL);
INSERT INTO orders VALUES(X'01a227e80e0977e4ac42446ff18dd44e','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795965849099524,1795965849099524,1795966449099524,1795965849110772,1795965849125279,NULL,1,1,1,0,0,'not_registered','[]','59458812-1b08-4f1e-a48e-bc6696747f1c','<div id="klarna-checkout-container" data-order-id="59458812-1b08-4f1e-a48e-bc6696747f1c" style="overflow-x: hidden;"></div>','ca89d534-ff15-43e0-bbb4-4c76a265c8f6',NULL);
INSERT INTO orders VALUES(X'01a227e81586760db8e899cc5893cf7d','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795965851019266,1795965851019266,1795966451019266,1795965851036996,1795965851163624,NULL,1,1,1,0,0,'reauth_required','[]','6c6b4e76-c3c6-4381-bad3-f838290904d4','<div id="klarna-checkout-container" data-order-id="6c6b4e76-c3c6-4381-bad3-f838290904d4" style="overflow-x: hidden;"></div>','6d1e66b2-594d-4c1e-89ea-bd794056f06d',NULL);
INSERT INTO orders VALUES(X'01a227e81d2472e9984a9c55bb1a40c6','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795965852965091,1795965852965091,1795966452965091,1795965852983165,1795965853074725,NULL,1,1,1,0,0,'uncertain','[]','901bd030-1548-4e7c-abb6-acb519a939a2','<div id="klarna-checkout-container" data-order-id="901bd030-1548-4e7c-abb6-acb519a939a2" style="overflow-x: hidden;"></div>','138931ec-d6e0-4d13-b698-944bc233f214',NULL);
INSERT INTO orders VALUES(X'01a227e8244b7a2a84adcfa91d5e5cd9','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795965854803178,1795965854803178,1795966454803178,1795965854838750,1795965854882454,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"8035d253-45a9-4e27-a557-61cfe586f0ea"}');
INSERT INTO orders VALUES(X'01a227e82c03758bbdc92f1ef7e52a05','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795965856778732,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a227e82dc07e73b0c29d9bf3abd9c9','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795965857216847,4070908800000000,4070909400000000,NULL,1795965857875913,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a227e8244b7a2a84adcfa91d5e5cd9',1795965854882454,X'01a227e7f3c473198111ef8995aecc95',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"8035d253-45a9-4e27-a557-61cfe586f0ea"}');
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
INSERT INTO workers VALUES(X'01a227e7f3c473198111ef8995aecc95',X'01a227e7f392724d96e3ca03e23328d3','vm/25455',1795965842399341,1795965856420682,17,1795965857943170);
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
INSERT INTO exchanges VALUES(X'01a227e7ff8d7216bad642409993c4f5',1,1,1,'order',X'01a227e7ff577ba7834d19e7e298278c',X'01a227e7f3c473198111ef8995aecc95',1795965845391991,1795965845416026,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a227e8070876459a0a52f34baea543',1,2,1,'order',X'01a227e806e77363b2772223d85e1ab4',X'01a227e7f3c473198111ef8995aecc95',1795965847304629,1795965847331032,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a227e815af71f49b460ab121dd0b4f',3,1,1,'order',X'01a227e81586760db8e899cc5893cf7d',X'01a227e7f3c473198111ef8995aecc95',1795965851062994,1795965851099975,'rejected',0,X'16bcaf2cd4bd59bcb8a0077876b58bb7');
INSERT INTO exchanges VALUES(X'01a227e81d417265b07bd67cffb9c9ed',4,1,1,'order',X'01a227e81d2472e9984a9c55bb1a40c6',X'01a227e7f3c473198111ef8995aecc95',1795965852993605,1795965853026958,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795965845587410,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'1e7764d4a2004a4aabddd55d9d9be36a','shop','alma',X'01a227e7ff577ba7834d19e7e298278c','order.submitted','{"order_id":"01a227e7-ff57-7ba7-834d-19e7e298278c","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"0b9e77d8-b4d2-43b5-bffe-be844a473182","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795965845518866,1795965905697736,1796225045518866,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'b48961ee973a4b7dac438989610ef006','shop','alma',X'01a227e806e77363b2772223d85e1ab4','order.submitted','{"order_id":"01a227e8-06e7-7363-b277-2223d85e1ab4","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"0534d35e-a1b9-4e13-bdff-2a6291f199ae","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795965847360775,1795965912473114,1796225047360775,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'11617ee948254168a7700eb1adad121b','shop','never',X'01a227e80e0977e4ac42446ff18dd44e','order.submitted','{"order_id":"01a227e8-0e09-77e4-ac42-446ff18dd44e","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"59458812-1b08-4f1e-a48e-bc6696747f1c","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795965849125279,1795965911343115,1796225049125279,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'5435b7817c674071aebc55220fc44223','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795965851099975,1795965913515069,1796225051099975,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'57aec58846324762ae2758d6709be9b7','shop','revoked',X'01a227e81586760db8e899cc5893cf7d','order.submitted','{"order_id":"01a227e8-1586-760d-b8e8-99cc5893cf7d","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"6c6b4e76-c3c6-4381-bad3-f838290904d4","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795965851163624,1795965916090480,1796225051163624,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'353f449e79db44a6a11115c08a3c9e39','shop','lost',X'01a227e81d2472e9984a9c55bb1a40c6','order.submitted','{"order_id":"01a227e8-1d24-72e9-984a-9c55bb1a40c6","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"901bd030-1548-4e7c-abb6-acb519a939a2","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795965853074725,1795965857983837,1796225053074725,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'f034117567ba4f82a76c3d35f12c4527','shop','never',X'01a227e8244b7a2a84adcfa91d5e5cd9','order.failed','{"order_id":"01a227e8-244b-7a2a-84ad-cfa91d5e5cd9","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795965854882454,1795965860055846,1796225054882454,NULL,1,1,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a227e7f6977035b32eb24e75712498',1,1795965842883871,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'653bd555353800bec84c2cfbc7d449738fb8ab61c56d676d5a754b0a9e642d01');
INSERT INTO audit_log VALUES(2,X'01a227e7f6977035b32eb24e75712498',2,1795965843544892,'local','token.register','done','01a227e7-f835-74d3-9f07-aeb5c786b2dc','shop',X'b8bf00a6f154d14c89480aebdf0e143d',NULL,NULL,1795965842883871,X'653bd555353800bec84c2cfbc7d449738fb8ab61c56d676d5a754b0a9e642d01',X'769c90206876a87fbf9c4f8f2af710c48128d2be6356d86297c0f7aee10e80e0');
INSERT INTO audit_log VALUES(3,X'01a227e7f6977035b32eb24e75712498',3,1795965844279163,'local','token.register','done','01a227e7-fb29-744a-bc7c-8f00c24ca66b','shop',X'2d4d6981ce99f6a0620aa360aabd28ae',NULL,NULL,1795965843544892,X'769c90206876a87fbf9c4f8f2af710c48128d2be6356d86297c0f7aee10e80e0',X'a5653ea09eefbf2c9f27209a1815e2c297f99cfbe2dce62304f7504dabf3d73c');
INSERT INTO audit_log VALUES(4,X'01a227e7f6977035b32eb24e75712498',4,1795965844759758,'local','token.register','done','01a227e7-fcf7-7226-b830-bbb48355baf2','shop',X'db7f3b0d39f6219963483f0c10e1dc55',NULL,NULL,1795965844279163,X'a5653ea09eefbf2c9f27209a1815e2c297f99cfbe2dce62304f7504dabf3d73c',X'd89b0db070d233ac61f98caf1bd3b2d99d2643123479d24353c6725535d12cfe');
INSERT INTO audit_log VALUES(5,X'01a227e7f6977035b32eb24e75712498',5,1795965845267476,'local','token.register','done','01a227e7-ff07-74bd-a959-df82749e32e3','shop',X'fd7c6732b38e36a746e768dfb6650a7c',NULL,NULL,1795965844759758,X'd89b0db070d233ac61f98caf1bd3b2d99d2643123479d24353c6725535d12cfe',X'74d792027f626964241b425ba6cdb9cea99f04deca7f8b8f2a4cce5d0055b535');
INSERT INTO audit_log VALUES(6,X'01a227e7f6977035b32eb24e75712498',6,1795965845358781,'local','order.submit','done','01a227e7-ff56-743d-a7ef-d78251a02af4','shop',X'b8bf00a6f154d14c89480aebdf0e143d','01a227e7-ff57-7ba7-834d-19e7e298278c',NULL,1795965845267476,X'74d792027f626964241b425ba6cdb9cea99f04deca7f8b8f2a4cce5d0055b535',X'c04ba7f52874d85aa0fabad2968a64c68e8380593438603c95c744aaac3f4f0e');
INSERT INTO audit_log VALUES(7,X'01a227e7f6977035b32eb24e75712498',7,1795965847278732,'local','order.submit','done','01a227e8-06e7-75fd-bbe8-1e371851ed68','shop',X'b8bf00a6f154d14c89480aebdf0e143d','01a227e8-06e7-7363-b277-2223d85e1ab4',NULL,1795965845358781,X'c04ba7f52874d85aa0fabad2968a64c68e8380593438603c95c744aaac3f4f0e',X'11e7aaa7dea348556fe968a816a93e82ed069ab934ad878d612c98e762768e9c');
INSERT INTO audit_log VALUES(8,X'01a227e7f6977035b32eb24e75712498',8,1795965849108343,'local','order.submit','done','01a227e8-0e09-7398-9da9-ef54496b2ca6','shop',X'ec7442caf57d8f948be61b23755007e6','01a227e8-0e09-77e4-ac42-446ff18dd44e',NULL,1795965847278732,X'11e7aaa7dea348556fe968a816a93e82ed069ab934ad878d612c98e762768e9c',X'3b5301ff6af762af789cceeccc3b6bb89f245ed6d426d931600b8570a263634d');
INSERT INTO audit_log VALUES(9,X'01a227e7f6977035b32eb24e75712498',9,1795965851033788,'local','order.submit','done','01a227e8-1586-77d5-80ed-490964252410','shop',X'db7f3b0d39f6219963483f0c10e1dc55','01a227e8-1586-760d-b8e8-99cc5893cf7d',NULL,1795965849108343,X'3b5301ff6af762af789cceeccc3b6bb89f245ed6d426d931600b8570a263634d',X'c6244ab4f9be22276926951bf06c32a0e9a393dacd58dc8702f4ff840007170b');
INSERT INTO audit_log VALUES(10,X'01a227e7f6977035b32eb24e75712498',10,1795965852971770,'local','order.submit','done','01a227e8-1d23-706a-a9a8-c60f3a67b2db','shop',X'fd7c6732b38e36a746e768dfb6650a7c','01a227e8-1d24-72e9-984a-9c55bb1a40c6',NULL,1795965851033788,X'c6244ab4f9be22276926951bf06c32a0e9a393dacd58dc8702f4ff840007170b',X'1974c14c085ead11ccc71a76a93138c735f9991b6cfe3b1524c9ddf43322bff4');
INSERT INTO audit_log VALUES(11,X'01a227e7f6977035b32eb24e75712498',11,1795965854827133,'local','order.submit','done','01a227e8-244b-75d2-9f06-5e104f15aefb','shop',X'ec7442caf57d8f948be61b23755007e6','01a227e8-244b-7a2a-84ad-cfa91d5e5cd9',NULL,1795965852971770,X'1974c14c085ead11ccc71a76a93138c735f9991b6cfe3b1524c9ddf43322bff4',X'db4e8f1cb3f5343519750fdc9bc6f0a5100de1f83eb06dee6a5f3853200000f1');
INSERT INTO audit_log VALUES(12,X'01a227e7f6977035b32eb24e75712498',12,1795965856795140,'local','order.submit','done','01a227e8-2c02-7349-9139-fc7fa069e7ef','shop',X'b8bf00a6f154d14c89480aebdf0e143d','01a227e8-2c03-758b-bdc9-2f1ef7e52a05',NULL,1795965854827133,X'db4e8f1cb3f5343519750fdc9bc6f0a5100de1f83eb06dee6a5f3853200000f1',X'3ad4d7279a1fefe0ec2be5c75509fbc44b44d3066699a0b16471a784211ada95');
INSERT INTO audit_log VALUES(13,X'01a227e7f6977035b32eb24e75712498',13,1795965857221672,'local','order.submit','done','01a227e8-2dbf-73da-8df8-fdf8e5ed06e3','shop',X'b8bf00a6f154d14c89480aebdf0e143d','01a227e8-2dc0-7e73-b0c2-9d9bf3abd9c9',NULL,1795965856795140,X'3ad4d7279a1fefe0ec2be5c75509fbc44b44d3066699a0b16471a784211ada95',X'7124f0369b7259d78e5e2d1d03336077cd37396031c260c95752dbfbacfaf54c');
INSERT INTO audit_log VALUES(14,X'01a227e8307c7294a4c11328f5278138',1,1795965857915248,'command:root','order.cancel','done',NULL,NULL,NULL,'01a227e8-2dc0-7e73-b0c2-9d9bf3abd9c9',13,1795965857221672,X'7124f0369b7259d78e5e2d1d03336077cd37396031c260c95752dbfbacfaf54c',X'b4469d72636472aba39b0010c6f9d32958b6a504bf178ad05d00332738a91765');
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
