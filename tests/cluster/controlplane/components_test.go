package controlplane

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"
	"testing"
)

var (
	testLayout  = layout{"/data"}
	testPorts   = ports{etcd: 1, apiServer: 2}
	testOptions = Options{
		Data: "/data", AuditLog: "/logs/audit.log", ClientQPS: 3, ClientBurst: 4, Nodes: 1,
		APIServerFlags:         []string{"--max-requests-inflight=5"},
		ControllerManagerFlags: []string{"--v=6"},
	}
)

// allFlags answers the flags of every component.
func allFlags(options Options) map[string][]string {
	return map[string][]string{
		Etcd:              etcdFlags(testLayout, testPorts),
		APIServer:         apiServerFlags(testLayout, testPorts, options),
		ControllerManager: controllerManagerFlags(testLayout, options),
		Scheduler:         schedulerFlags(testLayout),
		Kwok:              kwokFlags(testLayout),
	}
}

func TestEveryFileThatAFlagNamesIsWritten(t *testing.T) {
	written := inputFiles(testLayout, testPorts, mustCredentials(t), testOptions)
	for component, flags := range allFlags(testOptions) {
		for _, flag := range flags {
			_, path, _ := strings.Cut(flag, "=")
			isMadeByEtcd := path == testLayout.etcdData()
			if !strings.HasPrefix(path, testLayout.root) || isMadeByEtcd {
				continue
			}
			if len(written[path]) == 0 {
				t.Errorf("%s %s: nothing writes that file", component, flag)
			}
		}
	}
}

func TestFlagsOfTheCommandLineComeLastAndSoWin(t *testing.T) {
	flags := allFlags(testOptions)
	for component, wanted := range map[string]string{
		APIServer:         "--max-requests-inflight=5",
		ControllerManager: "--v=6",
	} {
		if last := flags[component][len(flags[component])-1]; last != wanted {
			t.Errorf("%s: the last flag is %s, not %s", component, last, wanted)
		}
	}
}

func TestControllerManagerHasTheLimitsAskedFor(t *testing.T) {
	flags := allFlags(testOptions)[ControllerManager]
	for _, wanted := range []string{"--kube-api-qps=3", "--kube-api-burst=4"} {
		if !slices.Contains(flags, wanted) {
			t.Errorf("%s is missing in %q", wanted, flags)
		}
	}
}

func TestAuditIsOffUnlessAskedFor(t *testing.T) {
	for _, flag := range apiServerFlags(testLayout, testPorts, Options{}) {
		if strings.Contains(flag, "audit") {
			t.Errorf("%s is set", flag)
		}
	}
	if !slices.Contains(allFlags(testOptions)[APIServer], "--audit-log-path=/logs/audit.log") {
		t.Error("the audit log asked for is not set")
	}
}

func TestEverythingListensOnLoopbackAlone(t *testing.T) {
	for component, flags := range allFlags(testOptions) {
		for _, flag := range flags {
			name, value, _ := strings.Cut(flag, "=")
			listens := strings.Contains(name, "listen") || strings.Contains(name, "bind-address")
			if listens && !strings.Contains(value, loopback) {
				t.Errorf("%s %s", component, flag)
			}
		}
	}
}

func TestKubeconfigCarriesTheServerAndTheUsersCertificate(t *testing.T) {
	all := mustCredentials(t)
	content := kubeconfig("https://127.0.0.1:2", schedulerUser, all)
	for _, wanted := range [][]byte{
		[]byte("server: https://127.0.0.1:2\n"),
		[]byte("user: \"system:kube-scheduler\"\n"),
		base64.StdEncoding.AppendEncode(nil, all[authorityName].public),
		base64.StdEncoding.AppendEncode(nil, all[schedulerUser].public),
		base64.StdEncoding.AppendEncode(nil, all[schedulerUser].private),
	} {
		if !bytes.Contains(content, wanted) {
			t.Errorf("%q is missing in\n%s", wanted, content)
		}
	}
}
