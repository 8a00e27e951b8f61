#![expect(clippy::disallowed_methods, reason = "reads the recorded answers")]

use std::path::PathBuf;

use http::HeaderMap;
use http::header::{ACCEPT, IF_NONE_MATCH};
use serde_json::{Value, json};

use super::{AGGREGATED, respond, unknown};
use crate::answer::{Answer, Reply};
use crate::options::Options;
use crate::state::State;

/// Kinds that kube-apiserver 1.36 stores in a version that it does not serve.
const STORED_IN_OTHER_VERSIONS: [&str; 3] =
    ["CustomResourceDefinition", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"];

#[test]
fn groups_stand_in_the_order_of_kube_apiserver() {
    let (ours, theirs) = (value(get("/apis", "")), recorded("groups"));
    let ours = ours["groups"].as_array().unwrap();
    let served = |group: &&Value| ours.iter().any(|our| our["name"] == group["name"]);
    assert_eq!(ours.iter().collect::<Vec<_>>(), theirs.as_array().unwrap().iter().filter(served).collect::<Vec<_>>());
}

#[test]
fn resources_are_listed_as_kube_apiserver_lists_them() {
    let mut seen = 0;
    for theirs in recorded("resources").as_array().unwrap() {
        let group_version = theirs["groupVersion"].as_str().unwrap();
        let prefix = if group_version == "v1" { "/api" } else { "/apis" };
        let Some(answer) = find(&format!("{prefix}/{group_version}"), "") else { continue };
        let ours = value(answer);
        for resource in ours["resources"].as_array().unwrap() {
            let all = theirs["resources"].as_array().unwrap();
            let mut same = all.iter().find(|other| other["name"] == resource["name"]).cloned().unwrap_or_default();
            let other_version = STORED_IN_OTHER_VERSIONS.contains(&resource["kind"].as_str().unwrap());
            if other_version && same.get("storageVersionHash").is_some() {
                same["storageVersionHash"] = resource["storageVersionHash"].clone();
            }
            assert_eq!(resource, &same, "{group_version}");
            seen += 1;
        }
    }
    assert!(seen > 60, "only {seen} resources were compared");
}

#[test]
fn aggregated_discovery_says_what_kube_apiservers_does() {
    let theirs = recorded("aggregated");
    for path in ["/api", "/apis"] {
        let Reply::Tagged(tagged) = get(path, AGGREGATED).reply else { panic!("no tag") };
        let list: Value = serde_json::from_slice(&tagged.body).unwrap();
        assert_eq!(
            (&list["kind"], &list["apiVersion"]),
            (&json!("APIGroupDiscoveryList"), &json!("apidiscovery.k8s.io/v2"))
        );
        for ours in list["items"].as_array().unwrap() {
            let theirs = theirs.as_array().unwrap().iter().find(|group| group["metadata"] == ours["metadata"]);
            same_group(ours, theirs.expect("it is one of Kubernetes' groups"));
        }
    }
}

/// What kube-apiserver has besides is not served here.
fn same_group(ours: &Value, theirs: &Value) {
    for (ours, theirs) in ours["versions"].as_array().unwrap().iter().zip(theirs["versions"].as_array().unwrap()) {
        assert_eq!((&ours["version"], &ours["freshness"]), (&theirs["version"], &theirs["freshness"]));
        for resource in ours["resources"].as_array().unwrap() {
            let all = theirs["resources"].as_array().unwrap();
            let mut other = all.iter().find(|other| other["resource"] == resource["resource"]).unwrap().clone();
            if let Some(subresources) = other.get_mut("subresources").and_then(Value::as_array_mut) {
                let ours = resource["subresources"].as_array().into_iter().flatten();
                subresources.retain(|theirs| ours.clone().any(|ours| ours["subresource"] == theirs["subresource"]));
            }
            assert_eq!(resource, &other);
        }
    }
}

#[test]
fn aggregated_discovery_is_not_sent_again_to_a_client_that_has_it() {
    let Reply::Tagged(first) = get("/apis", AGGREGATED).reply else { panic!("no tag") };
    assert_eq!(first.code, 200);
    let state = State::new(Options::default());
    let mut headers = HeaderMap::from_iter([(ACCEPT, AGGREGATED.parse().unwrap())]);
    headers.insert(IF_NONE_MATCH, first.etag.parse().unwrap());
    let Reply::Tagged(second) = respond(&state, "/apis", "", &headers).unwrap().unwrap().reply else {
        panic!("no tag")
    };
    assert_eq!((second.code, second.body.len(), second.etag), (304, 0, first.etag));
}

#[test]
fn the_older_discovery_is_given_to_those_who_like_it_better() {
    check("", Some("APIGroupList"));
    check("*/*", Some("APIGroupList"));
    check("application/json", Some("APIGroupList"));
    check(&format!("{AGGREGATED},application/json"), Some("APIGroupDiscoveryList"));
    check("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList", None);
    check(
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
        Some("APIGroupList"),
    );
}

fn check(accept: &str, expected: Option<&str>) {
    let state = State::new(Options::default());
    let headers = HeaderMap::from_iter((!accept.is_empty()).then(|| (ACCEPT, accept.parse().unwrap())));
    let kind = match respond(&state, "/apis", "", &headers).unwrap() {
        Ok(Answer { reply: Reply::Tagged(tagged), .. }) => {
            serde_json::from_slice::<Value>(&tagged.body).unwrap()["kind"].clone()
        }
        Ok(answer) => value(answer)["kind"].clone(),
        Err(status) => {
            assert_eq!(status.code, 406);
            Value::Null
        }
    };
    assert_eq!(kind.as_str(), expected, "{accept}");
}

#[test]
fn health_says_ok_and_verbosely_why() {
    for (path, query, expected) in [
        ("/healthz", "", Some("ok")),
        ("/readyz/ping", "", Some("ok")),
        ("/livez", "verbose", Some("[+]ping ok\n[+]log ok\n[+]etcd ok\nlivez check passed\n")),
        ("/healthz/nothing", "", None),
    ] {
        let state = State::new(Options::default());
        let answer = respond(&state, path, query, &HeaderMap::new()).map(|answer| answer.unwrap().reply);
        let text = answer.map(|reply| match reply {
            Reply::Written(200, _, body) => String::from_utf8(body.to_vec()).unwrap(),
            other => panic!("{path}: {other:?}"),
        });
        assert_eq!(text.as_deref(), expected, "{path}?{query}");
    }
}

#[test]
fn unknown_paths_are_a_page_outside_our_groups_and_a_status_within() {
    let state = State::new(Options::default());
    for (path, status) in [
        ("/nothing", false),
        ("/apis/nothing", false),
        ("/apis/nothing/v1/things", false),
        ("/apis/apps/v9", true),
        ("/apis/apps/v9/things", true),
        ("/api/v9", true),
        ("/api/v1/nothings", true),
        ("/openapi", false),
    ] {
        let is_status = match unknown(&state.registry, path).reply {
            Reply::Status(status) => status.code == 404,
            Reply::Written(404, _, body) => body != "404 page not found\n",
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(is_status, status, "{path}");
    }
}

fn get(path: &str, accept: &str) -> Answer {
    find(path, accept).unwrap_or_else(|| panic!("{path} is not served"))
}

fn find(path: &str, accept: &str) -> Option<Answer> {
    let state = State::new(Options::default());
    let headers = HeaderMap::from_iter((!accept.is_empty()).then(|| (ACCEPT, accept.parse().unwrap())));
    respond(&state, path, "", &headers).map(Result::unwrap)
}

fn value(answer: Answer) -> Value {
    match answer.reply {
        Reply::Value(200, value) => value,
        other => panic!("{other:?}"),
    }
}

fn recorded(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("../testdata/discovery/{name}.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}
