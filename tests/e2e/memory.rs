//! What a core dump of a service would have of the refresh tokens that it has used.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use aho_corasick::AhoCorasick;
use test_support::engine::{Database, both_engines};
use test_support::program::until;
use test_support::service::Served;
use test_support::shop::Shop;

const PATIENCE: Duration = Duration::from_mins(2);
/// What stands before a token in the body of a request or an answer. The HTTP library keeps its
/// buffers for as long as a connection lasts.
const IN_BODY: [&[u8]; 2] = [b"\"refresh_token\":\"", b"refresh_token="];

both_engines!(no_used_refresh_token_is_left_in_memory_outside_of_http);

/// Returns the writable memory of a process.
fn memory(served: &Served) -> Vec<u8> {
    let process = format!("/proc/{}", served.program.id());
    let maps = std::fs::read_to_string(format!("{process}/maps")).unwrap();
    let memory = File::open(format!("{process}/mem")).unwrap();
    let (mut found, mut page) = (Vec::new(), [0; 4096]);
    for line in maps.lines().filter(|line| line.split(' ').nth(1) == Some("rw-p")) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|at| u64::from_str_radix(at, 16).unwrap());
        for at in (from..to).step_by(page.len()) {
            // A page that cannot be read has been unmapped meanwhile.
            if memory.read_exact_at(&mut page, at).is_ok() {
                found.extend_from_slice(&page);
            }
        }
    }
    found
}

/// Returns what stands before each of the tokens that lie in memory.
fn places(memory: &[u8], tokens: &[String]) -> Vec<String> {
    let found = AhoCorasick::new(tokens).unwrap();
    let before = found.find_iter(memory).map(|hit| &memory[hit.start().saturating_sub(32)..hit.start()]);
    let own = before.filter(|before| !IN_BODY.iter().any(|name| before.ends_with(name)));
    own.map(|before| before.escape_ascii().to_string()).collect()
}

async fn no_used_refresh_token_is_left_in_memory_outside_of_http(database: Database) {
    let shop = Shop::open(database, &[], "");
    shop.change_settings("a", "[vault]", "[vault]\ncore_dumps = true");
    let served = shop.serve("a");
    let client = served.client();
    let users = shop.sign_in(3).await;
    client.register_all(&users).await;
    let ids = client.post_all(&users, 6).await;
    client.all_submitted_fresh(&ids, PATIENCE).await;
    // Those that were presented, and their successors, which lie encrypted in the database.
    let tokens = shop.refresh_tokens().await;
    assert!(tokens.len() > users.len(), "no token was exchanged");
    // An exchange may just end, and what is on a stack is overwritten by what comes next.
    let (mut round, mut left) = (0, Vec::new());
    until("memory without the tokens", PATIENCE, async || {
        round += 1;
        let others = shop.sign_in_ago(4, &format!("r{round}-"), "0s").await;
        for other in &others {
            let [user, token] = ["user", "refresh_token"].map(|name| other[name].as_str().unwrap());
            client.register(user, token).await;
            let order = client.post(user, user).await;
            client.all_submitted_fresh(&[order], PATIENCE).await;
        }
        left = places(&memory(&served), &tokens);
        left.is_empty() || round == 20
    })
    .await;
    assert!(left.is_empty(), "after {round} rounds: {left:?}");
    assert!(served.program.terminate().await.success());
    shop.close().await;
}
