#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| driver_neor::fuzz::fuzz_frame(data));
