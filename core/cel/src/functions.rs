//! The functions that Kubernetes adds to CEL.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::net::IpAddr;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelString, DYN_TYPE, INT_TYPE, LIST_TYPE, STRING_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::{DeclarationError, Env, ExecutionError};
use regex::Regex;

use crate::foreign::{Foreign, Named};
use crate::network::{Cidr, Url, family, parse_ip};
use crate::quantity::Quantity;
use crate::time::{Duration, Timestamp};

type Argument<'b, 'v> = CowVal<'b, 'v>;
type Answer<'v> = Result<Box<dyn Val + 'v>, ExecutionError>;

/// Names that a function may be called by, for what is refused at once rather than when a rule is run.
pub(crate) const FUNCTIONS: &[&str] = &[
    // CEL itself.
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "matches",
    "string",
    "int",
    "uint",
    "double",
    "bool",
    "bytes",
    "dyn",
    "type",
    "duration",
    "timestamp",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getFullYear",
    "getHours",
    "getMilliseconds",
    "getMinutes",
    "getMonth",
    "getSeconds",
    "optional.of",
    "optional.none",
    "optional.ofNonZeroValue",
    "hasValue",
    "value",
    "or",
    "orValue",
    "optMap",
    "optFlatMap",
    "max",
    "min",
    // Its extensions.
    "charAt",
    "indexOf",
    "lastIndexOf",
    "join",
    "lowerAscii",
    "upperAscii",
    "trim",
    "replace",
    "split",
    "substring",
    "format",
    "reverse",
    "strings.quote",
    "math.greatest",
    "math.least",
    "math.ceil",
    "math.floor",
    "math.round",
    "math.abs",
    "math.trunc",
    "math.sign",
    // Kubernetes' own, declared below.
    "quantity",
    "isQuantity",
    "sign",
    "isGreaterThan",
    "isLessThan",
    "compareTo",
    "asInteger",
    "isInteger",
    "asApproximateFloat",
    "add",
    "sub",
    "url",
    "isURL",
    "getScheme",
    "getHost",
    "getHostname",
    "getPort",
    "getEscapedPath",
    "getQuery",
    "ip",
    "isIP",
    "ip.isCanonical",
    "family",
    "isUnspecified",
    "isLoopback",
    "isLinkLocalMulticast",
    "isLinkLocalUnicast",
    "isGlobalUnicast",
    "cidr",
    "isCIDR",
    "containsIP",
    "containsCIDR",
    "prefixLength",
    "masked",
    "find",
    "findAll",
    "isSorted",
    "sum",
    "sets.contains",
    "sets.equivalent",
    "sets.intersects",
];

/// Declares the functions.
pub(crate) fn declare(environment: &mut Env) -> Result<(), DeclarationError> {
    declare_quantities(environment)?;
    declare_urls(environment)?;
    declare_networks(environment)?;
    declare_times(environment)?;
    declare_lists(environment)
}

/// `style "name"(types) = operation`, where `member` is called on its first argument and `global` is not.
macro_rules! overloads {
    ($environment:ident; $($style:ident $name:literal ($($type_:expr),*) = $operation:expr;)*) => {
        $(overloads!(@ $style $environment $name [$($type_),*] $operation)?;)*
        return Ok(())
    };
    (@ global $environment:ident $name:literal [$($type_:expr),*] $operation:expr) => {{
        let id = concat!($name, "(", stringify!($($type_),*), ")");
        $environment.add_overload($name, id, vec![$($type_),*], |arguments| answer(arguments, $operation))
    }};
    (@ member $environment:ident $name:literal [$target:expr $(, $type_:expr)*] $operation:expr) => {{
        let id = concat!(stringify!($target), ".", $name, "(", stringify!($($type_),*), ")");
        $environment.add_member_overload($name, id, $target, vec![$($type_),*], |arguments| answer(arguments, $operation))
    }};
}

