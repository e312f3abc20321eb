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
    -- No backslash in a plain literal: the caller's session decides what it means.
    absent bytea := decode('ffffffffffffffff', 'hex');
    part bytea;
    parts bytea := '';
    digest bytea;
    order_id uuid;
    earlier uuid;
    found_id uuid;
    found_digest bytea;
    reference1 text;
    reference2 text;
    amount bigint;
    currency text;
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
        CASE $5 WHEN true THEN decode('01', 'hex') WHEN false THEN decode('00', 'hex') END,
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
    -- What searches find the order by, and lists show. A body that PostgreSQL cannot read, such as one
    -- with a NUL, has none of it; a worker refuses the order.
    BEGIN
        IF json_typeof($3) = 'object' THEN
            reference1 := CASE json_typeof($3 -> 'merchant_reference1')
                WHEN 'string' THEN $3 ->> 'merchant_reference1' END;
            reference2 := CASE json_typeof($3 -> 'merchant_reference2')
                WHEN 'string' THEN $3 ->> 'merchant_reference2' END;
            amount := CASE WHEN ($3 -> 'order_amount')::text ~ '^-?[0-9]{1,18}$'
                THEN $3 ->> 'order_amount' END;
            currency := CASE json_typeof($3 -> 'purchase_currency')
                WHEN 'string' THEN $3 ->> 'purchase_currency' END;
        END IF;
    EXCEPTION WHEN data_exception OR feature_not_supported THEN
        reference1 := NULL;
        reference2 := NULL;
        amount := NULL;
        currency := NULL;
    END;
    LOOP
        INSERT INTO klarna_worker.orders
            (id, merchant, user_id, idempotency_key, supersedes, digest, body, target, prefill, unchecked,
            accepted_at, due_at, deadline_at, merchant_reference1, merchant_reference2, order_amount,
            purchase_currency)
        SELECT order_id, $1, $2, $4, earlier, digest, written, $8, $5, true, now, greatest(now, $6),
            coalesce($7, greatest(now, $6)
                + coalesce(max(i.order_deadline_micros), 600000000) * interval '1 microsecond'),
            CASE WHEN char_length(reference1) BETWEEN 1 AND 255 THEN reference1 END,
            CASE WHEN char_length(reference2) BETWEEN 1 AND 255 THEN reference2 END,
            amount,
            CASE WHEN currency ~ '^[A-Za-z]{3}$' THEN currency END
        FROM klarna_worker.installation i
        ON CONFLICT (merchant, idempotency_key) WHERE idempotency_key IS NOT NULL AND superseded_by IS NULL
            DO NOTHING;
        IF FOUND THEN
            PERFORM pg_notify('klarna_worker_due', '');
            RETURN order_id;
        END IF;
        -- An order that nobody can pay any more gives its key to the new one.
        UPDATE klarna_worker.orders o SET superseded_by = order_id
        WHERE o.merchant = $1 AND o.idempotency_key = $4 AND o.superseded_by IS NULL AND o.ended_at IS NOT NULL
            AND o.session_phase IS DISTINCT FROM 'completed'
            AND (o.session_phase = 'ended' OR o.body IS NULL AND o.result IS NULL)
        RETURNING o.id INTO earlier;
        CONTINUE WHEN FOUND;
        SELECT o.id, o.digest INTO found_id, found_digest FROM klarna_worker.orders o
        WHERE o.merchant = $1 AND o.idempotency_key = $4 AND o.superseded_by IS NULL;
        -- The other order was deleted in between, so the key is free again.
        CONTINUE WHEN NOT FOUND;
        IF found_digest <> digest THEN
            RAISE EXCEPTION 'the idempotency key % was used before, for another request', $4
                USING ERRCODE = 'KW001', DETAIL = 'That request became the order ' || found_id || '.',
                    HINT = 'Use a key of its own for each order.';
        END IF;
        RETURN found_id;
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
-- Name: keep_audit_log(); Type: FUNCTION; Schema: klarna_worker; Owner: -
--

CREATE FUNCTION klarna_worker.keep_audit_log() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.happened_at < clock_timestamp() - interval '30 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'rows of the audit log cannot be changed, and not be deleted within 30 days'
        USING ERRCODE = 'restrict_violation';
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
    AS $_$
DECLARE
    -- A list of JSON pointers. Anything else in the column must not keep an order from ending.
    fields text := E'\\["[^"\\\\[:cntrl:]]+"(,"[^"\\\\[:cntrl:]]+")*\\]';
    filled json := CASE WHEN NEW.prefilled ~ ('^' || fields || '$') THEN NEW.prefilled ELSE '[]' END;
    withdrawn json := CASE WHEN NEW.prefilled ~ (E'^\\{"withdrawn":' || fields || E'\\}$')
        THEN NEW.prefilled::json ->> 'withdrawn' ELSE '[]' END;
