//! How much one repository may cost.

use std::num::NonZeroU32;

/// The named limits of one fetch. Each is checked while the data arrives, not afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes received from the server in one operation, after any HTTP decompression.
    pub received_bytes_max: u64,
    /// Bytes of a cached repository; past it the cache is removed and cloned again (packs are never repacked).
    pub cache_bytes_max: u64,
    /// Packs in a cached repository; past it the cache is removed and cloned again.
    pub cache_packs_max: usize,
    /// Commits of history to fetch where a reference is followed.
    pub depth: NonZeroU32,
    /// Entries of a commit's tree, folders included.
    pub entries_max: usize,
    /// Bytes of one path, from the root of the tree.
    pub path_bytes_max: usize,
    /// Bytes of one file.
    pub file_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            received_bytes_max: 1 << 30,
            cache_bytes_max: 2 << 30,
            cache_packs_max: 64,
            depth: NonZeroU32::MIN,
            entries_max: 200_000,
            path_bytes_max: 4096,
            file_bytes_max: 128 << 20,
        }
    }
}
