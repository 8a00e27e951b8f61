//! A set that was read to its end.

/// Everything there is, not what happened to arrive: whoever holds one may conclude that what is absent is not wanted.
///
/// The one way to make it is from results, each of which must be a success. An error anywhere is an error here, so a
/// failed read, a partial page or an unknown kind can never look like an absence.
#[derive(Clone, Debug, PartialEq)]
pub struct Complete<T>(Vec<T>);

impl<T> Complete<T> {
    /// All of `results`, or the first error among them.
    pub fn of<E>(results: impl IntoIterator<Item = Result<T, E>>) -> Result<Self, E> {
        results.into_iter().collect::<Result<Vec<T>, E>>().map(Self)
    }

    /// The members, in the order in which they were read.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// The members.
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_leaves_no_set() {
        assert_eq!(Complete::of([Ok(1), Err("lost"), Ok(3)]), Err("lost"));
        assert_eq!(Complete::of([Ok::<_, &str>(1), Ok(3)]).map(Complete::into_inner), Ok(vec![1, 3]));
    }
}
