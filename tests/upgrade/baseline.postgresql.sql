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

INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 1, '2026-11-30 09:58:06.654321+00', 'service', 'service.start', 'done', NULL, NULL, NULL, 'roles=api,worker,keeper vault.keys=k1 server.api_keys=', NULL, NULL, '\x0000000000000000000000000000000000000000000000000000000000000000', '\xad3ff300e20e640d29654397413794e03ad3ee91cdd615922cd78cfdc60ff582');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 2, '2026-11-30 09:58:06.975766+00', 'local', 'token.register', 'done', '01a22be3-eb69-7654-a69f-a0fc2fd3691f', 'shop', '\x4ee7e8a3b842862dc3d805355fb8ec97', NULL, NULL, '2026-11-30 09:58:06.654321+00', '\xad3ff300e20e640d29654397413794e03ad3ee91cdd615922cd78cfdc60ff582', '\xcf2bf8ed887530a8ffe93f8da457940405ea08f8009842612e1d451c5cdd9352');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (3, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 3, '2026-11-30 09:58:07.262284+00', 'local', 'token.register', 'done', '01a22be3-ec91-703e-8090-7918c397deb1', 'shop', '\xdb3b3490519c49d2a3281ae472cb7ddb', NULL, NULL, '2026-11-30 09:58:06.975766+00', '\xcf2bf8ed887530a8ffe93f8da457940405ea08f8009842612e1d451c5cdd9352', '\x14243f3b478dba1d89dee013b8b8b17f07d03f6ebafe9735f26dc7a61d3fba55');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (4, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 4, '2026-11-30 09:58:07.593019+00', 'local', 'token.register', 'done', '01a22be3-ede3-70a6-b2ff-a9dcd518b380', 'shop', '\x423acc6a025adb66762f317891f67795', NULL, NULL, '2026-11-30 09:58:07.262284+00', '\x14243f3b478dba1d89dee013b8b8b17f07d03f6ebafe9735f26dc7a61d3fba55', '\x6a4ca5c7d059bcd41d9abcdeef48ef9d5e68f9b875c83fb8ead5def05411b450');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (5, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 5, '2026-11-30 09:58:07.928542+00', 'local', 'token.register', 'done', '01a22be3-ef30-72b7-99e0-a6d71dcb02e9', 'shop', '\x8efb213199fa03303e1764a68e49edd2', NULL, NULL, '2026-11-30 09:58:07.593019+00', '\x6a4ca5c7d059bcd41d9abcdeef48ef9d5e68f9b875c83fb8ead5def05411b450', '\xc6700579cc162aa9bcaa159a82fe5df3098935af9e048bcefb0b3aea27057b78');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (6, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 6, '2026-11-30 09:58:07.948077+00', 'local', 'order.submit', 'done', '01a22be3-ef47-7139-850d-25d118197b68', 'shop', '\x4ee7e8a3b842862dc3d805355fb8ec97', '01a22be3-ef48-78d3-a7f7-4dba13861c22', NULL, '2026-11-30 09:58:07.928542+00', '\xc6700579cc162aa9bcaa159a82fe5df3098935af9e048bcefb0b3aea27057b78', '\xbee1f3938eb87234387f92e8638e240c95e772164ce352428bf3dc2fd0fd2306');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (7, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 7, '2026-11-30 09:58:08.70397+00', 'local', 'order.submit', 'done', '01a22be3-f237-776f-a4dc-fc95cb932a96', 'shop', '\x4ee7e8a3b842862dc3d805355fb8ec97', '01a22be3-f238-7d1e-8fdb-3fc559ea6346', NULL, '2026-11-30 09:58:07.948077+00', '\xbee1f3938eb87234387f92e8638e240c95e772164ce352428bf3dc2fd0fd2306', '\xedc459ed934103b45f199ce310579083c0a5d9fafd16e39c6f5da5006219f89c');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (8, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 8, '2026-11-30 09:58:09.452002+00', 'local', 'order.submit', 'done', '01a22be3-f528-718a-80f2-b529060c9fbb', 'shop', '\x92460d8ba45b493c18cf82f7e816c740', '01a22be3-f529-7440-bbb3-682ab9f4cee6', NULL, '2026-11-30 09:58:08.70397+00', '\xedc459ed934103b45f199ce310579083c0a5d9fafd16e39c6f5da5006219f89c', '\x98a1e252c13b10edc3aa85b0ff358f186d51b2b6f4c1fcef8ba652df015d57cf');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (9, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 9, '2026-11-30 09:58:10.429684+00', 'local', 'order.submit', 'done', '01a22be3-f8f4-7224-841c-bbab61301c83', 'shop', '\x423acc6a025adb66762f317891f67795', '01a22be3-f8f5-72f0-a309-679d2caa88f0', NULL, '2026-11-30 09:58:09.452002+00', '\x98a1e252c13b10edc3aa85b0ff358f186d51b2b6f4c1fcef8ba652df015d57cf', '\x9c60c67dd08d3f04ad45e840c0b92912a6625b1709c6f050eae6e1a9f4fa2d64');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (10, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 10, '2026-11-30 09:58:11.145385+00', 'local', 'order.submit', 'done', '01a22be3-fbbb-77bf-9449-d7e1afc1a428', 'shop', '\x8efb213199fa03303e1764a68e49edd2', '01a22be3-fbbc-7942-bdf7-9b11224d1404', NULL, '2026-11-30 09:58:10.429684+00', '\x9c60c67dd08d3f04ad45e840c0b92912a6625b1709c6f050eae6e1a9f4fa2d64', '\xea446f095a2d5085d554a81c0e7f51cb0b249af76ac5c63bb53f769fbe375766');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (11, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 11, '2026-11-30 09:58:12.064889+00', 'local', 'order.submit', 'done', '01a22be3-ff58-74e4-9e7f-e88fc06e6596', 'shop', '\x92460d8ba45b493c18cf82f7e816c740', '01a22be3-ff58-7edb-8072-ffb064adc16e', NULL, '2026-11-30 09:58:11.145385+00', '\xea446f095a2d5085d554a81c0e7f51cb0b249af76ac5c63bb53f769fbe375766', '\x73c75764e9f5ecbe1707844f60c6e2d179f1e210c3ee61ebb3cfbb3046d08cda');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (12, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 12, '2026-11-30 09:58:12.831794+00', 'local', 'order.submit', 'done', '01a22be4-0257-70ed-b3c1-90dab116f973', 'shop', '\x4ee7e8a3b842862dc3d805355fb8ec97', '01a22be4-025a-7b46-ba1f-5e2f878567fc', NULL, '2026-11-30 09:58:12.064889+00', '\x73c75764e9f5ecbe1707844f60c6e2d179f1e210c3ee61ebb3cfbb3046d08cda', '\x0dd2f6ca60d25b44e01380de9f70018d8cd7aa47051375cae6bbffafcd79fd38');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (13, '01a22be3-eb0f-7212-952f-ee2c2d1a0481', 13, '2026-11-30 09:58:13.071565+00', 'local', 'order.submit', 'done', '01a22be4-0344-73b3-9ecf-5e5952bf6fd3', 'shop', '\x4ee7e8a3b842862dc3d805355fb8ec97', '01a22be4-0345-7940-94c8-82b9127d2077', NULL, '2026-11-30 09:58:12.831794+00', '\x0dd2f6ca60d25b44e01380de9f70018d8cd7aa47051375cae6bbffafcd79fd38', '\x628982d5bf3f2ad9030c2b3cef27fe9896fcae2eb65d57e0db87969aa0f6d780');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (14, '01a22be4-0488-704f-9cbc-1d2a75e96062', 1, '2026-11-30 09:58:13.382319+00', 'command:root', 'order.cancel', 'done', NULL, NULL, NULL, '01a22be4-0345-7940-94c8-82b9127d2077', 13, '2026-11-30 09:58:13.071565+00', '\x628982d5bf3f2ad9030c2b3cef27fe9896fcae2eb65d57e0db87969aa0f6d780', '\x84df2f76e9ac3aa99a25d15d9acafcef842a95b985418d7db2861d7b0c5bde15');


