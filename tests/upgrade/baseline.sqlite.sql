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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-30 08:58:27',1,X'1668a3b4b05305f895244722eb5bd7fa9bd35d9ab9fdae035299275505da7dbc1e7fb672342aedf21ad51646047605df',16565837);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31ea89270bba4a8edda4b7899200fb97d9f7cf5fa9ee36e675bdc1c119292bd92071d1a2032772feae9f8f87407755c71607e7d34839c6b5a978ee95cac617f3cd456abe8e9dd98dbc',1796029107653553,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1796029107680659);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3143dda184e774eef0dbb249b75d4634b81381cf9a70d94b7c2d32256cf4d7763457d2bb3ed120ad8621cff43b0c82da9934361d8eb0066626916bb0d641a03ee617cc7fd214eb39e8d0e6f5ca5158b1dcddd246323ca57a7c4d5b',X'f974488812ff5bdfcfba452826070755',1796029108405009,1796029111430008,1801213111430008,X'01a22bad5c7d774b899f646a0d4ab7a4',X'3acdc97a6256533fee0d41e7e5d81f9587a0a5ea1299bc0650296cbc0599c71d',1796029111433892,1798998331910888,3,0,NULL,1796029111433892);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31d062d9bf85f8534f2678068463a6377be62b752f3cec394dd012fd240c8d624cf11ac0f9ea68e07066a7dcacd584e30a1c48bc1c59f2eb3114f4bceca57c7ed79c9257ece7147192379c52190fcf004aba358e3e2f226cc9c1c1',X'f974488812ff5bdfcfba452826070755',1796029108918014,1796029108918014,1801213108918014,NULL,NULL,1796029108924023,1799010836866561,1,0,NULL,1796029108918014);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b311918131dffc8f31d54dc8b7359468367669cda45ccd701e432704975ae9781bf26c7abaa035008ce2b7e2188379a224f4be8d89e04b734c33fcac886274b1e35615392627c3ab49cc6aadaafef8149e865623985a4b09c1420e6',X'f974488812ff5bdfcfba452826070755',1796029109469667,1796029109469667,1801213109469667,NULL,NULL,1796029114151976,NULL,1,0,NULL,1796029109469667);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b317ff37397b504a7eef58a7ef612a8db362d37d5e6406336b75f794825e48181e76de905319512dfe47917e19f59ec10e37bdc7deb006be0c018eeb8c2fbf42f250895869abc339c3b1b03e5bf18d95acc51aa4c436e9a6fe25ba9',X'f974488812ff5bdfcfba452826070755',1796029109990677,1796029109990677,1801213109990677,NULL,NULL,1796029115447285,NULL,1,0,NULL,1796029109990677);
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
INSERT INTO providers VALUES('shop',X'f974488812ff5bdfcfba452826070755',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'dbfc1d09eb330126867a537ec99dd428f678f3a8e76463d2f381d1f7108fe2f0',1,1796029108405967);
INSERT INTO known_tokens VALUES(X'4c418ca4440825bd98452316c73952c50a965a16e3913f1ecf76c0b8460a4e6a',2,1796029108924023);
INSERT INTO known_tokens VALUES(X'81eb854075c2087e61e91095a1790ea75504654cc3f9f93eab83e49865e1a785',3,1796029109477688);
INSERT INTO known_tokens VALUES(X'621d8db3e6b2a7e23fc33ddb55c5309e1c30e3c8f87803feebd1a915580a3227',4,1796029109993801);
INSERT INTO known_tokens VALUES(X'1c656dc919fceafde15693c9976cbcfc3e6e3640fa732488ebd5d74c7a92399b',1,1796029110073337);
INSERT INTO known_tokens VALUES(X'cf333e2fd44b880d71d7a33a4fdda9c447c5ba5be148c68e46f8546521f2efdf',1,1796029111430008);
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
INSERT INTO orders VALUES(X'01a22bad570e7df0914da611a4ae16b6','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796029110038961,1796029110038961,1796029710038961,1796029110038961,0,NULL,1796029110161049,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','c2fd7ab9-5174-467c-8934-b0f788723382','<div id="klarna-checkout-container" data-order-id="c2fd7ab9-5174-467c-8934-b0f788723382" style="overflow-x: hidden;"><script src="http://127.0.0.1:41655/sandbox/checkout.js" data-order-id="c2fd7ab9-5174-467c-8934-b0f788723382"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'7830880c-6511-4979-aaaa-3e6303d6c3df',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22bad5c7479d5acf321292070f4d9','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796029111414833,1796029111414833,1796029711414833,1796029111414833,0,NULL,1796029111445356,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','30dc9103-773f-4ac4-90fc-f25ed8a71a5c','<div id="klarna-checkout-container" data-order-id="30dc9103-773f-4ac4-90fc-f25ed8a71a5c" style="overflow-x: hidden;"><script src="http://127.0.0.1:41655/sandbox/checkout.js" data-order-id="30dc9103-773f-4ac4-90fc-f25ed8a71a5c"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'a2e15d71-2050-44eb-8136-e2412f76d1b9',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22bad61f57f9ca94bb68a66a9f2a3','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796029112825679,1796029112825679,1796029712825679,1796029112825679,0,NULL,1796029112875334,NULL,1,1,1,0,0,'not_registered','[]','0cafe0bc-3035-4912-a6eb-7a9e0b96a119','<div id="klarna-checkout-container" data-order-id="0cafe0bc-3035-4912-a6eb-7a9e0b96a119" style="overflow-x: hidden;"><script src="http://127.0.0.1:41655/sandbox/checkout.js" data-order-id="0cafe0bc-3035-4912-a6eb-7a9e0b96a119"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'fcb43a94-f0ed-4e31-bdf4-427a97e50909',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22bad67167db59db796524255af81','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796029114135962,1796029114135962,1796029714135962,1796029114135962,0,NULL,1796029114167892,NULL,1,1,1,0,0,'reauth_required','[]','01a1106a-8fcd-479b-add5-93cf75e7c66d','<div id="klarna-checkout-container" data-order-id="01a1106a-8fcd-479b-add5-93cf75e7c66d" style="overflow-x: hidden;"><script src="http://127.0.0.1:41655/sandbox/checkout.js" data-order-id="01a1106a-8fcd-479b-add5-93cf75e7c66d"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'68f47815-59e9-4eb6-bc4c-eef470dabebe',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22bad6c18795599b243b3b8c89301','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1796029115419826,1796029115419826,1796029715419826,1796029115419826,0,NULL,1796029115470701,NULL,1,1,1,0,0,'uncertain','[]','3b9955df-a917-4a95-b919-77da4ada7ac2','<div id="klarna-checkout-container" data-order-id="3b9955df-a917-4a95-b919-77da4ada7ac2" style="overflow-x: hidden;"><script src="http://127.0.0.1:41655/sandbox/checkout.js" data-order-id="3b9955df-a917-4a95-b919-77da4ada7ac2"></script></div>',NULL,NULL,NULL,NULL,NULL,NULL,'e7866666-9511-4fa2-9dc5-02fdb96dba06',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22bad70307f7aaa230c06539c5f1b','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1796029116467266,1796029116467266,1796029716467266,1796029116467266,0,NULL,1796029116494185,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"70957637-b1de-414f-a6bd-0f9c18555e9e"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22bad75387245945255e168216aa7','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1796029117753384,4070908800000000,4070909400000000,NULL,0,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a22bad773170d59472786b8a4cb555','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1796029118258209,4070908800000000,4070909400000000,NULL,0,NULL,1796029118775174,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a22bad70307f7aaa230c06539c5f1b',1796029116494185,X'01a22bad4dff76afb0e40d357eda3f07',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"70957637-b1de-414f-a6bd-0f9c18555e9e"}');
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
INSERT INTO workers VALUES(X'01a22bad4dff76afb0e40d357eda3f07',X'01a22bad4df170e881d10dc4d15ea9b6','vm/23775',1796029107746467,1796029117767800,15,1796029118809324,NULL);
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
INSERT INTO exchanges VALUES(X'01a22bad5727725fbb173d936353d224',1,1,1,'order',X'01a22bad570e7df0914da611a4ae16b6',X'01a22bad4dff76afb0e40d357eda3f07',1796029110059229,1796029110081696,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22bad5c7d774b899f646a0d4ab7a4',1,2,1,'order',X'01a22bad5c7479d5acf321292070f4d9',X'01a22bad4dff76afb0e40d357eda3f07',1796029111421616,1796029111433892,'rotated',0,NULL,NULL);
INSERT INTO exchanges VALUES(X'01a22bad671b72a5a7d157a119054b3d',3,1,1,'order',X'01a22bad67167db59db796524255af81',X'01a22bad4dff76afb0e40d357eda3f07',1796029114141539,1796029114151976,'rejected',0,X'f974488812ff5bdfcfba452826070755',NULL);
INSERT INTO exchanges VALUES(X'01a22bad6c2d7124856044e36f0cac81',4,1,1,'order',X'01a22bad6c18795599b243b3b8c89301',X'01a22bad4dff76afb0e40d357eda3f07',1796029115437549,1796029115447285,'no_answer',1,NULL,'the connection broke before the answer was complete');
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1796029110193548,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'cd517341687c4ec3a3cd4818691ecbd7','shop','alma',X'01a22bad570e7df0914da611a4ae16b6','order.submitted','{"order_id":"01a22bad-570e-7df0-914d-a611a4ae16b6","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"c2fd7ab9-5174-467c-8934-b0f788723382","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796029110161049,1796029169795469,1796288310161049,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'3cc795cc9c4343d7a549eee3c41761b6','shop','alma',X'01a22bad5c7479d5acf321292070f4d9','order.submitted','{"order_id":"01a22bad-5c74-79d5-acf3-21292070f4d9","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"30dc9103-773f-4ac4-90fc-f25ed8a71a5c","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1796029111445356,1796029173999314,1796288311445356,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'3dd096453f544221ad7368d2e6f3dc1d','shop','never',X'01a22bad61f57f9ca94bb68a66a9f2a3','order.submitted','{"order_id":"01a22bad-61f5-7f9c-a94b-b68a66a9f2a3","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"0cafe0bc-3035-4912-a6eb-7a9e0b96a119","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796029112875334,1796029179694706,1796288312875334,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'7b7f5432dd544303a51193e23246f58f','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1796029114151976,1796029119525713,1796288314151976,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'37b39db4f1344eb7a099fbcfcc11a3c5','shop','revoked',X'01a22bad67167db59db796524255af81','order.submitted','{"order_id":"01a22bad-6716-7db5-9db7-96524255af81","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"01a1106a-8fcd-479b-add5-93cf75e7c66d","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796029114167892,1796029119493078,1796288314167892,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'f1361b14cf044d9ba21f54e1d6621b55','shop','lost',X'01a22bad6c18795599b243b3b8c89301','order.submitted','{"order_id":"01a22bad-6c18-7955-99b2-43b3b8c89301","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"3b9955df-a917-4a95-b919-77da4ada7ac2","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796029115470701,1796029120298142,1796288315470701,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'7564d833c2194f83a98ef1a01acdf7a2','shop','never',X'01a22bad70307f7aaa230c06539c5f1b','order.failed','{"order_id":"01a22bad-7030-7f7a-aa23-0c06539c5f1b","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1796029116494185,1796029121319401,1796288316494185,NULL,1,1,'not sent: connection refused');
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
INSERT INTO webhook_answers VALUES(1,'shop',X'cd517341687c4ec3a3cd4818691ecbd7','order.submitted',1796029110193548,NULL,1253,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(2,'shop',X'3cc795cc9c4343d7a549eee3c41761b6','order.submitted',1796029111469400,NULL,969,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(3,'shop',X'3dd096453f544221ad7368d2e6f3dc1d','order.submitted',1796029112898376,NULL,1349,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(4,'shop',X'37b39db4f1344eb7a099fbcfcc11a3c5','order.submitted',1796029114203194,NULL,2630,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(5,'shop',X'7b7f5432dd544303a51193e23246f58f','token.reauth_required',1796029114207846,NULL,3000,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(6,'shop',X'f1361b14cf044d9ba21f54e1d6621b55','order.submitted',1796029115519260,NULL,7693,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(7,'shop',X'cd517341687c4ec3a3cd4818691ecbd7','order.submitted',1796029115665831,NULL,1305,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(8,'shop',X'3cc795cc9c4343d7a549eee3c41761b6','order.submitted',1796029116088722,NULL,1302,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(9,'shop',X'7564d833c2194f83a98ef1a01acdf7a2','order.failed',1796029116530066,NULL,932,'not sent: connection refused');
INSERT INTO webhook_answers VALUES(10,'shop',X'3dd096453f544221ad7368d2e6f3dc1d','order.submitted',1796029118349726,NULL,875,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a22bad4f6771638fdd4687062c7de2',1,1796029107868569,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'c1a9e9ecc8610742c06c55f9f420cf7d13b99a620b77d0d77acb760e7bfb827c');
INSERT INTO audit_log VALUES(2,X'01a22bad4f6771638fdd4687062c7de2',2,1796029108424877,'local','token.register','done','01a22bad-50b4-75d1-ac87-a0d218738c57','shop',X'66d7b95b55bdeb3b737c890b2e753bcd',NULL,NULL,1796029107868569,X'c1a9e9ecc8610742c06c55f9f420cf7d13b99a620b77d0d77acb760e7bfb827c',X'46cb16acdb32d05c5e6cee56aacba4e52fffeee588ba38afbf910a2d1910371b');
INSERT INTO audit_log VALUES(3,X'01a22bad4f6771638fdd4687062c7de2',3,1796029108937182,'local','token.register','done','01a22bad-52b5-7791-b92a-e747df9daade','shop',X'f5f83ed99180dca10119cc0da200ee60',NULL,NULL,1796029108424877,X'46cb16acdb32d05c5e6cee56aacba4e52fffeee588ba38afbf910a2d1910371b',X'744d6980e5dd95d43d1967280787a200b021b2e89dee2127990a2f01bff3a62d');
INSERT INTO audit_log VALUES(4,X'01a22bad4f6771638fdd4687062c7de2',4,1796029109493956,'local','token.register','done','01a22bad-54dc-7347-b762-fa868be0483d','shop',X'02fc2dc576e54c3b2fc7ee43237a442c',NULL,NULL,1796029108937182,X'744d6980e5dd95d43d1967280787a200b021b2e89dee2127990a2f01bff3a62d',X'2fcabf809030fa8d0a85e1fecda61281b4f8a45c83e6b1e724d9748c3ce1afbb');
INSERT INTO audit_log VALUES(5,X'01a22bad4f6771638fdd4687062c7de2',5,1796029110003590,'local','token.register','done','01a22bad-56e6-7528-a0c3-882899584eac','shop',X'328d3f8bd3d6344439a2b8c6f09517bc',NULL,NULL,1796029109493956,X'2fcabf809030fa8d0a85e1fecda61281b4f8a45c83e6b1e724d9748c3ce1afbb',X'95a1a09cac77c0740eee0e2b4dd12694fbfc5431bcc4e7312f424a8db5192cdc');
INSERT INTO audit_log VALUES(6,X'01a22bad4f6771638fdd4687062c7de2',6,1796029110047287,'local','order.submit','done','01a22bad-570d-719e-a831-82f358f4daec','shop',X'66d7b95b55bdeb3b737c890b2e753bcd','01a22bad-570e-7df0-914d-a611a4ae16b6',NULL,1796029110003590,X'95a1a09cac77c0740eee0e2b4dd12694fbfc5431bcc4e7312f424a8db5192cdc',X'26df181ddcd64d11c036b2921d319dcf2c32403cf4f69bd33b3818d484675f89');
INSERT INTO audit_log VALUES(7,X'01a22bad4f6771638fdd4687062c7de2',7,1796029111419212,'local','order.submit','done','01a22bad-5c73-7574-a48f-bf658653d5e8','shop',X'66d7b95b55bdeb3b737c890b2e753bcd','01a22bad-5c74-79d5-acf3-21292070f4d9',NULL,1796029110047287,X'26df181ddcd64d11c036b2921d319dcf2c32403cf4f69bd33b3818d484675f89',X'221be7006d5d4fc7d5926320ebc5b60b64a546aff3742ac95f3115f896d8b210');
INSERT INTO audit_log VALUES(8,X'01a22bad4f6771638fdd4687062c7de2',8,1796029112838911,'local','order.submit','done','01a22bad-61f2-73ba-8796-d10680a8467c','shop',X'dd0d79da015d77ce2b111ba51db33190','01a22bad-61f5-7f9c-a94b-b68a66a9f2a3',NULL,1796029111419212,X'221be7006d5d4fc7d5926320ebc5b60b64a546aff3742ac95f3115f896d8b210',X'b45e09f28ef7090a123d1d0f724289a3bf24709a91b41a57bd5e70467854bb23');
INSERT INTO audit_log VALUES(9,X'01a22bad4f6771638fdd4687062c7de2',9,1796029114139807,'local','order.submit','done','01a22bad-6716-7006-b1cd-a665527e60f0','shop',X'02fc2dc576e54c3b2fc7ee43237a442c','01a22bad-6716-7db5-9db7-96524255af81',NULL,1796029112838911,X'b45e09f28ef7090a123d1d0f724289a3bf24709a91b41a57bd5e70467854bb23',X'd50e2e0f2353ca2ad8203ffad24faac3e9e851b68b2fb9f88ba58172def8fa93');
INSERT INTO audit_log VALUES(10,X'01a22bad4f6771638fdd4687062c7de2',10,1796029115435282,'local','order.submit','done','01a22bad-6c17-7501-85d0-5fc797e49880','shop',X'328d3f8bd3d6344439a2b8c6f09517bc','01a22bad-6c18-7955-99b2-43b3b8c89301',NULL,1796029114139807,X'd50e2e0f2353ca2ad8203ffad24faac3e9e851b68b2fb9f88ba58172def8fa93',X'14cce98736d06b7a7e262987cd1e9ea773339c2ef40380c4c04eacea9fb1f566');
INSERT INTO audit_log VALUES(11,X'01a22bad4f6771638fdd4687062c7de2',11,1796029116480454,'local','order.submit','done','01a22bad-702f-75e2-964b-fadc05673934','shop',X'dd0d79da015d77ce2b111ba51db33190','01a22bad-7030-7f7a-aa23-0c06539c5f1b',NULL,1796029115435282,X'14cce98736d06b7a7e262987cd1e9ea773339c2ef40380c4c04eacea9fb1f566',X'25f9967895b16d5ad98586de9922ac1fcc4b3e0ad3f1849dfce99f0e8b265be7');
INSERT INTO audit_log VALUES(12,X'01a22bad4f6771638fdd4687062c7de2',12,1796029117761324,'local','order.submit','done','01a22bad-7537-767b-8779-f6287d14247a','shop',X'66d7b95b55bdeb3b737c890b2e753bcd','01a22bad-7538-7245-9452-55e168216aa7',NULL,1796029116480454,X'25f9967895b16d5ad98586de9922ac1fcc4b3e0ad3f1849dfce99f0e8b265be7',X'ae50282b551237de5b62cc0a4380dc460990a75d5542f2427296a2325e379ea8');
INSERT INTO audit_log VALUES(13,X'01a22bad4f6771638fdd4687062c7de2',13,1796029118280371,'local','order.submit','done','01a22bad-7730-74e1-a9bd-0882ee27d779','shop',X'66d7b95b55bdeb3b737c890b2e753bcd','01a22bad-7731-70d5-9472-786b8a4cb555',NULL,1796029117761324,X'ae50282b551237de5b62cc0a4380dc460990a75d5542f2427296a2325e379ea8',X'c47d0a2506e220a763d34e061b07b0e75134047a53c2ecae7f8e127aff706aba');
INSERT INTO audit_log VALUES(14,X'01a22bad79477393b72072ddc8957c54',1,1796029118788860,'command:root','order.cancel','done',NULL,NULL,NULL,'01a22bad-7731-70d5-9472-786b8a4cb555',13,1796029118280371,X'c47d0a2506e220a763d34e061b07b0e75134047a53c2ecae7f8e127aff706aba',X'00ec0f45758b4b0da9217069f9293e937851d6457c29303ac83d536c124fed7d');
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
