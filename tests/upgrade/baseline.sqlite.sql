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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 09:00:43',1,X'69a34d99796222de74e5497c46cf6c2774942b43c8c260d5ac316dba63c865dd98e1cec898e8f073b38b2bab3558187c',110073545);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b3163015b1b2a0cf530071e450785c8f73999272613f900594cb5957a65488d24268e183821cf3b0f8e950efa73a614a2f2b70edb67da876cf6016e7555216850e56077954cfce006a0',1795942843668960,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795942843787903);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31bf4bf7e1bc191e68fdc71bf5e515f076c0ceb13fd26d1983b2c2f1dfb449cebf1664a9cf216c6652d10b71d887ee58e67dad5a9c1abaa9d39a1f23296d725e853522fac9510e3ec577412c1f9425e9cb707c3a4040d1be1f7ab1',X'a140588bc3b7cd94b9381fdb5a3942d7',1795942847887617,1795942857079436,1801126857079436,X'01a2268939477643bda027ee95f98af2',X'5fbbe9cf80f7373a1c1768fb7bd627f653c6c22a843fe8b84be777fd41c49f24',1795942857118909,1798912077560317,3,0,NULL,1795942857118909);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b3174f7a0f65b29a262cf0ef802b9c333d6a9127bdd87055f7ad601b6f14a7a98bdc070304a788c1b22dd9f4c36151260b44d4f707b4381c741f131ec515f985681cbc04275e38ba351aab134c2281ef40f06f3db93d368710c4615',X'a140588bc3b7cd94b9381fdb5a3942d7',1795942849374831,1795942849374831,1801126849374831,NULL,NULL,1795942849376713,1798924577323378,1,0,NULL,1795942849374831);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b315999b5549c649b34699e8f99f03e88811156cf0a7071b5465e427b420c4d664b61da7c81607193e1729ea72e8ec4226ca70684825458e68bc689da94405e9821d87dba917b6a35e5220b4d6b54c8a50dba95df111de5e3b79770',X'a140588bc3b7cd94b9381fdb5a3942d7',1795942850074182,1795942850074182,1801126850074182,NULL,NULL,1795942875402880,NULL,1,0,NULL,1795942850074182);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b314d17bb186992e99ac7fc0c7d2fdd0668aaffa65da74c61b9c7e567db075e800a57bdd36a28a5cf0fc4f142435de63472c8807d78a009a33c1dd3f086ba73ef29973d412decd43fc7a17bea6df04bc8ffda7ea314231ecca583b8',X'a140588bc3b7cd94b9381fdb5a3942d7',1795942851816683,1795942851816683,1801126851816683,NULL,NULL,1795942885201440,NULL,1,0,NULL,1795942851816683);
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
INSERT INTO providers VALUES('shop',X'a140588bc3b7cd94b9381fdb5a3942d7',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'5143d334b9cb098a6f60128168efae76469a1da7959846634c10ed9835ea38ef',1,1795942847901851);
INSERT INTO known_tokens VALUES(X'5be3325d72491f2c0e73ca7dd563fbe9318b8913166e55ac37ae75cb1c6baa49',2,1795942849376713);
INSERT INTO known_tokens VALUES(X'504b8c34101265067fe1f891a4d0f3884640da87b56c177946a556cd73b06b15',3,1795942850080631);
INSERT INTO known_tokens VALUES(X'cc2e755f87484ee85dbb67acff4c5eb5bc9370f45f30ecd3813aa14c62753c90',4,1795942851830981);
INSERT INTO known_tokens VALUES(X'83008fb5770ed9c75e041c3a79e04fbd3e317eab3ba96e78968ff8014d6ebde7',1,1795942852281424);
INSERT INTO known_tokens VALUES(X'3b701c2ea70804bf25d04d20934c5ee12ff116fe81227a3c4b305ffae543cce3',1,1795942857079436);
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
INSERT INTO orders VALUES(X'01a2268925c472d88adc1e3d6826108a','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795942852064031,1795942852064031,1795943452064031,1795942852131408,1795942852551607,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','d96ad8af-1d19-49bd-b244-9adb554f259a','<div id="klarna-checkout-container" data-order-id="d96ad8af-1d19-49bd-b244-9adb554f259a" style="overflow-x: hidden;"></div>','b28ff38f-276c-46df-89aa-c77dc280a772',NULL);
INSERT INTO orders VALUES(X'01a2268938de751ebbdb6e4af0540702','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795942856933884,1795942856933884,1795943456933884,1795942856987049,1795942857198177,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','0786c448-1e08-4ab8-8fd6-bee70911c73e','<div id="klarna-checkout-container" data-order-id="0786c448-1e08-4ab8-8fd6-bee70911c73e" style="overflow-x: hidden;"></div>','5bdf3ba1-d454-4e8a-a32c-9d218a86520d',NULL);
INSERT INTO orders VALUES(X'01a226895b06764db91e633964f01bdb','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795942865709130,1795942865709130,1795943465709130,1795942865769910,1795942865916047,NULL,1,1,1,0,0,'not_registered','[]','c981d806-8a2e-407e-a342-c795c5515fb7','<div id="klarna-checkout-container" data-order-id="c981d806-8a2e-407e-a342-c795c5515fb7" style="overflow-x: hidden;"></div>','fd2bb47b-df81-4ad8-8018-4523299c2b63',NULL);
INSERT INTO orders VALUES(X'01a226897fa27651b37a5448b2c9a202','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795942875087205,1795942875087205,1795943475087205,1795942875164719,1795942875605990,NULL,1,1,1,0,0,'reauth_required','[]','fe87902e-8e0f-4228-8d80-f8cbff465143','<div id="klarna-checkout-container" data-order-id="fe87902e-8e0f-4228-8d80-f8cbff465143" style="overflow-x: hidden;"></div>','920fd6ec-050b-42a0-ae17-38649bc93e6b',NULL);
INSERT INTO orders VALUES(X'01a22689a60d73ef936a2ecf5021d054','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795942884882422,1795942884882422,1795943484882422,1795942884989195,1795942885343423,NULL,1,1,1,0,0,'uncertain','[]','d868bb75-903d-4b17-bc10-217ec134721e','<div id="klarna-checkout-container" data-order-id="d868bb75-903d-4b17-bc10-217ec134721e" style="overflow-x: hidden;"></div>','24047d6a-92bc-47c0-8c75-e38122b73483',NULL);
INSERT INTO orders VALUES(X'01a22689caaf7b85bbdeda9e2ee81329','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795942894292195,1795942894292195,1795943494292195,1795942894349595,1795942894450858,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"e45ad5fe-bf2f-436e-869b-8408037b9546"}');
INSERT INTO orders VALUES(X'01a22689efb77792a06f43ab048cd3fd','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795942903759862,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a22689fa1f7097939dd14302641137','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795942906436005,4070908800000000,4070909400000000,NULL,1795942909735988,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22689caaf7b85bbdeda9e2ee81329',1795942894450858,X'01a226890620700db3564f9f02c606d7',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"e45ad5fe-bf2f-436e-869b-8408037b9546"}');
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
INSERT INTO workers VALUES(X'01a226890620700db3564f9f02c606d7',X'01a2268905fb7482a6e1679ae89af2ca','vm/15887',1795942844050150,1795942908364997,42,1795942909895110);
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
INSERT INTO exchanges VALUES(X'01a22689269b72dba1ab59aeb681fa8e',1,1,1,'order',X'01a2268925c472d88adc1e3d6826108a',X'01a226890620700db3564f9f02c606d7',1795942852266787,1795942852324703,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2268939477643bda027ee95f98af2',1,2,1,'order',X'01a2268938de751ebbdb6e4af0540702',X'01a226890620700db3564f9f02c606d7',1795942857046886,1795942857118909,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2268980527207a1c171beb376b32d',3,1,1,'order',X'01a226897fa27651b37a5448b2c9a202',X'01a226890620700db3564f9f02c606d7',1795942875238128,1795942875402880,'rejected',0,X'a140588bc3b7cd94b9381fdb5a3942d7');
INSERT INTO exchanges VALUES(X'01a22689a6f2726abecda96b128b8845',4,1,1,'order',X'01a22689a60d73ef936a2ecf5021d054',X'01a226890620700db3564f9f02c606d7',1795942885120474,1795942885201440,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795942852651331,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'd01b62f79658433daf39086fbfd5d5e2','shop','alma',X'01a2268925c472d88adc1e3d6826108a','order.submitted','{"order_id":"01a22689-25c4-72d8-8adc-1e3d6826108a","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"d96ad8af-1d19-49bd-b244-9adb554f259a","token":"fresh","possible_duplicate":false}','pending',1795942852551607,1795942915086006,1796202052551607,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'aa4657865d0541c4aa2326592fc1175c','shop','alma',X'01a2268938de751ebbdb6e4af0540702','order.submitted','{"order_id":"01a22689-38de-751e-bbdb-6e4af0540702","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"0786c448-1e08-4ab8-8fd6-bee70911c73e","token":"fresh","possible_duplicate":false}','pending',1795942857198177,1795942923667760,1796202057198177,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'710087aa1317430ea5efc46475508732','shop','never',X'01a226895b06764db91e633964f01bdb','order.submitted','{"order_id":"01a22689-5b06-764d-b91e-633964f01bdb","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"c981d806-8a2e-407e-a342-c795c5515fb7","token":"not_registered","possible_duplicate":false}','pending',1795942865916047,1795942931765288,1796202065916047,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'cb86e243e13548d3aa46bcdd73b09c14','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795942875402880,1795942936572816,1796202075402880,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'61c7a120ff074479a58d3a9d5c29308d','shop','revoked',X'01a226897fa27651b37a5448b2c9a202','order.submitted','{"order_id":"01a22689-7fa2-7651-b37a-5448b2c9a202","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"fe87902e-8e0f-4228-8d80-f8cbff465143","token":"reauth_required","possible_duplicate":false}','pending',1795942875605990,1795942945847070,1796202075605990,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'a3fbb92c05b14befae702e104652d67c','shop','lost',X'01a22689a60d73ef936a2ecf5021d054','order.submitted','{"order_id":"01a22689-a60d-73ef-936a-2ecf5021d054","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"d868bb75-903d-4b17-bc10-217ec134721e","token":"uncertain","possible_duplicate":false}','pending',1795942885343423,1795942951466294,1796202085343423,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'a008c845b5944fa3a0b9206e6664de5b','shop','never',X'01a22689caaf7b85bbdeda9e2ee81329','order.failed','{"order_id":"01a22689-caaf-7b85-bbde-da9e2ee81329","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false}','pending',1795942894450858,1795942956919893,1796202094450858,NULL,2,2,'not sent: connection refused');
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
