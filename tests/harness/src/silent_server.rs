//! A server that takes connections and says nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::observe;

/// See the module's text. Dropping it ends its connections.
pub struct SilentServer {
    address: String,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl SilentServer {
    /// Starts a server on loopback.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("binding a port")?;
        let address = listener.local_addr().context("reading the port")?.to_string();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                held.push(connection);
                counter.fetch_add(1, Ordering::SeqCst);
            }
        });
        Ok(Self { address, connections, task })
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits until so many connections have been made since its start.
    ///
    /// # Errors
    /// When they are not within the limit; the message says how many there are.
    pub async fn connected(&self, limit: Duration, count: usize) -> Result<()> {
        let are_there = || {
            let connections = self.connections.load(Ordering::SeqCst);
            std::future::ready(if connections >= count { Ok(()) } else { Err(format!("{connections} connections")) })
        };
        observe(limit, &format!("{count} connections"), are_there).await
    }
}

impl Drop for SilentServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
