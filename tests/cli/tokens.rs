use serde_json::{Value, json};

use crate::program::{Home, hold};

pub const JSONL: &str = r#"{"merchant":"shop","user":"u-1","refresh_token":"ory_rt_secret1","issued_at":"2026-01-02T00:00:00Z"}
{"merchant":"shop","user":"u-2","refresh_token":"ory_rt_secret2","issued_at":"2026-01-02T00:00:00Z","expires_at":"2099-01-01T00:00:00Z"}
"#;

const CSV: &str = "user,merchant,refresh_token,issued_at\n\"u-1\",shop,ory_rt_secret1,2026-01-02T00:00:00Z\nu-3,shop,ory_rt_secret3,\n";

pub fn list(home: &Home, filter: &[&str]) -> Vec<Value> {
    home.run(&[&["tokens", "list", "--format", "json"], filter].concat()).exits(0).json()
}

fn users(tokens: &[Value]) -> Vec<&str> {
    tokens.iter().map(|token| token["user"].as_str().unwrap()).collect()
}

#[test]
fn both_formats_are_read_from_files_and_pipes_and_again() {
    let home = Home::new();
    home.write("tokens.jsonl", JSONL);
    let ran = home.run(&["tokens", "import", "tokens.jsonl"]).exits(0);
    assert_eq!(
        ran.stdout,
        "2 registered, 0 already known, 0 older than the user's last sign-in, 0 refused\n"
    );
    let ran = home.feed(&["tokens", "import", "-"], CSV).exits(0);
    assert_eq!(
        ran.stdout,
        "1 registered, 1 already known, 0 older than the user's last sign-in, 0 refused\n"
    );
    let ran = home.feed(&["tokens", "import", "-", "--format", "json"], JSONL).exits(0);
    assert_eq!(ran.json(), [json!({"dry_run": false, "stored": 0, "known": 2, "newer": 0, "refused": 0})]);

    let tokens = list(&home, &[]);
    assert_eq!(users(&tokens), ["u-1", "u-2", "u-3"]);
    assert_eq!(tokens[0]["expires_at"], "2026-03-03T00:00:00Z", "60 days after its issue");
    assert_eq!(tokens[1]["expires_at"], "2099-01-01T00:00:00Z");
    assert!(!hold(&home.path("data"), "ory_rt_"), "a token lies open in a file");
}

#[test]
fn a_newer_token_is_kept_and_told() {
    let home = Home::new();
    let token = |token: &str, day: u32| {
        format!(
            r#"{{"merchant":"shop","user":"u-1","refresh_token":"{token}","issued_at":"2026-01-0{day}T00:00:00Z"}}"#
        )
    };
    home.feed(&["tokens", "import", "-"], token("second", 2)).exits(0);
    let input = [token("first", 1), token("third", 3)].join("\n");
    let dry = home.feed(&["tokens", "import", "-", "--dry-run"], &input).exits(0);
    assert!(
        dry.stdout.starts_with("line 1      skipped: the user has signed in since it was issued\n1 would be"),
        "{}",
        dry.stdout
    );
    let ran = home.feed(&["tokens", "import", "-"], &input).exits(0);
    assert_eq!(
        ran.stdout,
        "line 1      skipped: the user has signed in since it was issued\n1 registered, 0 already known, 1 older than \
         the user's last sign-in, 0 refused\n"
    );
    assert_eq!(list(&home, &[])[0]["issued_at"], "2026-01-03T00:00:00Z");
    // The expiry alone says as much: this one was issued on the second.
    let expires =
        r#"{"merchant":"shop","user":"u-1","refresh_token":"fourth","expires_at":"2026-03-03T00:00:00Z"}"#;
    for dry in [&["--dry-run"][..], &[]] {
        let ran = home.feed(&[&["tokens", "import", "-"][..], dry].concat(), expires).exits(0);
        assert!(ran.stdout.starts_with("line 1      skipped: the user has signed in"), "{}", ran.stdout);
    }
}

