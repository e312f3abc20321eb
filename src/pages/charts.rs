//! Bar charts, drawn by the server. Colours are classes and sizes are attributes, because the
//! pages' policy forbids inline styles.
//!
//! The bars are links for the mouse. Keyboards and screen readers have the same links in the table
//! below.

use std::ops::Range;

use maud::{Markup, html};

use super::pieces::{count_col, number};

/// One bar of a chart, from the bottom up.
pub(super) struct Bar {
    /// The name of the bar, for its tooltip and the table.
    pub(super) name: String,
    /// The count of each part.
    pub(super) counts: Vec<u64>,
}

impl Bar {
    fn total(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// A label of the axis.
pub(super) struct Tick {
    /// The bar at whose left edge it is; the number of bars for the right edge of the last one.
    pub(super) bar: usize,
    pub(super) name: String,
}

/// A part of a chart: its class and its name.
pub(super) type Part = (&'static str, &'static str);

/// A chart of stacked bars.
pub(super) struct Chart<'a> {
    pub(super) id: &'a str,
    pub(super) title: &'a str,
    pub(super) parts: &'a [Part],
    pub(super) bars: &'a [Bar],
    /// Labels of the axis, from left to right.
    pub(super) below: &'a [Tick],
    /// Returns the list of what a bar, or all bars, and a part, or all parts, count.
    pub(super) link: Option<&'a dyn Fn(Option<usize>, Option<usize>) -> String>,
}

const HEIGHT: u64 = 160;
const WIDTH: u64 = 960;
/// A bar is cut off if it is more than this many times as high as nine of ten others.
const OUTLIER: u64 = 4;
/// With fewer bars than this, none is cut off: what is usual cannot be told from so few.
const FEW: usize = 4;

impl Chart<'_> {
    /// Draws the bars with a legend, labels below, and a table of the same numbers.
    pub(super) fn draw(&self) -> Markup {
        let Self { id, title, parts, bars, below, .. } = self;
        let totals: Vec<u64> = bars.iter().map(Bar::total).collect();
        let top = rounded(highest(&totals));
        let count = u64::try_from(bars.len()).unwrap_or(1).max(1);
        let cut: Vec<&Bar> = bars.iter().filter(|bar| bar.total() > top).collect();
        html! {
            figure.chart aria-label=(title) {
                div.legend {
                    @for (at, (class, name)) in parts.iter().enumerate() {
                        @let sum = number(bars.iter().map(|bar| bar.counts[at]).sum::<u64>());
                        span { i.swatch.(class) {} (self.linked(None, Some(at), name)) " " b { (sum) } }
                    }
                }
                div.plot {
                    span.scale aria-hidden="true" { (number(top)) }
                    @if top > 1 { span.scale.half aria-hidden="true" { (number(top / 2)) } }
                    svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
                        line.grid x1="0" x2=(WIDTH) y1="0.5" y2="0.5" {}
                        line.grid x1="0" x2=(WIDTH) y1=(HEIGHT / 2) y2=(HEIGHT / 2) {}
                        @for (place, bar) in bars.iter().enumerate() {
                            @let left = u64::try_from(place).unwrap_or_default();
                            (self.drawn(place, bar, left * WIDTH / count..(left + 1) * WIDTH / count, top))
                        }
                        line.axis x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                    }
                    // Not part of the other drawing, which is stretched.
                    svg.below aria-hidden="true" { @for tick in *below { (tick.draw(bars.len())) } }
                }
                @if !cut.is_empty() {
                    p.note {
                        "Higher than the scale: "
                        @for (at, bar) in cut.iter().enumerate() {
                            @if at > 0 { ", " }
                            (bar.name) " (" (number(bar.total())) ")"
                        }
                    }
                }
                details id={ (id) "-table" } {
                    summary { "Show as table" }
                    div.scroll { table {
                        thead { tr { th scope="col" {} @for (_, name) in *parts { (count_col(name)) } } }
                        tbody {
                            @for (place, bar) in bars.iter().enumerate().filter(|(_, bar)| bar.total() > 0) {
                                tr { th scope="row" { (self.linked(Some(place), None, &bar.name)) }
                                    @for (at, count) in bar.counts.iter().enumerate() {
                                        td.count { (self.linked(Some(place), Some(at), &number(*count))) }
                                    } }
                            }
                        }
                    } }
                }
            }
        }
    }

    fn linked(&self, bar: Option<usize>, part: Option<usize>, text: &str) -> Markup {
        html! { @if let Some(link) = self.link { a href=(link(bar, part)) { (text) } } @else { (text) } }
    }

    fn drawn(
        &self,
        place: usize,
        bar: &Bar,
        Range { start: left, end: right }: Range<u64>,
        top: u64,
    ) -> Markup {
        let width = (right - left).saturating_sub(if right - left > 6 { 3 } else { 1 }).max(1);
        let is_cut = bar.total() > top;
        // A bar that is cut off keeps the shares of its parts.
        let top = top.max(bar.total());
        let mut told = vec![bar.name.clone()];
        let mut pieces = Vec::new();
        let mut below = 0;
        let parts = self.parts.iter().zip(&bar.counts).enumerate();
        for (at, ((class, name), count)) in parts.filter(|(_, (_, count))| **count > 0) {
            let (from, to) = (below * HEIGHT / top, (below + count) * HEIGHT / top);
            below += count;
            // Anything above 0 must be visible.
            let height = (to - from).max(2);
            pieces.push((at, *class, (HEIGHT - from).saturating_sub(height), height));
            told.push(format!("{name}: {}", number(*count)));
        }
        let piece = |class: &str, y: u64, height: u64| {
            html! { rect.(class) x=(left) y=(y) width=(width) height=(height) {} }
        };
        let hit = html! { rect.hit x=(left) y="0" width=(right - left) height=(HEIGHT) {} };
        html! {
            g {
                title { (told.join("\n")) }
                @if let Some(link) = self.link { a href=(link(Some(place), None)) tabindex="-1" { (hit) } }
                @else { (hit) }
                @for (at, class, y, height) in pieces {
                    @if let Some(link) = self.link {
                        a href=(link(Some(place), Some(at))) tabindex="-1" { (piece(class, y, height)) }
                    } @else { (piece(class, y, height)) }
                }
                @if is_cut { rect.cut x=(left) y="8" width=(width) height="4" {} }
            }
        }
    }
}

