//! Random writes by several managers, and what becomes of the objects, their owners, conflicts and errors.
//!
//! A sequence is made from its seed alone and from what the servers answered to its earlier steps.
//! `AGREEMENT_SEQUENCES` says how many, `AGREEMENT_SEED` where to begin.

use futures::{StreamExt, stream};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::ground::{Outcome, collection, ground, testdata};
use crate::step::{Step, merge};

/// Sequences in flight.
const AT_ONCE: usize = 48;
/// Sequences unless `AGREEMENT_SEQUENCES` says otherwise.
const SEQUENCES: u64 = 500;
/// Differing sequences that are shown.
const SHOWN: usize = 10;
/// Writes of a sequence.
const WRITES: std::ops::Range<usize> = 3..10;
const MANAGERS: [&str; 3] = ["alpha", "beta", "gamma"];

/// One kind of testdata/agreement/random.yaml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    #[serde(rename = "apiVersion")]
    api_version: String,
    kind: String,
    /// How often this kind is chosen, compared with the others.
    weight: usize,
    #[serde(default)]
    cluster: bool,
    /// What every object must have.
    #[serde(default)]
    base: Value,
    /// Parts of objects, of which a write has some.
    fragments: Vec<Value>,
    /// Parts of strategic merge patches beyond the fragments.
    #[serde(default)]
    strategic: Vec<Value>,
    /// Parts of merge patches beyond the fragments.
    #[serde(default)]
    merge: Vec<Value>,
    /// JSON patches.
    #[serde(default)]
    json: Vec<Value>,
    /// Parts of the status, for writes of the status subresource.
    #[serde(default)]
    status: Vec<Value>,
}

#[tokio::test(flavor = "multi_thread")]
async fn both_servers_answer_random_writes_alike() {
    let number =
        |name: &str, otherwise: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (first, count) = (number("AGREEMENT_SEED", 1), number("AGREEMENT_SEQUENCES", SEQUENCES));
    let only = std::env::var("AGREEMENT_KIND").unwrap_or_default();
    let text = std::fs::read_to_string(testdata("agreement/random.yaml")).unwrap();
    let mut kinds: Vec<Kind> = serde_yaml::from_str(&text).unwrap();
    kinds.retain(|kind| only.is_empty() || kind.kind == only);
    assert!(!kinds.is_empty(), "AGREEMENT_KIND names no kind of testdata/agreement/random.yaml");
    let ground = &ground().await;
    let namespace = "random-agreement";
    ground.namespace(namespace).await;
    let start = std::time::Instant::now();
    let results = stream::iter(first..first + count).map(|seed| {
        let kinds = &kinds;
        async move {
            let (kind, steps) = sequence(kinds, seed, namespace);
            (seed, kind, ground.run(namespace, &steps, false).await)
        }
    });
    let results: Vec<_> = results.buffer_unordered(AT_ONCE).collect().await;
    let steps: usize = results.iter().map(|(_, _, outcome)| outcome.steps).sum();
    let mut differing: Vec<_> =
        results.iter().filter_map(|(seed, kind, outcome)| Some((seed, kind, outcome.difference.as_ref()?))).collect();
    differing.sort();
    for (seed, kind, difference) in differing.iter().take(SHOWN) {
        println!("AGREEMENT_SEED={seed} AGREEMENT_SEQUENCES=1 ({kind})\n  {difference}");
    }
    let sum = |part: fn(&Outcome) -> usize| results.iter().map(|(_, _, outcome)| part(outcome)).sum::<usize>();
    let (writes, done) = (sum(|outcome| outcome.writes), sum(|outcome| outcome.done));
    let (differ, took) = (differing.len(), start.elapsed());
    println!("{count} sequences, {steps} requests, {done} of {writes} writes done, {differ} differ, {took:.1?}");
    assert!(done * 2 > writes, "of {writes} writes only {done} were done: refusals are not what is compared here");
    assert_eq!(differing.len(), 0, "of {count} sequences");
}

/// The requests of one seed.
fn sequence(kinds: &[Kind], seed: u64, namespace: &str) -> (String, Vec<Step>) {
    let mut random = StdRng::seed_from_u64(seed);
    let weights: usize = kinds.iter().map(|kind| kind.weight).sum();
    let mut at = random.random_range(0..weights);
    let kind = kinds
        .iter()
        .find(|kind| {
            let chosen = at < kind.weight;
            at = at.saturating_sub(kind.weight);
            chosen
        })
        .unwrap();
    let maker = Maker { kind, name: format!("s{seed}-agreement"), namespace };
    let mut steps = vec![maker.first(&mut random)];
    for _ in 0..random.random_range(WRITES) {
        let write = maker.write(&mut random, steps.len());
        steps.extend(write);
    }
    steps.push(maker.step("GET", "", ""));
    steps.push(maker.step("DELETE", "", ""));
    (kind.kind.clone(), steps)
}

