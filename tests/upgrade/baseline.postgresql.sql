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

INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (1, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 1, '2026-11-30 04:34:47.229861+00', 'service', 'service.start', 'done', NULL, NULL, NULL, 'roles=api,worker,keeper vault.keys=k1 server.api_keys=', NULL, NULL, '\x0000000000000000000000000000000000000000000000000000000000000000', '\xe5b39f34b850bad818d7f71aef673eb728c5938cc8aa7c2571be65c268d6893a');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (2, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 2, '2026-11-30 04:34:47.639506+00', 'local', 'token.register', 'done', '01a22abb-e8ca-7238-a791-d3f058b4fe29', 'shop', '\xe1f518f368ebd7cc81e8189ff82fd86e', NULL, NULL, '2026-11-30 04:34:47.229861+00', '\xe5b39f34b850bad818d7f71aef673eb728c5938cc8aa7c2571be65c268d6893a', '\xa473042e32a5bbe5e932d115c37dc4700443c2c12ca94d88e1ced28a5b4cd31a');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (3, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 3, '2026-11-30 04:34:47.921506+00', 'local', 'token.register', 'done', '01a22abb-e9e9-748e-ab0b-e3f4bd207008', 'shop', '\xfc8a2df81ad857c9c58f0bb4de9d5aec', NULL, NULL, '2026-11-30 04:34:47.639506+00', '\xa473042e32a5bbe5e932d115c37dc4700443c2c12ca94d88e1ced28a5b4cd31a', '\x2c51f1d83ff760b929d0c2d0e4ccedd011ee011cb00b4d5752232e28495c484c');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (4, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 4, '2026-11-30 04:34:48.188129+00', 'local', 'token.register', 'done', '01a22abb-eaf4-723d-9292-847bf8135da6', 'shop', '\xd6a250e74d692dee68e7e205a578c29d', NULL, NULL, '2026-11-30 04:34:47.921506+00', '\x2c51f1d83ff760b929d0c2d0e4ccedd011ee011cb00b4d5752232e28495c484c', '\xb893db35a21d2bccddc91a007e2e80c2663d2159c9d6ee048ffabdd56056117f');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (5, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 5, '2026-11-30 04:34:48.454589+00', 'local', 'token.register', 'done', '01a22abb-ec00-71cb-ba57-495dddf2ec51', 'shop', '\x0dbde9a56220fd9ff255cdbcd7df5855', NULL, NULL, '2026-11-30 04:34:48.188129+00', '\xb893db35a21d2bccddc91a007e2e80c2663d2159c9d6ee048ffabdd56056117f', '\x8265cdf5b90dc058df44936b82accf9f16b419db1469f3eaaaaebd3cfc5c54ab');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (6, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 6, '2026-11-30 04:34:48.484704+00', 'local', 'order.submit', 'done', '01a22abb-ec18-753d-b1a0-e505c8431b31', 'shop', '\xe1f518f368ebd7cc81e8189ff82fd86e', '01a22abb-ec19-76e3-ab63-7c43defd2cbc', NULL, '2026-11-30 04:34:48.454589+00', '\x8265cdf5b90dc058df44936b82accf9f16b419db1469f3eaaaaebd3cfc5c54ab', '\x1fbef823208707597a12a3a0b9f8ad54f54a1f158006d982625f316d774d7bf1');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (7, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 7, '2026-11-30 04:34:49.196371+00', 'local', 'order.submit', 'done', '01a22abb-eee5-75a5-832d-ac0f540a30bd', 'shop', '\xe1f518f368ebd7cc81e8189ff82fd86e', '01a22abb-eee6-7292-9b52-5f30862c03fc', NULL, '2026-11-30 04:34:48.484704+00', '\x1fbef823208707597a12a3a0b9f8ad54f54a1f158006d982625f316d774d7bf1', '\x2710b2e8fef3c9bc5c2876eb76f21bb0888d0a8512dbc72b5a8cf2bc62ba654b');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (8, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 8, '2026-11-30 04:34:49.951783+00', 'local', 'order.submit', 'done', '01a22abb-f1da-7785-9379-70707cf6e09d', 'shop', '\x6a17c930502d799958837a0e2c997080', '01a22abb-f1dc-7c32-a494-5bfb2a5a134a', NULL, '2026-11-30 04:34:49.196371+00', '\x2710b2e8fef3c9bc5c2876eb76f21bb0888d0a8512dbc72b5a8cf2bc62ba654b', '\xa8ba06f4d451e084fb2753be4086fefcd1e153389194da2e3750778cd5fe4fa5');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (9, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 9, '2026-11-30 04:34:50.684371+00', 'local', 'order.submit', 'done', '01a22abb-f4b7-73d7-a740-5950f669449c', 'shop', '\xd6a250e74d692dee68e7e205a578c29d', '01a22abb-f4b8-7f36-a707-144a9c1d6bb8', NULL, '2026-11-30 04:34:49.951783+00', '\xa8ba06f4d451e084fb2753be4086fefcd1e153389194da2e3750778cd5fe4fa5', '\x35c8f457f81ee4994cd8a948c7a4d2c5ada1c8d40892f8a80dc88faf970e44c9');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (10, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 10, '2026-11-30 04:34:51.566936+00', 'local', 'order.submit', 'done', '01a22abb-f829-77dd-954c-42f28bd8e960', 'shop', '\x0dbde9a56220fd9ff255cdbcd7df5855', '01a22abb-f829-7d15-a792-4fe650a7e86b', NULL, '2026-11-30 04:34:50.684371+00', '\x35c8f457f81ee4994cd8a948c7a4d2c5ada1c8d40892f8a80dc88faf970e44c9', '\x18f5d0606370b1b09ea5fa610aa477f847574ec470f05128d4c2e22f5b433f64');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (11, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 11, '2026-11-30 04:34:52.305903+00', 'local', 'order.submit', 'done', '01a22abb-fb0c-721d-b265-b91089f40096', 'shop', '\x6a17c930502d799958837a0e2c997080', '01a22abb-fb0c-7d8b-ba89-98568eebf4d1', NULL, '2026-11-30 04:34:51.566936+00', '\x18f5d0606370b1b09ea5fa610aa477f847574ec470f05128d4c2e22f5b433f64', '\x59f87a8a275856d37ba802a1d0120aa84c37d8fc93fa17b5d3b5b953215b3e34');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (12, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 12, '2026-11-30 04:34:53.058111+00', 'local', 'order.submit', 'done', '01a22abb-fdfc-738e-a088-7eda06862115', 'shop', '\xe1f518f368ebd7cc81e8189ff82fd86e', '01a22abb-fdfd-7916-b6df-0582cd2512f3', NULL, '2026-11-30 04:34:52.305903+00', '\x59f87a8a275856d37ba802a1d0120aa84c37d8fc93fa17b5d3b5b953215b3e34', '\x72a5475a3e2a8ee5f1e4e2f2edd81ece846ce4b004dc70bbed856aecb8d1231b');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (13, '01a22abb-e80c-76ce-aeed-0b833f06f4c4', 13, '2026-11-30 04:34:53.281885+00', 'local', 'order.submit', 'done', '01a22abb-fede-708b-8898-06a4e4d7f5a7', 'shop', '\xe1f518f368ebd7cc81e8189ff82fd86e', '01a22abb-fede-7565-ac1d-b91cbae7f96a', NULL, '2026-11-30 04:34:53.058111+00', '\x72a5475a3e2a8ee5f1e4e2f2edd81ece846ce4b004dc70bbed856aecb8d1231b', '\xef20860f9cb2125bdcec5f56bfac03fc686243c48065882f4868c9e6f6da5e58');
INSERT INTO klarna_worker.audit_log OVERRIDING SYSTEM VALUE VALUES (14, '01a22abb-ffe6-774b-9066-89aea0b786a7', 1, '2026-11-30 04:34:53.541022+00', 'command:root', 'order.cancel', 'done', NULL, NULL, NULL, '01a22abb-fede-7565-ac1d-b91cbae7f96a', 13, '2026-11-30 04:34:53.281885+00', '\xef20860f9cb2125bdcec5f56bfac03fc686243c48065882f4868c9e6f6da5e58', '\xe6cf664d373efabb41f01bb7a17f0e4f5ab557e7194e602a800ee10ac89ef88b');


