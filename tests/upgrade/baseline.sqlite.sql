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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 12:50:52',1,X'ad93d8bb57d29573a3b9cbdb01b1daf1a675d6cc09a53a4f8d26020291faf20ad7d54d1b9209e1ed20d59f2ce04b5047',11512467);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31a3a08875b05475b3bd2d8eadceecd4f577f35827e392b38638fc55313044d75c5b0a7f544ee15ce636148878f89ed0ee3889bc1076a23af97905725fa42846a407dd0583d3a2f64e',1796043052632519,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1796043052644044);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31b1cc3b73baf9f43990acb5d03507ccaeb8192344705e0f1860a7f5f5710aa854923b2863ddae8577201410867a29aa3c7a7a92ae60f553397b96a978b50f13bcf3175d1683a57df494935eb30dc3488d846d5c4cee7c283a2480',X'fbb93a2f68869550dfcb9f70ad67f3e6',1796043053010955,1796043054434005,1801227054434005,X'01a22c821d5d73cf85a8100d3f113145',X'c8a71c533de79d5dc72cad518c8be774535644f5526eb334d143911e14f3acb7',1796043054435895,1799012274914885,3,0,NULL,1796043054435895);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b3176618a0c263f0cc267d5b52d41510e661f19381919325c4b7fbbf3f389499e84049080c2bdaaa9a6e58abc554b5f39c32cbdcc4f5ed44d25f854534a36ee78e02084d7fb7506ba65bf00c491787375f1a08f00898f7fafd4a7f1',X'fbb93a2f68869550dfcb9f70ad67f3e6',1796043053245259,1796043053245259,1801227053245259,NULL,NULL,1796043053245958,1799024781193806,1,0,NULL,1796043053245259);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31a01cd4d05c0970bd0045e094fab383968c8020d55982ab2239172c8c57082301317cae56c7c64da435f27d4916038c99ebbc890679303a91ae96d1a1afb40a4fe53c85fc6f9462815c04b321fe932737a8e089c23bdb4209c0a0',X'fbb93a2f68869550dfcb9f70ad67f3e6',1796043053480206,1796043053480206,1801227053480206,NULL,NULL,1796043055838796,NULL,1,0,NULL,1796043053480206);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b318edf0c854acd23879119ac3a19ba3c7af6b71b1e294d99e19a29d15c1aa29a033f8c23909ee2803434a19030067b117061bd2cc8cf21170fcbd5e7e4f91aacf1deebea272426c3e957f441d1460038d37f61772d3c0cec308566',X'fbb93a2f68869550dfcb9f70ad67f3e6',1796043053724840,1796043053724840,1801227053724840,NULL,NULL,1796043056572003,NULL,1,0,NULL,1796043053724840);
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
INSERT INTO providers VALUES('shop',X'fbb93a2f68869550dfcb9f70ad67f3e6',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'cfdf568a3076c0041d4c4cf09a888d64f99286fb1370b0db23e971c49497f999',1,1796043053011796);
INSERT INTO known_tokens VALUES(X'5c8bcc169bc53a3f1649be3f0e7bcb2d024736b009310e402409daf45149d704',2,1796043053245958);
INSERT INTO known_tokens VALUES(X'241b2f6d6ced198bed600c21c0f0d7ad968f9988e8f55e174e77b09b35948d90',3,1796043053481021);
INSERT INTO known_tokens VALUES(X'872181e03e7ea7179991b4cc7d9846c6d092b713e70f1cc2f7c92c5e3a8481e0',4,1796043053725652);
INSERT INTO known_tokens VALUES(X'32dc0ccd5a78a3a9634eab7d7207f425dbeeb800d72356ef3590ce76778b619e',1,1796043053784671);
INSERT INTO known_tokens VALUES(X'a351a15fa0f98cb923bc39a2c9f0964374e5a3ba026adbbe23240a0cc56cab67',1,1796043054434005);
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
INSERT INTO orders VALUES(X'01a22c821abd744990b3d2b9b839bf89','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796043053760729,1796043053760729,1796043653760729,1796043053760729,1796043053760729,0,NULL,1796043053813271,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','f319221c-ce46-410f-817d-32bc8cf0f1c6','<div id="klarna-checkout-container" data-order-id="f319221c-ce46-410f-817d-32bc8cf0f1c6" style="overflow-x: hidden;"><script src="http://127.0.0.1:38039/sandbox/checkout.js" data-order-id="f319221c-ce46-410f-817d-32bc8cf0f1c6"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'f195b9cc-9127-4743-b8ed-50de1599b0b7',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c821d547164aa2b8398889cc783','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796043054421437,1796043054421437,1796043654421437,1796043054421437,1796043054421437,0,NULL,1796043054444114,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','f1dba1f6-11d4-4d04-a59e-83007c5d9667','<div id="klarna-checkout-container" data-order-id="f1dba1f6-11d4-4d04-a59e-83007c5d9667" style="overflow-x: hidden;"><script src="http://127.0.0.1:38039/sandbox/checkout.js" data-order-id="f1dba1f6-11d4-4d04-a59e-83007c5d9667"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'4215b11a-cdd7-45b5-96a2-a50be95415cf',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c821fc67af3ac165276b89e3e56','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796043055048482,1796043055048482,1796043655048482,1796043055048482,1796043055048482,0,NULL,1796043055069603,NULL,1,1,1,0,0,'not_registered','[]','44d8110b-2dba-486e-96be-a50e352020c3','<div id="klarna-checkout-container" data-order-id="44d8110b-2dba-486e-96be-a50e352020c3" style="overflow-x: hidden;"><script src="http://127.0.0.1:38039/sandbox/checkout.js" data-order-id="44d8110b-2dba-486e-96be-a50e352020c3"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'2390fd5a-2efb-47ce-b982-ec8d328c40d9',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c8222c976a2b6f25624b8ccb3a3','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796043055818831,1796043055818831,1796043655818831,1796043055818831,1796043055818831,0,NULL,1796043055860156,NULL,1,1,1,0,0,'reauth_required','[]','9351ef98-0d4b-4347-8e69-dc0e6dbe1b61','<div id="klarna-checkout-container" data-order-id="9351ef98-0d4b-4347-8e69-dc0e6dbe1b61" style="overflow-x: hidden;"><script src="http://127.0.0.1:38039/sandbox/checkout.js" data-order-id="9351ef98-0d4b-4347-8e69-dc0e6dbe1b61"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'6d90c3b7-0237-4a75-8880-98640bb2d24a',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c8225a37a3a9ca0f516ceb3879f','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796043056551620,1796043056551620,1796043656551620,1796043056551620,1796043056551620,0,NULL,1796043056589332,NULL,1,1,1,0,0,'uncertain','[]','a56b7afb-01cd-4f56-a13b-ef9a00f4af7f','<div id="klarna-checkout-container" data-order-id="a56b7afb-01cd-4f56-a13b-ef9a00f4af7f" style="overflow-x: hidden;"><script src="http://127.0.0.1:38039/sandbox/checkout.js" data-order-id="a56b7afb-01cd-4f56-a13b-ef9a00f4af7f"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'c40cf34f-35bf-48c2-a5b6-20c452d5c932',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c822861719aa650f13a7aa49c70','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1796043057250593,1796043057250593,1796043657250593,1796043057250593,1796043057250593,0,NULL,1796043057272249,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"81d15ecb-a468-433d-92f4-4337dc72c6af"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c822ae072dc8c2f2fa6a6e3553d','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1796043057889299,4070908800000000,4070909400000000,NULL,NULL,0,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c822b86785e9db410ea03748be4','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1796043058055842,4070908800000000,4070909400000000,NULL,NULL,0,NULL,1796043058239241,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22c822861719aa650f13a7aa49c70',1796043057272249,X'01a22c8216737632a8435168188afacc',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"81d15ecb-a468-433d-92f4-4337dc72c6af"}');
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
INSERT INTO workers VALUES(X'01a22c8216737632a8435168188afacc',X'01a22c82167270dc96f41cfb63cac4c0','vm/10722',1796043052687428,1796043057263248,12,1796043058267396,NULL);
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
INSERT INTO exchanges VALUES(X'01a22c821acb719c9ac96190c0343087',1,1,1,'order',X'01a22c821abd744990b3d2b9b839bf89',X'01a22c8216737632a8435168188afacc',1796043053775316,1796043053788004,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22c821d5d73cf85a8100d3f113145',1,2,1,'order',X'01a22c821d547164aa2b8398889cc783',X'01a22c8216737632a8435168188afacc',1796043054429860,1796043054435895,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22c8222d1742ea773f61eb8cba02b',3,1,1,'order',X'01a22c8222c976a2b6f25624b8ccb3a3',X'01a22c8216737632a8435168188afacc',1796043055827914,1796043055838796,'rejected',0,X'fbb93a2f68869550dfcb9f70ad67f3e6',NULL);
INSERT INTO exchanges VALUES(X'01a22c8225b1704a94ba9744eb446b43',4,1,1,'order',X'01a22c8225a37a3a9ca0f516ceb3879f',X'01a22c8216737632a8435168188afacc',1796043056562263,1796043056572003,'no_answer',1,NULL,'the connection broke before the answer was complete');
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1796043053832844,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'f52d2c61e8db49b5ad6ca3ae03b9f587','shop','alma',X'01a22c821abd744990b3d2b9b839bf89','order.submitted','{"order_id":"01a22c82-1abd-7449-90b3-d2b9b839bf89","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"f319221c-ce46-410f-817d-32bc8cf0f1c6","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796043053813271,1796043059198913,1796302253813271,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'824f863ba6294beaa5876dfd6568e6ce','shop','alma',X'01a22c821d547164aa2b8398889cc783','order.submitted','{"order_id":"01a22c82-1d54-7164-aa2b-8398889cc783","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"f1dba1f6-11d4-4d04-a59e-83007c5d9667","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796043054444114,1796043059798233,1796302254444114,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'93a5329cda484256abef0c314df454ae','shop','never',X'01a22c821fc67af3ac165276b89e3e56','order.submitted','{"order_id":"01a22c82-1fc6-7af3-ac16-5276b89e3e56","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"44d8110b-2dba-486e-96be-a50e352020c3","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796043055069603,1796043060267799,1796302255069603,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'7b46339aa1cf4927a174f6714857d840','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1796043055838796,1796043060821450,1796302255838796,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'0c7cad86756c4df2a1eaf2981a88d732','shop','revoked',X'01a22c8222c976a2b6f25624b8ccb3a3','order.submitted','{"order_id":"01a22c82-22c9-76a2-b6f2-5624b8ccb3a3","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"9351ef98-0d4b-4347-8e69-dc0e6dbe1b61","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796043055860156,1796043060675716,1796302255860156,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'c0a83f0ac86748a1a3b00444fcde8ea0','shop','lost',X'01a22c8225a37a3a9ca0f516ceb3879f','order.submitted','{"order_id":"01a22c82-25a3-7a3a-9ca0-f516ceb3879f","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"a56b7afb-01cd-4f56-a13b-ef9a00f4af7f","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796043056589332,1796043062075906,1796302256589332,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'a774d0ce3b0f4b28ae43f3236dec6fcf','shop','never',X'01a22c822861719aa650f13a7aa49c70','order.failed','{"order_id":"01a22c82-2861-719a-a650-f13a7aa49c70","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796043057272249,1796043062371793,1796302257272249,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'f52d2c61e8db49b5ad6ca3ae03b9f587','order.submitted',1796043053832844,NULL,2904,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'824f863ba6294beaa5876dfd6568e6ce','order.submitted',1796043054453297,NULL,899,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'93a5329cda484256abef0c314df454ae','order.submitted',1796043055084425,NULL,833,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'7b46339aa1cf4927a174f6714857d840','token.reauth_required',1796043055889485,NULL,3642,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'0c7cad86756c4df2a1eaf2981a88d732','order.submitted',1796043055896062,NULL,4662,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'c0a83f0ac86748a1a3b00444fcde8ea0','order.submitted',1796043056609121,NULL,881,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'a774d0ce3b0f4b28ae43f3236dec6fcf','order.failed',1796043057290812,NULL,845,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22c8217a6772483da67cf421ac098',1,1796043052764223,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'e0f4398b95a13205e918caacc4637cae81e6bf04b2d95dd47270deae637fdfcb');
INSERT INTO audit_log VALUES(2,X'01a22c8217a6772483da67cf421ac098',2,1796043053015485,'local','token.register','done','01a22c82-17d2-7119-aa71-5891d88a2f05','shop',X'c52ead775e14c1c9c40b201346757fa6',NULL,NULL,1796043052764223,X'e0f4398b95a13205e918caacc4637cae81e6bf04b2d95dd47270deae637fdfcb',X'e3c511092f3cc56e8748d6a9cd43ef3bf6d4f5669c14cdc3dbf501878c0d35b9');
INSERT INTO audit_log VALUES(3,X'01a22c8217a6772483da67cf421ac098',3,1796043053259704,'local','token.register','done','01a22c82-18bc-749b-8c43-3e5721e57237','shop',X'95d0141fcdc104816c1a1d3595017cae',NULL,NULL,1796043053015485,X'e3c511092f3cc56e8748d6a9cd43ef3bf6d4f5669c14cdc3dbf501878c0d35b9',X'81e5016c65c126cb7ad8ff9b5cd1405c9057e5cf71c844b1b825dee6c5805c94');
INSERT INTO audit_log VALUES(4,X'01a22c8217a6772483da67cf421ac098',4,1796043053487522,'local','token.register','done','01a22c82-19a7-74ca-b785-4b49e9950e6a','shop',X'437866d982bb4912c1ff5b2275f7c740',NULL,NULL,1796043053259704,X'81e5016c65c126cb7ad8ff9b5cd1405c9057e5cf71c844b1b825dee6c5805c94',X'74a30797452a917664b9fec9ebc9739d57b61b6170b161c482e4c30bb3bf805f');
INSERT INTO audit_log VALUES(5,X'01a22c8217a6772483da67cf421ac098',5,1796043053732954,'local','token.register','done','01a22c82-1a9c-76de-93db-7ab669cc34c4','shop',X'03c6713f5440f623efd02ee90824a62f',NULL,NULL,1796043053487522,X'74a30797452a917664b9fec9ebc9739d57b61b6170b161c482e4c30bb3bf805f',X'919669c8ef84b2938396f8aabead380283082ed2ca74546b3701aabf848ba298');
INSERT INTO audit_log VALUES(6,X'01a22c8217a6772483da67cf421ac098',6,1796043053767787,'local','order.submit','done','01a22c82-1abc-73fc-8a31-55d5d40790a2','shop',X'c52ead775e14c1c9c40b201346757fa6','01a22c82-1abd-7449-90b3-d2b9b839bf89',NULL,1796043053732954,X'919669c8ef84b2938396f8aabead380283082ed2ca74546b3701aabf848ba298',X'29f0604a713ac4416724c725c62f11847950af3e9bdf0bbf303200e00e48a5de');
INSERT INTO audit_log VALUES(7,X'01a22c8217a6772483da67cf421ac098',7,1796043054426140,'local','order.submit','done','01a22c82-1d53-72cf-af62-560090abbb3a','shop',X'c52ead775e14c1c9c40b201346757fa6','01a22c82-1d54-7164-aa2b-8398889cc783',NULL,1796043053767787,X'29f0604a713ac4416724c725c62f11847950af3e9bdf0bbf303200e00e48a5de',X'b2e3d47837b64246944656eb71bd33dd8afec8d23079ee067f9a8cd0f4d6fa36');
INSERT INTO audit_log VALUES(8,X'01a22c8217a6772483da67cf421ac098',8,1796043055052784,'local','order.submit','done','01a22c82-1fc6-7135-99e1-16bb58396561','shop',X'7fb0a1ba08a07b0324c43d9d4f9768e8','01a22c82-1fc6-7af3-ac16-5276b89e3e56',NULL,1796043054426140,X'b2e3d47837b64246944656eb71bd33dd8afec8d23079ee067f9a8cd0f4d6fa36',X'06ba72b6239861573620520bd4626d046f45bfe435ab04d9836365a3d17ae223');
INSERT INTO audit_log VALUES(9,X'01a22c8217a6772483da67cf421ac098',9,1796043055824998,'local','order.submit','done','01a22c82-22c8-731c-9137-a32914d095d3','shop',X'437866d982bb4912c1ff5b2275f7c740','01a22c82-22c9-76a2-b6f2-5624b8ccb3a3',NULL,1796043055052784,X'06ba72b6239861573620520bd4626d046f45bfe435ab04d9836365a3d17ae223',X'3d324586362603e7f54f13dc9127beaa22210b026a7a9205980eb4df89dfd174');
INSERT INTO audit_log VALUES(10,X'01a22c8217a6772483da67cf421ac098',10,1796043056559848,'local','order.submit','done','01a22c82-25a2-75c0-9d52-3de01e8983e8','shop',X'03c6713f5440f623efd02ee90824a62f','01a22c82-25a3-7a3a-9ca0-f516ceb3879f',NULL,1796043055824998,X'3d324586362603e7f54f13dc9127beaa22210b026a7a9205980eb4df89dfd174',X'4da03598812215a32ab267c986e2922c32013a7bbcb638b3bfc537a09adb0cde');
INSERT INTO audit_log VALUES(11,X'01a22c8217a6772483da67cf421ac098',11,1796043057260030,'local','order.submit','done','01a22c82-2860-715d-ac3b-3f9d00dc6fed','shop',X'7fb0a1ba08a07b0324c43d9d4f9768e8','01a22c82-2861-719a-a650-f13a7aa49c70',NULL,1796043056559848,X'4da03598812215a32ab267c986e2922c32013a7bbcb638b3bfc537a09adb0cde',X'95c56d91f7689cacb484e83d77fe241749fb6e56a0c16919f8ab0a844991378f');
INSERT INTO audit_log VALUES(12,X'01a22c8217a6772483da67cf421ac098',12,1796043057893448,'local','order.submit','done','01a22c82-2adf-7190-8381-31abee1f6328','shop',X'c52ead775e14c1c9c40b201346757fa6','01a22c82-2ae0-72dc-8c2f-2fa6a6e3553d',NULL,1796043057260030,X'95c56d91f7689cacb484e83d77fe241749fb6e56a0c16919f8ab0a844991378f',X'1f892d3997776936933eb843ffaf29f5551d2c885799f21afbe8c64b21d8da34');
INSERT INTO audit_log VALUES(13,X'01a22c8217a6772483da67cf421ac098',13,1796043058059350,'local','order.submit','done','01a22c82-2b85-74b1-9375-b6ddd31bbd7e','shop',X'c52ead775e14c1c9c40b201346757fa6','01a22c82-2b86-785e-9db4-10ea03748be4',NULL,1796043057893448,X'1f892d3997776936933eb843ffaf29f5551d2c885799f21afbe8c64b21d8da34',X'999b090a6f81099ef1614a18f0eccb9e5fe481e165ae98b595f2754f0ef2442e');
INSERT INTO audit_log VALUES(14,X'01a22c822c4f7621bd3e20e14437ef14',1,1796043058253549,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22c82-2b86-785e-9db4-10ea03748be4',13,1796043058059350,X'999b090a6f81099ef1614a18f0eccb9e5fe481e165ae98b595f2754f0ef2442e',X'ffa094c94c9db90f3006c3a949e705b23b2f6eed06052f6f17bc33b237919d14');
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
