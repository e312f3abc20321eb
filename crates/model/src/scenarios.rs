//! The scenarios: each a part of the protocol's world that is small enough to be visited
//! completely.

use crate::Engine::{Postgres, SharedClaims, Sqlite};
use crate::Fault::{
    Backup, ClockStep, CommitInDoubt, CopiedFolder, Crash, CutOff, DatabaseOut, DiskOut, Forget, Lost,
    MachineLost, NoHeartbeat, OddError, OlderSignIn, OtherUser, PatienceOver, Refused, Repeat, Restore,
    SessionLost, SignIn, Slow, Stop, StoreRefused, Withdraw, WrongSettings,
};
use crate::{Engine, Provider, Scenario};

/// The scenarios that the tests explore.
pub fn small() -> Vec<Scenario> {
    vec![
        one_token(Postgres),
        one_token(Sqlite),
        one_token(SharedClaims),
        grace(),
        not_rotating(),
        hold(),
        two_users(),
        two_users_sign_in(),
        owner(),
        registrations(),
        stop_with_a_spool(Postgres),
        stop_with_a_spool(Sqlite),
        silence_with_a_session(),
        long_silence(),
        clock_and_copies(),
        wrong_address(),
        streak(),
        restore(),
        restore_with_an_order(),
        restore_with_sign_in(),
        restore_to_before_sign_in(),
        new_machine(),
        one_order(),
        order_without_token(),
        results(),
    ]
}

/// The scenarios for a run by hand.
pub fn large() -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for engine in [Postgres, SharedClaims, Sqlite] {
        let mut three = one_token(engine).with_processes(3);
        three.total = 2;
        scenarios.push(three.called(engine, "three processes"));
        let mut faults = one_token(engine);
        faults.total = 3;
        scenarios.push(faults.called(engine, "three faults"));
        let mut users = two_users().on(engine).with_refreshes(3);
        users.total = 2;
        scenarios.push(users.called(engine, "two users"));
        scenarios.push(two_orders().on(engine).called(engine, "two orders"));
        let users = two_orders().on(engine).with_users(2).with_orders(&[0, 1]);
        scenarios.push(users.called(engine, "orders of two users"));
        let mut stop = stop_with_a_spool(engine);
        stop.total = 3;
        scenarios.push(stop.called(engine, "a stop with a spool and three faults"));
        scenarios.push(restore().on(engine).called(engine, "a restored database"));
        let mut machine = new_machine().on(engine);
        machine.faults.push(Crash.times(1));
        scenarios.push(machine.called(engine, "a new machine, a crash, and perhaps a restored database"));
    }
    let streak = streak().with_refreshes(5);
    scenarios.push(streak.clone().called(streak.engine, "rejections in a row, and five refreshes"));
    let mut machine = new_machine().with_processes(3);
    machine.faults.push(Crash.times(1));
    machine.total = 3;
    scenarios.push(machine.called(Sqlite, "a new machine beside two"));
    for scenario in [one_order(), results(), order_without_token(), order_without_heartbeats()] {
        let (engine, name) = (scenario.engine, format!("{} and three faults", scenario.name));
        let mut scenario = scenario.called(engine, &name);
        scenario.total += 1;
        scenarios.push(scenario);
    }
    scenarios
}

/// Two processes exchange the token of one user; processes die, answers get lost.
pub fn one_token(engine: Engine) -> Scenario {
    let name = match engine {
        Postgres => "one token on PostgreSQL",
        SharedClaims => "one token in shared claims",
        Sqlite => "one token on SQLite",
    };
    Scenario::new(name).on(engine).with_refreshes(3).with_faults(
        2,
        &[
            Crash.times(2),
            Lost.times(2),
            Slow.times(1),
            Refused.times(1),
            SessionLost.times(1),
            CommitInDoubt.times(1),
            CutOff.times(1),
        ],
    )
}

/// A provider that gives a lost successor again.
pub fn grace() -> Scenario {
    Scenario::new("a provider with a grace period")
        .with_provider(Provider::Grace)
        .on(Sqlite)
        .with_refreshes(3)
        .with_faults(2, &[Crash.times(1), Lost.times(2), Slow.times(1), CutOff.times(1)])
}

