//! A bug that is planted is found. The product has no switch for it: the server lies.

use thalweg_harness::faults::{Fault, Label, Schedule, Side};
use thalweg_harness::oracles;

use crate::operation::Operation;
use crate::runs::{Run, in_simulation};

fn label(call: &str, nth: usize) -> Label {
    Label { call: call.to_owned(), nth }
}

#[test]
fn an_intent_that_is_answered_and_not_recorded_leaves_an_orphan_that_is_reported() {
    let operation = Operation::named("install").unwrap();
    let reported = in_simulation(async {
        let (run, instance) = Run::begin(&operation, 0).await?;
        // The first says that there is no artifact yet.
        let lie = (label("patch-status kustomizations/apps", 2), Fault::Pretended);
        let end = (label("apply clusterroles/team-reader", 1), Side::After.end());
        instance.wire.begin(Schedule { at: vec![lie, end], ..Schedule::none() });
        run.change_cut_short(instance).await?;
        Ok(oracles::no_orphan_at_any_time(&run.world.server).unwrap_err().root_cause().to_string())
    });
    let reported = reported.unwrap();
    assert_eq!(
        reported,
        "_team-reader_rbac.authorization.k8s.io_ClusterRole is in no inventory: its labels name team/apps"
    );
}
