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
    -- The ranges of the other ways in. A value beyond them could not be read back.
    IF char_length($1) NOT BETWEEN 1 AND 255 OR char_length($2) NOT BETWEEN 1 AND 255 THEN
        RAISE EXCEPTION 'merchant or user_id is empty or too long: write 1 to 255 characters'
            USING ERRCODE = 'string_data_right_truncation';
    END IF;
    IF $1 ~ E'[\\x01-\\x1f\\x7f-\\x9f]' OR $2 ~ E'[\\x01-\\x1f\\x7f-\\x9f]' THEN
        RAISE EXCEPTION 'merchant or user_id has a control character'
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF octet_length(written) > 983616 THEN
        RAISE EXCEPTION 'body is too large: it has % bytes, and Klarna takes at most 983616', octet_length(written)
            USING ERRCODE = 'program_limit_exceeded';
    END IF;
    IF $6 NOT BETWEEN '0001-01-01 00:00:00+00' AND '9998-12-31 23:59:59+00'
        OR $7 NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59+00' THEN
        RAISE EXCEPTION 'not_before or deadline is out of range: write a time before the year 9999'
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF $7 <= $6 THEN
        RAISE EXCEPTION 'deadline is not after not_before'
            USING ERRCODE = 'invalid_parameter_value';
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

INSERT INTO klarna_worker.exchanges VALUES ('01a224bc-2746-7794-aa55-d8114b05877d', 1, 1, 1, 'order', '01a224bc-26bb-7c29-b341-d6c20cc67bb2', '01a224bb-e482-76a0-a4b0-c819f1260542', '2026-11-29 00:37:20.351606+00', '2026-11-29 00:37:20.387529+00', 'rotated', false);
INSERT INTO klarna_worker.exchanges VALUES ('01a224bc-36d9-7290-a4cc-cb6c180707de', 1, 2, 1, 'order', '01a224bc-36b6-7ea8-ab8c-c6b883c99006', '01a224bb-e482-76a0-a4b0-c819f1260542', '2026-11-29 00:37:24.314603+00', '2026-11-29 00:37:24.363583+00', 'rotated', false);
INSERT INTO klarna_worker.exchanges VALUES ('01a224bc-4097-72bd-9013-9f3b819ecc28', 3, 1, 1, 'order', '01a224bc-4074-794d-8d5e-f29b9af2886b', '01a224bb-e482-76a0-a4b0-c819f1260542', '2026-11-29 00:37:26.811273+00', '2026-11-29 00:37:26.830323+00', 'rejected', false);
INSERT INTO klarna_worker.exchanges VALUES ('01a224bc-44fe-702d-8128-fe6b90c57d77', 4, 1, 1, 'order', '01a224bc-44ea-79e9-a54e-5eefc403ecdf', '01a224bb-e482-76a0-a4b0-c819f1260542', '2026-11-29 00:37:27.935812+00', '2026-11-29 00:37:27.947662+00', 'no_answer', true);


--
-- Data for Name: installation; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.installation VALUES (true, 'e2e', 1, '\x01026b3188d55adbb079927ac1598ee6b9ca7df23c2da6ad4cd326f0096fcadb15c198c6d20bdb5f86cf74c68905205c4a20dfa2660b77bb7cb7c31bd4584222aaf93d58015205c0c20e06d6', '2026-11-29 00:37:02.862351+00', 600000000, NULL);


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

INSERT INTO klarna_worker.keys VALUES ('k1', '\x3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6', '2026-11-29 00:37:02.987623+00');


--
-- Data for Name: known_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.known_tokens VALUES (1, '\xb0fa2601d24e2d874afc0f1761c14b891a14f0921a4778233a58c786b2ab303b', '2026-11-29 00:37:11.605411+00');
INSERT INTO klarna_worker.known_tokens VALUES (2, '\xa7515060757fd04bc544431c1597aad2aa8a53351da6806ceb2a2befb9680d64', '2026-11-29 00:37:14.132371+00');
INSERT INTO klarna_worker.known_tokens VALUES (3, '\x6b2bf0dff404d33b291e4f3bc455bb825bcda0d0d4b7975e9857551aa656c8ff', '2026-11-29 00:37:16.218274+00');
INSERT INTO klarna_worker.known_tokens VALUES (4, '\x84b3bd4cdbd361e7ca8a441c6b32bbd023a20dafbc36f9f74ee253070c39d7e2', '2026-11-29 00:37:20.043674+00');
INSERT INTO klarna_worker.known_tokens VALUES (1, '\x15e28b974a5c2bff422fac0d7a58b12fff06d7dd8ce8faceea629863ae6d9751', '2026-11-29 00:37:20.362679+00');
INSERT INTO klarna_worker.known_tokens VALUES (1, '\x4eb8397ac55bcac57752548d3e9cd850d3b0373a271d578f3d76c23fcc6f7008', '2026-11-29 00:37:24.334245+00');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.migrations VALUES (1, 'baseline', '2026-11-29 00:36:59.054475+00', true, '\x02018297416c7040451b694d311f702b0302c77dabb2a395457f0bbf342e89a204e59cb12f4110b8226aded3a00c6cc1', 2423962646);