fn declare_quantities(environment: &mut Env) -> Result<(), DeclarationError> {
    let quantity = Quantity::type_;
    overloads! { environment;
        global "quantity"(STRING_TYPE) = |of| Quantity::parse(text(&of[0])?).map(foreign).ok_or_else(not_a_quantity);
        global "isQuantity"(STRING_TYPE) = |of| flag(Quantity::parse(text(&of[0])?).is_some());
        member "sign"(quantity()) = |of| number(this::<Quantity>(of)?.sign());
        member "isInteger"(quantity()) = |of| flag(this::<Quantity>(of)?.as_integer().is_some());
        member "asInteger"(quantity()) = |of| {
            number(this::<Quantity>(of)?.as_integer().ok_or_else(|| failed("cannot convert value to integer"))?)
        };
        member "asApproximateFloat"(quantity()) = |of| Ok(Box::new(CelDouble::from(this::<Quantity>(of)?.as_float())));
        member "compareTo"(quantity(), quantity()) = |of| number(this::<Quantity>(of)?.compare(*other(of)?));
        member "isGreaterThan"(quantity(), quantity()) = |of| flag(this::<Quantity>(of)? > other(of)?);
        member "isLessThan"(quantity(), quantity()) = |of| flag(this::<Quantity>(of)? < other(of)?);
        member "add"(quantity(), quantity()) = |of| quantity_or_overflow(this::<Quantity>(of)?.plus(*other(of)?));
        member "sub"(quantity(), quantity()) = |of| quantity_or_overflow(this::<Quantity>(of)?.minus(*other(of)?));
        member "add"(quantity(), INT_TYPE) = |of| {
            quantity_or_overflow(this::<Quantity>(of)?.plus(Quantity::whole(whole(&of[1])?)))
        };
        member "sub"(quantity(), INT_TYPE) = |of| {
            quantity_or_overflow(this::<Quantity>(of)?.minus(Quantity::whole(whole(&of[1])?)))
        };
    }
}

fn declare_urls(environment: &mut Env) -> Result<(), DeclarationError> {
    let url = Url::type_;
    overloads! { environment;
        global "url"(STRING_TYPE) = |of| Url::parse(text(&of[0])?).map(foreign).map_err(|why| failed(&why));
        global "isURL"(STRING_TYPE) = |of| flag(Url::parse(text(&of[0])?).is_ok());
        member "getScheme"(url()) = |of| string(this::<Url>(of)?.scheme.as_str());
        member "getHost"(url()) = |of| string(this::<Url>(of)?.host.as_str());
        member "getHostname"(url()) = |of| string(this::<Url>(of)?.hostname());
        member "getPort"(url()) = |of| string(this::<Url>(of)?.port());
        member "getEscapedPath"(url()) = |of| string(this::<Url>(of)?.path.as_str());
        member "getQuery"(url()) = |of| {
            let pairs = &this::<Url>(of)?.query;
            let entries = pairs.iter().map(|(key, _)| {
                let values = pairs.iter().filter(|(other, _)| other == key).map(|(_, value)| value.as_str());
                (CelMapKey::from(key.clone()), texts(values))
            });
            Ok(Box::new(CelMap::from(entries.collect::<HashMap<_, _>>())))
        };
    }
}

fn declare_networks(environment: &mut Env) -> Result<(), DeclarationError> {
    let (ip, cidr) = (<IpAddr as Named>::type_, Cidr::type_);
    overloads! { environment;
        global "ip"(STRING_TYPE) = |of| parse_ip(text(&of[0])?).map(foreign).map_err(|why| failed(&why));
        global "isIP"(STRING_TYPE) = |of| flag(parse_ip(text(&of[0])?).is_ok());
        global "ip.isCanonical"(STRING_TYPE) = |of| {
            flag(parse_ip(text(&of[0])?).map_err(|why| failed(&why))?.to_string() == text(&of[0])?)
        };
        global "string"(ip()) = |of| string(this::<IpAddr>(of)?.to_string());
        member "family"(ip()) = |of| number(family(*this(of)?));
        member "isUnspecified"(ip()) = |of| flag(this::<IpAddr>(of)?.is_unspecified());
        member "isLoopback"(ip()) = |of| flag(this::<IpAddr>(of)?.is_loopback());
        member "isLinkLocalMulticast"(ip()) = |of| flag(is_link_local_multicast(*this(of)?));
        member "isLinkLocalUnicast"(ip()) = |of| flag(is_link_local(*this(of)?));
        member "isGlobalUnicast"(ip()) = |of| flag(is_global_unicast(*this(of)?));
        global "cidr"(STRING_TYPE) = |of| Cidr::parse(text(&of[0])?).map(foreign).map_err(|why| failed(&why));
        global "isCIDR"(STRING_TYPE) = |of| flag(Cidr::parse(text(&of[0])?).is_ok());
        global "string"(cidr()) = |of| {
            let cidr: &Cidr = this(of)?;
            string(format!("{}/{}", cidr.address, cidr.bits))
        };
        member "ip"(cidr()) = |of| Ok(foreign(this::<Cidr>(of)?.address));
        member "prefixLength"(cidr()) = |of| number(i64::from(this::<Cidr>(of)?.bits));
        member "masked"(cidr()) = |of| Ok(foreign(this::<Cidr>(of)?.masked()));
        member "containsIP"(cidr(), ip()) = |of| flag(this::<Cidr>(of)?.contains(*other(of)?));
        member "containsIP"(cidr(), STRING_TYPE) = |of| {
            flag(this::<Cidr>(of)?.contains(parse_ip(text(&of[1])?).map_err(|why| failed(&why))?))
        };
        member "containsCIDR"(cidr(), cidr()) = |of| flag(this::<Cidr>(of)?.contains_network(*other(of)?));
        member "containsCIDR"(cidr(), STRING_TYPE) = |of| {
            flag(this::<Cidr>(of)?.contains_network(Cidr::parse(text(&of[1])?).map_err(|why| failed(&why))?))
        };
    }
}

