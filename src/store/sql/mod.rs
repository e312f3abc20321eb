//! The SQL statements: a folder for each engine, with a file for each storage trait. A statement
//! that both engines have is a field of [`Statements`], so a missing one is a compile error. A test
//! prepares each statement against its engine.

pub(super) mod postgres;
pub(super) mod sqlite;

/// Declares a struct of statements for each storage trait, and [`Statements`] of them all.
macro_rules! statements {
    ($($group:ident: $type:ident { $($name:ident),+ $(,)? })+) => {
        /// The statements that both engines have, each in its own dialect.
        pub(super) struct Statements {
            $(pub(super) $group: $type,)+
            /// An expression for the conditions of `order_search`: the code of an order's error.
            pub(super) error_code: &'static str,
            /// An expression for the same: whether the id is one of a list, which is the parameter
            /// `$`.
            pub(super) id_among: &'static str,
            /// The same: whether the id is one of those that the query `$` returns.
            pub(super) id_in: &'static str,
        }

        $(pub(super) struct $type { $(pub(super) $name: &'static str),+ })+

        #[cfg(test)]
        impl Statements {
            /// Returns all statements with their names.
            pub(super) fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$($((concat!(stringify!($group), ".", stringify!($name)), self.$group.$name)),+),+]
            }
        }
    };
}

statements! {
    audit: AuditSql { append, newest, row_hash, list, in_chains, has_before, prune }
    dashboard: DashboardSql {
        outcome_buckets, latency_samples, waiting_codes, failed_codes, refused_merchants, order_history, attempts,
        changes_of_order, pauses_of_order, workers, queued_deadlines,
    }
    erasure: ErasureSql { token, known, open_orders, orders, webhooks }
    export: ExportSql { orders, attempts, webhooks }
    follow_ups: FollowUpsSql {
        record, record_aborts, unwanted, due_merchants, claim, again, give_up, has_given_up, renew, done,
        note_acknowledged, lapsed,
        orders_failing, orders_given_up, failing_of_order,
    }
    installation: InstallationSql { installation, found_installation, health }
    keeper: KeeperSql {
        now, undated_tokens, planned_tokens, set_due_dates, bring_forward, next_due_day, due_of_day, count_due,
        postpone, forget_idle, token_counts, take_sweep, renew_sweep, end_sweep, last_sweep,
    }
    keys: KeysSql {
        known_keys, note_key, sealed, sealed_tokens, sealed_otherwise, cached_otherwise, reseal_token, reseal_cached,
        reseal_hash_key,
    }
    order_admin: OrderAdminSql { body_gone, unchanged, cancel, again, retry_follow_ups }
    orders: OrdersSql {
        insert_order, order_by_key, supersede, due_merchants, next_due, give_back, running_of_worker, failed, retry,
        snooze, announce, submitted_late, is_submitted_as, may_take_late, order, settled, orders, order_ids,
        count_orders, order_codes,
    }
    outages: OutagesSql { reopen, begin, end, end_lost, outages }
    overview: OverviewSql {
        backlogs, overview, expiring_tokens, webhook_backlogs, follow_up_backlogs, webhook_counts, held_orders,
    }
    pausing: PausingSql { pauses, pause, keep_past, resume, probe, probes, bring_orders_forward }
    providers: ProvidersSql {
        tokens_by_provider, join_providers, sealed_by, adopt, latest_answers, stop, take_probe, prove, disprove_others,
        stopped, probe_now,
    }
    rates: RatesSql { begin, lock, lease }
    renaming: RenamingSql { lock_open_orders, token, known, open_orders, ended_orders, webhooks }
    resolving: ResolvingSql {
        resolve, count_uncertain, resolve_all, count_rejected, retry_rejected, retry_rejected_token,
    }
    restore: RestoreSql { remembers, left_open, last_end, doubt_tokens, hold_orders, declare_restored }
    revocations: RevocationsSql { record, record_successor, due_merchants, claim, again, done, lapsed }
    sessions: SessionsSql {
        note, replace_body, begin_update, end_update, release_update, changeable, by_klarna_id, is_of_merchant,
    }
    tokens: TokensSql {
        ensure_token, lock_token, same_providers, holder, register, drop_unused, know, forget, forget_cached, token,
        tokens, users_of_state, all_users_of_state, active_users, ledger, void_intent, open_intents, is_intended,
        last_came, store_ahead, stored_before, cache, still_good, dead, rejected_by, hold, replay_due, seen,
        state_of_generation, close, cached, newest_cached, delete_cached, delete_expired, last_token,
    }
    upkeep: UpkeepSql {
        wipe_bodies, delete_orders, delete_webhooks, delete_follow_ups, delete_workers, delete_past_pauses,
        delete_over_pauses, delete_outages, wipe_tokens, expire_webhooks, ledger_step, delete_ledger, known_step,
        delete_known,
    }
    user_changes: UserChangesSql { begin, under_way, end }
    webhooks: WebhooksSql {
        publish_deadline, publish_endpoint, remove_endpoint, due_webhook_merchants, next_webhook_due, claim_webhooks,
        give_back_webhook, webhook_delivered, webhook_retry, endpoint_well, endpoint_failing, webhooks, count_webhooks,
        resend_webhooks, enable_endpoint, endpoints, note_answer, forget_answers, answers, test,
    }
    workers: WorkersSql {
        begin_worker, end_earlier, heartbeat, heartbeats, heartbeats_of_instance, end_worker, reclaim, lose_order,
        note_breakers, note_facts,
    }
}

/// Declares statements that only one engine has, and the list of them for the test that prepares
/// them.
macro_rules! constants {
    ($($name:ident = $sql:expr;)+) => {
        $(pub(in crate::store) const $name: &str = $sql;)+

        #[cfg(test)]
        pub(in crate::store) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}
use constants;

/// What `order_search` puts around its query of the orders' codes, at `$`.
pub(super) const ORDERS_BY_CODE: &str = "
    SELECT code, count(*) AS orders, count(*) FILTER (WHERE possible_duplicate) AS duplicates
    FROM ($) AS coded GROUP BY code ORDER BY orders DESC, code";
/// What it puts around its query of ids, to count them. The second `$` is the most that it counts.
pub(super) const ORDERS_UP_TO: &str = "
    SELECT count(*) AS orders FROM (SELECT id FROM ($) AS found LIMIT $) AS counted";
/// What `webhooks` puts around its query of places, to count them. The second `$` is the most that
/// it counts.
pub(super) const WEBHOOKS_UP_TO: &str = "SELECT count(*) AS webhooks FROM ($ LIMIT $) AS found";

/// Puts parts of a statement where it has `$`.
pub(super) fn filled<const N: usize>(statement: &str, parts: [&str; N]) -> String {
    let mut text = String::new();
    let mut parts = parts.into_iter();
    for piece in statement.split_inclusive('$') {
        text.push_str(piece.strip_suffix('$').unwrap_or(piece));
        text.extend(piece.ends_with('$').then(|| parts.next()).flatten());
    }
    text
}

/// Leaves out "or it is absent" in the conditions of the parameters with these numbers, which are
/// given, so that their indexes can be used. Such a condition begins with `($NUMBER`, and its first
/// ` OR ` follows what is left out.
pub(super) fn narrowed(statement: &str, given: impl IntoIterator<Item = usize>) -> String {
    let mut text = statement.to_owned();
    for number in given {
        let begin = text.find(&format!("(${number}")).map(|at| at + 1);
        if let Some((begin, or)) = begin.and_then(|begin| Some((begin, text[begin..].find(" OR ")?))) {
            text.replace_range(begin..begin + or + " OR ".len(), "");
        }
    }
    text
}
