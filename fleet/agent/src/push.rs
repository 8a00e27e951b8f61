//! Pushes status: the first change at once, what follows within the interval together, everything again now and then.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use thalweg_controller_runtime::{Random, chain};
use thalweg_protocol::agent::{ConfigurationStatus, StatusRequest};
use thalweg_protocol::resource::ClusterId;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::credential::Token;
use crate::hub::Hub;
use crate::reconcile::Reports;
use crate::run::Ended;
use crate::troubles::Troubles;

pub(crate) struct Push {
    pub(crate) hub: Hub,
    pub(crate) credential: Token,
    pub(crate) cluster: ClusterId,
    pub(crate) interval: Duration,
    pub(crate) resend: Duration,
    pub(crate) troubles: Troubles,
    pub(crate) random: Random,
}

impl Push {
    /// Pushes until the hub no longer knows the credential.
    pub(crate) async fn run(self, mut reports: watch::Receiver<Arc<Reports>>) -> Result<Infallible, Ended> {
        let mut backoff = Backoff::new(&self.random);
        let mut sent = Reports::new();
        let mut next_send = Instant::now();
        let mut next_resend = Instant::now() + self.resend;
        loop {
            let current = reports.borrow_and_update().clone();
            if Instant::now() >= next_resend {
                sent.clear();
                next_resend = Instant::now() + self.random.jittered(self.resend, 10);
            }
            let news = news(&current, &sent);
            let at = match urgency(&news, &sent) {
                Urgency::None => next_resend,
                // After a failure everything waits for the backoff.
                Urgency::Now if backoff.is_calm() => Instant::now(),
                Urgency::Now | Urgency::Soon => next_send,
            };
            if !news.is_empty() && at <= Instant::now() {
                let request =
                    StatusRequest { cluster: self.cluster.clone(), configurations: news.values().cloned().collect() };
                match self.hub.status(&self.credential, &request).await {
                    Ok(_) => {
                        backoff.reset();
                        self.troubles.over("status");
                        sent.retain(|key, _| current.contains_key(key));
                        sent.extend(news);
                        next_send = Instant::now() + self.interval;
                    }
                    Err(error) if error.is_unauthenticated() => return Err(Ended::Unauthenticated),
                    Err(error) => {
                        self.troubles.met("status", chain(&error));
                        next_send = Instant::now() + backoff.next();
                    }
                }
                continue;
            }
            tokio::select! {
                biased;
                changed = reports.changed() => {
                    if changed.is_err() {
                        std::future::pending::<Infallible>().await;
                    }
                }
                () = tokio::time::sleep_until(at) => {}
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Urgency {
    None,
    /// With the next interval.
    Soon,
    /// Somebody waits for it: a generation was done or refused.
    Now,
}

/// What the hub has not been told.
fn news(current: &Reports, sent: &Reports) -> BTreeMap<String, ConfigurationStatus> {
    let news = current.iter().filter(|(key, status)| sent.get(*key) != Some(*status));
    news.map(|(key, status)| (key.clone(), status.clone())).collect()
}

fn urgency(news: &Reports, sent: &Reports) -> Urgency {
    let acknowledges = |(key, status): (&String, &ConfigurationStatus)| {
        sent.get(key).is_none_or(|sent| (sent.generation, sent.outcome) != (status.generation, status.outcome))
    };
    match () {
        () if news.is_empty() => Urgency::None,
        () if news.iter().any(acknowledges) => Urgency::Now,
        () => Urgency::Soon,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thalweg_protocol::agent::Outcome;
    use thalweg_protocol::configuration::ComplianceState;

    #[test]
    fn an_acknowledgement_goes_at_once_and_a_change_of_state_with_the_interval() {
        let status = |generation: u64, outcome: Outcome, compliance_state: ComplianceState| ConfigurationStatus {
            id: "/subscriptions/s/resourceGroups/g/providers/Microsoft.Kubernetes/connectedClusters/c/providers\
                 /Microsoft.KubernetesConfiguration/fluxConfigurations/f"
                .parse()
                .unwrap(),
            generation,
            outcome,
            error_message: None,
            compliance_state,
            statuses: Vec::new(),
            source_synced_commit_id: None,
            source_updated_at: None,
        };
        let reports = |status: ConfigurationStatus| Reports::from([("f".to_owned(), status)]);
        let sent = reports(status(1, Outcome::Applied, ComplianceState::Pending));
        let cases = [
            (status(1, Outcome::Applied, ComplianceState::Pending), Urgency::None),
            (status(1, Outcome::Applied, ComplianceState::Compliant), Urgency::Soon),
            (status(2, Outcome::Applied, ComplianceState::Pending), Urgency::Now),
            (status(1, Outcome::Failed, ComplianceState::Pending), Urgency::Now),
        ];
        for (status, expected) in cases {
            let news = news(&reports(status.clone()), &sent);
            assert_eq!(urgency(&news, &sent), expected, "{status:?}");
        }
        assert_eq!(urgency(&sent, &Reports::new()), Urgency::Now);
    }
}
