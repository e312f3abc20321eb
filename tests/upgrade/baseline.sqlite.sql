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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 08:27:16',1,X'825d90e7346a83b5dfe6d8cdb1cc8b45ac8b89249c78d46774e798ede5bc4bb0d8e9f2ade2e8c762d6b702d47d454c0e',20617453);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31ddaa816b5619827a900b349e9514d9015df277a0d2a1edc6afa764ec942245d9cd443e30f7db14af0bdb598361a08ee26c5d8e5a676fe59fe678c78db8e49640a414a40d57dd37b1',1795940837049003,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795940837379678);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31093d67a02369157845ca8b958521bdd67fe0ca8d90994acddf0fc6d73071fcd5c87f92c37d250d052e26a9fa89abbae7532ad97df77c8bc8e1fd1defb992c8d49f13fae182ce180149f038c6a16b4951ade1f8f4e3a2739539e0',X'0c5b2cbb8400ee5a7f7cda29e31ab1a9',1795940838409121,1795940844246111,1801124844246111,X'01a2266a827274ada1f618792fdf6ff7',X'779131be42cfbd19cd65dca6f119757a28155d4fd832102cf1fdad1b7e68f275',1795940844255133,1798910064726991,3,0,NULL,1795940844255133);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b3113c81001406c2a2a36a09f632774eec24cffd24dbbce890a96768134e28e5e56385135420177d1f7df17d111caf018bcb865a2cb9dc4ec5fc2e71467cde63c84b7a4947c7efdff7a4b09563e47f6504c1fb8ef2032077e6e8176',X'0c5b2cbb8400ee5a7f7cda29e31ab1a9',1795940839012968,1795940839012968,1801124839012968,NULL,NULL,1795940839013606,1798922566961515,1,0,NULL,1795940839012968);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31a860eaf5f7538967758790af1e30b20c5f86cb2abf0516f276d0e982e6cadda966250770c385af97bbc63460f0be30fac9405ed2345e76c1db8e6c602d0be3a6f2ab718dbc7c91259e61c9bb0971d6b1a8c48cb0d1ec197efdd2',X'0c5b2cbb8400ee5a7f7cda29e31ab1a9',1795940839620714,1795940839620714,1801124839620714,NULL,NULL,1795940848454749,NULL,1,0,NULL,1795940839620714);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31e668794b0c8c42abcb6a1d0b6709fd8f40c8551e587821c9e4cb4d2904524a6ac44797e3ecf8b994d7e2e72696ab9a0eda70858ee15238c18f5718a4e0ba19ad6091be1b9bfd4fb027e488613518187054b0a856df91b9395f4d',X'0c5b2cbb8400ee5a7f7cda29e31ab1a9',1795940840369693,1795940840369693,1801124840369693,NULL,NULL,1795940850902765,NULL,1,0,NULL,1795940840369693);
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
INSERT INTO providers VALUES('shop',X'0c5b2cbb8400ee5a7f7cda29e31ab1a9',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'f8dbfc92c630499080e02c192956f60515dcd45cc30a6c5cb9eae55fb954e3fd',1,1795940838421784);
INSERT INTO known_tokens VALUES(X'2791afbac96cc667523341ba254850a04ef2181608f961418ed32a88e35c6f3b',2,1795940839013606);
INSERT INTO known_tokens VALUES(X'fd0b568a03571f8215b90670d4307ca18ffac09f14926e9fa9dbb1b0f39ab14f',3,1795940839621284);
INSERT INTO known_tokens VALUES(X'e3745cc9d586a0e73b6dc66099fdf412af62c1ac0f222b4c49a7f68399b4f10b',4,1795940840370188);
INSERT INTO known_tokens VALUES(X'32daecd0d6c63479e6848f1b29369ba898d8e5889e6df5960196f3d7d40b050d',1,1795940841455660);
INSERT INTO known_tokens VALUES(X'efd72a047af353544b9532d3eb94602987d99018a5a9ceb6f77a4f215ae7f65a',1,1795940844246111);
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
INSERT INTO orders VALUES(X'01a2266a76e2741d8842cf74d69af56a','shop','alma','cart-1',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940841197308,1795940841197308,1795941441197308,1795940841323176,1795940841671799,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','63925308-0bf2-46cb-85f9-1065ca84a670','<div id="klarna-checkout-container" data-order-id="63925308-0bf2-46cb-85f9-1065ca84a670" style="overflow-x: hidden;"></div>','f35f3a23-43e4-40ba-80c0-ea6e3709b958',NULL);
INSERT INTO orders VALUES(X'01a2266a7dc874aabafada7266597446','shop','alma','cart-2',X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940842953830,1795940842953830,1795941442953830,1795940844090903,1795940844290757,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','aa2f140d-1362-4378-be9f-468f63754400','<div id="klarna-checkout-container" data-order-id="aa2f140d-1362-4378-be9f-468f63754400" style="overflow-x: hidden;"></div>','477213aa-629a-4d65-b289-c82bfd2ea978',NULL);
INSERT INTO orders VALUES(X'01a2266a897c74578e91b0bd15d3987d','shop','never','cart-3',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940845951579,1795940845951579,1795941445951579,1795940845985110,1795940846034968,NULL,1,1,0,0,'not_registered','[]','382bb157-947a-42ae-8257-a917336475a8','<div id="klarna-checkout-container" data-order-id="382bb157-947a-42ae-8257-a917336475a8" style="overflow-x: hidden;"></div>','b47b15f2-439e-443d-81eb-748c09600865',NULL);
INSERT INTO orders VALUES(X'01a2266a92a074ad962d1491eda11bdd','shop','revoked','cart-4',X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940848302968,1795940848302968,1795941448302968,1795940848379420,1795940848498370,NULL,1,1,0,0,'reauth_required','[]','01ad921e-e9d3-4de8-b192-92ebd4957a22','<div id="klarna-checkout-container" data-order-id="01ad921e-e9d3-4de8-b192-92ebd4957a22" style="overflow-x: hidden;"></div>','e7156877-b155-4b8d-9278-4a7254b55fb1',NULL);
INSERT INTO orders VALUES(X'01a2266a9c5e7057bbed149216243948','shop','lost','cart-5',X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'submitted',1795940850787377,1795940850787377,1795941450787377,1795940850810949,1795940850922788,NULL,1,1,0,0,'uncertain','[]','47e8bc38-9b9c-4f91-bc8b-0fce931a3f3b','<div id="klarna-checkout-container" data-order-id="47e8bc38-9b9c-4f91-bc8b-0fce931a3f3b" style="overflow-x: hidden;"></div>','7665edfc-85bb-415d-8930-6fb5438aeab1',NULL);
INSERT INTO orders VALUES(X'01a2266aa3fa71a8b1163ead498696eb','shop','never','cart-6',X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'failed',1795940852738163,1795940852738163,1795941452738163,1795940852764954,1795940852800060,NULL,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"b34c806b-149c-47fe-b5e8-154f9cb54e5c"}');
INSERT INTO orders VALUES(X'01a2266aaab1770a924994b5279ab728','shop','alma','cart-7',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'queued',1795940854455629,4070908800000000,4070909400000000,NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a2266aadb77850bc1576aba13716c6','shop','alma','cart-8',X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}','checkout',NULL,0,NULL,'cancelled',1795940855225576,4070908800000000,4070909400000000,NULL,1795940855840059,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a2266aa3fa71a8b1163ead498696eb',1795940852800060,X'01a2266a687472f3a1e98a705c01d2fa',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"b34c806b-149c-47fe-b5e8-154f9cb54e5c"}');
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
INSERT INTO workers VALUES(X'01a2266a687472f3a1e98a705c01d2fa',X'01a2266a684b74bbb8419fe4e04b343b','vm/8050',1795940837497335,1795940855539407,15,1795940855870232);
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
INSERT INTO exchanges VALUES(X'01a2266a77be73a3980ac2059a6a26f3',1,1,1,'order',X'01a2266a76e2741d8842cf74d69af56a',X'01a2266a687472f3a1e98a705c01d2fa',1795940841419356,1795940841463581,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2266a827274ada1f618792fdf6ff7',1,2,1,'order',X'01a2266a7dc874aabafada7266597446',X'01a2266a687472f3a1e98a705c01d2fa',1795940844159474,1795940844255133,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2266a930f73559795ba0a2e0041c3',3,1,1,'order',X'01a2266a92a074ad962d1491eda11bdd',X'01a2266a687472f3a1e98a705c01d2fa',1795940848400555,1795940848454749,'rejected',0,X'0c5b2cbb8400ee5a7f7cda29e31ab1a9');
INSERT INTO exchanges VALUES(X'01a2266a9ca373d88958fbc38dd680ed',4,1,1,'order',X'01a2266a9c5e7057bbed149216243948',X'01a2266a687472f3a1e98a705c01d2fa',1795940850854788,1795940850902765,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795940841760975,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'1c31ee1a238846adaab2a6a09afb98c8','shop','alma',X'01a2266a76e2741d8842cf74d69af56a','order.submitted','{"order_id":"01a2266a-76e2-741d-8842-cf74d69af56a","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"63925308-0bf2-46cb-85f9-1065ca84a670","token":"fresh","possible_duplicate":false}','pending',1795940841671799,1795940902791344,1796200041671799,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'ee9bcb94d39445beac66376fa12c2c56','shop','alma',X'01a2266a7dc874aabafada7266597446','order.submitted','{"order_id":"01a2266a-7dc8-74aa-bafa-da7266597446","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"aa2f140d-1362-4378-be9f-468f63754400","token":"fresh","possible_duplicate":false}','pending',1795940844290757,1795940912926108,1796200044290757,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'01079a70a7464197a18709516bb3ac14','shop','never',X'01a2266a897c74578e91b0bd15d3987d','order.submitted','{"order_id":"01a2266a-897c-7457-8e91-b0bd15d3987d","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"382bb157-947a-42ae-8257-a917336475a8","token":"not_registered","possible_duplicate":false}','pending',1795940846034968,1795940909967133,1796200046034968,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'68b7919346504e9da190b49f21a3d58d','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795940848454749,1795940915332824,1796200048454749,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'5e443e64a6664a7ba440b2f7f2633fb8','shop','revoked',X'01a2266a92a074ad962d1491eda11bdd','order.submitted','{"order_id":"01a2266a-92a0-74ad-962d-1491eda11bdd","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"01ad921e-e9d3-4de8-b192-92ebd4957a22","token":"reauth_required","possible_duplicate":false}','pending',1795940848498370,1795940914204054,1796200048498370,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'f963f7c73f164f95a80a1f5d5b0f8a92','shop','lost',X'01a2266a9c5e7057bbed149216243948','order.submitted','{"order_id":"01a2266a-9c5e-7057-bbed-149216243948","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"47e8bc38-9b9c-4f91-bc8b-0fce931a3f3b","token":"uncertain","possible_duplicate":false}','pending',1795940850922788,1795940856457831,1796200050922788,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'74dd240e32064d4aaaa02fa30f24b3f1','shop','never',X'01a2266aa3fa71a8b1163ead498696eb','order.failed','{"order_id":"01a2266a-a3fa-71a8-b116-3ead498696eb","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false}','pending',1795940852800060,1795940857859385,1796200052800060,NULL,1,1,'not sent: connection refused');
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
