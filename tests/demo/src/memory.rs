//! How much memory a process holds, as Linux tells it.

use std::fs;

pub(crate) const MEBIBYTE: u64 = 1024 * 1024;

/// Bytes that a process and all that it started hold; `None` where the system does not say.
pub(crate) fn resident(id: u32) -> Option<u64> {
    let own = kibibytes(id)? * 1024;
    let started: u64 = processes().filter(|child| parent(*child) == Some(id)).filter_map(resident).sum();
    Some(own + started)
}

fn kibibytes(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // `ID (NAME) STATE PARENT …`: a name may hold anything.
    let (_, after) = stat.rsplit_once(')')?;
    after.split_whitespace().nth(1)?.parse().ok()
}
