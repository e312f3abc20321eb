//! The service as a client under test of `klarna-sandbox torture`: a service that is killed and
//! started again, tokens by `tokens import`, orders by `enqueue`. docs/sandbox.md shows the same
//! commands.

use clap::Parser;
use klarna_sandbox::Torture;
use test_support::engine::{Database, both_engines};
use test_support::program::command;
use test_support::shop::{PATIENT, QUICK, Shop};

/// A few cases of each kind. `KLARNA_WORKER_TEST_TORTURE=all` asks for all, or names others.
const CASES: &str = "token-429,token-lost,token-lost-grace,token-bom,token-no-access-token,no-refresh-token,revoked-nested,\
     two-orders,registered-again,create-lost,kill-after-rotation-grace,kill-after-create";

both_engines!(torture_finds_nothing);

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    torture: Torture,
}

async fn torture_finds_nothing(database: Database) {
    let asked = std::env::var("KLARNA_WORKER_TEST_TORTURE").ok();
    // Some cases that are asked for need time-outs below `--late`. The others pass on a busy
    // machine too.
    let (checkout, waits) = if asked.is_some() { ("2s", QUICK) } else { ("10s", "replay_after = \"5s\"") };
    let shop = Shop::open(database, &[], &format!("[checkout]\ntimeout = \"{checkout}\""));
    shop.change_settings("a", PATIENT, &format!("token_patience = \"20s\"\n{waits}"));
    let worker = worker(&shop);
    let run = |arguments: &str| format!("exec sh '{worker}' {arguments}");
    let (start, register, order) = (run("serve"), run("tokens import -"), run("enqueue --wait 50s -"));
    let log = shop.folder.path().join("client.log");
    let cases = asked.unwrap_or_else(|| CASES.to_owned());
    let mut arguments =
        vec!["torture", "--bind", "127.0.0.1:0", "--pause", "500ms", "--log", log.to_str().unwrap()];
    // A request travels for less than the time after which the service presents a token again
    // (`replay_after`).
    arguments.extend(["--late", "2500ms", "--access-token-lifetime", "1s"]);
    arguments.extend(["--start", &start, "--register", &register, "--order", &order]);
    if cases != "all" {
        arguments.extend(["--case", &cases]);
    }
    let report = Cli::parse_from(arguments).torture.run(|case| println!("{case}")).await;
    let log = || std::fs::read_to_string(&log).unwrap_or_default();
    let report = report.unwrap_or_else(|error| panic!("{error}: {}", log()));
    println!("torture on {}: {report}", shop.database.name());
    assert_eq!(report.failed, 0, "{}\n{}", log(), serde_json::to_string_pretty(&report).unwrap());
}

/// Writes a script that runs the program at the addresses of the sandbox under which it is started.
fn worker(shop: &Shop) -> String {
    let folder = shop.folder.path();
    let script = folder.join("worker.sh");
    let program = command(folder).get_program().to_str().unwrap().to_owned();
    let text = format!(
        "cd '{}'\n\
         export KLARNA_WORKER__MERCHANTS__SHOP__TOKEN_URL=\"$KLARNA_TOKEN_URL\"\n\
         export KLARNA_WORKER__MERCHANTS__SHOP__CHECKOUT_URL=\"$KLARNA_CHECKOUT_URL\"\n\
         exec '{program}' --config a.toml \"$@\"\n",
        folder.display()
    );
    std::fs::write(&script, text).unwrap();
    script.to_str().unwrap().to_owned()
}
