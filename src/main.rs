//! The program `panelgate`. Everything is in the library; see ARCHITECTURE.md.

use std::process::ExitCode;

fn main() -> ExitCode {
    panelgate::cli::run()
}
