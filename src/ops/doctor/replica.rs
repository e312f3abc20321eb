//! Checks the read-only replica of the database.

use chrono::TimeDelta;

use super::Findings;
use crate::config::Settings;
use crate::store::Replica;

/// A replica that is further behind is worth a warning.
const BEHIND: TimeDelta = TimeDelta::seconds(30);

/// Checks the server of `database.read_url`. Without it, pages and lists read from the primary.
pub(super) async fn check(replica: &dyn Replica, settings: &Settings, findings: &mut Findings) {
    const CHECK: &str = "database.read_url";
    let facts = match replica.examine_replica().await {
        Ok(Some(facts)) => facts,
        Ok(None) => return,
        Err(error) => {
            let advice = "check that the replica runs and that database.read_url points to it; meanwhile pages and \
                lists read from the primary";
            findings.warn(CHECK, format!("the read replica cannot be used: {error}"), advice);
            return;
        }
    };
    let behind =
        facts.replayed_at.map(|replayed_at| facts.now - replayed_at).filter(|behind| *behind > BEHIND);
    if facts.installation.as_ref().is_some_and(|name| *name != settings.installation) {
        let advice = "let it point to a replica of the database in database.url";
        findings.fail(CHECK, "the database there belongs to another installation", advice);
    } else if !facts.standby {
        let advice = "let it point to a standby, or leave it out: this server may be the primary itself";
        findings.warn(CHECK, "the server is no replica: it is not in recovery", advice);
    } else if let Some(behind) = behind {
        let found = format!("the replica is {} s behind", behind.num_seconds());
        let advice = "look at the replication: pages and lists are that old";
        findings.warn(CHECK, found, advice);
    } else {
        findings.ok(CHECK, "the read replica answers, and is of this installation");
    }
}
