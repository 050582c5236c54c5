use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use panel_driver::DecodeOptions;
use panel_model::Password;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{Exit, out};
use crate::daemon::registry::{self, CaptureSecrets};

#[derive(Debug, Args)]
#[command(after_help = "\
A line holds one frame as text or as hex digits. `<` in front says that it came from the panel, `>` that it went to
it; `#` starts a comment. What cannot be read is told with {\"ok\":false,\"error\":…}; the rest goes on.

  echo '6543D2' | panelgate decode dsc
  panelgate decode dsc < capture.txt | jq -c 'select(.event)'
  panelgate decode neor --access-code-file neor-1.access-code < capture.txt

A capture of neor is decrypted from the handshake on that it holds; without the access code only what is in clear is
read.")]
pub(super) struct DecodeArgs {
    /// Whose protocol it is
    vendor: String,
    /// Print codes and passwords instead of masking them
    #[arg(long)]
    show_codes: bool,
    /// neor: file with the integration access code, 8 hex digits for type 1 or 32 for type 2; its first line counts
    #[arg(long, value_name = "FILE")]
    access_code_file: Option<PathBuf>,
    /// neor: the panel's integration identification number, where the capture does not show it
    #[arg(long, value_name = "DIGITS")]
    identifier: Option<String>,
}

/// Longest line that is read; no frame of any vendor comes near.
const LINE_BYTES: u64 = 64 * 1024;

/// One JSON object per frame. A line that cannot be read is told and the rest goes on.
pub(super) fn run(args: DecodeArgs) -> anyhow::Result<Exit> {
    let options = DecodeOptions { show_codes: args.show_codes };
    let access_code = args.access_code_file.as_deref().map(first_line).transpose()?;
    let secrets = CaptureSecrets { identifier: args.identifier, access_code };
    // An unknown vendor is told before anything is read.
    let mut decode = registry::decoder(&args.vendor, secrets, options).map_err(anyhow::Error::msg)?;
    let mut input = std::io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = (&mut input).take(LINE_BYTES).read_until(b'\n', &mut line).context("stdin cannot be read")?;
        if read == 0 {
            return Ok(Exit::Ok);
        }
        let decoded = match std::str::from_utf8(&line) {
            Ok(text) => decode(text.trim()),
            Err(_) => vec![json!({ "ok": false, "error": "the line is not text; write bytes as hex digits" })],
        };
        for object in decoded {
            out::line(in_reading_order(&object))?;
        }
    }
}

/// A secret in a file.
fn first_line(path: &Path) -> anyhow::Result<Password> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(Password::new(text.lines().next().unwrap_or_default().trim().to_owned()))
}

/// The object with what people look at first in front.
fn in_reading_order(object: &Value) -> String {
    const FIRST: [&str; 4] = ["ok", "kind", "fields", "event"];
    let Some(fields) = object.as_object() else { return object.to_string() };
    let first = FIRST.iter().filter_map(|name| fields.get_key_value(*name));
    let others = fields.iter().filter(|(name, _)| !FIRST.contains(&name.as_str()));
    let pairs: Vec<String> = first.chain(others).map(|(name, value)| format!("{}:{value}", json!(name))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_look_at_first_comes_first() {
        let object = json!({ "event": null, "error": "x", "kind": "k", "ok": true });
        assert_eq!(in_reading_order(&object), r#"{"ok":true,"kind":"k","event":null,"error":"x"}"#);
    }
}
