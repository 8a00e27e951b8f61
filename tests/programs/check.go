package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// checks are all of them, by topic.
var checks = join(
	typedChecks, objectChecks, patchChecks, listChecks, watchChecks, informerChecks, applyChecks, accessChecks,
	discoveryChecks, eventChecks, electionChecks, workloadChecks, definitionChecks, controllerChecks,
)

// A check is something that a program does, named by what must hold.
type check struct {
	name string
	run  func(ctx context.Context, g *ground) error
}

// ground is what one check works with.
type ground struct {
	config    *rest.Config
	clients   kubernetes.Interface
	dynamic   dynamic.Interface
	namespace string
}

const (
	// tick is how often a condition is looked at.
	tick = 50 * time.Millisecond
	// patience is how long something may take: a garbage collector learns of new kinds every half minute.
	patience = time.Minute
	// atOnce is how many checks run side by side.
	atOnce = 6
	// protobuf is what programs built from the generated clients send.
	protobuf = "application/vnd.kubernetes.protobuf"
)

func runAll(ctx context.Context, config *rest.Config, checks []check, limit time.Duration) (failed int) {
	var lock sync.Mutex
	var group sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, one := range checks {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			err := runOne(ctx, config, one, limit)
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				failed++
				fmt.Printf("FAIL %s: %s\n", one.name, strings.ReplaceAll(err.Error(), "\n", "\n     "))
				return
			}
			fmt.Printf("PASS %s\n", one.name)
		})
	}
	group.Wait()
	return failed
}

func runOne(ctx context.Context, config *rest.Config, one check, limit time.Duration) (err error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("it panicked: %v", panicked)
		}
	}()
	g, err := newGround(ctx, config)
	if err != nil {
		return fmt.Errorf("preparing: %w", err)
	}
	defer func() {
		_ = g.clients.CoreV1().Namespaces().Delete(context.WithoutCancel(ctx), g.namespace, metav1.DeleteOptions{})
	}()
	return one.run(ctx, g)
}

func newGround(ctx context.Context, config *rest.Config) (*ground, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.UserAgent = "programs"
	typed := rest.CopyConfig(config)
	typed.ContentType = protobuf
	typed.AcceptContentTypes = protobuf + ",application/json"
	clients, err := kubernetes.NewForConfig(typed)
	if err != nil {
		return nil, err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "programs-"}}
	namespace, err = clients.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
	if err != nil {
		return nil, err
	}
	g := &ground{config: config, clients: clients, dynamic: dynamicClient, namespace: namespace.Name}
	return g, g.eventually(ctx, "the namespace has its service account", func() error {
		_, err := clients.CoreV1().ServiceAccounts(g.namespace).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// as is the configuration of a program that impersonates.
func (g *ground) as(impersonate rest.ImpersonationConfig) *kubernetes.Clientset {
	config := rest.CopyConfig(g.config)
	config.Impersonate = impersonate
	return kubernetes.NewForConfigOrDie(config)
}

// eventually waits until there is no error any more, and gives the last one when that takes too long.
func (g *ground) eventually(ctx context.Context, what string, look func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, tick, patience, true, func(context.Context) (bool, error) {
		last = look()
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("never: %s: %w", what, last)
	}
	return nil
}

// gone waits until a get answers that there is no such object.
func (g *ground) gone(ctx context.Context, what string, get func() error) error {
	return g.eventually(ctx, what+" is gone", func() error {
		if err := get(); !apierrors.IsNotFound(err) {
			return fmt.Errorf("getting it says: %v", err)
		}
		return nil
	})
}

// refused says what is wrong unless an error is of the kind that must come.
func refused(what string, err error, is func(error) bool) error {
	if err == nil {
		return fmt.Errorf("%s was not refused", what)
	}
	if !is(err) {
		return fmt.Errorf("%s was refused otherwise: %T %w", what, err, err)
	}
	return nil
}

// equal says what is wrong unless two values are the same.
func equal[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, not %v", what, got, want)
	}
	return nil
}

// first is the first error of several findings.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func join(topics ...[]check) (all []check) {
	for _, topic := range topics {
		all = append(all, topic...)
	}
	return all
}

func pointer[T any](value T) *T { return &value }
