//! The report as an SVG chart: the drain's rate over time, and the latency of arrivals by
//! percentile.

use std::fmt::Write;

use crate::Report;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
/// Margins, in pixels, for the axes' labels and the title.
const LEFT: f64 = 64.0;
const BELOW: f64 = 36.0;
const ABOVE: f64 = 34.0;
const COLOUR: &str = "#0a66c2";

/// An SVG chart with a panel for the drain and one for the arrivals, as far as the report has them.
#[must_use]
pub fn chart(report: &Report) -> String {
    let panels: Vec<Panel> = [drain(report), steady(report)].into_iter().flatten().collect();
    #[expect(clippy::cast_precision_loss, reason = "two at most")]
    let height = HEIGHT * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let mut top = 0.0;
    for panel in &panels {
        panel.draw(&mut svg, top);
        top += HEIGHT;
    }
    svg.push_str("</svg>\n");
    svg
}

struct Panel {
    title: String,
    /// The label of the horizontal axis.
    across: &'static str,
    points: Vec<(f64, f64)>,
    /// Positions on the horizontal axis, and their labels.
    ticks: Vec<(f64, String)>,
}

/// Orders a second over the time of the drain.
fn drain(report: &Report) -> Option<Panel> {
    let drain = report.drain.as_ref()?;
    // Compare points that are ten apart: between neighbours, the count rises in visible steps.
    let points: Vec<(f64, f64)> = drain
        .progress
        .iter()
        .zip(drain.progress.iter().skip(10))
        .map(|((began, first), (ended, last))| {
            (ended / 1000.0, crate::rate(last - first, (ended - began) / 1000.0))
        })
        .collect();
    let end = points.last()?.0;
    let ticks =
        (0..=4).map(|quarter| f64::from(quarter) / 4.0 * end).map(|at| (at, format!("{at:.1}"))).collect();
    let title = format!("Drain on {}: {:.0} orders a second", report.engine, drain.per_second);
    Some(Panel { title, across: "seconds from the first exchange", points, ticks })
}

/// Milliseconds by percentile. The axis is logarithmic, so that high percentiles can be told apart.
fn steady(report: &Report) -> Option<Panel> {
    let steady = report.steady.as_ref()?;
    let place = |quantile: f64| -(1.0 - quantile).log10();
    let points: Vec<_> = steady.curve.iter().map(|(quantile, millis)| (place(*quantile), *millis)).collect();
    let end = points.last()?.0;
    let ticks = [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999];
    let ticks = ticks.into_iter().filter(|quantile| place(*quantile) <= end);
    let ticks = ticks.map(|quantile| (place(quantile), format!("{:.4}", quantile * 100.0)));
    let ticks = ticks
        .map(|(at, text)| (at, format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))))
        .collect();
    let title = format!("Request to result at {} orders a second, in ms", steady.rate);
    Some(Panel { title, across: "percentile", points, ticks })
}

impl Panel {
    fn draw(&self, svg: &mut String, top: f64) {
        let (right, bottom) = (WIDTH - 16.0, top + HEIGHT - BELOW);
        let most_across = self.points.iter().map(|(x, _)| *x).fold(f64::MIN_POSITIVE, f64::max);
        let most_up = self.points.iter().map(|(_, y)| *y).fold(f64::MIN_POSITIVE, f64::max);
        let x = |value: f64| LEFT + value / most_across * (right - LEFT);
        let y = |value: f64| bottom - value / most_up * (bottom - top - ABOVE);
        let mut line = |text: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(svg, "{text}");
        };
        line(format!(
            "<text x=\"{LEFT}\" y=\"{:.1}\" font-size=\"13\" font-weight=\"bold\">{}</text>",
            top + 20.0,
            self.title
        ));
        for quarter in 0..=4 {
            let value = f64::from(quarter) / 4.0 * most_up;
            let at = y(value);
            line(format!("<path d=\"M{LEFT} {at:.1}H{right}\" stroke=\"#ddd\"/>"));
            let digits = usize::from(most_up < 20.0);
            line(format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{value:.digits$}</text>",
                LEFT - 6.0,
                at + 4.0
            ));
        }
        for (at, text) in &self.ticks {
            line(format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                x(*at),
                bottom + 14.0
            ));
        }
        line(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{}</text>",
            f64::midpoint(LEFT, right),
            bottom + 29.0,
            self.across
        ));
        let points: Vec<String> =
            self.points.iter().map(|(across, up)| format!("{:.1},{:.1}", x(*across), y(*up))).collect();
        line(format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{COLOUR}\" stroke-width=\"1.5\"/>",
            points.join(" ")
        ));
    }
}
