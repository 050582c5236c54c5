use std::io::{self, Read as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use panel_driver::clock;
use panel_model::{GatewayId, WallTime};
use serde_json::Value;
use tokio::time::timeout;
use uuid::Uuid;

use super::broker::Broker;
use super::token::{Says, now, read_key};
use super::{BrokerArgs, entered_code, sealed, sealing_key};
use crate::access::{KeySet, Token};
use crate::actions::{Done, Request, RequestOutcome, Response};
use crate::cli::{Exit, out, words};
use crate::cloud::session::Properties;
use crate::cloud::topic::Topic;
use crate::payload::{DirectoryDocument, DirectoryKeys, DirectoryOutcome, DirectoryReported, read};

/// How long a message may wait at the broker for a box that is away, unless told.
const EXPIRY_SECONDS: u32 = 30;

#[derive(Debug, Args)]
#[command(after_help = "\
  panelgate operator request --signing-key cloud.pem --company acme '{\"action\":\"set_label\",\"panel\":\"dsc-1\",\"slot\":4,\"label\":\"Anna\"}'
  panelgate operator request --signing-key cloud.pem --company acme --seal code '{\"action\":\"set_code\",\"panel\":\"dsc-1\",\"slot\":4}'
  panelgate operator request --token-file token --times 3 '{\"action\":\"refresh\",\"panel\":\"dsc-1\",\"section\":\"users\"}'

The actions are in config/schemas/request.json. Exit codes: 0 done, 1 refused or failed, 3 no answer yet.")]
pub(super) struct RequestArgs {
    /// The action as JSON
    #[arg(value_name = "ACTION")]
    action: String,
    /// Ask for a code and put it, sealed, into this field of the action; may be given more than once
    #[arg(long, value_name = "FIELD")]
    seal: Vec<String>,
    #[command(flatten)]
    says: Says,
    /// A token, instead of making one
    #[arg(long, value_name = "FILE", conflicts_with = "signing_key")]
    token_file: Option<PathBuf>,
    /// The request's id [default: a new one]
    #[arg(long, value_name = "UUID")]
    id: Option<Uuid>,
    /// Send the same request so often
    #[arg(long, value_name = "N", default_value_t = 1)]
    times: u32,
    /// Wait so many seconds for the answer
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u64,
    /// After so many seconds the box shall not begin any more
    #[arg(long, value_name = "SECONDS", default_value_t = EXPIRY_SECONDS)]
    expiry: u32,
}

#[derive(Debug, Args)]
pub(super) struct DirectoryArgs {
    /// The document; its version has to be higher than the last one's
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Wait so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

#[derive(Debug, Args)]
pub(super) struct KeysArgs {
    /// The private key of a key in use
    #[arg(long, value_name = "FILE")]
    signing_key: PathBuf,
    /// Wait so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

pub(super) async fn run(args: &BrokerArgs, what: RequestArgs) -> anyhow::Result<Exit> {
    let mut action: Value = serde_json::from_str(&what.action).context("the action is not JSON")?;
    let mut broker = Broker::connect(args).await?;
    let gateway = broker.gateway(args).await?;
    let public = sealing_key(&broker.info(&gateway).await?)?;
    for field in &what.seal {
        let code = entered_code(field)?;
        let fields = action.as_object_mut().context("the action is no JSON object")?;
        fields.insert(field.clone(), serde_json::to_value(sealed(&public, &code)?)?);
    }
    let token = match &what.token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
            Token::new(text.trim().to_owned())
        }
        None => what.says.token(&gateway)?,
    };
    let id = what.id.unwrap_or_else(Uuid::now_v7);
    let expires_at = WallTime(clock::wall().0.saturating_add(i64::from(what.expiry) * 1000));
    let request = Request { id, token, action, expires_at: Some(expires_at.into()), reply_to: None };
    let answers = Topic::Response(id);
    broker.subscribe(vec![answers.encode(broker.prefix(), &gateway)]).await?;
    for _ in 0..what.times {
        let properties = Properties {
            response_topic: Some(answers.encode(broker.prefix(), &gateway)),
            correlation: Some(id.as_bytes().to_vec().into()),
            expiry: Some(what.expiry),
        };
        broker.publish_with(&Topic::Request, &gateway, serde_json::to_vec(&request)?, properties).await?;
    }
    let waited = timeout(Duration::from_secs(what.timeout), wait(&mut broker, &answers, what.times, args.json)).await;
    broker.close().await;
    match waited {
        Ok(exit) => exit,
        Err(_) => {
            eprintln!("{id}: no answer yet; ask again with --id {id} and the same token");
            Ok(Exit::Pending)
        }
    }
}

/// Shows each answer; all of them have to be the same.
async fn wait(broker: &mut Broker, topic: &Topic, times: u32, json: bool) -> anyhow::Result<Exit> {
    let mut first: Option<Response> = None;
    for _ in 0..times {
        let told = loop {
            let told = broker.next().await?;
            if told.topic == *topic {
                break told;
            }
        };
        let response: Response = read(&told.payload).context("the answer cannot be read")?;
        if json {
            out::json_line(&response)?;
        } else {
            out::line(answer(&response))?;
        }
        match &first {
            Some(first) if *first != response => bail!("the box gave two answers to one request"),
            _ => first = Some(response),
        }
    }
    let done = first.is_some_and(|response| matches!(response.outcome, RequestOutcome::Done { .. }));
    Ok(if done { Exit::Ok } else { Exit::Failed })
}

/// An answer as one line. What an action shows once stands in the JSON only.
pub(super) fn answer(response: &Response) -> String {
    let how = match &response.outcome {
        RequestOutcome::Done { done: Done::Accepted { version } } => format!("accepted, version {version}"),
        RequestOutcome::Done { done: Done::Applied { evidence } } => format!("applied: {}", words::word(evidence)),
        RequestOutcome::Done { .. } => "done".to_owned(),
        RequestOutcome::Refused { refusal, text } => format!("refused ({refusal}): {text}"),
        RequestOutcome::Failed { text, .. } => format!("failed: {text}"),
    };
    format!("{} {how}", response.id)
}

pub(super) async fn directory(args: &BrokerArgs, what: &DirectoryArgs) -> anyhow::Result<Exit> {
    let text = match &what.file {
        Some(path) => std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?,
        None => from_stdin()?,
    };
    let document: DirectoryDocument = read(&text).context("the directory cannot be used")?;
    let version = document.version;
    let payload = serde_json::to_vec(&document)?;
    let taken = move |reported: &DirectoryReported| {
        let refused = reported.refused_document.as_ref().filter(|refused| refused.version == Some(version));
        refused.map(bail_text).or_else(|| (reported.version == version).then_some(Ok(())))
    };
    let reported = publish_and_wait(args, &Topic::DirectoryDesired, payload, what.timeout, taken).await?;
    let Some(reported) = reported else { return Ok(Exit::Pending) };
    for (kind, entries) in &reported.entries {
        for (name, outcome) in entries {
            match outcome {
                DirectoryOutcome::Applied => out::line(format_args!("{} {name}: applied", words::word(kind)))?,
                DirectoryOutcome::Refused { refusal, text } => {
                    out::line(format_args!("{} {name}: refused ({refusal}): {text}", words::word(kind)))?;
                }
            }
        }
    }
    let mut outcomes = reported.entries.values().flat_map(|entries| entries.values());
    Ok(if outcomes.all(|outcome| *outcome == DirectoryOutcome::Applied) { Exit::Ok } else { Exit::Failed })
}

pub(super) async fn keys(args: &BrokerArgs, what: &KeysArgs) -> anyhow::Result<Exit> {
    let next = KeySet::read(&from_stdin()?).context("the keys on stdin cannot be used")?;
    let signed = read_key(&what.signing_key)?.rotation(&next, now());
    let kids: Vec<String> = next.kids().map(str::to_owned).collect();
    let payload = serde_json::to_vec(&DirectoryKeys { signed })?;
    let taken = move |reported: &DirectoryReported| {
        let refused = reported.refused_keys.as_ref().map(bail_text);
        (reported.keys == kids).then_some(Ok(())).or(refused)
    };
    let reported = publish_and_wait(args, &Topic::DirectoryKeys, payload, what.timeout, taken).await?;
    let Some(reported) = reported else { return Ok(Exit::Pending) };
    out::line(format_args!("keys for tokens: {}", reported.keys.join(", ")))?;
    Ok(Exit::Ok)
}

fn bail_text(refused: &crate::payload::DocumentRefusal) -> anyhow::Result<()> {
    bail!("refused ({}): {}", refused.refusal, refused.text)
}

/// Publishes a retained document and waits until `taken` makes something of what the box reports after that. `None`: it
/// did not in time.
async fn publish_and_wait(
    args: &BrokerArgs,
    topic: &Topic,
    payload: Vec<u8>,
    seconds: u64,
    taken: impl Fn(&DirectoryReported) -> Option<anyhow::Result<()>>,
) -> anyhow::Result<Option<DirectoryReported>> {
    let mut broker = Broker::connect(args).await?;
    let gateway: GatewayId = broker.gateway(args).await?;
    broker.subscribe(vec![Topic::DirectoryReported.encode(broker.prefix(), &gateway)]).await?;
    // What is retained from before says nothing about what comes now.
    let _ = timeout(Duration::from_millis(300), broker.next()).await;
    broker.publish(topic, &gateway, payload).await?;
    let waiting = async {
        loop {
            let told = broker.next().await?;
            if told.topic != Topic::DirectoryReported || told.gateway != gateway {
                continue;
            }
            let reported: DirectoryReported = read(&told.payload)?;
            if let Some(result) = taken(&reported) {
                return result.map(|()| reported);
            }
        }
    };
    match timeout(Duration::from_secs(seconds), waiting).await {
        Ok(reported) => reported.map(Some),
        Err(_) => {
            eprintln!("the box has not answered; what was published waits at the broker");
            Ok(None)
        }
    }
}

fn from_stdin() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text)?;
    Ok(text)
}