struct Maker<'a> {
    kind: &'a Kind,
    name: String,
    namespace: &'a str,
}

impl Maker<'_> {
    fn step(&self, verb: &str, subresource: &str, query: &str) -> Step {
        let namespace = if self.kind.cluster { "" } else { self.namespace };
        let collection = collection(&self.kind.api_version, &self.kind.kind, namespace);
        let name = if verb == "POST" { String::new() } else { format!("/{}{subresource}", self.name) };
        Step { request: format!("{verb} {collection}{name}?{query}"), ..Step::default() }
    }

    /// The object with some of the fragments, or a part of it.
    fn object(&self, random: &mut StdRng, whole: bool) -> Value {
        let mut object =
            json!({"apiVersion": self.kind.api_version, "kind": self.kind.kind, "metadata": {"name": self.name}});
        if whole {
            merge(&mut object, &self.kind.base);
        }
        merge(&mut object, &some(random, &self.kind.fragments));
        object
    }

    /// The object comes to be: created, or applied.
    fn first(&self, random: &mut StdRng) -> Step {
        let manager = MANAGERS.choose(random).unwrap();
        let body = self.object(random, true);
        if random.random_bool(0.5) {
            return Step { body, ..self.step("POST", "", &format!("fieldManager={manager}")) };
        }
        Step { body, media_type: "apply".into(), ..self.step("PATCH", "", &format!("fieldManager={manager}")) }
    }

    /// A write of some sort. `at` is the number of the step that it will be.
    fn write(&self, random: &mut StdRng, at: usize) -> Vec<Step> {
        let manager = *MANAGERS.choose(random).unwrap();
        let query = format!("fieldManager={manager}");
        let has_status = !self.kind.status.is_empty();
        match random.random_range(0..100) {
            0..40 => {
                let force = if random.random_bool(0.4) { "&force=true" } else { "" };
                let dry = if random.random_bool(0.1) { "&dryRun=All" } else { "" };
                let whole = random.random_bool(0.5);
                let body = self.object(random, whole);
                vec![Step {
                    body,
                    media_type: "apply".into(),
                    ..self.step("PATCH", "", &format!("{query}{force}{dry}"))
                }]
            }
            40..55 => {
                let mut edit = some(random, &self.kind.fragments);
                if random.random_bool(0.2) {
                    edit["metadata"]["managedFields"] = json!([]);
                }
                if random.random_bool(0.1) {
                    edit["metadata"]["resourceVersion"] = json!("1");
                }
                let read = self.step("GET", "", "");
                vec![read, Step { edit: Some(at), body: edit, ..self.step("PUT", "", &query) }]
            }
            55..65 => {
                let parts: Vec<Value> = self.kind.fragments.iter().chain(&self.kind.merge).cloned().collect();
                vec![Step { body: some(random, &parts), media_type: "merge".into(), ..self.step("PATCH", "", &query) }]
            }
            65..75 => {
                let parts: Vec<Value> = self.kind.fragments.iter().chain(&self.kind.strategic).cloned().collect();
                vec![Step {
                    body: some(random, &parts),
                    media_type: "strategic".into(),
                    ..self.step("PATCH", "", &query)
                }]
            }
            75..85 => match self.kind.json.choose(random) {
                Some(patch) => {
                    vec![Step { body: patch.clone(), media_type: "json".into(), ..self.step("PATCH", "", &query) }]
                }
                None => Vec::new(),
            },
            85..90 if has_status => {
                let body = some(random, &self.kind.status);
                vec![Step { body, media_type: "merge".into(), ..self.step("PATCH", "/status", &query) }]
            }
            90..95 if has_status => {
                let mut body = json!({"apiVersion": self.kind.api_version, "kind": self.kind.kind, "metadata": {"name": self.name}});
                merge(&mut body, &some(random, &self.kind.status));
                vec![Step { body, media_type: "apply".into(), ..self.step("PATCH", "/status", &query) }]
            }
            _ => vec![self.step("GET", "", "")],
        }
    }
}

/// Up to four of the parts, in one.
fn some(random: &mut StdRng, parts: &[Value]) -> Value {
    let mut indexes: Vec<usize> = (0..parts.len()).collect();
    indexes.shuffle(random);
    let count = random.random_range(0..=4.min(parts.len()));
    let mut whole = json!({});
    for index in &indexes[..count] {
        overlay(&mut whole, &parts[*index]);
    }
    whole
}

/// Like a merge patch, but nulls stay.
fn overlay(object: &mut Value, part: &Value) {
    match (object, part) {
        (Value::Object(object), Value::Object(part)) => {
            for (key, value) in part {
                overlay(object.entry(key).or_insert(Value::Null), value);
            }
        }
        (object, part) => *object = part.clone(),
    }
}
