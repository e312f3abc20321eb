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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-29 16:05:59',1,X'2bce4891411e12f7b9694d53ee93c2f428122a6fdec7e745b698a103640f0de2557ecfd0ccf88800b823a26ace0e9cb2',15475122);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31cc3e15e6560af7c71b61802d7dd8cb0f8bf9e060b1e3655b12ac9cc6d09523d101dcfdffd7185f90d5517392d8d52eb5a7f5eba8e649f2029033e559aa70dbd30ce41c0619431d92',1795968359627308,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795968359629607);
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
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b3174cbf97da8dcd9e16980ccfd1fcc6f32282ac179b6f080efaee8eddfaec89d6049a6677e1840f0e36546352a4118f802e62626b7976037bed322bc459ac8d9e22b90bbfba9a30a0fc92b6a129e9f78973cd047bc9e3a26ed5d06',X'3b025e444188c5f7c96b46109a8d5305',1795968360114749,1795968361372224,1801152361372224,X'01a2280e63987715ada1ca34b452cf51',X'758bf60895b286e1f9f640585c865c01a48ac616c27f042d945a87f896b8b328',1795968361375395,1798937581853104,3,0,NULL,1795968361375395);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31940cc9f7f69cd39f45c27914c10a6ed989da0d0af5628bdafea362c04b9dbe65ccb5cdb413b8f5b1f37ce77ac097e7c0fb96231453ea17a0985e5f2b94e43fb19286c34a86f96833fe3309d50d8093adfb5473ee3960d2a9270a',X'3b025e444188c5f7c96b46109a8d5305',1795968360329702,1795968360329702,1801152360329702,NULL,NULL,1795968360330465,1798950088278249,1,0,NULL,1795968360329702);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b31d9945c23a2a7ddaec8d77f5a9d54032454981095dce1692fbfec2a5dd45e056cbb097c3244678c64ca5ca6cf46b4b5b07d58ad829f2df9c4f6192851104f2a1f5bc78e3fa13e3ef46ad19c79c7b4788a9ada8f2e357826ee3252',X'3b025e444188c5f7c96b46109a8d5305',1795968360559551,1795968360559551,1801152360559551,NULL,NULL,1795968362488321,NULL,1,0,NULL,1795968360559551);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31ddbc7deb58d7f0de159e299b03f489f9e516dd40ebb203cd1b2ba24afe926f551253f2fea7f80c22611f1ad38ff21eb8d7586a0a36291f671153732b5ccbcc11df5523298d1379c94a12eddd36209df3243a29b9b74ce6d7ddd1',X'3b025e444188c5f7c96b46109a8d5305',1795968360777759,1795968360777759,1801152360777759,NULL,NULL,1795968363015440,NULL,1,0,NULL,1795968360777759);
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
INSERT INTO providers VALUES('shop',X'3b025e444188c5f7c96b46109a8d5305',1,NULL,0,0,NULL);
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
INSERT INTO known_tokens VALUES(X'628162a7bde20c0ef71fa74f45f541add694e6a6f18372ee77c5805e39e10958',1,1795968360116302);
INSERT INTO known_tokens VALUES(X'ae152317b289f674746b8f1b1f0587edc5c4f5cd9efa0ae32fdda1732ebd92b7',2,1795968360330465);
INSERT INTO known_tokens VALUES(X'19cfb1718bbfe93a3959964dd81243626a8c715f657fdcbd0e5de4d8d5911483',3,1795968360560312);
INSERT INTO known_tokens VALUES(X'3571802d36fc52a796843545c895dceeb3cd800fb8d113fb0926807a31422a02',4,1795968360778395);
INSERT INTO known_tokens VALUES(X'a919d5a2edb6a6bd268e08f6e2ddfb785e8bb562669a8f24511663d2fc705260',1,1795968360810779);
INSERT INTO known_tokens VALUES(X'8bca351b4959c313c211564259127c7e88ae9ec342954272b63e04b0af5ffcd7',1,1795968361372224);
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
INSERT INTO orders VALUES(X'01a2280e615b7ccda4a1fe783c577b21','shop','alma','cart-1',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795968360797919,1795968360797919,1795968960797919,1795968360797919,1795968360831439,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','08814195-f415-47a7-9faa-6b9098dafd94','<div id="klarna-checkout-container" data-order-id="08814195-f415-47a7-9faa-6b9098dafd94" style="overflow-x: hidden;"></div>',NULL,NULL,NULL,'3baf7a13-777f-48d6-94bf-83b84cb9bfa1',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280e639077fb84f6c16d0321875a','shop','alma','cart-2',NULL,NULL,X'2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795968361360953,1795968361360953,1795968961360953,1795968361360953,1795968361382769,NULL,1,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','67edc3f2-fb74-4679-a769-29966c65ff53','<div id="klarna-checkout-container" data-order-id="67edc3f2-fb74-4679-a769-29966c65ff53" style="overflow-x: hidden;"></div>',NULL,NULL,NULL,'7ceb862b-e547-40d1-b92c-bf737eacb88e',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280e65ba7b559cf1c9189a23f0c2','shop','never','cart-3',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795968361918896,1795968361918896,1795968961918896,1795968361924939,1795968361932947,NULL,1,1,1,0,0,'not_registered','[]','2c90d414-0221-4044-a660-699343b5b358','<div id="klarna-checkout-container" data-order-id="2c90d414-0221-4044-a660-699343b5b358" style="overflow-x: hidden;"></div>',NULL,NULL,NULL,'690440e3-becf-4b8e-a869-34057d0b04f2',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280e67ea7eacbb39f055f5c3bc95','shop','revoked','cart-4',NULL,NULL,X'0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795968362475397,1795968362475397,1795968962475397,1795968362475397,1795968362498812,NULL,1,1,1,0,0,'reauth_required','[]','ef9a6fc4-2bf5-488a-91fd-ce8a5732531e','<div id="klarna-checkout-container" data-order-id="ef9a6fc4-2bf5-488a-91fd-ce8a5732531e" style="overflow-x: hidden;"></div>',NULL,NULL,NULL,'a637ae37-36f2-4b2e-987f-c4b9f2983b58',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280e69fa752ab671365e5a2375a6','shop','lost','cart-5',NULL,NULL,X'41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'submitted',1795968363004674,1795968363004674,1795968963004674,1795968363004674,1795968363028387,NULL,1,1,1,0,0,'uncertain','[]','357b7e1b-f8ef-4ac3-90ee-c465bb565bf7','<div id="klarna-checkout-container" data-order-id="357b7e1b-f8ef-4ac3-90ee-c465bb565bf7" style="overflow-x: hidden;"></div>',NULL,NULL,NULL,'55972df1-e3ee-4b1f-a4ef-5d4087662e17',NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280e6bed75b09497de672017f5a4','shop','never','cart-6',NULL,NULL,X'9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'failed',1795968363502700,1795968363502700,1795968963502700,1795968363502700,1795968363517424,NULL,1,1,1,0,0,'not_registered','[]',NULL,NULL,NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"5a845c65-b003-4ae2-b199-41db1961e588"}',NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280e6e2970ec9e7f0f3c26a45e2c','shop','alma','cart-7',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'queued',1795968364074671,4070908800000000,4070909400000000,NULL,NULL,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
INSERT INTO orders VALUES(X'01a2280e6edb739980587868bc4a7b35','shop','alma','cart-8',NULL,NULL,X'ca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',1,NULL,NULL,0,'checkout',NULL,0,NULL,'cancelled',1795968364255032,4070908800000000,4070909400000000,NULL,1795968364458198,NULL,0,NULL,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,50000,'SEK');
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a2280e6bed75b09497de672017f5a4',1795968363517424,X'01a2280e5cd1771abe6e99a1d3bb69a8',0,'{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"5a845c65-b003-4ae2-b199-41db1961e588"}');
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
INSERT INTO workers VALUES(X'01a2280e5cd1771abe6e99a1d3bb69a8',X'01a2280e5cd0700e83f69391eab495b0','vm/29775',1795968359636041,1795968363643014,12,1795968364474706);
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
INSERT INTO exchanges VALUES(X'01a2280e61667093ba3cd2dfd114c81e',1,1,1,'order',X'01a2280e615b7ccda4a1fe783c577b21',X'01a2280e5cd1771abe6e99a1d3bb69a8',1795968360806753,1795968360816319,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2280e63987715ada1ca34b452cf51',1,2,1,'order',X'01a2280e639077fb84f6c16d0321875a',X'01a2280e5cd1771abe6e99a1d3bb69a8',1795968361368801,1795968361375395,'rotated',0,NULL);
INSERT INTO exchanges VALUES(X'01a2280e67ef7058985d7474b7ed45b9',3,1,1,'order',X'01a2280e67ea7eacbb39f055f5c3bc95',X'01a2280e5cd1771abe6e99a1d3bb69a8',1795968362482205,1795968362488321,'rejected',0,X'3b025e444188c5f7c96b46109a8d5305');
INSERT INTO exchanges VALUES(X'01a2280e6a0171d283b32aecf5c820ad',4,1,1,'order',X'01a2280e69fa752ab671365e5a2375a6',X'01a2280e5cd1771abe6e99a1d3bb69a8',1795968363009623,1795968363015440,'no_answer',1,NULL);
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795968360845675,NULL,NULL);
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
            'token.recovered')),
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
INSERT INTO webhooks VALUES(1,X'3ae63839b4d94d6fa7796e3e0954a517','shop','alma',X'01a2280e615b7ccda4a1fe783c577b21','order.submitted','{"order_id":"01a2280e-615b-7ccd-a4a1-fe783c577b21","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"08814195-f415-47a7-9faa-6b9098dafd94","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795968360831439,1795968365714558,1796227560831439,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'84a348b900b34f25a3923197239b84d8','shop','alma',X'01a2280e639077fb84f6c16d0321875a','order.submitted','{"order_id":"01a2280e-6390-77fb-84f6-c16d0321875a","merchant":"shop","user":"alma","target":"checkout","klarna_order_id":"67edc3f2-fb74-4679-a769-29966c65ff53","token":"fresh","possible_duplicate":false,"prefilled":["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"],"prefill_withdrawn":[]}','pending',1795968361382769,1795968366427783,1796227561382769,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'a3ad914a796a48efa196a7c236e05af7','shop','never',X'01a2280e65ba7b559cf1c9189a23f0c2','order.submitted','{"order_id":"01a2280e-65ba-7b55-9cf1-c9189a23f0c2","merchant":"shop","user":"never","target":"checkout","klarna_order_id":"2c90d414-0221-4044-a660-699343b5b358","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795968361932947,1795968367153290,1796227561932947,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'3a005f7dfb474000a9c8e1c38f273e0b','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795968362488321,1795968367423333,1796227562488321,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'f1eb62e381314325a2cef370352649c9','shop','revoked',X'01a2280e67ea7eacbb39f055f5c3bc95','order.submitted','{"order_id":"01a2280e-67ea-7eac-bb39-f055f5c3bc95","merchant":"shop","user":"revoked","target":"checkout","klarna_order_id":"ef9a6fc4-2bf5-488a-91fd-ce8a5732531e","token":"reauth_required","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795968362498812,1795968367551651,1796227562498812,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'0032ca66fb094820a19440e64d381096','shop','lost',X'01a2280e69fa752ab671365e5a2375a6','order.submitted','{"order_id":"01a2280e-69fa-752a-b671-365e5a2375a6","merchant":"shop","user":"lost","target":"checkout","klarna_order_id":"357b7e1b-f8ef-4ac3-90ee-c465bb565bf7","token":"uncertain","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795968363028387,1795968367753775,1796227563028387,NULL,1,1,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'52e081c2d40e4e8cae31bf76885e504e','shop','never',X'01a2280e6bed75b09497de672017f5a4','order.failed','{"order_id":"01a2280e-6bed-75b0-9497-de672017f5a4","merchant":"shop","user":"never","target":"checkout","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false,"prefilled":[],"prefill_withdrawn":[]}','pending',1795968363517424,1795968368757510,1796227563517424,NULL,1,1,'not sent: connection refused');
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
INSERT INTO audit_log VALUES(1,X'01a2280e5eab704baa6e16a29215eed9',1,1795968359900417,'service','service.start','done',NULL,NULL,NULL,'roles=api,worker,keeper vault.keys=k1 server.api_keys=',NULL,NULL,X'0000000000000000000000000000000000000000000000000000000000000000',X'467918c9f0ce5c3670ce888fbfb0c9e1a200917226a48c9800a5980cdfb3acd9');
INSERT INTO audit_log VALUES(2,X'01a2280e5eab704baa6e16a29215eed9',2,1795968360121689,'local','token.register','done','01a2280e-5eb2-70ee-8ce2-38a48e40a11b','shop',X'ea440d80ba349962de661c7be6db5931',NULL,NULL,1795968359900417,X'467918c9f0ce5c3670ce888fbfb0c9e1a200917226a48c9800a5980cdfb3acd9',X'21a0027a3c3a7e31181573a187621afb88e3acc1f5c9a5b82877188eaa4e1863');
INSERT INTO audit_log VALUES(3,X'01a2280e5eab704baa6e16a29215eed9',3,1795968360333396,'local','token.register','done','01a2280e-5f89-76b6-87ee-c0ab13445413','shop',X'6bacad23c6e6c7b164f0abf8525a0ecf',NULL,NULL,1795968360121689,X'21a0027a3c3a7e31181573a187621afb88e3acc1f5c9a5b82877188eaa4e1863',X'e93cf4ff275237354644083158516d13c0cbccf9984944e2ac44cddf87bd1fe1');
INSERT INTO audit_log VALUES(4,X'01a2280e5eab704baa6e16a29215eed9',4,1795968360563251,'local','token.register','done','01a2280e-606e-7344-baa3-8f33a6a63eb5','shop',X'28a50a929d35cb93016c06caa006aec1',NULL,NULL,1795968360333396,X'e93cf4ff275237354644083158516d13c0cbccf9984944e2ac44cddf87bd1fe1',X'77e13ea0d9c55a5034b2e8ed5962466f0d3536b21ba17be883483d2137535bad');
INSERT INTO audit_log VALUES(5,X'01a2280e5eab704baa6e16a29215eed9',5,1795968360781077,'local','token.register','done','01a2280e-6149-775f-84c7-78f0835acedf','shop',X'ab119c7265df72785c982f8e8f6c40fe',NULL,NULL,1795968360563251,X'77e13ea0d9c55a5034b2e8ed5962466f0d3536b21ba17be883483d2137535bad',X'75fc54c8536361b838b9a0f643d7975bb6965ae73b9eca934846753918d2907d');
INSERT INTO audit_log VALUES(6,X'01a2280e5eab704baa6e16a29215eed9',6,1795968360802925,'local','order.submit','done','01a2280e-615a-711c-9739-a9975beb1cb5','shop',X'ea440d80ba349962de661c7be6db5931','01a2280e-615b-7ccd-a4a1-fe783c577b21',NULL,1795968360781077,X'75fc54c8536361b838b9a0f643d7975bb6965ae73b9eca934846753918d2907d',X'7b5170f4963b1f50f89869337986954b2325ee4a2ed1303da1de093b6ba298b7');
INSERT INTO audit_log VALUES(7,X'01a2280e5eab704baa6e16a29215eed9',7,1795968361364499,'local','order.submit','done','01a2280e-638f-70ee-a538-e1c7e08b6177','shop',X'ea440d80ba349962de661c7be6db5931','01a2280e-6390-77fb-84f6-c16d0321875a',NULL,1795968360802925,X'7b5170f4963b1f50f89869337986954b2325ee4a2ed1303da1de093b6ba298b7',X'aa9904b0bb8db31d0d84e7a9d8228aae9280ee320a027546da20d3f6204e2c57');
INSERT INTO audit_log VALUES(8,X'01a2280e5eab704baa6e16a29215eed9',8,1795968361921147,'local','order.submit','done','01a2280e-65b9-7179-949c-d52fc877335f','shop',X'97f29d2cddc848a39aab573cb71e0b00','01a2280e-65ba-7b55-9cf1-c9189a23f0c2',NULL,1795968361364499,X'aa9904b0bb8db31d0d84e7a9d8228aae9280ee320a027546da20d3f6204e2c57',X'2025faef122dc4025b7d7ee6839e88a3a3f832c3327155a709d7669aa9d07366');
INSERT INTO audit_log VALUES(9,X'01a2280e5eab704baa6e16a29215eed9',9,1795968362478966,'local','order.submit','done','01a2280e-67e9-7532-91bc-c28fa5076a14','shop',X'28a50a929d35cb93016c06caa006aec1','01a2280e-67ea-7eac-bb39-f055f5c3bc95',NULL,1795968361921147,X'2025faef122dc4025b7d7ee6839e88a3a3f832c3327155a709d7669aa9d07366',X'e0296f237303be84ec4ddcfb193776d508e399e76a398e3c86b52b2ad500376d');
INSERT INTO audit_log VALUES(10,X'01a2280e5eab704baa6e16a29215eed9',10,1795968363007764,'local','order.submit','done','01a2280e-69fa-7722-b08a-1308ba1a7d71','shop',X'ab119c7265df72785c982f8e8f6c40fe','01a2280e-69fa-752a-b671-365e5a2375a6',NULL,1795968362478966,X'e0296f237303be84ec4ddcfb193776d508e399e76a398e3c86b52b2ad500376d',X'5a8dcd4840a80300a3caf2f081bb3f6d6e046f03748ef443002b301f95594f43');
INSERT INTO audit_log VALUES(11,X'01a2280e5eab704baa6e16a29215eed9',11,1795968363506378,'local','order.submit','done','01a2280e-6bec-74e9-baf4-dd4595c2fdce','shop',X'97f29d2cddc848a39aab573cb71e0b00','01a2280e-6bed-75b0-9497-de672017f5a4',NULL,1795968363007764,X'5a8dcd4840a80300a3caf2f081bb3f6d6e046f03748ef443002b301f95594f43',X'484a17309e9d74a6073c0595a34f459237ddc53cbfdd4ed87a1ba799fd82d3ec');
INSERT INTO audit_log VALUES(12,X'01a2280e5eab704baa6e16a29215eed9',12,1795968364077359,'local','order.submit','done','01a2280e-6e28-76de-8c6b-cab26c334762','shop',X'ea440d80ba349962de661c7be6db5931','01a2280e-6e29-70ec-9e7f-0f3c26a45e2c',NULL,1795968363506378,X'484a17309e9d74a6073c0595a34f459237ddc53cbfdd4ed87a1ba799fd82d3ec',X'75c4846282c48955af3b3392b6bbd39a0f16fa329f7a9a273ae8c809a3cda7c5');
INSERT INTO audit_log VALUES(13,X'01a2280e5eab704baa6e16a29215eed9',13,1795968364259675,'local','order.submit','done','01a2280e-6eda-7141-99d3-90085f2b9c4a','shop',X'ea440d80ba349962de661c7be6db5931','01a2280e-6edb-7399-8058-7868bc4a7b35',NULL,1795968364077359,X'75c4846282c48955af3b3392b6bbd39a0f16fa329f7a9a273ae8c809a3cda7c5',X'ec362bc0268ceeece0fa4f3c85625ad4622e196be9be63efa0ab8c7015a25903');
INSERT INTO audit_log VALUES(14,X'01a2280e6fae76678f733a253a0f21d0',1,1795968364461967,'command:root','order.cancel','done',NULL,NULL,NULL,'01a2280e-6edb-7399-8058-7868bc4a7b35',13,1795968364259675,X'ec362bc0268ceeece0fa4f3c85625ad4622e196be9be63efa0ab8c7015a25903',X'9452f9b8afbab91a9e3c96783dc9810fe5c668496544182cbcc27b1653bdab91');
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
