//! Serves a simulated PowerLink 3 module, until `panelgate simulate visonic` does:
//!
//! `cargo run -p driver-visonic --features sim --example serve_jsonrpc -- [ADDRESS] [gtx2023]`
//!
//! What is typed is done at the panel, such as `open 2`, `fault hang 3`, `users`, `quit`.

use std::io::Error;

use driver_visonic::sim::jsonrpc::{IpCheck, JsonRpcSimulator, Profile, ServiceConfig};
use driver_visonic::sim::{Model, SimConfig};
use panel_driver::sim::{Input, ServeOn, serve};
use panel_model::AccessCode;
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let mut words = std::env::args().skip(1);
    let addr = words.next().unwrap_or_else(|| "127.0.0.1:8181".to_owned());
    let mut panel = SimConfig::new(Model::PowerMaster10);
    panel.partitions = 2;
    panel.master = Some(AccessCode::new("1234".into()));
    let profile = if words.next().as_deref() == Some("gtx2023") { Profile::Gtx2023 } else { Profile::Plink2025 };
    // Clients that look their own address up may find another one than the simulator sees them under.
    let service = ServiceConfig { profile, ip_check: IpCheck::Ignored, ..ServiceConfig::new(panel) };
    let simulator = JsonRpcSimulator::new(service).map_err(Error::other)?;
    let stdin: Input = Box::new(tokio::io::BufReader::new(tokio::io::stdin()));
    let cancel = CancellationToken::new();
    serve(Box::new(simulator), ServeOn::Listen(addr), vec![stdin], tokio::io::stdout(), cancel)
        .await
        .map_err(Error::other)
}
