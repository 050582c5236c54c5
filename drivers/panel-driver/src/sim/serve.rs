//! A simulator on the command line: pokes from scripts and stdin, what happens on stdout.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{PokeError, ScriptLine, ServeError, ServeOn, SimHandle, SimServer, Simulator};

/// Lines to follow: stdin or a script.
pub type Input = Box<dyn AsyncBufRead + Send + Unpin>;

/// One of several simulators.
#[derive(Debug)]
pub struct Player {
    /// Tells it from the others: stands in its output as `panel`, and in input as `@NAME`. `None` for one alone.
    pub name: Option<String>,
    /// The panel.
    pub simulator: Box<dyn Simulator>,
    /// Its door.
    pub on: ServeOn,
    /// The address of its second door, if it has [one](Simulator::beside).
    pub beside: Option<String>,
}

/// Serves a simulator until `quit` or `cancel`, following each input line by line and side by side: a `wait` holds up
/// its own input only. That an input ends ends nothing.
///
/// Writes one JSON object per line for each thing that happens, `event` first; beginning with
/// `{"event":"listening", …}`. A line that is not understood or cannot be done is told as
/// `{"event":"line_refused", …}` and the next one is taken. `users` and `state` are printed as
/// `{"event":"users","users":…}` and `{"event":"state","state":…}`.
///
/// # Errors
/// [`ServeError`] when the door cannot be opened or the output cannot be written.
pub async fn serve(
    simulator: Box<dyn Simulator>,
    on: ServeOn,
    inputs: Vec<Input>,
    output: impl AsyncWrite + Unpin,
    cancel: CancellationToken,
) -> Result<(), ServeError> {
    serve_all(vec![Player { name: None, simulator, on, beside: None }], inputs, output, cancel).await
}

/// The same for several at once. A line of input is for all of them, or with `@NAME` in front for one.
///
/// # Errors
/// As [`serve`].
pub async fn serve_all(
    players: Vec<Player>,
    inputs: Vec<Input>,
    mut output: impl AsyncWrite + Unpin,
    cancel: CancellationToken,
) -> Result<(), ServeError> {
    let (happened, mut happening) = mpsc::channel(256);
    let (mut servers, mut crowd, mut relays) = (Vec::new(), Vec::new(), JoinSet::new());
    for Player { name, simulator, on, beside } in players {
        let told = match name.clone() {
            None => happened.clone(),
            Some(name) => {
                let (told, telling) = mpsc::channel(16);
                relays.spawn(relay(name, telling, happened.clone()));
                told
            }
        };
        let server = SimServer::start_with(simulator, on, beside, told).await?;
        crowd.push(Member { name, panel: server.handle() });
        servers.push(server);
    }
    let crowd: Arc<[Member]> = crowd.into();
    let quit = cancel.child_token();
    let mut followers = JoinSet::new();
    for input in inputs {
        followers.spawn(follow(input, crowd.clone(), happened.clone(), quit.clone()));
    }
    drop(happened);
    let written = loop {
        tokio::select! {
            biased;
            () = quit.cancelled() => break Ok(()),
            value = happening.recv() => match value {
                Some(value) => if let Err(error) = print(&mut output, &value).await {
                    break Err(error);
                },
                None => break Ok(()),
            },
        }
    };
    followers.shutdown().await;
    for server in servers {
        server.stop().await;
    }
    written.map_err(ServeError::Output)?;
    while let Some(value) = happening.recv().await {
        print(&mut output, &value).await.map_err(ServeError::Output)?;
    }
    Ok(())
}

/// One of those whom a line of input can be for.
struct Member {
    name: Option<String>,
    panel: SimHandle,
}

/// Passes on what happens at one of many, with its name.
async fn relay(name: String, mut telling: mpsc::Receiver<Value>, happened: mpsc::Sender<Value>) {
    while let Some(value) = telling.recv().await {
        if happened.send(named(value, Some(&name))).await.is_err() {
            return;
        }
    }
}

fn named(mut value: Value, name: Option<&str>) -> Value {
    if let (Some(name), Some(fields)) = (name, value.as_object_mut()) {
        fields.insert("panel".into(), name.into());
    }
    value
}

async fn follow(input: Input, crowd: Arc<[Member]>, happened: mpsc::Sender<Value>, quit: CancellationToken) {
    let mut lines = input.lines();
    let mut number = 0_u64;
    while let Ok(Some(line)) = lines.next_line().await {
        number += 1;
        let addressed = line.trim_start().strip_prefix('@').map(|rest| rest.split_once(' ').unwrap_or((rest, "")));
        let (whom, words) = addressed.map_or((None, line.as_str()), |(name, words)| (Some(name), words));
        let answers = match ScriptLine::parse(words) {
            Ok(ScriptLine::Wait(time)) => {
                sleep(time).await;
                Vec::new()
            }
            Ok(ScriptLine::Quit) => {
                quit.cancel();
                return;
            }
            Ok(line) => obey(&crowd, whom, number, &line).await,
            Err(error) => vec![refused(number, &error)],
        };
        for answer in answers {
            if happened.send(answer).await.is_err() {
                return;
            }
        }
    }
}

/// What those answer whom a line is for.
async fn obey(crowd: &[Member], whom: Option<&str>, number: u64, line: &ScriptLine) -> Vec<Value> {
    let mut answers = Vec::new();
    let mut heard = false;
    for Member { name, panel } in crowd.iter().filter(|member| whom.is_none() || member.name.as_deref() == whom) {
        heard = true;
        let answer = match line {
            ScriptLine::Poke(poke) => panel.poke(poke.clone()).await.err().map(|error| refused(number, &error)),
            ScriptLine::Users => Some(json!({"event": "users", "users": panel.users().await})),
            ScriptLine::State => Some(json!({"event": "state", "state": panel.state().await})),
            ScriptLine::Nothing | ScriptLine::Wait(_) | ScriptLine::Quit => None,
        };
        answers.extend(answer.map(|answer| named(answer, name.as_deref())));
    }
    if !heard {
        answers.push(refused(number, &PokeError(format!("there is no panel {}", whom.unwrap_or_default()))));
    }
    answers
}

fn refused(line: u64, error: &PokeError) -> Value {
    json!({"event": "line_refused", "line": line, "error": error.to_string()})
}

async fn print(output: &mut (impl AsyncWrite + Unpin), value: &Value) -> std::io::Result<()> {
    output.write_all(json_line(value).as_bytes()).await?;
    output.flush().await
}

/// One line of JSON with the field `event` first, where people look.
#[must_use]
pub fn json_line(value: &Value) -> String {
    let Some((fields, event)) = value.as_object().and_then(|fields| Some((fields, fields.get("event")?))) else {
        return format!("{value}\n");
    };
    let others = fields.iter().filter(|(name, _)| *name != "event");
    let others: String = others.map(|(name, value)| format!(",{}:{value}", Value::from(name.as_str()))).collect();
    format!("{{\"event\":{event}{others}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_comes_first_on_a_line() {
        let value = json!({"addr": "127.0.0.1:1", "event": "listening", "\"": [1]});
        let line = json_line(&value);
        assert_eq!(line, "{\"event\":\"listening\",\"\\\"\":[1],\"addr\":\"127.0.0.1:1\"}\n");
        assert_eq!(serde_json::from_str::<Value>(&line).expect("json"), value);
        assert_eq!(json_line(&json!([1, 2])), "[1,2]\n");
    }
}
