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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 01:22:54',1,X'646a1295155b4d5c0f4efdda7e1ea869d5eb389e9bddb1aed3127e1552eed056f20d7543eb17e5d1b7ab47f4bf5f4221',5584334);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b313944c3501c7de595ef34901e1a8404aefd376d50d5385344665c5dafadfc41727a8fb5632acd19cdb180c85943d587701f6924f0653da36ae6d272a6acfb8d166394021d09d8deb7',1795915374989531,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795915374991733);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b311195967c04a449ca4ebb2c80bb2189f34de54babaa1ff9006aecb6d4f18757e52b99fd34fba56899c1e093d974f03ee2f8fde5e2729f6f90db538f1a567fa6939f3fbbcf2b32310bba4d8157c2063bf309426da8ede33f526468',X'350578b6adc853787d0907855d5d2e18',1795915376003987,1801099376003987,X'01a224e5e5817707bba8a23ed3eb06d5',X'61a6c629859ee8173c7ee1795e0ac3bbf67f7c3b6fbbe2182279b952c676267d',1795915376005367,1798884596484867,3,0,NULL,1795915376005367);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b314b0bae84f33e4cc913854b574579320dd1f785cbaea3f491b67a4e2124991f99525603d1d239345d02ac9cd34702f8eac895fb1b9302ab655ac1b5837c2a99a904c86ef795b7e88052d4ccaeebb59da58948d0d949452db623cd',X'350578b6adc853787d0907855d5d2e18',1795915375351630,1801099375351630,NULL,NULL,1795915375352288,1798897103300177,1,0,NULL,1795915375351630);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31698271f8abff6f1328b3266bbaaeb3758b47fce6c30c7db9ae54b8fff299bc780faa67f1df3d7868b7874e7c5c1e776b832721fa9177d7a4fac72afcba00a4cc767e0fe546c36cc6689c20913e49b3bfd1fa5192610ac7a48575',X'350578b6adc853787d0907855d5d2e18',1795915375470235,1801099375470235,NULL,NULL,1795915376871088,NULL,1,0,NULL,1795915375470235);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b319f85ac2d8422c17a0d8a2d5196ef3d10cc8b0cb34cbb9946ef56725e750aca63fb4b0affc6f08268b33616797c65982707de0868ca157ebc1a859de091c5bacd0f109cb8e0d76cbd9ed3894c7d1840591bca311dd4786a7c32a9',X'350578b6adc853787d0907855d5d2e18',1795915375595172,1801099375595172,NULL,NULL,1795915377237521,NULL,1,0,NULL,1795915375595172);
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
INSERT INTO providers VALUES('shop',X'350578b6adc853787d0907855d5d2e18',1,NULL,0,0,NULL);
CREATE TABLE known_tokens (
    token_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, hash)
);
INSERT INTO known_tokens VALUES(1,X'7b03b91cec00e74479e4ae3adf5c8bb3207b0251b5a06548a1a1510765363c14',1795915375239517);
INSERT INTO known_tokens VALUES(2,X'77c47860c6c0b1734f06c9805052f9833ddd0059201f8d3c40e3a68709ac493e',1795915375352288);
INSERT INTO known_tokens VALUES(3,X'03f6c180eb53b117746a028d2ed4afb0daab788087e677d91eacd44dd01c448d',1795915375471019);
INSERT INTO known_tokens VALUES(4,X'b834a0a9eacbdbcffd2e63abd2a7fa9c2d85258f26b0a80504ee3b6ce2668c16',1795915375595856);
INSERT INTO known_tokens VALUES(1,X'5e8c9f624ebf07e2f7a090586f3b493a4a957cb8a51da7cc6fa541e06fed08ea',1795915375626554);
INSERT INTO known_tokens VALUES(1,X'628e63bbd527a4d89488f86adb8d06889358b055d933be37c98091b030cf0862',1795915376003987);
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
INSERT INTO orders VALUES(X'01a224e5e3fd7327a4b527de11051009','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795915375613648,1795915375613648,1795915975613648,1795915375616888,1795915375640394,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','41a16110-cf39-454a-839f-b3ce44787dfe','<div id="klarna-checkout-container" data-order-id="41a16110-cf39-454a-839f-b3ce44787dfe" style="overflow-x: hidden;"></div>','b009b0c2-d8e3-443c-a913-88fdb6978c8e',NULL);
INSERT INTO orders VALUES(X'01a224e5e57871fe88454ca8d9aaa83d','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795915375993242,1795915375993242,1795915975993242,1795915375996594,1795915376010234,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','d0bdddea-5681-4f4a-971a-52e8a7d28243','<div id="klarna-checkout-container" data-order-id="d0bdddea-5681-4f4a-971a-52e8a7d28243" style="overflow-x: hidden;"></div>','da500920-dda3-45b9-bc03-cf8a2780f508',NULL);
INSERT INTO orders VALUES(X'01a224e5e7317f279c34b67618fac720','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795915376434460,1795915376434460,1795915976434460,1795915376443661,1795915376450322,NULL,1,1,0,0,'not_registered','[]','fcd1438a-99a0-4625-95d5-c5096c1087c7','<div id="klarna-checkout-container" data-order-id="fcd1438a-99a0-4625-95d5-c5096c1087c7" style="overflow-x: hidden;"></div>','8a94a5d6-b5ff-469e-a55b-0534bf54dcb2',NULL);
INSERT INTO orders VALUES(X'01a224e5e8da7588b7a59b0cf32c66c7','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795915376858782,1795915376858782,1795915976858782,1795915376862769,1795915376877532,NULL,1,1,0,0,'reauth_required','[]','5c2ad69b-2554-46a8-b9d7-68e94058fe2b','<div id="klarna-checkout-container" data-order-id="5c2ad69b-2554-46a8-b9d7-68e94058fe2b" style="overflow-x: hidden;"></div>','14050c49-bb5a-46a3-80ce-ff5b0be211a4',NULL);
INSERT INTO orders VALUES(X'01a224e5ea3f70a08280b178c774041f','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795915377216457,1795915377216457,1795915977216457,1795915377225641,1795915377241923,NULL,1,1,0,0,'uncertain','[]','78041106-cdb1-4e0e-812a-0dfe11e4404e','<div id="klarna-checkout-container" data-order-id="78041106-cdb1-4e0e-812a-0dfe11e4404e" style="overflow-x: hidden;"></div>','97c5dbfc-887d-4766-9d1f-a331ea3262bb',NULL);
INSERT INTO orders VALUES(X'01a224e5ebf67034995d8207eafbb10d','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795915377656805,1795915377656805,1795915977656805,1795915377660323,1795915377667432,NULL,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"a8c5c124-026e-435c-a0ab-926209f914cd"}');
INSERT INTO orders VALUES(X'01a224e5ed6271959f8528e392c9e24c','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795915378019177,4070908800000000,4070909400000000,NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a224e5eded7623b34ae1491ca24686','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795915378158653,4070908800000000,4070909400000000,NULL,1795915378290140,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a224e5ebf67034995d8207eafbb10d',1795915377667432,X'01a224e5e19177d0b537a3ffe49ae193',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"a8c5c124-026e-435c-a0ab-926209f914cd"}');
CREATE TABLE workers (
    id BLOB PRIMARY KEY,
    -- The instance folder that the process has locked. The holder of that lock knows that all
    -- earlier starts from the same folder are dead.
    instance BLOB NOT NULL,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    -- The last heartbeat.
    beat_at INTEGER NOT NULL,
    ended_at INTEGER
);
INSERT INTO workers VALUES(X'01a224e5e19177d0b537a3ffe49ae193',X'01a224e5e19177d0b537a3fe8ef21cc8','vm/30927',1795915374994715,1795915377233345,1795915378298427);
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
INSERT INTO exchanges VALUES(X'01a224e5e40575b4a4b0b01bd4b2cc8d',1,1,1,'order',X'01a224e5e3fd7327a4b527de11051009',X'01a224e5e19177d0b537a3ffe49ae193',1795915375622155,1795915375628192,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a224e5e5817707bba8a23ed3eb06d5',1,2,1,'order',X'01a224e5e57871fe88454ca8d9aaa83d',X'01a224e5e19177d0b537a3ffe49ae193',1795915376001530,1795915376005367,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a224e5e8e275e5b97c74d6ddfe0b86',3,1,1,'order',X'01a224e5e8da7588b7a59b0cf32c66c7',X'01a224e5e19177d0b537a3ffe49ae193',1795915376866705,1795915376871088,'rejected',0,X'350578b6adc853787d0907855d5d2e18');
INSERT INTO exchanges VALUES(X'01a224e5ea5175aea085b1951a89481e',4,1,1,'order',X'01a224e5ea3f70a08280b178c774041f',X'01a224e5e19177d0b537a3ffe49ae193',1795915377233345,1795915377237521,'no_answer',1,NULL);
CREATE TABLE kept (
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795915375647898,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'52feee383c744725a350869acb6ebd36','shop','alma',X'01a224e5e3fd7327a4b527de11051009','order.submitted','{"order_id":"01a224e5-e3fd-7327-a4b5-27de11051009","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"41a16110-cf39-454a-839f-b3ce44787dfe","token":"fresh","possible_duplicate":false}','pending',1795915375640394,1795915380177946,1796174575640394,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'786d2e0018af42b3a82536f84057b9bf','shop','alma',X'01a224e5e57871fe88454ca8d9aaa83d','order.submitted','{"order_id":"01a224e5-e578-71fe-8845-4ca8d9aaa83d","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"d0bdddea-5681-4f4a-971a-52e8a7d28243","token":"fresh","possible_duplicate":false}','pending',1795915376010234,1795915381038663,1796174576010234,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'a3a7341fca034b28ab1e43ae7fef9100','shop','never',X'01a224e5e7317f279c34b67618fac720','order.submitted','{"order_id":"01a224e5-e731-7f27-9c34-b67618fac720","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"fcd1438a-99a0-4625-95d5-c5096c1087c7","token":"not_registered","possible_duplicate":false}','pending',1795915376450322,1795915381122146,1796174576450322,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'0702b75715b14903a5e4fbe85c1b8bf0','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795915376871088,1795915381832443,1796174576871088,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'8d6b8830c6b14afdabc87698472481c8','shop','revoked',X'01a224e5e8da7588b7a59b0cf32c66c7','order.submitted','{"order_id":"01a224e5-e8da-7588-b7a5-9b0cf32c66c7","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"5c2ad69b-2554-46a8-b9d7-68e94058fe2b","token":"reauth_required","possible_duplicate":false}','pending',1795915376877532,1795915381491852,1796174576877532,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'283a5de3d9f244d7ad4bb7a06eb49533','shop','lost',X'01a224e5ea3f70a08280b178c774041f','order.submitted','{"order_id":"01a224e5-ea3f-70a0-8280-b178c774041f","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"78041106-cdb1-4e0e-812a-0dfe11e4404e","token":"uncertain","possible_duplicate":false}','pending',1795915377241923,1795915382224189,1796174577241923,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'3670115b52194105add5e1f9c448b994','shop','never',X'01a224e5ebf67034995d8207eafbb10d','order.failed','{"order_id":"01a224e5-ebf6-7034-995d-8207eafbb10d","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false}','pending',1795915377667432,1795915382213355,1796174577667432,NULL,1,1,'not sent: connection refused');
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
CREATE INDEX kept_token ON kept (token_id);
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