BEGIN
    INSERT INTO klarna_worker.webhooks
        (id, merchant, user_id, order_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT gen_random_uuid(), NEW.merchant, NEW.user_id, NEW.id, 'order.' || NEW.status,
        CASE NEW.status
            WHEN 'submitted' THEN json_build_object(
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                CASE NEW.target WHEN 'payments' THEN 'session_id' ELSE 'klarna_order_id' END, NEW.klarna_id,
                'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate,
                'prefilled', filled, 'prefill_withdrawn', withdrawn)
            ELSE json_build_object(
                'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
                'code', NEW.error::json ->> 'code', 'token', NEW.token_outcome,
                'possible_duplicate', NEW.possible_duplicate,
                'prefilled', filled, 'prefill_withdrawn', withdrawn)
        END::text,
        NEW.ended_at, NEW.ended_at, NEW.ended_at + interval '3 days'
    FROM klarna_worker.webhook_endpoints e WHERE e.merchant = NEW.merchant;
    RETURN NULL;
END $_$;


--
-- Name: tell_of_session(); Type: FUNCTION; Schema: klarna_worker; Owner: -
--

CREATE FUNCTION klarna_worker.tell_of_session() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    read json := coalesce(NEW.session, '{}');
BEGIN
    INSERT INTO klarna_worker.webhooks
        (id, merchant, user_id, order_id, kind, data, occurred_at, due_at, give_up_at)
    SELECT gen_random_uuid(), NEW.merchant, NEW.user_id, NEW.id,
        CASE NEW.session_phase WHEN 'completed' THEN 'order.completed' ELSE 'order.expired' END,
        json_build_object(
            'order_id', NEW.id, 'merchant', NEW.merchant, 'user', NEW.user_id, 'target', NEW.target,
            CASE NEW.target WHEN 'payments' THEN 'session_id' ELSE 'klarna_order_id' END,
            coalesce(read ->> 'other_klarna_order_id', NEW.klarna_id),
            'merchant_reference1', read ->> 'merchant_reference1',
            'order_amount', (read ->> 'order_amount')::bigint,
            'purchase_currency', read ->> 'purchase_currency',
            'status', read ->> 'status')::text,
        NEW.session_read_at, NEW.session_read_at, NEW.session_read_at + interval '3 days'
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
-- Name: adopted_providers; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.adopted_providers (
    provider bytea NOT NULL,
    adopted bytea NOT NULL
);


--
-- Name: audit_log; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.audit_log (
    id bigint NOT NULL,
    chain uuid NOT NULL,
    number bigint NOT NULL,
    happened_at timestamp with time zone NOT NULL,
    actor text NOT NULL COLLATE pg_catalog."C",
    action text NOT NULL COLLATE pg_catalog."C",
    outcome text NOT NULL COLLATE pg_catalog."C",
    request_id text COLLATE pg_catalog."C",
    merchant text COLLATE pg_catalog."C",
    user_hash bytea,
    object text COLLATE pg_catalog."C",
    joined_id bigint,
    previous_at timestamp with time zone,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_log_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT audit_log_number_check CHECK ((number > 0)),
    CONSTRAINT audit_log_previous_hash_check CHECK ((octet_length(previous_hash) = 32))
);


--
-- Name: audit_log_id_seq; Type: SEQUENCE; Schema: klarna_worker; Owner: -
--

ALTER TABLE klarna_worker.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME klarna_worker.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: cached_tokens; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.cached_tokens (
    purpose_ref uuid NOT NULL,
    token_id bigint NOT NULL,
    grant_generation bigint NOT NULL,
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
    cause text,
    CONSTRAINT exchanges_check CHECK (((outcome IS NULL) = (closed_at IS NULL))),
    CONSTRAINT exchanges_outcome_check CHECK ((outcome = ANY (ARRAY['rotated'::text, 'unchanged'::text, 'rejected'::text, 'not_sent'::text, 'refused'::text, 'no_answer'::text, 'superseded'::text]))),
    CONSTRAINT exchanges_purpose_check CHECK ((purpose = ANY (ARRAY['order'::text, 'keeper'::text, 'manual'::text, 'vend'::text])))
);


--
-- Name: follow_ups; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.follow_ups (
    kind text NOT NULL COLLATE pg_catalog."C",
    merchant text NOT NULL COLLATE pg_catalog."C",
    klarna_id text NOT NULL COLLATE pg_catalog."C",
    recorded_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    give_up_at timestamp with time zone NOT NULL,
    claim_number bigint DEFAULT 0 NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    error text,
    given_up_at timestamp with time zone,
    CONSTRAINT follow_ups_kind_check CHECK ((kind = ANY (ARRAY['push'::text, 'read'::text, 'abort'::text])))
);


--
-- Name: installation; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.installation (
    one boolean DEFAULT true NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
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
    name text NOT NULL COLLATE pg_catalog."C",
    fingerprint bytea NOT NULL,
    noted_at timestamp with time zone NOT NULL
);


--
-- Name: known_tokens; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.known_tokens (
    hash bytea NOT NULL,
    token_id bigint NOT NULL,
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
    merchant text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    idempotency_key text COLLATE pg_catalog."C",
    supersedes uuid,
    superseded_by uuid,
    digest bytea NOT NULL,
    body text,
    version bigint DEFAULT 1 NOT NULL,
    changed_claim bigint,
    update_until timestamp with time zone,
    update_claim bigint DEFAULT 0 NOT NULL,
    target text,
    prefill boolean,
    unchecked boolean DEFAULT false NOT NULL,
    trace text DEFAULT "substring"(current_setting('klarna_worker.traceparent'::text, true), '^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$'::text),
    status text DEFAULT 'queued'::text NOT NULL,
    accepted_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    deadline_at timestamp with time zone NOT NULL,
    first_claimed_at timestamp with time zone,
    first_due_at timestamp with time zone,
    token_waited bigint DEFAULT 0 NOT NULL,
    waits text,
    ended_at timestamp with time zone,
    worker uuid,
    claim_number bigint DEFAULT 0 NOT NULL,
    sent_claim bigint,
    attempts bigint DEFAULT 0 NOT NULL,
    lost_workers bigint DEFAULT 0 NOT NULL,
    possible_duplicate boolean DEFAULT false NOT NULL,
    token_outcome text,
    prefilled text,
    klarna_id text COLLATE pg_catalog."C",
    result text,
    session_phase text,
    session text,
    session_read_at timestamp with time zone,
    pushed_at timestamp with time zone,
    completed_at timestamp with time zone,
    acknowledged_at timestamp with time zone,
    correlation_id text,
    error text,
    merchant_reference1 text COLLATE pg_catalog."C",
    merchant_reference2 text COLLATE pg_catalog."C",
    order_amount bigint,
    purchase_currency text,
    CONSTRAINT orders_check CHECK (((status = 'running'::text) = (worker IS NOT NULL))),
    CONSTRAINT orders_check1 CHECK (((status = ANY (ARRAY['submitted'::text, 'failed'::text, 'cancelled'::text])) = (ended_at IS NOT NULL))),
    CONSTRAINT orders_session_phase_check CHECK ((session_phase = ANY (ARRAY['open'::text, 'completed'::text, 'ended'::text]))),
    CONSTRAINT orders_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'submitted'::text, 'failed'::text, 'cancelled'::text]))),
    CONSTRAINT orders_target_check CHECK ((target = ANY (ARRAY['checkout'::text, 'payments'::text])))
)
WITH (fillfactor='80');


--
-- Name: outages; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.outages (
    seq bigint NOT NULL,
    merchant text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    cause text NOT NULL,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone
);


--
-- Name: outages_seq_seq; Type: SEQUENCE; Schema: klarna_worker; Owner: -
--

ALTER TABLE klarna_worker.outages ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME klarna_worker.outages_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: past_pauses; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.past_pauses (
    seq bigint NOT NULL,
    merchant text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    paused_by text NOT NULL,
    paused_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone NOT NULL
);


--
-- Name: past_pauses_seq_seq; Type: SEQUENCE; Schema: klarna_worker; Owner: -
--

ALTER TABLE klarna_worker.past_pauses ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME klarna_worker.past_pauses_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: pauses; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.pauses (
    merchant text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL COLLATE pg_catalog."C",
    reason text NOT NULL,
    paused_by text NOT NULL,
    paused_at timestamp with time zone NOT NULL,
    ends_at timestamp with time zone,
    CONSTRAINT pauses_kind_check CHECK ((kind = ANY (ARRAY['orders'::text, 'exchanges'::text, 'keeper'::text, 'webhooks'::text])))
);


--
-- Name: probes; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.probes (
    merchant text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    asked_at timestamp with time zone NOT NULL
);


