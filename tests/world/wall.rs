use std::path::{Path, PathBuf};
use std::process::Command;

/// Tells a program that it is later than it is, by the clock that people can set. Monotonic clocks and the time since boot
/// stay as they are.
const AHEAD: &str = r#"
#include <sys/syscall.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t clock, struct timespec *time) {
    long failed = syscall(SYS_clock_gettime, clock, time);
    const char *ahead = getenv("WALL_CLOCK_AHEAD");
    if (!failed && clock == CLOCK_REALTIME && ahead) time->tv_sec += atol(ahead);
    return (int) failed;
}
"#;

/// A library to be preloaded, made with the C compiler that SQLite needs too.
pub(super) fn library(folder: &Path) -> PathBuf {
    let (source, library) = (folder.join("wall.c"), folder.join("wall.so"));
    std::fs::write(&source, AHEAD).unwrap();
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
    assert!(made.expect("there is a C compiler").success());
    library
}
