#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| driver_visonic::jsonrpc::fuzz::fuzz_service(data, panel_driver::clock::now()));
