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
    due_at timestamp with time zone NOT NULL,
    give_up_at timestamp with time zone NOT NULL,
    claim_number bigint DEFAULT 0 NOT NULL,
    attempts bigint DEFAULT 0 NOT NULL,
    CONSTRAINT follow_ups_kind_check CHECK ((kind = ANY (ARRAY['push'::text, 'abort'::text])))
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
    ended_at timestamp with time zone,
    worker uuid,
    claim_number bigint DEFAULT 0 NOT NULL,
    sent_claim bigint,
    attempts bigint DEFAULT 0 NOT NULL,
    lost_workers bigint DEFAULT 0 NOT NULL,
    possible_duplicate boolean DEFAULT false NOT NULL,
    token_outcome text,
    prefilled text,
    klarna_id text,
    result text,
    session_phase text,
    session text,
    session_read_at timestamp with time zone,
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
    beats bigint DEFAULT 1 NOT NULL,
    ended_at timestamp with time zone,
    breakers text
);


--
-- Data for Name: adopted_providers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: audit_log; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '01a2288a-750f-765e-adab-62bcaee08fb0', 1, '2026-11-29 18:21:32.099297+00', 'service', 'service.start', 'done', NULL, NULL, NULL, 'roles=api,worker,keeper vault.keys=k1 server.api_keys=', NULL, NULL, '\x0000000000000000000000000000000000000000000000000000000000000000', '\xb4668982be300300b803452baba165c7d7ca01e38d21c041b9caa889a4464aba');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '01a2288a-750f-765e-adab-62bcaee08fb0', 2, '2026-11-29 18:21:32.555547+00', 'local', 'token.register', 'done', '01a2288a-75fc-70c2-8c29-4a55b2300a05', 'shop', '\x04589752d4cb1d9dc133ceaaee691400', NULL, NULL, '2026-11-29 18:21:32.099297+00', '\xb4668982be300300b803452baba165c7d7ca01e38d21c041b9caa889a4464aba', '\xbc1a958b9c08e109572a9013920275332e786bc375e55ae632b18cd8a67e2021');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (3, '01a2288a-750f-765e-adab-62bcaee08fb0', 3, '2026-11-29 18:21:32.887433+00', 'local', 'token.register', 'done', '01a2288a-774b-7396-b3b6-55bbfb4b33b9', 'shop', '\x704ee7589b22014965ccf924cdfa4e43', NULL, NULL, '2026-11-29 18:21:32.555547+00', '\xbc1a958b9c08e109572a9013920275332e786bc375e55ae632b18cd8a67e2021', '\x08fd744114e963840d4ab27280a971185db0b633cbebc5de5da57c1a4638ef33');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (4, '01a2288a-750f-765e-adab-62bcaee08fb0', 4, '2026-11-29 18:21:33.204349+00', 'local', 'token.register', 'done', '01a2288a-7889-75ed-88b1-4d5fdd791a2d', 'shop', '\x0a45948939bd62d5696641d468117032', NULL, NULL, '2026-11-29 18:21:32.887433+00', '\x08fd744114e963840d4ab27280a971185db0b633cbebc5de5da57c1a4638ef33', '\xe80e4fd452aa356cf7aef5f00376733deaed5d5c8da20d76ea07a3fa5e900e73');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (5, '01a2288a-750f-765e-adab-62bcaee08fb0', 5, '2026-11-29 18:21:33.530917+00', 'local', 'token.register', 'done', '01a2288a-79cf-7630-8071-507490ac28eb', 'shop', '\xc18b4d9fe77afd867847927b87daf7c2', NULL, NULL, '2026-11-29 18:21:33.204349+00', '\xe80e4fd452aa356cf7aef5f00376733deaed5d5c8da20d76ea07a3fa5e900e73', '\x4e8b4d0f30af8daef018c9d65615402af7556c3999414da7d2ad6a13c05b58c4');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (6, '01a2288a-750f-765e-adab-62bcaee08fb0', 6, '2026-11-29 18:21:33.563456+00', 'local', 'order.submit', 'done', '01a2288a-79f3-7066-83f7-4b6b223a7018', 'shop', '\x04589752d4cb1d9dc133ceaaee691400', '01a2288a-79f4-79e7-aebe-6b6820b97421', NULL, '2026-11-29 18:21:33.530917+00', '\x4e8b4d0f30af8daef018c9d65615402af7556c3999414da7d2ad6a13c05b58c4', '\x01a60011f0d729563b01a87de54f443bfe1d58c38d604ca9d3a57fbad8bd3fec');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (7, '01a2288a-750f-765e-adab-62bcaee08fb0', 7, '2026-11-29 18:21:34.358956+00', 'local', 'order.submit', 'done', '01a2288a-7d13-75e6-8320-ad10795bb576', 'shop', '\x04589752d4cb1d9dc133ceaaee691400', '01a2288a-7d14-780e-ba34-73e26049e5d0', NULL, '2026-11-29 18:21:33.563456+00', '\x01a60011f0d729563b01a87de54f443bfe1d58c38d604ca9d3a57fbad8bd3fec', '\xf92fd3c1060a6746e79a280cb0ab820e7b67a1b03d996581762f706575b065fd');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (8, '01a2288a-750f-765e-adab-62bcaee08fb0', 8, '2026-11-29 18:21:35.290309+00', 'local', 'order.submit', 'done', '01a2288a-80b2-70f2-8b20-721553d2199d', 'shop', '\xee4e8c9c5ce761a4feccd459e98bc5ba', '01a2288a-80b2-70b6-b420-8ea9ba8c2cad', NULL, '2026-11-29 18:21:34.358956+00', '\xf92fd3c1060a6746e79a280cb0ab820e7b67a1b03d996581762f706575b065fd', '\x12d38ef511d6d415e08889eb7c2d139bc415b67df2ee218e41c3d6c28aa03d3d');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (9, '01a2288a-750f-765e-adab-62bcaee08fb0', 9, '2026-11-29 18:21:36.23432+00', 'local', 'order.submit', 'done', '01a2288a-8461-722a-bf1d-9bedb113b945', 'shop', '\x0a45948939bd62d5696641d468117032', '01a2288a-8461-7217-8654-cc17101054f6', NULL, '2026-11-29 18:21:35.290309+00', '\x12d38ef511d6d415e08889eb7c2d139bc415b67df2ee218e41c3d6c28aa03d3d', '\x7d439732ae2867e3274296f2efc076e968b1cb254f64e99fd6e46d57a09e68fa');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (10, '01a2288a-750f-765e-adab-62bcaee08fb0', 10, '2026-11-29 18:21:37.037183+00', 'local', 'order.submit', 'done', '01a2288a-8787-77ea-966e-44125f1b3570', 'shop', '\xc18b4d9fe77afd867847927b87daf7c2', '01a2288a-8787-7421-ad67-2d5b21e0119e', NULL, '2026-11-29 18:21:36.23432+00', '\x7d439732ae2867e3274296f2efc076e968b1cb254f64e99fd6e46d57a09e68fa', '\x981cc8dbedd5715894563a2d0d324a0078ce3b9527acd15c09a47c2d786fcab8');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (11, '01a2288a-750f-765e-adab-62bcaee08fb0', 11, '2026-11-29 18:21:37.951861+00', 'local', 'order.submit', 'done', '01a2288a-8b1c-7508-9c98-1a6ff25781d9', 'shop', '\xee4e8c9c5ce761a4feccd459e98bc5ba', '01a2288a-8b1d-7345-a0cc-f28015274b82', NULL, '2026-11-29 18:21:37.037183+00', '\x981cc8dbedd5715894563a2d0d324a0078ce3b9527acd15c09a47c2d786fcab8', '\xad700270f433ba0138693f4ee637304ba935c7e6d50b9101e0129445d4ca7918');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (12, '01a2288a-750f-765e-adab-62bcaee08fb0', 12, '2026-11-29 18:21:38.797675+00', 'local', 'order.submit', 'done', '01a2288a-8e63-7619-ade3-5e91f5c1281d', 'shop', '\x04589752d4cb1d9dc133ceaaee691400', '01a2288a-8e63-72d8-941f-81128c6aa475', NULL, '2026-11-29 18:21:37.951861+00', '\xad700270f433ba0138693f4ee637304ba935c7e6d50b9101e0129445d4ca7918', '\x3e366ea47a80a39e71897d775aa59f3a5881b806760bf031da5efe6ff649c5ac');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (13, '01a2288a-750f-765e-adab-62bcaee08fb0', 13, '2026-11-29 18:21:39.047827+00', 'local', 'order.submit', 'done', '01a2288a-8f63-7698-b439-65d7912fd6ba', 'shop', '\x04589752d4cb1d9dc133ceaaee691400', '01a2288a-8f64-73e5-bb3c-1e2ec64cb545', NULL, '2026-11-29 18:21:38.797675+00', '\x3e366ea47a80a39e71897d775aa59f3a5881b806760bf031da5efe6ff649c5ac', '\x33ed8cbb0381a79504b5707bd04c4d76b45186ed141a50929cfedc4ae61b516d');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (14, '01a2288a-90ff-706b-9398-39af44006b87', 1, '2026-11-29 18:21:39.452454+00', 'command:root', 'order.cancel', 'done', NULL, NULL, NULL, '01a2288a-8f64-73e5-bb3c-1e2ec64cb545', 13, '2026-11-29 18:21:39.047827+00', '\x33ed8cbb0381a79504b5707bd04c4d76b45186ed141a50929cfedc4ae61b516d', '\x2084e5e2518f318af8a1541af4b3e9074a8b8bd8b0b6039592d1d3c0b0160734');


