//! Control of a running sandbox: [`Admin`] in Rust. `routes` offers the same by HTTP.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Shared;
use crate::authorizations;
use crate::clock::delta;
use crate::options::Behaviour;
use crate::order_management::ManagedOrder;
use crate::profile::{named, profile};
use crate::pushes;
use crate::script::NextFailure;
use crate::stats::{Event, Stats, What};

/// Controls a running sandbox: signs users in, makes requests fail, reads counts and events. A
/// clone controls the same sandbox.
#[derive(Clone)]
pub struct Admin(pub(super) Arc<Shared>);

/// A sign-in with Klarna.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// The shop's id for the user.
    pub user: String,
    /// Claims of the `id_token` that replace those of the sample profile; `null` removes a claim.
    /// They stay until a later sign-in has others.
    pub claims: serde_json::Map<String, Value>,
    /// How long ago the user signed in. The token's lifetime counts from then.
    pub age: Duration,
}

/// What the shop gets from a sign-in. As JSON it is a line for `tokens import`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// The merchant's name in the worker's settings, if one was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    /// The shop's id for the user.
    pub user: String,
    /// The first refresh token of this sign-in.
    pub refresh_token: String,
    /// When the token was issued, by the sandbox's clock.
    pub issued_at: DateTime<Utc>,
}

/// Every secret that the sandbox has issued, for tests that search logs and files for them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// All refresh tokens, spent and revoked ones included.
    pub refresh_tokens: Vec<String>,
    /// All access tokens, expired ones included.
    pub access_tokens: Vec<String>,
    /// All id_tokens. Empty if the sandbox keeps no record.
    pub id_tokens: Vec<String>,
    /// The client tokens of all sessions of Klarna Payments.
    #[serde(default)]
    pub client_tokens: Vec<String>,
    /// The e-mail address of each user.
    pub emails: Vec<String>,
    /// The national identification number of each user.
    pub national_identification_numbers: Vec<String>,
}

impl Admin {
    /// Signs a user in. The new grant does not end those of earlier sign-ins.
    #[must_use]
    pub fn sign_in(&self, sign_in: SignIn) -> Registration {
        let replaces = !sign_in.claims.is_empty();
        self.begin(sign_in, replaces)
    }

    /// Signs in who types this name on the sign-in page. A new user gets that name in the claims.
    pub(super) fn sign_in_by_name(&self, name: String) -> Registration {
        let claims = named(&name);
        self.begin(SignIn { user: name, claims, ..SignIn::default() }, false)
    }

    /// `replaces`: whether a known user gets a new profile with the claims.
    fn begin(&self, sign_in: SignIn, replaces: bool) -> Registration {
        let SignIn { user, claims, age } = sign_in;
        let terms = self.0.behaviour();
        let issued_at = self.0.now().checked_sub_signed(delta(age)).unwrap_or(DateTime::<Utc>::MIN_UTC);
        let world = &mut *self.0.world();
        if replaces || !world.profiles.contains_key(&user) {
            world.people += 1;
            world.profiles.insert(user.clone(), Arc::new(profile(self.0.run, world.people, claims)));
        }
        let (refresh_token, holder) = world.grants.sign_in(&user, &terms, issued_at);
        world.recorder.event(issued_at, Some(&holder), What::SignedIn);
        Registration { merchant: None, user, refresh_token, issued_at }
    }

    /// Withdraws the user's consent, as in Klarna's app. Returns how many grants that ended.
    #[must_use]
    pub fn revoke(&self, user: &str) -> usize {
        let world = &mut *self.0.world();
        let ended = world.grants.revoke(user);
        if self.0.options.record && ended > 0 {
            world.recorder.events.push(Event {
                at: self.0.now(),
                user: Some(user.to_owned()),
                family: None,
                generation: None,
                what: What::Revoked,
            });
        }
        ended
    }

    /// Pays an order of Checkout, or places an order with a session of Klarna Payments, as shopper
    /// and shop would. Returns `false` if there is none with this id that can still be paid. The
    /// pushes to `merchant_urls.push` begin.
    #[must_use]
    pub fn pay(&self, klarna_id: &str) -> bool {
        let (now, mut world) = (self.0.now(), self.0.world());
        let Some(order) = world.orders.get_mut(klarna_id) else {
            return authorizations::pay(&self.0, &mut world, klarna_id, now);
        };
        let was_paid = order.is_paid();
        let is_paid = order.pay(now);
        if is_paid && !was_paid {
            let (managed, push) =
                (ManagedOrder::new(order.body.clone()), order.merchant_url("push", klarna_id));
            world.managed.insert(klarna_id.to_owned(), managed);
            if let Some(url) = push {
                pushes::begin(&self.0, klarna_id, url);
            }
        }
        is_paid
    }

    /// Returns the counts since the start.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.world().recorder.stats.clone()
    }

    /// Returns every event in order. Empty if the sandbox keeps no record.
    #[must_use]
    pub fn record(&self) -> Vec<Event> {
        self.0.world().recorder.events.clone()
    }

    /// Returns every secret that the sandbox has issued.
    #[must_use]
    pub fn issued(&self) -> Issued {
        let world = self.0.world();
        let claim = |name: &str| {
            world
                .profiles
                .values()
                .filter_map(|profile| profile.get(name)?.as_str().map(str::to_owned))
                .collect()
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

    /// Returns the present behaviour.
    #[must_use]
    pub fn behaviour(&self) -> Arc<Behaviour> {
        self.0.behaviour()
    }

    /// Changes the behaviour from now on.
    ///
    /// # Errors
    /// A sentence that names the invalid option. The behaviour is then unchanged.
    pub fn behave(&self, behaviour: Behaviour) -> Result<(), String> {
        behaviour.check()?;
        self.0.set_behaviour(behaviour);
        Ok(())
    }

    /// Makes the next matching request fail. Earlier calls of this function take effect first.
    pub fn fail_next(&self, failure: NextFailure) {
        self.0.world().script.requested.push(failure);
    }
}

/// Returns registrations as JSON lines for `tokens import`.
pub(crate) fn lines(registrations: impl Iterator<Item = Registration>) -> String {
    registrations.fold(String::new(), |text, registration| text + &json!(registration).to_string() + "\n")
}