--
-- Name: providers; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.providers (
    merchant text NOT NULL COLLATE pg_catalog."C",
    provider bytea NOT NULL,
    proven boolean DEFAULT false NOT NULL,
    stopped_at timestamp with time zone,
    rejections bigint DEFAULT 0 NOT NULL,
    probes bigint DEFAULT 0 NOT NULL,
    probe_at timestamp with time zone,
    CONSTRAINT providers_check CHECK (((stopped_at IS NULL) = (probe_at IS NULL)))
);


--
-- Name: rates; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.rates (
    merchant text NOT NULL COLLATE pg_catalog."C",
    endpoint text NOT NULL COLLATE pg_catalog."C",
    due_at timestamp with time zone NOT NULL
);


--
-- Name: revocations; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.revocations (
    token_id bigint NOT NULL,
    generation bigint NOT NULL,
    merchant text NOT NULL COLLATE pg_catalog."C",
    provider bytea NOT NULL,
    sealed bytea NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    give_up_at timestamp with time zone NOT NULL,
    claim_number bigint DEFAULT 0 NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL
);


--
-- Name: tokens; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.tokens (
    id bigint NOT NULL,
    merchant text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    generation bigint NOT NULL,
    grant_generation bigint NOT NULL,
    state text NOT NULL,
    reason text,
    sealed bytea,
    provider bytea,
    signed_in_at timestamp with time zone,
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
    CONSTRAINT tokens_check CHECK (((state <> 'forgotten'::text) OR (sealed IS NULL))),
    CONSTRAINT tokens_check1 CHECK (((state <> ALL (ARRAY['active'::text, 'uncertain'::text])) OR (sealed IS NOT NULL))),
    CONSTRAINT tokens_check2 CHECK (((sealed IS NULL) OR (provider IS NOT NULL))),
    CONSTRAINT tokens_check3 CHECK (((state = 'reauth_required'::text) = (reason IS NOT NULL))),
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
-- Name: user_changes; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.user_changes (
    merchant text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
    renamed_from text COLLATE pg_catalog."C",
    renamed_to text COLLATE pg_catalog."C",
    CONSTRAINT user_changes_check CHECK (((renamed_from IS NULL) = (renamed_to IS NULL)))
);


--
-- Name: webhook_answers; Type: TABLE; Schema: klarna_worker; Owner: -
--

CREATE TABLE klarna_worker.webhook_answers (
    seq bigint NOT NULL,
    merchant text NOT NULL COLLATE pg_catalog."C",
    webhook uuid NOT NULL,
    kind text NOT NULL,
    answered_at timestamp with time zone NOT NULL,
    status bigint,
    took_micros bigint NOT NULL,
    error text
);


--
-- Name: webhook_answers_seq_seq; Type: SEQUENCE; Schema: klarna_worker; Owner: -
--

ALTER TABLE klarna_worker.webhook_answers ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME klarna_worker.webhook_answers_seq_seq
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
    merchant text NOT NULL COLLATE pg_catalog."C",
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
    merchant text NOT NULL COLLATE pg_catalog."C",
    user_id text NOT NULL COLLATE pg_catalog."C",
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
    CONSTRAINT webhooks_kind_check CHECK ((kind = ANY (ARRAY['order.submitted'::text, 'order.failed'::text, 'order.completed'::text, 'order.expired'::text, 'token.reauth_required'::text, 'token.recovered'::text, 'webhook.test'::text]))),
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
    name text NOT NULL COLLATE pg_catalog."C",
    started_at timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone NOT NULL,
    heartbeats bigint DEFAULT 1 NOT NULL,
    ended_at timestamp with time zone,
    breakers text
);


