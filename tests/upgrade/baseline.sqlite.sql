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
INSERT INTO klarna_worker_migrations VALUES(1,'baseline','2026-11-28 20:35:55',1,X'322741c3002037aa9a3c764660a38c80588c81fccbd8f193e2c186fd5a6e5460ef8a7dcac0cf47b79e9da4f4b4352012',85362452);
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
INSERT INTO installation VALUES(1,'e2e',1,X'01026b31967867ea36ce3cf595c8b802aa6f97582128c94786da63c4472a7e70b265f92261beaaaffbec2be13cb1b5374c18a51710455a537bc39cbf0fb2459afae89a9e6a919a5bd48b293f',1795898156118799,600000000,NULL);
CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    -- A MAC made with the key itself: it distinguishes two keys and reveals neither.
    fingerprint BLOB NOT NULL,
    noted_at INTEGER NOT NULL
);
INSERT INTO keys VALUES('k1',X'3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6',1795898156141735);
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
    -- The encrypted refresh token, bound to this row's merchant and user. Null once the user is
    -- forgotten.
    sealed BLOB,
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
    CHECK ((state = 'forgotten') = (sealed IS NULL)),
    CHECK ((state = 'reauth_required') = (reason IS NOT NULL))
);
INSERT INTO tokens VALUES(1,'shop','alma',3,1,'active',NULL,X'01026b31716835fd9be06be8e5fc48d9745af885284f7104d3611cc63109cc3f77e160c13a8d603d2c90a5555c54e2639d57e0c72d970a1f1fa8c1add49b6a54c827d203fecfd68e53912e4ada1589d2e8840ea0191851d3cae30ed3f598',1795898172247197,1801082172247197,X'01a223df62f77602bfa45c3126e99630',X'230ad7dbbdeb0fbdb5c4efc00506695b7eab801a232537dd36165fdcbf76fde3',1795898172294333,1798867392728077,3,0,NULL,1795898172294333);
INSERT INTO tokens VALUES(2,'shop','bo',1,1,'active',NULL,X'01026b31f9578415901cc4b3ea8575c6694c84f5fe1f17815b84fb3999221b1e4a3c4b2bfa2d583de6b4ac76ce840e90044858e3c2e7662d11e3d13c49fe4e2e33b1a5755c8c30bdfd1ecd49371dfb3490601686cef6bf5bed133529f318',1795898162680599,1801082162680599,NULL,NULL,1795898162681372,1798879890629146,1,0,NULL,1795898162680599);
INSERT INTO tokens VALUES(3,'shop','revoked',1,1,'reauth_required','rejected',X'01026b315a50db413500b2cf54ff2944d200cb64531ecb0378334d7d8f9eb96222068e82ec46f5f8f2e08ea3c840486b119357350bd485c7db8d5b5c31afca3c5bb7b9824bf80367c057f6c9f6f8aa357b129f59f8aadd3ae0c6e532dc9b',1795898164798508,1801082164798508,NULL,NULL,1795898187707459,NULL,1,0,NULL,1795898164798508);
INSERT INTO tokens VALUES(4,'shop','lost',1,1,'uncertain',NULL,X'01026b31aa8d68f9d4321c45fac75e73f2d95dbbf2fc46c241a5232593b939a8a13f3cc2ed12fd9353bbbdb12e6c1200e26e3b3fd822d19ec03e577b8e5ffebe09e9e770b28db05bd9fdefc69ff41176f0a57ed2f3c53b71ada5e46a2a8b',1795898166749056,1801082166749056,NULL,NULL,1795898196604552,NULL,1,0,NULL,1795898166749056);
CREATE TABLE known_tokens (
    token_id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (token_id, hash)
);
INSERT INTO known_tokens VALUES(1,X'41e3ef9afc40003a997988ae75bcb43d59573cd2469d7b37077ef2f585b13873',1795898160058462);
INSERT INTO known_tokens VALUES(2,X'0ddaee5ed8a663cecb8611c481bb6270a6e7516bbd8d34eaaf27d296a4e4d590',1795898162681372);
INSERT INTO known_tokens VALUES(3,X'9f99b72de29e5f2a3e3a391eaae5aedcc7813f358fef2173adad0d59034c6a54',1795898164805423);
INSERT INTO known_tokens VALUES(4,X'79b1b5657631bc031c2aa1b6a3889163cd8bec33df687eb46c286b8405aad506',1795898166762421);
INSERT INTO known_tokens VALUES(1,X'36fcd07ebe011323460e58d081279c9fb6e5b6c6a65f25b9c5c44a36f1e054f3',1795898167064209);
INSERT INTO known_tokens VALUES(1,X'b4b756f0b804ca9ba59d6909803588918048859bfbad3dc666547a90847cf1b3',1795898172247197);
CREATE TABLE orders (
    id BLOB PRIMARY KEY,
    merchant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    idempotency_key TEXT,
    -- SHA-256 of the request, to recognise a repeated one.
    digest BLOB NOT NULL,
    -- Klarna receives the body exactly as the shop wrote it. Retention removes it.
    body TEXT,
    -- Whether the checkout is prefilled. Null: as the merchant's settings say.
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
    klarna_order_id TEXT,
    html_snippet TEXT,
    correlation_id TEXT,
    -- JSON: the last error.
    error TEXT,
    CHECK ((status = 'running') = (worker IS NOT NULL)),
    CHECK ((status IN ('submitted', 'failed', 'cancelled')) = (ended_at IS NOT NULL))
);
INSERT INTO orders VALUES(X'01a223df4e7a7b6f813dc3c8b9637e18','shop','alma','cart-1',X'a84a92d063e4ecbba870c682cf1017571d087bd156fb1b0f507c18ead45be82c','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',NULL,0,NULL,'submitted',1795898166924261,1795898166924261,1795898766924261,1795898166955711,1795898167202944,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','ef43cb19-44be-48ff-9b8b-d7e6e7b549c4','<div id="klarna-checkout-container" data-order-id="ef43cb19-44be-48ff-9b8b-d7e6e7b549c4" style="overflow-x: hidden;"></div>','0ce3fce7-cea0-4c00-9e02-2873423ddc44',NULL);
INSERT INTO orders VALUES(X'01a223df62a77f6187f4e0117a655c32','shop','alma','cart-2',X'a84a92d063e4ecbba870c682cf1017571d087bd156fb1b0f507c18ead45be82c','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',NULL,0,NULL,'submitted',1795898172085408,1795898172085408,1795898772085408,1795898172111194,1795898172570300,NULL,1,1,0,0,'fresh','["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]','ae090374-5772-4c1d-b9de-82750286ea3b','<div id="klarna-checkout-container" data-order-id="ae090374-5772-4c1d-b9de-82750286ea3b" style="overflow-x: hidden;"></div>','dbf09bfb-9547-4f92-a44a-1845775b2cff',NULL);
INSERT INTO orders VALUES(X'01a223df7f397485b392c583515baebe','shop','never','cart-3',X'f031ff1e420f319826d779f196b6017de5288c34b057b765a575544d7af4400e','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',NULL,0,NULL,'submitted',1795898179434876,1795898179434876,1795898779434876,1795898179479680,1795898179557385,NULL,1,1,0,0,'not_registered','[]','777608a8-edc9-4d67-ad50-fee60ab6127e','<div id="klarna-checkout-container" data-order-id="777608a8-edc9-4d67-ad50-fee60ab6127e" style="overflow-x: hidden;"></div>','c79d3fd6-940c-459e-8470-cb77778a595f',NULL);
INSERT INTO orders VALUES(X'01a223df9eac742189312044f983cf2c','shop','revoked','cart-4',X'90f109cf667eb2fd8fbe9b054ddeba39024c4019a4366f0f6fae4642d4af5f0b','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',NULL,0,NULL,'submitted',1795898187481203,1795898187481203,1795898787481203,1795898187531086,1795898187822789,NULL,1,1,0,0,'reauth_required','[]','e6ed159e-114a-4c1b-bf01-209f1c9b1791','<div id="klarna-checkout-container" data-order-id="e6ed159e-114a-4c1b-bf01-209f1c9b1791" style="overflow-x: hidden;"></div>','ba89c804-2b47-41f0-94b3-c86ef666a723',NULL);
INSERT INTO orders VALUES(X'01a223dfc19a720fb0bfd7fe3964e2d5','shop','lost','cart-5',X'eab170751e0d813996bbfc2e01271c66f26ec949f51c9bd4d3dc6cb22fadf4ba','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',NULL,0,NULL,'submitted',1795898196432158,1795898196432158,1795898796432158,1795898196477739,1795898196711209,NULL,1,1,0,0,'uncertain','[]','0efe5a0e-65a9-4c4b-af56-5541ad1702a7','<div id="klarna-checkout-container" data-order-id="0efe5a0e-65a9-4c4b-af56-5541ad1702a7" style="overflow-x: hidden;"></div>','48569b27-f953-4d48-8e06-d778500324cf',NULL);
INSERT INTO orders VALUES(X'01a223dfe0177cd097f69feb0a90aeb3','shop','never','cart-6',X'f031ff1e420f319826d779f196b6017de5288c34b057b765a575544d7af4400e','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',NULL,0,NULL,'failed',1795898204191165,1795898204191165,1795898804191165,1795898204262093,1795898204320858,NULL,1,1,0,0,'not_registered',NULL,NULL,NULL,NULL,'{"code":"klarna_refused_order","message":"Klarna refused the order (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"d9757f19-472e-41ee-a2ea-5bff8afb2733"}');
INSERT INTO orders VALUES(X'01a223dff81d7920a101daf7ffa2a9eb','shop','alma','cart-7',X'a8a24ae81513992f8a5ec6711a8f4a97ab31773e227f717d7098ce86635a244b','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',NULL,0,NULL,'queued',1795898210367176,4070908800000000,4070909400000000,NULL,NULL,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO orders VALUES(X'01a223e000a07749966e206fb3ebd69e','shop','alma','cart-8',X'a8a24ae81513992f8a5ec6711a8f4a97ab31773e227f717d7098ce86635a244b','{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}',NULL,0,NULL,'cancelled',1795898212534409,4070908800000000,4070909400000000,NULL,1795898214470272,NULL,0,0,0,0,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE order_attempts (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    order_id BLOB NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
    ended_at INTEGER NOT NULL,
    worker BLOB,
    -- The worker was lost, so it is unknown how far the attempt came.
    lost BOOLEAN NOT NULL,
    error TEXT
);
INSERT INTO order_attempts VALUES(1,X'01a223dfe0177cd097f69feb0a90aeb3',1795898204320858,X'01a223df24aa736ba4c1619ea883b929',0,'{"code":"klarna_refused_order","message":"Klarna refused the order (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"d9757f19-472e-41ee-a2ea-5bff8afb2733"}');
CREATE TABLE workers (
    id BLOB PRIMARY KEY,
    -- The instance folder that the process has locked. The holder of that lock knows that all
    -- earlier starts from the same folder are dead.
    instance BLOB NOT NULL,
    name TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    -- The last heartbeat.
    beat_at INTEGER NOT NULL,
    ended_at INTEGER
);
INSERT INTO workers VALUES(X'01a223df24aa736ba4c1619ea883b929',X'01a223df24a07534a898d9aea00b6d68','vm/29643',1795898156219007,1795898214414350,1795898214550239);
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
    UNIQUE (token_id, generation, presentation),
    CHECK ((outcome IS NULL) = (closed_at IS NULL))
);
INSERT INTO exchanges VALUES(X'01a223df4ee0768c9021f523d20f7ce4',1,1,1,'order',X'01a223df4e7a7b6f813dc3c8b9637e18',X'01a223df24aa736ba4c1619ea883b929',1795898167023248,1795898167092740,'rotated',0);
INSERT INTO exchanges VALUES(X'01a223df62f77602bfa45c3126e99630',1,2,1,'order',X'01a223df62a77f6187f4e0117a655c32',X'01a223df24aa736ba4c1619ea883b929',1795898172183920,1795898172294333,'rotated',0);
INSERT INTO exchanges VALUES(X'01a223df9f34713b959729c7d3170e1b',3,1,1,'order',X'01a223df9eac742189312044f983cf2c',X'01a223df24aa736ba4c1619ea883b929',1795898187628121,1795898187707459,'rejected',0);
INSERT INTO exchanges VALUES(X'01a223dfc2107406ac66f80806cfdfa6',4,1,1,'order',X'01a223dfc19a720fb0bfd7fe3964e2d5',X'01a223df24aa736ba4c1619ea883b929',1795898196502658,1795898196604552,'no_answer',1);
CREATE TABLE kept (
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
INSERT INTO webhook_endpoints VALUES('shop',X'05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5',1795898167315331,NULL,NULL);
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
INSERT INTO webhooks VALUES(1,X'f0b42089430e41bdae617d432f7b1787','shop','alma',X'01a223df4e7a7b6f813dc3c8b9637e18','order.submitted','{"order_id":"01a223df-4e7a-7b6f-813d-c3c8b9637e18","merchant":"shop","user":"alma","klarna_order_id":"ef43cb19-44be-48ff-9b8b-d7e6e7b549c4","token":"fresh","possible_duplicate":false}','pending',1795898167202944,1795898227346850,1796157367202944,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(2,X'3812a847168147dda27b449d72b3566f','shop','alma',X'01a223df62a77f6187f4e0117a655c32','order.submitted','{"order_id":"01a223df-62a7-7f61-87f4-e0117a655c32","merchant":"shop","user":"alma","klarna_order_id":"ae090374-5772-4c1d-b9de-82750286ea3b","token":"fresh","possible_duplicate":false}','pending',1795898172570300,1795898232866566,1796157372570300,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(3,X'07068237b9fc4442ac85feb06a17919d','shop','never',X'01a223df7f397485b392c583515baebe','order.submitted','{"order_id":"01a223df-7f39-7485-b392-c583515baebe","merchant":"shop","user":"never","klarna_order_id":"777608a8-edc9-4d67-ad50-fee60ab6127e","token":"not_registered","possible_duplicate":false}','pending',1795898179557385,1795898242313943,1796157379557385,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(4,X'616a5325830c444ba077439ee9d16397','shop','revoked',NULL,'token.reauth_required','{"merchant":"shop","user":"revoked","reason":"rejected"}','pending',1795898187707459,1795898250049991,1796157387707459,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(5,X'453784b49b0e4508ad6f5efdc260dc84','shop','revoked',X'01a223df9eac742189312044f983cf2c','order.submitted','{"order_id":"01a223df-9eac-7421-8931-2044f983cf2c","merchant":"shop","user":"revoked","klarna_order_id":"e6ed159e-114a-4c1b-bf01-209f1c9b1791","token":"reauth_required","possible_duplicate":false}','pending',1795898187822789,1795898247650415,1796157387822789,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(6,X'2c76efe02d8348ffafce6d0901750be1','shop','lost',X'01a223dfc19a720fb0bfd7fe3964e2d5','order.submitted','{"order_id":"01a223df-c19a-720f-b0bf-d7fe3964e2d5","merchant":"shop","user":"lost","klarna_order_id":"0efe5a0e-65a9-4c4b-af56-5541ad1702a7","token":"uncertain","possible_duplicate":false}','pending',1795898196711209,1795898256401877,1796157396711209,NULL,2,2,'not sent: connection refused');
INSERT INTO webhooks VALUES(7,X'161201cfde10420cacb2435274bf899f','shop','never',X'01a223dfe0177cd097f69feb0a90aeb3','order.failed','{"order_id":"01a223df-e017-7cd0-97f6-9feb0a90aeb3","merchant":"shop","user":"never","code":"klarna_refused_order","token":"not_registered","possible_duplicate":false}','pending',1795898204320858,1795898270424779,1796157404320858,NULL,2,2,'not sent: connection refused');
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
CREATE INDEX tokens_uncertain ON tokens (id) WHERE state = 'uncertain';
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
    WHERE ended_at IS NOT NULL AND (body IS NOT NULL OR html_snippet IS NOT NULL);
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
WHEN OLD.user_id <> NEW.user_id
BEGIN
    DELETE FROM order_attempts WHERE order_id = NEW.id;
END;
CREATE INDEX workers_instance ON workers (instance) WHERE ended_at IS NULL;
CREATE INDEX exchanges_open ON exchanges (holder) WHERE outcome IS NULL;
CREATE INDEX kept_token ON kept (token_id);
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
                'order_id', i.id, 'merchant', NEW.merchant, 'user', NEW.user_id,
                'klarna_order_id', NEW.klarna_order_id, 'token', NEW.token_outcome,
                'possible_duplicate', json(iif(NEW.possible_duplicate, 'true', 'false')))
            ELSE json_object(
                'order_id', i.id, 'merchant', NEW.merchant, 'user', NEW.user_id,
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
