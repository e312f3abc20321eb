//! The table in docs/metrics.md, the alerts in docs/runbook.md, the dashboard and the alert rules
//! match the metrics that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::Path;

use klarna_order_worker::ops::metrics::{CATALOGUE, Kind};
use serde_json::Value;

fn read(file: &str) -> String {
    read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// Returns every series that `/metrics` may have, with its labels.
fn series() -> BTreeMap<String, BTreeSet<&'static str>> {
    let mut series = BTreeMap::new();
    for metric in CATALOGUE {
        let labels: BTreeSet<&str> = metric.labels.iter().copied().collect();
        if matches!(metric.kind, Kind::Histogram(_)) {
            series.insert(format!("{}_sum", metric.name), labels.clone());
            series.insert(format!("{}_count", metric.name), labels.clone());
            let labels = labels.into_iter().chain(["le"]).collect();
            series.insert(format!("{}_bucket", metric.name), labels);
        } else {
            series.insert(metric.name.to_owned(), labels);
        }
    }
    series
}

/// Returns names and labels of an expression's selectors: `name{label="value", …}`. The name of a
/// recording rule contains colons.
fn selectors(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == ':';
    let mut found = Vec::new();
    let mut rest = expression;
    while let Some(start) = rest.find("klarna_worker_") {
        let start = rest[..start].rfind(|letter| !part(letter)).map_or(0, |at| at + 1);
        let end = rest[start..].find(|letter| !part(letter)).map_or(rest.len(), |end| start + end);
        let name = rest[start..end].to_owned();
        rest = &rest[end..];
        let matchers =
            rest.strip_prefix('{').and_then(|inner| inner.split_once('}')).map_or("", |(inside, _)| inside);
        let label = |matcher: &str| matcher.split(['=', '!', '~']).next().unwrap().trim().to_owned();
        // Our label values contain no comma.
        let labels = matchers.split(',').filter(|matcher| !matcher.trim().is_empty()).map(label).collect();
        found.push((name, labels));
    }
    found
}

/// Returns the labels by which an expression groups or joins.
fn groupings(expression: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for keyword in [" by (", " on (", "by(", "on(", "without ("] {
        for list in expression.split(keyword).skip(1) {
            found.extend(list.split(')').next().unwrap().split(',').map(|label| label.trim().to_owned()));
        }
    }
    found
}

fn check(whence: &str, expression: &str, rules: &BTreeSet<String>) -> usize {
    let (series, found) = (series(), selectors(expression));
    let mut known: BTreeSet<&str> = ["instance", "job", "le"].into();
    for (name, labels) in &found {
        if rules.contains(name) {
            known.extend(["merchant", "pool"]);
            continue;
        }
        let has = series.get(name).unwrap_or_else(|| panic!("{whence}: no metric is named {name}"));
        for label in labels {
            assert!(has.contains(label.as_str()), "{whence}: {name} has no label {label}");
        }
        known.extend(has);
    }
    for label in groupings(expression) {
        assert!(known.contains(label.as_str()), "{whence}: nothing in {expression} has a label {label}");
    }
    found.len()
}

struct Rule {
    name: String,
    expression: String,
    runbook: String,
}

/// Reads the rules of a file in this project's layout: a rule begins with its name, and its
/// expression ends at the next key.
fn rules() -> (Vec<Rule>, BTreeSet<String>) {
    let text = read("deploy/prometheus/alerts.yaml");
    let (mut alerts, mut recorded, mut expressions) = (Vec::new(), BTreeSet::new(), 0);
    for rule in text.split("\n      - ").skip(1) {
        let mut lines = rule.lines();
        let (kind, name) = lines.next().unwrap().split_once(": ").unwrap();
        let body: Vec<&str> = lines.filter(|line| !line.trim_start().starts_with('#')).collect();
        let at = body.iter().position(|line| line.trim_start().starts_with("expr:")).unwrap();
        let is_key = |line: &&&str| !line.starts_with("         ");
        let more = body[at + 1..].iter().take_while(|line| !is_key(line));
        let expression = std::iter::once(&body[at]).chain(more).copied().collect::<Vec<_>>().join("\n");
        let expression = expression.trim().trim_start_matches("expr:").to_owned();
        expressions += 1;
        if kind == "record" {
            recorded.insert(name.to_owned());
        }
        let runbook =
            body.iter().find_map(|line| line.trim().strip_prefix("runbook_url: ")).unwrap_or_default();
        let alert = kind == "alert";
        assert!(alert != runbook.is_empty(), "{name}: alerts have a runbook");
        if alert {
            for wanted in ["severity: ", "summary: ", "description: "] {
                assert!(body.iter().any(|line| line.contains(wanted)), "{name} has no {wanted}");
            }
        }
        alerts.push(Rule { name: name.to_owned(), expression, runbook: runbook.to_owned() });
    }
    assert!(expressions > 20);
    (alerts, recorded)
}

