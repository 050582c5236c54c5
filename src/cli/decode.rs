use std::io::{BufRead, Read};

use anyhow::Context;
use panel_driver::DecodeOptions;
use serde_json::json;

use super::args::DecodeArgs;
use super::{Exit, out};
use crate::daemon::registry;

/// Longest line that is read; no frame of any vendor comes near.
const LINE_BYTES: u64 = 64 * 1024;

/// One JSON object per frame. A line that cannot be read is told and the rest goes on.
pub(super) fn run(args: &DecodeArgs) -> anyhow::Result<Exit> {
    let options = DecodeOptions { show_codes: args.show_codes };
    // An unknown vendor is told before anything is read.
    registry::decode(&args.vendor, "", options).map_err(anyhow::Error::msg)?;
    let mut input = std::io::stdin().lock();
    loop {
        let mut line = Vec::new();
        let read = (&mut input).take(LINE_BYTES).read_until(b'\n', &mut line).context("stdin cannot be read")?;
        if read == 0 {
            return Ok(Exit::Ok);
        }
        let decoded = match std::str::from_utf8(&line) {
            Ok(text) => registry::decode(&args.vendor, text.trim(), options).map_err(anyhow::Error::msg)?,
            Err(_) => Some(json!({ "ok": false, "error": "the line is not text; write bytes as hex digits" })),
        };
        decoded.iter().try_for_each(out::json_line)?;
    }
}
