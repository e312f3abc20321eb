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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 15:51:22',1,X'8aca70394e0c5a2224565f08a8683238305a2e1bccc989bc6267806568596a43ad8135eb7bf149300f55e2db018b7d3f',9859347);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31739155392d675a4c247fb491ee3ab74435fb6f6eeb32768c70346624773d0c74990cf850035e092fa4ccb8bfbf3fb5b1cc2086d0dff73a1c8fc3944cb59776bde56ba358a7b23232',1795967482674725,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795967482687621);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3174b2566b9fe6685a60cff6b2326c2a0145f6069a570739c59d89a00543aee463b7560e2a6f6c7619e0d430af451f31549fbe587fe8867864da1dca515d13e97da687ff67906e9ba96e9306950685bf4e425d333cb2682e04f899',X'3b0a0333b127a3d9b971aae6e290d930',1795967483377032,1795967487043746,1801151487043746,X'01a228010c227053a8991fcdac7a5920',X'633306e77d42c5af3ad59399db68f1ab6cbf4128d26613d16d597a8dcc9e0c42',1795967487050990,1798936707524626,3,0,NULL,1795967487050990);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31212ccc663ee98cbf3dc9f06d4234c8fa4b09452ced41973ec2601648e4c267d8e0d5e7e7ff376f3e64ff8bfc2b2c0ed72fb23d9c074752533a4216be41819804e89dbb712676739bbb3b8891a8c9ad9f78f0c123c6efd9b973d6',X'3b0a0333b127a3d9b971aae6e290d930',1795967483916163,1795967483916163,1801151483916163,NULL,NULL,1795967483919291,1798949211864710,1,0,NULL,1795967483916163);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b3119d3d430eea483d994094dc9bb9c36f7f35b8240a7faae30607993f6d0ce7fb417b2e24615f0f93210d633c6e9f05575132c3358001cc6a71b3318e693e59d899084a885145d4c5bdbfaf57314126fd551ed800a16830e9f27ba',X'3b0a0333b127a3d9b971aae6e290d930',1795967484603585,1795967484603585,1801151484603585,NULL,NULL,1795967492472123,NULL,1,0,NULL,1795967484603585);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31dcacae23cefbae746b172ee06f81b43d36ecaf647f83350933da635a86e2bab95336f8325054e1ed83ce34b2bf663ea5357ccfffa6a0863d727287b7c7751b631d4443414cf59eeead860c89bb731086357cf53a8b3491187951',X'3b0a0333b127a3d9b971aae6e290d930',1795967485257203,1795967485257203,1801151485257203,NULL,NULL,1795967495533001,NULL,1,0,NULL,1795967485257203);
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
INSERT INTO providers VALUES('shop',X'3b0a0333b127a3d9b971aae6e290d930',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'75652ef91ddd45982ebd60bcedef295b49d28b195f766e3c3a938abd005c7fbc',1,1795967483383210);
INSERT INTO known_tokens VALUES(X'21c6739c2894d354fd8a8c59f69dcee0b569af91df787480163b965f8452f4d5',2,1795967483919291);
INSERT INTO known_tokens VALUES(X'ad9992c6217e5be861d79462252cb0ab77122efb23afa71d74006d6cdd42dde6',3,1795967484606853);
INSERT INTO known_tokens VALUES(X'14a30a9c84a173b88c5be252d2942aa3bc468f9b2e70647137f725310e2d246f',4,1795967485263054);
INSERT INTO known_tokens VALUES(X'b389470ed0d352f0036f71a36f4c37b4df0f962d167a1f7c88a08c960f9a50b8',1,1795967485434143);
INSERT INTO known_tokens VALUES(X'55460a8aaea3729f25b6f184672e0690567d316b258dcadf08ab784a866b1946',1,1795967487043746);
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
    -- What searches find the order by, and lists show, of its body.
    merchant_reference1 TEXT,
    merchant_reference2 TEXT,
    order_amount INTEGER,
    purchase_currency TEXT,
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((status IN ('submitted', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
INSERT INTO orders VALUES(X'01a22801058770ea950ce462acb630d9','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795967485330915,1795967485330915,1795968085330915,1795967485361791,1795967485517731,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','b597eb09-89d3-40e7-887f-2fff700d19a9','<div id="klarna-checkout-container" data-order-id="b597eb09-89d3-40e7-887f-2fff700d19a9" style="overflow-x: hidden;"></div>','82c9fcb8-db2a-4b85-8bf8-188fcfb20681',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a228010bf47e4e840242ceb8733bd4','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795967486968919,1795967486968919,1795968086968919,1795967486998775,1795967487074884,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','3857c87e-ee2f-47f9-8d81-aa13f43b0984','<div id="klarna-checkout-container" data-order-id="3857c87e-ee2f-47f9-8d81-aa13f43b0984" style="overflow-x: hidden;"></div>','5a2dc8c8-a1b9-499b-9200-e0fdcec4ff93',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280115a270ada3a7f5a7c9be20d0','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795967489448550,1795967489448550,1795968089448550,1795967489478897,1795967489527767,NULL,1,1,1,0,0,'not_registered','[]','0d75181f-1131-4129-aea9-fb85b2ef40f9','<div id="klarna-checkout-container" data-order-id="0d75181f-1131-4129-aea9-fb85b2ef40f9" style="overflow-x: hidden;"></div>','3ca12f1f-cf3a-4f83-8c20-f010aeb49932',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22801211e7d8f8bf83e24db6fe4dd','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795967492390436,1795967492390436,1795968092390436,1795967492410751,1795967492534218,NULL,1,1,1,0,0,'reauth_required','[]','b052d55b-5bef-4e62-b1ee-e88314523908','<div id="klarna-checkout-container" data-order-id="b052d55b-5bef-4e62-b1ee-e88314523908" style="overflow-x: hidden;"></div>','d6664f3e-5659-4659-885c-41b2d6f3016d',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a228012d007570b6f5858e43f706e8','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795967495427626,1795967495427626,1795968095427626,1795967495444869,1795967495580776,NULL,1,1,1,0,0,'uncertain','[]','26b089a7-fd84-4f00-bc0a-3400fea95da6','<div id="klarna-checkout-container" data-order-id="26b089a7-fd84-4f00-bc0a-3400fea95da6" style="overflow-x: hidden;"></div>','cc384cf7-4c49-4f6e-a2a3-bdf8254afc2e',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280133df739b9557c93f0ee02720','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795967497190978,1795967497190978,1795968097190978,1795967497216069,1795967497240179,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"e0e44ffb-22a8-4535-8eac-49ccc3ed9ae4"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a228013b0d76f3b3b6c848c8093ce8','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795967499026409,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a228013d087c8fbde433432cec4e4c','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795967499529352,4070908800000000,4070909400000000,NULL,1795967499971088,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a2280133df739b9557c93f0ee02720',1795967497240179,X'01a22800fb4c7223968c73e37020669c',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"e0e44ffb-22a8-4535-8eac-49ccc3ed9ae4"}');
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
INSERT INTO workers VALUES(X'01a22800fb4c7223968c73e37020669c',X'01a22800fb48726bbe8506e0caed05cf','vm/7366',1795967482706945,1795967498729241,18,1795967500019039);
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
INSERT INTO exchanges VALUES(X'01a2280105d076099c12de1ed2c2f3db',1,1,1,'order',X'01a22801058770ea950ce462acb630d9',X'01a22800fb4c7223968c73e37020669c',1795967485393839,1795967485438877,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a228010c227053a8991fcdac7a5920',1,2,1,'order',X'01a228010bf47e4e840242ceb8733bd4',X'01a22800fb4c7223968c73e37020669c',1795967487014679,1795967487050990,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a22801215177eca1dcb9bc94b6c7f3',3,1,1,'order',X'01a22801211e7d8f8bf83e24db6fe4dd',X'01a22800fb4c7223968c73e37020669c',1795967492442910,1795967492472123,'rejected',0,X'3b0a0333b127a3d9b971aae6e290d930');
INSERT INTO exchanges VALUES(X'01a228012d37718281062635fed2ebc1',4,1,1,'order',X'01a228012d007570b6f5858e43f706e8',X'01a22800fb4c7223968c73e37020669c',1795967495495477,1795967495533001,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795967485555106,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'6771ce12189d4406ac1fab7496d9e808','shop','alma',X'01a22801058770ea950ce462acb630d9','order.submitted','{"order_id":"01a22801-0587-70ea-950c-e462acb630d9","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"b597eb09-89d3-40e7-887f-2fff700d19a9","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795967485517731,1795967555593601,1796226685517731,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'd395df93582b4136ad74efd52b8fdea8','shop','alma',X'01a228010bf47e4e840242ceb8733bd4','order.submitted','{"order_id":"01a22801-0bf4-7e4e-8402-42ceb8733bd4","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"3857c87e-ee2f-47f9-8d81-aa13f43b0984","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795967487074884,1795967548504667,1796226687074884,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'8f855de8550c4315a8601c228368cee2','shop','never',X'01a2280115a270ada3a7f5a7c9be20d0','order.submitted','{"order_id":"01a22801-15a2-70ad-a3a7-f5a7c9be20d0","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"0d75181f-1131-4129-aea9-fb85b2ef40f9","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795967489527767,1795967559840602,1796226689527767,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'a3eb37bf7b6c4959a087462a81dc2e16','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795967492472123,1795967556316054,1796226692472123,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'7f5a9c1c8e034134a4fef0b3d3715107','shop','revoked',X'01a22801211e7d8f8bf83e24db6fe4dd','order.submitted','{"order_id":"01a22801-211e-7d8f-8bf8-3e24db6fe4dd","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"b052d55b-5bef-4e62-b1ee-e88314523908","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795967492534218,1795967558909368,1796226692534218,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'317affde745e4833aef4930708822e27','shop','lost',X'01a228012d007570b6f5858e43f706e8','order.submitted','{"order_id":"01a22801-2d00-7570-b6f5-858e43f706e8","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"26b089a7-fd84-4f00-bc0a-3400fea95da6","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795967495580776,1795967500235933,1796226695580776,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'55b9654fd7ad479faf23dc0d3097ca57','shop','never',X'01a2280133df739b9557c93f0ee02720','order.failed','{"order_id":"01a22801-33df-739b-9557-c93f0ee02720","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795967497240179,1795967502137673,1796226697240179,NULL,1,1,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22800fcd173bd9cbcaa7f368ea75d',1,1795967482887444,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'6a7dea448dfd5742ec875de09503674222700cb00c57f66a892c25857e179981');
INSERT INTO audit_log VALUES(2,X'01a22800fcd173bd9cbcaa7f368ea75d',2,1795967483399142,'local','token.register','done','01a22800-fdf0-70b8-8ea2-8c24014d60b2','shop',X'eeb774d5f8e26702dfff7252bf1433a9',NULL,NULL,1795967482887444,X'6a7dea448dfd5742ec875de09503674222700cb00c57f66a892c25857e179981',X'17146ca415abf196ab22cd3253311a54b24f1b12f8b53b4d3a083635d6cc503b');
INSERT INTO audit_log VALUES(3,X'01a22800fcd173bd9cbcaa7f368ea75d',3,1795967483938018,'local','token.register','done','01a22801-000b-74a9-958e-f0bdaaf11d21','shop',X'2da20f89219ceeedbefc39695148f5dc',NULL,NULL,1795967483399142,X'17146ca415abf196ab22cd3253311a54b24f1b12f8b53b4d3a083635d6cc503b',X'a95ab33213c07ea8b09ffe21690bf777a36ce1849fe9f41b2200b498ea3899fd');
INSERT INTO audit_log VALUES(4,X'01a22800fcd173bd9cbcaa7f368ea75d',4,1795967484634248,'local','token.register','done','01a22801-02bb-752e-a76a-20f627ba8d61','shop',X'ec2b10389d87fa92a1b6e4e8cd39ea64',NULL,NULL,1795967483938018,X'a95ab33213c07ea8b09ffe21690bf777a36ce1849fe9f41b2200b498ea3899fd',X'1fd93f975c6332bc2ba7817ada36c0b09f5e064968d51efc43631dc94537e9bf');
INSERT INTO audit_log VALUES(5,X'01a22800fcd173bd9cbcaa7f368ea75d',5,1795967485273546,'local','token.register','done','01a22801-0548-7309-9cee-6e00d1429358','shop',X'1f117a1e77c373d5b6c94302d6bc39a2',NULL,NULL,1795967484634248,X'1fd93f975c6332bc2ba7817ada36c0b09f5e064968d51efc43631dc94537e9bf',X'29aaec9c6651a768ae2c4b931ed95e0cbc11e12f292dfe8c3c1f3809830b243f');
INSERT INTO audit_log VALUES(6,X'01a22800fcd173bd9cbcaa7f368ea75d',6,1795967485348486,'local','order.submit','done','01a22801-0581-7696-8c24-f71ffa82a7c7','shop',X'eeb774d5f8e26702dfff7252bf1433a9','01a22801-0587-70ea-950c-e462acb630d9',NULL,1795967485273546,X'29aaec9c6651a768ae2c4b931ed95e0cbc11e12f292dfe8c3c1f3809830b243f',X'4a79d39179e11d27efc3116705304c4abb6d5563a477bbbdb67579098c7ce1d3');
INSERT INTO audit_log VALUES(7,X'01a22800fcd173bd9cbcaa7f368ea75d',7,1795967486984372,'local','order.submit','done','01a22801-0bf3-71f4-a25f-421afa0ab0f6','shop',X'eeb774d5f8e26702dfff7252bf1433a9','01a22801-0bf4-7e4e-8402-42ceb8733bd4',NULL,1795967485348486,X'4a79d39179e11d27efc3116705304c4abb6d5563a477bbbdb67579098c7ce1d3',X'9de630e19de75bddf43b749eb8def9436fd9de3a78007dad0f6c29a786d9303e');
INSERT INTO audit_log VALUES(8,X'01a22800fcd173bd9cbcaa7f368ea75d',8,1795967489463464,'local','order.submit','done','01a22801-15a2-75b3-950b-4fdeb0135dbe','shop',X'06262454d3a658ed5bcb520d5399fe1c','01a22801-15a2-70ad-a3a7-f5a7c9be20d0',NULL,1795967486984372,X'9de630e19de75bddf43b749eb8def9436fd9de3a78007dad0f6c29a786d9303e',X'cf73043af7507fc0d36cf974f3dfc68df0c3db68da0f0aa818c7abd8892ffe2b');
INSERT INTO audit_log VALUES(9,X'01a22800fcd173bd9cbcaa7f368ea75d',9,1795967492407874,'local','order.submit','done','01a22801-211d-7620-8a37-cf842f995208','shop',X'ec2b10389d87fa92a1b6e4e8cd39ea64','01a22801-211e-7d8f-8bf8-3e24db6fe4dd',NULL,1795967489463464,X'cf73043af7507fc0d36cf974f3dfc68df0c3db68da0f0aa818c7abd8892ffe2b',X'081f580f41c74b09d15690fd3a844d14ec3fd683295284173e4dc14b67ca6ec3');
INSERT INTO audit_log VALUES(10,X'01a22800fcd173bd9cbcaa7f368ea75d',10,1795967495436393,'local','order.submit','done','01a22801-2cff-7149-9aba-424e02882651','shop',X'1f117a1e77c373d5b6c94302d6bc39a2','01a22801-2d00-7570-b6f5-858e43f706e8',NULL,1795967492407874,X'081f580f41c74b09d15690fd3a844d14ec3fd683295284173e4dc14b67ca6ec3',X'8a71da3777ab7ff3327bec7cc0d3011a40517af1f2285be4350ced2012b216d3');
INSERT INTO audit_log VALUES(11,X'01a22800fcd173bd9cbcaa7f368ea75d',11,1795967497211459,'local','order.submit','done','01a22801-33de-70db-8e56-7e4e70a2cefd','shop',X'06262454d3a658ed5bcb520d5399fe1c','01a22801-33df-739b-9557-c93f0ee02720',NULL,1795967495436393,X'8a71da3777ab7ff3327bec7cc0d3011a40517af1f2285be4350ced2012b216d3',X'f800ebf1d3ad914c2b033154357148c78c0d7e61be6f554048442c08a2eaf943');
INSERT INTO audit_log VALUES(12,X'01a22800fcd173bd9cbcaa7f368ea75d',12,1795967499032083,'local','order.submit','done','01a22801-3b0c-71d5-802f-26828366ac8e','shop',X'eeb774d5f8e26702dfff7252bf1433a9','01a22801-3b0d-76f3-b3b6-c848c8093ce8',NULL,1795967497211459,X'f800ebf1d3ad914c2b033154357148c78c0d7e61be6f554048442c08a2eaf943',X'11c5b73799c7b0a5578fec790ad9f8b538ec4833731b37fe2ec5e37034d2d801');
INSERT INTO audit_log VALUES(13,X'01a22800fcd173bd9cbcaa7f368ea75d',13,1795967499532374,'local','order.submit','done','01a22801-3d08-7632-88ae-54a900821503','shop',X'eeb774d5f8e26702dfff7252bf1433a9','01a22801-3d08-7c8f-bde4-33432cec4e4c',NULL,1795967499032083,X'11c5b73799c7b0a5578fec790ad9f8b538ec4833731b37fe2ec5e37034d2d801',X'be7d9c6aff525637e9c0c5220cf19f5818d67934fc942bd0dc32018c1917bb71');
INSERT INTO audit_log VALUES(14,X'01a228013ecf76948b3e6c57cd641af8',1,1795967499983013,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22801-3d08-7c8f-bde4-33432cec4e4c',13,1795967499532374,X'be7d9c6aff525637e9c0c5220cf19f5818d67934fc942bd0dc32018c1917bb71',X'566db5806456b16ad342f82c09e6e00b80b774284b9795d5a5d426b3a69617f1');
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
CREATE UNIQUE INDEX orders_idempotency ON orders (idempotency_key, merchant)
    WHERE idempotency_key IS NOT NULL;
CREATE INDEX orders_due ON orders (merchant, due_at, id, first_claimed_at) WHERE status = 'queued';
CREATE INDEX orders_next ON orders (due_at) WHERE status = 'queued';
CREATE INDEX orders_running ON orders (merchant, user_id) WHERE status = 'running';
CREATE INDEX orders_worker ON orders (worker) WHERE status = 'running';
CREATE INDEX orders_user ON orders (user_id, id, merchant);
CREATE INDEX orders_outcome ON orders (status, id, merchant, token_outcome);
CREATE INDEX orders_duplicate ON orders (id) WHERE possible_duplicate;
CREATE INDEX orders_error ON orders (id) WHERE error IS NOT NULL;
CREATE INDEX orders_reference1 ON orders (merchant_reference1, id) WHERE merchant_reference1 IS NOT NULL;
CREATE INDEX orders_reference2 ON orders (merchant_reference2, id) WHERE merchant_reference2 IS NOT NULL;
CREATE INDEX orders_klarna_id ON orders (klarna_id, id) WHERE klarna_id IS NOT NULL;
CREATE INDEX orders_waiting ON orders (id) WHERE status = 'queued' AND error IS NOT NULL;
CREATE INDEX orders_failed ON orders (ended_at) WHERE status = 'failed';
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
