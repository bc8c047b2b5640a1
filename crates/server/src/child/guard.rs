//! A child must not outlive this program, however that ends.
//!
//! Linux kills a process when its parent is gone, if the process has asked for that (prctl(2), `PR_SET_PDEATHSIG`), and keeps the wish
//! over `exec`. Asking between `fork` and `exec` would be unsafe code; so a child is this same program at first, which asks and
//! then becomes what was to be run. The kernel means the thread that started it by "parent": children are started by threads of the
//! runtime, which live as long as it.
//!
//! Elsewhere, and where this is only a library, a child finds its pipes closed, which ends most programs.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

/// The first argument of this program when it is to become another one: followed by the number of its parent, the program and
/// its arguments.
pub(crate) const MARK: &str = "__child-of";

/// Whether this process is the program whose [`MARK`] means something.
static IS_PROGRAM: AtomicBool = AtomicBool::new(false);

/// Says that this process is the program itself.
pub(crate) fn enable() {
    IS_PROGRAM.store(cfg!(target_os = "linux"), Ordering::Relaxed);
}

/// The command that runs `program`.
///
/// # Errors
/// If there is no such program.
pub(super) fn command(program: &str, arguments: &[String]) -> io::Result<Command> {
    let found = find(program)?;
    let mut command = if IS_PROGRAM.load(Ordering::Relaxed) {
        // Also when its file has been replaced by a newer one meanwhile.
        let mut command = Command::new("/proc/self/exe");
        command.arg(MARK).arg(std::process::id().to_string()).arg(found);
        command
    } else {
        Command::new(found)
    };
    command.args(arguments);
    Ok(command)
}

/// Becomes the program of these arguments, those behind [`MARK`]. Returns only if that fails.
pub(crate) fn become_child(mut arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let parent = arguments.next().and_then(|parent| parent.to_str()?.parse::<i32>().ok());
    let Some(program) = arguments.next() else { return ExitCode::FAILURE };
    if !ask(parent) {
        return ExitCode::FAILURE;
    }
    let error = Command::new(&program).args(arguments).exec();
    let _ = io::Write::write_all(
        &mut io::stderr(),
        format!("{} cannot be run: {error}\n", program.display()).as_bytes(),
    );
    ExitCode::from(127)
}

/// Asks to be killed with the parent; false if that is gone already.
#[cfg(target_os = "linux")]
fn ask(parent: Option<i32>) -> bool {
    use rustix::process::{Signal, getppid, set_parent_process_death_signal};
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    getppid().map(|now| now.as_raw_nonzero().get()) == parent
}

#[cfg(not(target_os = "linux"))]
fn ask(_parent: Option<i32>) -> bool {
    true
}

/// Where a program is: a path as it is, a name in `PATH`.
fn find(program: &str) -> io::Result<PathBuf> {
    let missing = || io::Error::from(io::ErrorKind::NotFound);
    if program.contains('/') {
        return Path::new(program).exists().then(|| PathBuf::from(program)).ok_or_else(missing);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(program));
    places.find(|place| !program.is_empty() && place.is_file()).ok_or_else(missing)
}
