//! Flags of `kustomize build` that ask for what is not done here: each is refused by name, with the reason.

use anyhow::bail;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

const CHARTS: &str = "charts are not inflated";
const PROGRAMS: &str = "no program is ever run: plugins and functions are not supported";

struct RefusedFlag {
    name: &'static str,
    short: Option<char>,
    takes_value: bool,
    reason: &'static str,
}

const fn switch(name: &'static str, reason: &'static str) -> RefusedFlag {
    RefusedFlag { name, short: None, takes_value: false, reason }
}

const fn option(name: &'static str, short: Option<char>, reason: &'static str) -> RefusedFlag {
    RefusedFlag { name, short, takes_value: true, reason }
}

const REFUSED_FLAGS: [RefusedFlag; 12] = [
    switch("as-current-user", PROGRAMS),
    switch("enable-alpha-plugins", PROGRAMS),
    switch("enable-exec", PROGRAMS),
    switch("enable-helm", CHARTS),
    option("env", Some('e'), PROGRAMS),
    option("helm-api-versions", None, CHARTS),
    option("helm-command", None, CHARTS),
    switch("helm-debug", CHARTS),
    option("helm-kube-version", None, CHARTS),
    option("mount", None, PROGRAMS),
    switch("network", PROGRAMS),
    option("network-name", None, PROGRAMS),
];

/// The first of them that is set, and why it is refused.
#[derive(Clone, Debug, Default)]
pub(crate) struct RefusedFlags {
    set: Option<(&'static str, &'static str)>,
}

impl RefusedFlags {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        match self.set {
            Some((name, reason)) => bail!("--{name} is not supported: {reason}"),
            None => Ok(()),
        }
    }
}

impl Args for RefusedFlags {
    fn augment_args(command: Command) -> Command {
        command.args(REFUSED_FLAGS.iter().map(|flag| {
            let arg = Arg::new(flag.name).long(flag.name).hide(true).action(ArgAction::Append);
            let arg = flag.short.into_iter().fold(arg, Arg::short);
            if flag.takes_value {
                arg.num_args(1)
            } else {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true")
            }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RefusedFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let asks = |flag: &&RefusedFlag| {
            let values = matches.get_many::<String>(flag.name);
            values.is_some_and(|mut values| values.any(|value| flag.takes_value || value != "false"))
        };
        Ok(Self { set: REFUSED_FLAGS.iter().find(asks).map(|flag| (flag.name, flag.reason)) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
