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

INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '01a22c52-ebfa-74be-aca3-669aa3287daf', 1, '2026-11-30 11:59:21.38658+00', 'service', 'service.start', 'done', NULL, NULL, NULL, 'roles=api,worker,keeper vault.keys=k1 server.api_keys=', NULL, NULL, '\x0000000000000000000000000000000000000000000000000000000000000000', '\x6ff1fb4279290eb2da46eddf96aa2280a112c2357a4b3490c07669cba36ac066');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '01a22c52-ebfa-74be-aca3-669aa3287daf', 2, '2026-11-30 11:59:21.665446+00', 'local', 'token.register', 'done', '01a22c52-ec36-70cf-bb71-b4ca55b44dbd', 'shop', '\xac6cab4c4583891b3e2532567c2b158e', NULL, NULL, '2026-11-30 11:59:21.38658+00', '\x6ff1fb4279290eb2da46eddf96aa2280a112c2357a4b3490c07669cba36ac066', '\x6307d45de7e7a61dae8a94029817418c2ff57061f0a69b82d7275ced59f02be4');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (3, '01a22c52-ebfa-74be-aca3-669aa3287daf', 3, '2026-11-30 11:59:21.837132+00', 'local', 'token.register', 'done', '01a22c52-ecea-705b-8596-d0c0c9f3f987', 'shop', '\xd730948bafc3a70ff8d7264454e35ec0', NULL, NULL, '2026-11-30 11:59:21.665446+00', '\x6307d45de7e7a61dae8a94029817418c2ff57061f0a69b82d7275ced59f02be4', '\x603720fde4925d1c0d93e8d0d71a471df75b77f81a8339ab07ff732720de0910');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (4, '01a22c52-ebfa-74be-aca3-669aa3287daf', 4, '2026-11-30 11:59:22.039973+00', 'local', 'token.register', 'done', '01a22c52-edb0-756f-b812-c72ac69b4904', 'shop', '\x2f71a056f5b54b72633c83f366e3d53f', NULL, NULL, '2026-11-30 11:59:21.837132+00', '\x603720fde4925d1c0d93e8d0d71a471df75b77f81a8339ab07ff732720de0910', '\xefd34d4a6843a414568cef3788ba7f015aef3b8d1a11abc14271718a6845733f');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (5, '01a22c52-ebfa-74be-aca3-669aa3287daf', 5, '2026-11-30 11:59:22.23161+00', 'local', 'token.register', 'done', '01a22c52-ee75-7673-9da6-5af23a784fc3', 'shop', '\xd219acad1087ac43a944e330873fb24a', NULL, NULL, '2026-11-30 11:59:22.039973+00', '\xefd34d4a6843a414568cef3788ba7f015aef3b8d1a11abc14271718a6845733f', '\x3cb141a89d126cc92e1ef0b99e8cff2a992f89fd5e8c820c4a1773ca8fcbc064');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (6, '01a22c52-ebfa-74be-aca3-669aa3287daf', 6, '2026-11-30 11:59:22.25349+00', 'local', 'order.submit', 'done', '01a22c52-ee86-71c8-94b3-5b2e475fc07e', 'shop', '\xac6cab4c4583891b3e2532567c2b158e', '01a22c52-ee86-78c1-ac9a-933b2971be7c', NULL, '2026-11-30 11:59:22.23161+00', '\x3cb141a89d126cc92e1ef0b99e8cff2a992f89fd5e8c820c4a1773ca8fcbc064', '\x9af40c6b7b8757b785fe7a1e7f411b39310e076fad9256dfa0fddab2261b47b6');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (7, '01a22c52-ebfa-74be-aca3-669aa3287daf', 7, '2026-11-30 11:59:22.788146+00', 'local', 'order.submit', 'done', '01a22c52-f09e-70a6-9213-6f005084cfa0', 'shop', '\xac6cab4c4583891b3e2532567c2b158e', '01a22c52-f09e-77bb-b37f-365ab38f6980', NULL, '2026-11-30 11:59:22.25349+00', '\x9af40c6b7b8757b785fe7a1e7f411b39310e076fad9256dfa0fddab2261b47b6', '\x0ac1d48fd9dc6c930fd4fd1ba65b7813c8d3a6be177a6fb04c142b4825028cda');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (8, '01a22c52-ebfa-74be-aca3-669aa3287daf', 8, '2026-11-30 11:59:23.350619+00', 'local', 'order.submit', 'done', '01a22c52-f2d3-745c-a483-5b6cf0749958', 'shop', '\x7b0a11db29891550c107d9cacdac752c', '01a22c52-f2d4-7187-a98e-25cfe5fe8fbc', NULL, '2026-11-30 11:59:22.788146+00', '\x0ac1d48fd9dc6c930fd4fd1ba65b7813c8d3a6be177a6fb04c142b4825028cda', '\xa3bf3cf5e26f70c027dda59c3a8cef415f8d75e2478b1aad4af7b2dc98ebc15d');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (9, '01a22c52-ebfa-74be-aca3-669aa3287daf', 9, '2026-11-30 11:59:23.972609+00', 'local', 'order.submit', 'done', '01a22c52-f540-7428-b33c-882a5411d807', 'shop', '\x2f71a056f5b54b72633c83f366e3d53f', '01a22c52-f540-7e53-a20f-52be4e339a62', NULL, '2026-11-30 11:59:23.350619+00', '\xa3bf3cf5e26f70c027dda59c3a8cef415f8d75e2478b1aad4af7b2dc98ebc15d', '\x16aadcce2ab38d955abad02b1905815586087d862231f37cf32aef638ad303fc');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (10, '01a22c52-ebfa-74be-aca3-669aa3287daf', 10, '2026-11-30 11:59:24.542933+00', 'local', 'order.submit', 'done', '01a22c52-f77a-770a-8e58-268a7f61c9c6', 'shop', '\xd219acad1087ac43a944e330873fb24a', '01a22c52-f77b-7a11-9998-8e6499616360', NULL, '2026-11-30 11:59:23.972609+00', '\x16aadcce2ab38d955abad02b1905815586087d862231f37cf32aef638ad303fc', '\xb534235dcaa8426a514534b05dc7fc6552415ec3776b871377865c49920a0fc6');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (11, '01a22c52-ebfa-74be-aca3-669aa3287daf', 11, '2026-11-30 11:59:25.069549+00', 'local', 'order.submit', 'done', '01a22c52-f98a-7629-b499-0b27b88463b9', 'shop', '\x7b0a11db29891550c107d9cacdac752c', '01a22c52-f98a-74ee-8972-01fdbacd21f3', NULL, '2026-11-30 11:59:24.542933+00', '\xb534235dcaa8426a514534b05dc7fc6552415ec3776b871377865c49920a0fc6', '\xeb6dd6af70bc244b7fd3f8925d68099ece83ce1115253c82b6be73b1133b7f19');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (12, '01a22c52-ebfa-74be-aca3-669aa3287daf', 12, '2026-11-30 11:59:25.592704+00', 'local', 'order.submit', 'done', '01a22c52-fb93-764c-b990-4c79760547bb', 'shop', '\xac6cab4c4583891b3e2532567c2b158e', '01a22c52-fb93-7228-b95e-608ccc5bf64b', NULL, '2026-11-30 11:59:25.069549+00', '\xeb6dd6af70bc244b7fd3f8925d68099ece83ce1115253c82b6be73b1133b7f19', '\xe81d2182ce81e7f475efa67ff0e72c7471762c6913dd564e0762b53e75d56ac2');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (13, '01a22c52-ebfa-74be-aca3-669aa3287daf', 13, '2026-11-30 11:59:25.793382+00', 'local', 'order.submit', 'done', '01a22c52-fc5b-756f-881b-46eadf123be5', 'shop', '\xac6cab4c4583891b3e2532567c2b158e', '01a22c52-fc5b-7cd8-84cd-f45d63142d23', NULL, '2026-11-30 11:59:25.592704+00', '\xe81d2182ce81e7f475efa67ff0e72c7471762c6913dd564e0762b53e75d56ac2', '\x6341c659dbdc080eea59a4d53fed8d2b7f3ec5a5fb04bb489991d1fba772748a');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (14, '01a22c52-fd1a-7770-b8a2-95b279a53862', 1, '2026-11-30 11:59:25.975605+00', 'command:root', 'order.cancel', 'done', NULL, NULL, NULL, '01a22c52-fc5b-7cd8-84cd-f45d63142d23', 13, '2026-11-30 11:59:25.793382+00', '\x6341c659dbdc080eea59a4d53fed8d2b7f3ec5a5fb04bb489991d1fba772748a', '\x143f97fc562a2e98368337349959a4c2fac56172422fec806563a274b7021561');


