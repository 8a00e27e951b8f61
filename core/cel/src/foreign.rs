//! Values of types that CEL itself does not know.

use std::any::Any;
use std::cmp::Ordering;
use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::LazyLock;

use cel::ExecutionError;
use cel::common::traits::{Adder, Comparer, Subtractor};
use cel::common::types::Type;
use cel::common::value::{CowVal, StaticVal, Val};

use crate::network::{Cidr, Url};
use crate::quantity::Quantity;
use crate::time::{Duration, Timestamp};

/// A value of such a type.
#[derive(Clone, Debug)]
pub(crate) struct Foreign<T>(pub(crate) T);

/// A type with a name in CEL, and what its values can do.
pub(crate) trait Named: Clone + Debug + PartialEq + Send + Sync + 'static {
    /// What CEL calls it.
    const NAME: &'static str;

    /// The type, as its values refer to it.
    fn known() -> &'static Type;

    fn type_() -> Type {
        Type::new_opaque_type(Self::NAME)
    }

    /// How two of them are ordered by `<`, if they are.
    fn order(&self, _other: &Self) -> Option<Ordering> {
        None
    }

    fn sum<'v>(&self, _other: &dyn Val) -> Option<Box<dyn Val + 'v>> {
        None
    }

    fn difference<'v>(&self, _other: &dyn Val) -> Option<Box<dyn Val + 'v>> {
        None
    }
}

/// Names a type.
macro_rules! named {
    ($name:literal) => {
        const NAME: &'static str = $name;

        fn known() -> &'static Type {
            static TYPE: LazyLock<Type> = LazyLock::new(|| Type::new_opaque_type($name));
            &TYPE
        }
    };
}

impl Named for Quantity {
    named!("kubernetes.Quantity");
}

impl Named for Url {
    named!("kubernetes.URL");
}

impl Named for IpAddr {
    named!("net.IP");
}

impl Named for Cidr {
    named!("net.CIDR");
}

impl Named for Duration {
    named!("google.protobuf.Duration");

    fn order(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    fn sum<'v>(&self, other: &dyn Val) -> Option<Box<dyn Val + 'v>> {
        if let Some(Foreign(time)) = other.downcast_ref::<Foreign<Timestamp>>() {
            return time.later(*self).map(|time| Box::new(Foreign(time)) as _);
        }
        let Foreign(other) = other.downcast_ref::<Foreign<Duration>>()?;
        self.plus(*other).map(|sum| Box::new(Foreign(sum)) as _)
    }

    fn difference<'v>(&self, other: &dyn Val) -> Option<Box<dyn Val + 'v>> {
        let Foreign(other) = other.downcast_ref::<Foreign<Duration>>()?;
        self.plus(other.negated()).map(|difference| Box::new(Foreign(difference)) as _)
    }
}

impl Named for Timestamp {
    named!("google.protobuf.Timestamp");

    fn order(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }

    fn sum<'v>(&self, other: &dyn Val) -> Option<Box<dyn Val + 'v>> {
        let Foreign(duration) = other.downcast_ref::<Foreign<Duration>>()?;
        self.later(*duration).map(|time| Box::new(Foreign(time)) as _)
    }

    fn difference<'v>(&self, other: &dyn Val) -> Option<Box<dyn Val + 'v>> {
        if let Some(Foreign(other)) = other.downcast_ref::<Foreign<Timestamp>>() {
            return self.since(*other).map(|duration| Box::new(Foreign(duration)) as _);
        }
        let Foreign(duration) = other.downcast_ref::<Foreign<Duration>>()?;
        self.later(duration.negated()).map(|time| Box::new(Foreign(time)) as _)
    }
}

impl<T: Named> Val for Foreign<T> {
    fn get_type(&self) -> &Type {
        T::known()
    }

    fn cel_type() -> &'static Type {
        T::known()
    }

    fn as_adder<'b, 'v>(&'b self) -> Option<&'b (dyn Adder + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_subtractor<'b, 'v>(&'b self) -> Option<&'b (dyn Subtractor + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_comparer(&self) -> Option<&dyn Comparer> {
        Some(self)
    }

    fn equals(&self, other: &dyn Val) -> bool {
        other.downcast_ref::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl<T: Named> StaticVal for Foreign<T> {}

impl<T: Named> Comparer for Foreign<T> {
    fn compare(&self, other: &dyn Val) -> Result<Ordering, ExecutionError> {
        let other = other.downcast_ref::<Self>();
        other.and_then(|other| self.0.order(&other.0)).ok_or_else(no_such_overload)
    }
}

impl<T: Named> Adder for Foreign<T> {
    fn add<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.0.sum(other).map(CowVal::Owned).ok_or_else(no_such_overload)
    }
}

impl<T: Named> Subtractor for Foreign<T> {
    fn sub<'b, 'v>(&'b self, other: &(dyn Val + 'v)) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.0.difference(other).map(CowVal::Owned).ok_or_else(no_such_overload)
    }
}

fn no_such_overload() -> ExecutionError {
    ExecutionError::function_error("", "no such overload")
}