--
-- Data for Name: cached_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.exchanges VALUES ('01a22be3-ef50-7034-b0ec-d661e4f5d686', 1, 1, 1, 'order', '01a22be3-ef48-78d3-a7f7-4dba13861c22', '01a22be3-e9bf-75e6-865e-a1b6826d3a32', '2026-11-30 09:58:07.959758+00', '2026-11-30 09:58:07.966209+00', 'rotated', false, NULL, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22be3-f243-72c6-86fe-f978d85c8b80', 1, 2, 1, 'order', '01a22be3-f238-7d1e-8fdb-3fc559ea6346', '01a22be3-e9bf-75e6-865e-a1b6826d3a32', '2026-11-30 09:58:08.709734+00', '2026-11-30 09:58:08.717527+00', 'rotated', false, NULL, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22be3-f903-7751-bae8-794439dcd993', 3, 1, 1, 'order', '01a22be3-f8f5-72f0-a309-679d2caa88f0', '01a22be3-e9bf-75e6-865e-a1b6826d3a32', '2026-11-30 09:58:10.43933+00', '2026-11-30 09:58:10.45645+00', 'rejected', false, '\xff6e11919fb41e2b7f06f03fdafd4b31', NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22be3-fbd4-722b-9ed3-b4485428bcad', 4, 1, 1, 'order', '01a22be3-fbbc-7942-bdf7-9b11224d1404', '01a22be3-e9bf-75e6-865e-a1b6826d3a32', '2026-11-30 09:58:11.159768+00', '2026-11-30 09:58:11.164467+00', 'no_answer', true, NULL, 'the connection broke before the answer was complete');


--
-- Data for Name: follow_ups; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: installation; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.installation VALUES (true, 'e2e', 1, '\x01026b31036204edeefbc500ce07de7a89d223b1630e58553d586f14c84583b7f91a8a13f7ea3780a435fbbff95947c5f9607b3ec0a0fd2bc04e862e968167164b70e8a60cf5aef2e248e402', '2026-11-30 09:58:06.506362+00', 600000000, NULL);


--
-- Data for Name: keeper; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keeper VALUES (true, NULL, NULL, NULL, NULL);


--
-- Data for Name: keys; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keys VALUES ('k1', '\x3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6', '2026-11-30 09:58:06.516093+00');


--
-- Data for Name: known_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.known_tokens VALUES ('\xf07b72ce50d0ab50e0a9f3e9ee936be39c22e21787dc299959ecbf4264ec1c6a', 1, '2026-11-30 09:58:06.973155+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x1ee492a14c568afecabc072e666bdf24e4a37182117fcb9e4bce055ee7154287', 2, '2026-11-30 09:58:07.260812+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x853c64e54e71dde5a025031123090d5a93abdc2a0fa29cd54f299d49c05a3831', 3, '2026-11-30 09:58:07.591552+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x94dfe253205ee4f90c88cab845d23aa4743b607a81dda61407d8b1a04102810b', 4, '2026-11-30 09:58:07.926765+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x25d6e8f201b8a91ee038eaf66af98dc8b62d6b4e1f61dd2bfdae5539551f6fda', 1, '2026-11-30 09:58:07.963738+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x7620ffcd7a8c5b7d537f4480d4f4287c0803eb642ebeb7f89a0ea6c48bc60876', 1, '2026-11-30 09:58:08.714563+00');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.migrations VALUES (1, 'baseline', '2026-11-30 09:58:06.296454+00', true, '\x62fc3e04382e053e6de2ec410a8a598e4ece39a17457d869fdc30a232952820e939d898db082a473d3cf2164f513c1ff', 112296009);


--
-- Data for Name: order_attempts; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.order_attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a22be3-ff58-7edb-8072-ffb064adc16e', '2026-11-30 09:58:12.082742+00', '01a22be3-e9bf-75e6-865e-a1b6826d3a32', false, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"e34907c6-479b-4cd7-b28c-6a5ecce3e04b"}');


