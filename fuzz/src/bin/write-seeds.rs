//! Writes the seeds of every target to `fuzz/corpus/<target>/`, where libFuzzer looks for them.

use std::path::Path;

fn main() -> std::io::Result<()> {
    for target in yeoul_fuzz::TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (number, seed) in (target.seeds)().iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed)?;
        }
    }
    Ok(())
}
