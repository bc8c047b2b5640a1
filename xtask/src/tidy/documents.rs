//! Rules that keep documents and manifests in step with the code.

use super::{File, Finding};
use std::collections::BTreeSet;

/// The map of the code in `ARCHITECTURE.md` names every crate.
pub(super) fn crates_missing_in_the_code_map(files: &[File]) -> Vec<Finding> {
    let crates: BTreeSet<&str> = files
        .iter()
        .filter_map(|file| file.path.strip_suffix("/Cargo.toml"))
        .filter(|folder| folder.starts_with("crates/"))
        .collect();
    let Some(architecture) = files.iter().find(|file| file.path == "ARCHITECTURE.md") else {
        return Vec::new();
    };
    crates
        .into_iter()
        .filter(|folder| !architecture.text.contains(&format!("`{folder}`")))
        .map(|folder| Finding::new(architecture, 0, format!("the code map lacks `{folder}`")))
        .collect()
}

/// Each dependency stands once, in the root manifest, with what it is for; the others say `workspace = true`.
pub(super) fn dependencies_without_reason(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        let mut section = "";
        for (number, line) in (1..).zip(file.text.lines()) {
            if line.starts_with('[') {
                section = line;
            }
            let Some((name, value)) = line.split_once('=').filter(|(name, _)| !name.starts_with(['#', ' ']))
            else {
                continue;
            };
            let name = name.trim();
            if section == "[workspace.dependencies]" {
                let ours = name.starts_with("yeoul");
                if !ours && !value.contains(" # ") {
                    findings.push(Finding::new(
                        file,
                        number,
                        format!("`{name}`: say in a comment what it is for"),
                    ));
                }
            } else if section.contains("dependencies]") && !line.contains("workspace = true") {
                findings.push(Finding::new(file, number, format!("`{name}`: take it from the workspace")));
            }
        }
    }
    findings
}

/// The Korean `README.ko.md` has the sections and the examples of `README.md`.
pub(super) fn readmes_with_other_headings(files: &[File]) -> Vec<Finding> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let (Some(english), Some(korean)) = (find("README.md"), find("README.ko.md")) else { return Vec::new() };
    let (expected, got) = (outline(&english.text), outline(&korean.text));
    if expected == got {
        return Vec::new();
    }
    let text = format!("headings and examples differ from README.md: there `{expected}`, here `{got}`");
    vec![Finding::new(korean, 0, text)]
}

/// The pages that `cargo xtask codecs` writes are what it would write.
pub(super) fn stale_tables(files: &[File]) -> Vec<Finding> {
    let pages = crate::codecs::pages();
    let stale =
        files.iter().filter(|file| pages.iter().any(|page| page.path == file.path && page.text != file.text));
    stale.map(|file| Finding::new(file, 0, "is not what the code says: run `cargo xtask codecs`")).collect()
}

/// The levels of the headings and the kinds of the examples, in order, e.g. `# ## sh ## yaml`.
fn outline(text: &str) -> String {
    let mut marks = Vec::new();
    let mut in_example = false;
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("```") {
            in_example = !in_example;
            marks.extend(in_example.then_some(kind));
        } else if line.starts_with('#') && !in_example {
            marks.extend(line.split(' ').next());
        }
    }
    marks.join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{file, places};
    use super::*;

    #[test]
    fn code_map_must_name_every_crate() {
        let files = [
            file("ARCHITECTURE.md", "| `crates/rtp` | packets |"),
            file("crates/rtp/Cargo.toml", ""),
            file("crates/rtsp/Cargo.toml", ""),
        ];
        let findings = crates_missing_in_the_code_map(&files);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].text.contains("crates/rtsp"));
    }

    #[test]
    fn dependencies_need_a_reason_and_one_place() {
        let root = "[workspace.dependencies]\nyeoul-rtp = { path = \"crates/rtp\" }\nurl = \"2\"  # URLs\nhex = \"0.4\"\n";
        let member = "[dependencies]\nurl.workspace = true\ntokio = { workspace = true }\nhex = \"0.4\"\n";
        let files = [file("Cargo.toml", root), file("crates/rtp/Cargo.toml", member)];
        assert_eq!(places(&dependencies_without_reason(&files)), ["Cargo.toml:4", "crates/rtp/Cargo.toml:4"]);
    }

    #[test]
    fn tables_must_be_what_the_code_says() {
        let page = crate::codecs::pages().remove(0);
        assert_eq!(stale_tables(&[file(page.path, &page.text)]), []);
        assert_eq!(
            places(&stale_tables(&[file(page.path, &page.text.replace("| yes", "| –"))])),
            ["docs/codecs.md:0"]
        );
    }

    #[test]
    fn readmes_must_have_the_same_outline() {
        let readmes =
            |korean| [file("README.md", "# A\n```sh\n# b\n```\n## C\n"), file("README.ko.md", korean)];
        assert_eq!(readmes_with_other_headings(&readmes("# 가\n```sh\n# 나\n```\n## 다\n")), []);
        assert_eq!(readmes_with_other_headings(&readmes("# 가\n## 다\n")).len(), 1);
    }
}
