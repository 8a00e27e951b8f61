//! How many applies and reads a second three API servers answer: the embedded one in process, the same over loopback, and
//! kube-apiserver with etcd.
//!
//! `THALWEG_BIN=target/debug/thalweg cargo run -p thalweg-end-to-end --example api_servers`, after `cargo xtask setup`. Each
//! figure is the median of three rounds of a thousand requests, sixteen at a time.
#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark for a person to read")]

use std::time::Instant;

use anyhow::Result;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams};
use kube::{Api, Client};
use serde_json::json;
use thalweg_apiserver::{ApiServer, Options};
use thalweg_harness::{ApiServerKind, ControlPlane, ControlPlaneOptions};

const REQUESTS: usize = 1000;
const ROUNDS: usize = 3;
const AT_A_TIME: usize = 16;

#[tokio::main]
async fn main() -> Result<()> {
    println!("{:24}{:>12}{:>12}", "", "applies/s", "reads/s");
    report("embedded, in process", Client::new(ApiServer::new(Options::default()), "default")).await?;
    for (name, api_server) in
        [("embedded, over loopback", ApiServerKind::Embedded), ("kube-apiserver and etcd", ApiServerKind::Real)]
    {
        let plane = ControlPlane::start(&ControlPlaneOptions { api_server, ..ControlPlaneOptions::default() })?;
        report(name, plane.client("throughput").await?).await?;
    }
    Ok(())
}

async fn report(name: &str, client: Client) -> Result<()> {
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let parameters = PatchParams::apply("throughput");
    let (mut applied, mut read) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let name = |number: usize| format!("map-{round}-{number}");
        let apply = |number: usize| {
            let (maps, parameters, name) = (&maps, &parameters, name(number));
            let map =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": "value"}});
            async move { maps.patch(&name, parameters, &Patch::Apply(&map)).await.map(drop) }
        };
        let get = |number: usize| {
            let (maps, name) = (&maps, name(number));
            async move { maps.get(&name).await.map(drop) }
        };
        applied.push(rate(apply).await?);
        read.push(rate(get).await?);
    }
    println!("{name:24}{:>12}{:>12}", median(applied), median(read));
    Ok(())
}

/// Requests a second.
async fn rate<F: Future<Output = Result<(), kube::Error>>>(ask: impl Fn(usize) -> F) -> Result<u64> {
    let started = Instant::now();
    stream::iter(0..REQUESTS).map(ask).buffer_unordered(AT_A_TIME).try_collect::<Vec<()>>().await?;
    Ok((REQUESTS as f64 / started.elapsed().as_secs_f64()) as u64)
}

fn median(mut rates: Vec<u64>) -> u64 {
    rates.sort_unstable();
    rates[rates.len() / 2]
}
