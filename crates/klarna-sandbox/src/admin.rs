//! The powers over a sandbox: [`Admin`] in Rust; `routes` gives the same by HTTP.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Shared;
use crate::clock::delta;
use crate::options::Behaviour;
use crate::profile::profile;
use crate::script::Ordered;
use crate::stats::{Event, Stats, What};

/// What a test, the demo or an operator may do to a running sandbox. Cheap to clone.
#[derive(Clone)]
pub struct Admin(pub(super) Arc<Shared>);

/// Someone signing in with Klarna.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// The shop's name for the user.
    pub user: String,
    /// Claims of the `id_token` that differ from the sample's; `null` takes one away. Kept until
    /// given anew.
    pub claims: serde_json::Map<String, Value>,
    /// How long ago it was.
    pub age: Duration,
}

/// What a sign-in leaves with the shop; as JSON, a line of `tokens import`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The shop's merchant name, where one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// The shop's name for the user.
    pub user: String,
    /// The family's first refresh token.
    pub refresh_token: String,
    /// When it was issued, by the sandbox's clock.
    pub issued_at: DateTime<Utc>,
}

/// Every secret that ever was, for tests that search logs and files for them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// Of every generation of every family.
    pub refresh_tokens: Vec<String>,
    /// However short they lived.
    pub access_tokens: Vec<String>,
    /// None where the sandbox keeps no record.
    pub id_tokens: Vec<String>,
    /// Of every session of Klarna Payments.
    #[serde(default)]
    pub client_tokens: Vec<String>,
    /// One of each user.
    pub emails: Vec<String>,
    /// One of each user.
    pub national_identification_numbers: Vec<String>,
}

impl Admin {
    /// Signs a user in: a new grant, beside those of earlier sign-ins.
    #[must_use]
    pub fn sign_in(&self, sign_in: SignIn) -> Registration {
        let SignIn { user, claims, age } = sign_in;
        let terms = self.0.behaviour();
        let issued_at = self.0.now().checked_sub_signed(delta(age)).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let world = &mut *self.0.world();
        if !claims.is_empty() || !world.profiles.contains_key(&user) {
            world.people += 1;
            world.profiles.insert(user.clone(), Arc::new(profile(world.people, claims)));
        }
        let (refresh_token, holder) = world.grants.sign_in(&user, &terms, issued_at);
        world.witness.event(issued_at, Some(&holder), What::SignedIn);
        Registration { merchant: None, user, refresh_token, issued_at }
    }

    /// Withdraws the user's consent, as in Klarna's app. Answers how many grants that ended.
    #[must_use]
    pub fn revoke(&self, user: &str) -> usize {
        let world = &mut *self.0.world();
        let ended = world.grants.revoke(user);
        if self.0.options.record && ended > 0 {
            world.witness.events.push(Event {
                at: self.0.now(),
                user: Some(user.to_owned()),
                family: None,
                generation: None,
                what: What::Revoked,
            });
        }
        ended
    }

    /// Counts since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.world().witness.stats.clone()
    }

    /// Every event, in its order; empty where no record is kept.
    #[must_use]
    pub fn record(&self) -> Vec<Event> {
        self.0.world().witness.events.clone()
    }

    /// Every secret ever issued.
    #[must_use]
    pub fn issued(&self) -> Issued {
        let world = self.0.world();
        let claim = |name: &str| {
            world.profiles.values().filter_map(|profile| profile.get(name)?.as_str().map(str::to_owned)).collect()
        };
        Issued {
            refresh_tokens: world.grants.refresh_tokens().cloned().collect(),
            access_tokens: world.grants.access_tokens().cloned().collect(),
            id_tokens: world.id_tokens.clone(),
            client_tokens: world.sessions.values().map(|session| session.client_token.clone()).collect(),
            emails: claim("email"),
            national_identification_numbers: claim("national_identification_number"),
        }
    }

    /// How it behaves at present.
    #[must_use]
    pub fn behaviour(&self) -> Arc<Behaviour> {
        self.0.behaviour()
    }

    /// Behaves so from now on.
    ///
    /// # Errors
    /// A sentence on what can't be; nothing has changed then.
    pub fn behave(&self, behaviour: Behaviour) -> Result<(), String> {
        behaviour.check()?;
        self.0.set_behaviour(behaviour);
        Ok(())
    }

    /// Makes the next request that fits fail, after those ordered before.
    pub fn fail_next(&self, ordered: Ordered) {
        self.0.world().script.ordered.push(ordered);
    }
}

/// Registrations as JSON lines, as `tokens import` reads them.
pub(crate) fn lines(registrations: impl Iterator<Item = Registration>) -> String {
    registrations.fold(String::new(), |text, registration| text + &json!(registration).to_string() + "\n")
}
