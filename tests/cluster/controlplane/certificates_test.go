package controlplane

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"testing"
)

func TestEveryCertificateIsSignedByTheAuthorityForItsHosts(t *testing.T) {
	all := mustCredentials(t)
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(all[authorityName].public)

	for name, hosts := range map[string][]string{
		etcdCertificate:       {"127.0.0.1", "localhost"},
		apiServerCertificate:  {"127.0.0.1", "localhost", inClusterServerName, inClusterServerAddress},
		adminUser:             {""},
		launcherUser:          {""},
		controllerManagerUser: {""},
		schedulerUser:         {""},
		kwokUser:              {""},
	} {
		for _, host := range hosts {
			_, err := leaf(t, all[name]).Verify(x509.VerifyOptions{
				DNSName:   host,
				Roots:     authorities,
				KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
			})
			if err != nil {
				t.Errorf("%s for host %q: %v", name, host, err)
			}
		}
	}
}

func TestCertificatesNameUsersAndTheirGroups(t *testing.T) {
	all := mustCredentials(t)
	for user, groups := range map[string][]string{
		adminUser:             {mastersGroup},
		launcherUser:          {mastersGroup},
		controllerManagerUser: {mastersGroup},
		schedulerUser:         nil,
		kwokUser:              {mastersGroup},
	} {
		subject := leaf(t, all[user]).Subject
		if subject.CommonName != user || !slices.Equal(subject.Organization, groups) {
			t.Errorf("%s: the certificate names user %q in groups %q, not %q", user, subject.CommonName, subject.Organization, groups)
		}
	}
}

func TestTokensSignedWithThePrivateKeyAreVerifiedWithThePublicOne(t *testing.T) {
	keys := mustCredentials(t)[serviceAccountKey]
	private, err := x509.ParsePKCS8PrivateKey(block(t, keys.private))
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.ParsePKIXPublicKey(block(t, keys.public))
	if err != nil {
		t.Fatal(err)
	}
	if !private.(*ecdsa.PrivateKey).PublicKey.Equal(public) {
		t.Error("the public key is not that of the private key")
	}
}

func mustCredentials(t *testing.T) credentials {
	t.Helper()
	all, err := newCredentials()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// leaf answers the certificate of a pair whose halves belong together.
func leaf(t *testing.T, of pair) *x509.Certificate {
	t.Helper()
	loaded, err := tls.X509KeyPair(of.public, of.private)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Leaf
}

func block(t *testing.T, encoded []byte) []byte {
	t.Helper()
	decoded, rest := pem.Decode(encoded)
	if decoded == nil || len(rest) > 0 {
		t.Fatalf("not one PEM block: %q", encoded)
	}
	return decoded.Bytes
}