--
-- Data for Name: cached_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.exchanges VALUES ('01a22c52-ee8c-7631-afde-42f24554a4bc', 1, 1, 1, 'order', '01a22c52-ee86-78c1-ac9a-933b2971be7c', '01a22c52-eab4-7162-b430-50c5946b9a2b', '2026-11-30 11:59:22.262866+00', '2026-11-30 11:59:22.272225+00', 'rotated', false, NULL, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22c52-f0a5-7363-b083-182b1b7f4f3b', 1, 2, 1, 'order', '01a22c52-f09e-77bb-b37f-365ab38f6980', '01a22c52-eab4-7162-b430-50c5946b9a2b', '2026-11-30 11:59:22.790992+00', '2026-11-30 11:59:22.795638+00', 'rotated', false, NULL, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22c52-f546-7552-8672-f9c2d63a4244', 3, 1, 1, 'order', '01a22c52-f540-7e53-a20f-52be4e339a62', '01a22c52-eab4-7162-b430-50c5946b9a2b', '2026-11-30 11:59:23.975314+00', '2026-11-30 11:59:23.991268+00', 'rejected', false, '\xa7908acdb3feab2f313953aecd8f2d6f', NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22c52-f780-7562-957e-295278a84421', 4, 1, 1, 'order', '01a22c52-f77b-7a11-9998-8e6499616360', '01a22c52-eab4-7162-b430-50c5946b9a2b', '2026-11-30 11:59:24.545519+00', '2026-11-30 11:59:24.549646+00', 'no_answer', true, NULL, 'the connection broke before the answer was complete');


--
-- Data for Name: follow_ups; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: installation; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.installation VALUES (true, 'e2e', 1, '\x01026b3147a22ea24eed08aae767023e05e96c0ab4789dd33221a97aee0300ef1a964ceef679d1120a0a34a45dc8ae59ab43579af9a1c37da4aee53d3feb3fe4fe7443f7b22f17c5fc13486d', '2026-11-30 11:59:21.255336+00', 600000000, NULL);


--
-- Data for Name: keeper; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keeper VALUES (true, NULL, NULL, NULL, NULL);


--
-- Data for Name: keys; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keys VALUES ('k1', '\x3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6', '2026-11-30 11:59:21.25755+00');


--
-- Data for Name: known_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.known_tokens VALUES ('\x4bc877a65eb66e0393a7f049f70284b3c6ab18472ea7ded5388229ba501934e7', 1, '2026-11-30 11:59:21.663514+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x68798a04f3ed5514208fb780571d3ba0f89dcc5ae1125ff981e38219a22f9d76', 2, '2026-11-30 11:59:21.836591+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\xc688065ce6cbd0d88d0b0383f62e46ac2c93eb70e59f7ac9a79604499c522b23', 3, '2026-11-30 11:59:22.034084+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\xb90ee700a04a48abfec2bf3c31bb8ca38dd9c69ceedea98b852cf1999289135a', 4, '2026-11-30 11:59:22.230897+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x06c95fdb621b658ac5e49be6f198e4d0810c3511ec9ae2f3a6c4768a5b097059', 1, '2026-11-30 11:59:22.269149+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\xc354859db6996414d9b9841c11c39f1067c0baa25a5106b4b2b3d27dd4fd4a14', 1, '2026-11-30 11:59:22.793813+00');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.migrations VALUES (1, 'baseline', '2026-11-30 11:59:21.153138+00', true, '\x0541f9a87922a8a4f29ffded92887b3fffce32336d0822dca28f6c9f516098ca1444f31531761ca7638819628d07840d', 54370670);


--
-- Data for Name: order_attempts; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.order_attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a22c52-f98a-74ee-8972-01fdbacd21f3', '2026-11-30 11:59:25.075283+00', '01a22c52-eab4-7162-b430-50c5946b9a2b', false, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"ff37d1e7-b1d9-4e03-9608-497f652481ac"}');