--
-- Data for Name: cached_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: exchanges; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.exchanges VALUES ('01a22abb-ec2c-730e-887c-60a6d471afa8', 1, 1, 1, 'order', '01a22abb-ec19-76e3-ab63-7c43defd2cbc', '01a22abb-e69f-7601-9034-72d68ced7cc4', '2026-11-30 04:34:48.497817+00', '2026-11-30 04:34:48.508023+00', 'rotated', false, NULL, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22abb-eef0-7748-a5d7-e492df712f7b', 1, 2, 1, 'order', '01a22abb-eee6-7292-9b52-5f30862c03fc', '01a22abb-e69f-7601-9034-72d68ced7cc4', '2026-11-30 04:34:49.200937+00', '2026-11-30 04:34:49.208051+00', 'rotated', false, NULL, NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22abb-f4c3-7519-80da-f52ba60700ca', 3, 1, 1, 'order', '01a22abb-f4b8-7f36-a707-144a9c1d6bb8', '01a22abb-e69f-7601-9034-72d68ced7cc4', '2026-11-30 04:34:50.692455+00', '2026-11-30 04:34:50.707637+00', 'rejected', false, '\xb159a29ca652637f607292ab6e43a2c2', NULL);
INSERT INTO klarna_worker.exchanges VALUES ('01a22abb-f834-734d-8835-779eaa340335', 4, 1, 1, 'order', '01a22abb-f829-7d15-a792-4fe650a7e86b', '01a22abb-e69f-7601-9034-72d68ced7cc4', '2026-11-30 04:34:51.57396+00', '2026-11-30 04:34:51.587234+00', 'no_answer', true, NULL, 'the connection broke before the answer was complete');


