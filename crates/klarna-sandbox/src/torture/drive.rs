//! Runs one case: signs a user in, causes the fault while the client submits an order, and submits
//! another order to see what the client has kept.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::cases::{Act, Case, Fate};
use super::client::{Client, Input, Running};
use super::judge::{Submitted, Watch, judge};
use super::{CaseReport, Findings, Torture, TortureError};
use crate::faults::{Endpoint, Failure};
use crate::options::{Behaviour, EndpointBehaviour, InvalidGrantForm};
use crate::script::NextFailure;
use crate::stats::{Recognition, What};
use crate::{Latency, Registration, Sandbox, SignIn};

/// How many orders a client may need until one is recognised: it may wait after a failure.
const PROBES: u32 = 3;
/// How long a service may take until it registers a token.
const STARTING: Duration = Duration::from_secs(30);
/// How often the sandbox is asked whether a request has arrived.
const POLL_INTERVAL: Duration = Duration::from_millis(5);
/// The latency of exchanges while two orders are submitted together.
const TOGETHER: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// A sandbox, and the client that it is used to test.
pub(super) struct Driver {
    sandbox: Sandbox,
    client: Client,
    create: Endpoint,
    merchant: String,
    attempts: u32,
    pause: Duration,
    timeout: Duration,
    late: Duration,
    access_token_lifetime: Duration,
    /// Part of all names, so that a client that keeps its state over runs can be tested.
    run: String,
    started: u32,
}

/// What was done in a case so far.
struct Course<'c> {
    case: &'c Case,
    user: String,
    orders: Vec<Submitted>,
    findings: Findings,
    notes: Vec<String>,
}

impl Course<'_> {
    /// Notes that a command did not do its part.
    fn failed(&mut self, note: String) {
        self.findings.failed_orders += 1;
        self.notes.push(note);
    }

    fn next_reference(&self) -> String {
        format!("{}-{}", self.user, self.orders.len() + 1)
    }
}

impl Driver {
    pub(super) fn new(sandbox: Sandbox, client: Client, options: &Torture) -> Self {
        Self {
            sandbox,
            client,
            create: options.endpoint(),
            merchant: options.merchant.clone(),
            attempts: options.attempts,
            pause: options.pause,
            timeout: options.timeout,
            late: options.late,
            access_token_lifetime: options.access_token_lifetime,
            run: format!("{:06x}", rand::random::<u32>() >> 8),
            started: 0,
        }
    }

    /// Starts the service, if there is one, and waits until it registers a token.
    pub(super) async fn start(&mut self) -> Result<(), TortureError> {
        if self.client.start.is_none() {
            return Ok(());
        }
        self.client.start().map_err(|source| TortureError::Command { command: "--start", source })?;
        self.started += 1;
        let user = format!("start-{}-{}", self.started, self.run);
        let registration = self.sign_in(&user, Duration::ZERO);
        let begun = Instant::now();
        while !self.register(&registration).await? {
            if self.client.service_ended() {
                return Err(TortureError::Setup("the command of --start has ended".to_owned()));
            }
            if begun.elapsed() > STARTING {
                let seconds = STARTING.as_secs();
                return Err(TortureError::Setup(format!(
                    "{seconds} s after --start, --register still fails"
                )));
            }
            tokio::time::sleep(self.pause.min(Duration::from_millis(200))).await;
        }
        Ok(())
    }

    pub(super) async fn end(mut self) -> Result<(), TortureError> {
        if let Some(service) = self.client.service.take() {
            service
                .terminate()
                .await
                .map_err(|source| TortureError::Command { command: "--start", source })?;
        }
        self.sandbox.shutdown().await;
        Ok(())
    }

    /// Runs a case, and judges the client by the sandbox's record.
    pub(super) async fn run(&mut self, case: &Case) -> Result<CaseReport, TortureError> {
        let watch = Watch::begin(self.sandbox.admin());
        let user = format!("{}-{}", case.name, self.run);
        let findings = Findings::default();
        let mut course = Course { case, user, orders: Vec::new(), findings, notes: Vec::new() };
        self.behave(case)?;
        let age = if case.act == Act::Expire { 61 * DAY } else { Duration::ZERO };
        let registration = self.sign_in(&course.user, age);
        if self.register_at_last(&registration).await? {
            self.act(&mut course, &registration).await?;
            self.sandbox.admin().forget_failures();
            // The tokens that the client may have kept for its next order end.
            tokio::time::sleep(self.access_token_lifetime).await;
            self.probe(&mut course).await?;
        } else {
            course.failed("--register failed".to_owned());
        }
        if self.client.service_ended() {
            course.failed("the service ended by itself".to_owned());
            self.start().await?;
        }
        let Course { user, orders, findings, notes, .. } = course;
        Ok(judge(case, self.sandbox.admin(), &watch, &user, &orders, findings, notes))
    }

