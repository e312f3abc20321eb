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
-- Name: enqueue_order(text, text, json, text, boolean, timestamp with time zone, timestamp with time zone, text); Type: FUNCTION; Schema: klarna_worker; Owner: -
--

CREATE FUNCTION klarna_worker.enqueue_order(merchant text, user_id text, body json, idempotency_key text DEFAULT NULL::text, prefill boolean DEFAULT NULL::boolean, not_before timestamp with time zone DEFAULT NULL::timestamp with time zone, deadline timestamp with time zone DEFAULT NULL::timestamp with time zone, target text DEFAULT NULL::text) RETURNS uuid
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
    IF $8 NOT IN ('checkout', 'payments') THEN
        RAISE EXCEPTION 'target is %: write checkout or payments, or leave it out', quote_literal($8)
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOREACH part IN ARRAY ARRAY[
        convert_to($1, 'UTF8'), convert_to($2, 'UTF8'), convert_to(written, 'UTF8'),
        CASE $5 WHEN true THEN '\x01'::bytea WHEN false THEN '\x00'::bytea END,
        int8send((extract(epoch FROM $6) * 1000000)::bigint),
        int8send((extract(epoch FROM $7) * 1000000)::bigint),
        convert_to($8, 'UTF8')]
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
            (id, merchant, user_id, idempotency_key, digest, body, target, prefill, unchecked,
            accepted_at, due_at, deadline_at)
        SELECT order_id, $1, $2, $4, digest, written, $8, $5, true, now, greatest(now, $6),
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
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                CASE NEW.target WHEN 'payments' THEN 'session_id' ELSE 'klarna_order_id' END, NEW.klarna_id,
                'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate)
            ELSE json_build_object(
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
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
-- Name: cached_tokens; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.cached_tokens (
    purpose_ref uuid NOT NULL,
    token_id bigint NOT NULL,
    sealed bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    good_until timestamp with time zone NOT NULL
);


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
    provider bytea,
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
    target text,
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
    klarna_id text,
    result text,
    correlation_id text,
    error text,
    CONSTRAINT orders_check CHECK (((status = 'running'::text) = (worker IS NOT NULL))),
    CONSTRAINT orders_check1 CHECK (((status = ANY (ARRAY['submitted'::text, 'failed'::text, 'cancelled'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT orders_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'submitted'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT orders_target_check CHECK ((target = ANY (ARRAY['checkout'::text, 'payments'::text])))
);


--
-- Name: providers; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.providers (
    merchant text NOT NULL,
    provider bytea NOT NULL,
    proven boolean DEFAULT false NOT NULL,
    stopped_at timestamp with time zone,
    rejections bigint DEFAULT 0 NOT NULL,
    probes bigint DEFAULT 0 NOT NULL,
    probe_at timestamp with time zone,
    CONSTRAINT providers_check CHECK (((stopped_at IS NULL) = (probe_at IS NULL)))
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
    provider bytea,
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
    heartbeat_at timestamp with time zone NOT NULL,
    beats bigint DEFAULT 1 NOT NULL,
    ended_at timestamp with time zone
);


--
-- Data for Name: cached_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.exchanges VALUES ('01a22632-729a-7712-8c16-172a9df8b5e8', 1, 1, 1, 'order', '01a22632-71cd-7fed-9f8b-a913c754c7fc', '01a22632-5b7a-7400-8e5b-700a1f474bcd', '2026-11-29 07:26:10.096734+00', '2026-11-29 07:26:10.154454+00', 'rotated', false, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22632-7e04-70f4-b9bf-a1a4399b318b', 1, 2, 1, 'order', '01a22632-7db0-7db7-89eb-32d8bcd08145', '01a22632-5b7a-7400-8e5b-700a1f474bcd', '2026-11-29 07:26:12.999829+00', '2026-11-29 07:26:13.030207+00', 'rotated', false, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22632-9670-73f6-a03c-4cd39c633840', 3, 1, 1, 'order', '01a22632-9628-7bf3-ae58-7b16b3aafade', '01a22632-5b7a-7400-8e5b-700a1f474bcd', '2026-11-29 07:26:19.250172+00', '2026-11-29 07:26:19.30097+00', 'rejected', false, '\x5e2ddf9b6507d78140a962d6a5c088c2');
INSERT INTO klarna_worker.exchanges VALUES ('01a22632-a3fc-70fd-8a52-5cd56ee5d5f2', 4, 1, 1, 'order', '01a22632-a3bc-7527-bb49-4a88d4725916', '01a22632-5b7a-7400-8e5b-700a1f474bcd', '2026-11-29 07:26:22.718157+00', '2026-11-29 07:26:22.76697+00', 'no_answer', true, NULL);


--
-- Data for Name: installation; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.installation VALUES (true, 'e2e', 1, '\x01026b315d7caa97a5dbd9be179dcf5067e160ef813ca7e265e3edac2b0876111e0efaaf040a25acd3cada2fcda439bc92a1782e5f6e45ada813cfae85eea4cda9d59c9d6202edaa51f3b4b4', '2026-11-29 07:26:04.094847+00', 600000000, NULL);


--
-- Data for Name: keeper; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keeper VALUES (true, NULL, NULL, NULL, NULL);


--
-- Data for Name: keys; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keys VALUES ('k1', '\x3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6', '2026-11-29 07:26:04.106825+00');


--
-- Data for Name: known_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.known_tokens VALUES (1, '\x097757dba7e7924647c7c8c9e5747cc8d78fd3e52a420cd85bb6f9ff1a9dc47a', '2026-11-29 07:26:06.193337+00');
INSERT INTO klarna_worker.known_tokens VALUES (2, '\xc405a0e4a728838e83fae2f6d1d9d95be905cd90723018a31258c9c6b6b86246', '2026-11-29 07:26:07.293906+00');
INSERT INTO klarna_worker.known_tokens VALUES (3, '\x08a614e8bf7ac91b7b2e2c1e528850618cc83b605a034fc6ecb494235deab161', '2026-11-29 07:26:08.542789+00');
INSERT INTO klarna_worker.known_tokens VALUES (4, '\x4a41ee42c861a8a99406d92644c6262b221d4aff969131d155ce673a06bd2742', '2026-11-29 07:26:09.776738+00');
INSERT INTO klarna_worker.known_tokens VALUES (1, '\x3843e12a4d33789291a1a4288a3ec4f81a31acd9d5e56f9eafb52235ed1ffdfe', '2026-11-29 07:26:10.11915+00');
INSERT INTO klarna_worker.known_tokens VALUES (1, '\x6dcb953be50900d1db9e13b925b790e41fac6ed6f1de292bf401edfa66564e5e', '2026-11-29 07:26:13.015643+00');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.migrations VALUES (1, 'baseline', '2026-11-29 07:26:03.390992+00', true, '\xdf0807312ebddad20b47e4188401290c74932a7cbb81da2707e3717c163751809118f899edfa32f7de4ac3ab85ebedb9', 444529791);


--
-- Data for Name: order_attempts; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.order_attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a22632-b395-7b95-8f56-894a912a7278', '2026-11-29 07:26:26.78803+00', '01a22632-5b7a-7400-8e5b-700a1f474bcd', false, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"424106d0-93d6-4ba1-9469-ba40d08b4a7b"}');


--
-- Data for Name: orders; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.orders VALUES ('01a22632-71cd-7fed-9f8b-a913c754c7fc', 'shop', 'alma', 'cart-1', '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 07:26:09.880912+00', '2026-11-29 07:26:09.880912+00', '2026-11-29 07:36:09.880912+00', '2026-11-29 07:26:09.993295+00', '2026-11-29 07:26:10.267194+00', NULL, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '5e8a0b15-77aa-4f7f-ba2c-3cfd613169be', '<div id="klarna-checkout-container" data-order-id="5e8a0b15-77aa-4f7f-ba2c-3cfd613169be" style="overflow-x: hidden;"></div>', '8ad86d49-6cb0-46ee-8478-3ec493a648be', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a22632-7db0-7db7-89eb-32d8bcd08145', 'shop', 'alma', 'cart-2', '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 07:26:12.914569+00', '2026-11-29 07:26:12.914569+00', '2026-11-29 07:36:12.914569+00', '2026-11-29 07:26:12.9769+00', '2026-11-29 07:26:13.067867+00', NULL, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '372d69b6-e4fe-4925-b70c-c3f1cb9b0eee', '<div id="klarna-checkout-container" data-order-id="372d69b6-e4fe-4925-b70c-c3f1cb9b0eee" style="overflow-x: hidden;"></div>', '9afedfd2-4d5b-4819-9b07-09e061863df1', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a22632-891e-748f-8eed-be0006660c19', 'shop', 'never', 'cart-3', '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 07:26:15.838973+00', '2026-11-29 07:26:15.838973+00', '2026-11-29 07:36:15.838973+00', '2026-11-29 07:26:15.868966+00', '2026-11-29 07:26:15.932183+00', NULL, 1, 1, 0, false, 'not_registered', '[]', 'bee1f74a-7b29-41fb-997d-0c102944c0cf', '<div id="klarna-checkout-container" data-order-id="bee1f74a-7b29-41fb-997d-0c102944c0cf" style="overflow-x: hidden;"></div>', 'ad687783-e577-4c86-9ce7-4ca340dc3619', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a22632-9628-7bf3-ae58-7b16b3aafade', 'shop', 'revoked', 'cart-4', '\x0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 07:26:19.187151+00', '2026-11-29 07:26:19.187151+00', '2026-11-29 07:36:19.187151+00', '2026-11-29 07:26:19.236741+00', '2026-11-29 07:26:19.363628+00', NULL, 1, 1, 0, false, 'reauth_required', '[]', '2a95642f-0f76-4d1a-b2e0-73ddbab4f14c', '<div id="klarna-checkout-container" data-order-id="2a95642f-0f76-4d1a-b2e0-73ddbab4f14c" style="overflow-x: hidden;"></div>', 'c5cd75a5-65ca-41ac-ae75-15335fb927cf', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a22632-a3bc-7527-bb49-4a88d4725916', 'shop', 'lost', 'cart-5', '\x41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 07:26:22.662077+00', '2026-11-29 07:26:22.662077+00', '2026-11-29 07:36:22.662077+00', '2026-11-29 07:26:22.689143+00', '2026-11-29 07:26:22.807108+00', NULL, 1, 1, 0, false, 'uncertain', '[]', 'ae6c2bbd-45b7-4ae2-89ba-eaf187d271d5', '<div id="klarna-checkout-container" data-order-id="ae6c2bbd-45b7-4ae2-89ba-eaf187d271d5" style="overflow-x: hidden;"></div>', '70530605-dbe9-4a9c-accd-c118f2e25c3c', NULL);
INSERT INTO klarna_worker.orders VALUES ('01a22632-b395-7b95-8f56-894a912a7278', 'shop', 'never', 'cart-6', '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 'checkout', NULL, false, NULL, 'failed', '2026-11-29 07:26:26.720068+00', '2026-11-29 07:26:26.720068+00', '2026-11-29 07:36:26.720068+00', '2026-11-29 07:26:26.728035+00', '2026-11-29 07:26:26.78803+00', NULL, 1, 1, 0, false, 'not_registered', '[]', NULL, NULL, NULL, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"424106d0-93d6-4ba1-9469-ba40d08b4a7b"}');
INSERT INTO klarna_worker.orders VALUES ('01a22632-c207-7289-973b-efa827b9aa64', 'shop', 'alma', 'cart-7', '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 'checkout', NULL, false, NULL, 'queued', '2026-11-29 07:26:30.408277+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, NULL, NULL, 0, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO klarna_worker.orders VALUES ('01a22632-c679-7ff7-bb5b-09d8a610509a', 'shop', 'alma', 'cart-8', '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 'checkout', NULL, false, NULL, 'cancelled', '2026-11-29 07:26:31.563005+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, '2026-11-29 07:26:32.679583+00', NULL, 0, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL);


--
-- Data for Name: providers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.providers VALUES ('shop', '\x5e2ddf9b6507d78140a962d6a5c088c2', true, NULL, 0, 0, NULL);


--
-- Data for Name: tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bo', 1, 1, 'active', NULL, '\x01026b31debb44ce89e0974e6c5ffc2dd528e66fb994e5eb33ce1ebed075a9e4a95ce0a2ef6d5a48c69e2c28228c9ed4ce61c1853cac045c1ef1726c9150a0d1eb0a328a1d84d3ad212fbdb3360860308a8e99b7fa6494f19ef6f2a70ed9', '\x5e2ddf9b6507d78140a962d6a5c088c2', '2026-11-29 07:26:07.272259+00', '2027-01-28 07:26:07.272259+00', NULL, NULL, '2026-11-29 07:26:07.293217+00', '2027-01-02 19:41:35.220806+00', 1, 0, NULL, '2026-11-29 07:26:07.272259+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'alma', 3, 1, 'active', NULL, '\x01026b31431a5c0a277dbce172bd8821f57d20fbcefe44104f061e3005a2590b543cffdbe63738eb670c8514d2776f730d130c2da8ac21031cc7220d7c85fbf007a3dfac6c45df68fd211c37cfb1391e4d9bc7196cec467ac7cace213bf1', '\x5e2ddf9b6507d78140a962d6a5c088c2', '2026-11-29 07:26:13.015643+00', '2027-01-28 07:26:13.015643+00', '01a22632-7e04-70f4-b9bf-a1a4399b318b', '\x9736fe08818e1c31ce7680cf3d24a7fbf1530a3d9272eeea404f6f4de60c1f5e', '2026-11-29 07:26:13.029864+00', '2027-01-02 16:13:13.496523+00', 3, 0, NULL, '2026-11-29 07:26:13.029864+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'revoked', 1, 1, 'reauth_required', 'rejected', '\x01026b314317da9ff19fb0e15ab30956fc7a8eae9cdf0c0339b065ae81427bf35ee0b6cf1b2075be627aa4c31af2c30fdbd791a9cacdd14b677ab456079fafd3b34bde12dea87341b46cab7fc4a0b49d6e63d8bc8b00868f5bf81bc4ec35', '\x5e2ddf9b6507d78140a962d6a5c088c2', '2026-11-29 07:26:08.499818+00', '2027-01-28 07:26:08.499818+00', NULL, NULL, '2026-11-29 07:26:19.279929+00', NULL, 1, 0, NULL, '2026-11-29 07:26:08.499818+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'lost', 1, 1, 'uncertain', NULL, '\x01026b31c96e9584240d25e42829ae9a624ea382dc0fc5ba1b1bf5688af6d500585dc46590288a1bdaddb7ea003c834329d7b636a58bd59e339c9ef10d947e401db5aa5f08a0582b5819929f8836d252d8ef646a4fab99a19422bf5e7997', '\x5e2ddf9b6507d78140a962d6a5c088c2', '2026-11-29 07:26:09.75181+00', '2027-01-28 07:26:09.75181+00', NULL, NULL, '2026-11-29 07:26:22.751965+00', NULL, 1, 0, NULL, '2026-11-29 07:26:09.75181+00');


--
-- Data for Name: webhook_endpoints; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_endpoints VALUES ('shop', '\x05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5', '2026-11-29 07:26:10.331741+00', NULL, NULL);


--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (1, 'c9cca68b-2bec-4ce5-9836-69f61ba77426', 'shop', 'alma', '01a22632-71cd-7fed-9f8b-a913c754c7fc', 'order.submitted', '{"order_id" : "01a22632-71cd-7fed-9f8b-a913c754c7fc", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "5e8a0b15-77aa-4f7f-ba2c-3cfd613169be", "token" : "fresh", "possible_duplicate" : false}', 'pending', '2026-11-29 07:26:10.267194+00', '2026-11-29 07:27:18.740166+00', '2026-12-02 07:26:10.267194+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (2, '1a77a667-d68d-4fd9-9312-9719b239eee5', 'shop', 'alma', '01a22632-7db0-7db7-89eb-32d8bcd08145', 'order.submitted', '{"order_id" : "01a22632-7db0-7db7-89eb-32d8bcd08145", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "372d69b6-e4fe-4925-b70c-c3f1cb9b0eee", "token" : "fresh", "possible_duplicate" : false}', 'pending', '2026-11-29 07:26:13.067867+00', '2026-11-29 07:27:17.910104+00', '2026-12-02 07:26:13.067867+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (3, '06a7531c-0e84-4b67-b896-b3d1699e1b7e', 'shop', 'never', '01a22632-891e-748f-8eed-be0006660c19', 'order.submitted', '{"order_id" : "01a22632-891e-748f-8eed-be0006660c19", "merchant" : "shop", "user" : "never", "target" : "checkout", "klarna_order_id" : "bee1f74a-7b29-41fb-997d-0c102944c0cf", "token" : "not_registered", "possible_duplicate" : false}', 'pending', '2026-11-29 07:26:15.932183+00', '2026-11-29 07:27:24.719238+00', '2026-12-02 07:26:15.932183+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (5, '88c87d1d-b5ff-4e15-8de4-21a2f098d94f', 'shop', 'revoked', '01a22632-9628-7bf3-ae58-7b16b3aafade', 'order.submitted', '{"order_id" : "01a22632-9628-7bf3-ae58-7b16b3aafade", "merchant" : "shop", "user" : "revoked", "target" : "checkout", "klarna_order_id" : "2a95642f-0f76-4d1a-b2e0-73ddbab4f14c", "token" : "reauth_required", "possible_duplicate" : false}', 'pending', '2026-11-29 07:26:19.363628+00', '2026-11-29 07:27:22.865351+00', '2026-12-02 07:26:19.363628+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (4, '8e5aace0-d61b-484a-b4f1-51a2afb62ad5', 'shop', 'revoked', NULL, 'token.reauth_required', '{"merchant" : "shop", "user" : "revoked", "reason" : "rejected"}', 'pending', '2026-11-29 07:26:19.279929+00', '2026-11-29 07:27:22.352204+00', '2026-12-02 07:26:19.279929+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (6, 'b4ee2e72-368f-429a-bcfe-34d8c19ffbaf', 'shop', 'lost', '01a22632-a3bc-7527-bb49-4a88d4725916', 'order.submitted', '{"order_id" : "01a22632-a3bc-7527-bb49-4a88d4725916", "merchant" : "shop", "user" : "lost", "target" : "checkout", "klarna_order_id" : "ae6c2bbd-45b7-4ae2-89ba-eaf187d271d5", "token" : "uncertain", "possible_duplicate" : false}', 'pending', '2026-11-29 07:26:22.807108+00', '2026-11-29 07:27:25.615425+00', '2026-12-02 07:26:22.807108+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (7, 'c00aae73-0492-4d01-a0cb-0bf5bb9ff47c', 'shop', 'never', '01a22632-b395-7b95-8f56-894a912a7278', 'order.failed', '{"order_id" : "01a22632-b395-7b95-8f56-894a912a7278", "merchant" : "shop", "user" : "never", "target" : "checkout", "code" : "klarna_refused_order", "token" : "not_registered", "possible_duplicate" : false}', 'pending', '2026-11-29 07:26:26.78803+00', '2026-11-29 07:27:32.639604+00', '2026-12-02 07:26:26.78803+00', NULL, 2, 2, 'not sent: connection refused');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.workers VALUES ('01a22632-5b7a-7400-8e5b-700a1f474bcd', '01a22632-5b5a-716e-9b54-5de101fd3b25', 'vm/25355', '2026-11-29 07:26:04.186444+00', '2026-11-29 07:26:32.237225+00', 3, '2026-11-29 07:26:32.742884+00');


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
-- Name: cached_tokens cached_tokens_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.cached_tokens
    ADD CONSTRAINT cached_tokens_pkey PRIMARY KEY (purpose_ref);


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
-- Name: providers providers_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.providers
    ADD CONSTRAINT providers_pkey PRIMARY KEY (merchant, provider);


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
-- Name: cached_tokens_token; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX cached_tokens_token ON klarna_worker.cached_tokens USING btree (token_id);


--
-- Name: exchanges_no_answer; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX exchanges_no_answer ON klarna_worker.exchanges USING btree (token_id, generation) WHERE (outcome = 'no_answer'::text);


--
-- Name: exchanges_open; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX exchanges_open ON klarna_worker.exchanges USING btree (holder) WHERE (outcome IS NULL);


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

CREATE INDEX orders_wipe ON klarna_worker.orders USING btree (ended_at) WHERE ((ended_at IS NOT NULL) AND ((body IS NOT NULL) OR (result IS NOT NULL)));


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
-- Name: FUNCTION enqueue_order(merchant text, user_id text, body json, idempotency_key text, prefill boolean, not_before timestamp with time zone, deadline timestamp with time zone, target text); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.enqueue_order(merchant text, user_id text, body json, idempotency_key text, prefill boolean, not_before timestamp with time zone, deadline timestamp with time zone, target text) FROM PUBLIC;


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