--
-- Data for Name: orders; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.orders VALUES ('01a22be3-ef48-78d3-a7f7-4dba13861c22', 'shop', 'alma', 'cart-1', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 09:58:07.94685+00', '2026-11-30 09:58:07.94685+00', '2026-11-30 10:08:07.94685+00', '2026-11-30 09:58:07.94685+00', 0, NULL, '2026-11-30 09:58:07.986152+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '4d5ea94d-7fc2-4e56-aedf-10c6f91ca99e', '<div id="klarna-checkout-container" data-order-id="4d5ea94d-7fc2-4e56-aedf-10c6f91ca99e" style="overflow-x: hidden;"><script src="http://127.0.0.1:36425/sandbox/checkout.js" data-order-id="4d5ea94d-7fc2-4e56-aedf-10c6f91ca99e"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '9af08bb8-56c2-4893-a4ec-6477b03d65d9', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22be3-f238-7d1e-8fdb-3fc559ea6346', 'shop', 'alma', 'cart-2', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 09:58:08.699771+00', '2026-11-30 09:58:08.699771+00', '2026-11-30 10:08:08.699771+00', '2026-11-30 09:58:08.699771+00', 0, NULL, '2026-11-30 09:58:08.722244+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', 'ec0d2ccb-634f-4eb2-bdba-41b085d40bdd', '<div id="klarna-checkout-container" data-order-id="ec0d2ccb-634f-4eb2-bdba-41b085d40bdd" style="overflow-x: hidden;"><script src="http://127.0.0.1:36425/sandbox/checkout.js" data-order-id="ec0d2ccb-634f-4eb2-bdba-41b085d40bdd"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, 'c8f122d2-2c3f-43c5-8433-dafbc4f054fa', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22be3-f529-7440-bbb3-682ab9f4cee6', 'shop', 'never', 'cart-3', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 09:58:09.450857+00', '2026-11-30 09:58:09.450857+00', '2026-11-30 10:08:09.450857+00', '2026-11-30 09:58:09.450857+00', 0, NULL, '2026-11-30 09:58:09.460423+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', 'db3c50b8-37cd-438b-99ac-c2f01149ce93', '<div id="klarna-checkout-container" data-order-id="db3c50b8-37cd-438b-99ac-c2f01149ce93" style="overflow-x: hidden;"><script src="http://127.0.0.1:36425/sandbox/checkout.js" data-order-id="db3c50b8-37cd-438b-99ac-c2f01149ce93"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '03081bf6-c764-40fa-9487-552c0616de8b', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22be3-f8f5-72f0-a309-679d2caa88f0', 'shop', 'revoked', 'cart-4', NULL, NULL, '\x0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 09:58:10.426742+00', '2026-11-30 09:58:10.426742+00', '2026-11-30 10:08:10.426742+00', '2026-11-30 09:58:10.426742+00', 0, NULL, '2026-11-30 09:58:10.477295+00', NULL, 1, 1, 1, 0, false, 'reauth_required', '[]', 'a18be4d8-4be8-4658-bbcd-98ad7330954d', '<div id="klarna-checkout-container" data-order-id="a18be4d8-4be8-4658-bbcd-98ad7330954d" style="overflow-x: hidden;"><script src="http://127.0.0.1:36425/sandbox/checkout.js" data-order-id="a18be4d8-4be8-4658-bbcd-98ad7330954d"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, 'd8a71af5-7d23-4b10-a45f-a987d2b4b588', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22be3-fbbc-7942-bdf7-9b11224d1404', 'shop', 'lost', 'cart-5', NULL, NULL, '\x41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 09:58:11.144256+00', '2026-11-30 09:58:11.144256+00', '2026-11-30 10:08:11.144256+00', '2026-11-30 09:58:11.144256+00', 0, NULL, '2026-11-30 09:58:11.175256+00', NULL, 1, 1, 1, 0, false, 'uncertain', '[]', '83ba1676-2184-45de-87a5-ce734430adc0', '<div id="klarna-checkout-container" data-order-id="83ba1676-2184-45de-87a5-ce734430adc0" style="overflow-x: hidden;"><script src="http://127.0.0.1:36425/sandbox/checkout.js" data-order-id="83ba1676-2184-45de-87a5-ce734430adc0"></script></div>', NULL, NULL, NULL, NULL, NULL, NULL, '4797a555-d13b-4a57-b2b7-0174763cc685', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22be3-ff58-7edb-8072-ffb064adc16e', 'shop', 'never', 'cart-6', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'failed', '2026-11-30 09:58:12.061263+00', '2026-11-30 09:58:12.061263+00', '2026-11-30 10:08:12.061263+00', '2026-11-30 09:58:12.061263+00', 0, NULL, '2026-11-30 09:58:12.082742+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"e34907c6-479b-4cd7-b28c-6a5ecce3e04b"}', NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22be4-025a-7b46-ba1f-5e2f878567fc', 'shop', 'alma', 'cart-7', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'queued', '2026-11-30 09:58:12.830408+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, 0, NULL, NULL, NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22be4-0345-7940-94c8-82b9127d2077', 'shop', 'alma', 'cart-8', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'cancelled', '2026-11-30 09:58:13.070281+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, 0, NULL, '2026-11-30 09:58:13.380649+00', NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');


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