--
-- Data for Name: follow_ups; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: installation; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.installation VALUES (true, 'e2e', 1, '\x01026b31b1bb6a8a960b634b719927c48120cd026a7672c0368de5b579864461f0b151e20723179bc915d399e9de26ed06726ba79779b58ae63d065791927d5edf4eec9d214ceae9ca08d118', '2026-11-30 04:34:47.046835+00', 600000000, NULL);


--
-- Data for Name: keeper; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keeper VALUES (true, NULL, NULL, NULL, NULL);


--
-- Data for Name: keys; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.keys VALUES ('k1', '\x3aaaa1d46782ead7b83dbbb49426fd1c4f94de08b414bb2e02bad718a599e0e6', '2026-11-30 04:34:47.048926+00');


--
-- Data for Name: known_tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.known_tokens VALUES ('\xd9a8094ec1f1769a0ff28eec26e8681d634b7af7872ca4ff41fd5deb7383ea4e', 1, '2026-11-30 04:34:47.637298+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x5ffbd48d190122ea10464ebc65245836ee8aa8108b99394aef9c1018ec833486', 2, '2026-11-30 04:34:47.919719+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\xddf45d9061df595a82e715c50868e2a3fa7c7bd3444032875802353dd4dfcf14', 3, '2026-11-30 04:34:48.184651+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x6dc5264e1ade8de7bb90e5a0b5852833e307c51054905b0280930965213cf6a4', 4, '2026-11-30 04:34:48.453252+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x9295c621cce7d13c7d502cf5c0196251437454468caae1389dfd22456967b090', 1, '2026-11-30 04:34:48.501956+00');
INSERT INTO klarna_worker.known_tokens VALUES ('\x32607c160326c7c9021513d08e1f739555390fa32e010e76e2431da0bd69606a', 1, '2026-11-30 04:34:49.205275+00');


--
-- Data for Name: migrations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.migrations VALUES (1, 'baseline', '2026-11-30 04:34:46.899136+00', true, '\x2381cc9d818c2a8ca15e94147df5d612d6e0d4b79a7c27c1c097942650d8114ca1f303187c35c3d67f500e0a1b725b74', 60386812);


--
-- Data for Name: order_attempts; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.order_attempts OVERRIDING SYSTEM VALUE VALUES (1, '01a22abb-fb0c-7d8b-ba89-98568eebf4d1', '2026-11-30 04:34:52.32385+00', '01a22abb-e69f-7601-9034-72d68ced7cc4', false, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"7aad4060-9463-4931-9bba-444af1d9ea7b"}');


