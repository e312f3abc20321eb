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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 04:48:33',1,X'448a3ea056d03d88aff9bf482246f2a8e1e96cc4049100660006e005647dfa821a861df9f4b8003887f443aaeb1db204',18094150);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31555d79c9cb29a1fc04737b169bbccca036a5d6a4e50d574303f7dcb45d4a691524ba6f671e3c6a2232c282773e76affb1b09928f40bcbe5992d731683c2256e246d33430487781b8',1796014113821259,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1796014113825224);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31644de10606317a59b79fe140ac216555610a30df688483e7c7d700fd83119e4c16daf27534a1a9cc0aef2e1fb4082c1cbe8354d44b956612097f849669b894f554400407ac96207992242713d6391b02b7db8a3934c65fc26114',X'2f366676548420567614c10ec316a923',1796014114207439,1796014115808614,1801198115808614,X'01a22ac88bd176b58d0ede62085ea6ff',X'60556a54f8d31bead7e11b77e156a71c34a38550c0a7b1ff86810b8b3b713ccb',1796014115813074,1798983336289494,3,0,NULL,1796014115813074);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b3105baeeba230efd7ca29c9525180a79654fcfa9a700218f2d09d5e2951dabafaef2ce33e666a2a336413c7ed353dbd3a9a710feb4682cbfaa11e3239f3efe5e09d7c13dd3d278d882ac549e55f2b70d715e98cf39ede9733fa210',X'2f366676548420567614c10ec316a923',1796014114465241,1796014114465241,1801198114465241,NULL,NULL,1796014114466386,1798995842413788,1,0,NULL,1796014114465241);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31dfbbc471b4609cf8d24e0ba883aff3bceec0b639088245cc407b4813888adbb6a487ccedb454a7910f9e1db42de3e8ea1fd0547579948e8b8e041af79b4a4615f17aae1ba475b693142edc8c788047253a8a976ad350a740029f',X'2f366676548420567614c10ec316a923',1796014114718807,1796014114718807,1801198114718807,NULL,NULL,1796014117304725,NULL,1,0,NULL,1796014114718807);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31d0f97d4d49319ae8332b0cb7c3028cdf3d0d8be7a65d9ec8dab387f56ed92a32a9e27df19d11d4267a7587ab5a4329d12af331aa961b2cda14bc79538ed6e5f5a8c230a635f4b51fb01db7a055e801c4bef8fa08efd825133fb7',X'2f366676548420567614c10ec316a923',1796014114970387,1796014114970387,1801198114970387,NULL,NULL,1796014118082394,NULL,1,0,NULL,1796014114970387);
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
INSERT INTO providers VALUES('shop',X'2f366676548420567614c10ec316a923',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'760dd16e3ac639edab614194ad61f03e47762116b2bef7ce8865c632941c75cf',1,1796014114209251);
INSERT INTO known_tokens VALUES(X'f3737de0149124edd69fc8d4bfef14b96c56b343be6d3bd83287defb8492cc6b',2,1796014114466386);
INSERT INTO known_tokens VALUES(X'b97cd9a93fdbdbefcc1c9b0de7e4f2376e8b164a88487663badd7fa3e177a27b',3,1796014114720576);
INSERT INTO known_tokens VALUES(X'de559b1244981052596049666de4cad895ebc92f0ebbd13496f1236cdd3f5cc9',4,1796014114972067);
INSERT INTO known_tokens VALUES(X'59beae09f5986441c00cbf3ca747ece5044e23b71acf7f01ebdae88a1e6eddb3',1,1796014115024202);
INSERT INTO known_tokens VALUES(X'471f4bdb58688fcf3b751a1a3978b19b6de98bf0bc55fe94a3432212081e0a76',1,1796014115808614);
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
    -- How long it has waited for its token, in microseconds.
    token_waited INTEGER NOT NULL DEFAULT 0,
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
INSERT INTO orders VALUES(X'01a22ac888b57c3aa591d9500dd59d51','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796014115000474,1796014115000474,1796014715000474,1796014115000474,0,1796014115054564,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','7f2a3dd8-f143-48f4-9337-b57c91245d59','<div id="klarna-checkout-container" data-order-id="7f2a3dd8-f143-48f4-9337-b57c91245d59" style="overflow-x: hidden;"><script src="http://127.0.0.1:38351/sandbox/checkout.js" data-order-id="7f2a3dd8-f143-48f4-9337-b57c91245d59"></script></div>',NULL,NULL,NULL,'2902c0da-0605-4a51-a754-af0072f6c27d',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22ac88bbc794aa0559392ddbc8c87','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796014115778852,1796014115778852,1796014715778852,1796014115778852,0,1796014115825068,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','1099a40a-a697-4f59-addb-0cd2667a83f2','<div id="klarna-checkout-container" data-order-id="1099a40a-a697-4f59-addb-0cd2667a83f2" style="overflow-x: hidden;"><script src="http://127.0.0.1:38351/sandbox/checkout.js" data-order-id="1099a40a-a697-4f59-addb-0cd2667a83f2"></script></div>',NULL,NULL,NULL,'b863a1e6-6c58-4c32-b2d6-e515e5766c97',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22ac88e9b72738e248240d636effe','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796014116511611,1796014116511611,1796014716511611,1796014116511611,0,1796014116542939,NULL,1,1,1,0,0,'not_registered','[]','f5171e83-7dcf-4b75-908d-a479fa45b1b6','<div id="klarna-checkout-container" data-order-id="f5171e83-7dcf-4b75-908d-a479fa45b1b6" style="overflow-x: hidden;"><script src="http://127.0.0.1:38351/sandbox/checkout.js" data-order-id="f5171e83-7dcf-4b75-908d-a479fa45b1b6"></script></div>',NULL,NULL,NULL,'fffe2614-d777-4020-8589-1133fdfc931e',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22ac891957e91bd2c453190fb546c','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796014117274156,1796014117274156,1796014717274156,1796014117274156,0,1796014117323540,NULL,1,1,1,0,0,'reauth_required','[]','aadbfedb-52d0-41ec-8ff7-26a2ec2b6298','<div id="klarna-checkout-container" data-order-id="aadbfedb-52d0-41ec-8ff7-26a2ec2b6298" style="overflow-x: hidden;"><script src="http://127.0.0.1:38351/sandbox/checkout.js" data-order-id="aadbfedb-52d0-41ec-8ff7-26a2ec2b6298"></script></div>',NULL,NULL,NULL,'8ec94a5e-e6de-432c-8683-1755d9e89258',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22ac894a17e198bf69da76d05a908','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796014118054501,1796014118054501,1796014718054501,1796014118054501,0,1796014118101345,NULL,1,1,1,0,0,'uncertain','[]','f28f3af7-c25e-4270-9dfe-82fea5fad094','<div id="klarna-checkout-container" data-order-id="f28f3af7-c25e-4270-9dfe-82fea5fad094" style="overflow-x: hidden;"><script src="http://127.0.0.1:38351/sandbox/checkout.js" data-order-id="f28f3af7-c25e-4270-9dfe-82fea5fad094"></script></div>',NULL,NULL,NULL,'d7808a26-f222-46e7-bcf7-7a5714fe1372',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22ac8979877aba8a0ac278712c830','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1796014118814280,1796014118814280,1796014718814280,1796014118814280,0,1796014118836924,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"51c03eb7-c874-446d-b34b-139afc287229"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22ac89aad7a6594b1c9c780738610','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1796014119601669,4070908800000000,4070909400000000,NULL,0,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22ac89ba37ee2946440830e65f211','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1796014119848263,4070908800000000,4070909400000000,NULL,0,1796014120200960,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22ac8979877aba8a0ac278712c830',1796014118836924,X'01a22ac8843b741cb9dc194d03d1c19f',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"51c03eb7-c874-446d-b34b-139afc287229"}');
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
INSERT INTO workers VALUES(X'01a22ac8843b741cb9dc194d03d1c19f',X'01a22ac8843a74b687e68f0ff016041f','vm/23430',1796014113856100,1796014119862900,13,1796014120234499,NULL);
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
INSERT INTO exchanges VALUES(X'01a22ac888c8774badfb43c83e65ef2a',1,1,1,'order',X'01a22ac888b57c3aa591d9500dd59d51',X'01a22ac8843b741cb9dc194d03d1c19f',1796014115016905,1796014115031717,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22ac88bd176b58d0ede62085ea6ff',1,2,1,'order',X'01a22ac88bbc794aa0559392ddbc8c87',X'01a22ac8843b741cb9dc194d03d1c19f',1796014115795357,1796014115813074,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22ac891ab72e99b44694fc1aa1d09',3,1,1,'order',X'01a22ac891957e91bd2c453190fb546c',X'01a22ac8843b741cb9dc194d03d1c19f',1796014117291861,1796014117304725,'rejected',0,X'2f366676548420567614c10ec316a923',NULL);
INSERT INTO exchanges VALUES(X'01a22ac894b470cfa2dd4d21e6cf14e6',4,1,1,'order',X'01a22ac894a17e198bf69da76d05a908',X'01a22ac8843b741cb9dc194d03d1c19f',1796014118069600,1796014118082394,'no_answer',1,NULL,'the connection broke before the answer was complete');
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1796014115067985,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'baaef4e0bcdc471ca0321603b912a3de','shop','alma',X'01a22ac888b57c3aa591d9500dd59d51','order.submitted','{"order_id":"01a22ac8-88b5-7c3a-a591-d9500dd59d51","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"7f2a3dd8-f143-48f4-9337-b57c91245d59","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796014115054564,1796014182891801,1796273315054564,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'117ceee2599a46c1a266a29fe7629087','shop','alma',X'01a22ac88bbc794aa0559392ddbc8c87','order.submitted','{"order_id":"01a22ac8-8bbc-794a-a055-9392ddbc8c87","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"1099a40a-a697-4f59-addb-0cd2667a83f2","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796014115825068,1796014121093739,1796273315825068,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'ab0c0b102a6446b5ad0c67cad619302e','shop','never',X'01a22ac88e9b72738e248240d636effe','order.submitted','{"order_id":"01a22ac8-8e9b-7273-8e24-8240d636effe","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"f5171e83-7dcf-4b75-908d-a479fa45b1b6","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796014116542939,1796014121197592,1796273316542939,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'f9a69b58a9ec4a78af281c2aaa410a30','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1796014117304725,1796014122495175,1796273317304725,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'dbac51de2806410cac2a6a47c8e9faf9','shop','revoked',X'01a22ac891957e91bd2c453190fb546c','order.submitted','{"order_id":"01a22ac8-9195-7e91-bd2c-453190fb546c","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"aadbfedb-52d0-41ec-8ff7-26a2ec2b6298","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796014117323540,1796014122330885,1796273317323540,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'cb8936e1b0654fd1ae2bab0d0e2b4fff','shop','lost',X'01a22ac894a17e198bf69da76d05a908','order.submitted','{"order_id":"01a22ac8-94a1-7e19-8bf6-9da76d05a908","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"f28f3af7-c25e-4270-9dfe-82fea5fad094","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796014118101345,1796014122635447,1796273318101345,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'0d5d7c7e4cf0494faff1b50a73b1e0b6','shop','never',X'01a22ac8979877aba8a0ac278712c830','order.failed','{"order_id":"01a22ac8-9798-77ab-a8a0-ac278712c830","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796014118836924,1796014123507787,1796273318836924,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'baaef4e0bcdc471ca0321603b912a3de','order.submitted',1796014115067985,NULL,2263,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'117ceee2599a46c1a266a29fe7629087','order.submitted',1796014115836331,NULL,1656,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'ab0c0b102a6446b5ad0c67cad619302e','order.submitted',1796014116557159,NULL,2025,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'f9a69b58a9ec4a78af281c2aaa410a30','token.reauth_required',1796014117337992,NULL,1932,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'dbac51de2806410cac2a6a47c8e9faf9','order.submitted',1796014117345755,NULL,1830,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'cb8936e1b0654fd1ae2bab0d0e2b4fff','order.submitted',1796014118114451,NULL,2163,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'0d5d7c7e4cf0494faff1b50a73b1e0b6','order.failed',1796014118855508,NULL,2941,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(8,'shop',X'baaef4e0bcdc471ca0321603b912a3de','order.submitted',1796014119711452,NULL,6520,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22ac8855a730d958c281dc3260b96',1,1796014113934932,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'a6e0ce79038b0756688ac88b7887e240d4bb8ed17100ffe1f800706c63134d75');
INSERT INTO audit_log VALUES(2,X'01a22ac8855a730d958c281dc3260b96',2,1796014114217396,'local','token.register','done','01a22ac8-859c-7691-8d6c-4aac57ebddae','shop',X'eb271acd8477483882284923b0b5933c',NULL,NULL,1796014113934932,X'a6e0ce79038b0756688ac88b7887e240d4bb8ed17100ffe1f800706c63134d75',X'db382851bba0ab29634b251760bef78b5963b21ec517b592db959c66b3f6e801');
INSERT INTO audit_log VALUES(3,X'01a22ac8855a730d958c281dc3260b96',3,1796014114471044,'local','token.register','done','01a22ac8-869f-7403-9e24-b931447a244d','shop',X'1ca7f90ce7615c1683b32ea48e1cede1',NULL,NULL,1796014114217396,X'db382851bba0ab29634b251760bef78b5963b21ec517b592db959c66b3f6e801',X'7cbd17e07b9d633a587f47c3e460ba45fb07626bb9a1b37220abb6864fed5efa');
INSERT INTO audit_log VALUES(4,X'01a22ac8855a730d958c281dc3260b96',4,1796014114725427,'local','token.register','done','01a22ac8-879c-73ad-a5ce-d9c287715de2','shop',X'05ed6b8d7fd82a3775ffa19f187d59e7',NULL,NULL,1796014114471044,X'7cbd17e07b9d633a587f47c3e460ba45fb07626bb9a1b37220abb6864fed5efa',X'a285763e785f4108d24c33f31e9db78ff2dc6994b27ee941c09424c931b618be');
INSERT INTO audit_log VALUES(5,X'01a22ac8855a730d958c281dc3260b96',5,1796014114976841,'local','token.register','done','01a22ac8-8898-7643-8aa1-59c0342ce52d','shop',X'179d950f178f83dcf695451c54d6c4d2',NULL,NULL,1796014114725427,X'a285763e785f4108d24c33f31e9db78ff2dc6994b27ee941c09424c931b618be',X'039772f33ce48192160a179a49a2b39c53b61cc7eeb9981cbfd41e261ad1e1cb');
INSERT INTO audit_log VALUES(6,X'01a22ac8855a730d958c281dc3260b96',6,1796014115006363,'local','order.submit','done','01a22ac8-88b3-75f3-9e7b-4eb5502840c5','shop',X'eb271acd8477483882284923b0b5933c','01a22ac8-88b5-7c3a-a591-d9500dd59d51',NULL,1796014114976841,X'039772f33ce48192160a179a49a2b39c53b61cc7eeb9981cbfd41e261ad1e1cb',X'ad0ca327fb857b636684f1c5278727712a5c92055ab9c243c6fd5e8a3c898ba2');
INSERT INTO audit_log VALUES(7,X'01a22ac8855a730d958c281dc3260b96',7,1796014115789165,'local','order.submit','done','01a22ac8-8bb5-768c-b835-39235d5fe584','shop',X'eb271acd8477483882284923b0b5933c','01a22ac8-8bbc-794a-a055-9392ddbc8c87',NULL,1796014115006363,X'ad0ca327fb857b636684f1c5278727712a5c92055ab9c243c6fd5e8a3c898ba2',X'105681f8051b8b9f4685e0836e29dd0c3b67c026e55fdbbb2c7beb6d37a39afb');
INSERT INTO audit_log VALUES(8,X'01a22ac8855a730d958c281dc3260b96',8,1796014116521111,'local','order.submit','done','01a22ac8-8e95-739a-be79-385491c8c946','shop',X'e1765b38d0226e48ac50ae9303238bc7','01a22ac8-8e9b-7273-8e24-8240d636effe',NULL,1796014115789165,X'105681f8051b8b9f4685e0836e29dd0c3b67c026e55fdbbb2c7beb6d37a39afb',X'e1400d2110397b971d43d25e850e1ef11f2cf3f7e33630d816d0336896f817dd');
INSERT INTO audit_log VALUES(9,X'01a22ac8855a730d958c281dc3260b96',9,1796014117281633,'local','order.submit','done','01a22ac8-9190-73b1-a269-cac2f784407b','shop',X'05ed6b8d7fd82a3775ffa19f187d59e7','01a22ac8-9195-7e91-bd2c-453190fb546c',NULL,1796014116521111,X'e1400d2110397b971d43d25e850e1ef11f2cf3f7e33630d816d0336896f817dd',X'70445c6b8a55bb7542d61fe41ff04e559f794498b53da6e41c37c9377eeb8823');
INSERT INTO audit_log VALUES(10,X'01a22ac8855a730d958c281dc3260b96',10,1796014118061653,'local','order.submit','done','01a22ac8-949e-7483-967c-36c87e7c4c90','shop',X'179d950f178f83dcf695451c54d6c4d2','01a22ac8-94a1-7e19-8bf6-9da76d05a908',NULL,1796014117281633,X'70445c6b8a55bb7542d61fe41ff04e559f794498b53da6e41c37c9377eeb8823',X'a47759401bb0479ee896ce4b3b08454e436528de6cc61aca5bc71a1074eba66e');
INSERT INTO audit_log VALUES(11,X'01a22ac8855a730d958c281dc3260b96',11,1796014118823869,'local','order.submit','done','01a22ac8-9790-7546-81b0-8beeeafb30da','shop',X'e1765b38d0226e48ac50ae9303238bc7','01a22ac8-9798-77ab-a8a0-ac278712c830',NULL,1796014118061653,X'a47759401bb0479ee896ce4b3b08454e436528de6cc61aca5bc71a1074eba66e',X'7faaa24ba159d5b58cb03c8aa3286e86073005c5ec4c415a2a7a7ca0a0308d85');
INSERT INTO audit_log VALUES(12,X'01a22ac8855a730d958c281dc3260b96',12,1796014119610032,'local','order.submit','done','01a22ac8-9aa6-76fe-9a74-9db424bd5bca','shop',X'eb271acd8477483882284923b0b5933c','01a22ac8-9aad-7a65-94b1-c9c780738610',NULL,1796014118823869,X'7faaa24ba159d5b58cb03c8aa3286e86073005c5ec4c415a2a7a7ca0a0308d85',X'd8f82d3848a84d9d342b6473f7800ccd7c85e516b6c62a71ecd39c5a80cc8329');
INSERT INTO audit_log VALUES(13,X'01a22ac8855a730d958c281dc3260b96',13,1796014119855569,'local','order.submit','done','01a22ac8-9ba0-76eb-a4db-74f9d53f0f81','shop',X'eb271acd8477483882284923b0b5933c','01a22ac8-9ba3-7ee2-9464-40830e65f211',NULL,1796014119610032,X'd8f82d3848a84d9d342b6473f7800ccd7c85e516b6c62a71ecd39c5a80cc8329',X'48ebd42b51e50e2dc7a7129fc6ccd1825b7921780402577462916d0b663f28a7');
INSERT INTO audit_log VALUES(14,X'01a22ac89d1270adb5f3289733b96d9c',1,1796014120208286,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22ac8-9ba3-7ee2-9464-40830e65f211',13,1796014119855569,X'48ebd42b51e50e2dc7a7129fc6ccd1825b7921780402577462916d0b663f28a7',X'49cc258804c39b2b514ea1aad2f75f634c968f49df6402337665cfad5ad8f8fc');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',7);
INSERT INTO sqlite_sequence VALUES('audit_log',14);
INSERT INTO sqlite_sequence VALUES('tokens',4);
INSERT INTO sqlite_sequence VALUES('webhook_answers',8);
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
