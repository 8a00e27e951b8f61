//! How large an artifact may be. The writer and the reader keep the same limits, so what is published can be read.

/// The named limits of one artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the compressed archive.
    pub archive_bytes_max: u64,
    /// Bytes of the archive once decompressed, headers included.
    pub content_bytes_max: u64,
    /// Files and folders in the archive.
    pub entries_max: usize,
    /// Bytes of one path.
    pub path_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            archive_bytes_max: 100 << 20,
            content_bytes_max: 256 << 20,
            entries_max: 100_000,
            path_bytes_max: 4096,
        }
    }
}