--
-- Data for Name: adopted_providers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '01a22c82-3066-73d1-a5a3-b80504808c1d', 1, '2026-11-30 12:50:59.100411+00', 'service', 'service.start', 'done', NULL, NULL, NULL, 'roles=api,worker,keeper vault.keys=k1 server.api_keys=', NULL, NULL, '\x0000000000000000000000000000000000000000000000000000000000000000', '\x4d3a1566a3541681c72eb00d62aa9a6b9cade76c1e49114c7a082e4b6e805d59');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '01a22c82-3066-73d1-a5a3-b80504808c1d', 2, '2026-11-30 12:50:59.360965+00', 'local', 'token.register', 'done', '01a22c82-3080-73bc-812e-79355243fa09', 'shop', '\x0d88821bbcb0954d252a65ae89bce5a7', NULL, NULL, '2026-11-30 12:50:59.100411+00', '\x4d3a1566a3541681c72eb00d62aa9a6b9cade76c1e49114c7a082e4b6e805d59', '\xa2b719da8493b7b7b21fd1ba871e08a4d4444afe84f4a5f605a2be7469f872b9');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (3, '01a22c82-3066-73d1-a5a3-b80504808c1d', 3, '2026-11-30 12:50:59.608706+00', 'local', 'token.register', 'done', '01a22c82-318f-75da-abf6-0841ae69051a', 'shop', '\x10cf117d3415535b0131066d3cf06f65', NULL, NULL, '2026-11-30 12:50:59.360965+00', '\xa2b719da8493b7b7b21fd1ba871e08a4d4444afe84f4a5f605a2be7469f872b9', '\x6127b0359523d94b022328ad065b966e769404ee74657601bcea312da91e16d0');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (4, '01a22c82-3066-73d1-a5a3-b80504808c1d', 4, '2026-11-30 12:50:59.85656+00', 'local', 'token.register', 'done', '01a22c82-328b-7319-b6a5-cf94c53a3c75', 'shop', '\x87ba115cf1f327e330d8b8422b099dcb', NULL, NULL, '2026-11-30 12:50:59.608706+00', '\x6127b0359523d94b022328ad065b966e769404ee74657601bcea312da91e16d0', '\x9abd921f9793ad6ea08d91f770d956d7e1d0036046596bca2dea21819ea6e900');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (5, '01a22c82-3066-73d1-a5a3-b80504808c1d', 5, '2026-11-30 12:51:00.154353+00', 'local', 'token.register', 'done', '01a22c82-33b5-7015-a6bc-d5ca853f65ae', 'shop', '\x6347ad861956e26416341bd921b237b9', NULL, NULL, '2026-11-30 12:50:59.85656+00', '\x9abd921f9793ad6ea08d91f770d956d7e1d0036046596bca2dea21819ea6e900', '\xcf1dbb1a386a22ebbf4d10774064fcbdb7aa8b22deca50bdcd5a68dad36576e3');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (6, '01a22c82-3066-73d1-a5a3-b80504808c1d', 6, '2026-11-30 12:51:00.179674+00', 'local', 'order.submit', 'done', '01a22c82-33cd-71f5-a2a5-dfae19ba8715', 'shop', '\x0d88821bbcb0954d252a65ae89bce5a7', '01a22c82-33ce-7f7b-b2ec-ea3deb676adf', NULL, '2026-11-30 12:51:00.154353+00', '\xcf1dbb1a386a22ebbf4d10774064fcbdb7aa8b22deca50bdcd5a68dad36576e3', '\xa9becad9e1d767b3c2ae1af9af2ff998c99e9a30778cf3e6ebd8765fe455ba9a');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (7, '01a22c82-3066-73d1-a5a3-b80504808c1d', 7, '2026-11-30 12:51:00.935612+00', 'local', 'order.submit', 'done', '01a22c82-36c1-74e7-b5a9-bec9f7c099c1', 'shop', '\x0d88821bbcb0954d252a65ae89bce5a7', '01a22c82-36c2-7597-9ac6-0dc190cbc449', NULL, '2026-11-30 12:51:00.179674+00', '\xa9becad9e1d767b3c2ae1af9af2ff998c99e9a30778cf3e6ebd8765fe455ba9a', '\xf61af3cfd530550f35c2abda2a4d952c60e45b92391b805d1b4939d0806affc9');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (8, '01a22c82-3066-73d1-a5a3-b80504808c1d', 8, '2026-11-30 12:51:01.722816+00', 'local', 'order.submit', 'done', '01a22c82-39d3-7505-9010-608250ed9604', 'shop', '\xd57221e5ace658f3e7381e98bdecc257', '01a22c82-39d4-7715-98cb-c4769c039c5d', NULL, '2026-11-30 12:51:00.935612+00', '\xf61af3cfd530550f35c2abda2a4d952c60e45b92391b805d1b4939d0806affc9', '\xf02cb3ab2ea7dc8fca3d3e29fcc0beed7c631c0c4b37e4e123cae733bb4cb9c6');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (9, '01a22c82-3066-73d1-a5a3-b80504808c1d', 9, '2026-11-30 12:51:02.478285+00', 'local', 'order.submit', 'done', '01a22c82-3cc8-72a3-b94d-0949484b42c2', 'shop', '\x87ba115cf1f327e330d8b8422b099dcb', '01a22c82-3cc9-794e-9278-27c8c82525d0', NULL, '2026-11-30 12:51:01.722816+00', '\xf02cb3ab2ea7dc8fca3d3e29fcc0beed7c631c0c4b37e4e123cae733bb4cb9c6', '\xba8ec2f96923a687aa3df8457adb25ba668a5c2871791cf2ce6e7e5d39914d9b');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (10, '01a22c82-3066-73d1-a5a3-b80504808c1d', 10, '2026-11-30 12:51:03.156582+00', 'local', 'order.submit', 'done', '01a22c82-3f70-70e5-9b65-46697dd3e02d', 'shop', '\x6347ad861956e26416341bd921b237b9', '01a22c82-3f70-7691-8aa5-25444103cba3', NULL, '2026-11-30 12:51:02.478285+00', '\xba8ec2f96923a687aa3df8457adb25ba668a5c2871791cf2ce6e7e5d39914d9b', '\x954f70b630fe4e09ddca104f031ec91d0ad588c58b23e3ee9734c766623a4b5a');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (11, '01a22c82-3066-73d1-a5a3-b80504808c1d', 11, '2026-11-30 12:51:03.962793+00', 'local', 'order.submit', 'done', '01a22c82-4296-72f0-ab43-544943c70f70', 'shop', '\xd57221e5ace658f3e7381e98bdecc257', '01a22c82-4297-74be-8bb4-6c1ee3c72c07', NULL, '2026-11-30 12:51:03.156582+00', '\x954f70b630fe4e09ddca104f031ec91d0ad588c58b23e3ee9734c766623a4b5a', '\xe21bd5e143a20cd491f34b69d8d33058153c6bd63cdcea5468b84664e03d14fd');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (12, '01a22c82-3066-73d1-a5a3-b80504808c1d', 12, '2026-11-30 12:51:04.695901+00', 'local', 'order.submit', 'done', '01a22c82-4573-7542-a5bc-6a2fa7104d98', 'shop', '\x0d88821bbcb0954d252a65ae89bce5a7', '01a22c82-4574-7193-9ccf-9c5d67534b00', NULL, '2026-11-30 12:51:03.962793+00', '\xe21bd5e143a20cd491f34b69d8d33058153c6bd63cdcea5468b84664e03d14fd', '\xa9f64f1ae201f0e65730a1d8571cb5e48aebb19f99a90508a756b63bebc137ef');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (13, '01a22c82-3066-73d1-a5a3-b80504808c1d', 13, '2026-11-30 12:51:04.978001+00', 'local', 'order.submit', 'done', '01a22c82-468e-7250-b2be-2567248c4455', 'shop', '\x0d88821bbcb0954d252a65ae89bce5a7', '01a22c82-468e-7999-9937-c7629eb19498', NULL, '2026-11-30 12:51:04.695901+00', '\xa9f64f1ae201f0e65730a1d8571cb5e48aebb19f99a90508a756b63bebc137ef', '\xdb9539414384f34a25caa603ee2604f3c672a9056dd483ef6e9cacd88cd0f7ab');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (14, '01a22c82-47f0-7749-b04f-5c262eb4a76b', 1, '2026-11-30 12:51:05.319188+00', 'command:root', 'order.cancel', 'done', NULL, NULL, NULL, '01a22c82-468e-7999-9937-c7629eb19498', 13, '2026-11-30 12:51:04.978001+00', '\xdb9539414384f34a25caa603ee2604f3c672a9056dd483ef6e9cacd88cd0f7ab', '\x472b1d3ee2e8c62d9d6c712f435107f54a32cb4c2856d0c3e1ae34e4a58960a2');


