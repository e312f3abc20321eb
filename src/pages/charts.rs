//! Bar charts, drawn by the server. Colours are classes and sizes are attributes, because the
//! pages' policy forbids inline styles.

use maud::{Markup, html};

use super::pieces::{count_col, number};

/// One bar of a chart, from the bottom up.
pub(super) struct Bar {
    /// The name of the bar, for its tooltip and the table.
    pub(super) name: String,
    /// The count of each part.
    pub(super) counts: Vec<u64>,
}

/// A part of a chart: its class and its name.
pub(super) type Part = (&'static str, &'static str);

const HEIGHT: u64 = 160;
const WIDTH: u64 = 960;

/// Draws stacked bars with a legend, labels below, and a table of the same numbers for screen
/// readers.
pub(super) fn stacked(id: &str, title: &str, parts: &[Part], bars: &[Bar], below: &[String]) -> Markup {
    let most = bars.iter().map(|bar| bar.counts.iter().sum::<u64>()).max().unwrap_or_default();
    let top = rounded(most);
    let count = u64::try_from(bars.len()).unwrap_or(1).max(1);
    html! {
        figure.chart {
            div.legend {
                @for (at, (class, name)) in parts.iter().enumerate() {
                    span { i.swatch.(class) {} (name) " "
                        b { (number(bars.iter().map(|bar| bar.counts[at]).sum::<u64>())) } }
                }
            }
            div.plot {
                span.scale aria-hidden="true" { (number(top)) }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-label=(title) {
                    line.grid x1="0" x2=(WIDTH) y1="0.5" y2="0.5" {}
                    line.grid x1="0" x2=(WIDTH) y1=(HEIGHT / 2) y2=(HEIGHT / 2) {}
                    @for (place, bar) in (0_u64..).zip(bars) {
                        (drawn(parts, bar, (place * WIDTH / count, (place + 1) * WIDTH / count), top))
                    }
                    line.axis x1="0" x2=(WIDTH) y1=(HEIGHT) y2=(HEIGHT) {}
                }
            }
            div.below aria-hidden="true" { @for text in below { span { (text) } } }
            details id={ (id) "-table" } {
                summary { "Show as table" }
                div.scroll { table {
                    thead { tr { th scope="col" {} @for (_, name) in parts { (count_col(name)) } } }
                    tbody {
                        @for bar in bars.iter().filter(|bar| bar.counts.iter().any(|count| *count > 0)) {
                            tr { th scope="row" { (bar.name) }
                                @for count in &bar.counts { td.count { (number(*count)) } } }
                        }
                    }
                } }
            }
        }
    }
}

fn drawn(parts: &[Part], bar: &Bar, (left, right): (u64, u64), top: u64) -> Markup {
    let width = (right - left).saturating_sub(if right - left > 6 { 3 } else { 1 }).max(1);
    let mut told = vec![bar.name.clone()];
    let mut pieces = Vec::new();
    let mut below = 0;
    for ((class, name), count) in parts.iter().zip(&bar.counts).filter(|(_, count)| **count > 0) {
        let (from, to) = (below * HEIGHT / top, (below + count) * HEIGHT / top);
        below += count;
        // Anything above 0 must be visible.
        let height = (to - from).max(2);
        pieces.push((*class, (HEIGHT - from).saturating_sub(height), height));
        told.push(format!("{name}: {}", number(*count)));
    }
    html! {
        g {
            title { (told.join("\n")) }
            rect.hit x=(left) y="0" width=(right - left) height=(HEIGHT) {}
            @for (class, y, height) in pieces { rect.(class) x=(left) y=(y) width=(width) height=(height) {} }
        }
    }
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
}
