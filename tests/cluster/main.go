// Command cluster runs a real Kubernetes control plane on loopback, for tests
// and benchmarks: etcd, kube-apiserver, kube-controller-manager and, on
// request, kube-scheduler with simulated nodes.
//
// `cluster start` is the launcher. It runs each component as a child process,
// and the child is this same program in another role (`cluster etcd …`), so
// that one file is all a test machine needs. Certificates and data are thrown
// away with the folder that holds them.
//
// README.md says how to build it and what to expect of it.
package main

import (
	"fmt"
	"os"
)

const usage = `Usage:
  cluster start [flags]      run a control plane until a signal; cluster start --help lists the flags
  cluster COMPONENT [flags]  run one component: etcd, kube-apiserver, kube-controller-manager, kube-scheduler
`

// exitUsage is the exit status of a command line that cannot be understood.
const exitUsage = 2

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(exitUsage)
	}
	verb := os.Args[1]
	if run, ok := roles[verb]; ok {
		// A component sees its own name and flags, as if it were alone.
		os.Args = os.Args[1:]
		os.Exit(run())
	}
	switch verb {
	case "start":
		os.Exit(start(os.Args[2:]))
	case "help", "-h", "-help", "--help":
		fmt.Print(usage)
	default:
		fmt.Fprintf(os.Stderr, "cluster: there is no verb or component %q\n%s", verb, usage)
		os.Exit(exitUsage)
	}
}
