//! Without any one rule, a scenario breaks a promise.

use model::Engine::{Postgres, SharedClaims, Sqlite};
use model::{Rule, Scenario, explore, scenarios};

/// Where a rule is missed, and which promise is broken then.
struct Missed {
    rule: Rule,
    scenario: Scenario,
    promise: &'static str,
}

const STEP: &str = "no step breaks a promise";
const ONE: &str = "at most one request of a token is under way";
const CALLED_INVALID: &str = "no valid token is called invalid";
const ADDRESS: &str = "few tokens meet a wrong address";
const BLAMED: &str = "no user is blamed for a lost answer";
const DURABLE: &str = "what was received can be made durable";
const UNFLAGGED: &str = "an order that was created twice is flagged";
const NEED: &str = "no order is created twice without need";
const ALARM: &str = "no order is flagged that nobody was about to send";
const KEPT: &str = "in the end every token that could be kept works";

fn missed(rule: Rule, scenario: Scenario, promise: &'static str) -> Missed {
    Missed { rule, scenario, promise }
}

fn all() -> Vec<Missed> {
    vec![
        missed(Rule::IntentFirst, scenarios::one_token(Sqlite), STEP),
        missed(Rule::OneRequestPerIntent, scenarios::one_token(Postgres), ONE),
        missed(Rule::LookForOpenIntents, scenarios::one_token(Sqlite), STEP),
        missed(Rule::LookForOpenIntents, scenarios::two_users(), STEP),
        missed(Rule::IntentChecksRow, scenarios::owner(), STEP),
        missed(Rule::PresentationIsUnique, scenarios::one_token(Postgres), STEP),
        missed(Rule::PresentationIsUnique, scenarios::two_users(), STEP),
        missed(Rule::ClaimIsLocked, scenarios::silence_with_a_session(), STEP),
        missed(Rule::HolderMustBeDead, scenarios::one_token(Sqlite), STEP),
        missed(Rule::SilenceIsWatched, scenarios::clock_and_copies(), ONE),
        missed(Rule::StalledSendsNothing, scenarios::long_silence(), STEP),
        missed(Rule::ReplayWaits, scenarios::one_token(Sqlite), ONE),
        missed(Rule::ExchangeGoesOn, scenarios::one_order(), KEPT),
        missed(Rule::StopWaits, scenarios::stop_with_a_spool(Sqlite), STEP),
        missed(Rule::StoreBeforeUse, scenarios::one_order(), STEP),
        missed(Rule::SpoolAfterFailure, scenarios::stop_with_a_spool(Sqlite), DURABLE),
        missed(Rule::SpoolIsTriedAgain, scenarios::stop_with_a_spool(Sqlite), DURABLE),
        missed(Rule::StoredByItself, scenarios::two_users(), KEPT),
        missed(Rule::StoreChecksGeneration, scenarios::owner(), STEP),
        missed(Rule::StoreRecognisesItself, scenarios::one_token(Sqlite), STEP),
        missed(Rule::LateSuccessorCounts, scenarios::restore(), STEP),
        missed(Rule::OnlyRejectionEnds, scenarios::one_token(Sqlite), CALLED_INVALID),
        missed(Rule::RejectionIsOfThisGeneration, scenarios::owner(), CALLED_INVALID),
        missed(Rule::LossIsTold, scenarios::one_token(Sqlite), BLAMED),
        missed(Rule::OwnProviderOnly, scenarios::wrong_address(), CALLED_INVALID),
        missed(Rule::StreakStops, scenarios::streak(), ADDRESS),
        missed(Rule::OneAtATimeAtFirst, scenarios::streak(), ADDRESS),
        missed(Rule::RejectedTokenStays, scenarios::streak(), KEPT),
        missed(Rule::KnownTokenChangesNothing, scenarios::registrations(), KEPT),
        missed(Rule::OneGrantOneRow, scenarios::registrations(), STEP),
        missed(Rule::NewestSignInWins, scenarios::registrations(), KEPT),
        missed(Rule::TombstoneKeepsGeneration, scenarios::owner(), STEP),
        missed(Rule::SpoolReplayedFirst, scenarios::stop_with_a_spool(Sqlite), STEP),
        missed(Rule::FileRemovedLast, scenarios::stop_with_a_spool(Sqlite), STEP),
        missed(Rule::EndHoldsNothing, scenarios::stop_with_a_spool(Sqlite), STEP),
        missed(Rule::CopiedFolderRefused, scenarios::clock_and_copies(), STEP),
        missed(Rule::RestoreIsNoticed, scenarios::restore(), STEP),
        missed(Rule::NewFolderRefused, scenarios::new_machine(), STEP),
        missed(Rule::ArrivalDecidesAfterRestore, scenarios::restore_with_sign_in(), KEPT),
        missed(Rule::LaterArrivalStays, scenarios::restore_with_sign_in(), KEPT),
        missed(Rule::ResolveAfterSpools, scenarios::restore(), STEP),
        missed(Rule::ClaimNumberFences, scenarios::results(), STEP),
        missed(Rule::MarkBeforeCreate, scenarios::one_order(), UNFLAGGED),
        missed(Rule::MarkAfterSpooledToken, scenarios::one_order(), NEED),
        missed(Rule::MarkTellsSent, scenarios::one_order(), ALARM),
        missed(Rule::TakeoverIsFlagged, scenarios::one_order(), UNFLAGGED),
        missed(Rule::LostCreateIsFlagged, scenarios::one_order(), UNFLAGGED),
        missed(Rule::MarkAgainAfterSilence, scenarios::one_order(), NEED),
        missed(Rule::ResultIsNeverGivenUp, scenarios::results(), NEED),
        missed(Rule::ResultsHaveASpool, scenarios::results(), DURABLE),
        missed(Rule::ResultsReplayedFirst, scenarios::results(), NEED),
        missed(Rule::LateResultSettles, scenarios::results(), STEP),
        missed(Rule::OneRequestPerIntent, scenarios::one_token(SharedClaims), ONE),
    ]
}

#[test]
fn are_all_needed() {
    let mut wrong = Vec::new();
    for Missed { rule, scenario, promise } in all() {
        let found = explore(&scenario.clone().without(rule), 1);
        let name = scenario.name;
        match &found.counterexample {
            None => wrong.push(format!("{rule:?} is not missed in {name}: {found}")),
            Some(it) if !it.promises.contains(&promise) => {
                wrong.push(format!("{rule:?} in {name} breaks another promise than {promise}: {found}"));
            }
            Some(it) => println!("{rule:?} in {name}: {} states, {} steps", found.states, it.steps.len()),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn are_all_tried() {
    let tried = all();
    for rule in Rule::ALL {
        assert!(tried.iter().any(|it| it.rule == *rule), "no scenario misses {rule:?}");
    }
}