#[test]
fn each_metric_is_in_the_table_as_it_is() {
    let docs = read("docs/metrics.md");
    let rows: BTreeSet<String> =
        docs.lines().filter(|line| line.starts_with("| `klarna_worker_")).map(str::to_owned).collect();
    let row = |metric: &klarna_order_worker::ops::metrics::Metric| {
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram(_) => "histogram",
        };
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        format!("| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help)
    };
    assert_eq!(rows, CATALOGUE.iter().map(row).collect::<BTreeSet<_>>());
}

#[test]
fn rules_ask_for_metrics_that_there_are() {
    let (rules, recorded) = rules();
    let selectors: usize = rules.iter().map(|rule| check(&rule.name, &rule.expression, &recorded)).sum();
    assert!(selectors > 25, "{selectors}");
}

#[test]
fn each_alert_has_its_section_and_each_section_its_alert() {
    let (rules, recorded) = rules();
    let docs = read("docs/runbook.md");
    let sections: BTreeSet<&str> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .filter(|title| title.starts_with("KlarnaWorker"))
        .collect();
    let alerts = rules.iter().filter(|rule| !recorded.contains(&rule.name));
    assert_eq!(alerts.clone().map(|rule| rule.name.as_str()).collect::<BTreeSet<_>>(), sections);
    for alert in alerts {
        assert_eq!(alert.runbook, format!("docs/runbook.md#{}", alert.name.to_lowercase()));
        let section =
            docs.split(&format!("### {}\n", alert.name)).nth(1).unwrap().split("\n#").next().unwrap();
        for part in ["**What it means.**", "**What shoppers notice.**", "*Check*", "*Fix*", "*Fixed when*"] {
            assert!(section.contains(part), "{} does not say {part}", alert.name);
        }
        for (name, _) in selectors(section) {
            assert!(
                series().contains_key(&name) || series().contains_key(&format!("{name}_count")),
                "{name}"
            );
        }
    }
    // Each alert has a test with numbers.
    let tried = read("deploy/prometheus/alerts.test.yaml");
    for section in sections {
        assert!(tried.contains(&format!("alertname=\"{section}\"")), "{section} is not in alerts.test.yaml");
    }
}

fn expressions<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if matches!(name.as_str(), "expr" | "definition" | "query") => {
                        found.push(text);
                    }
                    _ => expressions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are_and_for_all_of_them() {
    let dashboard: Value = serde_json::from_str(&read("deploy/grafana/klarna-order-worker.json")).unwrap();
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    let mut shown = BTreeSet::new();
    for expression in found {
        // Replace Grafana's variables: `$merchant` by a value, and an interval by a duration.
        check("the dashboard", &expression.replace("\"$merchant\"", "\"m\""), &BTreeSet::new());
        shown.extend(selectors(expression).into_iter().map(|(name, _)| name));
    }
    for metric in CATALOGUE {
        assert!(shown.iter().any(|name| name.starts_with(metric.name)), "no panel shows {}", metric.name);
    }
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    for panel in panels {
        let title = &panel["title"];
        assert!(!panel["description"].as_str().unwrap_or_default().is_empty(), "{title} has no description");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        assert!(
            panel["type"] == "table" || panel["fieldConfig"]["defaults"]["unit"].is_string(),
            "{title} has no unit"
        );
    }
}

#[test]
fn selectors_and_groupings_are_found() {
    let expression = r#"sum by (merchant) (rate(klarna_worker_a_total{merchant="x", result!~"b|c"}[5m])) / on (pool) merchant:klarna_worker_b:rate"#;
    let labels = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(
        selectors(expression),
        [
            ("klarna_worker_a_total".to_owned(), labels(&["merchant", "result"])),
            ("merchant:klarna_worker_b:rate".to_owned(), labels(&[]))
        ]
    );
    assert_eq!(groupings(expression), labels(&["merchant", "pool"]));
}
