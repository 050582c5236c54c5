use super::Exit;
use super::args::DecodeArgs;

pub(super) fn run(_args: &DecodeArgs) -> anyhow::Result<Exit> {
    Ok(Exit::Ok)
}
