package controlplane

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"
)

const (
	// probeLimit bounds one probe: a component that is starting or ending may
	// accept a connection and never answer.
	probeLimit = 2 * time.Second
	probePause = 20 * time.Millisecond

	// stopLimit bounds how long a component may take to end when asked.
	stopLimit = 10 * time.Second

	// apiServerStopLimit is the API server's. It answers what it was asked
	// within this time, and then waits seconds for idle connections to close.
	apiServerStopLimit = 500 * time.Millisecond
)

// stopOrder lists the components in the steps in which they are stopped.
// Without etcd the API server hangs on its way out, and without the API server
// the others fill their logs with complaints.
var stopOrder = [][]string{
	{Kwok, Scheduler, ControllerManager},
	{APIServer},
	{Etcd},
}

// run starts a component with these flags.
func (c *ControlPlane) run(component string, flags []string) error {
	started, err := startProcess(component, c.programs[component], flags, c.options.Data, c.layout.log(component), c.ended)
	if err != nil {
		return err
	}
	c.processes = append(c.processes, started)
	return nil
}

// waitUntil repeats the probe until it answers nil. It gives up when a
// component ends or the context is done.
func (c *ControlPlane) waitUntil(ctx context.Context, what string, probe func(context.Context) error) error {
	last := errors.New("none")
	for {
		limited, cancel := context.WithTimeout(ctx, probeLimit)
		err := probe(limited)
		cancel()
		if err == nil {
			c.options.Progress("got %s", what)
			return nil
		}
		if ctx.Err() == nil {
			last = err
		}
		select {
		case ended := <-c.ended:
			return ended.failure()
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w; the last answer: %w; the components' logs are in %s",
				what, context.Cause(ctx), last, c.layout.logs())
		case <-time.After(probePause):
		}
	}
}

// stopProcesses ends what was started, in order, and returns when all of it
// has ended.
func (c *ControlPlane) stopProcesses() {
	for _, step := range stopOrder {
		var stopping []*process
		for _, started := range c.processes {
			if slices.Contains(step, started.component) {
				stopping = append(stopping, started)
			}
		}
		for _, started := range stopping {
			_ = started.command.Process.Signal(syscall.SIGTERM)
		}
		for _, started := range stopping {
			c.awaitEnd(started)
		}
	}
	c.processes = nil
}

// awaitEnd gives a process that was asked to end its time, and then kills it.
func (c *ControlPlane) awaitEnd(stopping *process) {
	limit := stopLimit
	if stopping.component == APIServer {
		limit = apiServerStopLimit
	}
	select {
	case <-stopping.done:
		return
	case <-time.After(limit):
	}
	if stopping.component != APIServer {
		c.options.Progress("%s did not end within %s and is killed; its log is %s", stopping.component, limit, stopping.logPath)
	}
	_ = stopping.command.Process.Kill()
	<-stopping.done
}