--
-- Data for Name: orders; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.orders VALUES ('01a22abb-ec19-76e3-ab63-7c43defd2cbc', 'shop', 'alma', 'cart-1', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 04:34:48.483359+00', '2026-11-30 04:34:48.483359+00', '2026-11-30 04:44:48.483359+00', '2026-11-30 04:34:48.483359+00', '2026-11-30 04:34:48.541111+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '6993b3e9-15b7-4afd-8806-1cf398683617', '<div id="klarna-checkout-container" data-order-id="6993b3e9-15b7-4afd-8806-1cf398683617" style="overflow-x: hidden;"><script src="http://127.0.0.1:44081/sandbox/checkout.js" data-order-id="6993b3e9-15b7-4afd-8806-1cf398683617"></script></div>', NULL, NULL, NULL, 'aa792ec7-1fcb-43a9-bb90-6a2b0e35039c', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22abb-eee6-7292-9b52-5f30862c03fc', 'shop', 'alma', 'cart-2', NULL, NULL, '\x2695ac2662b1d27cb993ccc22dea6db643bcaf7840da65c0c51ddd61777a58a7', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 04:34:49.194118+00', '2026-11-30 04:34:49.194118+00', '2026-11-30 04:44:49.194118+00', '2026-11-30 04:34:49.194118+00', '2026-11-30 04:34:49.213614+00', NULL, 1, 1, 1, 0, false, 'fresh', '["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"]', '3f6243ab-99c1-4a60-8e58-7ba198c86076', '<div id="klarna-checkout-container" data-order-id="3f6243ab-99c1-4a60-8e58-7ba198c86076" style="overflow-x: hidden;"><script src="http://127.0.0.1:44081/sandbox/checkout.js" data-order-id="3f6243ab-99c1-4a60-8e58-7ba198c86076"></script></div>', NULL, NULL, NULL, '51cbf6f2-311a-4a9c-a447-c01d9a5421de', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22abb-f1dc-7c32-a494-5bfb2a5a134a', 'shop', 'never', 'cart-3', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 04:34:49.950088+00', '2026-11-30 04:34:49.950088+00', '2026-11-30 04:44:49.950088+00', '2026-11-30 04:34:49.950088+00', '2026-11-30 04:34:49.971997+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', '276ddde8-1729-489c-a2e4-058bc7a10ed4', '<div id="klarna-checkout-container" data-order-id="276ddde8-1729-489c-a2e4-058bc7a10ed4" style="overflow-x: hidden;"><script src="http://127.0.0.1:44081/sandbox/checkout.js" data-order-id="276ddde8-1729-489c-a2e4-058bc7a10ed4"></script></div>', NULL, NULL, NULL, 'b902c72e-f7c0-4502-8339-2d1ce9aa2f97', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22abb-f4b8-7f36-a707-144a9c1d6bb8', 'shop', 'revoked', 'cart-4', NULL, NULL, '\x0abf0d333d389e99525598d698e7470ed349da488151ab9b0a8edd20b2a7a887', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 04:34:50.682433+00', '2026-11-30 04:34:50.682433+00', '2026-11-30 04:44:50.682433+00', '2026-11-30 04:34:50.682433+00', '2026-11-30 04:34:50.72467+00', NULL, 1, 1, 1, 0, false, 'reauth_required', '[]', '534528b1-1a7f-4789-834e-88f186072a87', '<div id="klarna-checkout-container" data-order-id="534528b1-1a7f-4789-834e-88f186072a87" style="overflow-x: hidden;"><script src="http://127.0.0.1:44081/sandbox/checkout.js" data-order-id="534528b1-1a7f-4789-834e-88f186072a87"></script></div>', NULL, NULL, NULL, '5071cfd2-9249-4f95-933b-0b99c83a1d5f', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22abb-f829-7d15-a792-4fe650a7e86b', 'shop', 'lost', 'cart-5', NULL, NULL, '\x41a0031b75e19a86147c4b1ca23792395c19078f476f54e032aa00ad77c2f99f', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'submitted', '2026-11-30 04:34:51.565617+00', '2026-11-30 04:34:51.565617+00', '2026-11-30 04:44:51.565617+00', '2026-11-30 04:34:51.565617+00', '2026-11-30 04:34:51.594471+00', NULL, 1, 1, 1, 0, false, 'uncertain', '[]', 'b8683291-bd25-4f0e-811d-ca0cb085d1d6', '<div id="klarna-checkout-container" data-order-id="b8683291-bd25-4f0e-811d-ca0cb085d1d6" style="overflow-x: hidden;"><script src="http://127.0.0.1:44081/sandbox/checkout.js" data-order-id="b8683291-bd25-4f0e-811d-ca0cb085d1d6"></script></div>', NULL, NULL, NULL, '8640aa14-183f-4f2f-b17d-dbc49a76aa93', NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22abb-fede-7565-ac1d-b91cbae7f96a', 'shop', 'alma', 'cart-8', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'cancelled', '2026-11-30 04:34:53.28065+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, '2026-11-30 04:34:53.52631+00', NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22abb-fb0c-7d8b-ba89-98568eebf4d1', 'shop', 'never', 'cart-6', NULL, NULL, '\x9f88c4623322ca0108011e8566aa91357d60e5dcc13b31321966b7ee14f6cccc', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'failed', '2026-11-30 04:34:52.304554+00', '2026-11-30 04:34:52.304554+00', '2026-11-30 04:44:52.304554+00', '2026-11-30 04:34:52.304554+00', '2026-11-30 04:34:52.32385+00', NULL, 1, 1, 1, 0, false, 'not_registered', '[]', NULL, NULL, NULL, NULL, NULL, NULL, '{"code":"klarna_refused_order","message":"Klarna refused the order with HTTP 400 (BAD_VALUE): Bad value","faults":[{"pointer":"/order","message":"Bad value"}],"correlation_id":"7aad4060-9463-4931-9bba-444af1d9ea7b"}', NULL, NULL, 50000, 'SEK');
INSERT INTO klarna_worker.orders VALUES ('01a22abb-fdfd-7916-b6df-0582cd2512f3', 'shop', 'alma', 'cart-7', NULL, NULL, '\xca31254c983d53a28684f2acf4a171362cf7fb10bbc00731e5f1ae2f842b5564', '{"purchase_country":"SE","purchase_currency":"SEK","locale":"sv-SE","order_amount":50000,"order_tax_amount":4545,"order_lines":[{"type":"physical","name":"T-shirt","quantity":5,"unit_price":10000,"tax_rate":1000,"total_amount":50000,"total_discount_amount":0,"total_tax_amount":4545}]}', 1, NULL, NULL, 0, 'checkout', NULL, false, NULL, 'queued', '2026-11-30 04:34:53.056415+00', '2099-01-01 00:00:00+00', '2099-01-01 00:10:00+00', NULL, NULL, NULL, 0, NULL, 0, 0, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 'SEK');