fn declare_times(environment: &mut Env) -> Result<(), DeclarationError> {
    let (duration, timestamp) = (Duration::type_, Timestamp::type_);
    overloads! { environment;
        global "duration"(STRING_TYPE) = |of| {
            Duration::parse(text(&of[0])?).map(foreign).ok_or_else(|| no_conversion("google.protobuf.Duration"))
        };
        global "duration"(duration()) = |of| Ok(foreign(*this::<Duration>(of)?));
        member "getHours"(duration()) = |of| number(this::<Duration>(of)?.nanoseconds() / 3_600_000_000_000);
        member "getMinutes"(duration()) = |of| number(this::<Duration>(of)?.nanoseconds() / 60_000_000_000);
        member "getSeconds"(duration()) = |of| number(this::<Duration>(of)?.nanoseconds() / 1_000_000_000);
        member "getMilliseconds"(duration()) = |of| number(this::<Duration>(of)?.nanoseconds() / 1_000_000);
        global "timestamp"(STRING_TYPE) = |of| {
            Timestamp::parse(text(&of[0])?).map(foreign).ok_or_else(|| no_conversion("google.protobuf.Timestamp"))
        };
        global "timestamp"(timestamp()) = |of| Ok(foreign(*this::<Timestamp>(of)?));
        global "int"(timestamp()) = |of| number(this::<Timestamp>(of)?.seconds());
        global "string"(timestamp()) = |of| string(this::<Timestamp>(of)?.to_string());
    }
}

fn declare_lists(environment: &mut Env) -> Result<(), DeclarationError> {
    overloads! { environment;
        member "find"(STRING_TYPE, STRING_TYPE) = |of| {
            string(pattern(&of[1])?.find(text(&of[0])?).map_or("", |found| found.as_str()))
        };
        member "findAll"(STRING_TYPE, STRING_TYPE) = |of| find_all(of, usize::MAX);
        member "findAll"(STRING_TYPE, STRING_TYPE, INT_TYPE) = |of| {
            find_all(of, usize::try_from(whole(&of[2])?).unwrap_or(usize::MAX))
        };
        member "isSorted"(LIST_TYPE) = |of| flag(is_sorted(list(&of[0])?)?);
        member "sum"(LIST_TYPE) = |of| sum(list(&of[0])?);
        member "min"(LIST_TYPE) = |of| extreme(list(&of[0])?, Ordering::Less, "min");
        member "max"(LIST_TYPE) = |of| extreme(list(&of[0])?, Ordering::Greater, "max");
        member "indexOf"(LIST_TYPE, DYN_TYPE) = |of| {
            index(list(&of[0])?.iter().position(|item| item.equals(of[1].as_ref())))
        };
        member "lastIndexOf"(LIST_TYPE, DYN_TYPE) = |of| {
            index(list(&of[0])?.iter().rposition(|item| item.equals(of[1].as_ref())))
        };
        global "sets.contains"(LIST_TYPE, LIST_TYPE) = |of| flag(contains_all(list(&of[0])?, list(&of[1])?));
        global "sets.equivalent"(LIST_TYPE, LIST_TYPE) = |of| {
            let (left, right) = (list(&of[0])?, list(&of[1])?);
            flag(contains_all(left, right) && contains_all(right, left))
        };
        global "sets.intersects"(LIST_TYPE, LIST_TYPE) = |of| {
            let right = list(&of[1])?;
            flag(list(&of[0])?.iter().any(|item| contains(right, item.as_ref())))
        };
    }
}

/// Runs an operation on the arguments of a call.
fn answer<'b, 'v>(
    arguments: Vec<Argument<'b, 'v>>,
    operation: for<'c, 'w> fn(&[Argument<'c, 'w>]) -> Answer<'w>,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    operation(&arguments).map(CowVal::Owned)
}

fn foreign<'v, T: Named>(value: T) -> Box<dyn Val + 'v> {
    Box::new(Foreign(value))
}

fn flag<'v>(value: bool) -> Answer<'v> {
    Ok(Box::new(CelBool::from(value)))
}

fn number<'v>(value: i64) -> Answer<'v> {
    Ok(Box::new(CelInt::from(value)))
}

fn string<'v>(value: impl Into<String>) -> Answer<'v> {
    Ok(Box::new(CelString::from(value.into())))
}

