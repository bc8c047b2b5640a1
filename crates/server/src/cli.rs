//! The command line.

use crate::app::Server;
use crate::config::Config;
use std::process::ExitCode;

/// The program: reads the command line, runs, and gives the exit code.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("yeoul: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::start(Config::default()).await?;
        tokio::signal::ctrl_c().await?;
        server.stop().await;
        Ok(())
    })
}
