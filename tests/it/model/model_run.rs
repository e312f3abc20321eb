//! Runs a sequence: the real vault in two processes with one database, and the model.

mod compare;

use std::collections::BTreeSet;
use std::time::Duration;

use axum::response::Response;
use klarna_order_worker::ids::UserKey;
use klarna_order_worker::token::{Purpose, PurposeKind, Registered, Resolution, Resolved};
use klarna_order_worker::vault::Registration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::fake_endpoint::{FakeEndpoint, response};
use super::process::Process;
use super::provider::text;
use super::step::{EndpointAnswer, ExchangeFor, ORDERS, Scenario, Step, StoreResult};
use super::world::{AccessRequest, World};
use crate::support::raw::Raw;
use crate::support::stores::Db;
use crate::vault::{Shop, poll};

/// A time limit that is long enough for a busy machine.
const AMPLE: Duration = Duration::from_mins(1);

/// A request in flight, in the order of the model's flights.
struct Waiting {
    asking: JoinHandle<String>,
    answer: oneshot::Sender<Response>,
}

pub struct ModelRun {
    db: Db,
    raw: Raw,
    shop: Shop,
    endpoint: FakeEndpoint,
    processes: [Process; 2],
    waiting: Vec<Waiting>,
    world: World,
    users: [String; 2],
    orders: [[Uuid; ORDERS]; 2],
    generations: [i64; 2],
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, real: &T, model: &T) -> Result<(), String> {
    if real == model { Ok(()) } else { Err(format!("{what}: really {real:?}, by the model {model:?}")) }
}

async fn soon<T>(what: &str, future: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(AMPLE, future).await.map_err(|_| format!("{what} never came"))
}

impl ModelRun {
    pub async fn set(db: &Db, scenario: &Scenario) -> Self {
        let endpoint = FakeEndpoint::start().await;
        let mut shop = Shop::new(db, &endpoint.url);
        if scenario.hold {
            shop.settings.lost_answer = klarna_order_worker::config::LostAnswer::Hold;
        }
        let mut processes = Vec::new();
        for _ in 0..2 {
            processes.push(Process::start(db, &shop, Uuid::now_v7().into()).await);
        }
        for process in &processes {
            poll(db, &process.silence, 0).await;
        }
        let ids = || std::array::from_fn(|_| Uuid::now_v7());
        Self {
            db: db.clone(),
            raw: db.raw().await,
            shop,
            endpoint,
            processes: processes.try_into().unwrap_or_else(|_| unreachable!("two were started")),
            waiting: Vec::new(),
            world: World::new(!db.is_sqlite(), scenario.hold, scenario.manner),
            users: std::array::from_fn(|_| Uuid::now_v7().to_string()),
            orders: [ids(), ids()],
            generations: [0; 2],
        }
    }

    /// Runs the steps, and compares after each.
    pub async fn play(&mut self, steps: &[Step]) -> Result<(), String> {
        for (n, step) in steps.iter().enumerate() {
            let played = async {
                self.step(step).await?;
                self.compare().await
            };
            played.await.map_err(|error| format!("step {n}, {step:?}: {error}"))?;
        }
        self.end().await.map_err(|error| format!("at the end: {error}"))
    }

    /// Answers everything in flight, starts the dead processes again, and asks for every token once
    /// more.
    async fn end(&mut self) -> Result<(), String> {
        while !self.waiting.is_empty() {
            self.answer(0, EndpointAnswer::Well, StoreResult::Works).await?;
        }
        for process in 0..2 {
            if !self.world.alive(process) {
                self.start(process).await;
            }
            self.back(process).await;
        }
        self.compare().await?;
        self.world.check_losses()?;
        for user in 0..2 {
            // The first request closes open intents of dead processes, the second one presents the
            // token.
            for _ in 0..2 {
                self.pass(5 * 60 * 60).await;
                self.ask(0, user, ExchangeFor::Manual, false).await?;
                while !self.waiting.is_empty() {
                    self.answer(0, EndpointAnswer::Well, StoreResult::Works).await?;
                }
                self.compare().await?;
            }
        }
        self.world.check_losses()
    }

