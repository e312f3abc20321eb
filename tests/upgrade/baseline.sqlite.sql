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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 08:17:13',1,X'd14a5c7e6aed9258d42b1aa859e74ce3bf972ceec72070db9be6d70eee94a7982af96cfc553763527dc18ceb0690bdc1',19333816);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b311d84a8bd52d8937efad00b9c24379cbb264d6ad7a6c00546f525e0433e97b52b7c28723557aec6868bc231966a9233e89a76dce987ea9decb4f787652c80c89af3fdfc46c7f096a1',1795940233692375,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795940233724081);
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
    -- once the user is forgotten.
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
    CHECK ((state = 'forgotten') = (sealed IS NULL)),
    CHECK (sealed IS NULL OR provider IS NOT NULL),
    CHECK ((state = 'reauth_required') = (reason IS NOT NULL))
);
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31c0099fde5e008607426b1fe4b6c199f81aac3df3a3b99b1b07e87388b36ab931337f5dae9ac233ad54048d96e0a08e83ebd43623b44298dfb6505184f64beaebb9211c343b76a669c08582046d9fff732d8eeebf38ed874bbf7a',X'94337f46295947abd42d77dc90a19b90',1795940234182892,1795940236237521,1801124236237521,X'01a226613bbc74c9ae9d078d8c619b0f',X'a8c361e61f1bceb032316f4242b56603a35653a0c275959077c1cd7573ee6947',1795940236239590,1798909456718401,3,0,NULL,1795940236239590);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31e8d752994d9e2c60fe7565b12aa55f67d4bc5318be521f539936e8bd9ae3584e857f816edd69bf8de1ed8962ef7e6dc8bfaab5506aa8e8fe8e63e926dafa4ff8b27cc55807d939dc7e222d7efe1cda0802ad035d77f0fcd1ddc2',X'94337f46295947abd42d77dc90a19b90',1795940234488249,1795940234488249,1801124234488249,NULL,NULL,1795940234489008,1798921962436796,1,0,NULL,1795940234488249);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31f7329b9ba36eb2cfec82a5cf1adad7a41c22596f447176c6b17b7e183863952bfe14e6b124b70950bd3a169c85b83574a624837e3d55ba9b7fe3a654de1bb77a77495c1ca942380a4418d8606e65929129691ae0b32defe5ccfa',X'94337f46295947abd42d77dc90a19b90',1795940234891288,1795940234891288,1801124234891288,NULL,NULL,1795940239338893,NULL,1,0,NULL,1795940234891288);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b3152b365d70142721f089559f240944c647dff037acf61893182102338772f5fb18b49a2becdc1ab6ac06a362464949bf0d8ebc37e88bc858f05b8c899d482f54a1a807b85677c8bc460ad0ab802f2fe3a16a956f455f061b63946',X'94337f46295947abd42d77dc90a19b90',1795940235189243,1795940235189243,1801124235189243,NULL,NULL,1795940240518091,NULL,1,0,NULL,1795940235189243);
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
INSERT INTO providers VALUES('shop',X'94337f46295947abd42d77dc90a19b90',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'e74067737a539d79b8af146d652ceead85539ccdabf6508dcced10a821c9ccdc',1,1795940234183383);
INSERT INTO known_tokens VALUES(X'733ec8fdeadc06f802338eef3fbe06da3e0e1716f89bca1848fcf9efcb8a4405',2,1795940234489008);
INSERT INTO known_tokens VALUES(X'ecc47715e8fbe104d5a5c26ee1e537cc7673e02eece21e55abac7cf52fff3fb1',3,1795940234891912);
INSERT INTO known_tokens VALUES(X'09fec9d637bbb99fda5f5d3e07d56acc9e60a4312d51aaca28ddceb606000977',4,1795940235189716);
INSERT INTO known_tokens VALUES(X'3a451bec5b415b0307a2aff0796c2ede48903b1dea344043a9b081571d3630a9',1,1795940235270356);
INSERT INTO known_tokens VALUES(X'61437bfbea89066da97ea37c7d98568a3e9b58b74b2d6a9eaf33077147b80ae4',1,1795940236237521);
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
INSERT INTO orders VALUES(X'01a2266137db70299a3cc2ca60fb668e','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940235230422,1795940235230422,1795940835230422,1795940235247849,1795940235289145,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','ac9d0ba4-971c-4678-9cab-0c9a4a63393e','<div id="klarna-checkout-container" data-order-id="ac9d0ba4-971c-4678-9cab-0c9a4a63393e" style="overflow-x: hidden;"></div>','fe015924-2392-41bb-a459-7614302c2a36',NULL);
INSERT INTO orders VALUES(X'01a226613ba37d5eb0f228aa7fa20702','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940236196400,1795940236196400,1795940836196400,1795940236214965,1795940236252116,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','e7b64862-7a4a-46df-a674-66016adcbb71','<div id="klarna-checkout-container" data-order-id="e7b64862-7a4a-46df-a674-66016adcbb71" style="overflow-x: hidden;"></div>','af7ca253-002c-4c86-94cc-5414810413d7',NULL);
INSERT INTO orders VALUES(X'01a22661433e744a868b5605e8db7b27','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940238146748,1795940238146748,1795940838146748,1795940238166853,1795940238183188,NULL,1,1,0,0,'not_registered','[]','13c373d3-a1ba-4ffc-aee8-c8b652597a1e','<div id="klarna-checkout-container" data-order-id="13c373d3-a1ba-4ffc-aee8-c8b652597a1e" style="overflow-x: hidden;"></div>','00777d2a-0892-453e-a4f9-c7ab7a76fcb8',NULL);
INSERT INTO orders VALUES(X'01a2266147cf7cfdbb720992396d02c9','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940239312435,1795940239312435,1795940839312435,1795940239329027,1795940239352560,NULL,1,1,0,0,'reauth_required','[]','3050f510-fc40-46b7-b94f-9c59c857f38d','<div id="klarna-checkout-container" data-order-id="3050f510-fc40-46b7-b94f-9c59c857f38d" style="overflow-x: hidden;"></div>','e6752b5c-8345-4979-a84a-0b44679ac116',NULL);
INSERT INTO orders VALUES(X'01a226614c387697bb53b4b5eab32b1b','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940240441034,1795940240441034,1795940840441034,1795940240460377,1795940240533132,NULL,1,1,0,0,'uncertain','[]','8198bdc5-a2e8-4b60-87b3-0ba7223abd09','<div id="klarna-checkout-container" data-order-id="8198bdc5-a2e8-4b60-87b3-0ba7223abd09" style="overflow-x: hidden;"></div>','31a40e67-99a1-4768-a2fd-3d7ab1f011fb',NULL);
INSERT INTO orders VALUES(X'01a226614fed7a78a18a736725987963','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795940241389679,1795940241389679,1795940841389679,1795940241394706,1795940241408260,NULL,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"d366d6b1-0f6b-44d7-b119-fdc6248b6ce9"}');
INSERT INTO orders VALUES(X'01a22661540e7cb3813ef687864aac37','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795940242446839,4070908800000000,4070909400000000,NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a22661550074c39a77cb6a76543bf9','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795940242689344,4070908800000000,4070909400000000,NULL,1795940243097572,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a226614fed7a78a18a736725987963',1795940241408260,X'01a22661321275c3b8e44811c445b949',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"d366d6b1-0f6b-44d7-b119-fdc6248b6ce9"}');
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
INSERT INTO workers VALUES(X'01a22661321275c3b8e44811c445b949',X'01a22661320d73c0853089b47d41e009','vm/19467',1795940233754915,1795940241776331,10,1795940243266940);
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
INSERT INTO exchanges VALUES(X'01a2266137f87676b6754b53c8ce9143',1,1,1,'order',X'01a2266137db70299a3cc2ca60fb668e',X'01a22661321275c3b8e44811c445b949',1795940235257247,1795940235272502,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a226613bbc74c9ae9d078d8c619b0f',1,2,1,'order',X'01a226613ba37d5eb0f228aa7fa20702',X'01a22661321275c3b8e44811c445b949',1795940236220953,1795940236239590,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2266147e3769482526331f4ce3ceb',3,1,1,'order',X'01a2266147cf7cfdbb720992396d02c9',X'01a22661321275c3b8e44811c445b949',1795940239331972,1795940239338893,'rejected',0,X'94337f46295947abd42d77dc90a19b90');
INSERT INTO exchanges VALUES(X'01a226614c6771f28e5a82f8201867e0',4,1,1,'order',X'01a226614c387697bb53b4b5eab32b1b',X'01a22661321275c3b8e44811c445b949',1795940240488515,1795940240518091,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795940235304374,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'7bffc652690d4ad8a835517f52ba1690','shop','alma',X'01a2266137db70299a3cc2ca60fb668e','order.submitted','{"order_id":"01a22661-37db-7029-9a3c-c2ca60fb668e","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"ac9d0ba4-971c-4678-9cab-0c9a4a63393e","token":"fresh","possible_duplicate":false}','pending',1795940235289145,1795940305340598,1796199435289145,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'5a91d42031aa4fa2a081a27e7e257d82','shop','alma',X'01a226613ba37d5eb0f228aa7fa20702','order.submitted','{"order_id":"01a22661-3ba3-7d5e-b0f2-28aa7fa20702","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"e7b64862-7a4a-46df-a674-66016adcbb71","token":"fresh","possible_duplicate":false}','pending',1795940236252116,1795940296446437,1796199436252116,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'f8e39b74541540e0a16763c5932eb032','shop','never',X'01a22661433e744a868b5605e8db7b27','order.submitted','{"order_id":"01a22661-433e-744a-868b-5605e8db7b27","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"13c373d3-a1ba-4ffc-aee8-c8b652597a1e","token":"not_registered","possible_duplicate":false}','pending',1795940238183188,1795940243378031,1796199438183188,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'b439e7f913ca4e8cac92582bd1d83eed','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795940239338893,1795940244267978,1796199439338893,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'1a4d552368cb4679a6ceacb8917a2b46','shop','revoked',X'01a2266147cf7cfdbb720992396d02c9','order.submitted','{"order_id":"01a22661-47cf-7cfd-bb72-0992396d02c9","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"3050f510-fc40-46b7-b94f-9c59c857f38d","token":"reauth_required","possible_duplicate":false}','pending',1795940239352560,1795940244695535,1796199439352560,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'69cf0c8db61a418fa6dc2c59431db074','shop','lost',X'01a226614c387697bb53b4b5eab32b1b','order.submitted','{"order_id":"01a22661-4c38-7697-bb53-b4b5eab32b1b","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"8198bdc5-a2e8-4b60-87b3-0ba7223abd09","token":"uncertain","possible_duplicate":false}','pending',1795940240533132,1795940245462572,1796199440533132,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'3e228cb2e4b74999a9ab2ae1dfe18567','shop','never',X'01a226614fed7a78a18a736725987963','order.failed','{"order_id":"01a22661-4fed-7a78-a18a-736725987963","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false}','pending',1795940241408260,1795940246305479,1796199441408260,NULL,1,1,'not sent: connection refused');
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
