//! Data that is shared between projects and lives outside the repository: recordings of real cameras, test streams.

use std::path::{Path, PathBuf};

/// The shared data folder: `$YEOUL_SHARED`, else `shared` beside the workspace.
///
/// Where there is none, one line says so and the caller returns: such a test is skipped, not failed.
pub fn shared() -> Option<PathBuf> {
    let found = match std::env::var_os("YEOUL_SHARED") {
        Some(folder) => Some(PathBuf::from(folder)),
        // At compile time the workspace's place is known; the binary may have been moved since.
        None => {
            [Path::new(env!("CARGO_MANIFEST_DIR")).to_owned(), std::env::current_dir().unwrap_or_default()]
                .iter()
                .flat_map(|start| start.ancestors())
                .filter(|folder| folder.join("Cargo.lock").exists())
                .filter_map(|workspace| Some(workspace.parent()?.join("shared")))
                .find(|folder| folder.is_dir())
        }
    };
    let found = found.filter(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("skipped: no shared data folder (`../shared` beside the workspace, or set YEOUL_SHARED)");
    }
    found
}

/// What a real camera answered: a whole RTSP response, or a bare SDP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// The file's name without its ending, e.g. `hikvision_describe`; it names the camera.
    pub name: String,
    /// The file's bytes as they are.
    pub bytes: Vec<u8>,
}

/// Every capture in `captures/cameras`, by name; empty, with a line that says so, where the folder is missing.
///
/// # Panics
/// When a file is there and cannot be read.
pub fn captures() -> Vec<Capture> {
    let Some(folder) = shared().map(|shared| shared.join("captures/cameras")) else { return Vec::new() };
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} cannot be read", folder.display());
        return Vec::new();
    };
    let mut found: Vec<Capture> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "txt"))
        .map(|path| Capture {
            name: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            bytes: std::fs::read(&path).expect("a listed capture can be read"),
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// The capture of that name; `None`, with a line that says so, where the folder is missing.
///
/// # Panics
/// When the folder is there and has no such capture: the test names a file that does not exist.
pub fn capture(name: &str) -> Option<Capture> {
    let mut found = captures();
    if found.is_empty() {
        return None;
    }
    let at = found.iter().position(|capture| capture.name == name).expect("the capture's name exists");
    Some(found.swap_remove(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_are_sorted_and_not_empty() {
        let found = captures();
        assert!(found.iter().all(|capture| !capture.bytes.is_empty()));
        assert!(found.is_sorted_by(|a, b| a.name < b.name));
        if let Some(first) = found.first() {
            assert_eq!(capture(&first.name).as_ref(), Some(first));
        }
    }
}
