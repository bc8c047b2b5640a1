//! Work on pictures off the async threads, on a bounded number of threads.

use crate::limits::PICTURE_JOBS_WAITING;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::available_parallelism;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Runs work on pictures.
#[derive(Debug)]
pub(super) struct Jobs {
    permits: Semaphore,
    waiting: AtomicUsize,
}

/// Why work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum JobError {
    /// Too much is waiting.
    #[error(
        "{0} pictures wait to be made already, which is the most that may; ask again later, or for smaller ones"
    )]
    Busy(usize),
    /// A decoder or an encoder has panicked; the job has ended, nothing else.
    #[error("what makes the pictures has failed inside; the log tells where")]
    Panicked,
}

impl Jobs {
    /// Never on more than half of the processors: the rest is for what is live.
    pub(super) fn new() -> Self {
        let threads = available_parallelism().map_or(1, |threads| threads.get() / 2).max(1);
        Self { permits: Semaphore::new(threads), waiting: AtomicUsize::new(0) }
    }

    /// Does `work` for somebody who asked for it.
    ///
    /// # Errors
    /// If too many wait, or the work panics: that ends here.
    pub(super) async fn answer<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JobError> {
        let waiting = Waiting(Arc::clone(self));
        let others = self.waiting.fetch_add(1, Ordering::Relaxed);
        if others >= PICTURE_JOBS_WAITING {
            return Err(JobError::Busy(others));
        }
        let done = self.work(work).await;
        drop(waiting);
        done
    }

    /// Does `work`, however many wait: there is one such job of each stream at most.
    ///
    /// # Errors
    /// If the work panics: that ends here.
    pub(super) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, JobError> {
        // It is never closed.
        let _permit = self.permits.acquire().await.map_err(|_| JobError::Panicked)?;
        // The unwinding of a panic stops at the border of the thread's task.
        spawn_blocking(work).await.map_err(|_| JobError::Panicked)
    }
}

/// Counts one who waits, however that ends.
struct Waiting(Arc<Jobs>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_ends_its_job_only() {
        let jobs = Arc::new(Jobs::new());
        assert_eq!(jobs.answer(|| panic!("a decoder's bug")).await, Err::<(), _>(JobError::Panicked));
        assert_eq!(jobs.answer(|| 7).await, Ok(7));
        assert_eq!(jobs.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn more_than_the_bound_are_refused() {
        let jobs = Arc::new(Jobs { permits: Semaphore::new(0), waiting: AtomicUsize::new(0) });
        let ask = || {
            let jobs = Arc::clone(&jobs);
            tokio::spawn(async move { jobs.answer(|| ()).await })
        };
        let waiting: Vec<_> = (0..PICTURE_JOBS_WAITING).map(|_| ask()).collect();
        tokio::task::yield_now().await;
        assert_eq!(ask().await.expect("it ends"), Err(JobError::Busy(PICTURE_JOBS_WAITING)));
        jobs.permits.add_permits(1);
        for answer in waiting {
            assert_eq!(answer.await.expect("it ends"), Ok(()));
        }
    }
}