INSERT INTO klarna_worker.providers VALUES ('shop', '\xff6e11919fb41e2b7f06f03fdafd4b31', true, NULL, 0, 0, NULL);


--
-- Data for Name: rates; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: revocations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bo', 1, 1, 'active', NULL, '\x01026b314a6d67327987d328c5d94ae0c7437b76687ac6584cc86d2475f40a27ebbee2c25f706beb5e2605846ed15f38f2db2e9e0b1c2e69c49ec05aeba975a6d31b944f381b8c09236145d5c567b7c432c4aab92252680bea736d620110', '\xff6e11919fb41e2b7f06f03fdafd4b31', '2026-11-30 09:58:07.250737+00', '2026-11-30 09:58:07.250737+00', '2027-01-29 09:58:07.250737+00', NULL, NULL, '2026-11-30 09:58:07.261542+00', '2027-01-03 22:13:35.199284+00', 1, 0, NULL, '2026-11-30 09:58:07.250737+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'alma', 3, 1, 'active', NULL, '\x01026b31c78f18e5f1a462c3ed849c4e11dc8dcbf22fdbd54caae5d87a9ea32fafd7f59001e0db536f3694243e5c13adca31e3369f5acb8b4b4b6d51783c5c224ba9262595689174a254069891be20ae423f0ea39c626257fd4ad44f516c', '\xff6e11919fb41e2b7f06f03fdafd4b31', '2026-11-30 09:58:06.957952+00', '2026-11-30 09:58:08.714563+00', '2027-01-29 09:58:08.714563+00', '01a22be3-f243-72c6-86fe-f978d85c8b80', '\xef11f68cff9dd8d1bae22c536271009e4df3ef83c5ace0d22ef1ce32b3ea2be9', '2026-11-30 09:58:08.717265+00', '2027-01-03 18:45:09.195443+00', 3, 0, NULL, '2026-11-30 09:58:08.717266+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'revoked', 1, 1, 'reauth_required', 'rejected', '\x01026b31f22f7f7621a9c7ccde4bc71bcb40d5b1d8804e933ab0aa85f1f4811d06f08fb148cf94f8e1048a4db3d7059ceb720d0653547e64fc19911cc491e2659902253a91176d2dfc79c11f64dbd49daf74912398fe393a339ab3660cd1', '\xff6e11919fb41e2b7f06f03fdafd4b31', '2026-11-30 09:58:07.588688+00', '2026-11-30 09:58:07.588688+00', '2027-01-29 09:58:07.588688+00', NULL, NULL, '2026-11-30 09:58:10.451913+00', NULL, 1, 0, NULL, '2026-11-30 09:58:07.588688+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'lost', 1, 1, 'uncertain', NULL, '\x01026b3138738852667af31bf369c5f553cba49bfa3265eacd526dbacbb262dae94d8432f836db15d3e70f82d1521239ab296dcf53328784e5b4cc95375f876c62db9554685eeb98585a94528933b9881d4f30dc2a5a9b6ef813af0d48b0', '\xff6e11919fb41e2b7f06f03fdafd4b31', '2026-11-30 09:58:07.921416+00', '2026-11-30 09:58:07.921416+00', '2027-01-29 09:58:07.921416+00', NULL, NULL, '2026-11-30 09:58:11.164034+00', NULL, 1, 0, NULL, '2026-11-30 09:58:07.921416+00');


