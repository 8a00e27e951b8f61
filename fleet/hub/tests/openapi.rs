//! The checked-in OpenAPI document says exactly what the hub serves.

use std::collections::BTreeSet;

use serde_json::Value;
use thalweg_hub::server::{Audience, OPERATIONS};

#[test]
fn the_document_lists_the_routes_that_are_served_and_whom_they_are_for() {
    let document: Value = serde_json::from_str(thalweg_protocol::OPENAPI).expect("openapi.json is JSON");
    let mut described = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let scheme = operation["security"][0].as_object().unwrap().keys().next().unwrap().clone();
            described.insert((method.to_uppercase(), path.clone(), scheme));
        }
    }
    let served = OPERATIONS.iter().map(|operation| {
        let scheme = match operation.audience() {
            Audience::Users => "user",
            Audience::Registrants => "registration",
            Audience::Agents => "agent",
        };
        (operation.method().to_string(), operation.path().to_owned(), scheme.to_owned())
    });
    assert_eq!(described, served.collect());
}

#[test]
fn every_reference_in_the_document_has_a_schema_and_every_schema_is_used() {
    let document: Value = serde_json::from_str(thalweg_protocol::OPENAPI).unwrap();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let defined: BTreeSet<_> = schemas.keys().map(|name| format!("#/components/schemas/{name}")).collect();
    assert_eq!(used, defined);
}

fn references(value: &Value, used: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(reference) if name == "$ref" => {
                        used.insert(reference.clone());
                    }
                    _ => references(value, used),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, used)),
        _ => {}
    }
}
