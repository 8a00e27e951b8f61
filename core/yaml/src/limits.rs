//! How much YAML is read before it is refused.

/// Limits of one [`read`](crate::read). The defaults hold a read of anything under 64 MiB above its input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Size of the text, in bytes.
    pub text_bytes_max: usize,
    /// Documents in one text.
    pub documents_max: usize,
    /// Mappings and sequences inside each other, after aliases are expanded.
    pub depth_max: usize,
    /// Nodes of all documents, after aliases are expanded. kyaml's reader counts keys and comments too, and twice what is in
    /// a document with aliases or merges. A tag counts once for every 64 bytes begun.
    pub nodes_max: usize,
    /// Nodes that anchors keep and aliases expand to.
    pub alias_nodes_max: usize,
    /// Bytes of text in nodes that anchors keep and aliases expand to.
    pub alias_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_bytes_max: 16 << 20,
            documents_max: 20_000,
            depth_max: 256,
            nodes_max: 500_000,
            alias_nodes_max: 100_000,
            alias_bytes_max: 8 << 20,
        }
    }
}
