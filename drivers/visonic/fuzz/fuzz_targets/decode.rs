#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| driver_visonic::fuzz::fuzz_decode(data));
