//! Where work is done that takes a while without waiting for anybody: on the disk, and unpacking.

/// Where blocking work runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Blocking {
    /// On tokio's threads for blocking work: nothing else has to wait for it.
    #[default]
    OnThreads,
    /// At once, on the caller's own: for simulations, in which everything happens in one order.
    InPlace,
}

impl Blocking {
    pub(crate) async fn run<R: Send + 'static>(self, work: impl FnOnce() -> R + Send + 'static) -> R {
        match self {
            Self::InPlace => work(),
            Self::OnThreads => match tokio::task::spawn_blocking(work).await {
                Ok(outcome) => outcome,
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            },
        }
    }
}