/// A provider that never spends a token.
pub fn not_rotating() -> Scenario {
    Scenario::new("a provider that does not rotate")
        .with_provider(Provider::NotRotating)
        .with_refreshes(3)
        .with_faults(2, &[Crash.times(1), Lost.times(1), Slow.times(1), Refused.times(1)])
}

/// A lost answer makes the token uncertain, and an operator decides.
pub fn hold() -> Scenario {
    let mut scenario =
        Scenario::new("an operator decides about lost answers").on(Sqlite).with_refreshes(3).with_faults(
            2,
            &[Crash.times(1), Lost.times(2), Slow.times(1), CutOff.times(1), CommitInDoubt.times(1)],
        );
    scenario.hold = true;
    scenario
}

/// Two users share a claim session.
pub fn two_users() -> Scenario {
    Scenario::new("two users in shared claims").on(SharedClaims).with_users(2).with_refreshes(2).with_faults(
        1,
        &[Crash.times(1), Slow.times(1), SessionLost.times(1), CommitInDoubt.times(1), StoreRefused.times(1)],
    )
}

/// Two users share a claim session, and one of them signs in again or is forgotten.
pub fn two_users_sign_in() -> Scenario {
    Scenario::new("sign-in and forgetting in shared claims")
        .on(SharedClaims)
        .with_processes(1)
        .with_users(2)
        .with_refreshes(3)
        .with_faults(2, &[SignIn.times(1), Forget.times(1), Crash.times(1), CommitInDoubt.times(1)])
}

/// The user signs in, is forgotten, withdraws consent.
pub fn owner() -> Scenario {
    Scenario::new("sign-in, forgetting, withdrawal").with_processes(1).with_refreshes(2).with_faults(
        3,
        &[
            SignIn.times(1),
            Forget.times(1),
            Withdraw.times(1),
            Crash.times(1),
            Lost.times(1),
            SessionLost.times(1),
        ],
    )
}

/// The shop registers tokens twice, late, and for two users.
pub fn registrations() -> Scenario {
    Scenario::new("registrations")
        .with_processes(1)
        .with_users(2)
        .with_refreshes(2)
        .with_faults(2, &[Repeat.times(1), OlderSignIn.times(1), OtherUser.times(1), SignIn.times(1)])
}

/// A process stops while the database is out.
pub fn stop_with_a_spool(engine: Engine) -> Scenario {
    let name = match engine {
        Sqlite => "a stop with a spool on SQLite",
        Postgres | SharedClaims => "a stop with a spool on PostgreSQL",
    };
    Scenario::new(name).on(engine).with_refreshes(2).with_faults(
        2,
        &[
            Stop.times(1),
            DatabaseOut.times(1),
            CutOff.times(1),
            DiskOut.times(1),
            Crash.times(1),
            MachineLost.times(1),
        ],
    )
}

/// Heartbeats stop, but the session with the claims lives.
pub fn silence_with_a_session() -> Scenario {
    let mut scenario = Scenario::new("no heartbeats from a process that works")
        .with_refreshes(2)
        .with_faults(1, &[NoHeartbeat.times(1)]);
    scenario.long_silence = true;
    scenario
}

/// A living process is silent for longer than `orphan_after`.
pub fn long_silence() -> Scenario {
    let mut scenario = Scenario::new("a long silence")
        .on(Sqlite)
        .with_refreshes(3)
        .with_faults(2, &[CutOff.times(1), Crash.times(1)]);
    scenario.long_silence = true;
    scenario
}

/// The database's clock steps; an instance folder is copied.
pub fn clock_and_copies() -> Scenario {
    Scenario::new("a clock step and a copied folder")
        .on(Sqlite)
        .with_refreshes(2)
        .with_orders(&[0])
        .with_faults(1, &[ClockStep.times(1), CopiedFolder.times(1)])
}

/// A process asks another provider.
pub fn wrong_address() -> Scenario {
    Scenario::new("the settings of another provider")
        .with_refreshes(2)
        .with_orders(&[0])
        .with_faults(1, &[WrongSettings.times(1), Stop.times(1)])
}