--
-- Data for Name: orders; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.orders VALUES ('01a22c52-ee86-78c1-ac9a-933b2971be7c', 'shop', 'alma', 'cart-1', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 11:59:22.251174+00', '2026-11-30 11:59:22.251174+00', '2026-11-30 12:09:22.251174+00', '2026-11-30 11:59:22.251174+00', 0, NULL, '2026-11-30 11:59:22.289776+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '6d6f94f6-ab15-4f51-9a5f-7c105d2230d5', '<div id="klarna-checkout-container" data-order-id="6d6f94f6-ab15-4f51-9a5f-7c105d2230d5" style="overflow-x: hidden;"><script src="http://127.0.0.1:38515/sandbox/checkout.js" data-order-id="6d6f94f6-ab15-4f51-9a5f-7c105d2230d5"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '4653a655-bf9e-4947-b203-40b489eb5784', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c52-f09e-77bb-b37f-365ab38f6980', 'shop', 'alma', 'cart-2', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 11:59:22.78762+00', '2026-11-30 11:59:22.78762+00', '2026-11-30 12:09:22.78762+00', '2026-11-30 11:59:22.78762+00', 0, NULL, '2026-11-30 11:59:22.798847+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '8b831445-8bb1-4140-8229-96090904c0a2', '<div id="klarna-checkout-container" data-order-id="8b831445-8bb1-4140-8229-96090904c0a2" style="overflow-x: hidden;"><script src="http://127.0.0.1:38515/sandbox/checkout.js" data-order-id="8b831445-8bb1-4140-8229-96090904c0a2"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '5c25ae36-5d90-4463-bb29-7d74d606bbdd', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c52-f2d4-7187-a98e-25cfe5fe8fbc', 'shop', 'never', 'cart-3', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 11:59:23.349179+00', '2026-11-30 11:59:23.349179+00', '2026-11-30 12:09:23.349179+00', '2026-11-30 11:59:23.349179+00', 0, NULL, '2026-11-30 11:59:23.367771+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', 'c09e5adf-b86c-4db0-84e2-f9d6114a637a', '<div id="klarna-checkout-container" data-order-id="c09e5adf-b86c-4db0-84e2-f9d6114a637a" style="overflow-x: hidden;"><script src="http://127.0.0.1:38515/sandbox/checkout.js" data-order-id="c09e5adf-b86c-4db0-84e2-f9d6114a637a"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '79823fe0-1ae8-49f4-b682-22fa923e6b96', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c52-f540-7e53-a20f-52be4e339a62', 'shop', 'revoked', 'cart-4', NULL, NULL, '\x0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 11:59:23.970718+00', '2026-11-30 11:59:23.970718+00', '2026-11-30 12:09:23.970718+00', '2026-11-30 11:59:23.970718+00', 0, NULL, '2026-11-30 11:59:24.008093+00', NULL, 1, 1, 1, 0, false, 'reauth_required', '[]', 'db824dd3-ea45-49aa-9138-b2722e611c61', '<div id="klarna-checkout-container" data-order-id="db824dd3-ea45-49aa-9138-b2722e611c61" style="overflow-x: hidden;"><script src="http://127.0.0.1:38515/sandbox/checkout.js" data-order-id="db824dd3-ea45-49aa-9138-b2722e611c61"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, 'fb42e41b-32fc-4e13-9e50-2a972706418b', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c52-f77b-7a11-9998-8e6499616360', 'shop', 'lost', 'cart-5', NULL, NULL, '\x41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 11:59:24.541946+00', '2026-11-30 11:59:24.541946+00', '2026-11-30 12:09:24.541946+00', '2026-11-30 11:59:24.541946+00', 0, NULL, '2026-11-30 11:59:24.552416+00', NULL, 1, 1, 1, 0, false, 'uncertain', '[]', 'cba385cf-937b-4e2f-980d-162c6a0ced61', '<div id="klarna-checkout-container" data-order-id="cba385cf-937b-4e2f-980d-162c6a0ced61" style="overflow-x: hidden;"><script src="http://127.0.0.1:38515/sandbox/checkout.js" data-order-id="cba385cf-937b-4e2f-980d-162c6a0ced61"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, 'ac9cb65c-5ab5-439b-a309-1abaa909aab4', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c52-fc5b-7cd8-84cd-f45d63142d23', 'shop', 'alma', 'cart-8', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'cancelled', '2026-11-30 11:59:25.78966+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, 0, NULL, '2026-11-30 11:59:25.974496+00', NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c52-f98a-74ee-8972-01fdbacd21f3', 'shop', 'never', 'cart-6', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'failed', '2026-11-30 11:59:25.068655+00', '2026-11-30 11:59:25.068655+00', '2026-11-30 12:09:25.068655+00', '2026-11-30 11:59:25.068655+00', 0, NULL, '2026-11-30 11:59:25.075283+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"ff37d1e7-b1d9-4e03-9608-497f652481ac"}', NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22c52-fb93-7228-b95e-608ccc5bf64b', 'shop', 'alma', 'cart-7', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'queued', '2026-11-30 11:59:25.589786+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, 0, NULL, NULL, NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');


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

