package main

import (
	"fmt"
	"os"
	"runtime/debug"
	_ "time/tzdata" // time zones of CronJobs, on machines that have none installed

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // client metrics, as in the components' own programs
	_ "k8s.io/component-base/metrics/prometheus/version"  // version metric, likewise
	"k8s.io/component-base/version"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"

	"thalweg.dev/tests/cluster/controlplane"
)

// roles are the components that this program contains. Each runs on os.Args
// and answers the exit status. kwok is not among them: it and component-base
// both define a flag named version, so it has to be a program of its own.
var roles = map[string]func() int{
	controlplane.Etcd: func() int {
		etcdmain.Main(os.Args)
		return 0
	},
	controlplane.APIServer: func() int {
		return cli.Run(apiserver.NewAPIServerCommand())
	},
	controlplane.ControllerManager: func() int {
		return cli.Run(controllermanager.NewControllerManagerCommand())
	},
	controlplane.Scheduler: func() int {
		return cli.Run(scheduler.NewSchedulerCommand())
	},
}

// kubernetesModule is the module whose version the API server must announce.
const kubernetesModule = "k8s.io/kubernetes"

// checkLinkedVersion finds a program that was built without the linker flags
// that set the Kubernetes version, or with those of another version: clients
// such as kubectl compare themselves with what the API server announces.
func checkLinkedVersion() error {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		return nil
	}
	linked := version.Get().GitVersion
	for _, module := range build.Deps {
		if module.Path == kubernetesModule && module.Version != linked {
			return fmt.Errorf("checking which Kubernetes this program announces: it contains %s and would announce %s;"+
				" build it with the command in README.md, which sets the version", module.Version, linked)
		}
	}
	return nil
}
