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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 13:35:03',1,X'29c251fa9591330a9204af469a7adb561d5d3868a1ba434859768dad5561cda38eaae0a18e063887a9010fdd51d71cfb',51937743);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b315f8444698f29222ee62c1e12ee1b87924c8d953daddd6f330a59708e559b37a4aa5b6c2562f07bd5b734ae4288765478b8556c698e416b8ae5286268d022bd070f64174f482a4f33',1796045703456466,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1796045703472588);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b311ce879abc4efd859e6362b2f07731a8be4a02ab72535824f952d9191c767d92c3db07fc2560d11b59a3792c78cc3a7c28b50e87b12d726067cdb060c3e811c5a4534404483dda9754cec805fe30971460f40c62acf6858b2b24e',X'7651249437fea57bfe5ad25717a9afa4',1796045704166352,1796045706756960,1801229706756960,X'01a22caa95fc72a6826a909009f374a9',X'206d6f312dade2a041fc52b7baa3a1edaf70861ec5cee912a876431607c8995b',1796045706762131,1799014927237840,3,0,NULL,1796045706762131);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31988156951a5eb41a76f965d63ebeb8dc8b610deb33b66c1683b08dc2ba6dd63766c0433895a6e582d7ec738d315e79cba718bf3f7a44ecc39343aae27bafd5073eb1743c15b1924fb3c4cfe0536f46429d353ad78c056c0ee779',X'7651249437fea57bfe5ad25717a9afa4',1796045704589512,1796045704589512,1801229704589512,NULL,NULL,1796045704590490,1799027432538059,1,0,NULL,1796045704589512);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31f023c1ebd78110223a6466067366cb4180cbe5fc69f8aa1c6829bb893292efa71b64896aac10b8278f6dafd9ca97bdf5ee80fb4fa8e03ec7967ae9837e337a574be86bca80c43b3e60539e3d65b71f4ef34ec50e3fc4ef5423e8',X'7651249437fea57bfe5ad25717a9afa4',1796045705036307,1796045705036307,1801229705036307,NULL,NULL,1796045709108806,NULL,1,0,NULL,1796045705036307);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b310af30611a89c6f5ff425d45b5ba5fbe2bace2f921c0a96cdbe6ecd2b2e60841885003ae77face1a4d78a03967b7dc3b78039e8fa1af1b7e365a15a23acd0aedc423390b78a08beb0fdd3bc7642b4792f646dc8ed9700e3a7f682',X'7651249437fea57bfe5ad25717a9afa4',1796045705440667,1796045705440667,1801229705440667,NULL,NULL,1796045710297939,NULL,1,0,NULL,1796045705440667);
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
INSERT INTO providers VALUES('shop',X'7651249437fea57bfe5ad25717a9afa4',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'6e727ec8a721b217de0ee3edc383b1872558c290e214b3e2e51dca0b54722704',1,1796045704176274);
INSERT INTO known_tokens VALUES(X'32561d9855efcf5677be1ef7352f19c25a9f21c7e2f644203489250bece9c31b',2,1796045704590490);
INSERT INTO known_tokens VALUES(X'9aa632da1f92a393a965905038e2453a8377f8bac5a62ca0d9bb1d432b408ed0',3,1796045705037198);
INSERT INTO known_tokens VALUES(X'd9a3fb1e096533b9897f5226467051a116d47cee8d6cf51992b141d7d34e89e1',4,1796045705441596);
INSERT INTO known_tokens VALUES(X'6fa51b416dd5bd961b8b0db6c05ae38edb103eb955c485825d4063e528224033',1,1796045705535653);
INSERT INTO known_tokens VALUES(X'979f037d726bb03c93238985a308ea059cc10848d798de7fd823d1d275bf1d6b',1,1796045706756960);
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
INSERT INTO orders VALUES(X'01a22caa91197e7fa0ccb207c1bf0d3c','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796045705498895,1796045705498895,1796046305498895,1796045705498895,1796045705498895,0,NULL,1796045705576178,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','7dc81105-1f51-4da9-966f-86aa38f0a1b4','<div id="klarna-checkout-container" data-order-id="7dc81105-1f51-4da9-966f-86aa38f0a1b4" style="overflow-x: hidden;"><script src="http://127.0.0.1:42271/sandbox/checkout.js" data-order-id="7dc81105-1f51-4da9-966f-86aa38f0a1b4"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'7ff50815-9509-4753-811a-b0244464951b',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22caa95e97e25a24b48ab6bd74c06','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796045706733385,1796045706733385,1796046306733385,1796045706733385,1796045706733385,0,NULL,1796045706771421,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','2a89012a-e750-4fba-8a5f-b6e5814eded5','<div id="klarna-checkout-container" data-order-id="2a89012a-e750-4fba-8a5f-b6e5814eded5" style="overflow-x: hidden;"><script src="http://127.0.0.1:42271/sandbox/checkout.js" data-order-id="2a89012a-e750-4fba-8a5f-b6e5814eded5"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'a290a918-4ab0-4999-a381-8d4256f30b07',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22caa9abb7315a20e0d4fc96e04c2','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796045707964396,1796045707964396,1796046307964396,1796045707964396,1796045707964396,0,NULL,1796045707982374,NULL,1,1,1,0,0,'not_registered','[]','c1681d69-b497-4116-a636-9c0065ab4e61','<div id="klarna-checkout-container" data-order-id="c1681d69-b497-4116-a636-9c0065ab4e61" style="overflow-x: hidden;"><script src="http://127.0.0.1:42271/sandbox/checkout.js" data-order-id="c1681d69-b497-4116-a636-9c0065ab4e61"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'34e6f994-7784-421c-98ed-1493aacaaa1c',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22caa9f267e3688f3706af34b9cd7','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796045709095333,1796045709095333,1796046309095333,1796045709095333,1796045709095333,0,NULL,1796045709126650,NULL,1,1,1,0,0,'reauth_required','[]','a5aedda7-055b-4024-8002-31a138dcfcfa','<div id="klarna-checkout-container" data-order-id="a5aedda7-055b-4024-8002-31a138dcfcfa" style="overflow-x: hidden;"><script src="http://127.0.0.1:42271/sandbox/checkout.js" data-order-id="a5aedda7-055b-4024-8002-31a138dcfcfa"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'21a0305f-6807-46f2-8e69-bf5067da6dc4',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22caaa3c07ae3863ae3ea26f01597','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796045710273408,1796045710273408,1796046310273408,1796045710273408,1796045710273408,0,NULL,1796045710327671,NULL,1,1,1,0,0,'uncertain','[]','84dea303-b26f-4e1e-b0ac-86b59e312d72','<div id="klarna-checkout-container" data-order-id="84dea303-b26f-4e1e-b0ac-86b59e312d72" style="overflow-x: hidden;"><script src="http://127.0.0.1:42271/sandbox/checkout.js" data-order-id="84dea303-b26f-4e1e-b0ac-86b59e312d72"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'3b1374ce-9290-4d7d-b639-b90c01c634fe',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22caaa82e7ed5bf13b37f44e8bbbf','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1796045711412059,1796045711412059,1796046311412059,1796045711412059,1796045711412059,0,NULL,1796045711455297,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"7c817dc7-b0e0-4c68-bac4-dfdabad51727"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22caaac927f048b9408c39da4b4e7','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1796045712531746,4070908800000000,4070909400000000,NULL,NULL,0,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22caaadd878ac8a72f832946210fd','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1796045712859880,4070908800000000,4070909400000000,NULL,NULL,0,NULL,1796045713327174,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22caaa82e7ed5bf13b37f44e8bbbf',1796045711455297,X'01a22caa897e7117b83365fda7aa7b0c',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"7c817dc7-b0e0-4c68-bac4-dfdabad51727"}');
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
INSERT INTO workers VALUES(X'01a22caa897e7117b83365fda7aa7b0c',X'01a22caa896476f38236e9a40d1a4ef7','vm/26600',1796045703615232,1796045711660631,14,1796045713389350,NULL);
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
INSERT INTO exchanges VALUES(X'01a22caa912b77f08f48adb76281aba0',1,1,1,'order',X'01a22caa91197e7fa0ccb207c1bf0d3c',X'01a22caa897e7117b83365fda7aa7b0c',1796045705523138,1796045705539691,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22caa95fc72a6826a909009f374a9',1,2,1,'order',X'01a22caa95e97e25a24b48ab6bd74c06',X'01a22caa897e7117b83365fda7aa7b0c',1796045706749041,1796045706762131,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22caa9f2b7444a6353b53104f4ea3',3,1,1,'order',X'01a22caa9f267e3688f3706af34b9cd7',X'01a22caa897e7117b83365fda7aa7b0c',1796045709100184,1796045709108806,'rejected',0,X'7651249437fea57bfe5ad25717a9afa4',NULL);
INSERT INTO exchanges VALUES(X'01a22caaa3c473659bb6a8e808503c2d',4,1,1,'order',X'01a22caaa3c07ae3863ae3ea26f01597',X'01a22caa897e7117b83365fda7aa7b0c',1796045710279228,1796045710297939,'no_answer',1,NULL,'the connection broke before the answer was complete');
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1796045705611215,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'518b198b071540e2a537699d31a613ae','shop','alma',X'01a22caa91197e7fa0ccb207c1bf0d3c','order.submitted','{"order_id":"01a22caa-9119-7e7f-a0cc-b207c1bf0d3c","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"7dc81105-1f51-4da9-966f-86aa38f0a1b4","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796045705576178,1796045765047485,1796304905576178,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'e081ebb8213e491ea48b4925d7c2e076','shop','alma',X'01a22caa95e97e25a24b48ab6bd74c06','order.submitted','{"order_id":"01a22caa-95e9-7e25-a24b-48ab6bd74c06","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"2a89012a-e750-4fba-8a5f-b6e5814eded5","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796045706771421,1796045767366224,1796304906771421,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'4cab69bb80a6454aad5fe5da41f8a6b6','shop','never',X'01a22caa9abb7315a20e0d4fc96e04c2','order.submitted','{"order_id":"01a22caa-9abb-7315-a20e-0d4fc96e04c2","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"c1681d69-b497-4116-a636-9c0065ab4e61","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796045707982374,1796045768613128,1796304907982374,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'f3707e317c5f43f1a9df761a74ced998','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1796045709108806,1796045713680488,1796304909108806,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'a1d7d547a21e4465a42a2742e66d09fe','shop','revoked',X'01a22caa9f267e3688f3706af34b9cd7','order.submitted','{"order_id":"01a22caa-9f26-7e36-88f3-706af34b9cd7","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"a5aedda7-055b-4024-8002-31a138dcfcfa","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796045709126650,1796045714416347,1796304909126650,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'e651bec43ae14bbaae4c4650ad85d474','shop','lost',X'01a22caaa3c07ae3863ae3ea26f01597','order.submitted','{"order_id":"01a22caa-a3c0-7ae3-863a-e3ea26f01597","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"84dea303-b26f-4e1e-b0ac-86b59e312d72","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796045710327671,1796045715809238,1796304910327671,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'0a908b0b2956469ea750d69cd3254b77','shop','never',X'01a22caaa82e7ed5bf13b37f44e8bbbf','order.failed','{"order_id":"01a22caa-a82e-7ed5-bf13-b37f44e8bbbf","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796045711455297,1796045716002463,1796304911455297,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(8,X'b12a549a8ffc4604a3b89dd549dd0dd2','shop','alma',X'01a22caaadd878ac8a72f832946210fd','order.cancelled','{"order_id":"01a22caa-add8-78ac-8a72-f832946210fd","merchant":"shop","user":"alma","target":"checkout","possible_duplicate":false}','pending',1796045713327174,1796045713376041,1796304913327174,NULL,1,0,NULL);
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
INSERT INTO webhook_answers VALUES(1,'shop',X'518b198b071540e2a537699d31a613ae','order.submitted',1796045705611215,NULL,1592,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'e081ebb8213e491ea48b4925d7c2e076','order.submitted',1796045706781215,NULL,845,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'4cab69bb80a6454aad5fe5da41f8a6b6','order.submitted',1796045708018564,NULL,921,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'a1d7d547a21e4465a42a2742e66d09fe','order.submitted',1796045709151274,NULL,5639,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'f3707e317c5f43f1a9df761a74ced998','token.reauth_required',1796045709155847,NULL,5110,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'e651bec43ae14bbaae4c4650ad85d474','order.submitted',1796045710343289,NULL,734,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'518b198b071540e2a537699d31a613ae','order.submitted',1796045710965213,NULL,1327,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(8,'shop',X'0a908b0b2956469ea750d69cd3254b77','order.failed',1796045711479319,NULL,1178,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(9,'shop',X'e081ebb8213e491ea48b4925d7c2e076','order.submitted',1796045711885460,NULL,1727,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(10,'shop',X'4cab69bb80a6454aad5fe5da41f8a6b6','order.submitted',1796045713153973,NULL,1218,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22caa8b1e7681972519e33ec18187',1,1796045703762751,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'7321ccfebf676e5ef519cdb7b242f9d545a129aeae7e71dc63f61c96eb84ed11');
INSERT INTO audit_log VALUES(2,X'01a22caa8b1e7681972519e33ec18187',2,1796045704191527,'local','token.register','done','01a22caa-8be5-7132-b054-5ff5b810ed61','shop',X'aa3fafe8ebd3a8444b07a7569f72e6c9',NULL,NULL,1796045703762751,X'7321ccfebf676e5ef519cdb7b242f9d545a129aeae7e71dc63f61c96eb84ed11',X'7781b36c4f5532d6669c1b2be2d33f7a822c2f069576c229f3a43c98193ddf5d');
INSERT INTO audit_log VALUES(3,X'01a22caa8b1e7681972519e33ec18187',3,1796045704600614,'local','token.register','done','01a22caa-8d8c-7681-94f0-69f0106b1d86','shop',X'1a26a04b796a63fd8837045533eba346',NULL,NULL,1796045704191527,X'7781b36c4f5532d6669c1b2be2d33f7a822c2f069576c229f3a43c98193ddf5d',X'f83538bc0e466f91926dcdd255c7db35282c105561c33257b1abc6f1fbe2cd9f');
INSERT INTO audit_log VALUES(4,X'01a22caa8b1e7681972519e33ec18187',4,1796045705043689,'local','token.register','done','01a22caa-8f4b-736e-a4f3-3162886bd6dd','shop',X'3ee8f46938d721d677c5377c70a2c146',NULL,NULL,1796045704600614,X'f83538bc0e466f91926dcdd255c7db35282c105561c33257b1abc6f1fbe2cd9f',X'a26b1baf5b5f719d954cab88aee1a52e95010424ac8bfe19975a6dab3d3fa0ee');
INSERT INTO audit_log VALUES(5,X'01a22caa8b1e7681972519e33ec18187',5,1796045705451693,'local','token.register','done','01a22caa-90df-7020-be4d-775897410af9','shop',X'd773f7ddacba49e2beded1e017b4a0b7',NULL,NULL,1796045705043689,X'a26b1baf5b5f719d954cab88aee1a52e95010424ac8bfe19975a6dab3d3fa0ee',X'6b4699b41f0b06c52484a1ce09adce7536a1e55b6059548c7c1305af5d39fb2b');
INSERT INTO audit_log VALUES(6,X'01a22caa8b1e7681972519e33ec18187',6,1796045705512171,'local','order.submit','done','01a22caa-9118-7422-a49f-297bdc226ab2','shop',X'aa3fafe8ebd3a8444b07a7569f72e6c9','01a22caa-9119-7e7f-a0cc-b207c1bf0d3c',NULL,1796045705451693,X'6b4699b41f0b06c52484a1ce09adce7536a1e55b6059548c7c1305af5d39fb2b',X'9522568d9627314bf849517db861c2c309fa3925cd4db8d80b7d3baff95961fd');
INSERT INTO audit_log VALUES(7,X'01a22caa8b1e7681972519e33ec18187',7,1796045706742366,'local','order.submit','done','01a22caa-95e8-72b4-a29c-f23282fac1c4','shop',X'aa3fafe8ebd3a8444b07a7569f72e6c9','01a22caa-95e9-7e25-a24b-48ab6bd74c06',NULL,1796045705512171,X'9522568d9627314bf849517db861c2c309fa3925cd4db8d80b7d3baff95961fd',X'3ec1e828a8e35b959a393a1748284f595b8f8d1a1ae321e83173052fccba3441');
INSERT INTO audit_log VALUES(8,X'01a22caa8b1e7681972519e33ec18187',8,1796045707966526,'local','order.submit','done','01a22caa-9aba-70a7-ac15-295fd9086602','shop',X'b4470a1ca0d57aaa887da5fd3d1b95d5','01a22caa-9abb-7315-a20e-0d4fc96e04c2',NULL,1796045706742366,X'3ec1e828a8e35b959a393a1748284f595b8f8d1a1ae321e83173052fccba3441',X'919e6306786410037524a032acd1a570a56942e79b6c160233683e41fe1177f6');
INSERT INTO audit_log VALUES(9,X'01a22caa8b1e7681972519e33ec18187',9,1796045709097160,'local','order.submit','done','01a22caa-9f25-76e7-8186-4faa6e7c4b3a','shop',X'3ee8f46938d721d677c5377c70a2c146','01a22caa-9f26-7e36-88f3-706af34b9cd7',NULL,1796045707966526,X'919e6306786410037524a032acd1a570a56942e79b6c160233683e41fe1177f6',X'ad94a123cc4f2efe05e952fb97c639b074abb9f7bed004e2094d5f6b9612bb41');
INSERT INTO audit_log VALUES(10,X'01a22caa8b1e7681972519e33ec18187',10,1796045710277176,'local','order.submit','done','01a22caa-a3bf-7788-bc5f-9bfa3951cb8e','shop',X'd773f7ddacba49e2beded1e017b4a0b7','01a22caa-a3c0-7ae3-863a-e3ea26f01597',NULL,1796045709097160,X'ad94a123cc4f2efe05e952fb97c639b074abb9f7bed004e2094d5f6b9612bb41',X'5b837279ab4eca8f12b54cca02f795f57ca82251a79d067819a49f45add661fd');
INSERT INTO audit_log VALUES(11,X'01a22caa8b1e7681972519e33ec18187',11,1796045711421789,'local','order.submit','done','01a22caa-a82d-779c-aea9-accd06de476b','shop',X'b4470a1ca0d57aaa887da5fd3d1b95d5','01a22caa-a82e-7ed5-bf13-b37f44e8bbbf',NULL,1796045710277176,X'5b837279ab4eca8f12b54cca02f795f57ca82251a79d067819a49f45add661fd',X'78a09e69b6d6adbf86e2f0b7056b98f4e530dd6cb0738535d32ed213b949ddbf');
INSERT INTO audit_log VALUES(12,X'01a22caa8b1e7681972519e33ec18187',12,1796045712536006,'local','order.submit','done','01a22caa-ac91-7425-99af-98d522d31fcf','shop',X'aa3fafe8ebd3a8444b07a7569f72e6c9','01a22caa-ac92-7f04-8b94-08c39da4b4e7',NULL,1796045711421789,X'78a09e69b6d6adbf86e2f0b7056b98f4e530dd6cb0738535d32ed213b949ddbf',X'948d959a569e068d8b47261eeec79470341a3311f90c6df18b61073bae16836a');
INSERT INTO audit_log VALUES(13,X'01a22caa8b1e7681972519e33ec18187',13,1796045712872711,'local','order.submit','done','01a22caa-add7-75e6-8f6c-64738c3ae28c','shop',X'aa3fafe8ebd3a8444b07a7569f72e6c9','01a22caa-add8-78ac-8a72-f832946210fd',NULL,1796045712536006,X'948d959a569e068d8b47261eeec79470341a3311f90c6df18b61073bae16836a',X'3483e32605bb835c0b7f8e9385274a5fb946baeb08455444a764ccac5d64ca68');
INSERT INTO audit_log VALUES(14,X'01a22caaafcc71daa3f16a89e7c4ff4d',1,1796045713355820,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22caa-add8-78ac-8a72-f832946210fd',13,1796045712872711,X'3483e32605bb835c0b7f8e9385274a5fb946baeb08455444a764ccac5d64ca68',X'82ec52d7f26f2cc52c9515aa4e3ee3300ba15709924d9826b41e956689a9a9df');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',8);
INSERT INTO sqlite_sequence VALUES('audit_log',14);
INSERT INTO sqlite_sequence VALUES('tokens',4);
INSERT INTO sqlite_sequence VALUES('webhook_answers',10);
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
