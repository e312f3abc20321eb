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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 07:11:42',1,X'b3626b8493a3ba814adfdace3d3e58558699056d353c85f84ea7f339d83ecdf42567acd38a4873036f5142b504ec3dbc',21913392);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b318d34b53e3a2a1a9351c1d0aaea5e4203e5490661c181b423c799e1e34fc08ae9ca568bcaf6ddc1b67ade43d78e6517138c23c23c45c5afb05116799a068ca762152edb47a5351093',1795936303011570,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795936303040512);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31fbf25ce3772703ba72deb1f19f1d660b2429145a401d6ce8151f6184fc8a0c9316ff4d2d1caff4cb9e67226fe08f7e4d0d5f2eb7af76f474d9861a915b25c543a23d62f328387e828930df222879719ba69cfff48c030111412f',X'28e5d534a5fdb22dfc1c1777b5ae8921',1795936305628629,1801120305628629,X'01a2262541cc7799964c53081f1f5252',X'a766a7792a9f271a45ba6c145ebf656e9fb96602225aae916302c96653d7c14c',1795936305630394,1798905526109509,3,0,NULL,1795936305630394);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31d29c638f325f7aa747ffca2e16868f7e5bad0ba80ed8cc9e92ae905503c68c6d8c89eabfe4679a6757e681b1c173f359eaeea3f5cbd43e8074145603669599cbe90cfc5d3d69674de5cac9fd36abfe0095118645a0daf93364c8',X'28e5d534a5fdb22dfc1c1777b5ae8921',1795936303987432,1801120303987432,NULL,NULL,1795936303988153,1798918031935979,1,0,NULL,1795936303987432);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31b9dd309eee300bb7ba886175c0615429f86a286d889d10e9741462007baf56a988f5ca60ea11d9053f52ea5065cceb1451a34535f7834abe4e2d48a1eaec3afbd6874ac490d7eeb69a9562b3d27a001df1e7a988ce86c3997571',X'28e5d534a5fdb22dfc1c1777b5ae8921',1795936304375277,1801120304375277,NULL,NULL,1795936307304854,NULL,1,0,NULL,1795936304375277);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b311f6352a0be8588c278bc4866b1dc9ba06ec53ff14e2eac56fcd4d3d197dc1137468bc148df42203a7c04f8fd84d0d5848d2898471ab6d5c493d9e2aad57bfe506638ef29223dcbd1f19b11262e2cb1a3aa36d309db4028d4bf1b',X'28e5d534a5fdb22dfc1c1777b5ae8921',1795936304768985,1801120304768985,NULL,NULL,1795936308171573,NULL,1,0,NULL,1795936304768985);
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
INSERT INTO providers VALUES('shop',X'28e5d534a5fdb22dfc1c1777b5ae8921',1,NULL,0,0,NULL);
CREATE TABLE known_tokens (
    token_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, hash)
);
INSERT INTO known_tokens VALUES(1,X'217583e4c99de4dbf10d87ed003884c244aba9afa6f79262997af7fc56df65d5',1795936303668887);
INSERT INTO known_tokens VALUES(2,X'2e77589a96bac08e46cdc75e3948868819f03cac2438cf1e229254f1e1f3d485',1795936303988153);
INSERT INTO known_tokens VALUES(3,X'988ecd5afa9057c883822d8618c807f68c463b844118408099496c5be53a652e',1795936304377150);
INSERT INTO known_tokens VALUES(4,X'f975ea9359c21d1b0b8f579066deb555c7c406b4ab0939a8e8c74ad845e61d47',1795936304771084);
INSERT INTO known_tokens VALUES(1,X'184c95980f0779bb71addfe7801dc2c5b26aebf493b013dc027fa0949831684c',1795936304832428);
INSERT INTO known_tokens VALUES(1,X'a02582f01676296eda24659827ffc99ff5a337e40090b191f8c31592a8709f1d',1795936305628629);
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
INSERT INTO orders VALUES(X'01a226253e9671b1937e0cc27a237af8','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795936304795103,1795936304795103,1795936904795103,1795936304813215,1795936304878815,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','6a52c66d-db94-4489-b653-6ab5c596f797','<div id="klarna-checkout-container" data-order-id="6a52c66d-db94-4489-b653-6ab5c596f797" style="overflow-x: hidden;"></div>','3cbdc2bc-1794-4dca-9f84-43cc3d45120e',NULL);
INSERT INTO orders VALUES(X'01a2262541b57c66958720c2c73e8f4d','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795936305590781,1795936305590781,1795936905590781,1795936305604604,1795936305650950,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','e1d43e7a-5834-4409-abfe-db2e8c6587de','<div id="klarna-checkout-container" data-order-id="e1d43e7a-5834-4409-abfe-db2e8c6587de" style="overflow-x: hidden;"></div>','185099fe-753e-4b87-a26e-29dd22896e6e',NULL);
INSERT INTO orders VALUES(X'01a2262544a774bf99d08a50f75b8bb1','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795936306344356,1795936306344356,1795936906344356,1795936306351228,1795936306362472,NULL,1,1,0,0,'not_registered','[]','a456e8e2-c1fe-49af-bcca-73298d64c4cd','<div id="klarna-checkout-container" data-order-id="a456e8e2-c1fe-49af-bcca-73298d64c4cd" style="overflow-x: hidden;"></div>','72e4e4c7-568c-4443-acf5-7e97b4f37dc7',NULL);
INSERT INTO orders VALUES(X'01a226254853714185465de21b1df736','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795936307284138,1795936307284138,1795936907284138,1795936307289371,1795936307313810,NULL,1,1,0,0,'reauth_required','[]','c4fc5315-d577-4367-bfdb-a82336555705','<div id="klarna-checkout-container" data-order-id="c4fc5315-d577-4367-bfdb-a82336555705" style="overflow-x: hidden;"></div>','b3ed72fc-8521-4b61-b32d-d2ae3ff954bc',NULL);
INSERT INTO orders VALUES(X'01a226254bb978edaf0bad6038ac382e','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795936308154404,1795936308154404,1795936908154404,1795936308162552,1795936308177354,NULL,1,1,0,0,'uncertain','[]','a8b8088d-983a-4852-aa3c-8d491cdcaac7','<div id="klarna-checkout-container" data-order-id="a8b8088d-983a-4852-aa3c-8d491cdcaac7" style="overflow-x: hidden;"></div>','e1b2087b-586c-470f-a66e-d6a0635cba65',NULL);
INSERT INTO orders VALUES(X'01a226254f787c2aa1d79cd36f44e7b3','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795936309112990,1795936309112990,1795936909112990,1795936309127699,1795936309139011,NULL,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"b5efd46a-37ec-45ed-a607-ecdd3896768a"}');
INSERT INTO orders VALUES(X'01a2262553777b059e7651ba8e1d50f0','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795936310137223,4070908800000000,4070909400000000,NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a22625548b7b57a1b04c11e5fa3c5c','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795936310411808,4070908800000000,4070909400000000,NULL,1795936310659366,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a226254f787c2aa1d79cd36f44e7b3',1795936309139011,X'01a2262537de74b1949f32029a80a2b8',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"b5efd46a-37ec-45ed-a607-ecdd3896768a"}');
CREATE TABLE workers (
    id BLOB PRIMARY KEY,
    -- The instance folder that the process has locked. The holder of that lock knows that all
    -- earlier starts from the same folder are dead.
    instance BLOB NOT NULL,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    -- The last heartbeat.
    heartbeat_at INTEGER NOT NULL,
    ended_at INTEGER
);
INSERT INTO workers VALUES(X'01a2262537de74b1949f32029a80a2b8',X'01a2262537d7755381a5e9a9e934bff6','vm/3740',1795936303079884,1795936309092241,1795936310682260);
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
INSERT INTO exchanges VALUES(X'01a226253ebf72d69eeee783edfc75b5',1,1,1,'order',X'01a226253e9671b1937e0cc27a237af8',X'01a2262537de74b1949f32029a80a2b8',1795936304831566,1795936304846890,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2262541cc7799964c53081f1f5252',1,2,1,'order',X'01a2262541b57c66958720c2c73e8f4d',X'01a2262537de74b1949f32029a80a2b8',1795936305614708,1795936305630394,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a22625485d7407a5db693487b89f92',3,1,1,'order',X'01a226254853714185465de21b1df736',X'01a2262537de74b1949f32029a80a2b8',1795936307293906,1795936307304854,'rejected',0,X'28e5d534a5fdb22dfc1c1777b5ae8921');
INSERT INTO exchanges VALUES(X'01a226254bc67628b3c09bd1119adb80',4,1,1,'order',X'01a226254bb978edaf0bad6038ac382e',X'01a2262537de74b1949f32029a80a2b8',1795936308166786,1795936308171573,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795936304901106,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'9b576212b0b743a1ad97077b1b49dc4b','shop','alma',X'01a226253e9671b1937e0cc27a237af8','order.submitted','{"order_id":"01a22625-3e96-71b1-937e-0cc27a237af8","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"6a52c66d-db94-4489-b653-6ab5c596f797","token":"fresh","possible_duplicate":false}','pending',1795936304878815,1795936367064274,1796195504878815,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'e6601a588d564baea72ba7e97beeba35','shop','alma',X'01a2262541b57c66958720c2c73e8f4d','order.submitted','{"order_id":"01a22625-41b5-7c66-9587-20c2c73e8f4d","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"e1d43e7a-5834-4409-abfe-db2e8c6587de","token":"fresh","possible_duplicate":false}','pending',1795936305650950,1795936368324700,1796195505650950,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'e1d34979ffb84d8fad98216114c5a219','shop','never',X'01a2262544a774bf99d08a50f75b8bb1','order.submitted','{"order_id":"01a22625-44a7-74bf-99d0-8a50f75b8bb1","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"a456e8e2-c1fe-49af-bcca-73298d64c4cd","token":"not_registered","possible_duplicate":false}','pending',1795936306362472,1795936311717025,1796195506362472,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'ee92caddf3a84c88a313cffc5e14ad29','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795936307304854,1795936312580589,1796195507304854,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'bb501d8a88764a51aa30f042640f5d91','shop','revoked',X'01a226254853714185465de21b1df736','order.submitted','{"order_id":"01a22625-4853-7141-8546-5de21b1df736","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"c4fc5315-d577-4367-bfdb-a82336555705","token":"reauth_required","possible_duplicate":false}','pending',1795936307313810,1795936312028440,1796195507313810,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'a17a19994502429ba882413109f3c5f2','shop','lost',X'01a226254bb978edaf0bad6038ac382e','order.submitted','{"order_id":"01a22625-4bb9-78ed-af0b-ad6038ac382e","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"a8b8088d-983a-4852-aa3c-8d491cdcaac7","token":"uncertain","possible_duplicate":false}','pending',1795936308177354,1795936312802453,1796195508177354,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'ec31fd9168af4176ad1b6754a3091c86','shop','never',X'01a226254f787c2aa1d79cd36f44e7b3','order.failed','{"order_id":"01a22625-4f78-7c2a-a1d7-9cd36f44e7b3","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false}','pending',1795936309139011,1795936314139034,1796195509139011,NULL,1,1,'not sent: connection refused');
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