fn this<'a, T: Named>(arguments: &'a [Argument<'_, '_>]) -> Result<&'a T, ExecutionError> {
    arguments[0].downcast_ref::<Foreign<T>>().map(|foreign| &foreign.0).ok_or_else(no_such_overload)
}

fn other<'a, T: Named>(arguments: &'a [Argument<'_, '_>]) -> Result<&'a T, ExecutionError> {
    arguments[1].downcast_ref::<Foreign<T>>().map(|foreign| &foreign.0).ok_or_else(no_such_overload)
}

fn text<'a>(value: &'a Argument<'_, '_>) -> Result<&'a str, ExecutionError> {
    value.downcast_ref::<CelString<'_>>().map(CelString::inner).ok_or_else(no_such_overload)
}

fn whole(value: &Argument<'_, '_>) -> Result<i64, ExecutionError> {
    value.downcast_ref::<CelInt>().map(|number| *number.inner()).ok_or_else(no_such_overload)
}

fn list<'a, 'v>(value: &'a Argument<'_, 'v>) -> Result<&'a [Box<dyn Val + 'v>], ExecutionError> {
    value.downcast_ref::<CelList<'v>>().map(CelList::inner).ok_or_else(no_such_overload)
}

fn no_such_overload() -> ExecutionError {
    failed("no such overload")
}

fn pattern(value: &Argument<'_, '_>) -> Result<Regex, ExecutionError> {
    Regex::new(text(value)?).map_err(|error| failed(&format!("Illegal regex: {error}")))
}

fn failed(why: &str) -> ExecutionError {
    ExecutionError::function_error("", why)
}

fn no_conversion(to: &str) -> ExecutionError {
    failed(&format!("type conversion error from 'string' to '{to}'"))
}

fn not_a_quantity() -> ExecutionError {
    failed("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
}

fn quantity_or_overflow<'v>(sum: Option<Quantity>) -> Answer<'v> {
    sum.map(foreign).ok_or_else(|| failed("integer overflow"))
}

fn find_all<'v>(arguments: &[Argument<'_, 'v>], most: usize) -> Answer<'v> {
    let pattern = pattern(&arguments[1])?;
    let found = pattern.find_iter(text(&arguments[0])?).take(most);
    Ok(texts(found.map(|found| found.as_str())))
}

fn texts<'a, 'v>(texts: impl Iterator<Item = &'a str>) -> Box<dyn Val + 'v> {
    let texts: Vec<Box<dyn Val + 'v>> =
        texts.map(|text| Box::new(CelString::from(text.to_owned())) as Box<dyn Val + 'v>).collect();
    Box::new(CelList::from(texts))
}

fn sum<'v>(items: &[Box<dyn Val + 'v>]) -> Answer<'v> {
    let Some((first, rest)) = items.split_first() else { return number(0) };
    let mut sum = first.clone_as_boxed();
    for item in rest {
        sum = sum.as_adder().ok_or_else(no_such_overload)?.add(item.as_ref())?.as_ref().clone_as_boxed();
    }
    Ok(sum)
}

fn compare(left: &dyn Val, right: &dyn Val) -> Result<Ordering, ExecutionError> {
    left.as_comparer().ok_or_else(no_such_overload)?.compare(right)
}

/// The least item, or the greatest.
fn extreme<'v>(items: &[Box<dyn Val + 'v>], wanted: Ordering, name: &str) -> Answer<'v> {
    let (first, rest) = items.split_first().ok_or_else(|| failed(&format!("{name} called on empty list")))?;
    let mut best = first;
    for item in rest {
        if compare(item.as_ref(), best.as_ref())? == wanted {
            best = item;
        }
    }
    Ok(best.clone_as_boxed())
}

fn is_sorted(items: &[Box<dyn Val + '_>]) -> Result<bool, ExecutionError> {
    for pair in items.windows(2) {
        if compare(pair[0].as_ref(), pair[1].as_ref())? == Ordering::Greater {
            return Ok(false);
        }
    }
    Ok(true)
}

fn index<'v>(position: Option<usize>) -> Answer<'v> {
    number(position.and_then(|position| i64::try_from(position).ok()).unwrap_or(-1))
}

fn contains(items: &[Box<dyn Val + '_>], wanted: &dyn Val) -> bool {
    items.iter().any(|item| item.equals(wanted))
}

fn contains_all(items: &[Box<dyn Val + '_>], wanted: &[Box<dyn Val + '_>]) -> bool {
    wanted.iter().all(|wanted| contains(items, wanted.as_ref()))
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[..3] == [224, 0, 0],
        IpAddr::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
    }
}

fn is_global_unicast(address: IpAddr) -> bool {
    let broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    !(broadcast
        || address.is_unspecified()
        || address.is_loopback()
        || address.is_multicast()
        || is_link_local(address))
}
