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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 21:42:48',1,X'013c8b0c2df9bb8729d0964c992f328304025d2044ea86340d245d269a2abede0e316c15f1b073b123f336ddcb8dfe30',24107638);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31d72a6d74f53f2f40f95fc8db70b74d4778a9f4cb6fdba7dcf357ea0a44e90f405749b1c801acd86c026c01456014956b92ca108617d354ab5434b3b3ff4bd63904b5d3323d9e9776',1795988568852561,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795988568868137);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3142921e117c5c364a8c5324e79039a1160c90ea7213b2dbdbdcaf542ccfeeba171b2a6c404786c4f4506e19cfb7eda6898f4d082eb7db9ba7b133b565226fbaffd410ee9bc86e0205fd12f3d3dbcbc8fe9823b6f23fbf2d96c598',X'e811437041856003c7baa5174217ad49',1795988569507823,1795988570830360,1801172570830360,X'01a22942c2c974a9981d5548cdbce45d',X'9215f6e177931e6583ec9994bf207aeff87576f6fdb166370b5fd2c8e4673d86',1795988570832645,1798957791311240,3,0,NULL,1795988570832645);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b314adf4d22af094f9bd85e4d85a9875ace5c2e598a0044ac2566cb224069c81084d81ad7e409dc5409f4d35872a6bd95f9448c5d10c158fa940188113e52a0f8b3dd3b0048a225809f60652bb55663ccacd1875d8d7b687fac4835',X'e811437041856003c7baa5174217ad49',1795988569717664,1795988569717664,1801172569717664,NULL,NULL,1795988569726285,1798970297666211,1,0,NULL,1795988569717664);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31bb2e67ec56d34088a01a02fdbe0c57eb10fe02d7f08552ec65b4996c6d54441717287d6f8c0d9fc38ff4bf6e002d829e2f677223b778f791f6945fdc2da555c6a5b028617fe5b6d060c7f834c7b5daedc959a967182f2f6a218c',X'e811437041856003c7baa5174217ad49',1795988569952738,1795988569952738,1801172569952738,NULL,NULL,1795988572081606,NULL,1,0,NULL,1795988569952738);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31d955f59b79575da00c067ae86a5f94038e2df766080d6243018a937198a9f61a4d066c511535c8056c772aadf2505e4eaed1d7cdaa9f82374529c8dbeaa00968295d0deae692c841a6b69a2381390267868bab07a7dd9b1b6bea',X'e811437041856003c7baa5174217ad49',1795988570173830,1795988570173830,1801172570173830,NULL,NULL,1795988572720617,NULL,1,0,NULL,1795988570173830);
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
INSERT INTO providers VALUES('shop',X'e811437041856003c7baa5174217ad49',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'6de1babddcd9a35c9651b157ef137df45048afaae91737db2c87fd06f5fc4e9f',1,1795988569509570);
INSERT INTO known_tokens VALUES(X'81771ba8b478421c8073daaa6eb5b96c3e317b4a37f735d0c0322d3de62a5221',2,1795988569726285);
INSERT INTO known_tokens VALUES(X'317b1e4aaf7f972746ef2b962ceb2ecee51d07169102b91b989552d10fa12c30',3,1795988569953436);
INSERT INTO known_tokens VALUES(X'3cccdf01ba2f591d1bb5231a1a4139d87dbdcd37b5367ae9fb8283f692c1dc1e',4,1795988570179646);
INSERT INTO known_tokens VALUES(X'c19a8123eca1a1255d7a904bf5b2164554e21f7c58e66c5d08d446482af9aef6',1,1795988570221713);
INSERT INTO known_tokens VALUES(X'b61c227414d0528314c16ca520c9b07e6f581376920dfd7b7b428ffc6dc73346',1,1795988570830360);
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
CREATE TABLE probes (
    merchant TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    PRIMARY KEY (merchant, endpoint)
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
INSERT INTO orders VALUES(X'01a22942c05c7384b3ba49f6298fcaa6','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795988570205905,1795988570205905,1795989170205905,1795988570205905,1795988570236476,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','c1bd0b0e-69bc-42ae-86f9-1824c409bf1a','<div id="klarna-checkout-container" data-order-id="c1bd0b0e-69bc-42ae-86f9-1824c409bf1a" style="overflow-x: hidden;"><script src="http://127.0.0.1:34797/sandbox/checkout.js" data-order-id="c1bd0b0e-69bc-42ae-86f9-1824c409bf1a"></script></div>',NULL,NULL,NULL,'76ce3134-1a80-4221-8315-87b5c1eca611',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22942c2c072ed96c2193b797ca818','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795988570817215,1795988570817215,1795989170817215,1795988570817215,1795988570839552,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','552b647b-fdaf-4576-9638-330145a6ec85','<div id="klarna-checkout-container" data-order-id="552b647b-fdaf-4576-9638-330145a6ec85" style="overflow-x: hidden;"><script src="http://127.0.0.1:34797/sandbox/checkout.js" data-order-id="552b647b-fdaf-4576-9638-330145a6ec85"></script></div>',NULL,NULL,NULL,'16fd7b98-7433-4d5c-8b5d-55bf5be51155',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22942c52a71719f5786933b0b7ac8','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795988571436135,1795988571436135,1795989171436135,1795988571436135,1795988571446255,NULL,1,1,1,0,0,'not_registered','[]','3cba3453-c10f-4baa-9060-5ead27ef097e','<div id="klarna-checkout-container" data-order-id="3cba3453-c10f-4baa-9060-5ead27ef097e" style="overflow-x: hidden;"><script src="http://127.0.0.1:34797/sandbox/checkout.js" data-order-id="3cba3453-c10f-4baa-9060-5ead27ef097e"></script></div>',NULL,NULL,NULL,'8131f07b-ac5f-4305-bcc4-44ac8213f7c0',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22942c7a570d3ba1479502a3e06fd','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795988572070165,1795988572070165,1795989172070165,1795988572070165,1795988572091019,NULL,1,1,1,0,0,'reauth_required','[]','42773316-0da2-4428-8903-bde5c53a8c2e','<div id="klarna-checkout-container" data-order-id="42773316-0da2-4428-8903-bde5c53a8c2e" style="overflow-x: hidden;"><script src="http://127.0.0.1:34797/sandbox/checkout.js" data-order-id="42773316-0da2-4428-8903-bde5c53a8c2e"></script></div>',NULL,NULL,NULL,'8658afec-abd0-42b8-b245-413e98fff44b',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22942ca1f7ef5ac1981aac864f25d','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795988572704875,1795988572704875,1795989172704875,1795988572704875,1795988572728278,NULL,1,1,1,0,0,'uncertain','[]','ab5b3338-2625-4bd4-b026-c7c5f57ae3e9','<div id="klarna-checkout-container" data-order-id="ab5b3338-2625-4bd4-b026-c7c5f57ae3e9" style="overflow-x: hidden;"><script src="http://127.0.0.1:34797/sandbox/checkout.js" data-order-id="ab5b3338-2625-4bd4-b026-c7c5f57ae3e9"></script></div>',NULL,NULL,NULL,'417d03a4-485b-4036-ae3e-5812e406957b',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22942cc7c7f35bb9214f418d98af6','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1795988573309785,1795988573309785,1795989173309785,1795988573309785,1795988573318921,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"930f48bf-84d0-4b3e-a2f2-0c18339e0b26"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22942cec47f65a83ad77c04df13f3','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1795988573893489,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22942cf95761db42a62732ea18ce8','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1795988574103661,4070908800000000,4070909400000000,NULL,1795988574314937,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22942cc7c7f35bb9214f418d98af6',1795988573318921,X'01a22942bb437607a28c09130c1097ec',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"930f48bf-84d0-4b3e-a2f2-0c18339e0b26"}');
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
    ended_at INTEGER,
    -- Its circuit breakers that are not closed, for people: a JSON array. Null if all are closed.
    breakers TEXT
);
INSERT INTO workers VALUES(X'01a22942bb437607a28c09130c1097ec',X'01a22942bb3f719996c739b1fff5c19d','vm/30613',1795988568920967,1795988573313730,12,1795988574335858,NULL);
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
INSERT INTO exchanges VALUES(X'01a22942c062741f9201b7a48c895a75',1,1,1,'order',X'01a22942c05c7384b3ba49f6298fcaa6',X'01a22942bb437607a28c09130c1097ec',1795988570213074,1795988570223407,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22942c2c974a9981d5548cdbce45d',1,2,1,'order',X'01a22942c2c072ed96c2193b797ca818',X'01a22942bb437607a28c09130c1097ec',1795988570826236,1795988570832645,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22942c7a9726dbdbb5695c0bd3e10',3,1,1,'order',X'01a22942c7a570d3ba1479502a3e06fd',X'01a22942bb437607a28c09130c1097ec',1795988572076720,1795988572081606,'rejected',0,X'e811437041856003c7baa5174217ad49',NULL);
INSERT INTO exchanges VALUES(X'01a22942ca25740dbefb79bbf26cbd90',4,1,1,'order',X'01a22942ca1f7ef5ac1981aac864f25d',X'01a22942bb437607a28c09130c1097ec',1795988572712222,1795988572720617,'no_answer',1,NULL,'no answer: the connection broke before the answer was complete');
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
    kind TEXT NOT NULL CHECK (kind IN ('push', 'abort')),
    merchant TEXT NOT NULL,
    klarna_id TEXT NOT NULL,
    -- A claim moves this forward by the longest time an attempt may take. If the process dies, the row
    -- is due again.
    due_at INTEGER NOT NULL,
    give_up_at INTEGER NOT NULL,
    -- Incremented by each claim. Every write of a process names its claim.
    claim_number INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795988570245471,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'548c589a807b407fae7cbdfcb24053aa','shop','alma',X'01a22942c05c7384b3ba49f6298fcaa6','order.submitted','{"order_id":"01a22942-c05c-7384-b3ba-49f6298fcaa6","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"c1bd0b0e-69bc-42ae-86f9-1824c409bf1a","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795988570236476,1795988574918625,1796247770236476,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'3507473ea0154c39ae01263b393cbaef','shop','alma',X'01a22942c2c072ed96c2193b797ca818','order.submitted','{"order_id":"01a22942-c2c0-72ed-96c2-193b797ca818","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"552b647b-fdaf-4576-9638-330145a6ec85","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795988570839552,1795988576228321,1796247770839552,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'333221e013bd4966aa77d0b0c5f90e18','shop','never',X'01a22942c52a71719f5786933b0b7ac8','order.submitted','{"order_id":"01a22942-c52a-7171-9f57-86933b0b7ac8","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"3cba3453-c10f-4baa-9060-5ead27ef097e","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795988571446255,1795988576946452,1796247771446255,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'10db594c4638474ba5e0c57b8867aab3','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795988572081606,1795988576880814,1796247772081606,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'f23ef605d618487caba3853a7f4a7ace','shop','revoked',X'01a22942c7a570d3ba1479502a3e06fd','order.submitted','{"order_id":"01a22942-c7a5-70d3-ba14-79502a3e06fd","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"42773316-0da2-4428-8903-bde5c53a8c2e","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795988572091019,1795988577277078,1796247772091019,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'6495cfd4202f43a0abfec5ce110ac4a8','shop','lost',X'01a22942ca1f7ef5ac1981aac864f25d','order.submitted','{"order_id":"01a22942-ca1f-7ef5-ac19-81aac864f25d","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"ab5b3338-2625-4bd4-b026-c7c5f57ae3e9","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795988572728278,1795988578008527,1796247772728278,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'0d1587bb810a4fbfa2a01b163e466ad6','shop','never',X'01a22942cc7c7f35bb9214f418d98af6','order.failed','{"order_id":"01a22942-cc7c-7f35-bb92-14f418d98af6","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795988573318921,1795988578307447,1796247773318921,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'548c589a807b407fae7cbdfcb24053aa','order.submitted',1795988570245471,NULL,571,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'3507473ea0154c39ae01263b393cbaef','order.submitted',1795988570846303,NULL,467,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'333221e013bd4966aa77d0b0c5f90e18','order.submitted',1795988571455045,NULL,650,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'10db594c4638474ba5e0c57b8867aab3','token.reauth_required',1795988572099448,NULL,652,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'f23ef605d618487caba3853a7f4a7ace','order.submitted',1795988572102727,NULL,470,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'6495cfd4202f43a0abfec5ce110ac4a8','order.submitted',1795988572738833,NULL,857,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'0d1587bb810a4fbfa2a01b163e466ad6','order.failed',1795988573327378,NULL,583,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22942bcca7370906174bcd18d527d',1,1795988569089778,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'8801bbc858a55bfb0bad222dc146ffa2d07d13ece067c9e88ea4b1d25d8a65d1');
INSERT INTO audit_log VALUES(2,X'01a22942bcca7370906174bcd18d527d',2,1795988569517726,'local','token.register','done','01a22942-bda2-75d3-9395-e73e86523dbe','shop',X'39491f49f6ada86a4ab55fd7eefea297',NULL,NULL,1795988569089778,X'8801bbc858a55bfb0bad222dc146ffa2d07d13ece067c9e88ea4b1d25d8a65d1',X'da0708c5f142c8f8989dfae3f9246db54f9832c2e8d7e0c3f7742c59df285feb');
INSERT INTO audit_log VALUES(3,X'01a22942bcca7370906174bcd18d527d',3,1795988569736700,'local','token.register','done','01a22942-be75-74b2-8b7a-c462c92ef31c','shop',X'6c21efbc4e2165497d0cd208d2cbd18d',NULL,NULL,1795988569517726,X'da0708c5f142c8f8989dfae3f9246db54f9832c2e8d7e0c3f7742c59df285feb',X'e4fab0a2a2045c7dfc7980f7116a84118b6fd2858180e9ba8f22625834226ca6');
INSERT INTO audit_log VALUES(4,X'01a22942bcca7370906174bcd18d527d',4,1795988569970074,'local','token.register','done','01a22942-bf60-77f7-8d78-565774c3598e','shop',X'795354d58556567183b11296c99f7ae8',NULL,NULL,1795988569736700,X'e4fab0a2a2045c7dfc7980f7116a84118b6fd2858180e9ba8f22625834226ca6',X'8299e6cdc0255904a47afd975ed96228c53cb0e9dbc99a719adfb61ada72f56e');
INSERT INTO audit_log VALUES(5,X'01a22942bcca7370906174bcd18d527d',5,1795988570183548,'local','token.register','done','01a22942-c03d-765b-951e-231c85f95969','shop',X'197e3576ffb04e7103caf537ac9153e6',NULL,NULL,1795988569970074,X'8299e6cdc0255904a47afd975ed96228c53cb0e9dbc99a719adfb61ada72f56e',X'bb71ed70f9e0fff54cd357da8666b99fc880ec705a2dcc4225aab54f603b22e7');
INSERT INTO audit_log VALUES(6,X'01a22942bcca7370906174bcd18d527d',6,1795988570210983,'local','order.submit','done','01a22942-c05b-7171-80de-f354f73f43b3','shop',X'39491f49f6ada86a4ab55fd7eefea297','01a22942-c05c-7384-b3ba-49f6298fcaa6',NULL,1795988570183548,X'bb71ed70f9e0fff54cd357da8666b99fc880ec705a2dcc4225aab54f603b22e7',X'3e0b6a778b324acdb38af8a78d74f00cc55eb6b6bc1540b51a88c4b4be45595b');
INSERT INTO audit_log VALUES(7,X'01a22942bcca7370906174bcd18d527d',7,1795988570823896,'local','order.submit','done','01a22942-c2bf-7237-b7cf-34cf4db7059c','shop',X'39491f49f6ada86a4ab55fd7eefea297','01a22942-c2c0-72ed-96c2-193b797ca818',NULL,1795988570210983,X'3e0b6a778b324acdb38af8a78d74f00cc55eb6b6bc1540b51a88c4b4be45595b',X'bf9036a0c9611656ed6d57703fa534b4d1926d6e71a7dc59b8b04d21101d5030');
INSERT INTO audit_log VALUES(8,X'01a22942bcca7370906174bcd18d527d',8,1795988571437932,'local','order.submit','done','01a22942-c52a-708b-b065-e46804468a66','shop',X'8e922ea09fe6064a158741cdc11111f9','01a22942-c52a-7171-9f57-86933b0b7ac8',NULL,1795988570823896,X'bf9036a0c9611656ed6d57703fa534b4d1926d6e71a7dc59b8b04d21101d5030',X'8250e6e76e764785cf41128ca2a374a146ae2a254b5e45f357c354d7997eb5e9');
INSERT INTO audit_log VALUES(9,X'01a22942bcca7370906174bcd18d527d',9,1795988572075142,'local','order.submit','done','01a22942-c7a4-7245-84a5-624bc7c004d0','shop',X'795354d58556567183b11296c99f7ae8','01a22942-c7a5-70d3-ba14-79502a3e06fd',NULL,1795988571437932,X'8250e6e76e764785cf41128ca2a374a146ae2a254b5e45f357c354d7997eb5e9',X'847c9bd4f2abe44cb59192dd76b472dbc2fc1c873c5f8cf27b1f40dc0cdbb81a');
INSERT INTO audit_log VALUES(10,X'01a22942bcca7370906174bcd18d527d',10,1795988572707256,'local','order.submit','done','01a22942-ca1f-76b0-bb89-823d84200b32','shop',X'197e3576ffb04e7103caf537ac9153e6','01a22942-ca1f-7ef5-ac19-81aac864f25d',NULL,1795988572075142,X'847c9bd4f2abe44cb59192dd76b472dbc2fc1c873c5f8cf27b1f40dc0cdbb81a',X'ef372fd0cb1e8914490b2bf57281c570f88c99edfe7a63008077423ee2915b19');
INSERT INTO audit_log VALUES(11,X'01a22942bcca7370906174bcd18d527d',11,1795988573314402,'local','order.submit','done','01a22942-cc7b-7635-af0b-121f7632b869','shop',X'8e922ea09fe6064a158741cdc11111f9','01a22942-cc7c-7f35-bb92-14f418d98af6',NULL,1795988572707256,X'ef372fd0cb1e8914490b2bf57281c570f88c99edfe7a63008077423ee2915b19',X'317b49f2d0053f9b34fa87baa7d05478dc34b2c2274fe55d268f2e37213d4181');
INSERT INTO audit_log VALUES(12,X'01a22942bcca7370906174bcd18d527d',12,1795988573895808,'local','order.submit','done','01a22942-cec2-768f-944e-510983be71f8','shop',X'39491f49f6ada86a4ab55fd7eefea297','01a22942-cec4-7f65-a83a-d77c04df13f3',NULL,1795988573314402,X'317b49f2d0053f9b34fa87baa7d05478dc34b2c2274fe55d268f2e37213d4181',X'ced93106536a9a11ca0d3799e82ccac2ecd299b18f2f31a6f1f3b38017b4813c');
INSERT INTO audit_log VALUES(13,X'01a22942bcca7370906174bcd18d527d',13,1795988574107868,'local','order.submit','done','01a22942-cf93-77d4-88f8-b8d584906689','shop',X'39491f49f6ada86a4ab55fd7eefea297','01a22942-cf95-761d-b42a-62732ea18ce8',NULL,1795988573895808,X'ced93106536a9a11ca0d3799e82ccac2ecd299b18f2f31a6f1f3b38017b4813c',X'7730da9356bc66339cc7031fcc572eb14e01f5f868e4af192d903fbf0dea4812');
INSERT INTO audit_log VALUES(14,X'01a22942d07077a9a2a8674734a96c4e',1,1795988574319602,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22942-cf95-761d-b42a-62732ea18ce8',13,1795988574107868,X'7730da9356bc66339cc7031fcc572eb14e01f5f868e4af192d903fbf0dea4812',X'8073e594578594eaf705779768c57f3935c3f3cec07e79d63fcb2d050868a563');
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
CREATE INDEX tokens_state ON tokens (merchant, state, user_id);
CREATE INDEX tokens_dead ON tokens (updated_at)
    WHERE state = 'reauth_required' AND sealed IS NOT NULL;
CREATE INDEX tokens_uncertain ON tokens (id) WHERE state = 'uncertain';
CREATE INDEX known_tokens_row ON known_tokens (token_id, seen_at);
CREATE UNIQUE INDEX orders_idempotency ON orders (idempotency_key, merchant)
    WHERE idempotency_key IS NOT NULL AND superseded_by IS NULL;
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
CREATE INDEX follow_ups_due ON follow_ups (merchant, due_at);
CREATE INDEX webhooks_due ON webhooks (merchant, due_at) WHERE status = 'pending';
CREATE INDEX webhooks_user ON webhooks (merchant, user_id);
CREATE INDEX webhooks_ended ON webhooks (ended_at) WHERE ended_at IS NOT NULL;
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
CREATE INDEX audit_log_order ON audit_log (object, id) WHERE action IN ('order.retry', 'order.cancel', 'order.update');
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
