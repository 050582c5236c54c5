use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, bail};
use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};

/// Longest message: a panel with a thousand users fits.
const PAYLOAD_BYTES: usize = 1024 * 1024;

/// Starts the embedded broker. It runs in threads of its own until the process ends: it has no way to be stopped.
///
/// It speaks MQTT 3.1.1 only: rumqttd 0.20 crashes the connection of a 3.1.1 subscriber, such as a stock
/// `mosquitto_sub`, when an MQTT 5 publisher sends it properties.
pub(super) fn start(listen: SocketAddr) -> anyhow::Result<()> {
    // The broker itself would only log that the port is taken.
    TcpListener::bind(listen)
        .with_context(|| format!("the broker cannot listen on {listen}; choose another address with --mqtt"))?;
    let config = Config {
        router: RouterConfig {
            max_connections: 64,
            max_outgoing_packet_count: 200,
            max_segment_size: 4 * 1024 * 1024,
            max_segment_count: 4,
            ..RouterConfig::default()
        },
        v4: Some(HashMap::from([("v4".to_owned(), server("v4", listen))])),
        ..Config::default()
    };
    let mut broker = Broker::new(config);
    let started = std::thread::Builder::new().name("broker".into()).spawn(move || {
        if let Err(error) = broker.start() {
            tracing::error!(%error, "the broker ended");
        }
    });
    if let Err(error) = started {
        bail!("the broker's thread cannot be started: {error}");
    }
    Ok(())
}

fn server(name: &str, listen: SocketAddr) -> ServerSettings {
    ServerSettings {
        name: name.to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections: ConnectionSettings {
            connection_timeout_ms: 10_000,
            max_payload_size: PAYLOAD_BYTES,
            max_inflight_count: 200,
            auth: None,
            external_auth: None,
            dynamic_filters: true,
        },
    }
}
