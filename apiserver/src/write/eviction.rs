//! POST to `eviction`: a pod is deleted, unless a disruption budget says no.

use std::sync::Arc;

use serde_json::Value;

use super::delete::{Deletion, delete_object};
use crate::answer::{Answer, Reply};
use crate::decode;
use crate::label_selector::selects;
use crate::object::Object;
use crate::request::Call;
use crate::state::State;
use crate::status::{Cause, Details, Status};

/// When to ask again while a budget has not been looked at.
const RETRY_SECONDS: u32 = 10;

pub(super) fn evict(state: &mut State, call: &Call) -> Result<Answer, Status> {
    let eviction = decode::object(&call.payload, "Eviction")?.value;
    if eviction["metadata"]["name"].as_str() != Some(call.name.as_str()) {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let mut deletion = Deletion::parse(&eviction["deleteOptions"])?;
    deletion.dry_run |= call.dry_run();
    let pod = state.store.get(call.served.collection(), &call.namespace, &call.name).cloned();
    let pod = pod.ok_or_else(|| Status::not_found(&call.served, &call.name))?;
    let phase = &pod.value()["status"]["phase"];
    let runs = !["Succeeded", "Failed", "Pending"].iter().any(|ended| phase == ended) && !pod.terminating();
    if runs {
        match budgets(state, &pod).as_slice() {
            [] => {}
            [budget] => ask(budget, &pod)?,
            _ => {
                let message =
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                return Err(Status::new(500, "", message));
            }
        }
    }
    delete_object(state, &call.served, &pod, deletion)?;
    let status = Status { code: 201, ..Status::new(201, "", "") };
    Ok(Reply::Status(status).into())
}

/// The budgets that choose a pod.
fn budgets(state: &State, pod: &Object) -> Vec<Arc<Object>> {
    let budgets = Arc::new(("policy".to_owned(), "poddisruptionbudgets".to_owned()));
    let labels = &pod.value()["metadata"]["labels"];
    let all = state.store.objects(&budgets);
    let here = all.filter(|budget| budget.namespace() == pod.namespace());
    here.filter(|budget| selects(&budget.value()["spec"]["selector"], labels)).cloned().collect()
}

/// Whether a budget lets a pod go. What it then has left is for who writes its status.
fn ask(budget: &Object, pod: &Object) -> Result<(), Status> {
    let (name, budget) = (budget.name(), budget.value());
    let number = |field: &str| budget["status"][field].as_i64().unwrap_or(0);
    let (healthy, desired) = (number("currentHealthy"), number("desiredHealthy"));
    if !is_ready(pod) {
        let always = budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow";
        if always || (healthy >= desired && desired > 0) {
            return Ok(());
        }
    }
    if number("observedGeneration") < budget["metadata"]["generation"].as_i64().unwrap_or(0) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(refusal(RETRY_SECONDS, why));
    }
    if number("disruptionsAllowed") > 0 {
        return Ok(());
    }
    let why = if healthy <= desired {
        format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
    } else {
        format!("The disruption budget {name} does not allow evicting pods currently")
    };
    Err(refusal(0, why))
}

fn is_ready(pod: &Object) -> bool {
    let mut conditions = pod.value()["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|condition: &Value| condition["type"] == "Ready" && condition["status"] == "True")
}

fn refusal(retry_after_seconds: u32, why: String) -> Status {
    let causes = vec![Cause::new("DisruptionBudget", "", why)];
    let details = Details { causes, retry_after_seconds, ..Details::default() };
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    Status { details: Some(Box::new(details)), ..Status::new(429, "TooManyRequests", message) }
}
