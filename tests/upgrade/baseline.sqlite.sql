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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 11:59:15',1,X'24c543574a0ac9a1341b34dfb3a4c6b440d239b0e8f889f997d044f536fc88d5a9adc5bbf82b49f69bf6303d22f6ddad',12468847);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31e2e9048782f221c93a5cd28e660d1b6686148cc8e8dc3426bcc22cd084f003c365aec821aacda9a3960305af1e656466cdb2f2814d49b4498bc0331bbb56bdd5b9f764a5febaf0b1',1796039955839513,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1796039955841729);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31946fa8c9c8229e10adbc5e4ef438369dbca5a60be5e9f35b1b02595b4eb7df83904d98f966f7c4d31247eb813129cfbbc3a9322ef9c95d0af5a9ca23ee52481fd7ef25a02720d0f0e98db2044ccf3b85510d0a7d6c7625fdef6b',X'5ca73cf05f5aa1e11b4b983551f9f691',1796039956255545,1796039957452569,1801223957452569,X'01a22c52dbc47376abef9c1c90f5d537',X'1d7a7f7fcf2cefe986b447995631fa6f27aeafde951215c9ebcb5ef4d8723707',1796039957452908,1799009177933449,3,0,NULL,1796039957452908);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31d494c1ccc7e772537d3bd11bb880d54db1a36f58d3ed062007baf959d4bb4a0c0980cf2118eb23c1ca31ef9ed8d867f8f6cc2f35142941f1066321c2abfc2f3f345d33875cf657c3748dbfd9ea12ccdedb374febfdb9abc6f9e0',X'5ca73cf05f5aa1e11b4b983551f9f691',1796039956450947,1796039956450947,1801223956450947,NULL,NULL,1796039956451473,1799021684399494,1,0,NULL,1796039956450947);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31817b9cbeaaf8e7c2056a0208234b197716dccc8cb7dd65d6ac63be4cc03b41ba3540780b4d2403eb83ad67d8e78a60ec5b150efaaeb8ff6e35a4ee121c268413b42a966ffe70f3421d7a37bf30d45a1548e412bf1b388b3fd532',X'5ca73cf05f5aa1e11b4b983551f9f691',1796039956639937,1796039956639937,1801223956639937,NULL,NULL,1796039958511651,NULL,1,0,NULL,1796039956639937);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31622c4f40f9574be2ee77bdc272589346cb0f44283f35ee818c1c8e2eeca46fd1f15f6123aadb0ad53ef68c2f2cda3905215eb80c49764cc3ca3d32b3fb27bf52dc53d13fe475b89169413b083fc982f2dad501b89a3e1304457a',X'5ca73cf05f5aa1e11b4b983551f9f691',1796039956860646,1796039956860646,1801223956860646,NULL,NULL,1796039959118783,NULL,1,0,NULL,1796039956860646);
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
INSERT INTO providers VALUES('shop',X'5ca73cf05f5aa1e11b4b983551f9f691',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'e0f523c9155f5d39926582e17100fde6f3ec55b127846459c95574bc6d3c71cb',1,1796039956256149);
INSERT INTO known_tokens VALUES(X'6a374ea1c30954b706808d1b6e554f6da22be8013491009a8253d9c333307538',2,1796039956451473);
INSERT INTO known_tokens VALUES(X'ffc0e633675b7e4c27aa3b544a34f043a8a757623c1454236748253e0923df61',3,1796039956640497);
INSERT INTO known_tokens VALUES(X'cda8eb921852dc6b1335bf77d74a829c2a8a8d14f84e82e933a2def1a5352318',4,1796039956861280);
INSERT INTO known_tokens VALUES(X'69614929bad18b09fdf2f09a9559e3199ece5f39d9dd2748909e4f0d77d8a93b',1,1796039956887380);
INSERT INTO known_tokens VALUES(X'1e466f7482f7149501e916be727dca015a8e02a6eb48bea5bdda76d4a1781248',1,1796039957452569);
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
INSERT INTO orders VALUES(X'01a22c52d98f7bd8aa90e957939076e8','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796039956881277,1796039956881277,1796040556881277,1796039956881277,0,NULL,1796039956896730,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','bfb1f016-81c1-4ef3-ad26-6d9d08f9306a','<div id="klarna-checkout-container" data-order-id="bfb1f016-81c1-4ef3-ad26-6d9d08f9306a" style="overflow-x: hidden;"><script src="http://127.0.0.1:37059/sandbox/checkout.js" data-order-id="bfb1f016-81c1-4ef3-ad26-6d9d08f9306a"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'11816d0f-7de7-49ed-84ab-341c2c2d7800',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c52dbc07b848c20f0e323590cb9','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796039957441157,1796039957441157,1796040557441157,1796039957441157,0,NULL,1796039957456082,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','9ea7bbe3-fe6f-49a9-8042-de439106a7b2','<div id="klarna-checkout-container" data-order-id="9ea7bbe3-fe6f-49a9-8042-de439106a7b2" style="overflow-x: hidden;"><script src="http://127.0.0.1:37059/sandbox/checkout.js" data-order-id="9ea7bbe3-fe6f-49a9-8042-de439106a7b2"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'0a2001dd-75f9-4fff-a122-924df6343f7f',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c52ddc37aa28205502699304eb0','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796039957957451,1796039957957451,1796040557957451,1796039957957451,0,NULL,1796039957964828,NULL,1,1,1,0,0,'not_registered','[]','450e6fd6-282e-434b-ac8e-0c2e493c51cb','<div id="klarna-checkout-container" data-order-id="450e6fd6-282e-434b-ac8e-0c2e493c51cb" style="overflow-x: hidden;"><script src="http://127.0.0.1:37059/sandbox/checkout.js" data-order-id="450e6fd6-282e-434b-ac8e-0c2e493c51cb"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'abc79575-b622-4a9a-8cc3-f64032c5e83d',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c52dfe673b4b8fe3db8080c03dd','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796039958503033,1796039958503033,1796040558503033,1796039958503033,0,NULL,1796039958523724,NULL,1,1,1,0,0,'reauth_required','[]','72ab3759-366e-4789-b73e-45c2b9d09f32','<div id="klarna-checkout-container" data-order-id="72ab3759-366e-4789-b73e-45c2b9d09f32" style="overflow-x: hidden;"><script src="http://127.0.0.1:37059/sandbox/checkout.js" data-order-id="72ab3759-366e-4789-b73e-45c2b9d09f32"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'3090481b-a4bf-4537-bee6-34975073a019',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c52e246760389adbf536e0cfe0c','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796039959111209,1796039959111209,1796040559111209,1796039959111209,0,NULL,1796039959125220,NULL,1,1,1,0,0,'uncertain','[]','0eed5378-ad46-4c99-843c-77eaba4e490b','<div id="klarna-checkout-container" data-order-id="0eed5378-ad46-4c99-843c-77eaba4e490b" style="overflow-x: hidden;"><script src="http://127.0.0.1:37059/sandbox/checkout.js" data-order-id="0eed5378-ad46-4c99-843c-77eaba4e490b"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'cc4cd1b4-bb46-4364-b923-1cef987351af',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c52e49270a1810498990f1bdb89','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1796039959698543,1796039959698543,1796040559698543,1796039959698543,0,NULL,1796039959708549,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"04323ce3-e59a-4fb1-a8f1-e6541758b6b2"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c52e73671c1894fba7c21f86b34','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1796039960375668,4070908800000000,4070909400000000,NULL,0,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22c52e8267a039feaf875a2a68025','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1796039960614318,4070908800000000,4070909400000000,NULL,0,NULL,1796039960769438,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22c52e49270a1810498990f1bdb89',1796039959708549,X'01a22c52d59171bcb75eafc808eed4ad',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"04323ce3-e59a-4fb1-a8f1-e6541758b6b2"}');
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
INSERT INTO workers VALUES(X'01a22c52d59171bcb75eafc808eed4ad',X'01a22c52d5907387b5c0835e17b6ac51','vm/7663',1796039955865917,1796039959869785,12,1796039960776384,NULL);
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
INSERT INTO exchanges VALUES(X'01a22c52d994752f98e09995a78bce0a',1,1,1,'order',X'01a22c52d98f7bd8aa90e957939076e8',X'01a22c52d59171bcb75eafc808eed4ad',1796039956884388,1796039956888301,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22c52dbc47376abef9c1c90f5d537',1,2,1,'order',X'01a22c52dbc07b848c20f0e323590cb9',X'01a22c52d59171bcb75eafc808eed4ad',1796039957444504,1796039957452908,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22c52dfeb764481e2919661e10775',3,1,1,'order',X'01a22c52dfe673b4b8fe3db8080c03dd',X'01a22c52d59171bcb75eafc808eed4ad',1796039958507534,1796039958511651,'rejected',0,X'5ca73cf05f5aa1e11b4b983551f9f691',NULL);
INSERT INTO exchanges VALUES(X'01a22c52e249715d8ab433baca1333eb',4,1,1,'order',X'01a22c52e246760389adbf536e0cfe0c',X'01a22c52d59171bcb75eafc808eed4ad',1796039959114443,1796039959118783,'no_answer',1,NULL,'the connection broke before the answer was complete');
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1796039956900601,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'e177d4173db14812aa91e4644c6fcbff','shop','alma',X'01a22c52d98f7bd8aa90e957939076e8','order.submitted','{"order_id":"01a22c52-d98f-7bd8-aa90-e957939076e8","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"bfb1f016-81c1-4ef3-ad26-6d9d08f9306a","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796039956896730,1796039961721065,1796299156896730,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'507abfaede7c4be6ac50b2a0092bc096','shop','alma',X'01a22c52dbc07b848c20f0e323590cb9','order.submitted','{"order_id":"01a22c52-dbc0-7b84-8c20-f0e323590cb9","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"9ea7bbe3-fe6f-49a9-8042-de439106a7b2","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796039957456082,1796039962095755,1796299157456082,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'b628d06ad47d4056a7a2f7ab51f41a81','shop','never',X'01a22c52ddc37aa28205502699304eb0','order.submitted','{"order_id":"01a22c52-ddc3-7aa2-8205-502699304eb0","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"450e6fd6-282e-434b-ac8e-0c2e493c51cb","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796039957964828,1796039962662539,1796299157964828,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'1c701dccbdef40c5a8eb46373b13dd9b','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1796039958511651,1796039963277215,1796299158511651,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'9bb81f5143bc4a58a0c6b0a3503398d9','shop','revoked',X'01a22c52dfe673b4b8fe3db8080c03dd','order.submitted','{"order_id":"01a22c52-dfe6-73b4-b8fe-3db8080c03dd","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"72ab3759-366e-4789-b73e-45c2b9d09f32","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796039958523724,1796039963491412,1796299158523724,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'fe68690c309e4b6da40908faba823eb0','shop','lost',X'01a22c52e246760389adbf536e0cfe0c','order.submitted','{"order_id":"01a22c52-e246-7603-89ad-bf536e0cfe0c","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"0eed5378-ad46-4c99-843c-77eaba4e490b","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796039959125220,1796039964613552,1796299159125220,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'6147b361880d4e70a97638b93b9adb8b','shop','never',X'01a22c52e49270a1810498990f1bdb89','order.failed','{"order_id":"01a22c52-e492-70a1-8104-98990f1bdb89","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796039959708549,1796039964723558,1796299159708549,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'e177d4173db14812aa91e4644c6fcbff','order.submitted',1796039956900601,NULL,476,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'507abfaede7c4be6ac50b2a0092bc096','order.submitted',1796039957461308,NULL,332,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'b628d06ad47d4056a7a2f7ab51f41a81','order.submitted',1796039957971606,NULL,292,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'1c701dccbdef40c5a8eb46373b13dd9b','token.reauth_required',1796039958528712,NULL,105,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'9bb81f5143bc4a58a0c6b0a3503398d9','order.submitted',1796039958532245,NULL,428,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'fe68690c309e4b6da40908faba823eb0','order.submitted',1796039959130565,NULL,258,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'6147b361880d4e70a97638b93b9adb8b','order.failed',1796039959720421,NULL,245,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22c52d682736fbf7a4e31b34df3b0',1,1796039955895110,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'691d4fdbc7e7d39a5426ba71118beee1fec6cd944258822a523b8a188e8c7c9f');
INSERT INTO audit_log VALUES(2,X'01a22c52d682736fbf7a4e31b34df3b0',2,1796039956259668,'local','token.register','done','01a22c52-d71f-77dd-a183-52ecbbff69d7','shop',X'a807c78c43cad221e61aa89aac964b41',NULL,NULL,1796039955895110,X'691d4fdbc7e7d39a5426ba71118beee1fec6cd944258822a523b8a188e8c7c9f',X'dc39748b95352a06b2211fcb440c9cbfcf3857cc39c7d00a04bf43b362a3afdd');
INSERT INTO audit_log VALUES(3,X'01a22c52d682736fbf7a4e31b34df3b0',3,1796039956452790,'local','token.register','done','01a22c52-d7e2-76e7-a016-2a5ccd6443ba','shop',X'675214ab6ad1756e3bc928dcfab5d62e',NULL,NULL,1796039956259668,X'dc39748b95352a06b2211fcb440c9cbfcf3857cc39c7d00a04bf43b362a3afdd',X'102f908d3a68278658f25051accabfd91453c8232474e3005d6802cdb2ab7fb6');
INSERT INTO audit_log VALUES(4,X'01a22c52d682736fbf7a4e31b34df3b0',4,1796039956642236,'local','token.register','done','01a22c52-d89f-707c-86c3-3dbd062c0c61','shop',X'bdcd08d3ec6ab09323380b008d7dc00b',NULL,NULL,1796039956452790,X'102f908d3a68278658f25051accabfd91453c8232474e3005d6802cdb2ab7fb6',X'c83aad82adf1e33b7f746f3af68324e2ab9c8e57ce7748af88daac858af1ed0f');
INSERT INTO audit_log VALUES(5,X'01a22c52d682736fbf7a4e31b34df3b0',5,1796039956862816,'local','token.register','done','01a22c52-d97c-72a7-9251-1cdd65df187f','shop',X'dfc9d9af9e650e815eb669e2b742f676',NULL,NULL,1796039956642236,X'c83aad82adf1e33b7f746f3af68324e2ab9c8e57ce7748af88daac858af1ed0f',X'c8caebfe5abd28741395497cc244678c6c6b4956253509f8ae266333635e8da9');
INSERT INTO audit_log VALUES(6,X'01a22c52d682736fbf7a4e31b34df3b0',6,1796039956883414,'local','order.submit','done','01a22c52-d98f-759c-b191-83ebbee787d2','shop',X'a807c78c43cad221e61aa89aac964b41','01a22c52-d98f-7bd8-aa90-e957939076e8',NULL,1796039956862816,X'c8caebfe5abd28741395497cc244678c6c6b4956253509f8ae266333635e8da9',X'85a7ef7d9974bd1536929ea1994dc593220d2da001994e794be3ff10f2047e5d');
INSERT INTO audit_log VALUES(7,X'01a22c52d682736fbf7a4e31b34df3b0',7,1796039957444148,'local','order.submit','done','01a22c52-dbc0-74e5-912c-3cdb7538ff91','shop',X'a807c78c43cad221e61aa89aac964b41','01a22c52-dbc0-7b84-8c20-f0e323590cb9',NULL,1796039956883414,X'85a7ef7d9974bd1536929ea1994dc593220d2da001994e794be3ff10f2047e5d',X'1c59440b3c29c6491855bfbb6a25ca88eb2d9aee873f12a9d0eb10a14d990fb1');
INSERT INTO audit_log VALUES(8,X'01a22c52d682736fbf7a4e31b34df3b0',8,1796039957959280,'local','order.submit','done','01a22c52-ddc3-75a2-b3b2-071d1a788f09','shop',X'f23be9a47fcff3c8709320edb8c619c3','01a22c52-ddc3-7aa2-8205-502699304eb0',NULL,1796039957444148,X'1c59440b3c29c6491855bfbb6a25ca88eb2d9aee873f12a9d0eb10a14d990fb1',X'dac04bdd5a486dbbd044650f89c3af5f2f3f5480fb14f06447aa949807e03995');
INSERT INTO audit_log VALUES(9,X'01a22c52d682736fbf7a4e31b34df3b0',9,1796039958507408,'local','order.submit','done','01a22c52-dfe6-768c-a77a-a853fbdd8e41','shop',X'bdcd08d3ec6ab09323380b008d7dc00b','01a22c52-dfe6-73b4-b8fe-3db8080c03dd',NULL,1796039957959280,X'dac04bdd5a486dbbd044650f89c3af5f2f3f5480fb14f06447aa949807e03995',X'fd12de03efbb122740d593174050057203f48a2816a2b68f7275d4225bcba091');
INSERT INTO audit_log VALUES(10,X'01a22c52d682736fbf7a4e31b34df3b0',10,1796039959113006,'local','order.submit','done','01a22c52-e246-7085-9a69-c416b799d370','shop',X'dfc9d9af9e650e815eb669e2b742f676','01a22c52-e246-7603-89ad-bf536e0cfe0c',NULL,1796039958507408,X'fd12de03efbb122740d593174050057203f48a2816a2b68f7275d4225bcba091',X'af85df25227e8afd242d23329ce0886196642040b92872867729fd652eded9d1');
INSERT INTO audit_log VALUES(11,X'01a22c52d682736fbf7a4e31b34df3b0',11,1796039959701982,'local','order.submit','done','01a22c52-e491-70aa-9101-7712b1cf7162','shop',X'f23be9a47fcff3c8709320edb8c619c3','01a22c52-e492-70a1-8104-98990f1bdb89',NULL,1796039959113006,X'af85df25227e8afd242d23329ce0886196642040b92872867729fd652eded9d1',X'00599d0885c97e897760c40770ea6f9f272467b67d06c8dbd1bc9d1720353472');
INSERT INTO audit_log VALUES(12,X'01a22c52d682736fbf7a4e31b34df3b0',12,1796039960376801,'local','order.submit','done','01a22c52-e736-7489-b698-6a3a7b9ca957','shop',X'a807c78c43cad221e61aa89aac964b41','01a22c52-e736-71c1-894f-ba7c21f86b34',NULL,1796039959701982,X'00599d0885c97e897760c40770ea6f9f272467b67d06c8dbd1bc9d1720353472',X'057623cb252aaadb1daae271c2a92fb62b6c1864abbd53a7e2068d9b9c795bc5');
INSERT INTO audit_log VALUES(13,X'01a22c52e8c473cbb27fb3cb48d1a14b',1,1796039960771934,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22c52-e826-7a03-9fea-f875a2a68025',12,1796039960376801,X'057623cb252aaadb1daae271c2a92fb62b6c1864abbd53a7e2068d9b9c795bc5',X'c6e68256fb5547af3d689ac2a637c5fbd0de0cdd46ac0915f8b10cdabf002ba9');
INSERT INTO audit_log VALUES(14,X'01a22c52d682736fbf7a4e31b34df3b0',13,1796039960615287,'local','order.submit','done','01a22c52-e825-70fb-9112-5d6b97b95094','shop',X'a807c78c43cad221e61aa89aac964b41','01a22c52-e826-7a03-9fea-f875a2a68025',NULL,1796039960376801,X'057623cb252aaadb1daae271c2a92fb62b6c1864abbd53a7e2068d9b9c795bc5',X'b893094799c2322a736900dc365a680e9e5289e86964a866dc942db708fb66bd');
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