impl Tick {
    fn draw(&self, bars: usize) -> Markup {
        let thousandths = self.bar * 1000 / bars.max(1);
        let edge = match thousandths {
            ..30 => Some("first"),
            970.. => Some("last"),
            _ => None,
        };
        html! {
            text class=[edge] x={ (thousandths / 10) "." (thousandths % 10) "%" } y="13" { (self.name) }
        }
    }
}

/// Returns the number that the scale has to reach: the highest total, unless one of ten stands out
/// so much that the others would be flat.
fn highest(totals: &[u64]) -> u64 {
    let mut some: Vec<u64> = totals.iter().copied().filter(|total| *total > 0).collect();
    some.sort_unstable();
    let Some(most) = some.last().copied() else { return 0 };
    let usual = some[(some.len() - 1) * 9 / 10];
    if some.len() >= FEW && usual.saturating_mul(OUTLIER) < most { usual } else { most }
}

/// Returns the smallest round, even number that is not less than `most`.
fn rounded(most: u64) -> u64 {
    const ROUND: [u64; 10] = [10, 12, 16, 20, 24, 30, 40, 50, 60, 80];
    let mut step = 1;
    loop {
        if let Some(times) = ROUND.iter().find(|times| step * **times >= most.saturating_mul(10)) {
            return ((step * times).div_ceil(10)).next_multiple_of(2);
        }
        step = step.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_ends_at_a_round_number() {
        let most = [0, 1, 2, 3, 7, 11, 99, 100, 115, 1411, 1_000_000];
        assert_eq!(most.map(rounded), [2, 2, 2, 4, 8, 12, 100, 100, 120, 1600, 1_000_000]);
    }

    #[test]
    fn one_bar_that_stands_out_does_not_flatten_the_others() {
        for (totals, most) in [
            (&[0, 0][..], 0),
            (&[5], 5),
            (&[1, 5000], 5000),
            (&[5, 9, 0, 12, 7, 3, 8, 9, 2, 4, 6, 5000], 12),
            (&[5, 9, 0, 12, 7, 3, 8, 9, 2, 4, 6, 48], 48),
            (&[5, 9, 0, 12, 7, 3, 8, 9, 2, 5000], 12),
            (&[5, 9, 0, 7, 5000], 9),
            (&[5, 0, 7, 5000], 5000),
            (&[5, 9, 6000, 5000], 6000),
        ] {
            assert_eq!(highest(totals), most, "{totals:?}");
        }
    }
}
