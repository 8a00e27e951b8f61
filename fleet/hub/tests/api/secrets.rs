//! Secrets are refused by name, and neither a secret nor a token is ever repeated or stored (SEC-HUB-1).

use reqwest::Method;
use serde_json::{Value, json};
use thalweg_hub::Subject;

use crate::world::{World, cluster, configuration, fleet_baseline, registration};

const MARKER: &str = "m4rker-hunter2-m4rker";

#[tokio::test]
async fn secret_fields_are_refused_by_name_and_never_repeated_or_stored() {
    let mut world = World::new().await;
    let blob = |fields: Value| {
        let mut blob = json!({"url": "https://x.blob.core.windows.net", "containerName": "c"});
        blob.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"sourceKind": "AzureBlob", "gitRepository": null, "azureBlob": blob})
    };
    let cases = [
        (json!({"configurationProtectedSettings": {"httpsKey": MARKER}}), "configurationProtectedSettings"),
        (json!({"ConfigurationProtectedSettings": {"httpsKey": MARKER}}), "ConfigurationProtectedSettings"),
        (blob(json!({"accountKey": MARKER})), "azureBlob.accountKey"),
        (blob(json!({"sasToken": MARKER})), "azureBlob.sasToken"),
        (
            blob(json!({"servicePrincipal": {"clientId": "a", "clientSecret": MARKER}})),
            "azureBlob.servicePrincipal.clientSecret",
        ),
        (
            blob(json!({"servicePrincipal": {"clientCertificate": MARKER}})),
            "azureBlob.servicePrincipal.clientCertificate",
        ),
        (
            blob(json!({"servicePrincipal": {"clientCertificatePassword": MARKER}})),
            "azureBlob.servicePrincipal.clientCertificatePassword",
        ),
        (json!({"ociRepository": {"tlsConfig": {"privateKey": MARKER}}}), "ociRepository.tlsConfig.privateKey"),
        (json!({"gitRepository": {"url": format!("https://user:{MARKER}@example.com/r")}}), "gitRepository.url"),
    ];
    let path = configuration("a", "fleet-baseline");
    for (change, field) in cases {
        let mut body = fleet_baseline();
        body["properties"].as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = world.arm(Method::PUT, &path, Some(body)).await.expect_error(400, "SecretsNotSupported");
        assert_eq!(answer.body["error"]["target"], format!("properties.{field}"));
        assert!(answer.body["error"]["message"].as_str().unwrap().contains(field));
        assert!(!answer.body.to_string().contains(MARKER), "{}", answer.body);
    }
    // A secret where another type belongs is not repeated either.
    let protected = json!({"arcAgentryConfigurations": [{"protectedSettings": {"a": MARKER}}]});
    let body = json!({"location": "eastus", "properties": protected});
    let answer = world.arm(Method::PUT, &cluster("a"), Some(body)).await.expect_error(400, "SecretsNotSupported");
    assert!(!answer.body.to_string().contains(MARKER), "{}", answer.body);
    let answer = world.arm(Method::PUT, &cluster("a"), Some(json!({"location": {"password": MARKER}}))).await;
    assert!(!answer.expect_error(400, "InvalidRequestContent").body.to_string().contains(MARKER));
    world.arm(Method::GET, &path, None).await.expect(404);

    // No protected setting, as clients send them that have none.
    let mut body = fleet_baseline();
    body["properties"]["configurationProtectedSettings"] = json!({});
    let put = world.arm(Method::PUT, &path, Some(body)).await.expect(201);
    assert_eq!(put.body["properties"].get("configurationProtectedSettings"), None);

    let token = world.mint(Subject::Cluster { resource_id: cluster("a").parse().unwrap() }).await;
    let credential = "cr3dential-of-the-agent";
    world.send(Method::POST, "/agent/v1/register", Some(&token), Some(registration(credential))).await.expect(200);
    let files = |world: &World| {
        let mut bytes = Vec::new();
        let mut names = Vec::new();
        for entry in std::fs::read_dir(world.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            names.push(path.file_name().unwrap().to_string_lossy().into_owned());
            bytes.extend(std::fs::read(path).unwrap());
        }
        assert!(names.iter().any(|name| name == "hub.db"), "{names:?}");
        bytes
    };
    let while_open = files(&world);
    world.stop().await;
    for bytes in [while_open, files(&world)] {
        assert!(contains(&bytes, b"fleet-gitops"), "the document is in the store");
        for secret in [MARKER, &token, &token[4..], &world.user, &world.user[4..], credential] {
            assert!(!contains(&bytes, secret.as_bytes()), "{secret} is in the store");
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(world.database()).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "the store is its owner's alone: {mode:o}");
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