--
-- Data for Name: order_attempts; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.order_attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a224bc-4958-7d74-b720-86e8b40572c9', '2026-11-29 00:37:29.06819+00', '01a224bb-e482-76a0-a4b0-c819f1260542', false, '{"code":"klarna_refused_order","message":"Klarna refused the order (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"6f95b76a-f778-4471-8236-795de5de02f6"}');


--
-- Data for Name: orders; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.orders VALUES ('01a224bc-26bb-7c29-b341-d6c20cc67bb2', 'shop', 'alma', 'cart-1', '\xa84a92d063e4ecbba870c682cf1017571d087bd156fb1b0f507c18ead45be82c', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-29 00:37:20.188635+00', '2026-11-29 00:37:20.188635+00', '2026-11-29 00:47:20.188635+00', '2026-11-29 00:37:20.22323+00', '2026-11-29 00:37:20.452707+00', NULL, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', 'f1cc0385-63c0-4e24-a22f-c09489d73fc5', '<div id="klarna-checkout-container" data-order-id="f1cc0385-63c0-4e24-a22f-c09489d73fc5" style="overflow-x: hidden;"></div>', '672d4fc5-0617-46d4-a0d4-2a27ac5a0c5a', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a224bc-36b6-7ea8-ab8c-c6b883c99006', 'shop', 'alma', 'cart-2', '\xa84a92d063e4ecbba870c682cf1017571d087bd156fb1b0f507c18ead45be82c', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-29 00:37:24.294466+00', '2026-11-29 00:37:24.294466+00', '2026-11-29 00:47:24.294466+00', '2026-11-29 00:37:24.307816+00', '2026-11-29 00:37:24.391397+00', NULL, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', 'c08e68b9-fcb5-4302-b34d-80347073b9ed', '<div id="klarna-checkout-container" data-order-id="c08e68b9-fcb5-4302-b34d-80347073b9ed" style="overflow-x: hidden;"></div>', '5a89f53d-dd86-437c-bfa1-9516b439c143', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a224bc-3c0b-71d2-bfa0-1698d8c09484', 'shop', 'never', 'cart-3', '\xf031ff1e420f319826d779f196b6017de5288c34b057b765a575544d7af4400e', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-29 00:37:25.646518+00', '2026-11-29 00:37:25.646518+00', '2026-11-29 00:47:25.646518+00', '2026-11-29 00:37:25.651148+00', '2026-11-29 00:37:25.667381+00', NULL, 1, 1, 0, false, 'not_registered', '[]', 'fcdeb465-2a4a-4c45-b995-d9709d1e02ae', '<div id="klarna-checkout-container" data-order-id="fcdeb465-2a4a-4c45-b995-d9709d1e02ae" style="overflow-x: hidden;"></div>', '2aeb5509-6dc0-4aab-a1b4-79b46933549d', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a224bc-4074-794d-8d5e-f29b9af2886b', 'shop', 'revoked', 'cart-4', '\x90f109cf667eb2fd8fbe9b054ddeba39024c4019a4366f0f6fae4642d4af5f0b', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-29 00:37:26.774498+00', '2026-11-29 00:37:26.774498+00', '2026-11-29 00:47:26.774498+00', '2026-11-29 00:37:26.791276+00', '2026-11-29 00:37:26.840157+00', NULL, 1, 1, 0, false, 'reauth_required', '[]', '2ad4e408-a407-475b-bc0e-c6825c55044e', '<div id="klarna-checkout-container" data-order-id="2ad4e408-a407-475b-bc0e-c6825c55044e" style="overflow-x: hidden;"></div>', 'd64f8f87-bf2d-409f-9fd6-285f13b06182', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a224bc-44ea-79e9-a54e-5eefc403ecdf', 'shop', 'lost', 'cart-5', '\xeab170751e0d813996bbfc2e01271c66f26ec949f51c9bd4d3dc6cb22fadf4ba', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'submitted', '2026-11-29 00:37:27.918979+00', '2026-11-29 00:37:27.918979+00', '2026-11-29 00:47:27.918979+00', '2026-11-29 00:37:27.926744+00', '2026-11-29 00:37:27.965581+00', NULL, 1, 1, 0, false, 'uncertain', '[]', '42f51595-7957-413a-badd-2205a34598f6', '<div id="klarna-checkout-container" data-order-id="42f51595-7957-413a-badd-2205a34598f6" style="overflow-x: hidden;"></div>', 'b35d0e06-cfb6-4468-8446-883c8358ec1f', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a224bc-4958-7d74-b720-86e8b40572c9', 'shop', 'never', 'cart-6', '\xf031ff1e420f319826d779f196b6017de5288c34b057b765a575544d7af4400e', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'failed', '2026-11-29 00:37:29.049596+00', '2026-11-29 00:37:29.049596+00', '2026-11-29 00:47:29.049596+00', '2026-11-29 00:37:29.053603+00', '2026-11-29 00:37:29.06819+00', NULL, 1, 1, 0, false, 'not_registered', NULL, NULL, NULL, NULL, '{"code":"klarna_refused_order","message":"Klarna refused the order (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"6f95b76a-f778-4471-8236-795de5de02f6"}');
INSERT INTO klarna_worker.orders VALUES ('01a224bc-4db3-747d-b4db-d56d0e277e8c', 'shop', 'alma', 'cart-7', '\xa8a24ae81513992f8a5ec6711a8f4a97ab31773e227f717d7098ce86635a244b', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'queued', '2026-11-29 00:37:30.166378+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, NULL, NULL, 0, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO klarna_worker.orders VALUES ('01a224bc-4f39-744b-bb7e-d79ac5e5b79e', 'shop', 'alma', 'cart-8', '\xa8a24ae81513992f8a5ec6711a8f4a97ab31773e227f717d7098ce86635a244b', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', NULL, false, NULL, 'cancelled', '2026-11-29 00:37:30.558543+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, '2026-11-29 00:37:30.982128+00', NULL, 0, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bo', 1, 1, 'active', NULL, '\x01026b31c902144242eff12305420956a80c4c7bec29a4477663d8ae9770e1a11d961d00a960db9d10b0aa795b0369ccaccba4ab3936b1246962a84c1a4ab039da8625345e4def9cd800cdc23aa77738fdedc3610b0ca84c81280cbe79d1', '2026-11-29 00:37:14.099081+00', '2027-01-28 00:37:14.099081+00', NULL, NULL, '2026-11-29 00:37:14.132086+00', '2027-01-02 12:52:42.047628+00', 1, 0, NULL, '2026-11-29 00:37:14.099081+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'alma', 3, 1, 'active', NULL, '\x01026b312fef2a84aabf99d1f2615e470aaa18d7b0df7c15cbfc8321476b61a447515e6de9e179c77a6f5067f6207b6525bcb8862b3c292941a2861f758ea0455eb21569bcde7a90d4c4cf1a14020ecd24d5662ca58d1036415d523410a5', '2026-11-29 00:37:24.334245+00', '2027-01-28 00:37:24.334245+00', '01a224bc-36d9-7290-a4cc-cb6c180707de', '\x3ac4bc6c57636b9b35f8a47cd31cba0f9e68bbd7c0c8b718935d9db62cba24a2', '2026-11-29 00:37:24.36339+00', '2027-01-02 09:24:24.815125+00', 3, 0, NULL, '2026-11-29 00:37:24.36339+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'revoked', 1, 1, 'reauth_required', 'rejected', '\x01026b318c293d335ca7bac01bfe5a06e5bfaa811ad942d33822970a155cd2a62f1083e52f5b576aa1ef8a27d762d08b12a33f0965331251d71bc607446a016f6eed277387373ea4f23353c87033ad6b28b007623d4adaad2a9b412e4747', '2026-11-29 00:37:16.215113+00', '2027-01-28 00:37:16.215113+00', NULL, NULL, '2026-11-29 00:37:26.820832+00', NULL, 1, 0, NULL, '2026-11-29 00:37:16.215113+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'lost', 1, 1, 'uncertain', NULL, '\x01026b310cc06cc8df48be68803d8a58fb2ada3b96c889faa80f91e0026a0f151a859b6468bcb2753a1b57870922132ee3617f151d064b1e7a76f62b8ec0abdf05b0a576f5e53c196b213ec9819ddff585db152ab55d7d6c0b883abfc37f', '2026-11-29 00:37:19.943242+00', '2027-01-28 00:37:19.943242+00', NULL, NULL, '2026-11-29 00:37:27.942683+00', NULL, 1, 0, NULL, '2026-11-29 00:37:19.943242+00');


--
-- Data for Name: webhook_endpoints; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_endpoints VALUES ('shop', '\x05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5', '2026-11-29 00:37:20.542416+00', NULL, NULL);


--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (1, '0fea3b91-16e1-4183-8bf5-e1ceb5766495', 'shop', 'alma', '01a224bc-26bb-7c29-b341-d6c20cc67bb2', 'order.submitted', '{"order_id" : "01a224bc-26bb-7c29-b341-d6c20cc67bb2", "merchant" : "shop", "user" : "alma", "klarna_order_id" : "f1cc0385-63c0-4e24-a22f-c09489d73fc5", "token" : "fresh", "possible_duplicate" : false}', 'pending', '2026-11-29 00:37:20.452707+00', '2026-11-29 00:38:20.520336+00', '2026-12-02 00:37:20.452707+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (5, '1f07fc44-b099-42da-85d5-40798f65686a', 'shop', 'revoked', '01a224bc-4074-794d-8d5e-f29b9af2886b', 'order.submitted', '{"order_id" : "01a224bc-4074-794d-8d5e-f29b9af2886b", "merchant" : "shop", "user" : "revoked", "klarna_order_id" : "2ad4e408-a407-475b-bc0e-c6825c55044e", "token" : "reauth_required", "possible_duplicate" : false}', 'pending', '2026-11-29 00:37:26.840157+00', '2026-11-29 00:37:31.630885+00', '2026-12-02 00:37:26.840157+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (4, 'c564e0a3-d9eb-4811-be34-7f9364224f56', 'shop', 'revoked', NULL, 'token.reauth_required', '{"merchant" : "shop", "user" : "revoked", "reason" : "rejected"}', 'pending', '2026-11-29 00:37:26.820832+00', '2026-11-29 00:37:32.033782+00', '2026-12-02 00:37:26.820832+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (6, 'a3aa12bb-7543-4655-802a-b356789daeda', 'shop', 'lost', '01a224bc-44ea-79e9-a54e-5eefc403ecdf', 'order.submitted', '{"order_id" : "01a224bc-44ea-79e9-a54e-5eefc403ecdf", "merchant" : "shop", "user" : "lost", "klarna_order_id" : "42f51595-7957-413a-badd-2205a34598f6", "token" : "uncertain", "possible_duplicate" : false}', 'pending', '2026-11-29 00:37:27.965581+00', '2026-11-29 00:37:32.637854+00', '2026-12-02 00:37:27.965581+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (7, '56a0ecaf-40f6-48e7-a503-07ae204ea4b3', 'shop', 'never', '01a224bc-4958-7d74-b720-86e8b40572c9', 'order.failed', '{"order_id" : "01a224bc-4958-7d74-b720-86e8b40572c9", "merchant" : "shop", "user" : "never", "code" : "klarna_refused_order", "token" : "not_registered", "possible_duplicate" : false}', 'pending', '2026-11-29 00:37:29.06819+00', '2026-11-29 00:37:34.234096+00', '2026-12-02 00:37:29.06819+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (2, 'eaede5bc-b27c-41ae-94a5-09e8313f3fd3', 'shop', 'alma', '01a224bc-36b6-7ea8-ab8c-c6b883c99006', 'order.submitted', '{"order_id" : "01a224bc-36b6-7ea8-ab8c-c6b883c99006", "merchant" : "shop", "user" : "alma", "klarna_order_id" : "c08e68b9-fcb5-4302-b34d-80347073b9ed", "token" : "fresh", "possible_duplicate" : false}', 'pending', '2026-11-29 00:37:24.391397+00', '2026-11-29 00:38:24.288512+00', '2026-12-02 00:37:24.391397+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (3, 'a58ca043-5701-41b8-9e99-67d60ef83cd4', 'shop', 'never', '01a224bc-3c0b-71d2-bfa0-1698d8c09484', 'order.submitted', '{"order_id" : "01a224bc-3c0b-71d2-bfa0-1698d8c09484", "merchant" : "shop", "user" : "never", "klarna_order_id" : "fcdeb465-2a4a-4c45-b995-d9709d1e02ae", "token" : "not_registered", "possible_duplicate" : false}', 'pending', '2026-11-29 00:37:25.667381+00', '2026-11-29 00:37:30.998654+00', '2026-12-02 00:37:25.667381+00', NULL, 2, 1, 'not sent: connection refused');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.workers VALUES ('01a224bb-e482-76a0-a4b0-c819f1260542', '01a224bb-e440-7713-9412-1ce17bc96443', 'vm/28191', '2026-11-29 00:37:03.402327+00', '2026-11-29 00:37:29.638308+00', '2026-11-29 00:37:31.006641+00');


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


