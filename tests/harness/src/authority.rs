//! A certificate authority that lives as long as a test.

use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// Signs certificates for servers on loopback.
pub struct Authority {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and its key, as PEM.
pub(crate) struct ServerCertificate {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
    acceptor: TlsAcceptor,
}

impl Authority {
    /// A new authority, trusted by nobody.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> Result<Authority> {
        let key = KeyPair::generate().context("making the key of a certificate authority")?;
        let mut parameters = CertificateParams::new(Vec::new()).context("naming a certificate authority")?;
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).context("signing a certificate authority")?;
        Ok(Authority { certificate_pem: certificate.pem(), issuer: Issuer::new(parameters, key) })
    }

    /// What a client must trust to reach servers of this authority.
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Writes a certificate for `127.0.0.1` and `localhost` and its key as `tls.crt` and `tls.key` into `folder`.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn write_server_certificate(&self, folder: &std::path::Path) -> Result<()> {
        let certificate = self.server_certificate()?;
        std::fs::write(folder.join("tls.crt"), certificate.certificate_pem).context("writing a certificate")?;
        std::fs::write(folder.join("tls.key"), certificate.key_pem).context("writing a key")
    }

    pub(crate) fn acceptor(&self) -> Result<TlsAcceptor> {
        Ok(self.server_certificate()?.acceptor)
    }

    fn server_certificate(&self) -> Result<ServerCertificate> {
        let key = KeyPair::generate().context("making the key of a server")?;
        let names = vec!["127.0.0.1".to_string(), "localhost".to_string()];
        let parameters = CertificateParams::new(names).context("naming a server")?;
        let certificate = parameters.signed_by(&key, &self.issuer).context("signing a server's certificate")?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("choosing TLS versions")?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .context("using a server's certificate")?;
        Ok(ServerCertificate {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}