--
-- Data for Name: pauses; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: probes; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: providers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.providers VALUES ('shop', '\xb159a29ca652637f607292ab6e43a2c2', true, NULL, 0, 0, NULL);


--
-- Data for Name: rates; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: revocations; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: tokens; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bo', 1, 1, 'active', NULL, '\x01026b31910e841e05acc4686d7430ff38337c2442db7168d69628eddb19161e5da1a3ab376d88842ea4cb5c035304b60779bca24db993c41c9a431c16eb5eb748947bb718acf8ba3d1108d6c40515257674bbfcf86c5defe39c54be96ef', '\xb159a29ca652637f607292ab6e43a2c2', '2026-11-30 04:34:47.915026+00', '2026-11-30 04:34:47.915026+00', '2027-01-29 04:34:47.915026+00', NULL, NULL, '2026-11-30 04:34:47.920654+00', '2027-01-03 16:50:15.863573+00', 1, 0, NULL, '2026-11-30 04:34:47.915026+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (1, 'shop', 'alma', 3, 1, 'active', NULL, '\x01026b3182bea947ae047fec443b4018e7b55557198c3a2f2bbf9c7846a7d48002bb8069b010ba0f7ca6a32965397cb99b7ed9e4c5a93e0ff7c77a2546f329db00675562f1a044dc6cd2642d42532dec0ed3c96164d32b23b06085e353b1', '\xb159a29ca652637f607292ab6e43a2c2', '2026-11-30 04:34:47.628346+00', '2026-11-30 04:34:49.205275+00', '2027-01-29 04:34:49.205275+00', '01a22abb-eef0-7748-a5d7-e492df712f7b', '\xcbf94b5721cdfb0dc729fdb5bc975bb4b49a18fbe69a2db97591a920d8225759', '2026-11-30 04:34:49.207793+00', '2027-01-03 13:21:49.686155+00', 3, 0, NULL, '2026-11-30 04:34:49.207793+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (3, 'shop', 'revoked', 1, 1, 'reauth_required', 'rejected', '\x01026b3164f4c460a8e48f09dcc75f49335cb299fc69c2710c14097bdb667181e2ca3a1b6ce5ff1b64d8459c4f5962c825a06b8fa9881a5158f991bc827f27018c731930469351cac342eeabc26a6d3cde83be20b4ce5dac6fe8593c5082', '\xb159a29ca652637f607292ab6e43a2c2', '2026-11-30 04:34:48.181513+00', '2026-11-30 04:34:48.181513+00', '2027-01-29 04:34:48.181513+00', NULL, NULL, '2026-11-30 04:34:50.702987+00', NULL, 1, 0, NULL, '2026-11-30 04:34:48.181513+00');
INSERT INTO klarna_worker.tokens OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'lost', 1, 1, 'uncertain', NULL, '\x01026b3188ded0fadb1b40c58a24a86b3c172ee55c4437d929b65e423bab9aa0ed9ae2553a2baa3f024545e119a99c8a0d2bb9b3b384e132317c3e9683e02186ca3a056c42a1e8df1fac4017816fc94041fbf6f80c0e15d4ce13d0b7a39d', '\xb159a29ca652637f607292ab6e43a2c2', '2026-11-30 04:34:48.449918+00', '2026-11-30 04:34:48.449918+00', '2027-01-29 04:34:48.449918+00', NULL, NULL, '2026-11-30 04:34:51.585445+00', NULL, 1, 0, NULL, '2026-11-30 04:34:48.449918+00');


