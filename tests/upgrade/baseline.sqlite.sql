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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 13:47:48',1,X'e5017966206b03a8451ac8436934ca785170d913d8cc8136999cf1bd5198b611edf0901b162df0ff99437fece8bfc8fd',11631708);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b312df8fef675bf0b6882b8879f30337de1f3655532754ce0dd3f04a451fb286087dbf22e692054b96db941be67c5fa58e83e5ec100ad3fe9d3535e4cf60c16566db9c0cc20f095a85c',1796046468185736,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1796046468188198);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b315542352a54a6f930e01baf992db4345cf001c97d39618867ba218ccb77b2a060a5054054ee7df58a7c150654a4f41d9621eb2893d2a8b2e9177af50384f442f79cc30857bec6091a7b8eb5345289e44f897c457b2b17de315cdd',X'01180b416090751abe7f164fee8e3882',1796046468462963,1796046469564312,1801230469564312,X'01a22cb639b47431879a2e42886d4ba9',X'f4c05dc10c0346141d2d5e6a648acf8db548957fae9228801dedc3bd1477ee8f',1796046469568351,1799015690045192,3,0,NULL,1796046469568351);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b312cffacb556163ef11b2a47939226ac81b7eb0af448ab303e1ae5c0f53411210481e4438e9d87567cd6c1d544e97e5bfc5b65fe5110d35393798893e81edd3075c7da56fa7b662b37a862bc695d4f44dcea4cc9d2cde786b18a45',X'01180b416090751abe7f164fee8e3882',1796046468648084,1796046468648084,1801230468648084,NULL,NULL,1796046468649203,1799028196596631,1,0,NULL,1796046468648084);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b3105a44670bd77665dc2e88ec65214f8bdae0f4dc34721ee362c3308cfb72b7bed38068f26c7b4bfb7730e1f89bcffabb3de6affc029e4ca34f76894d930f501eb2cb027a094217ecd11304de1d4c168859ee631ef07e4041d3192',X'01180b416090751abe7f164fee8e3882',1796046468832539,1796046468832539,1801230468832539,NULL,NULL,1796046470566292,NULL,1,0,NULL,1796046468832539);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b319664d1a698d48494b42d86128f32c6af029910f24d4c60a1857d84d5f5b1e6f7cd082b0fa40f3e7ff4a28917fe924307c21f23e09cbfe74e29853d1b12c3edd38db887a16164aa3dde208f7edd6ad2477d64f7d621818e1301b5',X'01180b416090751abe7f164fee8e3882',1796046469005490,1796046469005490,1801230469005490,NULL,NULL,1796046471090893,NULL,1,0,NULL,1796046469005490);
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
INSERT INTO providers VALUES('shop',X'01180b416090751abe7f164fee8e3882',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'846746b44cc9c3e473b54ea08590ac4dab8e0859092a5b300ef23d35b094016d',1,1796046468464331);
INSERT INTO known_tokens VALUES(X'434a792eb3010eeeef554ba0c3c25cb36afbee2e5497bf1fa1b731843d92133d',2,1796046468649203);
INSERT INTO known_tokens VALUES(X'c75a491cdc32cd54e97f19dc46aaf6c67eaddb4e49c457146128ff256749a67c',3,1796046468833621);
INSERT INTO known_tokens VALUES(X'59477875e77b5fa6bc8d7d92c15f507b5e7f3069982c567b104af84dd8c30cb3',4,1796046469006305);
INSERT INTO known_tokens VALUES(X'f607b9b718dde378cd7abd08e0f4de15239bb87ddaa248d8004394646c8cd3bb',1,1796046469054445);
INSERT INTO known_tokens VALUES(X'904640dcd991799c9abd9d9018fc724e916baa0156ffc70d5c7e52122f535e08',1,1796046469564312);
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
CREATE TABLE past_pauses (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    paused_by TEXT NOT NULL,
    paused_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL
);
CREATE TABLE probes (
    merchant TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (merchant, endpoint)
);
CREATE TABLE outages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    merchant TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    cause TEXT NOT NULL,
    since INTEGER NOT NULL,
    -- Null while it goes on.
    until INTEGER
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
    -- When it was due at its first claim. Like the first claim, it begins anew when an operator retries the order.
    first_due_at INTEGER,
    -- How long it has waited for its token, in microseconds.
    token_waited INTEGER NOT NULL DEFAULT 0,
    -- JSON: what it waited for, and when, before it was claimed again. Null: for nothing.
    waits TEXT,
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
    -- When Klarna first pushed it, when it was first read as completed there, and when it was first acknowledged.
    pushed_at INTEGER,
    completed_at INTEGER,
    acknowledged_at INTEGER,
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
INSERT INTO orders VALUES(X'01a22cb637a775beaa1d2b74746254b4','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796046469032939,1796046469032939,1796047069032939,1796046469032939,1796046469032939,0,NULL,1796046469077812,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','08d2720a-6d63-4973-af28-1e86fe5fa6ba','<div id="klarna-checkout-container" data-order-id="08d2720a-6d63-4973-af28-1e86fe5fa6ba" style="overflow-x: hidden;"><script src="http://127.0.0.1:33759/sandbox/checkout.js" data-order-id="08d2720a-6d63-4973-af28-1e86fe5fa6ba"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'bdd0d024-7f0b-44d8-af1b-9ebd4c686671',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22cb639ab78689b7b413ca61adc02','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796046469549578,1796046469549578,1796047069549578,1796046469549578,1796046469549578,0,NULL,1796046469575946,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','20c98b0d-caf8-4d80-a4bd-db64c2ef27f6','<div id="klarna-checkout-container" data-order-id="20c98b0d-caf8-4d80-a4bd-db64c2ef27f6" style="overflow-x: hidden;"><script src="http://127.0.0.1:33759/sandbox/checkout.js" data-order-id="20c98b0d-caf8-4d80-a4bd-db64c2ef27f6"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'380cc3d4-7af0-487f-b98f-65a01c21524e',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22cb63ba270c9943b396f4e6441bc','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796046470051682,1796046470051682,1796047070051682,1796046470051682,1796046470051682,0,NULL,1796046470072412,NULL,1,1,1,0,0,'not_registered','[]','00fb3a08-448c-43dd-a514-3cf773eeb90d','<div id="klarna-checkout-container" data-order-id="00fb3a08-448c-43dd-a514-3cf773eeb90d" style="overflow-x: hidden;"><script src="http://127.0.0.1:33759/sandbox/checkout.js" data-order-id="00fb3a08-448c-43dd-a514-3cf773eeb90d"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'e5b5e9bd-c92c-478e-b485-a4f3b9865db2',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22cb63d9678a4892a47fff7da06a8','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796046470551657,1796046470551657,1796047070551657,1796046470551657,1796046470551657,0,NULL,1796046470574652,NULL,1,1,1,0,0,'reauth_required','[]','758e26fa-a16c-4edb-9d34-23a6329d6976','<div id="klarna-checkout-container" data-order-id="758e26fa-a16c-4edb-9d34-23a6329d6976" style="overflow-x: hidden;"><script src="http://127.0.0.1:33759/sandbox/checkout.js" data-order-id="758e26fa-a16c-4edb-9d34-23a6329d6976"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'017d5662-c6db-4ef4-98b9-7658b72f0858',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22cb63f9c78fdbd01b339076ba1b9','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796046471069681,1796046471069681,1796047071069681,1796046471069681,1796046471069681,0,NULL,1796046471102611,NULL,1,1,1,0,0,'uncertain','[]','cc538740-d8f2-4eab-9cf8-cdcf975028f0','<div id="klarna-checkout-container" data-order-id="cc538740-d8f2-4eab-9cf8-cdcf975028f0" style="overflow-x: hidden;"><script src="http://127.0.0.1:33759/sandbox/checkout.js" data-order-id="cc538740-d8f2-4eab-9cf8-cdcf975028f0"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'0fb37f0c-9731-43fe-a552-340ee4d91062',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22cb641b57d10816ad110871d650c','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1796046471606950,1796046471606950,1796047071606950,1796046471606950,1796046471606950,0,NULL,1796046471624778,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"bec11fea-fded-4ee5-980b-949e9c251fac"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22cb643977ea6a2889ab6a5a9b0f3','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1796046472089434,4070908800000000,4070909400000000,NULL,NULL,0,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22cb6443071758d18b75c20ab9005','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1796046472247881,4070908800000000,4070909400000000,NULL,NULL,0,NULL,1796046472422612,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22cb641b57d10816ad110871d650c',1796046471624778,X'01a22cb63466712180533a29d8874aad',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"bec11fea-fded-4ee5-980b-949e9c251fac"}');
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
    breakers TEXT,
    -- What only the process itself knows of its troubles, for people: a JSON object. Null if it told nothing yet.
    facts TEXT
);
INSERT INTO workers VALUES(X'01a22cb63466712180533a29d8874aad',X'01a22cb6346570739782210b264da81b','vm/12214',1796046468213713,1796046472219606,12,1796046472435449,NULL,'{"spool_files":0,"dropped_lines":0,"clock_off_seconds":0,"failed_reload":null}');
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
INSERT INTO exchanges VALUES(X'01a22cb637b477f0bf74a0151d1c8211',1,1,1,'order',X'01a22cb637a775beaa1d2b74746254b4',X'01a22cb63466712180533a29d8874aad',1796046469045412,1796046469058584,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22cb639b47431879a2e42886d4ba9',1,2,1,'order',X'01a22cb639ab78689b7b413ca61adc02',X'01a22cb63466712180533a29d8874aad',1796046469557250,1796046469568351,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22cb63d9b76ee8579edbdfb829fcc',3,1,1,'order',X'01a22cb63d9678a4892a47fff7da06a8',X'01a22cb63466712180533a29d8874aad',1796046470557361,1796046470566292,'rejected',0,X'01180b416090751abe7f164fee8e3882',NULL);
INSERT INTO exchanges VALUES(X'01a22cb63fa67097a5e1b0c0ed53efaa',4,1,1,'order',X'01a22cb63f9c78fdbd01b339076ba1b9',X'01a22cb63466712180533a29d8874aad',1796046471079191,1796046471090893,'no_answer',1,NULL,'the connection broke before the answer was complete');
CREATE TABLE cached_tokens (
    purpose_ref BLOB PRIMARY KEY,
    token_id INTEGER NOT NULL,
    -- The grant that they came from, as tokens.grant_generation: those of an earlier grant are not vended.
    grant_generation INTEGER NOT NULL,
    -- `sealed` is bound to all of the above, to the merchant and to this provider, which issued the tokens.
    provider BLOB NOT NULL,
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
    -- Of a push, when Klarna sent it first.
    recorded_at INTEGER NOT NULL,
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1796046469089340,NULL,NULL);
CREATE TABLE webhooks (
    -- The order in lists.
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The event's id as the shop sees it, the same in each attempt.
    id BLOB NOT NULL UNIQUE,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    order_id BLOB,
    kind TEXT NOT NULL CHECK (kind IN
        ('order.submitted', 'order.failed', 'order.cancelled', 'order.completed', 'order.expired',
            'token.reauth_required', 'token.recovered', 'webhook.test')),
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
INSERT INTO webhooks VALUES(1,X'b39476213e814cb8ad1d490dd13ac9e7','shop','alma',X'01a22cb637a775beaa1d2b74746254b4','order.submitted','{"order_id":"01a22cb6-37a7-75be-aa1d-2b74746254b4","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"08d2720a-6d63-4973-af28-1e86fe5fa6ba","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796046469077812,1796046474494559,1796305669077812,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'cbea250fe32b48a0a4628af9fbfcf894','shop','alma',X'01a22cb639ab78689b7b413ca61adc02','order.submitted','{"order_id":"01a22cb6-39ab-7868-9b7b-413ca61adc02","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"20c98b0d-caf8-4d80-a4bd-db64c2ef27f6","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796046469575946,1796046474946845,1796305669575946,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'ffe48a65a6e34cbfab4662255dc5bb4e','shop','never',X'01a22cb63ba270c9943b396f4e6441bc','order.submitted','{"order_id":"01a22cb6-3ba2-70c9-943b-396f4e6441bc","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"00fb3a08-448c-43dd-a514-3cf773eeb90d","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796046470072412,1796046475102326,1796305670072412,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'99b492de185744d4aaf648e038e9cc02','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1796046470566292,1796046475136195,1796305670566292,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'9a15876e4e21401caf1565c392ad3671','shop','revoked',X'01a22cb63d9678a4892a47fff7da06a8','order.submitted','{"order_id":"01a22cb6-3d96-78a4-892a-47fff7da06a8","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"758e26fa-a16c-4edb-9d34-23a6329d6976","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796046470574652,1796046475384954,1796305670574652,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'0742a582309747caa636065acf474d30','shop','lost',X'01a22cb63f9c78fdbd01b339076ba1b9','order.submitted','{"order_id":"01a22cb6-3f9c-78fd-bd01-b339076ba1b9","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"cc538740-d8f2-4eab-9cf8-cdcf975028f0","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796046471102611,1796046476360703,1796305671102611,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'6125d5437f5343d0ac4e89d951540e69','shop','never',X'01a22cb641b57d10816ad110871d650c','order.failed','{"order_id":"01a22cb6-41b5-7d10-816a-d110871d650c","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796046471624778,1796046476492826,1796305671624778,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(8,X'c7b83620de704926abbc99b3dc2034cd','shop','alma',X'01a22cb6443071758d18b75c20ab9005','order.cancelled','{"order_id":"01a22cb6-4430-7175-8d18-b75c20ab9005","merchant":"shop","user":"alma","target":"checkout","possible_duplicate":false}','pending',1796046472422612,1796046472422612,1796305672422612,NULL,0,0,NULL);
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
INSERT INTO webhook_answers VALUES(1,'shop',X'b39476213e814cb8ad1d490dd13ac9e7','order.submitted',1796046469089340,NULL,883,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'cbea250fe32b48a0a4628af9fbfcf894','order.submitted',1796046469592199,NULL,998,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'ffe48a65a6e34cbfab4662255dc5bb4e','order.submitted',1796046470079300,NULL,963,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'9a15876e4e21401caf1565c392ad3671','order.submitted',1796046470581107,NULL,560,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'99b492de185744d4aaf648e038e9cc02','token.reauth_required',1796046470582971,NULL,1477,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'0742a582309747caa636065acf474d30','order.submitted',1796046471108859,NULL,690,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'6125d5437f5343d0ac4e89d951540e69','order.failed',1796046471639811,NULL,2122,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22cb6357a737c82b5adb3e85e3518',1,1796046468271408,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'b3114bf5f13ef650ce4de1b8426a2cbd67a60af1610a3c930e10abc803065947');
INSERT INTO audit_log VALUES(2,X'01a22cb6357a737c82b5adb3e85e3518',2,1796046468470291,'local','token.register','done','01a22cb6-356e-7341-930a-04f5976aae10','shop',X'7afea56697c6deac4ab06a14d18c2963',NULL,NULL,1796046468271408,X'b3114bf5f13ef650ce4de1b8426a2cbd67a60af1610a3c930e10abc803065947',X'd195ca35b2e9a4c5374203500cfb35097ae3d53ba5e2d762e5e7c72c6ca4ec08');
INSERT INTO audit_log VALUES(3,X'01a22cb6357a737c82b5adb3e85e3518',3,1796046468652113,'local','token.register','done','01a22cb6-3627-7081-b208-4af5416bbbb1','shop',X'0d5fe1364ed011b2fecb6c8f1f5024f7',NULL,NULL,1796046468470291,X'd195ca35b2e9a4c5374203500cfb35097ae3d53ba5e2d762e5e7c72c6ca4ec08',X'a57ea8ccc9078ca8ffe717749856c28eb37f378788bbfc886d807cd19312b867');
INSERT INTO audit_log VALUES(4,X'01a22cb6357a737c82b5adb3e85e3518',4,1796046468836281,'local','token.register','done','01a22cb6-36df-70a4-a067-7802fced8af4','shop',X'a1d64201f08a8159c24b139364807f69',NULL,NULL,1796046468652113,X'a57ea8ccc9078ca8ffe717749856c28eb37f378788bbfc886d807cd19312b867',X'f34f51a1c13ae377e5070b5bcd33e8f0f636127c0587d126ca8be98b1351a49d');
INSERT INTO audit_log VALUES(5,X'01a22cb6357a737c82b5adb3e85e3518',5,1796046469009277,'local','token.register','done','01a22cb6-378c-7442-85d7-916436e1e824','shop',X'193044a3b5dac811458b596df20b86cd',NULL,NULL,1796046468836281,X'f34f51a1c13ae377e5070b5bcd33e8f0f636127c0587d126ca8be98b1351a49d',X'349dba39beb663543b99aef7cbccbd10ee563394a74c3a2a04fdc72680698f28');
INSERT INTO audit_log VALUES(6,X'01a22cb6357a737c82b5adb3e85e3518',6,1796046469041853,'local','order.submit','done','01a22cb6-37a6-71f8-b726-e08a3a462368','shop',X'7afea56697c6deac4ab06a14d18c2963','01a22cb6-37a7-75be-aa1d-2b74746254b4',NULL,1796046469009277,X'349dba39beb663543b99aef7cbccbd10ee563394a74c3a2a04fdc72680698f28',X'cbfe01e7fe7c7524c0b86b80df1d4787b6a7c02415ac21e91e06a13ab1c1f82b');
INSERT INTO audit_log VALUES(7,X'01a22cb6357a737c82b5adb3e85e3518',7,1796046469553543,'local','order.submit','done','01a22cb6-39a9-76ba-84b8-b9fd1c9fc63e','shop',X'7afea56697c6deac4ab06a14d18c2963','01a22cb6-39ab-7868-9b7b-413ca61adc02',NULL,1796046469041853,X'cbfe01e7fe7c7524c0b86b80df1d4787b6a7c02415ac21e91e06a13ab1c1f82b',X'2ee00530b14b21179d053a39ab4ca610ff2d4ce7d80488303a786d23e4b9dea5');
INSERT INTO audit_log VALUES(8,X'01a22cb6357a737c82b5adb3e85e3518',8,1796046470056082,'local','order.submit','done','01a22cb6-3ba1-717f-ac8e-8c9c49cba50d','shop',X'e7292b6fe7ddae00730e0246325ae07b','01a22cb6-3ba2-70c9-943b-396f4e6441bc',NULL,1796046469553543,X'2ee00530b14b21179d053a39ab4ca610ff2d4ce7d80488303a786d23e4b9dea5',X'1644e48d7a4f6ec7d14d78670a1d8dbb4e5645c00f99b44592f3ff56214a9995');
INSERT INTO audit_log VALUES(9,X'01a22cb6357a737c82b5adb3e85e3518',9,1796046470555882,'local','order.submit','done','01a22cb6-3d95-7394-94fe-2155dec1a892','shop',X'a1d64201f08a8159c24b139364807f69','01a22cb6-3d96-78a4-892a-47fff7da06a8',NULL,1796046470056082,X'1644e48d7a4f6ec7d14d78670a1d8dbb4e5645c00f99b44592f3ff56214a9995',X'8b97a1047d146232bfb183c6cced5b33082ccc75f8631812d76eca4d85f62f23');
INSERT INTO audit_log VALUES(10,X'01a22cb6357a737c82b5adb3e85e3518',10,1796046471074107,'local','order.submit','done','01a22cb6-3f9b-704f-99ca-9af47fb5a197','shop',X'193044a3b5dac811458b596df20b86cd','01a22cb6-3f9c-78fd-bd01-b339076ba1b9',NULL,1796046470555882,X'8b97a1047d146232bfb183c6cced5b33082ccc75f8631812d76eca4d85f62f23',X'dcdab17f6c5cffa67c218cbb5fa6a1638dd078caf5f1f263b56406083f27a4ae');
INSERT INTO audit_log VALUES(11,X'01a22cb6357a737c82b5adb3e85e3518',11,1796046471613486,'local','order.submit','done','01a22cb6-41b4-74be-a137-0b64318bb1c1','shop',X'e7292b6fe7ddae00730e0246325ae07b','01a22cb6-41b5-7d10-816a-d110871d650c',NULL,1796046471074107,X'dcdab17f6c5cffa67c218cbb5fa6a1638dd078caf5f1f263b56406083f27a4ae',X'806675a50a330cf9afcc3cadb4d4972dff5efedb8feba3ac9c3959dbb8ddae49');
INSERT INTO audit_log VALUES(12,X'01a22cb6357a737c82b5adb3e85e3518',12,1796046472092627,'local','order.submit','done','01a22cb6-4396-735b-b49e-247495ccd8c7','shop',X'7afea56697c6deac4ab06a14d18c2963','01a22cb6-4397-7ea6-a288-9ab6a5a9b0f3',NULL,1796046471613486,X'806675a50a330cf9afcc3cadb4d4972dff5efedb8feba3ac9c3959dbb8ddae49',X'e69303c3a048a491a1ba45e53b85eed3331547617878a00aa422ba3b7f870312');
INSERT INTO audit_log VALUES(13,X'01a22cb6357a737c82b5adb3e85e3518',13,1796046472254781,'local','order.submit','done','01a22cb6-442f-7213-8431-b64b4d5801f9','shop',X'7afea56697c6deac4ab06a14d18c2963','01a22cb6-4430-7175-8d18-b75c20ab9005',NULL,1796046472092627,X'e69303c3a048a491a1ba45e53b85eed3331547617878a00aa422ba3b7f870312',X'6ac0d16d764891a5b74d71543333d181e468549572c300676e38389363fb2d74');
INSERT INTO audit_log VALUES(14,X'01a22cb644e071fd8c0a5ed1344097b1',1,1796046472416386,'command:root','order.cancel','begun',NULL,NULL,NULL,'01a22cb6-4430-7175-8d18-b75c20ab9005',13,1796046472254781,X'6ac0d16d764891a5b74d71543333d181e468549572c300676e38389363fb2d74',X'3789a665502f932fe6ff48303fe4304b3373204d124f98dc1883c8a33018c7e8');
INSERT INTO audit_log VALUES(15,X'01a22cb644e071fd8c0a5ed1344097b1',2,1796046472427448,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22cb6-4430-7175-8d18-b75c20ab9005',NULL,1796046472416386,X'3789a665502f932fe6ff48303fe4304b3373204d124f98dc1883c8a33018c7e8',X'bb78fcd93fa76d9432912ca9d900bf52f4245eaa7b5c0706d32ad769b9410ba7');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',8);
INSERT INTO sqlite_sequence VALUES('tokens',4);
INSERT INTO sqlite_sequence VALUES('audit_log',15);
INSERT INTO sqlite_sequence VALUES('webhook_answers',7);
CREATE INDEX tokens_due ON tokens (expires_at / 86400000000, refresh_due_at, id)
    WHERE state = 'active' AND refresh_due_at IS NOT NULL;
CREATE INDEX tokens_undated ON tokens (id)
    WHERE state = 'active' AND refresh_due_generation IS NOT generation;
CREATE INDEX tokens_seen ON tokens (coalesce(last_seen_at, updated_at)) WHERE state <> 'forgotten';
CREATE INDEX tokens_state ON tokens (merchant, state, user_id) WHERE state <> 'active';
CREATE INDEX tokens_dead ON tokens (updated_at)
    WHERE state = 'reauth_required' AND sealed IS NOT NULL;
CREATE INDEX tokens_uncertain ON tokens (id) WHERE state = 'uncertain';
CREATE INDEX known_tokens_row ON known_tokens (token_id, seen_at);
CREATE UNIQUE INDEX outages_open ON outages (merchant, endpoint) WHERE until IS NULL;
CREATE UNIQUE INDEX orders_idempotency ON orders (idempotency_key, merchant)
    WHERE idempotency_key IS NOT NULL AND superseded_by IS NULL;
CREATE INDEX orders_due ON orders (merchant, due_at, id, first_claimed_at) WHERE status = 'queued';
CREATE INDEX orders_next ON orders (due_at) WHERE status = 'queued';
CREATE INDEX orders_running ON orders (merchant, user_id) WHERE status = 'running';
CREATE INDEX orders_user ON orders (user_id, id, merchant);
CREATE INDEX orders_outcome ON orders (status, id, merchant, token_outcome, target);
CREATE INDEX orders_duplicate ON orders (id) WHERE possible_duplicate;
CREATE INDEX orders_error ON orders (id) WHERE error IS NOT NULL;
CREATE INDEX orders_reference1 ON orders (merchant_reference1, id) WHERE merchant_reference1 IS NOT NULL;
CREATE INDEX orders_reference2 ON orders (merchant_reference2, id) WHERE merchant_reference2 IS NOT NULL;
CREATE INDEX orders_klarna_id ON orders (klarna_id, id) WHERE klarna_id IS NOT NULL;
CREATE INDEX orders_waiting ON orders (id) WHERE status = 'queued' AND error IS NOT NULL;
CREATE INDEX orders_failed ON orders (ended_at) WHERE status = 'failed';
CREATE INDEX orders_held ON orders (id)
    WHERE status = 'failed' AND body IS NOT NULL AND substr(error, 1, 27) = '{"code":"database_restored"';
CREATE INDEX orders_wipe ON orders (ended_at)
    WHERE ended_at IS NOT NULL AND (body IS NOT NULL OR result IS NOT NULL);
CREATE INDEX order_attempts_order ON order_attempts (order_id, seq);
CREATE TRIGGER note_attempt AFTER UPDATE OF status ON orders
WHEN OLD.status = 'running' AND NEW.status IN ('queued', 'failed')
    AND (NEW.attempts > OLD.attempts OR NEW.lost_workers > OLD.lost_workers OR NEW.status = 'failed')
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
CREATE INDEX webhooks_user ON webhooks (user_id, merchant);
CREATE INDEX webhooks_ended ON webhooks (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX webhooks_failed ON webhooks (seq) WHERE status = 'failed';
CREATE INDEX webhook_answers_merchant ON webhook_answers (merchant, seq);
CREATE TRIGGER tell_of_order AFTER UPDATE OF status ON orders
WHEN OLD.status <> NEW.status AND (NEW.status IN ('submitted', 'failed')
    OR NEW.status = 'cancelled' AND coalesce(substr(NEW.error, 1, 21), '') <> '{"code":"user_erased"')
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
            WHEN 'cancelled' THEN json_object(
                'order_id', i.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                'possible_duplicate', json(iif(NEW.possible_duplicate, 'true', 'false')))
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
CREATE INDEX audit_log_object ON audit_log (object, id) WHERE object IS NOT NULL;
CREATE INDEX audit_log_undone ON audit_log (outcome, id) WHERE outcome <> 'done';
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