/// Rows that name no provider, and a wrong address.
pub fn streak() -> Scenario {
    let mut scenario = Scenario::new("rejections in a row")
        .with_processes(1)
        .with_users(4)
        .with_refreshes(4)
        .with_faults(2, &[WrongSettings.times(1), Stop.times(1)]);
    scenario.unbound = true;
    scenario
}

/// A backup is restored.
pub fn restore() -> Scenario {
    let mut scenario = Scenario::new("a restored database")
        .on(Sqlite)
        .with_refreshes(2)
        .with_faults(4, &[Backup.times(1), Restore.times(1), Stop.times(1), DatabaseOut.times(1)]);
    scenario.starts_later = true;
    scenario
}

/// A backup is restored, and orders were open.
pub fn restore_with_an_order() -> Scenario {
    Scenario::new("a restored database with an order")
        .with_processes(1)
        .with_orders(&[0])
        .with_faults(3, &[Backup.times(1), Restore.times(1), Stop.times(1), Crash.times(1)])
}

/// A backup is restored, and the user had signed in or was forgotten.
pub fn restore_with_sign_in() -> Scenario {
    Scenario::new("a restored database and a sign-in").with_processes(1).with_refreshes(1).with_faults(
        5,
        &[
            Backup.times(1),
            Restore.times(1),
            Stop.times(1),
            DatabaseOut.times(1),
            SignIn.times(1),
            Forget.times(1),
        ],
    )
}

/// A backup is restored that is older than the user's first sign-in.
pub fn restore_to_before_sign_in() -> Scenario {
    let mut scenario = Scenario::new("a restored database that knows no sign-in")
        .with_processes(1)
        .with_refreshes(2)
        .with_faults(
            5,
            &[Backup.times(1), Restore.times(1), Stop.times(1), DatabaseOut.times(1), SignIn.times(1)],
        );
    scenario.signed_out = true;
    scenario
}

/// A new machine takes part, and perhaps a backup was restored.
pub fn new_machine() -> Scenario {
    let mut scenario = Scenario::new("a new machine, and perhaps a restored database")
        .on(Sqlite)
        .with_refreshes(2)
        .with_faults(
            4,
            &[Backup.times(1), Restore.times(1), Stop.times(1), DatabaseOut.times(1), MachineLost.times(1)],
        );
    scenario.new_machine = true;
    scenario
}

/// One order with a token.
pub fn one_order() -> Scenario {
    Scenario::new("an order with a token").with_orders(&[0]).with_faults(
        2,
        &[
            Crash.times(1),
            Lost.times(1),
            DatabaseOut.times(1),
            CutOff.times(1),
            PatienceOver.times(1),
            Stop.times(1),
        ],
    )
}

/// One order of a user without a token.
pub fn order_without_token() -> Scenario {
    let mut scenario = Scenario::new("an order without a token").with_orders(&[0]).with_faults(
        2,
        &[
            Crash.times(2),
            Lost.times(1),
            Slow.times(1),
            CutOff.times(1),
            MachineLost.times(1),
            SignIn.times(1),
        ],
    );
    scenario.signed_out = true;
    scenario
}

/// Heartbeats stop while an order runs, and the database is within reach.
pub fn order_without_heartbeats() -> Scenario {
    Scenario::new("an order without heartbeats")
        .with_orders(&[0])
        .with_faults(2, &[NoHeartbeat.times(1), PatienceOver.times(1), CutOff.times(1), Crash.times(1)])
}

/// Two orders of one user.
pub fn two_orders() -> Scenario {
    Scenario::new("two orders of one user").with_orders(&[0, 0]).with_faults(
        1,
        &[Crash.times(1), Lost.times(1), Slow.times(1), PatienceOver.times(1), CutOff.times(1)],
    )
}

/// Results that the database does not take.
pub fn results() -> Scenario {
    Scenario::new("results that the database does not take").with_orders(&[0]).with_faults(
        2,
        &[
            OddError.times(1),
            DatabaseOut.times(1),
            Stop.times(1),
            CommitInDoubt.times(1),
            Crash.times(1),
            CutOff.times(1),
        ],
    )
}
