//! The processor time of one order, step by step: `cargo bench -p bench --bench cpu`.
//!
//! Answers are read through the entry points of the fuzz targets, and their seeds are the input.

use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use klarna_order_worker::config::Settings;
use klarna_order_worker::fuzzing;
use klarna_order_worker::klarna::create::request;
use klarna_order_worker::order::{Body, NewOrder, OrderId, Target, check};
use klarna_order_worker::token::claims::{Address, Claims};
use klarna_order_worker::vault::sealing::{Binding, Cipher};
use secrecy::SecretString;
use zeroize::Zeroizing;

const ORDER: &str = include_str!("../src/order.json");
const ROTATED: &[u8] = include_bytes!("../../../fuzz/seeds/token_answer/rotated");
const CREATED: &[u8] = include_bytes!("../../../fuzz/seeds/checkout_answer/created");
/// As long as Klarna's tokens.
const TOKEN: [u8; 64] = [b't'; 64];

fn validation(c: &mut Criterion) {
    let envelope = format!(r#"{{"merchant":"shop","user":"u-1","order":{ORDER}}}"#);
    c.bench_function("validation: an envelope read and checked", |b| {
        b.iter(|| NewOrder::parse(black_box(&envelope), |_| Target::Checkout));
    });
    let body = Body::parse(ORDER).expect("the order is one");
    c.bench_function("validation: Klarna's rules", |b| b.iter(|| check(Target::Checkout, black_box(&body))));
}

fn request_building(c: &mut Criterion) {
    let body = Body::parse(ORDER).expect("the order is one");
    let token = SecretString::from("a".repeat(900));
    let text = |text: &str| Some(text.to_owned());
    let claims = Claims {
        subject: "krn:1".into(),
        given_name: text("Alma"),
        family_name: text("Åberg"),
        email: text("alma@shopper.example"),
        phone: text("+46701234567"),
        date_of_birth: text("1990-01-01"),
        address: Some(Address {
            street_address: text("Sveavägen 1"),
            postal_code: text("11157"),
            city: text("Stockholm"),
            country: text("SE"),
            ..Address::default()
        }),
        shipping_address: None,
    };
    let id = OrderId::new(chrono::DateTime::UNIX_EPOCH);
    c.bench_function("request: token and prefill put in", |b| {
        b.iter(|| request::build(black_box(&body), id, Some(&token), Some(&claims)));
    });
}

fn encryption(c: &mut Criterion) {
    let keys = BTreeMap::from([("k1".to_owned(), Zeroizing::new([7; 32]))]);
    let cipher = Cipher::new("k1", &keys).expect("the key is one");
    let binding = || Binding(&["refresh_token", "shop", "u-1"]);
    c.bench_function("encryption: a refresh token sealed", |b| {
        b.iter(|| cipher.seal(black_box(&TOKEN), binding()));
    });
    let sealed = cipher.seal(&TOKEN, binding()).expect("it can be sealed");
    c.bench_function("encryption: and opened", |b| b.iter(|| cipher.open(black_box(&sealed), binding())));
}

fn answers(c: &mut Criterion) {
    let sent = SecretString::from("sent");
    c.bench_function("answers: a token", |b| b.iter(|| fuzzing::token_answer(black_box(ROTATED), &sent)));
    let settings = Settings::parse("reference", klarna_order_worker::config::REFERENCE, std::iter::empty());
    let settings = settings.expect("the reference holds");
    let merchant = &settings.merchants["shop"];
    c.bench_function("answers: a created order", |b| {
        b.iter(|| fuzzing::create_answer(black_box(CREATED), Target::Checkout, merchant, ORDER));
    });
}

criterion_group!(cpu, validation, request_building, encryption, answers);
criterion_main!(cpu);