--
-- Data for Name: cached_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.exchanges VALUES ('01a22c82-33dc-733f-9aaa-9a0767d8b9b4', 1, 1, 1, 'order', '01a22c82-33ce-7f7b-b2ec-ea3deb676adf', '01a22c82-2f1b-76dc-9426-8e912a1d0f2c', '2026-11-30 12:51:00.193479+00', '2026-11-30 12:51:00.198831+00', 'rotated', false, NULL, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22c82-36cf-73ba-a098-da739500d242', 1, 2, 1, 'order', '01a22c82-36c2-7597-9ac6-0dc190cbc449', '01a22c82-2f1b-76dc-9426-8e912a1d0f2c', '2026-11-30 12:51:00.943897+00', '2026-11-30 12:51:00.949403+00', 'rotated', false, NULL, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22c82-3cd0-72cc-80a5-ad39ad7afbdc', 3, 1, 1, 'order', '01a22c82-3cc9-794e-9278-27c8c82525d0', '01a22c82-2f1b-76dc-9426-8e912a1d0f2c', '2026-11-30 12:51:02.484844+00', '2026-11-30 12:51:02.509733+00', 'rejected', false, '\x075db593349203f7f5a8e2dfba502f51', NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22c82-3f77-710f-a0a1-60cb35e46004', 4, 1, 1, 'order', '01a22c82-3f70-7691-8aa5-25444103cba3', '01a22c82-2f1b-76dc-9426-8e912a1d0f2c', '2026-11-30 12:51:03.160877+00', '2026-11-30 12:51:03.171704+00', 'no_answer', true, NULL, 'the connection broke before the answer was complete');


--
-- Data for Name: follow_ups; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: installation; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.installation VALUES (true, 'e2e', 1, '\x01026b31b7ba25d1bf0acf7640c68ad357acd76f99deb7330d5ce22457cc06a28402699e65f8edc26c06faebff92cbf7c3afe03e59fb9902ef7e14c1266459264c5e821e69b785baf70dd53d', '2026-11-30 12:50:58.952527+00', 600000000, NULL);


--
-- Data for Name: keeper; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keeper VALUES (true, NULL, NULL, NULL, NULL);


--
-- Data for Name: keys; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keys VALUES ('k1', '\x3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6', '2026-11-30 12:50:58.955189+00');


--
-- Data for Name: known_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.known_tokens VALUES ('\xe384ec652f5ce4e9e7c082966e64a94b22bef81b972cfdbedbbc6b256d963b57', 1, '2026-11-30 12:50:59.353019+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x77dc6b46375cb499515cc489207d473a15170d59f8181b5c47a7d2246afaa262', 2, '2026-11-30 12:50:59.607189+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x80c92ea31b93489353d13ce5d2bed46a3d9a75b1c3d60bac33582403be82a5f6', 3, '2026-11-30 12:50:59.855291+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x194e49306603aaaecebe26596ce7eed97fe1f3efdf034dbcbdb5932c513ad71e', 4, '2026-11-30 12:51:00.152983+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x83e87f1fd3eb0c9972fa08799525be496e485baa287888aea4be088297379c2b', 1, '2026-11-30 12:51:00.196486+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x581da808a28924bc6eaf72e19da6bec5e91dfbf479e11b07d6408ff117404eec', 1, '2026-11-30 12:51:00.94663+00');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.migrations VALUES (1, 'baseline', '2026-11-30 12:50:58.773652+00', true, '\xbcc5fb7ddfd53fcb143947b6ea9fdb45f13e3782576bedaa611b829669e28d6a9caade628bade5be0e6ca11456c55b10', 80994397);


--
-- Data for Name: order_attempts; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.order_attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a22c82-4297-74be-8bb4-6c1ee3c72c07', '2026-11-30 12:51:03.980669+00', '01a22c82-2f1b-76dc-9426-8e912a1d0f2c', false, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"e51c30f7-699d-4572-bfc6-d7cc5bdf3cd2"}');


--
-- Data for Name: orders; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.orders VALUES ('01a22c82-33ce-7f7b-b2ec-ea3deb676adf', 'shop', 'alma', 'cart-1', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 12:51:00.178073+00', '2026-11-30 12:51:00.178073+00', '2026-11-30 13:01:00.178073+00', '2026-11-30 12:51:00.178073+00', '2026-11-30 12:51:00.178073+00', 0, NULL, '2026-11-30 12:51:00.220122+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', 'fc111276-4824-4d3e-9550-02a43201dad6', '<div id="klarna-checkout-container" data-order-id="fc111276-4824-4d3e-9550-02a43201dad6" style="overflow-x: hidden;"><script src="http://127.0.0.1:36415/sandbox/checkout.js" data-order-id="fc111276-4824-4d3e-9550-02a43201dad6"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '915bf31e-61a5-415b-b40e-742bbd08f22c', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c82-36c2-7597-9ac6-0dc190cbc449', 'shop', 'alma', 'cart-2', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 12:51:00.933824+00', '2026-11-30 12:51:00.933824+00', '2026-11-30 13:01:00.933824+00', '2026-11-30 12:51:00.933824+00', '2026-11-30 12:51:00.933824+00', 0, NULL, '2026-11-30 12:51:00.955549+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', 'e5b2e651-ce44-4139-ae2a-15477e164c8a', '<div id="klarna-checkout-container" data-order-id="e5b2e651-ce44-4139-ae2a-15477e164c8a" style="overflow-x: hidden;"><script src="http://127.0.0.1:36415/sandbox/checkout.js" data-order-id="e5b2e651-ce44-4139-ae2a-15477e164c8a"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '1d27a6ee-3190-4cae-acd5-a419ea32b0e6', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c82-39d4-7715-98cb-c4769c039c5d', 'shop', 'never', 'cart-3', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 12:51:01.72175+00', '2026-11-30 12:51:01.72175+00', '2026-11-30 13:01:01.72175+00', '2026-11-30 12:51:01.72175+00', '2026-11-30 12:51:01.72175+00', 0, NULL, '2026-11-30 12:51:01.740977+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', '9d56031f-58b4-4cea-88cf-df0462ef590c', '<div id="klarna-checkout-container" data-order-id="9d56031f-58b4-4cea-88cf-df0462ef590c" style="overflow-x: hidden;"><script src="http://127.0.0.1:36415/sandbox/checkout.js" data-order-id="9d56031f-58b4-4cea-88cf-df0462ef590c"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, 'a90eab35-6dae-413c-af34-5f8618eb98de', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c82-3cc9-794e-9278-27c8c82525d0', 'shop', 'revoked', 'cart-4', NULL, NULL, '\x0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 12:51:02.476395+00', '2026-11-30 12:51:02.476395+00', '2026-11-30 13:01:02.476395+00', '2026-11-30 12:51:02.476395+00', '2026-11-30 12:51:02.476395+00', 0, NULL, '2026-11-30 12:51:02.520899+00', NULL, 1, 1, 1, 0, false, 'reauth_required', '[]', '7f3b358e-de2e-4414-ac77-c25f06eb9034', '<div id="klarna-checkout-container" data-order-id="7f3b358e-de2e-4414-ac77-c25f06eb9034" style="overflow-x: hidden;"><script src="http://127.0.0.1:36415/sandbox/checkout.js" data-order-id="7f3b358e-de2e-4414-ac77-c25f06eb9034"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '1fb972e3-c854-4273-a410-7a1350154e9e', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c82-3f70-7691-8aa5-25444103cba3', 'shop', 'lost', 'cart-5', NULL, NULL, '\x41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 12:51:03.155584+00', '2026-11-30 12:51:03.155584+00', '2026-11-30 13:01:03.155584+00', '2026-11-30 12:51:03.155584+00', '2026-11-30 12:51:03.155584+00', 0, NULL, '2026-11-30 12:51:03.179191+00', NULL, 1, 1, 1, 0, false, 'uncertain', '[]', '22888515-6c99-41d4-b475-e8de3fca11df', '<div id="klarna-checkout-container" data-order-id="22888515-6c99-41d4-b475-e8de3fca11df" style="overflow-x: hidden;"><script src="http://127.0.0.1:36415/sandbox/checkout.js" data-order-id="22888515-6c99-41d4-b475-e8de3fca11df"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '56a1bee1-cf89-4b26-8b1b-ca3bf8a420d1', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c82-4297-74be-8bb4-6c1ee3c72c07', 'shop', 'never', 'cart-6', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'failed', '2026-11-30 12:51:03.96131+00', '2026-11-30 12:51:03.96131+00', '2026-11-30 13:01:03.96131+00', '2026-11-30 12:51:03.96131+00', '2026-11-30 12:51:03.96131+00', 0, NULL, '2026-11-30 12:51:03.980669+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"e51c30f7-699d-4572-bfc6-d7cc5bdf3cd2"}', NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c82-4574-7193-9ccf-9c5d67534b00', 'shop', 'alma', 'cart-7', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'queued', '2026-11-30 12:51:04.693976+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, NULL, 0, NULL, NULL, NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c82-468e-7999-9937-c7629eb19498', 'shop', 'alma', 'cart-8', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'cancelled', '2026-11-30 12:51:04.976453+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, NULL, 0, NULL, '2026-11-30 12:51:05.317405+00', NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');