--
-- Data for Name: cached_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.exchanges VALUES ('01a2288a-79fe-779c-81e0-b7cc84acb5b6', 1, 1, 1, 'order', '01a2288a-79f4-79e7-aebe-6b6820b97421', '01a2288a-72d3-7022-8283-45cc99d0c35b', '2026-11-29 18:21:33.578554+00', '2026-11-29 18:21:33.591893+00', 'rotated', false, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a2288a-7d20-7302-b8f2-0a8886f57e84', 1, 2, 1, 'order', '01a2288a-7d14-780e-ba34-73e26049e5d0', '01a2288a-72d3-7022-8283-45cc99d0c35b', '2026-11-29 18:21:34.370474+00', '2026-11-29 18:21:34.384006+00', 'rotated', false, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a2288a-846e-766d-8fc5-7884a6319224', 3, 1, 1, 'order', '01a2288a-8461-7217-8654-cc17101054f6', '01a2288a-72d3-7022-8283-45cc99d0c35b', '2026-11-29 18:21:36.239395+00', '2026-11-29 18:21:36.259931+00', 'rejected', false, '\x3864ca62246f0ac7ce76a5a3e47cc6b1');
INSERT INTO klarna_worker.exchanges VALUES ('01a2288a-8795-76b1-bd2c-459c14682a42', 4, 1, 1, 'order', '01a2288a-8787-7421-ad67-2d5b21e0119e', '01a2288a-72d3-7022-8283-45cc99d0c35b', '2026-11-29 18:21:37.047453+00', '2026-11-29 18:21:37.057+00', 'no_answer', true, NULL);


