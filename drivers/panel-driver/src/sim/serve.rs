//! A simulator on the command line: pokes from scripts and stdin, what happens on stdout.

use serde_json::{Value, json};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{ScriptLine, ServeError, ServeOn, SimHandle, SimServer, Simulator};

/// Lines to follow: stdin or a script.
pub type Input = Box<dyn AsyncBufRead + Send + Unpin>;

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
    mut output: impl AsyncWrite + Unpin,
    cancel: CancellationToken,
) -> Result<(), ServeError> {
    let (happened, mut happening) = mpsc::channel(256);
    let server = SimServer::start(simulator, on, happened.clone()).await?;
    let quit = cancel.child_token();
    let mut followers = JoinSet::new();
    for input in inputs {
        followers.spawn(follow(input, server.handle(), happened.clone(), quit.clone()));
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
    server.stop().await;
    written.map_err(ServeError::Output)?;
    while let Some(value) = happening.recv().await {
        print(&mut output, &value).await.map_err(ServeError::Output)?;
    }
    Ok(())
}

async fn follow(input: Input, simulator: SimHandle, happened: mpsc::Sender<Value>, quit: CancellationToken) {
    let mut lines = input.lines();
    let mut number = 0_u64;
    while let Ok(Some(line)) = lines.next_line().await {
        number += 1;
        let answer = match ScriptLine::parse(&line) {
            Ok(ScriptLine::Nothing) => None,
            Ok(ScriptLine::Wait(time)) => {
                sleep(time).await;
                None
            }
            Ok(ScriptLine::Poke(poke)) => simulator.poke(poke).await.err().map(|error| refused(number, &error)),
            Ok(ScriptLine::Users) => Some(json!({"event": "users", "users": simulator.users().await})),
            Ok(ScriptLine::State) => Some(json!({"event": "state", "state": simulator.state().await})),
            Ok(ScriptLine::Quit) => {
                quit.cancel();
                return;
            }
            Err(error) => Some(refused(number, &error)),
        };
        if let Some(answer) = answer
            && happened.send(answer).await.is_err()
        {
            return;
        }
    }
}

fn refused(line: u64, error: &super::PokeError) -> Value {
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
