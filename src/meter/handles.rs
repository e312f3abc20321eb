//! The handles of metrics that each order uses, by their labels. To make one takes much longer than
//! to count.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, PoisonError, RwLock};

use metrics::{Counter, Histogram, Label, counter, histogram};

use crate::ids::MerchantName;

/// The labels beside the merchant, with their values.
type Labels<'l> = &'l [(&'static str, &'static str)];

/// Handles by the name of the metric, the merchant, and the values of the other labels.
struct Handles<T>(LazyLock<RwLock<HashMap<Key, T>>>);

type Key = (&'static str, MerchantName, Vec<&'static str>);

static COUNTERS: Handles<Counter> = Handles(LazyLock::new(RwLock::default));
static HISTOGRAMS: Handles<Histogram> = Handles(LazyLock::new(RwLock::default));

/// Whether the process records metrics. A handle that was made before counts nothing, ever.
static RECORDING: AtomicBool = AtomicBool::new(false);

/// The process records metrics from now on.
pub(super) fn recording() {
    RECORDING.store(true, Ordering::Release);
}

pub(super) fn counter_of(name: &'static str, merchant: &MerchantName, labels: Labels<'_>) -> Counter {
    COUNTERS.of(name, merchant, labels, |labels| counter!(name, labels))
}

pub(super) fn histogram_of(name: &'static str, merchant: &MerchantName, labels: Labels<'_>) -> Histogram {
    HISTOGRAMS.of(name, merchant, labels, |labels| histogram!(name, labels))
}

impl<T: Clone> Handles<T> {
    fn of(
        &self,
        name: &'static str,
        merchant: &MerchantName,
        labels: Labels<'_>,
        make: impl FnOnce(Vec<Label>) -> T,
    ) -> T {
        let key = (name, merchant.clone(), labels.iter().map(|(_, value)| *value).collect());
        if let Some(handle) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return handle.clone();
        }
        let others = labels.iter().map(|(label, value)| Label::from_static_parts(label, value));
        let merchant = Label::new("merchant", merchant.to_string());
        let handle = make([merchant].into_iter().chain(others).collect());
        if RECORDING.load(Ordering::Acquire) {
            self.0.write().unwrap_or_else(PoisonError::into_inner).insert(key, handle.clone());
        }
        handle
    }
}
