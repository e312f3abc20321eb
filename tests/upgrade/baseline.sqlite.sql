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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 10:51:11',1,X'6ba301f161884fbf2bad487c43f520c3bf5bd176aeb49abb3a3d68ab3effaf722a95aff2ba5f153f63ac0a9ad063f059',34904987);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b319e203db2b6809fd7e5802d5f9ee6d7bb349c94516ad48b4e858cdc6558ce5af463d5f26de676249a2fb643b82a785fe78d403776a78579f9a186106716e69304482c1c9ac5870e70',1795949472042699,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795949472066911);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3172d979733252fa8ac5ecea36cfd29256f06fc81c588bffbeed74d5b37f11174c28873c76482eb795dfa583068eab3e5800ee14c5a75956b8a43243b9481c9fee2f19fa8add1eea4eb838c0e5ce4121c1fa99d3a1c265d7de9163',X'c3e2607a46af6d33b9ae7df35c14d2d6',1795949472807440,1795949474939549,1801133474939549,X'01a226ee346c7064b96aa3582933a96f',X'ab40c619b75b9e63e590d4b3f6a9bb0f20a0fef8c0cba4cdb819f836f6e0487f',1795949474947047,1798918695420429,3,0,NULL,1795949474947047);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31520ca0de4a055e174057e5efda9530213eb0ee3ce2db8b646655c1eb59cbff7b47ede53bf2080651a242b9e2a3d0671262b4491406454d3ebdbdaea53bef5a76282cf5f8dd3779d670f093a6fd37f0a60a57551b2822d69c1488',X'c3e2607a46af6d33b9ae7df35c14d2d6',1795949473090275,1795949473090275,1801133473090275,NULL,NULL,1795949473090845,1798931201038822,1,0,NULL,1795949473090275);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31c19dca9fc8a8662c8d74b468cb3ca84f2ca8bcc4412f3e03954b660b363bc378fdff3689b18ec52d7f1e901130c7d07b9974413c6301227aeff4f2554b236c580975d67fad7f18ea42ea9a24468dc606ce9bd9be546227a54897',X'c3e2607a46af6d33b9ae7df35c14d2d6',1795949473398664,1795949473398664,1801133473398664,NULL,NULL,1795949477141053,NULL,1,0,NULL,1795949473398664);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31a95af8127cb5d9bc76628072b4942072c87edb3e380278ddbf9e75ca7f966d1fa40c3b59fa15e21b87a20e26cf7b0432de5864a6de0f845822e193f444bf17b81acfd8d34d7ec2a80ad3387a4a9f276426ace3b73596c03abce2',X'c3e2607a46af6d33b9ae7df35c14d2d6',1795949473745496,1795949473745496,1801133473745496,NULL,NULL,1795949478093885,NULL,1,0,NULL,1795949473745496);
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
INSERT INTO providers VALUES('shop',X'c3e2607a46af6d33b9ae7df35c14d2d6',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'3273c608ddb35f98d54a6fadf7fc64253c90f8b04ed9ca17442a0417a8a2e579',1,1795949472810715);
INSERT INTO known_tokens VALUES(X'bf9371b1489908025efc959968ce650041f63fd6ff051ea00d9865749fd6c1fc',2,1795949473090845);
INSERT INTO known_tokens VALUES(X'd9b9331ad0c1d2afad899957a1a6ff83925c82baa01cceeefcc7bdfc5d3e193d',3,1795949473399392);
INSERT INTO known_tokens VALUES(X'd179392290efd267fa4056119d196771d13d94b8b2f8aeae8d222f0c58b2f0ce',4,1795949473746999);
INSERT INTO known_tokens VALUES(X'135b7717aede650e98e9c4bb1cbaf79313bdc927387ccd7cd5bc5f568d26c587',1,1795949473880392);
INSERT INTO known_tokens VALUES(X'0dca727d59eba28226969c068a97af5e01e6dc6adc07f3e0e8db3968b34a2efa',1,1795949474939549);
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
INSERT INTO orders VALUES(X'01a226ee300876d79703cb725c1e388b','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795949473809309,1795949473809309,1795950073809309,1795949473830716,1795949473958904,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','8aef109a-6292-4db6-9a99-7616d382324c','<div id="klarna-checkout-container" data-order-id="8aef109a-6292-4db6-9a99-7616d382324c" style="overflow-x: hidden;"></div>','27ce9601-f678-4c62-be27-5d0add3b73ac',NULL);
INSERT INTO orders VALUES(X'01a226ee34537481aaea27fb69937c6f','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795949474903105,1795949474903105,1795950074903105,1795949474913478,1795949474961142,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','e3fc6e46-6703-4d4c-9b17-4d9a9a58c737','<div id="klarna-checkout-container" data-order-id="e3fc6e46-6703-4d4c-9b17-4d9a9a58c737" style="overflow-x: hidden;"></div>','b5a1e325-799a-42be-a99e-3d00b5d46b7d',NULL);
INSERT INTO orders VALUES(X'01a226ee37bc7a2d8d6aa0fcdee0b621','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795949475773677,1795949475773677,1795950075773677,1795949475782745,1795949475801748,NULL,1,1,1,0,0,'not_registered','[]','4118c76f-3700-428e-b9a5-e49e9a00df04','<div id="klarna-checkout-container" data-order-id="4118c76f-3700-428e-b9a5-e49e9a00df04" style="overflow-x: hidden;"></div>','a02f963c-6c24-43a4-90a6-0b49ac18ac44',NULL);
INSERT INTO orders VALUES(X'01a226ee3ce87dcbaf66fc519902b3ca','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795949477096831,1795949477096831,1795950077096831,1795949477106157,1795949477157547,NULL,1,1,1,0,0,'reauth_required','[]','c5e1c049-e045-4746-ab46-2ebb23ebdfb7','<div id="klarna-checkout-container" data-order-id="c5e1c049-e045-4746-ab46-2ebb23ebdfb7" style="overflow-x: hidden;"></div>','7c59ad7b-7e93-46ef-a87f-4831945d4946',NULL);
INSERT INTO orders VALUES(X'01a226ee40a373bbb28579210749a8df','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795949478051997,1795949478051997,1795950078051997,1795949478064884,1795949478121006,NULL,1,1,1,0,0,'uncertain','[]','dac485ce-eb97-42b3-b12b-b633ce585884','<div id="klarna-checkout-container" data-order-id="dac485ce-eb97-42b3-b12b-b633ce585884" style="overflow-x: hidden;"></div>','b78cc972-7022-4fdb-86bf-b4648894c558',NULL);
INSERT INTO orders VALUES(X'01a226ee43bf7c59be41c97cdb93564e','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795949478848047,1795949478848047,1795950078848047,1795949478852352,1795949478867785,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"b686ee5c-862b-46a0-8b60-cbf253735b5b"}');
INSERT INTO orders VALUES(X'01a226ee477c7e26be4e0521f9be78d4','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795949479807097,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a226ee4844773292d3bdd4839ffef7','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795949480005274,4070908800000000,4070909400000000,NULL,1795949480426961,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a226ee43bf7c59be41c97cdb93564e',1795949478867785,X'01a226ee295f749292059e52e814e027',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"b686ee5c-862b-46a0-8b60-cbf253735b5b"}');
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
INSERT INTO workers VALUES(X'01a226ee295f749292059e52e814e027',X'01a226ee29537729980decd1630bfe5d','vm/19277',1795949472118222,1795949480127146,14,1795949480454255);
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
INSERT INTO exchanges VALUES(X'01a226ee303a76a990426b07ce67c019',1,1,1,'order',X'01a226ee300876d79703cb725c1e388b',X'01a226ee295f749292059e52e814e027',1795949473854412,1795949473893584,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a226ee346c7064b96aa3582933a96f',1,2,1,'order',X'01a226ee34537481aaea27fb69937c6f',X'01a226ee295f749292059e52e814e027',1795949474926210,1795949474947047,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a226ee3cfe73879cca25bde0a494e0',3,1,1,'order',X'01a226ee3ce87dcbaf66fc519902b3ca',X'01a226ee295f749292059e52e814e027',1795949477123017,1795949477141053,'rejected',0,X'c3e2607a46af6d33b9ae7df35c14d2d6');
INSERT INTO exchanges VALUES(X'01a226ee40bf7344935267e6a1d97d81',4,1,1,'order',X'01a226ee40a373bbb28579210749a8df',X'01a226ee295f749292059e52e814e027',1795949478080697,1795949478093885,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795949474002456,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'c67ddfbf6ad641a8a270530721324a3f','shop','alma',X'01a226ee300876d79703cb725c1e388b','order.submitted','{"order_id":"01a226ee-3008-76d7-9703-cb725c1e388b","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"8aef109a-6292-4db6-9a99-7616d382324c","token":"fresh","possible_duplicate":false}','pending',1795949473958904,1795949536596624,1796208673958904,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'64f5b99610754a5ca1fbc1bc11b13327','shop','alma',X'01a226ee34537481aaea27fb69937c6f','order.submitted','{"order_id":"01a226ee-3453-7481-aaea-27fb69937c6f","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"e3fc6e46-6703-4d4c-9b17-4d9a9a58c737","token":"fresh","possible_duplicate":false}','pending',1795949474961142,1795949544272110,1796208674961142,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'4d068f44e472480ea129420fd1e71e3c','shop','never',X'01a226ee37bc7a2d8d6aa0fcdee0b621','order.submitted','{"order_id":"01a226ee-37bc-7a2d-8d6a-a0fcdee0b621","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"4118c76f-3700-428e-b9a5-e49e9a00df04","token":"not_registered","possible_duplicate":false}','pending',1795949475801748,1795949540681664,1796208675801748,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'af588b658f1544e3aaa8498e0ccb34bf','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795949477141053,1795949481795136,1796208677141053,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'0c9c3910990145bdaa9eb726f25a12d6','shop','revoked',X'01a226ee3ce87dcbaf66fc519902b3ca','order.submitted','{"order_id":"01a226ee-3ce8-7dcb-af66-fc519902b3ca","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"c5e1c049-e045-4746-ab46-2ebb23ebdfb7","token":"reauth_required","possible_duplicate":false}','pending',1795949477157547,1795949481836895,1796208677157547,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'61c0defb6e7c400aa133139d23b67485','shop','lost',X'01a226ee40a373bbb28579210749a8df','order.submitted','{"order_id":"01a226ee-40a3-73bb-b285-79210749a8df","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"dac485ce-eb97-42b3-b12b-b633ce585884","token":"uncertain","possible_duplicate":false}','pending',1795949478121006,1795949482800443,1796208678121006,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'3f88f41e6ae84d8fa98413ac29d8771d','shop','never',X'01a226ee43bf7c59be41c97cdb93564e','order.failed','{"order_id":"01a226ee-43bf-7c59-be41-c97cdb93564e","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false}','pending',1795949478867785,1795949483857448,1796208678867785,NULL,1,1,'not sent: connection refused');
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