    fn behave(&self, case: &Case) -> Result<(), TortureError> {
        let endpoint = EndpointBehaviour { late: self.late, ..EndpointBehaviour::default() };
        let together = if case.act == Act::Together { TOGETHER } else { Duration::ZERO };
        let invalid_grant = if let Act::Revoke(form) = case.act { form } else { InvalidGrantForm::default() };
        let behaviour = Behaviour {
            rotation: case.rotation,
            invalid_grant,
            access_token_lifetime: self.access_token_lifetime,
            honour_idempotency_key: true,
            token: EndpointBehaviour { latency: Latency::fixed(together), ..endpoint.clone() },
            checkout: endpoint.clone(),
            payments: endpoint,
            ..Behaviour::default()
        };
        self.sandbox.admin().behave(behaviour).map_err(TortureError::Setup)
    }

    /// Submits the first orders of the case, with its fault.
    async fn act(&mut self, course: &mut Course<'_>, first: &Registration) -> Result<(), TortureError> {
        match course.case.act {
            Act::Order | Act::Expire => {}
            Act::FailExchange(failure) => self.fail(Endpoint::Token, failure, &course.user),
            Act::FailCreate(failure) => self.fail(self.create, failure, &course.user),
            Act::Kill(Endpoint::Token, failure) => return self.kill(course, Endpoint::Token, failure).await,
            Act::Kill(_, failure) => return self.kill(course, self.create, failure).await,
            Act::Together => return self.two_together(course).await,
            Act::Revoke(_) => drop(self.sandbox.admin().revoke(&course.user)),
            Act::RegisterAgain => {
                self.submit(course).await?;
                // What the client answers is its own affair.
                self.register(first).await?;
                return Ok(());
            }
        }
        self.submit(course).await.map(|_| ())
    }

    fn fail(&self, endpoint: Endpoint, failure: Failure, user: &str) {
        let user = (endpoint == Endpoint::Token).then(|| user.to_owned());
        self.sandbox.admin().fail_next(NextFailure { endpoint, user, failure });
    }

    async fn two_together(&self, course: &mut Course<'_>) -> Result<(), TortureError> {
        let [one, other] = ["a", "b"].map(|name| format!("{}-{name}", course.user));
        let (first, second) =
            tokio::join!(self.order_at_last(&course.user, &one), self.order_at_last(&course.user, &other));
        course.orders.push(Submitted { reference: one, done: first? });
        course.orders.push(Submitted { reference: other, done: second? });
        Ok(())
    }

    /// Kills the client while a request to this endpoint has this failure, starts it again, and
    /// submits the same order once more.
    async fn kill(
        &mut self,
        course: &mut Course<'_>,
        endpoint: Endpoint,
        failure: Failure,
    ) -> Result<(), TortureError> {
        let reference = course.next_reference();
        let before = self.arrived(endpoint, failure);
        self.fail(endpoint, failure, &course.user);
        let mut order = self.begin_order(&course.user, &reference)?;
        let begun = Instant::now();
        let mut arrived = false;
        while !arrived && !order.has_ended() && begun.elapsed() < self.timeout {
            tokio::time::sleep(POLL_INTERVAL).await;
            arrived = self.arrived(endpoint, failure) > before;
        }
        drop(self.client.service.take());
        drop(order);
        self.sandbox.admin().forget_failures();
        if !arrived {
            course.failed(format!("the client sent no request to {}", endpoint.name()));
        }
        self.start().await?;
        let done = self.order_at_last(&course.user, &reference).await?;
        course.orders.push(Submitted { reference, done });
        Ok(())
    }

    /// Counts the requests with this failure that have had their effect, if they have one.
    fn arrived(&self, endpoint: Endpoint, failure: Failure) -> u64 {
        let admin = self.sandbox.admin();
        if endpoint != Endpoint::Token && !failure.is_processed() {
            let fault = format!("{}.{failure}", endpoint.name());
            return admin.stats().faults.get(&fault).copied().unwrap_or(0);
        }
        let of_fault = |what: &What| match what {
            What::Presented { fault, .. } => endpoint == Endpoint::Token && *fault == Some(failure),
            What::Order { fault, .. } => endpoint != Endpoint::Token && *fault == Some(failure),
            _ => false,
        };
        admin.record().iter().filter(|event| of_fault(&event.what)).count() as u64
    }

