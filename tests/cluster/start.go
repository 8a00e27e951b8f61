package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"thalweg.dev/tests/cluster/controlplane"
)

const (
	// defaultClientQPS and defaultClientBurst keep the controller manager's
	// own client limits out of what a test measures.
	defaultClientQPS   = 1000
	defaultClientBurst = 2000

	// defaultStartTimeout is long because a test machine may be busy building;
	// a quiet one needs about three seconds.
	defaultStartTimeout = 2 * time.Minute

	// parentPause is how often --exit-with-parent looks for the parent.
	parentPause = 100 * time.Millisecond
)

// startFlags is the command line of `cluster start`.
type startFlags struct {
	options        controlplane.Options
	startTimeout   time.Duration
	exitWithParent bool
	exitWithStdin  bool
}

// ready is the one line on standard output. Its fields are what the README
// promises to the test harness.
type ready struct {
	Kubeconfig string  `json:"kubeconfig"`
	Server     string  `json:"server"`
	AuditLog   *string `json:"auditLog"`
	Data       string  `json:"data"`
	PID        int     `json:"pid"`
}

// start runs a control plane until it is told to stop or a component fails,
// and answers the exit status.
func start(arguments []string) int {
	flags, err := parseStartFlags(arguments)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		return exitUsage
	}
	if err := serve(flags); err != nil {
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		return 1
	}
	return 0
}

func parseStartFlags(arguments []string) (startFlags, error) {
	var flags startFlags
	options := &flags.options
	set := flag.NewFlagSet("cluster start", flag.ContinueOnError)
	set.StringVar(&options.Data, "data", "", "`folder` for certificates, data and logs: emptied on start, kept on exit (default: a temporary one, removed on exit)")
	set.StringVar(&options.Kubeconfig, "kubeconfig", "", "`file` to write the administrator's kubeconfig to (default: kubeconfig in the data folder)")
	set.StringVar(&options.AuditLog, "audit-log", "", "`file` to write one line for each request to (default: no audit log)")
	set.IntVar(&options.ClientQPS, "kcm-qps", defaultClientQPS, "requests a second that a client of kube-controller-manager may send")
	set.IntVar(&options.ClientBurst, "kcm-burst", defaultClientBurst, "requests that a client of kube-controller-manager may send at once")
	set.IntVar(&options.Nodes, "nodes", 0, "number of simulated nodes; with 0 there is no scheduler either, and pods stay Pending")
	set.StringVar(&options.KwokProgram, "kwok", "", "kwok `program`, used with --nodes (default: the one beside this program)")
	set.Func("kube-apiserver-flag", "further `flag` for kube-apiserver, such as --v=4; may be repeated", appendTo(&options.APIServerFlags))
	set.Func("kube-controller-manager-flag", "further `flag` for kube-controller-manager; may be repeated", appendTo(&options.ControllerManagerFlags))
	set.DurationVar(&flags.startTimeout, "start-timeout", defaultStartTimeout, "give up when it is not ready by then")
	set.BoolVar(&flags.exitWithParent, "exit-with-parent", false, "stop when the process that started this one ends")
	set.BoolVar(&flags.exitWithStdin, "exit-with-stdin", false, "stop when standard input ends")
	if err := set.Parse(arguments); err != nil {
		return startFlags{}, err
	}
	if set.NArg() > 0 {
		return startFlags{}, fmt.Errorf("reading the command line: %q is not a flag; cluster start --help lists the flags", set.Arg(0))
	}
	return flags, nil
}

func appendTo(values *[]string) func(string) error {
	return func(value string) error {
		*values = append(*values, value)
		return nil
	}
}

// serve is the life of a control plane: start it, say that it is ready, wait
// for a reason to stop, stop it.
func serve(flags startFlags) error {
	stopRequested, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	stopOnSignal(stop)
	if flags.exitWithParent {
		go stopWithParent(os.Getppid(), stop)
	}
	if flags.exitWithStdin {
		go stopWithStdin(stop)
	}

	options, cleanUp, err := completeOptions(flags.options)
	if err != nil {
		return err
	}
	defer cleanUp()

	starting, cancel := context.WithTimeoutCause(stopRequested, flags.startTimeout,
		fmt.Errorf("it was not ready within %s (--start-timeout)", flags.startTimeout))
	defer cancel()
	plane, err := controlplane.Start(starting, options)
	if err != nil {
		return err
	}
	defer plane.Stop()

	if err := announce(plane, options); err != nil {
		return err
	}
	select {
	case <-stopRequested.Done():
		options.Progress("stopping: %v", context.Cause(stopRequested))
		return nil
	case failure := <-plane.Failed():
		return failure
	}
}

// completeOptions fills in what the command line left open and makes paths
// absolute, because components run in the data folder. The second answer
// removes what should not outlive this process.
func completeOptions(options controlplane.Options) (controlplane.Options, func(), error) {
	options.Progress = progressSince(time.Now())
	cleanUp := func() {}

	self, err := os.Executable()
	if err != nil {
		return options, nil, fmt.Errorf("finding this program, which is also the components: %w", err)
	}
	options.Self = self
	options.Assets = os.Getenv("KUBEBUILDER_ASSETS")
	if options.Assets == "" {
		if err := checkLinkedVersion(); err != nil {
			return options, nil, err
		}
	}

	for _, path := range []*string{&options.Data, &options.Kubeconfig, &options.AuditLog, &options.KwokProgram, &options.Assets} {
		if *path == "" {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return options, nil, fmt.Errorf("making a path absolute: %w", err)
		}
	}
	if options.Data == "" {
		if options.Data, err = os.MkdirTemp("", "cluster-"); err != nil {
			return options, nil, fmt.Errorf("making a temporary data folder: %w; name one with --data", err)
		}
		temporary := options.Data
		cleanUp = func() { _ = os.RemoveAll(temporary) }
	}
	if options.Kubeconfig == "" {
		options.Kubeconfig = filepath.Join(options.Data, "kubeconfig")
	}
	return options, cleanUp, nil
}

// progressSince writes lines to standard error, each with the seconds since
// the start.
func progressSince(began time.Time) func(string, ...any) {
	return func(format string, arguments ...any) {
		fmt.Fprintf(os.Stderr, "cluster: %5.2fs %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, arguments...))
	}
}

func announce(plane *controlplane.ControlPlane, options controlplane.Options) error {
	line := ready{
		Kubeconfig: options.Kubeconfig,
		Server:     plane.Server(),
		Data:       options.Data,
		PID:        os.Getpid(),
	}
	if options.AuditLog != "" {
		line.AuditLog = &options.AuditLog
	}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		return fmt.Errorf("writing the ready line to standard output: %w", err)
	}
	return nil
}

// stopOnSignal asks for a stop at the first signal; a second one while
// stopping ends the process, and the kernel then ends the components.
func stopOnSignal(stop context.CancelCauseFunc) {
	// A reader of our output that is gone must not keep us from stopping in order.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)

	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	go func() {
		first := <-signals
		stop(fmt.Errorf("signal: %v", first))
		<-signals
		os.Exit(1)
	}()
}

func stopWithParent(parent int, stop context.CancelCauseFunc) {
	for os.Getppid() == parent {
		time.Sleep(parentPause)
	}
	stop(fmt.Errorf("the parent process %d ended (--exit-with-parent)", parent))
}

func stopWithStdin(stop context.CancelCauseFunc) {
	_, _ = io.Copy(io.Discard, os.Stdin)
	stop(errors.New("standard input ended (--exit-with-stdin)"))
}