--
-- Data for Name: follow_ups; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: installation; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.installation VALUES (true, 'e2e', 1, '\x01026b310dafbfd8cd95f15b699b4e8a784372aa75731483710ed6c8bd8573570f99748a0f0ea8f7eec0d4a3d8209e200c409ee8bda0e783eeba429a63bd1d291907ea7c31e4ea7660ca81fb', '2026-11-29 18:21:31.71664+00', 600000000, NULL);


--
-- Data for Name: keeper; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keeper VALUES (true, NULL, NULL, NULL, NULL);


--
-- Data for Name: keys; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keys VALUES ('k1', '\x3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6', '2026-11-29 18:21:31.720936+00');


--
-- Data for Name: known_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.known_tokens VALUES ('\x466305f11f56631c2933ee05806c0615b942e7a9ffd4d0ac5e8aadba5d17beab', 1, '2026-11-29 18:21:32.549743+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\xc602aecacb0a7967aeb50cbe7319a23cb6128eaba3c21517a808727828c6cae5', 2, '2026-11-29 18:21:32.882178+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\xefb1fe0121fee1dfc758c819276db5a4e17c5e9202747106a03149b6f59343d5', 3, '2026-11-29 18:21:33.201242+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x8938c5e51710bea37f7865733107408e032efce5b0fc6d372cc58e2c71253872', 4, '2026-11-29 18:21:33.52153+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\xf6f3e8344b4ebe4333c8ae52febc1ab5ccb121eec0c2ad8b54e886d8e8607dd5', 1, '2026-11-29 18:21:33.587548+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x9fbb035184390f59b28cc084657857aa71982e4d49e856f1bdb798c9373948f0', 1, '2026-11-29 18:21:34.373364+00');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.migrations VALUES (1, 'baseline', '2026-11-29 18:21:31.560193+00', true, '\x7aa75b18e5b26cdb5baf6bbab8fa7164e917fe15c0061f80428f6cf73680735c0c0410daa33f394fdb5844883d7cb35c', 74966105);