--
-- Data for Name: outages; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: past_pauses; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: pauses; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: probes; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: providers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.providers VALUES ('shop', '\x075db593349203f7f5a8e2dfba502f51', true, NULL, 0, 0, NULL);


--
-- Data for Name: rates; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: revocations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bo', 1, 1, 'active', NULL, '\x01026b318be3f3d3fefa6e0c3e0e379946f7c982b2ca80e68f8b70b9c267f6c4c91ed7d51131e26b00286df25aa9a913a204011141ac7b4b2ef00e80f2f68f663ccea7975a58288191fff4901580e512b180e3fe33660220519d7dceb6ac', '\x075db593349203f7f5a8e2dfba502f51', '2026-11-30 12:50:59.600407+00', '2026-11-30 12:50:59.600407+00', '2027-01-29 12:50:59.600407+00', NULL, NULL, '2026-11-30 12:50:59.607957+00', '2027-01-04 01:06:27.548954+00', 1, 0, NULL, '2026-11-30 12:50:59.600407+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'alma', 3, 1, 'active', NULL, '\x01026b318bf5b90c4a56e6bfd8bde66577d73a2b071d4c034b42f4fb8147d4b93e0049f9385bb71b817d090e655869c88de1107e601a3ad17dabfde8dc55c0f6ca4b032a969b787616b2e8257fe39536b032e7e1632050ab45679dd2f003', '\x075db593349203f7f5a8e2dfba502f51', '2026-11-30 12:50:59.339197+00', '2026-11-30 12:51:00.94663+00', '2027-01-29 12:51:00.94663+00', '01a22c82-36cf-73ba-a098-da739500d242', '\x8852df2e0a518778abb99f41c703b2fb2173053fd644854aece5c5b402f8d76d', '2026-11-30 12:51:00.949151+00', '2027-01-03 21:38:01.42751+00', 3, 0, NULL, '2026-11-30 12:51:00.949151+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'revoked', 1, 1, 'reauth_required', 'rejected', '\x01026b31564bd1554bbcf3be765979a132fe5d560708849c6ef7b9b9e8cce43ba48def8884b7d15b8bae7326336b0a28049b297a1c5fa0d1afeb93ab18579b625f9fae8ca26e79f359d91a1d2c4119fe0981402af3688d3c518f78376407', '\x075db593349203f7f5a8e2dfba502f51', '2026-11-30 12:50:59.852644+00', '2026-11-30 12:50:59.852644+00', '2027-01-29 12:50:59.852644+00', NULL, NULL, '2026-11-30 12:51:02.505603+00', NULL, 1, 0, NULL, '2026-11-30 12:50:59.852644+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'lost', 1, 1, 'uncertain', NULL, '\x01026b310850500a99e518019d2a96cbc5a2a3b74b615b1dd773598fd4a7cfd3abbaad841db346e00e8ea2ba7ce08e7cb10482626b2402f39f277684c6cee14e365e17412bf507f6051fba1b32a87f3d47ac7805e080345eefe176641e1f', '\x075db593349203f7f5a8e2dfba502f51', '2026-11-30 12:51:00.150512+00', '2026-11-30 12:51:00.150512+00', '2027-01-29 12:51:00.150512+00', NULL, NULL, '2026-11-30 12:51:03.170894+00', NULL, 1, 0, NULL, '2026-11-30 12:51:00.150512+00');


