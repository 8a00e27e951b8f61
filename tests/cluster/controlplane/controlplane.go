// Package controlplane starts, watches and stops a Kubernetes control plane on
// loopback: each component is a child process, its certificates and data are
// made for this one start, and nothing outlives the process that called Start.
//
// In: Options. Out: a kubeconfig file, a server that answers, log files in the
// data folder. It knows the components' flags and their order; it contains
// none of them, so its tests build in a moment.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// The components, by the names of their programs.
const (
	Etcd              = "etcd"
	APIServer         = "kube-apiserver"
	ControllerManager = "kube-controller-manager"
	Scheduler         = "kube-scheduler"
	Kwok              = "kwok"
)

// startAttemptsMax bounds how often Start chooses other ports. A port is free
// when it is chosen and may be taken before its component listens on it.
const startAttemptsMax = 5

// Options say what to start. Every path is absolute.
type Options struct {
	// Data is the folder for certificates, data and logs.
	Data string
	// Kubeconfig is the file to write the administrator's kubeconfig to.
	Kubeconfig string
	// AuditLog is the file for audit events; empty for none.
	AuditLog string
	// ClientQPS and ClientBurst limit each client of kube-controller-manager.
	ClientQPS, ClientBurst int
	// Nodes is the number of simulated nodes; with 0 there is no scheduler.
	Nodes int

	// Self is the program that contains the components as roles.
	Self string
	// Assets is a folder of components to use instead of Self; empty for none.
	Assets string
	// KwokProgram simulates nodes; empty for the one in Assets or beside Self.
	KwokProgram string
	// APIServerFlags and ControllerManagerFlags come after the flags we set.
	APIServerFlags, ControllerManagerFlags []string

	// Progress is called with each step that was reached.
	Progress func(format string, arguments ...any)
}

// ControlPlane is a running control plane.
type ControlPlane struct {
	options  Options
	layout   layout
	ports    ports
	programs map[string]program
	client   *client

	release   func() // gives the data folder back
	processes []*process
	ended     chan *process
}

// Start answers when the API server is ready, the controller manager has made
// the default service account and every simulated node takes pods. When it
// answers an error, nothing is left running.
//
// The kernel ends the components when the thread that started them ends.
// Start therefore locks its goroutine to its thread, and that goroutine must
// live as long as the control plane: call it from main's.
func Start(ctx context.Context, options Options) (*ControlPlane, error) {
	runtime.LockOSThread()

	programs, err := findPrograms(options)
	if err != nil {
		return nil, err
	}
	release, err := claimFolder(options.Data)
	if err != nil {
		return nil, err
	}
	for attempt := 1; ; attempt++ {
		plane := &ControlPlane{
			options:  options,
			layout:   layout{options.Data},
			programs: programs,
			release:  release,
			ended:    make(chan *process, len(programs)),
		}
		err := plane.start(ctx)
		if err == nil {
			return plane, nil
		}
		plane.stopProcesses()
		var failure *ComponentError
		if attempt == startAttemptsMax || !errors.As(err, &failure) || !failure.portTaken() {
			release()
			return nil, err
		}
		options.Progress("%s found its port taken; starting again on other ports", failure.Component)
	}
}

// Server is the URL of the API server.
func (c *ControlPlane) Server() string { return c.ports.serverURL() }

// Failed yields the error of a component that ended by itself.
func (c *ControlPlane) Failed() <-chan error {
	failed := make(chan error, 1)
	go func() { failed <- (<-c.ended).failure() }()
	return failed
}

// Stop ends the components in order and gives the data folder back.
func (c *ControlPlane) Stop() {
	c.stopProcesses()
	c.release()
	c.options.Progress("every component has ended")
}

func (c *ControlPlane) start(ctx context.Context) error {
	if err := c.prepare(); err != nil {
		return err
	}

	if err := c.run(Etcd, etcdFlags(c.layout, c.ports)); err != nil {
		return err
	}
	if err := c.waitUntil(ctx, "etcd to answer", c.etcdHealthy); err != nil {
		return err
	}
	if err := c.run(APIServer, apiServerFlags(c.layout, c.ports, c.options)); err != nil {
		return err
	}
	if err := c.waitUntil(ctx, "kube-apiserver to be ready", c.apiServerReady); err != nil {
		return err
	}
	if err := c.run(ControllerManager, controllerManagerFlags(c.layout, c.options)); err != nil {
		return err
	}
	if c.options.Nodes > 0 {
		if err := c.startNodes(ctx); err != nil {
			return err
		}
	}
	if err := c.waitUntil(ctx, "the default service account", c.defaultServiceAccountExists); err != nil {
		return err
	}
	if c.options.Nodes > 0 {
		if err := c.waitUntil(ctx, fmt.Sprintf("%d nodes to take pods", c.options.Nodes), c.nodesReady); err != nil {
			return err
		}
	}
	return c.writeAdminKubeconfig()
}

// prepare makes everything that the components read: ports, certificates,
// kubeconfigs and configuration files.
func (c *ControlPlane) prepare() error {
	if err := emptyFolder(c.options.Data); err != nil {
		return err
	}
	for _, stale := range []string{c.options.Kubeconfig, c.options.AuditLog} {
		if err := removeFile(stale); err != nil {
			return err
		}
	}
	chosen, err := choosePorts()
	if err != nil {
		return err
	}
	c.ports = chosen
	credentials, err := newCredentials()
	if err != nil {
		return err
	}
	if c.client, err = newClient(credentials); err != nil {
		return err
	}
	return writeFiles(c.options.Data, inputFiles(c.layout, c.ports, credentials, c.options))
}

// writeAdminKubeconfig comes last and in one step, so that who waits for the
// file finds a control plane that is ready.
func (c *ControlPlane) writeAdminKubeconfig() error {
	content, err := os.ReadFile(c.layout.kubeconfig(adminUser))
	if err != nil {
		return fmt.Errorf("reading the administrator's kubeconfig: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(c.options.Kubeconfig), folderMode); err != nil {
		return fmt.Errorf("making the folder of the kubeconfig: %w", err)
	}
	unfinished := c.options.Kubeconfig + ".unfinished"
	if err := os.WriteFile(unfinished, content, fileMode); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	if err := os.Rename(unfinished, c.options.Kubeconfig); err != nil {
		return fmt.Errorf("putting the kubeconfig in its place: %w", err)
	}
	return nil
}
