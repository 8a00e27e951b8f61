//! What the server refused, told for the person who wrote the object.

use std::fmt;

use thalweg_kubernetes::{Error, Refusal as _};
use thalweg_manifest::{ObjectId, Origin};

/// What was being done when the server refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// Finding the kind among those that the server knows.
    Mapping,
    /// Reading the live object.
    Read,
    /// Asking what an apply would do.
    DryRun,
    /// Applying.
    Apply,
    /// Deleting.
    Delete,
}

/// One object that the server refused, and why.
#[derive(Debug, thiserror::Error)]
pub struct Refusal {
    /// The object.
    pub object: ObjectId,
    /// Where the object was read; empty for one that is only in the inventory.
    pub origin: Origin,
    /// What was being done.
    pub doing: Doing,
    /// The server's answer; `None` when the server does not know the kind.
    #[source]
    pub error: Option<Error>,
    /// `group/version` of the object, for [`Doing::Mapping`].
    pub api_version: String,
}

impl fmt::Display for Refusal {
    /// As Flux words it, with the file and line behind.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.object.subject();
        match (&self.error, self.doing) {
            (None, _) => write!(
                formatter,
                "{subject} dry-run failed: no matches for kind {:?} in version {:?}",
                self.object.kind, self.api_version
            )?,
            (Some(error), Doing::DryRun | Doing::Mapping) if error.is_not_found() => {
                if self.object.namespace.is_empty() {
                    write!(formatter, "{subject} namespace not specified: {}", error.message())?;
                } else {
                    write!(formatter, "{subject} not found: {}", error.message())?;
                }
            }
            (Some(error), Doing::DryRun | Doing::Mapping) => match reason(error) {
                Some(reason) => write!(formatter, "{subject} dry-run failed ({reason}): {}", error.message())?,
                None => write!(formatter, "{subject} dry-run failed: {}", error.message())?,
            },
            (Some(error), Doing::Read) => write!(formatter, "{subject} read failed: {}", error.message())?,
            (Some(error), Doing::Apply) => write!(formatter, "{subject} apply failed: {}", error.message())?,
            (Some(error), Doing::Delete) => write!(formatter, "{subject} delete failed: {}", error.message())?,
        }
        if self.origin.file.is_empty() { Ok(()) } else { write!(formatter, " ({})", self.origin) }
    }
}

fn reason(error: &Error) -> Option<&str> {
    error.status().map(|status| status.reason.as_str()).filter(|reason| !reason.is_empty())
}

/// At least one refusal, in apply order.
#[derive(Debug, thiserror::Error)]
pub struct Refusals(Vec<Refusal>);

impl Refusals {
    /// These refusals; `None` when there are none.
    pub fn of(refusals: Vec<Refusal>) -> Option<Self> {
        (!refusals.is_empty()).then_some(Self(refusals))
    }

    /// The refusals.
    pub fn iter(&self) -> std::slice::Iter<'_, Refusal> {
        self.0.iter()
    }

    /// Whether every refusal is the server's last word, rather than a failure to reach it.
    pub fn are_final(&self) -> bool {
        self.0.iter().all(|refusal| refusal.error.as_ref().is_none_or(|error| error.status().is_some()))
    }
}

impl From<Refusal> for Refusals {
    fn from(refusal: Refusal) -> Self {
        Self(vec![refusal])
    }
}

impl fmt::Display for Refusals {
    /// A line each.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            refusal.fmt(formatter)?;
        }
        Ok(())
    }
}
