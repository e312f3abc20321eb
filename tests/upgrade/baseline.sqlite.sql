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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 07:25:35',1,X'7304d54f52c0a860d4a2d432829d8b5107ac626dbf73d1295b0055f363551d6c249558ced1055e444ab387b6b55c4258',27864993);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31aef91c07c970bdd468635197c8ae99b1a87ee5872f571ed4eb5f8b497e9370defbd2f9710bed9c27b76648bf787bcda9011e0798cf62fd24bb87566a61ddd63fde1d1982491e4c81',1795937135827697,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795937135860642);
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
    -- The encrypted refresh token, bound to this row's merchant and user. Null once the user is
    -- forgotten.
    sealed BLOB,
    -- The provider that issued the token: a fingerprint of token endpoint and client id. The token is
    -- presented to no other. Null until a success of the exchange shows which one it is.
    provider BLOB,
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
    CHECK ((state = 'forgotten') = (sealed IS NULL)),
    CHECK ((state = 'reauth_required') = (reason IS NOT NULL))
);
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31d726676af9bebf2a222bdc9fa7524ea0af4033c5ed92d18b5475957b35309536cd611c7401a89fdb1d7719ad5b55ae6b8942b080fc137ea0ab3daa2b0983ce444fd2dcfbbb23bcddfec06b551abfe685daebc31530f9fac83c68',X'a7571dcb3e5c23286c1c399990c4ea03',1795937144586831,1801121144586831,X'01a226320ef277dd8a0a75d6343f3755',X'8d68e3bf278b869733e96d6a0623e5814ad57d9d77443ec63e89a903c7f5458b',1795937144589502,1798906365067711,3,0,NULL,1795937144589502);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b316095469f3d7269f557b93d9ebbdccc8ecf173e8c843f102975036c0d1359c63aa68002d16a1281035ac961422544d8ecc9534cb759a9fc448c3f9d82e39c6de8ca3ba662870c45ee24bb7e76999146748952f0961e2fad23aee8',X'a7571dcb3e5c23286c1c399990c4ea03',1795937138807576,1801121138807576,NULL,NULL,1795937138808517,1798918866756123,1,0,NULL,1795937138807576);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b317f66e9026f2216f849883b02ed78d425752f364613d8413ed61aceb2b45762600dd9e277740722c7c1334df0d82fbba7a1d5dee72979d3f7e8d0639f6e0b33caba27823db0daeca2569faeb2157ef916cfa6c2c4468d8a88c953',X'a7571dcb3e5c23286c1c399990c4ea03',1795937139827843,1801121139827843,NULL,NULL,1795937150506869,NULL,1,0,NULL,1795937139827843);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31314e5e9c41af376b1a7bba7ffd20d57192e28c327e02a1ae069cdac79c619b267e0e7c58ca3dac927935af8945116bf729e1881626a4480b307dbc332c8fc297de8d0a1fbb19ba393173358e3680aa399410e146f29a0d61258d',X'a7571dcb3e5c23286c1c399990c4ea03',1795937140985173,1801121140985173,NULL,NULL,1795937153360486,NULL,1,0,NULL,1795937140985173);
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
INSERT INTO providers VALUES('shop',X'a7571dcb3e5c23286c1c399990c4ea03',1,NULL,0,0,NULL);
CREATE TABLE known_tokens (
    token_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, hash)
);
INSERT INTO known_tokens VALUES(1,X'd55d680b0affcb38d172200f1f07b0d5f92ffcb30a93958892ac13c1bb6a4961',1795937137690960);
INSERT INTO known_tokens VALUES(2,X'7c2fce1eba6b06b47159a4aff81d3c036d339b29e81662b41006e11e9086b022',1795937138808517);
INSERT INTO known_tokens VALUES(3,X'd0ef73ca796735721c71a524acac15967755421e96b65334d58f990011aa0207',1795937139828881);
INSERT INTO known_tokens VALUES(4,X'13a2ffb35f5f4f68517950a13d1af0b7dc1401f00901eee042aa17efdaff25aa',1795937140995720);
INSERT INTO known_tokens VALUES(1,X'0ae30e38077ce56af18d2bd16a386ffe878c1ec3a9e0d31ece7fa20f4e8355fb',1795937141189270);
INSERT INTO known_tokens VALUES(1,X'f6f5c049b6e37e18c1b43619adcdc98e5341e8c299303d536550a480c546e73c',1795937144586831);
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
INSERT INTO orders VALUES(X'01a2263201687fba9643a9dcc4490b5e','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795937141099712,1795937141099712,1795937741099712,1795937141140218,1795937141291533,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','4e7387c2-f9b6-4367-8d75-9223fcff2a78','<div id="klarna-checkout-container" data-order-id="4e7387c2-f9b6-4367-8d75-9223fcff2a78" style="overflow-x: hidden;"></div>','8d0bf8e4-86bd-446d-8712-4d023d31b93a',NULL);
INSERT INTO orders VALUES(X'01a226320ec0777884e6f624d596799a','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795937144518865,1795937144518865,1795937744518865,1795937144550886,1795937144635087,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','4d0d2560-83c7-4aa1-98fa-76b30191786c','<div id="klarna-checkout-container" data-order-id="4d0d2560-83c7-4aa1-98fa-76b30191786c" style="overflow-x: hidden;"></div>','d6489077-0b28-4d91-8945-48959c981477',NULL);
INSERT INTO orders VALUES(X'01a226321b247f4fa87c971b17b32ff3','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795937147698841,1795937147698841,1795937747698841,1795937147708101,1795937147750907,NULL,1,1,0,0,'not_registered','[]','9cea8ce3-db4d-42dd-9529-4c57f002bcd5','<div id="klarna-checkout-container" data-order-id="9cea8ce3-db4d-42dd-9529-4c57f002bcd5" style="overflow-x: hidden;"></div>','d5bf74a3-ff07-4eca-96bd-16881dbf67ae',NULL);
INSERT INTO orders VALUES(X'01a2263225e47ccb95b1e1ac1009ed72','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795937150443684,1795937150443684,1795937750443684,1795937150457601,1795937150556668,NULL,1,1,0,0,'reauth_required','[]','e626096c-05fa-4c6a-983f-bf23e5e2f3ac','<div id="klarna-checkout-container" data-order-id="e626096c-05fa-4c6a-983f-bf23e5e2f3ac" style="overflow-x: hidden;"></div>','fc3e6c26-80ed-4a27-a4f2-bd1973d2047b',NULL);
INSERT INTO orders VALUES(X'01a22632310371fb95a3e8095553f37b','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795937153287010,1795937153287010,1795937753287010,1795937153306755,1795937153390848,NULL,1,1,0,0,'uncertain','[]','908d8871-153c-455f-83f1-3296cae66664','<div id="klarna-checkout-container" data-order-id="908d8871-153c-455f-83f1-3296cae66664" style="overflow-x: hidden;"></div>','c4760e09-a71a-4d90-9855-5341e6e7ca50',NULL);
INSERT INTO orders VALUES(X'01a226323c207914b7f078526711578b','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795937156129163,1795937156129163,1795937756129163,1795937156143072,1795937156185381,NULL,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"08b0a045-4a99-43cc-80e6-49802d5ea370"}');
INSERT INTO orders VALUES(X'01a22632470b7a6da996cd6ebd8481a8','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795937158924076,4070908800000000,4070909400000000,NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a226324aab7db8ae5c60d89b68e6bc','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795937159852533,4070908800000000,4070909400000000,NULL,1795937160868645,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a226323c207914b7f078526711578b',1795937156185381,X'01a22631ed077686898c37ec3d126e4a',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"08b0a045-4a99-43cc-80e6-49802d5ea370"}');
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
INSERT INTO workers VALUES(X'01a22631ed077686898c37ec3d126e4a',X'01a22631ed0477e6a57c593d47cf3939','vm/23780',1795937135896221,1795937159950833,3,1795937160930986);
CREATE TABLE exchanges (
    id BLOB PRIMARY KEY,
    token_id INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    -- How often this generation was sent, this time included.
    presentation INTEGER NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('order', 'keeper', 'manual')),
    -- The order or the sweep that the exchange was made for.
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
INSERT INTO exchanges VALUES(X'01a2263201ac711c93ce95fc059a35cc',1,1,1,'order',X'01a2263201687fba9643a9dcc4490b5e',X'01a22631ed077686898c37ec3d126e4a',1795937141165116,1795937141211308,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a226320ef277dd8a0a75d6343f3755',1,2,1,'order',X'01a226320ec0777884e6f624d596799a',X'01a22631ed077686898c37ec3d126e4a',1795937144564732,1795937144589502,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a22632260974c69eb18e5843dbdfdd',3,1,1,'order',X'01a2263225e47ccb95b1e1ac1009ed72',X'01a22631ed077686898c37ec3d126e4a',1795937150475072,1795937150506869,'rejected',0,X'a7571dcb3e5c23286c1c399990c4ea03');
INSERT INTO exchanges VALUES(X'01a22632313376b4832ea8b02514cef6',4,1,1,'order',X'01a22632310371fb95a3e8095553f37b',X'01a22631ed077686898c37ec3d126e4a',1795937153338929,1795937153360486,'no_answer',1,NULL);
CREATE TABLE cached_tokens (
    purpose_ref BLOB PRIMARY KEY,
    token_id INTEGER NOT NULL,
    sealed BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    good_until INTEGER NOT NULL
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795937141375180,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'f14798a6bd3d41f8a0275033200bf2c4','shop','alma',X'01a2263201687fba9643a9dcc4490b5e','order.submitted','{"order_id":"01a22632-0168-7fba-9643-a9dcc4490b5e","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"4e7387c2-f9b6-4367-8d75-9223fcff2a78","token":"fresh","possible_duplicate":false}','pending',1795937141291533,1795937208893477,1796196341291533,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'f5f5422c860d4990a00fbb2e127c31f0','shop','alma',X'01a226320ec0777884e6f624d596799a','order.submitted','{"order_id":"01a22632-0ec0-7778-84e6-f624d596799a","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"4d0d2560-83c7-4aa1-98fa-76b30191786c","token":"fresh","possible_duplicate":false}','pending',1795937144635087,1795937205644878,1796196344635087,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'a8e009cee722479ba7673a01540fe33d','shop','never',X'01a226321b247f4fa87c971b17b32ff3','order.submitted','{"order_id":"01a22632-1b24-7f4f-a87c-971b17b32ff3","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"9cea8ce3-db4d-42dd-9529-4c57f002bcd5","token":"not_registered","possible_duplicate":false}','pending',1795937147750907,1795937210853760,1796196347750907,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'0c86a8299e794e59a5cb8e4f48a8199a','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795937150506869,1795937211470199,1796196350506869,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'92942ab357a64311adcb225a7acb1b87','shop','revoked',X'01a2263225e47ccb95b1e1ac1009ed72','order.submitted','{"order_id":"01a22632-25e4-7ccb-95b1-e1ac1009ed72","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"e626096c-05fa-4c6a-983f-bf23e5e2f3ac","token":"reauth_required","possible_duplicate":false}','pending',1795937150556668,1795937216396951,1796196350556668,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'52aa481ddbea4dada3d298fea2e0cc90','shop','lost',X'01a22632310371fb95a3e8095553f37b','order.submitted','{"order_id":"01a22632-3103-71fb-95a3-e8095553f37b","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"908d8871-153c-455f-83f1-3296cae66664","token":"uncertain","possible_duplicate":false}','pending',1795937153390848,1795937219593085,1796196353390848,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'631d57a6e8cb407bafd388727ce83431','shop','never',X'01a226323c207914b7f078526711578b','order.failed','{"order_id":"01a22632-3c20-7914-b7f0-78526711578b","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false}','pending',1795937156185381,1795937161201670,1796196356185381,NULL,1,1,'not sent: connection refused');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',7);
INSERT INTO sqlite_sequence VALUES('tokens',4);
CREATE INDEX tokens_due ON tokens (expires_at / 86400000000, refresh_due_at, id)
    WHERE state = 'active' AND refresh_due_at IS NOT NULL;
CREATE INDEX tokens_undated ON tokens (id)
    WHERE state = 'active' AND refresh_due_generation IS NOT generation;
CREATE INDEX tokens_seen ON tokens (coalesce(last_seen_at, updated_at)) WHERE state <> 'forgotten';
CREATE INDEX tokens_state ON tokens (merchant, state, user_id);
CREATE INDEX tokens_uncertain ON tokens (id) WHERE state = 'uncertain';
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
WHEN OLD.user_id <> NEW.user_id
BEGIN
    DELETE FROM order_attempts WHERE order_id = NEW.id;
END;
CREATE INDEX workers_instance ON workers (instance) WHERE ended_at IS NULL;
CREATE INDEX exchanges_open ON exchanges (holder) WHERE outcome IS NULL;
CREATE INDEX exchanges_no_answer ON exchanges (token_id, generation) WHERE outcome = 'no_answer';
CREATE INDEX cached_tokens_token ON cached_tokens (token_id);
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
                'possible_duplicate', json(iif(NEW.possible_duplicate, 'true', 'false')))
            ELSE json_object(
                'order_id', i.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                'code', NEW.error ->> 'code', 'token', NEW.token_outcome,
                'possible_duplicate', json(iif(NEW.possible_duplicate, 'true', 'false')))
        END,
        NEW.ended_at, NEW.ended_at, NEW.ended_at + 259200000000
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
COMMIT;
