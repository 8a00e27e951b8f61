//! Addresses, networks and URLs.

use std::net::IpAddr;

/// A network: an address and how many of its bits are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cidr {
    pub(crate) address: IpAddr,
    pub(crate) bits: u32,
}

/// An address in its one spelling: no zone, no IPv4 inside IPv6.
pub(crate) fn parse_ip(text: &str) -> Result<IpAddr, String> {
    let invalid =
        || format!("IP Address \"{text}\" parse error during conversion from string: must be a valid IP address");
    let address: IpAddr = text.parse().map_err(|_| invalid())?;
    match address {
        IpAddr::V6(address) if address.to_ipv4_mapped().is_some() => {
            Err(format!("IPv4-mapped IPv6 address {text} is not allowed"))
        }
        address => Ok(address),
    }
}

pub(crate) fn family(address: IpAddr) -> i64 {
    if address.is_ipv4() { 4 } else { 6 }
}

impl Cidr {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let invalid =
            || format!("network address parse error during conversion from string: invalid CIDR address: {text}");
        let (address, bits) = text.split_once('/').ok_or_else(invalid)?;
        let address = parse_ip(address)?;
        let cidr = Self { address, bits: bits.parse().map_err(|_| invalid())? };
        let padded = bits.len() > 1 && bits.starts_with('0');
        if cidr.bits > width(address) || padded || bits.starts_with('+') { Err(invalid()) } else { Ok(cidr) }
    }

    pub(crate) fn contains(self, address: IpAddr) -> bool {
        width(self.address) == width(address) && number(self.masked().address) == masked(address, self.bits)
    }

    pub(crate) fn contains_network(self, other: Self) -> bool {
        other.bits >= self.bits && self.contains(other.address)
    }

    pub(crate) fn masked(self) -> Self {
        let number = masked(self.address, self.bits);
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::V4(((number >> 96) as u32).into()),
            IpAddr::V6(_) => IpAddr::V6(number.into()),
        };
        Self { address, bits: self.bits }
    }
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The bits of an address, from the left.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)) << 96,
        IpAddr::V6(address) => address.into(),
    }
}

fn masked(address: IpAddr, bits: u32) -> u128 {
    let mask = if bits == 0 { 0 } else { u128::MAX << (128 - bits) };
    number(address) & mask
}

/// The parts of a URL, as Go's `url.ParseRequestURI` takes it apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: String,
    /// Name and port.
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let invalid =
            || format!("URL parse error during conversion from string: parse {text:?}: invalid URI for request");
        if text.is_empty() || text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(invalid());
        }
        let (scheme, rest) = match text.split_once(':') {
            _ if text.starts_with('/') => ("", text),
            Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
            _ => return Err(invalid()),
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (host, path) = match rest.strip_prefix("//") {
            Some(rest) => rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash)),
            None => ("", rest),
        };
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        let port = if host.ends_with(']') { None } else { host.rsplit_once(':').map(|(_, port)| port) };
        if port.is_some_and(|port| !port.bytes().all(|byte| byte.is_ascii_digit()))
            || (scheme.is_empty() && !path.starts_with('/'))
        {
            return Err(invalid());
        }
        let query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Ok(Self { scheme: scheme.to_lowercase(), host: host.to_owned(), path: path.to_owned(), query: query.collect() })
    }

    pub(crate) fn hostname(&self) -> &str {
        let host = match self.host.rsplit_once(':') {
            Some((host, _)) if !self.host.ends_with(']') => host,
            _ => &self.host,
        };
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    pub(crate) fn port(&self) -> &str {
        match self.host.rsplit_once(':') {
            Some((_, port)) if !self.host.ends_with(']') => port,
            _ => "",
        }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}

/// A part of a query without its escapes.
fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escaped = text.get(index + 1..index + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (bytes[index], escaped) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                index += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        index += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
