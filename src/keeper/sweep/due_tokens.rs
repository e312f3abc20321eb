//! The due tokens of a sweep, in the order in which they are presented.
//!
//! A merchant that cannot go on now is set aside, and the others pass it: its share of the exchanges is
//! in flight, or its token endpoint is paused. From then on it has a queue of its own, so that however
//! many of its tokens are due, those of the others are reached.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, Utc};

use crate::ids::MerchantName;
use crate::store::{DueCursor, DueFilter, DueToken, Keeper, StoreError};

/// How many tokens a page has.
const PAGE: u32 = 200;

/// Which tokens a sweep presents.
#[derive(Clone)]
pub(super) struct Selection {
    /// Those that are due at this time.
    pub(super) by: DateTime<Utc>,
    /// Those that were issued before this time: what this sweep refreshed may be listed again.
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
            if queue.place().is_some_and(|place| first.place().is_none_or(|first| place < first)) {
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

    fn place(&self) -> Option<DueCursor> {
        self.page.front().map(|token| token.place)
    }

    /// Reads the next page if this one is used up.
    async fn fill(
        &mut self,
        store: &dyn Keeper,
        filter: DueFilter,
        selection: &Selection,
    ) -> Result<(), StoreError> {
        while self.page.is_empty() && !self.ended {
            let page = store.due_tokens(&DueFilter { after: self.after, ..filter.clone() }).await?;
            match page.last() {
                Some(last) => self.after = Some(last.place),
                None => self.ended = true,
            }
            self.page.extend(page.into_iter().filter(|token| token.issued_at < selection.issued_before));
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