    /// Submits orders after the fault, until one shows that the client has kept the grant. Where it
    /// could not, the user signs in again.
    async fn probe(&self, course: &mut Course<'_>) -> Result<(), TortureError> {
        if course.case.grant == Fate::Kept {
            return self.probe_kept(course, "the token of the sign-in").await;
        }
        self.submit(course).await?;
        let again = self.sign_in(&course.user, Duration::ZERO);
        if !self.register_at_last(&again).await? {
            course.failed("--register failed after the user had signed in again".to_owned());
            return Ok(());
        }
        self.probe_kept(course, "the token of the second sign-in").await
    }

    async fn probe_kept(&self, course: &mut Course<'_>, what: &str) -> Result<(), TortureError> {
        for probe in 1..=PROBES {
            let reference = self.submit(course).await?;
            let created = self.sandbox.admin().created();
            if created.iter().any(|order| {
                order.reference.as_ref() == Some(&reference) && order.recognition == Recognition::Recognised
            }) {
                return Ok(());
            }
            if probe < PROBES {
                tokio::time::sleep(self.pause).await;
            }
        }
        course.findings.lost_tokens += 1;
        course.notes.push(format!("{what} is lost: later orders were not recognised"));
        Ok(())
    }

    fn sign_in(&self, user: &str, age: Duration) -> Registration {
        let sign_in = SignIn { user: user.to_owned(), age, ..SignIn::default() };
        let registration = self.sandbox.admin().sign_in(sign_in);
        Registration { merchant: Some(self.merchant.clone()), ..registration }
    }

    async fn register_at_last(&self, registration: &Registration) -> Result<bool, TortureError> {
        for attempt in 0..self.attempts {
            if attempt > 0 {
                tokio::time::sleep(self.pause).await;
            }
            if self.register(registration).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn register(&self, registration: &Registration) -> Result<bool, TortureError> {
        let variables = vec![
            ("TORTURE_USER", registration.user.clone()),
            ("TORTURE_REFRESH_TOKEN", registration.refresh_token.clone()),
        ];
        let input = Input { variables, line: json!(registration) };
        let failed = |source| TortureError::Command { command: "--register", source };
        let ended = self.client.register(&input).map_err(failed)?.finish(self.timeout).await;
        Ok(ended.map_err(failed)?.is_some_and(|status| status.success()))
    }

    /// Submits the next order of the case. Returns its reference.
    async fn submit(&self, course: &mut Course<'_>) -> Result<String, TortureError> {
        let reference = course.next_reference();
        let done = self.order_at_last(&course.user, &reference).await?;
        course.orders.push(Submitted { reference: reference.clone(), done });
        Ok(reference)
    }

    /// Submits an order until its command ends with 0, as a shopper tries again.
    async fn order_at_last(&self, user: &str, reference: &str) -> Result<bool, TortureError> {
        for attempt in 0..self.attempts {
            if attempt > 0 {
                tokio::time::sleep(self.pause).await;
            }
            let ended = self.begin_order(user, reference)?.finish(self.timeout).await;
            let ended = ended.map_err(|source| TortureError::Command { command: "--order", source })?;
            if ended.is_some_and(|status| status.success()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn begin_order(&self, user: &str, reference: &str) -> Result<Running, TortureError> {
        let variables = vec![("TORTURE_USER", user.to_owned()), ("TORTURE_REFERENCE", reference.to_owned())];
        let input = Input { variables, line: self.envelope(user, reference) };
        self.client.order(&input).map_err(|source| TortureError::Command { command: "--order", source })
    }

    fn envelope(&self, user: &str, reference: &str) -> Value {
        let mut envelope = json!({
            "merchant": self.merchant,
            "user": user,
            "idempotency_key": reference,
            "order": {
                "purchase_country": "SE", "purchase_currency": "SEK", "locale": "sv-SE",
                "order_amount": 50_000, "order_tax_amount": 4_545, "merchant_reference1": reference,
                "order_lines": [{
                    "type": "physical", "name": "T-shirt", "quantity": 5, "unit_price": 10_000,
                    "tax_rate": 1_000, "total_amount": 50_000, "total_discount_amount": 0,
                    "total_tax_amount": 4_545
                }],
                "merchant_urls": {
                    "terms": "https://shop.example/terms",
                    "checkout": "https://shop.example/checkout",
                    "confirmation": "https://shop.example/confirmation",
                    "push": "https://shop.example/push"
                }
            }
        });
        if self.create == Endpoint::Payments {
            envelope["target"] = json!("payments");
        }
        envelope
    }
}