--
-- Data for Name: order_attempts; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.order_attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a2288a-8b1d-7345-a0cc-f28015274b82', '2026-11-29 18:21:37.969365+00', '01a2288a-72d3-7022-8283-45cc99d0c35b', false, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"7847a7a4-23a2-40e4-957f-10cef2552ebe"}');


--
-- Data for Name: orders; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.orders VALUES ('01a2288a-8461-7217-8654-cc17101054f6', 'shop', 'revoked', 'cart-4', NULL, NULL, '\x0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 18:21:36.233188+00', '2026-11-29 18:21:36.233188+00', '2026-11-29 18:31:36.233188+00', '2026-11-29 18:21:36.233188+00', '2026-11-29 18:21:36.271133+00', NULL, 1, 1, 1, 0, false, 'reauth_required', '[]', '50ec25ab-45ef-43d7-9cbb-e8d437019aac', '<div id="klarna-checkout-container" data-order-id="50ec25ab-45ef-43d7-9cbb-e8d437019aac" style="overflow-x: hidden;"><script src="http://127.0.0.1:37549/sandbox/checkout.js" data-order-id="50ec25ab-45ef-43d7-9cbb-e8d437019aac"></script></div>', NULL, NULL, NULL, '56239c5f-da8e-4aaa-b450-0da2d7371657', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a2288a-79f4-79e7-aebe-6b6820b97421', 'shop', 'alma', 'cart-1', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 18:21:33.561393+00', '2026-11-29 18:21:33.561393+00', '2026-11-29 18:31:33.561393+00', '2026-11-29 18:21:33.561393+00', '2026-11-29 18:21:33.621915+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '6e34dfa9-160b-4ed1-8c33-4222a6eb3b64', '<div id="klarna-checkout-container" data-order-id="6e34dfa9-160b-4ed1-8c33-4222a6eb3b64" style="overflow-x: hidden;"><script src="http://127.0.0.1:37549/sandbox/checkout.js" data-order-id="6e34dfa9-160b-4ed1-8c33-4222a6eb3b64"></script></div>', NULL, NULL, NULL, '10a9b3b5-3024-419e-b20a-9879142c80ef', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a2288a-7d14-780e-ba34-73e26049e5d0', 'shop', 'alma', 'cart-2', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 18:21:34.357954+00', '2026-11-29 18:21:34.357954+00', '2026-11-29 18:31:34.357954+00', '2026-11-29 18:21:34.357954+00', '2026-11-29 18:21:34.393686+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '0f5bc5ed-cf75-4860-a5a6-9907f2548b3e', '<div id="klarna-checkout-container" data-order-id="0f5bc5ed-cf75-4860-a5a6-9907f2548b3e" style="overflow-x: hidden;"><script src="http://127.0.0.1:37549/sandbox/checkout.js" data-order-id="0f5bc5ed-cf75-4860-a5a6-9907f2548b3e"></script></div>', NULL, NULL, NULL, 'c2b88397-ce07-4d16-a0bf-ff84a3a1af5c', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a2288a-8b1d-7345-a0cc-f28015274b82', 'shop', 'never', 'cart-6', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'failed', '2026-11-29 18:21:37.950816+00', '2026-11-29 18:21:37.950816+00', '2026-11-29 18:31:37.950816+00', '2026-11-29 18:21:37.950816+00', '2026-11-29 18:21:37.969365+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', NULL, NULL, NULL, NULL, NULL, NULL, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"7847a7a4-23a2-40e4-957f-10cef2552ebe"}', NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a2288a-80b2-70b6-b420-8ea9ba8c2cad', 'shop', 'never', 'cart-3', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 18:21:35.289205+00', '2026-11-29 18:21:35.289205+00', '2026-11-29 18:31:35.289205+00', '2026-11-29 18:21:35.289205+00', '2026-11-29 18:21:35.301461+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', '53c417da-c060-4722-b7af-c0b537b8f3e9', '<div id="klarna-checkout-container" data-order-id="53c417da-c060-4722-b7af-c0b537b8f3e9" style="overflow-x: hidden;"><script src="http://127.0.0.1:37549/sandbox/checkout.js" data-order-id="53c417da-c060-4722-b7af-c0b537b8f3e9"></script></div>', NULL, NULL, NULL, '21204b40-b0d1-4174-a91f-7cbebc832f81', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a2288a-8e63-72d8-941f-81128c6aa475', 'shop', 'alma', 'cart-7', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'queued', '2026-11-29 18:21:38.796252+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, NULL, NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a2288a-8787-7421-ad67-2d5b21e0119e', 'shop', 'lost', 'cart-5', NULL, NULL, '\x41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-29 18:21:37.036157+00', '2026-11-29 18:21:37.036157+00', '2026-11-29 18:31:37.036157+00', '2026-11-29 18:21:37.036157+00', '2026-11-29 18:21:37.063567+00', NULL, 1, 1, 1, 0, false, 'uncertain', '[]', 'dc0de5e7-5280-4ed9-af87-b096a2aafcbf', '<div id="klarna-checkout-container" data-order-id="dc0de5e7-5280-4ed9-af87-b096a2aafcbf" style="overflow-x: hidden;"><script src="http://127.0.0.1:37549/sandbox/checkout.js" data-order-id="dc0de5e7-5280-4ed9-af87-b096a2aafcbf"></script></div>', NULL, NULL, NULL, 'c0776115-87f8-4864-9f96-5dc026ff2d06', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a2288a-8f64-73e5-bb3c-1e2ec64cb545', 'shop', 'alma', 'cart-8', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'cancelled', '2026-11-29 18:21:39.046308+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, '2026-11-29 18:21:39.448838+00', NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');


