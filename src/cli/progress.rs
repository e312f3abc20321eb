//! Progress on a terminal's standard error; nothing where there is none, or where scripts read.

use std::borrow::Cow;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::Lines;
use super::{Format, Output};
use crate::telemetry::log_aside;

const BAR: &str = "{bar:32} {percent:>3}%  {msg}";
const SPINNER: &str = "{spinner} {msg}";

/// A bar that goes away when it is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Progress through an input, by its bytes where its size is known.
    pub(super) fn through(output: &Output, lines: &Lines) -> Self {
        Self::new(output, lines.size())
    }

    /// Progress through so many steps, or through nobody knows how many.
    pub(super) fn new(output: &Output, steps: Option<u64>) -> Self {
        if output.format() == Format::Json {
            return Self(ProgressBar::hidden());
        }
        // It draws nothing where standard error is no terminal.
        let bar = ProgressBar::with_draw_target(steps, ProgressDrawTarget::stderr());
        let template = if steps.is_some() { BAR } else { SPINNER };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        if !bar.is_hidden() {
            let aside = bar.clone();
            log_aside(Some(Arc::new(move |print| aside.suspend(print))));
        }
        Self(bar)
    }

    /// So far it has come, and what to tell beside it.
    pub(super) fn at(&self, position: u64, message: impl Into<Cow<'static, str>>) {
        self.0.set_position(position);
        self.0.set_message(message);
    }

    /// Whether nobody sees it.
    pub(super) fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// Prints while the bar is out of the way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.0.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        log_aside(None);
        self.0.finish_and_clear();
    }
}
