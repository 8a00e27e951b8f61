//! A certificate authority and a certificate that it signed, made for one run.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Names by which a server on loopback is reached.
const NAMES: [&str; 5] =
    ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"];

/// A server's certificate and key, and the authority that its clients are to trust.
#[derive(Debug)]
pub struct Certificates {
    /// The authority's certificate, PEM.
    pub authority: String,
    /// The server's certificate.
    pub certificate: CertificateDer<'static>,
    /// The server's key.
    pub key: PrivateKeyDer<'static>,
}

impl Certificates {
    /// For a server at this address and on loopback.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new(address: IpAddr) -> Result<Self, rcgen::Error> {
        let mut authority = CertificateParams::default();
        authority.distinguished_name.push(DnType::CommonName, "thalweg-api-server-ca");
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let issuer_key = KeyPair::generate()?;
        let authority_pem = authority.self_signed(&issuer_key)?.pem();
        let issuer = Issuer::new(authority, issuer_key);

        let names = NAMES.into_iter().map(String::from);
        let addresses = [address, IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        let mut server =
            CertificateParams::new(names.chain(addresses.map(|address| address.to_string())).collect::<Vec<_>>())?;
        server.distinguished_name.push(DnType::CommonName, "thalweg-api-server");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = server.signed_by(&key, &issuer)?;
        Ok(Self { authority: authority_pem, certificate: certificate.into(), key: key.into() })
    }
}
