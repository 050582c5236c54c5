//! Serial devices of this machine, so that an installer need not guess.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::table::table;
use super::{Exit, out};

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Port {
    /// What to write into the configuration: a name that stays with the adapter where there is one.
    device: PathBuf,
    /// The kernel's name of it.
    kernel_name: String,
}

pub(super) fn run(json: bool) -> anyhow::Result<Exit> {
    let ports = ports(Path::new("/sys/class/tty"), Path::new("/dev"));
    if json {
        out::json(&ports)?;
    } else if ports.is_empty() {
        out::line("this machine has no serial device; is the adapter plugged in?")?;
    } else {
        let rows = ports.iter().map(|port| [port.device.display().to_string(), port.kernel_name.clone()]);
        out::text(&table(["DEVICE", "KERNEL NAME"], rows))?;
    }
    Ok(Exit::Ok)
}

/// Terminals with hardware behind them. On-board ports that the board does not have are listed by the kernel with
/// type 0 and left out.
fn ports(class: &Path, dev: &Path) -> Vec<Port> {
    let mut ports = Vec::new();
    for entry in fs::read_dir(class).into_iter().flatten().flatten() {
        let kernel_name = entry.file_name().to_string_lossy().into_owned();
        let missing = fs::read_to_string(entry.path().join("type")).is_ok_and(|kind| kind.trim() == "0");
        if entry.path().join("device").exists() && !missing {
            let device = stable_name(dev, &kernel_name).unwrap_or_else(|| dev.join(&kernel_name));
            ports.push(Port { device, kernel_name });
        }
    }
    ports.sort();
    ports
}

fn stable_name(dev: &Path, kernel_name: &str) -> Option<PathBuf> {
    let links = fs::read_dir(dev.join("serial/by-id")).ok()?.flatten().map(|entry| entry.path());
    let mut links: Vec<_> = links
        .filter(|link| fs::read_link(link).is_ok_and(|to| to.file_name().is_some_and(|n| n == kernel_name)))
        .collect();
    links.sort();
    links.into_iter().next()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn adapters_are_named_by_what_stays_with_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let (class, dev) = (folder.path().join("tty"), folder.path().join("dev"));
        for (name, kind) in [("ttyUSB0", None), ("ttyS0", Some("4")), ("ttyS1", Some("0"))] {
            fs::create_dir_all(class.join(name).join("device")).expect("made");
            if let Some(kind) = kind {
                fs::write(class.join(name).join("type"), format!("{kind}\n")).expect("written");
            }
        }
        fs::create_dir_all(class.join("tty7")).expect("made");
        fs::create_dir_all(dev.join("serial/by-id")).expect("made");
        symlink("../../ttyUSB0", dev.join("serial/by-id/usb-FTDI_1234")).expect("linked");
        let names: Vec<_> = ports(&class, &dev).into_iter().map(|port| (port.kernel_name, port.device)).collect();
        let expected =
            [("ttyUSB0".to_owned(), dev.join("serial/by-id/usb-FTDI_1234")), ("ttyS0".to_owned(), dev.join("ttyS0"))];
        assert!(names.len() == 2 && expected.iter().all(|port| names.contains(port)), "{names:?}");
    }
}
