//! The cloud's side of the contract as commands: an MQTT client like any other, which knows nothing of the box but what
//! its topics say.

mod broker;
mod document;
mod push;
mod request;
mod token;
mod watch;

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use clap::{Args, Subcommand};
use panel_model::{GatewayId, PanelId, PanelRole, PartitionSet, Slot};
use zeroize::Zeroizing;

use super::args::{Wait, word};
use super::{Exit, ask, out};
use crate::cloud::topic::Prefix;
use crate::secrets::{SealedCode, seal_to};
use broker::Broker;

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate operator watch --mqtt broker:1883                     everything, as it comes
  panelgate operator push dsc-1 --slot 4 --code --label Anna      asks for the code twice, waits for the panel's answer
  panelgate operator push dsc-1 --slot 5 --disable
  panelgate operator push dsc-1 < document.json                   a whole document
  panelgate operator seal                                         a sealed code, to put into a document
  panelgate operator token --signing-key cloud.pem --new-key      makes a key, prints the JWKS for the gateways
  panelgate operator request --signing-key cloud.pem --company acme --seal code \\
      '{\"action\":\"set_code\",\"panel\":\"dsc-1\",\"slot\":4}'   asks for the code, sends, waits for the answer
  panelgate operator keys --signing-key cloud.pem < next.json     puts other keys for tokens in place

Exit codes: 0 done, 1 refused or failed, 3 published and still pending.")]
pub(super) struct OperatorArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(subcommand)]
    what: OperatorCommand,
}

/// How the broker is reached, and which gateway is meant.
#[derive(Debug, Args)]
struct BrokerArgs {
    /// The broker: HOST:PORT, mqtt://HOST:PORT or, with TLS, mqtts://HOST:PORT
    #[arg(long, global = true, value_name = "BROKER", default_value = "127.0.0.1:1883")]
    mqtt: String,
    /// The gateway; not needed when the broker knows of one only
    #[arg(long, global = true, value_name = "ID")]
    gateway: Option<GatewayId>,
    /// What all topics begin with
    #[arg(long, global = true, value_name = "TOPIC", default_value = "panelgate/v1")]
    prefix: Prefix,
    /// Speak MQTT 3.1.1 instead of 5
    #[arg(long, global = true)]
    v3: bool,
    /// Certificates to trust (PEM); asks for TLS
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Our certificate (PEM)
    #[arg(long, global = true, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The key of our certificate (PEM)
    #[arg(long, global = true, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// User name at the broker
    #[arg(long, global = true, value_name = "NAME", requires = "password_file")]
    user: Option<String>,
    /// File with the password; its first line counts
    #[arg(long, global = true, value_name = "FILE", requires = "user")]
    password_file: Option<PathBuf>,
    /// Print JSON, one object a line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum OperatorCommand {
    /// Retained state first, then everything as it comes
    Watch(WatchArgs),
    /// Seal a code to the gateway's key and print it as it goes into a document; asks twice, or takes one line of stdin
    Seal {
        /// The public key from `info` (base64), instead of asking the broker
        #[arg(long, value_name = "BASE64")]
        public_key: Option<String>,
    },
    /// Publish what users shall be, and wait for the panel's answers
    Push(PushArgs),
    /// Make a token for one request, or with --new-key the key that signs tokens
    Token(token::TokenArgs),
    /// Ask for one action, and wait for the answer
    Request(request::RequestArgs),
    /// Publish the cloud's directory from --file or stdin, and wait until the box has it
    Directory(request::DirectoryArgs),
    /// Publish other keys for tokens, a JWKS from stdin, signed with a key in use, and wait until the box has them
    Keys(request::KeysArgs),
}

#[derive(Debug, Args)]
struct WatchArgs {
    /// Only this panel
    #[arg(long, value_name = "PANEL")]
    panel: Option<PanelId>,
    /// End after so many messages
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after so many seconds
    #[arg(long = "for", value_name = "SECONDS")]
    seconds: Option<u64>,
}

#[derive(Debug, Args)]
struct PushArgs {
    panel: PanelId,
    /// The user's place; without it a whole document is read from --file or stdin
    #[arg(long, conflicts_with = "file")]
    slot: Option<Slot>,
    /// Set a code; asks for it twice
    #[arg(long, requires = "slot")]
    code: bool,
    /// Set the label
    #[arg(long, value_name = "TEXT", requires = "slot")]
    label: Option<String>,
    /// Set the partitions: a list such as 1,4,6
    #[arg(long, value_name = "LIST", requires = "slot")]
    partitions: Option<PartitionSet>,
    /// Set the role
    #[arg(long, requires = "slot", value_parser = word::<PanelRole>)]
    role: Option<PanelRole>,
    /// Remove the user
    #[arg(long, requires = "slot", conflicts_with_all = ["code", "label", "partitions", "role"])]
    disable: bool,
    /// A whole document; its version is raised where it is not newer than the retained one
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    wait: Wait,
}

pub(super) async fn run(args: OperatorArgs) -> anyhow::Result<Exit> {
    match args.what {
        OperatorCommand::Watch(what) => watch::run(&args.broker, &what).await,
        OperatorCommand::Seal { public_key } => seal(&args.broker, public_key.as_deref()).await,
        OperatorCommand::Push(what) => push::run(&args.broker, what).await,
        OperatorCommand::Token(what) => token::run(&args.broker, &what).await,
        OperatorCommand::Request(what) => request::run(&args.broker, what).await,
        OperatorCommand::Directory(what) => request::directory(&args.broker, &what).await,
        OperatorCommand::Keys(what) => request::keys(&args.broker, &what).await,
    }
}

async fn seal(args: &BrokerArgs, public_key: Option<&str>) -> anyhow::Result<Exit> {
    let public = match public_key {
        Some(text) => key_from(text)?,
        None => {
            let mut broker = Broker::connect(args).await?;
            let gateway = broker.gateway(args).await?;
            let public = sealing_key(&broker.info(&gateway).await?)?;
            broker.close().await;
            public
        }
    };
    out::json_line(&sealed(&public, &entered_code("code")?)?)?;
    Ok(Exit::Ok)
}

fn key_from(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
    bytes.and_then(|bytes| bytes.try_into().ok()).context("the public key is 32 bytes in base64, as in `info`")
}

fn sealing_key(info: &crate::payload::Info) -> anyhow::Result<[u8; 32]> {
    info.sealing_key.bytes().with_context(|| format!("gateway {} has no key that we can seal to", info.gateway))
}

fn sealed(public: &[u8; 32], code: &str) -> anyhow::Result<SealedCode> {
    Ok(seal_to(public, code)?)
}

/// A new code: from a person twice; from a pipe one line, and a second one if there is one must be the same.
fn entered_code(what: &str) -> anyhow::Result<Zeroizing<String>> {
    if std::io::stdin().is_terminal() {
        return ask::new_secret(what);
    }
    let first = ask::secret(what)?;
    let mut again = Zeroizing::new(String::new());
    std::io::stdin().lock().read_line(&mut again)?;
    let again = again.trim_end_matches(['\r', '\n']);
    if !again.is_empty() && again != first.as_str() {
        bail!("the two entries differ; nothing was changed");
    }
    Ok(first)
}