--
-- Data for Name: user_changes; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: webhook_answers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (1, 'shop', '245a3990-b9a1-44c2-9777-d98c279fc245', 'order.submitted', '2026-11-30 09:58:08.007002+00', NULL, 646, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (2, 'shop', '58b73f05-e779-4795-a3da-6a487ae30c97', 'order.submitted', '2026-11-30 09:58:08.731295+00', NULL, 682, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'a8a49ab6-0739-4be2-b112-4d39542930c8', 'order.submitted', '2026-11-30 09:58:09.468159+00', NULL, 562, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'c7f98c8a-bf20-4282-9304-6973c2a230d6', 'token.reauth_required', '2026-11-30 09:58:10.490168+00', NULL, 375, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (5, 'shop', 'cdbf0677-2f0e-4cb1-95f5-2c0f29c48f9e', 'order.submitted', '2026-11-30 09:58:10.4988+00', NULL, 1358, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (6, 'shop', '2ddd1eb0-3854-425c-8195-de908ace24e3', 'order.submitted', '2026-11-30 09:58:11.181967+00', NULL, 579, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (7, 'shop', 'b94ee652-3067-4966-8a84-3454da954e9e', 'order.failed', '2026-11-30 09:58:12.107543+00', NULL, 817, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (8, 'shop', '245a3990-b9a1-44c2-9777-d98c279fc245', 'order.submitted', '2026-11-30 09:58:13.158706+00', NULL, 855, 'not sent: connection refused');


--
-- Data for Name: webhook_endpoints; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_endpoints VALUES ('shop', '\x05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5', '2026-11-30 09:58:08.006291+00', NULL, NULL);


--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (2, '58b73f05-e779-4795-a3da-6a487ae30c97', 'shop', 'alma', '01a22be3-f238-7d1e-8fdb-3fc559ea6346', 'order.submitted', '{"order_id" : "01a22be3-f238-7d1e-8fdb-3fc559ea6346", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "ec0d2ccb-634f-4eb2-bdba-41b085d40bdd", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-30 09:58:08.722244+00', '2026-11-30 09:58:14.052254+00', '2026-12-03 09:58:08.722244+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (3, 'a8a49ab6-0739-4be2-b112-4d39542930c8', 'shop', 'never', '01a22be3-f529-7440-bbb3-682ab9f4cee6', 'order.submitted', '{"order_id" : "01a22be3-f529-7440-bbb3-682ab9f4cee6", "merchant" : "shop", "user" : "never", "target" : "checkout", "klarna_order_id" : "db3c50b8-37cd-438b-99ac-c2f01149ce93", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 09:58:09.460423+00', '2026-11-30 09:58:14.011085+00', '2026-12-03 09:58:09.460423+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (4, 'c7f98c8a-bf20-4282-9304-6973c2a230d6', 'shop', 'revoked', NULL, 'token.reauth_required', '{"merchant" : "shop", "user" : "revoked", "reason" : "rejected"}', 'pending', '2026-11-30 09:58:10.451913+00', '2026-11-30 09:58:15.456286+00', '2026-12-03 09:58:10.451913+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (5, 'cdbf0677-2f0e-4cb1-95f5-2c0f29c48f9e', 'shop', 'revoked', '01a22be3-f8f5-72f0-a309-679d2caa88f0', 'order.submitted', '{"order_id" : "01a22be3-f8f5-72f0-a309-679d2caa88f0", "merchant" : "shop", "user" : "revoked", "target" : "checkout", "klarna_order_id" : "a18be4d8-4be8-4658-bbcd-98ad7330954d", "token" : "reauth_required", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 09:58:10.477295+00', '2026-11-30 09:58:15.011525+00', '2026-12-03 09:58:10.477295+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (6, '2ddd1eb0-3854-425c-8195-de908ace24e3', 'shop', 'lost', '01a22be3-fbbc-7942-bdf7-9b11224d1404', 'order.submitted', '{"order_id" : "01a22be3-fbbc-7942-bdf7-9b11224d1404", "merchant" : "shop", "user" : "lost", "target" : "checkout", "klarna_order_id" : "83ba1676-2184-45de-87a5-ce734430adc0", "token" : "uncertain", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 09:58:11.175256+00', '2026-11-30 09:58:16.543092+00', '2026-12-03 09:58:11.175256+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (7, 'b94ee652-3067-4966-8a84-3454da954e9e', 'shop', 'never', '01a22be3-ff58-7edb-8072-ffb064adc16e', 'order.failed', '{"order_id" : "01a22be3-ff58-7edb-8072-ffb064adc16e", "merchant" : "shop", "user" : "never", "target" : "checkout", "code" : "klarna_refused_order", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 09:58:12.082742+00', '2026-11-30 09:58:17.029743+00', '2026-12-03 09:58:12.082742+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (1, '245a3990-b9a1-44c2-9777-d98c279fc245', 'shop', 'alma', '01a22be3-ef48-78d3-a7f7-4dba13861c22', 'order.submitted', '{"order_id" : "01a22be3-ef48-78d3-a7f7-4dba13861c22", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "4d5ea94d-7fc2-4e56-aedf-10c6f91ca99e", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-30 09:58:07.986152+00', '2026-11-30 09:59:12.357057+00', '2026-12-03 09:58:07.986152+00', NULL, 2, 2, 'not sent: connection refused');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.workers VALUES ('01a22be3-e9bf-75e6-865e-a1b6826d3a32', '01a22be3-e9bb-7385-9e0b-203e4e29f688', 'vm/10550', '2026-11-30 09:58:06.56418+00', '2026-11-30 09:58:12.595921+00', 8, '2026-11-30 09:58:13.40767+00', NULL);


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


