//! The objects of testdata/kinds and the answers beside them: what the real server says, and what ours says.

use serde::Deserialize;
use serde_json::Value;

use crate::difference::differences;
use crate::ground::{collection, ground, sent, testdata};
use crate::normal::Names;
use crate::server::{Answer, Server};

/// `UPDATE_EXPECT=1` writes the answers of the real server.
#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_answers_are_those_of_the_real_server() {
    let ground = &ground().await;
    let mut differing = 0;
    for file in ["cluster", "core", "network", "pods", "workloads"] {
        let text = std::fs::read_to_string(testdata(&format!("kinds/{file}.yaml"))).unwrap();
        let path = testdata(&format!("kinds/{file}.expected.json"));
        let mut answers = Vec::new();
        for document in serde_yaml::Deserializer::from_str(&text) {
            let object = Value::deserialize(document).unwrap();
            let ours = create(&ground.ours, &object).await;
            let real = create(&ground.real, &object).await;
            let lines = differences(&ours, &real);
            if !lines.is_empty() {
                differing += 1;
                println!("{file}: {} {}\n    {}", object["kind"], object["metadata"], lines.join("\n    "));
            }
            answers.push(real.body);
        }
        let recorded = serde_json::to_string_pretty(&answers).unwrap() + "\n";
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&path, recorded).unwrap();
        } else if std::fs::read_to_string(&path).unwrap_or_default() != recorded {
            differing += 1;
            println!("{} is not what the real server says: UPDATE_EXPECT=1 writes it", path.display());
        }
    }
    assert_eq!(differing, 0);
}

async fn create(server: &Server, object: &Value) -> Answer {
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
    let path = collection(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap(), namespace);
    let answer = server.ask(&sent("POST", &format!("{path}?dryRun=All&fieldManager=probe"), object)).await;
    Names::default().normalise(&answer, "no-namespace")
}
