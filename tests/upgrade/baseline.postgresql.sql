--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: klarna_worker; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA klarna_worker;


--
-- Name: enqueue_order(text, text, json, text, boolean, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: klarna_worker; Owner: -
--

CREATE FUNCTION klarna_worker.enqueue_order(merchant text, user_id text, body json, idempotency_key text DEFAULT NULL::text, prefill boolean DEFAULT NULL::boolean, not_before timestamp with time zone DEFAULT NULL::timestamp with time zone, deadline timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
#variable_conflict use_column
DECLARE
    now timestamptz := clock_timestamp();
    -- As the caller wrote it, without surrounding white space.
    written text := btrim($3::text, E' \t\r\n');
    absent bytea := '\xffffffffffffffff';
    part bytea;
    parts bytea := '';
    digest bytea;
    order_id uuid;
    found_digest bytea;
BEGIN
    IF $1 IS NULL OR $2 IS NULL OR $3 IS NULL THEN
        RAISE EXCEPTION 'enqueue_order needs merchant, user_id and body'
            USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF $4 !~ '^[!-~]{1,255}$' THEN
        RAISE EXCEPTION 'idempotency_key is none: write 1 to 255 visible ASCII characters without spaces'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH part IN ARRAY ARRAY[
        convert_to($1, 'UTF8'), convert_to($2, 'UTF8'), convert_to(written, 'UTF8'),
        CASE $5 WHEN true THEN '\x01'::bytea WHEN false THEN '\x00'::bytea END,
        int8send((extract(epoch FROM $6) * 1000000)::bigint),
        int8send((extract(epoch FROM $7) * 1000000)::bigint)]
    LOOP
        parts := parts || coalesce(int8send(octet_length(part)) || part, absent);
    END LOOP;
    digest := sha256(parts);
    -- UUID version 7 (RFC 9562): milliseconds in the first six bytes, the rest random.
    part := overlay(uuid_send(gen_random_uuid())
        PLACING substring(int8send(floor(extract(epoch FROM now) * 1000)::bigint) FROM 3) FROM 1 FOR 6);
    order_id := encode(set_byte(part, 6, (get_byte(part, 6) & 15) | 112), 'hex')::uuid;
    LOOP
        INSERT INTO klarna_worker.orders
            (id, merchant, user_id, idempotency_key, digest, body, prefill, unchecked,
            accepted_at, due_at, deadline_at)
        SELECT order_id, $1, $2, $4, digest, written, $5, true, now, greatest(now, $6),
            coalesce($7, greatest(now, $6)
                + coalesce(max(i.order_deadline_micros), 600000000) * interval '1 microsecond')
        FROM klarna_worker.installation i
        ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING;
        IF FOUND THEN
            PERFORM pg_notify('klarna_worker_due', '');
            RETURN order_id;
        END IF;
        SELECT o.id, o.digest INTO order_id, found_digest FROM klarna_worker.orders o
        WHERE o.merchant = $1 AND o.idempotency_key = $4;
        -- The other order was deleted in between, so the key is free again.
        CONTINUE WHEN NOT FOUND;
        IF found_digest <> digest THEN
            RAISE EXCEPTION 'the idempotency key % was used before, for another request', $4
                USING ERRCODE = 'KW001', DETAIL = 'That request became the order ' || order_id || '.',
                    HINT = 'Use a key of its own for each order.';
        END IF;
        RETURN order_id;
    END LOOP;
END $_$;


--
-- Name: forget_attempts(); Type: FUNCTION; Schema: klarna_worker; Owner: -
--

CREATE FUNCTION klarna_worker.forget_attempts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    DELETE FROM klarna_worker.order_attempts WHERE order_id = NEW.id;
    RETURN NULL;
END $$;


--
-- Name: note_attempt(); Type: FUNCTION; Schema: klarna_worker; Owner: -
--

CREATE FUNCTION klarna_worker.note_attempt() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO klarna_worker.order_attempts (order_id, ended_at, worker, lost, error)
    VALUES (NEW.id, coalesce(NEW.ended_at, clock_timestamp()), OLD.worker,
        NEW.lost_workers > OLD.lost_workers,
        CASE WHEN NEW.lost_workers = OLD.lost_workers THEN NEW.error END);
    RETURN NULL;
END $$;


--
-- Name: tell_of_order(); Type: FUNCTION; Schema: klarna_worker; Owner: -
--

CREATE FUNCTION klarna_worker.tell_of_order() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO klarna_worker.webhooks
        (id, merchant, user_id, order_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT gen_random_uuid(), NEW.merchant, NEW.user_id, NEW.id, 'order.' || NEW.status,
        CASE NEW.status
            WHEN 'submitted' THEN json_build_object(
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id,
                'klarna_order_id', NEW.klarna_order_id, 'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate)
            ELSE json_build_object(
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id,
                'code', NEW.error::json ->> 'code', 'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate)
        END::text,
        NEW.ended_at, NEW.ended_at, NEW.ended_at + interval '3 days'
    FROM klarna_worker.webhook_endpoints e WHERE e.merchant = NEW.merchant;
    RETURN NULL;
END $$;


--
-- Name: tell_of_token(); Type: FUNCTION; Schema: klarna_worker; Owner: -
--

CREATE FUNCTION klarna_worker.tell_of_token() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    INSERT INTO klarna_worker.webhooks (id, merchant, user_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT gen_random_uuid(), NEW.merchant, NEW.user_id,
        CASE NEW.state WHEN 'active' THEN 'token.recovered' ELSE 'token.reauth_required' END,
        json_build_object('merchant', NEW.merchant, 'user', NEW.user_id, 'reason', NEW.reason)::text,
        NEW.updated_at, NEW.updated_at, NEW.updated_at + interval '3 days'
    FROM klarna_worker.webhook_endpoints e WHERE e.merchant = NEW.merchant;
    RETURN NULL;
END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: exchanges; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.exchanges (
    id uuid NOT NULL,
    token_id bigint NOT NULL,
    generation bigint NOT NULL,
    presentation bigint NOT NULL,
    purpose text NOT NULL,
    purpose_ref uuid,
    holder uuid NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    outcome text,
    travelling boolean DEFAULT false NOT NULL,
    CONSTRAINT exchanges_check CHECK (((outcome IS NULL) = (closed_at IS NULL))),
    CONSTRAINT exchanges_outcome_check CHECK ((outcome = ANY (ARRAY['rotated'::text, 'unchanged'::text, 'rejected'::text, 'not_sent'::text, 'refused'::text, 'no_answer'::text, 'superseded'::text]))),
    CONSTRAINT exchanges_purpose_check CHECK ((purpose = ANY (ARRAY['order'::text, 'keeper'::text, 'manual'::text])))
);


--
-- Name: installation; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.installation (
    one boolean DEFAULT true NOT NULL,
    name text NOT NULL,
    minimum_program integer NOT NULL,
    hash_key bytea NOT NULL,
    created_at timestamp with time zone NOT NULL,
    order_deadline_micros bigint DEFAULT 600000000 NOT NULL,
    restored_at timestamp with time zone,
    CONSTRAINT installation_one_check CHECK (one)
);


--
-- Name: keeper; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.keeper (
    one boolean DEFAULT true NOT NULL,
    holder uuid,
    leased_until timestamp with time zone,
    began_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT keeper_check CHECK (((holder IS NULL) = (leased_until IS NULL))),
    CONSTRAINT keeper_one_check CHECK (one)
);


--
-- Name: kept; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.kept (
    purpose_ref uuid NOT NULL,
    token_id bigint NOT NULL,
    sealed bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    good_until timestamp with time zone NOT NULL
);


--
-- Name: keys; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.keys (
    name text NOT NULL,
    fingerprint bytea NOT NULL,
    noted_at timestamp with time zone NOT NULL
);


--
-- Name: known_tokens; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.known_tokens (
    token_id bigint NOT NULL,
    hash bytea NOT NULL,
    seen_at timestamp with time zone NOT NULL
);


--
-- Name: migrations; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);


--
-- Name: order_attempts; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.order_attempts (
    seq bigint NOT NULL,
    order_id uuid NOT NULL,
    ended_at timestamp with time zone NOT NULL,
    worker uuid,
    lost boolean NOT NULL,
    error text
);


--
-- Name: order_attempts_seq_seq; Type: SEQUENCE; Schema: klarna_worker; Owner: -
--

ALTER TABLE klarna_worker.order_attempts ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME klarna_worker.order_attempts_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: orders; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.orders (
    id uuid NOT NULL,
    merchant text NOT NULL,
    user_id text NOT NULL,
    idempotency_key text,
    digest bytea NOT NULL,
    body text,
    prefill boolean,
    unchecked boolean DEFAULT false NOT NULL,
    trace text DEFAULT "substring"(current_setting('klarna_worker.traceparent'::text, true), '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'::text),
    status text DEFAULT 'queued'::text NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    deadline_at timestamp with time zone NOT NULL,
    first_claimed_at timestamp with time zone,
    ended_at timestamp with time zone,
    worker uuid,
    claim_number bigint DEFAULT 0 NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    lost_workers bigint DEFAULT 0 NOT NULL,
    possible_duplicate boolean DEFAULT false NOT NULL,
    token_outcome text,
    prefilled text,
    klarna_order_id text,
    html_snippet text,
    correlation_id text,
    error text,
    CONSTRAINT orders_check CHECK (((status = 'running'::text) = (worker IS NOT NULL))),
    CONSTRAINT orders_check1 CHECK (((status = ANY (ARRAY['submitted'::text, 'failed'::text, 'cancelled'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT orders_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'submitted'::text, 'failed'::text, 'cancelled'::text])))
);


--
-- Name: tokens; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.tokens (
    id bigint NOT NULL,
    merchant text NOT NULL,
    user_id text NOT NULL,
    generation bigint NOT NULL,
    grant_generation bigint NOT NULL,
    state text NOT NULL,
    reason text,
    sealed bytea,
    issued_at timestamp with time zone,
    expires_at timestamp with time zone,
    last_exchange uuid,
    subject bytea,
    updated_at timestamp with time zone NOT NULL,
    refresh_due_at timestamp with time zone,
    refresh_due_generation bigint,
    refresh_failures bigint DEFAULT 0 NOT NULL,
    refresh_note text,
    last_seen_at timestamp with time zone,
    CONSTRAINT tokens_check CHECK (((state = 'forgotten'::text) = (sealed IS NULL))),
    CONSTRAINT tokens_check1 CHECK (((state = 'reauth_required'::text) = (reason IS NOT NULL))),
    CONSTRAINT tokens_reason_check CHECK ((reason = ANY (ARRAY['rejected'::text, 'answer_lost'::text, 'expired'::text]))),
    CONSTRAINT tokens_refresh_note_check CHECK ((refresh_note = ANY (ARRAY['age_unknown'::text, 'not_sent'::text, 'refused'::text, 'no_answer'::text, 'unchanged'::text, 'unavailable'::text, 'waits'::text, 'idle'::text]))),
    CONSTRAINT tokens_state_check CHECK ((state = ANY (ARRAY['active'::text, 'reauth_required'::text, 'uncertain'::text, 'forgotten'::text])))
);


--
-- Name: tokens_id_seq; Type: SEQUENCE; Schema: klarna_worker; Owner: -
--

ALTER TABLE klarna_worker.tokens ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME klarna_worker.tokens_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: webhook_endpoints; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.webhook_endpoints (
    merchant text NOT NULL,
    fingerprint bytea NOT NULL,
    failing_since timestamp with time zone,
    disabled_at timestamp with time zone,
    disabled_why text,
    CONSTRAINT webhook_endpoints_check CHECK (((disabled_at IS NULL) = (disabled_why IS NULL))),
    CONSTRAINT webhook_endpoints_disabled_why_check CHECK ((disabled_why = ANY (ARRAY['gone'::text, 'failing'::text])))
);


--
-- Name: webhooks; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.webhooks (
    seq bigint NOT NULL,
    id uuid NOT NULL,
    merchant text NOT NULL,
    user_id text NOT NULL,
    order_id uuid,
    kind text NOT NULL,
    data text NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    give_up_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    claim_number bigint DEFAULT 0 NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    error text,
    CONSTRAINT webhooks_check CHECK (((status = 'pending'::text) = (ended_at IS NULL))),
    CONSTRAINT webhooks_kind_check CHECK ((kind = ANY (ARRAY['order.submitted'::text, 'order.failed'::text, 'token.reauth_required'::text, 'token.recovered'::text]))),
    CONSTRAINT webhooks_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])))
);


--
-- Name: webhooks_seq_seq; Type: SEQUENCE; Schema: klarna_worker; Owner: -
--

ALTER TABLE klarna_worker.webhooks ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME klarna_worker.webhooks_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: workers; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.workers (
    id uuid NOT NULL,
    instance uuid NOT NULL,
    name text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    beat_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone
);


--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.exchanges VALUES ('01a223e0-32a3-7754-bbe1-2e86b54e1e5c', 1, 1, 1, 'order', '01a223e0-3217-7a36-a351-745f46fabe11', '01a223e0-1d24-73d8-b520-9da70a386b6b', '2026-11-28 20:37:05.339492+00', '2026-11-28 20:37:05.363844+00', 'rotated', false);
INSERT INTO klarna_worker.exchanges VALUES ('01a223e0-3dba-75ca-a8e7-77e48a5069a9', 1, 2, 1, 'order', '01a223e0-3d73-7768-b999-cf71b9ae42fa', '01a223e0-1d24-73d8-b520-9da70a386b6b', '2026-11-28 20:37:08.179558+00', '2026-11-28 20:37:08.22061+00', 'rotated', false);
INSERT INTO klarna_worker.exchanges VALUES ('01a223e0-8a4e-765b-9f90-350215835b13', 3, 1, 1, 'order', '01a223e0-89cf-7659-975f-1655dee81284', '01a223e0-1d24-73d8-b520-9da70a386b6b', '2026-11-28 20:37:27.79612+00', '2026-11-28 20:37:28.033099+00', 'rejected', false);
INSERT INTO klarna_worker.exchanges VALUES ('01a223e0-a7f6-730e-b324-592d17699207', 4, 1, 1, 'order', '01a223e0-a79b-78e4-aa29-26fd2197737c', '01a223e0-1d24-73d8-b520-9da70a386b6b', '2026-11-28 20:37:35.352791+00', '2026-11-28 20:37:35.380723+00', 'no_answer', true);


--
-- Data for Name: installation; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.installation VALUES (true, 'e2e', 1, '\x01026b31cd391831957a47658204e0825a62b6350c2d51a5fe2276404e6ffdd87fa813507ebcf15ed3a28e4826cc7347d2ffcde68c7a1839a55bb240a6c42a13062dfc215c902c32ad72c036', '2026-11-28 20:36:59.750496+00', 600000000, NULL);


--
-- Data for Name: keeper; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keeper VALUES (true, NULL, NULL, NULL, NULL);


--
-- Data for Name: kept; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: keys; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keys VALUES ('k1', '\x3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6', '2026-11-28 20:36:59.775113+00');


--
-- Data for Name: known_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.known_tokens VALUES (1, '\xb5afe3e0274febf0cd61981a33ab2c15b074989a8c2d88c000103d1bb1d82c1d', '2026-11-28 20:37:01.830246+00');
INSERT INTO klarna_worker.known_tokens VALUES (2, '\x791249e67acba14dc6297ec42223678d7eb029cb62f7701227c1d06a70284528', '2026-11-28 20:37:02.910248+00');
INSERT INTO klarna_worker.known_tokens VALUES (3, '\x7bd51aa8ed6b27824813305c19a3f21fab1cd48e13cb384ddfc79457776b6745', '2026-11-28 20:37:03.986419+00');
INSERT INTO klarna_worker.known_tokens VALUES (4, '\xdd283f438bd6713d53470b29cb66f036569270078bfbda0234c49adcca270fad', '2026-11-28 20:37:05.143168+00');
INSERT INTO klarna_worker.known_tokens VALUES (1, '\xe01fc861e2dc8983c4db8760da67ebe57110906b65949e44ebb0ac6baf54ef72', '2026-11-28 20:37:05.364051+00');
INSERT INTO klarna_worker.known_tokens VALUES (1, '\xdc82ff28e5135139ec4aaa0f0ab6949fe44833cd197aabb1703ea395e40bc9e4', '2026-11-28 20:37:08.220706+00');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.migrations VALUES (1, 'baseline', '2026-11-28 20:36:58.83845+00', true, '\xc7d25823fbc4f797fe5da27e90d0d97052c26f09232a12d46bad00065a8286481df522e52db119e762446ab0918523c9', 596140253);


--
-- Data for Name: order_attempts; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.order_attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a223e0-b135-7313-bc58-6ec365fa58b3', '2026-11-28 20:37:37.757405+00', '01a223e0-1d24-73d8-b520-9da70a386b6b', false, '{"code":"klarna_refused_order","message":"Klarna refused the order (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"42aa3d77-6802-4126-99e5-98b47b6cb3a2"}');


--
-- Data for Name: orders; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.orders VALUES ('01a223e0-3217-7a36-a351-745f46fabe11', 'shop', 'alma', 'cart-1', '\xa84a92d063e4ecbba870c682cf1017571d087bd156fb1b0f507c18ead45be82c', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-28 20:37:05.179114+00', '2026-11-28 20:37:05.179114+00', '2026-11-28 20:47:05.179114+00', '2026-11-28 20:37:05.255265+00', '2026-11-28 20:37:05.416369+00', NULL, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '967bd9fb-a18c-4f5f-88cd-f7b6ae5f69e5', '<div id="klarna-checkout-container" data-order-id="967bd9fb-a18c-4f5f-88cd-f7b6ae5f69e5" style="overflow-x: hidden;"></div>', '191ac003-05b3-49aa-a8e6-f67c5ee6263c', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a223e0-3d73-7768-b999-cf71b9ae42fa', 'shop', 'alma', 'cart-2', '\xa84a92d063e4ecbba870c682cf1017571d087bd156fb1b0f507c18ead45be82c', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-28 20:37:08.09038+00', '2026-11-28 20:37:08.09038+00', '2026-11-28 20:47:08.09038+00', '2026-11-28 20:37:08.129177+00', '2026-11-28 20:37:08.256832+00', NULL, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '6905e468-b45a-492d-bf35-7364077c9394', '<div id="klarna-checkout-container" data-order-id="6905e468-b45a-492d-bf35-7364077c9394" style="overflow-x: hidden;"></div>', '0040d4c4-40a7-4eb1-be97-b0814632d6d5', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a223e0-5cff-7a51-a9ce-9612d184513f', 'shop', 'never', 'cart-3', '\xf031ff1e420f319826d779f196b6017de5288c34b057b765a575544d7af4400e', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-28 20:37:16.222448+00', '2026-11-28 20:37:16.222448+00', '2026-11-28 20:47:16.222448+00', '2026-11-28 20:37:16.299428+00', '2026-11-28 20:37:16.552867+00', NULL, 1, 1, 0, false, 'not_registered', '[]', '0df5bf74-3324-4afe-b693-53ac3d231bc3', '<div id="klarna-checkout-container" data-order-id="0df5bf74-3324-4afe-b693-53ac3d231bc3" style="overflow-x: hidden;"></div>', '993b694b-d115-4c4c-a064-0ae7fc43269b', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a223e0-89cf-7659-975f-1655dee81284', 'shop', 'revoked', 'cart-4', '\x90f109cf667eb2fd8fbe9b054ddeba39024c4019a4366f0f6fae4642d4af5f0b', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-28 20:37:27.634348+00', '2026-11-28 20:37:27.634348+00', '2026-11-28 20:47:27.634348+00', '2026-11-28 20:37:27.742829+00', '2026-11-28 20:37:28.250595+00', NULL, 1, 1, 0, false, 'reauth_required', '[]', '2ba725c2-b042-401b-8a78-5fb98da4739c', '<div id="klarna-checkout-container" data-order-id="2ba725c2-b042-401b-8a78-5fb98da4739c" style="overflow-x: hidden;"></div>', '71fe2f2c-46c6-4725-9383-17e1b21048b3', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a223e0-a79b-78e4-aa29-26fd2197737c', 'shop', 'lost', 'cart-5', '\xeab170751e0d813996bbfc2e01271c66f26ec949f51c9bd4d3dc6cb22fadf4ba', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-28 20:37:35.274625+00', '2026-11-28 20:37:35.274625+00', '2026-11-28 20:47:35.274625+00', '2026-11-28 20:37:35.286629+00', '2026-11-28 20:37:35.431584+00', NULL, 1, 1, 0, false, 'uncertain', '[]', '2589580d-e00c-4800-9bfa-d7bf7de91af7', '<div id="klarna-checkout-container" data-order-id="2589580d-e00c-4800-9bfa-d7bf7de91af7" style="overflow-x: hidden;"></div>', '56244811-1e83-4cfb-86d0-bb085a442bcc', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a223e0-b135-7313-bc58-6ec365fa58b3', 'shop', 'never', 'cart-6', '\xf031ff1e420f319826d779f196b6017de5288c34b057b765a575544d7af4400e', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'failed', '2026-11-28 20:37:37.719174+00', '2026-11-28 20:37:37.719174+00', '2026-11-28 20:47:37.719174+00', '2026-11-28 20:37:37.729048+00', '2026-11-28 20:37:37.757405+00', NULL, 1, 1, 0, false, 'not_registered', NULL, NULL, NULL, NULL, '{"code":"klarna_refused_order","message":"Klarna refused the order (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"42aa3d77-6802-4126-99e5-98b47b6cb3a2"}');
INSERT INTO klarna_worker.orders VALUES ('01a223e0-b7bc-703a-86cd-c5663ca58230', 'shop', 'alma', 'cart-7', '\xa8a24ae81513992f8a5ec6711a8f4a97ab31773e227f717d7098ce86635a244b', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'queued', '2026-11-28 20:37:39.395722+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, NULL, NULL, 0, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO klarna_worker.orders VALUES ('01a223e0-ba57-7faf-80a9-58473f58d68f', 'shop', 'alma', 'cart-8', '\xa8a24ae81513992f8a5ec6711a8f4a97ab31773e227f717d7098ce86635a244b', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'cancelled', '2026-11-28 20:37:40.057885+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, '2026-11-28 20:37:40.975749+00', NULL, 0, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bo', 1, 1, 'active', NULL, '\x01026b311fba86cd5390c1fc9bb0d7228f64d9ae1e7924dd8ab22739de315dfa07805f54cd7333e690e8c46b47922a919fb4f4868fe60b667eca4dd55de880b63fd2ae58b14d4e99f6f8143d1075f2fae53bc55e1acaa2439dc91f1839ad', '2026-11-28 20:37:02.859274+00', '2027-01-27 20:37:02.859274+00', NULL, NULL, '2026-11-28 20:37:02.89439+00', '2027-01-02 08:52:30.807821+00', 1, 0, NULL, '2026-11-28 20:37:02.859274+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'alma', 3, 1, 'active', NULL, '\x01026b3107edea58a95a99c122d669b5fb4af22a936a846ecf6f6e696b1cd58595374fff38fa344425b487dac08da3b0d37b0e7487a30e3cde41607026eee65f01e2c2225a1164e4add2eeefc658ad54e60691e6ac1f0548ac389a13e078', '2026-11-28 20:37:08.196379+00', '2027-01-27 20:37:08.196379+00', '01a223e0-3dba-75ca-a8e7-77e48a5069a9', '\x32be44ecf0cd277db54a7964f0a9519b7c78c7cca41e7bca6f06ca5d01b33b01', '2026-11-28 20:37:08.220413+00', '2027-01-02 05:24:08.677259+00', 3, 0, NULL, '2026-11-28 20:37:08.220413+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'revoked', 1, 1, 'reauth_required', 'rejected', '\x01026b31458a1f6bcaf993bcc9ae6e17ac71201ceac99ed8a3e7ed937bdb0d529922d5962e8343e974d5ac88657aa3a571be5ac1ec4aed74f54398226925bd0d9658cfdd5c62f8ed7d247939da31304ec5a9fe3dc91c652e20b6e84e2219', '2026-11-28 20:37:03.938866+00', '2027-01-27 20:37:03.938866+00', NULL, NULL, '2026-11-28 20:37:27.938649+00', NULL, 1, 0, NULL, '2026-11-28 20:37:03.938866+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'lost', 1, 1, 'uncertain', NULL, '\x01026b316533d1de2ffe1806cb88a14889216d75a7363ecc7398cd4a9c1bf3bc723dee2ec6d2c68811cee01c6ae2854177ac445e79d1ab6f145230b254d412d18e61a0ad3aee304d2dbf1e70a19b8ccd53a7696e3bc93f655852bee2cf5b', '2026-11-28 20:37:05.133305+00', '2027-01-27 20:37:05.133305+00', NULL, NULL, '2026-11-28 20:37:35.368661+00', NULL, 1, 0, NULL, '2026-11-28 20:37:05.133305+00');


--
-- Data for Name: webhook_endpoints; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_endpoints VALUES ('shop', '\x05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5', '2026-11-28 20:37:05.492207+00', NULL, NULL);


--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (1, '2af911f8-b249-47e5-a7ca-eff4937151da', 'shop', 'alma', '01a223e0-3217-7a36-a351-745f46fabe11', 'order.submitted', '{"order_id" : "01a223e0-3217-7a36-a351-745f46fabe11", "merchant" : "shop", "user" : "alma", "klarna_order_id" : "967bd9fb-a18c-4f5f-88cd-f7b6ae5f69e5", "token" : "fresh", "possible_duplicate" : false}', 'pending', '2026-11-28 20:37:05.416369+00', '2026-11-28 20:38:14.372127+00', '2026-12-01 20:37:05.416369+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (2, '3b692975-4d81-44e3-b4f4-1e5138b0779f', 'shop', 'alma', '01a223e0-3d73-7768-b999-cf71b9ae42fa', 'order.submitted', '{"order_id" : "01a223e0-3d73-7768-b999-cf71b9ae42fa", "merchant" : "shop", "user" : "alma", "klarna_order_id" : "6905e468-b45a-492d-bf35-7364077c9394", "token" : "fresh", "possible_duplicate" : false}', 'pending', '2026-11-28 20:37:08.256832+00', '2026-11-28 20:38:11.845512+00', '2026-12-01 20:37:08.256832+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (3, '7721f7d1-5f98-4c77-99bb-eff0630e9c4d', 'shop', 'never', '01a223e0-5cff-7a51-a9ce-9612d184513f', 'order.submitted', '{"order_id" : "01a223e0-5cff-7a51-a9ce-9612d184513f", "merchant" : "shop", "user" : "never", "klarna_order_id" : "0df5bf74-3324-4afe-b693-53ac3d231bc3", "token" : "not_registered", "possible_duplicate" : false}', 'pending', '2026-11-28 20:37:16.552867+00', '2026-11-28 20:38:23.05456+00', '2026-12-01 20:37:16.552867+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (5, '55857707-d632-4b34-90f3-b2158a224cdd', 'shop', 'revoked', '01a223e0-89cf-7659-975f-1655dee81284', 'order.submitted', '{"order_id" : "01a223e0-89cf-7659-975f-1655dee81284", "merchant" : "shop", "user" : "revoked", "klarna_order_id" : "2ba725c2-b042-401b-8a78-5fb98da4739c", "token" : "reauth_required", "possible_duplicate" : false}', 'pending', '2026-11-28 20:37:28.250595+00', '2026-11-28 20:38:37.174514+00', '2026-12-01 20:37:28.250595+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (4, '0d761b34-1810-4435-ac36-9ea11baeabfb', 'shop', 'revoked', NULL, 'token.reauth_required', '{"merchant" : "shop", "user" : "revoked", "reason" : "rejected"}', 'pending', '2026-11-28 20:37:27.938649+00', '2026-11-28 20:38:28.768287+00', '2026-12-01 20:37:27.938649+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (6, 'a810b2d1-2e36-45a1-9202-204d21c7d2ec', 'shop', 'lost', '01a223e0-a79b-78e4-aa29-26fd2197737c', 'order.submitted', '{"order_id" : "01a223e0-a79b-78e4-aa29-26fd2197737c", "merchant" : "shop", "user" : "lost", "klarna_order_id" : "2589580d-e00c-4800-9bfa-d7bf7de91af7", "token" : "uncertain", "possible_duplicate" : false}', 'pending', '2026-11-28 20:37:35.431584+00', '2026-11-28 20:37:41.004628+00', '2026-12-01 20:37:35.431584+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (7, '18db34c0-9fea-45c8-b8a0-6b3204f39ddc', 'shop', 'never', '01a223e0-b135-7313-bc58-6ec365fa58b3', 'order.failed', '{"order_id" : "01a223e0-b135-7313-bc58-6ec365fa58b3", "merchant" : "shop", "user" : "never", "code" : "klarna_refused_order", "token" : "not_registered", "possible_duplicate" : false}', 'pending', '2026-11-28 20:37:37.757405+00', '2026-11-28 20:37:42.537067+00', '2026-12-01 20:37:37.757405+00', NULL, 1, 1, 'not sent: connection refused');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.workers VALUES ('01a223e0-1d24-73d8-b520-9da70a386b6b', '01a223e0-1d15-72df-8d79-b6cda26d2725', 'vm/4680', '2026-11-28 20:36:59.856363+00', '2026-11-28 20:37:39.964373+00', '2026-11-28 20:37:41.013442+00');


--
-- Name: order_attempts_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.order_attempts_seq_seq', 1, true);


--
-- Name: tokens_id_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.tokens_id_seq', 4, true);


--
-- Name: webhooks_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.webhooks_seq_seq', 7, true);


--
-- Name: exchanges exchanges_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.exchanges
    ADD CONSTRAINT exchanges_pkey PRIMARY KEY (id);


--
-- Name: exchanges exchanges_token_id_generation_presentation_key; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.exchanges
    ADD CONSTRAINT exchanges_token_id_generation_presentation_key UNIQUE (token_id, generation, presentation);


--
-- Name: installation installation_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (one);


--
-- Name: keeper keeper_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.keeper
    ADD CONSTRAINT keeper_pkey PRIMARY KEY (one);


--
-- Name: kept kept_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.kept
    ADD CONSTRAINT kept_pkey PRIMARY KEY (purpose_ref);


--
-- Name: keys keys_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (name);


--
-- Name: known_tokens known_tokens_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.known_tokens
    ADD CONSTRAINT known_tokens_pkey PRIMARY KEY (token_id, hash);


--
-- Name: migrations migrations_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (version);


--
-- Name: order_attempts order_attempts_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.order_attempts
    ADD CONSTRAINT order_attempts_pkey PRIMARY KEY (seq);


--
-- Name: orders orders_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);


--
-- Name: tokens tokens_merchant_user_id_key; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.tokens
    ADD CONSTRAINT tokens_merchant_user_id_key UNIQUE (merchant, user_id);


--
-- Name: tokens tokens_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);


--
-- Name: webhook_endpoints webhook_endpoints_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (merchant);


--
-- Name: webhooks webhooks_id_key; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.webhooks
    ADD CONSTRAINT webhooks_id_key UNIQUE (id);


--
-- Name: webhooks webhooks_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.webhooks
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (seq);


--
-- Name: workers workers_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);


--
-- Name: exchanges_open; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX exchanges_open ON klarna_worker.exchanges USING btree (holder) WHERE (outcome IS NULL);


--
-- Name: kept_token; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX kept_token ON klarna_worker.kept USING btree (token_id);


--
-- Name: order_attempts_order; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX order_attempts_order ON klarna_worker.order_attempts USING btree (order_id, seq);


--
-- Name: orders_due; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_due ON klarna_worker.orders USING btree (merchant, due_at, id) WHERE (status = 'queued'::text);


--
-- Name: orders_duplicate; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_duplicate ON klarna_worker.orders USING btree (id) WHERE possible_duplicate;


--
-- Name: orders_error; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_error ON klarna_worker.orders USING btree (id) WHERE (error IS NOT NULL);


--
-- Name: orders_idempotency; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE UNIQUE INDEX orders_idempotency ON klarna_worker.orders USING btree (merchant, idempotency_key) WHERE (idempotency_key IS NOT NULL);


--
-- Name: orders_next; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_next ON klarna_worker.orders USING btree (due_at) WHERE (status = 'queued'::text);


--
-- Name: orders_outcome; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_outcome ON klarna_worker.orders USING btree (status, id) INCLUDE (merchant, token_outcome);


--
-- Name: orders_running; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_running ON klarna_worker.orders USING btree (merchant, user_id) WHERE (status = 'running'::text);


--
-- Name: orders_user; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_user ON klarna_worker.orders USING btree (merchant, user_id, id);


--
-- Name: orders_wipe; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_wipe ON klarna_worker.orders USING btree (ended_at) WHERE ((ended_at IS NOT NULL) AND ((body IS NOT NULL) OR (html_snippet IS NOT NULL)));


--
-- Name: orders_worker; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_worker ON klarna_worker.orders USING btree (worker) WHERE (status = 'running'::text);


--
-- Name: tokens_due; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX tokens_due ON klarna_worker.tokens USING btree (((((expires_at AT TIME ZONE 'UTC'::text))::date - '1970-01-01'::date)), refresh_due_at, id) INCLUDE (expires_at) WHERE ((state = 'active'::text) AND (refresh_due_at IS NOT NULL));


--
-- Name: tokens_seen; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX tokens_seen ON klarna_worker.tokens USING btree (COALESCE(last_seen_at, updated_at)) WHERE (state <> 'forgotten'::text);


--
-- Name: tokens_state; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX tokens_state ON klarna_worker.tokens USING btree (merchant, state, user_id);


--
-- Name: tokens_uncertain; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX tokens_uncertain ON klarna_worker.tokens USING btree (id) WHERE (state = 'uncertain'::text);


--
-- Name: tokens_undated; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX tokens_undated ON klarna_worker.tokens USING btree (id) WHERE ((state = 'active'::text) AND (refresh_due_generation IS DISTINCT FROM generation));


--
-- Name: webhooks_due; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX webhooks_due ON klarna_worker.webhooks USING btree (merchant, due_at) WHERE (status = 'pending'::text);


--
-- Name: webhooks_ended; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX webhooks_ended ON klarna_worker.webhooks USING btree (ended_at) WHERE (ended_at IS NOT NULL);


--
-- Name: webhooks_user; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX webhooks_user ON klarna_worker.webhooks USING btree (merchant, user_id);


--
-- Name: workers_instance; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX workers_instance ON klarna_worker.workers USING btree (instance) WHERE (ended_at IS NULL);


--
-- Name: orders forget_attempts; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER forget_attempts AFTER UPDATE OF user_id ON klarna_worker.orders FOR EACH ROW WHEN ((old.user_id <> new.user_id)) EXECUTE FUNCTION klarna_worker.forget_attempts();


--
-- Name: orders note_attempt; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER note_attempt AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW WHEN (((old.status = 'running'::text) AND (new.status = ANY (ARRAY['queued'::text, 'failed'::text])) AND ((new.attempts > old.attempts) OR (new.lost_workers > old.lost_workers)))) EXECUTE FUNCTION klarna_worker.note_attempt();


--
-- Name: orders tell_of_order; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER tell_of_order AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW WHEN (((new.status = ANY (ARRAY['submitted'::text, 'failed'::text])) AND (old.status <> new.status))) EXECUTE FUNCTION klarna_worker.tell_of_order();


--
-- Name: tokens tell_of_token; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER tell_of_token AFTER UPDATE OF state ON klarna_worker.tokens FOR EACH ROW WHEN ((((new.state = 'reauth_required'::text) <> (old.state = 'reauth_required'::text)) AND (new.state = ANY (ARRAY['reauth_required'::text, 'active'::text])))) EXECUTE FUNCTION klarna_worker.tell_of_token();


--
-- Name: order_attempts order_attempts_order_id_fkey; Type: FK CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.order_attempts
    ADD CONSTRAINT order_attempts_order_id_fkey FOREIGN KEY (order_id) REFERENCES klarna_worker.orders(id) ON DELETE CASCADE;


--
-- Name: FUNCTION enqueue_order(merchant text, user_id text, body json, idempotency_key text, prefill boolean, not_before timestamp with time zone, deadline timestamp with time zone); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.enqueue_order(merchant text, user_id text, body json, idempotency_key text, prefill boolean, not_before timestamp with time zone, deadline timestamp with time zone) FROM PUBLIC;


--
-- Name: FUNCTION forget_attempts(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.forget_attempts() FROM PUBLIC;


--
-- Name: FUNCTION note_attempt(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.note_attempt() FROM PUBLIC;


--
-- Name: FUNCTION tell_of_order(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.tell_of_order() FROM PUBLIC;


--
-- Name: FUNCTION tell_of_token(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.tell_of_token() FROM PUBLIC;


--
-- PostgreSQL database dump complete
--


