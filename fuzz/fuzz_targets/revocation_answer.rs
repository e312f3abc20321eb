#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| klarna_order_worker_fuzz::revocation_answer(bytes));
