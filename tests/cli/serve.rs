//! `serve` under a service manager. A socket of the test takes the manager's place.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use sqlx::{Connection as _, SqliteConnection};

use super::program::Home;

struct Manager(UnixDatagram);

impl Manager {
    fn beside(home: Home) -> (Self, Home) {
        let path = home.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        (Self(socket), home.with("NOTIFY_SOCKET", path.to_str().unwrap()))
    }

    /// Returns the lines of the next message.
    fn message(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).expect("the service tells the manager something");
        std::str::from_utf8(&bytes[..length]).unwrap().lines().map(str::to_owned).collect()
    }

    /// Counts pings until another message arrives. Returns the count and that message.
    fn pings(&self) -> (usize, Vec<String>) {
        let mut pings = 0;
        loop {
            match self.message() {
                told if told == ["WATCHDOG=1"] => pings += 1,
                told => return (pings, told),
            }
        }
    }
}

#[test]
fn the_service_manager_is_told_of_start_life_and_stop() {
    for roles in ["api,worker,keeper", "api", "worker", "keeper"] {
        let (manager, home) = Manager::beside(Home::new().with("WATCHDOG_USEC", "300000"));
        let mut served = home.start(&["serve", "--roles", roles]);
        let line = served.line();
        let ready = manager.message();
        assert_eq!(ready, ["READY=1", &format!("STATUS={}", line.trim_end())], "{roles}");
        for _ in 0..5 {
            assert_eq!(manager.message(), ["WATCHDOG=1"], "{roles}");
        }
        served.signal("-TERM");
        assert_eq!(manager.pings().1[0], "STOPPING=1", "{roles}");
        served.end().exits(0);
    }
}

#[test]
fn a_watchdog_that_is_not_for_this_process_gets_no_pings() {
    let home = Home::new().with("WATCHDOG_USEC", "100000").with("WATCHDOG_PID", "1");
    let (manager, home) = Manager::beside(home);
    let mut served = home.start(&["serve"]);
    served.line();
    assert_eq!(manager.message()[0], "READY=1");
    std::thread::sleep(Duration::from_millis(300));
    served.signal("-TERM");
    assert_eq!(manager.pings(), (0, vec!["STOPPING=1".into(), "STATUS=stopping: ending what runs".into()]));
    served.end().exits(0);
}

#[tokio::test]
async fn a_process_of_any_role_that_the_database_leaves_behind_exits_with_a_code_of_its_own() {
    for roles in ["api", "worker", "keeper"] {
        let home = Home::new();
        let mut served = home.start(&["serve", "--roles", roles]);
        served.line();
        let database =
            SqliteConnection::connect(&format!("sqlite://{}", home.path("data/worker.db").display()));
        let database = &mut database.await.unwrap();
        sqlx::raw_sql("UPDATE installation SET minimum_program = 99").execute(database).await.unwrap();
        let ran = served.end().exits(4);
        assert!(
            ran.stderr.contains("The database needs a newer program; this process completes"),
            "{roles}: {}",
            ran.stderr
        );
        home.run(&["serve", "--roles", roles]).exits(4).tells_in_one_line("needs a newer program (level 99;");
    }
}

#[test]
fn a_service_manager_that_is_gone_stops_nothing() {
    let (manager, home) = Manager::beside(Home::new().with("WATCHDOG_USEC", "60000"));
    std::fs::remove_file(home.path("notify")).unwrap();
    drop(manager);
    let mut served = home.start(&["serve"]);
    served.line();
    served.signal("-TERM");
    let ran = served.end().exits(0);
    assert!(ran.stderr.contains("The service manager could not be notified"), "{}", ran.stderr);
}