#[test]
fn a_token_of_another_user_is_refused_and_the_user_named() {
    let home = Home::new();
    let line = |user: &str| {
        format!("{{\"merchant\":\"shop\",\"user\":\"{user}\",\"refresh_token\":\"ory_rt_secret1\"}}\n")
    };
    let ran = home.feed(&["tokens", "import", "-"], line("u-1") + &line("u-2") + &line("u-1")).exits(3);
    assert!(
        ran.stdout
            .starts_with("line 2      the refresh token belongs to the user u-1 of the merchant shop: "),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("\n1 registered, 1 already known,"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("ory_rt"), "{}", ran.stdout);
    assert_eq!(users(&list(&home, &[])), ["u-1"]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let home = Home::new();
    let input = format!("{JSONL}{{}}\n");
    let ran = home.feed(&["tokens", "import", "-", "--dry-run"], input).exits(3);
    assert!(ran.stdout.starts_with("line 3      merchant is missing"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with(
        "2 would be registered (unless already known), 0 are older than the user's last sign-in, 1 refused; \
         nothing was registered\n"
    ));
    assert_eq!(list(&home, &[]), Vec::<Value>::new());
}

#[test]
fn bad_lines_are_told_with_their_numbers_and_never_show_a_token() {
    let home = Home::new();
    let input = r#"{"merchant":"shop","user":"u-1","refresh_token":"ory_rt_secret 1"}

{"merchant":"elsewhere","user":"u-1","refresh_token":"ory_rt_secret1"}
{"merchant":"shop","user":"u-1","refresh_token":"ory_rt_secret1","ory_rt_secret":1}
{"merchant":"shop","user":"u-1","refresh_token":"ory_rt_secret1"
{"merchant":"shop","user":"u-1","refresh_token":"ory_rt_secret1","issued_at":"ory_rt_secret"}
{"merchant":"shop","user":"u-1","refresh_token":"ory_rt_secret1"}
"#;
    let ran = home.feed(&["-v", "tokens", "import", "-"], input).exits(3);
    let numbers: Vec<&str> = ran.stdout.lines().map(|line| &line[..8]).collect();
    assert_eq!(
        numbers,
        ["line 1  ", "line 3  ", "line 4  ", "line 5  ", "line 6  ", "1 regist"],
        "{}",
        ran.stdout
    );
    assert!(!ran.stdout.contains("secret") && !ran.stderr.contains("secret"), "{}{}", ran.stdout, ran.stderr);
    let json = home.feed(&["tokens", "import", "-", "--format", "json"], input).exits(3);
    assert_eq!(
        (json.json().len(), &json.json()[1]["line"], &json.json()[1]["result"]),
        (6, &json!(3), &json!("refused"))
    );
    assert!(!json.stdout.contains("secret"), "{}", json.stdout);
}

#[test]
fn an_input_of_another_kind_is_refused_as_a_whole() {
    let home = Home::new();
    for input in ["user;merchant;refresh_token\n", "[\n", "shop,u-1,ory_rt_secret\n"] {
        let ran = home.feed(&["tokens", "import", "-"], input).exits(1);
        assert!(
            ran.stderr.contains("because: line 1 is neither a JSON object nor the header"),
            "{}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("secret"), "{}", ran.stderr);
    }
    home.feed(&["tokens", "import", "-", "--input-format", "csv"], JSONL).exits(1);
    home.run(&["tokens", "import", "missing.csv"]).exits(1);
}

#[test]
fn lists_are_filtered_and_paged() {
    let home = Home::new();
    home.feed(
        &["tokens", "import", "-"],
        [JSONL, &JSONL.replace("u-", "v-").replace("secret", "other")].concat(),
    )
    .exits(0);
    assert_eq!(users(&list(&home, &["--limit", "3"])), ["u-1", "u-2", "v-1"]);
    assert_eq!(users(&list(&home, &["--limit", "3", "--after", "shop", "v-1"])), ["v-2"]);
    assert_eq!(list(&home, &["--merchant", "elsewhere"]), Vec::<Value>::new());
    assert_eq!(list(&home, &["--state", "uncertain"]), Vec::<Value>::new());
    let human = home.run(&["tokens", "list", "--limit", "1"]).exits(0);
    assert!(human.stdout.starts_with("merchant  user  state   reason"), "{}", human.stdout);
    assert_eq!(human.stderr, "Next page: --after shop u-1\n");
    home.run(&["tokens", "list", "--state", "dead"]).exits(2);
}

#[test]
fn forgetting_is_asked_for_and_leaves_a_tombstone() {
    let home = Home::new();
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    home.run(&["tokens", "forget", "shop", "u-1"])
        .exits(2)
        .tells_in_one_line("add --yes to forget the token of u-1 of shop");
    let shown = home.run(&["tokens", "show", "shop", "u-1", "--format", "json"]).exits(0).json();
    assert_eq!((&shown[0]["state"], &shown[0]["generation"]), (&json!("active"), &json!(1)));

    let forget = ["tokens", "forget", "shop", "u-1", "--yes"];
    assert_eq!(home.run(&forget).exits(0).stdout, "The token is forgotten.\n");
    assert_eq!(home.run(&forget).exits(0).stdout, "The token had already been forgotten.\n");
    let shown = home.run(&["tokens", "show", "shop", "u-1"]).exits(0);
    assert!(shown.stdout.contains("state             forgotten\n"), "{}", shown.stdout);
    assert_eq!(users(&list(&home, &[])), ["u-2"]);
    assert_eq!(users(&list(&home, &["--state", "forgotten"])), ["u-1"]);

    // A misspelt name must not look like a deletion.
    let ran = home.run(&["tokens", "forget", "shop", "u-11", "--yes"]).exits(1);
    assert!(ran.stderr.contains("no token is registered for this merchant and user"), "{}", ran.stderr);
    home.run(&["tokens", "show", "shop", "u-11"]).exits(1);
}

/// With any line ends, every line is either registered or refused.
#[test]
fn every_line_of_an_import_is_accounted_for() {
    let home = Home::new();
    let row = |n: usize| format!("shop,u-{n},ory_rt_{n}");
    let mut first = 0;
    for (end, last) in [("\r", ""), ("\r", "\r"), ("\r\n", ""), ("\n", ""), ("\n", "\n"), ("\r\n", "\r\n")] {
        let rows: Vec<String> = (first..first + 4).map(row).collect();
        first += 4;
        let input =
            ["merchant,user,refresh_token".to_owned(), rows.join(end), "shop,u,ory_rt_x,more".to_owned()];
        let ran = home.feed(&["tokens", "import", "-"], input.join(end) + last).exits(3);
        assert!(ran.stdout.starts_with("line 6      has 4 columns, expected 3"), "{end:?}: {}", ran.stdout);
        assert!(ran.stdout.contains("\n4 registered, 0 already known,"), "{end:?}: {}", ran.stdout);
        assert!(ran.stdout.ends_with("1 refused\n"), "{end:?}: {}", ran.stdout);
    }
    // Each kind of line end, a quote that is never closed, and JSON lines with the same ends.
    let mixed = "merchant,user,refresh_token\rshop,m-1,ory_rt_m1\r\nshop,m-2,ory_rt_m2\nshop,\"m-3,ory_rt_m3\r\rshop,m-4,ory_rt_m4";
    let ran = home.feed(&["tokens", "import", "-"], mixed).exits(3);
    assert!(ran.stdout.starts_with("line 4 ") && ran.stdout.contains("\n3 registered"), "{}", ran.stdout);
    let json = |n: usize| format!(r#"{{"merchant":"shop","user":"j-{n}","refresh_token":"ory_rt_j{n}"}}"#);
    let input = format!("{}\r{}\r\n{}\n{}", json(1), json(2), json(3), &json(4)[..20]);
    let ran = home.feed(&["tokens", "import", "-"], input).exits(3);
    assert!(ran.stdout.starts_with("line 4 ") && ran.stdout.contains("\n3 registered"), "{}", ran.stdout);
    assert_eq!(list(&home, &[]).len(), first + 3 + 3);
}

#[test]
fn a_signal_stops_an_import_between_two_batches() {
    let home = Home::new();
    for signal in ["-HUP", "-QUIT", "-TERM"] {
        let mut import = home.start(&["tokens", "import", "-"]);
        let user = signal.trim_start_matches('-');
        import.write(&format!(
            "{{\"merchant\":\"shop\",\"user\":\"{user}\",\"refresh_token\":\"ory_rt_{user}\"}}\n{{}}\n"
        ));
        // After this output, the signal handlers are installed and the first batch is stored.
        assert!(import.line().starts_with("line 2 "));
        for ignored in ["-USR1", "-USR2", "-ALRM", "-PIPE"] {
            import.signal(ignored);
        }
        import.signal(signal);
        let ran = import.end_unfed().exits(3);
        assert_eq!(
            ran.stdout,
            "stopped after line 2; run the command again for the rest: 1 registered, 0 already known, 0 older than the \
             user's last sign-in, 1 refused\n"
        );
    }
    assert_eq!(list(&home, &[]).len(), 3);
}

/// A reader that closes the pipe is not reported as an error. A full disk is reported in one line.
#[test]
fn a_closed_or_full_output_ends_a_command_quietly() {
    let home = Home::new();
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    for args in
        [&["tokens", "list"][..], &["openapi"], &["completions", "bash"], &["man"], &["tokens", "stats"]]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = home.command(args).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {said}");
        assert!(
            said.starts_with("error: cannot write the output\n") && said.contains("No space left"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 2, "{said}");

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = home.command(args).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), output.stderr.len()), (Some(1), 0), "{args:?}");
    }
}

#[test]
fn tokens_of_another_provider_are_told_and_adopted() {
    let home = Home::new();
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    let tokens = |home: &Home| {
        let found = home.run(&["doctor", "--format", "json"]).json();
        let about = |finding: &&Value| finding["found"].as_str().unwrap().contains("provider");
        found.into_iter().find(|finding| about(&finding)).unwrap()
    };
    assert_eq!(tokens(&home)["status"], "ok");
    let home = home.with("KLARNA_WORKER__MERCHANTS__SHOP__CLIENT_ID", "another");
    let told = tokens(&home);
    assert_eq!((&told["status"], &told["check"]), (&json!("failed"), &json!("merchants.shop.tokens")));
    assert!(told["found"].as_str().unwrap().starts_with("2 token(s)"), "{told}");
    let advice = told["advice"].as_str().unwrap();
    assert!(advice.contains("begin with a new database"), "{advice}");
    let from = advice.split("--from ").nth(1).unwrap().trim_end_matches('`');

    let adopt = ["tokens", "adopt", "--merchant", "shop", "--from", from];
    home.run(&adopt[..4]).exits(2);
    home.run(&["tokens", "adopt", "--merchant", "elsewhere", "--from", from]).exits(2);
    home.run(&["tokens", "adopt", "--merchant", "shop", "--from", "12ab"]).exits(2);
    let dry = home.run(&[&adopt[..], &["--dry-run"]].concat()).exits(0);
    assert_eq!(
        dry.stdout,
        "2 tokens would be presented to the provider of the settings; nothing was changed\n"
    );
    assert_eq!(tokens(&home)["status"], "failed");
    home.run(&adopt).exits(2);
    let adopted = home.run(&[&adopt[..], &["--yes", "--format", "json"]].concat()).exits(0).json();
    assert_eq!(adopted, [json!({ "adopted": 2, "left": 0 })]);
    assert_eq!(tokens(&home)["status"], "ok");
}

#[test]
fn tokens_of_the_sandbox_are_told_as_such() {
    const TOKEN_URL: &str = "KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL";
    const CLIENT_ID: &str = "KLARNA_WORKER__MERCHANTS__SHOP__CLIENT_ID";
    let sandbox = "http://127.0.0.1:8090/eu/lp/idp/oauth2/token";
    let playground = "https://login.playground.klarna.com/eu/lp/idp/oauth2/token";
    let home = Home::new().with(TOKEN_URL, sandbox).with(CLIENT_ID, "sandbox-client");
    home.feed(&["tokens", "import", "-"], JSONL).exits(0);
    let home = home.with(TOKEN_URL, playground).with(CLIENT_ID, "mine");
    let told = home.run(&["doctor", "--format", "json"]).json();
    let told = told.iter().find(|finding| finding["check"] == "merchants.shop.tokens").unwrap();
    assert!(told["found"].as_str().unwrap().contains(&format!("(the sandbox, {sandbox})")), "{told}");
}
