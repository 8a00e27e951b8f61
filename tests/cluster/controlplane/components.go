package controlplane

import (
	"fmt"
	"strconv"
)

const (
	serviceRange = "10.96.0.0/16"

	// The API server's own limits, far above the defaults of 400 and 200, so
	// that a test meets its client's limits and not the server's. What tests
	// 429 answers asks for them with --kube-apiserver-flag.
	readsInFlightMax  = 3000
	writesInFlightMax = 1000

	schedulerQPS   = 1000
	schedulerBurst = 2000
)

// etcdFlags trade durability for speed: the data does not outlive the process.
func etcdFlags(files layout, listen ports) []string {
	return []string{
		"--name=cluster",
		"--data-dir=" + files.etcdData(),
		"--unsafe-no-fsync",
		// A single member elects itself after one timeout: a second by default.
		"--heartbeat-interval=20",
		"--election-timeout=100",
		"--listen-client-urls=" + listen.etcdURL(),
		"--advertise-client-urls=" + listen.etcdURL(),
		// A single member has no peers, and still listens for them.
		"--listen-peer-urls=https://" + loopback + ":0",
		"--initial-advertise-peer-urls=https://" + loopback + ":0",
		"--initial-cluster=cluster=https://" + loopback + ":0",
		"--client-cert-auth",
		"--trusted-ca-file=" + files.public(authorityName),
		"--cert-file=" + files.public(etcdCertificate),
		"--key-file=" + files.private(etcdCertificate),
		"--peer-client-cert-auth",
		"--peer-trusted-ca-file=" + files.public(authorityName),
		"--peer-cert-file=" + files.public(etcdCertificate),
		"--peer-key-file=" + files.private(etcdCertificate),
	}
}

func apiServerFlags(files layout, listen ports, options Options) []string {
	flags := []string{
		"--bind-address=" + loopback,
		"--secure-port=" + strconv.Itoa(listen.apiServer),
		"--advertise-address=" + loopback,
		// There are no pods to reach us through the kubernetes service, and
		// its endpoints may not be loopback addresses.
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=" + serviceRange,

		"--etcd-servers=" + listen.etcdURL(),
		"--etcd-cafile=" + files.public(authorityName),
		"--etcd-certfile=" + files.public(etcdCertificate),
		"--etcd-keyfile=" + files.private(etcdCertificate),

		"--tls-cert-file=" + files.public(apiServerCertificate),
		"--tls-private-key-file=" + files.private(apiServerCertificate),
		"--client-ca-file=" + files.public(authorityName),
		"--authorization-mode=RBAC",
		"--allow-privileged",

		"--service-account-issuer=https://" + inClusterServerName,
		"--service-account-signing-key-file=" + files.private(serviceAccountKey),
		"--service-account-key-file=" + files.public(serviceAccountKey),

		"--max-requests-inflight=" + strconv.Itoa(readsInFlightMax),
		"--max-mutating-requests-inflight=" + strconv.Itoa(writesInFlightMax),
	}
	if options.AuditLog != "" {
		flags = append(flags,
			"--audit-policy-file="+files.auditPolicy(),
			"--audit-log-path="+options.AuditLog,
			// Written before the answer ends, so that a test can read it then.
			"--audit-log-mode=blocking-strict",
			// Never rotated: a test counts lines.
			"--audit-log-maxsize=0",
		)
	}
	return append(flags, options.APIServerFlags...)
}

func controllerManagerFlags(files layout, options Options) []string {
	return append([]string{
		"--kubeconfig=" + files.kubeconfig(controllerManagerUser),
		"--kube-api-qps=" + strconv.Itoa(options.ClientQPS),
		"--kube-api-burst=" + strconv.Itoa(options.ClientBurst),
		"--leader-elect=false",
		"--secure-port=0",
		"--use-service-account-credentials=false",
		"--root-ca-file=" + files.public(authorityName),
		"--service-account-private-key-file=" + files.private(serviceAccountKey),
		"--cluster-signing-cert-file=" + files.public(authorityName),
		"--cluster-signing-key-file=" + files.private(authorityName),
	}, options.ControllerManagerFlags...)
}

func schedulerFlags(files layout) []string {
	return []string{
		"--config=" + files.configuration(Scheduler),
		"--secure-port=0",
	}
}

func kwokFlags(files layout) []string {
	return []string{
		"--kubeconfig=" + files.kubeconfig(kwokUser),
		"--config=" + files.configuration(Kwok),
		"--manage-all-nodes",
	}
}

// auditPolicy gives each request one event, when its answer is complete. A
// watch has two: one when it begins and one when it ends.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
`

// schedulerConfiguration exists because the scheduler takes its client's
// limits from a file alone.
func schedulerConfiguration(files layout) string {
	return fmt.Sprintf(`apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection:
  kubeconfig: %q
  qps: %d
  burst: %d
leaderElection:
  leaderElect: false
`, files.kubeconfig(schedulerUser), schedulerQPS, schedulerBurst)
}

// inputFiles are the files that the components read, by path.
func inputFiles(files layout, listen ports, all credentials, options Options) map[string][]byte {
	contents := map[string][]byte{}
	for name, pair := range all {
		contents[files.public(name)] = pair.public
		contents[files.private(name)] = pair.private
	}
	for _, user := range []string{adminUser, controllerManagerUser, schedulerUser, kwokUser} {
		contents[files.kubeconfig(user)] = kubeconfig(listen.serverURL(), user, all)
	}
	if options.AuditLog != "" {
		contents[files.auditPolicy()] = []byte(auditPolicy)
	}
	if options.Nodes > 0 {
		contents[files.configuration(Scheduler)] = []byte(schedulerConfiguration(files))
		contents[files.configuration(Kwok)] = []byte(kwokStages())
	}
	return contents
}
