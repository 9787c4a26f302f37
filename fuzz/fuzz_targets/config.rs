#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tcnl_fuzz::config(data));