INSERT INTO klarna_worker.providers VALUES ('shop', '\xa7908acdb3feab2f313953aecd8f2d6f', true, NULL, 0, 0, NULL);


--
-- Data for Name: rates; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: revocations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bo', 1, 1, 'active', NULL, '\x01026b31255492896211f664d64008b23fac5befa86fb0e138a97255b71daebe5acd4fc14e42dbd39c73de8514bd088f7a57b7d5c9ebd9e34375607f71400b331790bc45cba7e33a11613faa32b01ce8b10cd6f4c8997f4dcf57be5799a7', '\xa7908acdb3feab2f313953aecd8f2d6f', '2026-11-30 11:59:21.835027+00', '2026-11-30 11:59:21.835027+00', '2027-01-29 11:59:21.835027+00', NULL, NULL, '2026-11-30 11:59:21.836747+00', '2027-01-04 00:14:49.783574+00', 1, 0, NULL, '2026-11-30 11:59:21.835027+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'alma', 3, 1, 'active', NULL, '\x01026b31d530d96e7cded86165794a9613074cffc7d2497ee6d62a70032d3f5d32bd76315a387a3af2717c285de10d7ea2473a60208ff866b2b4ad84a74cb1ebb57443e073aa2c0b671b8d69a06359478394af01013253619590486ab0fa', '\xa7908acdb3feab2f313953aecd8f2d6f', '2026-11-30 11:59:21.655667+00', '2026-11-30 11:59:22.793813+00', '2027-01-29 11:59:22.793813+00', '01a22c52-f0a5-7363-b083-182b1b7f4f3b', '\xf04a9b7575a379479e2002d6e55ffa9d99a30360b336c7ffd1073d719527bfc0', '2026-11-30 11:59:22.795363+00', '2027-01-03 20:46:23.274693+00', 3, 0, NULL, '2026-11-30 11:59:22.795363+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'revoked', 1, 1, 'reauth_required', 'rejected', '\x01026b31cdac18998725dba344078979549831781f72cc872a3e45eea76dcaf24658c5dd54739482850c97c7788495372956928fa2acc1763ad48ecabeda8bb7337ddcbcc6a2d487f67a2f3ddaf292f69bea7cd4c748f90c35c3aa81bbaa', '\xa7908acdb3feab2f313953aecd8f2d6f', '2026-11-30 11:59:22.032686+00', '2026-11-30 11:59:22.032686+00', '2027-01-29 11:59:22.032686+00', NULL, NULL, '2026-11-30 11:59:23.978902+00', NULL, 1, 0, NULL, '2026-11-30 11:59:22.032686+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'lost', 1, 1, 'uncertain', NULL, '\x01026b31a7098f7d8275b749bb3df4f3a0f71a95b9ab68ceb32a8d0e089773c91ff0697478b2b1819f551ce56273c8d48599ebaa7df24dc28b70902e31b9c0e5cdb2faeb019e78fa09bc75e338fac7e58975d6edd748da9dc35d68f2c453', '\xa7908acdb3feab2f313953aecd8f2d6f', '2026-11-30 11:59:22.229599+00', '2026-11-30 11:59:22.229599+00', '2027-01-29 11:59:22.229599+00', NULL, NULL, '2026-11-30 11:59:24.548627+00', NULL, 1, 0, NULL, '2026-11-30 11:59:22.229599+00');


