package controlplane

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

const (
	// certificateValidity is longer than any test and shorter than a worry.
	certificateValidity = 30 * 24 * time.Hour
	// clockSkewAllowed dates certificates back, for clocks that a test sets.
	clockSkewAllowed = time.Hour

	serialNumberBits = 127

	// mastersGroup may do everything: RBAC binds it to cluster-admin.
	mastersGroup = "system:masters"
)

// The names of certificates and, for those of users, of kubeconfigs.
const (
	authorityName          = "authority"
	etcdCertificate        = "etcd"
	apiServerCertificate   = "kube-apiserver"
	serviceAccountKey      = "service-accounts"
	adminUser              = "cluster-admin"
	launcherUser           = "cluster-launcher"
	controllerManagerUser  = "system:kube-controller-manager"
	schedulerUser          = "system:kube-scheduler"
	kwokUser               = "kwok"
	inClusterServerName    = "kubernetes.default.svc"
	inClusterServerAddress = "10.96.0.1"
)

// loopbackHosts are the names under which the components are reached.
var loopbackHosts = []string{"127.0.0.1", "::1", "localhost"}

// pair is a certificate, or a public key, and its private key, in PEM.
type pair struct{ public, private []byte }

// credentials are all the pairs of one start, by name. One authority signs
// them all: what it protects is thrown away.
type credentials map[string]pair

// newCredentials makes an authority and everything it signs.
func newCredentials() (credentials, error) {
	authority, err := newAuthority(time.Now())
	if err != nil {
		return nil, err
	}
	all := credentials{authorityName: authority.pair}

	for _, request := range []certificateRequest{
		{name: etcdCertificate, hosts: loopbackHosts},
		{name: apiServerCertificate, hosts: append([]string{
			inClusterServerAddress, "kubernetes", "kubernetes.default", inClusterServerName, inClusterServerName + ".cluster.local",
		}, loopbackHosts...)},
		{name: adminUser, groups: []string{mastersGroup}},
		// A name of our own, so that a test which counts the administrator's
		// requests counts none of ours.
		{name: launcherUser, groups: []string{mastersGroup}},
		// Its controllers act as this one user and need the rights of all of
		// them, which RBAC's own role for the user does not give.
		{name: controllerManagerUser, groups: []string{mastersGroup}},
		{name: schedulerUser},
		{name: kwokUser, groups: []string{mastersGroup}},
	} {
		issued, err := authority.issue(request)
		if err != nil {
			return nil, err
		}
		all[request.name] = issued
	}

	if all[serviceAccountKey], err = newKeyPair(); err != nil {
		return nil, err
	}
	return all, nil
}

// authority signs certificates.
type authority struct {
	pair
	certificate *x509.Certificate
	signer      *ecdsa.PrivateKey
	now         time.Time
}

// certificateRequest names a subject. The name is the user name and the groups
// are the user's, as Kubernetes reads client certificates; hosts are host
// names and addresses of a server.
type certificateRequest struct {
	name   string
	groups []string
	hosts  []string
}

func newAuthority(now time.Time) (*authority, error) {
	signer, err := newKey()
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(pkix.Name{CommonName: "cluster for tests"}, now)
	if err != nil {
		return nil, err
	}
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	encoded, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		return nil, fmt.Errorf("signing the authority's certificate: %w", err)
	}
	certificate, err := x509.ParseCertificate(encoded)
	if err != nil {
		return nil, fmt.Errorf("reading the authority's certificate: %w", err)
	}
	key, err := encodeKey(signer)
	if err != nil {
		return nil, err
	}
	return &authority{
		pair:        pair{public: encodePEM("CERTIFICATE", encoded), private: key},
		certificate: certificate,
		signer:      signer,
		now:         now,
	}, nil
}

// issue signs a certificate that may serve and call: etcd does both with one.
func (a *authority) issue(request certificateRequest) (pair, error) {
	signer, err := newKey()
	if err != nil {
		return pair{}, err
	}
	template, err := newTemplate(pkix.Name{CommonName: request.name, Organization: request.groups}, a.now)
	if err != nil {
		return pair{}, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, host := range request.hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	encoded, err := x509.CreateCertificate(rand.Reader, template, a.certificate, signer.Public(), a.signer)
	if err != nil {
		return pair{}, fmt.Errorf("signing the certificate of %s: %w", request.name, err)
	}
	key, err := encodeKey(signer)
	if err != nil {
		return pair{}, err
	}
	return pair{public: encodePEM("CERTIFICATE", encoded), private: key}, nil
}

func newTemplate(subject pkix.Name, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), serialNumberBits))
	if err != nil {
		return nil, fmt.Errorf("choosing a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    now.Add(-clockSkewAllowed),
		NotAfter:     now.Add(certificateValidity),
	}, nil
}

// newKey makes an elliptic-curve key: RSA keys would take most of a second.
func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return key, nil
}

// newKeyPair makes a key that signs tokens, and its public half.
func newKeyPair() (pair, error) {
	signer, err := newKey()
	if err != nil {
		return pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(signer.Public())
	if err != nil {
		return pair{}, fmt.Errorf("encoding a public key: %w", err)
	}
	private, err := encodeKey(signer)
	if err != nil {
		return pair{}, err
	}
	return pair{public: encodePEM("PUBLIC KEY", public), private: private}, nil
}

func encodeKey(key crypto.PrivateKey) ([]byte, error) {
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return encodePEM("PRIVATE KEY", encoded), nil
}

func encodePEM(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}