--
-- Data for Name: pauses; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: providers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.providers VALUES ('shop', '\x3864ca62246f0ac7ce76a5a3e47cc6b1', true, NULL, 0, 0, NULL);


--
-- Data for Name: revocations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bo', 1, 1, 'active', NULL, '\x01026b31d76152ec16bd3a88ad68fd668d77d730358a912c98d3421e22ac019cd7e087e7bf21910b846c17b968cd6ae504f332cd4e764d6f6bc4627747a243160ef2cbdd89b7b4086a390b7e0f6877bae735c798a2fac0e96486ab865f10', '\x3864ca62246f0ac7ce76a5a3e47cc6b1', '2026-11-29 18:21:32.876266+00', '2026-11-29 18:21:32.876266+00', '2027-01-28 18:21:32.876266+00', NULL, NULL, '2026-11-29 18:21:32.883855+00', '2027-01-03 06:37:00.824813+00', 1, 0, NULL, '2026-11-29 18:21:32.876266+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'alma', 3, 1, 'active', NULL, '\x01026b3124aafdbea3d6274d6ba5029aa518122223bbc89c419d51b12151a25a4bb348bb0f4a0304fe6864d163ca6b0692d78f1bdd8390abeaeca7a10c8efc8056284a56ac447c865e8dee3225ed15493a33af030753a395e56d16cfb914', '\x3864ca62246f0ac7ce76a5a3e47cc6b1', '2026-11-29 18:21:32.540883+00', '2026-11-29 18:21:34.373364+00', '2027-01-28 18:21:34.373364+00', '01a2288a-7d20-7302-b8f2-0a8886f57e84', '\x7940ac2b079b1952eab071d613a5bcb905922059049463bd4dbe56c251dedc77', '2026-11-29 18:21:34.383613+00', '2027-01-03 03:08:34.854244+00', 3, 0, NULL, '2026-11-29 18:21:34.383614+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'revoked', 1, 1, 'reauth_required', 'rejected', '\x01026b31743885ef41e60847f2cea1de6ee1eb244ca931885864971891c28ff9511cb59d0db98907ca377c36c4e8fd1bb65eee0521205d7d0d9e9dca548dab5ffde59f330bb67d1f69bbb9dd0a36d34737dc19aa70266fbd751ce3d6d075', '\x3864ca62246f0ac7ce76a5a3e47cc6b1', '2026-11-29 18:21:33.194966+00', '2026-11-29 18:21:33.194966+00', '2027-01-28 18:21:33.194966+00', NULL, NULL, '2026-11-29 18:21:36.252365+00', NULL, 1, 0, NULL, '2026-11-29 18:21:33.194966+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'lost', 1, 1, 'uncertain', NULL, '\x01026b31699b72ad19d7ecca6fc0af381b5fed1f0ad00b6771c65f152675248b554f5f235532caf5e6d152b0e3f88b1d8f9308ab097dd317cddea1ff9c1ed186c26b9cb369bad3a83ddbb99f2f19b8fc0c0a1c94d235179a3cc100f22fd5', '\x3864ca62246f0ac7ce76a5a3e47cc6b1', '2026-11-29 18:21:33.519893+00', '2026-11-29 18:21:33.519893+00', '2027-01-28 18:21:33.519893+00', NULL, NULL, '2026-11-29 18:21:37.056583+00', NULL, 1, 0, NULL, '2026-11-29 18:21:33.519893+00');


