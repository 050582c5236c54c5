//! What a connection costs. Alone in its file, since it measures the whole process.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests fail by panicking"
)]

use panelgate::cloud::session::{MqttVersion, Session};

mod cloud_support;
use cloud_support::broker::Broker;
use cloud_support::gateway::options;

/// Resident memory in kilobytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4
}

#[tokio::test]
async fn a_connection_does_not_reserve_room_for_65535_messages() {
    let broker = Broker::open();
    // What any first connection loads is not what is measured here.
    let first = Session::connect(&options(broker.port), None).await.unwrap();
    drop(first);
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let mut options = options(broker.port);
        options.version = version;
        let before = resident();
        let session = Session::connect(&options, None).await.unwrap();
        let grown = resident().saturating_sub(before);
        // With the library's own limits it is 16 MB.
        assert!(grown < 2048, "{version:?}: {grown} kB");
        drop(session);
    }
}
