//! A progress bar on standard error; hidden without a terminal and with the format JSON.

use std::borrow::Cow;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::Lines;
use super::{Format, Output};
use crate::telemetry::log_aside;

const BAR: &str = "{bar:32} {percent:>3}%  {msg}";
const SPINNER: &str = "{spinner} {msg}";

/// A progress bar, removed when it is dropped.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Progress through an input, in bytes if its size is known.
    pub(super) fn through(output: &Output, lines: &Lines) -> Self {
        Self::new(output, lines.size())
    }

    /// Progress through `steps` steps; `None` if their number is unknown.
    pub(super) fn new(output: &Output, steps: Option<u64>) -> Self {
        if output.format() == Format::Json {
            return Self(ProgressBar::hidden());
        }
        // It draws nothing if standard error is not a terminal.
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

    /// Sets the position and the text beside the bar.
    pub(super) fn at(&self, position: u64, message: impl Into<Cow<'static, str>>) {
        self.0.set_position(position);
        self.0.set_message(message);
    }

    /// Whether the bar is hidden.
    pub(super) fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// Hides the bar while `print` runs.
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
