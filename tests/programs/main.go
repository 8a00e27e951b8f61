// Command programs uses a Kubernetes API server the way programs in Go do:
// through client-go and controller-runtime, and no other knowledge of it.
//
// It prints a line for each check, and ends with status 1 when one fails. The
// cluster is written to: each check has a namespace of its own, and cleans up.
// The checks of workloads need a cluster in which pods become ready.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

func main() {
	// controller-runtime has put a flag of its own among the common ones.
	flags := flag.NewFlagSet("programs", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", os.Getenv("KUBECONFIG"), "the `file` that names the cluster")
	run := flags.String("run", "", "run only the checks whose name this `expression` matches")
	limit := flags.Duration("limit", 90*time.Second, "how long one check may take")
	_ = flags.Parse(os.Args[1:])
	// What the libraries log of their own accord would bury the results.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)

	chosen, err := regexp.Compile(*run)
	if err != nil {
		fail("reading -run: %v", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		fail("reading the kubeconfig %s: %v", *kubeconfig, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var selected []check
	for _, one := range checks {
		if chosen.MatchString(one.name) {
			selected = append(selected, one)
		}
	}
	failed := runAll(ctx, config, selected, *limit)
	fmt.Printf("%d checks, %d failed\n", len(selected), failed)
	if failed > 0 {
		os.Exit(1)
	}
}

func fail(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, "programs: "+format+"\n", arguments...)
	os.Exit(2)
}
