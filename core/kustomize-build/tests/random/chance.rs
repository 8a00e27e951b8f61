//! Chance from a seed: SplitMix64 (Steele, Lea and Flood, 2014), written out so that a seed means the same tree for ever.

/// A source of chance.
pub(crate) struct Chance(u64);

impl Chance {
    /// Equal seeds give equal chance.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D).wrapping_add(1))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Less than `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("it is below a usize")
    }

    /// True this often in a hundred.
    pub(crate) fn percent(&mut self, often: usize) -> bool {
        self.below(100) < often
    }

    /// True so rarely that a tree with a dozen such places mostly has none.
    pub(crate) fn rarely(&mut self) -> bool {
        self.below(400) == 0
    }

    /// One of them.
    pub(crate) fn pick<'v, T: ?Sized>(&mut self, of: &[&'v T]) -> &'v T {
        of[self.below(of.len())]
    }

    /// One of them, if there are any.
    pub(crate) fn choose<'v, T>(&mut self, of: &'v [T]) -> Option<&'v T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }

    /// In another order.
    pub(crate) fn shuffle<T>(&mut self, of: &mut [T]) {
        for end in (1..of.len()).rev() {
            of.swap(end, self.below(end + 1));
        }
    }
}

/// Every line but empty ones moved to the right.
pub(crate) fn indented(text: &str, columns: usize) -> String {
    let margin = " ".repeat(columns);
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{margin}{line}\n") }).collect()
}

/// The lines as an entry of a list.
pub(crate) fn entry(text: &str) -> String {
    let moved = indented(text, 2);
    format!("- {}", moved.trim_start())
}
