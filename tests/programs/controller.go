package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	controllerruntime "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	runtimeclient "sigs.k8s.io/controller-runtime/pkg/client"
	runtimeconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// controllerChecks are about controllers built with controller-runtime.
var controllerChecks = []check{
	{"controller-runtime: a manager leads, and reconciles a kind of its own to its end", reconciles},
	{"controller-runtime: a client without a cache reads, applies and writes the status", plainClient},
}

func init() { log.SetLogger(klog.Background()) }

// Garden is the kind that [gardens] defines.
type Garden struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`
	Spec              GardenSpec   `json:"spec,omitempty"`
	Status            GardenStatus `json:"status,omitempty"`
}

// GardenSpec is what a garden should be.
type GardenSpec struct {
	Size int32 `json:"size,omitempty"`
}

// GardenStatus is what a garden is.
type GardenStatus struct {
	Size               int32              `json:"size,omitempty"`
	ObservedGeneration int64              `json:"observedGeneration,omitempty"`
	Conditions         []metav1.Condition `json:"conditions,omitempty"`
}

// GardenList is a list of gardens.
type GardenList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Garden `json:"items"`
}

// DeepCopyObject is a copy that shares nothing.
func (g *Garden) DeepCopyObject() runtime.Object {
	copied := *g
	copied.ObjectMeta = *g.ObjectMeta.DeepCopy()
	copied.Status.Conditions = append([]metav1.Condition(nil), g.Status.Conditions...)
	return &copied
}

// DeepCopyObject is a copy that shares nothing.
func (l *GardenList) DeepCopyObject() runtime.Object {
	copied := *l
	copied.ListMeta = *l.ListMeta.DeepCopy()
	copied.Items = nil
	for i := range l.Items {
		copied.Items = append(copied.Items, *l.Items[i].DeepCopyObject().(*Garden))
	}
	return &copied
}

func gardenScheme(version schema.GroupVersion) (*runtime.Scheme, error) {
	known := runtime.NewScheme()
	if err := scheme.AddToScheme(known); err != nil {
		return nil, err
	}
	known.AddKnownTypes(version, &Garden{}, &GardenList{})
	metav1.AddToGroupVersion(known, version)
	return known, nil
}

const gardenFinalizer = "example.com/garden"

// gardener gives each garden a ConfigMap that tells its size, and a Secret that outlives neither.
type gardener struct {
	runtimeclient.Client
	recorder events.EventRecorder
}

// Reconcile is what a controller of this kind commonly does.
func (r *gardener) Reconcile(ctx context.Context, request controllerruntime.Request) (controllerruntime.Result, error) {
	var none controllerruntime.Result
	garden := &Garden{}
	if err := r.Get(ctx, request.NamespacedName, garden); err != nil {
		return none, runtimeclient.IgnoreNotFound(err)
	}
	fence := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: garden.Namespace, Name: garden.Name + "-fence"}}
	if !garden.DeletionTimestamp.IsZero() {
		if err := runtimeclient.IgnoreNotFound(r.Delete(ctx, fence)); err != nil {
			return none, err
		}
		if controllerutil.RemoveFinalizer(garden, gardenFinalizer) {
			return none, runtimeclient.IgnoreNotFound(r.Update(ctx, garden))
		}
		return none, nil
	}
	before := garden.DeepCopyObject().(*Garden)
	if controllerutil.AddFinalizer(garden, gardenFinalizer) {
		return none, r.Patch(ctx, garden, runtimeclient.MergeFrom(before))
	}
	_, err := controllerutil.CreateOrUpdate(ctx, r.Client, fence, func() error {
		fence.Data = map[string][]byte{"size": []byte(fmt.Sprint(garden.Spec.Size))}
		return nil
	})
	if err != nil {
		return none, err
	}
	plan := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: garden.Namespace, Name: garden.Name + "-plan"}}
	result, err := controllerutil.CreateOrPatch(ctx, r.Client, plan, func() error {
		plan.Data = map[string]string{"size": fmt.Sprint(garden.Spec.Size)}
		return controllerutil.SetControllerReference(garden, plan, r.Scheme())
	})
	if err != nil {
		return none, err
	}
	if result != controllerutil.OperationResultNone {
		r.recorder.Eventf(garden, plan, corev1.EventTypeNormal, "Planned", "Plan", "the plan was %s", result)
	}
	garden.Status.Size, garden.Status.ObservedGeneration = garden.Spec.Size, garden.Generation
	meta.SetStatusCondition(&garden.Status.Conditions, metav1.Condition{
		Type: "Ready", Status: metav1.ConditionTrue, Reason: "Planned", Message: "it grows", ObservedGeneration: garden.Generation})
	return none, r.Status().Patch(ctx, garden, runtimeclient.MergeFromWithOptions(before, runtimeclient.MergeFromWithOptimisticLock{}))
}

func reconciles(ctx context.Context, g *ground) error {
	kind, drop, err := define(ctx, g)
	defer drop()
	if err != nil {
		return err
	}
	known, err := gardenScheme(kind.GroupVersion())
	if err != nil {
		return err
	}
	manager, err := controllerruntime.NewManager(g.config, controllerruntime.Options{
		Scheme: known, Metrics: server.Options{BindAddress: "0"},
		Cache:          cache.Options{DefaultNamespaces: map[string]cache.Config{g.namespace: {}}},
		Controller:     runtimeconfig.Controller{SkipNameValidation: pointer(true)},
		LeaderElection: true, LeaderElectionID: "gardener", LeaderElectionNamespace: g.namespace, LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return err
	}
	err = controllerruntime.NewControllerManagedBy(manager).Named("gardener").For(&Garden{}).Owns(&corev1.ConfigMap{}).
		Complete(&gardener{Client: manager.GetClient(), recorder: manager.GetEventRecorder("gardener")})
	if err != nil {
		return err
	}
	managing, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(managing) }()
	if err := season(ctx, g, manager.GetAPIReader(), manager.GetClient()); err != nil {
		return err
	}
	stop()
	select {
	case err := <-ended:
		return err
	case <-time.After(20 * time.Second):
		return errors.New("the manager does not end")
	}
}

// season is what befalls a garden.
func season(ctx context.Context, g *ground, reader runtimeclient.Reader, client runtimeclient.Client) error {
	at := func(name string) runtimeclient.ObjectKey {
		return runtimeclient.ObjectKey{Namespace: g.namespace, Name: name}
	}
	garden := &Garden{ObjectMeta: metav1.ObjectMeta{Namespace: g.namespace, Name: "one"}, Spec: GardenSpec{Size: 2}}
	if err := client.Create(ctx, garden); err != nil {
		return err
	}
	plan := &corev1.ConfigMap{}
	grown := func(size int32) func() error {
		return func() error {
			if err := reader.Get(ctx, at("one"), garden); err != nil {
				return err
			}
			if !meta.IsStatusConditionTrue(garden.Status.Conditions, "Ready") || garden.Status.ObservedGeneration != garden.Generation {
				return errors.New("it is not ready: " + text(garden))
			}
			if err := reader.Get(ctx, at("one-plan"), plan); err != nil {
				return err
			}
			return first(
				equal("the size in its status", garden.Status.Size, size),
				equal("the size in its plan", plan.Data["size"], fmt.Sprint(size)),
				equal("whether it owns its plan", metav1.IsControlledBy(plan, garden), true),
			)
		}
	}
	if err := g.eventually(ctx, "the garden is ready", grown(2)); err != nil {
		return err
	}
	before := garden.DeepCopyObject().(*Garden)
	garden.Spec.Size = 5
	if err := client.Patch(ctx, garden, runtimeclient.MergeFrom(before)); err != nil {
		return err
	}
	if err := g.eventually(ctx, "the garden is ready after a change", grown(5)); err != nil {
		return err
	}
	plan.Data["size"] = "stolen"
	if err := client.Update(ctx, plan); err != nil {
		return err
	}
	if err := g.eventually(ctx, "the plan is as it was", grown(5)); err != nil {
		return err
	}
	if err := client.Delete(ctx, plan); err != nil {
		return err
	}
	if err := g.eventually(ctx, "the plan is there again", grown(5)); err != nil {
		return err
	}
	err := g.eventually(ctx, "there are events", func() error {
		found, err := g.clients.EventsV1().Events(g.namespace).List(ctx, metav1.ListOptions{FieldSelector: "regarding.name=one,reason=Planned"})
		if err == nil && len(found.Items) == 0 {
			err = errors.New("there are none")
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := client.Delete(ctx, garden); err != nil {
		return err
	}
	for name, object := range map[string]runtimeclient.Object{"one": garden, "one-fence": &corev1.Secret{}, "one-plan": plan} {
		err := g.gone(ctx, name, func() error { return reader.Get(ctx, at(name), object) })
		if err != nil {
			return err
		}
	}
	return nil
}

func plainClient(ctx context.Context, g *ground) error {
	kind, drop, err := define(ctx, g)
	defer drop()
	if err != nil {
		return err
	}
	known, err := gardenScheme(kind.GroupVersion())
	if err != nil {
		return err
	}
	client, err := runtimeclient.New(g.config, runtimeclient.Options{Scheme: known})
	if err != nil {
		return err
	}
	client = runtimeclient.WithFieldOwner(client, "gardener")
	sent := garden(kind, "one", map[string]any{"size": int64(4)})
	sent.SetNamespace(g.namespace)
	if err := client.Apply(ctx, runtimeclient.ApplyConfigurationFromUnstructured(sent)); err != nil {
		return err
	}
	got := &Garden{}
	if err := client.Get(ctx, runtimeclient.ObjectKeyFromObject(sent), got); err != nil {
		return err
	}
	got.Status = GardenStatus{Size: 4, Conditions: []metav1.Condition{{
		Type: "Ready", Status: metav1.ConditionFalse, Reason: "New", LastTransitionTime: metav1.Now()}}}
	if err := client.Status().Update(ctx, got); err != nil {
		return err
	}
	list := &GardenList{}
	if err := client.List(ctx, list, runtimeclient.InNamespace(g.namespace), runtimeclient.MatchingFields{"metadata.name": "one"}); err != nil {
		return err
	}
	if len(list.Items) != 1 || len(list.Items[0].Status.Conditions) != 1 || list.Items[0].Spec.Size != 4 {
		return errors.New("the list is " + text(list))
	}
	return client.DeleteAllOf(ctx, &Garden{}, runtimeclient.InNamespace(g.namespace))
}