--
-- Data for Name: user_changes; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: webhook_answers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'f35fe97e-f494-4136-a670-efde392ff503', 'order.submitted', '2026-11-30 11:59:22.313794+00', NULL, 218, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'd39371ae-dd57-4730-9252-f156091093a2', 'order.submitted', '2026-11-30 11:59:22.824049+00', NULL, 194, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (3, 'shop', '5c9af2c7-6283-4fb1-815e-ce964ad12c02', 'order.submitted', '2026-11-30 11:59:23.372436+00', NULL, 201, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'c564650d-4ea7-4b2a-81ac-4037f51029c8', 'order.submitted', '2026-11-30 11:59:24.017968+00', NULL, 164, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (5, 'shop', 'a9a8572f-1a3b-4d7b-bf14-d36752f80277', 'token.reauth_required', '2026-11-30 11:59:24.019972+00', NULL, 267, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (6, 'shop', '0715eef0-5b70-428f-be27-49b3b1cfb68a', 'order.submitted', '2026-11-30 11:59:24.560366+00', NULL, 179, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (7, 'shop', 'ac3b76a9-82d9-4fed-b510-84504878d453', 'order.failed', '2026-11-30 11:59:25.081167+00', NULL, 200, 'not sent: connection refused');


--
-- Data for Name: webhook_endpoints; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_endpoints VALUES ('shop', '\x05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5', '2026-11-30 11:59:22.311744+00', NULL, NULL);


--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (1, 'f35fe97e-f494-4136-a670-efde392ff503', 'shop', 'alma', '01a22c52-ee86-78c1-ac9a-933b2971be7c', 'order.submitted', '{"order_id" : "01a22c52-ee86-78c1-ac9a-933b2971be7c", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "6d6f94f6-ab15-4f51-9a5f-7c105d2230d5", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-30 11:59:22.289776+00', '2026-11-30 11:59:27.524724+00', '2026-12-03 11:59:22.289776+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (2, 'd39371ae-dd57-4730-9252-f156091093a2', 'shop', 'alma', '01a22c52-f09e-77bb-b37f-365ab38f6980', 'order.submitted', '{"order_id" : "01a22c52-f09e-77bb-b37f-365ab38f6980", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "8b831445-8bb1-4140-8229-96090904c0a2", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-30 11:59:22.798847+00', '2026-11-30 11:59:28.082576+00', '2026-12-03 11:59:22.798847+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (3, '5c9af2c7-6283-4fb1-815e-ce964ad12c02', 'shop', 'never', '01a22c52-f2d4-7187-a98e-25cfe5fe8fbc', 'order.submitted', '{"order_id" : "01a22c52-f2d4-7187-a98e-25cfe5fe8fbc", "merchant" : "shop", "user" : "never", "target" : "checkout", "klarna_order_id" : "c09e5adf-b86c-4db0-84e2-f9d6114a637a", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 11:59:23.367771+00', '2026-11-30 11:59:28.277998+00', '2026-12-03 11:59:23.367771+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (4, 'a9a8572f-1a3b-4d7b-bf14-d36752f80277', 'shop', 'revoked', NULL, 'token.reauth_required', '{"merchant" : "shop", "user" : "revoked", "reason" : "rejected"}', 'pending', '2026-11-30 11:59:23.978902+00', '2026-11-30 11:59:28.756295+00', '2026-12-03 11:59:23.978902+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (5, 'c564650d-4ea7-4b2a-81ac-4037f51029c8', 'shop', 'revoked', '01a22c52-f540-7e53-a20f-52be4e339a62', 'order.submitted', '{"order_id" : "01a22c52-f540-7e53-a20f-52be4e339a62", "merchant" : "shop", "user" : "revoked", "target" : "checkout", "klarna_order_id" : "db824dd3-ea45-49aa-9138-b2722e611c61", "token" : "reauth_required", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 11:59:24.008093+00', '2026-11-30 11:59:29.5039+00', '2026-12-03 11:59:24.008093+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (6, '0715eef0-5b70-428f-be27-49b3b1cfb68a', 'shop', 'lost', '01a22c52-f77b-7a11-9998-8e6499616360', 'order.submitted', '{"order_id" : "01a22c52-f77b-7a11-9998-8e6499616360", "merchant" : "shop", "user" : "lost", "target" : "checkout", "klarna_order_id" : "cba385cf-937b-4e2f-980d-162c6a0ced61", "token" : "uncertain", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 11:59:24.552416+00', '2026-11-30 11:59:29.686758+00', '2026-12-03 11:59:24.552416+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (7, 'ac3b76a9-82d9-4fed-b510-84504878d453', 'shop', 'never', '01a22c52-f98a-74ee-8972-01fdbacd21f3', 'order.failed', '{"order_id" : "01a22c52-f98a-74ee-8972-01fdbacd21f3", "merchant" : "shop", "user" : "never", "target" : "checkout", "code" : "klarna_refused_order", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 11:59:25.075283+00', '2026-11-30 11:59:30.437998+00', '2026-12-03 11:59:25.075283+00', NULL, 1, 1, 'not sent: connection refused');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.workers VALUES ('01a22c52-eab4-7162-b430-50c5946b9a2b', '01a22c52-eab3-74c7-a15a-5cdaf1c61fad', 'vm/8815', '2026-11-30 11:59:21.283419+00', '2026-11-30 11:59:25.29179+00', 6, '2026-11-30 11:59:25.985088+00', NULL);


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

SELECT pg_catalog.setval('klarna_worker.webhook_answers_seq_seq', 7, true);


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


