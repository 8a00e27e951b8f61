package main

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// electionChecks are about being the only one.
var electionChecks = []check{
	{"leader election: one leads, and the next one when it lets go", handsOver},
	{"leader election: the next one leads when the first is not heard of", takesOver},
}

// candidate stands for election until its context ends, and tells when it leads.
func candidate(ctx context.Context, g *ground, name string, release bool) (leads chan struct{}, err error) {
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, g.namespace, "leader", nil, g.clients.CoordinationV1(),
		resourcelock.ResourceLockConfig{Identity: name})
	if err != nil {
		return nil, err
	}
	leads = make(chan struct{})
	elector, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Lock: lock, LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 300 * time.Millisecond,
		ReleaseOnCancel: release,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { close(leads) },
			OnStoppedLeading: func() {},
		},
	})
	if err != nil {
		return nil, err
	}
	go elector.Run(ctx)
	return leads, nil
}

func handsOver(ctx context.Context, g *ground) error { return succession(ctx, g, true) }

func takesOver(ctx context.Context, g *ground) error { return succession(ctx, g, false) }

func succession(ctx context.Context, g *ground, release bool) error {
	firstCtx, end := context.WithCancel(ctx)
	defer end()
	first, err := candidate(firstCtx, g, "first", release)
	if err != nil {
		return err
	}
	if err := arrives(ctx, first, "the first leads"); err != nil {
		return err
	}
	second, err := candidate(ctx, g, "second", release)
	if err != nil {
		return err
	}
	select {
	case <-second:
		return errors.New("both lead")
	case <-time.After(4 * time.Second):
	}
	end()
	if err := arrives(ctx, second, "the second leads"); err != nil {
		return err
	}
	lease, err := g.clients.CoordinationV1().Leases(g.namespace).Get(ctx, "leader", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity != "second" || lease.Spec.LeaseTransitions == nil {
		return errors.New("the lease is " + text(lease.Spec))
	}
	return nil
}

func arrives(ctx context.Context, signal chan struct{}, what string) error {
	select {
	case <-signal:
		return nil
	case <-time.After(20 * time.Second):
	case <-ctx.Done():
	}
	return errors.New("never: " + what)
}
