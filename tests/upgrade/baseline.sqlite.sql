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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 18:09:49',1,X'0e240f9e607292515a5070ac8967be46fcbf010abb06f020c317a5348e93226660a7024df554aa318224e44309f7a79c',36309751);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31c7affe756d0d850c9f6244a15c1e9782b29c97a68d91fe758651638550953ba58f2ea6618abcaebc25b70325967bb7c2e2b9f4ae88c608c519892841e98f791e2bcff347a592fc1f',1795975789690799,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795975789706377);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3149ad253131f1e2af4944cc2ab5f82587d518e2afdc668b109a7c44113615fae50e8241d111bafac9c63a08cc2757e608d356820d317f1de38102e59445ab92641495f6dbee60382d5cd5f898b8d2d3aad900ef5bb426286e8e45',X'baba9c6df53aaeb0e5e04f0301df04eb',1795975790849531,1795975793433519,1801159793433519,X'01a2287fcb05727fbd75dc2cf8cf268c',X'6b86df4fccc4327905a512633f1bfec521810e5ef3a47bb8a490a034bd8faf98',1795975793447432,1798945013914399,3,0,NULL,1795975793447432);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31aae2419e88dcda3ec5b1732f8bda6d3ace58e97063a10789ea64814b017c068cf8c3439d5790d818f0ea80fb0bc092df4e231f41ef12ec7c6872561a49d1bc056c8325eddb69ec842cfb34a1cad7e2223dd8ce4fcb0af432b876',X'baba9c6df53aaeb0e5e04f0301df04eb',1795975791310885,1795975791310885,1801159791310885,NULL,NULL,1795975791315029,1798957519259432,1,0,NULL,1795975791310885);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b3171e8d93bae3c0d1628e000dda906068f05b251dba9b888192359f60d117cdbfba2e2ed625d17f0f1efb3da4b536f352663cc4e5087227f7fe27ef7da9b4489e8bab19888d3d9ab3a6474e7f7db979cdb3073f7680db7092fd33a',X'baba9c6df53aaeb0e5e04f0301df04eb',1795975791704852,1795975791704852,1801159791704852,NULL,NULL,1795975795517561,NULL,1,0,NULL,1795975791704852);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31839a457f859450ab5d936e85b60c157f86e2513afe888f7429a20113d5ebff12a97850bc9fd8054b027c10f85d2479427ab64bffc593936686b4f510a5d9bf6f9acefd4b46c2a97282be99e3ba96fe7a6687972446ac20038fdf',X'baba9c6df53aaeb0e5e04f0301df04eb',1795975792079337,1795975792079337,1801159792079337,NULL,NULL,1795975796800606,NULL,1,0,NULL,1795975792079337);
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
INSERT INTO providers VALUES('shop',X'baba9c6df53aaeb0e5e04f0301df04eb',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'71eb2622c9276c5b8e1053fd4dd5ed76b0bca7b5ba706c3b7934d558f4059ffd',1,1795975790863449);
INSERT INTO known_tokens VALUES(X'f7d714e603473dd78070e7887323667740e6f07b3a38f562da8581dbdc82673d',2,1795975791315029);
INSERT INTO known_tokens VALUES(X'264c857a3a3a37a860fb5b92cf0cde9bf0d16ca676dc000a1fc77a3136313877',3,1795975791707667);
INSERT INTO known_tokens VALUES(X'8e03f2a1b571d7dbee63db1603b6f30f2dce84e56a588dd12d0b0334d8d56c42',4,1795975792083208);
INSERT INTO known_tokens VALUES(X'79cc7304b639b739f72e6b20e49c635a24cb1595851b827438c74cc4f7b0e0f8',1,1795975792178247);
INSERT INTO known_tokens VALUES(X'315d57a9473c4249c9f37111e7c985ca43ccbba952a28cd3349ec55daeb114f5',1,1795975793433519);
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
INSERT INTO orders VALUES(X'01a2287fc61c7a47873256e679478b28','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795975792158083,1795975792158083,1795976392158083,1795975792158083,1795975792218540,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','72d572f1-bd81-443f-9376-c28418e6d020','<div id="klarna-checkout-container" data-order-id="72d572f1-bd81-443f-9376-c28418e6d020" style="overflow-x: hidden;"><script src="http://127.0.0.1:40449/sandbox/checkout.js" data-order-id="72d572f1-bd81-443f-9376-c28418e6d020"></script></div>',NULL,NULL,NULL,'ad1fe2e1-eb18-4785-bf54-8d378f408e27',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2287fca8c7f80bc4e03a9bb5815e7','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795975793299541,1795975793299541,1795976393299541,1795975793299541,1795975793487432,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','9ef1b9be-74ce-4a97-9eee-a4723e981985','<div id="klarna-checkout-container" data-order-id="9ef1b9be-74ce-4a97-9eee-a4723e981985" style="overflow-x: hidden;"><script src="http://127.0.0.1:40449/sandbox/checkout.js" data-order-id="9ef1b9be-74ce-4a97-9eee-a4723e981985"></script></div>',NULL,NULL,NULL,'b7e2bff4-b3dc-4060-9852-5ce4bd5e079a',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2287fcea77b6e9a181971be6ce3f8','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795975794367834,1795975794367834,1795976394367834,1795975794367834,1795975794410149,NULL,1,1,1,0,0,'not_registered','[]','315026bd-390b-4104-a824-0889dbd2fc6f','<div id="klarna-checkout-container" data-order-id="315026bd-390b-4104-a824-0889dbd2fc6f" style="overflow-x: hidden;"><script src="http://127.0.0.1:40449/sandbox/checkout.js" data-order-id="315026bd-390b-4104-a824-0889dbd2fc6f"></script></div>',NULL,NULL,NULL,'cda5eb78-c2da-44dc-b4aa-9db816b562d6',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2287fd3207682b406370a8d8317e0','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795975795497627,1795975795497627,1795976395497627,1795975795497627,1795975795543163,NULL,1,1,1,0,0,'reauth_required','[]','6347aa6e-0002-455f-846a-8bdae27ba294','<div id="klarna-checkout-container" data-order-id="6347aa6e-0002-455f-846a-8bdae27ba294" style="overflow-x: hidden;"><script src="http://127.0.0.1:40449/sandbox/checkout.js" data-order-id="6347aa6e-0002-455f-846a-8bdae27ba294"></script></div>',NULL,NULL,NULL,'c68b7c54-e308-48ff-a5fe-fb2b1f6a682a',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2287fd80d754a843481a54cf36432','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795975796760483,1795975796760483,1795976396760483,1795975796760483,1795975796841382,NULL,1,1,1,0,0,'uncertain','[]','14a73949-6339-4428-a062-2b7782711190','<div id="klarna-checkout-container" data-order-id="14a73949-6339-4428-a062-2b7782711190" style="overflow-x: hidden;"><script src="http://127.0.0.1:40449/sandbox/checkout.js" data-order-id="14a73949-6339-4428-a062-2b7782711190"></script></div>',NULL,NULL,NULL,'b1c051e0-53c0-409b-bdd7-16e327ec08f7',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2287fdd847d7482e5aed2bedf3ceb','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1795975798151503,1795975798151503,1795976398151503,1795975798151503,1795975798173863,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"147c00f3-4a6b-41ca-9a08-52e150d878f5"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2287fe29375c7a8d374161474addb','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1795975799451443,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2287fe3f87bce94932ada7916f834','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1795975799802565,4070908800000000,4070909400000000,NULL,1795975800359044,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a2287fdd847d7482e5aed2bedf3ceb',1795975798173863,X'01a2287fbc9974bfbb435a84966fc500',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"147c00f3-4a6b-41ca-9a08-52e150d878f5"}');
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
INSERT INTO workers VALUES(X'01a2287fbc9974bfbb435a84966fc500',X'01a2287fbc93778db3142b828cd78389','vm/1435',1795975789733373,1795975799760017,15,1795975800385862,NULL);
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
INSERT INTO exchanges VALUES(X'01a2287fc62973fca3a7540a5f3c7514',1,1,1,'order',X'01a2287fc61c7a47873256e679478b28',X'01a2287fbc9974bfbb435a84966fc500',1795975792171147,1795975792186195,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2287fcb05727fbd75dc2cf8cf268c',1,2,1,'order',X'01a2287fca8c7f80bc4e03a9bb5815e7',X'01a2287fbc9974bfbb435a84966fc500',1795975793420805,1795975793447432,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2287fd33475e3b36191de6d3b26ed',3,1,1,'order',X'01a2287fd3207682b406370a8d8317e0',X'01a2287fbc9974bfbb435a84966fc500',1795975795508440,1795975795517561,'rejected',0,X'baba9c6df53aaeb0e5e04f0301df04eb');
INSERT INTO exchanges VALUES(X'01a2287fd82775d1923478a4b6bf43a7',4,1,1,'order',X'01a2287fd80d754a843481a54cf36432',X'01a2287fbc9974bfbb435a84966fc500',1795975796783632,1795975796800606,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795975792243287,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'2ebe1d80c5cc4f17a20da6b98f330ffd','shop','alma',X'01a2287fc61c7a47873256e679478b28','order.submitted','{"order_id":"01a2287f-c61c-7a47-8732-56e679478b28","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"72d572f1-bd81-443f-9376-c28418e6d020","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795975792218540,1795975855373322,1796234992218540,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'b35af9427f0a42c3a0e1ffc974511c4e','shop','alma',X'01a2287fca8c7f80bc4e03a9bb5815e7','order.submitted','{"order_id":"01a2287f-ca8c-7f80-bc4e-03a9bb5815e7","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"9ef1b9be-74ce-4a97-9eee-a4723e981985","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795975793487432,1795975855582633,1796234993487432,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'1ed57e522cd342a3aab8900c9f917951','shop','never',X'01a2287fcea77b6e9a181971be6ce3f8','order.submitted','{"order_id":"01a2287f-cea7-7b6e-9a18-1971be6ce3f8","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"315026bd-390b-4104-a824-0889dbd2fc6f","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795975794410149,1795975857719002,1796234994410149,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'cd1c3d1291ec4220abcc5dd36d550036','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795975795517561,1795975801047209,1796234995517561,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'f1ce48e659314832a311899cb78bef60','shop','revoked',X'01a2287fd3207682b406370a8d8317e0','order.submitted','{"order_id":"01a2287f-d320-7682-b406-370a8d8317e0","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"6347aa6e-0002-455f-846a-8bdae27ba294","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795975795543163,1795975800392597,1796234995543163,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'2eeb0f9299be4ba8a9eb49a8e34a811c','shop','lost',X'01a2287fd80d754a843481a54cf36432','order.submitted','{"order_id":"01a2287f-d80d-754a-8434-81a54cf36432","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"14a73949-6339-4428-a062-2b7782711190","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795975796841382,1795975802038121,1796234996841382,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'9db6e4d18a344de8a4c108424791a1ae','shop','never',X'01a2287fdd847d7482e5aed2bedf3ceb','order.failed','{"order_id":"01a2287f-dd84-7d74-82e5-aed2bedf3ceb","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795975798173863,1795975802720370,1796234998173863,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'2ebe1d80c5cc4f17a20da6b98f330ffd','order.submitted',1795975792243287,NULL,999,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'b35af9427f0a42c3a0e1ffc974511c4e','order.submitted',1795975793510982,NULL,1041,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'1ed57e522cd342a3aab8900c9f917951','order.submitted',1795975794431328,NULL,950,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'f1ce48e659314832a311899cb78bef60','order.submitted',1795975795565189,NULL,715,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'cd1c3d1291ec4220abcc5dd36d550036','token.reauth_required',1795975795568687,NULL,712,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'2eeb0f9299be4ba8a9eb49a8e34a811c','order.submitted',1795975796875182,NULL,864,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'2ebe1d80c5cc4f17a20da6b98f330ffd','order.submitted',1795975797250854,NULL,1302,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(8,'shop',X'9db6e4d18a344de8a4c108424791a1ae','order.failed',1795975798199562,NULL,1458,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(9,'shop',X'b35af9427f0a42c3a0e1ffc974511c4e','order.submitted',1795975798206222,NULL,1076,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(10,'shop',X'1ed57e522cd342a3aab8900c9f917951','order.submitted',1795975799829543,NULL,2322,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a2287fbf8677cc8891adfea167ed10',1,1795975790267492,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'ace1ed92aae2fd4d93249125d3bb0a80b5604277f058ce1b0467f3d9c97a426b');
INSERT INTO audit_log VALUES(2,X'01a2287fbf8677cc8891adfea167ed10',2,1795975790877943,'local','token.register','done','01a2287f-c0ff-74b4-928f-2785c574f083','shop',X'87f6d61a888fca1c00e9821fd36fc736',NULL,NULL,1795975790267492,X'ace1ed92aae2fd4d93249125d3bb0a80b5604277f058ce1b0467f3d9c97a426b',X'ebf02023b64104f5b756520a557bb73b53c7cf2a3a579b99cfd7cce71d366c22');
INSERT INTO audit_log VALUES(3,X'01a2287fbf8677cc8891adfea167ed10',3,1795975791325660,'local','token.register','done','01a2287f-c2ce-74a8-a7ea-b011f0d9e3c6','shop',X'0a5d2d77c4be5721d16f682655ff1c73',NULL,NULL,1795975790877943,X'ebf02023b64104f5b756520a557bb73b53c7cf2a3a579b99cfd7cce71d366c22',X'9aa07d08843e18adbebd99d61721cca58a15811a18ba9f53a4790e5443134747');
INSERT INTO audit_log VALUES(4,X'01a2287fbf8677cc8891adfea167ed10',4,1795975791710395,'local','token.register','done','01a2287f-c456-7064-849a-797c018b0672','shop',X'b89a03fcbb56e14e215914290f65b0f9',NULL,NULL,1795975791325660,X'9aa07d08843e18adbebd99d61721cca58a15811a18ba9f53a4790e5443134747',X'c24c31b59b23026498ac41ea470c6a9ed69a494b433de3dd807149a9498df710');
INSERT INTO audit_log VALUES(5,X'01a2287fbf8677cc8891adfea167ed10',5,1795975792086240,'local','token.register','done','01a2287f-c5ce-7200-b3ed-b7b80dcc2cba','shop',X'1e4bc1b132ff9f6673fe7de34fac860e',NULL,NULL,1795975791710395,X'c24c31b59b23026498ac41ea470c6a9ed69a494b433de3dd807149a9498df710',X'14e2eaca72f92fc42aa0dd07167dc7f495467324348f8eecf2bf792337b26f25');
INSERT INTO audit_log VALUES(6,X'01a2287fbf8677cc8891adfea167ed10',6,1795975792164754,'local','order.submit','done','01a2287f-c61b-7245-be3f-9f6bef915455','shop',X'87f6d61a888fca1c00e9821fd36fc736','01a2287f-c61c-7a47-8732-56e679478b28',NULL,1795975792086240,X'14e2eaca72f92fc42aa0dd07167dc7f495467324348f8eecf2bf792337b26f25',X'9a675acbe357cfacb1eef7042ba18dbedac4edfae178d470362967052f961e15');
INSERT INTO audit_log VALUES(7,X'01a2287fbf8677cc8891adfea167ed10',7,1795975793406524,'local','order.submit','done','01a2287f-ca8b-7791-9278-5d45e6adea11','shop',X'87f6d61a888fca1c00e9821fd36fc736','01a2287f-ca8c-7f80-bc4e-03a9bb5815e7',NULL,1795975792164754,X'9a675acbe357cfacb1eef7042ba18dbedac4edfae178d470362967052f961e15',X'7a77279a363973b3d756e11ba47bedcfbbc86ab57353916b105fa94293031d72');
INSERT INTO audit_log VALUES(8,X'01a2287fbf8677cc8891adfea167ed10',8,1795975794372080,'local','order.submit','done','01a2287f-cea6-74e7-81fb-e2cd4a59aa33','shop',X'e0d88c7287ff0b9a52d201ae354a50bf','01a2287f-cea7-7b6e-9a18-1971be6ce3f8',NULL,1795975793406524,X'7a77279a363973b3d756e11ba47bedcfbbc86ab57353916b105fa94293031d72',X'5e6f43e7937c071fddfe9130cc488b53a38eb06133f342f12bb40063fe5c8392');
INSERT INTO audit_log VALUES(9,X'01a2287fbf8677cc8891adfea167ed10',9,1795975795503914,'local','order.submit','done','01a2287f-d31f-71fe-bc30-5c37d980d643','shop',X'b89a03fcbb56e14e215914290f65b0f9','01a2287f-d320-7682-b406-370a8d8317e0',NULL,1795975794372080,X'5e6f43e7937c071fddfe9130cc488b53a38eb06133f342f12bb40063fe5c8392',X'993cafff6e54e157bd05c40de6f678e6e71106d007ef88550b24e029d425ee29');
INSERT INTO audit_log VALUES(10,X'01a2287fbf8677cc8891adfea167ed10',10,1795975796772266,'local','order.submit','done','01a2287f-d80c-77aa-ae99-6cb9582aa51c','shop',X'1e4bc1b132ff9f6673fe7de34fac860e','01a2287f-d80d-754a-8434-81a54cf36432',NULL,1795975795503914,X'993cafff6e54e157bd05c40de6f678e6e71106d007ef88550b24e029d425ee29',X'b82e646ab63ef30a8b2a7b24c3f960b1a78abff879c3792fcd180a73b43984d9');
INSERT INTO audit_log VALUES(11,X'01a2287fbf8677cc8891adfea167ed10',11,1795975798156788,'local','order.submit','done','01a2287f-dd83-7507-be2d-4b1add6eb4d4','shop',X'e0d88c7287ff0b9a52d201ae354a50bf','01a2287f-dd84-7d74-82e5-aed2bedf3ceb',NULL,1795975796772266,X'b82e646ab63ef30a8b2a7b24c3f960b1a78abff879c3792fcd180a73b43984d9',X'aad8ac542b3bac42d4572e8598e96a3a3d70e40888bf553a960c1d172f435d2d');
INSERT INTO audit_log VALUES(12,X'01a2287fbf8677cc8891adfea167ed10',12,1795975799460487,'local','order.submit','done','01a2287f-e293-770d-b2d2-2a81d2d92802','shop',X'87f6d61a888fca1c00e9821fd36fc736','01a2287f-e293-75c7-a8d3-74161474addb',NULL,1795975798156788,X'aad8ac542b3bac42d4572e8598e96a3a3d70e40888bf553a960c1d172f435d2d',X'5ac7fe74a3f8c2b55583ce556fab27c452447a1c38e723b5982a837ae8dbc212');
INSERT INTO audit_log VALUES(13,X'01a2287fbf8677cc8891adfea167ed10',13,1795975799807449,'local','order.submit','done','01a2287f-e3f7-7605-9d32-7233944aea0c','shop',X'87f6d61a888fca1c00e9821fd36fc736','01a2287f-e3f8-7bce-9493-2ada7916f834',NULL,1795975799460487,X'5ac7fe74a3f8c2b55583ce556fab27c452447a1c38e723b5982a837ae8dbc212',X'1b1d6b59b9645b2a85681de2179a09b1ccf6c9293836ea626d203fac3b1ddcad');
INSERT INTO audit_log VALUES(14,X'01a2287fe63070e686f15cdf3dfc59af',1,1795975800368292,'command:root','order.cancel','done',NULL,NULL,NULL,'01a2287f-e3f8-7bce-9493-2ada7916f834',13,1795975799807449,X'1b1d6b59b9645b2a85681de2179a09b1ccf6c9293836ea626d203fac3b1ddcad',X'1c6aa999d6af64e59d0e7c277b46aaff710047c3d2e4388bb3de920857e544f4');
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
CREATE INDEX orders_klarna ON orders (klarna_id) WHERE klarna_id IS NOT NULL;
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