    async fn step(&mut self, step: &Step) -> Result<(), String> {
        let in_flight = self.waiting.len();
        match *step {
            Step::Ask { process, user, purpose, refused } => self.ask(process, user, purpose, refused).await,
            Step::Answer { which, how, storing } if in_flight > 0 => {
                self.answer(which.index(in_flight), how, storing).await
            }
            Step::SignIn { user } => {
                let token = text(self.world.sign_in(user));
                let registered = self.register(user, token).await;
                same("a sign-in is stored", &matches!(registered, Registered::Stored(_)), &true)
            }
            Step::SignInAgain { user, which } if !self.world.known(user).is_empty() => {
                let known = self.world.known(user);
                let registered = self.register(user, text(known[which.index(known.len())])).await;
                same("a known token changes nothing", &matches!(registered, Registered::Known(_)), &true)
            }
            Step::Forget { user } => {
                let forgotten = self
                    .shop
                    .registry()
                    .forget(&UserKey::new("shop", self.users[user].as_str()))
                    .await
                    .unwrap();
                same("there was something to forget", &forgotten, &self.world.forget(user))
            }
            Step::Resolve { user, retry } => {
                let resolution = if retry { Resolution::Retry } else { Resolution::Dead };
                let resolved = self
                    .shop
                    .registry()
                    .resolve(&UserKey::new("shop", self.users[user].as_str()), resolution)
                    .await
                    .unwrap();
                let told = match resolved {
                    Resolved::Done(_) => "done",
                    Resolved::NotUncertain(_) => "not uncertain",
                    Resolved::Missing => "missing",
                };
                same("an operator's decision", &told, &self.world.resolve(user, retry))
            }
            Step::Revoke { user } => {
                self.world.provider.revoke(user);
                Ok(())
            }
            Step::Pass { seconds } => {
                self.pass(seconds).await;
                Ok(())
            }
            Step::ClockForward { seconds } => {
                self.world.step_clock(seconds);
                self.db.advance(seconds);
                Ok(())
            }
            Step::Die { process, processed } if self.world.alive(process) => {
                self.bury(process).await;
                self.world.die(process, processed);
                Ok(())
            }
            Step::Start { process } if !self.world.alive(process) => {
                self.start(process).await;
                Ok(())
            }
            Step::ThoughtDead { process } if self.world.alive(process) => {
                self.world.thought_dead(process);
                self.db.store.end_worker(self.processes[process].worker.id).await.unwrap();
                Ok(())
            }
            Step::Back { process } if self.world.alive(process) => {
                self.back(process).await;
                Ok(())
            }
            Step::LoseClaim { which } if in_flight > 0 => self.lose_claim(which.index(in_flight)).await,
            Step::Tidy { process } if self.world.alive(process) && !self.world.an_expiry_is_uncertain() => {
                self.world.tidy();
                let vault = self.processes[process].vault.clone();
                self.processes[process].run(async move { vault.tidy().await.unwrap() }).await.unwrap();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn ask(
        &mut self,
        process: usize,
        user: usize,
        purpose: ExchangeFor,
        refused: bool,
    ) -> Result<(), String> {
        if self.world.wears_out(process) {
            self.processes[process].refresh();
        }
        let expected = self.world.ask(process, user, purpose, refused);
        if matches!(expected, AccessRequest::Nothing) {
            return Ok(());
        }
        let kind = purpose;
        let purpose = match purpose {
            ExchangeFor::Order(order) => {
                Purpose { kind: PurposeKind::Order, id: self.orders[user][order].into() }
            }
            _ => Purpose { kind: PurposeKind::Manual, id: Uuid::now_v7().into() },
        };
        self.refuse("intents", refused).await;
        let (name, now) = (self.users[user].clone(), self.db.clock.now());
        let asker = &self.processes[process];
        let mut asking = match kind {
            ExchangeFor::Keeper => asker.sweep(name, now),
            ExchangeFor::Vend { min_validity } => asker.vend(name, min_validity),
            ExchangeFor::Order(_) | ExchangeFor::Manual => asker.ask(name, purpose),
        };
        let real = tokio::select! {
            biased;
            arrived = self.endpoint.arrivals.recv() => Err(arrived.expect("the endpoint runs")),
            told_so = &mut asking => Ok(told_so.unwrap()),
            () = tokio::time::sleep(AMPLE) => return Err("neither an answer nor a request ever came".into()),
        };
        self.refuse("intents", false).await;
        match (real, expected) {
            (Ok(real), AccessRequest::Answered(model)) => same("told", &real, &model),
            (Ok(real), AccessRequest::Given(cached)) if cached.contains(&real) => Ok(()),
            (Err(arrived), AccessRequest::Presented(model)) => {
                self.waiting.push(Waiting { asking, answer: arrived.answer });
                same("presented", &arrived.token, &text(model))?;
                self.world.check_request()
            }
            (Ok(real), model) => Err(format!("really told {real}, by the model {model:?}")),
            (Err(arrived), model) => {
                Err(format!("really presented {}, by the model {model:?}", arrived.token))
            }
        }
    }

    async fn answer(
        &mut self,
        which: usize,
        how: EndpointAnswer,
        storing: StoreResult,
    ) -> Result<(), String> {
        let Waiting { asking, answer } = self.waiting.remove(which);
        let buried: Vec<usize> = self.world.flights.iter().map(|flight| flight.process).collect();
        let (flight, reply, expected, storing) = self.world.answer(which, how, storing);
        let process = flight.process;
        self.refuse("successors", storing != StoreResult::Works).await;
        // Sending fails if the process has died.
        let _ = answer.send(response(reply));
        let access = soon("an access", asking).await?.map_err(|error| error.to_string())?;
        if storing == StoreResult::Dies {
            let others = buried.iter().enumerate().filter(|(n, _)| *n != which).map(|(_, process)| *process);
            self.bury_of(process, others.collect()).await;
        }
        self.refuse("successors", false).await;
        if storing != StoreResult::Dies {
            let left = self.world.flights.iter().filter(|flight| flight.process == process).count();
            self.until(|model_run| model_run.processes[process].vault.in_flight() == left).await?;
        }
        same("told", &access, &expected)
    }

    async fn register(&self, user: usize, token: String) -> Registered {
        let user = self.users[user].as_str().into();
        let registration =
            Registration { user, refresh_token: token.into(), issued_at: None, expires_at: None };
        self.shop.registry().register(&self.shop.merchant, &registration).await.unwrap()
    }

    async fn pass(&mut self, seconds: u64) {
        self.world.pass(seconds);
        self.db.advance(seconds);
        for process in (0..2).filter(|process| self.world.alive(*process)) {
            self.db.store.heartbeat(self.processes[process].worker.id).await.unwrap();
        }
    }

    /// Each living process looks who has sent a heartbeat.
    async fn poll(&self) {
        for process in (0..2).filter(|process| self.world.alive(*process)) {
            poll(&self.db, &self.processes[process].silence, self.world.elapsed).await;
        }
    }

    async fn start(&mut self, process: usize) {
        self.world.start(process);
        let instance = self.processes[process].worker.instance;
        self.processes[process] = Process::start(&self.db, &self.shop, instance).await;
    }

    async fn back(&mut self, process: usize) {
        self.world.back(process);
        self.db.store.begin_worker(&self.processes[process].worker).await.unwrap();
    }

    /// Kills a process with everything that waits in it.
    async fn bury(&mut self, process: usize) {
        let of = self.world.flights.iter().map(|flight| flight.process).collect();
        self.bury_of(process, of).await;
    }

    /// Like [`ModelRun::bury`]; `of` has the process of each request in flight.
    async fn bury_of(&mut self, process: usize, of: Vec<usize>) {
        self.processes[process].kill().await;
        let mut of = of.into_iter();
        self.waiting.retain(|_| of.next() != Some(process));
    }

    async fn lose_claim(&mut self, which: usize) -> Result<(), String> {
        if !self.world.flights[which].locked {
            return Ok(());
        }
        let user = &self.users[self.world.flights[which].user];
        let kill = format!(
            "pg_terminate_backend(l.pid, 20000) FROM pg_locks l, tokens t \
             WHERE l.locktype = 'advisory' AND l.granted \
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
             AND t.user_id = '{user}' AND ((l.classid::bigint << 32) | l.objid::bigint) = \
             hashtextextended('klarna_worker.token/' || t.id::text, 0)"
        );
        self.world.lose_claim(which);
        same("a claim's connection dies", &self.raw.column(&kill).await, &vec![Some("true".to_owned())])
    }

    /// Makes the database refuse such writes from now on, or accept them again.
    async fn refuse(&mut self, what: &str, refused: bool) {
        self.raw
            .execute(&format!("UPDATE model_refuses SET {what} = {refused} WHERE {what} <> {refused}"))
            .await;
    }

    async fn until(&self, holds: impl Fn(&Self) -> bool) -> Result<(), String> {
        let holding = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        soon("rest", holding).await
    }

    /// Returns the events that occurred.
    pub fn seen(&self) -> &BTreeSet<&'static str> {
        &self.world.seen
    }

    pub async fn clear(&mut self) {
        self.waiting.clear();
        for process in &mut self.processes {
            process.stop().await;
        }
    }
}
