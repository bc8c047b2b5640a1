//! The configuration file as callers of the API change it: one stream at a time. Everything else in it stays as it is, to the letter.
//!
//! A file that others read at any time is never half written: the new one takes its place.

use super::edit;
pub(crate) use super::edit::Change;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::Path;

/// Why the file is as it was: a sentence for the caller.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("{0}: {1}")]
    Edit(String, edit::EditError),
    #[error("{0} cannot be written: {1}")]
    Write(String, io::Error),
}

/// Changes the stream `name` in the file, which is made if it is not there.
///
/// # Errors
/// If it cannot be read or written, or is written in a way that cannot be changed with certainty.
pub(crate) fn change_stream(path: &Path, name: &str, change: &Change) -> Result<(), FileError> {
    let shown = path.display().to_string();
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(FileError::Write(shown, error)),
    };
    match edit::change(&text, name, change) {
        Ok(None) => Ok(()),
        Ok(Some(changed)) => write(path, &changed).map_err(|error| FileError::Write(shown, error)),
        Err(error) => Err(FileError::Edit(shown, error)),
    }
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    // Where the name is a link, what it leads to is the file.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = Path::new(&beside);
    let replaced = create_like(path, beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(beside, path));
    let Err(error) = replaced else { return Ok(()) };
    let _ = fs::remove_file(beside);
    // A file that is mounted into a container cannot be replaced, and its folder may not be ours. But on a full disk the old file would
    // be lost, and there would be no new one.
    let cannot_be_replaced = matches!(
        error.kind(),
        ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::ResourceBusy
            | ErrorKind::CrossesDevices
    );
    if cannot_be_replaced { fs::write(path, text) } else { Err(error) }
}

/// A new file with the owner and the permissions of another.
fn create_like(path: &Path, beside: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(beside)?;
    if let Ok(like) = fs::metadata(path) {
        // Only root may give files away, and needs to.
        let _ = fchown(&file, Some(like.uid()), Some(like.gid()));
        file.set_permissions(like.permissions())?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_keeps_its_permissions_and_its_links() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("real.yaml"), folder.path().join("link.yaml"));
        fs::write(&file, "# mine\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        change_stream(&link, "cam", &Change::Set(vec!["rtsp://192.0.2.1/".to_owned()])).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("# mine\n") && text.contains("rtsp://192.0.2.1/"), "{text}");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn a_file_that_is_not_there_is_made_and_a_folder_that_is_not_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let set = Change::Set(vec!["rtsp://192.0.2.1/".to_owned()]);
        change_stream(&folder.path().join("new.yaml"), "cam", &set).unwrap();
        assert!(fs::read_to_string(folder.path().join("new.yaml")).unwrap().contains("cam"));
        let error = change_stream(&folder.path().join("no/new.yaml"), "cam", &set).unwrap_err().to_string();
        assert!(error.contains("cannot be written"), "{error}");
    }
}
