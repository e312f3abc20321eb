//! `docs/cli.md`: its reference is generated from the definition of the command line.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use klarna_order_worker::cli::{Cli, Exit};

/// The part of the page above this line is written by hand.
const MARKER: &str =
    "<!-- Generated from here on. To generate it again: WRITE_DOCS=1 ./test.sh cli_reference -->\n";

#[test]
fn the_cli_reference_is_the_programs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (by_hand, generated) = page.split_once(MARKER).unwrap();
    let reference = reference();
    if std::env::var_os("WRITE_DOCS").is_some() {
        std::fs::write(&path, format!("{by_hand}{MARKER}{reference}")).unwrap();
    } else {
        let same = generated == reference;
        assert!(
            same,
            "docs/cli.md does not match the program; generate it again: WRITE_DOCS=1 ./test.sh cli_reference"
        );
    }
}

#[test]
fn the_exit_codes_have_one_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let page = std::fs::read_to_string(&path).unwrap();
        let row = |code: Exit| page.lines().find(|line| line.starts_with(&format!("| {} | ", code as u8)));
        if path.ends_with("cli.md") {
            let codes =
                [Exit::Done, Exit::Failed, Exit::Usage, Exit::SomeFailed, Exit::Outdated, Exit::Spooled];
            assert_eq!(codes.map(|code| row(code).is_some()), [true; 6]);
            for (code, what) in [
                (Exit::SomeFailed, "`enqueue`, `tokens import`, `refresh`: a signal"),
                (Exit::SomeFailed, "`migrate --check`"),
                (Exit::SomeFailed, "`doctor`"),
                (Exit::Spooled, "`serve`, `refresh`, `tokens vend`"),
            ] {
                assert!(row(code).unwrap().contains(what), "{what}");
            }
        } else {
            let again = row(Exit::Outdated).filter(|row| row.contains("newer program"));
            assert_eq!(again, None, "{} has another table", path.display());
        }
    }
}

fn reference() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = String::new();
    page.push_str("\n## Options of every command\n");
    arguments(&mut page, root.get_arguments().filter(|argument| argument.is_global_set()));
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        section(&mut page, command, 2);
    }
    page
}

fn section(page: &mut String, command: &Command, level: usize) {
    let path = command.get_bin_name().unwrap().split_once(' ').unwrap().1;
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let mut paragraphs = about.split("\n\n").map(|paragraph| paragraph.replace('\n', " "));
    let first = paragraphs.next().unwrap();
    write!(page, "\n{} {path}\n\n{first}.\n", "#".repeat(level)).unwrap();
    for paragraph in paragraphs {
        write!(page, "\n{paragraph}\n").unwrap();
    }
    let mut subcommands = command.get_subcommands().filter(|command| command.get_name() != "help").peekable();
    if subcommands.peek().is_none() {
        let usage = command.clone().render_usage().to_string();
        write!(page, "\n```text\n{}\n```\n", usage.trim_start_matches("Usage: ")).unwrap();
        arguments(page, command.get_arguments().filter(|argument| !argument.is_global_set()));
    }
    for subcommand in subcommands {
        section(page, subcommand, level + 1);
    }
}

fn arguments<'a>(page: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    let shown = |argument: &&Arg| {
        !argument.is_hide_set() && !matches!(argument.get_id().as_str(), "help" | "version")
    };
    let mut rows = arguments.filter(shown).map(row).peekable();
    if rows.peek().is_some() {
        page.push_str("\n| argument | what |\n|---|---|\n");
        page.extend(rows);
    }
}

fn row(argument: &Arg) -> String {
    let takes_values = matches!(argument.get_action(), ArgAction::Set | ArgAction::Append);
    let values: Vec<&str> =
        argument.get_value_names().unwrap_or_default().iter().map(clap::builder::Str::as_str).collect();
    let name = match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (None, Some(long)) => format!("--{long}"),
        _ => String::new(),
    };
    let value = if takes_values { format!(" {}", values.join(" ")) } else { String::new() };
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let sentence = |paragraph: &str| format!("{}.", paragraph.replace('\n', " ").trim_end_matches('.'));
    let mut what: Vec<String> = help.split("\n\n").map(sentence).collect();
    let words: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|value| takes_values && !value.is_hide_set())
        .map(|value| match value.get_help() {
            Some(help) => format!("`{}` ({help})", value.get_name()),
            None => format!("`{}`", value.get_name()),
        })
        .collect();
    if !words.is_empty() {
        what.push(format!("One of: {}.", words.join(", ")));
    }
    let defaults: Vec<String> =
        argument.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    if takes_values && !defaults.is_empty() {
        what.push(format!("Default: `{}`.", defaults.join(",")));
    }
    if let Some(variable) = argument.get_env() {
        what.push(format!("Environment: `{}`.", variable.to_string_lossy()));
    }
    let aliases = argument.get_visible_aliases().unwrap_or_default();
    let names: Vec<String> = std::iter::once(name)
        .chain(aliases.iter().map(|alias| format!("--{alias}")))
        .map(|name| format!("`{}`", format!("{name}{value}").trim().replace('|', "\\|")))
        .collect();
    format!("| {} | {} |\n", names.join(", "), what.join(" ").replace('|', "\\|"))
}