--
-- Data for Name: user_changes; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--



--
-- Data for Name: webhook_answers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (1, 'shop', '89d50e1a-e1ca-41c7-94d7-989a7ca95240', 'order.submitted', '2026-11-30 04:34:48.563676+00', NULL, 772, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (2, 'shop', 'bfd211b4-6cdf-4a45-baa3-56f75e874cf9', 'order.submitted', '2026-11-30 04:34:49.232444+00', NULL, 1938, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (3, 'shop', '18d0ee87-76fd-474b-adc3-1abb33ccdf16', 'order.submitted', '2026-11-30 04:34:49.979236+00', NULL, 1136, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (4, 'shop', 'deee1876-7dea-4443-96c1-8b3f64f6d07a', 'token.reauth_required', '2026-11-30 04:34:50.738829+00', NULL, 473, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (5, 'shop', '86516f9d-e8f5-4cd7-a8f3-392a0fcb8f8d', 'order.submitted', '2026-11-30 04:34:50.739874+00', NULL, 1507, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (6, 'shop', 'bfdabdcc-7195-46bd-b72b-4a4feb095ce0', 'order.submitted', '2026-11-30 04:34:51.608607+00', NULL, 647, 'not sent: connection refused');
INSERT INTO klarna_worker.webhook_answers OVERRIDING SYSTEM VALUE VALUES (7, 'shop', '6c178fb9-68b4-4fe3-b393-aae3de314a5d', 'order.failed', '2026-11-30 04:34:52.332721+00', NULL, 696, 'not sent: connection refused');


--
-- Data for Name: webhook_endpoints; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhook_endpoints VALUES ('shop', '\x05bd7c64994cf9d00078a1a1f5201ce001127b088e06ae27751d8f56f659e6b5', '2026-11-30 04:34:48.559776+00', NULL, NULL);


--
-- Data for Name: webhooks; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (1, '89d50e1a-e1ca-41c7-94d7-989a7ca95240', 'shop', 'alma', '01a22abb-ec19-76e3-ab63-7c43defd2cbc', 'order.submitted', '{"order_id" : "01a22abb-ec19-76e3-ab63-7c43defd2cbc", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "6993b3e9-15b7-4afd-8806-1cf398683617", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-30 04:34:48.541111+00', '2026-11-30 04:34:53.779414+00', '2026-12-03 04:34:48.541111+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (2, 'bfd211b4-6cdf-4a45-baa3-56f75e874cf9', 'shop', 'alma', '01a22abb-eee6-7292-9b52-5f30862c03fc', 'order.submitted', '{"order_id" : "01a22abb-eee6-7292-9b52-5f30862c03fc", "merchant" : "shop", "user" : "alma", "target" : "checkout", "klarna_order_id" : "3f6243ab-99c1-4a60-8e58-7ba198c86076", "token" : "fresh", "possible_duplicate" : false, "prefilled" : ["/billing_address/given_name","/billing_address/family_name","/billing_address/email","/billing_address/phone","/billing_address/street_address","/billing_address/postal_code","/billing_address/city","/billing_address/country","/customer/date_of_birth"], "prefill_withdrawn" : []}', 'pending', '2026-11-30 04:34:49.213614+00', '2026-11-30 04:34:53.737968+00', '2026-12-03 04:34:49.213614+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (3, '18d0ee87-76fd-474b-adc3-1abb33ccdf16', 'shop', 'never', '01a22abb-f1dc-7c32-a494-5bfb2a5a134a', 'order.submitted', '{"order_id" : "01a22abb-f1dc-7c32-a494-5bfb2a5a134a", "merchant" : "shop", "user" : "never", "target" : "checkout", "klarna_order_id" : "276ddde8-1729-489c-a2e4-058bc7a10ed4", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 04:34:49.971997+00', '2026-11-30 04:34:55.345271+00', '2026-12-03 04:34:49.971997+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (5, '86516f9d-e8f5-4cd7-a8f3-392a0fcb8f8d', 'shop', 'revoked', '01a22abb-f4b8-7f36-a707-144a9c1d6bb8', 'order.submitted', '{"order_id" : "01a22abb-f4b8-7f36-a707-144a9c1d6bb8", "merchant" : "shop", "user" : "revoked", "target" : "checkout", "klarna_order_id" : "534528b1-1a7f-4789-834e-88f186072a87", "token" : "reauth_required", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 04:34:50.72467+00', '2026-11-30 04:34:55.597165+00', '2026-12-03 04:34:50.72467+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (4, 'deee1876-7dea-4443-96c1-8b3f64f6d07a', 'shop', 'revoked', NULL, 'token.reauth_required', '{"merchant" : "shop", "user" : "revoked", "reason" : "rejected"}', 'pending', '2026-11-30 04:34:50.702987+00', '2026-11-30 04:34:55.421857+00', '2026-12-03 04:34:50.702987+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (6, 'bfdabdcc-7195-46bd-b72b-4a4feb095ce0', 'shop', 'lost', '01a22abb-f829-7d15-a792-4fe650a7e86b', 'order.submitted', '{"order_id" : "01a22abb-f829-7d15-a792-4fe650a7e86b", "merchant" : "shop", "user" : "lost", "target" : "checkout", "klarna_order_id" : "b8683291-bd25-4f0e-811d-ca0cb085d1d6", "token" : "uncertain", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 04:34:51.594471+00', '2026-11-30 04:34:56.866275+00', '2026-12-03 04:34:51.594471+00', NULL, 1, 1, 'not sent: connection refused');
INSERT INTO klarna_worker.webhooks OVERRIDING SYSTEM VALUE VALUES (7, '6c178fb9-68b4-4fe3-b393-aae3de314a5d', 'shop', 'never', '01a22abb-fb0c-7d8b-ba89-98568eebf4d1', 'order.failed', '{"order_id" : "01a22abb-fb0c-7d8b-ba89-98568eebf4d1", "merchant" : "shop", "user" : "never", "target" : "checkout", "code" : "klarna_refused_order", "token" : "not_registered", "possible_duplicate" : false, "prefilled" : [], "prefill_withdrawn" : []}', 'pending', '2026-11-30 04:34:52.32385+00', '2026-11-30 04:34:57.779739+00', '2026-12-03 04:34:52.32385+00', NULL, 1, 1, 'not sent: connection refused');


--
-- Data for Name: workers; Type: TABLE DATA; Schema: klarna_worker; Owner: -
--

INSERT INTO klarna_worker.workers VALUES ('01a22abb-e69f-7601-9034-72d68ced7cc4', '01a22abb-e69b-73a0-a2bd-7a4a79efc42d', 'vm/17427', '2026-11-30 04:34:47.112988+00', '2026-11-30 04:34:53.127915+00', 8, '2026-11-30 04:34:53.568213+00', NULL);


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
-- Name: audit_log_order; Type: INDEX; Schema: klarna_worker; Owner: -
--

CREATE INDEX audit_log_order ON klarna_worker.audit_log USING btree (object, id) WHERE (action = ANY (ARRAY['order.retry'::text, 'order.cancel'::text, 'order.update'::text]));


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


