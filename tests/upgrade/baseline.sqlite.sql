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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 09:57:55',1,X'926b5d417503e08aefbb214590c5167344e1d5f719284e7fbcfc024ef309e82dcccec8021614b156bf6b7e36f02a1420',53437659);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b3132a6fba25180f86a275b7d87d86dd11aea579d5b7cac654bea74094abc87d0308e88cda95fb12a04853b6124b0301315a1a98384cf4d3e71706adfb03eb1560eb1df0022e6d598f7',1796032675624550,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1796032675628907);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3128859ddd81b12dc15ca40e6666e8cbea9624465ed5c67ff35dfd7bce80259cd4912829f65dcdff1c6ef5fa9a43e982cde0ed173a7d5a240df515527c727a47a6988332c167ecc5247ced6cbf8161da515d080bb2e2f163c11740',X'0fbadc81e763c4e0649ff3dd725cce83',1796032676238414,1796032679146144,1801216679146144,X'01a22be3ccc47064935f8c9f5b67ad41',X'59717fb2fd31efa992289439b3fc8e4cd9874011e3082a0ea4f90f9dc91d48b5',1796032679154280,1799001899627024,3,0,NULL,1796032679154280);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31f4ccfa67024f32c762d7cb0ca556c5265854caaf4f34832f41bff50e4961677bf5d0a3b94ed32cf0e7009855a553ad83dbe641527e8582fca4a629b7d88bfce355d82fb3eaa0efd38c72f02f1ecf8bb59b14e9feb2938e90a7e8',X'0fbadc81e763c4e0649ff3dd725cce83',1796032676743800,1796032676743800,1801216676743800,NULL,NULL,1796032676745131,1799014404692347,1,0,NULL,1796032676743800);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b312a3768977357d3ea321ef73abc1c91b96d0b8285f43ecf169b905e00b02a244477f338f776a951199c7f277e706f43c4754754568aa371f02500bc827fe493b674ece70402984ab97236f8a4fbfc88476f719f4638ac9cc8a8f3',X'0fbadc81e763c4e0649ff3dd725cce83',1796032677197993,1796032677197993,1801216677197993,NULL,NULL,1796032681656160,NULL,1,0,NULL,1796032677197993);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31bcfe08a7a801760a757c502464cfb128cd882187fda3830c47bdd9b29b8a5cfdb2036c19545d02df40e8a5ad4afe846367757bcaca7773d45f89315e913dda208fcbcc2e1342de46572578f90dd973abfb0f8a220643694f151e',X'0fbadc81e763c4e0649ff3dd725cce83',1796032677701249,1796032677701249,1801216677701249,NULL,NULL,1796032682774468,NULL,1,0,NULL,1796032677701249);
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
INSERT INTO providers VALUES('shop',X'0fbadc81e763c4e0649ff3dd725cce83',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'572935f5b8c8b65a2d24198cfd493920a0d8979ba21219cf89f3a9ccd7d1bac6',1,1796032676247212);
INSERT INTO known_tokens VALUES(X'01c5cf29a3a247b0f61e05a9f15d9c61d1a53f0166b3eea272a04b7f2bf1c337',2,1796032676745131);
INSERT INTO known_tokens VALUES(X'f827c6c04c77ee69cd8c68d2c346396d407b8eb78108616a036f3cec37681f06',3,1796032677199874);
INSERT INTO known_tokens VALUES(X'f70045a0b1a93a3eb6dbd6e35b3459c23fa39764b58103721a1029975c507125',4,1796032677709543);
INSERT INTO known_tokens VALUES(X'4ab6a85893e6c33ea49aa6ffee35f693b899247e2d256a79d23a898bf20cd4ae',1,1796032677807918);
INSERT INTO known_tokens VALUES(X'e5caee21617ef7c173d9bd14dab36069c771e188fd947a6ae9982717ba98c8b2',1,1796032679146144);
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
    -- Null while no call has succeeded.
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
INSERT INTO orders VALUES(X'01a22be3c7897cf79a6e8c3af71694d6','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796032677787285,1796032677787285,1796033277787285,1796032677787285,0,NULL,1796032677847173,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','6012dbac-5b7f-49d9-93e3-9f2ef019fba0','<div id="klarna-checkout-container" data-order-id="6012dbac-5b7f-49d9-93e3-9f2ef019fba0" style="overflow-x: hidden;"><script src="http://127.0.0.1:33431/sandbox/checkout.js" data-order-id="6012dbac-5b7f-49d9-93e3-9f2ef019fba0"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'570f2fbf-655b-440a-af6c-eb569f155dfc',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22be3ccb170a9b1840979d2a43a3d','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796032679093928,1796032679093928,1796033279093928,1796032679093928,0,NULL,1796032679191566,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','1cad4ede-c5af-4ada-8cd5-a2b7c0b8f050','<div id="klarna-checkout-container" data-order-id="1cad4ede-c5af-4ada-8cd5-a2b7c0b8f050" style="overflow-x: hidden;"><script src="http://127.0.0.1:33431/sandbox/checkout.js" data-order-id="1cad4ede-c5af-4ada-8cd5-a2b7c0b8f050"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'a8d40f9d-1163-4d90-89d3-32e1db81e49c',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22be3d11b70f691d4aff72ab7ea06','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796032680220861,1796032680220861,1796033280220861,1796032680220861,0,NULL,1796032680249175,NULL,1,1,1,0,0,'not_registered','[]','fba5579c-d0ad-45cf-8350-8dbeebcffd33','<div id="klarna-checkout-container" data-order-id="fba5579c-d0ad-45cf-8350-8dbeebcffd33" style="overflow-x: hidden;"><script src="http://127.0.0.1:33431/sandbox/checkout.js" data-order-id="fba5579c-d0ad-45cf-8350-8dbeebcffd33"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'08e96a9b-e46a-4f9f-acd1-86768a75df54',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22be3d6907e5eafd05ed2553f2ee7','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796032681623684,1796032681623684,1796033281623684,1796032681623684,0,NULL,1796032681675329,NULL,1,1,1,0,0,'reauth_required','[]','3ed3f097-1d34-451f-bbeb-30419248eaac','<div id="klarna-checkout-container" data-order-id="3ed3f097-1d34-451f-bbeb-30419248eaac" style="overflow-x: hidden;"><script src="http://127.0.0.1:33431/sandbox/checkout.js" data-order-id="3ed3f097-1d34-451f-bbeb-30419248eaac"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'f379c97b-41f6-4161-baa4-0f52425ec261',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22be3daec705683b60a220e4005fe','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796032682741890,1796032682741890,1796033282741890,1796032682741890,0,NULL,1796032682810956,NULL,1,1,1,0,0,'uncertain','[]','35550e74-f60f-4877-ab13-934217dd9c55','<div id="klarna-checkout-container" data-order-id="35550e74-f60f-4877-ab13-934217dd9c55" style="overflow-x: hidden;"><script src="http://127.0.0.1:33431/sandbox/checkout.js" data-order-id="35550e74-f60f-4877-ab13-934217dd9c55"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'2a0d5b9b-f05f-44b0-814a-e7a6f5788c0c',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22be3df387979818887e583fb49e6','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1796032683835597,1796032683835597,1796033283835597,1796032683835597,0,NULL,1796032683870926,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"3eb8fa89-37cd-4e27-8ca2-264c8d565c9e"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22be3e43e77c4a835d6b890bd2316','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1796032685121295,4070908800000000,4070909400000000,NULL,0,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22be3e57870eb85a26ca5697f156e','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1796032685435159,4070908800000000,4070909400000000,NULL,0,NULL,1796032685778115,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22be3df387979818887e583fb49e6',1796032683870926,X'01a22be3bf457528915eeccc78053200',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"3eb8fa89-37cd-4e27-8ca2-264c8d565c9e"}');
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
INSERT INTO workers VALUES(X'01a22be3bf457528915eeccc78053200',X'01a22be3bf4476d493991b2153e7f6e3','vm/9274',1796032675686038,1796032685701566,15,1796032685816674,NULL);
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
INSERT INTO exchanges VALUES(X'01a22be3c7a771ebb5b2afa6013a60fe',1,1,1,'order',X'01a22be3c7897cf79a6e8c3af71694d6',X'01a22be3bf457528915eeccc78053200',1796032677799921,1796032677815428,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22be3ccc47064935f8c9f5b67ad41',1,2,1,'order',X'01a22be3ccb170a9b1840979d2a43a3d',X'01a22be3bf457528915eeccc78053200',1796032679109356,1796032679154280,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22be3d6a4745aaa354f1a326fcd0b',3,1,1,'order',X'01a22be3d6907e5eafd05ed2553f2ee7',X'01a22be3bf457528915eeccc78053200',1796032681639248,1796032681656160,'rejected',0,X'0fbadc81e763c4e0649ff3dd725cce83',NULL);
INSERT INTO exchanges VALUES(X'01a22be3db0377f9b5c6e042f1e15a8c',4,1,1,'order',X'01a22be3daec705683b60a220e4005fe',X'01a22be3bf457528915eeccc78053200',1796032682758600,1796032682774468,'no_answer',1,NULL,'the connection broke before the answer was complete');
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1796032677878407,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'453cbcb687564e09ab2152dc74229d7c','shop','alma',X'01a22be3c7897cf79a6e8c3af71694d6','order.submitted','{"order_id":"01a22be3-c789-7cf7-9a6e-8c3af71694d6","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"6012dbac-5b7f-49d9-93e3-9f2ef019fba0","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796032677847173,1796032743651906,1796291877847173,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'2ed4ba2fc9b149f0a5ccc9f9e8699ebb','shop','alma',X'01a22be3ccb170a9b1840979d2a43a3d','order.submitted','{"order_id":"01a22be3-ccb1-70a9-b184-0979d2a43a3d","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"1cad4ede-c5af-4ada-8cd5-a2b7c0b8f050","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796032679191566,1796032744468510,1796291879191566,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'76da1f1da8e44da2abbaafb1a0b187f8','shop','never',X'01a22be3d11b70f691d4aff72ab7ea06','order.submitted','{"order_id":"01a22be3-d11b-70f6-91d4-aff72ab7ea06","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"fba5579c-d0ad-45cf-8350-8dbeebcffd33","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796032680249175,1796032750742864,1796291880249175,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'c0afd9306e1140b9ad996836fe5f9902','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1796032681656160,1796032686979108,1796291881656160,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'40c8ced4f48f46abad9f07aeeb9939a6','shop','revoked',X'01a22be3d6907e5eafd05ed2553f2ee7','order.submitted','{"order_id":"01a22be3-d690-7e5e-afd0-5ed2553f2ee7","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"3ed3f097-1d34-451f-bbeb-30419248eaac","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796032681675329,1796032686622262,1796291881675329,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'61d3728a7d574147adfdf2a828f2c346','shop','lost',X'01a22be3daec705683b60a220e4005fe','order.submitted','{"order_id":"01a22be3-daec-7056-83b6-0a220e4005fe","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"35550e74-f60f-4877-ab13-934217dd9c55","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796032682810956,1796032687970202,1796291882810956,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'f32ce3bb88e84868a46c245852e33470','shop','never',X'01a22be3df387979818887e583fb49e6','order.failed','{"order_id":"01a22be3-df38-7979-8188-87e583fb49e6","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796032683870926,1796032688730775,1796291883870926,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'453cbcb687564e09ab2152dc74229d7c','order.submitted',1796032677878407,NULL,5638,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'2ed4ba2fc9b149f0a5ccc9f9e8699ebb','order.submitted',1796032679247327,NULL,1731,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'76da1f1da8e44da2abbaafb1a0b187f8','order.submitted',1796032680263434,NULL,916,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'c0afd9306e1140b9ad996836fe5f9902','token.reauth_required',1796032681693892,NULL,464,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'40c8ced4f48f46abad9f07aeeb9939a6','order.submitted',1796032681696837,NULL,2220,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'61d3728a7d574147adfdf2a828f2c346','order.submitted',1796032682841260,NULL,4033,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'453cbcb687564e09ab2152dc74229d7c','order.submitted',1796032682884731,NULL,2704,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(8,'shop',X'2ed4ba2fc9b149f0a5ccc9f9e8699ebb','order.submitted',1796032683820411,NULL,1510,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(9,'shop',X'f32ce3bb88e84868a46c245852e33470','order.failed',1796032683905656,NULL,889,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(10,'shop',X'76da1f1da8e44da2abbaafb1a0b187f8','order.submitted',1796032685763955,NULL,818,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22be3c0b376ab9716bb9514d18fb1',1,1796032675815309,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'87d77575a2c6eea3d80a0f27a1bd424c95295af82000cb19cd2f580a1adc403d');
INSERT INTO audit_log VALUES(2,X'01a22be3c0b376ab9716bb9514d18fb1',2,1796032676263342,'local','token.register','done','01a22be3-c18d-757f-a12a-d2ea7f59188b','shop',X'9c35432f55dd9f76e04a54d8e0316bab',NULL,NULL,1796032675815309,X'87d77575a2c6eea3d80a0f27a1bd424c95295af82000cb19cd2f580a1adc403d',X'082b2cb2d467dcfe6eb55051bd114c5a12b9cf92da09023273b7c2879f0aa87e');
INSERT INTO audit_log VALUES(3,X'01a22be3c0b376ab9716bb9514d18fb1',3,1796032676753412,'local','token.register','done','01a22be3-c387-7116-a422-a6c7ccd77fa5','shop',X'ca1967f30f4f567679aadc2a5e505791',NULL,NULL,1796032676263342,X'082b2cb2d467dcfe6eb55051bd114c5a12b9cf92da09023273b7c2879f0aa87e',X'54bdac33fb5a8439a2f26271a0f985e46182f01031180573498892553dac05c8');
INSERT INTO audit_log VALUES(4,X'01a22be3c0b376ab9716bb9514d18fb1',4,1796032677204462,'local','token.register','done','01a22be3-c54d-7772-8955-300826da7072','shop',X'567859cd89a24cfb804ac3a35c2a56da',NULL,NULL,1796032676753412,X'54bdac33fb5a8439a2f26271a0f985e46182f01031180573498892553dac05c8',X'2dabfbebd625b9bf4d0eae5bc7936eba47f1b50b84f0d0353f87f953dfc37668');
INSERT INTO audit_log VALUES(5,X'01a22be3c0b376ab9716bb9514d18fb1',5,1796032677721170,'local','token.register','done','01a22be3-c744-73d4-a22d-49c5f231cc0f','shop',X'70930edab84b9ed75a5995b42963670d',NULL,NULL,1796032677204462,X'2dabfbebd625b9bf4d0eae5bc7936eba47f1b50b84f0d0353f87f953dfc37668',X'0a7c01abf50bbfd9d2f27c0eb7bb703508783401107984e321a95fe69599ecca');
INSERT INTO audit_log VALUES(6,X'01a22be3c0b376ab9716bb9514d18fb1',6,1796032677795490,'local','order.submit','done','01a22be3-c781-76d3-9dda-ab49be6d3764','shop',X'9c35432f55dd9f76e04a54d8e0316bab','01a22be3-c789-7cf7-9a6e-8c3af71694d6',NULL,1796032677721170,X'0a7c01abf50bbfd9d2f27c0eb7bb703508783401107984e321a95fe69599ecca',X'c900557549f1c91aaf69701daeb995c9d8ce80e8d5cb05ca5c0e93f5d9aa9bb7');
INSERT INTO audit_log VALUES(7,X'01a22be3c0b376ab9716bb9514d18fb1',7,1796032679103928,'local','order.submit','done','01a22be3-ccb0-7337-a91b-8cf3dde0220a','shop',X'9c35432f55dd9f76e04a54d8e0316bab','01a22be3-ccb1-70a9-b184-0979d2a43a3d',NULL,1796032677795490,X'c900557549f1c91aaf69701daeb995c9d8ce80e8d5cb05ca5c0e93f5d9aa9bb7',X'abcae599a78068c2b37487b6e2c098a8e9db74e88333e5441535dfd10b4e3b2f');
INSERT INTO audit_log VALUES(8,X'01a22be3c0b376ab9716bb9514d18fb1',8,1796032680224082,'local','order.submit','done','01a22be3-d11a-73dc-865b-018a4a30cfb9','shop',X'38c802cdfd57211fd2d60667d5279db7','01a22be3-d11b-70f6-91d4-aff72ab7ea06',NULL,1796032679103928,X'abcae599a78068c2b37487b6e2c098a8e9db74e88333e5441535dfd10b4e3b2f',X'3c96b81ab428bd3bc035619c69f8e8fe7b2226b3feaf73d88ec75ae33015e9ab');
INSERT INTO audit_log VALUES(9,X'01a22be3c0b376ab9716bb9514d18fb1',9,1796032681632201,'local','order.submit','done','01a22be3-d68f-721c-af1c-5f62923bf51e','shop',X'567859cd89a24cfb804ac3a35c2a56da','01a22be3-d690-7e5e-afd0-5ed2553f2ee7',NULL,1796032680224082,X'3c96b81ab428bd3bc035619c69f8e8fe7b2226b3feaf73d88ec75ae33015e9ab',X'8b733cfa0be4be1566aac4933f103ea672c56d0399978ed5cf6da0cb7bfeb05a');
INSERT INTO audit_log VALUES(10,X'01a22be3c0b376ab9716bb9514d18fb1',10,1796032682747498,'local','order.submit','done','01a22be3-daec-72bd-ae18-14320b769e31','shop',X'70930edab84b9ed75a5995b42963670d','01a22be3-daec-7056-83b6-0a220e4005fe',NULL,1796032681632201,X'8b733cfa0be4be1566aac4933f103ea672c56d0399978ed5cf6da0cb7bfeb05a',X'691d52920c59d3defd740faea7a5abd3f67772c9a370d48024a3bd3257213db0');
INSERT INTO audit_log VALUES(11,X'01a22be3c0b376ab9716bb9514d18fb1',11,1796032683847959,'local','order.submit','done','01a22be3-df37-75ff-9f93-e40549e25c1b','shop',X'38c802cdfd57211fd2d60667d5279db7','01a22be3-df38-7979-8188-87e583fb49e6',NULL,1796032682747498,X'691d52920c59d3defd740faea7a5abd3f67772c9a370d48024a3bd3257213db0',X'654d203d0f8d2398a9209c6cb598401f13e5174f4846c4572bc8aea0ce47b0a9');
INSERT INTO audit_log VALUES(12,X'01a22be3c0b376ab9716bb9514d18fb1',12,1796032685128287,'local','order.submit','done','01a22be3-e43d-75cc-9351-68c590d79d2e','shop',X'9c35432f55dd9f76e04a54d8e0316bab','01a22be3-e43e-77c4-a835-d6b890bd2316',NULL,1796032683847959,X'654d203d0f8d2398a9209c6cb598401f13e5174f4846c4572bc8aea0ce47b0a9',X'c047e4bd4970680fb5e1bfc0ceaff71dc0f0783e9aaabe7e6fc253a1caf69837');
INSERT INTO audit_log VALUES(13,X'01a22be3c0b376ab9716bb9514d18fb1',13,1796032685440565,'local','order.submit','done','01a22be3-e578-7498-9ce5-8b8d86f661dd','shop',X'9c35432f55dd9f76e04a54d8e0316bab','01a22be3-e578-70eb-85a2-6ca5697f156e',NULL,1796032685128287,X'c047e4bd4970680fb5e1bfc0ceaff71dc0f0783e9aaabe7e6fc253a1caf69837',X'5507904a0e5bca8ae36a8a43827e7f070de9cd2f5a156aa05b5b37ebe0cfba66');
INSERT INTO audit_log VALUES(14,X'01a22be3e6e372cc8fabd99ea8bbd9ff',1,1796032685791303,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22be3-e578-70eb-85a2-6ca5697f156e',13,1796032685440565,X'5507904a0e5bca8ae36a8a43827e7f070de9cd2f5a156aa05b5b37ebe0cfba66',X'38cd9811e2dd646cdedfb2a5422819bbeb33f4981f09c7a82644c0dea1fc778a');
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('order_attempts',1);
INSERT INTO sqlite_sequence VALUES('webhooks',7);
INSERT INTO sqlite_sequence VALUES('audit_log',14);
INSERT INTO sqlite_sequence VALUES('tokens',4);
INSERT INTO sqlite_sequence VALUES('webhook_answers',10);
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
