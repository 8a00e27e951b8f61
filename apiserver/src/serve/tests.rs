use std::convert::Infallible;

use http::{Request, Response, Version};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tower::service_fn;

use super::{Body, Security, Serving, kubeconfig, serve};

#[tokio::test]
async fn both_versions_of_http_are_served_in_plain() {
    let serving = start(Security::Plain).await;
    for http2_only in [false, true] {
        let client = Client::builder(TokioExecutor::new()).http2_only(http2_only).build_http::<Empty<bytes::Bytes>>();
        let answer = client.get(format!("{}/where", serving.url()).parse().unwrap()).await.unwrap();
        assert_eq!(answer.version(), if http2_only { Version::HTTP_2 } else { Version::HTTP_11 });
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "/where");
    }
    serving.stop().await;
}

#[tokio::test]
async fn tls_agrees_on_http2_and_is_signed_by_the_authority_of_the_kubeconfig() {
    use rustls::pki_types::pem::PemObject as _;
    let serving = start(Security::Tls).await;
    let mut trusted = rustls::RootCertStore::empty();
    let authority = serving.authority().unwrap().as_bytes();
    trusted.add(rustls::pki_types::CertificateDer::from_pem_slice(authority).unwrap()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut configuration = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(trusted)
        .with_no_client_auth();
    configuration.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(serving.address()).await.unwrap();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(configuration));
    let stream = connector.connect("127.0.0.1".try_into().unwrap(), stream).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://127.0.0.1/where").body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "/where");
    serving.stop().await;
}

#[tokio::test]
async fn a_stopped_server_listens_no_more() {
    let serving = start(Security::Plain).await;
    let address = serving.address();
    serving.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn requests_under_way_are_answered_when_the_server_stops() {
    let (begun, mut wait) = tokio::sync::mpsc::channel(1);
    let slow = service_fn(move |_: Request<Incoming>| {
        let begun = begun.clone();
        async move {
            begun.send(()).await.unwrap();
            tokio::task::yield_now().await;
            Ok::<_, Infallible>(Response::new(Body::from("late")))
        }
    });
    let serving = serve(slow, TcpListener::bind("127.0.0.1:0").await.unwrap(), Security::Plain).unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<bytes::Bytes>>();
    let asked = tokio::spawn(client.get(format!("{}/", serving.url()).parse().unwrap()));
    wait.recv().await.unwrap();
    serving.stop().await;
    let answer = asked.await.unwrap().unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "late");
}

#[test]
fn a_kubeconfig_names_server_authority_and_token() {
    check(Some("PEM"), Some("secret"), Some("UEVN"), Some("secret"));
    check(None, None, None, None);
}

fn check(authority: Option<&str>, token: Option<&str>, expected_authority: Option<&str>, expected_token: Option<&str>) {
    let text = kubeconfig("https://127.0.0.1:1", authority, token);
    let value: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let cluster = &value["clusters"][0]["cluster"];
    assert_eq!(cluster["server"], "https://127.0.0.1:1");
    assert_eq!(cluster["certificate-authority-data"].as_str(), expected_authority);
    assert_eq!(value["users"][0]["user"]["token"].as_str(), expected_token);
    assert_eq!(value["current-context"], value["contexts"][0]["name"]);
}

async fn start(security: Security) -> Serving {
    let echo = service_fn(|request: Request<Incoming>| async move {
        Ok::<_, Infallible>(Response::new(Body::from(request.uri().path().to_owned())))
    });
    serve(echo, TcpListener::bind("127.0.0.1:0").await.unwrap(), security).unwrap()
}
