//! How the hub listens: TLS anywhere, plain HTTP on loopback alone.

use std::net::SocketAddr;
use std::time::Duration;

use thalweg_hub::{Clock, Options, ServeError, TlsFiles, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

fn options(folder: &tempfile::TempDir, address: [u8; 4], tls: Option<TlsFiles>) -> Options {
    Options {
        database: folder.path().join("hub.db"),
        address: SocketAddr::from((address, 0)),
        tls,
        clock: Clock::default(),
    }
}

#[tokio::test]
async fn plain_http_outside_loopback_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let refused = serve(options(&folder, [0, 0, 0, 0], None), CancellationToken::new()).await.unwrap_err();
    assert!(matches!(refused, ServeError::PlainOutsideLoopback(_)));
    assert!(refused.to_string().contains("--tls-cert-file"));
    assert!(!folder.path().join("hub.db").exists());
}

#[tokio::test]
async fn with_certificate_and_key_it_serves_https_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let files = TlsFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let shutdown = CancellationToken::new();
    let serving = serve(options(&folder, [0, 0, 0, 0], Some(files)), shutdown.clone()).await.unwrap();
    let port = serving.address().port();
    // A client that never finishes its handshake holds nobody up.
    let _idle = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    for http2 in [true, false] {
        let mut builder = reqwest::Client::builder()
            .tls_certs_only([reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()]);
        if !http2 {
            builder = builder.http1_only();
        }
        let answer = builder.build().unwrap().get(format!("https://localhost:{port}/healthz")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.version() == reqwest::Version::HTTP_2, http2);
    }
    assert!(reqwest::get(format!("http://localhost:{port}/healthz")).await.is_err());
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(15), serving.finished()).await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_none_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let files = TlsFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    let error = serve(options(&folder, [127, 0, 0, 1], Some(files)), CancellationToken::new()).await.unwrap_err();
    assert!(error.to_string().contains("tls.crt"), "{error}");
}

#[tokio::test]
async fn one_hub_does_not_start_on_a_file_that_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hub.db"), "this is no database, but long enough to be looked at").unwrap();
    let error = serve(options(&folder, [127, 0, 0, 1], None), CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, ServeError::Store(_)), "{error:?}");
}

#[tokio::test]
async fn half_a_request_is_not_waited_for_when_the_hub_stops() {
    let folder = tempfile::tempdir().unwrap();
    let shutdown = CancellationToken::new();
    let serving = serve(options(&folder, [127, 0, 0, 1], None), shutdown.clone()).await.unwrap();
    let mut half = tokio::net::TcpStream::connect(serving.address()).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(15), serving.finished()).await.unwrap();
    let mut rest = Vec::new();
    half.read_to_end(&mut rest).await.ok();
}