--
-- Data for Name: user_changes; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: webhook_answers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (1, 'shop', '28e215d4-ccb8-420f-b51f-52a75c41d1d2', 'order.submitted', '2026-11-30 12:51:00.233547+00', NULL, 636, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (2, 'shop', '0a0141a3-02e2-4a54-a869-f6e903654576', 'order.submitted', '2026-11-30 12:51:00.968231+00', NULL, 800, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (3, 'shop', '4e5b1faf-f8a7-4443-a144-a4191012d9a4', 'order.submitted', '2026-11-30 12:51:01.74975+00', NULL, 647, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (4, 'shop', '90a28d4a-e6ba-4e9a-85f3-89aec41e7e57', 'token.reauth_required', '2026-11-30 12:51:02.544871+00', NULL, 695, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (5, 'shop', '31d4c2d4-3900-4fed-8b80-2671dacb8d90', 'order.submitted', '2026-11-30 12:51:02.550021+00', NULL, 2083, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (6, 'shop', '3dec7fdd-58b1-431f-a779-f2e8c6184c9f', 'order.submitted', '2026-11-30 12:51:03.199768+00', NULL, 662, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (7, 'shop', 'a0f81391-7099-43d6-abda-3a8f324c6d2f', 'order.failed', '2026-11-30 12:51:03.995568+00', NULL, 806, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (8, 'shop', '28e215d4-ccb8-420f-b51f-52a75c41d1d2', 'order.submitted', '2026-11-30 12:51:04.767676+00', NULL, 861, 'not sent: connection refused');


--
-- Data for Name: webhook_endpoints; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_endpoints VALUES ('shop', '\x05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5', '2026-11-30 12:51:00.23299+00', NULL, NULL);


--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (2, '0a0141a3-02e2-4a54-a869-f6e903654576', 'shop', 'alma', '01a22c82-36c2-7597-9ac6-0dc190cbc449', 'order.submitted', '{"order_id" : "01a22c82-36c2-7597-9ac6-0dc190cbc449", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "e5b2e651-ce44-4139-ae2a-15477e164c8a", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-30 12:51:00.955549+00', '2026-11-30 12:51:05.836147+00', '2026-12-03 12:51:00.955549+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (3, '4e5b1faf-f8a7-4443-a144-a4191012d9a4', 'shop', 'never', '01a22c82-39d4-7715-98cb-c4769c039c5d', 'order.submitted', '{"order_id" : "01a22c82-39d4-7715-98cb-c4769c039c5d", "merchant" : "shop", "user" : "never", "target" : "checkout", "klarna_order_id" : "9d56031f-58b4-4cea-88cf-df0462ef590c", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 12:51:01.740977+00', '2026-11-30 12:51:06.643091+00', '2026-12-03 12:51:01.740977+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (4, '90a28d4a-e6ba-4e9a-85f3-89aec41e7e57', 'shop', 'revoked', NULL, 'token.reauth_required', '{"merchant" : "shop", "user" : "revoked", "reason" : "rejected"}', 'pending', '2026-11-30 12:51:02.505603+00', '2026-11-30 12:51:07.977283+00', '2026-12-03 12:51:02.505603+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (5, '31d4c2d4-3900-4fed-8b80-2671dacb8d90', 'shop', 'revoked', '01a22c82-3cc9-794e-9278-27c8c82525d0', 'order.submitted', '{"order_id" : "01a22c82-3cc9-794e-9278-27c8c82525d0", "merchant" : "shop", "user" : "revoked", "target" : "checkout", "klarna_order_id" : "7f3b358e-de2e-4414-ac77-c25f06eb9034", "token" : "reauth_required", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 12:51:02.520899+00', '2026-11-30 12:51:07.957927+00', '2026-12-03 12:51:02.520899+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (6, '3dec7fdd-58b1-431f-a779-f2e8c6184c9f', 'shop', 'lost', '01a22c82-3f70-7691-8aa5-25444103cba3', 'order.submitted', '{"order_id" : "01a22c82-3f70-7691-8aa5-25444103cba3", "merchant" : "shop", "user" : "lost", "target" : "checkout", "klarna_order_id" : "22888515-6c99-41d4-b475-e8de3fca11df", "token" : "uncertain", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 12:51:03.179191+00', '2026-11-30 12:51:08.525042+00', '2026-12-03 12:51:03.179191+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (7, 'a0f81391-7099-43d6-abda-3a8f324c6d2f', 'shop', 'never', '01a22c82-4297-74be-8bb4-6c1ee3c72c07', 'order.failed', '{"order_id" : "01a22c82-4297-74be-8bb4-6c1ee3c72c07", "merchant" : "shop", "user" : "never", "target" : "checkout", "code" : "klarna_refused_order", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 12:51:03.980669+00', '2026-11-30 12:51:08.934042+00', '2026-12-03 12:51:03.980669+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (1, '28e215d4-ccb8-420f-b51f-52a75c41d1d2', 'shop', 'alma', '01a22c82-33ce-7f7b-b2ec-ea3deb676adf', 'order.submitted', '{"order_id" : "01a22c82-33ce-7f7b-b2ec-ea3deb676adf", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "fc111276-4824-4d3e-9550-02a43201dad6", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-30 12:51:00.220122+00', '2026-11-30 12:52:06.432603+00', '2026-12-03 12:51:00.220122+00', NULL, 2, 2, 'not sent: connection refused');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.workers VALUES ('01a22c82-2f1b-76dc-9426-8e912a1d0f2c', '01a22c82-2f15-71ff-8d39-f2a3d9751bd2', 'vm/12012', '2026-11-30 12:50:59.011587+00', '2026-11-30 12:51:05.02938+00', 7, '2026-11-30 12:51:05.342193+00', NULL);


--
-- Name: audit_log_id_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.audit_log_id_seq', 14, true);


--
-- Name: order_attempts_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.order_attempts_seq_seq', 1, true);


--
-- Name: outages_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.outages_seq_seq', 1, false);


--
-- Name: past_pauses_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.past_pauses_seq_seq', 1, false);


--
-- Name: tokens_id_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.tokens_id_seq', 4, true);


--
-- Name: webhook_answers_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.webhook_answers_seq_seq', 8, true);


--
-- Name: webhooks_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.webhooks_seq_seq', 7, true);


--
-- Name: adopted_providers adopted_providers_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.adopted_providers
    ADD CONSTRAINT adopted_providers_pkey PRIMARY KEY (provider, adopted);


--
-- Name: audit_log audit_log_chain_number_key; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.audit_log
    ADD CONSTRAINT audit_log_chain_number_key UNIQUE (chain, number);


--
-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);


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
-- Name: follow_ups follow_ups_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.follow_ups
    ADD CONSTRAINT follow_ups_pkey PRIMARY KEY (merchant, klarna_id, kind);


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
    ADD CONSTRAINT known_tokens_pkey PRIMARY KEY (hash);


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
-- Name: outages outages_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.outages
    ADD CONSTRAINT outages_pkey PRIMARY KEY (seq);


--
-- Name: past_pauses past_pauses_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.past_pauses
    ADD CONSTRAINT past_pauses_pkey PRIMARY KEY (seq);


--
-- Name: pauses pauses_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.pauses
    ADD CONSTRAINT pauses_pkey PRIMARY KEY (merchant, kind);


--
-- Name: probes probes_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.probes
    ADD CONSTRAINT probes_pkey PRIMARY KEY (merchant, endpoint);


--
-- Name: providers providers_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.providers
    ADD CONSTRAINT providers_pkey PRIMARY KEY (merchant, provider);


--
-- Name: rates rates_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.rates
    ADD CONSTRAINT rates_pkey PRIMARY KEY (merchant, endpoint);


--
-- Name: revocations revocations_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.revocations
    ADD CONSTRAINT revocations_pkey PRIMARY KEY (token_id, generation);


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
-- Name: user_changes user_changes_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.user_changes
    ADD CONSTRAINT user_changes_pkey PRIMARY KEY (merchant, user_id);


--
-- Name: webhook_answers webhook_answers_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.webhook_answers
    ADD CONSTRAINT webhook_answers_pkey PRIMARY KEY (seq);


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
-- Name: audit_log_happened; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX audit_log_happened ON klarna_worker.audit_log USING btree (happened_at);


--
-- Name: audit_log_object; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX audit_log_object ON klarna_worker.audit_log USING btree ("left"(object, 100), id) WHERE (object IS NOT NULL);


--
-- Name: audit_log_undone; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX audit_log_undone ON klarna_worker.audit_log USING btree (outcome, id) WHERE (outcome <> 'done'::text);


--
-- Name: audit_log_user; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX audit_log_user ON klarna_worker.audit_log USING btree (user_hash, id) WHERE (user_hash IS NOT NULL);


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
-- Name: follow_ups_due; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX follow_ups_due ON klarna_worker.follow_ups USING btree (merchant, due_at) WHERE (given_up_at IS NULL);


--
-- Name: follow_ups_failing; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX follow_ups_failing ON klarna_worker.follow_ups USING btree (merchant, klarna_id) WHERE (attempts > 0);


--
-- Name: follow_ups_given_up; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX follow_ups_given_up ON klarna_worker.follow_ups USING btree (merchant, given_up_at) WHERE (given_up_at IS NOT NULL);


--
-- Name: known_tokens_row; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX known_tokens_row ON klarna_worker.known_tokens USING btree (token_id, seen_at);


--
-- Name: order_attempts_order; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX order_attempts_order ON klarna_worker.order_attempts USING btree (order_id, seq);


--
-- Name: orders_due; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_due ON klarna_worker.orders USING btree (merchant, due_at, id) INCLUDE (first_claimed_at) WHERE (status = 'queued'::text);


--
-- Name: orders_duplicate; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_duplicate ON klarna_worker.orders USING btree (id) WHERE possible_duplicate;


--
-- Name: orders_error; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_error ON klarna_worker.orders USING btree (id) WHERE (error IS NOT NULL);


--
-- Name: orders_failed; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_failed ON klarna_worker.orders USING btree (ended_at) WHERE (status = 'failed'::text);


--
-- Name: orders_held; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_held ON klarna_worker.orders USING btree (id) WHERE ((status = 'failed'::text) AND (body IS NOT NULL) AND (substr(error, 1, 27) = '{"code":"database_restored"'::text));


--
-- Name: orders_idempotency; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE UNIQUE INDEX orders_idempotency ON klarna_worker.orders USING btree (idempotency_key, merchant) WHERE ((idempotency_key IS NOT NULL) AND (superseded_by IS NULL));


--
-- Name: orders_klarna_id; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_klarna_id ON klarna_worker.orders USING btree (klarna_id, id) WHERE (klarna_id IS NOT NULL);


--
-- Name: orders_next; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_next ON klarna_worker.orders USING btree (due_at) WHERE (status = 'queued'::text);


--
-- Name: orders_outcome; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_outcome ON klarna_worker.orders USING btree (status, id) INCLUDE (merchant, token_outcome, target);


--
-- Name: orders_reference1; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_reference1 ON klarna_worker.orders USING btree (merchant_reference1, id) WHERE (merchant_reference1 IS NOT NULL);


--
-- Name: orders_reference2; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_reference2 ON klarna_worker.orders USING btree (merchant_reference2, id) WHERE (merchant_reference2 IS NOT NULL);


--
-- Name: orders_running; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_running ON klarna_worker.orders USING btree (merchant, user_id) WHERE (status = 'running'::text);


--
-- Name: orders_user; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_user ON klarna_worker.orders USING btree (user_id, id, merchant);


--
-- Name: orders_waiting; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_waiting ON klarna_worker.orders USING btree (id) WHERE ((status = 'queued'::text) AND (error IS NOT NULL));


--
-- Name: orders_wipe; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_wipe ON klarna_worker.orders USING btree (ended_at) WHERE ((ended_at IS NOT NULL) AND ((body IS NOT NULL) OR (result IS NOT NULL)));


--
-- Name: outages_open; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE UNIQUE INDEX outages_open ON klarna_worker.outages USING btree (merchant, endpoint) WHERE (until IS NULL);


--
-- Name: revocations_due; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX revocations_due ON klarna_worker.revocations USING btree (merchant, due_at);


--
-- Name: tokens_dead; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX tokens_dead ON klarna_worker.tokens USING btree (updated_at) WHERE ((state = 'reauth_required'::text) AND (sealed IS NOT NULL));


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

CREATE INDEX tokens_state ON klarna_worker.tokens USING btree (merchant, state, user_id) WHERE (state <> 'active'::text);


--
-- Name: tokens_uncertain; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX tokens_uncertain ON klarna_worker.tokens USING btree (id) WHERE (state = 'uncertain'::text);


--
-- Name: tokens_undated; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX tokens_undated ON klarna_worker.tokens USING btree (id) WHERE ((state = 'active'::text) AND (refresh_due_generation IS DISTINCT FROM generation));


--
-- Name: webhook_answers_merchant; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX webhook_answers_merchant ON klarna_worker.webhook_answers USING btree (merchant, seq);


--
-- Name: webhooks_due; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX webhooks_due ON klarna_worker.webhooks USING btree (merchant, due_at) WHERE (status = 'pending'::text);


--
-- Name: webhooks_ended; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX webhooks_ended ON klarna_worker.webhooks USING btree (ended_at) WHERE (ended_at IS NOT NULL);


--
-- Name: webhooks_failed; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX webhooks_failed ON klarna_worker.webhooks USING btree (seq) WHERE (status = 'failed'::text);


--
-- Name: webhooks_user; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX webhooks_user ON klarna_worker.webhooks USING btree (user_id, merchant);


--
-- Name: workers_instance; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX workers_instance ON klarna_worker.workers USING btree (instance) WHERE (ended_at IS NULL);


--
-- Name: orders forget_attempts; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER forget_attempts AFTER UPDATE OF user_id ON klarna_worker.orders FOR EACH ROW WHEN (((old.user_id <> new.user_id) AND (octet_length(new.digest) = 0))) EXECUTE FUNCTION klarna_worker.forget_attempts();


--
-- Name: audit_log keep_audit_log; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER keep_audit_log BEFORE DELETE OR UPDATE ON klarna_worker.audit_log FOR EACH ROW EXECUTE FUNCTION klarna_worker.keep_audit_log();


--
-- Name: audit_log keep_whole_audit_log; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER keep_whole_audit_log BEFORE TRUNCATE ON klarna_worker.audit_log FOR EACH STATEMENT EXECUTE FUNCTION klarna_worker.keep_audit_log();


--
-- Name: orders note_attempt; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER note_attempt AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW WHEN (((old.status = 'running'::text) AND (new.status = ANY (ARRAY['queued'::text, 'failed'::text])) AND ((new.attempts > old.attempts) OR (new.lost_workers > old.lost_workers) OR (new.status = 'failed'::text)))) EXECUTE FUNCTION klarna_worker.note_attempt();


--
-- Name: orders tell_of_order; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER tell_of_order AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW WHEN (((new.status = ANY (ARRAY['submitted'::text, 'failed'::text])) AND (old.status <> new.status))) EXECUTE FUNCTION klarna_worker.tell_of_order();


--
-- Name: orders tell_of_session; Type: TRIGGER; Schema: klarna_worker; Owner: -
--

CREATE TRIGGER tell_of_session AFTER UPDATE OF session_phase ON klarna_worker.orders FOR EACH ROW WHEN (((new.session_phase = ANY (ARRAY['completed'::text, 'ended'::text])) AND (new.session_phase IS DISTINCT FROM old.session_phase))) EXECUTE FUNCTION klarna_worker.tell_of_session();


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
-- Name: FUNCTION keep_audit_log(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.keep_audit_log() FROM PUBLIC;


--
-- Name: FUNCTION note_attempt(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.note_attempt() FROM PUBLIC;


--
-- Name: FUNCTION tell_of_order(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.tell_of_order() FROM PUBLIC;


--
-- Name: FUNCTION tell_of_session(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.tell_of_session() FROM PUBLIC;


--
-- Name: FUNCTION tell_of_token(); Type: ACL; Schema: klarna_worker; Owner: -
--

REVOKE ALL ON FUNCTION klarna_worker.tell_of_token() FROM PUBLIC;


--
-- PostgreSQL database dump complete
--


