//! Receivers that only take what comes, as cheaply as the load does.

use super::LIFE;
use anyhow::Result;
use std::net::Ipv4Addr;
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

/// More than a frame.
const BUFFER: usize = 64 << 10;

/// Tells its port and takes connections.
pub(super) fn tcp() -> Result<()> {
    until_end(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (mut socket, _) = listener.accept().await?;
            tokio::spawn(async move {
                let mut buffer = vec![0; BUFFER];
                while socket.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
            });
        }
    })
}

/// Tells the ports of its sockets.
pub(super) fn udp(sockets: usize) -> Result<()> {
    until_end(async {
        let mut ports = Vec::new();
        for _ in 0..sockets {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            ports.push(socket.local_addr()?.port().to_string());
            // Without receive offload, as the load on one machine: see `load::socket`.
            tokio::spawn(async move {
                let mut buffer = [0; 2048];
                while socket.recv(&mut buffer).await.is_ok() {}
            });
        }
        println!("{}", ports.join(","));
        std::future::pending::<()>().await;
        Ok(())
    })
}

/// Runs it for [`LIFE`] at most: whoever started it ends it before.
fn until_end(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { timeout(LIFE, work).await.unwrap_or(Ok(())) })
}
