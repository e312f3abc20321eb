//! The due tokens of a sweep, in the order in which they are presented.
//!
//! A merchant that cannot go on now is set aside, and the others pass it: its share of the
//! exchanges is in flight, or its token endpoint is paused. From then on it has a queue of its own,
//! so that however many of its tokens are due, those of the others are reached.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};

use crate::ids::MerchantName;
use crate::store::{DueCursor, DueFilter, DueToken, Keeper, StoreError};

/// How many due tokens one query looks at.
const PAGE: u32 = 1000;

/// Which tokens a sweep presents.
#[derive(Clone)]
pub(super) struct Selection {
    /// The latest due date.
    pub(super) by: DateTime<Utc>,
    /// The time before which they were issued: what this sweep refreshed may be listed again.
    pub(super) issued_before: DateTime<Utc>,
    /// Only this merchant's.
    pub(super) merchant: Option<MerchantName>,
}

/// The next token.
pub(super) enum Next {
    /// This one.
    Token(DueToken),
    /// Tokens are left, but their merchants cannot go on now.
    Later,
    /// None is left.
    End,
}

/// The due tokens that are left.
pub(super) struct DueTokens {
    selection: Selection,
    common: Queue,
    /// The merchants that were set aside. The common queue has no tokens of theirs.
    aside: BTreeMap<MerchantName, Queue>,
}

/// Tokens that are read page by page.
#[derive(Default)]
struct Queue {
    page: VecDeque<DueToken>,
    after: Option<DueCursor>,
    ended: bool,
}

impl DueTokens {
    /// All tokens of the selection.
    pub(super) fn new(selection: Selection) -> Self {
        Self { selection, common: Queue::default(), aside: BTreeMap::new() }
    }

    /// The merchants that were set aside and have tokens left.
    pub(super) fn set_aside(&self) -> impl Iterator<Item = &MerchantName> {
        self.aside.iter().filter(|(_, queue)| !queue.is_empty()).map(|(merchant, _)| merchant)
    }

    /// Takes the first token of a merchant that can go on.
    pub(super) async fn next(
        &mut self,
        store: &dyn Keeper,
        can_go_on: impl Fn(&MerchantName) -> bool,
    ) -> Result<Next, StoreError> {
        loop {
            let except = self.aside.keys().cloned().collect();
            let filter = DueFilter { merchant: self.selection.merchant.clone(), except, ..self.filter() };
            self.common.fill(store, filter, &self.selection).await?;
            match self.common.page.front() {
                Some(token) if !can_go_on(&token.merchant) => {
                    let merchant = token.merchant.clone();
                    let queue = self.common.split_off(&merchant);
                    self.aside.insert(merchant, queue);
                }
                _ => break,
            }
        }
        let filter = self.filter();
        let mut first = &mut self.common;
        for (merchant, queue) in self.aside.iter_mut().filter(|(merchant, _)| can_go_on(merchant)) {
            let filter = DueFilter { merchant: Some(merchant.clone()), ..filter.clone() };
            queue.fill(store, filter, &self.selection).await?;
            if queue.cursor().is_some_and(|cursor| first.cursor().is_none_or(|first| cursor < first)) {
                first = queue;
            }
        }
        match first.page.pop_front() {
            Some(token) => Ok(Next::Token(token)),
            None if self.set_aside().next().is_some() => Ok(Next::Later),
            None => Ok(Next::End),
        }
    }

    fn filter(&self) -> DueFilter {
        DueFilter { by: self.selection.by, merchant: None, except: Vec::new(), after: None, limit: PAGE }
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.ended && self.page.is_empty()
    }

    fn cursor(&self) -> Option<DueCursor> {
        self.page.front().map(|token| token.cursor)
    }

    /// Reads pages until one has tokens, if this one is used up.
    async fn fill(
        &mut self,
        store: &dyn Keeper,
        filter: DueFilter,
        selection: &Selection,
    ) -> Result<(), StoreError> {
        while self.page.is_empty() && !self.ended {
            let page = store.due_tokens(&DueFilter { after: self.after, ..filter.clone() }).await?;
            (self.after, self.ended) = (page.next, page.next.is_none());
            let due = page.tokens.into_iter().filter(|token| token.issued_at < selection.issued_before);
            self.page.extend(due);
        }
        Ok(())
    }

    /// Gives a merchant's tokens a queue of their own, which continues where this one does.
    fn split_off(&mut self, merchant: &MerchantName) -> Self {
        let (own, others) =
            std::mem::take(&mut self.page).into_iter().partition(|token| token.merchant == *merchant);
        self.page = others;
        Self { page: own, after: self.after, ended: self.ended }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

    use super::*;
    use crate::clock::Clock;
    use crate::config::{Database, Engine};
    use crate::store;

    /// Three pages of due tokens. Few of them are of the merchant `other`.
    const TOKENS: u32 = 3 * PAGE;
    const OTHER_EVERY: u32 = PAGE / 2;

    #[tokio::test]
    async fn a_merchant_that_was_set_aside_is_passed_and_no_token_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.db");
        let url = format!("sqlite:{}", path.display());
        let database = Database {
            engine: Engine::Sqlite { path },
            url: url.as_str().into(),
            listen_url: None,
            read_url: None,
            statement_cache: 100,
            max_connections: 4,
        };
        let by = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let store = store::open(&database, 1, &Clock::manual(by)).await.unwrap();
        store.migrate().await.unwrap();
        let fill = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {TOKENS})
             INSERT INTO tokens (id, merchant, user_id, generation, grant_generation, state, sealed, provider,
                 issued_at, expires_at, refresh_due_at, refresh_due_generation, updated_at)
             SELECT i, CASE WHEN i % {OTHER_EVERY} = 0 THEN 'other' ELSE 'busy' END, 'u-' || i, 1, 1,
                 'active', x'00', x'00', 0, 0, i, 1, 0 FROM n"
        );
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();

        let mut due = DueTokens::new(Selection { by, issued_before: by, merchant: None });
        let mut found = Vec::new();
        while let Next::Token(token) = due.next(&*store, |merchant| *merchant == "other").await.unwrap() {
            found.push(token.version.token.0);
        }
        let (others, busy): (Vec<_>, Vec<_>) =
            (1..=i64::from(TOKENS)).partition(|token| token % i64::from(OTHER_EVERY) == 0);
        assert_eq!(found, others);
        assert!(due.set_aside().eq(["busy"]));
        found.clear();
        while let Next::Token(token) = due.next(&*store, |_| true).await.unwrap() {
            found.push(token.version.token.0);
        }
        assert_eq!(found, busy);
        assert!(matches!(due.next(&*store, |_| true).await.unwrap(), Next::End));
        store.close().await;
    }
}
