package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record"
)

// eventChecks are about telling people what happens.
var eventChecks = []check{
	{"events: a recorder writes one, and counts its repetitions", recorder},
	{"events: a recorder of events.k8s.io writes a series", newRecorder},
	{"events: both groups show the same events", sameEvents},
}

func recorder(ctx context.Context, g *ground) error {
	object, err := g.clients.CoreV1().ConfigMaps(g.namespace).Create(ctx, named(configMap(), "one"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: g.clients.CoreV1().Events("")})
	recorder := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "programs"})
	for range 3 {
		recorder.AnnotatedEventf(object, map[string]string{"note": "1"}, corev1.EventTypeWarning, "Failed", "it failed: %d", 7)
	}
	return g.eventually(ctx, "the event is counted", func() error {
		found, err := g.clients.CoreV1().Events(g.namespace).Search(scheme.Scheme, object)
		if err != nil {
			return err
		}
		if len(found.Items) != 1 || found.Items[0].Count != 3 || found.Items[0].Message != "it failed: 7" {
			return errors.New("the events are " + text(found.Items))
		}
		return nil
	})
}

func newRecorder(ctx context.Context, g *ground) error {
	object, err := g.clients.CoreV1().ConfigMaps(g.namespace).Create(ctx, named(configMap(), "one"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: g.clients.EventsV1()})
	defer broadcaster.Shutdown()
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return err
	}
	recorder := broadcaster.NewRecorder(scheme.Scheme, "example.com/programs")
	for range 3 {
		recorder.Eventf(object, nil, corev1.EventTypeNormal, "Looked", "Looking", "it looked")
	}
	return g.eventually(ctx, "the event is a series", func() error {
		found, err := g.clients.EventsV1().Events(g.namespace).List(ctx, metav1.ListOptions{FieldSelector: "regarding.name=one"})
		if err != nil {
			return err
		}
		if len(found.Items) != 1 || found.Items[0].Series == nil || found.Items[0].Series.Count < 2 {
			return errors.New("the events are " + text(found.Items))
		}
		return nil
	})
}

func sameEvents(ctx context.Context, g *ground) error {
	created, err := g.clients.CoreV1().Events(g.namespace).Create(ctx, named(event(g.namespace), "one"), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	other, err := g.clients.EventsV1().Events(g.namespace).Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	err = first(
		equal("its uid", other.UID, created.UID),
		equal("its note", other.Note, created.Message),
		equal("what it regards", other.Regarding.Name, created.InvolvedObject.Name),
		equal("its old source", other.DeprecatedSource.Component, "programs"),
		equal("its old count", other.DeprecatedCount, 1),
	)
	if err != nil {
		return err
	}
	invalid := &eventsv1.Event{ObjectMeta: metav1.ObjectMeta{Name: "two"}, Note: "nobody reported it"}
	_, err = g.clients.EventsV1().Events(g.namespace).Create(ctx, invalid, metav1.CreateOptions{})
	if err == nil {
		return fmt.Errorf("an event that nobody reported was not refused")
	}
	return nil
}