--
-- Data for Name: user_changes; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: webhook_answers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (1, 'shop', '1d7ee5ba-e4d4-4540-99e3-f0b38bd2ba9a', 'order.submitted', '2026-11-29 18:21:33.650397+00', NULL, 1529, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (2, 'shop', '2556855d-0162-47ba-9cf9-216c66220c8e', 'order.submitted', '2026-11-29 18:21:34.402342+00', NULL, 634, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (3, 'shop', '1045cddb-fa0e-47c5-aff0-ee35e856c1cc', 'order.submitted', '2026-11-29 18:21:35.31754+00', NULL, 3785, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (4, 'shop', '04578f5a-6a89-4134-9b1a-5577f0ad886d', 'order.submitted', '2026-11-29 18:21:36.290984+00', NULL, 5723, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (5, 'shop', '9e692612-2b3c-4a97-bdf6-5b86921d584f', 'token.reauth_required', '2026-11-29 18:21:36.292409+00', NULL, 419, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (6, 'shop', '8368f6a9-b1c5-4b36-9922-a09e90b1af82', 'order.submitted', '2026-11-29 18:21:37.076122+00', NULL, 4772, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (7, 'shop', 'd7a989ee-7c5f-4981-a54c-8a64bd1ddf09', 'order.failed', '2026-11-29 18:21:37.981167+00', NULL, 633, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (8, 'shop', '1d7ee5ba-e4d4-4540-99e3-f0b38bd2ba9a', 'order.submitted', '2026-11-29 18:21:38.395187+00', NULL, 1266, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (9, 'shop', '2556855d-0162-47ba-9cf9-216c66220c8e', 'order.submitted', '2026-11-29 18:21:39.082195+00', NULL, 4086, 'not sent: connection refused');


--
-- Data for Name: webhook_endpoints; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_endpoints VALUES ('shop', '\x05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5', '2026-11-29 18:21:33.64938+00', NULL, NULL);


--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (3, '1045cddb-fa0e-47c5-aff0-ee35e856c1cc', 'shop', 'never', '01a2288a-80b2-70b6-b420-8ea9ba8c2cad', 'order.submitted', '{"order_id" : "01a2288a-80b2-70b6-b420-8ea9ba8c2cad", "merchant" : "shop", "user" : "never", "target" : "checkout", "klarna_order_id" : "53c417da-c060-4722-b7af-c0b537b8f3e9", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-29 18:21:35.301461+00', '2026-11-29 18:21:40.320579+00', '2026-12-02 18:21:35.301461+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (5, '04578f5a-6a89-4134-9b1a-5577f0ad886d', 'shop', 'revoked', '01a2288a-8461-7217-8654-cc17101054f6', 'order.submitted', '{"order_id" : "01a2288a-8461-7217-8654-cc17101054f6", "merchant" : "shop", "user" : "revoked", "target" : "checkout", "klarna_order_id" : "50ec25ab-45ef-43d7-9cbb-e8d437019aac", "token" : "reauth_required", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-29 18:21:36.271133+00', '2026-11-29 18:21:40.972477+00', '2026-12-02 18:21:36.271133+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (4, '9e692612-2b3c-4a97-bdf6-5b86921d584f', 'shop', 'revoked', NULL, 'token.reauth_required', '{"merchant" : "shop", "user" : "revoked", "reason" : "rejected"}', 'pending', '2026-11-29 18:21:36.252365+00', '2026-11-29 18:21:41.514681+00', '2026-12-02 18:21:36.252365+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (6, '8368f6a9-b1c5-4b36-9922-a09e90b1af82', 'shop', 'lost', '01a2288a-8787-7421-ad67-2d5b21e0119e', 'order.submitted', '{"order_id" : "01a2288a-8787-7421-ad67-2d5b21e0119e", "merchant" : "shop", "user" : "lost", "target" : "checkout", "klarna_order_id" : "dc0de5e7-5280-4ed9-af87-b096a2aafcbf", "token" : "uncertain", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-29 18:21:37.063567+00', '2026-11-29 18:21:42.228767+00', '2026-12-02 18:21:37.063567+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (7, 'd7a989ee-7c5f-4981-a54c-8a64bd1ddf09', 'shop', 'never', '01a2288a-8b1d-7345-a0cc-f28015274b82', 'order.failed', '{"order_id" : "01a2288a-8b1d-7345-a0cc-f28015274b82", "merchant" : "shop", "user" : "never", "target" : "checkout", "code" : "klarna_refused_order", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-29 18:21:37.969365+00', '2026-11-29 18:21:43.362713+00', '2026-12-02 18:21:37.969365+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (1, '1d7ee5ba-e4d4-4540-99e3-f0b38bd2ba9a', 'shop', 'alma', '01a2288a-79f4-79e7-aebe-6b6820b97421', 'order.submitted', '{"order_id" : "01a2288a-79f4-79e7-aebe-6b6820b97421", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "6e34dfa9-160b-4ed1-8c33-4222a6eb3b64", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-29 18:21:33.621915+00', '2026-11-29 18:22:37.103915+00', '2026-12-02 18:21:33.621915+00', NULL, 2, 2, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (2, '2556855d-0162-47ba-9cf9-216c66220c8e', 'shop', 'alma', '01a2288a-7d14-780e-ba34-73e26049e5d0', 'order.submitted', '{"order_id" : "01a2288a-7d14-780e-ba34-73e26049e5d0", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "0f5bc5ed-cf75-4860-a5a6-9907f2548b3e", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-29 18:21:34.393686+00', '2026-11-29 18:22:41.319269+00', '2026-12-02 18:21:34.393686+00', NULL, 2, 2, 'not sent: connection refused');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.workers VALUES ('01a2288a-72d3-7022-8283-45cc99d0c35b', '01a2288a-72cf-7501-9162-17502070bd6a', 'vm/24429', '2026-11-29 18:21:31.772911+00', '2026-11-29 18:21:37.789477+00', 8, '2026-11-29 18:21:39.481354+00', NULL);


--
-- Name: audit_log_id_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.audit_log_id_seq', 14, true);


--
-- Name: order_attempts_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.order_attempts_seq_seq', 1, true);


--
-- Name: tokens_id_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.tokens_id_seq', 4, true);


--
-- Name: webhook_answers_seq_seq; Type: SEQUENCE SET; Schema: klarna_worker; Owner: -
--

SELECT pg_catalog.setval('klarna_worker.webhook_answers_seq_seq', 9, true);


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
-- Name: pauses pauses_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.pauses
    ADD CONSTRAINT pauses_pkey PRIMARY KEY (merchant, kind);


--
-- Name: providers providers_pkey; Type: CONSTRAINT; Schema: klarna_worker; Owner: -
--

ALTER TABLE ONLY klarna_worker.providers
    ADD CONSTRAINT providers_pkey PRIMARY KEY (merchant, provider);


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

CREATE INDEX follow_ups_due ON klarna_worker.follow_ups USING btree (merchant, due_at);


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

CREATE INDEX orders_outcome ON klarna_worker.orders USING btree (status, id) INCLUDE (merchant, token_outcome);


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
-- Name: orders_worker; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX orders_worker ON klarna_worker.orders USING btree (worker) WHERE (status = 'running'::text);


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

CREATE TRIGGER note_attempt AFTER UPDATE OF status ON klarna_worker.orders FOR EACH ROW WHEN (((old.status = 'running'::text) AND (new.status = ANY (ARRAY['queued'::text, 'failed'::text])) AND ((new.attempts > old.attempts) OR (new.lost_workers > old.lost_workers)))) EXECUTE FUNCTION klarna_worker.note_attempt();


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


