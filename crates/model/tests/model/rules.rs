//! Without any one rule, a scene breaks a promise.

use model::Engine::{Postgres, SharedClaims, Sqlite};
use model::{Rule, Scene, explore, scenes};

/// Where a rule is missed, and which promise is broken then.
struct Missed {
    rule: Rule,
    scene: Scene,
    promise: &'static str,
}

const STEP: &str = "no step breaks a promise";
const ONE: &str = "at most one request of a token is under way";
const VERDICT: &str = "no verdict is false";
const ADDRESS: &str = "few tokens meet a wrong address";
const BLAMED: &str = "no user is blamed for a lost answer";
const DURABLE: &str = "what was received can be made durable";
const UNFLAGGED: &str = "an order that was created twice is flagged";
const NEED: &str = "no order is created twice without need";
const ALARM: &str = "no order is flagged that nobody was about to send";
const KEPT: &str = "in the end every token that could be kept works";

fn missed(rule: Rule, scene: Scene, promise: &'static str) -> Missed {
    Missed { rule, scene, promise }
}

fn all() -> Vec<Missed> {
    vec![
        missed(Rule::IntentFirst, scenes::one_token(Sqlite), STEP),
        missed(Rule::OneRequestPerIntent, scenes::one_token(Postgres), ONE),
        missed(Rule::LookForOpenIntents, scenes::one_token(Sqlite), STEP),
        missed(Rule::LookForOpenIntents, scenes::two_users(), STEP),
        missed(Rule::IntentChecksRow, scenes::owner(), STEP),
        missed(Rule::PresentationIsUnique, scenes::one_token(Postgres), STEP),
        missed(Rule::PresentationIsUnique, scenes::two_users(), STEP),
        missed(Rule::ClaimIsLocked, scenes::silence_with_a_session(), STEP),
        missed(Rule::HolderMustBeDead, scenes::one_token(Sqlite), STEP),
        missed(Rule::SilenceIsWatched, scenes::clock_and_copies(), ONE),
        missed(Rule::StalledSendsNothing, scenes::long_silence(), STEP),
        missed(Rule::ReplayWaits, scenes::one_token(Sqlite), ONE),
        missed(Rule::ExchangeGoesOn, scenes::one_order(), KEPT),
        missed(Rule::StopWaits, scenes::stop_with_a_spool(Sqlite), STEP),
        missed(Rule::StoreBeforeUse, scenes::one_order(), STEP),
        missed(Rule::SpoolAfterFailure, scenes::stop_with_a_spool(Sqlite), DURABLE),
        missed(Rule::SpoolIsTriedAgain, scenes::stop_with_a_spool(Sqlite), DURABLE),
        missed(Rule::StoredByItself, scenes::two_users(), KEPT),
        missed(Rule::StoreChecksGeneration, scenes::owner(), STEP),
        missed(Rule::StoreRecognisesItself, scenes::one_token(Sqlite), STEP),
        missed(Rule::LateSuccessorCounts, scenes::restore(), STEP),
        missed(Rule::OnlyVerdictEnds, scenes::one_token(Sqlite), VERDICT),
        missed(Rule::VerdictIsOfThisGeneration, scenes::owner(), VERDICT),
        missed(Rule::LossIsTold, scenes::one_token(Sqlite), BLAMED),
        missed(Rule::OwnProviderOnly, scenes::wrong_address(), VERDICT),
        missed(Rule::StreakStops, scenes::streak(), ADDRESS),
        missed(Rule::OneAtATimeAtFirst, scenes::streak(), ADDRESS),
        missed(Rule::RejectedTokenStays, scenes::streak(), KEPT),
        missed(Rule::KnownTokenChangesNothing, scenes::registrations(), KEPT),
        missed(Rule::OneGrantOneRow, scenes::registrations(), STEP),
        missed(Rule::NewestSignInWins, scenes::registrations(), KEPT),
        missed(Rule::TombstoneKeepsGeneration, scenes::owner(), STEP),
        missed(Rule::SpoolReplayedFirst, scenes::stop_with_a_spool(Sqlite), STEP),
        missed(Rule::FileRemovedLast, scenes::stop_with_a_spool(Sqlite), STEP),
        missed(Rule::EndWithEmptyHands, scenes::stop_with_a_spool(Sqlite), STEP),
        missed(Rule::CopiedFolderRefused, scenes::clock_and_copies(), STEP),
        missed(Rule::RestoreIsNoticed, scenes::restore(), STEP),
        missed(Rule::NewFolderRefused, scenes::new_machine(), STEP),
        missed(Rule::ArrivalDecidesAfterRestore, scenes::restore_with_sign_in(), KEPT),
        missed(Rule::LaterArrivalStays, scenes::restore_with_sign_in(), KEPT),
        missed(Rule::ResolveAfterSpools, scenes::restore(), STEP),
        missed(Rule::ClaimNumberFences, scenes::results(), STEP),
        missed(Rule::MarkBeforeCreate, scenes::one_order(), UNFLAGGED),
        missed(Rule::MarkAfterSpooledToken, scenes::one_order(), NEED),
        missed(Rule::MarkTellsSent, scenes::one_order(), ALARM),
        missed(Rule::TakeoverIsFlagged, scenes::one_order(), UNFLAGGED),
        missed(Rule::LostCreateIsFlagged, scenes::one_order(), UNFLAGGED),
        missed(Rule::MarkAgainAfterSilence, scenes::one_order(), NEED),
        missed(Rule::ResultIsNeverGivenUp, scenes::results(), NEED),
        missed(Rule::ResultsHaveASpool, scenes::results(), DURABLE),
        missed(Rule::ResultsReplayedFirst, scenes::results(), NEED),
        missed(Rule::LateResultSettles, scenes::results(), STEP),
        missed(Rule::OneRequestPerIntent, scenes::one_token(SharedClaims), ONE),
    ]
}

#[test]
fn are_all_needed() {
    let mut wrong = Vec::new();
    for Missed { rule, scene, promise } in all() {
        let found = explore(&scene.clone().without(rule), 1);
        let name = scene.name;
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
        assert!(tried.iter().any(|it| it.rule == *rule), "no scene misses {rule:?}");
    }
}
